"""What looking at the hardest samples alone does to a correlation."""

import math
from numbers import Real

import numpy as np
from scipy import stats

from sklearn_difficulty._validation import check_choice, check_fraction

__all__ = ["restricted_correlation"]


def restricted_correlation(r: float, quantile: float, *, by: str = "mean") -> float:
    r"""Correlation of a bivariate normal above a quantile, for comparison.

    Among the highest of two correlated scores the correlation is lower than among all, because
    what they share varies less there. This is how far it falls if nothing else happens; only what
    :func:`score_correlation` loses beyond says something about the samples. With z the quantile of
    the standard normal, :math:`\lambda = \varphi(z) / (1 - q)` and
    :math:`k = 1 + z \lambda - \lambda^2`, the variance that is left of what is cut, it is

    .. math:: \frac{(1 + r) k - (1 - r)}{(1 + r) k + (1 - r)}

    where the mean of both is cut, and :math:`r \sqrt{k / (1 - r^2 + r^2 k)}` where the first is.

    Parameters
    ----------
    r : float
        Pearson's correlation over all samples, from -1 to 1.
    quantile : float
        Where to cut, from 0 on and below 1.
    by : {"mean", "first"}, default="mean"
        What is cut: the mean of both scores, or the first alone, as in :func:`score_correlation`.

    Returns
    -------
    float
        The correlation above the quantile. Where the mean is cut, it is negative for high
        quantiles and low `r`; NaN where the mean of both does not vary, that is for ``r=-1``.

    Raises
    ------
    TypeError
        If a value is not a number.
    ValueError
        If it is out of range.

    References
    ----------
    N. L. Johnson, S. Kotz, N. Balakrishnan. Continuous Univariate Distributions, volume 1, chapter
    13 (truncated normal). Wiley, 1994.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import restricted_correlation
    >>> round(restricted_correlation(0.83, 0.5), 2), round(restricted_correlation(0.83, 0.9), 2)
    (0.59, 0.29)
    >>> round(restricted_correlation(0.83, 0.5, by="first"), 2)
    0.67
    """
    if isinstance(r, bool | np.bool_) or not isinstance(r, Real):
        raise TypeError(f"r must be a number in [-1, 1]; got {r!r} of type {type(r).__name__}.")
    if not -1 <= r <= 1:
        raise ValueError(f"r must be a number in [-1, 1]; got {r!r}.")
    q = check_fraction("quantile", quantile, include_zero=True, include_one=False)
    check_choice("by", by, ("mean", "first"))
    return _restrict(float(r), _variance_above(q), by)


def _restrict(r: float, variance: float, by: str) -> float:
    if by == "first":
        return r * math.sqrt(variance / (1 - r**2 + r**2 * variance))
    # Sum and difference are independent, and only the sum is cut.
    if r == -1:
        return float("nan")
    of_sum, of_difference = (1 + r) * variance, 1 - r
    return (of_sum - of_difference) / (of_sum + of_difference)


def _variance_above(quantile: float) -> float:
    """Variance of a standard normal above one of its quantiles."""
    if quantile == 0:
        return 1.0
    return float(stats.truncnorm.var(stats.norm.ppf(quantile), np.inf))
