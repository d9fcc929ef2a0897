"""Variance of a sample's loss over training."""

from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_count
from sklearn_difficulty.scores._over_runs import mean_over_runs
from sklearn_difficulty.scores._over_steps import completed, span_of_steps, variance_over_steps
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["loss_variance"]


def loss_variance(trajectory: Trajectory, *, ddof: int = 0, steps: Any = None) -> np.ndarray:
    r"""Variance of the loss over the completed steps.

    Higher is harder. With the loss :math:`L_n` after step n of N and its mean :math:`\bar L`,

    .. math:: V(x_i) = \frac{1}{N} \sum_n (L_n(x_i) - \bar L(x_i))^2

    and the mean of that over runs. A sample whose loss stays high, such as a wrong label that is
    never learned, has a low one, as an easy sample has: it says how far a sample has come, and
    :func:`action` how much it has cost. Steps in which a sample was not recorded are left out. The
    cost is one pass over the record, in the memory of a few values per sample.

    Parameters
    ----------
    trajectory : Trajectory
        The path; `loss` is used.
    ddof : int, default=0
        The squared deviations are divided by the number of steps minus this: 0 gives the
        population variance, 1 the unbiased estimate.
    steps : None, int, slice, {"early", "late"} or (float, float), default=None
        Part of the training to look at, all of it by default; see ``Trajectory.window``.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The variance, mean over runs, in units of the loss squared. NaN for samples recorded in no
        more than `ddof` steps of every run.

    Raises
    ------
    ValueError
        If `ddof` is negative.
    IndexError
        If a run has no step in that part.

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
    trajectory = trajectory.window(steps)
    check_count("ddof", ddof, minimum=0)
    per_run = [
        variance_over_steps(loss, trajectory.n_samples, ddof, spans)
        for loss, spans in zip(
            completed(trajectory, "loss", "loss_variance"), span_of_steps(trajectory), strict=True
        )
    ]
    return mean_over_runs(np.stack(per_run), "loss_variance")
