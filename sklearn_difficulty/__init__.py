"""Which samples are hard, and which labels are wrong: scores from the path of training."""

from sklearn_difficulty._scorer import DifficultyScorer
from sklearn_difficulty.recording import (
    DifficultyTracker,
    TrackedNet,
    TrackedNetClassifier,
    TrackedNetRegressor,
    TrajectoryRecorder,
)
from sklearn_difficulty.selection import (
    FilteredClassifier,
    FilteredRegressor,
    MislabelFilter,
    MislabelSampler,
)
from sklearn_difficulty.trajectory import Trajectory

__version__ = "0.1.0"

__all__ = [
    "DifficultyScorer",
    "DifficultyTracker",
    "FilteredClassifier",
    "FilteredRegressor",
    "MislabelFilter",
    "MislabelSampler",
    "TrackedNet",
    "TrackedNetClassifier",
    "TrackedNetRegressor",
    "Trajectory",
    "TrajectoryRecorder",
]
