"""What the rest of the package asks of a kind of learner, and the task it is asked for."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sklearn_difficulty.exceptions import TrainSplitIgnoredWarning
from sklearn_difficulty.recording._snapshots import State
from sklearn_difficulty.trajectory import Trajectory


@dataclass(frozen=True)
class Task:
    """Rows to train on, rows to record, and how.

    Attributes
    ----------
    X, y : array of shape (n, ...), ndarray of shape (n,)
        Rows to train on; `y` holds class numbers 0 to k-1, or the targets of a regression.
    classes : ndarray of shape (k,) or None
        Labels that the class numbers stand for; None for a regression.
    recorded : tuple (X, y) or None
        Rows to record where they are not those that are trained on.
    snapshots : object
        Rule of the snapshots.
    max_snapshot_bytes : int
        Byte budget of this run's snapshots.
    keep : tuple of str
        Large records to make.
    """

    X: Any
    y: np.ndarray
    classes: np.ndarray | None
    recorded: tuple[Any, np.ndarray] | None = None
    snapshots: Any = "auto"
    max_snapshot_bytes: int = 2**30
    keep: tuple[str, ...] = ()

    @property
    def labels(self) -> np.ndarray:
        """Targets as the user gave them."""
        return self.y if self.classes is None else self.classes[self.y]


def warn_of_rows_held_back(estimator: Any, option: str, silence: str) -> None:
    """Say that an option is set aside which would hold rows back from training."""
    warnings.warn(
        f"{option} of {type(estimator).__name__} would hold rows back from training, and rows "
        "that were trained on cannot be ranked with rows that were not: all rows are trained "
        f"on instead. Set {silence} to silence this.",
        TrainSplitIgnoredWarning,
        stacklevel=3,
    )


class Learner(Protocol):
    """One kind of estimator that learns in steps.

    Attributes
    ----------
    takes_snapshots : bool
        Whether its steps are kept as parameter states; else the fitted model holds them.
    has_gradients : bool
        Whether it gives gradients by the input.
    """

    takes_snapshots: bool
    has_gradients: bool

    def accepts(self, estimator: Any) -> bool:
        """Whether an estimator is of this kind."""

    def most_steps(self, estimator: Any) -> int | None:
        """Number of steps unless training stops early; None where it ticks once."""

    def check(self, estimator: Any, n_models: int, n_samples: int) -> None:
        """Warn, once, of what makes the trainings of `n_models` clones other than asked for."""

    def record(
        self,
        estimator: Any,
        task: Task,
        *,
        seed: int,
        reseed: bool,
        tick: Callable[[], None],
    ) -> tuple[Any, Trajectory]:
        """Train a clone; return it and its path.

        `seed` is for all its randomness, but for ``random_state`` parameters that the user
        has set, unless `reseed`.
        """

    def class_proba(self, fitted: Any, X: Any, classes: np.ndarray) -> np.ndarray:
        """Probabilities (or scores between 0 and 1) of shape (n, classes), fully trained."""

    def replay(
        self,
        fitted: Any,
        states: Iterable[State],
        X: Any,
        y: np.ndarray,
        classes: np.ndarray | None,
    ) -> Iterator[dict[str, np.ndarray]]:
        """Records of other rows, after each step that was kept."""

    def input_gradients(
        self,
        fitted: Any,
        states: Iterable[State],
        X: Any,
        target: np.ndarray,
        classes: np.ndarray,
        output: str,
    ) -> Iterator[np.ndarray]:
        """Gradients of the target class's output by the input, after each step kept."""
