"""Variance of the loss, on losses whose variance is known by hand."""

import numpy as np
import pytest

from sklearn_difficulty.exceptions import MissingRecordsWarning
from sklearn_difficulty.scores import loss_variance
from sklearn_difficulty.trajectory import Trajectory

LOSS = np.array([[2, 1, 0.5, 3], [1, 0.5, 0.25, 3], [0.5, 0.25, 0.25, 4]])
VARIANCE = [0.3888889, 0.0972222, 0.0138889, 0.2222222]


def test_population_variance():
    np.testing.assert_allclose(loss_variance(Trajectory(LOSS[None])), VARIANCE, atol=1e-7)


def test_unbiased_variance():
    scores = loss_variance(Trajectory(LOSS[None]), ddof=1)
    np.testing.assert_allclose(scores, np.multiply(VARIANCE, 1.5), atol=2e-7)


@pytest.mark.parametrize("padding", [0, np.nan])
def test_only_completed_steps_count(padding):
    loss = np.full((1, 5, 4), padding, dtype=float)
    loss[0, :3] = LOSS
    scores = loss_variance(Trajectory(loss, n_steps=np.array([3])))
    np.testing.assert_allclose(scores, VARIANCE, atol=1e-7)


def test_part_of_the_training():
    scores = loss_variance(Trajectory(LOSS[None]), steps=slice(0, 2))
    assert scores.tolist() == [0.25, 0.0625, 0.015625, 0]
    assert loss_variance(Trajectory(LOSS[None]), steps=-1).tolist() == [0, 0, 0, 0]


def test_mean_over_runs():
    scores = loss_variance(Trajectory(np.stack([LOSS, 2 * LOSS])))
    np.testing.assert_allclose(scores, np.multiply(VARIANCE, 2.5), atol=2e-7)


def test_small_spread_around_a_large_loss():
    loss = 1e6 + np.array([0.25, 0.5, 0.75])
    assert loss_variance(Trajectory(loss[None, :, None]))[0] == pytest.approx(1 / 24, rel=1e-9)


def test_missing_steps_are_left_out():
    loss = LOSS.copy()
    loss[0, 0] = loss[1, 3] = np.nan
    scores = loss_variance(Trajectory(loss[None]))
    np.testing.assert_allclose(scores, [0.0625, *VARIANCE[1:3], 0.25], atol=1e-7)


def test_samples_with_too_few_steps():
    loss = LOSS.copy()
    loss[1:, 0] = np.nan
    assert loss_variance(Trajectory(loss[None]))[0] == 0
    with pytest.warns(MissingRecordsWarning, match="1 of 4 samples"):
        scores = loss_variance(Trajectory(loss[None]), ddof=1)
    assert np.isnan(scores[0]) and not np.isnan(scores[1:]).any()


@pytest.mark.parametrize(("ddof", "error"), [(-1, ValueError), (0.5, TypeError)])
def test_ddof_that_makes_no_sense(ddof, error):
    with pytest.raises(error, match="ddof"):
        loss_variance(Trajectory(LOSS[None]), ddof=ddof)
