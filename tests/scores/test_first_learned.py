"""First learned, on predictions that are right from a known step on."""

import numpy as np
import pytest

from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.scores import first_learned
from sklearn_difficulty.trajectory import Trajectory

# Right (1), wrong (0) or without a prediction (.), step by step: first, and first for good.
PATHS = {
    "11111": (0, 0),
    "00111": (2, 2),
    "00001": (4, 4),
    "10011": (0, 3),
    "01010": (1, 5),
    "00000": (5, 5),
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
    first, for_good = np.transpose(list(PATHS.values()))
    assert first_learned(make(PATHS)).tolist() == first.tolist()
    assert first_learned(make(PATHS), for_good=True).tolist() == for_good.tolist()


def test_in_epochs():
    trajectory = make(["111", "011", "101", "010", "000"], dt={"epoch": np.array([[10.0, 5, 2]])})
    assert first_learned(trajectory).tolist() == [0, 10, 0, 10, 17]
    assert first_learned(trajectory, for_good=True).tolist() == [0, 10, 15, 17, 17]


def test_in_steps_where_epochs_are_not_known():
    trajectory = make(["001", "000"], dt={"wall": np.array([[10.0, 5, 2]])})
    assert first_learned(trajectory).tolist() == [2, 3]


def test_never_is_later_than_in_the_last_step():
    # A sum of tenths is not a multiple of one.
    trajectory = make(["0" * 10, "0" * 9 + "1"], dt={"epoch": np.full((1, 10), 0.1)})
    never, last = first_learned(trajectory)
    assert never == pytest.approx(1) and last == pytest.approx(0.9)


def test_part_of_the_training_counts_from_its_beginning():
    trajectory = make(["11011", "00101", "10000"])
    assert first_learned(trajectory, steps=slice(2, None)).tolist() == [3, 2, 5]
    assert first_learned(trajectory, steps=slice(2, None), for_good=True).tolist() == [3, 4, 5]
    assert first_learned(trajectory, steps=slice(0, 2)).tolist() == [0, 2, 0]
    assert first_learned(trajectory, steps=slice(None, None, 2)).tolist() == [0, 2, 0]
    assert first_learned(trajectory, steps="late").tolist() == [3, 4, 5]


def test_part_of_runs_of_different_length():
    runs = Trajectory.stack([make(["010011", "000000"]), make(["001", "000"])])
    assert first_learned(runs).tolist() == [1.5, 4.5]
    assert first_learned(runs, steps="late").tolist() == [3, 4.5]
    assert first_learned(runs, for_good=True).tolist() == [3, 4.5]


def test_steps_without_prediction_are_passed_over():
    paths = ["..1.1", "1.0.1", "1...1", "0..1.", ".0.0.", "1.0.."]
    assert first_learned(make(paths)).tolist() == [2, 0, 0, 3, 5, 0]
    assert first_learned(make(paths), for_good=True).tolist() == [2, 4, 0, 3, 5, 5]


@pytest.mark.parametrize("for_good", [False, True])
def test_samples_without_prediction(for_good):
    runs = Trajectory.stack([make(["011", "...", "..."]), make(["001", "...", "011"])])
    with pytest.warns(MissingRecordsWarning, match="'first_learned': 1 of 3 samples"):
        scores = first_learned(runs, for_good=for_good)
    np.testing.assert_array_equal(scores, [1.5, np.nan, 1])


def test_what_makes_no_sense():
    with pytest.raises(ValueError, match="for_good must be one of False, True; got 'yes'"):
        first_learned(make(["01"]), for_good="yes")
    with pytest.raises(RecordNotFoundError, match="'first_learned' needs the record 'prediction'"):
        first_learned(Trajectory(np.ones((1, 1, 2)), y=np.array([0, 1])))
    with pytest.raises(RecordNotFoundError, match="'first_learned' needs the record 'y'"):
        first_learned(Trajectory(np.ones((1, 1, 2)), prediction=np.zeros((1, 1, 2), dtype=int)))
