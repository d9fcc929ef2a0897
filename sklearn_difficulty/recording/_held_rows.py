"""Rows of an array in memory, to be taken in any order."""

from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch.utils.data import default_collate

# Of an accelerator's memory rows may take so much, and the network has the rest.
_MOST_OF_FREE_MEMORY = 0.25


class HeldRows:
    """Rows of an array, in the type that collating them one by one gives.

    Parameters
    ----------
    array : ndarray, tensor or sparse matrix of shape (n, ...)
        The rows.
    dtype : dtype or None, default=None
        What they are cast to; None leaves them as they are.
    device : torch.device or None, default=None
        Where to hold them, if there is room; None leaves them where they are.
    """

    def __init__(self, array: Any, dtype: Any = None, device: torch.device | None = None) -> None:
        self._array = array.tocsr() if scipy.sparse.issparse(array) else array
        # What is cast batch by batch is large, and NumPy's memory is used again with fewer gaps.
        self._tensor = _as_tensor(array) if dtype is None else None
        self._cast_to = dtype
        self._collated: torch.dtype | None = None
        if isinstance(array, np.ndarray) and array.ndim == 1 and len(array):
            self._collated = default_collate([array[0]]).dtype
        if self._tensor is not None and device is not None and _has_room(device, self._tensor):
            self._tensor = self._tensor.to(device)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self._array.shape)

    @property
    def is_floating_point(self) -> bool:
        if self._tensor is not None:
            return self._tensor.is_floating_point()
        return np.dtype(self._cast_to or self._array.dtype).kind == "f"

    @property
    def row_nbytes(self) -> int:
        """Memory of a row that is copied from a tensor; 0 where rows are made anew."""
        tensor = self._tensor
        if tensor is None or not len(tensor) or self._collated not in (None, tensor.dtype):
            return 0
        return tensor[0].nbytes

    def take(self, rows: torch.Tensor) -> torch.Tensor:
        """Some of the rows, in memory of their own."""
        if self._tensor is not None:
            if not self._tensor.is_cpu:
                rows = rows.to(self._tensor.device)
            taken = self._tensor.index_select(0, rows)
        elif scipy.sparse.issparse(self._array):
            taken = torch.from_numpy(self._array[rows.numpy()].toarray())
        else:
            few = np.take(self._array, rows.numpy(), axis=0)
            if self._cast_to is not None:
                few = few.astype(self._cast_to, copy=False)
            taken = torch.from_numpy(few)
        return taken if self._collated is None else taken.to(self._collated)


def _as_tensor(array: Any) -> torch.Tensor | None:
    """A tensor that shares an array's memory; None where torch has none.

    It has none for arrays that run backwards, warns of those that are read-only, and takes no
    rows of larger numbers without a sign.
    """
    if isinstance(array, torch.Tensor):
        return array
    shareable = (
        isinstance(array, np.ndarray)
        and array.flags.writeable
        and array.dtype.isnative
        and (array.dtype.kind != "u" or array.itemsize == 1)
        and all(stride >= 0 and stride % array.itemsize == 0 for stride in array.strides)
    )
    return torch.from_numpy(array) if shareable else None


def _has_room(device: torch.device, tensor: torch.Tensor) -> bool:
    """Whether a tensor takes a small part of an accelerator's free memory."""
    if device.type != "cuda":
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return tensor.nbytes <= _MOST_OF_FREE_MEMORY * free
