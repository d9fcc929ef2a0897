"""Where to cut when nobody says where: a mixture of two normal distributions."""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binom, norm
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

# Shares of rows in the lower component from which the mixture is fitted; the best fit is kept.
_STARTS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
# A million rows tell no more about two normal distributions than this many quantiles do.
_MAX_ROWS = 20_000
# Level of the tests that there is a valley between the two components.
_LEVEL = 0.001


class _Scale(NamedTuple):
    """Difficulties on a scale on which they are judged."""

    values: np.ndarray
    back: Callable[[float], float]
    log_derivative: float
    """Mean of the logarithm of the derivative, which makes likelihoods comparable."""


class _Mixture(NamedTuple):
    """Two normal components, the lower first; each array has shape (2,)."""

    means: np.ndarray
    stds: np.ndarray
    weights: np.ndarray

    def log_densities(self, values: np.ndarray) -> np.ndarray:
        """Weighted log density of each component, shape (2, n)."""
        at = np.asarray(values)[None]
        weighted = np.log(self.weights)[:, None]
        return weighted + norm.logpdf(at, self.means[:, None], self.stds[:, None])


def auto_threshold(difficulty: np.ndarray) -> float:
    """Difficulty above which a row more likely belongs to a second, harder group.

    A mixture of two normal distributions is fitted to the difficulties, on the logarithmic
    scale or on a robust one that also takes zero and negative values (the inverse hyperbolic
    sine of the distance from the median in units of the interquartile range), whichever it fits
    better. The cut lies where the upper component becomes the more likely one. It is only made
    when there is a second group to cut off:

    - two components describe the difficulties better than one (BIC);
    - the upper component is the smaller one;
    - there is a valley between the two: significantly fewer rows than around either mean, by a
      one-sided binomial test at 0.001 each. Skewed or flat difficulties have none, however well
      two components describe their shape.

    Otherwise nothing is cut off. Shifting or scaling all difficulties by a positive factor moves
    the cut along as long as the same scale is chosen. The result is deterministic.

    Parameters
    ----------
    difficulty : array-like of shape (n_samples,)
        Higher is harder. NaN and infinite values are left out of the fit.

    Returns
    -------
    float
        Rows above it belong to the second group; infinity where there is none.

    See Also
    --------
    keep_mask : Which rows to keep, by this cut among others.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.selection import auto_threshold
    >>> rng = np.random.default_rng(0)
    >>> easy, hard = rng.normal(0, 1, 900), rng.normal(8, 1, 100)
    >>> bool(3 < auto_threshold(np.concatenate([easy, hard])) < 6)
    True
    >>> auto_threshold(easy)
    inf
    """
    values = np.asarray(difficulty, dtype=np.float64)
    values = values[np.isfinite(values)]
    if len(np.unique(values)) < 3:
        return np.inf
    values = _spread_ties(values)
    fits = [(scale, _fit_two(scale.values)) for scale in _scales(values)]
    scale, (mixture, _) = max(fits, key=lambda fit: fit[1][1] + fit[0].log_derivative)
    cut = _cut(mixture, scale.values)
    return np.inf if cut is None else float(scale.back(cut))


def _spread_ties(values: np.ndarray) -> np.ndarray:
    """Sorted values, in which copies of a value fill the room up to halfway to its neighbours.

    Counts and other coarse difficulties have gaps between all their values; spread out, they
    have a valley only where few rows are.
    """
    levels, counts = np.unique(values, return_counts=True)
    gaps = np.diff(levels)
    below, above = np.append(gaps[:1], gaps) / 2, np.append(gaps, gaps[-1:]) / 2
    first = np.cumsum(counts) - counts
    number = np.arange(len(values)) - np.repeat(first, counts)
    share = (number + 0.5) / np.repeat(counts, counts)
    offset = share * np.repeat(below + above, counts) - np.repeat(below, counts)
    return np.repeat(levels, counts) + np.where(np.repeat(counts, counts) > 1, offset, 0.0)


def _scales(values: np.ndarray) -> list[_Scale]:
    scales = []
    if values[0] > 0:
        logs = np.log(values)
        scales.append(_Scale(logs, np.exp, -float(logs.mean())))
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    # Ties are spread, so that the quartiles differ unless they are too close for a float64.
    unit = (high - low) or float(values.std()) or 1.0
    standard = (values - median) / unit
    scales.append(
        _Scale(
            np.arcsinh(standard),
            lambda value: median + unit * np.sinh(value),
            -float(np.mean(np.log(unit) + 0.5 * np.log1p(standard**2))),
        )
    )
    return scales


def _fit_two(values: np.ndarray) -> tuple[_Mixture | None, float]:
    """The best of the fits of two components and its mean log likelihood; None: one is better."""
    if len(values) > _MAX_ROWS:
        values = values[np.linspace(0, len(values) - 1, _MAX_ROWS).round().astype(int)]
    column = values[:, None]
    fits = []
    for share in _STARTS:
        n_low = int(len(values) * share)
        parts = values[:n_low], values[n_low:]
        if min(map(len, parts)) < 2:
            continue
        model = GaussianMixture(
            2,
            weights_init=[share, 1 - share],
            means_init=[[part.mean()] for part in parts],
            precisions_init=[[[1 / (part.var() + 1e-6)]] for part in parts],
            max_iter=300,
            tol=1e-4,
            random_state=0,
        )
        with warnings.catch_warnings():
            # A fit that has not quite settled is judged by its likelihood like the others.
            warnings.simplefilter("ignore", ConvergenceWarning)
            fits.append(model.fit(column))
    one = GaussianMixture(1, random_state=0).fit(column)
    if not fits:
        return None, float(one.score(column))
    best = max(fits, key=lambda model: model.score(column))
    likelihood = float(best.score(column))
    if best.bic(column) >= one.bic(column):
        return None, likelihood
    order = np.argsort(best.means_.ravel())
    return (
        _Mixture(
            best.means_.ravel()[order],
            np.sqrt(best.covariances_.ravel()[order]),
            best.weights_[order],
        ),
        likelihood,
    )


def _cut(mixture: _Mixture | None, values: np.ndarray) -> float | None:
    """Where the upper component becomes the more likely one, None where there is no second mode."""
    if mixture is None or mixture.weights[1] >= 0.5:
        return None

    def upper_over_lower(value: float) -> float:
        lower, upper = mixture.log_densities(np.array([value]))[:, 0]
        return float(upper - lower)

    low, high = mixture.means
    if not upper_over_lower(low) < 0 < upper_over_lower(high):
        return None
    between = np.linspace(low, high, 1001)
    valley = between[np.logaddexp(*mixture.log_densities(between)).argmin()]
    half_width = min(valley - low, high - valley) / 2
    if half_width <= 0:
        return None

    def rows_around(centre: float) -> int:
        ends = np.searchsorted(values, [centre - half_width, centre + half_width])
        return int(ends[1] - ends[0])

    n_valley = rows_around(valley)
    n_peak = min(rows_around(low), rows_around(high))
    if binom.cdf(n_valley, n_valley + n_peak, 0.5) > _LEVEL:
        return None
    return float(brentq(upper_over_lower, low, high))
