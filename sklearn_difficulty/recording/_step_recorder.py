"""Collect records step by step, and make a trajectory of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_difficulty.trajectory import Snapshots, Trajectory
from sklearn_difficulty.trajectory._record_files import StepArrays

KEEP = ("outputs", "elements")
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
        self._element_action: np.ndarray | None = None

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

    def write(self, rows: np.ndarray, records: Mapping[str, Any]) -> None:
        """Write records of some rows into the open step, as they are.

        Parameters
        ----------
        rows : ndarray of int of shape (k,)
            Row numbers.
        records : mapping of str to ndarray of shape (k, ...)
            Values by record name; ``"elements"`` holds per-element losses.
        """
        for name, values in records.items():
            if name not in self._open:
                self._open[name] = self._blank(name, values)
            self._open[name][rows] = values

    def _blank(self, name: str, values: np.ndarray) -> np.ndarray:
        shape = (self.n_samples, *values.shape[1:])
        if name == "prediction":
            return np.full(shape, _MISSING_PREDICTION, dtype=np.int32)
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
            known = np.nan_to_num(elements, nan=0.0)
            done = self._element_action
            self._element_action = known if done is None else done + known
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
        element_action = self._element_action
        return Trajectory(
            **self._steps.arrays(),  # type: ignore[arg-type]
            element_action=None if element_action is None else element_action[None],
            dt=dt,
            y=y,
            classes=classes,
            in_train=None if in_train is None else np.asarray(in_train)[None],  # type: ignore[arg-type]
            snapshots=snapshots,
            when=when,
        )
