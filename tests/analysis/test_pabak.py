"""Agreement of pairs beyond chance, by hand."""

import numpy as np
import pytest

from sklearn_difficulty.analysis import pabak
from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.trajectory import Trajectory


def test_by_hand(golden_correct):
    np.testing.assert_allclose(pabak(golden_correct), [0.3333333, 0.5555556], atol=5e-8)
    pairs = pabak(golden_correct, pairs=True)
    np.testing.assert_allclose(pairs[0], [0.3333, 0.6667, 0], atol=5e-5)
    assert pairs.shape == (2, 3)


def test_range():
    correct = np.array([[[1, 1, 1, 1]], [[1, 1, 1, 1]], [[0, 0, 0, 0]]])
    assert pabak(correct, pairs=True).tolist() == [[1, -1, -1]]
    assert pabak([[[1, 1, 0, 0]], [[1, 0, 1, 0]]]).tolist() == [0]


def test_both_wrong_in_different_ways():
    # Two samples right in both runs, one wrong in the same way, one in different ways.
    prediction = np.array([[[0, 1, 2, 2]], [[0, 1, 2, 0]]])
    trajectory = Trajectory(np.ones((2, 1, 4)), prediction=prediction, y=np.array([0, 1, 0, 1]))
    assert pabak(trajectory).tolist() == [1]
    assert pabak(trajectory, on="prediction").tolist() == [0.5]
    assert pabak(prediction, on="prediction").tolist() == [0.5]
    assert pabak(prediction, on="prediction", n_categories=3).tolist() == [0.625]


def test_predictions_need_no_labels():
    prediction = np.array([[[0, 1]], [[0, 0]]])
    trajectory = Trajectory(np.ones((2, 1, 2)), prediction=prediction)
    assert pabak(trajectory, on="prediction").tolist() == [0]
    with pytest.raises(RecordNotFoundError, match="'y'"):
        pabak(trajectory)


def test_guessing_is_zero_with_the_number_of_classes():
    prediction = np.random.default_rng(0).integers(0, 10, size=(3, 1, 50_000))
    assert pabak(prediction, on="prediction", n_categories=10) == pytest.approx(0, abs=0.01)


def test_pairs_are_compared_on_what_both_recorded():
    correct = np.array([[[1, 1, 0]], [[1, 0, np.nan]], [[np.nan, 1, 0]]])
    with pytest.warns(MissingRecordsWarning, match="pabak: after 1 of 1 steps") as caught:
        assert pabak(correct, pairs=True).tolist() == [[0, 1, -1]]
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("runs", "options", "error", "message"),
    [
        ([[[1, 0]]], {}, ValueError, "pabak needs at least 2 runs"),
        ([[[1.0]], [[2.0]]], {}, ValueError, "bools, or 0 and 1"),
        ([[[1.0]], [[2.0]]], {"on": "prediction"}, TypeError, "whole numbers.*got float64"),
        ([[[1, 0]]] * 2, {"on": "labels"}, ValueError, "on must be one of"),
        ([[[1, 0]]] * 2, {"n_categories": 1}, ValueError, "n_categories .* at least 2"),
        ([[[1, -1]], [[-1, 1]]], {"on": "prediction"}, ValueError, "runs 0 and 1 have none"),
        ([[1, 0]] * 2, {"on": "prediction"}, ValueError, "three axes"),
    ],
)
def test_what_makes_no_sense(runs, options, error, message):
    with pytest.raises(error, match=message):
        pabak(runs, **options)


def test_trajectory_without_predictions():
    with pytest.raises(RecordNotFoundError, match="'pabak' needs the record 'prediction'"):
        pabak(Trajectory(np.ones((2, 1, 2))), on="prediction")
