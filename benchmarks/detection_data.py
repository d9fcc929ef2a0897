"""What ``detection.py`` measures on: real data, and the wrong labels in them.

Labels are wrong in one of five ways: replaced by any other class, by the class that is most like
it, where a forest is unsure, by real people or by real labelling rules, and not at all.
"""

import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import cross_val_predict, train_test_split
from sklearn.preprocessing import OneHotEncoder

from sklearn_difficulty.datasets import confuse_labels, flip_labels, flip_unsure_labels

ROOT = Path(__file__).resolve().parents[1]
DATA_DIR = ROOT.parent / "shared" / "data"

# Rows of the larger tables that are trained on; the others are the test data.
MOST_ROWS = 10_000
TEST_SHARE = 0.25
MOST_WORDS = 2_000
# Pixels of street scenes, each with those around it; blood cells are brought to one size.
MOST_TEST_PIXELS, PATCH = 5_000, 5
CELL_SIZE = 16


class Data(NamedTuple):
    """Rows with labels that are taken for right, and more of them to test on.

    Attributes
    ----------
    X, y : ndarray of shape (n, ...), ndarray of int of shape (n,)
        Rows, and their labels as the numbers 0 to k-1.
    X_test, y_test : ndarray
        The same, to judge models by.
    given : mapping of str to ndarray of int of shape (n,)
        Labels that people or rules gave to the same rows, some of them wrong.
    """

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    given: Mapping[str, np.ndarray] = {}


def from_sklearn(load: Callable[..., tuple[np.ndarray, np.ndarray]]) -> Data:
    """Load a table of scikit-learn; a quarter of it is for testing."""
    X, y = load(return_X_y=True)
    return _split(X.astype(np.float32), y)


def fashion(data_dir: Path) -> Data:
    """Load Fashion-MNIST: 10,000 images to train on, 2,000 to test on."""
    return _images(data_dir / "fashion_mnist_12k.npz")


def mnist(data_dir: Path) -> Data:
    """Load MNIST: 5,000 images to train on, 10,000 to test on."""
    return _images(data_dir / "mnist_15k.npz")


def cifar(data_dir: Path) -> Data:
    """Load CIFAR-10N: 4,000 colour images with the labels that people gave, 1,000 to test on."""
    with np.load(_existing(data_dir / "cifar10n_10k_a.npz")) as arrays:
        X = np.ascontiguousarray(arrays["X"].transpose(0, 3, 1, 2), dtype=np.float32) / 255
        y = arrays["clean"].astype(np.int64)
        given = {
            "aggregate": arrays["aggre"].astype(np.int64),
            "random": arrays["random"][:, 0].astype(np.int64),
            "worse": arrays["worse"].astype(np.int64),
        }
    train, test = train_test_split(np.arange(len(y)), test_size=0.2, stratify=y, random_state=0)
    given = {name: labels[train] for name, labels in given.items()}
    return Data(X[train], y[train], X[test], y[test], given)


def letter(data_dir: Path) -> Data:
    """Load the letters: 26 classes, 16 features, 10,000 of the 20,000 rows to train on."""
    frame = pd.read_csv(_existing(data_dir / "letter.csv.gz"))
    y = np.unique(frame.pop("letter"), return_inverse=True)[1]
    return _split(frame.to_numpy(np.float32), y)


def adult(data_dir: Path) -> Data:
    """Load the census: 10,000 of the 32,561 rows to train on, one column for each category."""
    frame = pd.read_csv(_existing(data_dir / "adult.csv.gz"), skipinitialspace=True)
    y = np.unique(frame.pop("salary"), return_inverse=True)[1]
    encode = make_column_transformer(
        (
            OneHotEncoder(sparse_output=False, min_frequency=20, handle_unknown="ignore"),
            make_column_selector(dtype_exclude=np.number),
        ),
        remainder="passthrough",
    )
    return _split(encode.fit_transform(frame).astype(np.float32), y)


def sms(data_dir: Path) -> Data:
    """Load the short messages, spam or not, as TF-IDF."""
    frame = pd.read_csv(_existing(data_dir / "sms_spam.csv.gz"))
    return _split(_tfidf(frame["text"]), np.unique(frame["label"], return_inverse=True)[1])


def youtube(data_dir: Path) -> Data:
    """Load the comments as TF-IDF; a majority of ten labelling rules gave them labels.

    Rows on which no rule had an opinion, or as many one as the other, are left out.
    """
    frame = pd.read_csv(_existing(data_dir / "youtube_weak.csv.gz"))
    judged = frame["majority"].to_numpy() >= 0
    X, y = _tfidf(frame["text"])[judged], frame["label"].to_numpy()[judged]
    rules = frame["majority"].to_numpy()[judged]
    train, test = train_test_split(
        np.arange(len(y)), test_size=TEST_SHARE, stratify=y, random_state=0
    )
    return Data(X[train], y[train], X[test], y[test], {"rules": rules[train]})


def diabetes(data_dir: Path) -> Data:
    """Load scikit-learn's diabetes: how far it has gone after a year, in three equal parts."""
    X, progress = load_diabetes(return_X_y=True)
    return _split(
        X.astype(np.float32), np.searchsorted(np.quantile(progress, (1 / 3, 2 / 3)), progress)
    )


def emotions(data_dir: Path) -> Data:
    """Load the music: of its six labels the one that is nearest to half of the rows."""
    with np.load(_existing(data_dir / "emotions.npz")) as arrays:
        X, y, X_test, y_test = (
            arrays[f"{part}_{name}"] for part in ("train", "test") for name in "XY"
        )
    label = np.abs(y.mean(axis=0) - 0.5).argmin()
    return Data(X, y[:, label].astype(np.int64), X_test, y_test[:, label].astype(np.int64))


def wine_colors(data_dir: Path) -> Data:
    """Load the wines of the quality data: red or white."""
    frame = pd.read_csv(_existing(data_dir / "wine_quality.csv.gz")).drop(columns="quality")
    y = frame.pop("is_red").to_numpy(np.int64)
    return _split(frame.to_numpy(np.float32), y)


def wine_grades(data_dir: Path) -> Data:
    """Load the same wines: of grade 5 or less, 6, 7 or more."""
    frame = pd.read_csv(_existing(data_dir / "wine_quality.csv.gz"))
    y = np.searchsorted((5.5, 6.5), frame.pop("quality"))
    return _split(frame.to_numpy(np.float32), y)


def pixels(data_dir: Path) -> Data:
    """Load pixels of street scenes: eleven classes, colours around them and where they are."""
    with np.load(_existing(data_dir / "camvid_120x160.npz")) as arrays:
        train, test = (
            _pixels_of(arrays[f"{part}_X"], arrays[f"{part}_Y"], n_pixels)
            for part, n_pixels in (("train", MOST_ROWS), ("test", MOST_TEST_PIXELS))
        )
    return Data(*train, *test)


def _pixels_of(images: np.ndarray, masks: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw pixels that have a class and are not at the rim."""
    around = PATCH // 2
    inner = masks[:, around:-around, around:-around]
    places = np.argwhere(inner < inner.max())  # the last one stands for no class
    places = places[np.random.RandomState(0).choice(len(places), n, replace=False)]
    image, row, column = places.T
    offsets = range(PATCH)
    colors = [images[image, row + i, column + j] / 255 for i in offsets for j in offsets]
    X = np.column_stack([*colors, row / inner.shape[1], column / inner.shape[2]])
    return X.astype(np.float32), inner[image, row, column].astype(np.int64)


def cells(data_dir: Path) -> Data:
    """Load the blood cells, cut out: red or white ones or platelets, most of them red."""
    with np.load(_existing(data_dir / "bccd_120x160.npz")) as arrays:
        images, y = arrays["X"], arrays["box_class"].astype(np.int64)
        image, boxes = arrays["box_image"], arrays["box_xyxy"]
    steps = (np.arange(CELL_SIZE) + 0.5) / CELL_SIZE
    corners = boxes[:, :, None]
    columns = (corners[:, 0] + steps * (corners[:, 2] - corners[:, 0])).astype(int)
    rows = (corners[:, 1] + steps * (corners[:, 3] - corners[:, 1])).astype(int)
    rows = rows.clip(0, images.shape[1] - 1)[:, :, None]
    columns = columns.clip(0, images.shape[2] - 1)[:, None]
    X = images[image[:, None, None], rows, columns].transpose(0, 3, 1, 2)
    return _split(np.ascontiguousarray(X, dtype=np.float32) / 255, y)


def _split(X: np.ndarray, y: np.ndarray) -> Data:
    size = max(TEST_SHARE, 1 - MOST_ROWS / len(y))
    X, X_test, y, y_test = train_test_split(X, y, test_size=size, stratify=y, random_state=0)
    return Data(X, y, X_test, y_test)


def _images(file: Path) -> Data:
    with np.load(_existing(file)) as arrays:
        return Data(*(_pixels(arrays[name]) for name in ("train_X", "train_y", "test_X", "test_y")))


def _pixels(array: np.ndarray) -> np.ndarray:
    if array.ndim == 1:
        return array.astype(np.int64)
    return (array.reshape(len(array), -1) / 255).astype(np.float32)


def _tfidf(texts: pd.Series) -> np.ndarray:
    words = TfidfVectorizer(max_features=MOST_WORDS, sublinear_tf=True).fit_transform(texts)
    return words.toarray().astype(np.float32)


def _existing(file: Path) -> Path:
    if not file.is_file():
        raise FileNotFoundError(
            f"the folder {os.path.relpath(file.parent)} does not hold {file.name}. "
            "Name the folder that does with --data-dir."
        )
    return file


LOADERS: dict[str, Callable[[Path], Data]] = {
    "iris": lambda data_dir: from_sklearn(load_iris),
    "wine": lambda data_dir: from_sklearn(load_wine),
    "breast_cancer": lambda data_dir: from_sklearn(load_breast_cancer),
    "digits": lambda data_dir: from_sklearn(load_digits),
    "fashion": fashion,
    "mnist": mnist,
    "letter": letter,
    "adult": adult,
    "sms": sms,
    "cifar": cifar,
    "youtube": youtube,
    "diabetes": diabetes,
    "emotions": emotions,
    "colors": wine_colors,
    "grades": wine_grades,
    "pixels": pixels,
    "cells": cells,
}
# Nothing in this package was chosen with a look at these.
HELD_OUT = ("diabetes", "emotions", "colors", "grades", "pixels", "cells")
PLANTED = ("uniform-20", "uniform-40", "pairs-20", "unsure-20", "clean")
NOISES = dict.fromkeys(LOADERS, PLANTED) | {
    "cifar": ("aggregate", "random", "worse", "clean"),
    "youtube": ("rules", "clean"),
}
ALL_PAIRS = [f"{name}-{noise}" for name, noises in NOISES.items() for noise in noises]
HELD_OUT_PAIRS = [pair for pair in ALL_PAIRS if pair.split("-")[0] in HELD_OUT]
PAIRS = [pair for pair in ALL_PAIRS if pair not in HELD_OUT_PAIRS]
# Tables on which forests are hard to beat.
SMALL_TABLES = ("iris", "wine", "breast_cancer", "digits", "diabetes", "emotions")


@cache
def load(name: str, data_dir: Path = DATA_DIR) -> Data:
    """Load data.

    Parameters
    ----------
    name : str
        Key of ``LOADERS``.
    data_dir : Path
        Folder of the data that do not come with scikit-learn.

    Raises
    ------
    FileNotFoundError
        If they are not there.
    """
    return LOADERS[name](data_dir)


@cache
def reference_proba(name: str, data_dir: Path = DATA_DIR) -> np.ndarray:
    """How probable a forest that never saw a row holds each class; trained on right labels."""
    data = load(name, data_dir)
    forest = RandomForestClassifier(200, random_state=0)
    X = data.X.reshape(len(data.X), -1)
    return cross_val_predict(forest, X, data.y, cv=5, method="predict_proba")


def given_labels(name: str, noise: str, seed: int, data_dir: Path = DATA_DIR) -> np.ndarray:
    """Labels with errors.

    Parameters
    ----------
    name : str
        Key of ``LOADERS``.
    noise : str
        One of ``NOISES[name]``. ``"pairs-20"`` takes a fifth of each class for the class that the
        reference forest takes it for most often; ``"unsure-20"`` replaces the labels of rows with
        a probability in proportion to that of all other classes, by one of those.
    seed : int
        Of the errors; those of people and rules are always the same.
    data_dir : Path
        Folder of the data that do not come with scikit-learn.

    Returns
    -------
    ndarray of int of shape (n,)
        Labels.
    """
    data = load(name, data_dir)
    if noise in data.given:
        return data.given[noise]
    if noise == "clean":
        return data.y
    if noise.startswith("uniform-"):
        return flip_labels(data.y, int(noise.removeprefix("uniform-")) / 100, random_state=seed)[0]
    proba = reference_proba(name, data_dir)
    if noise == "unsure-20":
        return flip_unsure_labels(data.y, proba, 0.2, random_state=seed)[0]
    if noise == "pairs-20":
        taken_for = np.stack([proba[data.y == k].mean(axis=0) for k in range(proba.shape[1])])
        np.fill_diagonal(taken_for, -1.0)
        confusions = dict(enumerate(taken_for.argmax(axis=1).tolist()))
        return confuse_labels(data.y, confusions, rate=0.2, random_state=seed)[0]
    raise ValueError(f"noise must be one of {NOISES[name]}; got {noise!r}.")
