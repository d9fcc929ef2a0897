"""Records of different samples, such as the held-out rows of folds, as records of all samples."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from sklearn_difficulty.trajectory._layout import LAYOUT
from sklearn_difficulty.trajectory._record_files import StepArrays, release_pages

__all__ = ["join_records"]


def join_records(
    parts: Sequence[Mapping[str, np.ndarray]],
    rows: Sequence[np.ndarray],
    n_samples: int,
    folder: Path | None = None,
) -> dict[str, np.ndarray]:
    """Put the records of parts of the samples among those of all, step by step.

    A part that ends before others stays at its last step. Samples in no part are missing.

    Parameters
    ----------
    parts : sequence of mapping of str to ndarray of shape (n_runs, n_steps, n, ...)
        Records of each part, by the names of a trajectory's fields, numbered where a field has
        several. Steps may differ in number.
    rows : sequence of ndarray of int of shape (n,)
        Which samples each part is of.
    n_samples : int
        Number of all samples.
    folder : Path or None, default=None
        Where to write the records; None makes them in memory.

    Returns
    -------
    dict of str to ndarray of shape (n_runs, n_steps, n_samples, ...)
        The records; read-only and on disk where there is a folder.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.trajectory._joining import join_records
    >>> long, short = np.array([[[1.0], [2.0]]]), np.array([[[5.0, 6.0]]])
    >>> join_records([{"loss": long}, {"loss": short}], [[1], [0, 3]], 4)["loss"]
    array([[[ 5.,  1., nan,  6.],
            [ 5.,  2., nan,  6.]]])
    """
    first = parts[0]
    n_runs = len(next(iter(first.values())))
    n_steps = max(array.shape[1] for part in parts for array in part.values())
    joined = StepArrays(folder, expected=n_runs * n_steps)
    for run in range(n_runs):
        for step in range(n_steps):
            joined.append(
                {
                    name: _one_step(
                        name, [part[name] for part in parts], rows, n_samples, run, step
                    )
                    for name in first
                }
            )
    return joined.arrays(n_runs)


def _one_step(
    name: str,
    arrays: Sequence[np.ndarray],
    rows: Sequence[np.ndarray],
    n_samples: int,
    run: int,
    step: int,
) -> np.ndarray:
    shape = (n_samples, *arrays[0].shape[3:])
    padding = LAYOUT[name.rstrip("0123456789")].padding
    full = np.full(shape, padding, dtype=arrays[0].dtype)
    for array, own in zip(arrays, rows, strict=True):
        full[own] = array[run, min(step, array.shape[1] - 1)]
        release_pages(array)
    return full
