"""The path of training as a value: per-sample records after each step, and parameter snapshots."""

from sklearn_difficulty.trajectory._schedule import SnapshotSchedule, span_weights
from sklearn_difficulty.trajectory._snapshots import Snapshots
from sklearn_difficulty.trajectory._trajectory import Trajectory
from sklearn_difficulty.trajectory._window import check_window, window_steps

__all__ = [
    "SnapshotSchedule",
    "Snapshots",
    "Trajectory",
    "check_window",
    "span_weights",
    "window_steps",
]
