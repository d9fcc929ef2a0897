"""Rows are known again by their content as float32."""

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal

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
