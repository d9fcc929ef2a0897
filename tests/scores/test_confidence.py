"""Confidence, on probabilities whose mean is known by hand."""

import numpy as np
import pytest

from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.scores import confidence
from sklearn_difficulty.trajectory import Trajectory

PROBA = np.array([[0.5, 0.5, 0.25], [0.75, 0.25, 0.5], [1, 0, 0.75]])


def test_by_hand():
    trajectory = Trajectory(np.ones((1, 3, 3)), proba=PROBA[None])
    assert confidence(trajectory).tolist() == [0.75, 0.25, 0.5]
    assert confidence(trajectory, steps="early").tolist() == [0.5, 0.5, 0.25]
    assert confidence(trajectory, steps=slice(1, None)).tolist() == [0.875, 0.125, 0.625]


def test_each_run_counts_once():
    runs = [Trajectory(np.ones((1, n, 3)), proba=PROBA[None, :n]) for n in (3, 1)]
    assert confidence(Trajectory.stack(runs)).tolist() == [0.625, 0.375, 0.375]


def test_many_float32_steps_do_not_lose_digits():
    proba = np.random.default_rng(0).random((1, 1000, 7), dtype=np.float32)
    scores = confidence(Trajectory(np.ones((1, 1000, 7), dtype=np.float32), proba=proba))
    np.testing.assert_allclose(scores, proba[0].astype(np.float64).mean(axis=0), rtol=1e-13)


def test_missing():
    proba = PROBA.copy()
    proba[:, 1] = proba[0, 0] = np.nan
    with pytest.warns(MissingRecordsWarning, match="'confidence': 1 of 3 samples"):
        scores = confidence(Trajectory(np.ones((1, 3, 3)), proba=proba[None]))
    np.testing.assert_array_equal(scores, [0.875, np.nan, 0.5])
    with pytest.raises(RecordNotFoundError, match="'confidence' needs the record 'proba'"):
        confidence(Trajectory(np.ones((1, 3, 3))))
