"""A path that was recorded elsewhere, without the models that went along it."""

from typing import Any

from sklearn.base import BaseEstimator

from sklearn_difficulty.recording._learner import Learner


class RecordedElsewhere(BaseEstimator):
    """Stands where an estimator would, in a scorer that was made from a trajectory."""


class PathOnly(Learner):
    """Stands for the models of a trajectory that was made elsewhere, of which nothing is known."""

    described = "a trajectory"
    takes_any_rows = True
    takes_datasets = True

    def accepts(self, estimator: Any) -> bool:
        """No estimator is of this kind."""
        return False
