"""Whether a metric of what is learned follows how much is learned."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from sklearn_difficulty._validation import check_count, check_fraction, check_vector

__all__ = ["StepCorrelation", "step_correlation"]


@dataclass(frozen=True)
class StepCorrelation:
    """A correlation over steps, as :func:`step_correlation` gives it.

    Parameters
    ----------
    r : float
        Pearson's correlation.
    p_value : float
        Its two-sided p-value if steps were independent, which they are not.
    shift_p_value : float
        Share of the circular shifts of the metric, none included, that correlate as strongly.
    n_steps : int
        How many steps were compared.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import StepCorrelation
    >>> StepCorrelation(r=0.94, p_value=0.018, shift_p_value=0.2, n_steps=5).r
    0.94
    """

    r: float
    p_value: float
    shift_p_value: float
    n_steps: int


def step_correlation(
    agreement: Any, metric: Any, *, skip: int = 5, min_agreement: float = 0.0
) -> StepCorrelation:
    """Correlate a metric of the agreed samples with the agreement, over steps.

    Values after neighbouring steps are much alike, and both curves usually rise or fall all the
    way, so that the ordinary p-value is far too small. The second one compares the correlation
    with those after shifting one curve against the other in a circle by each number of steps; it
    cannot be smaller than 1 / n_steps. Neither takes out that both curves follow time; for that,
    compare samples instead of steps, with :func:`first_agreed_step`.

    Parameters
    ----------
    agreement : array-like of shape (n_steps,)
        Agreement after each step, as :func:`true_positive_agreement` gives it; NaN where there is
        none.
    metric : array-like of shape (n_steps,)
        Mean metric of the agreed samples, as :func:`metric_over_agreed` gives it; NaN where there
        is none.
    skip : int, default=5
        How many steps to leave out at the start.
    min_agreement : float, default=0.0
        Leave out steps with less agreement, too; a share from 0 to 1, as `agreement` then has to
        be.

    Returns
    -------
    StepCorrelation
        The correlation and its p-values. Steps where either value is NaN are left out.

    Raises
    ------
    TypeError
        If `skip` is not a whole number, or `min_agreement` not a number.
    ValueError
        If lengths differ, options are out of range, or fewer than 3 steps are left.

    Warns
    -----
    ConstantInputWarning
        From SciPy, if all values that are left are equal. The result is then NaN.

    References
    ----------
    I. Pliushch, M. Mundt, N. Lupp, V. Ramesh. When Deep Classifiers Agree: Analyzing Correlations
    between Learning Order and Image Statistics. ECCV, 2022. arXiv:2105.08997.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import step_correlation
    >>> agreement = [0, 0, 0, 0, 0, 0.1, 0.2, 0.3, 0.4, 0.5]
    >>> found = step_correlation(agreement, [9, 9, 9, 9, 9, 1, 2, 2, 3, 5])
    >>> round(found.r, 4), round(found.p_value, 4), found.shift_p_value
    (0.9383, 0.0182, 0.2)
    """
    n_skipped = check_count("skip", skip, minimum=0)
    least = check_fraction("min_agreement", min_agreement, include_zero=True)
    a = check_vector("agreement", agreement, allow_nan=True)
    m = check_vector("metric", metric, len(a), allow_nan=True)
    kept = np.arange(len(a)) >= n_skipped
    kept &= ~np.isnan(a) & ~np.isnan(m)
    if least > 0:
        if np.nanmax(a, initial=0.0) > 1:
            raise ValueError(
                f"agreement must hold shares from 0 to 1 for min_agreement={least:g}; the largest "
                f"is {np.nanmax(a):g}. Divide percentages by 100."
            )
        kept &= a >= least
    if kept.sum() < 3:
        raise ValueError(
            f"step_correlation needs at least 3 steps; of {len(a)}, {int(kept.sum())} are left "
            f"with skip={n_skipped} and min_agreement={least:g}, and without those that are NaN."
        )
    a, m = a[kept], m[kept]
    result = stats.pearsonr(a, m)
    r = float(result.statistic)
    return StepCorrelation(r, float(result.pvalue), _shift_p_value(a, m, r), len(a))


def _shift_p_value(a: np.ndarray, m: np.ndarray, r: float) -> float:
    if np.isnan(r):
        return float("nan")
    a = (a - a.mean()) / np.linalg.norm(a - a.mean())
    m = (m - m.mean()) / np.linalg.norm(m - m.mean())
    shifted = np.array([a @ np.roll(m, shift) for shift in range(len(m))])
    # Equal correlations count as such whatever the order they were summed in.
    return float(np.mean(np.abs(shifted) >= abs(r) - 1e-12))
