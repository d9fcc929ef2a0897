"""Gradient boosting of LightGBM."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import is_regressor

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

_OF_TARGETS: dict[str, Link] = {
    "regression": IDENTITY,
    "regression_l1": IDENTITY,
    "huber": IDENTITY,
    "fair": IDENTITY,
    "quantile": IDENTITY,
    "mape": IDENTITY,
    "poisson": EXP,
    "gamma": EXP,
    "tweedie": EXP,
    "binary": SIGMOID,
    "cross_entropy": SIGMOID,
}
_OF_CLASSES = ("binary", "cross_entropy", "multiclass")
# LightGBM's names for one and the same value, and for one and the same parameter.
_OF_SEVERAL = ("multiclass", "softmax")
_BOOSTING = ("boosting_type", "boosting", "boost")
_EARLY_STOPPING = (
    "early_stopping_round",
    "early_stopping_rounds",
    "early_stopping",
    "n_iter_no_change",
)


class LightGBMLearner(BoostingLearner):
    """LGBMClassifier and LGBMRegressor: each stage is the margin of the one before, plus its tree.

    An objective of the caller's own is refused, and so are those whose margins are not known.
    """

    described = "LGBMClassifier and LGBMRegressor"

    def accepts(self, estimator: Any) -> bool:
        """Whether `estimator` is a classifier or regressor of LightGBM."""
        return is_of_package(estimator, "lightgbm")

    def held_back(self, estimator: Any, n_samples: int) -> tuple[str, Any, Any]:
        """Early stopping, which needs a validation set; see :class:`BoostingLearner`."""
        params = estimator.get_params(deep=False)
        for name in _EARLY_STOPPING:
            if params.get(name):
                return name, params[name], 0
        return _EARLY_STOPPING[0], 0, 0

    def check(self, estimator: Any, n_models: int, n_samples: int, *, held_out: bool) -> None:
        """Refuse what has no stages, and warn of early stopping; see :class:`Learner`."""
        params = estimator.get_params(deep=False)
        for name in _BOOSTING:
            if params.get(name) in ("dart", "rf", "random_forest"):
                raise ValueError(
                    f"{name}={params[name]!r} of {type(estimator).__name__}: a fitted model of "
                    "this kind does not hold the stages that it went through. Use "
                    "boosting_type='gbdt'."
                )
        if callable(estimator.objective):
            known = tuple(_OF_TARGETS) if is_regressor(estimator) else _OF_CLASSES
            raise unknown_objective(estimator, estimator.objective, known)
        super().check(estimator, n_models, n_samples, held_out=held_out)

    def fit(self, estimator: Any, task: Task) -> None:
        """Train, for two classes where a fold lacks others; see :class:`BoostingLearner`."""
        n_classes = 0 if task.classes is None else len(task.classes)
        if estimator.objective in _OF_SEVERAL and len(np.unique(task.y)) < 3 <= n_classes:
            estimator.set_params(objective=None)  # which goes by the number of classes
        super().fit(estimator, task)

    def count_stages(self, fitted: Any) -> int:
        """Number of iterations, fewer than asked for where no split was worth making."""
        return fitted.booster_.current_iteration()

    def stages(
        self, fitted: Any, X: Any, y: np.ndarray, classes: np.ndarray | None, keep: tuple[str, ...]
    ) -> Iterator[dict[str, np.ndarray]]:
        """Records of rows after each stage; see :class:`BoostingLearner`."""
        name, options = _objective(fitted)
        known = tuple(_OF_TARGETS) if classes is None else _OF_CLASSES
        if name not in known:
            raise unknown_objective(fitted, name, known)
        slope = float(options.get("sigmoid", 1.0))
        margins = np.zeros(())
        for stage in range(self.count_stages(fitted)):
            # The constant that the first stage starts from is part of its tree.
            margins = margins + fitted.predict(
                X, raw_score=True, start_iteration=stage, num_iteration=1
            )
            if classes is None:
                predicted = _OF_TARGETS[name](slope * margins)
                if "sqrt" in options:
                    predicted = np.sign(predicted) * predicted**2
                yield target_records(predicted, y, keep)
            else:
                seen = np.searchsorted(classes, fitted.classes_)
                yield margin_records(slope * margins, seen, len(classes), y, keep)

    def class_proba(self, fitted: Any, X: Any, classes: np.ndarray) -> np.ndarray:
        """Probabilities after the last stage; see :class:`Learner`."""
        # of a single class, LightGBM gives a second column all the same
        proba = fitted.predict_proba(X)[:, : len(fitted.classes_)]
        return aligned(proba, fitted.classes_, classes)


def _objective(fitted: Any) -> tuple[str, dict[str, str]]:
    """Name and options of the objective that a model was trained with.

    LightGBM knows each under several names, which may be given in several ways: the model's own
    text has it under one.
    """
    text = fitted.booster_.model_to_string(num_iteration=1)
    lines = (line for line in text.splitlines() if line.startswith("objective="))
    name, *options = next(lines).removeprefix("objective=").split()
    return name, {option.partition(":")[0]: option.partition(":")[2] for option in options}
