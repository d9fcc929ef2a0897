"""Collect records step by step, and make a trajectory of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_difficulty.trajectory import Snapshots, Trajectory
from sklearn_difficulty.trajectory._record_files import StepArrays

_MISSING_PREDICTION = -1


class StepRecorder:
    """Buffer of the records of one run, which its owner makes.

    Within a step, rows are written in any order and any number of times: the last value
    of a row counts, and a row that was not written stays NaN. Only a step that was closed
    with :meth:`step` exists.

    Parameters
    ----------
    n_samples : int
        Number of rows.
    folder : Path or None, default=None
        Where closed steps are written, one ``.npy`` file for each record; None keeps them in
        memory. The trajectory's arrays are then these files, mapped read-only.

    Attributes
    ----------
    n_steps : int
        Steps closed so far.
    """

    def __init__(self, n_samples: int, folder: Path | None = None) -> None:
        self.n_samples = n_samples
        self._open: dict[str, np.ndarray] = {}
        self._steps = StepArrays(folder)
        self._dt: list[dict[str, float]] = []
        self._n_missing: list[int] = []
        self._parts: dict[str, list[str]] = {}
        self._element_sums: np.ndarray | None = None
        self._counted: np.ndarray | None = None

    @property
    def n_steps(self) -> int:
        """Number of steps closed so far."""
        return self._steps.n_steps

    @property
    def n_missing(self) -> np.ndarray:
        """Number of rows without a record in each closed step, int (n_steps,)."""
        return np.array(self._n_missing, dtype=np.int64)

    @property
    def missing(self) -> np.ndarray:
        """Rows without a record in the open step, int."""
        if "loss" not in self._open:
            return np.arange(self.n_samples)
        return np.flatnonzero(np.isnan(self._open["loss"]))

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written into the open step."""
        return not self._open

    def write(self, rows: np.ndarray, records: Mapping[str, Any]) -> None:
        """Write records of some rows into the open step, as they are.

        Parameters
        ----------
        rows : ndarray of int of shape (k,)
            Row numbers.
        records : mapping of str to ndarray of shape (k, ...)
            Values by record name; ``"elements"`` holds per-element losses, NaN for those that do
            not count, and ``"components"`` a mapping of names to values.
        """
        for name, values in records.items():
            if isinstance(values, Mapping):
                # Names of parts are free text, and records may become files.
                keys = self._parts.setdefault(name, list(values))
                self.write(rows, {f"{name}{keys.index(key)}": values[key] for key in values})
                continue
            if name not in self._open:
                self._open[name] = self._blank(name, values)
            self._open[name][rows] = values

    def _blank(self, name: str, values: np.ndarray) -> np.ndarray:
        shape = (self.n_samples, *values.shape[1:])
        if name == "prediction":
            # of several labels, each is there or not, which takes no more than a byte
            kind = np.int32 if values.ndim == 1 else np.int8
            return np.full(shape, _MISSING_PREDICTION, dtype=kind)
        return np.full(shape, np.nan, dtype=np.float32)

    def step(self, dt: Mapping[str, float]) -> None:
        """Close the open step.

        Parameters
        ----------
        dt : mapping of str to float
            Length of the step by unit.
        """
        elements = self._open.pop("elements", None)
        self._steps.append(self._open)
        self._n_missing.append(len(self.missing))
        if elements is not None:
            counted = ~np.isnan(elements)
            known = np.where(counted, elements, np.float32(0.0))
            if self._element_sums is None or self._counted is None:
                self._element_sums, self._counted = known, counted
            else:
                # not in place, as a trajectory may have been made of them
                self._element_sums = self._element_sums + known
                self._counted = self._counted | counted
        self._dt.append(dict(dt))
        self._open = {}

    def drop_open_step(self) -> None:
        """Forget what was written since the last closed step."""
        self._open = {}

    def trajectory(
        self,
        *,
        y: np.ndarray | None = None,
        classes: np.ndarray | None = None,
        in_train: np.ndarray | None = None,
        snapshots: Snapshots | None = None,
        when: str = "after",
        element_component: str | None = None,
    ) -> Trajectory:
        """Make a trajectory of one run, of the steps that were closed.

        Parameters
        ----------
        y : ndarray of shape (n_samples,), optional
            Class numbers or targets.
        classes : ndarray of shape (n_classes,), optional
            Labels behind the class numbers.
        in_train : ndarray of bool of shape (n_samples,), optional
            Rows that were trained on. By default all.
        snapshots : Snapshots, optional
            Parameter states of the model.
        when : {"after", "during"}, default="after"
            When the records were taken.
        element_component : str, optional
            Name of the part of the loss that the elements are of.

        Returns
        -------
        Trajectory
            The trajectory; nothing is copied, and steps that follow do not change it.
        """
        if not self.n_steps:
            raise ValueError("no step was completed, so that there is no trajectory")
        dt = {
            unit: np.array([[step[unit] for step in self._dt]], dtype=np.float64)
            for unit in self._dt[0]
        }
        element_action = None
        if self._element_sums is not None and self._counted is not None:
            element_action = np.where(self._counted, self._element_sums, np.float32(np.nan))[None]
        records: dict[str, Any] = self._steps.arrays()
        for name, keys in self._parts.items():
            records[name] = {key: records.pop(f"{name}{k}") for k, key in enumerate(keys)}
        return Trajectory(
            **records,
            element_action=element_action,
            element_component=None if element_action is None else element_component,
            dt=dt,
            y=y,
            classes=classes,
            in_train=None if in_train is None else np.asarray(in_train)[None],  # type: ignore[arg-type]
            snapshots=snapshots,
            when=when,
        )
