"""Plant label errors where a label is hard to tell, as people make them."""

from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_fraction, check_labels, check_random_state

__all__ = ["flip_unsure_labels"]


def flip_unsure_labels(
    y: Any, proba: Any, rate: float, *, random_state: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """Replace labels of rows on which a reference model is unsure.

    Such errors depend on the row: a label is the likelier to be replaced, the more probability
    the model gives to other classes than its own, and becomes one of those in proportion to
    theirs. They are the hardest to find, since the rows are hard with their right labels, too.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels of at least two classes: numbers, strings, booleans.
    proba : array-like of shape (n_samples, n_classes)
        How probable the model holds each class, classes in sorted order. It should not have been
        trained on these rows, as from :func:`~sklearn.model_selection.cross_val_predict`.
    rate : float
        Share of the labels to replace, from 0 to 1. The number of them is ``rate * n_samples``,
        rounded down.
    random_state : int, RandomState or None, default=None
        Seed for a reproducible choice.

    Returns
    -------
    noisy : ndarray of shape (n_samples,)
        The labels with errors, in the dtype of `y`.
    flipped : ndarray of shape (n_samples,), bool
        Where `noisy` differs from `y`.

    Raises
    ------
    TypeError
        If `rate` is not a number.
    ValueError
        If `rate` lies outside [0, 1], `y` is not one label per sample, `proba` does not hold one
        row of probabilities per sample and a column per class, or fewer rows leave probability to
        other classes than there are labels to replace.

    See Also
    --------
    flip_labels : Errors that depend on nothing.
    confuse_labels : Errors that depend on the class.

    References
    ----------
    X. Xia, T. Liu, B. Han, N. Wang, M. Gong, H. Liu, G. Niu, D. Tao, M. Sugiyama. Part-dependent
    Label Noise: Towards Instance-dependent Label Noise. NeurIPS, 2020. arXiv:2006.07836.

    Examples
    --------
    >>> from sklearn_difficulty.datasets import flip_unsure_labels
    >>> proba = [[1.0, 0.0], [0.6, 0.4], [0.0, 1.0], [0.4, 0.6]]
    >>> noisy, flipped = flip_unsure_labels(["ant", "ant", "bee", "bee"], proba, 0.5)
    >>> noisy
    array(['ant', 'bee', 'bee', 'ant'], dtype='<U3')
    """
    labels = check_labels("y", y)
    share = check_fraction("rate", rate, include_zero=True)
    classes, numbers = np.unique(labels, return_inverse=True)
    others = np.array(proba, dtype=np.float64)
    if others.shape != (len(labels), len(classes)):
        raise ValueError(
            f"proba must have a row for each of the {len(labels)} samples and a column for each "
            f"of the {len(classes)} classes of y; got shape {others.shape}."
        )
    if not np.isfinite(others).all() or (others < 0).any():
        raise ValueError("proba must hold probabilities; it has negative or not finite values.")
    others[np.arange(len(labels)), numbers] = 0.0
    unsure = others.sum(axis=1)
    n_drawn = int(round(share * len(labels), 6))
    if (unsure > 0).sum() < n_drawn:
        raise ValueError(
            f"proba must leave something to other classes than the label in at least {n_drawn} "
            f"rows, since rate is {rate!r}; it does in {(unsure > 0).sum()}. Lower rate."
        )
    generator = check_random_state(random_state)
    noisy = labels.copy()
    if n_drawn:
        rows = generator.choice(len(labels), n_drawn, replace=False, p=unsure / unsure.sum())
        # The class at which the running sum passes a uniform number; one without probability
        # never is.
        running = np.cumsum(others[rows], axis=1) / unsure[rows, None]
        drawn = generator.random_sample(len(rows))
        noisy[rows] = classes[(running > drawn[:, None]).argmax(axis=1)]
    return noisy, noisy != labels
