"""Boosting, read stage by stage, and the estimators of scikit-learn that predict in stages."""

from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.base import clone, is_regressor

from sklearn_difficulty.recording._estimator_records import records_of_proba
from sklearn_difficulty.recording._estimator_steps import EstimatorSteps
from sklearn_difficulty.recording._learner import Learner, Task, warn_of_rows_held_back
from sklearn_difficulty.recording._sklearn_outputs import (
    aligned,
    seeded_params,
    target_records,
)
from sklearn_difficulty.recording._snapshots import State
from sklearn_difficulty.trajectory import Trajectory

# Histogram boosting stops early by itself where there are more, as its documentation says.
_MOST_ROWS_WITHOUT_EARLY_STOPPING = 10_000


class BoostingLearner(Learner):
    """Boosting: fitted once, then read stage by stage, in time linear in the stages.

    The fitted estimator holds all its stages, so that there are no snapshots to take.
    """

    def held_back(self, estimator: Any, n_samples: int) -> tuple[str, Any, Any]:
        """The parameter that may hold rows back, its value, and the one that trains on all rows.

        The two values are equal where no row would be held back.
        """
        raise NotImplementedError

    def fit(self, estimator: Any, task: Task) -> None:
        """Train an estimator on the rows of a task."""
        estimator.fit(task.X, task.labels)

    def count_stages(self, fitted: Any) -> int:
        """Number of stages that a fitted estimator holds."""
        raise NotImplementedError

    def stages(
        self, fitted: Any, X: Any, y: np.ndarray, classes: np.ndarray | None, keep: tuple[str, ...]
    ) -> Iterator[dict[str, np.ndarray]]:
        """Records of rows after each stage, computed from the stage before."""
        raise NotImplementedError

    def check(self, estimator: Any, n_models: int, n_samples: int, *, held_out: bool) -> None:
        """Warn of early stopping on rows held back; see :class:`Learner`."""
        name, value, all_rows = self.held_back(estimator, n_samples)
        if value != all_rows:
            warn_of_rows_held_back(estimator, f"{name}={value!r}", f"{name}={all_rows}")

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
        name, value, all_rows = self.held_back(fitted, len(task.y))
        if value != all_rows:
            fitted.set_params(**{name: all_rows})
        start = perf_counter()
        self.fit(fitted, task)
        seconds = perf_counter() - start
        X, y = task.rows
        steps = EstimatorSteps(task, "Scale the targets.")
        seconds_per_stage = seconds / self.count_stages(fitted)
        for records in self.stages(fitted, X, y, task.classes, task.keep):
            steps.add(fitted, records, seconds=seconds_per_stage)
        tick()
        return fitted, steps.trajectory()

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
        return self.stages(fitted, X, y, classes, keep)


class StagedLearner(BoostingLearner):
    """Boosting of scikit-learn, through ``staged_predict_proba`` and ``staged_predict``."""

    described = (
        "boosting with staged predictions (HistGradientBoostingClassifier, "
        "GradientBoostingClassifier, AdaBoostClassifier and their regressors)"
    )

    def accepts(self, estimator: Any) -> bool:
        """Whether `estimator` predicts in stages."""
        if is_regressor(estimator):
            return hasattr(estimator, "staged_predict")
        return hasattr(estimator, "staged_predict_proba")

    def held_back(self, estimator: Any, n_samples: int) -> tuple[str, Any, Any]:
        """Early stopping by a validation set; see :class:`BoostingLearner`."""
        params = estimator.get_params(deep=False)
        if "early_stopping" not in params:
            return "n_iter_no_change", params.get("n_iter_no_change"), None
        value = params["early_stopping"]
        automatic = value == "auto" and n_samples > _MOST_ROWS_WITHOUT_EARLY_STOPPING
        on_rows = params["validation_fraction"] is not None and (automatic or value is True)
        return "early_stopping", value, False if on_rows else value

    def count_stages(self, fitted: Any) -> int:
        """Number of stages, fewer than asked for where boosting had nothing left to do."""
        for name in ("n_iter_", "n_estimators_"):
            if hasattr(fitted, name):
                return int(getattr(fitted, name))
        return len(fitted.estimators_)

    def stages(
        self, fitted: Any, X: Any, y: np.ndarray, classes: np.ndarray | None, keep: tuple[str, ...]
    ) -> Iterator[dict[str, np.ndarray]]:
        """Records of rows after each stage; see :class:`BoostingLearner`."""
        if classes is None:
            for predicted in fitted.staged_predict(X):
                yield target_records(predicted, y, keep)
            return
        for proba in fitted.staged_predict_proba(X):
            yield records_of_proba(aligned(proba, fitted.classes_, classes), y, keep)
