"""Searches over the parameters of an estimator that learns in steps."""

import copy
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from skorch import NeuralNet

from sklearn_difficulty.recording._around import LearnerAroundOne
from sklearn_difficulty.recording._generators import seeded_generators
from sklearn_difficulty.recording._inputs import (
    floats_of,
    net_input,
    net_target,
    takes_integers,
)
from sklearn_difficulty.recording._learner import Task
from sklearn_difficulty.recording._losses import unwrapped
from sklearn_difficulty.recording._margins import is_of_package
from sklearn_difficulty.recording._progress import no_tick
from sklearn_difficulty.recording._sklearn_outputs import seeded_params
from sklearn_difficulty.recording._tracked import Tracked
from sklearn_difficulty.trajectory import Trajectory

# Where searches have what they search: those of scikit-learn, and of scikit-optimize.
_SPACES = ("param_grid", "param_distributions", "search_spaces")


class SearchLearner(LearnerAroundOne):
    """A search: it is run on the rows that are trained on, then its best estimator is recorded.

    The search trains its best estimator itself before, so that all that it says of it holds, and
    a callable `refit` has its say; one training more or less is little in a search. The recorded
    model takes the place of its ``best_estimator_``.
    """

    described = "GridSearchCV, RandomizedSearchCV and other searches over one of these"

    @staticmethod
    def within(estimator: Any) -> Any | None:
        """The estimator that is searched for; see :class:`LearnerAround`."""
        params = estimator.get_params(deep=False)
        is_search = {"estimator", "refit"} <= set(params) and any(s in params for s in _SPACES)
        return params["estimator"] if is_search else None

    def fitted_within(self, fitted: Any) -> Any:
        """The best estimator; see :class:`LearnerAroundOne`."""
        return fitted.best_estimator_

    def with_within(self, fitted: Any, within: Any) -> Any:
        """A copy with another best estimator; see :class:`LearnerAroundOne`."""
        twin = copy.copy(fitted)
        twin.best_estimator_ = within
        return twin

    def most_steps(self, estimator: Any) -> int | None:
        """None, since the search may be for it; see :class:`Learner`."""
        return None

    def check(self, estimator: Any, n_models: int, n_samples: int, *, held_out: bool) -> None:
        """Raise for what cannot be recorded at the end of the search; see :class:`Learner`."""
        if estimator.refit is False:
            raise ValueError(
                f"refit=False of {type(estimator).__name__} leaves it without the best estimator, "
                "which is what is recorded: set refit=True, or with several metrics the name of "
                "one."
            )
        for candidate, put in _candidates(estimator):
            if not self.inner.accepts(candidate):
                raise _another_kind(estimator, put)
        super().check(estimator, n_models, n_samples, held_out=held_out)

    def record(
        self,
        estimator: Any,
        task: Task,
        *,
        seed: int,
        reseed: bool,
        tick: Callable[[], None],
    ) -> tuple[Any, Trajectory]:
        """Search, then train a clone of the best estimator; see :class:`Learner`."""
        search = clone(estimator)
        search.set_params(**seeded_params(search, seed, reseed=reseed))
        # For splitters and nets, which draw from the global generators. Threads of the search
        # would wait for their turn with them forever.
        alone = effective_n_jobs(getattr(search, "n_jobs", None)) == 1
        with seeded_generators(seed) if alone else nullcontext():
            search.fit(*_as_searched(search.estimator, task))
        best = search.best_estimator_
        if not self.inner.accepts(best):
            raise _another_kind(search, best)
        n_runs = self.inner.runs_per_model(search.estimator)
        if self.inner.runs_per_model(best) != n_runs:
            raise ValueError(
                f"{type(search).__name__} chose {self.inner.runs_per_model(best)} trees, and each "
                f"is a run: every search has to end with as many as its estimator has, {n_runs}. "
                "Leave their number out of the search."
            )
        has_proba = self.inner.has_proba(search.estimator)
        if task.recorded is not None and self.inner.has_proba(best) != has_proba:
            raise ValueError(
                f"{type(search).__name__} of a fold chose a model "
                f"{'without' if has_proba else 'with'} probabilities, and its estimator is one "
                f"{'with' if has_proba else 'without'}: the records of folds are joined, and have "
                "to be of one kind. Leave the loss out of the search."
            )
        best, path = self.inner.record(best, task, seed=seed, reseed=reseed, tick=no_tick)
        search.best_estimator_ = best
        tick()
        return search, path


def _as_searched(estimator: Any, task: Task) -> tuple[Any, np.ndarray]:
    """Rows and targets as the `fit` of what is searched for takes them.

    Plain nets of skorch and XGBoost know no labels but class numbers, XGBoost only those that
    have no gaps; and plain nets compute in float32.
    """
    last = estimator
    while isinstance(last, Pipeline):
        last = last.steps[-1][1]
    if is_of_package(last, "xgboost") and task.classes is not None:
        return task.X, np.unique(task.y, return_inverse=True)[1]
    if not isinstance(last, NeuralNet) or isinstance(last, Tracked):
        return task.X, task.labels
    X, y = task.X, net_target(task.y, net=last)
    if last is estimator:
        module = unwrapped(clone(last).initialize().module_)
        X = net_input(X, integers=takes_integers(module), floats=floats_of(module))
    return X, (y.reshape(-1, 1) if task.classes is None else y)


def _candidates(search: Any) -> Iterator[tuple[Any, Any]]:
    """The estimator with each estimator in the place that a list of the search has it for."""
    params = search.get_params(deep=False)
    for space in (params[name] for name in _SPACES if name in params):
        for choices in [space] if isinstance(space, dict) else space:
            for name, values in choices.items():
                if "__" in name or not isinstance(values, list | tuple | np.ndarray):
                    continue
                for value in values:
                    if hasattr(value, "get_params"):
                        yield clone(search.estimator).set_params(**{name: value}), value


def _another_kind(search: Any, put: Any) -> TypeError:
    return TypeError(
        f"{type(search).__name__} puts {type(put).__name__} into its estimator, which is then not "
        "recorded in the way that it was before, or not at all, and all models of a record are of "
        "one kind: search over estimators of one kind at a time."
    )
