"""Whether the fields of a trajectory fit each other."""

from typing import Any

import numpy as np

from sklearn_difficulty.trajectory._layout import Field
from sklearn_difficulty.trajectory._snapshots import Snapshots

__all__ = [
    "check_array",
    "check_class_indices",
    "check_label_sets",
    "check_n_steps",
    "check_snapshots",
]


def check_array(label: str, field: Field, array: np.ndarray, sizes: dict[str, int]) -> None:
    """Check the shape and the type of one array of a trajectory.

    Parameters
    ----------
    label : str
        Name of the array, for the message.
    field : Field
        What is expected.
    array : ndarray
        The array.
    sizes : dict of str to int
        Length of the axes known so far.

    Raises
    ------
    ValueError
        If the shape does not fit.
    TypeError
        If the values are of another type.
    """
    leading = array.shape[: len(field.axes)]
    expected = tuple(sizes.get(axis) for axis in field.axes)
    too_many = array.ndim > len(field.axes) and not field.open_ended
    fits = len(leading) == len(expected) and all(
        want is None or have == want for have, want in zip(leading, expected, strict=True)
    )
    if too_many or not fits:
        axes = ", ".join((*field.axes, "...") if field.open_ended else field.axes)
        lengths = ", ".join("any" if want is None else str(want) for want in expected)
        raise ValueError(
            f"{label} has shape {array.shape}; expected axes ({axes}) of length ({lengths})."
        )
    generic = {"float": np.floating, "integer": np.integer, "boolean": np.bool_}
    if field.kind != "any" and not np.issubdtype(array.dtype, generic[field.kind]):
        article = "an" if field.kind == "integer" else "a"
        raise TypeError(f"{label} must have {article} {field.kind} dtype; got {array.dtype}.")


def check_n_steps(n_steps: np.ndarray, n_steps_max: int) -> None:
    """Check that runs completed no more steps than the records have.

    Parameters
    ----------
    n_steps : ndarray of shape (n_runs,)
        Number of completed steps of each run.
    n_steps_max : int
        Length of the step axis.

    Raises
    ------
    ValueError
        If one is out of range.
    """
    if (n_steps < 0).any() or (n_steps > n_steps_max).any():
        raise ValueError(
            f"n_steps must be from 0 to {n_steps_max}, the number of steps in loss; "
            f"got {n_steps.tolist()}."
        )


def check_class_indices(y: np.ndarray, n_classes: int | None) -> None:
    """Check that labels are encoded as class indices.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        The labels.
    n_classes : int or None
        Number of classes, None if it is not known.

    Raises
    ------
    TypeError
        If they are not whole numbers, one per sample.
    ValueError
        If one is out of range.
    """
    if y.ndim != 1 or not np.issubdtype(y.dtype, np.integer):
        raise TypeError(
            "y must hold class indices, integers of shape (n_samples,), where there are classes or "
            f"predictions; got {y.dtype} of shape {y.shape}. Encode it with "
            "np.unique(y, return_inverse=True)."
        )
    if y.size and (y.min() < 0 or (n_classes is not None and y.max() >= n_classes)):
        accepted = "0 on" if n_classes is None else f"0 to {n_classes - 1}"
        raise ValueError(
            f"y must hold class indices from {accepted}; got values from {y.min()} to {y.max()}."
        )


def check_label_sets(y: np.ndarray, shape: tuple[int, ...]) -> None:
    """Check that targets are sets of labels, in the shape of the predicted ones.

    Parameters
    ----------
    y : ndarray of shape (n_samples, ...)
        The labels of each sample.
    shape : tuple of int
        Shape of the prediction for a sample.

    Raises
    ------
    ValueError
        If they have another shape, or are not 0 and 1.
    """
    if y.shape[1:] != shape:
        raise ValueError(
            f"y must have the shape (n_samples, {', '.join(map(str, shape))}), as the predictions "
            f"have several labels for each sample; got {y.shape}."
        )
    if not np.isin(y, (0, 1)).all():
        raise ValueError(
            "y must hold 1 for each label that is there and 0 for others, where predictions have "
            f"several labels for each sample; got values from {y.min()} to {y.max()}."
        )


def check_snapshots(snapshots: Any, n_runs: int, n_steps_max: int) -> None:
    """Check that snapshots belong to as many runs and steps as there are.

    Parameters
    ----------
    snapshots : object
        What was given for them.
    n_runs, n_steps_max : int
        Length of the run and the step axis.

    Raises
    ------
    TypeError
        If they are not ``Snapshots``.
    ValueError
        If there are too many or too few models, or steps beyond the last.
    """
    if not isinstance(snapshots, Snapshots):
        raise TypeError(f"snapshots must be Snapshots or None; got {type(snapshots).__name__}.")
    if snapshots.n_models % n_runs != 0:
        raise ValueError(
            f"snapshots has {snapshots.n_models} models; expected {n_runs}, one for each run, or a "
            "multiple of it."
        )
    last = max(max(snapshots.steps(m), default=0) for m in range(snapshots.n_models))
    if last >= n_steps_max:
        raise ValueError(
            f"snapshots has a state of step {last}; the last step of loss is {n_steps_max - 1}."
        )
