"""Correlation of a metric with agreement over steps, by hand."""

import numpy as np
import pytest
from scipy.stats import ConstantInputWarning

from sklearn_difficulty.analysis import step_correlation

AGREEMENT = [0, 0, 0, 0, 0, 10, 20, 30, 40, 50]
METRIC = [9, 9, 9, 9, 9, 1, 2, 2, 3, 5]


def test_by_hand():
    found = step_correlation(AGREEMENT, METRIC)
    assert found.r == pytest.approx(0.9383149, abs=5e-8)
    assert found.p_value == pytest.approx(0.0182, abs=5e-5)
    assert found.n_steps == 5
    assert step_correlation(AGREEMENT, METRIC, skip=0).r == pytest.approx(-0.6475761, abs=5e-8)


def test_shifts_by_hand():
    # Shifting 1 2 2 3 5 against 1 2 3 4 5 by one to four steps gives the correlations
    # -.31, -.52, -.21 and .10; none is as strong as .94.
    assert step_correlation(AGREEMENT, METRIC).shift_p_value == 0.2
    # A wave of four steps over eight is as strong again after every second shift, up or down.
    wave = np.tile([0.0, 1.0, 0.0, -1.0], 2)
    assert step_correlation(wave, wave, skip=0).shift_p_value == 0.5


def test_shifts_of_slow_curves_are_often_as_strong():
    """Random walks: the ordinary p-value takes chance for a finding, the other much less so."""
    rng = np.random.default_rng(0)
    found = [
        step_correlation(*rng.standard_normal((2, 100)).cumsum(axis=1), skip=0) for _ in range(200)
    ]
    assert np.mean([one.p_value < 0.05 for one in found]) > 0.6
    assert np.mean([one.shift_p_value < 0.05 for one in found]) < 0.25


def test_steps_without_a_value_are_left_out():
    metric = np.array(METRIC, dtype=float)
    metric[6] = np.nan
    agreement = np.array(AGREEMENT, dtype=float)
    agreement[9] = np.nan
    found = step_correlation(agreement, metric)
    assert found.n_steps == 3
    assert found.r == pytest.approx(np.corrcoef([10, 30, 40], [1, 2, 3])[0, 1])


def test_least_agreement():
    agreement = np.array(AGREEMENT) / 100
    found = step_correlation(agreement, METRIC, skip=0, min_agreement=0.2)
    assert found.n_steps == 4
    assert found.r == pytest.approx(np.corrcoef([2, 3, 4, 5], [2, 2, 3, 5])[0, 1])


def test_a_constant_has_no_correlation():
    with pytest.warns(ConstantInputWarning):
        found = step_correlation(AGREEMENT, np.ones(10))
    assert np.isnan([found.r, found.p_value, found.shift_p_value]).all()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"metric": METRIC[:9]}, ValueError, "metric must have 10 values"),
        ({"skip": 8}, ValueError, "at least 3 steps; of 10, 2 are left with skip=8"),
        ({"skip": -1}, ValueError, "skip"),
        ({"skip": 0.5}, TypeError, "skip"),
        ({"min_agreement": 20}, ValueError, "min_agreement"),
        ({"min_agreement": 0.2}, ValueError, "largest is 50. Divide percentages by 100"),
        ({"agreement": [np.inf] * 10}, ValueError, "agreement must hold finite numbers or NaN"),
    ],
)
def test_what_makes_no_sense(arguments, error, message):
    with pytest.raises(error, match=message):
        step_correlation(**({"agreement": AGREEMENT, "metric": METRIC} | arguments))
