"""How many labels are flipped, to what, and in which type."""

import numpy as np
import pytest
from sklearn.model_selection import (
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    StratifiedShuffleSplit,
)

from sklearn_difficulty.datasets import confuse_labels, flip_labels


def test_same_seed_same_errors():
    y = np.arange(10) % 5
    noisy, flipped = flip_labels(y, 0.3, random_state=0)
    assert noisy.tolist() == [0, 1, 2, 3, 3, 0, 0, 2, 3, 2]
    assert np.flatnonzero(flipped).tolist() == [4, 6, 9]
    again, _ = flip_labels(y, 0.3, random_state=0)
    assert again.tolist() == noisy.tolist()
    other, _ = flip_labels(y, 0.3, random_state=1)
    assert other.tolist() != noisy.tolist()


@pytest.mark.parametrize(
    ("n_samples", "rate", "expected"),
    [
        (1797, 0.1, 179),
        (100, 0.29, 29),  # 0.29 * 100 is 28.999999999999996
        (10, 0.19, 1),
        (10, 0.0, 0),
        (10, 1.0, 10),
        (10, 1, 10),
        (9, 0.1, 0),
    ],
)
def test_number_is_rounded_down(n_samples, rate, expected):
    y = np.arange(n_samples) % 3
    noisy, flipped = flip_labels(y, rate, random_state=3)
    assert flipped.sum() == expected
    assert (noisy != y).sum() == expected


@pytest.mark.parametrize("splitter", [ShuffleSplit, KFold, StratifiedKFold, StratifiedShuffleSplit])
def test_a_split_with_the_same_seed_is_independent(splitter):
    y = np.arange(4000) % 4
    options = {"shuffle": True} if splitter in (KFold, StratifiedKFold) else {"test_size": 0.2}
    for seed in range(3):
        noisy, flipped = flip_labels(y, 0.2, random_state=seed)
        for _, test in splitter(5, random_state=seed, **options).split(y[:, None], noisy):
            # Four standard errors of a share of 0.2 in 800 rows.
            assert abs(flipped[test].mean() - 0.2) < 0.057


def test_two_classes_swap():
    noisy, flipped = flip_labels([7, 3, 3, 7], 1.0, random_state=0)
    assert noisy.tolist() == [3, 7, 7, 3]
    assert flipped.tolist() == [True] * 4


def test_every_other_class_is_as_likely():
    noisy, _ = flip_labels(np.repeat([0, 1, 2, 3], 3000), 1.0, random_state=0)
    shares = np.array(
        [np.bincount(noisy[i * 3000 : (i + 1) * 3000], minlength=4) for i in range(4)]
    )
    # Three standard errors of a share of 1/3 in 3000 are 0.026.
    assert np.abs(shares / 3000 - (1 - np.eye(4)) / 3).max() < 0.026


def test_any_class_leaves_some_as_they_were():
    y = np.repeat([0, 1, 2, 3], 3000)
    noisy, flipped = flip_labels(y, 1.0, random_state=0, different_class=False)
    assert (flipped == (noisy != y)).all()
    # A quarter is drawn as it was, give or take three standard errors.
    assert abs(flipped.mean() - 0.75) < 0.012


def test_rows_are_drawn_over_the_whole_length():
    drawn = np.mean([flip_labels([0, 1] * 10, 0.5, random_state=s)[1] for s in range(400)], axis=0)
    assert np.abs(drawn - 0.5).max() < 0.1


@pytest.mark.parametrize(
    "y",
    [
        np.array(["short", "a longer name", "x"] * 4),
        np.array([True, False] * 6),
        np.array(["a", "b"] * 6, dtype=object),
        np.array([0, 1] * 6, dtype=np.int8),
        np.array([-1.0, 1.0] * 6, dtype=np.float32),
    ],
    ids=lambda y: str(y.dtype),
)
def test_dtype_and_classes_stay(y):
    before = y.copy()
    noisy, flipped = flip_labels(y, 0.5, random_state=0)
    assert noisy.dtype == y.dtype
    assert set(noisy.tolist()) <= set(y.tolist())
    assert flipped.dtype == np.bool_
    assert flipped.sum() == 6
    assert (y == before).all()


def test_global_generators_are_left_alone(generators_unchanged):
    flip_labels([0, 1, 2], 0.5, random_state=0)


@pytest.mark.parametrize(
    ("y", "rate", "error", "message"),
    [
        ([0, 1], -0.1, ValueError, r"rate must be a number in \[0, 1\]; got -0.1"),
        ([0, 1], 1.5, ValueError, r"rate must be a number in \[0, 1\]; got 1.5"),
        ([0, 1], float("nan"), ValueError, "rate must be a number"),
        ([0, 1], "10%", TypeError, "rate must be a number"),
        ([5, 5, 5], 0.1, ValueError, "y must hold at least 2 classes.*got 1 in 3 labels"),
        ([], 0.1, ValueError, "y must hold at least 2 classes.*got 0 in 0 labels"),
        ([[0, 1]], 0.1, ValueError, "y must have one label per sample"),
    ],
)
def test_what_makes_no_sense(y, rate, error, message):
    with pytest.raises(error, match=message):
        flip_labels(y, rate)


CIRCLE = {0: 1, 1: 2, 2: 0}


def test_confusions_go_one_way():
    y = np.repeat([0, 1, 2, 3], 300)
    noisy, flipped = confuse_labels(y, CIRCLE, 0.2, random_state=0)
    counts = np.zeros((4, 4), dtype=int)
    np.add.at(counts, (y, noisy), 1)
    assert counts[3].tolist() == [0, 0, 0, 300]
    # 180 of the 900 labels of the classes that are mistaken, each taken for the next in the circle.
    assert flipped.sum() == 180
    assert counts[0, 1] + counts[1, 2] + counts[2, 0] == 180
    assert (flipped == (noisy != y)).all()


def test_same_seed_same_confusions():
    y = np.arange(12) % 4
    noisy, flipped = confuse_labels(y, CIRCLE, 0.4, random_state=0)
    assert np.flatnonzero(flipped).tolist() == [4, 5, 8]
    assert noisy[flipped].tolist() == [(label + 1) % 3 for label in y[flipped]]
    again, _ = confuse_labels(y, CIRCLE, 0.4, random_state=0)
    assert again.tolist() == noisy.tolist()
    other, _ = confuse_labels(y, CIRCLE, 0.4, random_state=1)
    assert other.tolist() != noisy.tolist()


def test_every_label_of_a_mistaken_class_is_as_likely():
    y = np.tile([0, 0, 0, 1], 250)
    _, flipped = confuse_labels(y, {0: 1, 1: 0}, 0.4, random_state=0)
    # Four standard errors of a share of 0.4 in 250 rows.
    assert abs(flipped[y == 1].mean() - 0.4) < 0.124
    assert abs(flipped[:500].mean() - 0.4) < 0.088


@pytest.mark.parametrize(
    ("y", "confusions"),
    [
        (np.array(["cat", "a longer name"] * 4), {"cat": "a longer name"}),
        (np.array([True, False] * 4), {True: False}),
        (np.array(["a", "b"] * 4, dtype=object), {"a": "b"}),
        (np.array([0, 1] * 4, dtype=np.int8), {np.int64(0): 1}),
        (np.array([-1.0, 1.0] * 4, dtype=np.float32), {-1: 1}),
    ],
    ids=lambda y: str(getattr(y, "dtype", "")),
)
def test_confused_labels_keep_their_dtype(y, confusions):
    before = y.copy()
    noisy, flipped = confuse_labels(y, confusions, 1.0, random_state=0)
    assert noisy.dtype == y.dtype
    assert flipped.tolist() == [True, False] * 4
    assert set(noisy.tolist()) == {y[1]}
    assert (y == before).all()


def test_confusing_leaves_global_generators_alone(generators_unchanged):
    confuse_labels([0, 1, 2], {0: 1}, 1.0, random_state=0)


@pytest.mark.parametrize(
    ("confusions", "rate", "error", "message"),
    [
        ({0: 1}, 1.5, ValueError, r"rate must be a number in \[0, 1\]; got 1.5"),
        ({0: 1}, "10%", TypeError, "rate must be a number"),
        ([(0, 1)], 0.5, TypeError, "confusions must be a mapping.*of type list"),
        ({}, 0.5, ValueError, "confusions must be a mapping.*not empty"),
        ({5: 1}, 0.5, ValueError, "must name classes of y; got 5, which is none of 0, 1, 2"),
        ({0: "1"}, 0.5, ValueError, "must name classes of y; got '1', which is none of 0, 1, 2"),
        ({0: [1, 2]}, 0.5, ValueError, r"must name classes of y; got \[1, 2\]"),
        ({0: 1, 2: 2}, 0.5, ValueError, "got 2 for itself: leave it out"),
    ],
)
def test_confusions_that_make_no_sense(confusions, rate, error, message):
    with pytest.raises(error, match=message):
        confuse_labels([0, 1, 2, 1], confusions, rate)


def test_confusions_of_labels_that_are_not_one_per_sample():
    with pytest.raises(ValueError, match="y must have one label per sample"):
        confuse_labels([[0, 1]], {0: 1}, 0.5)
