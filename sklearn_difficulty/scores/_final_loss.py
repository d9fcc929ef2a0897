"""Final loss: what is left of a sample's loss in the end."""

from typing import Any

import numpy as np

from sklearn_difficulty.scores._over_runs import mean_over_runs
from sklearn_difficulty.scores._over_steps import completed, mean_over_steps
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["final_loss"]


def final_loss(trajectory: Trajectory, *, steps: Any = None) -> np.ndarray:
    r"""Loss of a sample after the last step.

    Higher is harder. With the loss :math:`L_n` after step n of N,

    .. math:: F(x_i) = L_N(x_i)

    and the mean of that over runs. It looks at the fitted model alone and not at the path: a
    wrong label that was learnt by heart in the end has a small final loss. The cost is reading the
    losses of one step.

    Parameters
    ----------
    trajectory : Trajectory
        The path; `loss` is used.
    steps : None, int, slice, {"early", "late"} or (float, float), default=None
        Part of the training at the end of which to look, see ``Trajectory.window``. By default it
        is the whole training.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The score, in units of the loss. NaN for samples not recorded in that step of any run.

    Raises
    ------
    IndexError
        If a run has no step in that part.

    Warns
    -----
    MissingRecordsWarning
        If there are samples not recorded in that step.

    References
    ----------
    E. Arazo, D. Ortego, P. Albert, N. O'Connor, K. McGuinness. Unsupervised Label Noise Modeling
    and Loss Correction. ICML, 2019. arXiv:1904.11238.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores import final_loss
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> loss = np.array([[2, 1, 0.5, 3], [1, 0.5, 0.25, 3], [0.5, 0.25, 0.25, 4]])
    >>> final_loss(Trajectory(loss[None]))
    array([0.5 , 0.25, 0.25, 4.  ])
    """
    trajectory = trajectory.window(steps)
    per_run = [
        mean_over_steps(loss[-1:], trajectory.n_samples)
        for loss in completed(trajectory, "loss", "final_loss")
    ]
    return mean_over_runs(np.stack(per_run), "final_loss")
