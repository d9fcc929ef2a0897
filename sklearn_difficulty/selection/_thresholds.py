"""Which rows to keep, given how hard they are."""

import warnings
from numbers import Real
from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_choice
from sklearn_difficulty.exceptions import MissingRecordsWarning
from sklearn_difficulty.selection._mixture import auto_threshold

CRITERIA = ("quantile", "score", "zscore")


def check_threshold(threshold: Any, criterion: Any) -> float | str:
    """Check a threshold together with the criterion that gives it its meaning.

    Parameters
    ----------
    threshold : float or "auto"
        Value received.
    criterion : {"quantile", "score", "zscore"}
        Value received.

    Returns
    -------
    float or "auto"
        The threshold.

    Raises
    ------
    TypeError
        If the threshold is neither a number nor a string.
    ValueError
        If the criterion is unknown or the threshold outside what it accepts.

    Examples
    --------
    >>> from sklearn_difficulty.selection._thresholds import check_threshold
    >>> check_threshold(0.9, "quantile")
    0.9
    """
    check_choice("criterion", criterion, CRITERIA)
    accepted = "in (0, 1]" if criterion == "quantile" else "that is finite"
    message = (
        f"threshold must be 'auto' or a number {accepted} under criterion={criterion!r}; "
        f"got {threshold!r}"
    )
    if isinstance(threshold, str):
        if threshold == "auto":
            return threshold
        raise ValueError(f"{message}.")
    if isinstance(threshold, bool | np.bool_) or not isinstance(threshold, Real):
        raise TypeError(f"{message} of type {type(threshold).__name__}.")
    value = float(threshold)
    if criterion == "quantile" and not 0 < value <= 1:
        raise ValueError(
            f"{message}. It is the share of rows to keep: 0.9 drops the hardest tenth, 1.0 none."
        )
    if not np.isfinite(value):
        raise ValueError(f"{message}.")
    return value


def keep_mask(
    difficulty: np.ndarray,
    y: np.ndarray | None = None,
    *,
    criterion: str = "quantile",
    threshold: float | str = "auto",
) -> tuple[np.ndarray, float | np.ndarray]:
    """Which rows are easy enough to keep.

    Parameters
    ----------
    difficulty : array-like of shape (n_samples,)
        Higher is harder. A row without one (NaN) is kept.
    y : array-like of shape (n_samples,) or None, default=None
        Classes, for ``criterion="zscore"``; None takes all rows together.
    criterion : {"quantile", "score", "zscore"}, default="quantile"
        What `threshold` means. ``"quantile"``: keep difficulties up to this quantile, a number
        in (0, 1]: 0.9 drops the hardest tenth, 1.0 nothing; rows as hard as the hardest kept one
        are kept too. ``"score"``: keep difficulties up to this value. ``"zscore"``: keep
        difficulties up to this many population standard deviations above the mean of the row's
        class; a class whose rows are all equally hard is kept.
    threshold : float or "auto", default="auto"
        ``"auto"`` is :func:`auto_threshold`, whatever the criterion.

    Returns
    -------
    keep : ndarray of shape (n_samples,), bool
        True for the rows to keep.
    cut : float or ndarray of shape (n_classes,)
        The highest difficulty that is kept, infinite where nothing is cut off. Under
        ``"zscore"`` with `y` one for each class, in sorted order.

    Raises
    ------
    TypeError
        If the threshold is neither a number nor a string.
    ValueError
        If a parameter is outside what is accepted.

    Warns
    -----
    MissingRecordsWarning
        If a difficulty is NaN.

    Examples
    --------
    >>> from sklearn_difficulty.selection import keep_mask
    >>> keep, cut = keep_mask([3.0, 1.0, 2.0, 9.0], threshold=0.75)
    >>> keep.tolist(), cut
    ([True, True, True, False], 3.0)
    """
    threshold = check_threshold(threshold, criterion)
    values = np.asarray(difficulty, dtype=np.float64)
    missing = np.isnan(values)
    if missing.any():
        warnings.warn(
            f"{int(missing.sum())} of {len(values)} rows have no difficulty (NaN), and are kept.",
            MissingRecordsWarning,
            stacklevel=2,
        )
    present = values[~missing]
    cut: float | np.ndarray
    if isinstance(threshold, str):
        cut = auto_threshold(present)
    elif criterion == "quantile":
        cut = _quantile_cut(present, threshold)
    elif criterion == "score":
        cut = threshold
    elif y is None:
        cut = _zscore_cut(present, threshold)
    else:
        classes, codes = np.unique(np.asarray(y), return_inverse=True)
        cut = np.array(
            [_zscore_cut(values[~missing & (codes == k)], threshold) for k in range(len(classes))]
        )
        return missing | (values <= cut[codes]), cut
    return missing | (values <= cut), cut


def _quantile_cut(values: np.ndarray, share: float) -> float:
    if not len(values):
        return np.inf
    # An observed value, not one interpolated between two: that could round up to the next row's.
    return float(np.quantile(values, share, method="lower"))


def _zscore_cut(values: np.ndarray, n_stds: float) -> float:
    finite = values[np.isfinite(values)]
    # Not a test of std == 0: that of equal values can be off by rounding.
    if not len(finite) or finite.min() == finite.max():
        return np.inf
    return float(finite.mean() + n_stds * finite.std())
