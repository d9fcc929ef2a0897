"""What a record tells of its training: its classes, its scores, what its rows are judged under."""

from typing import Any

import numpy as np

from sklearn_difficulty._asked import ResolvedScore
from sklearn_difficulty._data import are_label_sets
from sklearn_difficulty._obtainable import check_scores
from sklearn_difficulty._problem import given_targets
from sklearn_difficulty._targets import have_distances
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.recording import PathOnly, Recording
from sklearn_difficulty.trajectory import Trajectory


def recording_of(trajectory: Trajectory) -> Recording:
    """Recording of a training of which there is nothing but the trajectory.

    Parameters
    ----------
    trajectory : Trajectory
        What was recorded elsewhere.
    """
    return Recording(
        PathOnly(),
        estimators=[],
        trajectory=trajectory,
        scored=np.empty((0, trajectory.n_samples), dtype=bool),
        n_steps=[trajectory.n_steps_max],
        classes=_classes_of(trajectory),
        targets=trajectory.y,
    )


def _classes_of(trajectory: Trajectory) -> np.ndarray | None:
    """Names of the classes that a trajectory's labels are of; None for a regression."""
    if trajectory.classes is not None or trajectory.prediction is None or trajectory.y is None:
        return trajectory.classes
    if _has_label_sets(trajectory):
        return None
    return np.arange(max(int(trajectory.y.max()), int(trajectory.prediction.max())) + 1)


def _has_label_sets(trajectory: Trajectory) -> bool:
    """Whether each row has several labels that are there or not."""
    return trajectory.prediction is not None and trajectory.prediction.ndim > trajectory.loss.ndim


def check_recorded(scores: list[ResolvedScore], recording: Recording) -> None:
    """Check that scores can be had from what was recorded.

    Parameters
    ----------
    scores : list of ResolvedScore
        What is to be computed.
    recording : Recording
        Models and their trajectory.

    Raises
    ------
    RecordNotFoundError
        With the option that would have recorded what is missing.
    """
    are_label_sets = _has_label_sets(recording.trajectory)
    check_scores(
        scores,
        recording.learner,
        has_classes=recording.classes is not None,
        # What a trajectory from elsewhere lacks is said where it is read.
        has_proba=recording.trajectory.proba is not None or not recording.estimators,
        described=_described(recording),
        has_label_sets=are_label_sets,
        has_distances=have_distances(recording.targets, recording.classes, are_label_sets),
        snapshots=recording.trajectory.snapshots,
        n_runs=recording.trajectory.n_runs,
        most_steps=max(recording.n_steps),
    )
    for score in scores:
        if recording.estimators and score.not_kept(recording.trajectory):
            raise RecordNotFoundError(
                f"score {score.entry.name!r} needs {', '.join(sorted(score.keep))}, which take "
                "much memory and were not kept: name it among the scores that you fit with, as "
                f"in score=['action', {score.entry.name!r}]."
            )


def judged_under(recording: Recording, y: Any, n_samples: int) -> np.ndarray | None:
    """Targets to judge rows under, of the kind of those that were trained on.

    Parameters
    ----------
    recording : Recording
        Models and their trajectory.
    y : array-like of shape (n_samples, ...)
        Labels or targets as they were given.
    n_samples : int
        How many rows they are for.

    Returns
    -------
    targets : ndarray of shape (n_samples, ...) or None
        Class numbers or targets; None where a trajectory is all there is, and holds none.

    Raises
    ------
    ValueError
        For targets of another kind.
    """
    if recording.targets is None:
        if recording.estimators:
            raise ValueError(
                "y was given, and the estimator was trained without targets, each row being its "
                "own: leave y out."
            )
        return None
    given: np.ndarray = given_targets(y, n_samples, recording.targets, recording.classes)
    if _has_label_sets(recording.trajectory) and not are_label_sets(given):
        raise ValueError(
            "y must hold 1 for each label that is there and 0 for others, as in training."
        )
    return given


def _described(recording: Recording) -> str:
    """What a training without classes was of."""
    if _has_label_sets(recording.trajectory):
        return "a training with several labels for each row"
    y = recording.targets
    is_regression = y is not None and y.ndim == 1 and y.dtype != object
    return "a regression" if is_regression else "a training without classes"
