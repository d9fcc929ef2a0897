"""What ``planted_errors.py`` plants errors in: real data, or a few generated rows in their place.

Every loader takes the folder of the data, or None for generated ones.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pandas as pd
from label_noise import ROOT
from sklearn.datasets import make_friedman1, make_multilabel_classification
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

# The examples of the gallery share their data, networks and losses with this benchmark.
sys.path.append(str(ROOT / "examples"))

from blood_cells import load_blood_cells
from street_scenes import load_street_scenes

EXAMPLES = ROOT / "examples"
N_SCENES, N_GENERATED = 90, 20
MOST_WORDS, KNOWN_WORDS, MESSAGE_LENGTH = 2_000, 4_000, 40
PADDING, UNKNOWN = 0, 1


class Table(NamedTuple):
    """Rows and what is true of them; for images, what is none of their kind as well."""

    X: np.ndarray
    y: np.ndarray
    others: np.ndarray | None = None


class Scenes(NamedTuple):
    """Images of half the size, the class of each pixel, and what stands for no class."""

    X: np.ndarray
    masks: np.ndarray
    classes: tuple[str, ...]
    void: int


class Cells(NamedTuple):
    """Images, and an array for each of them with a row for each object."""

    X: np.ndarray
    boxes: list[np.ndarray]
    classes: tuple[str, ...]


class Messages(NamedTuple):
    """Texts as weights of words and as padded numbers of words, and whether they are spam."""

    weights: np.ndarray
    ids: np.ndarray
    y: np.ndarray


def wine(folder: Path | None) -> Table:
    """Load wines, 12 features, and their grades from 3 to 9."""
    if folder is None:
        X, y = make_friedman1(120, n_features=6, random_state=0)
        grades = 3 + np.argsort(np.argsort(y)) * 7 // len(y)
        return Table(X.astype(np.float32), grades.astype(np.float64))
    frame = pd.read_csv(_existing(folder, "wine_quality.csv.gz"))
    y = frame.pop("quality").to_numpy(np.float64)
    return Table(frame.to_numpy(np.float32), y)


def emotions(folder: Path | None) -> Table:
    """Load pieces of music, 72 features, and which of six emotions each has."""
    if folder is None:
        X, Y = make_multilabel_classification(80, 8, n_classes=6, random_state=0)
        return Table(X.astype(np.float32), Y.astype(np.int64))
    with np.load(_existing(folder, "emotions.npz")) as arrays:
        X, Y = (np.concatenate([arrays[f"{part}_{a}"] for part in ("train", "test")]) for a in "XY")
    return Table(X, Y.astype(np.int64))


def scenes(folder: Path | None) -> Scenes:
    """Load street scenes as the gallery's example does."""
    with _examples_read(folder, "camvid_120x160.npz"):
        n_images = N_GENERATED if folder is None else N_SCENES
        images, masks, classes, void, _ = load_street_scenes(n_images)
    n, height, width, colours = images.shape
    images = images.reshape(n, height // 2, 2, width // 2, 2, colours).mean(axis=(2, 4))
    X = (images - images.mean(axis=(0, 1, 2))) / images.std(axis=(0, 1, 2))
    X = X.transpose(0, 3, 1, 2).astype(np.float32)
    return Scenes(X, masks[:, ::2, ::2].astype(np.int64), classes, void)


def cells(folder: Path | None) -> Cells:
    """Load blood cells as the gallery's example does."""
    with _examples_read(folder, "bccd_120x160.npz"):
        images, boxes, classes, _ = load_blood_cells()
    if folder is None:
        images, boxes = images[:N_GENERATED], boxes[:N_GENERATED]
    return Cells((images.transpose(0, 3, 1, 2) / 255).astype(np.float32), boxes, classes)


def images(folder: Path | None) -> Table:
    """Load clothes with their classes, and digits as the others, pixels in [0, 1]."""
    if folder is None:
        rng = np.random.default_rng(0)
        y = np.repeat(np.arange(10), 15)
        X = 0.5 * rng.random((10, 36))[y] + 0.5 * rng.random((150, 36))
        return Table(X.astype(np.float32), y, rng.random((20, 36), dtype=np.float32))
    clothes = _existing(folder, "fashion_mnist_12k.npz")
    with np.load(clothes) as own, np.load(_existing(folder, "mnist_15k.npz")) as others:
        X, digits = (
            (arrays["train_X"].reshape(len(arrays["train_X"]), -1) / 255).astype(np.float32)
            for arrays in (own, others)
        )
        return Table(X, own["train_y"].astype(np.int64), digits)


def messages(folder: Path | None) -> Messages:
    """Load short messages, spam or not."""
    if folder is None:
        rng = np.random.default_rng(0)
        y = np.arange(80) % 2
        texts = [" ".join(f"word{k + 20 * label}" for k in rng.integers(0, 40, 8)) for label in y]
    else:
        frame = pd.read_csv(_existing(folder, "sms_spam.csv.gz"))
        texts, y = frame["text"].tolist(), (frame["label"] == "spam").to_numpy(np.int64)
    weights = TfidfVectorizer(max_features=MOST_WORDS, sublinear_tf=True).fit_transform(texts)
    words = CountVectorizer(max_features=KNOWN_WORDS).fit(texts)
    split, numbers = words.build_analyzer(), words.vocabulary_
    ids = np.full((len(texts), MESSAGE_LENGTH), PADDING)
    for row, text in zip(ids, texts, strict=True):
        known = [numbers[w] + UNKNOWN + 1 if w in numbers else UNKNOWN for w in split(text)]
        row[: len(known)] = known[:MESSAGE_LENGTH]
    return Messages(weights.toarray().astype(np.float32), ids, y)


@contextmanager
def _examples_read(folder: Path | None, name: str) -> Iterator[None]:
    """Let the examples read from a folder; they generate what they find in none."""
    variable = "SKLEARN_DIFFICULTY_DATA"
    before = os.environ.get(variable)
    with TemporaryDirectory() as nothing:
        os.environ[variable] = nothing if folder is None else str(_existing(folder, name).parent)
        try:
            yield
        finally:
            if before is None:
                del os.environ[variable]
            else:
                os.environ[variable] = before


def _existing(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise FileNotFoundError(
            f"the folder {os.path.relpath(folder)} does not hold {name}. "
            "Name the folder that does with --data."
        )
    return folder / name
