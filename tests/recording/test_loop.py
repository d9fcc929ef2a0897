"""The buffer of a run: rows in any order, and only steps that were closed."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_difficulty.recording._loop import TrajectoryRecorder


def test_rows_in_any_order():
    recorder = TrajectoryRecorder(4)
    recorder.write(np.array([2, 0]), {"loss": np.array([20.0, 0.0])})
    recorder.write(np.array([3]), {"loss": np.array([30.0])})
    recorder.step({"epoch": 1.0})
    recorder.write(np.array([0, 1, 0]), {"loss": np.array([1.0, 2.0, 3.0])})
    recorder.step({"epoch": 1.0})
    path = recorder.trajectory()
    assert_array_equal(path.loss, [[[0, np.nan, 20, 30], [3, 2, np.nan, np.nan]]])
    assert path.loss.dtype == np.float32
    assert recorder.n_steps == 2


def test_missing_predictions():
    recorder = TrajectoryRecorder(3)
    recorder.write(np.array([1]), {"loss": np.ones(1), "prediction": np.array([7])})
    recorder.step({"epoch": 1.0})
    prediction = recorder.trajectory().prediction
    assert_array_equal(prediction, [[[-1, 7, -1]]])
    assert prediction.dtype == np.int32


def test_only_closed_steps_exist():
    recorder = TrajectoryRecorder(2)
    with pytest.raises(ValueError, match="no step was completed"):
        recorder.trajectory()
    rows = np.arange(2)
    recorder.write(rows, {"loss": np.array([1.0, 2.0])})
    recorder.step({"epoch": 1.0, "wall": 0.5})
    recorder.write(rows, {"loss": np.array([3.0, 4.0])})
    assert_array_equal(recorder.trajectory().loss, [[[1, 2]]])
    recorder.drop_open_step()
    recorder.write(rows, {"loss": np.array([5.0, 6.0])})
    recorder.step({"epoch": 1.0, "wall": 0.25})
    path = recorder.trajectory()
    assert_array_equal(path.loss, [[[1, 2], [5, 6]]])
    assert path.dt["wall"].tolist() == [[0.5, 0.25]]


def test_steps_do_not_share_their_arrays():
    recorder = TrajectoryRecorder(1)
    values = np.ones(1, dtype=np.float32)
    for _ in range(2):
        recorder.write(np.array([0]), {"loss": values})
        recorder.step({"epoch": 1.0})
        values += 1
    path = recorder.trajectory()
    assert_array_equal(path.loss, [[[1], [2]]])


def test_elements_are_summed():
    # images of 2 x 2 values: their sums over two steps
    recorder = TrajectoryRecorder(2)
    for elements in ([[1, 2], [3, 4]], [[0.5, 1], [1.5, 2]]):
        elements = np.array([elements], dtype=np.float64)
        recorder.write(np.array([0]), {"loss": elements.mean((1, 2)), "elements": elements})
        recorder.step({"epoch": 1.0})
    path = recorder.trajectory()
    assert_array_equal(path.element_action[0, 0], [[1.5, 3], [4.5, 6]])
    assert_array_equal(path.element_action[0, 1], np.zeros((2, 2)))  # was never written
    assert path.loss[0, :, 0].sum() == 3.75


def test_fields_are_handed_on():
    recorder = TrajectoryRecorder(2)
    recorder.write(np.arange(2), {"loss": np.ones(2), "outputs": np.ones((2, 3))})
    recorder.step({"epoch": 1.0})
    path = recorder.trajectory(
        y=np.array([1, 0]),
        classes=np.array(["a", "b"]),
        in_train=np.array([True, False]),
        when="during",
    )
    assert path.outputs.shape == (1, 1, 2, 3)
    assert_array_equal(path.in_train, [[True, False]])
    assert path.when == "during"
    assert path.classes.tolist() == ["a", "b"]
