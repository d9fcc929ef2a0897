"""Any training loop: what was said of each batch is recorded, or nothing is."""

from math import log

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_difficulty.exceptions import NonFiniteLossError
from sklearn_difficulty.recording import TrajectoryRecorder
from sklearn_difficulty.trajectory import Snapshots, Trajectory

# Two steps of two samples: probabilities .7, .1 of the given labels, then .9, .2.
PROBA = np.array([[[0.7, 0.3], [0.9, 0.1]], [[0.9, 0.1], [0.8, 0.2]]])
RECORDS = ("loss", "margin", "proba", "prediction", "entropy", "el2n")


def test_losses_by_hand():
    recorder = TrajectoryRecorder(2)
    for step in range(2):
        for row in (1, 0):
            recorder.update([row], proba=PROBA[step, [row]], targets=[row])
        recorder.step()
    trajectory = recorder.trajectory()
    # the golden sums of the losses of the two samples
    assert_allclose(trajectory.loss.sum(axis=(0, 1)), [0.4620354596, 3.9120230054], rtol=1e-6)
    assert trajectory.fields == RECORDS
    assert trajectory.y.tolist() == [0, 1]
    assert trajectory.classes.tolist() == [0, 1]
    assert trajectory.dt["epoch"].tolist() == [[1, 1]]
    assert trajectory.in_train.all()
    assert recorder.n_steps == 2


def forms(logits, y):
    yield logits, y
    yield logits.tolist(), y.tolist()
    yield torch.tensor(logits, requires_grad=True) * 1, torch.tensor(y)
    yield torch.tensor(logits, dtype=torch.float64), torch.tensor(y, dtype=torch.int32)
    yield torch.nn.Parameter(torch.tensor(logits)), y.astype(np.uint8)
    yield logits, y.reshape(-1, 1)
    yield logits, y.astype(np.float32)


@pytest.mark.parametrize("form", range(7))
def test_arrays_of_all_kinds(form):
    logits = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    y = np.array([0, 2, 1, 1, 0])
    expected = Trajectory.from_outputs(logits[None], y, classes=[0, 1, 2])
    given, targets = list(forms(logits, y))[form]
    recorder = TrajectoryRecorder(5)
    recorder.update(torch.arange(5) if form % 2 else range(5), logits=given, targets=targets)
    recorder.step()
    trajectory = recorder.trajectory()
    for name in RECORDS:
        assert_allclose(getattr(trajectory, name), getattr(expected, name), rtol=1e-6)
    assert_array_equal(trajectory.y, y)
    assert trajectory.y.dtype == np.int64


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_one_output_for_two_classes(shape):
    # as a net with BCEWithLogitsLoss has it: targets are floats
    recorder = TrajectoryRecorder(2)
    logits = np.array([2.0, -1.0]).reshape(shape)
    recorder.update([0, 1], logits=logits, targets=np.ones(shape))
    recorder.step()
    trajectory = recorder.trajectory(classes=["no", "yes"])
    assert_allclose(trajectory.loss[0, 0], [log(1 + np.exp(-2)), log(1 + np.exp(1))], rtol=1e-6)
    assert trajectory.prediction.tolist() == [[[1, 0]]]
    assert trajectory.classes.tolist() == ["no", "yes"]


def test_losses_of_ones_own():
    recorder = TrajectoryRecorder(2)
    losses = torch.tensor([[5.0], [7.0]], requires_grad=True)
    recorder.update([0, 1], logits=np.eye(2), targets=[0, 0], losses=losses)
    recorder.step()
    assert recorder.trajectory().loss.tolist() == [[[5, 7]]]
    assert recorder.trajectory().margin.tolist() == [[[1, -1]]]


def test_regression():
    recorder = TrajectoryRecorder(3)
    recorder.update([2, 0, 1], losses=[4.0, 0.25, 1.0], targets=[0.5, np.nan, 1.5])
    recorder.update([0], losses=[0.5], targets=[np.nan])
    recorder.step()
    trajectory = recorder.trajectory()
    assert trajectory.loss.tolist() == [[[0.5, 1, 4]]]
    assert trajectory.fields == ("loss",)
    assert_array_equal(trajectory.y, [np.nan, 1.5, 0.5])
    assert trajectory.classes is None


def test_losses_alone():
    recorder = TrajectoryRecorder(2)
    recorder.update([0, 1], losses=[1, 2])
    recorder.step()
    assert recorder.trajectory().y is None
    assert recorder.trajectory(y=np.array(["a", "b"])).y.tolist() == ["a", "b"]


def test_the_last_record_of_a_row_counts():
    recorder = TrajectoryRecorder(3)
    recorder.update([0, 1, 0], losses=[1, 2, 3])
    recorder.update([1], losses=[4])
    recorder.step()
    assert_array_equal(recorder.trajectory().loss, [[[3, 4, np.nan]]])


def test_missing_rows_are_counted():
    recorder = TrajectoryRecorder(4)
    assert recorder.missing.tolist() == [0, 1, 2, 3]
    recorder.update([3, 1], proba=[[1, 0], [0.5, 0.5]], targets=[0, 1])
    recorder.update([], proba=np.empty((0, 2)), targets=[])
    assert recorder.missing.tolist() == [0, 2]
    recorder.step()
    recorder.update(np.arange(4), proba=np.full((4, 2), 0.5), targets=[0, 1, 1, 0])
    recorder.step()
    assert recorder.n_missing.tolist() == [2, 0]
    trajectory = recorder.trajectory()
    assert trajectory.n_missing.tolist() == [[2, 0]]
    for name in RECORDS:
        record = getattr(trajectory, name)[0, 0]
        missing = record == -1 if name == "prediction" else np.isnan(record)
        assert missing.tolist() == [True, False, True, False], name
    assert trajectory.y.tolist() == [0, 1, 1, 0]


def test_targets_are_remembered():
    recorder = TrajectoryRecorder(2)
    recorder.update([0, 1], logits=np.eye(2), targets=[1, 1])
    recorder.step()
    recorder.update([1], logits=[[0.0, 5.0]])
    recorder.step()
    trajectory = recorder.trajectory()
    assert trajectory.margin[0, 1, 1] == 5
    assert trajectory.y.tolist() == [1, 1]


def test_targets_of_some_rows():
    recorder = TrajectoryRecorder(3)
    recorder.update([2], logits=[[0.0, 1.0]], targets=[1])
    recorder.step()
    with pytest.raises(ValueError, match=r"targets of 2 of 3 rows .* is row 0: pass y="):
        recorder.trajectory()
    with pytest.raises(ValueError, match="row 2 has the target 0 now and had 1 before"):
        recorder.trajectory(y=[0, 0, 0])
    assert recorder.trajectory(y=[0, 0, 1]).y.tolist() == [0, 0, 1]


def test_what_else_is_known():
    recorder = TrajectoryRecorder(2, keep_outputs=True)
    for step in range(2):
        recorder.update([0, 1], logits=np.eye(2) + step, targets=[0, 1])
        recorder.step({"update": 10 * (step + 1), "wall": 0.5})
    snapshots = Snapshots([{1: {"w": np.ones(2)}}])
    trajectory = recorder.trajectory(
        in_train=[True, False], snapshots=snapshots, when="during", classes=np.array(["a", "b"])
    )
    assert trajectory.dt["update"].tolist() == [[10, 20]]
    assert trajectory.dt["wall"].tolist() == [[0.5, 0.5]]
    assert trajectory.outputs[0, 1].tolist() == [[2, 1], [1, 2]]
    assert trajectory.in_train.tolist() == [[True, False]]
    assert trajectory.snapshots is snapshots
    assert trajectory.when == "during"


def test_it_does_not_hold_the_graph():
    recorder = TrajectoryRecorder(2)
    logits = torch.zeros(2, 2, requires_grad=True)
    recorder.update([0, 1], logits=logits, targets=[0, 1])
    with torch.no_grad():
        logits += 100
    recorder.step()
    assert recorder.trajectory().margin.tolist() == [[[0, 0]]]


GOOD = {"indices": [0, 1], "logits": np.eye(2), "targets": [0, 1]}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"indices": [0, 3]}, IndexError, "indices must be from 0 to 2; got 3"),
        ({"indices": [0, -1]}, IndexError, "indices must be from 0 to 2; got -1"),
        ({"indices": [0.0, 1.0]}, TypeError, "indices must be whole numbers; got float64"),
        ({"indices": [True, False]}, TypeError, "indices must be whole numbers; got bool"),
        ({"indices": 0}, ValueError, r"indices must have the shape \(k,\); got \(\)"),
        ({"indices": [[0, 1]]}, ValueError, r"shape \(k,\); got \(1, 2\)"),
        ({"indices": [0]}, ValueError, r"logits .* \(1, n_classes\), .* 1 indices; got \(2, 2\)"),
        ({"logits": np.eye(3)}, ValueError, r"logits .* 2 indices; got \(3, 3\)"),
        ({"logits": np.zeros((2, 2, 2))}, ValueError, r"got \(2, 2, 2\)"),
        ({"logits": np.zeros((2, 0))}, ValueError, r"got \(2, 0\)"),
        ({"logits": np.zeros((2, 3))}, ValueError, "must be of 2 classes, as before; got 3"),
        ({"logits": [["a", "b"]] * 2}, TypeError, "logits must hold real numbers"),
        ({"targets": [0]}, ValueError, r"targets .* 2 indices; got shape \(1,\)"),
        ({"targets": np.eye(2)}, ValueError, r"one-hot targets pass targets.argmax\(1\)"),
        ({"targets": [0, 2]}, ValueError, "class numbers from 0 to 1; got 2"),
        ({"targets": [0, -1]}, ValueError, "class numbers from 0 to 1; got -1"),
        ({"targets": [0.5, 1]}, ValueError, "targets must be class numbers; got 0.5"),
        ({"targets": ["a", "b"]}, TypeError, "targets must be numbers; got <U1"),
        ({"targets": [1, 1]}, ValueError, "row 0 has the target 1 now and had 0 before"),
        ({"indices": [2, 2]}, ValueError, "row 2 has the target 0 now and had 1 before"),
        ({"indices": [0, 2], "targets": None}, ValueError, "logits need targets, which some"),
        ({"logits": None}, ValueError, "neither losses nor components, nor logits or proba with"),
        ({"proba": np.eye(2)}, ValueError, "logits and proba were both given"),
        ({"logits": None, "proba": np.eye(2) * 3}, ValueError, "proba must hold probabilities"),
        ({"losses": [1.0, 2.0]}, ValueError, "this one gives outputs and losses, those before out"),
        ({"logits": None, "losses": [1, 2]}, ValueError, "gives losses, those before outputs"),
        ({"logits": [[np.nan, 0], [0, 0]]}, NonFiniteLossError, "loss of 1 of 2 rows is NaN"),
        ({"logits": [[-np.inf, 0], [0, 0]]}, NonFiniteLossError, "infinite in step 1"),
    ],
)
def test_a_bad_update_is_not_recorded(change, error, message):
    recorder, untouched = TrajectoryRecorder(3), TrajectoryRecorder(3)
    for each in (recorder, untouched):
        each.update(**GOOD)
        each.step()
        each.update([0], logits=[[1.0, 2.0]])
    with pytest.raises(error, match=message):
        recorder.update(**(GOOD | change))
    for each in (recorder, untouched):
        assert each.missing.tolist() == [1, 2]
        each.update([2], logits=[[3.0, 1.0]], targets=[1])
        each.step()
    ours, theirs = recorder.trajectory(), untouched.trajectory()
    for name in RECORDS:
        assert_array_equal(getattr(ours, name), getattr(theirs, name))
    assert_array_equal(ours.y, theirs.y)


def test_outputs_that_are_no_numbers_do_not_look_like_probabilities():
    recorder = TrajectoryRecorder(8)
    with pytest.raises(NonFiniteLossError):
        recorder.update(np.arange(8), logits=np.full((8, 3), np.nan), targets=np.zeros(8, int))


@pytest.mark.parametrize(
    ("losses", "error", "message"),
    [
        ([1.0], ValueError, r"losses must have one value for each of the 2 indices.*reduction="),
        (1.5, ValueError, r'got shape \(\). In torch, reduction="none" gives them'),
        (np.ones((2, 2)), ValueError, r"got shape \(2, 2\)"),
        ([1.0, np.inf], NonFiniteLossError, "1 of 2 rows"),
        ([1.0, 1e39], NonFiniteLossError, "1 of 2 rows"),  # in the single precision of records
    ],
)
def test_bad_losses(losses, error, message):
    recorder = TrajectoryRecorder(3)
    with pytest.raises(error, match=message):
        recorder.update([0, 1], losses=losses, targets=[0.5, 1.5])
    assert recorder.missing.tolist() == [0, 1, 2]
    # what was said of a bad update is forgotten
    recorder.update([0, 1], logits=np.eye(2), targets=[0, 1])
    assert recorder.missing.tolist() == [2]


def test_regression_targets_that_change():
    recorder = TrajectoryRecorder(2)
    recorder.update([0], losses=[1.0], targets=[[0.5, 1.0]])
    with pytest.raises(ValueError, match=r"row 0 has the target \[0.5 2. \] now"):
        recorder.update([0], losses=[1.0], targets=[[0.5, 2.0]])
    with pytest.raises(ValueError, match=r"targets have changed from float64 of shape \(2,\)"):
        recorder.update([1], losses=[1.0], targets=[0.5])


def test_a_loss_that_is_not_finite_carries_what_was_recorded():
    recorder = TrajectoryRecorder(2)
    with pytest.raises(NonFiniteLossError) as caught:
        recorder.update([0, 1], losses=[np.nan, np.inf])
    assert (caught.value.step, caught.value.n_rows, caught.value.trajectory) == (0, 2, None)
    recorder.update([0, 1], losses=[1, 2])
    recorder.step()
    with pytest.raises(NonFiniteLossError) as caught:
        recorder.update([0], losses=[np.nan])
    assert caught.value.trajectory.loss.tolist() == [[[1, 2]]]


def test_steps_without_records():
    recorder = TrajectoryRecorder(2)
    with pytest.raises(ValueError, match="no step was completed"):
        recorder.trajectory()
    with pytest.raises(ValueError, match="step 0 has no records: call update"):
        recorder.step()
    recorder.update([], losses=[])
    with pytest.raises(ValueError, match="step 0 has no records"):
        recorder.step()
    recorder.update([0], losses=[1])
    with pytest.raises(ValueError, match="no step was completed"):
        recorder.trajectory()


@pytest.mark.parametrize(
    ("dt", "error", "message"),
    [
        (1.0, TypeError, "dt must map units to lengths"),
        ({}, TypeError, "dt must map units to lengths"),
        ({"epoch": -1}, ValueError, "lengths from 0 on; got 'epoch': -1"),
        ({"epoch": np.nan}, ValueError, "got 'epoch': nan"),
        ({"epoch": "1"}, ValueError, "got 'epoch': '1'"),
        ({1: 1.0}, ValueError, "names of units"),
        ({"wall": 1.0}, ValueError, r"the units \['epoch'\], as in the steps before"),
    ],
)
def test_lengths_of_steps_that_are_none(dt, error, message):
    recorder = TrajectoryRecorder(1)
    recorder.update([0], losses=[1])
    recorder.step()
    recorder.update([0], losses=[2])
    with pytest.raises(error, match=message):
        recorder.step(dt)
    recorder.step()
    assert recorder.n_steps == 2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_samples": 0}, ValueError, "n_samples must be a whole number, at least 1; got 0"),
        ({"n_samples": 2.5}, TypeError, "n_samples must be a whole number"),
        ({"n_samples": 2, "storage": 5}, TypeError, "storage must be the path of a folder"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        TrajectoryRecorder(**arguments)


def test_classes_that_do_not_fit():
    recorder = TrajectoryRecorder(2)
    recorder.update(**GOOD)
    recorder.step()
    with pytest.raises(ValueError, match=r"classes must name the 2 classes; got shape \(3,\)"):
        recorder.trajectory(classes=["a", "b", "c"])


# -- in a folder --------------------------------------------------------------------------


def test_recorded_into_a_folder(tmp_path):
    in_memory = TrajectoryRecorder(3)
    on_disk = TrajectoryRecorder(3, storage=tmp_path / "run")
    for recorder in (in_memory, on_disk):
        for step in range(4):
            recorder.update([0, 2], logits=np.eye(2) * step, targets=[1, 0])
            recorder.step()
    # the folder is not there before it is complete
    assert [p.name for p in tmp_path.iterdir() if not p.name.startswith(".")] == []
    expected, made = (each.trajectory(y=[1, 0, 0]) for each in (in_memory, on_disk))
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    for trajectory in (made, Trajectory.load(tmp_path / "run", mmap=True)):
        for name in RECORDS:
            assert isinstance(getattr(trajectory, name), np.memmap)
            assert_array_equal(getattr(trajectory, name), getattr(expected, name))
        assert trajectory.y.tolist() == [1, 0, 0]
        assert trajectory.n_missing.tolist() == [[1, 1, 1, 1]]
    for use in (on_disk.trajectory, on_disk.step, lambda: on_disk.update(**GOOD)):
        with pytest.raises(ValueError, match=r"the trajectory is complete, in '.*run': read it"):
            use()


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"exists and is no saved tr.*; choose another"):
        TrajectoryRecorder(3, storage=tmp_path)
    with pytest.raises(FileNotFoundError, match="cannot save to"):
        TrajectoryRecorder(3, storage=tmp_path / "none" / "run")
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_a_recording_that_ends_early_leaves_nothing(tmp_path):
    recorder = TrajectoryRecorder(2, storage=str(tmp_path / "run"))
    recorder.update(**GOOD)
    recorder.step()
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(NonFiniteLossError) as caught:
        recorder.update([0], logits=[[np.nan, 0]])
    assert caught.value.trajectory.loss.shape == (1, 1, 2)
    caught.value.__traceback__ = None  # which holds the recorder
    del caught, recorder
    assert list(tmp_path.iterdir()) == []


def test_labels_that_cannot_be_saved_can_be_given_again(tmp_path):
    recorder = TrajectoryRecorder(2, storage=tmp_path / "run")
    recorder.update([0, 1], losses=[1.0, 2.0])
    recorder.step()
    with pytest.raises(TypeError, match="y has dtype object"):
        recorder.trajectory(y=np.array([None, "a"], dtype=object))
    assert recorder.trajectory(y=[0.5, 1.5]).y.tolist() == [0.5, 1.5]
    assert Trajectory.load(tmp_path / "run").loss.tolist() == [[[1.0, 2.0]]]
