"""What the samples are like that all runs have learned, by hand."""

import numpy as np
import pytest

from sklearn_difficulty.analysis import agreed_share, first_agreed_step, metric_over_agreed
from sklearn_difficulty.exceptions import MissingRecordsWarning


def test_metric(golden_correct):
    found = metric_over_agreed(golden_correct, [1, 2, 3, 4, 5, 6])
    np.testing.assert_allclose(found, [5, 2.6666667], atol=5e-8)


def test_metric_where_nothing_is_agreed():
    found = metric_over_agreed([[[1, 0], [1, 1]], [[0, 1], [1, 1]]], [3, 5])
    assert np.isnan(found[0])
    assert found[1] == 4


def test_shares(golden_correct):
    names, shares = agreed_share(golden_correct, [0, 0, 1, 1, 2, 2])
    assert names.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(shares * 100, [[0, 0, 50], [100, 0, 50]])


def test_one_run_is_enough(golden_correct):
    assert metric_over_agreed(golden_correct[:1], np.arange(6)).tolist() == [2, 5 / 3]
    _, shares = agreed_share(golden_correct[:1], list("aaabbb"))
    np.testing.assert_allclose(shares, [[1 / 3, 1 / 3], [2 / 3, 1 / 3]])


def test_missing_samples_do_not_count():
    correct = [[[1, 1, 0, np.nan]], [[1, np.nan, 1, 1]]]
    with pytest.warns(MissingRecordsWarning, match="metric_over_agreed") as caught:
        assert metric_over_agreed(correct, [2, 7, 7, 7]).tolist() == [2]
    with pytest.warns(MissingRecordsWarning, match="agreed_share") as also_caught:
        names, shares = agreed_share(correct, ["a", "a", "b", "c"])
    assert names.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(shares, [[1, 0, np.nan]])
    assert {warning.filename for warning in [*caught, *also_caught]} == {__file__}


def test_first_agreed_step(golden_correct):
    # Sample 4 is right in all runs after step 0, and samples 0 and 1 after step 1.
    found = first_agreed_step(golden_correct)
    np.testing.assert_array_equal(found, [1, 1, np.nan, np.nan, 0, np.nan])


def test_first_agreed_step_stays_when_agreement_is_lost():
    assert first_agreed_step([[[1], [0], [1]], [[1], [1], [1]]]).tolist() == [0]


def test_sample_that_is_missing_is_not_agreed_on():
    with pytest.warns(MissingRecordsWarning, match="first_agreed_step"):
        found = first_agreed_step([[[1, 1], [1, 1]], [[1, np.nan], [1, 1]]])
    assert found.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ([1, 2], "metric must have 6 values"),
        ([1, 2, 3, 4, 5, np.nan], "metric must hold finite numbers"),
        (np.ones((6, 1)), "metric must have one value per sample"),
    ],
)
def test_metric_that_does_not_fit(golden_correct, metric, message):
    with pytest.raises(ValueError, match=message):
        metric_over_agreed(golden_correct, metric)


def test_categories_that_do_not_fit(golden_correct):
    with pytest.raises(ValueError, match="categories must have 6 values"):
        agreed_share(golden_correct, ["a"])


@pytest.mark.parametrize(
    ("function", "others"),
    [(metric_over_agreed, ([1, 2],)), (agreed_share, ([1, 2],)), (first_agreed_step, ())],
)
def test_what_are_no_outcomes(function, others):
    with pytest.raises(ValueError, match=f"{function.__name__} needs three axes"):
        function([[True, False]], *others)
    with pytest.raises(ValueError, match="after step 0 there are none"):
        function([[[np.nan, 1]], [[1, np.nan]]], *others)
