"""A saved trajectory comes back bit by bit, and a damaged one is refused."""

import dataclasses
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from sklearn_difficulty.exceptions import TrajectoryFormatError
from sklearn_difficulty.trajectory import Snapshots, Trajectory, _manifest, _storage


def make(seed=0, n_steps=3):
    rng = np.random.default_rng(seed)
    shape = (2, n_steps, 5)
    return Trajectory(
        loss=rng.random(shape, dtype=np.float32),
        prediction=rng.integers(0, 2, shape).astype(np.int32),
        outputs=rng.random((*shape, 2), dtype=np.float32),
        components={"loc/box": rng.random(shape), "..": rng.random(shape)},
        element_action=rng.random((2, 5, 3)),
        dt={"wall": rng.random(shape[:2]), "epoch": np.ones(shape[:2])},
        y=np.array([0, 1, 1, 0, 1]),
        classes=np.array(["no", "yes"]),
        in_train=rng.random((2, 5)) < 0.5,
        snapshots=Snapshots(
            [{s: {"file": rng.random(3), "n": np.array(s)} for s in (0, 2)} for _ in range(2)]
        ),
        when="during",
        n_steps=np.array([n_steps, n_steps - 1]),
    )


def assert_same(ours, theirs):
    for field in dataclasses.fields(Trajectory):
        a, b = getattr(ours, field.name), getattr(theirs, field.name)
        if isinstance(a, dict):
            assert list(a) == list(b), field.name
            for key in a:
                np.testing.assert_array_equal(a[key], b[key], strict=True)
        elif isinstance(a, Snapshots):
            assert [a.steps(m) for m in range(a.n_models)] == [b.steps(m) for m in range(2)]
            for model in range(a.n_models):
                for step in a.steps(model):
                    x, z = a.state(model, step), b.state(model, step)
                    assert list(x) == list(z)
                    for name in x:
                        np.testing.assert_array_equal(x[name], z[name], strict=True)
        elif isinstance(a, np.ndarray):
            np.testing.assert_array_equal(np.asarray(a), np.asarray(b), strict=True)
        else:
            assert a == b, field.name


def files(folder):
    """Content of every file below a folder, hidden ones included."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


@pytest.mark.parametrize("mmap", [False, True])
def test_round_trip(tmp_path, mmap):
    trajectory = make()
    assert trajectory.save(tmp_path / "run") is None
    assert_same(Trajectory.load(tmp_path / "run", mmap=mmap), trajectory)
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_losses_alone(tmp_path):
    Trajectory(np.ones((1, 2, 3))).save(tmp_path / "run")
    back = Trajectory.load(str(tmp_path / "run"))
    assert back.fields == ("loss",)
    assert back.y is None and back.snapshots is None and back.components == {}


def test_names_of_files(tmp_path):
    make().save(tmp_path / "run")
    assert set(files(tmp_path / "run")) == {
        *("trajectory.json", "loss.npy", "prediction.npy", "outputs.npy", "components0.npy"),
        *("components1.npy", "element_action.npy", "dt0.npy", "dt1.npy", "y.npy", "classes.npy"),
        *("in_train.npy", "n_steps.npy", "snapshots/model0_step0.safetensors"),
        *("snapshots/model0_step2.safetensors", "snapshots/model1_step0.safetensors"),
        "snapshots/model1_step2.safetensors",
    }


def test_nothing_is_pickled(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("pickle was used")

    for name in ("dump", "dumps", "load", "loads"):
        monkeypatch.setattr(pickle, name, refuse)
    make().save(tmp_path / "run")
    Trajectory.load(tmp_path / "run")


def test_records_stay_on_disk(tmp_path):
    make().save(tmp_path / "run")
    back = Trajectory.load(tmp_path / "run", mmap=True)
    for array in (back.loss, back.outputs, back.components[".."], back.element_action):
        assert isinstance(array, np.memmap)
        assert not array.flags.writeable
    assert not isinstance(back.y, np.memmap)
    assert back.nbytes == make().nbytes
    assert back.select(samples=slice(0, 2)).loss.shape == (2, 3, 2)
    assert_same(pickle.loads(pickle.dumps(back)), make())


def test_snapshots_are_read_when_asked_for(tmp_path):
    make().save(tmp_path / "run")
    back = Trajectory.load(tmp_path / "run", mmap=True)
    chosen = back.select(runs=[1], steps=[1, 2]).snapshots
    assert chosen.steps(0) == (1,)
    expected = make().snapshots.state(1, 2)["file"]
    np.testing.assert_array_equal(chosen.state(0, 1)["file"], expected)
    np.testing.assert_array_equal(chosen.stored(0, 1)["file"], expected)
    assert set(chosen.stored(0, 1)) == {"file", "n"} and len(chosen.stored(0, 1)) == 2
    with pytest.raises(KeyError, match="bias"):
        chosen.stored(0, 1)["bias"]
    (tmp_path / "run" / "snapshots" / "model1_step2.safetensors").unlink()
    with pytest.raises(TrajectoryFormatError, match=r"model1_step2\.safetensors is missing"):
        chosen.state(0, 1)


def test_no_samples_can_be_mapped(tmp_path):
    make().select(samples=[]).save(tmp_path / "run")
    assert Trajectory.load(tmp_path / "run", mmap=True).n_samples == 0


def test_saving_again_replaces(tmp_path):
    make(seed=0).save(tmp_path / "run")
    dataclasses.replace(make(seed=1, n_steps=4), outputs=None).save(tmp_path / "run")
    assert_same(
        Trajectory.load(tmp_path / "run"),
        dataclasses.replace(make(seed=1, n_steps=4), outputs=None),
    )
    assert not (tmp_path / "run" / "outputs.npy").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


@pytest.mark.skipif(os.name == "nt", reason="an open memory map cannot be replaced on Windows")
def test_saving_over_what_is_in_use(tmp_path):
    make().save(tmp_path / "run")
    back = Trajectory.load(tmp_path / "run", mmap=True)
    back.save(tmp_path / "run")
    assert_same(back, make())
    make(seed=1).save(tmp_path / "run")
    np.testing.assert_array_equal(back.loss, make().loss)
    with pytest.raises(
        TrajectoryFormatError, match=r"model0_step0\.safetensors holds other values"
    ):
        back.snapshots.state(0, 0)


@pytest.mark.parametrize("kind", ["file", "folder", "empty folder", "other json", "text json"])
def test_anything_else_is_left_alone(tmp_path, kind):
    target = tmp_path / "run"
    if kind == "file":
        target.write_text("mine")
    else:
        target.mkdir()
        if kind == "folder":
            (target / "notes.txt").write_text("mine")
        elif kind == "other json":
            (target / "trajectory.json").write_text('{"format": "gpx"}')
        elif kind == "text json":
            (target / "trajectory.json").write_text("mine")
    before = files(tmp_path)
    with pytest.raises(FileExistsError, match="run exists and is no saved trajectory"):
        make().save(target)
    assert files(tmp_path) == before
    assert target.exists()


def test_other_files_among_ours_are_not_deleted(tmp_path):
    make().save(tmp_path / "run")
    (tmp_path / "run" / "snapshots" / "notes.txt").write_text("mine")
    before = files(tmp_path)
    with pytest.raises(FileExistsError, match=r"also other files, such as 'snapshots/notes.txt'"):
        make(seed=1).save(tmp_path / "run")
    assert files(tmp_path) == before


def test_no_parent_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing is not a folder"):
        make().save(tmp_path / "missing" / "run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that none may write to")
def test_a_folder_that_cannot_be_written():
    with pytest.raises(OSError, match=r"'/proc/run' cannot be written.*Choose a path"):
        make().save("/proc/run")


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
@pytest.mark.parametrize(
    ("where", "existing"),
    [
        *((where, old) for where in ("array", "state", "manifest", ".tmp") for old in (0, 1)),
        # Only an old one is moved aside.
        (".old", 1),
    ],
)
def test_failure_in_the_middle(tmp_path, monkeypatch, existing, error, where):
    if existing:
        make(seed=0).save(tmp_path / "run")
    before = files(tmp_path)

    def fail(*args, **kwargs):
        raise error

    def fail_to_rename(self, target):
        if (where == ".tmp" and self.suffix == ".tmp") or target.suffix == where:
            raise error
        os.rename(self, target)

    if where == "array":
        save = np.save
        monkeypatch.setattr(
            _storage.np,
            "save",
            lambda f, *a, **k: fail() if f.name == "y.npy" else save(f, *a, **k),
        )
    elif where == "state":
        monkeypatch.setattr(safetensors.numpy, "save_file", fail)
    elif where == "manifest":
        monkeypatch.setattr(_manifest.json, "dumps", fail)
    else:
        monkeypatch.setattr(Path, "rename", fail_to_rename)
    with pytest.raises(type(error)):
        make(seed=1).save(tmp_path / "run")
    monkeypatch.undo()
    assert files(tmp_path) == before
    assert [p.name for p in tmp_path.iterdir()] == (["run"] if existing else [])


def test_failure_while_the_old_one_is_deleted(tmp_path, monkeypatch):
    make(seed=0).save(tmp_path / "run")
    rmtree = _storage.shutil.rmtree

    def interrupt(path, ignore_errors=False):
        if not ignore_errors:
            raise KeyboardInterrupt
        rmtree(path, ignore_errors=True)

    monkeypatch.setattr(_storage.shutil, "rmtree", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make(seed=1).save(tmp_path / "run")
    assert_same(Trajectory.load(tmp_path / "run"), make(seed=1))
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [
        (np.array(["no", "maybe"], dtype=object), "<U5"),
        (np.array([np.str_("no"), "maybe"], dtype=object), "<U5"),
        (np.array([False, True], dtype=object), "bool"),
        (np.array([3, -7], dtype=object), "int64"),
        (np.array([0.5, 1.5], dtype=object), "float64"),
        (np.array(["2020-01-01", "2021-01-01"], dtype="M8[D]"), "<M8[D]"),
        (np.array([b"no", b"yes"]), "S3"),
    ],
)
def test_labels_of_many_types(tmp_path, labels, dtype):
    y = np.array([0, 1, 1, 0, 1])
    dataclasses.replace(make(), y=y, classes=labels).save(tmp_path / "run")
    back = Trajectory.load(tmp_path / "run").classes
    assert back.dtype == np.dtype(dtype)
    assert back.tolist() == labels.tolist()


@pytest.mark.parametrize(
    "labels",
    [
        [1, "one"],
        [None, "one"],
        [True, 1],
        [10**30, 1],
        ["one", "nul\0"],
        [frozenset({1}), frozenset()],
        [(1, 2), (3, 4)],
    ],
)
def test_labels_that_only_pickle_could_save(tmp_path, labels):
    classes = np.empty(2, dtype=object)
    classes[:] = labels
    with pytest.raises(TypeError, match="classes has dtype object and values of type"):
        dataclasses.replace(make(), classes=classes).save(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"w": np.array([None])}, "parameter 'w' of model 1, step 2, has dtype object"),
        ({0: np.ones(2)}, "parameter 0 of model 1, step 2, must have a name of type str"),
    ],
)
def test_states_that_cannot_be_saved(tmp_path, state, message):
    snapshots = Snapshots([{0: {"w": np.ones(1)}}, {2: state}])
    with pytest.raises(TypeError, match=message):
        Trajectory(np.ones((2, 3, 1)), snapshots=snapshots).save(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_no_such_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="no saved trajectory at"):
        Trajectory.load(tmp_path / "run")


def edit(folder, change):
    file = folder / "trajectory.json"
    manifest = json.loads(file.read_text())
    change(manifest)
    file.write_text(json.dumps(manifest))


def cut_short(name, n_bytes=1):
    def damage(folder):
        file = folder / name
        file.write_bytes(file.read_bytes()[:-n_bytes])

    return damage


def flip_a_byte(name, position):
    def damage(folder):
        content = bytearray((folder / name).read_bytes())
        content[position] ^= 0xFF
        (folder / name).write_bytes(bytes(content))

    return damage


def other_array(folder):
    np.save(folder / "loss.npy", make().loss.reshape(2, 5, 3))


def other_type(folder):
    np.save(folder / "loss.npy", make().loss.view(np.int32))


def other_state(folder):
    other = make(seed=1)
    other.save(folder.parent / "other")
    for name in ("model0_step0.safetensors",):
        content = (folder.parent / "other" / "snapshots" / name).read_bytes()
        (folder / "snapshots" / name).write_bytes(content)


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut_short("loss.npy"), r"loss\.npy is cut short or altered: it has 247 bytes.*says 248"),
        (cut_short("trajectory.json", 40), r"trajectory\.json is cut short or altered"),
        (
            cut_short("snapshots/model1_step2.safetensors"),
            r"model1_step2\.safetensors is cut short or altered",
        ),
        (lambda f: (f / "y.npy").unlink(), r"y\.npy is missing"),
        (lambda f: (f / "trajectory.json").unlink(), r"it has no trajectory\.json"),
        (
            lambda f: (f / "snapshots/model0_step0.safetensors").unlink(),
            r"model0_step0\.safetensors is missing",
        ),
        (flip_a_byte("loss.npy", 0), r"loss\.npy is altered"),
        (other_array, r"loss\.npy is altered: the shape of 'loss\.npy' is \[2, 5, 3\]"),
        (other_type, r"loss\.npy is altered: the dtype of 'loss\.npy' is <i4, but <f4"),
        (lambda f: edit(f, lambda m: m.update(version=1)), "format version 1; .* reads 2"),
        (lambda f: edit(f, lambda m: m.update(format="gpx")), "does not describe"),
        (lambda f: (f / "trajectory.json").write_text("[]"), "does not describe"),
        (lambda f: edit(f, lambda m: m.pop("when")), "entries are missing"),
        (lambda f: edit(f, lambda m: m.pop("arrays")), "entries are missing"),
        (lambda f: edit(f, lambda m: m["arrays"].pop("loss")), "entries are missing"),
        (lambda f: edit(f, lambda m: m["arrays"].pop("dt1")), "entries are missing"),
        (lambda f: edit(f, lambda m: m["arrays"]["loss"].pop("shape")), "entries are missing"),
        (lambda f: edit(f, lambda m: m["arrays"].update(x={})), "missing or unknown"),
        (lambda f: edit(f, lambda m: m["names"].update(x=[])), "missing or unknown"),
        (lambda f: edit(f, lambda m: m.update(snapshots=[1])), "missing or unknown"),
        (lambda f: edit(f, lambda m: m.update(snapshots=[{"../x": {}}])), "missing or unknown"),
        (lambda f: edit(f, lambda m: m.update(snapshots=[{"0": {}}])), "missing or unknown"),
        (lambda f: edit(f, lambda m: m["arrays"].update({"../y": {}})), "missing or unknown"),
    ],
)
def test_damaged_folder(tmp_path, damage, message, mmap):
    make().save(tmp_path / "run")
    damage(tmp_path / "run")
    with pytest.raises(TrajectoryFormatError, match=message):
        Trajectory.load(tmp_path / "run", mmap=mmap)


@pytest.mark.parametrize(
    "damage", [flip_a_byte("snapshots/model0_step0.safetensors", -1), other_state]
)
def test_damaged_state(tmp_path, damage):
    make().save(tmp_path / "run")
    damage(tmp_path / "run")
    with pytest.raises(TrajectoryFormatError, match=r"model0_step0\.safetensors"):
        Trajectory.load(tmp_path / "run")
    back = Trajectory.load(tmp_path / "run", mmap=True)
    with pytest.raises(TrajectoryFormatError, match=r"model0_step0\.safetensors"):
        back.snapshots.state(0, 0)


def test_pickled_array_is_refused(tmp_path):
    make().save(tmp_path / "run")
    file = tmp_path / "run" / "classes.npy"
    np.save(file, np.array(["no", "yes"], dtype=object), allow_pickle=True)
    edit(tmp_path / "run", lambda m: m["arrays"]["classes"].update(bytes=file.stat().st_size))
    with pytest.raises(TrajectoryFormatError, match=r"classes\.npy is altered: Object arrays"):
        Trajectory.load(tmp_path / "run")


def test_through_a_link(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "run")
    make(seed=0).save(tmp_path / "link")
    make(seed=1).save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert_same(Trajectory.load(tmp_path / "run"), make(seed=1))
