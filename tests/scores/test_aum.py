"""Area under the margin, in logits and in probability, against margins known by hand."""

import warnings

import numpy as np
import pytest
import scipy.special

from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.scores import aum
from sklearn_difficulty.trajectory import Trajectory

# Logits of three classes after two steps, of samples with labels 0, 2, 1.
LOGITS = np.array([[[2, 1, 0.5], [0, 3, 1], [1, 1, 1]], [[4, 0, 1], [0, 1, 2], [-1, 0.5, 3]]])
Y = np.array([0, 2, 1])
MARGIN = np.array([[1, -2, 0], [3, 1, -2.5]])


def make(logits, y, dtype=np.float64):
    """Make a run with the margin and the probability of the label, and give the exact margins."""
    logits = np.asarray(logits, dtype=float)
    proba = scipy.special.softmax(logits, axis=-1)
    given = np.broadcast_to(np.asarray(y)[:, None], (*logits.shape[:-1], 1))

    def margin_of(values):
        own = np.take_along_axis(values, given, axis=-1)[..., 0]
        others = values.copy()
        np.put_along_axis(others, given, -np.inf, axis=-1)
        return own - others.max(axis=-1)

    own = np.take_along_axis(proba, given, axis=-1)[..., 0]
    trajectory = Trajectory(
        np.ones((1, *own.shape)),
        margin=margin_of(logits)[None].astype(dtype),
        proba=own[None].astype(dtype),
    )
    return trajectory, margin_of(proba)


def test_by_hand():
    trajectory, _ = make(LOGITS, Y)
    np.testing.assert_array_equal(trajectory.margin[0], MARGIN)
    assert aum(trajectory).tolist() == [2, -0.5, -1.25]
    assert aum(trajectory, steps=0).tolist() == [1, -2, 0]
    assert aum(trajectory, steps="late").tolist() == [3, 1, -2.5]


def test_margin_of_probabilities_by_hand():
    proba, margin = np.array([[0.6, 0.25], [0.8, 0.1]]), np.log([[3, 0.5], [8, 0.125]])
    trajectory = Trajectory(np.ones((1, 2, 2)), margin=margin[None], proba=proba[None])
    # 0.6 - 0.2 and 0.8 - 0.1; 0.25 - 0.5 and 0.1 - 0.8.
    np.testing.assert_allclose(aum(trajectory, proba=True), [0.55, -0.475], rtol=1e-14)


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-13), (np.float32, 1e-5)])
def test_margin_of_probabilities_is_that_of_all_classes(dtype, rtol):
    rng = np.random.default_rng(0)
    trajectory, exact = make(rng.normal(scale=8, size=(20, 50, 7)), rng.integers(0, 7, 50), dtype)
    scores = aum(trajectory, proba=True)
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores, exact.mean(axis=0), rtol=rtol, atol=rtol)


def test_small_margin_keeps_its_digits():
    trajectory, _ = make([[[1e-9, 0]]], [0])
    assert aum(trajectory, proba=True)[0] == pytest.approx(5e-10, rel=1e-7)


@pytest.mark.parametrize("gap", [50, 87, 88, 100, 200, 1000, np.inf])
def test_probability_that_underflows(gap):
    proba = np.array([[[np.exp(-gap), 1.0]]], dtype=np.float32)
    margin = np.array([[[-gap, gap]]], dtype=np.float32)
    with warnings.catch_warnings(action="error"):
        scores = aum(Trajectory(np.ones((1, 1, 2)), margin=margin, proba=proba), proba=True)
    assert scores.tolist() == pytest.approx([-1, 1], abs=1e-5)
    assert scores.min() >= -1


def test_single_class_is_ahead_of_nothing():
    trajectory = Trajectory(
        np.ones((1, 1, 1)), margin=np.full((1, 1, 1), np.inf), proba=np.ones((1, 1, 1))
    )
    assert aum(trajectory, proba=True).tolist() == [1]


def test_mean_over_steps_then_runs():
    runs = [make(LOGITS, Y)[0], make(LOGITS[:1], Y)[0]]
    assert aum(Trajectory.stack(runs)).tolist() == [1.5, -1.25, -0.625]


@pytest.mark.parametrize("proba", [False, True])
def test_missing_steps_are_left_out(proba):
    trajectory, exact = make(LOGITS, Y)
    for record in (trajectory.margin, trajectory.proba):
        record[0, 0, 0] = record[0, :, 2] = np.nan
    with pytest.warns(MissingRecordsWarning, match="'aum': 1 of 3 samples"):
        scores = aum(trajectory, proba=proba)
    expected = exact if proba else MARGIN
    np.testing.assert_allclose(scores, [expected[1, 0], expected[:, 1].mean(), np.nan], rtol=1e-14)


def test_what_is_not_there():
    loss = np.ones((1, 2, 3))
    with pytest.raises(RecordNotFoundError, match="'aum' needs the record 'margin'"):
        aum(Trajectory(loss))
    with pytest.raises(RecordNotFoundError, match="'aum' needs the record 'proba'"):
        aum(Trajectory(loss, margin=loss), proba=True)


@pytest.mark.parametrize("proba", ["yes", 1, None])
def test_proba_that_makes_no_sense(proba):
    with pytest.raises(TypeError, match="proba must be True or False; got"):
        aum(make(LOGITS, Y)[0], proba=proba)
