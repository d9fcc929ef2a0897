"""Right or wrong, run by run and step by step, of a trajectory or of an array."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from sklearn_difficulty.exceptions import MissingRecordsWarning
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["Outcomes", "StepOutcomes", "divide", "prediction_outcomes", "right_outcomes"]


class StepOutcomes(NamedTuple):
    """What came out after one step, two arrays of shape (n_runs, n_samples)."""

    values: np.ndarray
    """Right or wrong, or the predicted class."""
    recorded: np.ndarray
    """Whether there is a value at all; what `values` says elsewhere is of no account."""


class Outcomes:
    """What came out of all runs, a step at a time.

    A record may be on disk, and the steps are read one after the other, so that no more than
    one step is ever held.

    Parameters
    ----------
    shape : tuple of (int, int, int)
        Number of runs, of steps that all runs completed, and of samples.
    read : callable
        Gives the outcomes after a step, called with its number.
    asked_by : str
        Name of the function that compares them, for messages.
    """

    def __init__(
        self, shape: tuple[int, int, int], read: Callable[[int], StepOutcomes], asked_by: str
    ) -> None:
        self.n_runs, self.n_steps, self.n_samples = shape
        self._read = read
        self._asked_by = asked_by

    def steps(self, stacklevel: int = 3) -> Iterator[StepOutcomes]:
        """Give all outcomes of one step after the other.

        Parameters
        ----------
        stacklevel : int, default=3
            How far up the caller is to whom a warning points.

        Yields
        ------
        StepOutcomes
            Values, and which of them are recorded.

        Warns
        -----
        MissingRecordsWarning
            After the last step, if any were missing.
        """
        n_missing = np.zeros(self.n_steps, dtype=np.int64)
        for step in range(self.n_steps):
            outcomes = self._read(step)
            n_missing[step] = self.n_samples - outcomes.recorded.all(axis=0).sum()
            yield outcomes
        if n_missing.any():
            worst = int(n_missing.argmax())
            warnings.warn(
                f"{self._asked_by}: after {np.count_nonzero(n_missing)} of {self.n_steps} steps, "
                "some samples have no record in some run; runs are compared without them. Most "
                f"are missing after step {worst}: {n_missing[worst]} of {self.n_samples}.",
                MissingRecordsWarning,
                stacklevel=stacklevel,
            )

    def common_steps(self, stacklevel: int = 4) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give the outcomes of the samples that all runs recorded, of one step after the other.

        Parameters
        ----------
        stacklevel : int, default=4
            How far up the caller is to whom a warning points.

        Yields
        ------
        values : ndarray of shape (n_runs, n_compared)
            Values of those samples.
        compared : ndarray of shape (n_samples,), bool
            Which samples those are.

        Raises
        ------
        ValueError
            If there are none after some step.

        Warns
        -----
        MissingRecordsWarning
            After the last step, if any were left out.
        """
        for step, (values, recorded) in enumerate(self.steps(stacklevel)):
            compared = np.asarray(recorded.all(axis=0))
            if not compared.any():
                raise ValueError(
                    f"{self._asked_by} compares the samples that all {self.n_runs} runs recorded; "
                    f"after step {step} there are none. Leave out steps or runs with "
                    "trajectory.select(steps=..., runs=...)."
                )
            yield values[:, compared], compared


def right_outcomes(correct: Any, asked_by: str, *, min_runs: int = 1) -> Outcomes:
    """Read what is right and what is wrong.

    Parameters
    ----------
    correct : Trajectory or array-like of shape (n_runs, n_steps, n_samples)
        The runs. An array holds bools, or 0 and 1, and NaN where a sample was not recorded.
    asked_by : str
        Name of the function that compares them, for messages.
    min_runs : int, default=1
        How many runs it takes.

    Returns
    -------
    Outcomes
        Values are True where a prediction is the given label; with several labels for each sample,
        where all of them are.

    Raises
    ------
    RecordNotFoundError
        If a trajectory has no predictions or no labels.
    ValueError
        If an array has another shape or other values, or runs, steps or samples are missing.
    """
    if isinstance(correct, Trajectory):
        correct.require("prediction", "y", score=asked_by)
        prediction, y = correct.prediction, correct.y
        assert prediction is not None and y is not None
        return Outcomes(
            _shape_of_trajectory(correct, asked_by, min_runs),
            lambda step: StepOutcomes(
                _all_labels(prediction[:, step] == y), _all_labels(prediction[:, step] >= 0)
            ),
            asked_by,
        )
    right, recorded = _split_array(correct)
    return Outcomes(
        _checked_shape(right.shape, asked_by, min_runs),
        lambda step: StepOutcomes(right[:, step], recorded[:, step]),
        asked_by,
    )


def _all_labels(values: np.ndarray) -> np.ndarray:
    """Whether something holds for all labels of each sample, (n_runs, n_samples)."""
    return np.asarray(values.all(axis=tuple(range(2, values.ndim))))


def prediction_outcomes(trajectory: Any, asked_by: str, *, min_runs: int = 1) -> Outcomes:
    """Read the predicted classes.

    Parameters
    ----------
    trajectory : Trajectory or array-like of int of shape (n_runs, n_steps, n_samples)
        The runs; a negative number stands for no prediction.
    asked_by : str
        Name of the function that compares them, for messages.
    min_runs : int, default=1
        How many runs it takes.

    Returns
    -------
    Outcomes
        Values are class indices.

    Raises
    ------
    RecordNotFoundError
        If a trajectory has no predictions.
    TypeError
        If an array does not hold whole numbers.
    ValueError
        If an array has another shape, or runs, steps or samples are missing.
    """
    if isinstance(trajectory, Trajectory):
        trajectory.require("prediction", score=asked_by)
        prediction = trajectory.prediction
        assert prediction is not None
        if prediction.ndim > trajectory.loss.ndim:
            raise ValueError(
                f"{asked_by} compares predicted classes, one for each sample, and this trajectory "
                "has several labels for each: compare what is right, which takes all of them."
            )
        shape = _shape_of_trajectory(trajectory, asked_by, min_runs)
    else:
        prediction = np.asarray(trajectory)
        if not np.issubdtype(prediction.dtype, np.integer):
            raise TypeError(
                "predictions must be whole numbers, -1 where there is none; got "
                f"{prediction.dtype}. Encode labels with np.unique(labels, return_inverse=True)."
            )
        shape = _checked_shape(prediction.shape, asked_by, min_runs)
    return Outcomes(
        shape,
        lambda step: StepOutcomes(prediction[:, step], prediction[:, step] >= 0),
        asked_by,
    )


def divide(numerator: Any, denominator: Any, zero_division: float) -> np.ndarray:
    """Divide, and give `zero_division` where the denominator is 0.

    Parameters
    ----------
    numerator, denominator : array-like of equal shape
        The numbers.
    zero_division : float
        What to give for a division by 0.

    Returns
    -------
    ndarray, float64
        The quotients.
    """
    below = np.asarray(denominator, dtype=np.float64)
    quotient = np.full(below.shape, zero_division, dtype=np.float64)
    np.divide(numerator, below, out=quotient, where=below != 0)
    return quotient


def _split_array(correct: Any) -> tuple[np.ndarray, np.ndarray]:
    """Give what is right and what is recorded at all."""
    values = np.asarray(correct)
    if values.dtype == np.bool_:
        return values, np.ones_like(values)
    if values.dtype.kind not in "iuf":
        raise ValueError(
            "correct must be a Trajectory or an array of bools, shape (n_runs, n_steps, "
            f"n_samples); got {type(correct).__name__} of {values.dtype}."
        )
    recorded = ~np.isnan(values)
    other = recorded & (values != 0) & (values != 1)
    if other.any():
        raise ValueError(
            "correct must hold bools, or 0 and 1, and NaN for what was not recorded; got "
            f"{values[other][0]}. For predicted classes give predictions == y."
        )
    return values == 1, recorded


def _shape_of_trajectory(
    trajectory: Trajectory, asked_by: str, min_runs: int
) -> tuple[int, int, int]:
    shape = (trajectory.n_runs, int(trajectory.n_steps.min()), trajectory.n_samples)
    return _checked_shape(shape, asked_by, min_runs)


def _checked_shape(shape: tuple[int, ...], asked_by: str, min_runs: int) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise ValueError(
            f"{asked_by} needs three axes (runs, steps, samples); got shape {shape}. For a single "
            "step of each run give array[:, None]."
        )
    n_runs, n_steps, n_samples = shape
    if n_runs < min_runs or n_steps == 0 or n_samples == 0:
        raise ValueError(
            f"{asked_by} needs at least {min_runs} {'run' if min_runs == 1 else 'runs'}, a step "
            f"that all of them completed and a sample; got {n_runs} runs, {n_steps} such steps "
            f"and {n_samples} samples."
        )
    return n_runs, n_steps, n_samples
