"""Rows whose loss became NaN or infinite in an epoch."""

import numpy as np
import torch
from skorch.utils import to_numpy

from sklearn_difficulty.recording._elements import RowLosses

_MOST_ROWS_NAMED = 5


class BadRows:
    """Rows of which the loss is not finite, and the parts of the loss that are not.

    Attributes
    ----------
    rows : list of int
        Their numbers.
    """

    def __init__(self) -> None:
        self.rows: list[int] = []
        self._parts: set[str] = set()

    def note(self, rows: np.ndarray, losses: RowLosses) -> None:
        """Note those of a batch; a row of which no element counts has no loss.

        Parameters
        ----------
        rows : ndarray of int of shape (k,)
            Row numbers.
        losses : RowLosses
            Their losses.
        """
        if losses.loss.sum().isfinite():  # which is told sooner, and says so of every row
            return
        bad = ~torch.isfinite(losses.loss)
        if losses.is_empty is not None:
            bad &= ~losses.is_empty
        if bad.any():
            self.rows += rows[to_numpy(bad)].tolist()
            self._parts |= {
                name
                for name, part in losses.components.items()
                if not torch.isfinite(part[bad]).all()
            }

    def described(self) -> str:
        """Which they are, in words."""
        few = sorted(self.rows)[:_MOST_ROWS_NAMED]
        more = ", ..." if len(self.rows) > len(few) else ""
        parts = f", in the part {', '.join(map(repr, sorted(self._parts)))}" if self._parts else ""
        return f"row{'s' if len(self.rows) > 1 else ''} {', '.join(map(str, few))}{more}{parts}"
