"""What is done with the rows that look mislabelled: drop them, mend their labels, weigh them."""

from typing import Any

import numpy as np
from torch.utils.data import Dataset

from sklearn_difficulty._validation import check_choice

ACTIONS = ("drop", "relabel", "weight")


def check_action(action: Any) -> str:
    """Check what is to be done with rows that look mislabelled.

    Parameters
    ----------
    action : {"drop", "relabel", "weight"}
        Value received.

    Returns
    -------
    str
        The action.

    Raises
    ------
    ValueError
        For anything else.

    Examples
    --------
    >>> from sklearn_difficulty.selection._actions import check_action
    >>> check_action("drop")
    'drop'
    """
    return str(check_choice("action", action, ACTIONS))


def check_can_be_relabelled(X: Any, has_classes: bool) -> None:
    """Refuse what has no labels that could be mended.

    Parameters
    ----------
    X : container of n_samples rows
        Rows.
    has_classes : bool
        Whether their targets are classes.

    Raises
    ------
    ValueError
        For the targets of a regression, and for a Dataset, which holds its labels itself.

    Examples
    --------
    >>> from sklearn_difficulty.selection._actions import check_can_be_relabelled
    >>> check_can_be_relabelled([[0.0], [1.0]], True)
    """
    if not has_classes:
        raise ValueError(
            "action='relabel' gives rows their likely class, and the targets of a regression have "
            "none: use action='drop' or action='weight'."
        )
    if isinstance(X, Dataset):
        raise ValueError(
            f"action='relabel' cannot change the labels inside a {type(X).__name__}, which are "
            "what a net is trained on: pass X and y as arrays, or use action='drop'."
        )


def mended_labels(given: np.ndarray, likely: np.ndarray, support: np.ndarray) -> np.ndarray:
    """Give rows that are not kept their likely label.

    A row whose likely label is the given one is hard, not wrong, and stays as it is.

    Parameters
    ----------
    given : ndarray of shape (n_samples,)
        Labels as observed.
    likely : ndarray of shape (n_samples,)
        Labels that are most likely right.
    support : ndarray of shape (n_samples,), bool
        True for kept rows, which keep their labels too.

    Returns
    -------
    ndarray of shape (n_samples,)
        The labels.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.selection._actions import mended_labels
    >>> given, likely = np.array(["a", "a", "b"]), np.array(["b", "b", "b"])
    >>> mended_labels(given, likely, np.array([True, False, False])).tolist()
    ['a', 'b', 'b']
    """
    return np.where(support, given, likely)


def with_labels(y: Any, given: np.ndarray, mended: np.ndarray) -> Any:
    """Put mended labels into the container of the given ones.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, 1)
        Labels as given, in whatever container; it is not changed.
    given, mended : ndarray of shape (n_samples,)
        The same labels, and what they are to be.

    Returns
    -------
    same kind as `y`, or ndarray
        The mended labels.

    Raises
    ------
    ValueError
        If `y` holds other labels than `given`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.selection._actions import with_labels
    >>> with_labels(["a", "b"], np.array(["a", "b"]), np.array(["b", "b"]))
    ['b', 'b']
    """
    if not np.array_equal(np.asarray(y).reshape(len(given), -1), given[:, None]):
        raise ValueError(
            "action='relabel' mends the labels that were fitted, and y holds others: pass the y "
            "of fit."
        )
    changed = np.flatnonzero(mended != given)
    if isinstance(y, list | tuple):
        those = list(y)
        for row, label in zip(changed.tolist(), mended[changed].tolist(), strict=True):
            those[row] = label
        return type(y)(those)
    copy = y.copy() if hasattr(y, "iloc") else np.array(y)
    # A column vector takes one label per row, too.
    labels = mended[changed].reshape(-1, *[1] * (copy.ndim - 1))
    if hasattr(copy, "iloc"):
        copy.iloc[changed] = labels
    else:
        copy[changed] = labels
    return copy


def clean_weights(mislabeled_proba: np.ndarray, codes: np.ndarray | None) -> np.ndarray:
    """Weigh each row by how probable it is that its label is right.

    Parameters
    ----------
    mislabeled_proba : ndarray of shape (n_samples,)
        How probable it is that the label is wrong; NaN where nothing is known of a row.
    codes : ndarray of shape (n_samples,) or None
        Classes; None for a regression.

    Returns
    -------
    ndarray of shape (n_samples,)
        Between 0 and 1; 1 where nothing is known of a row, and for all rows of a class none of
        which is more likely right than wrong.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.selection._actions import clean_weights
    >>> clean_weights(np.array([0.25, 0.75, 0.75]), np.array([0, 0, 1])).tolist()
    [0.75, 0.25, 1.0]
    """
    weights = np.where(np.isnan(mislabeled_proba), 1.0, 1 - mislabeled_proba)
    if codes is not None:
        # If all of a class looks wrong, it is the model that has not learnt the class.
        n_right = np.bincount(codes, weights=weights >= 0.5)
        weights[(n_right == 0)[codes]] = 1.0
    return weights
