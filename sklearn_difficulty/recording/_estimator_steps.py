"""The steps of an estimator of scikit-learn, recorded one after the other."""

from typing import Any

import numpy as np

from sklearn_difficulty.recording._estimator_state import estimator_state
from sklearn_difficulty.recording._learner import Task
from sklearn_difficulty.recording._sklearn_outputs import check_finite
from sklearn_difficulty.recording._snapshots import SnapshotTaker
from sklearn_difficulty.recording._step_recorder import StepRecorder
from sklearn_difficulty.trajectory import Trajectory


class EstimatorSteps:
    """Records and parameters of one training, of all rows with each step.

    Parameters
    ----------
    task : Task
        What is trained on, and what is recorded.
    advice : str
        What to do about losses that are not finite.
    takes_snapshots : bool, default=False
        Whether to keep parameters, as far as the estimator has any that are known.
    """

    def __init__(self, task: Task, advice: str, *, takes_snapshots: bool = False) -> None:
        self._task, self._advice = task, advice
        _, self._y = task.rows
        self._rows = np.arange(len(self._y))
        self._recorder = StepRecorder(len(self._y), task.storage)
        self._taker = None
        if takes_snapshots:
            self._taker = SnapshotTaker(task.snapshots, task.max_snapshot_bytes, task.storage)

    def __len__(self) -> int:
        return self._recorder.n_steps

    def add(
        self, fitted: Any, records: dict[str, np.ndarray], *, seconds: float, updates: float = 1.0
    ) -> None:
        """Add a step.

        Parameters
        ----------
        fitted : estimator
            As it is after the step.
        records : dict of ndarray of shape (n, ...)
            What it says of all rows.
        seconds : float
            What the step took.
        updates : float, default=1.0
            Updates of the parameters.

        Raises
        ------
        NonFiniteLossError
            With the steps before, where a loss is not finite.
        """
        check_finite(records["loss"], self._recorder, self._advice)
        self._recorder.write(self._rows, records)
        self._recorder.step({"epoch": 1.0, "update": updates, "wall": seconds})
        if self._taker is None:
            return
        if len(self) == 1 and not estimator_state(fitted):
            self._taker = None
            return
        self._taker.offer(len(self) - 1, lambda: estimator_state(fitted))

    def trajectory(self) -> Trajectory:
        """Make a trajectory of the steps so far."""
        return self._recorder.trajectory(
            y=self._y,
            classes=self._task.classes,
            in_train=np.full(len(self._rows), self._task.recorded is None),
            snapshots=None if self._taker is None else self._taker.snapshots(),
        )
