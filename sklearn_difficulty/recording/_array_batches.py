"""Batches of arrays that are held in memory, where a DataLoader would yield the same ones.

A training loop that goes through :class:`torch.utils.data.DataLoader` spends most of its
time collating single rows when the network is small. :func:`faster` puts an in-memory
iterator in its place where the two yield the same batches from the same random numbers.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse
import torch
from skorch.dataset import Dataset
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    RandomSampler,
    SequentialSampler,
    default_collate,
    default_convert,
)

from sklearn_difficulty._data import as_row_objects
from sklearn_difficulty.recording._datasets import LabelledDataset, base_rows
from sklearn_difficulty.recording._held_rows import HeldRows
from sklearn_difficulty.recording._inputs import CastDataset

# The user's batch size is a measure of how much memory a row takes inside the network. A pass
# without gradients holds no activations, so that it takes several times as many rows at once. And
# whatever the size, rows of real numbers that are few in all are small inside any network; numbers
# of words are not, which stand for whole vectors.
_TIMES_LARGER_WITHOUT_GRADIENTS = 8
# One to the gradients by its inputs alone holds fewer activations than training, which keeps the
# inputs of layers for the gradients of their weights, too. Large rows are left as many as they are.
_TIMES_LARGER_WITH_GRADIENTS = 2
_VALUES_PER_BATCH_WITH_GRADIENTS = 2**18
_FEW_VALUES = 2**17
_FEW_VALUES_WITH_GRADIENTS = 2**16
_VALUES_PER_BATCH = 2**20
# Batches that are copied at once stay in a processor's cache until they are needed.
BYTES_AT_ONCE = 2**18
_ALIGNMENT = 64
_MOST_ROWS_PER_BATCH = 8192


class ArrayBatches:
    """Batches of arrays held in memory, with the order and random draws of a DataLoader.

    Parameters
    ----------
    X, y : array of shape (n, ...)
        Inputs (a NumPy array, a torch tensor, or a sparse matrix, whose batches are made
        dense) and targets (None where there are none).
    batch_size : int
        Rows in a batch.
    shuffle, drop_last : bool
        As in :class:`torch.utils.data.DataLoader`.
    rows : ndarray of int or None
        The rows to draw from; None for all.
    X_rows : ndarray of int or None, default=None
        Where the rows lie in `X`; None where they lie as in `y`.
    dtype : dtype or None, default=None
        What each batch of inputs is cast to; None leaves it as it is.
    device : torch.device or None, default=None
        Where all batches go to, if nobody else handles them: an accelerator holds inputs and
        targets, where they fit, and of those in memory several batches are copied at once.
    loader : DataLoader or None, default=None
        What the batches are those of, asked for attributes that are not here.

    Attributes
    ----------
    batch_size : int
        Rows in a batch; may be changed.
    is_alone_with_rows : bool
        Whether nobody else handles rows in memory, and batches that were handed out.
    """

    def __init__(
        self,
        X: Any,
        y: Any,
        *,
        batch_size: int,
        shuffle: bool = False,
        drop_last: bool = False,
        rows: np.ndarray | None = None,
        X_rows: np.ndarray | None = None,
        dtype: np.dtype | None = None,
        device: torch.device | None = None,
        loader: Any = None,
    ) -> None:
        self._loader = loader
        self._inputs = HeldRows(X, dtype, device)
        self._targets = None if y is None else HeldRows(y, device=device)
        self._X_rows = None if X_rows is None else torch.as_tensor(X_rows)
        self.batch_size = batch_size
        self._shuffle = shuffle
        self._drop_last = drop_last
        # Who else handles rows may change them between two batches.
        self.is_alone_with_rows = device is not None and device.type == "cpu"
        self._base = None if rows is None else torch.as_tensor(rows)
        n_rows = X.shape[0] if X_rows is None else len(X_rows)
        self._n_rows = n_rows if rows is None else len(rows)
        self._last = torch.empty(0, dtype=torch.int64)

    @property
    def rows(self) -> np.ndarray:
        """Which of the rows to draw from were in the batch that was yielded last."""
        return self._last.numpy()

    def enlarge(
        self, *, most_times: int, few_values: int, most_values: int = _VALUES_PER_BATCH
    ) -> None:
        """Make batches larger, for what needs no more memory with each row than training does.

        Parameters
        ----------
        most_times : int
            How many times the size of a batch in training.
        few_values : int
            Input values that a batch may hold anyway, where they are real numbers.
        most_values : int, default=2**20
            Input values that a batch may hold where it is enlarged.
        """
        values_per_row = max(1, int(np.prod(self._inputs.shape[1:])))
        n_rows = most_times * self.batch_size
        if self._inputs.is_floating_point:
            n_rows = max(n_rows, few_values // values_per_row)
        n_rows = min(n_rows, most_values // values_per_row, _MOST_ROWS_PER_BATCH)
        self.batch_size = max(self.batch_size, n_rows)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._loader, name)

    def __len__(self) -> int:
        full, rest = divmod(self._n_rows, self.batch_size)
        return full + (rest > 0 and not self._drop_last)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        order, n_at_once = self.order(), self._n_at_once()
        for several in order.split(n_at_once * self.batch_size) if len(order) else ():
            taken = self.take(several)
            if n_at_once == 1:
                self._last = several
                yield taken
                continue
            parts = (part.split(self.batch_size) for part in (several, *taken))
            for self._last, X, y in zip(*parts, strict=True):
                # as tensors of their own, of which a module may change one without the others
                yield X.detach(), y.detach()

    def _n_at_once(self) -> int:
        """How many batches to copy at once, of which each takes longer alone."""
        if not self.is_alone_with_rows or self._targets is None:
            return 1
        sizes = [self.batch_size * held.row_nbytes for held in (self._inputs, self._targets)]
        # A product of matrices may be rounded in another way where they do not begin at such
        # a multiple, as all memory of torch does.
        if any(size == 0 or size % _ALIGNMENT for size in sizes):
            return 1
        return max(1, BYTES_AT_ONCE // max(sizes))

    def order(self) -> torch.Tensor:
        """Rows to draw from in the order of the next pass, drawn as a DataLoader would."""
        # These are the draws of DataLoader (a seed for its workers) and of RandomSampler
        # (a seed for its permutation), so that the next user of the generator meets it
        # in the same state.
        torch.empty((), dtype=torch.int64).random_()
        n_drawn = min(self._n_rows, len(self) * self.batch_size)
        if not self._shuffle:
            return torch.arange(n_drawn)
        seed = int(torch.empty((), dtype=torch.int64).random_())
        generator = torch.Generator().manual_seed(seed)
        return torch.randperm(self._n_rows, generator=generator)[:n_drawn]

    def take(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs and targets of some of the rows to draw from."""
        if self._base is not None:
            rows = self._base[rows]
        X = self._inputs.take(rows if self._X_rows is None else self._X_rows[rows])
        # skorch stands a zero in for a missing target, one per row
        y = torch.zeros(len(rows), 1) if self._targets is None else self._targets.take(rows)
        return X, y


def _plain_arrays(dataset: Any) -> dict[str, Any] | None:
    """X and y of a dataset of arrays, or None where rows may be made on the fly."""
    if getattr(dataset, "are_targets", False):
        return None
    if type(dataset) in (Dataset, CastDataset):
        held = {"X": dataset.X, "y": dataset.y, "dtype": getattr(dataset, "dtype", None)}
    elif type(dataset) is LabelledDataset:
        X, X_rows = dataset.held()
        held = {"X": X, "y": dataset.targets, "X_rows": X_rows}
    else:
        return None
    X, y = held["X"], held["y"]
    if not (isinstance(X, np.ndarray | torch.Tensor) or scipy.sparse.issparse(X)):
        return None
    if not (y is None or isinstance(y, np.ndarray | torch.Tensor)):
        return None
    if any(isinstance(a, np.ndarray) and a.dtype.kind not in "fiub" for a in (X, y)):
        return None
    if any(isinstance(a, torch.Tensor) and a.layout != torch.strided for a in (X, y)):
        return None  # which torch collates no batches of, and says so
    return held


def _is_plain_sampler(sampler: Any, n_rows: int) -> bool:
    if type(sampler) is SequentialSampler:
        return len(sampler) == n_rows
    return (
        type(sampler) is RandomSampler
        and not sampler.replacement
        and sampler.num_samples == n_rows
        and sampler.generator is None
    )


def with_row_lists(iterator: Any) -> Any:
    """Let a DataLoader hand out targets that are no array as a list with an entry for each row."""
    if type(iterator) is DataLoader and iterator.collate_fn is default_collate:
        dataset, _ = base_rows(iterator.dataset)
        held = None
        if type(dataset) is LabelledDataset:
            held = dataset.targets
        elif type(dataset) in (Dataset, CastDataset):
            held = dataset.y
        are_objects = getattr(getattr(held, "dtype", None), "kind", "") == "O"
        if are_objects and as_row_objects(held) is not None:
            iterator.collate_fn = _collate_row_lists
    return iterator


def _collate_row_lists(rows: list[tuple[Any, Any]]) -> tuple[Any, list[Any]]:
    inputs, targets = zip(*rows, strict=True)
    return default_collate(list(inputs)), [default_convert(target) for target in targets]


def faster(iterator: Any, device: Any = None) -> Any:
    """In-memory iterator with the same batches as a plain DataLoader; else the argument.

    Parameters
    ----------
    iterator : iterator
        As a net makes it.
    device : str, torch.device or None, default=None
        Where all batches are about to go to, pass by pass, if nobody but the net handles them;
        None for a single pass.
    """
    iterator = with_row_lists(iterator)
    if type(iterator) is not DataLoader or type(iterator.batch_sampler) is not BatchSampler:
        return iterator
    drawn = iterator.batch_sampler
    dataset, rows = base_rows(iterator.dataset)
    arrays = _plain_arrays(dataset)
    if (
        arrays is None
        or iterator.num_workers
        or iterator.pin_memory
        or iterator.generator is not None
        or iterator.collate_fn is not default_collate
        or not _is_plain_sampler(drawn.sampler, len(dataset) if rows is None else len(rows))
    ):
        return iterator
    return ArrayBatches(
        **arrays,
        batch_size=drawn.batch_size,
        shuffle=type(drawn.sampler) is RandomSampler,
        drop_last=drawn.drop_last,
        rows=rows,
        device=None if device is None else torch.device(device),
        loader=iterator,
    )


def for_recording(iterator: Any) -> Any:
    """The same rows, in memory and in larger batches where that is possible.

    Parameters
    ----------
    iterator : iterator
        As a net makes it for a pass that does not train.
    """
    iterator = faster(iterator)
    if isinstance(iterator, ArrayBatches):
        iterator.enlarge(most_times=_TIMES_LARGER_WITHOUT_GRADIENTS, few_values=_FEW_VALUES)
    return iterator


def for_gradients(iterator: Any) -> Any:
    """The same for a pass to the gradients by the inputs, with activations to hold."""
    iterator = faster(iterator)
    if isinstance(iterator, ArrayBatches):
        iterator.enlarge(
            most_times=_TIMES_LARGER_WITH_GRADIENTS,
            few_values=_FEW_VALUES_WITH_GRADIENTS,
            most_values=_VALUES_PER_BATCH_WITH_GRADIENTS,
        )
    return iterator


class FasterIterator:
    """The user's `iterator_train`, in memory where that yields the same batches."""

    def __init__(self, make: Callable[..., Any], device: Any = None) -> None:
        self.make = make
        self.device = device

    def __call__(self, dataset: Any, **kwargs: Any) -> Any:
        return faster(self.make(dataset, **kwargs), self.device)
