"""What is to be learned: rows and targets, checked and put in numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import assert_all_finite, get_tags
from sklearn.utils.validation import check_consistent_length, column_or_1d, validate_data
from torch.utils.data import DataLoader, Dataset

from sklearn_difficulty._data import count_rows
from sklearn_difficulty._targets import look_continuous, numbered_classes
from sklearn_difficulty._validation import check_vector
from sklearn_difficulty.recording import (
    TrackedNetClassifier,
    TrackedNetRegressor,
    default_net,
    targets_of,
)


@dataclass(frozen=True)
class Problem:
    """Targets for an estimator.

    Attributes
    ----------
    estimator : estimator
        What is to be trained.
    targets : ndarray of shape (n,)
        Class numbers, or the targets of a regression.
    classes : ndarray of shape (n_classes,) or None
        Labels behind the class numbers; None for a regression.
    """

    estimator: Any
    targets: np.ndarray
    classes: np.ndarray | None


def pose(estimator: Any, y: np.ndarray) -> Problem:
    """Choose the estimator where none is given, and put the targets in numbers.

    Parameters
    ----------
    estimator : estimator or None
        What is to be trained; None is a small net for what `y` looks like.
    y : ndarray of shape (n,)
        Checked labels or targets.
    """
    classifies = estimator is not None and is_classifier(estimator)
    regresses = estimator is not None and is_regressor(estimator)
    if regresses or (not classifies and look_continuous(y)):
        net, targets, classes = TrackedNetRegressor, y.astype(np.float64), None
    else:
        net, (targets, classes) = TrackedNetClassifier, numbered_classes(y)
    if estimator is None:
        estimator = default_net(net, len(y))
    return Problem(estimator, targets, classes)


def checked_rows(scorer: Any, learner: Any, X: Any, y: Any = None, *, reset: bool) -> Any:
    """Rows, and targets when they are there to be learned, of a kind that the learner takes.

    Parameters
    ----------
    scorer : estimator
        Whose input they are; names and number of columns are noted on it, or compared.
    learner : Learner or None
        What learns them; None for arrays of numbers.
    X : object
        Rows as they were given.
    y : object, default=None
        Targets as they were given; read where `reset`.
    reset : bool
        Whether these are the rows to be learned.

    Returns
    -------
    X, or X and y
        With `y` where `reset`.

    Raises
    ------
    TypeError
        For rows of another kind.
    ValueError
        For too few rows, other columns, values that are not finite.
    """
    if isinstance(X, DataLoader):
        raise TypeError(
            "X is a DataLoader, which draws rows in an order of its own: pass its dataset."
        )
    # A tuple of arrays may as well hold one for each row.
    several = (isinstance(X, dict) and not issparse(X)) or (
        isinstance(X, tuple) and X and hasattr(X[0], "shape") and reset and len(X) != count_rows(y)
    )
    if several and not (learner is not None and learner.takes_any_rows):
        raise TypeError(
            f"X is a {type(X).__name__} of several arrays: for a skorch net whose module takes "
            "several inputs, pass skorch.dataset.Dataset(X, y)."
        )
    if isinstance(X, Dataset):
        if learner is None or not learner.takes_datasets:
            raise TypeError(
                f"X is a {type(X).__name__}, which only skorch nets with a module of your own are "
                "trained on: pass such a net as estimator, or X as an array."
            )
        if not hasattr(X, "__len__"):
            raise TypeError(
                f"{type(X).__name__} has no length, so that its rows cannot be told apart: use a "
                "map-style dataset."
            )
        _check_some(scorer, X)
        return _with_targets(X, targets_of(X) if y is None else y) if reset else X
    if learner is not None and learner.takes_any_rows:
        check_holds_rows(X)
        _check_some(scorer, X)
        validate_data(scorer, X, reset=reset, skip_check_array=True)
        return _with_targets(X, y) if reset else X
    options = accepted(scorer)
    if not reset:
        return validate_data(scorer, X, reset=False, **options)
    return validate_data(scorer, X, y, ensure_min_samples=2, **options)


def check_holds_rows(X: Any) -> None:
    """Refuse what has no rows, such as a number or a text.

    Parameters
    ----------
    X : object
        Rows as they were given.

    Raises
    ------
    TypeError
        If it has none.
    """
    if count_rows(X) is None:
        raise TypeError(
            f"X must hold rows, as an array, a frame, a list or a Dataset does; got "
            f"{type(X).__name__}."
        )


def _check_some(scorer: Any, X: Any) -> None:
    """Say of no rows what scikit-learn says of them, where it does not look at X itself."""
    if not count_rows(X):
        raise ValueError(
            "Found array with 0 sample(s) while a minimum of 1 is required by "
            f"{type(scorer).__name__}."
        )


def _with_targets(X: Any, y: Any) -> tuple[Any, np.ndarray]:
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    y = column_or_1d(y, warn=True)
    check_consistent_length(np.empty(count_rows(X) or 0), y)
    if len(y) < 2:
        raise ValueError(f"Found array with {len(y)} sample(s) while a minimum of 2 is required.")
    assert_all_finite(y, input_name="y")
    return X, y


def accepted(scorer: Any) -> dict[str, Any]:
    """What rows may be, as options of scikit-learn's validation."""
    finite = "allow-nan" if get_tags(scorer).input_tags.allow_nan else True
    return {"accept_sparse": "csr", "allow_nd": True, "ensure_all_finite": finite}


def given_targets(y: Any, n_samples: int, classes: np.ndarray | None) -> np.ndarray:
    """Targets that known classes have numbers for.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels or targets as they were given.
    n_samples : int
        How many rows they are for.
    classes : ndarray or None
        Known labels; None for a regression.

    Raises
    ------
    ValueError
        For another length, or labels that are not known.
    """
    y = column_or_1d(y)
    if len(y) != n_samples:
        raise ValueError(f"y has {len(y)} entries for {n_samples} rows of X.")
    if classes is None:
        return check_vector("y", y)
    known = set(classes.tolist())
    unseen = [label for label in dict.fromkeys(y.tolist()) if label not in known]
    if unseen:
        raise ValueError(
            f"y holds labels that training never saw: {unseen[:5]}. Known are "
            f"{classes[:10].tolist()}{' and more' if len(classes) > 10 else ''}."
        )
    return np.searchsorted(classes, y)
