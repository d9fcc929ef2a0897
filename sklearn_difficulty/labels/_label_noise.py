"""How many labels are wrong, which ones, and what they should be."""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from sklearn_difficulty.exceptions import NothingLearnedWarning
from sklearn_difficulty.labels._mislabeled_proba import (
    FEWEST_PLANTED,
    Labelled,
    mislabeled_proba,
    stands_out,
)
from sklearn_difficulty.labels._planted_errors import PlantedErrors
from sklearn_difficulty.scores import consensus
from sklearn_difficulty.scores._consensus import beliefs, confusions_of, consensus_of
from sklearn_difficulty.scores._over_runs import warn_of_missing
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["LabelNoise", "estimate_label_noise"]

# More rows would take longer, for an interval that _OFF_BY makes wider than that.
_RESAMPLES, _MOST_DRAWN = 200, 10_000
# Errors that are not like the planted ones look different, by which the rates are off, too.
_OFF_BY = 1.25


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
    calibrated: bool = False


def estimate_label_noise(
    trajectory: Trajectory, planted_errors: PlantedErrors | None = None
) -> LabelNoise:
    r"""Estimate from the path of training which labels are wrong, and how many.

    The :func:`~sklearn_difficulty.scores.consensus` of each row is put on a scale on which the
    typical row is at -1, and the typical wrong label at 1:

    - With planted errors, that is where a second training shows them to be: the middle between
      their median and that of the other rows is 0, whatever a model has memorised, or not yet
      learnt.
    - Without, 0 is where the given label and its strongest rival were believed equally.

    If the rows above 0 are as far above it as the others are below it, their labels are wrong; if
    they are much closer, they are hard rows with right labels. Between the two the probability
    goes from 0 to 1 for all of them together. Within them, the log odds grow by 4 for each unit
    of the scale, from even odds at 0 if a fifth of the rows is above it; as many rows as that are
    the odds before any of them is looked at. Unless more are, no probability is above 0.88.

    A weak model believes many of the planted errors, and may be as often wrong about right labels.
    Unless clearly more rows are above 0 than that explains, labels count as wrong only as far as
    they look just like the planted ones: the share of the other rows beyond the median or the upper
    quartile of these, over a half or a quarter, whichever is less, is the noise rate, and the ratio
    of the densities says which rows it is.

    Parameters
    ----------
    trajectory : Trajectory
        The path; `proba`, `margin`, `prediction`, `y` and `classes` are used.
    planted_errors : PlantedErrors or None, default=None
        Path of a second training of the same model on the same rows, with some labels made wrong.

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
        If `planted_errors` is something else, or its mask is not of its rows.

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
    belief = beliefs(trajectory)
    confusions = confusions_of(belief, codes)
    values = consensus_of(belief, codes, confusions)
    recorded = ~np.isnan(values)
    warn_of_missing(~recorded, "estimate_label_noise")
    rows = Labelled(values[recorded], codes[recorded])
    planted, others = _planted_rows(planted_errors)
    calibrated = len(planted.values) >= FEWEST_PLANTED and len(others.values) > 0
    tells = not calibrated or stands_out(planted, others)
    if not tells:
        warnings.warn(
            "the model does not tell labels that were made wrong on purpose from the others, so "
            "that no label is called wrong. Train it longer, or another one, or look at more rows.",
            NothingLearnedWarning,
            stacklevel=2,
        )
    proba = np.full(len(values), np.nan)
    proba[recorded] = mislabeled_proba(rows, planted, others)
    rates = _resampled_rates(rows, planted, others, n_classes)
    intervals = np.full((2, n_classes + 1), np.nan)
    has_rows = ~np.isnan(rates).all(axis=0)
    intervals[:, has_rows] = np.nanpercentile(rates[:, has_rows], [2.5, 97.5], axis=0)
    of_class = _rates(proba[recorded], codes[recorded], n_classes)
    low, high = _widened(intervals, of_class, np.append(rows.per_class(n_classes), len(rows.codes)))
    if not tells:
        low, high = np.zeros_like(low), np.ones_like(high)
    rivals = belief.strongest * confusions[:, codes].T
    likely = np.where(proba > 0.5, rivals.argmax(axis=1), codes)
    likely = np.where(rivals.any(axis=1), likely, codes)
    return LabelNoise(
        classes=np.asarray(trajectory.classes),
        mislabeled_proba=proba,
        likely_labels=np.asarray(trajectory.classes)[likely],
        noise_matrix=_noise_matrix(proba, rivals, codes),
        noise_rate=float(of_class[-1]),
        noise_rate_interval=(float(low[-1]), float(high[-1])),
        class_noise_rate=of_class[:-1],
        class_noise_rate_interval=np.stack([low[:-1], high[:-1]], axis=1),
        calibrated=calibrated,
    )


def _planted_rows(planted_errors: PlantedErrors | None) -> tuple[Labelled, Labelled]:
    """Consensus on the planted errors, and on the other rows of the same training."""
    if planted_errors is None:
        return Labelled.none(), Labelled.none()
    if not isinstance(planted_errors, PlantedErrors):
        raise TypeError(
            "planted_errors must be PlantedErrors(trajectory, planted), or None; got "
            f"{type(planted_errors).__name__}."
        )
    planted, n_samples = np.asarray(planted_errors.planted), planted_errors.trajectory.n_samples
    if planted.shape != (n_samples,) or planted.dtype != bool:
        raise ValueError(
            f"planted_errors.planted must be a mask of the {n_samples} samples of its trajectory; "
            f"got an array of {planted.dtype} of shape {planted.shape}."
        )
    path = planted_errors.trajectory
    rows = Labelled(consensus(path), np.asarray(path.y))
    known = ~np.isnan(rows.values)
    return rows.take(known & planted), rows.take(known & ~planted)


def _rates(proba: np.ndarray, codes: np.ndarray, n_classes: int) -> np.ndarray:
    """Shares of wrong labels of each class, NaN for one without rows, and last of all rows."""
    count = np.bincount(codes, minlength=n_classes)
    total = np.bincount(codes, weights=proba, minlength=n_classes)
    of_class = np.divide(total, count, out=np.full(n_classes, np.nan), where=count > 0)
    return np.append(of_class, proba.mean() if len(proba) else np.nan)


def _resampled_rates(
    rows: Labelled, planted: Labelled, others: Labelled, n_classes: int
) -> np.ndarray:
    """The same for rows drawn again, of shape (n_resamples, n_classes + 1)."""
    generator = np.random.RandomState(0)

    def drawn(part: Labelled) -> Labelled:
        n_rows = len(part.values)
        return part.take(generator.randint(n_rows, size=min(n_rows, _MOST_DRAWN)))

    rates = np.empty((_RESAMPLES, n_classes + 1))
    for resample in rates:
        part = drawn(rows)
        proba = mislabeled_proba(part, drawn(planted), drawn(others))
        resample[:] = _rates(proba, part.codes, n_classes)
    return rates


def _widened(
    intervals: np.ndarray, rates: np.ndarray, n_rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Intervals that hold the rates, and no less than as many rows could tell."""
    # A percentile interval need not hold the estimate itself where that is at an end.
    low = np.minimum(intervals[0], rates) / _OFF_BY
    high = np.maximum(intervals[1], rates) * _OFF_BY
    # Drawn again, rows none of which looks wrong never do; but there could be some that were not
    # drawn the first time.
    few = [
        binomtest(round(rate * n), int(n)).proportion_ci(method="wilson").high if n else np.nan
        for rate, n in zip(np.nan_to_num(rates), n_rows, strict=True)
    ]
    return low, np.minimum(np.maximum(high, few), 1.0)


def _noise_matrix(proba: np.ndarray, rivals: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Share of the rows of each true class that carry each label."""
    total = rivals.sum(axis=1, keepdims=True)
    n_classes = rivals.shape[1]
    # Where no rival is known, any other class could be the true one.
    others = np.divide(rivals, total, out=np.ones_like(rivals), where=total > 0)
    others[np.arange(len(codes)), codes] = 0.0
    others /= np.maximum(others.sum(axis=1, keepdims=True), 1e-300)
    counts = np.zeros((n_classes, n_classes))
    for label in range(n_classes):
        rows = (codes == label) & ~np.isnan(proba)
        counts[:, label] = proba[rows] @ others[rows]
        counts[label, label] += (1.0 - proba[rows]).sum()
    of_class = counts.sum(axis=1, keepdims=True)
    return np.where(of_class > 0, counts / np.where(of_class > 0, of_class, 1.0), np.eye(n_classes))
