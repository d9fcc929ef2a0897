"""What the runs of a trajectory, taken as members of an ensemble, predict in the end."""

from collections.abc import Iterator

import numpy as np
import scipy.special

from sklearn_difficulty.scores._over_steps import completed
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["entropies_of_members", "last_of_runs", "row_blocks"]

# As many float64 values are held at a time as take 8 MiB, however many samples there are.
_VALUES_PER_BLOCK = 2**20


def row_blocks(n_rows: int, values_per_row: int) -> Iterator[slice]:
    """Cut rows into blocks of about the same memory.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    values_per_row : int
        How many values are to be held for each row.

    Yields
    ------
    slice
        Of rows.
    """
    step = max(1, _VALUES_PER_BLOCK // max(1, values_per_row))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def last_of_runs(trajectory: Trajectory, name: str, score: str) -> list[np.ndarray]:
    """Give the last completed step of a record, of each run that has one.

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
    list of ndarray of shape (n_samples, ...)
        Views.

    Raises
    ------
    RecordNotFoundError
        If there is no such record.
    """
    return [record[-1] for record in completed(trajectory, name, score) if len(record)]


def entropies_of_members(
    trajectory: Trajectory, score: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the entropy of the mean prediction over runs, and the mean of their entropies.

    Parameters
    ----------
    trajectory : Trajectory
        The path; `outputs` hold logits or log-probabilities.
    score : str
        Name of the score that needs them, for messages.

    Returns
    -------
    of_mean, mean_of_members : ndarray of shape (n_samples,), float64
        In nats, over the runs that recorded a sample; NaN where there is none.
    n_members : ndarray of shape (n_samples,), int
        How many runs recorded it.

    Raises
    ------
    RecordNotFoundError
        If there are no outputs.
    ValueError
        If they are not one value per class.
    """
    members = last_of_runs(trajectory, "outputs", score)
    assert trajectory.outputs is not None
    shape = trajectory.outputs.shape
    if len(shape) != 4:
        raise ValueError(
            f"{score!r} needs outputs with one value per class, of shape (n_runs, n_steps, "
            f"n_samples, n_classes); got shape {shape}."
        )
    of_mean = np.full(shape[2], np.nan)
    mean_of_members = np.full(shape[2], np.nan)
    n_members = np.zeros(shape[2], dtype=np.int64)
    for rows in row_blocks(shape[2], shape[3]):
        total = np.zeros((rows.stop - rows.start, shape[3]))
        entropies = np.zeros(len(total))
        count = np.zeros(len(total), dtype=np.int64)
        for member in members:
            outputs = member[rows].astype(np.float64)
            recorded = ~np.isnan(outputs).any(axis=1)
            proba = scipy.special.softmax(outputs[recorded], axis=1)
            total[recorded] += proba
            entropies[recorded] += scipy.special.entr(proba).sum(axis=1)
            count += recorded
        some = count > 0
        mean = total[some] / count[some, None]
        of_mean[rows][some] = scipy.special.entr(mean).sum(axis=1)
        mean_of_members[rows][some] = entropies[some] / count[some]
        n_members[rows] = count
    return of_mean, mean_of_members, n_members
