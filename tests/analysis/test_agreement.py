"""Agreement of runs after each step, on three runs of two steps and six samples, by hand."""

import numpy as np
import pytest

from sklearn_difficulty.analysis import (
    agreement_lower_bound,
    random_agreement,
    run_accuracy,
    true_positive_agreement,
)
from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.trajectory import Trajectory

ALL_OF_THEM = [true_positive_agreement, agreement_lower_bound, random_agreement, run_accuracy]


def as_trajectory(correct, n_steps=None, missing=()):
    """Make runs that predict the label, class 1, where they are right and class 0 elsewhere."""
    prediction = np.array(correct, dtype=np.int32)
    for run, step, sample in missing:
        prediction[run, step, sample] = -1
    return Trajectory(
        np.ones(prediction.shape),
        prediction=prediction,
        y=np.ones(prediction.shape[2], dtype=int),
        n_steps=None if n_steps is None else np.array(n_steps),
    )


def test_true_positive_agreement(golden_correct):
    agreement = true_positive_agreement(golden_correct)
    np.testing.assert_allclose(agreement, [0.25, 0.6], rtol=1e-15)
    assert agreement.dtype == np.float64


def test_accuracy(golden_correct):
    accuracy = run_accuracy(golden_correct)
    np.testing.assert_allclose(accuracy.mean(axis=1), [0.3888889, 0.6111111], atol=5e-8)
    np.testing.assert_allclose(accuracy.std(axis=1), [0.0785674, 0.0785674], atol=5e-8)


def test_lower_bound(golden_correct):
    assert agreement_lower_bound(golden_correct).tolist() == [0, 0]


def test_lower_bound_of_high_accuracies():
    # Ten samples, of which each of three runs has another one wrong.
    correct = np.ones((3, 1, 10), dtype=bool)
    correct[[0, 1, 2], 0, [0, 1, 2]] = False
    assert agreement_lower_bound(correct).tolist() == [0.7]
    # It is tight: nothing less is possible with these accuracies.
    assert true_positive_agreement(correct).tolist() == [0.7]


@pytest.mark.parametrize(
    ("form", "expected"),
    [("product", [0.0555556, 0.2222222]), ("ratio", [0.0714286, 0.2352941])],
)
def test_random_agreement(golden_correct, form, expected):
    np.testing.assert_allclose(random_agreement(golden_correct, form=form), expected, atol=5e-8)


def test_ratio_is_what_independent_runs_reach():
    rng = np.random.default_rng(0)
    accuracy = np.array([0.9, 0.7, 0.4])
    correct = rng.random((3, 1, 200_000)) < accuracy[:, None, None]
    found = true_positive_agreement(correct)
    assert found == pytest.approx(random_agreement(correct, form="ratio"), abs=0.005)
    # The product is that of the paper, and smaller.
    assert random_agreement(correct) < found


def test_nobody_right():
    correct = np.zeros((2, 1, 3), dtype=bool)
    assert np.isnan(true_positive_agreement(correct)).all()
    assert true_positive_agreement(correct, zero_division=0).tolist() == [0]
    assert agreement_lower_bound(correct).tolist() == [0]
    assert random_agreement(correct).tolist() == [0]
    assert np.isnan(random_agreement(correct, form="ratio")).all()
    assert random_agreement(correct, form="ratio", zero_division=1.0).tolist() == [1]


@pytest.mark.parametrize("function", ALL_OF_THEM)
def test_trajectory_is_as_good_as_an_array(golden_correct, function):
    expected = function(golden_correct)
    np.testing.assert_array_equal(function(as_trajectory(golden_correct)), expected)
    np.testing.assert_array_equal(function(golden_correct.astype(float)), expected)
    np.testing.assert_array_equal(function(golden_correct.astype(int).tolist()), expected)


@pytest.mark.parametrize("function", ALL_OF_THEM)
def test_only_steps_that_all_runs_completed(golden_correct, function):
    trajectory = as_trajectory(
        golden_correct, n_steps=[2, 1, 2], missing=[(1, 1, n) for n in range(6)]
    )
    np.testing.assert_array_equal(function(trajectory), function(golden_correct[:, :1]))


@pytest.mark.parametrize("function", ALL_OF_THEM)
def test_samples_missing_in_a_run_are_left_out(golden_correct, function):
    # Without sample 0 in step 0, and without samples 1 and 5 in step 1.
    trajectory = as_trajectory(golden_correct, missing=[(0, 0, 0), (1, 1, 1), (2, 1, 5)])
    expected = [
        function(golden_correct[:, :1, 1:])[0],
        function(golden_correct[:, 1:, [0, 2, 3, 4]])[0],
    ]
    message = rf"{function.__name__}: after 2 of 2 steps.*after step 1: 2 of 6"
    with pytest.warns(MissingRecordsWarning, match=message) as caught:
        found = function(trajectory)
    np.testing.assert_array_equal(found, expected)
    assert [warning.filename for warning in caught] == [__file__]
    array = golden_correct.astype(float)
    array[[0, 1, 2], [0, 1, 1], [0, 1, 5]] = np.nan
    with pytest.warns(MissingRecordsWarning):
        np.testing.assert_array_equal(function(array), expected)


@pytest.mark.parametrize("function", ALL_OF_THEM)
def test_nothing_that_all_runs_recorded(function):
    correct = [[[1, np.nan]], [[np.nan, 1]]]
    with pytest.raises(ValueError, match="all 2 runs recorded; after step 0 there are none"):
        function(correct)


@pytest.mark.parametrize("function", ALL_OF_THEM)
@pytest.mark.parametrize(
    ("correct", "message"),
    [
        (np.ones((2, 3), dtype=bool), r"three axes \(runs, steps, samples\); got shape \(2, 3\)"),
        (np.ones((0, 3, 4), dtype=bool), "got 0 runs, 3 such steps and 4 samples"),
        (np.ones((2, 0, 4), dtype=bool), "got 2 runs, 0 such steps"),
        (np.ones((2, 3, 0), dtype=bool), "and 0 samples"),
        (np.full((2, 3, 4), 7), "bools, or 0 and 1, .* got 7.*give predictions == y"),
        (np.full((2, 3, 4), "yes"), "correct must be a Trajectory or an array of bools"),
        (None, "correct must be a Trajectory or an array of bools.*got NoneType"),
    ],
)
def test_what_are_no_outcomes(function, correct, message):
    with pytest.raises(ValueError, match=message):
        function(correct)


@pytest.mark.parametrize("function", ALL_OF_THEM[:3])
def test_a_single_run_agrees_with_nobody(golden_correct, function):
    with pytest.raises(ValueError, match=f"{function.__name__} needs at least 2 runs.*got 1 runs"):
        function(golden_correct[:1])


@pytest.mark.parametrize("function", ALL_OF_THEM)
def test_trajectory_without_what_is_needed(function):
    with pytest.raises(RecordNotFoundError, match=f"'{function.__name__}' needs .* 'prediction'"):
        function(Trajectory(np.ones((2, 1, 3))))


def test_a_run_without_steps(golden_correct):
    with pytest.raises(ValueError, match="0 such steps"):
        true_positive_agreement(as_trajectory(golden_correct, n_steps=[2, 0, 2]))


@pytest.mark.parametrize("function", [true_positive_agreement, random_agreement])
def test_zero_division_out_of_range(golden_correct, function):
    with pytest.raises(ValueError, match="zero_division must be a number in"):
        function(golden_correct, zero_division=2)
    with pytest.raises(TypeError, match="zero_division"):
        function(golden_correct, zero_division="warn")


def test_unknown_form(golden_correct):
    with pytest.raises(ValueError, match="form must be one of 'product', 'ratio'; got 'mean'"):
        random_agreement(golden_correct, form="mean")


def test_several_labels_have_to_be_right_all():
    # the second label of the second sample is wrong in the first run
    prediction = np.array([[[[1, 0], [1, 0]]], [[[1, 0], [1, 1]]]], dtype=np.int8)
    path = Trajectory(np.ones((2, 1, 2)), prediction=prediction, y=np.array([[1, 0], [1, 1]]))
    assert true_positive_agreement(path).tolist() == [0.5]
