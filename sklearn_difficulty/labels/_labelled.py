"""Difficulties of rows, with the labels that they carried."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["Labelled", "share_below"]


class Labelled(NamedTuple):
    """Rows with the labels that they carried in a training.

    Attributes
    ----------
    values : ndarray of shape (n,)
        Their difficulty, such as the consensus on other labels.
    codes : ndarray of shape (n,), int
        Class numbers.
    """

    values: np.ndarray
    codes: np.ndarray

    @classmethod
    def none(cls) -> "Labelled":
        """No rows."""
        return cls(np.zeros(0), np.zeros(0, dtype=np.int64))

    @classmethod
    def together(cls, parts: "Sequence[Labelled]") -> "Labelled":
        """Rows of several parts, one part after the other."""
        return cls(
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.codes for part in parts]),
        )

    def per_class(self, n_classes: int) -> np.ndarray:
        """How many rows carry each label, of shape (n_classes,)."""
        return np.bincount(self.codes, minlength=n_classes)

    def of_class(self, code: int) -> np.ndarray:
        """Values of the rows that carry a label."""
        return self.values[self.codes == code]

    def take(self, rows: np.ndarray) -> "Labelled":
        """Some of the rows, by their numbers or a mask."""
        return Labelled(self.values[rows], self.codes[rows])


def share_below(values: np.ndarray, others: np.ndarray) -> float:
    """Share of other values that are below some, in the mean; ties count half.

    Parameters
    ----------
    values, others : ndarray of shape (n,), (m,)
        At least one of each.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.labels._labelled import share_below
    >>> share_below(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
    0.875
    """
    others = np.sort(others)
    below = [np.searchsorted(others, values, side) for side in ("left", "right")]
    return float(np.mean(below)) / len(others)
