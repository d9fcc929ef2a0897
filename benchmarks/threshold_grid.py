"""What a search over thresholds costs, measured in trainings and in the time of one per fold.

GridSearchCV tries 20 thresholds of a filter in a pipeline, each on 5 folds. The scores that a
threshold cuts do not depend on it, so that one training per fold is enough: with `memory=`, and
inside one process without it too.

    python benchmarks/threshold_grid.py --repeats 5
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from label_noise import ROOT, versions
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier
from torch import nn

from sklearn_difficulty import DifficultyScorer, MislabelFilter
from sklearn_difficulty.datasets import flip_labels
from sklearn_difficulty.selection._fit_once import forget_fits

N_FOLDS = 5
THRESHOLDS = np.linspace(0.6, 0.98, 20)
BAR = 1.2


class Perceptron(nn.Sequential):
    """Two hidden layers for the 64 columns and 10 classes of digits."""

    def __init__(self, hidden: int = 256) -> None:
        super().__init__(
            nn.Linear(64, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, 10),
        )


def perceptron() -> NeuralNetClassifier:
    """Net of skorch, of a size that takes seconds on digits."""
    return NeuralNetClassifier(
        Perceptron,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        max_epochs=50,
        batch_size=64,
        train_split=None,
        verbose=0,
    )


SCORERS: dict[str, Callable[[], Any]] = {
    "net": lambda: DifficultyScorer(perceptron()),
    "default": DifficultyScorer,
    "forest": lambda: DifficultyScorer(RandomForestClassifier(500)),
}
LABELS = {
    "net": "a net of skorch, 64-256-256-10, 50 epochs with Adam",
    "default": "`DifficultyScorer()`, which sizes itself to the data",
    "forest": "`DifficultyScorer(RandomForestClassifier(500))`",
}
ONE_PER_FOLD = "one fit per fold"
GRIDS = {
    "grid, in one process": False,
    "grid, memory=, empty at first": True,
}


def make_pipeline(scorer: Any) -> Pipeline:
    """Scale, filter, classify."""
    return Pipeline(
        [
            ("scale", StandardScaler()),
            ("filter", MislabelFilter(scorer, threshold=0.8, random_state=0)),
            ("classify", LogisticRegression(max_iter=200)),
        ]
    )


@contextmanager
def counted_trainings() -> Iterator[Callable[[], int]]:
    """Count the fits of scorers inside the block."""
    fit = DifficultyScorer.fit
    with patch.object(DifficultyScorer, "fit", autospec=True, side_effect=fit) as counting:
        yield lambda: int(counting.call_count)


def one_per_fold(pipe: Pipeline, X: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Fit a pipeline once per fold.

    Parameters
    ----------
    pipe : Pipeline
        Of :func:`make_pipeline`.
    X, y : ndarray of shape (n, n_features), ndarray of shape (n,)
        Rows and labels.

    Returns
    -------
    dict
        Trainings of the scorer, and seconds.
    """
    forget_fits()
    with counted_trainings() as count:
        start = time.perf_counter()
        for train, _ in StratifiedKFold(N_FOLDS).split(X, y):
            clone(pipe).fit(X[train], y[train])
        return {"seconds": time.perf_counter() - start, "trainings": count()}


def grid(
    pipe: Pipeline, X: np.ndarray, y: np.ndarray, thresholds: np.ndarray, *, memory: bool
) -> dict[str, float]:
    """Search over the thresholds of a pipeline's filter.

    Parameters
    ----------
    pipe : Pipeline
        Of :func:`make_pipeline`.
    X, y : ndarray of shape (n, n_features), ndarray of shape (n,)
        Rows and labels.
    thresholds : ndarray of shape (n_candidates,)
        What to try.
    memory : bool
        Whether the filter has a memory, an empty folder, or none.

    Returns
    -------
    dict
        Trainings of the scorer, seconds without the fit of the best candidate on all rows in the
        end, and the seconds of that fit.
    """
    forget_fits()
    with tempfile.TemporaryDirectory() as folder, counted_trainings() as count:
        if memory:
            pipe = clone(pipe).set_params(filter__memory=folder)
        search = GridSearchCV(
            pipe,
            {"filter__threshold": thresholds},
            cv=StratifiedKFold(N_FOLDS),
            error_score="raise",
        )
        start = time.perf_counter()
        search.fit(X, y)
        seconds = time.perf_counter() - start - search.refit_time_
        # The last training is the one on all rows.
        return {"seconds": seconds, "trainings": count() - 1, "refit": search.refit_time_}


def run(
    name: str, n_repeats: int, thresholds: np.ndarray = THRESHOLDS, n_rows: int | None = None
) -> dict[str, dict[str, list[float]]]:
    """Measure one scorer, each way of fitting in turn.

    Parameters
    ----------
    name : {"net", "default", "forest"}
        The scorer.
    n_repeats : int
        How often to measure.
    thresholds : ndarray of shape (n_candidates,)
        What to try.
    n_rows : int or None, default=None
        Rows of the data; None is all.

    Returns
    -------
    dict
        Way -> "seconds", "trainings", "ratio" to one fit per fold and "refit" -> one value per
        repeat.
    """
    X, y = load_digits(return_X_y=True)
    given, _ = flip_labels(y, 0.2, random_state=0)
    X, given = X[:n_rows].astype(np.float32), given[:n_rows]
    pipe = make_pipeline(SCORERS[name]())
    results: dict[str, dict[str, list[float]]] = {}
    for _ in range(n_repeats):
        measured = {ONE_PER_FOLD: one_per_fold(pipe, X, given)}
        for label, memory in GRIDS.items():
            measured[label] = grid(pipe, X, given, thresholds, memory=memory)
        for label, values in measured.items():
            values["ratio"] = values["seconds"] / measured[ONE_PER_FOLD]["seconds"]
            for key, value in values.items():
                results.setdefault(label, {}).setdefault(key, []).append(value)
    return results


def table(results: dict[str, dict[str, list[float]]]) -> str:
    """Write medians as a Markdown table, ratios with the range over the repeats."""
    rows = [["", "trainings", "seconds", "times one per fold", f"at most {BAR}", "refit, seconds"]]
    for label, values in results.items():
        ratio = float(np.median(values["ratio"]))
        spread = f"{ratio:.2f} ({min(values['ratio']):.2f} to {max(values['ratio']):.2f})"
        is_grid = label != ONE_PER_FOLD
        rows.append(
            [
                label,
                f"{np.median(values['trainings']):.0f}",
                f"{np.median(values['seconds']):.2f}",
                spread if is_grid else "1",
                ("yes" if ratio <= BAR else "**no**") if is_grid else "",
                f"{np.median(values['refit']):.2f}" if is_grid else "",
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join([lines[0], rule, *lines[1:]])


def report(measured: dict[str, Any], command: str, n_repeats: int) -> str:
    """Write all tables with what they were made by, as Markdown."""
    times = "one repeat" if n_repeats == 1 else f"{n_repeats} repeats"
    parts = [
        "# What a search over thresholds costs",
        f"Written by\n\n    {command}",
        f"GridSearchCV over {len(THRESHOLDS)} thresholds and {N_FOLDS} folds of digits with 20 % "
        "wrong labels, in\n`Pipeline([StandardScaler(), MislabelFilter(scorer, random_state=0), "
        "LogisticRegression()])`,\nbeside one fit of the same pipeline on each fold. Medians over "
        f"{times}, in each of which the\nthree were timed one after the other; in brackets the "
        "range of the ratio. The grid's time includes\nits "
        f"{len(THRESHOLDS) * N_FOLDS} fits and predictions of LogisticRegression, and not the "
        "fit of the best candidate on all\nrows, which stands apart. One thread, on a machine "
        "with other work: seconds are comparable within\na table.",
    ]
    for name, results in measured.items():
        parts += [f"## {name}: {LABELS[name]}", table(results)]
    used = ", ".join(f"{name} {version}" for name, version in versions().items())
    parts.append(f"Versions: {used}.")
    return "\n\n".join(parts) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Measure what a search over thresholds costs.")
    parser.add_argument("--scorers", nargs="+", choices=SCORERS, default=list(SCORERS))
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the report there")
    arguments = parser.parse_args(argv)
    if arguments.repeats < 1:
        parser.error(f"argument --repeats: must be at least 1; got {arguments.repeats}")
    if arguments.out is not None:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
    # So small networks are slower with several threads than with one.
    torch.set_num_threads(1)
    measured = {}
    for name in arguments.scorers:
        measured[name] = run(name, arguments.repeats)
        print(f"{name}\n\n{table(measured[name])}\n", flush=True)
    if arguments.out is not None:
        command = f"python benchmarks/threshold_grid.py --scorers {' '.join(arguments.scorers)}"
        command += f" --repeats {arguments.repeats}"
        command += f" --out {os.path.relpath(arguments.out, ROOT)}"
        text = report(measured, command, arguments.repeats)
        arguments.out.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
