"""Entropy: how undecided the model is about a sample in the end."""

from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_choice
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.scores._over_runs import mean_over_runs
from sklearn_difficulty.scores._over_steps import completed, mean_over_steps
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["entropy", "share_of_largest"]


def entropy(trajectory: Trajectory, *, normalize: bool = False, steps: Any = None) -> np.ndarray:
    r"""Entropy of the distribution over classes that is predicted after the last step.

    Higher is harder. With the predicted probabilities :math:`p_k(x_i)` after that step,

    .. math:: H(x_i) = - \sum_k p_k(x_i) \log p_k(x_i)

    and the mean of that over runs; :func:`ensemble_entropy` is the entropy of the mean. It does not
    depend on the label, so that it finds what lies between classes, and not a label that the model
    is sure to be wrong. The cost is reading the record of one step.

    Parameters
    ----------
    trajectory : Trajectory
        The path; `entropy` is used, and `classes` to normalise.
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
        If there is no such record, or if the classes are not known and `normalize` is true.
    ValueError
        If `normalize` is not a bool.
    IndexError
        If a run has no step in that part.

    Warns
    -----
    MissingRecordsWarning
        If there are samples not recorded in that step.

    References
    ----------
    O. Arriaga, S. Palacio, M. Valdenegro-Toro. Difficulty Estimation with Action Scores for
    Computer Vision Tasks. CVPR Workshops, 2023, figure 6, where the action is compared with it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores import entropy
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> recorded = np.array([[0.69, 0.69], [0.1, 0.6]])
    >>> trajectory = Trajectory(
    ...     np.ones((1, 2, 2)), entropy=recorded[None], classes=np.array(["ant", "bee"])
    ... )
    >>> entropy(trajectory)
    array([0.1, 0.6])
    >>> entropy(trajectory, normalize=True).round(4)
    array([0.1443, 0.8656])
    """
    trajectory = trajectory.window(steps)
    check_choice("normalize", normalize, (False, True))
    per_run = [
        mean_over_steps(record[-1:], trajectory.n_samples)
        for record in completed(trajectory, "entropy", "entropy")
    ]
    if normalize and trajectory.classes is None:
        raise RecordNotFoundError(
            "'entropy' with normalize=True divides by the logarithm of the number of classes, "
            "which this trajectory does not know: pass classes= to Trajectory, or normalize=False."
        )
    mean = mean_over_runs(np.stack(per_run), "entropy")
    if not normalize:
        return mean
    assert trajectory.classes is not None
    return share_of_largest(mean, len(trajectory.classes))


def share_of_largest(entropies: np.ndarray, n_classes: int) -> np.ndarray:
    """Divide entropies by the largest one that there is over so many classes.

    Parameters
    ----------
    entropies : ndarray of shape (n_samples,)
        In nats.
    n_classes : int
        Number of classes.

    Returns
    -------
    ndarray of shape (n_samples,)
        From 0 to 1. Over a single class all entropies are 0, and stay so.
    """
    return entropies / np.log(n_classes) if n_classes > 1 else entropies
