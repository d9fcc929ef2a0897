"""Action, on losses whose sums are known by hand."""

import warnings

import numpy as np
import pytest

from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.scores import action, mean_per_class, min_max
from sklearn_difficulty.trajectory import Trajectory

LOSS = np.array([[2, 1, 0.5, 3], [1, 0.5, 0.25, 3], [0.5, 0.25, 0.25, 4]])
SUMS = [3.5, 1.75, 1, 10]


def test_sum_of_losses():
    scores = action(Trajectory(LOSS[None]))
    assert scores.tolist() == SUMS
    assert scores.dtype == np.float64


def test_weighted_by_the_length_of_steps():
    trajectory = Trajectory(
        LOSS[None], dt={"epoch": np.ones((1, 3)), "wall": np.array([[1, 2, 0.5]])}
    )
    expected = [4.25, 2.125, 1.125, 11]
    assert action(trajectory, dt="wall").tolist() == expected
    assert action(trajectory, dt=[1, 2, 0.5]).tolist() == expected
    assert action(trajectory, dt=np.array([[1, 2, 0.5]])).tolist() == expected
    assert action(trajectory).tolist() == SUMS


def test_cross_entropy():
    loss = -np.log([[0.7, 0.1], [0.9, 0.2]])
    scores = action(Trajectory(loss[None]))
    np.testing.assert_allclose(scores, [0.4620354596, 3.9120230054], atol=1e-10)


def test_mean_per_unit_of_dt():
    trajectory = Trajectory(LOSS[None])
    np.testing.assert_allclose(action(trajectory, reduction="mean"), np.divide(SUMS, 3))
    per_unit = action(trajectory, dt=[1, 2, 0.5], reduction="mean")
    np.testing.assert_allclose(per_unit, np.divide([4.25, 2.125, 1.125, 11], 3.5))


def test_per_class():
    classes, means = mean_per_class(action(Trajectory(LOSS[None])), [0, 0, 1, 1])
    assert classes.tolist() == [0, 1]
    assert means.tolist() == [2.625, 5.5]


@pytest.mark.parametrize("padding", [0, np.nan, 99])
def test_only_completed_steps_count(padding):
    loss = np.full((1, 5, 4), padding, dtype=float)
    loss[0, :3] = LOSS
    trajectory = Trajectory(loss, n_steps=np.array([3]))
    assert action(trajectory).tolist() == SUMS
    assert action(trajectory, dt=[1, 2, 0.5, np.nan, -1]).tolist() == [4.25, 2.125, 1.125, 11]


def test_part_of_the_training():
    trajectory = Trajectory(LOSS[None])
    assert action(trajectory, steps=slice(1, None)).tolist() == [1.5, 0.75, 0.5, 7]
    assert action(trajectory, steps="early").tolist() == [2, 1, 0.5, 3]
    assert action(trajectory, steps="late").tolist() == [0.5, 0.25, 0.25, 4]
    assert action(trajectory, steps=-1, reduction="mean").tolist() == [0.5, 0.25, 0.25, 4]


def test_lengths_are_cut_along_with_the_training():
    trajectory = Trajectory(LOSS[None])
    expected = [2.25, 1.125, 0.625, 8]
    assert action(trajectory, dt=[1, 2, 0.5], steps=slice(1, None)).tolist() == expected
    # Of the second run, one step long, the last step has length 3; its others are not there.
    both = Trajectory.stack([trajectory, Trajectory(LOSS[None, :1])])
    scores = action(both, dt=[[1, 2, 0.5], [3, np.nan, np.nan]], steps=-1)
    assert scores.tolist() == [3.125, 1.5625, 0.8125, 5.5]
    with pytest.raises(ValueError, match=r"got shape \(2,\)"):
        action(trajectory, dt=[2, 0.5], steps=slice(1, None))


def test_part_that_a_run_does_not_have():
    with pytest.raises(IndexError, match="steps=3 has no step in a training of 3 steps"):
        action(Trajectory(LOSS[None]), steps=3)


def test_mean_over_runs_of_different_length():
    second = np.array([[2.5, 2.25, 2, 8]])
    runs = Trajectory.stack([Trajectory(LOSS[None]), Trajectory(second[None])])
    scores = action(runs)
    assert scores.tolist() == [3, 2, 1.5, 9]
    np.testing.assert_allclose(min_max(scores), [0.2, 0.0666667, 0, 1], atol=1e-7)
    # Scaling each run first would give something else.
    each = [min_max(action(runs.select(runs=r))) for r in range(2)]
    np.testing.assert_allclose(np.mean(each, axis=0), [0.18056, 0.0625, 0, 1], atol=1e-5)


def test_per_pixel():
    pixels = np.array([[[1, 2], [3, 4]], [[0.5, 1], [1.5, 2]]])
    trajectory = Trajectory(
        pixels.mean(axis=(1, 2))[None, :, None], element_action=pixels.sum(axis=0)[None, None]
    )
    assert trajectory.element_action[0, 0].tolist() == [[1.5, 3], [4.5, 6]]
    assert action(trajectory).tolist() == [3.75]
    assert trajectory.element_action.mean() == 3.75


def test_in_chunks_and_from_disk_it_is_the_same(tmp_path):
    rng = np.random.default_rng(0)
    trajectory = Trajectory(rng.random((2, 50, 101), dtype=np.float32))
    whole = action(trajectory)
    chunks = [action(trajectory.select(samples=slice(i, i + 7))) for i in range(0, 101, 7)]
    np.testing.assert_allclose(np.concatenate(chunks), whole, rtol=1e-12, atol=0)
    exact = trajectory.loss.astype(np.float64).sum(axis=1).mean(axis=0)
    np.testing.assert_allclose(whole, exact, rtol=1e-12, atol=0)
    trajectory.save(tmp_path / "run")
    np.testing.assert_array_equal(action(Trajectory.load(tmp_path / "run", mmap=True)), whole)


def test_missing_steps_are_filled_by_the_others():
    loss = LOSS.copy()
    loss[1, 0] = np.nan
    trajectory = Trajectory(loss[None])
    assert action(trajectory).tolist() == [2.5 / 2 * 3, 1.75, 1, 10]
    # Lengths 1, 2, 0.5 of which 1 and 0.5 were recorded.
    assert action(trajectory, dt=[1, 2, 0.5])[0] == pytest.approx(2.25 / 1.5 * 3.5)
    assert action(trajectory, dt=[1, 2, 0.5], reduction="mean")[0] == pytest.approx(1.5)


def test_samples_missing_in_some_runs():
    loss = np.stack([LOSS, LOSS + 1])
    loss[0, :, 2] = np.nan
    loss[:, :, 3] = np.nan
    with pytest.warns(MissingRecordsWarning, match="'action': 1 of 4 samples") as caught:
        scores = action(Trajectory(loss))
    assert scores[:3].tolist() == [5, 3.25, 4]
    assert np.isnan(scores[3])
    assert caught[0].filename == __file__


def test_run_without_steps_does_not_count():
    trajectory = Trajectory(np.stack([LOSS, LOSS]), n_steps=np.array([3, 0]))
    with warnings.catch_warnings(action="error"):
        assert action(trajectory).tolist() == SUMS


def test_missing_where_steps_have_no_length():
    loss = LOSS.copy()
    loss[0, 0] = np.nan
    with pytest.warns(MissingRecordsWarning):
        scores = action(Trajectory(loss[None]), dt=[1, 0, 0])
    assert np.isnan(scores[0])
    assert scores[1:].tolist() == [1, 0.5, 3]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"dt": "wall"}, RecordNotFoundError, r"dt='wall' needs .* it holds 'epoch'"),
        ({"dt": [1, 2]}, ValueError, r"\(n_steps,\) = \(3,\) or .*; got shape \(2,\)"),
        ({"dt": 1.0}, ValueError, r"lengths of the steps, an array .*; got 1\.0"),
        ({"dt": None}, ValueError, "lengths of the steps, an array .*; got None"),
        ({"dt": [1, -1, 1]}, ValueError, "none negative"),
        ({"dt": [1, np.nan, 1]}, ValueError, r"dt must hold finite lengths.*in run 0"),
        ({"dt": [0, 0, 0]}, ValueError, "not all zero"),
        ({"reduction": "median"}, ValueError, "reduction must be one of 'sum', 'mean'"),
    ],
)
def test_options_that_make_no_sense(options, error, message):
    with pytest.raises(error, match=message):
        action(Trajectory(LOSS[None]), **options)
