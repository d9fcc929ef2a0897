"""Errors and warnings the package raises, in one place so that they can be caught by name.

All of them survive pickling, because they cross process boundaries under joblib.
"""

from functools import partial
from typing import Any

__all__ = [
    "DegenerateGradientWarning",
    "MissingRecordsWarning",
    "NonFiniteLossError",
    "NothingLearnedWarning",
    "RecordNotFoundError",
    "TiesWarning",
    "TrainSplitIgnoredWarning",
    "TrajectoryFormatError",
    "UnreducibleCriterionError",
]


class NonFiniteLossError(ValueError):
    """A loss became NaN or infinite during training.

    Parameters
    ----------
    message : str
        What happened and what to do about it.
    step : int
        Number, from 0, of the step in which the loss became NaN or infinite.
    n_rows : int
        How many rows had such a loss.
    trajectory : Trajectory or None, default=None
        The path up to the last step that was completed, None if there is none.

    Attributes
    ----------
    step, n_rows, trajectory
        As given.

    Examples
    --------
    >>> from sklearn_difficulty.exceptions import NonFiniteLossError
    >>> error = NonFiniteLossError("the loss became NaN", step=3, n_rows=12)
    >>> error.step, error.n_rows, error.trajectory
    (3, 12, None)
    """

    def __init__(
        self, message: str, *, step: int, n_rows: int, trajectory: Any | None = None
    ) -> None:
        super().__init__(message)
        self.step = step
        self.n_rows = n_rows
        self.trajectory = trajectory

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is rebuilt from its positional arguments only; the keyword-only ones have
        # to be bound beforehand. The instance dictionary follows as state and carries notes.
        rebuild = partial(type(self), step=self.step, n_rows=self.n_rows)
        return rebuild, self.args, self.__dict__


class UnreducibleCriterionError(TypeError):
    """A criterion gives one number per batch and cannot be taken apart into per-sample losses."""


class RecordNotFoundError(ValueError):
    """A score needs a record or a snapshot that was not recorded; the message says how to."""


class TrajectoryFormatError(ValueError):
    """A saved trajectory is cut short, altered, or of another format or version."""


class TrainSplitIgnoredWarning(UserWarning):
    """The net's own ``train_split`` was set aside, so that every row is trained on and scored."""


class MissingRecordsWarning(UserWarning):
    """Some samples were not recorded; their score is NaN, or they are left out of a comparison."""


class NothingLearnedWarning(UserWarning):
    """The model says the same of every row, so that its losses tell no two rows apart."""


class DegenerateGradientWarning(UserWarning):
    """Input gradients do not depend on the input, so a gradient score says nothing about it."""


class TiesWarning(UserWarning):
    """More samples have the same extreme score than were to be chosen among."""
