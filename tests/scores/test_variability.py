"""Variability, on probabilities whose standard deviation is known by hand."""

import numpy as np
import pytest

from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.scores import variability
from sklearn_difficulty.trajectory import Trajectory

PROBA = np.array([[0.25, 0.5, 0], [0.75, 0.5, 0.6], [0.25, 0.5, 0.3], [0.75, 0.5, 0.3]])
# The last: mean .3, squared deviations .09, .09, 0, 0.
EXPECTED = [0.25, 0, 0.2121320344]


def test_population_standard_deviation():
    trajectory = Trajectory(np.ones((1, 4, 3)), proba=PROBA[None])
    np.testing.assert_allclose(variability(trajectory), EXPECTED, atol=1e-10)
    assert variability(trajectory, steps=-1).tolist() == [0, 0, 0]
    assert variability(trajectory, steps=slice(2, None))[:2].tolist() == [0.25, 0]


def test_mean_of_the_deviations_in_each_run():
    # Runs that differ from each other do not make a sample variable.
    proba = np.array([[[0.1], [0.1]], [[0.9], [0.9]], [[0.25], [0.75]]])
    scores = variability(Trajectory(np.ones((3, 2, 1)), proba=proba))
    np.testing.assert_allclose(scores, [0.25 / 3], atol=1e-15)


def test_missing():
    proba = PROBA.copy()
    proba[:2, 0] = proba[:, 1] = proba[1:, 2] = np.nan
    with pytest.warns(MissingRecordsWarning, match="'variability': 1 of 3 samples"):
        scores = variability(Trajectory(np.ones((1, 4, 3)), proba=proba[None]))
    np.testing.assert_array_equal(scores, [0.25, np.nan, 0])
    with pytest.raises(RecordNotFoundError, match="'variability' needs the record 'proba'"):
        variability(Trajectory(np.ones((1, 4, 3))))
