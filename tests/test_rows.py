"""Rows are known again by their content as float32."""

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal

from sklearn_difficulty import _rows
from sklearn_difficulty._rows import KnownRows, row_digests


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


def test_find_in_any_order(X):
    known = KnownRows(X)
    order = np.random.default_rng(1).permutation(20)
    rows, numbers = known.find(X[order])
    assert_array_equal(rows, np.arange(20))
    assert_array_equal(numbers, order)


def test_find_some_and_new_ones(X):
    rows, numbers = KnownRows(X).find(np.vstack([X[5], X[0] + 1, X[5], X[2]]))
    assert_array_equal(rows, [0, 2, 3])
    assert_array_equal(numbers, [5, 5, 2])


def test_copies_are_all_found(X):
    known = KnownRows(np.vstack([X[0], X[1], X[0], X[2], X[0]]))
    rows, numbers = known.find(np.vstack([X[1], X[0], X[3]]))
    assert_array_equal(rows, [0, 1, 1, 1])
    assert_array_equal(numbers, [1, 0, 2, 4])


def test_nothing_is_found(X):
    rows, numbers = KnownRows(X).find(X + 1)
    assert rows.size == numbers.size == 0
    assert KnownRows(X).find(X[:0])[0].size == 0
