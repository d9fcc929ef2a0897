"""Descriptions of saved trajectories that were altered by hand."""

import json

import numpy as np
import pytest

from sklearn_difficulty.exceptions import TrajectoryFormatError
from sklearn_difficulty.trajectory import Snapshots, Trajectory


@pytest.fixture
def saved(tmp_path):
    snapshots = Snapshots([{0: {"w": np.ones((2, 2))}}])
    Trajectory(np.ones((1, 3, 2)), snapshots=snapshots).save(tmp_path / "run")
    return tmp_path / "run"


def altered(folder, change):
    file = folder / "trajectory.json"
    manifest = json.loads(file.read_text())
    change(manifest)
    file.write_text(json.dumps(manifest))
    return file


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("shape", 5),
        ("shape", None),
        ("shape", "x"),
        ("shape", [1.5]),
        ("shape", [-1]),
        ("dtype", 5),
        ("dtype", "x"),
        ("dtype", [3]),
        ("dtype", {"a": 1}),
    ],
)
def test_what_describes_no_array(saved, entry, value, mmap):
    original = (saved / "trajectory.json").read_text()
    for place in (
        lambda m: m["arrays"]["loss"],
        lambda m: m["snapshots"][0]["0"]["arrays"]["w"],
    ):
        altered(saved, lambda m, place=place: place(m).update({entry: value}))
        with pytest.raises(TrajectoryFormatError, match="entries are missing or unknown"):
            Trajectory.load(saved, mmap=mmap)
        (saved / "trajectory.json").write_text(original)
    assert Trajectory.load(saved, mmap=mmap).snapshots.nbytes == 32


def test_when_that_is_unknown(saved):
    altered(saved, lambda m: m.update(when="never"))
    with pytest.raises(TrajectoryFormatError, match="entries are missing or unknown"):
        Trajectory.load(saved)


def test_another_version_is_not_written_over(saved):
    altered(saved, lambda m: m.update(version=1))
    with pytest.raises(FileExistsError, match=r"choose another path.*has format version 1; this"):
        Trajectory(np.ones((1, 1, 1))).save(saved)
    assert (saved / "loss.npy").is_file()
