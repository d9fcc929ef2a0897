"""Consensus: how much more the training believed another label than the given one."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from sklearn_difficulty.scores._over_runs import EachRun, warn_of_missing
from sklearn_difficulty.scores._over_steps import (
    completed,
    span_of_steps,
    step_times,
    with_times,
)
from sklearn_difficulty.scores._rival_proba import rival_proba
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["Belief", "beliefs", "confusions_of", "consensus", "habits"]

# What it is read off.
_NEEDS = ("proba", "margin", "prediction", "y", "classes")
# Probabilities below it are alike: none.
_LEAST_PROBA = 1e-9
# Before a pattern of mistakes is believed, as many wrong labels have to be seen in a class, and
# as large a part of it counts as if it were spread over all classes.
_LABELS_NEEDED = 20.0
_SPREAD = 0.75


class Belief(NamedTuple):
    """What the training believed of each sample, over all its steps and runs.

    Attributes
    ----------
    given : ndarray of shape (n_samples,)
        Probability of the given label: geometric mean over steps, mean over runs. NaN for samples
        that were never recorded.
    rivals : ndarray of shape (n_samples, n_classes)
        Mean probability of each other class, as far as it is known; 0 for the given label.
    unnamed : ndarray of shape (n_samples,)
        Mean probability of the strongest rival in the steps in which the given label was ahead of
        it, so that it is not known which class that was.
    lead : ndarray of shape (n_samples,)
        Mean probability of the strongest rival minus that of the given label.
    """

    given: np.ndarray
    rivals: np.ndarray
    unnamed: np.ndarray
    lead: np.ndarray

    @property
    def named(self) -> np.ndarray:
        """Whether a rival is known, of shape (n_samples,)."""
        return np.asarray(self.rivals.any(axis=1))

    @property
    def strongest(self) -> np.ndarray:
        """Probabilities of the rivals, together with the one that is not named.

        It is taken to be each of the known ones, of which the strongest counts.
        """
        return np.where(self.rivals > 0, self.rivals + self.unnamed[:, None], 0.0)


def consensus(
    trajectory: Trajectory,
    *,
    steps: Any = None,
    pace: Sequence[tuple[np.ndarray, np.ndarray]] | None = None,
    confusions: np.ndarray | None = None,
) -> np.ndarray:
    r"""Log ratio of what the training believed of another label to what of the given one.

    Higher is harder, that is more probably mislabelled; above 0 another label was believed more.
    With weights :math:`w_n` of the steps that sum to 1, the given label y and rivals k,

    .. math:: C(x_i, y_i) = \max_{k \neq y_i} \log \Big( \sum_n w_n p^{(n)}_k(x_i)\, \frac{
        S_{k y_i}}{1 / (K - 1)} \Big) - \sum_n w_n \log p^{(n)}_{y_i}(x_i)

    It puts three things together that are read off the same training:

    - The accumulated log-loss, which is best where labels are wrong at random: the last sum.
      A step weighs as much as its mean log-loss over all samples, since what a network says
      before it has begun to memorise labels tells more.
    - The probability of the strongest rival, as in the margin of the probabilities, which is best
      where a class is mistaken for another one: a sample that is merely hard has none.
    - The habits of those who gave the labels. :math:`S_{ky}` is the share of the label y among
      the wrong labels of samples of class k, as far as samples tell that were surely taken for
      class k. A mistake that is made often is more probable than one that is not. It is drawn
      towards :math:`1 / (K - 1)`, all classes alike, by three quarters at least, and more where few
      labels are wrong.

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
    array([-1.08,  1.12])
    """
    trajectory = with_times(trajectory).window(steps)
    belief = beliefs(trajectory, pace)
    warn_of_missing(np.isnan(belief.given), "consensus")
    assert trajectory.y is not None
    if confusions is None:
        confusions = confusions_of(belief, trajectory.y)
    return consensus_of(belief, trajectory.y, confusions)


def consensus_of(belief: Belief, y: np.ndarray, confusions: np.ndarray) -> np.ndarray:
    """Weigh the strongest rival against the given label.

    Parameters
    ----------
    belief : Belief
        Of samples.
    y : ndarray of shape (n_samples,), int
        Their labels.
    confusions : ndarray of shape (n_classes, n_classes)
        Share of each label (column) among the wrong labels of the samples of a class (row).

    Returns
    -------
    ndarray of shape (n_samples,), float64
        See :func:`consensus`.
    """
    n_classes = belief.rivals.shape[1]
    strongest = (belief.strongest * confusions[:, y].T).max(axis=1) * (n_classes - 1)
    # A sample that was given its label in all steps could have any rival.
    strongest = np.where(belief.named, strongest, belief.unnamed)
    return np.log(np.maximum(strongest, _LEAST_PROBA)) - np.log(belief.given)


def can_be_judged(trajectory: Trajectory) -> bool:
    """Tell whether a path has the records of a consensus.

    Parameters
    ----------
    trajectory : Trajectory
        Any path.

    Returns
    -------
    bool
        Learners without probabilities leave none.
    """
    return all(getattr(trajectory, name) is not None for name in _NEEDS)


def beliefs(
    trajectory: Trajectory, pace: Sequence[tuple[np.ndarray, np.ndarray]] | None = None
) -> Belief:
    """Average what the steps and runs believed.

    Parameters
    ----------
    trajectory : Trajectory
        The path of a classifier.
    pace : sequence of pair of ndarray, optional
        For each run points in time and the weight of all steps before them.

    Returns
    -------
    Belief
        Of each sample.

    Raises
    ------
    RecordNotFoundError
        If a record is missing that it reads.
    """
    trajectory.require(*_NEEDS, score="consensus")
    assert trajectory.y is not None and trajectory.classes is not None
    y, n_samples = np.asarray(trajectory.y), trajectory.n_samples
    if pace is None:
        pace = _paces(trajectory)
    given, own_mean, unnamed, n_runs = np.zeros((4, n_samples))
    rivals = np.zeros((n_samples, len(trajectory.classes)))
    records = (
        completed(trajectory, name, "consensus") for name in ("proba", "margin", "prediction")
    )
    for weights, proba, margin, prediction in zip(
        _weights(trajectory, pace), *records, strict=True
    ):
        total = sum((w * ~np.isnan(own) for w, own in zip(weights, proba, strict=True)), n_runs * 0)
        recorded = total > 0
        log_own = np.zeros(n_samples)
        for weight, own, ahead, predicted in zip(weights, proba, margin, prediction, strict=True):
            known = ~np.isnan(own) & recorded
            share = np.divide(weight, total, out=np.zeros(n_samples), where=known)
            own = np.where(known, own, 1.0).astype(np.float64)
            other = rival_proba(own, np.where(known, ahead, 0.0))
            log_own += share * np.log(np.maximum(own, _LEAST_PROBA))
            own_mean += share * own
            wrong = known & (predicted != y)
            rows = np.flatnonzero(wrong)
            rivals[rows, predicted[rows]] += (share * other)[rows]
            unnamed += np.where(wrong, 0.0, share * other)
        given += np.where(recorded, np.exp(log_own), 0.0)
        n_runs += recorded
    n_runs[n_runs == 0] = np.nan
    rivals /= np.where(np.isnan(n_runs), 1.0, n_runs)[:, None]
    given, own_mean, unnamed = given / n_runs, own_mean / n_runs, unnamed / n_runs
    return Belief(given, rivals, unnamed, rivals.max(axis=1) + unnamed - own_mean)


def confusions_of(belief: Belief, y: np.ndarray) -> np.ndarray:
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
    surely = np.flatnonzero(belief.named & (belief.lead > 0))
    # The surer, the more a sample counts: hard samples tell of classes that are alike, and not of
    # labels that are mistaken.
    np.add.at(seen, (belief.rivals[surely].argmax(axis=1), y[surely]), belief.lead[surely] ** 2)
    number = seen.sum(axis=1, keepdims=True)
    alike = (1.0 - np.eye(n_classes)) / max(n_classes - 1, 1)
    weight_alike = _LABELS_NEEDED + _SPREAD / (1.0 - _SPREAD) * number
    return (seen + weight_alike * alike) / (number + weight_alike)


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
    pace = _paces(trajectory)
    assert trajectory.y is not None
    return {"pace": pace, "confusions": confusions_of(beliefs(trajectory, pace), trajectory.y)}


def _paces(trajectory: Trajectory) -> EachRun:
    """For each run points in time and the weight of all steps before them."""
    paces = []
    begins, ends = step_times(trajectory)
    for run, proba in enumerate(completed(trajectory, "proba", "consensus")):
        n_steps = len(proba)
        losses = np.array([_mean_log_loss(own) for own in proba])
        weights = losses * span_of_steps(trajectory)[run]
        after = np.cumsum(weights)
        # A window may leave steps out in between, which have no weight.
        ends_of_steps = np.stack([begins[run, :n_steps], ends[run, :n_steps]], axis=1)
        weights_before = np.stack([np.append(0.0, after)[:-1], after], axis=1)
        times, places = np.unique(np.append(begins[run, :1], ends_of_steps), return_index=True)
        before = np.append(0.0, weights_before)[places] / max(float(weights.sum()), _LEAST_PROBA)
        paces.append((times, before))
    return EachRun(paces)


def _mean_log_loss(own: np.ndarray) -> float:
    known = own[~np.isnan(own)].astype(np.float64)
    # Not 0 even where all is known by heart, so that there is a weight in any case.
    return float(-np.log(known.clip(_LEAST_PROBA, 1 - _LEAST_PROBA)).mean()) if len(known) else 0.0


def _weights(
    trajectory: Trajectory, pace: Sequence[tuple[np.ndarray, np.ndarray]]
) -> Iterator[np.ndarray]:
    """Yield for each run the weights of its steps."""
    begins, ends = step_times(trajectory)
    for run, n_steps in enumerate(trajectory.n_steps):
        # Each of the models that judge held-out rows is a run of its own when others are scored.
        times, before = pace[run * len(pace) // trajectory.n_runs]
        yield np.interp(ends[run, :n_steps], times, before) - np.interp(
            begins[run, :n_steps], times, before
        )
