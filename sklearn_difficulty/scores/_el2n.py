"""EL2N: how far the predicted probabilities are from the label."""

from typing import Any

import numpy as np

from sklearn_difficulty.scores._over_runs import mean_over_runs
from sklearn_difficulty.scores._over_steps import completed, mean_over_steps, span_of_steps
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["el2n"]


def el2n(trajectory: Trajectory, *, steps: Any = None) -> np.ndarray:
    r"""EL2N: the norm of the error, of predicted probabilities minus the one-hot label.

    Higher is harder. With the probabilities :math:`p^{(n)}(x_i)`, a vector over classes, after step
    n of N, and the one-hot label :math:`e_{y_i}`,

    .. math:: EL2N(x_i, y_i) = \frac{1}{N} \sum_n \left\| p^{(n)}(x_i) - e_{y_i} \right\|_2

    and the mean of that over runs. The paper takes one early step, and the mean over ten runs:
    ``steps=k`` gives step k alone, counted from 0. Steps in which a sample was not recorded are
    left out. The cost is one pass over the record, in the memory of a few values per sample.

    Parameters
    ----------
    trajectory : Trajectory
        The path; `el2n` is used.
    steps : None, int, slice, {"early", "late"} or (float, float), default=None
        Part of the training to look at, all of it by default; see ``Trajectory.window``.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The score, from 0 to the square root of 2. NaN for samples never recorded.

    Raises
    ------
    RecordNotFoundError
        If there is no such record.
    IndexError
        If a run has no step in that part.

    Warns
    -----
    MissingRecordsWarning
        If samples were never recorded.

    References
    ----------
    M. Paul, S. Ganguli, G. Dziugaite. Deep Learning on a Data Diet: Finding Important Examples
    Early in Training. NeurIPS, 2021. arXiv:2107.07075.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores import el2n
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> error = np.array([[0.75, 1.0], [0.25, 1.25]])
    >>> trajectory = Trajectory(np.ones((1, 2, 2)), el2n=error[None])
    >>> el2n(trajectory), el2n(trajectory, steps=0)
    (array([0.5  , 1.125]), array([0.75, 1.  ]))
    """
    trajectory = trajectory.window(steps)
    per_run = [
        mean_over_steps(norm, trajectory.n_samples, spans)
        for norm, spans in zip(
            completed(trajectory, "el2n", "el2n"), span_of_steps(trajectory), strict=True
        )
    ]
    return mean_over_runs(np.stack(per_run), "el2n")
