"""How many labels are wrong, overall and of each class, with intervals."""

import warnings
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

from sklearn_difficulty.exceptions import NothingLearnedWarning
from sklearn_difficulty.labels._labelled import Labelled
from sklearn_difficulty.labels._mislabeled_proba import mislabeled_proba
from sklearn_difficulty.labels._shown import Shown

__all__ = ["NoiseRates", "noise_rates"]

# More rows would take longer, for an interval that _OFF_BY makes wider than that.
_RESAMPLES, _MOST_DRAWN = 200, 10_000
# Errors that are not like the planted ones look different, by which the rates are off, too.
_OFF_BY = 1.25


class NoiseRates(NamedTuple):
    """Shares of labels that are wrong.

    Attributes
    ----------
    mislabeled_proba : ndarray of shape (n,)
        How probable it is that each label is wrong; NaN for rows without a value.
    rate : float
        Share of all labels.
    interval : tuple of float
        Lower and upper end of a 95 % interval of it.
    of_class : ndarray of shape (n_classes,)
        Share of the labels of each given class; NaN for a class without rows.
    interval_of_class : ndarray of shape (n_classes, 2)
        Lower and upper ends of 95 % intervals of them.
    """

    mislabeled_proba: np.ndarray
    rate: float
    interval: tuple[float, float]
    of_class: np.ndarray
    interval_of_class: np.ndarray


def noise_rates(rows: Labelled, shown: Shown, n_classes: int) -> NoiseRates:
    """Estimate how many labels are wrong.

    Parameters
    ----------
    rows : Labelled
        The rows in question; those without a value are left out.
    shown : Shown
        Those of a training on planted errors.
    n_classes : int
        How many classes there are.

    Returns
    -------
    NoiseRates
        The estimates. Intervals go from 0 to 1 where planted errors do not stand out.

    Warns
    -----
    NothingLearnedWarning
        If planted errors do not stand out.
    """
    known = ~np.isnan(rows.values)
    rows, proba = rows.take(known), np.full(len(known), np.nan)
    proba[known] = mislabeled_proba(rows, shown)
    rates = _rates(proba[known], rows.codes, n_classes)
    n_rows = np.append(rows.per_class(n_classes), len(rows.codes))
    if shown.enough and not shown.tells:
        warnings.warn(
            "the model does not tell labels that were made wrong on purpose from the others, so "
            "that no label is called wrong. Train it longer, or another one, or look at more rows.",
            NothingLearnedWarning,
            stacklevel=3,
        )
        low, high = np.zeros(n_classes + 1), np.ones(n_classes + 1)
    else:
        drawn = _resampled_rates(rows, shown, n_classes)
        intervals = np.full((2, n_classes + 1), np.nan)
        has_rows = ~np.isnan(drawn).all(axis=0)
        intervals[:, has_rows] = np.nanpercentile(drawn[:, has_rows], [2.5, 97.5], axis=0)
        low, high = _widened(intervals, rates, n_rows)
    return NoiseRates(
        proba,
        float(rates[-1]),
        (float(low[-1]), float(high[-1])),
        rates[:-1],
        np.stack([low[:-1], high[:-1]], axis=1),
    )


def _rates(proba: np.ndarray, codes: np.ndarray, n_classes: int) -> np.ndarray:
    """Shares of wrong labels of each class, NaN for one without rows, and last of all rows."""
    count = np.bincount(codes, minlength=n_classes)
    total = np.bincount(codes, weights=proba, minlength=n_classes)
    of_class = np.divide(total, count, out=np.full(n_classes, np.nan), where=count > 0)
    return np.append(of_class, proba.mean() if len(proba) else np.nan)


def _resampled_rates(rows: Labelled, shown: Shown, n_classes: int) -> np.ndarray:
    """The same for rows drawn again, of shape (n_resamples, n_classes + 1)."""
    generator = np.random.RandomState(0)

    def drawn(part: Labelled) -> Labelled:
        n_rows = len(part.values)
        return part.take(generator.randint(n_rows, size=min(n_rows, _MOST_DRAWN)))

    rates = np.empty((_RESAMPLES, n_classes + 1))
    for resample in rates:
        part = drawn(rows)
        proba = mislabeled_proba(part, shown.drawn(drawn, generator.normal()))
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
