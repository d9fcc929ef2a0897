"""The path of training as a value: per-sample records after each step, and parameter snapshots."""

from sklearn_difficulty.trajectory._schedule import SnapshotSchedule, span_weights
from sklearn_difficulty.trajectory._snapshots import Snapshots
from sklearn_difficulty.trajectory._trajectory import Trajectory

__all__ = ["SnapshotSchedule", "Snapshots", "Trajectory", "span_weights"]
