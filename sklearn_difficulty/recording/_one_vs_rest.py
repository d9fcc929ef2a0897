"""One classifier for each class against all others, put together step by step."""

import copy
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from itertools import count, tee, zip_longest
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.base import clone, is_regressor
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.preprocessing import LabelBinarizer

from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.recording._around import LearnerAround
from sklearn_difficulty.recording._joint_path import (
    BinaryPath,
    joint_path,
    joint_records,
    part_of,
    predicted,
    towards_class,
)
from sklearn_difficulty.recording._learner import Learner, Task
from sklearn_difficulty.recording._sklearn_outputs import aligned, decision_columns
from sklearn_difficulty.recording._snapshots import State
from sklearn_difficulty.trajectory import Trajectory

_BINARY = np.array([0, 1])


class OneVsRestLearner(LearnerAround):
    """OneVsRestClassifier: each binary classifier is recorded, and their paths are joined.

    After each step the binary classifiers are put together as ``OneVsRestClassifier`` does it:
    probabilities are normalised over the classes, decision values stand next to each other. A
    classifier that stopped before others stays as it is. A row to which all of them give a
    probability of 0 has the same probability of each class. What is predicted goes by decision
    values where the classifiers train by ``partial_fit``: probabilities of several are often 1.

    They are trained one after the other, from the same random state.
    """

    described = "OneVsRestClassifier around one of these"

    def __init__(self, inner: Learner) -> None:
        super().__init__(inner)
        self.has_gradients = False
        self.records_outputs = True

    @staticmethod
    def within(estimator: Any) -> Any | None:
        """The binary classifier; see :class:`LearnerAround`."""
        name = type(estimator).__name__
        if isinstance(estimator, OneVsOneClassifier | OutputCodeClassifier):
            raise TypeError(
                f"estimator {name} joins its classifiers by votes or codes, which are not "
                "recorded: use OneVsRestClassifier around the same estimator."
            )
        if not isinstance(estimator, OneVsRestClassifier):
            return None
        if is_regressor(estimator.estimator):
            raise TypeError(
                f"{name} is around the regressor {type(estimator.estimator).__name__}: put a "
                "classifier into it, of which probabilities or decision values are recorded."
            )
        return estimator.estimator

    def record(
        self,
        estimator: Any,
        task: Task,
        *,
        seed: int,
        reseed: bool,
        tick: Callable[[], None],
    ) -> tuple[Any, Trajectory]:
        """Record a classifier for each class and join their paths; see :class:`Learner`."""
        fitted = clone(estimator)
        seen = np.unique(task.y)
        if len(seen) < 2:
            raise ValueError(
                f"{type(fitted).__name__} needs rows of two classes to train on, and there is "
                f"only {task.labels[:1].tolist()[0]!r}: with cv, use a splitter that stratifies."
            )
        ours = _own_numbers(seen)
        keep = _keep(fitted.estimator)
        options: dict[str, Any] = {
            "seed": seed,
            "reseed": reseed,
            "tick": _every(len(ours), tick),
        }
        binaries, paths = [], []
        for number in ours:
            binary, path = self.inner.record(
                fitted.estimator, _against_the_rest(task, number, len(ours), keep), **options
            )
            if path.margin is None:
                raise RecordNotFoundError(
                    f"{type(binary).__name__} gives no class scores, of which the records of "
                    f"{type(fitted).__name__} are made: put a classifier into it whose outputs "
                    "are logits or probabilities of two classes."
                )
            binaries.append(binary)
            paths.append(
                BinaryPath(
                    number,
                    path.margin,
                    path.proba is not None,
                    path.outputs,
                    path.in_train,
                    path.dt,
                    path.snapshots,
                    path.when,
                )
            )
        fitted.label_binarizer_ = LabelBinarizer(sparse_output=True).fit(task.labels)
        fitted.classes_ = fitted.label_binarizer_.classes_
        fitted.estimators_ = binaries
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(binaries[0], name):
                setattr(fitted, name, getattr(binaries[0], name))
        return fitted, joint_path(paths, task, seen)

    def shipped(self, fitted: Any) -> Any:
        """With its classifiers as they are shipped; see :class:`Learner`."""
        twin = copy.copy(fitted)
        twin.estimators_ = [self.inner.shipped(binary) for binary in fitted.estimators_]
        return twin

    def arrived(self, shipped: Any) -> Any:
        """With its classifiers as they arrive; see :class:`Learner`."""
        twin = copy.copy(shipped)
        twin.estimators_ = [self.inner.arrived(binary) for binary in shipped.estimators_]
        return twin

    def class_proba(self, fitted: Any, X: Any, classes: np.ndarray) -> np.ndarray:
        """Normalised probabilities, or the softmax of decision values; see :class:`Learner`."""
        if not hasattr(fitted, "predict_proba"):
            proba = softmax(decision_columns(fitted.decision_function(X)), axis=1)
            return aligned(proba, fitted.classes_, classes)
        own = [self.inner.class_proba(binary, X, _BINARY) for binary in fitted.estimators_]
        proba = own[0] if len(own) == 1 else np.column_stack([columns[:, 1] for columns in own])
        proba[proba.sum(axis=1) == 0] = 1.0
        return aligned(proba / proba.sum(axis=1, keepdims=True), fitted.classes_, classes)

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
        """Records of other rows; see :class:`Learner`."""
        assert classes is not None
        seen = np.searchsorted(classes, fitted.classes_)
        ours = _own_numbers(seen)
        # Read once, and handed to all classifiers in turn.
        copies = tee(states, len(ours))
        paths = [
            self.inner.replay(
                binary,
                _parts(copies[k], k),
                X,
                (y == ours[k]).astype(np.int64),
                _BINARY,
                keep=_keep(binary),
            )
            for k, binary in enumerate(fitted.estimators_)
        ]
        for records in _in_step(paths):
            towards = np.stack(
                [
                    towards_class(record["margin"], y == number)
                    for record, number in zip(records, ours, strict=True)
                ]
            )
            joint = joint_records(towards, "proba" in records[0], seen, len(classes), y, keep)
            if "outputs" in records[0]:
                decision = np.stack([record["outputs"] for record in records])
                joint["prediction"] = predicted(decision, seen)
            yield joint


def _own_numbers(seen: np.ndarray) -> np.ndarray:
    """Numbers of the classes that have a classifier: of two classes, the second alone."""
    return seen[1:] if len(seen) == 2 else seen


def _keep(binary: Any) -> tuple[str, ...]:
    return ("odds", "decision") if hasattr(binary, "decision_function") else ("odds",)


def _against_the_rest(task: Task, number: int, n_classifiers: int, keep: tuple[str, ...]) -> Task:
    recorded = task.recorded
    if recorded is not None:
        recorded = (recorded[0], (recorded[1] == number).astype(np.int64))
    return dataclasses.replace(
        task,
        y=(task.y == number).astype(np.int64),
        classes=_BINARY,
        recorded=recorded,
        max_snapshot_bytes=task.max_snapshot_bytes // n_classifiers,
        keep=keep,
        storage=part_of(task.storage, f"class{number}"),
    )


def _every(n: int, tick: Callable[[], None]) -> Callable[[], None]:
    """A function that calls `tick` every n-th time."""
    calls = count(1)

    def counted() -> None:
        if next(calls) % n == 0:
            tick()

    return counted


def _parts(states: Iterable[State], number: int) -> Iterator[State]:
    """The states of one classifier among those of all."""
    prefix = f"{number}/"
    for state in states:
        own = (name for name in state if name.startswith(prefix))
        yield {name.removeprefix(prefix): state[name] for name in own}


def _in_step(
    paths: list[Iterator[dict[str, np.ndarray]]],
) -> Iterator[list[dict[str, np.ndarray]]]:
    """The records of all classifiers after each step; those that have ended stay as they are."""
    last: list[dict[str, np.ndarray]] = [{}] * len(paths)
    for records in zip_longest(*paths):
        last = [old if new is None else new for old, new in zip(last, records, strict=True)]
        yield last
