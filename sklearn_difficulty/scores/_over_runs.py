"""The mean of a score over runs, where some samples may be missing in some of them."""

import warnings
from typing import Any

import numpy as np

from sklearn_difficulty.exceptions import MissingRecordsWarning

__all__ = ["EachRun", "mean_of_known", "mean_over_runs", "warn_of_missing"]


class EachRun(tuple[Any, ...]):
    """Values of an option for each run, so that a run that is left out takes its own along."""

    __slots__ = ()


def mean_over_runs(per_run: np.ndarray, score: str) -> np.ndarray:
    """Average over the runs in which a sample was recorded.

    Parameters
    ----------
    per_run : ndarray of shape (n_runs, n_samples), float64
        The score in each run, NaN where the sample was not recorded.
    score : str
        Name of the score, for the warning.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The mean; NaN for samples that were recorded in no run.

    Warns
    -----
    MissingRecordsWarning
        If there are such samples.
    """
    mean = mean_of_known(per_run)
    warn_of_missing(np.isnan(per_run).all(axis=0), score, stacklevel=4)
    return mean


def mean_of_known(values: np.ndarray, axis: int = 0) -> np.ndarray:
    """Average over what is known, without a warning where nothing is.

    Parameters
    ----------
    values : ndarray, float64
        Values, NaN where they are not known.
    axis : int, default=0
        Axis to average over.

    Returns
    -------
    ndarray, float64
        The means; NaN where no value is known.
    """
    known = ~np.isnan(values)
    n_known = known.sum(axis=axis)
    mean = np.full(n_known.shape, np.nan)
    np.divide(np.where(known, values, 0.0).sum(axis=axis), n_known, out=mean, where=n_known > 0)
    return mean


def warn_of_missing(missing: np.ndarray, score: str, stacklevel: int = 3) -> None:
    """Warn if some samples were not recorded.

    Parameters
    ----------
    missing : ndarray of shape (n_samples,), bool
        Which samples.
    score : str
        Name of the score, for the warning.
    stacklevel : int, default=3
        How far up the caller is to whom the warning points.

    Warns
    -----
    MissingRecordsWarning
        If there are any.
    """
    if missing.any():
        warnings.warn(
            f"{score!r}: {int(missing.sum())} of {len(missing)} samples have too few records, "
            "and their score is NaN, such as rows that no fold holds out, that every tree has "
            "seen, or of whose targets none counts (ignore_index). Record them, or select the "
            "others with Trajectory.select(samples=...).",
            MissingRecordsWarning,
            stacklevel=stacklevel,
        )
