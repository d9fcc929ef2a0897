"""Rows come back in the container they were in."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp

from sklearn_difficulty._data import count_rows, take_rows

TABLE = np.arange(12.0).reshape(4, 3)
ROWS = np.array([3, 1, 1])


@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csr_array, sp.csc_array, sp.lil_array])
def test_sparse_kinds_that_can_be_indexed_stay(kind):
    taken = take_rows(kind(TABLE), ROWS)
    assert type(taken) is kind
    np.testing.assert_array_equal(taken.toarray(), TABLE[ROWS])


@pytest.mark.parametrize("kind", [sp.coo_matrix, sp.coo_array, sp.dia_array, sp.dok_array])
def test_other_sparse_kinds_become_csr(kind):
    taken = take_rows(kind(TABLE), ROWS)
    assert taken.format == "csr"
    np.testing.assert_array_equal(taken.toarray(), TABLE[ROWS])


def test_frames():
    frame = pd.DataFrame(TABLE, columns=["a", "b", "c"], index=["w", "x", "y", "z"])
    pd.testing.assert_frame_equal(take_rows(frame, ROWS), frame.iloc[[3, 1, 1]])
    pd.testing.assert_series_equal(take_rows(frame["a"], ROWS), frame["a"].iloc[[3, 1, 1]])
    assert take_rows(pl.DataFrame({"a": [1, 2, 3, 4]}), ROWS)["a"].to_list() == [4, 2, 2]
    assert take_rows(pl.Series([1, 2, 3, 4]), ROWS).to_list() == [4, 2, 2]


def test_arrays_and_lists():
    images = np.arange(4 * 2 * 3 * 3).reshape(4, 2, 3, 3)
    np.testing.assert_array_equal(take_rows(images, ROWS), images[ROWS])
    assert take_rows([[0], [1], [2], [3]], ROWS) == [[3], [1], [1]]
    assert take_rows(None, ROWS) is None


def test_what_only_converts_to_an_array():
    class Convertible:
        def __array__(self, dtype=None, copy=None):
            return TABLE

    np.testing.assert_array_equal(take_rows(Convertible(), ROWS), TABLE[ROWS])
    assert count_rows(Convertible()) == 4


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1, 2], 2),
        (TABLE, 4),
        (sp.csr_array(TABLE), 4),
        (pd.Series([1]), 1),
        ("abcd", None),
        (b"abcd", None),
        (sp.dok_matrix(TABLE), 4),
        (sp.dok_array(TABLE), 4),
        ({"a": 1}, None),
        (1.5, None),
        (np.float64(1.5), None),
        (None, None),
    ],
)
def test_count_rows(value, expected):
    assert count_rows(value) == expected
