"""Where to cut when nobody says where: a mixture of normal distributions."""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logsumexp
from scipy.stats import binom, norm
from sklearn.exceptions import ConvergenceWarning

# Shares of rows below the uppermost component from which a mixture is fitted; the best fit is kept.
_STARTS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
# A million rows tell no more about a few normal distributions than this many quantiles do.
_MAX_ROWS = 5_000
# Level of the tests that there is a valley below the uppermost component.
_LEVEL = 0.01
# With many rows, a dent in a flat distribution is significant, too; a valley is at least this deep.
_DEPTH = 2 / 3


class _Scale(NamedTuple):
    """Difficulties on a scale on which they are judged."""

    values: np.ndarray
    there: Callable[[np.ndarray], np.ndarray]
    back: Callable[[float], float]
    log_derivative: float
    """Mean of the logarithm of the derivative, which makes likelihoods comparable."""


class _Mixture(NamedTuple):
    """Normal components in the order of their means; each array has shape (k,)."""

    means: np.ndarray
    stds: np.ndarray
    weights: np.ndarray

    def lower_and_upper(self, values: np.ndarray) -> np.ndarray:
        """Log density of all components but the uppermost together, and of that, shape (2, n)."""
        log_densities = np.log(self.weights)[:, None] + norm.logpdf(
            np.asarray(values)[None], self.means[:, None], self.stds[:, None]
        )
        return np.stack([logsumexp(log_densities[:-1], axis=0), log_densities[-1]])


class _SecondGroup(NamedTuple):
    """A harder group of rows that stands apart from the easier ones."""

    scale: _Scale
    mixture: _Mixture
    mode: float
    """Where the easier rows are densest."""
    cut: float
    """Where the harder group becomes the more likely one."""


class _Fit(NamedTuple):
    mixture: _Mixture
    log_likelihood: float
    """Mean over the rows."""
    bic: float


def auto_threshold(difficulty: np.ndarray) -> float:
    """Difficulty above which a row more likely belongs to a second, harder group.

    A mixture of two normal distributions is fitted to the difficulties, on the logarithmic
    scale or on a robust one that also takes zero and negative values (the inverse hyperbolic
    sine of the distance from the median in units of the interquartile range), whichever it fits
    better. The cut lies where the upper component becomes the more likely one. It is only made
    when there is a second group to cut off:

    - two components describe the difficulties better than one (BIC);
    - the upper component is the smaller one;
    - there is a valley below it: at most two thirds of the rows that are around its mean, or
      around the mode of the lower component, and significantly fewer, by one-sided binomial
      tests at 0.01. Skewed or flat difficulties have none, however well two components describe
      their shape.

    Where two components are spent on the skewed shape of the easier rows, so that no second group
    is found, the same is tried once more with a third: two for the easier rows, and the uppermost
    for the harder ones. If that finds nothing either, nothing is cut off.

    The unit of the difficulties does not matter, and the result is deterministic.

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
    group = _second_group(difficulty)
    return np.inf if group is None else float(group.scale.back(group.cut))


def upper_group_proba(difficulty: np.ndarray) -> np.ndarray:
    """Probability of belonging to a second, harder group of rows.

    The mixture is that of :func:`auto_threshold`, and so is the decision whether there is a second
    group. The harder a row, the more probable it is.

    Parameters
    ----------
    difficulty : array-like of shape (n_samples,)
        Higher is harder. NaN and infinite values are left out of the fit.

    Returns
    -------
    ndarray of shape (n_samples,)
        0 for all rows where no second group stands apart, and for rows without a difficulty (NaN).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.selection._mixture import upper_group_proba
    >>> rng = np.random.default_rng(0)
    >>> easy, hard = rng.normal(0, 1, 900), rng.normal(8, 1, 100)
    >>> proba = upper_group_proba(np.concatenate([easy, hard]))
    >>> float(proba[:900].mean().round(2)), float(proba[900:].mean().round(2))
    (0.0, 0.99)
    >>> float(upper_group_proba(easy).max())
    0.0
    """
    values = np.asarray(difficulty, dtype=np.float64)
    proba = np.zeros(len(values))
    group = _second_group(values)
    if group is None:
        return proba
    finite = np.flatnonzero(np.isfinite(values))
    finite = finite[np.argsort(values[finite], kind="stable")]
    # Where one of two normal distributions is wider, it is the more likely one on both sides of
    # the other; an easier row is no more likely wrong.
    placed = np.maximum(group.scale.there(values[finite]), group.mode)
    lower, upper = group.mixture.lower_and_upper(placed)
    proba[finite] = expit(np.maximum.accumulate(upper - lower))
    proba[values == np.inf] = 1.0
    return proba


def _second_group(difficulty: np.ndarray) -> _SecondGroup | None:
    values = np.asarray(difficulty, dtype=np.float64)
    values = values[np.isfinite(values)]
    if len(np.unique(values)) < 3:
        return None
    values = _spread_ties(values)
    scales = _scales(values)
    for n_components in (2, 3):
        fits = [(scale, _fit(scale.values, n_components)) for scale in scales]
        scale, fit = max(fits, key=lambda pair: pair[1].log_likelihood + pair[0].log_derivative)
        if fit.bic >= _fit(scale.values, n_components - 1).bic:
            break
        found = _mode_and_cut(fit.mixture, scale.values)
        if found is not None:
            return _SecondGroup(scale, fit.mixture, *found)
    return None


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
        scales.append(_Scale(logs, np.log, np.exp, -float(logs.mean())))
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    # Ties are spread, so that the quartiles differ unless they are too close for a float64.
    unit = (high - low) or float(values.std()) or 1.0
    standard = (values - median) / unit
    scales.append(
        _Scale(
            np.arcsinh(standard),
            lambda value: np.arcsinh((value - median) / unit),
            lambda value: median + unit * np.sinh(value),
            -float(np.mean(np.log(unit) + 0.5 * np.log1p(standard**2))),
        )
    )
    return scales


def _fit(values: np.ndarray, n_components: int) -> _Fit:
    """The best of the fits from several starts; one that is never chosen for too few rows."""
    # which takes long to import
    from sklearn.mixture import GaussianMixture

    if len(values) > _MAX_ROWS:
        values = values[np.linspace(0, len(values) - 1, _MAX_ROWS).round().astype(int)]
    column = values[:, None]
    models = []
    for share in _STARTS if n_components > 1 else (1.0,):
        below = np.linspace(0, share, n_components)
        parts = np.split(values, (len(values) * below[1:]).astype(int))
        if min(map(len, parts)) < 2:
            continue
        model = GaussianMixture(
            n_components,
            weights_init=[len(part) / len(values) for part in parts],
            means_init=[[part.mean()] for part in parts],
            precisions_init=[[[1 / (part.var() + 1e-6)]] for part in parts],
            max_iter=300,
            tol=1e-4,
            random_state=0,
        )
        with warnings.catch_warnings():
            # A fit that has not quite settled is judged by its likelihood like the others.
            warnings.simplefilter("ignore", ConvergenceWarning)
            models.append(model.fit(column))
    if not models:
        return _Fit(_Mixture(*np.zeros((3, 0))), -np.inf, np.inf)
    best = max(models, key=lambda model: model.score(column))
    order = np.argsort(best.means_.ravel())
    mixture = _Mixture(
        best.means_.ravel()[order], np.sqrt(best.covariances_.ravel()[order]), best.weights_[order]
    )
    return _Fit(mixture, float(best.score(column)), float(best.bic(column)))


def _mode_and_cut(mixture: _Mixture, values: np.ndarray) -> tuple[float, float] | None:
    """Mode of the lower components, and where the uppermost becomes the more likely one.

    None without a second mode.
    """
    if mixture.weights[-1] >= 0.5:
        return None

    def upper_over_lower(value: float) -> float:
        lower, upper = mixture.lower_and_upper(np.array([value]))[:, 0]
        return float(upper - lower)

    between = np.linspace(mixture.means[0], mixture.means[-1], 2001)
    log_densities = mixture.lower_and_upper(between)
    mode = int(log_densities[0].argmax())
    low, high = between[mode], between[-1]
    if not upper_over_lower(low) < 0 < upper_over_lower(high):
        return None
    valley = between[mode:][np.logaddexp(*log_densities)[mode:].argmin()]
    half_width = min(valley - low, high - valley) / 2
    if half_width <= 0:
        return None

    def rows_around(centre: float) -> int:
        ends = np.searchsorted(values, [centre - half_width, centre + half_width])
        return int(ends[1] - ends[0])

    n_valley = rows_around(valley)
    n_peak = min(rows_around(low), rows_around(high))
    if n_valley > _DEPTH * n_peak or binom.cdf(n_valley, n_valley + n_peak, 0.5) > _LEVEL:
        return None
    return float(low), float(brentq(upper_over_lower, low, high))
