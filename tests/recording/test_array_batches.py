"""The iterator in memory yields what a DataLoader yields, from the same random numbers."""

import numpy as np
import pytest
import scipy.sparse
import torch
from numpy.testing import assert_array_equal
from skorch.dataset import Dataset
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    RandomSampler,
    SequentialSampler,
    Subset,
    TensorDataset,
    default_collate,
)

from sklearn_difficulty.recording import _array_batches
from sklearn_difficulty.recording._array_batches import (
    ArrayBatches,
    FasterIterator,
    faster,
    for_recording,
)
from sklearn_difficulty.recording._datasets import base_rows


def values(dtype, *shape):
    return (np.random.default_rng(1).normal(size=shape) * 9).astype(dtype)


ARRAYS = {
    "float32, int64": (values(np.float32, 10, 3), np.arange(10)),
    "float64, int32": (values(np.float64, 10, 3), np.arange(10, dtype=np.int32)),
    "int32, float64": (values(np.int32, 10, 3), values(np.float64, 10)),
    "int64, float32": (values(np.int64, 10, 3), values(np.float32, 10)),
    "uint8, bool": (values(np.uint8, 10, 3), np.arange(10) % 2 == 0),
    "bool, uint8": (values(np.int8, 10, 3) > 0, np.arange(10, dtype=np.uint8)),
    "float16, int8": (values(np.float16, 10, 3), np.arange(10, dtype=np.int8)),
    "images, several targets": (values(np.float32, 10, 2, 4, 4), values(np.float32, 10, 2)),
    "one value a row": (values(np.int32, 10), values(np.float32, 10)),
    "no target": (values(np.float32, 10, 3), None),
    "csr matrix": (scipy.sparse.csr_matrix(values(np.float32, 10, 3)), np.arange(10)),
    "tensors": (torch.arange(30.0).reshape(10, 3), torch.arange(10)),
    "float64 tensor, int32 tensor": (
        torch.arange(30.0, dtype=torch.float64).reshape(10, 3),
        torch.arange(10, dtype=torch.int32),
    ),
    "one-dimensional tensors": (torch.arange(10, dtype=torch.int16), torch.rand(10)),
    "larger numbers without sign": (values(np.int32, 10, 3).astype(np.uint16), np.arange(10)),
    "reversed": (values(np.float32, 10, 3)[::-1], np.arange(10)[::-1]),
    "every other": (values(np.float32, 20, 6)[::2, ::2], np.arange(20)[::2]),
}
ROWS = {"all": None, "subset": [7, 0, 4, 2, 9], "subset of subset": [1, 3, 0]}


def dataset_of(name, rows):
    dataset = Dataset(*ARRAYS[name])
    if rows == "all":
        return dataset
    dataset = Subset(dataset, ROWS["subset"])
    return dataset if rows == "subset" else Subset(dataset, ROWS["subset of subset"])


def drawn(make):
    """Batches of two passes and the state of the generator after each."""
    torch.manual_seed(3)
    iterator = make()
    passes = []
    for _ in range(2):
        passes.append((list(iterator), torch.get_rng_state()))
    return passes


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("name", ARRAYS)
def test_same_batches_from_the_same_draws(name, rows, shuffle, drop_last):
    dataset = dataset_of(name, rows)

    def make():
        return DataLoader(dataset, batch_size=3, shuffle=shuffle, drop_last=drop_last)

    fast = faster(make())
    assert isinstance(fast, ArrayBatches)
    assert len(fast) == len(make())
    for (ours, our_state), (theirs, their_state) in zip(
        drawn(lambda: fast), drawn(make), strict=True
    ):
        assert torch.equal(our_state, their_state)
        assert len(ours) == len(theirs)
        for (X, y), (their_X, their_y) in zip(ours, theirs, strict=True):
            assert (X.dtype, y.dtype) == (their_X.dtype, their_y.dtype)
            assert torch.equal(X, their_X)
            assert torch.equal(y, their_y)


@pytest.mark.parametrize("n_rows", [64, 67, 200, 207])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("is_subset", [False, True])
def test_several_batches_that_are_copied_at_once(
    is_subset, shuffle, drop_last, n_rows, monkeypatch
):
    monkeypatch.setattr(_array_batches, "BYTES_AT_ONCE", 800)
    dataset = Dataset(values(np.float32, n_rows + 9, 3), np.arange(n_rows + 9))
    dataset = Subset(dataset, np.arange(9, n_rows + 9) if is_subset else np.arange(n_rows))

    def make():
        return DataLoader(dataset, batch_size=16, shuffle=shuffle, drop_last=drop_last)

    fast = faster(make(), "cpu")
    assert fast._n_at_once() == 4
    for (ours, our_state), (theirs, their_state) in zip(
        drawn(lambda: fast), drawn(make), strict=True
    ):
        assert torch.equal(our_state, their_state)
        for mine, their in zip(ours, theirs, strict=True):
            assert all(map(torch.equal, mine, their))
            assert all(part.data_ptr() % 64 == 0 for part in mine)
    for _, y in fast:
        assert_array_equal([dataset[i][1] for i in fast.rows], y)


def test_batches_that_are_copied_at_once_are_tensors_of_their_own():
    dataset = Dataset(np.ones((48, 4), dtype=np.float32), np.arange(48))
    fast, factor = faster(DataLoader(dataset, batch_size=16), "cpu"), torch.ones(4)
    assert fast._n_at_once() > 1
    factor.requires_grad_()
    for X, y in fast:
        assert X.is_leaf
        assert not X._is_view()
        X.mul_(2 * factor)
        X.sum().backward()
        y.zero_()
    assert factor.grad.tolist() == 4 * [96.0]


@pytest.mark.parametrize(
    ("arrays", "batch_size", "device"),
    [
        ((np.ones((48, 4), dtype=np.float32), np.arange(48)), 16, None),
        ((np.ones((48, 4), dtype=np.float32), np.arange(48)), 15, "cpu"),
        ((np.ones((48, 4), dtype=np.float32), np.arange(48, dtype=np.int8)), 16, "cpu"),
        ((np.ones((48, 4), dtype=np.float32), None), 16, "cpu"),
        ((np.ones((48, 0), dtype=np.float32), np.arange(48)), 16, "cpu"),
        ((np.ones((48, 4), dtype=np.float32)[::-1], np.arange(48)), 16, "cpu"),
        ((np.ones((48, 2**13), dtype=np.float32), np.arange(48)), 16, "cpu"),
        ((scipy.sparse.csr_matrix(np.eye(48, dtype=np.float32)), np.arange(48)), 16, "cpu"),
        ((np.zeros((0, 4), dtype=np.float32), np.arange(0)), 16, "cpu"),
    ],
    ids=[
        "a single pass",
        "batches of which most begin elsewhere",
        "targets that do",
        "no targets",
        "no columns",
        "reversed",
        "large",
        "sparse",
        "no rows",
    ],
)
def test_batches_that_are_copied_one_by_one(arrays, batch_size, device):
    loader = DataLoader(Dataset(*arrays), batch_size=batch_size)
    fast = faster(loader, device)
    assert fast._n_at_once() == 1
    for mine, their in zip(fast, loader, strict=True):
        assert all(map(torch.equal, mine, their))


@pytest.mark.parametrize("rows", ROWS)
def test_rows_of_the_last_batch(rows):
    dataset = dataset_of("float32, int64", rows)
    fast = faster(DataLoader(dataset, batch_size=2, shuffle=True))
    seen = []
    for _, y in fast:
        assert_array_equal([dataset[i][1] for i in fast.rows], y)
        seen.extend(fast.rows)
    assert sorted(seen) == list(range(len(dataset)))


def test_what_a_loader_has_besides():
    loader = DataLoader(dataset_of("float32, int64", "all"), batch_size=4)
    fast = faster(loader)
    assert fast.dataset is loader.dataset
    assert fast.sampler is loader.sampler
    with pytest.raises(AttributeError, match="nothing_like_that"):
        fast.nothing_like_that  # noqa: B018


def test_batches_are_copies():
    X, y = np.zeros((4, 2), dtype=np.float32), np.zeros(4, dtype=np.int64)
    for batch_X, batch_y in faster(DataLoader(Dataset(X, y), batch_size=4)):
        batch_X += 1
        batch_y += 1
    assert not X.any()
    assert not y.any()


def test_read_only_arrays_give_no_warning():
    X, y = np.ones((4, 2), dtype=np.float32), np.arange(4)
    X.flags.writeable = y.flags.writeable = False
    [(batch_X, batch_y)] = faster(DataLoader(Dataset(X, y), batch_size=4))
    assert_array_equal(batch_X, X)
    assert_array_equal(batch_y, y)


def test_no_rows_give_no_batch():
    dataset = Dataset(np.zeros((0, 2), dtype=np.float32), np.zeros(0, dtype=np.int64))
    assert list(faster(DataLoader(dataset, batch_size=4))) == []


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("kind", [SequentialSampler, RandomSampler])
def test_batch_sampler_of_torchs_own(kind, drop_last):
    dataset = Dataset(*ARRAYS["float32, int64"])
    loader = DataLoader(dataset, batch_sampler=BatchSampler(kind(dataset), 4, drop_last))
    fast = faster(loader)
    assert isinstance(fast, ArrayBatches)
    for ours, theirs in zip(drawn(lambda: fast), drawn(lambda: loader), strict=True):
        assert [y.tolist() for _, y in ours[0]] == [y.tolist() for _, y in theirs[0]]
        assert torch.equal(ours[1], theirs[1])


class Augmented(Dataset):
    """A user's own dataset, which may change rows on the fly."""


def loaders():
    dataset = Dataset(values(np.float32, 10, 3), np.arange(10))
    weights = torch.utils.data.WeightedRandomSampler([1.0] * 10, 10)
    yield "workers", DataLoader(dataset, num_workers=1)
    yield "generator", DataLoader(dataset, generator=torch.Generator(), shuffle=True)
    yield "collate_fn", DataLoader(dataset, collate_fn=lambda rows: default_collate(rows))
    yield "sampler", DataLoader(dataset, sampler=weights)
    yield "batch sampler", DataLoader(dataset, batch_sampler=[[0, 1]])
    yield (
        "batch sampler of some",
        DataLoader(dataset, batch_sampler=BatchSampler(SequentialSampler(range(4)), 2, False)),
    )
    yield "no batches", DataLoader(dataset, batch_size=None)
    yield (
        "replacement",
        DataLoader(dataset, sampler=RandomSampler(dataset, replacement=True)),
    )
    yield (
        "fewer",
        DataLoader(dataset, sampler=RandomSampler(dataset, num_samples=4)),
    )
    yield "own dataset", DataLoader(Augmented(dataset.X, dataset.y))
    yield "torch dataset", DataLoader(TensorDataset(torch.zeros(10, 3), torch.zeros(10)))
    yield "dict", DataLoader(Dataset({"a": dataset.X}, dataset.y))
    yield "list", DataLoader(Dataset([dataset.X, dataset.X], dataset.y))
    yield "strings", DataLoader(Dataset(dataset.X, np.array(list("abcdefghij"))))
    yield "sparse tensor", DataLoader(Dataset(torch.eye(10).to_sparse(), dataset.y))
    yield "no loader", [1, 2]


@pytest.mark.parametrize("loader", dict(loaders()).values(), ids=dict(loaders()))
def test_anything_else_is_left_alone(loader):
    assert faster(loader) is loader


@pytest.mark.parametrize(
    ("shape", "own", "expected"),
    [
        ((10, 3), 2, 8192),  # the most rows
        ((10, 128), 2, 1024),  # 2**17 values
        ((10, 2**15), 2, 16),  # eight times the user's
        ((10, 1024), 512, 1024),  # 2**20 values
        ((10, 2**21), 2, 2),  # never fewer than the user's
        ((10, 4), 20_000, 20_000),
    ],
)
def test_batch_size_of_a_recording_pass(shape, own, expected):
    X = np.broadcast_to(np.float32(0), shape)
    loader = DataLoader(Dataset(X, np.zeros(10)), batch_size=own)
    for iterator in (loader, faster(loader)):
        assert for_recording(iterator).batch_size == expected


def test_batch_size_of_a_recording_pass_over_numbers_of_words():
    dataset = Dataset(np.zeros((10, 3), dtype=np.int64), np.zeros(10))
    assert for_recording(DataLoader(dataset, batch_size=4)).batch_size == 32


def test_recording_pass_of_other_iterators():
    for iterator in (iter([1, 2]), DataLoader(list(range(10)), batch_size=3)):
        assert for_recording(iterator) is iterator


def test_batches_of_a_recording_pass():
    dataset = dataset_of("float32, int64", "subset")
    [(X, y)] = for_recording(DataLoader(dataset, batch_size=2))
    assert_array_equal(y, ROWS["subset"])
    assert_array_equal(X, ARRAYS["float32, int64"][0][ROWS["subset"]])


@pytest.mark.parametrize("rows", ROWS)
def test_base_rows(rows):
    dataset = dataset_of("float32, int64", rows)
    base, numbers = base_rows(dataset)
    assert type(base) is Dataset
    expected = {"all": None, "subset": [7, 0, 4, 2, 9], "subset of subset": [0, 2, 7]}[rows]
    assert (numbers if numbers is None else numbers.tolist()) == expected


def test_base_rows_of_a_whole_that_is_a_subset():
    whole = dataset_of("float32, int64", "subset")
    base, numbers = base_rows(Subset(whole, [3, 1]), whole=whole)
    assert base is whole
    assert numbers.tolist() == [3, 1]
    base, numbers = base_rows(whole, whole=whole)
    assert base is whole
    assert numbers is None


def test_faster_iterator_passes_options_on():
    dataset = dataset_of("float32, int64", "all")
    fast = FasterIterator(DataLoader)(dataset, batch_size=4, drop_last=True)
    assert isinstance(fast, ArrayBatches)
    assert [len(y) for _, y in fast] == [4, 4]
