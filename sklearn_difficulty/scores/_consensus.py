"""Consensus: how much more the training believed other labels than the given one."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sklearn_difficulty.scores._beliefs import LEAST_PROBA, Belief, beliefs
from sklearn_difficulty.scores._over_runs import warn_of_missing
from sklearn_difficulty.scores._over_steps import with_times
from sklearn_difficulty.scores._pace import Pace, paces_of
from sklearn_difficulty.scores._rivals import Rivals, largest, likeliest, weighed
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["Judgement", "consensus", "habits", "judged"]

# Before a pattern of mistakes is believed, as many wrong labels have to be seen in a class, and
# as large a part of it counts as if it were spread over all classes.
_LABELS_NEEDED = 20.0
_SPREAD = 0.75
# The most that rivals behind the strongest one count, and from where on they do not: on a scale on
# which habits are at 0 if wrong labels are any others alike, and at 1 if they are always the same
# one, but drawn as above, which leaves no more than 0.25. Chosen on all data of
# benchmarks/detection.py.
_MOST_OF_REST, _ONE_SIDED = 0.25, 0.05


class Judgement(NamedTuple):
    """What a path says of its labels.

    Attributes
    ----------
    rivals : Rivals of shape (n_samples, n_classes)
        How probable each other class is, as far as it is known, and that its samples carry the
        given label.
    confusions : ndarray of shape (n_classes, n_classes)
        Share of each label (column) among the wrong labels of the samples of a class (row).
    consensus : ndarray of shape (n_samples,)
        How much more other labels were believed than the given one.
    believed : ndarray of shape (n_samples,), bool
        Whether no single other label was believed more than the given one.
    """

    rivals: Rivals
    confusions: np.ndarray
    consensus: np.ndarray
    believed: np.ndarray


def consensus(
    trajectory: Trajectory,
    *,
    steps: Any = None,
    pace: Sequence[Pace] | None = None,
    confusions: np.ndarray | None = None,
) -> np.ndarray:
    r"""Log ratio of what the training believed of other labels to what of the given one.

    Higher is harder, that is more probably mislabelled; above 0 other labels were believed more.
    With weights :math:`w_n` of the steps that sum to 1, the given label y, rivals k and the
    strongest one of them, m,

    .. math:: C(x_i, y_i) = \log \Big( \max_{k \neq y_i} \sum_n w_n p^{(n)}_k(x_i)\, \frac{
        S_{k y_i}}{1 / (K - 1)} + r \sum_n w_n \big( 1 - p^{(n)}_{y_i}(x_i) - p^{(n)}_m(x_i) \big)
        \Big) - \sum_n w_n \log p^{(n)}_{y_i}(x_i)

    It puts four things together that are read off the same training:

    - The accumulated log-loss, which is best where labels are wrong at random: the last sum.
      Steps weigh by how much they tell, :math:`w_n \propto (c_n a_n^2 + 0.01)^4`, where :math:`a_n`
      is the share of labels that are ahead of all rivals, and :math:`c_n` the mean by which rivals
      are ahead of the others. Both are large once a network has learnt the right labels, until it
      knows the wrong ones by heart. A step that stands out from both of its neighbours is cut.
    - The probability of the strongest rival, as in the margin of the probabilities, which is best
      where a class is mistaken for another one: a sample that is merely hard has none.
    - The habits of those who gave the labels. :math:`S_{ky}` is the share of the label y among
      the wrong labels of samples of class k, as far as samples tell that were surely taken for
      class k. A mistake that is made often is more probable than one that is not. It is drawn
      towards :math:`1 / (K - 1)`, all classes alike, by three quarters at least, and more where few
      labels are wrong.
    - The probability of all other rivals together. Where labels are wrong at random, it matters how
      improbable the given one is, and not which one is right: then a quarter of it counts,
      :math:`r = 1/4`. The more often mistakes go from a class to the same label, the less it does;
      if a fifth of them do, beyond what goes to all labels alike, nothing, :math:`r = 0`.

    Parameters
    ----------
    trajectory : Trajectory
        The path of a classifier: `proba`, `margin`, `prediction`, `y` and `classes` are used.
    steps : None, int, slice, {"early", "late"} or (float, float), default=None
        Part of the training to look at, all of it by default; see ``Trajectory.window``.
    pace : sequence of pair of ndarray, optional
        For each run points in time and the weight of all steps before them, for samples that are
        to be related to others; by default they come from the samples themselves.
    confusions : ndarray of shape (n_classes, n_classes), optional
        The habits S, in the same manner.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The score, a logarithm of a ratio of probabilities. NaN for samples never recorded.

    Raises
    ------
    RecordNotFoundError
        If a record is missing that it reads.
    IndexError
        If a run has no step in that part.

    Warns
    -----
    MissingRecordsWarning
        If samples were never recorded.

    See Also
    --------
    action : The accumulated loss alone.
    aum : The margin alone.
    sklearn_difficulty.labels.estimate_label_noise : How probably labels are wrong.

    Notes
    -----
    What a step believed of a rival follows from the records only for the class that was ahead of
    all others; while the given label was ahead, the strongest rival is taken to be the class that
    was believed most in the other steps.

    References
    ----------
    The combination is this package's own; ``benchmarks/results/detection.md`` compares it with
    its parts. They are from O. Arriaga, S. Palacio, M. Valdenegro-Toro. Difficulty Estimation
    with Action Scores for Computer Vision Tasks. CVPR Workshops, 2023; G. Pleiss, T. Zhang,
    E. Elenberg, K. Weinberger. Identifying Mislabeled Data using the Area Under the Margin
    Ranking. NeurIPS, 2020; C. Northcutt, L. Jiang, I. Chuang. Confident Learning: Estimating
    Uncertainty in Dataset Labels. JAIR, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores import consensus
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> proba = np.array([[[0.6, 0.3], [0.9, 0.2]]])
    >>> trajectory = Trajectory(
    ...     -np.log(proba),
    ...     proba=proba,
    ...     margin=np.log(proba / (1 - proba)),
    ...     prediction=np.array([[[0, 1], [0, 1]]]),
    ...     y=np.array([0, 0]),
    ...     classes=np.array(["ant", "bee"]),
    ... )
    >>> consensus(trajectory).round(2)
    array([-1.65,  1.28])
    """
    values = judged(with_times(trajectory).window(steps), pace, confusions).consensus
    warn_of_missing(np.isnan(values), "consensus")
    return values


def judged(
    trajectory: Trajectory,
    pace: Sequence[Pace] | None = None,
    confusions: np.ndarray | None = None,
) -> Judgement:
    """Judge the labels of a path by what its training believed.

    Parameters
    ----------
    trajectory : Trajectory
        The path of a classifier.
    pace : sequence of pair of ndarray, optional
        As in :func:`consensus`.
    confusions : ndarray of shape (n_classes, n_classes), optional
        As in :func:`consensus`.

    Returns
    -------
    Judgement
        The consensus, and what it is made of.

    Raises
    ------
    RecordNotFoundError
        If a record is missing that it reads.
    """
    belief = beliefs(trajectory, pace)
    assert trajectory.y is not None
    y = np.asarray(trajectory.y)
    if confusions is None:
        confusions = _confusions(belief, y)
    rivals = weighed(belief.rivals, belief.unnamed, confusions, y)
    strongest = largest(rivals)
    # A sample that was given its label in all steps could have any rival.
    strongest = np.where(strongest > 0, strongest * (len(confusions) - 1), belief.unnamed)
    others = strongest + _share_of_rest(confusions) * belief.rest
    given = np.log(belief.given)
    values = np.log(np.maximum(others, LEAST_PROBA)) - given
    believed = np.log(np.maximum(strongest, LEAST_PROBA)) <= given
    return Judgement(rivals, confusions, values, believed)


def _share_of_rest(confusions: np.ndarray) -> float:
    """Tell how much the rivals behind the strongest one count, together.

    Parameters
    ----------
    confusions : ndarray of shape (n_classes, n_classes)
        Share of each label among the wrong ones of a class.

    Returns
    -------
    float
        The most where mistakes go to all labels alike, and none where they go to one of them.
    """
    n_classes = len(confusions)
    if n_classes < 3:
        return 0.0  # there is one rival at most
    alike = 1.0 / (n_classes - 1)
    one_sided = float(confusions.max(axis=1).mean() - alike) / (1.0 - alike)
    return _MOST_OF_REST * max(1.0 - one_sided / _ONE_SIDED, 0.0)


def _confusions(belief: Belief, y: np.ndarray) -> np.ndarray:
    """Tell for each class which labels its samples carry when theirs is wrong.

    Parameters
    ----------
    belief : Belief
        Of samples.
    y : ndarray of shape (n_samples,), int
        Their labels.

    Returns
    -------
    ndarray of shape (n_classes, n_classes)
        Share of each label (column) among the wrong labels of the samples of a class (row), drawn
        towards all labels alike. The diagonal is 0.
    """
    n_classes = belief.rivals.shape[1]
    seen = np.zeros((n_classes, n_classes))
    surely = np.flatnonzero(belief.lead > 0)
    rivals = belief.rivals[surely]
    # The surer, the more a sample counts: hard samples tell of classes that are alike, and not of
    # labels that are mistaken. One whose rival is not known tells nothing.
    surer = np.where(largest(rivals) > 0, belief.lead[surely] ** 2, 0.0)
    np.add.at(seen, (likeliest(rivals), y[surely]), surer)
    number = seen.sum(axis=1, keepdims=True)
    weight_alike = _LABELS_NEEDED + _SPREAD / (1.0 - _SPREAD) * number
    seen += weight_alike * (1.0 / max(n_classes - 1, 1))
    np.fill_diagonal(seen, 0.0)
    seen /= number + weight_alike
    return seen


def habits(trajectory: Trajectory, *, steps: Any = None) -> dict[str, Any]:
    """Pace of the training and habits of those who gave the labels, as options of ``consensus``.

    Parameters
    ----------
    trajectory : Trajectory
        The path of the samples that others are to be related to.
    steps : None, int, slice, {"early", "late"} or (float, float), default=None
        Part of the training to look at.

    Returns
    -------
    dict
        ``{"pace": ..., "confusions": ...}``.
    """
    trajectory = with_times(trajectory).window(steps)
    pace = paces_of(trajectory)
    return {"pace": pace, "confusions": judged(trajectory, pace).confusions}
