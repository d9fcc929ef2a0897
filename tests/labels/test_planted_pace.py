"""How much steps count by how far planted errors stand out in them."""

import numpy as np
import pytest

from sklearn_difficulty.labels import PlantedErrors, PlantedLabels, _planted_pace
from sklearn_difficulty.labels._planted_pace import planted_pace
from sklearn_difficulty.scores import consensus
from sklearn_difficulty.scores._pace import paces_of, weights_of_steps
from sklearn_difficulty.trajectory import Trajectory

N = 200
TRUTH = np.arange(N) % 2
ERRORS = np.arange(N) % 10 == 3
GIVEN = np.where(ERRORS, 1 - TRUTH, TRUTH)


def path(knows, y=TRUTH, *, seed=0, **options):
    """Make steps of a model, each of which is as sure of the true label as given."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(len(knows), N, 2))
    logits[:, np.arange(N), TRUTH] += np.asarray(knows, dtype=float)[:, None]
    return Trajectory.from_outputs(logits, y, kind="logits", classes=[0, 1], **options)


def stack(*runs):
    """Put paths of one run each together as the runs of one."""
    records = ("proba", "margin", "prediction")
    together = {name: np.concatenate([getattr(run, name) for run in runs]) for name in records}
    loss = np.concatenate([run.loss for run in runs])
    return Trajectory(loss, y=runs[0].y, classes=runs[0].classes, **together)


def with_errors(trajectory, errors=ERRORS):
    return PlantedErrors(trajectory, PlantedLabels(GIVEN, errors, np.ones(N, dtype=bool)))


def planted(knows):
    return with_errors(path(knows, GIVEN, seed=1))


def own(trajectory):
    return list(paces_of(trajectory))


def weights(trajectory, pace):
    return [*weights_of_steps(trajectory, pace)]


def test_steps_that_tell_planted_errors_outweigh_the_others():
    first = path([2, 2, 2, 2])
    (before,) = weights(first, own(first))
    (of_steps,) = weights(first, planted_pace(own(first), [planted([0, 1, 4, 0])]))
    assert of_steps.sum() == pytest.approx(1)
    assert before.max() < 0.4
    assert of_steps[2] > 0.7
    assert of_steps[1] > of_steps[0] and of_steps[1] > of_steps[3]


def test_by_hand():
    first = path([2, 2])
    # All other rows are sure of their labels, and of the two errors none in the first step, one in
    # the second: an excess of 1/2, and of 0.
    margin = np.full((1, 2, N), 1.0)
    errors = np.flatnonzero(ERRORS)[:2]
    margin[0, 0, errors] = -1.0
    margin[0, 1, errors] = [-1.0, 2.0]
    base = path([2, 2], GIVEN)
    again = Trajectory(
        base.loss,
        proba=base.proba,
        margin=margin,
        prediction=base.prediction,
        y=GIVEN,
        classes=[0, 1],
    )
    mask = np.isin(np.arange(N), errors)
    (of_steps,) = weights(first, planted_pace(own(first), [with_errors(again, mask)]))
    np.testing.assert_allclose(of_steps, [1, 0], atol=1e-7)


def test_steps_in_which_all_stand_out_alike_keep_their_weights():
    first = path([1, 3, 5])
    pace = planted_pace(own(first), [planted([20, 20, 20])])
    np.testing.assert_allclose(weights(first, pace), weights(first, own(first)), rtol=1e-6)


def test_where_none_stands_out_steps_keep_their_weights():
    first = path([1, 3, 5])
    pace = planted_pace(own(first), [planted([-4, -4, -4])])
    np.testing.assert_array_equal(weights(first, pace), weights(first, own(first)))


def test_several_trainings_and_runs_are_averaged():
    first = stack(path([2, 2]), path([2, 2], seed=5))
    of_two = with_errors(stack(planted([4, 0]).trajectory, planted([4, 0]).trajectory))
    paces = planted_pace(own(first), [of_two, planted([4, 0])])
    assert len(paces) == 2
    for of_steps in weights(first, paces):
        assert of_steps[0] > 0.99


def test_trainings_of_another_length_count_by_time():
    first = path([2, 2, 2, 2])
    # The second training stopped after half of the epochs.
    (of_steps,) = weights(first, planted_pace(own(first), [planted([0, 4])]))
    assert of_steps[0] < 0.01
    (before,) = weights(first, own(first))
    np.testing.assert_allclose(of_steps[1:], before[1:] / before[1:].sum(), rtol=0.01)


def test_records_that_are_missing_are_left_out():
    again = planted([0, 4, 0]).trajectory
    margin = again.margin.copy()
    margin[0, 1, :100] = np.nan
    margin[0, 2] = np.nan
    partly = Trajectory(
        again.loss,
        proba=again.proba,
        margin=margin,
        prediction=again.prediction,
        y=again.y,
        classes=again.classes,
    )
    first = path([2, 2, 2])
    (of_steps,) = weights(first, planted_pace(own(first), [with_errors(partly)]))
    assert of_steps[1] > 0.99


def test_rows_that_only_other_steps_recorded_are_not_lost():
    first = path([1, 3, 3])
    proba, margin, prediction = (
        getattr(first, name).copy() for name in ("proba", "margin", "prediction")
    )
    proba[0, 1:, :15] = margin[0, 1:, :15] = np.nan
    prediction[0, 1:, :15] = -1
    first = Trajectory(
        first.loss,
        proba=proba,
        margin=margin,
        prediction=prediction,
        y=first.y,
        classes=first.classes,
    )
    pace = planted_pace(own(first), [planted([-3, 3, 3])])
    # Nothing is known of these rows but by the step in which no planted error stands out.
    assert not np.isnan(consensus(first, pace=pace)).any()


def test_of_many_rows_some_are_enough(monkeypatch):
    first, again = path([2, 2, 2, 2]), planted([0, 1, 4, 0])
    (all_rows,) = weights(first, planted_pace(own(first), [again]))
    monkeypatch.setattr(_planted_pace, "_MOST_OTHERS", 50)
    (some_rows,) = weights(first, planted_pace(own(first), [again]))
    assert not np.array_equal(some_rows, all_rows)
    np.testing.assert_allclose(some_rows, all_rows, atol=0.05)
