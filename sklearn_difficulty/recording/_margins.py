"""Records from the sums that boosted trees add up to, before they become probabilities."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import expit, log_softmax
from sklearn.base import is_classifier, is_regressor

from sklearn_difficulty.recording._sklearn_outputs import decision_columns
from sklearn_difficulty.trajectory._class_records import class_records

Link = Callable[[np.ndarray], np.ndarray]

IDENTITY: Link = np.asarray
EXP: Link = np.exp
SIGMOID: Link = expit


def is_of_package(estimator: Any, package: str) -> bool:
    """Whether a classifier or regressor, or a class that it inherits from, is a package's.

    That is told by names, so that the package need not be installed.
    """
    modules = (kind.__module__.partition(".")[0] for kind in type(estimator).__mro__)
    return package in modules and (is_classifier(estimator) or is_regressor(estimator))


def margin_records(
    margins: np.ndarray,
    seen: np.ndarray,
    n_classes: int,
    y: np.ndarray,
    keep: tuple[str, ...] = (),
) -> dict[str, np.ndarray]:
    """Records of a classifier from its margins; the loss is the cross-entropy of their softmax.

    Parameters
    ----------
    margins : ndarray of shape (n,) or (n, classes)
        One column for each class that was trained on; a vector is of the second class of two.
    seen : ndarray of int
        Numbers of these classes. The others have the least probability that a log-loss tells
        from zero.
    n_classes : int
        How many classes there are.
    y : ndarray of int of shape (n,)
        Class numbers that the rows are judged under.
    keep : tuple of str
        Large records to make.
    """
    scores = log_softmax(decision_columns(np.asarray(margins, dtype=np.float64)), axis=1)
    if len(seen) < n_classes:
        full = np.full((len(scores), n_classes), np.log(np.finfo(np.float64).eps))
        # where a single class was trained on, there is a column for one that does not exist
        full[:, seen] = scores[:, : len(seen)]
        scores = full
    kept = {"outputs": scores} if "outputs" in keep else {}
    return class_records(scores, y, "log_proba") | kept


def unknown_objective(estimator: Any, name: Any, known: tuple[str, ...]) -> ValueError:
    """The error for an objective whose margins do not say what is predicted."""
    shown = getattr(name, "__name__", None) or name
    return ValueError(
        f"objective={shown!r} of {type(estimator).__name__}: it is not known here how its margins "
        f"become predictions, so that its stages cannot be recorded. What is known: "
        f"{', '.join(known)}."
    )
