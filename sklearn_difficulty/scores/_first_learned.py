"""First learned: after which step a sample was right for the first time."""

from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_choice
from sklearn_difficulty.scores._over_runs import mean_over_runs
from sklearn_difficulty.scores._over_steps import completed, whether_right, with_times
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["first_learned"]


def first_learned(
    trajectory: Trajectory, *, for_good: bool = False, steps: Any = None
) -> np.ndarray:
    r"""First step after which a sample is classified correctly.

    Higher is harder. With the predicted class :math:`\hat y^{(n)}` after step n,

    .. math:: \ell_i = \min \{n : \hat y^{(n)}_i = y_i\}

    and the mean of that over runs. Steps are counted from 0 at the beginning of the training, and
    measured in epochs where ``dt["epoch"]`` says how long they are: it is then the length of what
    lies before step n. A sample that is never right gets the length of all of it, which is more
    than any other can have. Steps without a prediction of a sample are passed over. The cost is
    one pass over the record, in the memory of a few values per sample.

    Parameters
    ----------
    trajectory : Trajectory
        The path; `prediction` and `y` are used.
    for_good : bool, default=False
        Take the first step from which on the sample stays right to the end. A sample that is wrong
        in the end counts as never learned then.
    steps : None, int, slice, {"early", "late"} or (float, float), default=None
        Part of the training to look at, all of it by default; see ``Trajectory.window``. The
        result counts from the beginning of the whole training nevertheless.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The score, in epochs or steps. NaN for samples without any prediction.

    Raises
    ------
    RecordNotFoundError
        If there are no predictions or no labels.
    ValueError
        If `for_good` is not a bool.
    IndexError
        If a run has no step in that part.

    Warns
    -----
    MissingRecordsWarning
        If there are samples without any prediction.

    References
    ----------
    M. Toneva, A. Sordoni, R. Tachet des Combes, A. Trischler, Y. Bengio, G. Gordon. An Empirical
    Study of Example Forgetting during Deep Neural Network Learning. ICLR, 2019. arXiv:1812.05159
    (first learning event).

    R. Baldock, H. Maennel, B. Neyshabur. Deep Learning Through the Lens of Example Difficulty.
    NeurIPS, 2021. arXiv:2106.09647 (iteration learned, for good).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores import first_learned
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> prediction = np.array([[0, 0, 1], [0, 1, 1], [0, 0, 0], [0, 1, 0]])
    >>> trajectory = Trajectory(
    ...     np.ones((1, 4, 3)), prediction=prediction[None], y=np.array([0, 1, 2])
    ... )
    >>> first_learned(trajectory)
    array([0., 1., 4.])
    >>> first_learned(trajectory, for_good=True)
    array([0., 3., 4.])
    """
    check_choice("for_good", for_good, (False, True))
    trajectory = with_times(trajectory).window(steps)
    trajectory.require("prediction", "y", score="first_learned")
    assert trajectory.y is not None
    per_run = [
        _run_first_learned(prediction, trajectory.y, begin, end, for_good)
        for prediction, begin, end in zip(
            completed(trajectory, "prediction", "first_learned"),
            trajectory.dt["begin"],
            trajectory.dt["end"],
            strict=True,
        )
    ]
    return mean_over_runs(np.stack(per_run), "first_learned")


def _run_first_learned(
    prediction: np.ndarray, y: np.ndarray, begin: np.ndarray, end: np.ndarray, for_good: bool
) -> np.ndarray:
    """Give the times of one run, from predictions of shape (n_steps, n_samples)."""
    first = np.full(len(y), np.nan)
    learned = np.zeros(len(y), dtype=bool)
    seen = np.zeros(len(y), dtype=bool)
    for step, (recorded, right) in enumerate(whether_right(prediction, y)):
        first[right & ~learned] = begin[step]
        learned |= right
        seen |= recorded
        if for_good:
            learned &= right | ~recorded
    if len(prediction):
        first[seen & ~learned] = end[len(prediction) - 1]
    first[~seen] = np.nan
    return first
