"""Which rows each criterion keeps."""

import warnings

import numpy as np
import pytest

from sklearn_difficulty.exceptions import MissingRecordsWarning
from sklearn_difficulty.selection import keep_mask


@pytest.mark.parametrize(("threshold", "n_kept"), [(0.9, 90), (0.5, 50), (0.01, 1), (1.0, 100)])
def test_quantile_keeps_the_share(threshold, n_kept):
    difficulty = np.random.RandomState(0).permutation(100) + 0.5
    keep, cut = keep_mask(difficulty, criterion="quantile", threshold=threshold)
    assert keep.sum() == n_kept
    # The hardest kept row: difficulties are 0.5, 1.5, ..., 99.5.
    assert cut == n_kept - 0.5
    np.testing.assert_array_equal(keep, difficulty <= cut)


@pytest.mark.parametrize("share", [0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99])
def test_quantile_is_exact_for_whole_numbers_of_rows(share):
    # Random differences, because a cut between two rows could be rounded to either.
    difficulty = np.random.RandomState(1).uniform(size=1000).cumsum()
    assert keep_mask(difficulty, threshold=share)[0].sum() == round(1000 * share)


def test_quantile_keeps_ties_of_the_hardest_kept_row():
    keep, cut = keep_mask([0, 1, 1, 1, 2], threshold=0.5)
    assert keep.tolist() == [True, True, True, True, False]
    assert cut == 1


def test_score_keeps_up_to_a_value_inclusive():
    keep, cut = keep_mask([-3.0, -1.0, 0.0, 2.0], criterion="score", threshold=-1.0)
    assert keep.tolist() == [True, True, False, False]
    assert cut == -1.0


def test_zscore_is_within_the_class():
    # Class "a": mean 3, population std 3 -> cut 6 at 1 std; "b": mean 30, std 30 -> 60.
    difficulty = [1, 1, 1, 9, 10, 10, 10, 90]
    y = ["a"] * 4 + ["b"] * 4
    expected_std = np.sqrt((3 * 2**2 + 6**2) / 4)
    keep, cut = keep_mask(difficulty, y, criterion="zscore", threshold=1.0)
    assert keep.tolist() == [True, True, True, False] * 2
    np.testing.assert_allclose(cut, [3 + expected_std, 30 + 10 * expected_std])


def test_zscore_without_classes_takes_all_rows():
    # Mean 2, population std sqrt(((-2)^2 * 4 + 8^2) / 5) = 4.
    keep, cut = keep_mask([0, 0, 0, 0, 10], criterion="zscore", threshold=1.9)
    assert keep.tolist() == [True, True, True, True, False]
    assert cut == pytest.approx(2 + 1.9 * 4)


def test_zscore_keeps_a_class_of_equally_hard_rows():
    # The mean of three times 0.1 is not 0.1 in floating point.
    keep, cut = keep_mask(
        [0.1, 0.1, 0.1, 1, 2], [0, 0, 0, 1, 1], criterion="zscore", threshold=-0.5
    )
    assert keep.tolist() == [True, True, True, True, False]
    assert cut[0] == np.inf


@pytest.mark.parametrize("criterion", ["quantile", "score", "zscore"])
def test_auto_is_the_same_under_every_criterion(criterion):
    rng = np.random.RandomState(0)
    difficulty = np.concatenate([rng.normal(0, 1, 200), rng.normal(10, 1, 50)])
    keep, cut = keep_mask(difficulty, np.arange(250) % 2, criterion=criterion, threshold="auto")
    assert keep.tolist() == [True] * 200 + [False] * 50
    assert 3 < cut < 7


@pytest.mark.parametrize(
    ("criterion", "threshold", "expected"),
    [
        ("quantile", 0.5, [True, True, False, True]),
        ("score", 1.0, [True, True, False, True]),
        ("zscore", 0.0, [True, True, False, True]),
        ("quantile", "auto", [True, True, True, True]),
    ],
)
def test_rows_without_difficulty_are_kept_and_counted(criterion, threshold, expected):
    with pytest.warns(MissingRecordsWarning, match="1 of 4 rows"):
        keep, _ = keep_mask([0, 1, 5, np.nan], criterion=criterion, threshold=threshold)
    assert keep.tolist() == expected


def test_class_without_any_difficulty_is_kept():
    with pytest.warns(MissingRecordsWarning, match="2 of 4 rows"):
        keep, _ = keep_mask([0, 1, np.nan, np.nan], [0, 0, 1, 1], criterion="zscore", threshold=0)
    assert keep.tolist() == [True, False, True, True]


def test_all_missing_keeps_all():
    with pytest.warns(MissingRecordsWarning, match="2 of 2 rows"):
        keep, cut = keep_mask([np.nan, np.nan], threshold=0.5)
    assert keep.all()
    assert cut == np.inf


@pytest.mark.parametrize(
    ("criterion", "threshold"), [("score", 9), ("zscore", 5), ("quantile", 0.7)]
)
def test_infinite_difficulty_is_the_hardest(criterion, threshold):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keep, _ = keep_mask([0, 1, 2, np.inf], criterion=criterion, threshold=threshold)
    assert keep.tolist() == [True, True, True, False]


@pytest.mark.parametrize("threshold", [0, -0.1, 1.0001, 90, np.nan, np.inf])
def test_quantile_out_of_range(threshold):
    with pytest.raises(ValueError, match=r"threshold must be 'auto' or a number in \(0, 1\].*got"):
        keep_mask([0, 1], criterion="quantile", threshold=threshold)


@pytest.mark.parametrize("criterion", ["score", "zscore"])
@pytest.mark.parametrize("threshold", [np.nan, np.inf, -np.inf])
def test_not_finite(criterion, threshold):
    with pytest.raises(ValueError, match="threshold must be 'auto' or a number that is finite"):
        keep_mask([0, 1], criterion=criterion, threshold=threshold)


@pytest.mark.parametrize("threshold", [True, np.True_, None, [0.9], 0.9 + 0j])
@pytest.mark.parametrize("criterion", ["quantile", "score", "zscore"])
def test_not_a_number(criterion, threshold):
    with pytest.raises(TypeError, match=r"threshold must be 'auto' or a number .*of type"):
        keep_mask([0, 1], criterion=criterion, threshold=threshold)


def test_unknown_words():
    with pytest.raises(ValueError, match=r"threshold must be 'auto' or .*; got 'automatic'"):
        keep_mask([0, 1], threshold="automatic")
    with pytest.raises(ValueError, match="criterion must be one of 'quantile', 'score', 'zscore'"):
        keep_mask([0, 1], criterion="percentile", threshold=0.5)
    with pytest.raises(ValueError, match="criterion must be one of"):
        keep_mask([0, 1], criterion=None)


def test_numpy_numbers_are_numbers():
    keep, cut = keep_mask([0, 1, 2, 3], threshold=np.float32(0.5))
    assert keep.sum() == 2
    assert cut == 1
