"""Some samples, runs and steps of a trajectory."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sklearn_difficulty.trajectory._fields import map_arrays
from sklearn_difficulty.trajectory._indexing import resolve_index
from sklearn_difficulty.trajectory._layout import LAYOUT

__all__ = ["as_slice", "cut_fields"]


def cut_fields(fields: Mapping[str, Any], samples: Any, runs: Any, steps: Any) -> dict[str, Any]:
    """Cut samples, runs or steps out of the fields of a trajectory.

    Parameters
    ----------
    fields : mapping of str to object
        The fields of a ``Trajectory``.
    samples, runs, steps : slice, int, array-like of int, mask of bool, or None
        What to keep along each axis; None keeps all.

    Returns
    -------
    dict of str to object
        The fields of what is left.
    """
    n_runs, n_steps_max, n_samples = fields["loss"].shape
    index = {
        "samples": resolve_index("samples", samples, n_samples),
        "runs": resolve_index("runs", runs, n_runs),
        "steps": resolve_index("steps", steps, n_steps_max, in_order=True),
    }
    cut = map_arrays(fields, lambda name, array: _cut(array, LAYOUT[name].axes, index))
    kept_steps = np.arange(n_steps_max)[index["steps"]]
    cut["n_steps"] = (kept_steps < cut["n_steps"][:, None]).sum(axis=1)
    if len(kept_steps) < n_steps_max:
        cut["element_action"] = cut["element_component"] = None
    snapshots = fields["snapshots"]
    if snapshots is not None:
        per_run = snapshots.n_models // n_runs
        kept_runs = np.arange(n_runs)[index["runs"]]
        models = [int(run) * per_run + k for run in kept_runs for k in range(per_run)]
        cut["snapshots"] = snapshots.select(models, kept_steps) if models else None
    return cut


def _cut(array: np.ndarray, axes: tuple[str, ...], index: Mapping[str, Any]) -> np.ndarray:
    # One axis after the other: NumPy would pair up several index arrays given at once.
    for number, axis in enumerate(axes):
        if axis in index:
            array = array[(slice(None),) * number + (index[axis],)]
    return array


def as_slice(numbers: np.ndarray) -> Any:
    """Give step numbers as a slice, of which arrays make views, where they have one stride.

    Parameters
    ----------
    numbers : ndarray of int
        Step numbers in increasing order.

    Returns
    -------
    slice or ndarray of int
        The same steps.
    """
    stride = int(numbers[1] - numbers[0]) if len(numbers) > 1 else 1
    if (np.diff(numbers) != stride).any():
        return numbers
    return slice(int(numbers[0]), int(numbers[-1]) + 1, stride)
