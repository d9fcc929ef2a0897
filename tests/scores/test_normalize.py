"""Common scales, on numbers known by hand."""

import numpy as np
import pytest

from sklearn_difficulty.scores import (
    class_normalize,
    is_constant_per_class,
    mean_per_class,
    min_max,
)


def test_min_max():
    np.testing.assert_allclose(min_max([3, 2, 1.5, 9]), [0.2, 0.0666667, 0, 1], atol=1e-7)
    assert min_max([7, 7, 7]).tolist() == [0, 0, 0]
    assert min_max([]).tolist() == []
    np.testing.assert_array_equal(min_max([1, np.nan, 3]), [0, np.nan, 1])
    np.testing.assert_array_equal(min_max([np.nan]), [np.nan])


def test_class_normalize():
    scores = class_normalize([1, 2, 3, 10, 10], [0, 0, 0, 1, 1])
    np.testing.assert_allclose(scores, [-1.2247449, 0, 1.2247449, 0, 0], atol=1e-7)


def test_class_with_one_sample():
    assert class_normalize([1, 3, 5], ["a", "a", "b"]).tolist() == [-1, 1, 0]


def test_equal_scores_that_are_rounded():
    values = np.full(3, 0.1)
    assert np.std(values) >= 0
    assert class_normalize(values + [0, 1e-17, 0], [0, 0, 0]).tolist() == [0, 0, 0]
    assert class_normalize([0.1, 0.3 - 0.2, 0.1], [0, 0, 0]).tolist() == [0, 0, 0]


def test_missing_scores_do_not_enter():
    scores = class_normalize([1, np.nan, 3], [0, 0, 0])
    np.testing.assert_array_equal(scores, [-1, np.nan, 1])


def test_statistics_from_reference():
    scores = class_normalize(
        [5, 5, 5, np.nan],
        ["a", "b", "c", "c"],
        reference_scores=[1, 3, 7, 7],
        reference_labels=["a", "a", "b", "b"],
    )
    np.testing.assert_array_equal(scores, [3, 0, 0, np.nan])


def test_mean_per_class():
    classes, means = mean_per_class([3.5, 1.75, 1, 10, np.nan], ["b", "b", "a", "a", "c"])
    assert classes.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(means, [5.5, 2.625, np.nan])
    _, means = mean_per_class([1, np.nan], [0, 0])
    assert means.tolist() == [1]


def test_is_constant_per_class():
    assert is_constant_per_class([2, 2 + 1e-8, 7, 7], [0, 0, 1, 1])
    assert not is_constant_per_class([2, 2.1, 7, 7], [0, 0, 1, 1])
    assert not is_constant_per_class([2, 7], [0, 1])
    assert is_constant_per_class([0, 0, np.nan], [0, 0, 0])


def test_what_makes_no_sense():
    with pytest.raises(ValueError, match="scores must hold finite numbers or NaN"):
        min_max([1, np.inf])
    with pytest.raises(ValueError, match="scores must have one value per sample"):
        min_max([[1, 2]])
    with pytest.raises(ValueError, match="labels must have 2 values, one per sample; got 3"):
        class_normalize([1, 2], [0, 0, 0])
    with pytest.raises(ValueError, match="labels must have 2 values"):
        mean_per_class([1, 2], [0, 0, 0])
    with pytest.raises(ValueError, match="must be given together"):
        class_normalize([1, 2], [0, 0], reference_scores=[1, 2])
    with pytest.raises(ValueError, match="reference_labels must have 2 values"):
        class_normalize([1], [0], reference_scores=[1, 2], reference_labels=[0])
