"""The targets of a selector: one per row, classes or numbers."""

from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import column_or_1d

from sklearn_difficulty._targets import look_continuous


def check_target(y: Any) -> np.ndarray:
    """Check that there is one target per row, none of them NaN or infinite.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Targets; a column vector is made flat, with a warning.

    Returns
    -------
    ndarray of shape (n_samples,)
        The targets.

    Raises
    ------
    ValueError
        For targets of another shape, NaN or infinity.

    Examples
    --------
    >>> from sklearn_difficulty.selection._target import check_target
    >>> check_target(["a", "b"]).tolist()
    ['a', 'b']
    """
    flat = column_or_1d(y, warn=True)
    assert_all_finite(flat, input_name="y")
    return flat


def holds_classes(y: np.ndarray, scorer: Any) -> bool:
    """Tell whether targets are classes, from their values and from what the scorer trains.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Targets.
    scorer : estimator or None
        Scorer; if it has an ``estimator`` that is a classifier or a regressor, that decides.

    Returns
    -------
    bool
        False for the targets of a regression.

    Examples
    --------
    >>> from sklearn_difficulty.selection._target import holds_classes
    >>> holds_classes([0, 1, 1], None), holds_classes([0.5, 1.5], None)
    (True, False)
    """
    if isinstance(scorer, FrozenEstimator):
        scorer = scorer.estimator
    trained = getattr(scorer, "estimator", None)
    if trained is not None and (is_classifier(trained) or is_regressor(trained)):
        return is_classifier(trained)
    return not look_continuous(np.asarray(y))
