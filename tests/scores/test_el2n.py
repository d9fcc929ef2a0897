"""EL2N, against the norm of errors computed from probabilities."""

import numpy as np
import pytest

from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.scores import el2n
from sklearn_difficulty.trajectory import Trajectory

# Of the probabilities (.5, .5, 0) and (0, .6, .4) under label 0, and (1, 0, 0) under label 1.
NORMS = np.array([[0.5**0.5, 1.52**0.5, 2**0.5]])


def test_mean_over_steps_and_one_step():
    trajectory = Trajectory(np.ones((1, 2, 3)), el2n=np.stack([NORMS, 0 * NORMS], axis=1))
    np.testing.assert_allclose(el2n(trajectory), [0.3535533906, 0.6164414003, 0.7071067812])
    np.testing.assert_allclose(
        el2n(trajectory, steps=0), [0.7071067812, 1.2328828006, 1.4142135624]
    )
    assert el2n(trajectory, steps=-1).tolist() == [0, 0, 0]


def test_mean_over_runs_not_over_all_steps():
    runs = [Trajectory(np.ones((1, n, 1)), el2n=np.full((1, n, 1), float(n))) for n in (1, 3)]
    assert el2n(Trajectory.stack(runs)).tolist() == [2]


def test_missing():
    record = np.array([[[1.0, 1, np.nan], [0.5, np.nan, np.nan]]])
    with pytest.warns(MissingRecordsWarning, match="'el2n': 1 of 3 samples"):
        scores = el2n(Trajectory(np.ones((1, 2, 3)), el2n=record))
    np.testing.assert_array_equal(scores, [0.75, 1, np.nan])
    with pytest.raises(RecordNotFoundError, match="'el2n' needs the record 'el2n'"):
        el2n(Trajectory(np.ones((1, 2, 3))))
