"""Fitted models and what was recorded of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.recording._learner import Learner
from sklearn_difficulty.trajectory import Snapshots, Trajectory


@dataclass(frozen=True)
class Recording:
    """Fitted models and what was recorded of them.

    Attributes
    ----------
    learner : Learner
        The kind of the models.
    estimators : list of estimators
        All fitted models: those of a run's folds stand next to each other.
    trajectory : Trajectory
        One run for each repetition, of all rows.
    scored : ndarray of bool of shape (n_models, n_samples)
        The rows that each model was recorded on.
    n_steps : list of int
        Steps that each model completed.
    classes : ndarray or None
        Labels behind the class numbers.
    targets : ndarray of shape (n_samples, ...) or None
        What the rows were trained under, in numbers; None where they are their own targets.
    models_per_run : int, default=1
        Models that a run's rows were recorded by: one for each of its folds.
    runs_per_model : int, default=1
        Runs that were read off each model: the trees of a forest.
    why_not_stacked : str or None
        What was in the way of training the models at once; None where they were.
    """

    learner: Learner
    estimators: list[Any]
    trajectory: Trajectory
    scored: np.ndarray
    n_steps: list[int]
    classes: np.ndarray | None
    targets: np.ndarray | None = None
    models_per_run: int = 1
    runs_per_model: int = 1
    why_not_stacked: str | None = "trained elsewhere"

    @property
    def models(self) -> list[Any]:
        """The fitted models, where there are any."""
        if not self.estimators:
            raise RecordNotFoundError(
                "this scorer was made from a trajectory and has no model, so that only the rows of "
                "the trajectory can be scored, under the labels that they carry there: fit a "
                "DifficultyScorer with an estimator for anything else."
            )
        return self.estimators

    def kept_steps(self, model: int) -> tuple[int, ...]:
        """Steps that `model` can be replayed at."""
        if not self.learner.takes_snapshots:
            return tuple(range(self.n_steps[model]))
        steps = self._snapshots().steps(model)
        if not steps:
            raise RecordNotFoundError(
                f"none of the steps that snapshots asks for was reached in {self.n_steps[model]} "
                "steps, counted from 0: fit with snapshots='auto'."
            )
        return steps

    def states(self, model: int, steps: Sequence[int]) -> Iterator[Any]:
        """Parameter states of `model` after `steps`, read one at a time."""
        if self.learner.takes_snapshots:
            snapshots = self._snapshots()
            yield from (snapshots.state(model, step) for step in steps)

    def _snapshots(self) -> Snapshots:
        if self.trajectory.snapshots is None:
            raise RecordNotFoundError(
                "scores of rows that were not trained on, and scores from gradients, need the "
                "parameters along the training, which were not kept: fit with "
                "snapshots='auto'."
            )
        return self.trajectory.snapshots
