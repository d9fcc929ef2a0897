"""Outputs that were saved elsewhere, judged by labels."""

from math import log

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_difficulty.exceptions import NonFiniteLossError
from sklearn_difficulty.trajectory import Trajectory

# Two steps of two samples: probabilities .7, .1 of the given labels, then .9, .2.
PROBA = np.array([[[0.7, 0.3], [0.9, 0.1]], [[0.9, 0.1], [0.8, 0.2]]])
Y = np.array([0, 1])


def outputs_of(n_steps=3, n=5, n_classes=4, n_runs=None, seed=0):
    lead = (n_steps, n) if n_runs is None else (n_runs, n_steps, n)
    return np.random.default_rng(seed).normal(size=(*lead, n_classes))


def test_losses_by_hand():
    trajectory = Trajectory.from_outputs(PROBA, Y, kind="proba")
    # the golden sums of the losses of the two samples
    assert_allclose(trajectory.loss.sum(axis=(0, 1)), [0.4620354596, 3.9120230054], rtol=1e-6)
    assert_allclose(trajectory.margin[0, 1], [log(9), log(0.25)], rtol=1e-6)
    assert trajectory.prediction.tolist() == [[[0, 0], [0, 0]]]
    assert trajectory.fields == ("loss", "margin", "proba", "prediction", "entropy", "el2n")
    assert {getattr(trajectory, name).dtype.name for name in trajectory.fields} == {
        "float32",
        "int32",
    }
    assert trajectory.y.tolist() == [0, 1] and trajectory.classes.tolist() == [0, 1]
    assert trajectory.dt["epoch"].tolist() == [[1, 1]]
    assert trajectory.in_train.all()
    assert trajectory.when == "after"


def test_several_runs_are_stacked_runs():
    outputs = outputs_of(n_runs=2)
    y = np.array([0, 1, 2, 3, 0])
    ours = Trajectory.from_outputs(outputs, y)
    theirs = Trajectory.stack([Trajectory.from_outputs(run, y) for run in outputs])
    assert ours.loss.shape == (2, 3, 5)
    for name in theirs.fields:
        assert_array_equal(getattr(ours, name), getattr(theirs, name))


@pytest.mark.parametrize("form", ["array", "list", "tensor", "tensors", "memmap", "half", "nested"])
def test_outputs_of_all_kinds(tmp_path, form):
    outputs = outputs_of().astype(np.float16 if form == "half" else np.float32)
    expected = Trajectory.from_outputs(outputs.astype(np.float32), [0, 1, 2, 3, 0])
    if form == "memmap":
        np.save(tmp_path / "outputs.npy", outputs)
    given = {
        "array": lambda: outputs,
        "half": lambda: outputs,
        "list": lambda: list(outputs),
        "nested": lambda: outputs.tolist(),
        "tensor": lambda: torch.tensor(outputs, requires_grad=True),
        "tensors": lambda: [torch.tensor(step) for step in outputs],
        "memmap": lambda: np.load(tmp_path / "outputs.npy", mmap_mode="r"),
    }[form]()
    trajectory = Trajectory.from_outputs(given, torch.tensor([0, 1, 2, 3, 0]))
    for name in expected.fields:
        assert_allclose(getattr(trajectory, name), getattr(expected, name), rtol=1e-6)


def test_lists_of_runs():
    outputs = outputs_of(n_runs=2)
    y = [0, 1, 2, 3, 0]
    ours = Trajectory.from_outputs(list(outputs), y)
    assert_array_equal(ours.loss, Trajectory.from_outputs(outputs, y).loss)
    with pytest.raises(ValueError, match=r"one shape in all steps; got \[\(2, 5, 4\), \(3, 5, 4\)"):
        Trajectory.from_outputs([outputs[0], outputs[1, :2]], y)


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("proba", PROBA[..., 1]),
        ("log_proba", np.log(PROBA[..., 1])),
        ("logits", np.log(PROBA[..., 1] / PROBA[..., 0])),
    ],
)
@pytest.mark.parametrize("shape", [(2, 2), (2, 2, 1), (1, 2, 2, 1)])
def test_one_output_for_two_classes(kind, column, shape):
    expected = Trajectory.from_outputs(PROBA, Y, kind="proba")
    trajectory = Trajectory.from_outputs(column.reshape(shape), ["no", "yes"], kind=kind)
    for name in expected.fields:
        assert_allclose(getattr(trajectory, name), getattr(expected, name), rtol=1e-5)
    assert trajectory.classes.tolist() == ["no", "yes"]


def test_decision_values():
    trajectory = Trajectory.from_outputs(np.array([[3.0, -0.5]]), [1, 1], kind="decision")
    assert trajectory.loss.tolist() == [[[0, 1.5]]]
    assert trajectory.fields == ("loss", "margin", "prediction")


@pytest.mark.parametrize(
    ("y", "classes", "numbers", "names"),
    [
        (["b", "a", "c", "a"], None, [1, 0, 2, 0], ["a", "b", "c"]),
        ([7, 5, 6, 5], None, [2, 0, 1, 0], [5, 6, 7]),
        ([2, 0, 0, 0], None, [2, 0, 0, 0], [0, 1, 2]),  # a class without samples
        (["b", "a", "b", "a"], ["c", "a", "b"], [2, 1, 2, 1], ["c", "a", "b"]),
        ([-1, 1, 1, 1], [1, -1, 0], [1, 0, 0, 0], [1, -1, 0]),
    ],
)
def test_labels(y, classes, numbers, names):
    trajectory = Trajectory.from_outputs(outputs_of(2, 4, 3), y, classes=classes)
    assert trajectory.y.tolist() == numbers
    assert trajectory.classes.tolist() == names
    expected = Trajectory.from_outputs(outputs_of(2, 4, 3), numbers, classes=[0, 1, 2])
    assert_array_equal(trajectory.loss, expected.loss)


@pytest.mark.parametrize(
    ("y", "classes", "message"),
    [
        (["a", "b", "a", "b"], None, "y has 2 different labels and outputs are of 3 classes"),
        ([1, 2, 2, 1], [1, 2], "classes must name each of the 3 classes .* once"),
        ([1, 2, 3, 1], [1, 2, 2], r"once; got \[1, 2, 2\]"),
        (["a", "b", "x", "a"], ["a", "b", "c"], "y has the label .*x.*, which classes"),
        (["a", "b", "0", "a"], ["a", "b", "c"], "y has the label .*0.*, which classes"),
        ([0, 3, 0, 0], None, "pass classes="),
    ],
)
def test_labels_that_do_not_fit(y, classes, message):
    with pytest.raises(ValueError, match=message):
        Trajectory.from_outputs(outputs_of(2, 4, 3), y, classes=classes)


@pytest.mark.parametrize(
    "shape", [(3, 4, 2), (5,), (5, 3, 2), (2, 5, 3, 2), (1, 2, 3, 5, 2), (3, 4), (2, 3, 5)]
)
def test_shapes_that_do_not_fit(shape):
    with pytest.raises(ValueError) as caught:
        Trajectory.from_outputs(np.zeros(shape), [0, 1, 0, 1, 0])
    assert str(shape) in str(caught.value)
    assert "y of shape (5,)" in str(caught.value)


def test_no_steps():
    with pytest.raises(ValueError, match=r"at least one step; got shape \(0, 2, 3\)"):
        Trajectory.from_outputs(np.zeros((0, 2, 3)), [0, 1])


def test_labels_in_two_columns():
    with pytest.raises(ValueError, match=r"y must have one label per sample"):
        Trajectory.from_outputs(PROBA, np.eye(2), kind="proba")


@pytest.mark.parametrize(
    ("outputs", "kind", "message"),
    [
        (PROBA * 5, "proba", r"outputs\[0\] must hold probabilities.*2 of 2 rows do not"),
        (PROBA - 0.5, "proba", "must hold probabilities"),
        (np.array([[0.2, 1.5]]), "proba", r"1 of 2 rows do not, the first is row 1: \[1.5\]"),
        (PROBA, "log_proba", "must hold logarithms of probabilities.*are logits"),
    ],
)
def test_what_is_no_probability(outputs, kind, message):
    with pytest.raises(ValueError, match=message):
        Trajectory.from_outputs(outputs, Y, kind=kind)


def test_another_kind():
    with pytest.raises(ValueError, match=r"kind must be one of 'logits', .*; got 'softmax'"):
        Trajectory.from_outputs(PROBA, Y, kind="softmax")
    with pytest.raises(TypeError, match="outputs must hold real numbers; got complex128"):
        Trajectory.from_outputs(PROBA * 1j, Y)


def test_samples_that_were_left_out():
    outputs = outputs_of(n_runs=2)
    outputs[0, 1, 3] = outputs[1, 2, :2] = np.nan
    trajectory = Trajectory.from_outputs(outputs, [0, 1, 2, 3, 0])
    assert trajectory.n_missing.tolist() == [[0, 1, 0], [0, 0, 2]]
    for name in trajectory.fields:
        record = getattr(trajectory, name)
        missing = record == -1 if name == "prediction" else np.isnan(record)
        assert np.argwhere(missing).tolist() == [[0, 1, 3], [1, 2, 0], [1, 2, 1]], name


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_losses_that_are_not_finite(value):
    outputs = outputs_of()
    outputs[1, 3, 2] = value
    with pytest.raises(
        NonFiniteLossError, match=r"outputs\[1\] gives 1 of 5 rows a loss"
    ) as caught:
        Trajectory.from_outputs(outputs, [0, 1, 2, 3, 0])
    assert (caught.value.step, caught.value.n_rows) == (1, 1)


def test_losses_beyond_single_precision():
    outputs = np.array([[[0.0, 1.0], [1e39, 0.0]]])
    with pytest.raises(NonFiniteLossError, match=r"outputs\[0\] gives 1 of 2 rows a loss"):
        Trajectory.from_outputs(outputs, [0, 1])


def test_what_else_is_known():
    outputs = outputs_of(n_runs=2)
    trajectory = Trajectory.from_outputs(
        outputs,
        [0, 1, 2, 3, 0],
        dt={"update": [10, 10, 5], "wall": np.arange(6.0).reshape(2, 3)},
        in_train=[True, True, False, False, True],
        keep_outputs=True,
        when="during",
    )
    assert trajectory.dt["update"].tolist() == [[10, 10, 5], [10, 10, 5]]
    assert trajectory.dt["wall"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert trajectory.in_train.tolist() == [[True, True, False, False, True]] * 2
    assert trajectory.outputs.dtype == np.float32
    assert_allclose(trajectory.outputs, outputs, rtol=1e-6)
    assert trajectory.when == "during"
    with pytest.raises(ValueError, match=r"dt\['wall'\] has shape \(2,\)"):
        Trajectory.from_outputs(outputs, [0, 1, 2, 3, 0], dt={"wall": [1.0, 2.0]})
    with pytest.raises(TypeError, match="dt must map units to lengths of steps; got list"):
        Trajectory.from_outputs(outputs, [0, 1, 2, 3, 0], dt=[1.0, 1.0, 1.0])


def test_recorded_into_a_folder(tmp_path):
    outputs, y = outputs_of(n_runs=2), [0, 1, 2, 3, 0]
    expected = Trajectory.from_outputs(outputs, y, keep_outputs=True)
    made = Trajectory.from_outputs(outputs, y, keep_outputs=True, storage=tmp_path / "run")
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    for trajectory in (made, Trajectory.load(tmp_path / "run", mmap=True)):
        for name in expected.fields:
            assert isinstance(getattr(trajectory, name), np.memmap)
            assert_array_equal(getattr(trajectory, name), getattr(expected, name))
        assert_array_equal(trajectory.y, expected.y)


def test_failure_leaves_no_folder(tmp_path):
    outputs = outputs_of()
    outputs[2, 0, 0] = np.inf
    with pytest.raises(NonFiniteLossError):
        Trajectory.from_outputs(outputs, [0, 1, 2, 3, 0], storage=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "run").write_text("mine")
    with pytest.raises(FileExistsError, match="choose another path"):
        Trajectory.from_outputs(outputs_of(), [0, 1, 2, 3, 0], storage=tmp_path / "run")


def test_probabilities_that_are_taken_for_logits():
    proba, y = np.tile(PROBA, (1, 4, 1)), np.tile(Y, 4)
    with pytest.warns(UserWarning, match=r"look like probabilities.*kind='proba'") as warned:
        Trajectory.from_outputs(np.stack([proba[0], proba[0, ::-1]]), y)
    assert len({str(one.message) for one in warned}) == 1
    # nothing is said of logits that are positive, or of which some rows sum to one by chance
    Trajectory.from_outputs(proba + 1, y)
    Trajectory.from_outputs(np.where(np.arange(8)[:, None] == 5, 2.0, proba), y)


def test_targets_of_a_regression():
    with pytest.raises(ValueError, match=r"y must hold labels; got fractions, such as 0\.5"):
        Trajectory.from_outputs(PROBA, Y + 0.5, kind="proba")


@pytest.mark.parametrize("kind", ["logits", "proba", "log_proba", "decision"])
def test_step_in_which_nothing_was_recorded(kind):
    outputs = np.log(PROBA) if kind == "log_proba" else np.array(PROBA)
    outputs[0] = np.nan
    trajectory = Trajectory.from_outputs(outputs, Y, kind=kind)
    assert np.isnan(trajectory.loss[0, 0]).all()
    assert np.isfinite(trajectory.loss[0, 1:]).all()
