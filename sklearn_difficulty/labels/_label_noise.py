"""How many labels are wrong, which ones, and what they should be."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sklearn_difficulty.labels._labelled import Labelled
from sklearn_difficulty.labels._noise_rates import noise_rates
from sklearn_difficulty.labels._planted_errors import PlantedErrors
from sklearn_difficulty.labels._shown_by import checked_errors, shown_by
from sklearn_difficulty.scores._consensus import judged
from sklearn_difficulty.scores._over_runs import warn_of_missing
from sklearn_difficulty.scores._rivals import Rivals, label_counts, largest, likeliest
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["LabelNoise", "estimate_label_noise"]


@dataclass(frozen=True)
class LabelNoise:
    """What is estimated about wrong labels.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The labels.
    mislabeled_proba : ndarray of shape (n_samples,)
        How probable it is that the given label of each row is wrong. NaN for rows that were never
        recorded.
    likely_labels : ndarray of shape (n_samples,)
        The label that is most likely right, out of `classes`: the given one unless it is more
        probably wrong than right, and else its strongest rival.
    noise_matrix : ndarray of shape (n_classes, n_classes)
        Share of the rows of each true class (row) that carry each label (column). Rows sum to 1.
    noise_rate : float
        Share of labels that are wrong, the mean of `mislabeled_proba`.
    noise_rate_interval : tuple of float
        Lower and upper end of a 95 % interval of the same.
    class_noise_rate : ndarray of shape (n_classes,)
        Share of the labels of each given class that are wrong. NaN for a class without rows.
    class_noise_rate_interval : ndarray of shape (n_classes, 2)
        Lower and upper ends of 95 % intervals of the same.
    consensus : ndarray of shape (n_samples,)
        How much more other labels were believed than the given one. With planted errors, the steps
        of the training weigh by how far these stand out in them. NaN for rows that were never
        recorded.
    calibrated : bool
        Whether planted errors showed what a wrong label looks like.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_difficulty import DifficultyScorer
    >>> from sklearn_difficulty.labels import estimate_label_noise
    >>> scorer = DifficultyScorer(random_state=0).fit(*load_iris(return_X_y=True))
    >>> noise = estimate_label_noise(scorer.trajectory_)
    >>> noise.noise_matrix.shape, noise.noise_rate < 0.05
    ((3, 3), True)
    """

    classes: np.ndarray
    mislabeled_proba: np.ndarray
    likely_labels: np.ndarray
    noise_matrix: np.ndarray
    noise_rate: float
    noise_rate_interval: tuple[float, float]
    class_noise_rate: np.ndarray
    class_noise_rate_interval: np.ndarray
    consensus: np.ndarray
    calibrated: bool = False


def estimate_label_noise(
    trajectory: Trajectory,
    planted_errors: PlantedErrors | Sequence[PlantedErrors] | None = None,
) -> LabelNoise:
    r"""Estimate from the path of training which labels are wrong, and how many.

    The :func:`~sklearn_difficulty.scores.consensus` of each row is put on a scale on which the
    typical row is at -1, and the typical wrong label at 1:

    - With planted errors, that is where a second training shows them to be: the middle between
      their median and that of the right labels is 0, whatever a model has memorised, or not yet
      learnt. For the right labels, of which nobody knows which they are, stand all the other rows
      and those that the first training believed, one half each. They also show which steps of the
      training tell: each weighs what it weighs in the consensus, times the eighth power of how far
      planted errors are contradicted more than other rows with the same label (the share of these
      that is contradicted less, above a half).
    - Without, as many rows are above 0 as have a rival that was believed more than their label.

    If the rows above 0 are as far above it as the others are below it, their labels are wrong; if
    they are much closer, they are hard rows with right labels. Between the two the probability
    goes from 0 to 1 for all of them together. Within them, the log odds grow by 4 for each unit
    of the scale, from even odds at 0 if a fifth of the rows is above it; as many rows as that are
    the odds before any of them is looked at. A fifth of the wrong labels look like right ones, and
    are spread over all rows alike. Unless more than a fifth of the rows is above 0, no probability
    is above 0.75.

    A weak model believes many of the planted errors, and may be as often wrong about right labels.
    Then labels may count as wrong only as far as they look just like the planted ones: the share
    of the other rows beyond the median or the upper quartile of these, over a half or a quarter,
    whichever is less, is the noise rate, and the ratio of the densities says which rows it is. That
    counts the more, the surer more than 16 % of the planted errors are believed, and the surer that
    rate is less than 0.55 of their share; and alone where the two trainings differ so much that
    half as many rows again are above 0 in the first one.

    Whether planted errors stand out at all is a test at the level of 0.1, of their consensus with
    the weights that steps have without them.

    Parameters
    ----------
    trajectory : Trajectory
        The path; `proba`, `margin`, `prediction`, `y` and `classes` are used.
    planted_errors : PlantedErrors, sequence of PlantedErrors or None, default=None
        Path of a second training of the same model on the same rows, with some labels made wrong;
        of few rows, or of a model that knows little, paths of several such trainings, each with
        other errors, tell more.

    Returns
    -------
    LabelNoise
        The estimates. Intervals are percentiles over rows that are drawn again, with the scale
        and all that follows from it, and wider by a quarter of the rate at either end, for errors
        that do not look like the planted ones. From 0 to 1 where planted errors do not stand out.

    Raises
    ------
    RecordNotFoundError
        If a record is missing that it reads.
    TypeError, ValueError
        If `planted_errors` is something else, or its masks are not of its rows.

    Warns
    -----
    MissingRecordsWarning
        If rows were never recorded.
    NothingLearnedWarning
        If planted errors do not stand out.

    See Also
    --------
    sklearn_difficulty.MislabelFilter : Trains on planted errors by itself, where it needs to.
    hardness_types : Tells hard and atypical rows from mislabelled ones.

    Notes
    -----
    Errors that happen where rows are hard anyway look like hard rows. Few labels, about one in a
    hundred, are too few to tell from hard rows.

    References
    ----------
    The estimate is this package's own; ``benchmarks/results/detection.md`` measures it. Planted
    errors are the threshold samples of G. Pleiss, T. Zhang, E. Elenberg, K. Weinberger.
    Identifying Mislabeled Data using the Area Under the Margin Ranking. NeurIPS, 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_difficulty import DifficultyScorer
    >>> from sklearn_difficulty.datasets import flip_labels
    >>> from sklearn_difficulty.labels import estimate_label_noise
    >>> X, y = load_digits(return_X_y=True)
    >>> y, flipped = flip_labels(y, 0.2, random_state=0)
    >>> noise = estimate_label_noise(DifficultyScorer(random_state=0).fit(X, y).trajectory_)
    >>> 0.15 < noise.noise_rate < 0.25
    True
    """
    trajectory.require("y", "classes", score="estimate_label_noise")
    assert trajectory.y is not None and trajectory.classes is not None
    codes, n_classes = np.asarray(trajectory.y), len(trajectory.classes)
    errors = checked_errors(planted_errors)
    shown, pace = shown_by(trajectory, errors)
    rivals, _, values, believed = judged(trajectory, pace)
    warn_of_missing(np.isnan(values), "estimate_label_noise")
    middle = 0.0 if shown.enough else _middle(values, believed)
    rates = noise_rates(Labelled(values - middle, codes), shown, n_classes)
    proba = rates.mislabeled_proba
    is_other = (proba > 0.5) & (largest(rivals) > 0)
    likely = np.where(is_other, likeliest(rivals), codes)
    return LabelNoise(
        classes=np.asarray(trajectory.classes),
        mislabeled_proba=proba,
        likely_labels=np.asarray(trajectory.classes)[likely],
        noise_matrix=_noise_matrix(proba, rivals, codes),
        noise_rate=rates.rate,
        noise_rate_interval=rates.interval,
        class_noise_rate=rates.of_class,
        class_noise_rate_interval=rates.interval_of_class,
        consensus=values,
        calibrated=shown.enough,
    )


def _middle(values: np.ndarray, believed: np.ndarray) -> float:
    """The consensus above which as many rows are as have another label that was believed more."""
    known = ~np.isnan(values)
    return float(np.quantile(values[known], believed[known].mean())) if known.any() else 0.0


def _noise_matrix(proba: np.ndarray, rivals: Rivals, codes: np.ndarray) -> np.ndarray:
    """Share of the rows of each true class that carry each label."""
    n_classes = rivals.shape[1]
    proba, is_known = np.nan_to_num(proba), ~np.isnan(proba)
    total = rivals.sum(axis=1)
    are_named = total > 0
    weights = np.divide(proba, total, out=np.zeros_like(proba), where=are_named)
    counts = label_counts(rivals, weights, codes)
    # Where no rival is known, any other class could be the true one.
    unnamed = np.bincount(codes, np.where(are_named, 0.0, proba), minlength=n_classes)
    counts += (1.0 - np.eye(n_classes)) * unnamed / max(n_classes - 1, 1)
    right = np.bincount(codes, is_known * (1.0 - proba), minlength=n_classes)
    counts[np.diag_indices(n_classes)] += right
    of_class = counts.sum(axis=1, keepdims=True)
    return np.where(of_class > 0, counts / np.where(of_class > 0, of_class, 1.0), np.eye(n_classes))
