"""A recording on disk: complete in the end, and otherwise not there at all."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sklearn_difficulty.trajectory import Snapshots, Trajectory
from sklearn_difficulty.trajectory._record_files import StepArrays
from sklearn_difficulty.trajectory._snapshot_files import StateOnDisk, write_state
from sklearn_difficulty.trajectory._store import Store


def recorded(folder, n_steps=3, n_samples=4, scale=1.0):
    """A trajectory whose losses and states are files in a folder."""
    steps = StepArrays(folder)
    states = {}
    for step in range(n_steps):
        steps.append({"loss": np.arange(n_samples) + step * scale})
        file = folder / f"step{step}.safetensors"
        states[step] = StateOnDisk(file, write_state({"w": np.full(2, step * scale)}, file))
    return Trajectory(**steps.arrays(), snapshots=Snapshots([states]), y=np.arange(n_samples))


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_files_are_moved_to_their_place(tmp_path):
    with Store(tmp_path / "run") as store:
        store.check(classes=["a", "b"], snapshots=True)
        folder = store.part("model0")
        made = recorded(folder)
        inodes = {(folder / name).stat().st_ino for name in ("loss.npy", "step1.safetensors")}
        assert [p.name for p in tmp_path.iterdir() if not p.name.startswith(".")] == []
        finished = store.finish(made)
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    assert names(tmp_path / "run") == sorted(
        ["trajectory.json", "loss.npy", "dt0.npy", "y.npy", "in_train.npy", "n_steps.npy"]
        + [f"snapshots/model0_step{step}.safetensors" for step in range(3)]
    )
    moved = {
        (tmp_path / "run" / name).stat().st_ino
        for name in ("loss.npy", "snapshots/model0_step1.safetensors")
    }
    assert moved == inodes
    for back in (finished, Trajectory.load(tmp_path / "run", mmap=True)):
        assert isinstance(back.loss, np.memmap)
        assert back.loss.tolist() == [[[0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5]]]
        assert back.snapshots.state(0, 2)["w"].tolist() == [2, 2]


def test_what_is_only_part_of_a_file_is_written(tmp_path):
    with Store(tmp_path / "run") as store:
        made = recorded(store.part("model0"))
        back = store.finish(made.select(steps=[0, 2], samples=slice(1, 3)))
    assert back.loss.tolist() == [[[1, 2], [3, 4]]]
    assert back.snapshots.steps(0) == (0, 1)


def test_runs_are_stacked_on_disk(tmp_path):
    with Store(tmp_path / "run") as store:
        paths = [recorded(store.part(f"model{n}"), 3 - n, scale=10.0**n) for n in range(2)]
        stacked = store.stack(paths)
        assert isinstance(stacked.loss, np.memmap)
        expected = Trajectory.stack(paths)
        back = store.finish(stacked)
    np.testing.assert_array_equal(back.loss, expected.loss)
    assert np.isnan(back.loss[1, 2]).all()
    assert back.n_steps.tolist() == [3, 2]
    assert back.snapshots.state(1, 1)["w"].tolist() == [10, 10]
    assert [name for name in names(tmp_path / "run") if name.startswith("snapshots/")] == [
        *(f"snapshots/model0_step{step}.safetensors" for step in range(3)),
        *(f"snapshots/model1_step{step}.safetensors" for step in range(2)),
    ]
    assert not any("parts" in name for name in names(tmp_path / "run"))


def test_an_earlier_trajectory_is_replaced_in_the_end(tmp_path):
    Trajectory(np.ones((1, 1, 2))).save(tmp_path / "run")
    with Store(tmp_path / "run") as store:
        store.check()
        made = recorded(store.part("model0"))
        assert Trajectory.load(tmp_path / "run").n_samples == 2
        store.finish(made)
    assert Trajectory.load(tmp_path / "run").n_samples == 4
    with pytest.raises(KeyboardInterrupt), Store(tmp_path / "run") as store:
        recorded(store.part("model0"), n_samples=7)
        raise KeyboardInterrupt
    assert Trajectory.load(tmp_path / "run").n_samples == 4
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_nothing_is_left_of_what_was_not_finished(tmp_path):
    store = Store(tmp_path / "run")
    recorded(store.part("model0"))
    assert len(list(tmp_path.iterdir())) == 1
    store.abandon()
    assert list(tmp_path.iterdir()) == []
    forgotten = Store(tmp_path / "run")
    recorded(forgotten.part("model0"))
    del forgotten
    gc.collect()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_nothing_is_left_when_the_program_ends(tmp_path):
    # A process forked from it that forgets its store leaves the files alone.
    code = (
        "import gc, os\n"
        "from sklearn_difficulty.trajectory._store import Store\n"
        f"store = Store({str(tmp_path / 'run')!r})\n"
        "folder = store.part('model0')\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    del store\n"
        "    gc.collect()\n"
        "    os._exit(0)\n"
        "os.waitpid(child, 0)\n"
        "print(folder.is_dir(), flush=True)\n"
        "raise RuntimeError('out of luck')\n"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "True", result.stderr
    assert "out of luck" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_failure_while_finishing(tmp_path, monkeypatch):
    Trajectory(np.ones((1, 1, 2))).save(tmp_path / "run")

    def fail(self, target):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), Store(tmp_path / "run") as store:
        made = recorded(store.part("model0"))
        monkeypatch.setattr(Path, "rename", fail)
        store.finish(made)
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    assert Trajectory.load(tmp_path / "run").n_samples == 2


def test_folders_that_cannot_be_written(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cannot save to .*none/run: .*none is not a fold"):
        Store(tmp_path / "none" / "run").check()
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(FileExistsError, match=r"notes exists and is no saved tr.*; choose"):
        Store(tmp_path / "notes").check()
    # the name leaves no room for that of the hidden folder
    long = tmp_path / ("r" * 250)
    with pytest.raises(OSError, match=r"'.*rrr' cannot be written: .*Choose a path"):
        Store(long).check()
    with pytest.raises(TypeError, match="storage must be the path of a folder, or None; got int"):
        Store(3)
    assert (tmp_path / "notes").read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["notes"]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that none may write to")
def test_a_folder_that_not_even_an_administrator_may_write_to():
    message = r"'/proc/run' cannot be written: .*Choose a path in a folder that you may wri"
    with pytest.raises(OSError, match=message):
        Store(Path("/proc/run")).check()


@pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0,
    reason="an administrator may write everywhere",
)
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match="cannot be written"):
            Store(tmp_path / "run").check()
    finally:
        tmp_path.chmod(0o700)


def test_what_could_not_be_saved_in_the_end(tmp_path, monkeypatch):
    store = Store(tmp_path / "run")
    with pytest.raises(TypeError, match="classes has dtype object"):
        store.check(classes=np.array([None, "one"], dtype=object))
    monkeypatch.setitem(sys.modules, "safetensors", None)
    store.check()
    with pytest.raises(ImportError, match=r"sklearn-difficulty\[storage\]"):
        store.check(snapshots=True)
    assert list(tmp_path.iterdir()) == []
