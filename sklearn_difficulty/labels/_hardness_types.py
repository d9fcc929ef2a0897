"""Hard is not wrong: easy, hard, mislabeled and atypical samples, from one path of training."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_difficulty.scores._over_runs import warn_of_missing
from sklearn_difficulty.scores._over_steps import (
    completed,
    few_at_a_time,
    span_of_steps,
    whether_right,
)
from sklearn_difficulty.scores._rival_proba import rival_proba
from sklearn_difficulty.scores._rivals import RivalMean, Rivals, largest, likeliest
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["HardnessReadings", "hardness_readings", "hardness_types"]

# Added to the weight of each step, so that samples recorded in no step that tells samples apart
# still have means; it does not show in the means of the others.
_LEAST_WEIGHT = 1e-9
_TINY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class HardnessReadings:
    """Three readings of how each sample fared in training, kept apart, and what follows of them.

    Parameters
    ----------
    level : ndarray of shape (n_samples,)
        How hard: 1 minus the mean probability of the given label, from 0 to 1. Higher is harder.
    lateness : ndarray of shape (n_samples,)
        How late: the share of the training after which the given label is predicted for good, 0
        for from the beginning and 1 for never. Higher is harder.
    other_label : ndarray of shape (n_samples,)
        How surely another label: the mean probability of the one other class that the sample is
        most taken for, from 0 to 1. Higher is surer.
    other_class : ndarray of shape (n_samples,), int
        Index of that class; -1 where no other class was ever predicted.
    type : ndarray of shape (n_samples,), str
        ``"easy"``, ``"hard"``, ``"mislabeled"`` or ``"atypical"``, and ``"unknown"`` for samples
        without any record; see :func:`hardness_types`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.labels import HardnessReadings, hardness_readings
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> proba = np.array([[[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]]])
    >>> readings = hardness_readings(Trajectory.from_outputs(proba, [0, 1, 1], kind="proba"))
    >>> isinstance(readings, HardnessReadings), readings.type.tolist()
    (True, ['easy', 'mislabeled', 'easy'])
    """

    level: np.ndarray
    lateness: np.ndarray
    other_label: np.ndarray
    other_class: np.ndarray
    type: np.ndarray


def hardness_types(
    trajectory: Trajectory, *, mislabeled_proba: Any = None, odds: float = 2.0
) -> np.ndarray:
    r"""Say of each sample whether it is easy, hard, mislabeled or atypical.

    A high loss has several reasons, of which a wrong label is one. Let g be the mean probability of
    the given label over the training, o that of the one other class that the sample is most taken
    for, both divided by the median of their maximum over all samples and at most 1, and
    :math:`r = \max(0, 1 - g - o)` what is left for several classes. The first that holds counts:

    - ``"mislabeled"``: :math:`o > k g` and :math:`o > r`. The model was as sure of one other class
      as it is of typical samples, even if it memorised the given label in the end.
    - ``"easy"``: :math:`g > k (o + r)`. The given label was learnt early, with a low loss.
    - ``"atypical"``: :math:`k r > o`. The sample was taken for several classes, or for none with
      any certainty: outliers, rare groups, inputs of another kind.
    - ``"hard"``: all others. The given label and one rival stay close.

    The k is `odds`, or the root of the median over all samples of g to o (or o to g, whichever is
    above 1) where that is less: of many wrong labels a model learns to be unsure of all labels.

    Parameters
    ----------
    trajectory : Trajectory
        The path; `proba`, `margin`, `prediction`, `y` and `classes` are used.
    mislabeled_proba : array-like of shape (n_samples,), default=None
        How probable it is that each label is wrong, as of ``estimate_label_noise``. Samples are
        then mislabeled where it is above 1/2 and :math:`o > r`, so that types and probabilities
        agree. None goes by the rule above.
    odds : float, default=2.0
        How many times as probable a label has to be for a verdict; above 1.

    Returns
    -------
    ndarray of shape (n_samples,), str
        The types; ``"unknown"`` for samples without any record.

    Raises
    ------
    RecordNotFoundError
        If a record is missing, as of regressions and of models without probabilities.
    ValueError
        If `odds` or `mislabeled_proba` are out of range.

    Warns
    -----
    MissingRecordsWarning
        If samples were never recorded.

    See Also
    --------
    hardness_readings : The readings, too.

    Notes
    -----
    Means are over all recorded steps of all runs. A step has the weight w (1 - w), w being the
    share of wrong predictions in it: steps after which everything is right or everything is wrong
    say nothing of the differences between samples. So boosting stages or epochs in which wrong
    labels are memorised count little, and those after all is memorised count for nothing.

    One step is enough, as with forests, whose trees vote; of two or three steps the weights
    matter little, and `lateness` takes as few values as there are steps.

    Of two classes no sample is atypical, as there is nothing but the given label and the other
    one. A sample that the model surely takes for one other class, such as an outlier in the region
    of another class, cannot be told from a mislabeled one by the path alone. Where a model
    memorises everything in its first steps, all is easy: record it out of fold, with ``cv``, as
    is better for boosting, too.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.labels import hardness_types
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> others = [[0.9, 0.05, 0.05], [0.9, 0.05, 0.05], [0.5, 0.48, 0.02], [0.05, 0.9, 0.05]]
    >>> trajectory = Trajectory.from_outputs(
    ...     [[*others, [0.3, 0.5, 0.2]], [*others, [0.3, 0.2, 0.5]]],
    ...     [0, 1, 0, 1, 0],
    ...     kind="proba",
    ...     classes=[0, 1, 2],
    ... )
    >>> hardness_types(trajectory).tolist()
    ['easy', 'mislabeled', 'hard', 'easy', 'atypical']
    """
    return hardness_readings(trajectory, mislabeled_proba=mislabeled_proba, odds=odds).type


def hardness_readings(
    trajectory: Trajectory, *, mislabeled_proba: Any = None, odds: float = 2.0
) -> HardnessReadings:
    """Read off the path how hard, how late and how surely another label each sample is.

    Parameters
    ----------
    trajectory : Trajectory
        The path; `proba`, `margin`, `prediction`, `y` and `classes` are used.
    mislabeled_proba : array-like of shape (n_samples,), default=None
        How probable it is that each label is wrong; see :func:`hardness_types`.
    odds : float, default=2.0
        How many times as probable a label has to be for a verdict; above 1.

    Returns
    -------
    HardnessReadings
        Means over all runs and steps, weighted as in :func:`hardness_types`. NaN for samples
        without any record.

    Raises
    ------
    RecordNotFoundError
        If a record is missing, as of regressions and of models without probabilities.
    ValueError
        If `odds` or `mislabeled_proba` are out of range.

    Warns
    -----
    MissingRecordsWarning
        If samples were never recorded.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.labels import hardness_readings
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> proba = np.array([[[0.75, 0.25], [0.75, 0.25]], [[0.75, 0.25], [0.25, 0.75]]])
    >>> readings = hardness_readings(Trajectory.from_outputs(proba, [0, 1], kind="proba"))
    >>> readings.level.round(2), readings.lateness.round(2), readings.other_class
    (array([0.25, 0.75]), array([0., 1.]), array([-1,  0]))
    """
    trajectory.require("prediction", "proba", "margin", "y", "classes", score="hardness_types")
    n_samples = trajectory.n_samples
    odds = _checked_odds(odds)
    wrong_proba = _checked_proba(mislabeled_proba, n_samples)
    own, rival, by_class, lateness = _means(trajectory)
    total = by_class.sum(axis=1)
    # Where the given label is ahead, the class behind it is not on record: it is taken to be the
    # one other class as often as that is the case where another one is ahead.
    share = np.ones(n_samples)
    np.divide(largest(by_class), total, out=share, where=total > 0)
    other = rival * share
    recorded = ~np.isnan(own)
    types = np.full(n_samples, "unknown", dtype="<U10")
    types[recorded] = _types(
        own[recorded],
        other[recorded],
        odds,
        None if wrong_proba is None else wrong_proba[recorded],
    )
    warn_of_missing(~recorded, "hardness_types", stacklevel=3)
    other_class = np.where(total > 0, likeliest(by_class), -1)
    return HardnessReadings(1 - own, lateness, other, other_class, types)


def _means(trajectory: Trajectory) -> tuple[np.ndarray, np.ndarray, Rivals, np.ndarray]:
    """Give means over the weighted steps of all runs.

    Returns
    -------
    own, rival : ndarray of shape (n_samples,), float64
        Mean probability of the given label, and of the most probable other one. NaN for samples
        that were never recorded.
    by_class : Rivals of shape (n_samples, n_classes)
        The part of `rival` in which each class was predicted instead of the given label.
    lateness : ndarray of shape (n_samples,), float64
        Share of the weight after which each sample is right for good.
    """
    assert trajectory.y is not None and trajectory.classes is not None
    y, n_samples = trajectory.y, trajectory.n_samples
    own, rival, weight, late, n_runs = np.zeros((5, n_samples))
    by_class = RivalMean(n_samples, len(trajectory.classes))
    records = [
        completed(trajectory, name, "hardness_types") for name in ("prediction", "proba", "margin")
    ]
    for predictions, probas, margins, spans in zip(
        *records, span_of_steps(trajectory), strict=True
    ):
        weights = _step_weights(predictions, y, spans)
        elapsed = np.cumsum(weights) / max(weights.sum(), _TINY)
        learned = np.zeros(n_samples)
        wrong_last = np.zeros(n_samples, dtype=bool)
        seen = np.zeros(n_samples, dtype=bool)
        for step, (recorded, right) in enumerate(whether_right(predictions, y)):
            rows = np.flatnonzero(recorded)
            wrong = ~right[rows]
            learned[rows[wrong]] = elapsed[step]
            wrong_last[rows] = wrong
            seen |= recorded
        of_steps = weights[:, None]
        for some in few_at_a_time(n_samples, len(weights)):
            predicted = predictions[:, some]
            recorded = predicted >= 0
            given = np.where(recorded, probas[:, some], 0.0).astype(np.float64)
            other = of_steps * np.where(recorded, rival_proba(given, margins[:, some]), 0.0)
            own[some] += (of_steps * given).sum(axis=0)
            rival[some] += other.sum(axis=0)
            weight[some] += (of_steps * recorded).sum(axis=0)
            is_wrong = recorded & (predicted != y[some])
            by_class.add(some, is_wrong, predicted, other, np.ones(predicted.shape[1]))
        late += np.where(wrong_last, 1.0, learned)
        n_runs += seen
    unknown = n_runs == 0
    with np.errstate(invalid="ignore"):
        means = own / weight, rival / weight, late / n_runs
    return means[0], means[1], by_class.mean(np.where(unknown, np.nan, weight)), means[2]


def _step_weights(predictions: np.ndarray, y: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """Weigh the steps of a run by how much they tell samples apart, times their spans."""
    n_recorded, n_wrong = np.zeros((2, len(predictions)))
    seen = np.zeros(len(y), dtype=bool)
    for step, (recorded, right) in enumerate(whether_right(predictions, y)):
        n_recorded[step] = recorded.sum()
        n_wrong[step] = (recorded & ~right).sum()
        seen |= recorded
    # Steps that recorded a part of the rows each, such as batches, share one weight of as many as
    # make all rows: else a row would count more in the steps in which it is wrong itself.
    block = np.maximum(np.cumsum(n_recorded) - 1, 0) // max(seen.sum(), 1)
    block = np.unique(block, return_inverse=True)[1]
    rate = np.bincount(block, n_wrong) / np.maximum(np.bincount(block, n_recorded), 1)
    return np.asarray((rate * (1 - rate) + _LEAST_WEIGHT)[block] * spans)


def _types(
    own: np.ndarray, other: np.ndarray, odds: float, wrong_proba: np.ndarray | None
) -> np.ndarray:
    """Sort samples by the mean probabilities of the given label and of one other class."""
    types = np.full(len(own), "hard", dtype="<U10")
    if len(own) == 0:
        return types
    ahead, behind = np.maximum(own, other), np.minimum(own, other)
    typical = np.median(ahead / np.maximum(behind, _TINY))
    odds = min(odds, float(np.sqrt(typical)))
    scale = np.median(ahead)
    own, other = np.minimum(own / scale, 1), np.minimum(other / scale, 1)
    rest = np.maximum(1 - own - other, 0)
    types[odds * rest > other] = "atypical"
    rejected = other > odds * own if wrong_proba is None else wrong_proba > 0.5
    types[(own > odds * (other + rest)) & ~rejected] = "easy"
    types[rejected & (other > rest)] = "mislabeled"
    return types


def _checked_odds(odds: Any) -> float:
    if not isinstance(odds, int | float | np.number) or isinstance(odds, bool) or not odds > 1:
        raise ValueError(f"odds must be a number above 1; got {odds!r}.")
    return float(odds)


def _checked_proba(proba: Any, n_samples: int) -> np.ndarray | None:
    if proba is None:
        return None
    values = np.asarray(proba, dtype=np.float64)
    if values.shape != (n_samples,):
        raise ValueError(
            f"mislabeled_proba must hold one number for each of {n_samples} samples; got shape "
            f"{values.shape}."
        )
    outside = (values < 0) | (values > 1)  # NaN, of samples without records, is let through
    if outside.any():
        raise ValueError(
            f"mislabeled_proba must be from 0 to 1; got {values[outside][0]} at index "
            f"{np.flatnonzero(outside)[0]}."
        )
    return values
