"""Gradient boosting of XGBoost."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from sklearn_difficulty.recording._learner import Task
from sklearn_difficulty.recording._margins import (
    EXP,
    IDENTITY,
    SIGMOID,
    Link,
    is_of_package,
    margin_records,
    unknown_objective,
)
from sklearn_difficulty.recording._sklearn_outputs import aligned, target_records
from sklearn_difficulty.recording._staged import BoostingLearner

_OF_CLASSES = ("binary:logistic", "multi:softprob", "multi:softmax")
_OF_TARGETS: dict[str, Link] = {
    "reg:squarederror": IDENTITY,
    "reg:squaredlogerror": IDENTITY,
    "reg:pseudohubererror": IDENTITY,
    "reg:absoluteerror": IDENTITY,
    "reg:logistic": SIGMOID,
    "binary:logistic": SIGMOID,
    "count:poisson": EXP,
    "reg:gamma": EXP,
    "reg:tweedie": EXP,
}
# XGBoost takes nothing but 0, 1, ... for classes. Which labels these stand for is noted under
# this name on the fitted estimator, the one thing that is there when it is asked again.
_LABELS = "sklearn_difficulty_classes_"


class XGBoostLearner(BoostingLearner):
    """XGBClassifier and XGBRegressor: each stage is the margin of the one before, plus its trees.

    The fitted classifiers predict class numbers, among the classes of the rows that they were
    trained on.
    """

    described = "XGBClassifier and XGBRegressor"

    def accepts(self, estimator: Any) -> bool:
        """Whether `estimator` is a classifier or regressor of XGBoost."""
        return is_of_package(estimator, "xgboost")

    def held_back(self, estimator: Any, n_samples: int) -> tuple[str, Any, Any]:
        """Early stopping, which needs a validation set; see :class:`BoostingLearner`."""
        return "early_stopping_rounds", estimator.early_stopping_rounds, None

    def check(self, estimator: Any, n_models: int, n_samples: int, *, held_out: bool) -> None:
        """Refuse what has no stages, and warn of early stopping; see :class:`Learner`."""
        name = type(estimator).__name__
        if estimator.booster not in (None, "gbtree"):
            raise ValueError(
                f"booster={estimator.booster!r} of {name}: a fitted model of this kind does not "
                "hold the stages that it went through. Use booster='gbtree'."
            )
        n_stages = estimator.get_num_boosting_rounds()
        if n_stages < 1:
            raise ValueError(
                f"n_estimators={n_stages} of {name} trains no stage that could be recorded: set "
                "n_estimators to 1 or more."
            )
        if n_stages == 1 and not held_out:
            raise ValueError(
                f"{name} trains in a single stage, after which the rows it was trained on say "
                "little: pass cv=5 to record rows that it was not trained on, or use "
                "RandomForestClassifier, whose trees are each judged on the rows that they left "
                "out, or a boosting of several stages."
            )
        known = _OF_CLASSES if is_classifier(estimator) else tuple(_OF_TARGETS)
        if not isinstance(estimator.objective, str) or estimator.objective not in known:
            raise unknown_objective(estimator, estimator.objective, known)
        super().check(estimator, n_models, n_samples, held_out=held_out)

    def fit(self, estimator: Any, task: Task) -> None:
        """Train on class numbers without gaps; see :class:`BoostingLearner`."""
        if task.classes is None:
            estimator.fit(task.X, task.y)
            return
        seen, numbers = np.unique(task.y, return_inverse=True)
        if len(seen) < 3 <= len(task.classes):
            # A fold may lack classes. XGBoost turns to the objective of several classes by itself
            # where there are three, but not back from it.
            estimator.set_params(objective="binary:logistic")
        estimator.fit(task.X, numbers)
        setattr(estimator, _LABELS, task.classes[seen])

    def count_stages(self, fitted: Any) -> int:
        """Number of boosting rounds."""
        return fitted.get_booster().num_boosted_rounds()

    def stages(
        self, fitted: Any, X: Any, y: np.ndarray, classes: np.ndarray | None, keep: tuple[str, ...]
    ) -> Iterator[dict[str, np.ndarray]]:
        """Records of rows after each stage; see :class:`BoostingLearner`."""
        margins = None
        for stage in range(self.count_stages(fitted)):
            # A margin that is given stands in for the constant that the first stage starts from.
            margins = fitted.predict(
                X, output_margin=True, base_margin=margins, iteration_range=(stage, stage + 1)
            )
            if classes is None:
                yield target_records(_OF_TARGETS[fitted.objective](margins), y, keep)
            else:
                seen = np.searchsorted(classes, getattr(fitted, _LABELS))
                yield margin_records(margins, seen, len(classes), y, keep)

    def class_proba(self, fitted: Any, X: Any, classes: np.ndarray) -> np.ndarray:
        """Probabilities after the last stage; see :class:`Learner`."""
        seen = getattr(fitted, _LABELS)
        # of a single class, XGBoost gives a second column all the same
        return aligned(fitted.predict_proba(X)[:, : len(seen)], seen, classes)
