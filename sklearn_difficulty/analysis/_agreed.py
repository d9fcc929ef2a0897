"""Which samples all runs have learned: what they are like, and when each became one of them."""

from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_labels, check_vector
from sklearn_difficulty.analysis._outcomes import divide, right_outcomes

__all__ = ["agreed_share", "first_agreed_step", "metric_over_agreed"]


def metric_over_agreed(correct: Any, metric: Any) -> np.ndarray:
    """Average a metric over the samples that all runs have right, after each step.

    Parameters
    ----------
    correct : Trajectory or array-like of shape (n_runs, n_steps, n_samples)
        As for :func:`true_positive_agreement`, of one run or more.
    metric : array-like of shape (n_samples,)
        Any number per sample, such as a statistic of its image.

    Returns
    -------
    ndarray of shape (n_steps,), float64
        The means; NaN after steps in which no sample is right in all runs.

    Raises
    ------
    RecordNotFoundError
        If a trajectory has no predictions or no labels.
    ValueError
        If the metric is not one finite number per sample, values are no outcomes, or no sample
        was recorded in all runs after some step.

    Warns
    -----
    MissingRecordsWarning
        If samples without a record in some run are left out.

    References
    ----------
    I. Pliushch, M. Mundt, N. Lupp, V. Ramesh. When Deep Classifiers Agree: Analyzing Correlations
    between Learning Order and Image Statistics. ECCV, 2022. arXiv:2105.08997.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import metric_over_agreed
    >>> metric_over_agreed([[[1, 0, 1], [1, 1, 1]], [[0, 0, 1], [1, 0, 1]]], [1, 2, 4])
    array([4. , 2.5])
    """
    outcomes = right_outcomes(correct, "metric_over_agreed")
    values = check_vector("metric", metric, outcomes.n_samples)
    means = np.full(outcomes.n_steps, np.nan)
    for step, (right, compared) in enumerate(outcomes.common_steps()):
        agreed = right.all(axis=0)
        if agreed.any():
            means[step] = values[compared][agreed].mean()
    return means


def agreed_share(correct: Any, categories: Any) -> tuple[np.ndarray, np.ndarray]:
    """Share of the samples of each category that all runs have right, after each step.

    Parameters
    ----------
    correct : Trajectory or array-like of shape (n_runs, n_steps, n_samples)
        As for :func:`true_positive_agreement`, of one run or more.
    categories : array-like of shape (n_samples,)
        Category of each sample: its class, or a condition under which it was taken.

    Returns
    -------
    names : ndarray of shape (n_categories,)
        The categories, sorted.
    shares : ndarray of shape (n_steps, n_categories), float64
        The shares, from 0 to 1; NaN where a category has no sample that all runs recorded.

    Raises
    ------
    RecordNotFoundError
        If a trajectory has no predictions or no labels.
    ValueError
        If there is not one category per sample, values are no outcomes, or no sample was recorded
        in all runs after some step.

    Warns
    -----
    MissingRecordsWarning
        If samples without a record in some run are left out.

    References
    ----------
    I. Pliushch, M. Mundt, N. Lupp, V. Ramesh. When Deep Classifiers Agree: Analyzing Correlations
    between Learning Order and Image Statistics. ECCV, 2022. arXiv:2105.08997.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import agreed_share
    >>> names, shares = agreed_share([[[1, 0, 1]], [[1, 1, 1]]], ["far", "far", "near"])
    >>> names, shares
    (array(['far', 'near'], dtype='<U4'), array([[0.5, 1. ]]))
    """
    outcomes = right_outcomes(correct, "agreed_share")
    labels = check_labels("categories", categories, outcomes.n_samples)
    names, number = np.unique(labels, return_inverse=True)
    shares = np.empty((outcomes.n_steps, len(names)))
    for step, (right, compared) in enumerate(outcomes.common_steps()):
        of_compared = number[compared]
        n_agreed = np.bincount(of_compared[right.all(axis=0)], minlength=len(names))
        n_compared = np.bincount(of_compared, minlength=len(names))
        shares[step] = divide(n_agreed, n_compared, np.nan)
    return names, shares


def first_agreed_step(correct: Any) -> np.ndarray:
    """Tell for each sample after which step all runs have it right for the first time.

    Later is harder. To ask whether a metric goes with the order of learning, correlate it with
    this, sample by sample: unlike the curves over steps of :func:`step_correlation`, samples are
    not alike just because they are neighbours, nor because both follow time.

    Parameters
    ----------
    correct : Trajectory or array-like of shape (n_runs, n_steps, n_samples)
        As for :func:`true_positive_agreement`, of one run or more.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        Number of the step, from 0; NaN for samples that all runs never have right at once.

    Raises
    ------
    RecordNotFoundError
        If a trajectory has no predictions or no labels.
    ValueError
        If values are no outcomes, or no sample was recorded in all runs after some step.

    Warns
    -----
    MissingRecordsWarning
        If samples have no record in some run. They are not agreed on after that step.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import first_agreed_step
    >>> first_agreed_step([[[1, 0, 0], [1, 1, 0]], [[1, 1, 0], [1, 1, 1]]])
    array([ 0.,  1., nan])
    """
    outcomes = right_outcomes(correct, "first_agreed_step")
    first = np.full(outcomes.n_samples, np.nan)
    for step, (right, compared) in enumerate(outcomes.common_steps()):
        agreed = np.flatnonzero(compared)[right.all(axis=0)]
        first[agreed] = np.fmin(first[agreed], step)
    return first
