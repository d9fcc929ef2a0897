"""Logistic regression, iteration by iteration of its solver."""

from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import Any

import numpy as np
import sklearn
from sklearn.base import clone

from sklearn_difficulty.recording._estimator_records import estimator_records
from sklearn_difficulty.recording._estimator_state import with_state
from sklearn_difficulty.recording._estimator_steps import EstimatorSteps
from sklearn_difficulty.recording._learner import Learner, Task
from sklearn_difficulty.recording._sklearn_outputs import seeded_params
from sklearn_difficulty.recording._snapshots import State
from sklearn_difficulty.trajectory import Trajectory

_INSTEAD = "SGDClassifier(loss='log_loss') learns the same model epoch by epoch."


class LogisticLearner(Learner):
    """LogisticRegression with ``solver="lbfgs"``: one iteration is one step, and one epoch.

    scikit-learn shows its iterations from version 1.9 on. The solver draws nothing at random, so
    that all runs on the same rows are the same.
    """

    described = "LogisticRegression with solver='lbfgs', under scikit-learn 1.9 or later"
    takes_snapshots = True

    def accepts(self, estimator: Any) -> bool:
        """Whether `estimator` is one logistic regression, and no search over several."""
        # which takes long to import, and one who trains networks does not need
        from sklearn.linear_model import LogisticRegression, LogisticRegressionCV

        is_search = isinstance(estimator, LogisticRegressionCV)
        return isinstance(estimator, LogisticRegression) and not is_search

    def most_steps(self, estimator: Any) -> int | None:
        """Iterations, one at least; see :class:`Learner`."""
        return max(1, estimator.max_iter)

    def check(self, estimator: Any, n_models: int, n_samples: int, *, held_out: bool) -> None:
        """Raise where the iterations cannot be seen; see :class:`Learner`."""
        name = type(estimator).__name__
        if estimator.solver != "lbfgs":
            raise ValueError(
                f"solver={estimator.solver!r} of {name} does not show its iterations: use "
                f"solver='lbfgs'. {_INSTEAD}"
            )
        if not hasattr(estimator, "set_callbacks"):
            raise TypeError(
                f"{name} shows its iterations from scikit-learn 1.9 on, and this is "
                f"{sklearn.__version__}. {_INSTEAD}"
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
        """Train a clone, watched by a callback; see :class:`Learner`."""
        X, y = task.rows
        steps = EstimatorSteps(task, "Scale the inputs.", takes_snapshots=True)

        def note(current: Any, seconds: float) -> None:
            records = estimator_records(current, X, y, task.classes, task.keep)
            steps.add(current, records, seconds=seconds)
            tick()

        fitted = clone(estimator)
        fitted.set_params(**seeded_params(fitted, seed, reseed=reseed))
        # A clone has the callbacks of its original, and no public way to ask for them.
        theirs = tuple(getattr(fitted, "_skl_callbacks", ()))
        fitted.set_callbacks(_Iterations(note), *theirs)
        start = perf_counter()
        fitted.fit(task.X, task.labels)
        fitted.set_callbacks(*theirs)
        if not len(steps):  # where it started, there was nothing left to improve
            note(fitted, perf_counter() - start)
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
        for state in states:
            yield estimator_records(with_state(fitted, state), X, y, classes, keep)


class _Iterations:
    """Callback that hands on the model after each iteration, with the seconds that it took.

    The protocol of these callbacks is public in scikit-learn 1.9, but may change without notice.
    """

    def __init__(self, note: Callable[[Any, float], None]) -> None:
        self._note = note
        self._start = 0.0

    def setup(self, estimator: Any, context: Any) -> None:
        """Called before training."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Called after training."""

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Start the clock of an iteration."""
        self._start = perf_counter()

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> None:
        """Hand on what there is after an iteration; the training as a whole is a task too."""
        # After the last iteration comes a task without a model, which never ran.
        if context.parent is not None and fitted_estimator is not None:
            self._note(fitted_estimator, perf_counter() - self._start)
