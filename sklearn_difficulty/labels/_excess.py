"""How much more wrong planted errors look than other rows with the same label."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from sklearn_difficulty.labels._labelled import Labelled, share_below

__all__ = ["Excess"]


class Excess(NamedTuple):
    """Sum over planted errors of what is looked at, and its variance if they look like the others.

    Attributes
    ----------
    total : float
        For each error the share of the other rows with its label that look less wrong, above a
        half; from minus a half to a half of the errors.
    variance : float
        Of that total, where errors and other rows are alike.
    n_errors : int
        How many errors it sums up.

    References
    ----------
    P. H. van Elteren. On the combination of independent two sample tests of Wilcoxon. Bulletin of
    the International Statistical Institute, 1960.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.labels._excess import Excess
    >>> from sklearn_difficulty.labels._labelled import Labelled
    >>> errors = Labelled(np.array([3.0, 2.0]), np.array([0, 1]))
    >>> others = Labelled(np.array([1.0, 2.0, 1.0, 3.0]), np.array([0, 0, 1, 1]))
    >>> Excess.of(errors, others).total
    0.5
    """

    total: float
    variance: float
    n_errors: int

    @classmethod
    def none(cls) -> "Excess":
        """Of no errors."""
        return cls(0.0, 0.0, 0)

    @classmethod
    def of(cls, planted: Labelled, others: Labelled) -> "Excess":
        """Compare errors with the other rows of the same label.

        That the labels of rare classes look wrong says nothing, hence the same label.
        """
        total, variance, n_errors = cls.none()
        for code in np.unique(planted.codes):
            errors, rest = planted.of_class(code), others.of_class(code)
            if len(rest):
                # The test of Mann and Whitney in each class, and van Elteren's of all together.
                total += len(errors) * (share_below(errors, rest) - 0.5)
                variance += len(errors) * (len(errors) + len(rest) + 1) / (12 * len(rest))
                n_errors += len(errors)
        return cls(total, variance, n_errors)

    @classmethod
    def together(cls, some: "Iterable[Excess]") -> "Excess":
        """That of all errors together."""
        return cls(*(sum(parts) for parts in zip(cls.none(), *some, strict=True)))

    @property
    def mean(self) -> float:
        """Of each error, from -0.5 to 0.5."""
        return self.total / max(self.n_errors, 1)

    @property
    def deviations(self) -> float:
        """As a number of standard deviations."""
        return float(self.total / np.sqrt(self.variance)) if self.variance else 0.0
