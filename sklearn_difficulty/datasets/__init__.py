"""Data with known difficulties: what is planted can be looked for."""

from sklearn_difficulty.datasets._label_noise import confuse_labels, flip_labels
from sklearn_difficulty.datasets._unsure_labels import flip_unsure_labels

__all__ = ["confuse_labels", "flip_labels", "flip_unsure_labels"]
