"""Variance of a sample's loss over training."""

import numpy as np

from sklearn_difficulty._validation import check_count
from sklearn_difficulty.scores._over_runs import mean_over_runs
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["loss_variance"]


def loss_variance(trajectory: Trajectory, *, ddof: int = 0) -> np.ndarray:
    """Variance of the loss over the completed steps.

    Higher is harder. Steps in which a sample was not recorded are left out.

    Parameters
    ----------
    trajectory : Trajectory
        The path; `loss` is used.
    ddof : int, default=0
        The squared deviations are divided by the number of steps minus this: 0 gives the
        population variance, 1 the unbiased estimate.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The variance, mean over runs, in units of the loss squared. NaN for samples recorded in no
        more than `ddof` steps of every run.

    Raises
    ------
    ValueError
        If `ddof` is negative.

    Warns
    -----
    MissingRecordsWarning
        If there are samples without enough steps.

    References
    ----------
    O. Arriaga, S. Palacio, M. Valdenegro-Toro. Difficulty Estimation with Action Scores for
    Computer Vision Tasks. CVPR Workshops, 2023, figure 6c.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores import loss_variance
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> loss = np.array([[2, 1, 0.5, 3], [1, 0.5, 0.25, 3], [0.5, 0.25, 0.25, 4]])
    >>> loss_variance(Trajectory(loss[None])).round(4)
    array([0.3889, 0.0972, 0.0139, 0.2222])
    """
    check_count("ddof", ddof, minimum=0)
    per_run = [
        _run_variance(loss[:n_steps], ddof)
        for loss, n_steps in zip(trajectory.loss, trajectory.n_steps, strict=True)
    ]
    return mean_over_runs(np.stack(per_run), "loss_variance")


def _run_variance(loss: np.ndarray, ddof: int) -> np.ndarray:
    """Give the variance in one run, from losses of shape (n_steps, n_samples)."""
    # Welford's update: exact for a small spread around a large mean, one step at a time.
    count = np.zeros(loss.shape[1])
    mean = np.zeros(loss.shape[1])
    squares = np.zeros(loss.shape[1])
    for step_loss in loss:
        recorded = ~np.isnan(step_loss)
        value = np.where(recorded, step_loss, mean).astype(np.float64)
        count += recorded
        deviation = value - mean
        mean += deviation / np.maximum(count, 1)
        squares += deviation * (value - mean)
    variance = np.full(loss.shape[1], np.nan)
    np.divide(squares, count - ddof, out=variance, where=count > ddof)
    return variance
