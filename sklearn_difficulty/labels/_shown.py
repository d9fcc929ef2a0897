"""What a training on planted errors shows of right and wrong labels."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from sklearn_difficulty.labels._excess import Excess
from sklearn_difficulty.labels._labelled import Labelled

__all__ = ["Shown"]

_FEWEST_PLANTED = 3
# Of the test that planted errors look more wrong than other rows with the same label.
_LEVEL = 0.1


class Shown(NamedTuple):
    """Rows of a training on planted errors.

    Attributes
    ----------
    others : Labelled
        Those whose labels were left as they are.
    wrong, right : Labelled
        Those whose labels were made wrong, and the others, without the rows whose given label the
        first training did not believe: if that was wrong already, a planted one could be right.
    excess : Excess
        How much more wrong the planted errors look than the others, whatever was believed: that
        labels look wrong that the first training did not believe says nothing.
    """

    others: Labelled
    wrong: Labelled
    right: Labelled
    excess: Excess

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
        errors, others = rows.take(known & planted), rows.take(known & ~planted)
        wrong, right = (rows.take(known & believed & p) for p in (planted, ~planted))
        return cls(others, wrong, right, Excess.of(errors, others))

    @classmethod
    def none(cls) -> "Shown":
        """Where there was no such training."""
        return cls(Labelled.none(), Labelled.none(), Labelled.none(), Excess.none())

    @classmethod
    def pooled(cls, shown: "Iterable[Shown]") -> "Shown":
        """Put the rows of several trainings together."""
        others, wrong, right, excesses = zip(cls.none(), *shown, strict=True)
        return cls(
            Labelled.together(others),
            Labelled.together(wrong),
            Labelled.together(right),
            Excess.together(excesses),
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

        A model that cannot tell labels that are known to be wrong knows nothing of others. Nor do
        errors tell, where there are not enough of them.
        """
        if not self.enough or norm.sf(self.excess.deviations) > _LEVEL:
            return False
        right, wrong = self.typical
        return wrong > right

    def drawn(self, draw: Callable[[Labelled], Labelled], deviations: float = 0.0) -> "Shown":
        """The same with rows drawn again, and an excess that is off by standard deviations."""
        total, variance, n_errors = self.excess
        excess = Excess(total + deviations * float(np.sqrt(variance)), variance, n_errors)
        return Shown(draw(self.others), draw(self.wrong), draw(self.right), excess)
