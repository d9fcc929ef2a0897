"""Whole populations of scores: which samples are extreme, and whether two models agree on them."""

from sklearn_difficulty.analysis._likely_labels import likely_labels
from sklearn_difficulty.analysis._matching import extreme_set, matching_rate

__all__ = ["extreme_set", "likely_labels", "matching_rate"]
