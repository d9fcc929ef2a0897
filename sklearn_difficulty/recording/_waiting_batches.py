"""Outputs of batches that wait to be recorded together.

The records of a batch are a dozen operations on few numbers each, which take longer than the
batch itself where the network is small. Those of many batches take no longer.
"""

from typing import Any

import numpy as np
import torch

from sklearn_difficulty.recording._losses import is_torchs_own, unwrapped
from sklearn_difficulty.recording._overrides import is_known

_MOST_VALUES = 2**18
_MOST_ROWS = 2**15


def can_wait(net: Any, y_pred: Any, targets: Any) -> bool:
    """Whether losses of rows can be told later, from outputs and targets alone.

    Parameters
    ----------
    net : skorch.NeuralNet
        Initialized net.
    y_pred, targets : objects
        Outputs and targets of a batch.
    """
    criterion = unwrapped(net.criterion_)
    return (
        isinstance(y_pred, torch.Tensor)
        and isinstance(targets, torch.Tensor)
        and y_pred.ndim > 0
        and is_known(net, "get_loss")
        and is_torchs_own(criterion)
        and not any(True for _ in criterion.parameters())
    )


class WaitingBatches:
    """Copies of outputs and targets, until there are many."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget what waits."""
        self._batches: list[tuple[np.ndarray, torch.Tensor, torch.Tensor]] = []
        self._n_rows = 0

    def go_with(self, y_pred: torch.Tensor, targets: torch.Tensor) -> bool:
        """Whether outputs and targets are of the kind of those that wait."""
        return not self._batches or self._kind == _kind(y_pred, targets)

    def add(
        self,
        rows: np.ndarray,
        y_pred: torch.Tensor,
        targets: torch.Tensor,
        *,
        keeps_targets: bool = False,
    ) -> bool:
        """Let a batch wait.

        Parameters
        ----------
        rows : ndarray of int of shape (k,)
            Row numbers.
        y_pred, targets : tensors of shape (k, ...)
            Outputs and targets; a module may use their memory again for the next batch.
        keeps_targets : bool, default=False
            Whether nobody does so with that of the targets.

        Returns
        -------
        are_many : bool
            Whether as many wait as are worth recording.
        """
        if not self._batches:
            values_per_row = max(1, y_pred.numel() // max(1, len(y_pred)))
            self._kind = _kind(y_pred, targets)
            self._most_rows = min(_MOST_ROWS, _MOST_VALUES // values_per_row)
        targets = targets if keeps_targets else targets.clone()
        self._batches.append((rows, y_pred.detach().clone(), targets))
        self._n_rows += len(rows)
        return self._n_rows >= self._most_rows

    def take(self) -> tuple[np.ndarray, torch.Tensor, torch.Tensor] | None:
        """Rows, outputs and targets of all that waits; None for nothing."""
        if not self._batches:
            return None
        rows, y_pred, targets = zip(*self._batches, strict=True)
        self.clear()
        return np.concatenate(rows), torch.cat(y_pred), torch.cat(targets)


def _kind(y_pred: torch.Tensor, targets: torch.Tensor) -> tuple[Any, ...]:
    return tuple((part.shape[1:], part.dtype, part.device) for part in (y_pred, targets))
