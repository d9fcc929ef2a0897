"""Easiness, on predictions that are right a known number of times."""

import warnings

import numpy as np
import pytest

from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.scores import easiness
from sklearn_difficulty.scores._easiness import largest_share
from sklearn_difficulty.trajectory import Trajectory

COUNTS = [5, 5, 4, 3, 2, 1, 0, 0, 4, 5]
EXPECTED = [1, 1, 0.8, 0.6, 0.4, 0.2, 0, 0, 0.8, 1]


def make(counts=COUNTS, n_runs=5, n_steps=1):
    """Make runs in which sample i is right in the first counts[i] of them, at the last step."""
    right = np.arange(n_runs)[:, None] < np.array(counts)
    prediction = np.zeros((n_runs, n_steps, len(counts)), dtype=np.int32)
    prediction[:, -1] = right
    return Trajectory(
        np.ones(prediction.shape), prediction=prediction, y=np.ones(len(counts), dtype=int)
    )


def test_by_hand():
    scores = easiness(make())
    assert scores.tolist() == EXPECTED
    assert scores.dtype == np.float64


def test_relative_to_the_easiest_sample():
    np.testing.assert_allclose(easiness(make(n_runs=7)), EXPECTED, rtol=1e-15)


def test_relative_to_the_easiest_of_a_larger_set():
    trajectory = make(n_runs=10)
    assert largest_share(trajectory) == {"largest": 0.5}
    assert largest_share(make([0, 0])) == {"largest": 0.0}
    few = trajectory.select(samples=[2, 3, 6])
    np.testing.assert_allclose(easiness(few), [1, 0.75, 0], rtol=1e-15)
    np.testing.assert_array_equal(
        easiness(few, **largest_share(trajectory)), easiness(trajectory)[[2, 3, 6]]
    )


def test_nobody_is_ever_right():
    assert easiness(make([0, 0, 0])).tolist() == [0, 0, 0]


def test_one_step():
    trajectory = make(n_steps=3)
    assert easiness(trajectory).tolist() == EXPECTED
    assert easiness(trajectory, steps=-1).tolist() == EXPECTED
    assert easiness(trajectory, steps=2).tolist() == EXPECTED
    assert easiness(trajectory, steps=0).tolist() == [0] * 10
    assert easiness(trajectory, steps=-3).tolist() == [0] * 10


def test_several_steps_count_like_runs():
    trajectory = make([2, 1, 0], n_runs=2, n_steps=3)
    # Nobody is right before the last step.
    assert easiness(trajectory, steps=None, largest=1.0).tolist() == [2 / 6, 1 / 6, 0]
    assert easiness(trajectory, steps=slice(1, None), largest=1.0).tolist() == [2 / 4, 1 / 4, 0]
    assert largest_share(trajectory, steps=slice(1, None)) == {"largest": 0.5}
    assert easiness(trajectory, steps=slice(1, None)).tolist() == [1, 0.5, 0]


def test_last_step_of_each_run():
    runs = [make(n_steps=n).select(runs=[r]) for r, n in enumerate([3, 1, 2, 4, 1])]
    assert easiness(Trajectory.stack(runs)).tolist() == EXPECTED


def test_step_that_a_run_does_not_have():
    runs = Trajectory.stack([make(n_steps=3), make(n_steps=2)])
    for step in (2, -3):
        with pytest.raises(IndexError, match=f"steps={step} has no step in a training of 2 steps"):
            easiness(runs, steps=step)


def test_samples_without_prediction_in_some_runs():
    trajectory = make([5, 2, 1], n_runs=5)
    # Sample 1 is right in 2 of 4 runs, sample 2 is never predicted.
    trajectory.prediction[4, 0, 1] = -1
    trajectory.prediction[:, 0, 2] = -1
    with pytest.warns(MissingRecordsWarning, match="'easiness': 1 of 3 samples") as caught:
        scores = easiness(trajectory)
    assert scores[:2].tolist() == [1, 0.5]
    assert np.isnan(scores[2])
    assert caught[0].filename == __file__


def test_no_predictions_at_all():
    trajectory = make([1, 0])
    trajectory.prediction[:] = -1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert np.isnan(easiness(trajectory)).all()
    assert [w.category for w in caught] == [MissingRecordsWarning]


def test_needs_predictions_and_labels():
    with pytest.raises(RecordNotFoundError, match="'easiness' needs the record 'prediction'"):
        easiness(Trajectory(np.ones((1, 1, 2))))
    prediction = np.zeros((1, 1, 2), dtype=int)
    with pytest.raises(RecordNotFoundError, match="'easiness' needs the record 'y'"):
        easiness(Trajectory(np.ones((1, 1, 2)), prediction=prediction))
