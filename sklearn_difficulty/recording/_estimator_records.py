"""Records of a fitted scikit-learn estimator, whatever it predicts with."""

from typing import Any

import numpy as np

from sklearn_difficulty.recording._sklearn_outputs import (
    aligned,
    decision_columns,
    decision_records,
    proba_records,
    target_records,
)


def estimator_records(
    fitted: Any, X: Any, y: np.ndarray, classes: np.ndarray | None, keep: tuple[str, ...] = ()
) -> dict[str, np.ndarray]:
    """Records of rows under given targets, as an estimator predicts them now.

    Parameters
    ----------
    fitted : estimator
        With ``predict_proba``, or else ``decision_function``, or for a regression ``predict``.
    X, y : container of n rows, ndarray of shape (n,)
        Rows, and the class numbers or targets that they are judged under.
    classes : ndarray or None
        Labels behind the class numbers; None for a regression.
    keep : tuple of str
        Large records to make. ``"decision"`` puts decision values in the place of outputs, where
        there are probabilities besides.
    """
    if classes is None:
        return target_records(fitted.predict(X), y, keep)
    if not hasattr(fitted, "predict_proba"):
        return records_of_decision(fitted.decision_function(X), y, keep)
    records = records_of_proba(aligned(fitted.predict_proba(X), fitted.classes_, classes), y, keep)
    if hasattr(fitted, "decision_function"):
        # Which it predicts by: where decision values are large, probabilities are all one.
        decision = fitted.decision_function(X)
        chosen = decision_columns(decision).argmax(axis=1)
        records["prediction"] = np.searchsorted(classes, fitted.classes_)[chosen]
        if "decision" in keep:
            records["outputs"] = decision
    return records


def records_of_proba(
    proba: np.ndarray, y: np.ndarray, keep: tuple[str, ...] = ()
) -> dict[str, np.ndarray]:
    """Records of predicted probabilities of shape (n, classes).

    With ``"odds"`` in `keep`, the margin of two classes is not clipped as their losses are, for
    probabilities that are compared with those of other classifiers.
    """
    records = proba_records(proba, y)
    if "odds" in keep:
        logarithms = np.log(np.maximum(proba, np.finfo(np.asarray(proba).dtype).tiny))
        own = np.arange(len(y)), y
        records["margin"] = 2 * logarithms[own] - logarithms.sum(axis=1)
    if "outputs" in keep:
        tiny = np.finfo(np.asarray(proba).dtype).eps
        records["outputs"] = np.log(np.clip(proba, tiny, 1.0))
    return records


def records_of_decision(
    decision: np.ndarray, y: np.ndarray, keep: tuple[str, ...] = ()
) -> dict[str, np.ndarray]:
    """Records of decision values of shape (n,) or (n, classes)."""
    records = decision_records(decision, y)
    if "outputs" in keep:
        records["outputs"] = decision_columns(decision)
    return records
