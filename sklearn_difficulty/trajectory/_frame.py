"""Records as a long table."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from sklearn_difficulty.trajectory._layout import STEP_RECORDS

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


def long_frame(fields: Mapping[str, Any], samples: np.ndarray) -> Any:
    """Lay records out with one row per run, completed step and sample.

    Parameters
    ----------
    fields : mapping of str to object
        The fields of a ``Trajectory``.
    samples : ndarray of int
        Samples to include.

    Returns
    -------
    pandas.DataFrame
        Columns ``run``, ``step``, ``sample``, ``y`` where there is one label for each sample, then
        the records that have one value for each.

    Raises
    ------
    ImportError
        If pandas is not installed.
    """
    pd = require_pandas("Trajectory.to_frame")
    run, step = np.nonzero(np.arange(fields["loss"].shape[1]) < fields["n_steps"][:, None])
    columns = {
        "run": np.repeat(run, len(samples)),
        "step": np.repeat(step, len(samples)),
        "sample": np.tile(samples, len(run)),
    }
    if fields["y"] is not None and fields["y"].ndim == 1:
        columns["y"] = np.tile(fields["y"][samples], len(run))
    for name, record in _step_records(fields):
        columns[name] = record[run[:, None], step[:, None], samples].ravel()
    return pd.DataFrame(columns)


def _step_records(fields: Mapping[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
    """Records of one value for each sample and step, and the parts of the loss by their names."""
    for name in STEP_RECORDS:
        value = fields[name]
        if isinstance(value, Mapping):
            yield from ((f"{name}.{key}", part) for key, part in value.items())
        elif value is not None and value.ndim == fields["loss"].ndim:
            yield name, value
