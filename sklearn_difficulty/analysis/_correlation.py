"""Whether two models find the same samples hard: correlations of their scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np
from scipy import stats

from sklearn_difficulty._validation import (
    check_choice,
    check_fraction,
    check_labels,
    check_vector,
)

__all__ = ["CorrelationMatrix", "ScoreCorrelation", "correlation_matrix", "score_correlation"]

METHODS = {"pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall": stats.kendalltau}


@dataclass(frozen=True, eq=False)
class ScoreCorrelation:
    """A correlation of the scores of two models, as :func:`score_correlation` gives it.

    Parameters
    ----------
    overall : float
        Over all samples that were compared.
    n_samples : int
        How many those are.
    classes : ndarray of shape (n_classes,) or None
        The labels, sorted; None if none were given.
    per_class : ndarray of shape (n_classes,), float64, or None
        The correlation within each class.
    n_per_class : ndarray of shape (n_classes,), int, or None
        How many samples of each class were compared.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import ScoreCorrelation
    >>> ScoreCorrelation(overall=0.8, n_samples=5).overall
    0.8
    """

    overall: float
    n_samples: int
    classes: np.ndarray | None = None
    per_class: np.ndarray | None = None
    n_per_class: np.ndarray | None = None


def score_correlation(
    a: Any,
    b: Any,
    *,
    labels: Any = None,
    quantile: float | None = None,
    by: str = "mean",
    method: str = "pearson",
) -> ScoreCorrelation:
    """Correlate the scores that two models give to the same samples.

    Models of one kind, trained twice, are what to compare two kinds with
    (:func:`correlation_matrix`). A correlation among the hardest samples is lower than that
    among all even if nothing else is different: see :func:`restricted_correlation`.

    Parameters
    ----------
    a, b : array-like of shape (n_samples,)
        The scores by each model.
    labels : array-like of shape (n_samples,), default=None
        Class of each sample, to correlate within each class, too.
    quantile : float or None, default=None
        Compare only samples at this quantile of the scores or above, from 0 on and below 1. It is
        taken over all samples, not within a class. None compares all.
    by : {"mean", "first"}, default="mean"
        Whose quantile: of the mean of both scores, which treats both models alike if their scores
        are on one scale, or of `a` alone.
    method : {"pearson", "spearman", "kendall"}, default="pearson"
        The kind of correlation. Scores such as action have a heavy tail, so look at both Pearson's
        and Spearman's.

    Returns
    -------
    ScoreCorrelation
        The correlation over all samples compared, and within each class if there are labels; NaN
        for classes of which fewer than two samples were compared.

    Raises
    ------
    ValueError
        If lengths differ, scores are NaN or infinite, an option is out of range, or fewer than two
        samples are left.
    TypeError
        If `quantile` is not a number.

    Warns
    -----
    ConstantInputWarning
        From SciPy, if all scores of a model are equal. The result is then NaN.

    References
    ----------
    O. Arriaga, S. Palacio, M. Valdenegro-Toro. Difficulty Estimation with Action Scores for
    Computer Vision Tasks. CVPR Workshops, 2023.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import score_correlation
    >>> a, b = [1, 2, 3, 4, 5], [2, 1, 4, 3, 5]
    >>> round(score_correlation(a, b).overall, 4)
    0.8
    >>> hardest = score_correlation(a, b, quantile=0.4)
    >>> round(hardest.overall, 4), hardest.n_samples
    (0.5, 3)
    """
    scores_a = check_vector("a", a)
    scores_b = check_vector("b", b, len(scores_a))
    check_choice("by", by, ("mean", "first"))
    check_choice("method", method, tuple(METHODS))
    names = None if labels is None else check_labels("labels", labels, len(scores_a))
    kept = _above_quantile((scores_a + scores_b) / 2 if by == "mean" else scores_a, quantile)
    if kept.sum() < 2:
        raise ValueError(
            f"score_correlation needs at least two samples; of {len(kept)}, {int(kept.sum())} are "
            f"left with quantile={quantile}. Lower it, or give more samples."
        )
    overall = _correlate(scores_a[kept], scores_b[kept], method)
    if names is None:
        return ScoreCorrelation(overall, int(kept.sum()))
    classes = np.unique(names)
    members = [kept & (names == name) for name in classes]
    return ScoreCorrelation(
        overall,
        int(kept.sum()),
        classes,
        np.array([_correlate(scores_a[m], scores_b[m], method) for m in members]),
        np.array([int(m.sum()) for m in members]),
    )


@dataclass(frozen=True, eq=False)
class CorrelationMatrix:
    """Correlations of the scores of several models, as :func:`correlation_matrix` gives them.

    Parameters
    ----------
    models : tuple of str
        The models, in the order of rows and columns.
    mean, low, high : ndarray of shape (n_models, n_models), float64
        Mean, smallest and largest correlation over all pairs of runs; NaN where there is no pair,
        on the diagonal for models of one run.
    n_pairs : ndarray of shape (n_models, n_models), int
        How many pairs there are.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.analysis import CorrelationMatrix
    >>> one = np.ones((1, 1))
    >>> CorrelationMatrix(("mlp",), mean=one, low=one, high=one, n_pairs=one.astype(int)).models
    ('mlp',)
    """

    models: tuple[str, ...]
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n_pairs: np.ndarray


def correlation_matrix(
    scores: Mapping[str, Any], *, quantile: float | None = None, method: str = "pearson"
) -> CorrelationMatrix:
    """Correlate the scores of several models, each with every other and with itself.

    A model is compared with itself across its runs: that is how high a correlation can be, and the
    mark that two different models would have to reach to find the same samples hard. The cost is
    one correlation for each pair of runs.

    Parameters
    ----------
    scores : mapping of str to array-like of shape (n_runs, n_samples)
        Scores of the same samples by each run of each model. For a single class, give the columns
        of its samples.
    quantile : float or None, default=None
        For each pair of runs, compare only samples at this quantile of the mean of both scores or
        above.
    method : {"pearson", "spearman", "kendall"}, default="pearson"
        The kind of correlation.

    Returns
    -------
    CorrelationMatrix
        Mean and range over all pairs of runs.

    Raises
    ------
    TypeError
        If `scores` is no mapping.
    ValueError
        If scores do not have two axes, are NaN or infinite, are of different numbers of samples,
        or an option is out of range.

    Warns
    -----
    ConstantInputWarning
        From SciPy, if all scores of a run are equal. The result is then NaN.

    References
    ----------
    O. Arriaga, S. Palacio, M. Valdenegro-Toro. Difficulty Estimation with Action Scores for
    Computer Vision Tasks. CVPR Workshops, 2023.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import correlation_matrix
    >>> found = correlation_matrix({"cnn": [[1, 2, 3], [2, 4, 7]], "tree": [[3, 1, 2]]})
    >>> found.models, found.mean.round(2)
    (('cnn', 'tree'), array([[ 0.99, -0.45],
           [-0.45,   nan]]))
    """
    runs = _check_scores_of_models(scores)
    models = tuple(runs)
    shape = (len(models), len(models))
    mean, low, high = (np.full(shape, np.nan) for _ in range(3))
    n_pairs = np.zeros(shape, dtype=np.int64)
    for i, one in enumerate(models):
        for j, other in enumerate(models[: i + 1]):
            pairs = combinations(runs[one], 2) if i == j else product(runs[one], runs[other])
            found = [
                score_correlation(a, b, quantile=quantile, method=method).overall for a, b in pairs
            ]
            n_pairs[i, j] = n_pairs[j, i] = len(found)
            if found:
                mean[i, j] = mean[j, i] = np.mean(found)
                low[i, j] = low[j, i] = np.min(found)
                high[i, j] = high[j, i] = np.max(found)
    return CorrelationMatrix(models, mean, low, high, n_pairs)


def _check_scores_of_models(scores: Any) -> dict[str, np.ndarray]:
    if not isinstance(scores, Mapping) or not scores:
        raise TypeError(
            "scores must map names of models to arrays of shape (n_runs, n_samples), at least one; "
            f"got {scores if isinstance(scores, Mapping) else type(scores).__name__}."
        )
    runs: dict[str, np.ndarray] = {}
    n_samples = None
    for name, values in scores.items():
        array = np.asarray(values, dtype=np.float64)
        if array.ndim != 2 or len(array) == 0:
            raise ValueError(
                f"scores[{name!r}] must have shape (n_runs, n_samples); got {array.shape}. For a "
                "single run give scores[None]."
            )
        for run in array:
            check_vector(f"scores[{name!r}]", run, n_samples)
        n_samples = array.shape[1]
        runs[str(name)] = array
    return runs


def _above_quantile(values: np.ndarray, quantile: Any) -> np.ndarray:
    if quantile is None:
        return np.ones(len(values), dtype=bool)
    q = check_fraction("quantile", quantile, include_zero=True, include_one=False)
    if len(values) == 0:
        return np.zeros(0, dtype=bool)
    return values >= np.quantile(values, q)


def _correlate(a: np.ndarray, b: np.ndarray, method: str) -> float:
    if len(a) < 2:
        return float("nan")
    return float(METHODS[method](a, b).statistic)
