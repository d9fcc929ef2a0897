"""Which kind of learner an estimator is."""

from typing import Any

from sklearn_difficulty.recording._forest import ForestLearner
from sklearn_difficulty.recording._given import RecordedElsewhere
from sklearn_difficulty.recording._learner import Learner
from sklearn_difficulty.recording._lightgbm import LightGBMLearner
from sklearn_difficulty.recording._logistic import LogisticLearner
from sklearn_difficulty.recording._one_vs_rest import OneVsRestLearner
from sklearn_difficulty.recording._partial_fit import PartialFitLearner
from sklearn_difficulty.recording._pipeline import PipelineLearner
from sklearn_difficulty.recording._search import SearchLearner
from sklearn_difficulty.recording._skorch import SkorchLearner
from sklearn_difficulty.recording._staged import StagedLearner
from sklearn_difficulty.recording._xgboost import XGBoostLearner

# The first that accepts an estimator takes it.
LEARNERS: tuple[Learner, ...] = (
    SkorchLearner(),
    XGBoostLearner(),
    LightGBMLearner(),
    StagedLearner(),
    ForestLearner(),
    PartialFitLearner(),
    LogisticLearner(),
)
# Estimators around another one, which is recorded: a class made from the kind of the one within.
WRAPPERS: tuple[Any, ...] = (PipelineLearner, SearchLearner, OneVsRestLearner)


def find_learner(estimator: Any) -> Learner:
    """Kind of an estimator.

    Raises
    ------
    TypeError
        For an estimator that does not learn in steps, with what does.
    """
    if isinstance(estimator, RecordedElsewhere):
        raise TypeError(
            "this scorer was made from a trajectory and has nothing to train: to pass it on as it "
            "is, to a filter for example, wrap it in sklearn.frozen.FrozenEstimator; to train, "
            "make a DifficultyScorer of an estimator."
        )
    if isinstance(estimator, type):
        raise TypeError(
            f"estimator must be an instance, and the class {estimator.__name__} was given: pass "
            f"{estimator.__name__}(...)."
        )
    if hasattr(estimator, "get_params"):
        for wrapper in WRAPPERS:
            within = wrapper.within(estimator)
            if within is not None:
                return wrapper(find_learner(within))
        for learner in LEARNERS:
            if learner.accepts(estimator):
                return learner
    kinds = [kind.described for kind in (*LEARNERS, *WRAPPERS)]
    raise TypeError(
        f"estimator {type(estimator).__name__} does not learn in steps that can be recorded. "
        f"What does: {'; '.join(kinds)}. estimator=None takes a small network."
    )
