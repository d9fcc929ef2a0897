"""What the path of training says of labels: which are wrong, how many, and what they should be."""

from sklearn_difficulty.labels._hardness_types import (
    HardnessReadings,
    hardness_readings,
    hardness_types,
)
from sklearn_difficulty.labels._label_noise import LabelNoise, estimate_label_noise
from sklearn_difficulty.labels._planted_errors import (
    PlantedErrors,
    PlantedLabels,
    plant_errors,
)

__all__ = [
    "HardnessReadings",
    "LabelNoise",
    "PlantedErrors",
    "PlantedLabels",
    "estimate_label_noise",
    "hardness_readings",
    "hardness_types",
    "plant_errors",
]
