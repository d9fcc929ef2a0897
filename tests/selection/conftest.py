"""A scorer that costs nothing and of which every number is known."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.linear_model import SGDClassifier
from sklearn.utils.validation import validate_data

from sklearn_difficulty import DifficultyScorer


class FirstColumnScorer(BaseEstimator):
    """The difficulty of a row is its first number.

    Parameters
    ----------
    sign : int
        -1 makes large numbers easy.
    log : path or None
        File that gets a line for every fit.
    error : str or None
        Message of a RuntimeError that fit raises.
    random_state : int or None
        Written to the log.
    """

    def __init__(self, sign=1, log=None, error=None, random_state=None):
        self.sign = sign
        self.log = log
        self.error = error
        self.random_state = random_state

    def fit(self, X, y):
        X, y = validate_data(self, X, y, accept_sparse="csr", allow_nd=True, dtype=np.float64)
        if self.log is not None:
            with Path(self.log).open("a") as file:
                file.write(f"{self.random_state}\n")
        if self.error is not None:
            raise RuntimeError(self.error)
        rows = X.toarray() if issparse(X) else X.reshape(len(X), -1)
        self.difficulty_ = self.sign * rows[:, 0]
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.sparse = True
        return tags


@pytest.fixture
def make_scorer() -> type[FirstColumnScorer]:
    """Class of a scorer that takes the first number of a row for its difficulty."""
    return FirstColumnScorer


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray]:
    """100 rows of 3 columns: difficulties 0 to 99 in mixed order, every fourth of class 0.

    The ten hardest rows, 90 to 99, are two of class 0, whose rows are the multiples of four
    (92 and 96), and eight of class 1.
    """
    rng = np.random.RandomState(0)
    difficulty = rng.permutation(100)
    y = (difficulty % 4 > 0).astype(int)
    X = np.column_stack([difficulty, rng.normal(size=(100, 2)) + y[:, None]]).astype(float)
    return X, y


@pytest.fixture
def count_fits(tmp_path) -> Any:
    """A log file for scorers, and a function that counts the fits in it."""
    path = tmp_path / "fits.txt"

    def count() -> int:
        return len(path.read_text().splitlines()) if path.exists() else 0

    return str(path), count


@pytest.fixture
def planted() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """120 rows of three classes far apart, their labels of which six are wrong, and the true ones.

    Wrong are two of each class, which carry the label of the next one.
    """
    rng = np.random.RandomState(0)
    names = np.array(["ant", "bee", "cat"])
    centres = np.array([[3.0, 0.0], [-3.0, 3.0], [-3.0, -3.0]])
    codes = np.arange(120) % 3
    X = centres[codes] + rng.normal(scale=0.4, size=(120, 2))
    given = codes.copy()
    given[:6] = (codes[:6] + 1) % 3
    return X, names[given], names[codes]


@pytest.fixture
def path_scorer() -> DifficultyScorer:
    """A scorer that is quickly trained and leaves a path of classes."""
    learner = SGDClassifier(loss="log_loss", alpha=0.01, max_iter=15, tol=None)
    return DifficultyScorer(learner, random_state=0)
