"""Collect records step by step, for any training loop, and make a trajectory of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sklearn_difficulty.trajectory import Snapshots, Trajectory

KEEP = ("outputs", "elements")
_MISSING_PREDICTION = -1


class TrajectoryRecorder:
    """Buffer of the records of one run.

    Within a step, rows are written in any order and any number of times: the last value
    of a row counts, and a row that was not written stays NaN. Only a step that was closed
    with :meth:`step` exists.

    Parameters
    ----------
    n_samples : int
        Number of rows.

    Attributes
    ----------
    n_steps : int
        Steps closed so far.
    """

    def __init__(self, n_samples: int) -> None:
        self.n_samples = n_samples
        self._open: dict[str, np.ndarray] = {}
        self._steps: list[dict[str, np.ndarray]] = []
        self._dt: list[dict[str, float]] = []
        self._element_action: np.ndarray | None = None

    @property
    def n_steps(self) -> int:
        return len(self._steps)

    def write(self, rows: np.ndarray, records: Mapping[str, Any]) -> None:
        """Write records of some rows into the open step.

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
        """Close the open step, whose length is `dt` by unit."""
        elements = self._open.pop("elements", None)
        if elements is not None:
            known = np.nan_to_num(elements, nan=0.0)
            done = self._element_action
            self._element_action = known if done is None else done + known
        self._steps.append(self._open)
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
        """Trajectory of one run, made of the steps that were closed."""
        if not self._steps:
            raise ValueError("no step was completed, so that there is no trajectory")
        records: dict[str, Any] = {
            name: np.stack([step[name] for step in self._steps])[None] for name in self._steps[0]
        }
        # Views of what was stacked: the steps are not held twice where training goes on.
        self._steps = [
            {name: record[0, step] for name, record in records.items()}
            for step in range(len(self._steps))
        ]
        dt = {
            unit: np.array([[step[unit] for step in self._dt]], dtype=np.float64)
            for unit in self._dt[0]
        }
        element_action = self._element_action
        return Trajectory(
            **records,
            element_action=None if element_action is None else element_action[None],
            dt=dt,
            y=y,
            classes=classes,
            in_train=None if in_train is None else in_train[None],  # type: ignore[arg-type]
            snapshots=snapshots,
            when=when,
        )
