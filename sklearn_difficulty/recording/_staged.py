"""scikit-learn estimators that predict in stages: boosting."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.base import clone, is_regressor

from sklearn_difficulty.exceptions import TrainSplitIgnoredWarning
from sklearn_difficulty.recording._learner import Task
from sklearn_difficulty.recording._loop import TrajectoryRecorder
from sklearn_difficulty.recording._sklearn_outputs import (
    aligned,
    check_finite,
    no_input_gradients,
    proba_records,
    seeded_params,
    target_records,
)
from sklearn_difficulty.recording._snapshots import State
from sklearn_difficulty.trajectory import Trajectory

# Histogram boosting stops early by itself where there are more, as its documentation says.
_MOST_ROWS_WITHOUT_EARLY_STOPPING = 10_000


class StagedLearner:
    """Boosting: fitted once, then read stage by stage, in time linear in the stages.

    The fitted estimator holds all its stages, so that there are no snapshots to take.
    """

    takes_snapshots = False
    has_gradients = False

    def accepts(self, estimator: Any) -> bool:
        """Whether `estimator` predicts in stages."""
        if is_regressor(estimator):
            return hasattr(estimator, "staged_predict")
        return hasattr(estimator, "staged_predict_proba")

    def most_steps(self, estimator: Any) -> int | None:
        """None: its stages are read at once; see :class:`Learner`."""
        return None

    def check(self, estimator: Any, n_models: int) -> None:
        """Nothing to warn of; see :class:`Learner`."""

    def record(
        self,
        estimator: Any,
        task: Task,
        *,
        seed: int,
        reseed: bool,
        tick: Callable[[], None],
    ) -> tuple[Any, Trajectory]:
        """Train a clone and read its stages; see :class:`Learner`."""
        fitted = clone(estimator)
        fitted.set_params(**seeded_params(fitted, seed, reseed=reseed))
        _train_on_all_rows(fitted, task.X.shape[0])
        start = perf_counter()
        fitted.fit(task.X, task.labels)
        seconds = perf_counter() - start
        X, y = task.recorded or (task.X, task.y)
        recorder = TrajectoryRecorder(X.shape[0])
        rows = np.arange(X.shape[0])
        stages = list(_stages(fitted, X, y, task.classes))
        for records in stages:
            check_finite(records["loss"], recorder, "Scale the targets.")
            recorder.write(rows, records)
            recorder.step({"epoch": 1.0, "update": 1.0, "wall": seconds / len(stages)})
        tick()
        return fitted, recorder.trajectory(
            y=y, classes=task.classes, in_train=np.full(len(rows), task.recorded is None)
        )

    def class_proba(self, fitted: Any, X: Any, classes: np.ndarray) -> np.ndarray:
        """Probabilities after the last stage; see :class:`Learner`."""
        return aligned(fitted.predict_proba(X), fitted.classes_, classes)

    def replay(
        self,
        fitted: Any,
        states: Iterable[State],
        X: Any,
        y: np.ndarray,
        classes: np.ndarray | None,
    ) -> Iterator[dict[str, np.ndarray]]:
        """Records of other rows; see :class:`Learner`."""
        return _stages(fitted, X, y, classes)

    def input_gradients(
        self, fitted: Any, states: Iterable[State], X: Any, target: np.ndarray, output: str
    ) -> Iterator[np.ndarray]:
        """Raise: there are none; see :class:`Learner`."""
        raise no_input_gradients(fitted)


def _train_on_all_rows(estimator: Any, n_samples: int) -> None:
    """Switch early stopping off, where it looks at rows that are not trained on."""
    params = estimator.get_params(deep=False)
    if "early_stopping" in params:
        name, all_rows = "early_stopping", False
        automatic = params[name] == "auto" and n_samples > _MOST_ROWS_WITHOUT_EARLY_STOPPING
        stops = (automatic or params[name] is True) and params["validation_fraction"] is not None
    else:
        name, all_rows = "n_iter_no_change", None
        stops = params.get(name) is not None
    if not stops:
        return
    warnings.warn(
        f"{name}={params[name]!r} of {type(estimator).__name__} would hold rows back from "
        f"training: all rows are trained on instead. Set {name}={all_rows} to silence this.",
        TrainSplitIgnoredWarning,
        stacklevel=2,
    )
    estimator.set_params(**{name: all_rows})


def _stages(
    fitted: Any, X: Any, y: np.ndarray, classes: np.ndarray | None
) -> Iterator[dict[str, np.ndarray]]:
    if classes is None:
        for predicted in fitted.staged_predict(X):
            yield target_records(predicted, y)
        return
    for proba in fitted.staged_predict_proba(X):
        yield proba_records(aligned(proba, fitted.classes_, classes), y)
