"""Statistics over steps, where some samples are missing in some of them."""

import tracemalloc

import numpy as np
import pytest

from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.scores._over_steps import (
    completed,
    mean_over_steps,
    path_length,
    span_of_steps,
    step_times,
    variance_over_steps,
    whether_right,
    with_times,
)
from sklearn_difficulty.trajectory import Trajectory

VALUES = np.array([[1, 2, np.nan, 5], [3, np.nan, np.nan, 5], [8, 4, np.nan, 5]])


def test_mean_over_steps():
    np.testing.assert_array_equal(mean_over_steps(VALUES, 4), [4, 3, np.nan, 5])
    np.testing.assert_array_equal(mean_over_steps(iter(VALUES), 4), [4, 3, np.nan, 5])
    np.testing.assert_array_equal(mean_over_steps([], 2), [np.nan, np.nan])


def test_steps_that_stand_for_several():
    # 2, 5 and 5: mean 4, squared deviations 4 + 1 + 1
    values, spans = [np.array([2.0, np.nan]), np.array([5.0, 7.0])], [1.0, 2.0]
    np.testing.assert_allclose(mean_over_steps(values, 2, spans), [4, 7])
    np.testing.assert_allclose(variance_over_steps(values, 2, spans=spans), [2, 0])
    np.testing.assert_allclose(variance_over_steps(values, 2, 1, spans), [3, 0])


def test_spans_of_a_path():
    loss = np.ones((2, 3, 1))
    assert [spans.tolist() for spans in span_of_steps(Trajectory(loss))] == [[1, 1, 1]] * 2
    path = Trajectory(loss, dt={"step": np.array([[1.0, 3, 2], [2, 2, 2]])})
    assert [spans.tolist() for spans in span_of_steps(path)] == [[1, 3, 2], [2, 2, 2]]


def test_variance_over_steps():
    np.testing.assert_allclose(variance_over_steps(VALUES, 4), [26 / 3, 1, np.nan, 0])
    np.testing.assert_allclose(variance_over_steps(VALUES, 4, ddof=1), [13, 2, np.nan, 0])
    np.testing.assert_array_equal(variance_over_steps(VALUES[:1], 4, ddof=1), [np.nan] * 4)
    np.testing.assert_array_equal(variance_over_steps([], 2), [np.nan, np.nan])


def test_whether_right():
    prediction = np.array([[0, 1, -1], [1, 1, 2]])
    found = [(r.tolist(), c.tolist()) for r, c in whether_right(prediction, np.array([0, 1, 2]))]
    assert found == [
        ([True, True, False], [True, True, False]),
        ([True, True, True], [False, True, True]),
    ]


def test_completed():
    loss = np.arange(12.0).reshape(3, 2, 2)
    trajectory = Trajectory(loss, n_steps=np.array([2, 0, 1]))
    records = completed(trajectory, "loss", "a score")
    assert [record.tolist() for record in records] == [[[0, 1], [2, 3]], [], [[8, 9]]]
    assert np.shares_memory(records[0], loss)
    with pytest.raises(RecordNotFoundError, match="'a score' needs the record 'margin'"):
        completed(trajectory, "margin", "a score")


def test_path_length():
    loss = np.ones((2, 3, 1))
    dt = np.array([[1, 2, 0.5], [4, np.nan, np.nan]])
    trajectory = Trajectory(loss, n_steps=np.array([3, 1]), dt={"epoch": dt})
    assert [path_length(trajectory, run) for run in range(2)] == [3.5, 4]
    trajectory = Trajectory(loss, n_steps=np.array([3, 1]), dt={"wall": dt})
    assert [path_length(trajectory, run) for run in range(2)] == [3, 1]


@pytest.mark.parametrize("statistic", [mean_over_steps, variance_over_steps])
def test_memory_does_not_grow_with_steps(statistic):
    def peak(n_steps):
        record = np.ones((n_steps, 10_000), dtype=np.float32)
        tracemalloc.start()
        statistic(record, 10_000)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(100) < 1.1 * peak(5)


class TestTimes:
    def path(self, **dt):
        return Trajectory(np.ones((2, 3, 1)), dt={k: np.array(v, float) for k, v in dt.items()})

    def test_steps_without_lengths_have_one_each(self):
        begin, end = step_times(self.path())
        assert begin.tolist() == [[0, 1, 2]] * 2
        assert end.tolist() == [[1, 2, 3]] * 2

    def test_in_epochs(self):
        begin, end = step_times(self.path(epoch=[[0.5, 0.5, 1], [1, 2, 1]]))
        assert begin.tolist() == [[0, 0.5, 1], [0, 1, 3]]
        assert end.tolist() == [[0.5, 1, 2], [1, 3, 4]]

    def test_steps_end_where_the_next_begin(self):
        begin, end = step_times(self.path(epoch=np.full((2, 3), 0.1)))
        assert (begin[:, 1:] == end[:, :-1]).all()

    def test_a_part_still_tells_when_it_was(self):
        whole = self.path(epoch=[[0.5, 0.5, 1], [1, 2, 1]])
        begin, end = step_times(with_times(whole).window("late"))
        assert (begin.tolist(), end.tolist()) == ([[1], [3]], [[2], [4]])
        # Without the note it would be from the beginning.
        assert step_times(whole.window("late"))[0].tolist() == [[0], [0]]

    def test_other_lengths_are_left_out(self):
        noted = with_times(
            self.path(epoch=[[1, 1, 1]] * 2, step=[[1, 2, 1]] * 2, wall=[[1, 1, 1]] * 2)
        )
        assert sorted(noted.dt) == ["begin", "end", "step"]
        assert noted.dt["step"].tolist() == [[1, 2, 1]] * 2
