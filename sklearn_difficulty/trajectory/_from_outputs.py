"""The fields of a trajectory from outputs that were saved elsewhere."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_difficulty._foreign import as_array, as_floats
from sklearn_difficulty._validation import check_choice, check_labels
from sklearn_difficulty.exceptions import NonFiniteLossError
from sklearn_difficulty.trajectory._class_records import (
    KINDS,
    check_probabilities,
    class_records,
    class_scores,
)
from sklearn_difficulty.trajectory._layout import LAYOUT
from sklearn_difficulty.trajectory._record_files import StepArrays, release_pages

__all__ = ["fields_from_outputs"]


def fields_from_outputs(
    outputs: Any,
    y: Any,
    *,
    kind: str,
    classes: Any,
    dt: Mapping[str, Any] | None,
    keep_outputs: bool,
    in_train: Any,
    when: str,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Judge saved outputs by labels, one step at a time.

    Parameters
    ----------
    outputs, y, kind, classes, dt, keep_outputs, in_train, when : object
        See ``Trajectory.from_outputs``.
    folder : Path or None, default=None
        Where to write the records; None keeps them in memory.

    Returns
    -------
    dict of str to object
        The fields of a ``Trajectory`` that are known.
    """
    check_choice("kind", kind, KINDS)
    if dt is not None and not isinstance(dt, Mapping):
        raise TypeError(f"dt must map units to lengths of steps; got {type(dt).__name__}.")
    y = check_labels("y", as_array(y))
    if y.dtype.kind == "f" and (y != np.floor(y)).any():
        raise ValueError(
            f"y must hold labels; got fractions, such as {y[y != np.floor(y)][0]}. Outputs of a "
            "regression make no class records: record losses with a TrajectoryRecorder."
        )
    steps = _Steps(outputs, y)
    y, classes = _encoded(y, steps.n_classes, classes)
    records = StepArrays(folder, expected=steps.n_runs * steps.n_steps)
    for run in range(steps.n_runs):
        for step in range(steps.n_steps):
            where = f"outputs[{step}]" if steps.n_runs == 1 else f"outputs[{run}, {step}]"
            records.append(_judged(where, steps.get(run, step), y, kind, step, keep_outputs))
    fields: dict[str, Any] = records.arrays(steps.n_runs)
    if dt is not None:
        shape = (steps.n_runs, steps.n_steps)
        fields["dt"] = {
            unit: _for_all_runs(as_floats(f"dt[{unit!r}]", lengths), shape)
            for unit, lengths in dt.items()
        }
    if in_train is not None:
        fields["in_train"] = _for_all_runs(as_array(in_train), (steps.n_runs, len(y)))
    return fields | {"y": y, "classes": classes, "when": when}


class _Steps:
    """Outputs of each step, read one at a time.

    Attributes
    ----------
    n_runs, n_steps, n_classes : int
        How many there are.
    """

    def __init__(self, outputs: Any, y: np.ndarray) -> None:
        # A list of arrays is read like an array, a list of numbers is made one.
        of_arrays = isinstance(outputs, list | tuple) and outputs and hasattr(outputs[0], "shape")
        if not of_arrays and not hasattr(outputs, "shape"):
            outputs = np.asarray(outputs)
        self._outputs = outputs
        shape = self._shape()
        n = len(y)
        by_run = len(shape) == 4
        samples = shape[2] if by_run else shape[1] if len(shape) in (2, 3) else None
        if samples != n:
            raise ValueError(
                f"outputs of shape {shape} do not fit y of shape {y.shape}: outputs must have the "
                f"shape (n_steps, {n}, n_classes) or (n_runs, n_steps, {n}, n_classes), or for "
                f"two classes with one output (n_steps, {n}) or (n_runs, n_steps, {n}, 1)."
            )
        self._by_run = by_run
        self.n_runs, self.n_steps = shape[:2] if by_run else (1, shape[0])
        if not self.n_runs or not self.n_steps:
            raise ValueError(f"outputs must hold at least one step; got shape {shape}.")
        self.n_classes = 2 if len(shape) == 2 or shape[-1] == 1 else shape[-1]

    def _shape(self) -> tuple[int, ...]:
        if hasattr(self._outputs, "shape"):
            return tuple(self._outputs.shape)
        shapes = sorted({tuple(part.shape) for part in self._outputs})
        if len(shapes) > 1:
            raise ValueError(f"outputs must have one shape in all steps; got {shapes}.")
        return (len(self._outputs), *shapes[0])

    def get(self, run: int, step: int) -> np.ndarray:
        """Outputs of one step, shape (n,) or (n, n_classes)."""
        release_pages(self._outputs)  # of the step before
        if not self._by_run:
            part = self._outputs[step]
        elif hasattr(self._outputs, "shape"):
            part = self._outputs[run, step]
        else:
            part = self._outputs[run][step]
        return as_floats("outputs", part)


def _encoded(y: np.ndarray, n_classes: int, classes: Any) -> tuple[np.ndarray, np.ndarray]:
    """Labels as column numbers, and the label of each column."""
    if classes is None:
        found, numbers = np.unique(y, return_inverse=True)
        if len(found) == n_classes:
            return numbers, found
        if y.dtype.kind in "iu" and len(y) and 0 <= found[0] and found[-1] < n_classes:
            return y.astype(np.int64), np.arange(n_classes)
        raise ValueError(
            f"y has {len(found)} different labels and outputs are of {n_classes} classes, so that "
            "it is not known which column is whose: pass classes=, the labels in the order of "
            "the columns."
        )
    names = check_labels("classes", as_array(classes))
    order = np.argsort(names, kind="stable")
    if len(names) != n_classes or len(np.unique(names)) != len(names):
        raise ValueError(
            f"classes must name each of the {n_classes} classes of outputs once; got "
            f"{names.tolist()}."
        )
    numbers = order[np.searchsorted(names, y, sorter=order).clip(max=n_classes - 1)]
    unknown = names[numbers] != y
    if unknown.any():
        raise ValueError(
            f"y has the label {y[unknown][0]!r}, which classes {names.tolist()} does not name."
        )
    return numbers, names


def _judged(
    where: str, outputs: np.ndarray, y: np.ndarray, kind: str, step: int, keep_outputs: bool
) -> dict[str, np.ndarray]:
    """Records of one step; a row of NaN is a sample without a record."""
    present = ~np.isnan(outputs.reshape(len(outputs), -1)).all(axis=1)
    check_probabilities(where, outputs[present], kind)
    scores = class_scores(outputs, kind)
    records = class_records(scores, y, kind)
    if keep_outputs:
        records["outputs"] = scores
    # Records are of single precision, beyond which a finite loss is infinite and reported.
    with np.errstate(over="ignore"):
        records = {
            name: values if name == "prediction" else values.astype(np.float32)
            for name, values in records.items()
        }
    bad = int((~np.isfinite(records["loss"][present])).sum())
    if bad:
        raise NonFiniteLossError(
            f"{where} gives {bad} of {len(y)} rows a loss that is NaN or infinite. A row without "
            "outputs must be NaN throughout.",
            step=step,
            n_rows=bad,
        )
    records["prediction"][~present] = LAYOUT["prediction"].padding
    return records


def _for_all_runs(array: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    # A shape that does not fit is reported by the trajectory, with the name of the field.
    return np.tile(array, (shape[0], 1)) if array.shape == shape[1:] else array
