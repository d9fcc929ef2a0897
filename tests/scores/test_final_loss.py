"""Final loss, on losses that are read off by eye."""

import numpy as np
import pytest

from sklearn_difficulty.exceptions import MissingRecordsWarning
from sklearn_difficulty.scores import action, final_loss
from sklearn_difficulty.trajectory import Trajectory

LOSS = np.array([[2, 1, 0.5, 3], [1, 0.5, 0.25, 3], [0.5, 0.25, 0.25, 4]])


def test_last_row():
    assert final_loss(Trajectory(LOSS[None])).tolist() == [0.5, 0.25, 0.25, 4]
    assert final_loss(Trajectory(LOSS[None]), steps=slice(0, 2)).tolist() == [1, 0.5, 0.25, 3]
    assert final_loss(Trajectory(LOSS[None]), steps="early").tolist() == [2, 1, 0.5, 3]


def test_is_the_action_of_one_step():
    trajectory = Trajectory(LOSS[None])
    assert final_loss(trajectory).tolist() == action(trajectory, steps=-1).tolist()


@pytest.mark.parametrize("padding", [0, np.nan, 99])
def test_last_completed_step_of_each_run(padding):
    loss = np.full((2, 5, 4), padding, dtype=float)
    loss[0, :3] = LOSS
    loss[1, :1] = LOSS[:1]
    trajectory = Trajectory(loss, n_steps=np.array([3, 1]))
    assert final_loss(trajectory).tolist() == [1.25, 0.625, 0.375, 3.5]


def test_missing_in_the_last_step_is_missing():
    loss = np.stack([LOSS, LOSS + 1])
    loss[0, 2, 0] = np.nan
    loss[:, 2, 1] = np.nan
    with pytest.warns(MissingRecordsWarning, match="'final_loss': 1 of 4 samples"):
        scores = final_loss(Trajectory(loss))
    np.testing.assert_array_equal(scores, [1.5, np.nan, 0.75, 4.5])
