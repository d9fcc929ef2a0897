"""What is to be learned: rows and targets, checked and put in numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier, is_regressor
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import check_consistent_length, column_or_1d, validate_data
from skorch import NeuralNet
from torch.utils.data import DataLoader, Dataset

from sklearn_difficulty._data import are_label_sets, as_row_objects, count_rows, objects_of
from sklearn_difficulty._targets import (
    checked_targets,
    has_several,
    have_distances,
    look_continuous,
    numbered_classes,
)
from sklearn_difficulty._validation import check_vector
from sklearn_difficulty.recording import (
    LABEL_CRITERIA,
    NUMBER_CRITERIA,
    TrackedNet,
    TrackedNetClassifier,
    TrackedNetRegressor,
    default_net,
    has_criterion,
    targets_of,
)


@dataclass(frozen=True)
class Problem:
    """Targets for an estimator.

    Attributes
    ----------
    estimator : estimator
        What is to be trained.
    targets : ndarray of shape (n, ...) or None
        Class numbers, the targets of a regression, several for each row, an object for each row;
        None where each row is its own target.
    classes : ndarray of shape (n_classes,) or None
        Labels behind the class numbers; None where rows have no class.
    described : str
        What it is in words, for messages about what needs classes.
    has_label_sets : bool
        Whether each row has several labels that are there or not.
    """

    estimator: Any
    targets: np.ndarray | None
    classes: np.ndarray | None = None
    described: str = "a classification"
    has_label_sets: bool = False

    @property
    def has_distances(self) -> bool:
        """Whether predictions are near to their targets, or far from them."""
        return have_distances(self.targets, self.classes, self.has_label_sets)


def pose(estimator: Any, y: np.ndarray | None) -> Problem:
    """Choose the estimator where none is given, and put the targets in numbers.

    Parameters
    ----------
    estimator : estimator or None
        What is to be trained; None is a small net for what `y` looks like.
    y : ndarray of shape (n, ...) or None
        Checked labels or targets.

    Raises
    ------
    ValueError
        For targets that the estimator does not learn.
    """
    if y is None:
        return Problem(estimator, None, described="a reconstruction of the inputs")
    entries = as_row_objects(y)
    if y.ndim > 1 or entries is not None:
        return _pose_several(estimator, y)
    classifies = estimator is not None and is_classifier(estimator)
    regresses = estimator is not None and is_regressor(estimator)
    of_numbers = not classifies and (look_continuous(y) or _is_net_with(estimator, NUMBER_CRITERIA))
    if regresses or of_numbers:
        if estimator is None:
            estimator = default_net(TrackedNetRegressor, len(y))
        return Problem(estimator, y.astype(np.float64), described="a regression")
    targets, classes = numbered_classes(y)
    if estimator is None:
        estimator = default_net(TrackedNetClassifier, len(y))
    return Problem(estimator, targets, classes)


def _pose_several(estimator: Any, y: np.ndarray) -> Problem:
    """The same for targets that are several for each row."""
    shape = f"several targets for each row, of shape {y.shape}"
    if y.dtype == object:
        shape = "an entry of its own for each row (a list of arrays)"
    own_net = (
        "pass a TrackedNet, or another skorch net that is neither classifier nor regressor, whose "
        "criterion compares them with its module's outputs"
    )
    is_net = isinstance(_last_step(estimator), NeuralNet)
    label_sets = y.dtype != object and are_label_sets(y)
    if estimator is None:
        if y.dtype == object or y.ndim > 2:
            raise ValueError(f"y has {shape}, which no default network learns: {own_net}.")
        estimator = default_net(TrackedNet if label_sets else TrackedNetRegressor, len(y))
    elif is_classifier(estimator):
        criterion = " such as TrackedNet(module, torch.nn.BCEWithLogitsLoss)" if label_sets else ""
        raise ValueError(
            f"y has {shape}, and {type(estimator).__name__} is a classifier, which is recorded "
            f"with one label for each row: {own_net}{criterion}."
        )
    elif (y.dtype == object and is_regressor(estimator)) or (
        not is_net and (y.dtype == object or y.ndim > 2 or not is_regressor(estimator))
    ):
        raise ValueError(
            f"y has {shape}, which {type(estimator).__name__} does not learn: {own_net}."
        )
    if is_regressor(estimator):
        return Problem(estimator, y.astype(np.float64), described="a regression")
    learns_labels = label_sets and _is_net_with(estimator, LABEL_CRITERIA)
    described = (
        "a training with several labels for each row" if learns_labels else f"one of {shape}"
    )
    return Problem(estimator, y, described=described, has_label_sets=learns_labels)


def _is_net_with(estimator: Any, criteria: tuple[type, ...]) -> bool:
    """Whether what learns is a net of skorch with one of some criteria."""
    net = _last_step(estimator)
    return isinstance(net, NeuralNet) and has_criterion(net, criteria)


def _last_step(estimator: Any) -> Any:
    """What learns within a Pipeline, or the estimator itself."""
    while isinstance(estimator, Pipeline) and estimator.steps:
        estimator = estimator.steps[-1][1]
    return estimator


def may_lack_targets(estimator: Any) -> bool:
    """Whether an estimator may learn from rows alone, each of which is its own target.

    Parameters
    ----------
    estimator : estimator or None
        What is to be trained.
    """
    estimator = _last_step(estimator)
    is_net = isinstance(estimator, NeuralNet)
    return is_net and not is_classifier(estimator) and not is_regressor(estimator)


def takes_several_targets(estimator: Any) -> bool:
    """Whether an estimator may learn several targets for each row.

    Parameters
    ----------
    estimator : estimator or None
        What is to be trained.
    """
    if estimator is None:
        return True
    if isinstance(_last_step(estimator), NeuralNet):
        return not is_classifier(estimator)
    return is_regressor(estimator) and get_tags(estimator).target_tags.multi_output


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
        Targets as they were given; read where `reset`. None where `learner` needs none.
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
        return (X, _targets_for(X, targets_of(X) if y is None else y)) if reset else X
    if learner is not None and learner.takes_any_rows:
        check_holds_rows(X)
        _check_some(scorer, X)
        validate_data(scorer, X, reset=reset, skip_check_array=True)
        if reset and y is None and may_lack_targets(scorer.estimator):
            return X, None
        return (X, _targets_for(X, y)) if reset else X
    options = accepted(scorer)
    if not reset:
        return validate_data(scorer, X, reset=False, **options)
    options["ensure_min_samples"] = 2
    if y is None and may_lack_targets(scorer.estimator):
        return validate_data(scorer, X, **options), None
    if has_several(y):
        X = validate_data(scorer, X, **options)
        return X, _targets_for(X, y)
    return validate_data(scorer, X, y, **options)


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


def _targets_for(X: Any, y: Any) -> np.ndarray:
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    checked = checked_targets(y)
    if checked.ndim > 1 and checked is y:
        checked = checked.copy()  # which is kept, and the caller may change
    y = checked
    check_consistent_length(np.empty(count_rows(X) or 0), y)
    if len(y) < 2:
        raise ValueError(f"Found array with {len(y)} sample(s) while a minimum of 2 is required.")
    return y


def accepted(scorer: Any) -> dict[str, Any]:
    """What rows may be, as options of scikit-learn's validation."""
    finite = "allow-nan" if get_tags(scorer).input_tags.allow_nan else True
    return {"accept_sparse": "csr", "allow_nd": True, "ensure_all_finite": finite}


def given_targets(y: Any, n_samples: int, known: np.ndarray, classes: np.ndarray | None) -> Any:
    """Targets of the kind of those that were trained on.

    Parameters
    ----------
    y : array-like of shape (n_samples, ...)
        Labels or targets as they were given.
    n_samples : int
        How many rows they are for.
    known : ndarray of shape (n, ...)
        Targets that were trained on.
    classes : ndarray or None
        Known labels; None where rows have no class.

    Raises
    ------
    ValueError
        For another length or shape, or labels that are not known.
    """
    several = known.ndim > 1 or known.dtype == object
    if known.dtype == object and isinstance(y, list | tuple):
        y = objects_of(y)
    y = checked_targets(y) if several else column_or_1d(y)
    if len(y) != n_samples:
        raise ValueError(f"y has {len(y)} entries for {n_samples} rows of X.")
    if several:
        if y.shape[1:] != known.shape[1:] or (y.dtype == object) != (known.dtype == object):
            raise ValueError(
                f"y has entries of shape {y.shape[1:]}, and training had {_of_shape(known)}."
            )
        return y
    if classes is None:
        return check_vector("y", y)
    labels = set(classes.tolist())
    unseen = [label for label in dict.fromkeys(y.tolist()) if label not in labels]
    if unseen:
        raise ValueError(
            f"y holds labels that training never saw: {unseen[:5]}. Known are "
            f"{classes[:10].tolist()}{' and more' if len(classes) > 10 else ''}."
        )
    return np.searchsorted(classes, y)


def _of_shape(known: np.ndarray) -> str:
    is_list = known.dtype == object
    return "a list with an array for each row" if is_list else f"entries of shape {known.shape[1:]}"
