"""What a saved array must be: of fixed-size values, and the same when it is read again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_difficulty.exceptions import TrajectoryFormatError

__all__ = ["check_description", "describe", "storable"]


def storable(label: str, array: np.ndarray) -> np.ndarray:
    """Turn objects and variable-length strings into values of fixed size.

    Parameters
    ----------
    label : str
        Name of the array, for the message.
    array : ndarray
        The array.

    Returns
    -------
    ndarray
        The array itself where it can be saved as it is.

    Raises
    ------
    TypeError
        If no fixed-size type gives the same values back.
    """
    if not array.dtype.hasobject and array.dtype.kind not in "TV":
        return array
    values = [v.item() if isinstance(v, np.generic) else v for v in array.ravel().tolist()]
    for kind in (str, bool, int, float):
        if values and all(type(value) is kind for value in values):
            fixed = np.array(values)
            if not fixed.dtype.hasobject and fixed.tolist() == values:
                return fixed.reshape(array.shape)
    kinds = sorted({type(value).__name__ for value in values})
    raise TypeError(
        f"{label} has dtype {array.dtype} and values of type {', '.join(kinds)}, which cannot be "
        "saved without pickle; labels must be all strings, all whole numbers or all booleans."
    )


def describe(array: np.ndarray) -> dict[str, Any]:
    """Give what a reader has to find again.

    Parameters
    ----------
    array : ndarray
        The array.

    Returns
    -------
    dict
        Its ``dtype`` and ``shape``, in types that JSON has.
    """
    return {"dtype": np.lib.format.dtype_to_descr(array.dtype), "shape": list(array.shape)}


def check_description(
    label: str, array: np.ndarray, description: Mapping[str, Any], file: Path
) -> None:
    """Check that an array is of the type and the shape that were written.

    Parameters
    ----------
    label : str
        Name of the array, for the message.
    array : ndarray
        What was read.
    description : mapping
        What ``describe`` said when it was written.
    file : Path
        Where it was read from, for the message.

    Raises
    ------
    TrajectoryFormatError
        If it is another.
    """
    for key, found in describe(array).items():
        if found != description[key]:
            raise TrajectoryFormatError(
                f"{file} is altered: the {key} of {label!r} is {found}, "
                f"but {description[key]} was saved."
            )
