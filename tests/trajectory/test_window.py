"""Parts of a training, by numbers, thirds and fractions, in runs of any length."""

import numpy as np
import pytest

from sklearn_difficulty.trajectory import Snapshots, Trajectory, check_window, window_steps


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (None, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (0, [0]),
        (-1, [9]),
        (np.int64(3), [3]),
        (slice(2, 5), [2, 3, 4]),
        (slice(None, None, 4), [0, 4, 8]),
        (slice(-3, None), [7, 8, 9]),
        (slice(None, None, -3), [0, 3, 6, 9]),
        (slice(8, 99), [8, 9]),
        ("early", [0, 1, 2, 3]),
        ("late", [6, 7, 8, 9]),
        ((0.0, 0.5), [0, 1, 2, 3, 4]),
        ([0.5, 1.0], [5, 6, 7, 8, 9]),
        ((0, 1), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        # Steps 2 and 5 lie partly inside.
        ((0.25, 0.55), [2, 3, 4, 5]),
        ((0.99, 1.0), [9]),
    ],
)
def test_steps_of_ten(steps, expected):
    chosen = window_steps(steps, 10)
    assert chosen.tolist() == expected
    assert np.issubdtype(chosen.dtype, np.integer)
    assert check_window(steps) is steps


@pytest.mark.parametrize(
    ("n_steps", "early", "late"),
    [
        (1, [0], [0]),
        (2, [0], [1]),
        (3, [0], [2]),
        (4, [0, 1], [2, 3]),
        (9, [0, 1, 2], [6, 7, 8]),
    ],
)
def test_thirds_are_equally_long(n_steps, early, late):
    assert window_steps("early", n_steps).tolist() == early
    assert window_steps("late", n_steps).tolist() == late


def test_fractions_that_are_rounded():
    assert 0.07 * 100 > 7 and 0.29 * 100 < 29
    assert window_steps((0.0, 0.07), 100).tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert window_steps((0.29, 0.31), 100).tolist() == [29, 30]


def test_thirds_of_trainings_of_any_length():
    for n_steps in range(1, 200):
        early, late = window_steps("early", n_steps), window_steps("late", n_steps)
        assert len(early) == len(late) == -(-n_steps // 3)
        assert early[0] == 0 and late[-1] == n_steps - 1


@pytest.mark.parametrize(
    ("steps", "error", "message"),
    [
        ("middle", ValueError, '"early", "late".*got \'middle\''),
        (True, TypeError, "steps must be None .*got True"),
        (1.5, TypeError, r"got 1\.5"),
        ([0, 1, 2], TypeError, r"two fractions of the training .*got \[0, 1, 2\]"),
        (("a", "b"), TypeError, "got"),
        ((False, True), TypeError, "got"),
        ((0.5, 0.5), ValueError, r"0 <= first < second <= 1; got \(0\.5, 0\.5\)"),
        ((0.5, 0.2), ValueError, "0 <= first < second <= 1"),
        ((0, 3), ValueError, "For step numbers give a slice"),
        ((-0.1, 0.5), ValueError, "0 <= first"),
        ((0.0, np.nan), ValueError, "0 <= first"),
    ],
)
def test_what_names_no_part(steps, error, message):
    with pytest.raises(error, match=message):
        check_window(steps)
    with pytest.raises(error, match=message):
        window_steps(steps, 10)
    with pytest.raises(error, match=message):
        make([3, 2]).window(steps)


@pytest.mark.parametrize("steps", [3, -4, slice(3, None), slice(2, 2)])
def test_training_without_such_a_step(steps):
    with pytest.raises(IndexError, match=r"has no step in a training of 3 steps.*from 0 to 2"):
        window_steps(steps, 3)


def test_training_without_steps():
    assert window_steps(None, 0).tolist() == []
    for steps in ("late", -1, (0.0, 1.0)):
        with pytest.raises(IndexError, match=r"in a training of 0 steps\.$"):
            window_steps(steps, 0)


def make(lengths, n_steps_max=None, **fields):
    """Make runs of several lengths in which the loss of step s of run r is 100 r + s."""
    n_steps_max = n_steps_max or max(lengths)
    loss = np.full((len(lengths), n_steps_max, 2), np.nan)
    for run, length in enumerate(lengths):
        loss[run, :length] = 100 * run + np.arange(length)[:, None]
    return Trajectory(loss, n_steps=np.array(lengths), **fields)


def steps_of(window):
    """Give the losses of the completed steps of each run."""
    return [loss[:n, 0].tolist() for loss, n in zip(window.loss, window.n_steps, strict=True)]


def test_window_counts_in_each_run():
    runs = make([6, 3, 4])
    assert steps_of(runs.window("late")) == [[4, 5], [102], [202, 203]]
    assert steps_of(runs.window("early")) == [[0, 1], [100], [200, 201]]
    assert steps_of(runs.window(-1)) == [[5], [102], [203]]
    assert steps_of(runs.window(-3)) == [[3], [100], [201]]
    assert steps_of(runs.window(slice(-2, None))) == [[4, 5], [101, 102], [202, 203]]
    assert steps_of(runs.window((0.0, 0.5))) == [[0, 1, 2], [100, 101], [200, 201]]
    assert steps_of(runs.window(1)) == [[1], [101], [201]]
    assert steps_of(runs.window(slice(None, None, 2))) == [[0, 2, 4], [100, 102], [200, 202]]


def test_window_of_shorter_runs_is_padded():
    late = make([6, 3]).window("late")
    assert late.n_steps.tolist() == [2, 1]
    assert late.loss.shape == (2, 2, 2)
    assert np.isnan(late.loss[1, 1]).all()
    assert late.dt["epoch"].tolist() == [[1, 1], [1, 0]]


def test_window_leaves_the_padding_out():
    runs = make([3, 3], n_steps_max=8)
    assert steps_of(runs.window(-1)) == [[2], [102]]
    assert runs.window("late").n_steps.tolist() == [1, 1]


def test_whole_window():
    runs = make([3, 0], n_steps_max=3)
    assert runs.window(None) is runs
    with pytest.raises(IndexError, match="in a training of 0 steps"):
        runs.window(-1)


def test_run_without_a_step_in_the_window():
    with pytest.raises(IndexError, match=r"steps=4 has no step in a training of 3 steps"):
        make([6, 3]).window(4)


def test_window_cuts_every_record():
    rng = np.random.default_rng(0)
    prediction = rng.integers(0, 3, (2, 6, 2))
    runs = make(
        [6, 3],
        prediction=prediction,
        outputs=rng.random((2, 6, 2, 3)),
        components={"box": rng.random((2, 6, 2))},
        element_action=np.ones((2, 2, 4)),
        dt={"wall": np.arange(12.0).reshape(2, 6)},
        y=np.array([0, 1]),
        in_train=np.array([[True, False], [False, True]]),
    )
    late = runs.window("late")
    assert late.prediction[0].tolist() == prediction[0, 4:].tolist()
    assert late.prediction[1].tolist() == [prediction[1, 2].tolist(), [-1, -1]]
    np.testing.assert_array_equal(late.outputs[0], runs.outputs[0, 4:])
    np.testing.assert_array_equal(late.components["box"][1, 0], runs.components["box"][1, 2])
    assert late.dt["wall"].tolist() == [[4, 5], [8, 0]]
    assert late.element_action is None
    assert late.y.tolist() == [0, 1]
    assert late.in_train.tolist() == runs.in_train.tolist()


def states(steps, model):
    return {step: {"w": np.array([10.0 * model + step])} for step in steps}


def test_window_renumbers_snapshots_in_each_run():
    # Two models of each run, as when it is recorded out of fold in two folds.
    kept = [states([0, 4, 5], 0), states([3, 5], 1), states([0, 2], 2), states([1], 3)]
    late = make([6, 3], snapshots=Snapshots(kept)).window("late")
    assert late.snapshots.n_models == 4
    assert [late.snapshots.steps(model) for model in range(4)] == [(0, 1), (1,), (0,), ()]
    assert late.snapshots.state(0, 0)["w"] == 4
    assert late.snapshots.state(1, 1)["w"] == 15
    assert late.snapshots.state(2, 0)["w"] == 22


def test_same_window_of_all_runs_is_a_view():
    runs = make([4, 4], snapshots=Snapshots([states([1, 3], 0), states([3], 1)]))
    window = runs.window(slice(1, None, 2))
    assert np.shares_memory(window.loss, runs.loss)
    assert window.snapshots.steps(0) == (0, 1)
    assert window.snapshots.state(1, 1)["w"] == 13


def test_window_of_records_on_disk(tmp_path):
    runs = make([6, 3])
    runs.save(tmp_path / "runs")
    on_disk = Trajectory.load(tmp_path / "runs", mmap=True)
    assert steps_of(on_disk.window("late")) == [[4, 5], [102]]
