"""A path that was recorded elsewhere, without the models that went along it."""

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils import Tags

from sklearn_difficulty.recording._learner import Learner


class RecordedElsewhere(BaseEstimator):
    """Stands where an estimator would, in a scorer that was made from a trajectory."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        # Rows are looked up, whatever they hold.
        tags.input_tags.allow_nan = tags.input_tags.sparse = True
        return tags


class PathOnly(Learner):
    """Stands for the models of a trajectory that was made elsewhere, of which nothing is known."""

    described = "a trajectory"
    takes_any_rows = True
    takes_datasets = True

    def accepts(self, estimator: Any) -> bool:
        """No estimator is of this kind."""
        return False
