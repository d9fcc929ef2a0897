"""Errors that are where a reference model is unsure."""

import numpy as np
import pytest

from sklearn_difficulty.datasets import flip_unsure_labels

SURE, UNSURE = [0.98, 0.01, 0.01], [0.4, 0.35, 0.25]


def unsure(n=4000, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    return y, rng.dirichlet(np.ones(n_classes), size=n)


@pytest.mark.parametrize(
    ("n_samples", "rate", "expected"),
    [(300, 0.1, 30), (300, 0.0, 0), (300, 1.0, 300), (300, 1, 300), (99, 0.29, 28), (9, 0.1, 0)],
)
def test_number_is_rounded_down(n_samples, rate, expected):
    y, proba = unsure(n_samples)
    before = y.copy(), proba.copy()
    noisy, flipped = flip_unsure_labels(y, proba, rate, random_state=0)
    assert flipped.sum() == expected
    np.testing.assert_array_equal(noisy != y, flipped)
    assert noisy.dtype == y.dtype
    np.testing.assert_array_equal(y, before[0])
    np.testing.assert_array_equal(proba, before[1])


def test_same_seed_same_errors(generators_unchanged):
    y, proba = unsure()
    one, other, another = (flip_unsure_labels(y, proba, 0.2, random_state=s)[0] for s in (0, 0, 1))
    np.testing.assert_array_equal(one, other)
    assert (one != another).any()


def test_unsure_rows_are_drawn_more_often():
    y = np.zeros(2000, dtype=int)
    y[-2:] = 1, 2
    proba = np.array([SURE, UNSURE] * 1000)
    _, flipped = flip_unsure_labels(y, proba, 0.02, random_state=0)
    # 0.02 against 0.6: one of about 30, of 40 that are drawn.
    assert flipped[1::2].sum() >= 34


def test_what_they_become():
    y = np.zeros(6000, dtype=int)
    y[-2:] = 1, 2
    proba = np.tile(UNSURE, (6000, 1))
    noisy, flipped = flip_unsure_labels(y, proba, 0.5, random_state=0)
    share = np.mean(noisy[flipped & (y == 0)] == 1)
    # 0.35 of 0.6, give or take four standard errors in 3000.
    assert share == pytest.approx(0.35 / 0.6, abs=0.036)


def test_class_without_probability_is_never_chosen():
    y = np.arange(300) % 3
    proba = np.eye(3)[y] * 0.5
    proba[np.arange(300), (y + 1) % 3] = 0.5
    noisy, flipped = flip_unsure_labels(y, proba, 1.0, random_state=0)
    assert flipped.all()
    np.testing.assert_array_equal(noisy, (y + 1) % 3)


def test_rows_without_doubt_are_never_chosen():
    y = np.arange(40) % 2
    proba = np.eye(2)[y]
    proba[:10] = 0.5
    _, flipped = flip_unsure_labels(y, proba, 0.25, random_state=0)
    assert flipped.tolist() == [True] * 10 + [False] * 30


def test_what_the_model_holds_of_the_label_itself_is_no_matter():
    y, proba = unsure(200)
    without = proba.copy()
    without[np.arange(200), y] = 0
    one, other = (flip_unsure_labels(y, p, 0.3, random_state=0)[0] for p in (proba, without))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "y", [["b", "a", "c"] * 20, [True, False] * 30, np.array([3, 1, 7] * 20, dtype=np.int8)]
)
def test_labels_of_any_kind(y):
    n_classes = len(set(y))
    proba = np.full((60, n_classes), 1 / n_classes, dtype=np.float32)
    noisy, flipped = flip_unsure_labels(y, proba.tolist(), 0.5, random_state=0)
    assert noisy.dtype == np.asarray(y).dtype
    assert set(noisy) == set(y)
    assert flipped.sum() == 30


@pytest.mark.parametrize("proba", [np.ones((60, 2)) / 2, np.ones((59, 3)) / 3, np.ones(60)])
def test_shape_of_the_probabilities(proba):
    with pytest.raises(ValueError, match=r"proba must have a row for each of the 60 .* 3 classes"):
        flip_unsure_labels(np.arange(60) % 3, proba, 0.1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1])
def test_what_is_no_probability(value):
    y, proba = unsure(60)
    proba[7, 1] = value
    with pytest.raises(ValueError, match="proba must hold probabilities"):
        flip_unsure_labels(y, proba, 0.1)


def test_too_few_rows_in_doubt():
    y = np.arange(40) % 2
    proba = np.eye(2)[y]
    proba[:10] = 0.5
    message = "other classes than the label in at least 20 rows, since rate is 0.5; it does in 10"
    with pytest.raises(ValueError, match=message):
        flip_unsure_labels(y, proba, 0.5)


@pytest.mark.parametrize(
    ("rate", "error"), [(1.5, ValueError), (-0.1, ValueError), ("a", TypeError)]
)
def test_rate_that_is_no_share(rate, error):
    with pytest.raises(error, match=r"rate must be a number in \[0, 1\]"):
        flip_unsure_labels(*unsure(60), rate)


def test_labels_that_are_none():
    with pytest.raises(ValueError, match="y"):
        flip_unsure_labels(np.zeros((60, 2)), np.ones((60, 2)) / 2, 0.1)
