"""The fields of a trajectory: completed, and checked against each other."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_choice
from sklearn_difficulty.trajectory._checks import (
    check_array,
    check_class_indices,
    check_label_sets,
    check_n_steps,
    check_snapshots,
)
from sklearn_difficulty.trajectory._layout import LAYOUT

__all__ = ["checked_fields", "fields_of", "map_arrays", "named_arrays"]


def fields_of(trajectory: Any) -> dict[str, Any]:
    """Give every field of a trajectory.

    Parameters
    ----------
    trajectory : Trajectory
        Any.

    Returns
    -------
    dict of str to object
        The fields by name, as they are.
    """
    names = (field.name for field in dataclasses.fields(trajectory))
    return {name: getattr(trajectory, name) for name in names}


def checked_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """Turn what was given into arrays, fill in the defaults, and check that all of it fits.

    Parameters
    ----------
    given : mapping of str to object
        Every field of a ``Trajectory``, None where it is absent or has its default.

    Returns
    -------
    dict of str to object
        Every field.

    Raises
    ------
    ValueError
        If shapes do not fit each other; the message names the field.
    TypeError
        If a field has values of another type.
    """
    fields = _accepted(given)
    loss = fields["loss"]
    if loss.ndim != 3:
        raise ValueError(
            "loss must have three axes (runs, steps, samples); got shape "
            f"{loss.shape}. For a single run of shape (steps, samples) give loss[None]."
        )
    n_runs, n_steps_max, n_samples = loss.shape
    if n_runs == 0 or n_steps_max == 0:
        raise ValueError(f"loss must hold at least one run and one step; got shape {loss.shape}.")
    _fill_in_defaults(fields)
    sizes = {"runs": n_runs, "steps": n_steps_max, "samples": n_samples}
    for label, name, array in named_arrays(fields):
        check_array(label, LAYOUT[name], array, sizes)
    y, classes, prediction = fields["y"], fields["classes"], fields["prediction"]
    of_labels = prediction is not None and prediction.ndim > loss.ndim
    if of_labels and y is not None:
        check_label_sets(y, prediction.shape[3:])
    elif y is not None and (classes is not None or prediction is not None):
        check_class_indices(y, None if classes is None else len(classes))
    component = fields["element_component"]
    if component is not None and not isinstance(component, str):
        raise TypeError(f"element_component must be a name or None; got {component!r}.")
    if fields["snapshots"] is not None:
        check_snapshots(fields["snapshots"], n_runs, n_steps_max)
    return fields


def _accepted(given: Mapping[str, Any]) -> dict[str, Any]:
    check_choice("when", given["when"], ("after", "during"))
    fields = dict(given)
    for name in LAYOUT:
        value = given[name]
        if name in ("components", "dt"):
            if value is not None and not isinstance(value, Mapping):
                raise TypeError(f"{name} must map names to arrays; got {type(value).__name__}.")
            accepted = {key: np.asanyarray(array) for key, array in (value or {}).items()}
            if not all(isinstance(key, str) for key in accepted):
                raise TypeError(f"{name} must have names of type str; got {list(accepted)}.")
            fields[name] = accepted
        elif value is not None:
            fields[name] = np.asanyarray(value)
    return fields


def _fill_in_defaults(fields: dict[str, Any]) -> None:
    n_runs, n_steps_max, n_samples = fields["loss"].shape
    if fields["n_steps"] is None:
        fields["n_steps"] = np.full(n_runs, n_steps_max)
    check_array("n_steps", LAYOUT["n_steps"], fields["n_steps"], {"runs": n_runs})
    check_n_steps(fields["n_steps"], n_steps_max)
    if fields["in_train"] is None:
        fields["in_train"] = np.ones((n_runs, n_samples), dtype=bool)
    if not fields["dt"]:
        completed = np.arange(n_steps_max) < np.reshape(fields["n_steps"], (-1, 1))
        fields["dt"] = {"epoch": completed.astype(np.float64)}


def named_arrays(fields: Mapping[str, Any]) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield every array that is present.

    Parameters
    ----------
    fields : mapping of str to object
        The fields of a ``Trajectory``.

    Yields
    ------
    label : str
        Name of the array, for messages.
    name : str
        Name of the field.
    array : ndarray
        The array.
    """
    for name in LAYOUT:
        value = fields[name]
        if isinstance(value, Mapping):
            for key, array in value.items():
                yield f"{name}[{key!r}]", name, array
        elif value is not None:
            yield name, name, value


def map_arrays(
    fields: Mapping[str, Any], function: Callable[[str, np.ndarray], np.ndarray]
) -> dict[str, Any]:
    """Replace each array by another.

    Parameters
    ----------
    fields : mapping of str to object
        The fields of a ``Trajectory``.
    function : callable
        Called with the name of the field and the array.

    Returns
    -------
    dict of str to object
        All fields.
    """
    mapped = dict(fields)
    for name in LAYOUT:
        value = fields[name]
        if isinstance(value, Mapping):
            mapped[name] = {key: function(name, array) for key, array in value.items()}
        elif value is not None:
            mapped[name] = function(name, value)
    return mapped
