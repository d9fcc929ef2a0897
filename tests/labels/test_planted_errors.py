"""Which labels are made wrong, and what they become."""

import numpy as np
import pytest

from sklearn_difficulty.labels import plant_errors


def rng(seed=0):
    return np.random.RandomState(seed)


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_a_tenth_of_each_class(n_classes):
    codes = np.repeat(np.arange(n_classes), 100)
    before = codes.copy()
    planted_codes, planted = plant_errors(codes, n_classes, rng())
    assert planted.reshape(n_classes, 100).sum(axis=1).tolist() == [10] * n_classes
    np.testing.assert_array_equal(planted_codes != codes, planted)
    assert planted.dtype == bool
    assert planted_codes.dtype == codes.dtype
    assert set(planted_codes) == set(range(n_classes))
    np.testing.assert_array_equal(codes, before)


def test_any_other_class_is_as_likely():
    codes = np.repeat([0, 1, 2, 3], 30000)
    planted_codes, planted = plant_errors(codes, 4, rng())
    for code in range(4):
        became = np.bincount(planted_codes[planted & (codes == code)], minlength=4) / 3000
        assert became[code] == 0
        # Three standard errors of a share of 1/3 in 3000 are 0.026.
        assert np.abs(np.delete(became, code) - 1 / 3).max() < 0.026


def test_small_classes_have_a_tenth_in_the_mean():
    codes = np.repeat(np.arange(400), 5)
    _, planted = plant_errors(codes, 400, rng())
    each = planted.reshape(400, 5).sum(axis=1)
    assert set(each) == {0, 1}
    # Three standard errors of a share of 1/2 in 400 are 0.075.
    assert abs(each.mean() - 0.5) < 0.075


def test_no_class_loses_its_last_row():
    codes = np.repeat([0, 1, 2], [1, 1, 50])
    for seed in range(30):
        _, planted = plant_errors(codes, 3, rng(seed))
        assert not planted[:2].any()


def test_class_without_rows():
    planted_codes, planted = plant_errors(np.zeros(100, dtype=int), 3, rng())
    assert planted.sum() == 10
    assert set(planted_codes) == {0, 1, 2}


def test_same_numbers_same_errors(generators_unchanged):
    codes = np.arange(60) % 3
    one, other, another = (plant_errors(codes, 3, rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one[0], other[0])
    assert (one[0] != another[0]).any()


def test_rows_are_drawn_over_the_whole_length():
    codes = np.zeros(40, dtype=int)
    drawn = np.mean([plant_errors(codes, 2, rng(seed))[1] for seed in range(500)], axis=0)
    # Four standard errors of a share of 0.1 in 500.
    assert np.abs(drawn - 0.1).max() < 0.054
