"""Rows are known again by their content as float32."""

import sys

import numpy as np
import pytest
import scipy.sparse
import torch
from numpy.testing import assert_array_equal
from torch.utils.data import TensorDataset

from sklearn_difficulty import _rows
from sklearn_difficulty._rows import KnownRows, group_means, positions, row_digests


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(20, 3))


def test_same_content_in_any_form(X):
    expected = row_digests(X)
    assert len(set(expected)) == 20
    assert expected.dtype == np.uint64
    for other in (
        X.astype(np.float32),
        np.asfortranarray(X),
        X[::-1][::-1],
        scipy.sparse.csr_matrix(X),
        scipy.sparse.csr_array(X),
        scipy.sparse.csc_array(X),
        scipy.sparse.coo_matrix(X),
        scipy.sparse.dia_array(X),
        scipy.sparse.bsr_array(X),
        scipy.sparse.dok_array(X),
        X + 1e-12,
    ):
        assert_array_equal(row_digests(other), expected)
    assert set(row_digests(X + 1e-3)).isdisjoint(expected)
    assert set(row_digests(X[:, ::-1])).isdisjoint(expected)


def test_integers_booleans_and_zeros():
    X = np.array([[0, 1], [1, 0]])
    for other in (X.astype(bool), X.astype(np.uint8), X.astype(float), -1.0 * -X):
        assert_array_equal(row_digests(other), row_digests(X))
    assert_array_equal(row_digests(np.array([[-0.0]])), row_digests(np.array([[0.0]])))


def test_missing_values_of_any_origin():
    X = np.array([[0.0, np.nan, 1.0], [np.nan, np.inf, -np.inf]])
    expected = row_digests(X)
    with np.errstate(invalid="ignore"):
        computed = X + np.array([0.0]) / 0.0 * np.isnan(X)
    other = np.where(np.isnan(X), -np.nan, X)
    assert np.signbit(other[0, 1])
    for same in (other, np.where(np.isnan(X), computed, X), X.astype(np.float32)):
        assert_array_equal(row_digests(same), expected)
    assert_array_equal(row_digests(np.abs(X[:1])), expected[:1])
    assert np.isnan(X).tolist() == [[False, True, False], [True, False, False]]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_tensors_that_numpy_has_no_type_for(dtype, X):
    tensor = torch.tensor(X).to(dtype)
    expected = row_digests(tensor.float())
    for other in (tensor, TensorDataset(tensor, torch.zeros(20)), list(tensor)):
        assert_array_equal(row_digests(other), expected)
    assert_array_equal(row_digests(tensor.float().requires_grad_()), expected)


def test_frames_of_columns_of_several_types():
    pd = pytest.importorskip("pandas")
    X = np.array([[1, 0.5, 3, 1], [0, 1.5, np.nan, 2], [1, -2.0, 5, 3]])
    frame = pd.DataFrame({"truth": [True, False, True], "real": X[:, 1]})
    frame["known or not"] = pd.array([3, None, 5], dtype="Int64")
    frame["whole"] = np.arange(1, 4, dtype=np.uint8)
    assert_array_equal(row_digests(frame), row_digests(X))
    assert_array_equal(row_digests(frame[["whole"]]), row_digests(X[:, 3:]))
    assert_array_equal(row_digests(frame[["known or not"]]), row_digests(X[:, 2:3]))
    texts = frame.assign(text=["a", "b", "a"])
    assert_array_equal(row_digests(texts), row_digests(texts.to_numpy()))
    assert_array_equal(row_digests(frame["known or not"])[:1], row_digests(X[:, 2])[:1])


def test_values_beyond_float32():
    huge = np.array([[1e300], [-1e300], [1e300]])
    first, second, third = row_digests(huge)
    assert first == third != second


def test_chunks_make_no_difference(X, monkeypatch):
    expected = row_digests(X)
    monkeypatch.setattr(_rows, "_ROWS_PER_CHUNK", 7)
    assert_array_equal(row_digests(X), expected)
    assert_array_equal(row_digests(scipy.sparse.csr_matrix(X)), expected)


def test_rows_of_any_rank():
    images = np.arange(48.0).reshape(4, 3, 2, 2)
    assert_array_equal(row_digests(images), row_digests(images.reshape(4, 12)))
    assert row_digests(np.arange(3.0).reshape(3, 1)).shape == (3,)
    assert row_digests(np.zeros((0, 4))).shape == (0,)


def test_one_by_one_as_in_an_array(X):
    expected = row_digests(X)
    tensors = TensorDataset(torch.tensor(X), torch.zeros(20))
    # items of a list are read one by one, as their lengths might differ
    for other in (list(X), [torch.tensor(row) for row in X], tensors):
        assert_array_equal(row_digests(other), expected)
    assert_array_equal(row_digests([3, 1.5, True]), row_digests(np.array([3, 1.5, 1])))


def test_rows_of_different_lengths():
    first, second, third = row_digests([np.array([1.0]), np.array([1.0, 0]), np.array([1.0, 0, 0])])
    assert len({first, second, third}) == 3
    assert len(set(row_digests([np.zeros(0), np.zeros(1), np.zeros(2)]))) == 3


def test_lists_of_different_lengths_beside_any_others():
    X = [[1, 2, 3], [4, 5], [6, 7, 8]]
    digests = row_digests(X)
    assert_array_equal(row_digests(X[::2]), digests[::2])
    assert_array_equal(row_digests(X[1:2]), digests[1:2])
    assert_array_equal(row_digests(np.array(X[::2])), digests[::2])
    texts = [["a", "b"], ["c"], [["d", "e"], "f"]]
    assert len(set(row_digests(texts))) == 3
    assert_array_equal(row_digests(texts[:2]), row_digests(texts)[:2])


def test_fingerprints_of_numbers_with_a_pattern():
    # Bits of whole numbers are mostly zeros, and such rows differ in few of the others.
    counts = np.stack(np.meshgrid(*[np.arange(16)] * 4), axis=-1).reshape(-1, 4)
    one_hot = np.eye(500, 784)
    swapped = np.tile([1.0, 2.0], (50, 50)) + np.triu(np.ones((50, 100)))
    for X in (counts, counts * 2.0**-20, one_hot, 3 * one_hot + 1, swapped):
        digests = row_digests(X)
        assert len(np.unique(digests)) == len(np.unique(X, axis=0)) == len(X)
        for half in (digests >> np.uint64(32), digests & np.uint64(2**32 - 1)):
            assert len(np.unique(half)) > 0.999 * len(X)


def test_fingerprints_of_numbers_against_whole_numbers_of_python():
    def factor(number):
        mixed = number * 0x9E3779B97F4A7C15 % 2**64
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB % 2**64
        return mixed ^ (mixed >> 31)

    def half(row, which):
        bits = [int.from_bytes(np.float32(value).tobytes(), sys.byteorder) for value in row]
        terms = [len(bits), *bits]
        return sum(factor(2 * k + which) * term for k, term in enumerate(terms)) % 2**64 >> 32

    X = np.array([[1.0, -2.5, 1e30], [0.0, 0.0, 0.0], [-1.0, np.inf, np.nan]])
    expected = [half(row, 1) * 2**32 + half(row, 2) for row in X]
    assert row_digests(X).tolist() == expected


@pytest.fixture
def y():
    return np.arange(20) % 3


def test_find_in_any_order(X, y):
    known = KnownRows(X, y)
    order = np.random.default_rng(1).permutation(20)
    for targets in (None, y[order]):
        found, groups = known.find(X[order], targets)
        assert len(set(groups)) == 20
        assert_array_equal(found, groups[order])


def test_find_some_and_new_ones(X, y):
    found, groups = KnownRows(X, y).find(np.vstack([X[5], X[0] + 1, X[5], X[2]]))
    assert_array_equal(found, [groups[5], -1, groups[5], groups[2]])


def test_copies_are_one_group(X):
    known = KnownRows(np.vstack([X[0], X[1], X[0], X[2], X[0]]), np.array([0, 0, 1, 1, 0]))
    query = np.vstack([X[1], X[0], X[3], X[0]])
    found, groups = known.find(query)
    assert groups[0] == groups[2] == groups[4]
    assert len(set(groups)) == 3
    assert_array_equal(found, [groups[1], groups[0], -1, groups[0]])
    # with their labels, copies are told apart; label 7 is no row's
    found, groups = known.find(query, np.array([1, 0, 0, 7]))
    assert groups[0] == groups[4] != groups[2]
    assert_array_equal(found, [-1, groups[0], -1, -1])


def test_nothing_is_found(X, y):
    known = KnownRows(X, y)
    assert (known.find(X + 1)[0] == -1).all()
    assert known.find(X[:0])[0].shape == (0,)


def test_positions_and_group_means():
    assert_array_equal(
        positions(np.array([2, 5, 9]), np.array([9, 1, 5, 6, 10])), [2, -1, 1, -1, -1]
    )
    values, groups = np.array([1.0, 2.0, 5.0, 7.0]), np.array([0, 2, 0, 2])
    assert_array_equal(group_means(values, groups, np.array([2, 0, 2])), [4.5, 3.0, 4.5])
