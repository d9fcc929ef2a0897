"""One way to say which samples, runs or steps are meant."""

from typing import Any

import numpy as np

__all__ = ["resolve_index"]


def resolve_index(name: str, index: Any, size: int, *, in_order: bool = False) -> Any:
    """Turn a slice, numbers or a mask into an index that keeps the axis.

    Parameters
    ----------
    name : str
        Name of the axis, for the message.
    index : slice, int, array-like of int, mask of bool, or None
        What to keep; None keeps all.
    size : int
        Length of the axis.
    in_order : bool, default=False
        Whether the numbers have to increase.

    Returns
    -------
    slice or ndarray of int
        The index; numbers are counted from the start.

    Raises
    ------
    IndexError
        If a number is out of range.
    TypeError
        If it is nothing of the kind.
    ValueError
        If a mask has another length, or the numbers do not increase.

    Examples
    --------
    >>> from sklearn_difficulty.trajectory._indexing import resolve_index
    >>> resolve_index("samples", [True, False, True], 3)
    array([0, 2])
    """
    if index is None:
        return slice(None)
    if isinstance(index, slice):
        if in_order and index.step is not None and index.step < 0:
            raise ValueError(f"{name} must stay in order; got {index!r}, which runs backwards.")
        return index
    given = np.atleast_1d(np.asarray(index))
    if given.size == 0 and given.ndim == 1:
        given = given.astype(np.intp)
    is_mask = given.dtype == np.bool_
    if given.ndim != 1 or not (is_mask or np.issubdtype(given.dtype, np.integer)):
        raise TypeError(
            f"{name} must be a slice, whole numbers or a mask of shape (n,); "
            f"got {given.dtype} of shape {given.shape}."
        )
    if is_mask:
        if len(given) != size:
            raise ValueError(f"a mask for {name} must have {size} values; got {len(given)}.")
        return np.flatnonzero(given)
    outside = (given < -size) | (given >= size)
    if outside.any():
        raise IndexError(f"{name} has {size} entries; there is no number {given[outside][0]}.")
    numbers = np.where(given < 0, given + size, given)
    if in_order and (np.diff(numbers) <= 0).any():
        raise ValueError(f"{name} must increase, each at most once; got {given.tolist()}.")
    return numbers
