"""Pipelines whose last step learns in steps."""

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import validate_data

from sklearn_difficulty._data import n_rows
from sklearn_difficulty.recording._around import LearnerAroundOne
from sklearn_difficulty.recording._learner import Learner, Task
from sklearn_difficulty.recording._sklearn_outputs import seeded_params
from sklearn_difficulty.recording._tracked import Tracked
from sklearn_difficulty.trajectory import Trajectory


class PipelineLearner(LearnerAroundOne):
    """A Pipeline: its transformers are fitted once, then its last step is recorded.

    The transformers are fitted to the rows that are trained on and to no others, so that those
    of a fold never see what it holds out. Gradients are by what they hand to the last step.
    """

    described = "a Pipeline whose last step is one of these"

    def __init__(self, inner: Learner) -> None:
        super().__init__(inner)
        self.takes_any_rows = True

    @staticmethod
    def within(estimator: Any) -> Any | None:
        """The last step; see :class:`LearnerAround`."""
        if not isinstance(estimator, Pipeline):
            return None
        for name, step in estimator.steps[:-1]:
            if hasattr(step, "fit_resample"):
                raise TypeError(
                    f"step {name!r} of the {type(estimator).__name__}, a {type(step).__name__}, "
                    "resamples: rows that come and go have no path of training of their own. "
                    "Leave it out, or resample before recording."
                )
        name, last = estimator.steps[-1]
        if last is None or isinstance(last, str):
            raise TypeError(
                f"the last step {name!r} of the {type(estimator).__name__} is {last!r}, and it is "
                "the last step that is recorded: end it with an estimator that learns in steps."
            )
        return last

    def fitted_within(self, fitted: Any) -> Any:
        """The last step; see :class:`LearnerAroundOne`."""
        return fitted.steps[-1][1]

    def allows_nan(self, estimator: Any) -> bool:
        """Yes: its transformers look at the rows as they are; see :class:`Learner`."""
        return True

    def with_within(self, fitted: Any, within: Any) -> Any:
        """A copy with another last step; see :class:`LearnerAroundOne`."""
        twin = copy.copy(fitted)
        twin.steps = [*fitted.steps[:-1], (fitted.steps[-1][0], within)]
        return twin

    def rows_within(self, fitted: Any, X: Any) -> Any:
        """Transformed rows; see :class:`LearnerAroundOne`."""
        return fitted[:-1].transform(X) if len(fitted.steps) > 1 else X

    def record(
        self,
        estimator: Any,
        task: Task,
        *,
        seed: int,
        reseed: bool,
        tick: Callable[[], None],
    ) -> tuple[Any, Trajectory]:
        """Fit the transformers, then train a clone of the last step; see :class:`Learner`."""
        fitted = clone(estimator)
        name, last = fitted.steps[-1]
        # In place of the last step, so that `memory` caches every transformer and the fitted
        # ones are those of the pipeline that is handed back.
        fitted.set_params(**{name: "passthrough"})
        fitted.set_params(**seeded_params(fitted, seed, reseed=reseed))
        X = fitted.fit_transform(task.X, task.labels)
        if n_rows(X) != n_rows(task.X):
            raise ValueError(
                f"the transformers of the {type(fitted).__name__} made {n_rows(X)} rows out of "
                f"{n_rows(task.X)}: every row needs to reach the last step to be recorded."
            )
        recorded = task.recorded
        if recorded is not None:
            recorded = (_trained_on(last, self.rows_within(fitted, recorded[0])), recorded[1])
        rows = _trained_on(last, X)
        inner_task = dataclasses.replace(task, X=rows, recorded=recorded)
        last, path = self.inner.record(last, inner_task, seed=seed, reseed=reseed, tick=tick)
        if rows is not X:
            validate_data(last, X, skip_check_array=True)  # notes the names of the columns
        fitted.set_params(**{name: last})
        return fitted, path


def _trained_on(last: Any, X: Any) -> Any:
    """Rows as a last step is trained on them: arrays for the small network of the package.

    It takes frames once it is trained. Every other estimator decides for itself: boosting reads
    types of columns off a frame, and skorch hands its columns to a module one by one.
    """
    if isinstance(last, Tracked) and last.module is None and hasattr(X, "to_numpy"):
        return X.to_numpy()
    return X
