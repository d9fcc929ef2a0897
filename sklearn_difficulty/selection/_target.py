"""The targets of a selector: classes or numbers, one per row or several."""

from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.frozen import FrozenEstimator

from sklearn_difficulty._targets import has_several, look_continuous


def holds_classes(y: np.ndarray, scorer: Any) -> bool:
    """Tell whether targets are classes, from their values and from what the scorer trains.

    Parameters
    ----------
    y : ndarray of shape (n_samples, ...)
        Targets.
    scorer : estimator or None
        Scorer; if it has an ``estimator`` that is a classifier or a regressor, that decides.

    Returns
    -------
    bool
        False for the targets of a regression, and for several for each row.

    Examples
    --------
    >>> from sklearn_difficulty.selection._target import holds_classes
    >>> holds_classes([0, 1, 1], None), holds_classes([0.5, 1.5], None)
    (True, False)
    """
    if has_several(y):
        return False
    if isinstance(scorer, FrozenEstimator):
        scorer = scorer.estimator
    trained = getattr(scorer, "estimator", None)
    if trained is not None and (is_classifier(trained) or is_regressor(trained)):
        return is_classifier(trained)
    return not look_continuous(np.asarray(y))
