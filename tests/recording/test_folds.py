"""Folds of any splitter, arranged into runs that judge each row once."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    RepeatedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
)

from sklearn_difficulty.recording._folds import folds_of_runs, joined
from sklearn_difficulty.trajectory import Trajectory

X = np.arange(12.0).reshape(6, 2)
Y = np.array([0, 1, 0, 1, 0, 1])
CLASSES = np.array(["a", "b"])


def held_out(cv, groups=None):
    runs = folds_of_runs(cv, X, Y, CLASSES, groups)
    return [[test.tolist() for _, test in run] for run in runs]


def test_nothing_is_held_out():
    assert folds_of_runs(None, X, Y, CLASSES) == [[None]]


def test_a_number_of_folds_keeps_the_shares_of_classes():
    [run] = folds_of_runs(3, X, Y, CLASSES)
    assert [sorted(Y[test].tolist()) for _, test in run] == [[0, 1]] * 3
    [run] = folds_of_runs(3, X, Y * 1.0, None)
    assert [test.tolist() for _, test in run] == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize(
    ("cv", "expected"),
    [
        (KFold(2), [[[0, 1, 2], [3, 4, 5]]]),
        (KFold(2).split(X), [[[0, 1, 2], [3, 4, 5]]]),
        (TimeSeriesSplit(2), [[[2, 3], [4, 5]]]),
        (PredefinedSplit([-1, 0, 0, 1, 1, -1]), [[[1, 2], [3, 4]]]),
        ([(np.arange(6) < 4, np.arange(6) >= 4)], [[[4, 5]]]),
        ([([0, 1], [-1, 2])], [[[5, 2]]]),
        # what overlaps is a run for each fold
        ([([0], [1, 2]), ([0], [2, 3]), ([0], [4])], [[[1, 2]], [[2, 3]], [[4]]]),
    ],
)
def test_rows_that_are_held_out(cv, expected):
    assert held_out(cv) == expected


def test_repetitions_are_runs():
    runs = folds_of_runs(RepeatedKFold(n_splits=3, n_repeats=2, random_state=0), X, Y, CLASSES)
    assert [len(run) for run in runs] == [3, 3]
    for run in runs:
        assert_array_equal(np.sort(np.concatenate([test for _, test in run])), np.arange(6))
    assert len(folds_of_runs(ShuffleSplit(4, test_size=4, random_state=0), X, Y, CLASSES)) == 4


@pytest.mark.parametrize("kind", [list, np.array, lambda groups: np.array(groups, dtype=object)])
@pytest.mark.parametrize("groups", [["p", "q", "q", "p", "r", "r"], [0, 1, 1, 0, 2, 2]])
def test_groups_stay_together(groups, kind):
    assert held_out(LeaveOneGroupOut(), kind(groups)) == [[[0, 3], [1, 2], [4, 5]]]


def test_a_splitter_may_read_the_rows():
    class Late:
        def split(self, X, y=None, groups=None):
            yield np.flatnonzero(X[:, 0] < 6), np.flatnonzero(X[:, 0] >= 6)

        def get_n_splits(self, X=None, y=None, groups=None):
            return 1

    assert held_out(Late()) == [[[3, 4, 5]]]


USED = KFold(2).split(X)
list(USED)


@pytest.mark.parametrize(
    ("cv", "groups", "message"),
    [
        (GroupKFold(2), None, r"GroupKFold.*pass groups= to fit"),
        (GroupKFold(2), [0, 1], "groups must have 6 values, one per sample; got 2"),
        (None, [0, 1], "groups must have 6 values"),
        (GroupKFold(2), np.zeros((6, 1)), r"groups must have .*got shape \(6, 1\)"),
        (USED, None, "makes no folds.*generator of them serves one fit only"),
        ([], None, r"cv=\[\] makes no folds"),
        ([([0], [1]), ([], [1])], None, "train side of fold 1 of cv must hold row"),
        ([([0], [])], None, "test side of fold 0 of cv must hold row"),
        ([([0], [6])], None, "row numbers from 0 to 5.*got int64 from 6 to 6"),
        ([([0.0], [1])], None, "train side.*got float64"),
        ("five", None, "Expected `cv` as an integer"),
    ],
)
def test_bad_folds_and_groups(cv, groups, message):
    with pytest.raises(ValueError, match=message):
        folds_of_runs(cv, X, Y, CLASSES, groups)


def test_paths_of_folds_become_one():
    long = Trajectory(np.array([[[1.0, 2.0], [3.0, 4.0]]]), dt={"epoch": np.array([[1.0, 1.0]])})
    short = Trajectory(np.array([[[5.0]]]), dt={"epoch": np.array([[1.0]])})
    folds = [(np.array([1, 2]), np.array([3, 0])), (np.array([0, 3]), np.array([2]))]
    path = joined([long, short], folds, np.array([0, 0, 1, 1]), 4)
    # the model that stopped first stays as it is; row 1 was never held out
    assert_array_equal(path.loss[0], [[2, np.nan, 5, 1], [4, np.nan, 5, 3]])
    assert_array_equal(path.dt["epoch"], [[1, 1]])
    assert not path.in_train.any()
