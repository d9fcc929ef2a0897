"""Rows with their labels, and shares of values below others."""

import numpy as np
import pytest

from sklearn_difficulty.labels._labelled import Labelled, share_below


def test_parts_of_rows():
    rows = Labelled(np.array([1.0, 2.0, 3.0]), np.array([0, 2, 0]))
    assert rows.per_class(4).tolist() == [2, 0, 1, 0]
    assert rows.of_class(0).tolist() == [1, 3]
    assert rows.of_class(1).tolist() == []
    assert rows.take(np.array([2, 1])).codes.tolist() == [0, 2]
    assert Labelled.none().take(np.zeros(0, dtype=bool)).values.tolist() == []


@pytest.mark.parametrize("seed", range(3))
def test_share_below(seed):
    rng = np.random.default_rng(seed)
    values, others = rng.integers(0, 9, 20), rng.integers(0, 9, 30)
    expected = (values[:, None] > others).mean() + (values[:, None] == others).mean() / 2
    assert share_below(values.astype(float), others.astype(float)) == pytest.approx(expected)
