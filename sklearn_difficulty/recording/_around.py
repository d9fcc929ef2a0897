"""Learners around a learner: what they say of themselves, and what they hand on to it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from sklearn_difficulty.recording._learner import Learner
from sklearn_difficulty.recording._snapshots import State


class LearnerAround(Learner):
    """An estimator around one that learns in steps, or around several clones of it.

    Parameters
    ----------
    inner : Learner
        Kind of the estimator within.
    """

    def __init__(self, inner: Learner) -> None:
        self.inner = inner
        self.takes_snapshots = inner.takes_snapshots
        self.has_gradients = inner.has_gradients
        self.steps_are_runs = inner.steps_are_runs
        self.records_outputs = inner.records_outputs
        self.records_elements = inner.records_elements
        self.takes_any_rows = inner.takes_any_rows

    @staticmethod
    def within(estimator: Any) -> Any | None:
        """The estimator that `estimator` is around; None where it is around none.

        Raises
        ------
        TypeError
            For an estimator of this sort that cannot be recorded, whatever is within.
        """
        raise NotImplementedError

    def accepts(self, estimator: Any) -> bool:
        """Whether an estimator of the inner kind is within; see :class:`Learner`."""
        within = self.within(estimator)
        return within is not None and self.inner.accepts(within)

    def most_steps(self, estimator: Any) -> int | None:
        """Those of the estimator within; see :class:`Learner`."""
        return self.inner.most_steps(self.within(estimator))

    def runs_per_model(self, estimator: Any) -> int:
        """Those of the estimator within; see :class:`Learner`."""
        return self.inner.runs_per_model(self.within(estimator))

    def has_proba(self, estimator: Any) -> bool:
        """Whether the estimator within does; see :class:`Learner`."""
        return self.inner.has_proba(self.within(estimator))

    def allows_nan(self, estimator: Any) -> bool:
        """Whether the estimator within does; see :class:`Learner`."""
        return self.inner.allows_nan(self.within(estimator))

    def check(self, estimator: Any, n_models: int, n_samples: int, *, held_out: bool) -> None:
        """Check the estimator within; see :class:`Learner`."""
        self.inner.check(self.within(estimator), n_models, n_samples, held_out=held_out)


class LearnerAroundOne(LearnerAround):
    """An estimator around a single one, of which its records and gradients are."""

    def fitted_within(self, fitted: Any) -> Any:
        """The fitted estimator within a fitted one."""
        raise NotImplementedError

    def with_within(self, fitted: Any, within: Any) -> Any:
        """A copy of a fitted estimator around another fitted one."""
        raise NotImplementedError

    def rows_within(self, fitted: Any, X: Any) -> Any:
        """Rows as the fitted estimator within is given them."""
        return X

    def shipped(self, fitted: Any) -> Any:
        """Around the one within as that is shipped; see :class:`Learner`."""
        return self.with_within(fitted, self.inner.shipped(self.fitted_within(fitted)))

    def arrived(self, shipped: Any) -> Any:
        """Around the one within as that arrives; see :class:`Learner`."""
        return self.with_within(shipped, self.inner.arrived(self.fitted_within(shipped)))

    def class_proba(self, fitted: Any, X: Any, classes: np.ndarray) -> np.ndarray:
        """Those of the fitted estimator within; see :class:`Learner`."""
        rows = self.rows_within(fitted, X)
        return self.inner.class_proba(self.fitted_within(fitted), rows, classes)

    def replay(
        self,
        fitted: Any,
        states: Iterable[State],
        X: Any,
        y: Any,
        classes: np.ndarray | None,
        *,
        keep: tuple[str, ...] = (),
    ) -> Iterator[dict[str, np.ndarray]]:
        """Records of other rows; see :class:`Learner`."""
        rows = self.rows_within(fitted, X)
        return self.inner.replay(self.fitted_within(fitted), states, rows, y, classes, keep=keep)

    def input_gradients(
        self,
        fitted: Any,
        states: Callable[[], Iterable[State]],
        X: Any,
        target: Any,
        classes: np.ndarray | None,
        output: str,
    ) -> Iterator[Iterator[np.ndarray]]:
        """Gradients by the rows that the estimator within is given; see :class:`Learner`."""
        rows = self.rows_within(fitted, X)
        return self.inner.input_gradients(
            self.fitted_within(fitted), states, rows, target, classes, output
        )

    def gradient_norms(
        self,
        fitted: Any,
        states: Iterable[State],
        X: Any,
        y: Any,
        classes: np.ndarray | None,
    ) -> Iterator[np.ndarray]:
        """Norms of the gradients by the parameters; see :class:`Learner`."""
        rows = self.rows_within(fitted, X)
        return self.inner.gradient_norms(self.fitted_within(fitted), states, rows, y, classes)
