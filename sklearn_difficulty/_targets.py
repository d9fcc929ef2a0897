"""What targets are: classes with numbers, or the values of a regression."""

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target

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
