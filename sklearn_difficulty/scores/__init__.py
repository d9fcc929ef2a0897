"""Difficulty scores, each a function that returns the quantity as its paper defines it.

``SCORES`` says what each one needs and which way it points.
"""

from sklearn_difficulty.scores._action import action
from sklearn_difficulty.scores._agreement import agreement
from sklearn_difficulty.scores._aum import aum
from sklearn_difficulty.scores._confidence import confidence
from sklearn_difficulty.scores._consensus import consensus, habits
from sklearn_difficulty.scores._correctness import correctness
from sklearn_difficulty.scores._easiness import easiness, largest_share
from sklearn_difficulty.scores._el2n import el2n
from sklearn_difficulty.scores._ensemble_entropy import ensemble_entropy
from sklearn_difficulty.scores._entropy import entropy
from sklearn_difficulty.scores._final_loss import final_loss
from sklearn_difficulty.scores._first_learned import first_learned
from sklearn_difficulty.scores._forgetting import forgetting
from sklearn_difficulty.scores._grand import grand
from sklearn_difficulty.scores._input_gradient_norm import input_gradient_norm
from sklearn_difficulty.scores._loss_variance import loss_variance
from sklearn_difficulty.scores._mutual_information import mutual_information
from sklearn_difficulty.scores._normalize import (
    class_normalize,
    is_constant_per_class,
    mean_per_class,
    min_max,
)
from sklearn_difficulty.scores._score import Score
from sklearn_difficulty.scores._variability import variability
from sklearn_difficulty.scores._vog import vog

__all__ = [
    "SCORES",
    "Score",
    "action",
    "agreement",
    "aum",
    "class_normalize",
    "confidence",
    "consensus",
    "correctness",
    "easiness",
    "el2n",
    "ensemble_entropy",
    "entropy",
    "final_loss",
    "first_learned",
    "forgetting",
    "grand",
    "input_gradient_norm",
    "is_constant_per_class",
    "loss_variance",
    "mean_per_class",
    "min_max",
    "mutual_information",
    "variability",
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
    "final_loss": Score(
        name="final_loss",
        function=final_loss,
        needs=("loss",),
        higher_is_harder=True,
        needs_labels=True,
        reference="Arazo, Ortego, Albert, O'Connor, McGuinness, ICML 2019, arXiv:1904.11238",
    ),
    "aum": Score(
        name="aum",
        function=aum,
        needs=("margin",),
        higher_is_harder=False,
        needs_labels=True,
        reference="Pleiss, Zhang, Elenberg, Weinberger, NeurIPS 2020, arXiv:2001.10528",
    ),
    "forgetting": Score(
        name="forgetting",
        function=forgetting,
        needs=("prediction", "y"),
        higher_is_harder=True,
        needs_labels=True,
        label_sets=True,
        reference="Toneva et al., ICLR 2019, arXiv:1812.05159",
    ),
    "first_learned": Score(
        name="first_learned",
        function=first_learned,
        needs=("prediction", "y"),
        higher_is_harder=True,
        needs_labels=True,
        label_sets=True,
        reference="Toneva et al., ICLR 2019; Baldock et al., NeurIPS 2021, arXiv:2106.09647",
    ),
    "el2n": Score(
        name="el2n",
        function=el2n,
        needs=("el2n",),
        higher_is_harder=True,
        needs_labels=True,
        reference="Paul, Ganguli, Dziugaite, NeurIPS 2021, arXiv:2107.07075",
    ),
    "confidence": Score(
        name="confidence",
        function=confidence,
        needs=("proba",),
        higher_is_harder=False,
        needs_labels=True,
        reference="Swayamdipta et al., EMNLP 2020, arXiv:2009.10795",
    ),
    # Higher is more ambiguous: a wrong label that is never believed has a low one.
    "variability": Score(
        name="variability",
        function=variability,
        needs=("proba",),
        higher_is_harder=True,
        needs_labels=True,
        reference="Swayamdipta et al., EMNLP 2020, arXiv:2009.10795",
    ),
    "correctness": Score(
        name="correctness",
        function=correctness,
        needs=("prediction", "y"),
        higher_is_harder=False,
        needs_labels=True,
        label_sets=True,
        reference="Swayamdipta et al., EMNLP 2020, arXiv:2009.10795",
    ),
    "consensus": Score(
        name="consensus",
        function=consensus,
        needs=("proba", "margin", "prediction", "y", "classes"),
        higher_is_harder=True,
        needs_labels=True,
        over_runs="joint",
        population=habits,
        reference="this package, benchmarks/results/detection.md",
    ),
    "entropy": Score(
        name="entropy",
        function=entropy,
        needs=("entropy",),
        higher_is_harder=True,
        needs_labels=False,
        reference="Arriaga, Palacio, Valdenegro-Toro, CVPR Workshops 2023, figure 6",
    ),
    "ensemble_entropy": Score(
        name="ensemble_entropy",
        function=ensemble_entropy,
        needs=("outputs",),
        higher_is_harder=True,
        needs_labels=False,
        default_runs=5,
        over_runs="joint",
        reference="Lakshminarayanan, Pritzel, Blundell, NeurIPS 2017, arXiv:1612.01474",
    ),
    "mutual_information": Score(
        name="mutual_information",
        function=mutual_information,
        needs=("outputs",),
        higher_is_harder=True,
        needs_labels=False,
        default_runs=5,
        over_runs="joint",
        reference="Houlsby et al. 2011, arXiv:1112.5745; Depeweg et al. 2018, arXiv:1710.07283",
    ),
    "agreement": Score(
        name="agreement",
        function=agreement,
        needs=("prediction",),
        higher_is_harder=False,
        # The default needs none; on="correct" asks for them itself.
        needs_labels=False,
        default_runs=5,
        over_runs="joint",
        reference="Pliushch, Mundt, Lupp, Ramesh, ECCV 2022",
    ),
    "easiness": Score(
        name="easiness",
        function=easiness,
        needs=("prediction", "y"),
        higher_is_harder=False,
        needs_labels=True,
        label_sets=True,
        needs_with={"tol": ("outputs", "y"), "rank": ("outputs", "y")},
        default_runs=20,
        over_runs="joint",
        population=largest_share,
        reference="Kishida, Nakayama, ICONIP 2019, arXiv:1911.10739",
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
    "grand": Score(
        name="grand",
        function=grand,
        needs=("snapshots",),
        higher_is_harder=True,
        needs_labels=True,
        source="gradient_norms",
        reference="Paul, Ganguli, Dziugaite, NeurIPS 2021, arXiv:2107.07075",
    ),
    "input_gradient_norm": Score(
        name="input_gradient_norm",
        function=input_gradient_norm,
        needs=("snapshots",),
        higher_is_harder=True,
        # What is differentiated may be under the predicted label.
        needs_labels=False,
        source="input_gradients",
        choices={"output": ("loss", "logit", "proba"), "target": ("true", "predicted")},
        reference="Novak et al., ICLR 2018, arXiv:1802.08760; Drucker, Le Cun, IEEE TNN 1992",
    ),
}
