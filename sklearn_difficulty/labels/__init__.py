"""What the path of training says of labels: which are wrong, how many, and what they should be."""

from sklearn_difficulty.labels._label_noise import LabelNoise, estimate_label_noise

__all__ = ["LabelNoise", "estimate_label_noise"]
