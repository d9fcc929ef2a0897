"""The rows of a batch, whatever it is made of: tensors, tuples and mappings of them, lists."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils._pytree import tree_flatten, tree_unflatten


class RowList(list[Any]):
    """Something different for each row of a batch, such as boxes of different number."""

    def __getitem__(self, rows: Any) -> Any:
        taken = super().__getitem__(rows)
        return RowList(taken) if isinstance(rows, slice) else taken


def on_device(targets: Any, n_rows: int, device: Any) -> Any:
    """Targets of a batch where the outputs are; a list with an entry for each row as such.

    Parameters
    ----------
    targets : object
        As the iterator gives them.
    n_rows : int
        Rows of the batch.
    device : str or torch.device
        Where to put tensors.
    """
    if isinstance(targets, torch.Tensor):
        return targets.to(device)
    if isinstance(targets, list) and len(targets) == n_rows:
        return RowList(targets)
    return targets


class BatchRows:
    """The parts of a batch, to be taken apart into rows.

    Parameters
    ----------
    n_rows : int
        Rows of the batch.
    *parts : objects
        Outputs, targets, inputs: tensors and lists of `n_rows` rows in them are taken apart, and
        whatever else is in them is the same for each row.

    Attributes
    ----------
    held : list of tensor or RowList
        What is taken apart.
    are_tensors : bool
        Whether all of it is tensors, which a function can be mapped over.
    """

    def __init__(self, n_rows: int, *parts: Any) -> None:
        self._n_rows = n_rows
        self._leaves, self._spec = tree_flatten(parts)
        self._places = [place for place, leaf in enumerate(self._leaves) if _has_rows(leaf, n_rows)]
        self.held = [self._leaves[place] for place in self._places]
        self.are_tensors = all(isinstance(leaf, torch.Tensor) for leaf in self.held)

    def whole(self, rows: Sequence[Any]) -> Any:
        """All parts, with others in the places of what is held."""
        filled = list(self._leaves)
        for place, part in zip(self._places, rows, strict=True):
            filled[place] = part
        return tree_unflatten(filled, self._spec)

    def piece(self, start: int, stop: int) -> Any:
        """All parts of the rows from `start` to `stop`."""
        return self.whole([part[start:stop] for part in self.held])

    def singly(self) -> Iterator[Any]:
        """All parts of one row after the other, as batches of one."""
        for row in range(self._n_rows):
            yield self.piece(row, row + 1)


def _has_rows(leaf: Any, n_rows: int) -> bool:
    if isinstance(leaf, RowList):
        return len(leaf) == n_rows
    return isinstance(leaf, torch.Tensor) and bool(leaf.ndim) and len(leaf) == n_rows
