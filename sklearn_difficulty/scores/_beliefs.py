"""What the training believed of each sample, over all its steps and runs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sklearn_difficulty.scores._over_steps import completed, few_at_a_time
from sklearn_difficulty.scores._pace import Pace, paces_of, weights_of_steps
from sklearn_difficulty.scores._rival_proba import rival_proba
from sklearn_difficulty.scores._rivals import RivalMean, Rivals, largest
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["LEAST_PROBA", "Belief", "beliefs", "can_be_judged"]

# What it is read off.
_NEEDS = ("proba", "margin", "prediction", "y", "classes")
# Probabilities below it are alike: none.
LEAST_PROBA = 1e-9


class Belief(NamedTuple):
    """What the training believed of each sample, over all its steps and runs.

    Attributes
    ----------
    given : ndarray of shape (n_samples,)
        Probability of the given label: geometric mean over steps, mean over runs. NaN for samples
        that were never recorded.
    rivals : Rivals of shape (n_samples, n_classes)
        Mean probability of each other class, as far as it is known; 0 for the given label.
    unnamed : ndarray of shape (n_samples,)
        Mean probability of the strongest rival in the steps in which the given label was ahead of
        it, so that it is not known which class that was.
    lead : ndarray of shape (n_samples,)
        Mean probability of the strongest rival minus that of the given label.
    rest : ndarray of shape (n_samples,)
        Mean probability of all classes but these two.
    """

    given: np.ndarray
    rivals: Rivals
    unnamed: np.ndarray
    lead: np.ndarray
    rest: np.ndarray


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


def beliefs(trajectory: Trajectory, pace: Sequence[Pace] | None = None) -> Belief:
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
        pace = paces_of(trajectory)
    given, own_mean, unnamed, n_runs = np.zeros((4, n_samples))
    rivals = RivalMean(n_samples, len(trajectory.classes))
    records = (
        completed(trajectory, name, "consensus") for name in ("proba", "margin", "prediction")
    )
    for weights, *recorded in zip(weights_of_steps(trajectory, pace), *records, strict=True):
        for some in few_at_a_time(n_samples, len(weights)):
            proba, margin, prediction = (record[:, some] for record in recorded)
            one, *named = _in_one_run(weights, proba, margin, prediction, y[some])
            for total, part in zip((given, own_mean, unnamed, n_runs), one, strict=True):
                total[some] += part
            rivals.add(some, *named)
    n_runs[n_runs == 0] = np.nan
    given, own_mean, unnamed = given / n_runs, own_mean / n_runs, unnamed / n_runs
    means = rivals.mean(n_runs)
    strongest = largest(means) + unnamed
    rest = np.maximum(1.0 - own_mean - strongest, 0.0)
    return Belief(given, means, unnamed, strongest - own_mean, rest)


def _in_one_run(
    weights: np.ndarray,
    proba: np.ndarray,
    margin: np.ndarray,
    prediction: np.ndarray,
    y: np.ndarray,
) -> tuple[tuple[np.ndarray, ...], np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What is believed of some samples in one run, over its steps.

    Parameters
    ----------
    weights : ndarray of shape (n_steps,)
        Weights of the steps.
    proba, margin, prediction : ndarray of shape (n_steps, n)
        The records of the samples.
    y : ndarray of shape (n,), int
        Their labels.

    Returns
    -------
    means : tuple of four ndarray of shape (n,)
        Geometric and arithmetic mean of the probability of the given label, mean probability of a
        rival without a name, and whether there is any record; 0 where there is none.
    is_named, classes, weighted : ndarray of shape (n_steps, n)
        Whether it is known which rival it is, which one, and its probability times the weight.
    total : ndarray of shape (n,)
        Sum of the weights.
    """
    known = ~np.isnan(proba)
    # Not in float32, in which a rival that is as probable as the given label would be ahead of it.
    logs = np.log(np.maximum(proba, LEAST_PROBA), dtype=np.float64)
    others = rival_proba(proba, margin)
    if not known.all():
        proba, logs, others = (np.where(known, values, 0) for values in (proba, logs, others))
    others = others * weights[:, None]
    is_named = known & (prediction != y)
    total = weights @ known
    recorded = total > 0
    total[~recorded] = 1.0
    unnamed = np.where(is_named, 0.0, others).sum(axis=0) / total
    given = np.where(recorded, np.exp(weights @ logs / total), 0.0)
    means = given, weights @ proba / total, unnamed, recorded
    return means, is_named, prediction, others, total
