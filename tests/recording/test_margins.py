"""Records of sums that boosted trees add up to."""

from math import exp, log

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.tree import DecisionTreeClassifier

from sklearn_difficulty.recording._margins import (
    is_of_package,
    margin_records,
    unknown_objective,
)


def test_two_classes_by_hand():
    records = margin_records(np.array([2.0, -1.0]), np.arange(2), 2, np.array([1, 1]))
    assert_allclose(records["loss"], [log(1 + exp(-2)), log(1 + exp(1))])
    assert_allclose(records["margin"], [2, -1])
    assert_allclose(records["proba"], [1 / (1 + exp(-2)), 1 / (1 + exp(1))])
    assert_array_equal(records["prediction"], [1, 0])


def test_three_classes_by_hand():
    # exp of the margins is 1, 2, 5
    margins = np.log([[1.0, 2.0, 5.0]])
    records = margin_records(margins, np.arange(3), 3, np.array([1]), ("outputs",))
    assert_allclose(records["loss"], [log(4)])
    assert_allclose(records["margin"], [log(2 / 5)])
    assert_allclose(records["outputs"], np.log([[1 / 8, 2 / 8, 5 / 8]]))
    assert "outputs" not in margin_records(margins, np.arange(3), 3, np.array([1]))


def test_loss_is_not_capped_where_every_class_was_seen():
    records = margin_records(np.array([100.0]), np.arange(2), 2, np.array([0]))
    assert_allclose(records["loss"], [100])


def test_classes_that_were_not_seen():
    least = log(np.finfo(np.float64).eps)
    records = margin_records(np.array([0.0]), np.array([0, 2]), 3, np.array([1]), ("outputs",))
    assert_allclose(records["outputs"], [[log(1 / 2), least, log(1 / 2)]])
    assert_allclose(records["loss"], [-least])
    # of a single class, the second column is of none
    records = margin_records(np.array([-3.0]), np.array([1]), 2, np.array([1]), ("outputs",))
    assert_allclose(records["outputs"], [[least, -log(1 + exp(-3))]])


def test_packages_are_told_by_name():
    class Booster(ClassifierMixin, BaseEstimator):
        __module__ = "xgboost.sklearn"

    class Own(Booster):
        __module__ = "mine"

    assert is_of_package(Own(), "xgboost")
    assert not is_of_package(Own(), "lightgbm")
    assert not is_of_package(DecisionTreeClassifier(), "xgboost")
    no_estimator = type("Ranker", (BaseEstimator,), {"__module__": "xgboost.sklearn"})
    assert not is_of_package(no_estimator(), "xgboost")


def test_error_names_the_objective():
    error = unknown_objective(DecisionTreeClassifier(), "odd", ("one", "two"))
    assert "objective='odd' of DecisionTreeClassifier" in str(error)
    assert str(error).endswith("What is known: one, two.")
