"""How ``planted_errors.py`` makes targets wrong, and how it knows afterwards which they are.

Wrong is what differs from the truth: a row that was drawn and came out as it was is right.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

# Wine is graded from 3 to 9.
LOWEST, HIGHEST = 3, 9
FAR = 2


class Planted(NamedTuple):
    """Rows and targets, some of which are wrong.

    Attributes
    ----------
    X, given : objects
        Rows and their targets; None where there are none.
    wrong : ndarray of bool of shape (n,) or (n, n_labels)
        What a ranking has to find.
    counts : mapping of str to int
        How many there are of what.
    """

    X: Any
    given: Any
    wrong: np.ndarray
    counts: Mapping[str, int]


def drawn(n: int, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Draw a share of n rows, rounded down, in no order."""
    return rng.choice(n, int(rate * n), replace=False)


def replace_targets(y: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Give rows any other grade of the scale, uniformly."""
    rows, given = drawn(len(y), rate, rng), y.copy()
    grade = rng.integers(LOWEST, HIGHEST, len(rows))
    given[rows] = grade + (grade >= y[rows])
    return given


def shift_targets(y: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Move the grades of rows up or down by 2, 3 or 4, which may leave the scale."""
    rows, given = drawn(len(y), rate, rng), y.copy()
    given[rows] += rng.choice([-1, 1], len(rows)) * rng.integers(2, 5, len(rows))
    return given


def permute_targets(y: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Shuffle the targets of rows among them; many of them come out as they were."""
    rows, given = drawn(len(y), rate, rng), y.copy()
    given[rows] = y[rng.permutation(rows)]
    return given


def exchange_label_sets(Y: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Give rows all labels of another row, one that has not the same."""
    given = Y.copy()
    for row in drawn(len(Y), rate, rng):
        given[row] = Y[rng.choice(np.flatnonzero((Y != Y[row]).any(axis=1)))]
    return given


def flip_one_label(Y: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Flip one of the labels of rows, any of them."""
    rows, given = drawn(len(Y), rate, rng), Y.copy()
    given[rows, rng.integers(0, Y.shape[1], len(rows))] ^= 1
    return given


def flip_cells(Y: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Flip single labels anywhere in the matrix."""
    given = Y.copy()
    given.ravel()[drawn(Y.size, rate, rng)] ^= 1
    return given


def pass_around(
    targets: Sequence[Any], rate: float, rng: np.random.Generator
) -> tuple[list[Any], np.ndarray]:
    """Let rows pass their targets around, each to the next of those drawn; at least two are.

    Returns
    -------
    given : list
        The targets.
    swapped : ndarray of bool of shape (n,)
        Which rows were drawn.
    """
    # Rounded down and drawn as in the gallery's examples, whose seed 0 is the same here.
    rows = drawn(len(targets), rate, rng)
    if len(rows) < 2:
        raise ValueError(f"a share of {rate} of {len(targets)} rows is fewer than two.")
    given = list(targets)
    for row, other in zip(rows, np.roll(rows, 1), strict=True):
        given[row] = targets[other]
    return given, np.isin(np.arange(len(given)), rows)


def hide_others(
    X: np.ndarray, others: np.ndarray, rate: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Put rows of another kind in the place of a share of the rows, each of them once.

    Returns
    -------
    rows : ndarray like X
        With the others among them.
    hidden : ndarray of bool of shape (n,)
        Where they are.
    """
    places, mixed = drawn(len(X), rate, rng), X.copy()
    mixed[places] = others[rng.choice(len(others), len(places), replace=False)]
    return mixed, np.isin(np.arange(len(X)), places)


def hold_rare(
    X: np.ndarray, y: np.ndarray, rare: int, rate: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Keep of one class so few rows that they are a share of all, and shuffle.

    Returns
    -------
    rows : ndarray of shape (m, ...)
        All of the other classes, and those.
    kept : ndarray of bool of shape (m,)
        Which of them are of that class.
    """
    others, own = np.flatnonzero(y != rare), np.flatnonzero(y == rare)
    n_kept = round(len(others) * rate / (1 - rate))
    rows = rng.permutation(np.concatenate([others, rng.choice(own, n_kept, replace=False)]))
    return X[rows], y[rows] == rare
