"""Forgetting: how often a sample that was right became wrong again."""

from numbers import Real
from typing import Any

import numpy as np

from sklearn_difficulty.scores._over_runs import mean_over_runs
from sklearn_difficulty.scores._over_steps import completed, path_length, whether_right
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["forgetting"]


def forgetting(
    trajectory: Trajectory, *, never_learned: float | None = None, steps: Any = None
) -> np.ndarray:
    r"""Forgetting: how many times a sample is right after one step and wrong after the next.

    Higher is harder. With the predicted class :math:`\hat y^{(n)}` after step n of N,

    .. math:: f_i = \left|\{n : \hat y^{(n)}_i = y_i, \; \hat y^{(n+1)}_i \neq y_i\}\right|

    and the mean of that over runs. A sample that is never right is never forgotten either. It is
    the hardest of all, not one of the easiest, and gets `never_learned`. A step without a
    prediction of a sample is passed over: the next one that has a prediction takes its place. The
    cost is one pass over the record, in the memory of a few values per sample.

    Parameters
    ----------
    trajectory : Trajectory
        The path; `prediction` and `y` are used.
    never_learned : float or None, default=None
        Score, in a run, of a sample that is right after no step of it. None takes the length of
        the run in epochs or in steps, whichever is more: no sample can be forgotten that often.
        ``inf`` sets such a sample apart, and lets one run in which it was not learned decide.
    steps : None, int, slice, {"early", "late"} or (float, float), default=None
        Part of the training to look at, all of it by default; see ``Trajectory.window``. What was
        right before that part and not in it was not learned there.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The score, a number of events. NaN for samples without any prediction.

    Raises
    ------
    RecordNotFoundError
        If there are no predictions or no labels.
    TypeError, ValueError
        If `never_learned` is not a number from 0 on.
    IndexError
        If a run has no step in that part.

    Warns
    -----
    MissingRecordsWarning
        If there are samples without any prediction.

    References
    ----------
    M. Toneva, A. Sordoni, R. Tachet des Combes, A. Trischler, Y. Bengio, G. Gordon. An Empirical
    Study of Example Forgetting during Deep Neural Network Learning. ICLR, 2019. arXiv:1812.05159.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores import forgetting
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> prediction = np.array([[0, 1, 1], [0, 0, 0], [0, 1, 0], [0, 0, 0]])
    >>> y = np.array([0, 1, 2])
    >>> forgetting(Trajectory(np.ones((1, 4, 3)), prediction=prediction[None], y=y))
    array([0., 2., 4.])
    """
    trajectory = trajectory.window(steps)
    trajectory.require("prediction", "y", score="forgetting")
    assert trajectory.y is not None
    if never_learned is not None:
        never_learned = _check_never_learned(never_learned)
    per_run = np.full((trajectory.n_runs, trajectory.n_samples), np.nan)
    for run, prediction in enumerate(completed(trajectory, "prediction", "forgetting")):
        never = never_learned
        if never is None:
            never = max(path_length(trajectory, run), float(len(prediction)))
        per_run[run] = _run_forgetting(prediction, trajectory.y, never)
    return mean_over_runs(per_run, "forgetting")


def _check_never_learned(value: Any) -> float:
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(
            "never_learned must be None or a number from 0 on, inf included; "
            f"got {value!r} of type {type(value).__name__}."
        )
    number = float(value)
    if not number >= 0:
        raise ValueError(
            f"never_learned must be None or a number from 0 on, inf included; got {value!r}."
        )
    return number


def _run_forgetting(prediction: np.ndarray, y: np.ndarray, never_learned: float) -> np.ndarray:
    """Count the events of one run, from predictions of shape (n_steps, n_samples)."""
    events = np.zeros(len(y))
    seen = np.zeros(len(y), dtype=bool)
    learned = np.zeros(len(y), dtype=bool)
    was_right = np.zeros(len(y), dtype=bool)
    for recorded, right in whether_right(prediction, y):
        events += was_right & recorded & ~right
        was_right = np.where(recorded, right, was_right)
        learned |= right
        seen |= recorded
    events[~learned] = never_learned
    events[~seen] = np.nan
    return events
