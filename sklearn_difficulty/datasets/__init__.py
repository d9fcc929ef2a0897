"""Data with known difficulties: what is planted can be looked for."""

from sklearn_difficulty.datasets._label_noise import flip_labels

__all__ = ["flip_labels"]
