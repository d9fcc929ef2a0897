"""What acts on difficulty: filters and samplers that drop, mend or weigh rows that look wrong."""

from sklearn_difficulty.selection._filter import MislabelFilter
from sklearn_difficulty.selection._filtered_classifier import FilteredClassifier
from sklearn_difficulty.selection._filtered_regressor import FilteredRegressor
from sklearn_difficulty.selection._fit_once import forget_fits
from sklearn_difficulty.selection._mixture import auto_threshold
from sklearn_difficulty.selection._sampler import MislabelSampler
from sklearn_difficulty.selection._thresholds import keep_mask

__all__ = [
    "FilteredClassifier",
    "FilteredRegressor",
    "MislabelFilter",
    "MislabelSampler",
    "auto_threshold",
    "forget_fits",
    "keep_mask",
]
