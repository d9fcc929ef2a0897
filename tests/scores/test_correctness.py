"""Correctness, on predictions that are right a known number of times."""

import numpy as np
import pytest

from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.scores import correctness
from sklearn_difficulty.trajectory import Trajectory

PREDICTION = np.array([[0, 0, 1, 1], [0, 1, 1, 0], [0, 1, 1, 1], [0, 1, 0, 0]])
Y = np.array([0, 1, 2, 1])


def make(prediction, y=Y):
    return Trajectory(np.ones(prediction.shape), prediction=prediction, y=y)


def test_by_hand():
    trajectory = make(PREDICTION[None])
    assert correctness(trajectory).tolist() == [1, 0.75, 0, 0.5]
    assert correctness(trajectory, steps=slice(1, None)).tolist() == [1, 1, 0, 1 / 3]
    assert correctness(trajectory, steps="early").tolist() == [1, 0.5, 0, 0.5]


def test_each_run_counts_once():
    runs = Trajectory.stack([make(PREDICTION[None]), make(PREDICTION[None, :1])])
    assert correctness(runs).tolist() == [1, 0.375, 0, 0.75]


def test_missing():
    prediction = PREDICTION.copy()
    prediction[0, 1] = prediction[2, 3] = -1
    prediction[:, 2] = -1
    with pytest.warns(MissingRecordsWarning, match="'correctness': 1 of 4 samples"):
        scores = correctness(make(prediction[None]))
    np.testing.assert_array_equal(scores, [1, 1, np.nan, 1 / 3])


def test_needs_predictions_and_labels():
    with pytest.raises(RecordNotFoundError, match="'correctness' needs the record 'prediction'"):
        correctness(Trajectory(np.ones((1, 1, 4)), y=Y))
    with pytest.raises(RecordNotFoundError, match="'correctness' needs the record 'y'"):
        correctness(make(PREDICTION[None], y=None))


def test_several_labels_match_exactly_or_by_share():
    prediction = np.array([[[[1, 0, 1], [0, 0, 0]], [[1, 0, 1], [1, 1, 1]]]], dtype=np.int8)
    trajectory = Trajectory(
        np.ones((1, 2, 2)), prediction=prediction, y=np.array([[1, 0, 1], [0, 1, 1]])
    )
    assert correctness(trajectory).tolist() == [1.0, 0.0]
    np.testing.assert_allclose(correctness(trajectory, match="label"), [1.0, (1 / 3 + 2 / 3) / 2])
    with pytest.raises(ValueError, match=r"match must be one of .*; got 'all'"):
        correctness(trajectory, match="all")
