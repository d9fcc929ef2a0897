"""Variability: how much the probability of the given label went up and down on the way."""

from typing import Any

import numpy as np

from sklearn_difficulty.scores._over_runs import mean_over_runs
from sklearn_difficulty.scores._over_steps import completed, span_of_steps, variance_over_steps
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["variability"]


def variability(trajectory: Trajectory, *, steps: Any = None) -> np.ndarray:
    r"""Variability: the standard deviation over training of the probability of the given label.

    Higher is harder, in the sense of ambiguous: a sample that the model never comes to believe in
    the label of, a wrong label for instance, has a low one, as an easy sample has. With the
    probability :math:`p^{(n)}(y_i | x_i)` after step n of N and its mean :math:`\hat\mu_i`, see
    :func:`confidence`,

    .. math:: \hat\sigma_i = \sqrt{\frac{1}{N} \sum_n (p^{(n)}(y_i | x_i) - \hat\mu_i)^2}

    and the mean of that over runs. Steps in which a sample was not recorded are left out. The cost
    is one pass over the record, in the memory of a few values per sample.

    Parameters
    ----------
    trajectory : Trajectory
        The path; `proba` is used.
    steps : None, int, slice, {"early", "late"} or (float, float), default=None
        Part of the training to look at, all of it by default; see ``Trajectory.window``. One step
        has no variability: the score is 0.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The score, from 0 to 0.5. NaN for samples never recorded.

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
    >>> from sklearn_difficulty.scores import variability
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> proba = np.array([[0.25, 0.1], [0.75, 0.1]])
    >>> variability(Trajectory(np.ones((1, 2, 2)), proba=proba[None]))
    array([0.25, 0.  ])
    """
    trajectory = trajectory.window(steps)
    per_run = [
        np.sqrt(variance_over_steps(proba, trajectory.n_samples, spans=spans))
        for proba, spans in zip(
            completed(trajectory, "proba", "variability"), span_of_steps(trajectory), strict=True
        )
    ]
    return mean_over_runs(np.stack(per_run), "variability")
