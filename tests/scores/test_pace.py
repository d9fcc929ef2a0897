"""How much the steps of a training count, on steps whose contradictions are known."""

import numpy as np
import pytest

from sklearn_difficulty.scores._pace import paces_of, weights_of_steps
from sklearn_difficulty.trajectory import Trajectory

N = 100


def path(contradicted, *, sureness=0.9):
    """Make steps in which so many of 100 labels are contradicted, and all others believed."""
    proba = np.full((len(contradicted), N, 2), [sureness, 1 - sureness])
    for step, n_rows in enumerate(contradicted):
        proba[step, :n_rows] = [1 - sureness, sureness]
    return Trajectory.from_outputs(proba, np.zeros(N, dtype=int), kind="proba", classes=[0, 1])


def weights(trajectory):
    (of_run,) = weights_of_steps(trajectory, paces_of(trajectory))
    assert of_run.sum() == pytest.approx(1)
    return of_run


def test_by_hand():
    # A lead of 0.8 on 20 and 10 labels: 0.16 * 0.8 ** 2 + 0.01 and 0.08 * 0.9 ** 2 + 0.01.
    first, second = 0.1124**4, 0.0748**4
    expected = np.array([first, second]) / (first + second)
    np.testing.assert_allclose(weights(path([20, 10])), expected, rtol=1e-5)


@pytest.mark.parametrize("contradicted", [[0, 0, 0], [20, 20, 20]])
def test_steps_that_tell_as_much_count_alike(contradicted):
    np.testing.assert_allclose(weights(path(contradicted)), 1 / 3)


def test_steps_before_wrong_labels_are_known_by_heart():
    of_steps = weights(path([20, 15, 5, 0, 0, 0]))
    assert (np.diff(of_steps) < 1e-12).all()
    assert of_steps[:2].sum() > 0.95


def test_steps_after_right_labels_are_learnt():
    undecided = path([20, 20, 20], sureness=0.55)
    learnt = path([20, 20, 20], sureness=0.9)
    both = np.concatenate([undecided.proba, learnt.proba], axis=1)
    outputs = np.stack([both[0], 1 - both[0]], axis=-1)
    steps = Trajectory.from_outputs(outputs, undecided.y, kind="proba", classes=[0, 1])
    assert weights(steps)[3:].sum() > 0.95


def test_steps_that_are_mostly_wrong():
    # As many contradictions as it can have, of a model that knows nothing.
    assert weights(path([90, 70, 20, 20]))[:2].sum() < 0.15


def test_a_step_that_stands_out_counts_as_its_larger_neighbour():
    of_steps = weights(path([5, 4, 30, 6, 5]))
    assert of_steps[2] == pytest.approx(of_steps[3])


@pytest.mark.parametrize("stumble", [0, 3])
def test_at_either_end_it_may_be_the_only_one_that_tells(stumble):
    contradicted = [2, 2, 2, 2]
    contradicted[stumble] = 20
    assert weights(path(contradicted))[stumble] > 0.95


def test_few_labels_contradicted_are_no_reason_to_look_at_few_steps():
    assert weights(path([1, 0, 0, 0, 0, 0, 0, 0]))[0] < 0.6


def test_rows_without_records_do_not_count():
    every = weights(path([20, 10, 10]))
    outputs = np.full((3, 2 * N, 2), np.nan)
    part = path([20, 10, 10])
    outputs[:, ::2] = np.stack([part.proba[0], 1 - part.proba[0]], axis=-1)
    y = np.zeros(2 * N, dtype=int)
    gaps = Trajectory.from_outputs(outputs, y, kind="proba", classes=[0, 1])
    np.testing.assert_allclose(weights(gaps), every, rtol=1e-6)


def test_a_step_without_any_record():
    outputs = np.full((2, N, 2), [0.9, 0.1])
    outputs[0] = np.nan
    steps = Trajectory.from_outputs(outputs, np.zeros(N, int), kind="proba", classes=[0, 1])
    assert np.isfinite(weights(steps)).all()


def test_no_rows():
    nothing = path([20, 10]).select(samples=[])
    np.testing.assert_allclose(weights(nothing), 0.5)


def test_each_run_has_its_own():
    runs = Trajectory.stack([path([20, 0]), path([0, 20])])
    first, second = weights_of_steps(runs, paces_of(runs))
    np.testing.assert_allclose(first, second[::-1])
