"""What a training on planted errors shows of right and wrong labels."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

__all__ = ["Labelled", "Shown", "share_below"]

_FEWEST_PLANTED = 3
# Of the test that planted errors look more wrong than other rows with the same label.
_LEVEL = 0.1


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

    def per_class(self, n_classes: int) -> np.ndarray:
        """How many rows carry each label, of shape (n_classes,)."""
        return np.bincount(self.codes, minlength=n_classes)

    def of_class(self, code: int) -> np.ndarray:
        """Values of the rows that carry a label."""
        return self.values[self.codes == code]

    def take(self, rows: np.ndarray) -> "Labelled":
        """Some of the rows, by their numbers or a mask."""
        return Labelled(self.values[rows], self.codes[rows])


class Shown(NamedTuple):
    """Rows of a training on planted errors.

    Attributes
    ----------
    planted, others : Labelled
        Those whose labels were made wrong, and all others.
    wrong, right : Labelled
        The same without the rows whose given label the first training did not believe: if that was
        wrong already, a planted one could be right.
    """

    planted: Labelled
    others: Labelled
    wrong: Labelled
    right: Labelled

    @classmethod
    def of(cls, rows: Labelled, planted: np.ndarray, believed: np.ndarray) -> "Shown":
        """Sort the rows of a training; those without a value are left out.

        Parameters
        ----------
        rows : Labelled
            All rows.
        planted, believed : ndarray of shape (n,), bool
            Where the errors are, and where the given labels were believed.
        """
        known = ~np.isnan(rows.values)
        parts = (known & planted, known & ~planted)
        return cls(*(rows.take(p) for p in parts), *(rows.take(p & believed) for p in parts))

    @classmethod
    def none(cls) -> "Shown":
        """Where there was no such training."""
        return cls(*[Labelled.none()] * 4)

    @classmethod
    def pooled(cls, shown: "Iterable[Shown]") -> "Shown":
        """Put the rows of several trainings together."""
        together = zip(cls.none(), *shown, strict=True)
        return cls(
            *(Labelled(*map(np.concatenate, zip(*parts, strict=True))) for parts in together)
        )

    @property
    def enough(self) -> bool:
        """Whether there are rows enough to learn from."""
        return len(self.wrong.values) >= _FEWEST_PLANTED and len(self.right.values) > 0

    @property
    def typical(self) -> tuple[float, float]:
        """Values of the typical right and the typical wrong label.

        Some of the others are wrong, and those that the first training believed are the easier
        ones: right is between the two.
        """
        others, right, wrong = (
            float(np.median(part.values)) for part in (self.others, self.right, self.wrong)
        )
        return (others + right) / 2, wrong

    @property
    def tells(self) -> bool:
        """Whether planted errors look more wrong than other rows with the same label.

        A model that cannot tell labels that are known to be wrong knows nothing of others. That the
        labels of rare classes look wrong says nothing, hence the same label; nor does it that those
        look wrong that it did not believe, hence all rows.

        References
        ----------
        P. H. van Elteren. On the combination of independent two sample tests of Wilcoxon. Bulletin
        of the International Statistical Institute, 1960.
        """
        excess = variance = 0.0
        for code in np.unique(self.planted.codes):
            planted, others = self.planted.of_class(code), self.others.of_class(code)
            if len(others):
                # The test of Mann and Whitney in each class, and van Elteren's of all together.
                excess += len(planted) * (share_below(planted, others) - 0.5)
                variance += len(planted) * (len(planted) + len(others) + 1) / (12 * len(others))
        right, wrong = self.typical
        return bool(variance and norm.sf(excess / np.sqrt(variance)) <= _LEVEL and wrong > right)

    def drawn(self, draw: Callable[[Labelled], Labelled]) -> "Shown":
        """The same with each part drawn again."""
        return Shown(*map(draw, self))


def share_below(values: np.ndarray, others: np.ndarray) -> float:
    """Share of other values that are below some, in the mean; ties count half.

    Parameters
    ----------
    values, others : ndarray of shape (n,), (m,)
        At least one of each.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.labels._shown import share_below
    >>> share_below(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
    0.875
    """
    others = np.sort(others)
    below = [np.searchsorted(others, values, side) for side in ("left", "right")]
    return float(np.mean(below)) / len(others)
