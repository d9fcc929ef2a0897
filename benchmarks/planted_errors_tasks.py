"""What ``planted_errors.py`` measures: data, the errors in them, and what has to find them."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import planted_errors_data as data
import planted_errors_rankings as rankings
from planted_errors_nets import Effort, Found
from planted_errors_plant import (
    FAR,
    Planted,
    exchange_label_sets,
    flip_cells,
    flip_one_label,
    hide_others,
    hold_rare,
    pass_around,
    permute_targets,
    replace_targets,
    shift_targets,
)

from sklearn_difficulty.datasets import flip_labels

RATE, RARE_RATE, FLIPPED_RATE = 0.1, 0.02, 0.05
SANDAL, BAG = 5, 8


class Kind(NamedTuple):
    """A kind of error: how it is planted, and the method that is asked to find it."""

    plant: Callable[[Any, np.random.Generator], Planted]
    asked: str


class Task(NamedTuple):
    """Something to learn, some ways to make it wrong, and what finds that.

    Attributes
    ----------
    title : str
        In words, for the report.
    load : callable
        Takes the folder of the data, or None for a few generated rows.
    kinds : mapping of str to Kind
        The errors in words. The first kind is the headline of the task.
    rank : callable
        Gives rankings; see ``planted_errors_rankings.py``.
    n_seeds : int
        How many, unless told otherwise.
    """

    title: str
    load: Callable[[Path | None], Any]
    kinds: Mapping[str, Kind]
    rank: Callable[[Any, Planted, int, Effort], Iterator[Found]]
    n_seeds: int


def _wrong_targets(
    corrupt: Callable[..., np.ndarray], table: data.Table, rng: np.random.Generator
) -> Planted:
    given = corrupt(table.y, RATE, rng)
    off = np.abs(given - table.y)
    counts = {
        "rows": len(off),
        "drawn": int(RATE * len(off)),
        "wrong": int((off > 0).sum()),
        f"wrong by at least {FAR}": int((off >= FAR).sum()),
    }
    return Planted(table.X, given, off > 0, counts)


def _wrong_labels(
    corrupt: Callable[..., np.ndarray], table: data.Table, rng: np.random.Generator
) -> Planted:
    given = corrupt(table.y, RATE, rng)
    wrong = given != table.y
    counts = {
        "rows": len(wrong),
        "rows with a wrong label": int(wrong.any(axis=1).sum()),
        "labels": wrong.size,
        "wrong labels": int(wrong.sum()),
    }
    return Planted(table.X, given, wrong, counts)


def _swapped_masks(scenes: data.Scenes, rng: np.random.Generator) -> Planted:
    masks, swapped = pass_around(scenes.masks, RATE, rng)
    counts = {"images": len(swapped), "with the mask of another": int(swapped.sum())}
    return Planted(scenes.X, np.stack(masks), swapped, counts)


def _swapped_boxes(cells: data.Cells, rng: np.random.Generator) -> Planted:
    boxes, swapped = pass_around(cells.boxes, RATE, rng)
    counts = {"images": len(swapped), "with the boxes of another": int(swapped.sum())}
    return Planted(cells.X, boxes, swapped, counts)


def _hidden(table: data.Table, rng: np.random.Generator) -> Planted:
    X, hidden = hide_others(table.X, table.others, RARE_RATE, rng)
    return _outliers(X, hidden)


def _rare(number: int, table: data.Table, rng: np.random.Generator) -> Planted:
    return _outliers(*hold_rare(table.X, table.y, number, RARE_RATE, rng))


def _outliers(X: np.ndarray, outlying: np.ndarray) -> Planted:
    counts = {"images": len(X), "of the rare kind": int(outlying.sum())}
    return Planted(X, None, outlying, counts)


def _flipped(messages: data.Messages, rng: np.random.Generator) -> Planted:
    seed = int(rng.integers(2**31))
    given, wrong = flip_labels(messages.y, FLIPPED_RATE, random_state=seed)
    counts = {"messages": len(wrong), "with a wrong label": int(wrong.sum())}
    return Planted(None, given, wrong, counts)


TASKS = {
    "wine": Task(
        "Regression: wine quality, 10 % of the targets corrupted",
        data.wine,
        {
            "replaced by another grade from 3 to 9, uniformly": Kind(
                partial(_wrong_targets, replace_targets), "net, action"
            ),
            "shifted by 2 to 4, up or down": Kind(
                partial(_wrong_targets, shift_targets), "net, action"
            ),
            "permuted among the rows drawn": Kind(
                partial(_wrong_targets, permute_targets), "net, action"
            ),
        },
        rankings.rank_wines,
        3,
    ),
    "emotions": Task(
        "Several labels per row: emotions in music, 10 % flipped",
        data.emotions,
        {
            "single labels flipped": Kind(
                partial(_wrong_labels, flip_cells), "net, action of each label"
            ),
            "one label flipped in a row": Kind(
                partial(_wrong_labels, flip_one_label), "net, action"
            ),
            "all labels of another row": Kind(
                partial(_wrong_labels, exchange_label_sets), "net, action"
            ),
        },
        rankings.rank_labels,
        5,
    ),
    "scenes": Task(
        "Segmentation: CamVid street scenes, 10 % of the masks swapped",
        data.scenes,
        {"masks passed around": Kind(_swapped_masks, "sum of the parts, action")},
        rankings.rank_scenes,
        3,
    ),
    "cells": Task(
        "Detection: blood cells, 10 % of the box lists swapped",
        data.cells,
        {"box lists passed around": Kind(_swapped_boxes, "sum of the parts, action")},
        rankings.rank_cells,
        5,
    ),
    "images": Task(
        "Reconstruction without labels: Fashion-MNIST, 2 % outliers",
        data.images,
        {
            "MNIST digits among the clothes": Kind(_hidden, "autoencoder, action"),
            "bags held rare": Kind(partial(_rare, BAG), "autoencoder, action"),
            "sandals held rare": Kind(partial(_rare, SANDAL), "autoencoder, action"),
        },
        rankings.rank_images,
        3,
    ),
    "messages": Task(
        "Text: SMS, spam or not, 5 % of the labels flipped",
        data.messages,
        {"labels flipped": Kind(_flipped, "TF-IDF, default net, action")},
        rankings.rank_messages,
        5,
    ),
}
