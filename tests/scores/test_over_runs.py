"""The mean over runs in which a sample was recorded."""

import warnings

import numpy as np
import pytest

from sklearn_difficulty.exceptions import MissingRecordsWarning
from sklearn_difficulty.scores._over_runs import mean_over_runs, warn_of_missing


def test_mean_over_runs():
    per_run = np.array([[1, 2, np.nan, np.inf], [3, np.nan, np.nan, 1]])
    with pytest.warns(MissingRecordsWarning, match="'x': 1 of 4 samples have too few records"):
        mean = mean_over_runs(per_run, "x")
    np.testing.assert_array_equal(mean, [2, 2, np.nan, np.inf])


def test_nothing_is_warned_of_where_nothing_is_missing():
    with warnings.catch_warnings(action="error"):
        assert mean_over_runs(np.ones((2, 3)), "x").tolist() == [1, 1, 1]
        warn_of_missing(np.zeros(3, dtype=bool), "x")
