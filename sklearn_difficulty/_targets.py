"""What targets are: classes with numbers, values, several labels, something for each row."""

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from sklearn_difficulty._data import as_row_objects

# Numbers of which there are more than these, and fewer than these rows each, are no classes.
_MOST_CLASSES_OF_FEW_ROWS = 20
_FEW_ROWS = 4


def look_continuous(y: np.ndarray) -> bool:
    """Whether targets look like those of a regression, where nobody says what they are.

    Fractions do, and whole numbers of which there are more than 20 different ones, with fewer
    than 4 rows each in the mean.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Targets.
    """
    y = np.asarray(y)
    if y.dtype.kind not in "iuf":
        return False
    if len(np.unique(y)) > max(_MOST_CLASSES_OF_FEW_ROWS, len(y) / _FEW_ROWS):
        return True
    return type_of_target(y).startswith("continuous")


def have_distances(targets: Any, classes: Any, are_label_sets: bool) -> bool:
    """Whether there are numbers, a few for each row, that predictions are near to or far from.

    Parameters
    ----------
    targets : ndarray of shape (n, ...) or None
        Targets.
    classes : ndarray or None
        Labels behind class numbers; None where rows have no class.
    are_label_sets : bool
        Whether each row has several labels that are there or not.
    """
    is_array = targets is not None and targets.dtype.kind in "fiu" and targets.ndim <= 2
    return is_array and classes is None and not are_label_sets


def numbered_classes(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorted classes, and the number among them of each label.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Labels.

    Returns
    -------
    numbers : ndarray of int of shape (n_samples,)
        Into `classes`.
    classes : ndarray of shape (n_classes,)
        The labels there are.

    Raises
    ------
    ValueError
        For labels that have no order, that are no classes, or of one class only.
    """
    try:
        classes, numbers = np.unique(y, return_inverse=True)
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in y})
        raise ValueError(
            f"y mixes labels of types {', '.join(kinds)}, which have no order: give labels of one "
            "type, and none that are missing."
        ) from error
    check_classification_targets(y)
    if len(classes) < 2:
        raise ValueError(
            f"y holds one class only, {classes.tolist()[0]!r}: there is nothing to tell apart, "
            "and 2 classes at least are needed."
        )
    return numbers, classes


def checked_targets(y: Any) -> np.ndarray:
    """Targets as an array with an entry for each row.

    Parameters
    ----------
    y : object
        Labels or numbers, one for each row or several in an array of any rank; a sparse matrix of
        labels that are there or not; a list with an array, or a mapping, of its own for each row.

    Returns
    -------
    ndarray of shape (n_samples, ...)
        One column is made flat, with a warning; a list of arrays becomes an array of objects.

    Raises
    ------
    ValueError
        For targets that are not finite, or that are not numbers where there are several.
    """
    entries = as_row_objects(y)
    if entries is not None:
        _check_entries(entries)
        return entries
    check_kinds(y)
    if issparse(y):
        y = y.toarray()
    if not has_several(y):
        flat = column_or_1d(y, warn=True)
        assert_all_finite(flat, input_name="y")
        return flat
    values = np.asarray(y)
    if values.dtype == object:  # a frame of columns of several types
        values = values.astype(np.float64)
    if values.dtype.kind not in "fiub":
        raise ValueError(
            f"y has several targets for each row, of type {values.dtype}, where numbers are "
            "expected: encode them, such as labels with sklearn.preprocessing.MultiLabelBinarizer."
        )
    if 0 in values.shape[1:]:
        raise ValueError(f"y has shape {values.shape}, which is no target for any row.")
    assert_all_finite(values, input_name="y")
    return values


def _check_entries(entries: np.ndarray) -> None:
    for row, entry in enumerate(entries):
        kind = getattr(getattr(entry, "dtype", None), "kind", "")
        if kind == "f" and not np.isfinite(entry).all():
            raise ValueError(f"Input y contains NaN or infinity, in the entry of row {row}.")


def check_kinds(y: Any) -> None:
    """Refuse sets of labels, and objects that are no labels.

    Parameters
    ----------
    y : object
        Targets as they were given.

    Raises
    ------
    ValueError
        For a set or a mapping for each row.
    TypeError
        For objects of no kind.
    """
    if isinstance(y, list | tuple) and y and isinstance(y[0], set | frozenset):
        raise ValueError(
            f"y has a {type(y[0]).__name__} for each row: encode sets of labels with "
            "sklearn.preprocessing.MultiLabelBinarizer."
        )
    if isinstance(y, list | tuple) and y and type(y[0]) is object:
        raise TypeError("y has objects that are neither labels nor numbers nor arrays.")


def has_several(y: Any) -> bool:
    """Whether targets are several for each row, in an array of more than one column.

    Parameters
    ----------
    y : object
        Targets.
    """
    if y is None or as_row_objects(y) is not None:
        return y is not None
    shape = y.shape if hasattr(y, "shape") else np.asarray(y).shape
    return len(shape) > 2 or (len(shape) == 2 and shape[1] != 1)
