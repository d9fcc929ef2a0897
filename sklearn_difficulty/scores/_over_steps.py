"""Statistics of one run's records, which may be float32 and on disk: never all read at once."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import repeat

import numpy as np

from sklearn_difficulty.trajectory import Trajectory

__all__ = [
    "completed",
    "few_at_a_time",
    "mean_over_steps",
    "path_length",
    "span_of_steps",
    "step_times",
    "variance_over_steps",
    "whether_right",
    "with_times",
]

_ONE_EACH = repeat(1.0)
_VALUES_AT_A_TIME = 2**14


def completed(trajectory: Trajectory, name: str, score: str) -> list[np.ndarray]:
    """Give a record of each run, without what stands after the end of it.

    Parameters
    ----------
    trajectory : Trajectory
        The path.
    name : str
        A record of shape (n_runs, n_steps, n_samples, ...).
    score : str
        Name of the score that needs it, for the message.

    Returns
    -------
    list of ndarray of shape (n_completed_steps, n_samples, ...)
        Views, one per run.

    Raises
    ------
    RecordNotFoundError
        If there is no such record.
    """
    trajectory.require(name, score=score)
    record = getattr(trajectory, name)
    return [record[run, :n_steps] for run, n_steps in enumerate(trajectory.n_steps)]


def few_at_a_time(n_samples: int, n_steps: int) -> Iterator[slice]:
    """Go through samples, few enough at a time that all steps of theirs stay in the cache.

    Parameters
    ----------
    n_samples, n_steps : int
        How many there are.

    Yields
    ------
    some : slice
        Of the samples.
    """
    n_at_a_time = max(_VALUES_AT_A_TIME // max(n_steps, 1), 1)
    for start in range(0, n_samples, n_at_a_time):
        yield slice(start, min(start + n_at_a_time, n_samples))


def span_of_steps(trajectory: Trajectory) -> list[np.ndarray]:
    """Give how many steps of the training each one stands for, of each run.

    Parameters
    ----------
    trajectory : Trajectory
        The path.

    Returns
    -------
    list of ndarray of shape (n_completed_steps,), float64
        ``dt["step"]``, which a path has that was replayed from the steps that were kept; else ones.
    """
    spans = trajectory.dt.get("step", np.ones(trajectory.loss.shape[:2]))
    return [spans[run, :n_steps] for run, n_steps in enumerate(trajectory.n_steps)]


def mean_over_steps(
    steps: Iterable[np.ndarray], n_samples: int, spans: Iterable[float] = _ONE_EACH
) -> np.ndarray:
    """Average over the steps in which a sample was recorded.

    Parameters
    ----------
    steps : iterable of ndarray of shape (n_samples,)
        The values step by step, NaN where a sample was not recorded.
    n_samples : int
        How many values a step has.
    spans : iterable of float, optional
        How many steps each one stands for; one by default.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The mean; NaN for samples that were recorded in no step.
    """
    total = np.zeros(n_samples)
    count = np.zeros(n_samples)
    for values, span in zip(steps, spans, strict=False):
        recorded = ~np.isnan(values)
        total += np.where(recorded, values, 0) * span
        count += recorded * span
    mean = np.full(n_samples, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean


def variance_over_steps(
    steps: Iterable[np.ndarray],
    n_samples: int,
    ddof: int = 0,
    spans: Iterable[float] = _ONE_EACH,
) -> np.ndarray:
    """Variance over the steps in which a sample was recorded.

    Parameters
    ----------
    steps : iterable of ndarray of shape (n_samples,)
        The values step by step, NaN where a sample was not recorded.
    n_samples : int
        How many values a step has.
    ddof : int, default=0
        What is taken off the number of steps before the squared deviations are divided by it.
    spans : iterable of float, optional
        How many steps each one stands for; one by default.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The variance; NaN for samples that were recorded in no more than `ddof` steps.
    """
    # Welford's update: exact for a small spread around a large mean, one step at a time.
    count = np.zeros(n_samples)
    mean = np.zeros(n_samples)
    squares = np.zeros(n_samples)
    for values, span in zip(steps, spans, strict=False):
        recorded = ~np.isnan(values)
        value = np.where(recorded, values, mean).astype(np.float64)
        count += recorded * span
        deviation = value - mean
        mean += deviation * span / np.where(count > 0, count, 1.0)
        squares += deviation * (value - mean) * span
    variance = np.full(n_samples, np.nan)
    np.divide(squares, count - ddof, out=variance, where=count > ddof)
    return variance


def whether_right(
    prediction: np.ndarray, y: np.ndarray, *, share: bool = False
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Say step by step which samples have a prediction, and which a right one.

    Parameters
    ----------
    prediction : ndarray of shape (n_steps, n_samples, ...), int
        Predicted classes of one run, -1 where there is none; of several labels, whether each is
        predicted.
    y : ndarray of shape (n_samples, ...), int
        Labels.
    share : bool, default=False
        Of several labels, say which share of them is right.

    Yields
    ------
    recorded, right : ndarray of shape (n_samples,), bool, or float with `share`
        A sample without a prediction is not right, and neither is one of whose labels any is
        wrong.
    """
    labels = tuple(range(1, y.ndim))
    together = np.mean if share else np.all
    for classes in prediction:
        yield (classes >= 0).all(axis=labels), together(classes == y, axis=labels)


def path_length(trajectory: Trajectory, run: int) -> float:
    """Length of a run in epochs, or in steps where the length of those is not known.

    Parameters
    ----------
    trajectory : Trajectory
        The path.
    run : int
        Number of the run.

    Returns
    -------
    float
        The sum of ``dt["epoch"]`` over its completed steps, or their number.
    """
    n_steps = int(trajectory.n_steps[run])
    if "epoch" not in trajectory.dt:
        return float(n_steps)
    return float(np.sum(trajectory.dt["epoch"][run, :n_steps], dtype=np.float64))


def step_times(trajectory: Trajectory) -> tuple[np.ndarray, np.ndarray]:
    """Give the times at which steps begin and end, counted from the beginning of the training.

    Parameters
    ----------
    trajectory : Trajectory
        The path.

    Returns
    -------
    begin, end : ndarray of shape (n_runs, n_steps)
        In epochs, or in steps where the length of those is not known.
    """
    if {"begin", "end"} <= trajectory.dt.keys():  # of a path that is a part of a training
        return trajectory.dt["begin"], trajectory.dt["end"]
    shape = trajectory.loss.shape[:2]
    lengths = np.asarray(trajectory.dt.get("epoch", np.ones(shape)), dtype=np.float64)
    end = np.cumsum(lengths, axis=1)
    # Not end - lengths, whose rounding would set a step apart from the end of the one before.
    return np.concatenate([np.zeros((shape[0], 1)), end[:, :-1]], axis=1), end


def with_times(trajectory: Trajectory) -> Trajectory:
    """Note when steps begin and end, so that a part of the path still tells.

    Parameters
    ----------
    trajectory : Trajectory
        The path.

    Returns
    -------
    Trajectory
        The same with ``dt["begin"]`` and ``dt["end"]``, and without other lengths of steps but
        ``dt["step"]``.
    """
    begin, end = step_times(trajectory)
    spans = {"step": trajectory.dt["step"]} if "step" in trajectory.dt else {}
    return replace(trajectory, dt={"begin": begin, "end": end, **spans})
