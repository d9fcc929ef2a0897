"""Easiness: in how many of many trainings a sample ends up right."""

from typing import Any

import numpy as np

from sklearn_difficulty.scores._over_runs import warn_of_missing
from sklearn_difficulty.scores._over_steps import completed, whether_right
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["easiness", "largest_share"]


def easiness(
    trajectory: Trajectory, *, steps: Any = -1, largest: float | None = None
) -> np.ndarray:
    r"""Share of the runs in which a sample is classified correctly, over the largest such share.

    Lower is harder; 1 is easiest. With :math:`c_t` the number of runs in which sample t is right,

    .. math:: e_t = c_t / \max_j c_j

    A sample without a prediction in some runs counts with its share among the others. The score
    is coarse: with R runs it takes at most R + 1 values. The cost is one pass over the predictions
    of one step, after R trainings.

    Parameters
    ----------
    trajectory : Trajectory
        The path, of many runs; `prediction` and `y` are used.
    steps : None, int, slice, {"early", "late"} or (float, float), default=-1
        Part of the training to look at, in each run; see ``Trajectory.window``. By default it is
        the last step alone. Of several steps, each counts as if it were a run.
    largest : float or None, default=None
        Largest share of right runs to relate the samples to, that of a larger set which they are
        judged as part of. None takes it from these samples.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The score, from 0 to 1; zeros if no sample is ever right. NaN for samples without a
        prediction in every run.

    Raises
    ------
    RecordNotFoundError
        If there are no predictions or no labels.
    IndexError
        If a run has no step in that part.

    Warns
    -----
    MissingRecordsWarning
        If samples have no prediction in any run.

    References
    ----------
    I. Kishida, H. Nakayama. Empirical Study of Easy and Hard Examples in CNN Training. ICONIP,
    2019. arXiv:1911.10739.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores import easiness
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> prediction = np.array([[[0, 1, 1]], [[0, 1, 0]], [[0, 0, 0]]])
    >>> trajectory = Trajectory(np.ones((3, 1, 3)), prediction=prediction, y=np.array([0, 1, 2]))
    >>> easiness(trajectory).round(4)
    array([1.    , 0.6667, 0.    ])
    """
    trajectory = trajectory.window(steps)
    shares = _shares(trajectory)
    warn_of_missing(np.isnan(shares), "easiness")
    if largest is None:
        largest = np.nanmax(shares, initial=0.0)
    return shares / largest if largest > 0 else shares


def largest_share(trajectory: Trajectory, *, steps: Any = -1) -> dict[str, float]:
    """Largest share of right runs among the samples, as an option of ``easiness``.

    Parameters
    ----------
    trajectory : Trajectory
        The path of the samples that others are to be related to.
    steps : None, int, slice, {"early", "late"} or (float, float), default=-1
        Part of the training to look at.

    Returns
    -------
    dict
        ``{"largest": share}``.
    """
    return {"largest": float(np.nanmax(_shares(trajectory.window(steps)), initial=0.0))}


def _shares(trajectory: Trajectory) -> np.ndarray:
    """Share of the runs that have a prediction of a sample in which it is right."""
    trajectory.require("prediction", "y", score="easiness")
    assert trajectory.y is not None
    n_right = np.zeros(trajectory.n_samples)
    n_recorded = np.zeros(trajectory.n_samples)
    for prediction in completed(trajectory, "prediction", "easiness"):
        for recorded, right in whether_right(prediction, trajectory.y):
            n_right += right
            n_recorded += recorded
    shares = np.full(trajectory.n_samples, np.nan)
    np.divide(n_right, n_recorded, out=shares, where=n_recorded > 0)
    return shares
