"""How far the score of a sample would move if the trainings were repeated."""

import warnings
from typing import Any

import numpy as np

from sklearn_difficulty._asked import ResolvedScore
from sklearn_difficulty.exceptions import MissingRecordsWarning
from sklearn_difficulty.scores._over_runs import EachRun, mean_of_known
from sklearn_difficulty.trajectory import Trajectory


def standard_error(
    score: ResolvedScore,
    trajectory: Trajectory,
    *,
    models_per_run: int = 1,
    in_window: bool = False,
    **options: Any,
) -> np.ndarray:
    """Standard error of a score from records, over the runs.

    Parameters
    ----------
    score : ResolvedScore
        What is computed.
    trajectory : Trajectory
        Path of several runs.
    models_per_run : int, default=1
        How many runs of the trajectory belong together and count as one.
    in_window : bool, default=False
        Whether the trajectory is cut to the window of the score already.
    **options : object
        Options in place of, or besides, those of the score.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        For a mean over runs, the standard deviation of the runs' values over the root of their
        number. For a score of all runs together, the jackknife's: from its values with each run
        left out. NaN where fewer than two runs have a value.
    """
    groups = np.arange(trajectory.n_runs).reshape(-1, models_per_run)
    left_out = score.entry.over_runs == "joint"
    values = []
    every = np.arange(len(groups))
    for number in every:
        numbers = np.delete(every, number) if left_out else every[[number]]
        chosen = groups[numbers].ravel()
        given = {**score.options, **options}
        own = {
            # A matrix of classes may have the shape of runs and steps by chance.
            name: value
            if score.is_listed and name != "dt" and not isinstance(value, EachRun)
            else _of_runs(value, numbers, chosen, trajectory)
            for name, value in given.items()
        }
        part = trajectory.select(runs=chosen)
        with warnings.catch_warnings():
            # A row that a single run did not record is no matter while others did.
            warnings.simplefilter("ignore", MissingRecordsWarning)
            values.append(score.of_window(part, **own) if in_window else score.of(part, **own))
    return over_runs(np.stack(values), jackknife=left_out)


def over_runs(values: np.ndarray, *, jackknife: bool = False) -> np.ndarray:
    """Standard error from the values of each run, or with each run left out.

    Parameters
    ----------
    values : ndarray of shape (n_runs, n_samples)
        The values, NaN where there is none.
    jackknife : bool, default=False
        Whether they are those with a run left out.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        NaN where there are fewer than two values.
    """
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    enough = count > 1
    squares = np.where(known, (values - mean_of_known(values)) ** 2, 0.0).sum(axis=0)
    errors = np.full(values.shape[1], np.nan)
    divisor = count / np.maximum(count - 1, 1) if jackknife else count * (count - 1)
    np.divide(squares, divisor, out=errors, where=enough)
    return np.sqrt(errors)


def _of_runs(value: Any, groups: np.ndarray, runs: np.ndarray, trajectory: Trajectory) -> Any:
    """An option for some of the runs: lengths of steps may be given for each run."""
    if isinstance(value, EachRun):
        return EachRun(value[group] for group in groups)
    if isinstance(value, list | tuple | np.ndarray):
        array = np.asarray(value)
        if array.shape == trajectory.loss.shape[:2] and trajectory.n_runs > 1:
            return array[runs]
    return value
