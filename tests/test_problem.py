"""Rows and targets, of the kinds that learners take."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.linear_model import SGDClassifier, SGDRegressor
from torch.utils.data import IterableDataset, TensorDataset

from sklearn_difficulty import DifficultyScorer, TrackedNetClassifier, TrackedNetRegressor
from sklearn_difficulty._problem import check_holds_rows, checked_rows, given_targets, pose

X = np.arange(8.0).reshape(4, 2)
ARRAYS = SimpleNamespace(takes_any_rows=False, takes_datasets=False)
ANYTHING = SimpleNamespace(takes_any_rows=True, takes_datasets=True)


def test_labels_become_numbers():
    problem = pose(SGDClassifier(), np.array(["b", "a", "b", "a"]))
    assert_array_equal(problem.targets, [1, 0, 1, 0])
    assert_array_equal(problem.classes, ["a", "b"])


def test_targets_of_a_regressor_are_numbers_whatever_they_look_like():
    problem = pose(SGDRegressor(), np.array([0, 1, 1, 0]))
    assert problem.classes is None
    assert problem.targets.dtype == np.float64


@pytest.mark.parametrize(
    ("y", "net"), [([0, 1, 0, 1], TrackedNetClassifier), ([0.5, 1, 0, 1], TrackedNetRegressor)]
)
def test_a_small_net_for_what_the_targets_look_like(y, net):
    assert isinstance(pose(None, np.array(y)).estimator, net)


def test_rows_are_checked_and_remembered():
    scorer = DifficultyScorer()
    frame = pd.DataFrame(X, columns=["a", "b"])
    rows, y = checked_rows(scorer, ARRAYS, frame, [0, 1, 0, 1], reset=True)
    assert_array_equal(rows, X)
    assert_array_equal(y, [0, 1, 0, 1])
    with pytest.raises(ValueError, match="feature names should match"):
        checked_rows(scorer, ARRAYS, frame[["b", "a"]], reset=False)


def test_rows_of_any_kind_are_passed_on():
    texts = ["good", "bad"]
    rows, y = checked_rows(DifficultyScorer(), ANYTHING, texts, [1, 0], reset=True)
    assert rows is texts
    assert_array_equal(y, [1, 0])


def test_a_dataset_brings_its_targets():
    dataset = TensorDataset(torch.as_tensor(X), torch.tensor([1, 0, 1, 0]))
    rows, y = checked_rows(DifficultyScorer(), ANYTHING, dataset, reset=True)
    assert rows is dataset
    assert_array_equal(y, [1, 0, 1, 0])
    _, y = checked_rows(DifficultyScorer(), ANYTHING, dataset, [3, 4, 3, 4], reset=True)
    assert_array_equal(y, [3, 4, 3, 4])


class Stream(IterableDataset):
    def __iter__(self):
        yield from X


@pytest.mark.parametrize(
    ("learner", "rows", "error", "message"),
    [
        (ARRAYS, TensorDataset(torch.ones(4, 2)), TypeError, "which only skorch nets with a mod"),
        (None, TensorDataset(torch.ones(4, 2)), TypeError, "X is a TensorDataset"),
        (ANYTHING, Stream(), TypeError, "Stream has no length.*map-style"),
        (ANYTHING, "text", TypeError, "X must hold rows.*got str"),
        (ANYTHING, 5, TypeError, "X must hold rows.*got int"),
        (ANYTHING, ["one"], ValueError, r"inconsistent numbers of samples: \[1, 4\]"),
    ],
)
def test_rows_of_the_wrong_kind(learner, rows, error, message):
    with pytest.raises(error, match=message):
        checked_rows(DifficultyScorer(), learner, rows, [0, 1, 0, 1], reset=True)


@pytest.mark.parametrize(
    ("learner", "rows"),
    [
        (ARRAYS, X[:0]),
        (ANYTHING, []),
        (ANYTHING, pd.DataFrame({"a": []})),
        (ANYTHING, TensorDataset(torch.ones(0, 2))),
    ],
)
@pytest.mark.parametrize("reset", [True, False])
def test_no_rows(learner, rows, reset):
    with pytest.raises(ValueError, match=r"0 sample\(s\).*minimum of [12] is required by Difficu"):
        checked_rows(DifficultyScorer(), learner, rows, [], reset=reset)


def test_a_tuple_of_arrays_that_are_rows():
    scorer = DifficultyScorer()
    rows, _ = checked_rows(scorer, ARRAYS, tuple(X), [0, 1, 0, 1], reset=True)
    assert_array_equal(rows, X)
    assert_array_equal(checked_rows(scorer, ARRAYS, tuple(X[:2]), reset=False), X[:2])


def test_what_holds_no_rows():
    check_holds_rows(["text"])
    with pytest.raises(TypeError, match=r"X must hold rows.*got dict"):
        check_holds_rows({"a": [1]})


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed"),
        ([1], r"inconsistent numbers of samples"),
        ([1.0, np.nan], "Input y contains NaN"),
    ],
)
def test_bad_targets_of_rows_of_any_kind(y, message):
    with pytest.raises(ValueError, match=message):
        checked_rows(DifficultyScorer(), ANYTHING, ["good", "bad"], y, reset=True)


def test_given_labels_get_their_numbers():
    assert_array_equal(given_targets(["b", "a"], 2, np.array([0, 1]), np.array(["a", "b"])), [1, 0])
    assert_array_equal(given_targets([[1.0], [0.0]], 2, np.array([0, 1]), np.array([0, 1])), [1, 0])
    assert_array_equal(given_targets([1, 2], 2, np.array([0.5, 1.5]), None), [1.0, 2.0])


@pytest.mark.parametrize(
    ("y", "classes", "message"),
    [
        (["a", "c"], ["a", "b"], r"training never saw: \['c'\]. Known are \['a', 'b'\]"),
        ([0, None], [0, 1], r"never saw: \[None\]"),
        (["0", "1"], [0, 1], r"never saw: \['0', '1'\]"),
        ([0], [0, 1], "y has 1 entries for 2 rows of X"),
        ([0.5, np.inf], None, "y must hold finite numbers"),
    ],
)
def test_given_labels_that_are_not_known(y, classes, message):
    with pytest.raises(ValueError, match=message):
        given_targets(y, 2, np.array([0, 1]), None if classes is None else np.array(classes))
