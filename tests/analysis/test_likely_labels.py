"""The class predicted most often, by hand, with ties, padding and missing predictions."""

import numpy as np
import pytest

from sklearn_difficulty.analysis import likely_labels
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.trajectory import Trajectory

CLASSES = np.array(["ant", "bee", "cow"])


def _trajectory(prediction, **fields):
    prediction = np.array(prediction)
    fields = {"classes": CLASSES, "y": np.zeros(prediction.shape[2], dtype=int)} | fields
    return Trajectory(np.ones(prediction.shape), prediction=prediction, **fields)


def test_most_often_not_last():
    one_run = _trajectory([[[0, 2], [0, 2], [0, 2], [1, 1]]])
    assert likely_labels(one_run).tolist() == ["ant", "cow"]


def test_over_all_runs():
    two_runs = _trajectory([[[0], [0], [1]], [[1], [1], [2]]])
    assert likely_labels(two_runs).tolist() == ["bee"]


def test_tie_goes_to_the_later_prediction():
    assert likely_labels(_trajectory([[[0], [2], [2], [0]]])).tolist() == ["ant"]
    assert likely_labels(_trajectory([[[0], [0], [2], [2]]])).tolist() == ["cow"]
    # Later is a later step of any run, not a later run.
    assert likely_labels(_trajectory([[[0], [2]], [[1], [0]], [[1], [1]]])).tolist() == ["bee"]
    assert likely_labels(_trajectory([[[1], [0], [2]], [[2], [1], [2]]])).tolist() == ["cow"]


def test_tie_within_a_step_goes_to_the_first_class():
    assert likely_labels(_trajectory([[[2]], [[1]]])).tolist() == ["bee"]


def test_padding_does_not_count():
    prediction = [[[0, 1], [0, 1], [2, 2], [2, 2], [2, 2]]]
    shorter = _trajectory(prediction, n_steps=np.array([2]))
    assert likely_labels(shorter).tolist() == ["ant", "bee"]
    stacked = Trajectory.stack([_trajectory([[[0], [1], [1]]]), _trajectory([[[2]]])])
    assert likely_labels(stacked).tolist() == ["bee"]


def test_missing_predictions_do_not_count():
    assert likely_labels(_trajectory([[[-1, 2], [-1, -1], [1, -1]]])).tolist() == ["bee", "cow"]


def test_classes_of_any_type_keep_it():
    labels = likely_labels(_trajectory([[[1, 0]]], classes=np.array([False, True])))
    assert labels.dtype == np.bool_
    assert labels.tolist() == [True, False]


def test_sees_through_a_memorised_label():
    # Class 1 for three steps, then the wrong label 0 is learnt by heart.
    path = _trajectory([[[1], [1], [1], [0], [0]]])
    assert path.prediction[0, -1, 0] == path.y[0]
    assert likely_labels(path).tolist() == ["bee"]


def test_sample_without_any_prediction():
    with pytest.raises(ValueError, match="2 of 3 have none, the first at index 1"):
        likely_labels(_trajectory([[[0, -1, -1], [0, -1, -1]]]))


def test_predictions_were_not_recorded():
    with pytest.raises(RecordNotFoundError, match="'likely_labels' needs the record 'prediction'"):
        likely_labels(Trajectory(np.ones((1, 2, 3))))
    unnamed = Trajectory(np.ones((1, 1, 2)), prediction=np.array([[[0, 1]]]), y=np.array([0, 1]))
    with pytest.raises(RecordNotFoundError, match="'likely_labels' needs the record 'classes'"):
        likely_labels(unnamed)
