"""scikit-learn estimators that learn by ``partial_fit``, one epoch a step."""

from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.utils import check_random_state

from sklearn_difficulty.recording._estimator_records import estimator_records
from sklearn_difficulty.recording._estimator_state import with_state
from sklearn_difficulty.recording._estimator_steps import EstimatorSteps
from sklearn_difficulty.recording._learner import Learner, Task, warn_of_rows_held_back
from sklearn_difficulty.recording._sklearn_outputs import decision_columns
from sklearn_difficulty.recording._snapshots import State
from sklearn_difficulty.trajectory import Trajectory


class PartialFitLearner(Learner):
    """SGD, Perceptron and MLP estimators: one call of ``partial_fit`` is one epoch.

    Training stops as the estimator's own parameters say: after ``max_iter`` epochs, or when
    the mean recorded loss has not improved by ``tol`` for ``n_iter_no_change`` epochs.
    """

    described = (
        "scikit-learn estimators with partial_fit and max_iter (SGDClassifier, Perceptron, "
        "MLPClassifier and their regressors)"
    )
    takes_snapshots = True

    def accepts(self, estimator: Any) -> bool:
        """Whether `estimator` counts epochs; naive Bayes, for one, only counts rows."""
        return (
            hasattr(estimator, "partial_fit")
            and hasattr(estimator, "get_params")
            and "max_iter" in estimator.get_params(deep=False)
            and (is_classifier(estimator) or is_regressor(estimator))
        )

    def most_steps(self, estimator: Any) -> int | None:
        """Epochs; see :class:`Learner`."""
        return estimator.max_iter

    def has_proba(self, estimator: Any) -> bool:
        """Whether its loss makes probabilities of decision values; see :class:`Learner`."""
        return hasattr(estimator, "predict_proba")

    def check(self, estimator: Any, n_models: int, n_samples: int, *, held_out: bool) -> None:
        """Warn of early stopping on rows held back; see :class:`Learner`."""
        if getattr(estimator, "early_stopping", False):
            warn_of_rows_held_back(estimator, "early_stopping=True", "early_stopping=False")

    def record(
        self,
        estimator: Any,
        task: Task,
        *,
        seed: int,
        reseed: bool,
        tick: Callable[[], None],
    ) -> tuple[Any, Trajectory]:
        """Train a clone epoch by epoch; see :class:`Learner`."""
        fitted = clone(estimator)
        params = fitted.get_params(deep=False)
        if "random_state" in params:
            own = params["random_state"]
            # One generator for all epochs: a number would give each the same shuffling.
            generator = check_random_state(seed if reseed or own is None else own)
            fitted.set_params(random_state=generator)
        if params.get("early_stopping"):
            fitted.set_params(early_stopping=False)
        classes = {} if task.classes is None else {"classes": task.classes}
        X, y = task.rows
        advice = "Scale the inputs, or lower the learning rate."
        steps, patience = EstimatorSteps(task, advice, takes_snapshots=True), _Patience(fitted)
        n_updates = _updates_per_epoch(fitted, len(task.y))
        while not patience.is_over(len(steps)):
            start = perf_counter()
            fitted.partial_fit(task.X, task.labels, **classes)
            seconds = perf_counter() - start
            records = estimator_records(fitted, X, y, task.classes, task.keep)
            steps.add(fitted, records, seconds=seconds, updates=n_updates)
            # Held-out rows have no say in how long their model trains.
            trained = records
            if task.recorded is not None:
                trained = estimator_records(fitted, task.X, task.y, task.classes)
            patience.note(float(np.mean(trained["loss"])))
            tick()
        if hasattr(fitted, "n_iter_"):  # which counts the last call of partial_fit only
            fitted.n_iter_ = len(steps)
        return fitted, steps.trajectory()

    def class_proba(self, fitted: Any, X: Any, classes: np.ndarray) -> np.ndarray:
        """Probabilities, or the softmax of decision values; see :class:`Learner`."""
        if hasattr(fitted, "predict_proba"):
            return fitted.predict_proba(X)
        return softmax(decision_columns(fitted.decision_function(X)), axis=1)

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


class _Patience:
    """The stopping rule of scikit-learn's stochastic estimators."""

    def __init__(self, estimator: Any) -> None:
        self._max_iter = estimator.max_iter
        self._tol = getattr(estimator, "tol", None)
        self._allowed = getattr(estimator, "n_iter_no_change", np.inf)
        self._best = np.inf
        self._in_vain = 0

    def note(self, loss: float) -> None:
        if self._tol is None:
            return
        self._in_vain = self._in_vain + 1 if loss > self._best - self._tol else 0
        self._best = min(self._best, loss)

    def is_over(self, n_steps: int) -> bool:
        return n_steps >= self._max_iter or self._in_vain >= self._allowed


def _updates_per_epoch(estimator: Any, n_samples: int) -> float:
    batch_size = getattr(estimator, "batch_size", 1)
    if batch_size == "auto":  # of the multilayer perceptrons
        batch_size = min(200, n_samples)
    return float(-(-n_samples // min(batch_size, n_samples)))
