"""Correlations of scores between models, by hand."""

import numpy as np
import pytest
from scipy.stats import ConstantInputWarning

from sklearn_difficulty.analysis import correlation_matrix, score_correlation

A = [1, 2, 3, 4, 5]
B = [2, 1, 4, 3, 5]


@pytest.mark.parametrize(
    ("method", "expected"), [("pearson", 0.8), ("spearman", 0.8), ("kendall", 0.6)]
)
def test_by_hand(method, expected):
    found = score_correlation(A, B, method=method)
    assert found.overall == pytest.approx(expected, abs=1e-12)
    assert type(found.overall) is float
    assert found.n_samples == 5
    assert found.classes is None and found.per_class is None


def test_ranks_do_not_see_the_scale():
    bent = np.exp(B)
    assert score_correlation(A, bent, method="spearman").overall == pytest.approx(0.8)
    assert score_correlation(A, bent).overall == pytest.approx(0.7837134, abs=5e-8)


def test_above_a_quantile():
    found = score_correlation(A, B, quantile=0.4)
    assert found.overall == pytest.approx(0.5, abs=1e-12)
    assert found.n_samples == 3
    assert score_correlation(A, B, quantile=0).n_samples == 5


def test_quantile_of_the_first_alone():
    # The .6-quantile of A is 3.4, which leaves two; that of the mean, 3.5, leaves three.
    assert score_correlation(A, B, quantile=0.6, by="first").n_samples == 2
    assert score_correlation(A, B, quantile=0.6).n_samples == 3


def test_within_classes():
    labels = ["cat", "cat", "dog", "dog", "dog"]
    found = score_correlation(A, B, labels=labels)
    assert found.overall == pytest.approx(0.8)
    assert found.classes.tolist() == ["cat", "dog"]
    np.testing.assert_allclose(found.per_class, [-1, 0.5], atol=1e-12)
    assert found.n_per_class.tolist() == [2, 3]


def test_class_of_which_too_few_are_left():
    found = score_correlation(A, B, labels=[0, 0, 0, 1, 1], quantile=0.4)
    assert found.n_per_class.tolist() == [1, 2]
    assert np.isnan(found.per_class[0])
    assert found.per_class[1] == pytest.approx(1)


def test_equal_scores_have_no_correlation():
    with pytest.warns(ConstantInputWarning):
        assert np.isnan(score_correlation(A, np.ones(5)).overall)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"a": [1, 2, np.nan, 4, 5]}, ValueError, "a must hold finite numbers; 1 of 5.*index 2"),
        ({"b": [1, 2, np.inf, 4, 5]}, ValueError, "b must hold finite numbers"),
        ({"b": [1, 2]}, ValueError, "b must have 5 values"),
        ({"labels": [0]}, ValueError, "labels must have 5 values"),
        ({"quantile": 1}, ValueError, "quantile must be a number in"),
        ({"quantile": "top"}, TypeError, "quantile"),
        ({"quantile": 0.9}, ValueError, "at least two samples; of 5, 1 are left with quantile=0.9"),
        ({"by": "second"}, ValueError, "by must be one of 'mean', 'first'"),
        ({"method": "cosine"}, ValueError, "method must be one of 'pearson'"),
        ({"a": [], "b": []}, ValueError, "at least two samples; of 0"),
        ({"a": [], "b": [], "quantile": 0.5}, ValueError, "at least two samples; of 0"),
    ],
)
def test_what_makes_no_sense(arguments, error, message):
    with pytest.raises(error, match=message):
        score_correlation(**({"a": A, "b": B} | arguments))


def test_matrix_by_hand():
    found = correlation_matrix({"cnn": [A, B, A], "mlp": [A[::-1], B]})
    assert found.models == ("cnn", "mlp")
    # Pairs within cnn: A-B .8, A-A 1, B-A .8. Across: -1 .8, -.8 1, -1 .8. Within mlp: -.8.
    np.testing.assert_allclose(found.mean, [[13 / 15, -1 / 30], [-1 / 30, -0.8]], atol=1e-12)
    np.testing.assert_allclose(found.low, [[0.8, -1], [-1, -0.8]])
    np.testing.assert_allclose(found.high, [[1, 1], [1, -0.8]])
    assert found.n_pairs.tolist() == [[3, 6], [6, 1]]


def test_matrix_under_restriction_and_by_rank():
    found = correlation_matrix({"cnn": [A, B]}, quantile=0.4)
    np.testing.assert_allclose(found.mean, [[0.5]])
    found = correlation_matrix({"cnn": [A, B]}, method="kendall")
    np.testing.assert_allclose(found.mean, [[0.6]])


def test_model_of_one_run_has_no_correlation_with_itself():
    found = correlation_matrix({"cnn": [A], "mlp": [B]})
    np.testing.assert_allclose(found.mean, [[np.nan, 0.8], [0.8, np.nan]])
    assert found.n_pairs.tolist() == [[0, 1], [1, 0]]


def test_models_that_share_no_more_than_the_samples():
    """Two kinds of models, each with its own difficulty besides a common one."""
    rng = np.random.default_rng(0)
    common, own_cnn, own_mlp = rng.standard_normal((3, 5000))
    scores = {
        "cnn": common + own_cnn + 0.5 * rng.standard_normal((3, 5000)),
        "mlp": common + own_mlp + 0.5 * rng.standard_normal((3, 5000)),
    }
    found = correlation_matrix(scores)
    # Variances 2 of 2.25 are shared within a kind, 1 of 2.25 across.
    np.testing.assert_allclose(found.mean, [[8 / 9, 4 / 9], [4 / 9, 8 / 9]], atol=0.03)
    assert found.high[0, 1] < found.low[0, 0]


@pytest.mark.parametrize(
    ("scores", "error", "message"),
    [
        ([A, B], TypeError, "scores must map names of models"),
        ({}, TypeError, "at least one"),
        ({"cnn": A}, ValueError, r"scores\['cnn'\] must have shape \(n_runs, n_samples\)"),
        ({"cnn": np.ones((0, 5))}, ValueError, r"scores\['cnn'\] must have shape"),
        ({"cnn": [A], "mlp": [A[:4]]}, ValueError, r"scores\['mlp'\] must have 5 values"),
        ({"cnn": [[1, np.nan]]}, ValueError, r"scores\['cnn'\] must hold finite numbers"),
    ],
)
def test_matrix_of_what_makes_no_sense(scores, error, message):
    with pytest.raises(error, match=message):
        correlation_matrix(scores)


def test_matrix_checks_its_options():
    with pytest.raises(ValueError, match="method"):
        correlation_matrix({"cnn": [A, B]}, method="cosine")
    with pytest.raises(ValueError, match="quantile"):
        correlation_matrix({"cnn": [A, B]}, quantile=-0.1)
