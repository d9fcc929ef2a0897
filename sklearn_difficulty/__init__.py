"""Which samples are hard, and which labels are wrong: scores from the path of training."""

# Before anything else, since torch looks through all that is imported so far, again and again while
# it is imported itself: after scikit-learn and half of this package that takes 0.2 seconds or more.
import torch as _torch  # noqa: F401

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
