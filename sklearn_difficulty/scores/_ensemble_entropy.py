"""Ensemble entropy: how undecided several trainings together are about a sample."""

from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_choice
from sklearn_difficulty.scores._entropy import share_of_largest
from sklearn_difficulty.scores._members import entropies_of_members
from sklearn_difficulty.scores._over_runs import warn_of_missing
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["ensemble_entropy"]


def ensemble_entropy(
    trajectory: Trajectory, *, normalize: bool = False, steps: Any = None
) -> np.ndarray:
    r"""Entropy of the mean prediction of several runs, after the last step of each.

    Higher is harder. With the probabilities :math:`p^{(r)}_k(x_i)` that run r of R predicts after
    that step,

    .. math:: \bar p_k(x_i) = \frac{1}{R} \sum_r p^{(r)}_k(x_i), \qquad
        H(x_i) = - \sum_k \bar p_k(x_i) \log \bar p_k(x_i)

    It is large where each run is undecided, and where the runs contradict each other; what the
    latter adds is :func:`mutual_information`. It does not depend on the label. The mean is over
    the runs that recorded a sample. The cost is one pass over the outputs of one step, in blocks
    of 8 MiB.

    Parameters
    ----------
    trajectory : Trajectory
        The path, of several runs; `outputs` is used, which holds logits or log-probabilities.
    normalize : bool, default=False
        Divide by the logarithm of the number of classes, the largest value there is, so that the
        score is from 0 to 1.
    steps : None, int, slice, {"early", "late"} or (float, float), default=None
        Part of the training at the end of which to look, see ``Trajectory.window``. By default it
        is the whole training.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The score, in nats, or a share. NaN for samples not recorded in that step of any run.

    Raises
    ------
    RecordNotFoundError
        If there are no outputs; they are recorded with ``keep="outputs"``.
    ValueError
        If outputs are not one value per class, or if `normalize` is not a bool.
    IndexError
        If a run has no step in that part.

    Warns
    -----
    MissingRecordsWarning
        If there are samples not recorded in that step.

    References
    ----------
    B. Lakshminarayanan, A. Pritzel, C. Blundell. Simple and Scalable Predictive Uncertainty
    Estimation using Deep Ensembles. NeurIPS, 2017. arXiv:1612.01474.

    O. Arriaga, S. Palacio, M. Valdenegro-Toro. Difficulty Estimation with Action Scores for
    Computer Vision Tasks. CVPR Workshops, 2023, figure 6.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores import ensemble_entropy
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> members = np.array([[[0.5, 0.5, 1e-9]], [[1.0, 1e-9, 1e-9]]])
    >>> trajectory = Trajectory(np.ones((2, 1, 1)), outputs=np.log(members)[:, None])
    >>> ensemble_entropy(trajectory).round(4)
    array([0.5623])
    >>> ensemble_entropy(trajectory, normalize=True).round(4)
    array([0.5119])
    """
    trajectory = trajectory.window(steps)
    check_choice("normalize", normalize, (False, True))
    of_mean, _, n_members = entropies_of_members(trajectory, "ensemble_entropy")
    warn_of_missing(n_members == 0, "ensemble_entropy")
    if not normalize:
        return of_mean
    assert trajectory.outputs is not None
    return share_of_largest(of_mean, trajectory.outputs.shape[-1])
