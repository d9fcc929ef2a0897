"""What binary classifiers say of rows, put together by hand."""

from math import log

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_difficulty.recording._joint_path import (
    _JointState,
    joint_records,
    part_of,
    predicted,
    towards_class,
)

THREE = np.arange(3)


def test_probabilities_are_normalised():
    # probabilities .8, .5 and .3 of the three classes, which are 1/2, 5/16 and 3/16 of their sum
    odds = np.log(np.array([[0.8 / 0.2], [0.5 / 0.5], [0.3 / 0.7]]))
    records = joint_records(odds, True, THREE, 3, np.array([1]), ("outputs",))
    assert_allclose(records["proba"], [5 / 16], rtol=1e-6)
    assert_allclose(records["loss"], [log(16 / 5)], rtol=1e-6)
    assert_allclose(records["margin"], [log(5 / 8)], rtol=1e-6)
    assert_allclose(records["outputs"], np.log([[8 / 16, 5 / 16, 3 / 16]]), rtol=1e-6)
    assert records["prediction"].tolist() == [0]


def test_two_classes_have_one_classifier():
    records = joint_records(np.log([[4.0]]), True, np.arange(2), 2, np.array([0]), ())
    assert_allclose(records["proba"], [0.2], rtol=1e-6)
    records = joint_records(np.array([[0.75]]), False, np.arange(2), 2, np.array([0]), ())
    assert_allclose(records["margin"], [-0.75])
    assert_allclose(records["loss"], [1.75])


def test_decision_values_stand_next_to_each_other():
    values = np.array([[2.0], [0.5], [-1.0]])
    records = joint_records(values, False, THREE, 3, np.array([0]), ("outputs",))
    assert_allclose(records["margin"], [1.5])
    assert_array_equal(records["outputs"], [[2.0, 0.5, -1.0]])
    assert set(records) == {"loss", "margin", "prediction", "outputs"}


def test_a_class_that_was_not_seen():
    # classes 0 and 2 of three: even odds, and no probability for the other
    records = joint_records(np.zeros((1, 1)), True, np.array([0, 2]), 3, np.array([1]), ())
    assert_allclose(records["loss"], [-log(np.finfo(float).eps)])
    records = joint_records(np.zeros((1, 1)), False, np.array([0, 2]), 3, np.array([1]), ())
    assert_allclose(records["margin"], [-1.0])


def test_rows_that_all_classifiers_refuse():
    records = joint_records(np.full((3, 1), -2000.0), True, THREE, 3, np.array([2]), ())
    assert_allclose(records["proba"], [1 / 3], rtol=1e-6)


def test_margins_turned_towards_a_class():
    turned = towards_class(np.array([2.0, 3.0]), np.array([True, False]))
    assert turned.tolist() == [2.0, -3.0]
    assert turned.dtype == np.float32


def test_predictions_by_decision_values():
    assert predicted(np.array([[40.0], [90.0], [60.0]]), np.array([0, 2, 3])).tolist() == [2]
    assert predicted(np.array([[-1.0, 1.0]]), np.array([1, 3])).tolist() == [1, 3]


def test_folders(tmp_path):
    assert part_of(None, "run0") is None
    assert part_of(tmp_path, "run0") == tmp_path / "run0"
    assert (tmp_path / "run0").is_dir()


def test_names_of_the_states_of_all():
    joint = _JointState([{"coef_": np.ones(2)}, {"a/b": np.zeros(1)}])
    assert list(joint) == ["0/coef_", "1/a/b"]
    assert joint["1/a/b"].tolist() == [0]
    for name in ("coef_", "0/a/b", "2/coef_", ""):
        assert name not in joint
        with pytest.raises(KeyError):
            joint[name]
