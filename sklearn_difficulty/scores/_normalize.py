"""Scores on a common scale, and their mean in each class."""

from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_labels, check_vector

__all__ = ["class_normalize", "is_constant_per_class", "mean_per_class", "min_max"]


def min_max(scores: Any) -> np.ndarray:
    """Scale scores to the range from 0 to 1.

    The direction stays. For several models, average their scores first and scale the mean.

    Parameters
    ----------
    scores : array-like of shape (n_samples,)
        The scores; NaN stays NaN.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The scaled scores; zeros if all scores are equal.

    Raises
    ------
    ValueError
        If scores are infinite.

    Examples
    --------
    >>> from sklearn_difficulty.scores import min_max
    >>> min_max([3, 2, 1.5, 9]).round(4)
    array([0.2   , 0.0667, 0.    , 1.    ])
    """
    values = check_vector("scores", scores, allow_nan=True)
    known = values[~np.isnan(values)]
    if known.size == 0:
        return values.copy()
    shifted = values - known.min()
    width = known.max() - known.min()
    return shifted / width if width > 0 else shifted


def class_normalize(
    scores: Any, labels: Any, *, reference_scores: Any = None, reference_labels: Any = None
) -> np.ndarray:
    """Standardise scores within each class.

    Each score becomes its distance from the mean of its class, in (population) standard deviations
    of the class. The direction stays.

    Parameters
    ----------
    scores : array-like of shape (n_samples,)
        The scores; NaN stays NaN and does not enter means and deviations.
    labels : array-like of shape (n_samples,)
        Class of each sample.
    reference_scores, reference_labels : array-like of shape (n_reference,), default=None
        Samples from which mean and deviation of each class are taken, such as the training set;
        by default the samples themselves. Give both or neither.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The standardised scores; 0 in classes with fewer than two samples or with equal scores.

    Raises
    ------
    ValueError
        If lengths differ, scores are infinite, or one reference is given without the other.

    Examples
    --------
    >>> from sklearn_difficulty.scores import class_normalize
    >>> class_normalize([1, 2, 3, 10, 10], [0, 0, 0, 1, 1]).round(4)
    array([-1.2247,  0.    ,  1.2247,  0.    ,  0.    ])
    """
    values = check_vector("scores", scores, allow_nan=True)
    classes = check_labels("labels", labels, len(values))
    if (reference_scores is None) != (reference_labels is None):
        raise ValueError("reference_scores and reference_labels must be given together.")
    if reference_scores is None:
        base, base_classes = values, classes
    else:
        base = check_vector("reference_scores", reference_scores, allow_nan=True)
        base_classes = check_labels("reference_labels", reference_labels, len(base))
    normalized = np.where(np.isnan(values), np.nan, 0.0)
    for label in np.unique(classes):
        of_class = base[(base_classes == label) & ~np.isnan(base)]
        if len(of_class) >= 2 and not _is_constant(of_class, 1e-12):
            members = classes == label
            normalized[members] = (values[members] - of_class.mean()) / of_class.std()
    return normalized


def mean_per_class(scores: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """Average scores in each class.

    Parameters
    ----------
    scores : array-like of shape (n_samples,)
        The scores; NaN is left out.
    labels : array-like of shape (n_samples,)
        Class of each sample.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        The classes, sorted.
    means : ndarray of shape (n_classes,), float64
        The mean in each; NaN where no sample has a score.

    Raises
    ------
    ValueError
        If lengths differ or scores are infinite.

    Examples
    --------
    >>> from sklearn_difficulty.scores import mean_per_class
    >>> mean_per_class([3.5, 1.75, 1, 10], ["cat", "cat", "dog", "dog"])
    (array(['cat', 'dog'], dtype='<U3'), array([2.625, 5.5  ]))
    """
    values = check_vector("scores", scores, allow_nan=True)
    classes, number = np.unique(check_labels("labels", labels, len(values)), return_inverse=True)
    known = ~np.isnan(values)
    count = np.bincount(number[known], minlength=len(classes))
    total = np.bincount(number[known], weights=values[known], minlength=len(classes))
    means = np.full(len(classes), np.nan)
    np.divide(total, count, out=means, where=count > 0)
    return classes, means


def is_constant_per_class(scores: Any, labels: Any) -> bool:
    """Say whether scores do not tell any two samples of one class apart.

    So it is, up to rounding in single precision, when gradients do not depend on the input.

    Parameters
    ----------
    scores : array-like of shape (n_samples,)
        The scores; NaN is left out.
    labels : array-like of shape (n_samples,)
        Class of each sample.

    Returns
    -------
    bool
        Whether all scores of each class are equal; False if no class has two samples.

    Raises
    ------
    ValueError
        If lengths differ or scores are infinite.

    Examples
    --------
    >>> from sklearn_difficulty.scores import is_constant_per_class
    >>> is_constant_per_class([2.0, 2.0, 7.0, 7.0], [0, 0, 1, 1])
    True
    """
    values = check_vector("scores", scores, allow_nan=True)
    classes = check_labels("labels", labels, len(values))
    known = ~np.isnan(values)
    groups = [values[known & (classes == label)] for label in np.unique(classes)]
    groups = [group for group in groups if len(group) >= 2]
    return bool(groups) and all(_is_constant(group, 1e-5) for group in groups)


def _is_constant(values: np.ndarray, tolerance: float) -> bool:
    # The deviation of equal numbers is not always exactly 0.
    return bool(np.ptp(values) <= tolerance * np.abs(values).max())
