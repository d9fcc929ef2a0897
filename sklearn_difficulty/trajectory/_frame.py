"""Records as a long table."""

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["long_frame", "require_pandas"]


def require_pandas(user: str) -> Any:
    """Import pandas.

    Parameters
    ----------
    user : str
        What needs it, for the message.

    Returns
    -------
    module
        The library.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            f"{user} needs pandas: pip install 'sklearn-difficulty[frames]'"
        ) from error
    return pandas


def long_frame(
    records: Mapping[str, np.ndarray],
    n_steps: np.ndarray,
    y: np.ndarray | None,
    samples: np.ndarray,
) -> Any:
    """Lay records out with one row per run, completed step and sample.

    Parameters
    ----------
    records : mapping of str to ndarray of shape (n_runs, n_steps, n_samples)
        The columns; at least one.
    n_steps : ndarray of shape (n_runs,)
        Number of completed steps of each run.
    y : ndarray of shape (n_samples,) or None
        Labels.
    samples : ndarray of int
        Samples to include.

    Returns
    -------
    pandas.DataFrame
        Columns ``run``, ``step``, ``sample``, ``y`` where there are labels, then the records.

    Raises
    ------
    ImportError
        If pandas is not installed.
    """
    pd = require_pandas("Trajectory.to_frame")
    n_steps_max = next(iter(records.values())).shape[1]
    run, step = np.nonzero(np.arange(n_steps_max) < n_steps[:, None])
    columns = {
        "run": np.repeat(run, len(samples)),
        "step": np.repeat(step, len(samples)),
        "sample": np.tile(samples, len(run)),
    }
    if y is not None:
        columns["y"] = np.tile(y[samples], len(run))
    for name, record in records.items():
        columns[name] = record[run[:, None], step[:, None], samples].ravel()
    return pd.DataFrame(columns)
