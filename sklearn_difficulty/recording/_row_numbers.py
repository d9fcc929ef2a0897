"""Which rows of a dataset the batches of an iterator hold."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset

from sklearn_difficulty.recording._array_batches import ArrayBatches


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

    is_alone_with_rows = False  # as an ArrayBatches may be

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
