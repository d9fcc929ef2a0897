"""The correlation of a bivariate normal above a quantile."""

import math

import numpy as np
import pytest

from sklearn_difficulty.analysis import restricted_correlation, score_correlation


@pytest.mark.parametrize(
    ("quantile", "by", "expected"),
    [
        (0.5, "first", 0.67),
        (0.9, "first", 0.52),
        (0.5, "mean", 0.59),
        (0.9, "mean", 0.29),
    ],
)
def test_of_the_same_model_of_the_paper(quantile, by, expected):
    """ResNet against itself correlates at .83."""
    assert restricted_correlation(0.83, quantile, by=by) == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("r", [-0.5, 0.0, 0.6, 0.95])
@pytest.mark.parametrize("quantile", [0.3, 0.8])
@pytest.mark.parametrize("by", ["mean", "first"])
def test_drawn_samples_have_it(r, quantile, by):
    rng = np.random.default_rng(0)
    a, other = rng.standard_normal((2, 400_000))
    b = r * a + math.sqrt(1 - r**2) * other
    drawn = score_correlation(a, b, quantile=quantile, by=by).overall
    assert restricted_correlation(r, quantile, by=by) == pytest.approx(drawn, abs=0.01)


@pytest.mark.parametrize("by", ["mean", "first"])
def test_ends(by):
    assert restricted_correlation(0.4, 0, by=by) == pytest.approx(0.4)
    assert restricted_correlation(1, 0.9, by=by) == pytest.approx(1)
    falling = [restricted_correlation(0.8, q, by=by) for q in (0, 0.2, 0.5, 0.9, 0.999)]
    assert falling == sorted(falling, reverse=True)
    assert isinstance(falling[0], float)


def test_mean_that_does_not_vary():
    assert math.isnan(restricted_correlation(-1, 0.5))
    assert restricted_correlation(-1, 0.5, by="first") == pytest.approx(-1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"r": 1.2}, ValueError, r"r must be a number in \[-1, 1\]; got 1.2"),
        ({"r": math.nan}, ValueError, "r must be a number"),
        ({"r": "high"}, TypeError, "r must be a number"),
        ({"quantile": 1}, ValueError, "quantile"),
        ({"quantile": -0.1}, ValueError, "quantile"),
        ({"by": "both"}, ValueError, "by must be one of"),
    ],
)
def test_what_makes_no_sense(arguments, error, message):
    with pytest.raises(error, match=message):
        restricted_correlation(**({"r": 0.8, "quantile": 0.5} | arguments))
