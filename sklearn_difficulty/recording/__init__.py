"""Train estimators and record what each sample does on the way."""

from sklearn_difficulty.recording._datasets import targets_of
from sklearn_difficulty.recording._default_net import DefaultMLP
from sklearn_difficulty.recording._given import PathOnly, RecordedElsewhere
from sklearn_difficulty.recording._gradients import gradient_scores
from sklearn_difficulty.recording._inputs import LABEL_CRITERIA, NUMBER_CRITERIA, has_criterion
from sklearn_difficulty.recording._keep import checked_keep
from sklearn_difficulty.recording._learners import find_learner
from sklearn_difficulty.recording._loop import TrajectoryRecorder
from sklearn_difficulty.recording._nets import (
    TrackedNet,
    TrackedNetClassifier,
    TrackedNetRegressor,
    default_net,
)
from sklearn_difficulty.recording._parts import NamedLosses
from sklearn_difficulty.recording._record import (
    class_proba,
    record,
    replay,
)
from sklearn_difficulty.recording._recording import Recording
from sklearn_difficulty.recording._tracker import DifficultyTracker

__all__ = [
    "LABEL_CRITERIA",
    "NUMBER_CRITERIA",
    "DefaultMLP",
    "DifficultyTracker",
    "NamedLosses",
    "PathOnly",
    "RecordedElsewhere",
    "Recording",
    "TrackedNet",
    "TrackedNetClassifier",
    "TrackedNetRegressor",
    "TrajectoryRecorder",
    "checked_keep",
    "class_proba",
    "default_net",
    "find_learner",
    "gradient_scores",
    "has_criterion",
    "record",
    "replay",
    "targets_of",
]
