"""Whole populations of runs and scores.

- What runs agree on, step by step: ``true_positive_agreement``, what it has to be compared with
  (``agreement_lower_bound``, ``random_agreement``), ``run_accuracy``, ``pabak``, ``exact_match``
  for several labels per sample, and ``agreement_spread`` over repeats.
- What the agreed samples are like: ``metric_over_agreed``, ``agreed_share``, ``step_correlation``,
  ``first_agreed_step``.
- Which samples are easiest and hardest, and how surely: ``extreme_set``, ``matching_rate``,
  ``match_extremes``, ``split_half_reliability``.
- Whether two models find the same samples hard: ``score_correlation``, ``correlation_matrix``,
  ``restricted_correlation``.
- Which classes, or groups of any other kind, are hard: ``score_by_group``.
- What the models took the samples for: ``likely_labels``.
"""

from sklearn_difficulty.analysis._agreed import agreed_share, first_agreed_step, metric_over_agreed
from sklearn_difficulty.analysis._agreement import (
    agreement_lower_bound,
    random_agreement,
    run_accuracy,
    true_positive_agreement,
)
from sklearn_difficulty.analysis._agreement_spread import AgreementSpread, agreement_spread
from sklearn_difficulty.analysis._correlation import (
    CorrelationMatrix,
    ScoreCorrelation,
    correlation_matrix,
    score_correlation,
)
from sklearn_difficulty.analysis._exact_match import exact_match
from sklearn_difficulty.analysis._groups import GroupScores, score_by_group
from sklearn_difficulty.analysis._likely_labels import likely_labels
from sklearn_difficulty.analysis._matching import (
    Match,
    extreme_set,
    match_extremes,
    matching_rate,
)
from sklearn_difficulty.analysis._pabak import pabak
from sklearn_difficulty.analysis._reliability import Reliability, split_half_reliability
from sklearn_difficulty.analysis._restricted_correlation import restricted_correlation
from sklearn_difficulty.analysis._step_correlation import StepCorrelation, step_correlation

__all__ = [
    "AgreementSpread",
    "CorrelationMatrix",
    "GroupScores",
    "Match",
    "Reliability",
    "ScoreCorrelation",
    "StepCorrelation",
    "agreed_share",
    "agreement_lower_bound",
    "agreement_spread",
    "correlation_matrix",
    "exact_match",
    "extreme_set",
    "first_agreed_step",
    "likely_labels",
    "match_extremes",
    "matching_rate",
    "metric_over_agreed",
    "pabak",
    "random_agreement",
    "restricted_correlation",
    "run_accuracy",
    "score_by_group",
    "score_correlation",
    "split_half_reliability",
    "step_correlation",
    "true_positive_agreement",
]
