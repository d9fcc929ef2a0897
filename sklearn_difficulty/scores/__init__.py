"""Difficulty scores, each a function that returns the quantity as its paper defines it.

``SCORES`` says what each one needs and which way it points.
"""

from sklearn_difficulty.scores._action import action
from sklearn_difficulty.scores._easiness import easiness, largest_share
from sklearn_difficulty.scores._loss_variance import loss_variance
from sklearn_difficulty.scores._normalize import (
    class_normalize,
    is_constant_per_class,
    mean_per_class,
    min_max,
)
from sklearn_difficulty.scores._score import Score
from sklearn_difficulty.scores._vog import vog

__all__ = [
    "SCORES",
    "Score",
    "action",
    "class_normalize",
    "easiness",
    "is_constant_per_class",
    "loss_variance",
    "mean_per_class",
    "min_max",
    "vog",
]

SCORES: dict[str, Score] = {
    "action": Score(
        name="action",
        function=action,
        needs=("loss",),
        higher_is_harder=True,
        needs_labels=True,
        reference="Arriaga, Palacio, Valdenegro-Toro, CVPR Workshops 2023",
    ),
    "loss_variance": Score(
        name="loss_variance",
        function=loss_variance,
        needs=("loss",),
        higher_is_harder=True,
        needs_labels=True,
        reference="Arriaga, Palacio, Valdenegro-Toro, CVPR Workshops 2023, figure 6c",
    ),
    "vog": Score(
        name="vog",
        function=vog,
        needs=("snapshots",),
        higher_is_harder=True,
        # The class whose output is differentiated may be the predicted one.
        needs_labels=False,
        source="input_gradients",
        choices={
            "target": ("true", "predicted"),
            "output": ("logit", "proba"),
            "class_normalize": (False, True),
        },
        least_states=2,
        reference="Agarwal, D'souza, Hooker, CVPR 2022, arXiv:2008.11600",
    ),
    "easiness": Score(
        name="easiness",
        function=easiness,
        needs=("prediction", "y"),
        higher_is_harder=False,
        needs_labels=True,
        default_runs=20,
        population=largest_share,
        reference="Kishida, Nakayama, ICONIP 2019, arXiv:1911.10739",
    ),
}
