"""What acts on difficulty: filters and samplers that drop the rows that look mislabelled."""

from sklearn_difficulty.selection._filter import MislabelFilter
from sklearn_difficulty.selection._filtered_classifier import FilteredClassifier
from sklearn_difficulty.selection._filtered_regressor import FilteredRegressor
from sklearn_difficulty.selection._mixture import auto_threshold
from sklearn_difficulty.selection._sampler import MislabelSampler
from sklearn_difficulty.selection._thresholds import keep_mask

__all__ = [
    "FilteredClassifier",
    "FilteredRegressor",
    "MislabelFilter",
    "MislabelSampler",
    "auto_threshold",
    "keep_mask",
]
