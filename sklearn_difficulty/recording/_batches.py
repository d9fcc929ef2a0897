"""Batches of rows: drawn in memory where that is the same, and always with row numbers.

A training loop that goes through :class:`torch.utils.data.DataLoader` spends most of its
time collating single rows when the network is small. :func:`faster` puts an in-memory
iterator in its place where the two yield the same batches from the same random numbers.
:func:`with_rows` makes any iterator say which rows its last batch held.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import scipy.sparse
import torch
from skorch.dataset import Dataset
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    default_collate,
)

from sklearn_difficulty.recording._datasets import LabelledDataset, base_rows
from sklearn_difficulty.recording._inputs import CastDataset

# A pass without gradients holds no activations, so it takes larger batches than training: as
# many rows as make this many input values, within these limits. The user's batch size stays
# the measure: it may be small because a row takes much memory inside the network.
_VALUES_PER_BATCH = 2**20
_MOST_ROWS_PER_BATCH = 8192
_MOST_TIMES_LARGER = 8


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

    Attributes
    ----------
    batch_size : int
        Rows in a batch; may be changed.
    rows : ndarray of int
        Which of the rows to draw from were in the batch that was yielded last.
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
    ) -> None:
        self._X = X.tocsr() if scipy.sparse.issparse(X) else X
        self._X_rows = X_rows
        self._dtype = dtype
        self._y = y
        self.batch_size = batch_size
        self._shuffle = shuffle
        self._drop_last = drop_last
        self._base = rows
        n_rows = X.shape[0] if X_rows is None else len(X_rows)
        self._n_rows = n_rows if rows is None else len(rows)
        self.rows: np.ndarray = np.empty(0, dtype=np.int64)

    @property
    def values_per_row(self) -> int:
        return max(1, int(np.prod(self._X.shape[1:])))

    def __len__(self) -> int:
        full, rest = divmod(self._n_rows, self.batch_size)
        return full + (rest > 0 and not self._drop_last)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        order = self._order().numpy()
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            self.rows = order[start : start + self.batch_size]
            yield self._take(self.rows if self._base is None else self._base[self.rows])

    def _order(self) -> torch.Tensor:
        # These are the draws of DataLoader (a seed for its workers) and of RandomSampler
        # (a seed for its permutation), so that the next user of the generator meets it
        # in the same state.
        torch.empty((), dtype=torch.int64).random_()
        if not self._shuffle:
            return torch.arange(self._n_rows)
        seed = int(torch.empty((), dtype=torch.int64).random_())
        generator = torch.Generator().manual_seed(seed)
        return torch.randperm(self._n_rows, generator=generator)

    def _take(self, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        # skorch stands a zero in for a missing target, one per row
        y = torch.zeros(len(rows), 1) if self._y is None else _taken(self._y, rows)
        X_rows = rows if self._X_rows is None else self._X_rows[rows]
        return _taken(self._X, X_rows, self._dtype), y


def _taken(array: Any, rows: np.ndarray, dtype: np.dtype | None = None) -> torch.Tensor:
    """Rows of an array, in the type that collating them one by one gives."""
    if isinstance(array, torch.Tensor):
        return array[torch.from_numpy(rows)]
    if scipy.sparse.issparse(array):
        return torch.from_numpy(array[rows].toarray())
    # A copy of the rows and not a tensor of the whole: torch has none for arrays that are
    # read-only or run backwards.
    few = np.take(array, rows, axis=0)
    if dtype is not None:
        return torch.from_numpy(few.astype(dtype, copy=False))
    taken = torch.from_numpy(few)
    return taken.to(default_collate([array[0]]).dtype) if array.ndim == 1 else taken


def _plain_arrays(dataset: Any) -> dict[str, Any] | None:
    """X and y of a dataset of arrays, or None where rows may be made on the fly."""
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


def faster(iterator: Any) -> Any:
    """In-memory iterator with the same batches as a plain DataLoader; else the argument."""
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
        own = iterator.batch_size
        most_rows = min(_VALUES_PER_BATCH // iterator.values_per_row, _MOST_ROWS_PER_BATCH)
        iterator.batch_size = max(own, min(most_rows, _MOST_TIMES_LARGER * own))
    return iterator


class _QueueingSampler:
    """Batch sampler that notes the rows of each batch before handing them on."""

    def __init__(self, sampler: Iterable[Any], queue: deque) -> None:
        self.sampler = sampler
        self.queue = queue

    def __len__(self) -> int:
        return len(self.sampler)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        self.queue.clear()  # an earlier pass may have been left in the middle
        for rows in self.sampler:
            self.queue.append(rows)
            yield rows


class _NotingDataset(torch.utils.data.Dataset):
    """Dataset that notes which of its rows are asked for."""

    def __init__(self, dataset: Any, queue: deque) -> None:
        self.dataset = dataset
        self.queue = queue

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, row: Any) -> Any:
        self.queue.append(row)
        return self.dataset[row]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.dataset, name)


class RowsOfIterator:
    """Iterator whose `rows` attribute says which rows of `dataset` the last batch held.

    Parameters
    ----------
    make : callable
        ``make(dataset)`` builds the user's iterator.
    dataset : dataset
        What it iterates over.

    Raises
    ------
    TypeError
        For an iterable-style dataset, which has no row numbers, and for an iterator that
        hands batches out in another order than it asks for them.
    """

    def __init__(self, make: Callable[[Any], Any], dataset: Any) -> None:
        self._queue: deque = deque()
        self.rows: np.ndarray = np.empty(0, dtype=np.int64)
        iterator = make(dataset)
        self._batched = isinstance(iterator, DataLoader)
        if self._batched:
            self._watch(iterator)
        else:
            iterator = make(_NotingDataset(dataset, self._queue))
        self._iterator = iterator

    def _watch(self, loader: DataLoader) -> None:
        if isinstance(loader.dataset, IterableDataset):
            raise TypeError(
                "The rows of a batch cannot be told from an IterableDataset, which has no "
                "row numbers: use a map-style dataset."
            )
        if not getattr(loader, "in_order", True):
            raise TypeError(
                "The rows of a batch cannot be told when iterator_train__in_order=False: "
                "leave it at True, or record with when='after'."
            )
        # DataLoader refuses to have these set after __init__, though it reads them anew
        # for every pass; a second loader would need every argument of the user's own.
        name = "sampler" if loader.batch_sampler is None else "batch_sampler"
        vars(loader)[name] = _QueueingSampler(getattr(loader, name), self._queue)

    def __len__(self) -> int:
        return len(self._iterator)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_iterator":
            raise AttributeError(name)
        return getattr(self._iterator, name)

    def __iter__(self) -> Iterator[Any]:
        for batch in self._iterator:
            noted = self._queue.popleft() if self._batched else list(self._queue)
            if not self._batched:
                self._queue.clear()
            self.rows = np.atleast_1d(np.asarray(noted, dtype=np.int64)).ravel()
            yield batch


def with_rows(make: Callable[[Any], Any], dataset: Any) -> Any:
    """Iterator made by `make(dataset)` that knows the rows of `dataset` in its last batch."""
    iterator = make(dataset)
    if isinstance(iterator, ArrayBatches | RowsOfIterator):
        return iterator
    return RowsOfIterator(make, dataset)


class FasterIterator:
    """The user's `iterator_train`, in memory where that yields the same batches."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self.make = make

    def __call__(self, dataset: Any, **kwargs: Any) -> Any:
        return faster(self.make(dataset, **kwargs))
