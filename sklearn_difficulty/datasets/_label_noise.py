"""Plant label errors whose places are known."""

from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_fraction, check_labels, check_random_state

__all__ = ["flip_labels"]


def flip_labels(
    y: Any, rate: float, *, random_state: Any = None, different_class: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Replace a share of the labels by labels of other classes.

    Which labels are replaced is drawn uniformly, without regard to their class, and so is the
    class that replaces them.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels of at least two classes: numbers, strings, booleans.
    rate : float
        Share of the labels to replace, from 0 to 1. The number of them is ``rate * n_samples``,
        rounded down.
    random_state : int, RandomState or None, default=None
        Seed for a reproducible choice.
    different_class : bool, default=True
        Draw among the other classes only, so that every replaced label is wrong. Otherwise among
        all classes: with C of them, one replaced label in C is then drawn as it was.

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
        If `rate` lies outside [0, 1], or `y` is not one label per sample or holds a single class.

    References
    ----------
    C. Zhang, S. Bengio, M. Hardt, B. Recht, O. Vinyals. Understanding Deep Learning Requires
    Rethinking Generalization. ICLR, 2017. arXiv:1611.03530.

    Examples
    --------
    >>> from sklearn_difficulty.datasets import flip_labels
    >>> noisy, flipped = flip_labels(["ant", "bee", "cow", "bee"], 0.5, random_state=1)
    >>> noisy
    array(['ant', 'bee', 'bee', 'cow'], dtype='<U3')
    >>> flipped
    array([False, False,  True,  True])
    """
    labels = check_labels("y", y)
    share = check_fraction("rate", rate, include_zero=True)
    classes, numbers = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"y must hold at least 2 classes, so that a label can be wrong; got {len(classes)} in "
            f"{len(labels)} labels."
        )
    generator = check_random_state(random_state)
    # 0.29 * 100 is a little less than 29 in floating point, and 29 labels are meant.
    n_replaced = int(round(share * len(labels), 6))
    # Not a permutation: with the same seed, train_test_split would draw the same one, and all wrong
    # labels would land in its test set.
    rows = np.argsort(generator.random_sample(len(labels)), kind="stable")[:n_replaced]
    # Moving on by 1 to C - 1 classes in the circle of them reaches each other class, and moving on
    # by 0 the same one.
    moves = generator.randint(1 if different_class else 0, len(classes), size=n_replaced)
    noisy = labels.copy()
    noisy[rows] = classes[(numbers[rows] + moves) % len(classes)]
    return noisy, noisy != labels
