"""A parameter state comes back bit by bit, whatever its arrays are like."""

import sys

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from sklearn_difficulty.exceptions import TrajectoryFormatError
from sklearn_difficulty.trajectory import Snapshots, Trajectory
from sklearn_difficulty.trajectory._snapshot_files import StateOnDisk, write_state

MATRIX = np.arange(6.0, dtype=np.float32).reshape(2, 3)

STATE = {
    "zero axes": np.array(3.5),
    "empty": np.zeros((0, 3), dtype=np.float32),
    "transposed": MATRIX.T,
    "every other": np.arange(10)[::2],
    "backwards": np.arange(4, dtype=np.int16)[::-1],
    "broadcast": np.broadcast_to(np.float32(2), (2, 2)),
    "flags": np.array([True, False]),
    "half": np.array([0.5], dtype=np.float16),
    "complex": np.array([[1 + 2j], [3 - 4j]], dtype=np.complex64),
    "long complex": np.array(1 + 2j),
    "days": np.array(["2020-01-01", "NaT"], dtype="M8[D]"),
    "words": np.array(["no", "yes"]),
    "bytes": np.array([255, 0], dtype=np.uint8),
    "": np.ones(1),
    "layers/0.weight": MATRIX,
}


def test_arrays_of_all_kinds(tmp_path):
    description = write_state(STATE, tmp_path / "state")
    state = StateOnDisk(tmp_path / "state", description)
    assert list(state) == list(STATE)
    for name, array in state.items():
        np.testing.assert_array_equal(array, STATE[name], strict=True)
        np.testing.assert_array_equal(state[name], STATE[name], strict=True)
        assert array.flags.writeable
    assert state.nbytes == sum(array.nbytes for array in STATE.values())


def test_another_order_of_bytes(tmp_path):
    description = write_state({"w": np.array([1.5, 2], dtype=">f8")}, tmp_path / "state")
    w = StateOnDisk(tmp_path / "state", description)["w"]
    assert w.tolist() == [1.5, 2]
    assert w.dtype.isnative


def test_files_are_open_to_other_programs(tmp_path):
    write_state({"b": MATRIX.T, "a": np.arange(3)}, tmp_path / "state")
    content = load_file(tmp_path / "state")
    np.testing.assert_array_equal(content["b"], MATRIX.T, strict=True)
    np.testing.assert_array_equal(content["a"], np.arange(3), strict=True)


def test_no_arrays(tmp_path):
    state = StateOnDisk(tmp_path / "state", write_state({}, tmp_path / "state"))
    assert dict(state.items()) == {} and state.nbytes == 0


def test_one_array_is_read_alone(tmp_path):
    state = {"a": np.zeros(3), "b": np.ones(3)}
    description = write_state(state, tmp_path / "state")
    # of the same size, with another value in one of the two
    save_file({"a": np.zeros(3), "b": np.array([1.0, 2.0, 1.0])}, tmp_path / "state")
    stored = StateOnDisk(tmp_path / "state", description)
    assert stored["a"].tolist() == [0, 0, 0]
    with pytest.raises(TrajectoryFormatError, match="holds other values of 'b'"):
        stored["b"]
    with pytest.raises(TrajectoryFormatError, match="holds other values of 'b'"):
        stored.items()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"a": np.zeros((3, 1))}, r"the shape of 'a' is \[3, 1\]"),
        ({"a": np.zeros(3, dtype=np.int64)}, "the dtype of 'a' is <i8"),
        ({"c": np.zeros(3)}, "missing or altered: .*a"),
    ],
)
def test_another_state_in_its_place(tmp_path, other, message):
    description = write_state({"a": np.zeros(3)}, tmp_path / "state")
    save_file(other, tmp_path / "state")
    description = description | {"bytes": (tmp_path / "state").stat().st_size}
    with pytest.raises(TrajectoryFormatError, match=message):
        StateOnDisk(tmp_path / "state", description)["a"]


@pytest.mark.parametrize("content", [b"", b"x" * 40, b"\x10" + b"\0" * 7 + b"not json........"])
def test_a_file_of_another_kind(tmp_path, content):
    description = write_state({"a": np.zeros(3)}, tmp_path / "state")
    (tmp_path / "state").write_bytes(content)
    with pytest.raises(TrajectoryFormatError, match="cut short or altered"):
        StateOnDisk(tmp_path / "state", description)
    state = StateOnDisk(tmp_path / "state", description | {"bytes": len(content)})
    with pytest.raises(TrajectoryFormatError, match="missing or altered"):
        state["a"]


def test_a_name_that_the_format_keeps_to_itself(tmp_path):
    snapshots = Snapshots([{0: {"__metadata__": np.ones(1)}}])
    with pytest.raises(ValueError, match="parameter '__metadata__' of model 0, step 0, has a name"):
        Trajectory(np.ones((1, 1, 1)), snapshots=snapshots).save(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_the_format_keeps_to_itself_during_training(tmp_path):
    with pytest.raises(ValueError, match="'__metadata__', which safetensors keeps to itself: ren"):
        write_state({"w": np.ones(1), "__metadata__": np.ones(1)}, tmp_path / "state")
    assert list(tmp_path.iterdir()) == []


def test_without_safetensors(tmp_path, monkeypatch):
    # as if the package were not installed
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-difficulty\[storage\]'"):
        Trajectory(np.ones((1, 1, 1)), snapshots=Snapshots([{}])).save(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
    Trajectory(np.ones((1, 1, 1))).save(tmp_path / "run")
    assert Trajectory.load(tmp_path / "run").loss.tolist() == [[[1.0]]]
