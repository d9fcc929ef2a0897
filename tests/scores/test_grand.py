"""GraNd, on norms whose mean is known by hand."""

import tracemalloc

import numpy as np
import pytest

from sklearn_difficulty.scores import SCORES, grand


def test_by_hand():
    scores = grand([np.array([3.0, 0.5, 0]), np.array([1.0, 0, 0]), np.array([2.0, 1, 0])])
    assert scores.tolist() == [2.0, 0.5, 0.0]
    assert scores.dtype == np.float64


def test_one_snapshot_and_other_types():
    norms = np.array([3, 0.5], dtype=np.float32)
    scores = grand(iter([norms]))
    assert scores.tolist() == [3.0, 0.5]
    assert scores.dtype == np.float64
    scores += 1
    assert norms.tolist() == [3.0, 0.5]


def test_nan_of_a_row_stays_with_it():
    scores = grand([np.array([np.nan, 1.0]), np.array([1.0, 3.0])])
    np.testing.assert_array_equal(scores, [np.nan, 2])


def test_memory_does_not_grow_with_snapshots():
    def peak(n_snapshots):
        tracemalloc.start()
        grand(np.full(100_000, float(k)) for k in range(n_snapshots))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(40) < 1.1 * peak(4)


@pytest.mark.parametrize(
    ("norms", "message"),
    [
        ([], "'grand' needs the gradients at one snapshot or more; got 0"),
        ([np.ones((2, 3))], r"one value per sample at each snapshot.* got shape \(2, 3\)"),
        ([np.ones(2), np.ones(3)], r"got shape \(3,\) at snapshot 1 after \(2,\)"),
        ([np.float64(1)], r"got shape \(\)"),
    ],
)
def test_what_makes_no_sense(norms, message):
    with pytest.raises(ValueError, match=message):
        grand(norms)


def test_entry():
    entry = SCORES["grand"]
    assert entry.source == "gradient_norms"
    assert entry.from_gradients
    assert entry.higher_is_harder
    assert entry.needs_labels
    assert entry.least_states == 1
    assert dict(entry.choices) == {}
