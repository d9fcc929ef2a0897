"""Right or wrong where a sample has several labels."""

from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_fraction

__all__ = ["exact_match"]


def exact_match(predicted: Any, y: Any, *, threshold: float = 0.5) -> np.ndarray:
    """Say which samples have all of their labels predicted, and no other.

    A sample without labels is right only if nothing is predicted. The result goes into
    :func:`true_positive_agreement` and its like.

    Parameters
    ----------
    predicted : array-like of shape (..., n_samples, n_labels)
        Probability of each label, or whether it is predicted, as bool or 0 and 1. Axes in front,
        such as runs and steps, stay.
    y : array-like of shape (n_samples, n_labels)
        Which labels each sample has, bool or 0 and 1.
    threshold : float, default=0.5
        A label is predicted when its probability lies above, from 0 on and below 1.

    Returns
    -------
    ndarray of shape (..., n_samples), bool
        Which samples are right.

    Raises
    ------
    ValueError
        If shapes do not fit, probabilities are not from 0 to 1 or missing, labels are not 0 and
        1, or the threshold is out of range.
    TypeError
        If the threshold is not a number.

    References
    ----------
    I. Pliushch, M. Mundt, N. Lupp, V. Ramesh. When Deep Classifiers Agree: Analyzing Correlations
    between Learning Order and Image Statistics. ECCV, 2022. arXiv:2105.08997.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import exact_match
    >>> proba = [[0.9, 0.2, 0.6], [0.6, 0.1, 0.2], [0.7, 0.1, 0.1]]
    >>> exact_match(proba, [[1, 0, 1], [1, 1, 0], [0, 0, 0]])
    array([ True, False, False])
    """
    limit = check_fraction("threshold", threshold, include_zero=True, include_one=False)
    labels = np.asarray(y)
    values = np.asarray(predicted)
    if labels.ndim != 2:
        raise ValueError(
            "y must say of each sample which labels it has, shape (n_samples, n_labels); got "
            f"shape {labels.shape}. Make it with sklearn.preprocessing.MultiLabelBinarizer."
        )
    if not np.isin(labels, (0, 1)).all():
        other = labels[~np.isin(labels, (0, 1))][0]
        raise ValueError(f"y must hold bools, or 0 and 1; got {other!r}.")
    if values.shape[-2:] != labels.shape:
        raise ValueError(
            f"predicted must have shape (..., {labels.shape[0]}, {labels.shape[1]}), like y behind "
            f"any axes in front; got shape {values.shape}."
        )
    outside = ~((values >= 0) & (values <= 1))
    if outside.any():
        raise ValueError(
            f"predicted must hold probabilities from 0 to 1; {int(outside.sum())} values are not, "
            f"the first is {values[outside][0]!r}. Put logits through a sigmoid, and leave out "
            "steps that some run did not record."
        )
    return ((values > limit) == labels).all(axis=-1)
