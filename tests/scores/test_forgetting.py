"""Forgetting, on predictions whose events are counted by hand."""

import numpy as np
import pytest

from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.scores import forgetting
from sklearn_difficulty.trajectory import Trajectory

# Right (1), wrong (0) or without a prediction (.), step by step.
PATHS = {
    "11111": 0,
    "00111": 0,
    "00001": 0,
    "10000": 1,
    "11110": 1,
    "10101": 2,
    "01010": 2,
    "00000": 5,
}


def make(paths, **fields):
    """Make a run in which each sample goes along a path."""
    codes = {"1": 1, "0": 0, ".": -1}
    prediction = np.array([[codes[mark] for mark in path] for path in paths]).T[None]
    return Trajectory(
        np.ones(prediction.shape),
        prediction=prediction,
        y=np.ones(len(paths), dtype=int),
        **fields,
    )


def test_by_hand():
    assert dict(zip(PATHS, forgetting(make(PATHS)), strict=True)) == PATHS


def test_never_learned_is_hardest():
    scores = forgetting(make(["000", "101", "110", "111"]))
    assert scores.tolist() == [3, 1, 1, 0]
    assert forgetting(make(["000", "101"]), never_learned=0).tolist() == [0, 1]
    assert forgetting(make(["000", "101"]), never_learned=1000).tolist() == [1000, 1]
    assert forgetting(make(["000", "101"]), never_learned=np.inf).tolist() == [np.inf, 1]


def test_length_of_the_path():
    trajectory = make(["000", "101"], dt={"epoch": np.array([[10.0, 10, 2]])})
    assert forgetting(trajectory).tolist() == [22, 1]
    assert forgetting(trajectory, steps=slice(1, None)).tolist() == [12, 0]
    # Epochs that are shorter than steps would make it less than what can be forgotten.
    trajectory = make(["0000000", "1010101"], dt={"epoch": np.full((1, 7), 0.25)})
    assert forgetting(trajectory).tolist() == [7, 3]
    assert forgetting(make(["000"], dt={"wall": np.ones((1, 3))})).tolist() == [3]


def test_part_of_the_training():
    trajectory = make(["10100", "01111", "10000"])
    assert forgetting(trajectory, steps=slice(1, None)).tolist() == [1, 0, 4]
    assert forgetting(trajectory, steps="late").tolist() == [2, 0, 2]
    assert forgetting(trajectory, steps=0).tolist() == [0, 1, 0]


def test_steps_without_prediction_are_passed_over():
    paths = ["1.0.1", "1...0", ".1.1.", "0..0.", "1...."]
    assert forgetting(make(paths)).tolist() == [1, 1, 0, 5, 0]


def test_mean_over_runs_of_different_length():
    runs = Trajectory.stack([make(["1010", "0000"]), make(["11", "00"])])
    # What follows the end of the second run is no forgetting.
    assert runs.prediction[1, 2:].max() == -1
    assert forgetting(runs).tolist() == [1, 3]
    assert forgetting(runs, never_learned=10).tolist() == [1, 10]


def test_samples_without_prediction():
    runs = Trajectory.stack([make(["101", "...", "..."]), make(["111", "...", "010"])])
    with pytest.warns(MissingRecordsWarning, match="'forgetting': 1 of 3 samples"):
        scores = forgetting(runs, never_learned=np.inf)
    np.testing.assert_array_equal(scores, [0.5, np.nan, 1])


@pytest.mark.parametrize(
    ("value", "error"),
    [(-1, ValueError), (np.nan, ValueError), ("inf", TypeError), (True, TypeError)],
)
def test_never_learned_that_makes_no_sense(value, error):
    with pytest.raises(error, match=r"never_learned must be None or a number from 0 on.*got"):
        forgetting(make(["01"]), never_learned=value)


def test_needs_predictions_and_labels():
    with pytest.raises(RecordNotFoundError, match="'forgetting' needs the record 'prediction'"):
        forgetting(Trajectory(np.ones((1, 1, 2)), y=np.array([0, 1])))
    with pytest.raises(RecordNotFoundError, match="'forgetting' needs the record 'y'"):
        forgetting(Trajectory(np.ones((1, 1, 2)), prediction=np.zeros((1, 1, 2), dtype=int)))
