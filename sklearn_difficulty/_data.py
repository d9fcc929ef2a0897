"""Rows of whatever container the data came in."""

from collections.abc import Mapping
from numbers import Number
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing
from torch.utils.data import Dataset, Subset


def take_rows(data: Any, rows: Any) -> Any:
    """Take rows by number, in a container of the same kind.

    Parameters
    ----------
    data : array, frame, series, sparse matrix or array, list, Dataset, or None
        Data of which the first axis is the rows. Sparse formats that cannot be indexed become
        CSR, and what is only convertible to an array becomes one.
    rows : ndarray of shape (n_rows,), int
        Numbers of the rows, which may repeat.

    Returns
    -------
    same kind as `data`
        The rows, copied; a Subset of a Dataset; None for None.

    Examples
    --------
    >>> from sklearn_difficulty._data import take_rows
    >>> take_rows(["a", "b", "c"], [2, 0])
    ['c', 'a']
    """
    if data is None:
        return None
    if isinstance(data, Dataset):
        return Subset(data, [int(row) for row in rows])
    if issparse(data):
        if data.format not in ("csr", "csc", "lil"):
            data = data.tocsr()
    elif not (hasattr(data, "__getitem__") or hasattr(data, "iloc")):
        data = np.asarray(data)
    return _safe_indexing(data, rows)


def count_rows(data: Any) -> int | None:
    """Count the rows of a container.

    Parameters
    ----------
    data : object
        Anything.

    Returns
    -------
    int or None
        Length of the first axis; None for what has no rows: numbers, text, mappings, sets.

    Examples
    --------
    >>> from sklearn_difficulty._data import count_rows
    >>> count_rows([1, 2, 3]), count_rows("abc")
    (3, None)
    """
    shape = getattr(data, "shape", None)
    # a sparse matrix of keys is a mapping, too
    if isinstance(data, str | bytes | set | frozenset | dict) and not issparse(data):
        return None
    if shape is not None:
        return int(shape[0]) if len(shape) else None
    if hasattr(data, "__len__"):
        return len(data)
    return len(np.asarray(data)) if hasattr(data, "__array__") else None


def n_rows(data: Any) -> int:
    """Count the rows of a container that is known to have some.

    Parameters
    ----------
    data : array, frame, sparse matrix, list or Dataset
        The container.

    Returns
    -------
    int
        Length of the first axis.
    """
    count = count_rows(data)
    assert count is not None
    return count


def as_row_objects(targets: Any) -> np.ndarray | None:
    """Targets that are something of their own for each row, such as the boxes of an image.

    Parameters
    ----------
    targets : object
        A list of arrays, tensors or mappings, one for each row, whatever their lengths; an array of
        objects that are such; or a list of lists of different lengths.

    Returns
    -------
    ndarray of object of shape (n,), or None
        The entries; None for anything else, such as an array of numbers or a list of labels.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty._data import as_row_objects
    >>> as_row_objects([np.ones((2, 5)), np.ones((3, 5))]).shape
    (2,)
    >>> as_row_objects([0, 1, 1]) is None
    True
    """
    kind = getattr(getattr(targets, "dtype", None), "kind", "")
    are_objects = kind == "O" and np.ndim(targets) == 1
    if are_objects:
        targets = list(targets)
    if not isinstance(targets, list | tuple) or not targets:
        return None
    if isinstance(targets[0], str | bytes | Number | np.generic):
        return None  # labels, of which there may be many
    if not are_objects and all(
        isinstance(entry, list | tuple) or getattr(entry, "ndim", 0) == 1 for entry in targets
    ):
        if len({len(entry) for entry in targets}) == 1:
            return None  # a table
        targets = [np.asarray(e) if isinstance(e, list | tuple) else e for e in targets]
    held = [isinstance(entry, Mapping) or getattr(entry, "ndim", 0) > 0 for entry in targets]
    if not any(held):
        return None
    if not all(held):
        row = held.index(False)
        raise ValueError(
            f"y has an array of its own for some rows, and {type(targets[row]).__name__} for row "
            f"{row}: give every row an array, a tensor or a mapping, an empty one where there is "
            "nothing."
        )
    return objects_of(targets)


def objects_of(entries: Any) -> np.ndarray:
    """An array of objects with an entry for each row.

    Parameters
    ----------
    entries : sequence
        The entries; lists become arrays.

    Returns
    -------
    ndarray of object of shape (n,)
        The entries.

    Examples
    --------
    >>> from sklearn_difficulty._data import objects_of
    >>> objects_of([[], [1.0]]).shape
    (2,)
    """
    held = np.empty(len(entries), dtype=object)
    for row, entry in enumerate(entries):
        held[row] = np.asarray(entry) if isinstance(entry, list | tuple) else entry
    return held


def are_label_sets(y: np.ndarray) -> bool:
    """Whether targets say of several labels which of them each row has.

    Parameters
    ----------
    y : ndarray of shape (n_samples, ...)
        Targets.

    Returns
    -------
    bool
        True for a matrix of 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty._data import are_label_sets
    >>> are_label_sets(np.eye(3)), are_label_sets(np.full((3, 2), 0.5))
    (True, False)
    """
    return y.ndim == 2 and y.dtype.kind in "iufb" and bool(np.isin(y, (0, 1)).all())


def input_of(item: Any) -> Any:
    """What is fed to a module of an item of a dataset.

    Parameters
    ----------
    item : object
        A pair of input and target, as skorch has it, or the input alone, in a tuple of one too.

    Returns
    -------
    object
        The input.

    Examples
    --------
    >>> from sklearn_difficulty._data import input_of
    >>> input_of(([0.5, 1.0], 1))
    [0.5, 1.0]
    """
    return item[0] if isinstance(item, tuple) and len(item) in (1, 2) else item
