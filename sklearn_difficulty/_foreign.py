"""Arrays of other libraries as NumPy arrays, without importing any of them."""

from typing import Any

import numpy as np

__all__ = ["as_array", "as_floats"]


def as_array(values: Any) -> np.ndarray:
    """Give values as a NumPy array, without a copy where that is possible.

    Parameters
    ----------
    values : array-like
        An array, a list, a torch tensor on any device and with any graph, or anything else with
        ``__array__`` or ``__dlpack__``.

    Returns
    -------
    ndarray
        The values.
    """
    if isinstance(values, np.ndarray):
        return values
    if hasattr(values, "detach"):  # a torch tensor
        values = values.detach()
        if values.is_floating_point() and values.element_size() < 4:
            values = values.float()  # NumPy lacks some short types; float32 holds them exactly
        return values.cpu().numpy()
    if hasattr(values, "__dlpack__") and not hasattr(values, "__array__"):
        return np.from_dlpack(values)
    return np.asarray(values)


def as_floats(name: str, values: Any) -> np.ndarray:
    """Give numbers as a floating NumPy array of at least single precision.

    Parameters
    ----------
    name : str
        What they are, for the message.
    values : array-like
        The numbers.

    Returns
    -------
    ndarray, float32 or float64
        The numbers.

    Raises
    ------
    TypeError
        If they are not real numbers.
    """
    array = as_array(values)
    if array.dtype in (np.float32, np.float64):
        return array
    is_short = array.dtype.kind in "fV" and array.dtype.itemsize < 4
    if not is_short and array.dtype.kind not in "fiu":
        raise TypeError(f"{name} must hold real numbers; got {array.dtype}.")
    return array.astype(np.float32 if is_short else np.float64)
