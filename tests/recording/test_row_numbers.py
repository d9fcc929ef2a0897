"""Iterators that say which rows their last batch held."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from skorch.dataset import Dataset
from torch.utils.data import DataLoader, IterableDataset, Subset, default_collate

from sklearn_difficulty.recording._array_batches import ArrayBatches, faster
from sklearn_difficulty.recording._row_numbers import RowsOfIterator, with_rows


class Numbers(torch.utils.data.Dataset):
    """Row i is the number i, so that a batch says itself which rows it holds."""

    extra = "kept"

    def __len__(self):
        return 11

    def __getitem__(self, i):
        return float(i), i


@pytest.mark.parametrize(
    "params",
    [
        {"batch_size": 3},
        {"batch_size": 3, "shuffle": True, "drop_last": True},
        {"batch_size": 3, "shuffle": True, "num_workers": 2},
        {"batch_size": None},
        {"batch_size": None, "sampler": [4, 2, 2, 0]},
        {"batch_sampler": [[0, 5], [1], [5, 5, 2]]},
        {"batch_size": 2, "sampler": [10, 10, 3]},
    ],
)
def test_rows_of_a_loader(params):
    iterator = with_rows(lambda dataset: DataLoader(dataset, **params), Numbers())
    assert isinstance(iterator, RowsOfIterator)
    for _ in range(2):
        n_batches = 0
        for _, y in iterator:
            assert_array_equal(iterator.rows, np.atleast_1d(y))
            n_batches += 1
        assert n_batches == len(iterator)


def test_rows_after_a_pass_that_was_left():
    iterator = with_rows(
        lambda dataset: DataLoader(dataset, batch_size=2, num_workers=1, shuffle=True), Numbers()
    )
    for _ in iterator:
        break
    for _, y in iterator:
        assert_array_equal(iterator.rows, y)


def test_rows_of_a_subset_are_counted_within_it():
    subset = Subset(Numbers(), [8, 6, 4])
    iterator = with_rows(lambda dataset: DataLoader(dataset, batch_size=2), subset)
    assert [(iterator.rows.tolist(), y.tolist()) for _, y in iterator] == [
        ([0, 1], [8, 6]),
        ([2], [4]),
    ]


def test_rows_of_an_iterator_of_ones_own():
    class Pairs:
        name = "pairs"

        def __init__(self, dataset):
            assert dataset.extra == "kept"
            self.dataset = dataset

        def __len__(self):
            return 2

        def __iter__(self):
            for rows in ([5, 1], [3, 2]):
                yield default_collate([self.dataset[i] for i in rows])

    iterator = with_rows(Pairs, Numbers())
    assert len(iterator) == 2
    assert iterator.name == "pairs"
    assert [(iterator.rows.tolist(), y.tolist()) for _, y in iterator] == [
        ([5, 1], [5, 1]),
        ([3, 2], [3, 2]),
    ]


def test_rows_of_batches_in_memory_need_no_wrapper():
    dataset = Dataset(np.zeros((4, 2), dtype=np.float32), np.arange(4))
    iterator = with_rows(lambda data: faster(DataLoader(data, batch_size=2)), dataset)
    assert isinstance(iterator, ArrayBatches)


def test_iterable_dataset_is_refused():
    class Stream(IterableDataset):
        def __iter__(self):
            yield from range(3)

    with pytest.raises(TypeError, match="IterableDataset, which has no row numbers"):
        with_rows(DataLoader, Stream())


def test_batches_out_of_order_are_refused():
    with pytest.raises(TypeError, match="iterator_train__in_order=False"):
        with_rows(lambda d: DataLoader(d, num_workers=1, in_order=False), Numbers())
