"""Plant label errors whose places are known."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_fraction, check_labels, check_random_state

__all__ = ["confuse_labels", "flip_labels"]


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

    See Also
    --------
    confuse_labels : Errors that depend on the class.

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
    rows = _drawn(generator, np.arange(len(labels)), share)
    # Moving on by 1 to C - 1 classes in the circle of them reaches each other class, and moving on
    # by 0 the same one.
    moves = generator.randint(1 if different_class else 0, len(classes), size=len(rows))
    noisy = labels.copy()
    noisy[rows] = classes[(numbers[rows] + moves) % len(classes)]
    return noisy, noisy != labels


def confuse_labels(
    y: Any, confusions: Mapping[Any, Any], rate: float, *, random_state: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """Replace a share of the labels of some classes by the one class each is mistaken for.

    Unlike errors that are drawn among all classes, these have a pattern which a model can learn,
    as where people mistake shirts for coats. They are harder to find.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels: numbers, strings, booleans.
    confusions : mapping of label to label
        For each class that is mistaken the class that it is taken for, such as ``{"cat": "dog",
        "dog": "cat", "car": "truck"}``. Labels of other classes stay.
    rate : float
        Share of the labels of mistaken classes to replace, from 0 to 1. The number of them is
        ``rate`` times the number of such labels, rounded down; which ones, is drawn uniformly.
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
        If `rate` is not a number, or `confusions` is not a mapping.
    ValueError
        If `rate` lies outside [0, 1], `y` is not one label per sample, or `confusions` is empty,
        names a class that `y` does not hold, or takes a class for itself.

    See Also
    --------
    flip_labels : Errors that do not depend on the class.

    References
    ----------
    G. Patrini, A. Rozza, A. Menon, R. Nock, L. Qu. Making Deep Neural Networks Robust to Label
    Noise: a Loss Correction Approach. CVPR, 2017. arXiv:1609.03683.

    Examples
    --------
    >>> from sklearn_difficulty.datasets import confuse_labels
    >>> noisy, flipped = confuse_labels(
    ...     ["cat", "dog", "cow", "dog", "cat"], {"cat": "dog", "dog": "cat"}, 0.5, random_state=1
    ... )
    >>> noisy
    array(['cat', 'dog', 'cow', 'cat', 'dog'], dtype='<U3')
    >>> flipped
    array([False, False, False,  True,  True])
    """
    labels = check_labels("y", y)
    share = check_fraction("rate", rate, include_zero=True)
    classes, numbers = np.unique(labels, return_inverse=True)
    taken_for = _class_numbers(confusions, classes)
    generator = check_random_state(random_state)
    rows = _drawn(generator, np.flatnonzero(taken_for[numbers] >= 0), share)
    noisy = labels.copy()
    noisy[rows] = classes[taken_for[numbers[rows]]]
    return noisy, noisy != labels


def _drawn(generator: np.random.RandomState, rows: np.ndarray, share: float) -> np.ndarray:
    """Draw a share of the rows, rounded down."""
    # 0.29 * 100 is a little less than 29 in floating point, and 29 labels are meant.
    n_drawn = int(round(share * len(rows), 6))
    # Not a permutation: with the same seed, train_test_split would draw the same one, and all wrong
    # labels would land in its test set.
    return rows[np.argsort(generator.random_sample(len(rows)), kind="stable")[:n_drawn]]


def _class_numbers(confusions: Mapping[Any, Any], classes: np.ndarray) -> np.ndarray:
    """For each class the number of the class that it is taken for, -1 where there is none."""
    accepted = 'a mapping of label to label such as {"cat": "dog", "dog": "cat"}'
    if not isinstance(confusions, Mapping):
        raise TypeError(
            f"confusions must be {accepted}; got {confusions!r} of type "
            f"{type(confusions).__name__}."
        )
    if not confusions:
        raise ValueError(f"confusions must be {accepted}, not empty: no class would be mistaken.")
    places = {label: number for number, label in enumerate(classes.tolist())}
    taken_for = np.full(len(classes), -1)
    for mistaken, for_what in confusions.items():
        for label in (mistaken, for_what):
            if not isinstance(label, Hashable) or label not in places:
                raise ValueError(
                    f"confusions must name classes of y; got {label!r}, which is none of "
                    f"{', '.join(map(repr, places))}."
                )
        if mistaken == for_what:
            raise ValueError(
                f"confusions must take each class for another one; got {mistaken!r} for itself: "
                "leave it out, so that its labels stay."
            )
        taken_for[places[mistaken]] = places[for_what]
    return taken_for
