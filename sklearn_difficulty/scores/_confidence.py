"""Confidence: how probable the given label was on the way."""

from typing import Any

import numpy as np

from sklearn_difficulty.scores._over_runs import mean_over_runs
from sklearn_difficulty.scores._over_steps import completed, mean_over_steps, span_of_steps
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["confidence"]


def confidence(trajectory: Trajectory, *, steps: Any = None) -> np.ndarray:
    r"""Confidence: the mean over training of the probability of the given label.

    Lower is harder. With the probability :math:`p^{(n)}(y_i | x_i)` after step n of N,

    .. math:: \hat\mu_i = \frac{1}{N} \sum_n p^{(n)}(y_i | x_i)

    and the mean of that over runs. With :func:`variability` it spans the map of dataset
    cartography: samples of low confidence and low variability are hard to learn, and often
    mislabelled. Steps in which a sample was not recorded are left out. The cost is one pass over
    the record, in the memory of a few values per sample.

    Parameters
    ----------
    trajectory : Trajectory
        The path; `proba` is used.
    steps : None, int, slice, {"early", "late"} or (float, float), default=None
        Part of the training to look at, all of it by default; see ``Trajectory.window``.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The score, from 0 to 1. NaN for samples never recorded.

    Raises
    ------
    RecordNotFoundError
        If there are no probabilities.
    IndexError
        If a run has no step in that part.

    Warns
    -----
    MissingRecordsWarning
        If samples were never recorded.

    References
    ----------
    S. Swayamdipta, R. Schwartz, N. Lourie, Y. Wang, H. Hajishirzi, N. Smith, Y. Choi. Dataset
    Cartography: Mapping and Diagnosing Datasets with Training Dynamics. EMNLP, 2020.
    arXiv:2009.10795.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores import confidence
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> proba = np.array([[0.5, 0.5], [0.75, 0.25], [1.0, 0.0]])
    >>> confidence(Trajectory(np.ones((1, 3, 2)), proba=proba[None]))
    array([0.75, 0.25])
    """
    trajectory = trajectory.window(steps)
    per_run = [
        mean_over_steps(proba, trajectory.n_samples, spans)
        for proba, spans in zip(
            completed(trajectory, "proba", "confidence"), span_of_steps(trajectory), strict=True
        )
    ]
    return mean_over_runs(np.stack(per_run), "confidence")
