"""Real data with planted errors, quick scorers, and a learner that keeps what it was shown."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import SGDClassifier
from sklearn.preprocessing import scale

from sklearn_difficulty import DifficultyScorer, MislabelFilter, TrackedNetClassifier


class Noisy(NamedTuple):
    """A real table with planted label errors; rows in mixed order."""

    X: np.ndarray
    """Scaled columns, float64."""
    y: np.ndarray
    """Labels with the errors."""
    wrong: np.ndarray
    """True for rows with an error, one in ten."""


def _noisy(load: Callable[..., Any]) -> Noisy:
    X, y = load(return_X_y=True)
    rng = np.random.RandomState(0)
    order = rng.permutation(len(y))
    X, y = scale(X[order]), y[order]
    wrong = np.zeros(len(y), dtype=bool)
    wrong[rng.choice(len(y), len(y) // 10, replace=False)] = True
    y = np.where(wrong, (y + 1) % (y.max() + 1), y)
    return Noisy(X, y, wrong)


@pytest.fixture
def iris() -> Noisy:
    """150 rows of 4 columns, 3 classes, 15 wrong labels."""
    return _noisy(load_iris)


@pytest.fixture
def cancer() -> Noisy:
    """569 rows of 30 columns, 2 classes, 56 wrong labels."""
    return _noisy(load_breast_cancer)


class TinyNet(torch.nn.Module):
    """Logits of three classes from four columns.

    Parameters
    ----------
    hidden : int
        Width.
    """

    def __init__(self, hidden=4):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(4, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 3)
        )

    def forward(self, X):
        return self.layers(X)


def numbers_of(X):
    return (np.asarray(X)[:, -1] * 1e6).round().astype(int)


class Witness(ClassifierMixin, BaseEstimator):
    """Writes down which rows it is shown, and votes for the majority.

    Rows say which they are in their last number, in millionths, where it disturbs no training.

    Parameters
    ----------
    shown : list
        Gets (method, numbers of the rows, labels or None) for every call. It is shared by clones.
    """

    def __init__(self, shown=None):
        self.shown = shown

    def fit(self, X, y, sample_weight=None):
        self._note("fit", X, y)
        self.weights_ = sample_weight
        self.classes_, counts = np.unique(y, return_counts=True)
        self.majority_ = self.classes_[counts.argmax()]
        return self

    def predict(self, X):
        self._note("predict", X, None)
        return np.full(len(X), self.majority_)

    def _note(self, method, X, y):
        self.shown.append((method, numbers_of(X), None if y is None else np.asarray(y)))

    def __sklearn_clone__(self):
        return type(self)(self.shown)


class WitnessScorer(BaseEstimator):
    """Difficulty is the first number of a row; writes down which rows it is shown, and labels.

    Parameters
    ----------
    shown : list
        Gets ("score", numbers of the rows, labels) for every fit. It is shared by clones.
    """

    def __init__(self, shown=None):
        self.shown = shown

    def fit(self, X, y):
        self.shown.append(("score", numbers_of(X), np.asarray(y)))
        self.difficulty_ = np.asarray(X)[:, 0].astype(float)
        return self

    def __sklearn_clone__(self):
        return type(self)(self.shown)


@pytest.fixture
def shown() -> list[tuple[str, np.ndarray, np.ndarray | None]]:
    """What witnesses write down."""
    return []


@pytest.fixture
def witness(shown) -> Witness:
    """A classifier that writes down the rows it is shown."""
    return Witness(shown)


@pytest.fixture
def witness_scorer(shown) -> WitnessScorer:
    """A scorer that writes down the rows it is shown."""
    return WitnessScorer(shown)


@pytest.fixture
def scorer() -> DifficultyScorer:
    """A scorer of a linear model of five epochs."""
    return DifficultyScorer(SGDClassifier(loss="log_loss", max_iter=5, tol=None), random_state=0)


@pytest.fixture
def row_filter(scorer) -> MislabelFilter:
    """A filter that drops a tenth of the rows."""
    return MislabelFilter(scorer, threshold=0.9, random_state=0)


@pytest.fixture
def net() -> TrackedNetClassifier:
    """A skorch net of two epochs for the columns of iris."""
    return TrackedNetClassifier(
        TinyNet,
        criterion=torch.nn.CrossEntropyLoss,
        lr=0.1,
        max_epochs=2,
        batch_size=50,
        train_split=None,
        verbose=0,
    )
