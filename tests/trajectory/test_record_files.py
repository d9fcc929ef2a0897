"""Records that grow: the same in memory and on disk, and plain files for everyone."""

import numpy as np
import pytest

from sklearn_difficulty.trajectory._record_files import RecordFile, StepArrays, release_pages


def test_a_file_that_grows(tmp_path):
    file = RecordFile(tmp_path / "loss.npy", (3,), np.float32)
    for step in range(1, 12):
        file.append(np.full(3, step))
        array = file.array((1, step))
        np.testing.assert_array_equal(array[0, :, 1], np.arange(1, step + 1))
        np.testing.assert_array_equal(np.load(tmp_path / "loss.npy"), array)
    assert isinstance(array, np.memmap) and not array.flags.writeable
    assert array.dtype == np.float32
    assert file.array((11,)).shape == (11, 3)
    with pytest.raises(ValueError, match=r"11 parts do not make an array of leading \(2, 5\)"):
        file.array((2, 5))


def test_a_part_that_was_written_by_half_is_written_again(tmp_path, monkeypatch):
    file = RecordFile(tmp_path / "loss.npy", (2,), np.float64)
    file.append(np.array([1.0, 2.0]))
    with (tmp_path / "loss.npy").open("ab") as stream:  # what a full disk may leave behind
        stream.write(b"half")
    file.append(np.array([3.0, 4.0]))
    assert file.array((1, 2)).tolist() == [[[1, 2], [3, 4]]]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.arange(6).reshape(2, 3).T, np.int64),
        (np.float64(3.5), np.float32),
        (np.array([True, False]), np.bool_),
        (np.zeros((0, 2)), np.float32),
    ],
)
def test_parts_of_all_shapes(tmp_path, values, dtype):
    file = RecordFile(tmp_path / "x.npy", np.shape(values), dtype)
    file.append(values)
    file.append(values)
    expected = np.stack([values, values]).astype(dtype)
    np.testing.assert_array_equal(np.asarray(file.array((2,))), expected, strict=True)


def on_disk(folder):
    return StepArrays(folder)


def in_memory(folder):
    return StepArrays()


@pytest.mark.parametrize("make", [in_memory, on_disk])
@pytest.mark.parametrize("n_steps", [1, 2, 7])
def test_steps(tmp_path, make, n_steps):
    steps = make(tmp_path)
    for step in range(n_steps):
        assert steps.n_steps == step
        records = {"loss": np.full(4, step, np.float32), "prediction": np.arange(4) + step}
        steps.append(records)
        records["loss"] += 100  # a copy was taken
    arrays = steps.arrays()
    np.testing.assert_array_equal(arrays["loss"][0, :, 0], np.arange(n_steps))
    np.testing.assert_array_equal(arrays["prediction"][0, :, 3], np.arange(n_steps) + 3)
    assert arrays["loss"].shape == (1, n_steps, 4)
    assert {name: array.dtype for name, array in arrays.items()} == {
        "loss": np.float32,
        "prediction": np.int64,
    }


@pytest.mark.parametrize("make", [in_memory, on_disk])
def test_more_steps_leave_arrays_as_they_are(tmp_path, make):
    steps = make(tmp_path)
    for step in range(3):
        steps.append({"loss": np.full(2, float(step))})
    early = steps.arrays()["loss"]
    for step in range(3, 9):
        steps.append({"loss": np.full(2, float(step))})
    assert early[0, :, 0].tolist() == [0, 1, 2]
    assert steps.arrays()["loss"][0, :, 1].tolist() == list(range(9))


@pytest.mark.parametrize("make", [in_memory, on_disk])
def test_runs_one_after_the_other(tmp_path, make):
    steps = make(tmp_path)
    for step in range(6):
        steps.append({"outputs": np.full((2, 3), step)})
    assert steps.arrays(n_runs=2)["outputs"][:, :, 1, 2].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("make", [in_memory, on_disk])
def test_steps_have_the_same_records(tmp_path, make):
    steps = make(tmp_path)
    steps.append({"loss": np.ones(2)})
    with pytest.raises(ValueError, match=r"step 1 has the records \['loss', 'margin'\]; .* same"):
        steps.append({"loss": np.ones(2), "margin": np.ones(2)})
    assert steps.n_steps == 1


def test_steps_that_are_announced_are_held_once():
    steps = StepArrays(expected=5)
    steps.append({"loss": np.zeros(2)})
    first = steps.arrays()["loss"]
    for _ in range(4):
        steps.append({"loss": np.ones(2)})
    assert np.shares_memory(first, steps.arrays()["loss"])


def test_values_stay_when_their_pages_are_released(tmp_path):
    values = np.arange(10_000.0)
    np.save(tmp_path / "a.npy", values)
    for mode in ("r", "r+", "c"):
        array = np.load(tmp_path / "a.npy", mmap_mode=mode)
        if mode != "r":
            array[5] = -1
        release_pages(array[2:])
        expected = values.copy()
        expected[5] = values[5] if mode == "r" else -1
        np.testing.assert_array_equal(array, expected)
    release_pages(values)
    assert values[7] == 7
