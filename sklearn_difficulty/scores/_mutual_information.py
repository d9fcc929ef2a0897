"""Mutual information: how much several trainings contradict each other about a sample."""

from typing import Any

import numpy as np

from sklearn_difficulty.scores._members import entropies_of_members
from sklearn_difficulty.scores._over_runs import warn_of_missing
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["mutual_information"]


def mutual_information(trajectory: Trajectory, *, steps: Any = None) -> np.ndarray:
    r"""Mutual information between the prediction and the run that makes it.

    Higher is harder. With the probabilities :math:`p^{(r)}(x_i)` that run r of R predicts after the
    last step, their mean :math:`\bar p(x_i)`, and the entropy H,

    .. math:: I(x_i) = H(\bar p(x_i)) - \frac{1}{R} \sum_r H(p^{(r)}(x_i))

    It is the part of :func:`ensemble_entropy` that is due to runs that contradict each other, and
    that more data would take away. What is left is the doubt that all runs share. It does not
    depend on the label. Both terms are over the runs that recorded a sample. The cost is one pass
    over the outputs of one step, in blocks of 8 MiB.

    Parameters
    ----------
    trajectory : Trajectory
        The path, of several runs; `outputs` is used, which holds logits or log-probabilities.
    steps : None, int, slice, {"early", "late"} or (float, float), default=None
        Part of the training at the end of which to look, see ``Trajectory.window``. By default it
        is the whole training.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The score, in nats, never negative. NaN for samples recorded in that step of fewer than two
        runs, since one run does not contradict itself.

    Raises
    ------
    RecordNotFoundError
        If there are no outputs; they are recorded with ``keep="outputs"``.
    ValueError
        If outputs are not one value per class.
    IndexError
        If a run has no step in that part.

    Warns
    -----
    MissingRecordsWarning
        If there are samples recorded in that step of fewer than two runs.

    References
    ----------
    N. Houlsby, F. Huszár, Z. Ghahramani, M. Lengyel. Bayesian Active Learning for Classification
    and Preference Learning. 2011. arXiv:1112.5745.

    S. Depeweg, J. Hernández-Lobato, F. Doshi-Velez, S. Udluft. Decomposition of Uncertainty in
    Bayesian Deep Learning for Efficient and Risk-sensitive Learning. ICML, 2018. arXiv:1710.07283.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores import mutual_information
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> contradict = [[0.9, 0.1], [0.1, 0.9]]
    >>> undecided = [[0.5, 0.5], [0.5, 0.5]]
    >>> outputs = np.log([contradict, undecided]).transpose(1, 0, 2)[:, None]
    >>> mutual_information(Trajectory(np.ones((2, 1, 2)), outputs=outputs)).round(4)
    array([0.3681, 0.    ])
    """
    trajectory = trajectory.window(steps)
    of_mean, mean_of_members, n_members = entropies_of_members(trajectory, "mutual_information")
    # It is not negative (Jensen); rounding may make it so where all runs agree.
    information = np.maximum(of_mean - mean_of_members, 0.0)
    information[n_members < 2] = np.nan
    warn_of_missing(n_members < 2, "mutual_information")
    return information
