"""A path that was recorded elsewhere, without the models that went along it."""

from typing import Any, NoReturn

from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.recording._learner import Learner


class PathOnly(Learner):
    """Stands for the models of a trajectory that was made elsewhere, of which nothing is known."""

    described = "a trajectory"
    takes_any_rows = True
    takes_datasets = True

    def accepts(self, estimator: Any) -> bool:
        """No estimator is of this kind."""
        return False

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RecordNotFoundError(
            "this scorer was made from a trajectory and has no model, so that only the rows of "
            "the trajectory can be scored, and only with scores that are read off its records: "
            "pass an estimator to DifficultyScorer and fit it for anything else."
        )

    class_proba = _refuse
    replay = _refuse
