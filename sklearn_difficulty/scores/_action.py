"""Action: the loss a sample has caused on the whole way, times the length of the steps."""

from dataclasses import replace
from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_choice
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.scores._over_runs import mean_over_runs
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["action"]


def action(
    trajectory: Trajectory, *, dt: Any = "epoch", reduction: str = "sum", steps: Any = None
) -> np.ndarray:
    r"""Action score: the sum of a sample's loss over training.

    Higher is harder. With the loss :math:`L_n` after step n of length :math:`\Delta n`,

    .. math:: A(x_i) = \sum_n L_n(x_i) \, \Delta n

    and the mean of that over runs. A sample whose loss was not recorded after every step gets the
    sum over the recorded steps, scaled up to the length of all of them. The cost is one pass over
    the record, in the memory of a few values per sample.

    Parameters
    ----------
    trajectory : Trajectory
        The path; `loss` is used.
    dt : {"epoch", "update", "wall"} or array-like, default="epoch"
        Length of a step: 1, its optimiser updates, its seconds of training; or the lengths
        themselves, of shape (n_steps,) or (n_runs, n_steps), for the whole training, also where
        `steps` names a part.
    reduction : {"sum", "mean"}, default="sum"
        The sum, or the mean per unit of `dt`, which can be compared between runs that stopped at
        different steps.
    steps : None, int, slice, {"early", "late"} or (float, float), default=None
        Part of the training to look at, all of it by default; see ``Trajectory.window``.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The score, in units of the loss times `dt`, or of the loss for ``"mean"``. NaN for samples
        that were never recorded.

    Raises
    ------
    RecordNotFoundError
        If the trajectory has no lengths of that name.
    ValueError
        If lengths have another shape, or are negative, not finite, or all zero.
    IndexError
        If a run has no step in that part.

    Warns
    -----
    MissingRecordsWarning
        If samples were never recorded.

    References
    ----------
    O. Arriaga, S. Palacio, M. Valdenegro-Toro. Difficulty Estimation with Action Scores for
    Computer Vision Tasks. CVPR Workshops, 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores import action
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> loss = np.array([[2, 1, 0.5, 3], [1, 0.5, 0.25, 3], [0.5, 0.25, 0.25, 4]])
    >>> action(Trajectory(loss[None]))
    array([ 3.5 ,  1.75,  1.  , 10.  ])
    >>> action(Trajectory(loss[None]), dt=[1, 2, 0.5])
    array([ 4.25 ,  2.125,  1.125, 11.   ])
    """
    check_choice("reduction", reduction, ("sum", "mean"))
    # As a field of the trajectory, lengths are cut along with it.
    lengths_of_all = _step_lengths(trajectory, dt)
    trajectory = replace(trajectory, dt={"asked for": lengths_of_all}).window(steps)
    lengths = trajectory.dt["asked for"]
    per_run = np.full((trajectory.n_runs, trajectory.n_samples), np.nan)
    for run, n_steps in enumerate(trajectory.n_steps):
        if n_steps > 0:
            run_lengths = _check_lengths(lengths[run, :n_steps], run)
            per_run[run] = _run_action(trajectory.loss[run, :n_steps], run_lengths, reduction)
    return mean_over_runs(per_run, "action")


def _step_lengths(trajectory: Trajectory, dt: Any) -> np.ndarray:
    """Give the length of every step, of shape (n_runs, n_steps)."""
    shape = trajectory.loss.shape[:2]
    if isinstance(dt, str):
        if dt not in trajectory.dt:
            raise RecordNotFoundError(
                f"'action' with dt={dt!r} needs step lengths of that name, which this trajectory "
                f"does not hold; it holds {', '.join(map(repr, trajectory.dt))}. Record it with a "
                "tracked net, or give the lengths as an array of shape (n_steps,)."
            )
        lengths = np.asarray(trajectory.dt[dt], dtype=np.float64)
    else:
        lengths = np.asarray(dt, dtype=np.float64)
        if lengths.ndim == 0:
            raise ValueError(
                "dt must be a name, such as 'epoch', or the lengths of the steps, an array of "
                f"shape (n_steps,) or (n_runs, n_steps); got {dt!r}."
            )
        if lengths.shape not in (shape, shape[1:]):
            raise ValueError(
                f"dt must be a name or have shape (n_steps,) = {shape[1:]} or (n_runs, n_steps) = "
                f"{shape}; got shape {lengths.shape}."
            )
        lengths = np.broadcast_to(lengths, shape)
    return lengths


def _check_lengths(lengths: np.ndarray, run: int) -> np.ndarray:
    if not np.isfinite(lengths).all() or (lengths < 0).any() or not lengths.any():
        raise ValueError(
            "dt must hold finite lengths, none negative and not all zero, for every completed "
            f"step; got {lengths.tolist()} in run {run}."
        )
    return lengths


def _run_action(loss: np.ndarray, lengths: np.ndarray, reduction: str) -> np.ndarray:
    """Give the action of one run, from losses of shape (n_steps, n_samples)."""
    # Step by step: the record may be float32 and on disk, and is never copied as a whole.
    total = np.zeros(loss.shape[1])
    recorded_length = np.zeros(loss.shape[1])
    whole_length = 0.0
    for step_loss, length in zip(loss, lengths, strict=True):
        recorded = ~np.isnan(step_loss)
        total += np.where(recorded, step_loss, 0.0).astype(np.float64) * length
        recorded_length += recorded * length
        whole_length += length
    result = np.full(loss.shape[1], np.nan)
    np.divide(total, recorded_length, out=result, where=recorded_length > 0)
    if reduction == "mean":
        return result
    # A sample that is complete keeps its sum to the last bit.
    complete = recorded_length == whole_length
    return np.where(complete, total, result * whole_length)
