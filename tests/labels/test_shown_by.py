"""What paths on planted errors show, and at which pace."""

import numpy as np
import pytest

from sklearn_difficulty.labels import PlantedErrors, PlantedLabels
from sklearn_difficulty.labels._labelled import Labelled
from sklearn_difficulty.labels._planted_pace import planted_pace
from sklearn_difficulty.labels._shown import Shown
from sklearn_difficulty.labels._shown_by import checked_errors, shown_by
from sklearn_difficulty.scores import consensus
from sklearn_difficulty.scores._pace import paces_of
from sklearn_difficulty.trajectory import Trajectory

N, N_STEPS = 400, 12
TRUTH = np.arange(N) % 2


def trained(y, knows, seed):
    """Make a path whose steps are as sure of the true label as given."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(len(knows), N, 2))
    logits[:, np.arange(N), TRUTH] += np.asarray(knows, dtype=float)[:, None]
    return Trajectory.from_outputs(logits, y, kind="logits", classes=[0, 1])


def errors(knows, seed):
    rng = np.random.default_rng(seed + 1000)
    planted = np.isin(np.arange(N), rng.permutation(N)[:40])
    y = np.where(planted, 1 - TRUTH, TRUTH)
    labels = PlantedLabels(y, planted, np.ones(N, dtype=bool))
    return PlantedErrors(trained(y, knows, seed), labels)


def test_rows_are_seen_at_the_pace_of_the_errors():
    knows = np.eye(N_STEPS)[3] * 5
    first, again = trained(TRUTH, knows, 0), errors(knows, 1)
    shown, pace = shown_by(first, [again])
    values = consensus(again.trajectory, pace=pace)
    np.testing.assert_array_equal(shown.wrong.values, values[again.labels.planted])
    np.testing.assert_array_equal(shown.others.values, values[~again.labels.planted])
    assert shown.tells
    right, wrong = shown.typical
    own = consensus(again.trajectory)
    assert wrong - right > np.median(own[again.labels.planted]) - np.median(
        own[~again.labels.planted]
    )


def test_no_errors():
    shown, pace = shown_by(trained(TRUTH, [1, 1], 0), [])
    assert not shown.enough
    assert pace is None


def test_one_step_is_seen_as_it_is():
    again = errors([3], 1)
    shown, pace = shown_by(trained(TRUTH, [3], 0), [again])
    assert pace is None
    rows = Labelled(consensus(again.trajectory), again.labels.y)
    expected = Shown.of(rows, again.labels.planted, again.labels.believed)
    assert shown.excess == expected.excess


def test_whether_they_stand_out_is_not_asked_in_the_steps_chosen_for_it():
    # Of a model that knows nothing, errors stand out in some of the steps, by chance.
    nothing = np.zeros(N_STEPS)
    deviations, chosen = [], []
    for seed in range(60):
        first, again = trained(TRUTH, nothing, seed), errors(nothing, seed + 500)
        shown, pace = shown_by(first, [again])
        deviations.append(shown.excess.deviations)
        values = consensus(again.trajectory, pace=planted_pace([*paces_of(first)], [again]))
        rows = Labelled(values, again.labels.y)
        chosen.append(Shown.of(rows, again.labels.planted, again.labels.believed).excess.deviations)
        # Nor does it choose the steps that others are ranked by.
        assert (pace is None) == (not shown.tells)
    # Three standard errors of a mean of 60 are 0.39, and of their deviation 0.27.
    assert abs(np.mean(deviations)) < 0.39
    assert abs(np.std(deviations) - 1) < 0.27
    # Of 60 at the level of 0.1, more than 12 are said to stand out once in 200 times.
    assert np.mean(np.array(deviations) > 1.2816) <= 12 / 60
    assert np.mean(np.array(chosen) > 1.2816) > 0.3


def test_errors_are_checked():
    again = errors([1, 1], 0)
    assert checked_errors(None) == []
    assert checked_errors(again) == [again]
    assert checked_errors([again, again]) == [again, again]
    with pytest.raises(TypeError, match="planted_errors must be PlantedErrors"):
        checked_errors([again, None])
