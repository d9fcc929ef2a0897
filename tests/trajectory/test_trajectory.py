"""A trajectory checks what it is made of, and can be cut, stacked and laid out as a table."""

import builtins
import dataclasses
import pickle

import numpy as np
import pytest

from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.trajectory import Snapshots, Trajectory

LOSS = np.array([[2, 1, 0.5, 3], [1, 0.5, 0.25, 3], [0.5, 0.25, 0.25, 4]])


def make_full(n_runs=2, n_steps=4, n_samples=5, n_classes=3, models_per_run=1, seed=0):
    """Make a trajectory that has every field, with values that are all different."""
    rng = np.random.default_rng(seed)
    shape = (n_runs, n_steps, n_samples)
    return Trajectory(
        loss=rng.random(shape, dtype=np.float32),
        margin=rng.random(shape, dtype=np.float32),
        proba=rng.random(shape, dtype=np.float32),
        prediction=rng.integers(0, n_classes, shape).astype(np.int32),
        entropy=rng.random(shape, dtype=np.float32),
        el2n=rng.random(shape, dtype=np.float32),
        outputs=rng.random((*shape, n_classes), dtype=np.float32),
        components={"box": rng.random(shape), "class": rng.random(shape)},
        element_action=rng.random((n_runs, n_samples, 2, 2)),
        dt={"epoch": np.ones(shape[:2]), "wall": rng.random(shape[:2])},
        y=rng.integers(0, n_classes, n_samples),
        classes=np.array(["ant", "bee", "cow"]),
        in_train=rng.random((n_runs, n_samples)) < 0.5,
        snapshots=Snapshots(
            [
                {step: {"w": rng.random(2)} for step in range(0, n_steps, 2)}
                for _ in range(n_runs * models_per_run)
            ]
        ),
        when="during",
    )


def assert_same(ours, theirs):
    """Compare all fields of two trajectories, bit by bit."""
    for field in dataclasses.fields(Trajectory):
        a, b = getattr(ours, field.name), getattr(theirs, field.name)
        if isinstance(a, dict):
            assert set(a) == set(b), field.name
            for key in a:
                np.testing.assert_array_equal(a[key], b[key], strict=True)
        elif isinstance(a, Snapshots):
            assert_same_states(a, b)
        elif isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b, err_msg=field.name)
            assert a.dtype == b.dtype, field.name
        else:
            assert a == b, field.name


def assert_same_states(ours, theirs):
    assert ours.n_models == theirs.n_models
    for model in range(ours.n_models):
        assert ours.steps(model) == theirs.steps(model)
        for step in ours.steps(model):
            a, b = ours.state(model, step), theirs.state(model, step)
            assert list(a) == list(b)
            for name in a:
                np.testing.assert_array_equal(a[name], b[name], strict=True)


def test_only_loss_is_needed():
    trajectory = Trajectory(LOSS[None])
    assert (trajectory.n_runs, trajectory.n_steps_max, trajectory.n_samples) == (1, 3, 4)
    assert trajectory.n_steps.tolist() == [3]
    assert trajectory.dt["epoch"].tolist() == [[1, 1, 1]]
    assert trajectory.in_train.tolist() == [[True] * 4]
    assert trajectory.when == "after"
    assert trajectory.fields == ("loss",)
    for name in ("margin", "proba", "prediction", "outputs", "element_action", "y", "snapshots"):
        assert getattr(trajectory, name) is None
    assert repr(trajectory) == "<Trajectory: 1 run x 3 steps x 4 samples; records: loss>"


def test_arrays_are_kept_without_copy():
    loss = LOSS[None]
    assert Trajectory(loss).loss is loss


def test_default_dt_ends_with_the_run():
    trajectory = Trajectory(np.ones((2, 3, 1)), n_steps=np.array([3, 1]))
    assert trajectory.dt["epoch"].tolist() == [[1, 1, 1], [1, 0, 0]]


def test_full_trajectory_names_its_records():
    full = make_full()
    assert full.fields == (
        "loss",
        "margin",
        "proba",
        "prediction",
        "entropy",
        "el2n",
        "outputs",
        "components",
    )
    # 2 runs of 4 steps of 5 samples: 5 float32 records, int32, 3 outputs, 2 float64 components,
    # 2x2 elements, 2 dt, labels, class names, in_train, n_steps, 4 states of 2 float64.
    expected = 40 * (5 * 4 + 4 + 3 * 4 + 2 * 8) + 10 * 4 * 8 + 2 * 8 * 8 + 5 * 8 + 3 * 12
    assert full.nbytes == expected + 10 + 2 * 8 + 4 * 16


def test_it_is_frozen_and_compares_by_identity():
    trajectory = Trajectory(LOSS[None])
    with pytest.raises(dataclasses.FrozenInstanceError):
        trajectory.when = "during"
    assert trajectory != Trajectory(LOSS[None])
    assert len({trajectory, trajectory}) == 1


def test_it_survives_pickling():
    full = make_full()
    assert_same(pickle.loads(pickle.dumps(full)), full)


def test_correct():
    prediction = np.array([[[0, 1], [1, 1], [-1, -1]]], dtype=np.int32)
    trajectory = Trajectory(np.ones((1, 3, 2)), prediction=prediction, y=np.array([0, 1]))
    assert trajectory.correct.tolist() == [[[True, True], [False, True], [False, False]]]


def test_missing_samples_are_counted():
    loss = np.ones((2, 3, 4))
    loss[0, 1, :3] = loss[1, 0, 2] = np.nan
    loss[1, 2] = np.nan  # after the end of the run
    trajectory = Trajectory(loss, n_steps=np.array([3, 2]))
    assert trajectory.n_missing.tolist() == [[0, 3, 0], [1, 0, 0]]
    assert Trajectory(LOSS[None]).n_missing.tolist() == [[0, 0, 0]]


ONE = np.ones((1, 3, 4))


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"loss": LOSS}, ValueError, r"shape \(3, 4\).*give loss\[None\]"),
        ({"loss": ONE.astype(int)}, TypeError, "loss must have a float dtype; got int64"),
        ({"loss": np.ones((1, 0, 4))}, ValueError, "at least one run and one step"),
        ({"loss": np.ones((0, 3, 4))}, ValueError, "at least one run and one step"),
        (
            {"margin": np.ones((1, 3, 5))},
            ValueError,
            r"margin has shape .*\(1, 3, 4\)",
        ),
        ({"proba": np.ones((3, 4))}, ValueError, r"proba has shape \(3, 4\)"),
        ({"prediction": ONE}, TypeError, "prediction must have an integer dtype; got float64"),
        ({"outputs": np.ones((1, 3, 5, 2))}, ValueError, r"outputs .*samples, \.\.\.\)"),
        ({"element_action": np.ones((1, 3, 2))}, ValueError, r"element_action .*\(1, 4\)"),
        ({"components": {"box": np.ones((1, 3, 5))}}, ValueError, r"components\['box'\] has shape"),
        ({"components": [ONE]}, TypeError, "components must map names to arrays; got list"),
        ({"components": {1: ONE}}, TypeError, "components must have names of type str"),
        ({"dt": {"wall": np.ones(3)}}, ValueError, r"dt\['wall'\] has shape \(3,\)"),
        ({"y": np.zeros(5)}, ValueError, r"y has shape \(5,\)"),
        ({"classes": np.zeros((2, 2))}, ValueError, "classes has shape"),
        ({"in_train": np.ones((1, 4))}, TypeError, "in_train must have a boolean dtype"),
        ({"in_train": np.ones(4, dtype=bool)}, ValueError, "in_train has shape"),
        ({"n_steps": np.array([4])}, ValueError, r"n_steps must be from 0 to 3.*got \[4\]"),
        ({"n_steps": np.array([-1])}, ValueError, "n_steps must be from 0 to 3"),
        ({"n_steps": np.array([3, 3])}, ValueError, r"n_steps has shape \(2,\)"),
        ({"n_steps": np.array([3.0])}, TypeError, "n_steps must have an integer dtype"),
        ({"when": "before"}, ValueError, "when must be one of 'after', 'during'; got 'before'"),
        ({"snapshots": []}, TypeError, "snapshots must be Snapshots or None; got list"),
        ({"snapshots": Snapshots([{3: {}}])}, ValueError, "state of step 3; the last step .* is 2"),
    ],
)
def test_fields_that_do_not_fit(fields, error, message):
    with pytest.raises(error, match=message):
        Trajectory(**({"loss": ONE} | fields))


def test_labels_must_be_class_indices_where_there_are_classes():
    prediction = np.zeros((1, 3, 4), dtype=int)
    with pytest.raises(TypeError, match="y must hold class indices"):
        Trajectory(ONE, prediction=prediction, y=np.array(["a", "b", "a", "b"]))
    with pytest.raises(ValueError, match="from 0 to 1; got values from 0 to 2"):
        Trajectory(ONE, y=np.array([0, 1, 2, 0]), classes=np.array(["a", "b"]))
    with pytest.raises(ValueError, match="from 0 on; got values from -1 to 1"):
        Trajectory(ONE, prediction=prediction, y=np.array([0, 1, -1, 0]))
    assert Trajectory(ONE, y=np.array([0.5, 1.5, 2, 3])).y.dtype == np.float64
    assert Trajectory(ONE, y=np.zeros((4, 2))).y.shape == (4, 2)


def test_models_must_divide_among_runs():
    three = Snapshots([{0: {}}] * 3)
    with pytest.raises(ValueError, match="3 models; expected 2"):
        Trajectory(np.ones((2, 3, 4)), snapshots=three)
    assert Trajectory(ONE, snapshots=three).snapshots is three


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("margin", "classification"),
        ("outputs", 'keep=("outputs",) in a tracked net'),
        ("element_action", 'keep=("elements",)'),
        ("components", "losses by name"),
        ("snapshots", 'snapshots="auto"'),
        ("y", "pass the labels"),
    ],
)
def test_require_says_how_to_record(name, hint):
    with pytest.raises(RecordNotFoundError, match=f"'aum' needs the record '{name}'") as caught:
        Trajectory(LOSS[None]).require("loss", name, score="aum")
    assert hint in str(caught.value)
    assert "holds: loss" in str(caught.value)
    make_full().require("loss", name, score="aum")


def test_require_knows_no_other_names():
    with pytest.raises(ValueError, match="no field 'losses'"):
        Trajectory(LOSS[None]).require("losses")


def test_correct_needs_predictions():
    with pytest.raises(RecordNotFoundError, match="'correct' needs the record 'prediction'"):
        _ = Trajectory(LOSS[None]).correct


@pytest.mark.parametrize(
    "samples",
    [slice(1, 4, 2), [1, 3], np.array([1, -2]), np.array([False, True, False, True, False])],
)
def test_select_samples(samples):
    full = make_full()
    cut = full.select(samples=samples)
    assert (cut.n_runs, cut.n_steps_max, cut.n_samples) == (2, 4, 2)
    np.testing.assert_array_equal(cut.loss, full.loss[:, :, [1, 3]])
    np.testing.assert_array_equal(cut.outputs, full.outputs[:, :, [1, 3]])
    np.testing.assert_array_equal(cut.components["box"], full.components["box"][:, :, [1, 3]])
    np.testing.assert_array_equal(cut.element_action, full.element_action[:, [1, 3]])
    np.testing.assert_array_equal(cut.in_train, full.in_train[:, [1, 3]])
    np.testing.assert_array_equal(cut.y, full.y[[1, 3]])
    np.testing.assert_array_equal(cut.classes, full.classes)
    np.testing.assert_array_equal(cut.dt["wall"], full.dt["wall"])
    assert_same_states(cut.snapshots, full.snapshots)
    assert cut.when == "during"


def test_select_one_sample_keeps_the_axis():
    assert Trajectory(LOSS[None]).select(samples=-1).loss.tolist() == [[[3], [3], [4]]]


def test_select_runs_takes_their_models():
    full = make_full(n_runs=3, models_per_run=2)
    cut = full.select(runs=[2, 0])
    np.testing.assert_array_equal(cut.loss, full.loss[[2, 0]])
    np.testing.assert_array_equal(cut.in_train, full.in_train[[2, 0]])
    assert cut.snapshots.n_models == 4
    for ours, theirs in enumerate([4, 5, 0, 1]):
        np.testing.assert_array_equal(
            cut.snapshots.state(ours, 2)["w"], full.snapshots.state(theirs, 2)["w"]
        )


def test_select_steps_renumbers_snapshots():
    full = make_full(n_steps=6)
    cut = full.select(steps=slice(1, 5))
    np.testing.assert_array_equal(cut.loss, full.loss[:, 1:5])
    np.testing.assert_array_equal(cut.dt["wall"], full.dt["wall"][:, 1:5])
    assert cut.n_steps.tolist() == [4, 4]
    assert cut.snapshots.steps(0) == (1, 3)
    np.testing.assert_array_equal(cut.snapshots.state(1, 3)["w"], full.snapshots.state(1, 4)["w"])
    assert cut.element_action is None
    assert full.select(steps=slice(None)).element_action is not None


def test_select_steps_counts_completed_ones():
    trajectory = Trajectory(np.ones((3, 6, 1)), n_steps=np.array([6, 3, 1]))
    assert trajectory.select(steps=slice(1, 5)).n_steps.tolist() == [4, 2, 0]
    assert trajectory.select(steps=[0, 2, 5]).n_steps.tolist() == [3, 2, 1]


def test_select_along_all_axes_at_once():
    full = make_full(n_runs=3)
    cut = full.select(samples=[4, 0, 2], runs=[1, 2], steps=[0, 3])
    expected = full.loss[np.ix_([1, 2], [0, 3], [4, 0, 2])]
    np.testing.assert_array_equal(cut.loss, expected)


def test_select_by_slices_gives_views():
    full = make_full()
    cut = full.select(samples=slice(1, 3), steps=slice(0, 2))
    assert np.shares_memory(cut.loss, full.loss)


def test_select_no_samples():
    assert make_full().select(samples=[]).n_samples == 0


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        ({"samples": [5]}, IndexError, "samples has 5 entries; there is no number 5"),
        ({"samples": [-6]}, IndexError, "no number -6"),
        ({"samples": [True, False]}, ValueError, "a mask for samples must have 5 values; got 2"),
        ({"samples": [0.5]}, TypeError, "samples must be a slice"),
        ({"samples": "all"}, TypeError, "samples must be a slice"),
        ({"samples": [[0, 1]]}, TypeError, r"of shape \(1, 2\)"),
        ({"runs": 2}, IndexError, "runs has 2 entries"),
        ({"runs": []}, ValueError, "at least one run"),
        ({"steps": [2, 1]}, ValueError, "steps must increase"),
        ({"steps": [1, 1]}, ValueError, "steps must increase"),
        ({"steps": slice(None, None, -1)}, ValueError, "runs backwards"),
        ({"steps": slice(2, 2)}, ValueError, "at least one run and one step"),
    ],
)
def test_select_what_is_not_there(index, error, message):
    with pytest.raises(error, match=message):
        make_full().select(**index)


def test_stack_undoes_select():
    full = make_full(n_runs=3, models_per_run=2)
    assert_same(Trajectory.stack([full.select(runs=r) for r in range(3)]), full)


def test_stack_pads_shorter_runs():
    long, short = make_full(n_runs=1, n_steps=4), make_full(n_runs=2, n_steps=2)
    short = dataclasses.replace(short, y=long.y)
    both = Trajectory.stack([long, short])
    assert both.loss.shape == (3, 4, 5)
    assert both.n_steps.tolist() == [4, 2, 2]
    np.testing.assert_array_equal(both.loss[1:, :2], short.loss)
    for name in ("loss", "margin", "proba", "entropy", "el2n", "outputs"):
        assert np.isnan(getattr(both, name)[1:, 2:]).all(), name
        assert getattr(both, name).dtype == np.float32
    assert (both.prediction[1:, 2:] == -1).all()
    assert both.prediction.dtype == np.int32
    assert not both.correct[1:, 2:].any()
    assert np.isnan(both.components["box"][1:, 2:]).all()
    assert (both.dt["wall"][1:, 2:] == 0).all()
    np.testing.assert_array_equal(both.element_action[1:], short.element_action)
    assert both.snapshots.n_models == 3
    assert both.snapshots.steps(1) == (0,)


@pytest.mark.parametrize("mmap", [False, True])
def test_stack_in_a_folder(tmp_path, mmap):
    long, short = make_full(n_runs=1, n_steps=4), make_full(n_runs=2, n_steps=2)
    short = dataclasses.replace(short, y=long.y)
    long.save(tmp_path / "long")
    expected = Trajectory.stack([long, short])
    parts = [Trajectory.load(tmp_path / "long", mmap=mmap), short]
    stacked = Trajectory.stack(parts, storage=tmp_path / "both")
    assert_same(Trajectory.load(tmp_path / "both"), expected)
    for array in (stacked.loss, stacked.outputs, stacked.components["box"], stacked.element_action):
        assert isinstance(array, np.memmap)
    assert_same_states(stacked.snapshots, expected.snapshots)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["both", "long"]


def test_stack_that_fails_leaves_no_folder(tmp_path):
    with pytest.raises(ValueError, match="'y' of trajectory 1 differs"):
        Trajectory.stack(
            [make_full(), without(make_full(), y=np.array([2, 2, 2, 2, 2]))],
            storage=tmp_path / "both",
        )
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileExistsError, match="is no saved trajectory"):
        Trajectory.stack([make_full()], storage=tmp_path)


def without(trajectory, **fields):
    return dataclasses.replace(trajectory, **fields)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (make_full(n_samples=6), "number of samples of trajectory 1 is 6, of trajectory 0 it is 5"),
        (without(make_full(), when="after"), "'when' of trajectory 1 is 'after'"),
        (without(make_full(), y=np.array([2, 2, 2, 2, 2])), "'y' of trajectory 1 differs"),
        (without(make_full(), classes=np.array(["a", "b", "c"])), "'classes' of trajectory 1"),
        (without(make_full(), margin=None), "record 'margin' of trajectory 1 is absent"),
        (without(make_full(), y=None), "record 'y' of trajectory 1 is absent"),
        (without(make_full(), snapshots=None), "record 'snapshots' of trajectory 1 is absent"),
        (without(make_full(), components={}), r"'components' of trajectory 1 is \[\]"),
        (without(make_full(), dt={"epoch": np.ones((2, 4))}), "set of 'dt' of trajectory 1"),
        (make_full(models_per_run=2), "models per run of trajectory 1 is 2"),
        (
            without(make_full(), outputs=np.ones((2, 4, 5, 7))),
            r"outputs has a different shape per sample in .* \[\(3,\), \(7,\)\]",
        ),
    ],
)
def test_stack_what_does_not_belong_together(other, message):
    with pytest.raises(ValueError, match=message):
        Trajectory.stack([make_full(), other])


def test_stack_labels_that_are_missing_for_some():
    y = np.array([0.5, np.nan, 1, 2])
    one, other = Trajectory(LOSS[None], y=y), Trajectory(LOSS[None], y=y.copy())
    assert Trajectory.stack([one, other]).n_runs == 2


def test_stack_nothing():
    with pytest.raises(ValueError, match="at least one trajectory"):
        Trajectory.stack([])
    with pytest.raises(TypeError, match=r"trajectories\[1\] must be a Trajectory; got int"):
        Trajectory.stack([make_full(), 3])


def test_to_frame():
    pytest.importorskip("pandas")
    full = make_full()
    frame = dataclasses.replace(full, n_steps=np.array([4, 2])).to_frame(samples=[3, 1])
    assert list(frame.columns) == [
        *("run", "step", "sample", "y", "loss", "margin", "proba", "prediction", "entropy"),
        *("el2n", "components.box", "components.class"),
    ]
    assert len(frame) == (4 + 2) * 2
    assert frame["run"].tolist() == [0] * 8 + [1] * 4
    assert frame["step"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 0, 0, 1, 1]
    assert frame["sample"].tolist() == [3, 1] * 6
    for row in frame.to_dict("records"):
        at = (row["run"], row["step"], row["sample"])
        assert row["loss"] == full.loss[at]
        assert row["prediction"] == full.prediction[at]
        assert row["components.box"] == full.components["box"][at]
        assert row["y"] == full.y[row["sample"]]


def test_to_frame_of_losses_alone():
    pytest.importorskip("pandas")
    frame = Trajectory(LOSS[None]).to_frame()
    assert frame["loss"].tolist() == LOSS.ravel().tolist()
    assert list(frame.columns) == ["run", "step", "sample", "loss"]


def test_to_frame_without_pandas(monkeypatch):
    real_import = builtins.__import__

    def without_pandas(name, *args, **kwargs):
        if name == "pandas":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_pandas)
    with pytest.raises(ImportError, match=r"sklearn-difficulty\[frames\]"):
        Trajectory(LOSS[None]).to_frame()
