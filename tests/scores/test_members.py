"""Runs as members of an ensemble, in blocks of rows."""

import tracemalloc

import numpy as np
import pytest

from sklearn_difficulty.scores._members import entropies_of_members, last_of_runs, row_blocks
from sklearn_difficulty.trajectory import Trajectory


@pytest.mark.parametrize(
    ("n_rows", "values_per_row", "expected"),
    [
        (0, 10, []),
        (3, 2**30, [(0, 1), (1, 2), (2, 3)]),
        (3, 2**19, [(0, 2), (2, 3)]),
        (3, 0, [(0, 3)]),
        (2**20 + 1, 1, [(0, 2**20), (2**20, 2**20 + 1)]),
    ],
)
def test_row_blocks(n_rows, values_per_row, expected):
    blocks = row_blocks(n_rows, values_per_row)
    assert [(block.start, block.stop) for block in blocks] == expected


def test_last_of_runs():
    loss = np.arange(12.0).reshape(3, 4, 1)
    last = last_of_runs(Trajectory(loss, n_steps=np.array([4, 0, 2])), "loss", "a score")
    assert [array.tolist() for array in last] == [[3], [9]]
    assert all(np.shares_memory(array, loss) for array in last)


def test_entropies_in_blocks(monkeypatch):
    outputs = np.random.default_rng(0).normal(size=(3, 2, 50, 4))
    outputs[1, :, 7] = np.nan
    trajectory = Trajectory(np.ones((3, 2, 50)), outputs=outputs)
    whole = entropies_of_members(trajectory, "a score")
    assert whole[2].tolist() == [3] * 7 + [2] + [3] * 42
    monkeypatch.setattr("sklearn_difficulty.scores._members._VALUES_PER_BLOCK", 12)
    for ours, theirs in zip(entropies_of_members(trajectory, "a score"), whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_memory_does_not_grow_with_outputs():
    # 10 million values in float32; the results are 100 thousand.
    outputs = np.zeros((2, 1, 50_000, 100), dtype=np.float32)
    trajectory = Trajectory(np.ones((2, 1, 50_000), dtype=np.float32), outputs=outputs)
    tracemalloc.start()
    of_mean, mean_of_members, _ = entropies_of_members(trajectory, "a score")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 * 2**20
    np.testing.assert_allclose(of_mean, np.log(100), rtol=1e-12)
    np.testing.assert_allclose(mean_of_members, np.log(100), rtol=1e-12)
