"""Correctness: in how many of its steps a training gives a sample its label."""

from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_choice
from sklearn_difficulty.scores._over_runs import mean_over_runs
from sklearn_difficulty.scores._over_steps import (
    completed,
    mean_over_steps,
    span_of_steps,
    whether_right,
)
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["correctness"]


def correctness(trajectory: Trajectory, *, steps: Any = None, match: str = "exact") -> np.ndarray:
    r"""Correctness: the share of the steps after which a sample is classified correctly.

    Lower is harder. With the predicted class :math:`\hat y^{(n)}` after step n of N,

    .. math:: c_i = \frac{1}{N} \left|\{n : \hat y^{(n)}_i = y_i\}\right|

    and the mean of that over runs. Steps without a prediction of a sample are left out. Where
    :func:`easiness` counts the runs that are right in the end, this counts the steps of each. The
    cost is one pass over the record, in the memory of a few values per sample.

    Parameters
    ----------
    trajectory : Trajectory
        The path; `prediction` and `y` are used.
    steps : None, int, slice, {"early", "late"} or (float, float), default=None
        Part of the training to look at, all of it by default; see ``Trajectory.window``.
    match : {"exact", "label"}, default="exact"
        With several labels for each sample, whether all of them have to be right, or the share
        counts that is.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The score, from 0 to 1. NaN for samples without any prediction.

    Raises
    ------
    RecordNotFoundError
        If there are no predictions or no labels.
    IndexError
        If a run has no step in that part.
    ValueError
        If `match` is something else.

    Warns
    -----
    MissingRecordsWarning
        If there are samples without any prediction.

    References
    ----------
    S. Swayamdipta, R. Schwartz, N. Lourie, Y. Wang, H. Hajishirzi, N. Smith, Y. Choi. Dataset
    Cartography: Mapping and Diagnosing Datasets with Training Dynamics. EMNLP, 2020.
    arXiv:2009.10795.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores import correctness
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> prediction = np.array([[0, 1, 1], [0, 1, 0], [0, 0, 0], [0, 1, 0]])
    >>> y = np.array([0, 1, 2])
    >>> correctness(Trajectory(np.ones((1, 4, 3)), prediction=prediction[None], y=y))
    array([1.  , 0.75, 0.  ])
    """
    check_choice("match", match, ("exact", "label"))
    trajectory = trajectory.window(steps)
    trajectory.require("prediction", "y", score="correctness")
    assert trajectory.y is not None
    per_run = [
        mean_over_steps(
            (
                np.where(recorded, right, np.nan)
                for recorded, right in whether_right(
                    prediction, trajectory.y, share=match == "label"
                )
            ),
            trajectory.n_samples,
            spans,
        )
        for prediction, spans in zip(
            completed(trajectory, "prediction", "correctness"),
            span_of_steps(trajectory),
            strict=True,
        )
    ]
    return mean_over_runs(np.stack(per_run), "correctness")
