"""The buffer of a run: rows in any order, and only steps that were closed."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_difficulty.recording._step_recorder import StepRecorder


@pytest.fixture(params=["memory", "disk"])
def make(request, tmp_path):
    return lambda n: StepRecorder(n, None if request.param == "memory" else tmp_path)


def test_rows_in_any_order(make):
    recorder = make(4)
    recorder.write(np.array([2, 0]), {"loss": np.array([20.0, 0.0])})
    recorder.write(np.array([3]), {"loss": np.array([30.0])})
    recorder.step({"epoch": 1.0})
    recorder.write(np.array([0, 1, 0]), {"loss": np.array([1.0, 2.0, 3.0])})
    recorder.step({"epoch": 1.0})
    path = recorder.trajectory()
    assert_array_equal(path.loss, [[[0, np.nan, 20, 30], [3, 2, np.nan, np.nan]]])
    assert path.loss.dtype == np.float32
    assert recorder.n_steps == 2


def test_missing_predictions(make):
    recorder = make(3)
    recorder.write(np.array([1]), {"loss": np.ones(1), "prediction": np.array([7])})
    recorder.step({"epoch": 1.0})
    prediction = recorder.trajectory().prediction
    assert_array_equal(prediction, [[[-1, 7, -1]]])
    assert prediction.dtype == np.int32


def test_only_closed_steps_exist(make):
    recorder = make(2)
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


def test_steps_do_not_share_their_arrays(make):
    recorder = make(1)
    values = np.ones(1, dtype=np.float32)
    for _ in range(2):
        recorder.write(np.array([0]), {"loss": values})
        recorder.step({"epoch": 1.0})
        values += 1
    path = recorder.trajectory()
    assert_array_equal(path.loss, [[[1], [2]]])


def test_elements_are_summed(make):
    # images of 2 x 2 values: their sums over two steps
    recorder = make(2)
    for elements in ([[1, 2], [3, 4]], [[0.5, 1], [1.5, 2]]):
        elements = np.array([elements], dtype=np.float64)
        recorder.write(np.array([0]), {"loss": elements.mean((1, 2)), "elements": elements})
        recorder.step({"epoch": 1.0})
    path = recorder.trajectory()
    assert_array_equal(path.element_action[0, 0], [[1.5, 3], [4.5, 6]])
    assert np.isnan(path.element_action[0, 1]).all()  # was never written
    assert path.loss[0, :, 0].sum() == 3.75


def test_fields_are_handed_on(make):
    recorder = make(2)
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


def test_missing_rows_are_counted(make):
    recorder = make(4)
    assert recorder.missing.tolist() == [0, 1, 2, 3]
    recorder.write(np.array([2, 0]), {"loss": np.ones(2)})
    assert recorder.missing.tolist() == [1, 3]
    recorder.step({"epoch": 1.0})
    assert recorder.missing.tolist() == [0, 1, 2, 3]
    recorder.write(np.arange(4), {"loss": np.ones(4)})
    recorder.step({"epoch": 1.0})
    assert recorder.n_missing.tolist() == [2, 0]
    assert recorder.trajectory().n_missing.tolist() == [[2, 0]]


def test_steps_that_follow_leave_a_trajectory_as_it_is(make):
    recorder = make(2)
    made = []
    for step in range(5):
        recorder.write(np.arange(2), {"loss": np.full(2, step)})
        recorder.step({"epoch": 1.0})
        made.append(recorder.trajectory())
    for step, trajectory in enumerate(made):
        assert trajectory.loss[0, :, 1].tolist() == list(range(step + 1))


def test_steps_have_the_same_records(make):
    recorder = make(2)
    recorder.write(np.arange(2), {"loss": np.ones(2)})
    recorder.step({"epoch": 1.0})
    recorder.write(np.arange(2), {"loss": np.ones(2), "margin": np.ones(2)})
    with pytest.raises(ValueError, match="Every step must have the same"):
        recorder.step({"epoch": 1.0})


def test_copies_go_on(make):
    # callbacks that hold one are pickled with their net
    recorder = make(2)
    recorder.write(np.arange(2), {"loss": np.ones(2)})
    recorder.step({"epoch": 1.0})
    for twin in (copy.deepcopy(recorder), pickle.loads(pickle.dumps(recorder))):
        twin.write(np.arange(2), {"loss": np.zeros(2)})
        twin.step({"epoch": 1.0})
        assert twin.trajectory().loss[0, :, 0].tolist() == [1, 0]


def test_files_on_disk(tmp_path):
    recorder = StepRecorder(3, tmp_path)
    for step in range(2):
        recorder.write(np.arange(3), {"loss": np.full(3, step), "prediction": np.arange(3)})
        recorder.step({"epoch": 1.0})
    path = recorder.trajectory()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["loss.npy", "prediction.npy"]
    for name in ("loss", "prediction"):
        array = getattr(path, name)
        assert isinstance(array, np.memmap) and not array.flags.writeable
        assert_array_equal(np.load(tmp_path / f"{name}.npy"), array)
