"""How long a training takes that is recorded."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from speed_models import CNN, MLP, bare_loop, images, net, rows
from speed_timing import Comparison, Work

from sklearn_difficulty import DifficultyScorer, TrackedNetClassifier


def comparisons(short: bool) -> Iterator[Comparison]:
    """Trainings with records, beside those without.

    Parameters
    ----------
    short : bool
        Whether to make do with fewer rows.
    """
    X, y = rows(4000 if short else 20_000)
    tracked, plain = _fit(net(MLP, TrackedNetClassifier), X, y), _fit(net(MLP), X, y)
    yield Comparison("fit of a tracked MLP", "plain skorch", 0.55, tracked, plain)
    yield Comparison("fit of DifficultyScorer(MLP)", "plain skorch", 0.55, _score(X, y), plain)
    with_pass = _bare(MLP, X, y, inference=True)
    title = "bare loop and a pass of inference"
    yield Comparison("fit of a tracked MLP", title, 1.2, tracked, with_pass)
    during = _fit(net(MLP, TrackedNetClassifier, when="during"), X, y)
    alone = _bare(MLP, X, y, inference=False)
    yield Comparison('fit of a tracked MLP, when="during"', "bare loop", 1.2, during, alone)
    X, y = images(2000 if short else 10_000)
    tracked = _fit(net(CNN, TrackedNetClassifier), X, y)
    with_pass = _bare(CNN, X, y, inference=True)
    yield Comparison("fit of a tracked CNN", title, 1.08, tracked, with_pass)


def _fit(estimator: Any, X: np.ndarray, y: np.ndarray) -> Callable[[], Work]:
    def prepare() -> Work:
        torch.manual_seed(0)
        return lambda: estimator.fit(X, y)

    return prepare


def _score(X: np.ndarray, y: np.ndarray) -> Callable[[], Work]:
    return lambda: lambda: DifficultyScorer(net(MLP), random_state=0).fit(X, y)


def _bare(module: Any, X: np.ndarray, y: np.ndarray, *, inference: bool) -> Callable[[], Work]:
    return lambda: bare_loop(module, X, y, inference=inference)
