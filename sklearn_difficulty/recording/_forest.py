"""Forests and bagging: each tree is judged on the rows that it left out."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from time import perf_counter
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone

from sklearn_difficulty.recording._estimator_records import records_of_proba
from sklearn_difficulty.recording._learner import Learner, Task
from sklearn_difficulty.recording._sklearn_outputs import (
    aligned,
    check_finite,
    seeded_params,
    target_records,
)
from sklearn_difficulty.recording._snapshots import State
from sklearn_difficulty.recording._step_recorder import StepRecorder
from sklearn_difficulty.trajectory import Trajectory


@cache
def _forests() -> tuple[Any, ...]:
    # Imported when there is an estimator to be told apart: trees take long to import, and one who
    # trains networks does not need them.
    from sklearn import ensemble

    return (
        ensemble.RandomForestClassifier,
        ensemble.RandomForestRegressor,
        ensemble.ExtraTreesClassifier,
        ensemble.ExtraTreesRegressor,
    )


@cache
def _baggings() -> tuple[Any, ...]:
    from sklearn import ensemble

    return ensemble.BaggingClassifier, ensemble.BaggingRegressor


class ForestLearner(Learner):
    """Random forests, extra trees and bagging: each tree is a run of its own, of one step.

    A tree does not build on the trees before, so that a forest has no path. It is a population of
    models, each of which left some rows out: these alone it has records of, with a loss of NaN
    and a prediction of -1 for the rows that it was trained on. Rows that are held out are judged
    by every tree.

    A tree that was grown to the end gives probabilities of 0 and 1, whose log-loss is cut off at
    that of the least number above rounding, 36.04 for each tree that is wrong. ``"action"`` is
    then the share of wrong trees times 36.04; ``"confidence"``, the mean probability that the
    trees give to the label of a row that they left out, does not depend on that cut-off.

    Members of a bagging without ``predict_proba`` vote: all probability is on what they predict,
    as in the bagging itself.
    """

    described = (
        "forests and bagging whose members leave rows out (RandomForestClassifier, "
        "ExtraTreesClassifier, BaggingClassifier and their regressors)"
    )
    steps_are_runs = True

    def accepts(self, estimator: Any) -> bool:
        """Whether `estimator` is a forest or a bagging."""
        if isinstance(estimator, _baggings()):
            return True
        # Forests of imbalanced-learn draw from each class first, and do not say what they drew.
        return isinstance(
            estimator, _forests()
        ) and "sampling_strategy" not in estimator.get_params(deep=False)

    def most_steps(self, estimator: Any) -> int | None:
        """One; see :class:`Learner`."""
        return 1

    def runs_per_model(self, estimator: Any) -> int:
        """Number of trees; see :class:`Learner`."""
        return estimator.n_estimators

    def check(self, estimator: Any, n_models: int, n_samples: int, *, held_out: bool) -> None:
        """Refuse an ensemble of which no member leaves rows out; see :class:`Learner`."""
        if held_out or estimator.bootstrap:
            return
        max_samples = estimator.max_samples if isinstance(estimator, _baggings()) else None
        if max_samples is not None and _count_drawn(max_samples, n_samples) < n_samples:
            return
        raise ValueError(
            f"bootstrap=False of {type(estimator).__name__} trains each of its members on all "
            "rows, which leaves none to judge it by: pass bootstrap=True, or cv=5 for rows that "
            "are held out."
        )

    def record(
        self,
        estimator: Any,
        task: Task,
        *,
        seed: int,
        reseed: bool,
        tick: Callable[[], None],
    ) -> tuple[Any, Trajectory]:
        """Train a clone and judge each tree; see :class:`Learner`."""
        fitted = clone(estimator)
        fitted.set_params(**seeded_params(fitted, seed, reseed=reseed))
        start = perf_counter()
        fitted.fit(task.X, task.labels)
        seconds_per_tree = (perf_counter() - start) / len(fitted.estimators_)
        X, y = task.rows
        members = _members(fitted, X, y, task.classes, task.keep)
        trees = []
        for records, drawn in zip(members, fitted.estimators_samples_, strict=True):
            in_train = np.zeros(len(y), dtype=bool)
            if task.recorded is None:
                in_train[drawn] = True
            left_out = np.flatnonzero(~in_train)
            recorder = StepRecorder(len(y))
            check_finite(records["loss"], recorder, "Scale the targets.")
            recorder.write(left_out, {name: value[left_out] for name, value in records.items()})
            recorder.step({"epoch": 1.0, "update": 1.0, "wall": seconds_per_tree})
            trees.append(recorder.trajectory(y=y, classes=task.classes, in_train=in_train))
        tick()
        return fitted, Trajectory.stack(trees)

    def replay(
        self,
        fitted: Any,
        states: Iterable[State],
        X: Any,
        y: np.ndarray,
        classes: np.ndarray | None,
        *,
        keep: tuple[str, ...] = (),
    ) -> Iterator[dict[str, np.ndarray]]:
        """Records of other rows by each tree; see :class:`Learner`."""
        return _members(fitted, X, y, classes, keep)


def _count_drawn(max_samples: float, n_samples: int) -> int:
    """Number of rows that a member of a bagging draws: a count, or a share of the rows."""
    return int(max_samples * n_samples if isinstance(max_samples, float) else max_samples)


def _members(
    fitted: Any, X: Any, y: np.ndarray, classes: np.ndarray | None, keep: tuple[str, ...]
) -> Iterator[dict[str, np.ndarray]]:
    """Records of rows by each member of an ensemble."""
    # Members were trained on plain rows; in the type of trees, once, not by each of them again.
    dtype = np.float32 if isinstance(fitted, _forests()) else None
    X = X.astype(dtype or X.dtype, copy=False) if issparse(X) else np.asarray(X, dtype=dtype)
    for number, member in enumerate(fitted.estimators_):
        rows = X[:, fitted.estimators_features_[number]] if isinstance(fitted, _baggings()) else X
        if classes is None:
            yield target_records(member.predict(rows), y, keep)
            continue
        # Members know the classes by their numbers in the ensemble.
        if hasattr(member, "predict_proba"):
            numbers = member.classes_.astype(int)
            proba = member.predict_proba(rows)
        else:
            numbers = np.arange(len(fitted.classes_))
            proba = np.eye(len(numbers))[member.predict(rows)]
        proba = aligned(proba[:, : len(numbers)], fitted.classes_[numbers], classes)
        yield records_of_proba(proba, y, keep)
