"""The tracked nets are skorch's nets, with any labels and a trajectory at the end."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from skorch import NeuralNetRegressor
from skorch.callbacks import EarlyStopping, EpochScoring, LRScheduler
from skorch.dataset import Dataset, ValidSplit

from sklearn_difficulty import (
    DifficultyTracker,
    TrackedNet,
    TrackedNetClassifier,
    TrackedNetRegressor,
)
from sklearn_difficulty.exceptions import NonFiniteLossError
from sklearn_difficulty.recording import default_net

# -- the same fit as skorch's own ---------------------------------------------------------

FITS = {
    "plain": {},
    "shuffle": {"iterator_train__shuffle": True},
    "dropout": {"iterator_train__shuffle": True, "module__dropout": 0.5},
    "batch norm": {"iterator_train__shuffle": True, "module__batch_norm": True},
    "train split": {"iterator_train__shuffle": True, "train_split": ValidSplit(4)},
    "drop last": {"iterator_train__shuffle": True, "iterator_train__drop_last": True},
    "probabilities": {"criterion": torch.nn.NLLLoss, "module__softmax": True},
    "workers": {"iterator_train__num_workers": 2, "max_epochs": 1},
    "early stopping": {"callbacks": [EarlyStopping("train_loss", patience=2, threshold=0.5)]},
    "schedule": {"callbacks": [LRScheduler("StepLR", step_size=1)], "train_split": ValidSplit(3)},
    "no callbacks": {"callbacks": "disable"},
}


@pytest.mark.parametrize("when", ["after", "during"])
@pytest.mark.parametrize("params", FITS.values(), ids=FITS)
def test_same_fit_as_skorch(params, when, table, make_net, seeded_fit, assert_same_fit):
    plain, next_plain = seeded_fit(make_net(**params), *table)
    net = make_net(TrackedNetClassifier, when=when, **params)
    tracked, next_tracked = seeded_fit(net, *table)
    assert_same_fit(plain, tracked)
    assert next_plain == next_tracked
    assert_array_equal(plain.predict(table[0]), tracked.predict(table[0]))
    assert_array_equal(plain.predict_proba(table[0]), tracked.predict_proba(table[0]))
    path = tracked.trajectory_
    assert path.when == when
    assert path.n_steps.tolist() == [len(plain.history)]


def test_same_records_as_the_callback(table, make_net, seeded_fit):
    tracker = DifficultyTracker(keep=("outputs",))
    seeded_fit(make_net(callbacks=[tracker], iterator_train__shuffle=True), *table)
    net = make_net(TrackedNetClassifier, iterator_train__shuffle=True, keep=("outputs",))
    tracked, _ = seeded_fit(net, *table)
    ours, theirs = tracked.trajectory_, tracker.trajectory_
    for name in ("loss", "margin", "proba", "prediction", "entropy", "el2n", "outputs"):
        assert_array_equal(getattr(ours, name), getattr(theirs, name))
    assert_array_equal(ours.y, theirs.y)
    assert_array_equal(ours.classes, [0, 1, 2])


def test_same_regression_as_skorch(table, make_net, seeded_fit, assert_same_fit):
    X = table[0]
    y = X[:, :1] - X[:, 1:2]
    params = {
        "module": torch.nn.Linear,
        "module__in_features": 4,
        "module__out_features": 1,
        "criterion": torch.nn.MSELoss,
        "iterator_train__shuffle": True,
        "train_split": ValidSplit(4),
    }
    plain, _ = seeded_fit(make_net(NeuralNetRegressor, **params), X, y)
    column, _ = seeded_fit(make_net(TrackedNetRegressor, **params), X, y)
    flat, _ = seeded_fit(make_net(TrackedNetRegressor, **params), X, y.ravel())
    assert_same_fit(plain, column)
    assert_same_fit(plain, flat)
    assert column.predict(X).shape == (61, 1)
    assert_array_equal(flat.predict(X), column.predict(X).ravel())
    error = (column.predict(X) - y).ravel() ** 2
    for net in (column, flat):
        path = net.trajectory_
        assert_allclose(path.loss[0, -1], error, rtol=1e-5)
        assert_array_equal(path.y, y.ravel())
        assert path.margin is None
        assert path.classes is None


# -- labels -------------------------------------------------------------------------------


def labels(kind):
    """Three classes, or two for booleans, under 61 labels; with their sorted names."""
    numbers = np.arange(61) % 3
    if kind == "booleans":
        return numbers > 0, [False, True]
    names = {
        "gaps": [-4, 7, 100],
        "strings": ["a", "bc", "d"],
        "floats": [-1.0, 1.0, 2.0],
    }.get(kind, ["x", "y", "z"])
    y = np.array(names)[numbers]
    if kind == "objects":
        y = y.astype(object)
    if kind == "list":
        return y.tolist(), names
    if kind == "series":
        return pd.Series(y, index=np.arange(61)[::-1]), names
    return y, names


KINDS = ["gaps", "strings", "floats", "booleans", "objects", "list", "series"]


@pytest.mark.parametrize("train_split", [None, ValidSplit(4)])
@pytest.mark.parametrize("kind", KINDS)
def test_labels_of_any_type(kind, train_split, table, make_net, seeded_fit):
    X, _ = table
    y, names = labels(kind)
    numbers = np.searchsorted(np.array(names), np.asarray(y))
    params = {"train_split": train_split, "iterator_train__shuffle": True}
    tracked, _ = seeded_fit(make_net(TrackedNetClassifier, **params), X, y)
    plain, _ = seeded_fit(make_net(**params), X, numbers)
    assert tracked.classes_.tolist() == names
    assert_array_equal(tracked.trajectory_.y, numbers)
    n_classes = len(names)
    expected = plain.predict_proba(X)[:, :n_classes].argmax(1)
    assert_array_equal(tracked.predict(X), np.array(names)[expected])
    assert tracked.score(X, y) == np.mean(expected == numbers)
    if train_split is not None:
        assert tracked.history[:, "valid_acc"] == plain.history[:, "valid_acc"]


def test_names_of_the_classes_are_in_the_trajectory(table, make_net):
    y, names = labels("strings")
    net = make_net(TrackedNetClassifier, max_epochs=1).fit(table[0], y)
    assert net.trajectory_.classes.tolist() == names


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32])
def test_labels_in_a_tensor(dtype, table, make_net):
    X, y = table
    net = make_net(TrackedNetClassifier).fit(torch.as_tensor(X), torch.as_tensor(5 * y).to(dtype))
    assert net.classes_.tolist() == [0, 5, 10]
    assert_array_equal(net.trajectory_.y, y)
    assert set(net.predict(X)) <= {0, 5, 10}


@pytest.mark.parametrize("as_type", [np.array, list])
def test_classes_in_the_users_order(as_type, table, make_net):
    X, y = table
    names = np.array(["c", "a", "b"])
    net = make_net(TrackedNetClassifier, classes=as_type(names), max_epochs=30).fit(X, names[y])
    assert net.classes_.tolist() == ["c", "a", "b"]
    assert_array_equal(net.trajectory_.y, y)
    assert net.score(X, names[y]) > 0.8
    with pytest.raises(ValueError, match=r"not among the classes: \['d'\]"):
        net.fit(X[:3], ["a", "b", "d"])


def test_fit_again_to_other_labels(table, make_net):
    X, y = table
    net = make_net(TrackedNetClassifier, max_epochs=1).fit(X, y + 10)
    net.fit(X, np.array(["r", "s", "t"])[y])
    assert net.classes_.tolist() == ["r", "s", "t"]
    assert_array_equal(net.trajectory_.y, y)
    assert net.trajectory_.n_steps.tolist() == [1]


def test_partial_fit_knows_the_classes_of_before(table, make_net):
    X, y = table
    names = np.array(["r", "s", "t"])[y]
    net = make_net(TrackedNetClassifier, max_epochs=1).partial_fit(X, names)
    net.partial_fit(X[y > 0], names[y > 0])
    assert net.classes_.tolist() == ["r", "s", "t"]
    assert_array_equal(net.trajectory_.y, y[y > 0])
    with pytest.raises(ValueError, match=r"not among the classes: \['u'\]"):
        net.partial_fit(X[:2], ["r", "u"])
    assert net.partial_fit(X, names).classes_.tolist() == ["r", "s", "t"]


@pytest.mark.parametrize("module", ["default", "own"])
def test_partial_fit_is_told_the_classes(module, table, make_net, small_mlp):
    X, y = table
    net = make_net(
        TrackedNetClassifier, max_epochs=1, module=None if module == "default" else small_mlp
    )
    net.partial_fit(X[y < 2], y[y < 2], classes=[0, 1, 2])
    net.partial_fit(X, y)
    assert net.classes_.tolist() == [0, 1, 2]
    assert net.predict_proba(X).shape == (61, 3)


def test_module_with_outputs_to_spare(make_net, scaled):
    X = np.array([[2, 1, 9], [0, 1, 9]], dtype=np.float32)
    net = make_net(TrackedNetClassifier, module=scaled, lr=0.0).fit(X, ["a", "b"])
    assert net.predict(X).tolist() == ["a", "b"]
    assert_array_equal(net.trajectory_.classes, [0, 1, 2])


def test_scoring_callbacks_compare_like_with_like(table, make_net):
    y, _ = labels("strings")
    net = make_net(
        TrackedNetClassifier,
        max_epochs=30,
        callbacks=[EpochScoring("accuracy", on_train=True, name="train_acc")],
    ).fit(table[0], y)
    assert net.history[-1, "train_acc"] > 0.8


# -- data ---------------------------------------------------------------------------------


KINDS_OF_ROWS = ["float64", "int", "csr", "tensor", "reversed"]


# skorch gives a module a list column by column, and a frame as a dict
@pytest.mark.parametrize(
    ("kind", "module"),
    [(kind, module) for kind in KINDS_OF_ROWS for module in ("default", "own")]
    + [("frame", "default"), ("list", "default")],
)
def test_rows_of_any_kind(kind, module, table, make_net, small_mlp):
    X, y = table
    X = np.round(X)
    given = {
        "float64": X.astype(np.float64),
        "int": X.astype(np.int32),
        "frame": pd.DataFrame(X, columns=list("abcd")),
        "list": X.tolist(),
        "csr": scipy.sparse.csr_array(X),
        "tensor": torch.as_tensor(X),
        "reversed": X[::-1],
    }[kind]
    net = make_net(TrackedNetClassifier, module=None if module == "default" else small_mlp)
    if kind == "reversed":
        y = y[::-1]
    net.fit(given, y)
    assert net.trajectory_.loss.shape == (1, 3, 61)
    assert net.predict(given).shape == (61,)


def test_images_into_the_default_network(make_net):
    X = np.random.default_rng(0).integers(0, 256, size=(30, 3, 5, 4), dtype=np.uint8)
    net = make_net(TrackedNetClassifier, module=None).fit(X, np.arange(30) % 2)
    assert net.module_.layers[0].in_features == 60
    assert net.predict(X).shape == (30,)


def test_integers_are_looked_up(make_net):
    parts = torch.nn.Embedding(5, 2), torch.nn.Flatten(), torch.nn.Linear(6, 2)
    module = torch.nn.Sequential(*parts)
    X = np.random.default_rng(0).integers(0, 5, size=(20, 3), dtype=np.int32)
    net = make_net(TrackedNetClassifier, module=module).fit(X, np.arange(20) % 2)
    assert net.predict(X).shape == (20,)


def test_users_dataset(table, make_net):
    X, y = table
    net = make_net(TrackedNetClassifier).fit(Dataset(X, y), None)
    assert net.classes_.tolist() == [0, 1, 2]
    assert_array_equal(net.trajectory_.y, y)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers(value, table, make_net):
    X, y = table
    X[3, 1] = value
    for module in ({}, {"module": None}):
        with pytest.raises(ValueError, match=r"(holds|contains) (NaN|infinity)"):
            make_net(TrackedNetClassifier, **module).fit(X, y)


def test_default_network_knows_its_columns(table, make_net):
    X, y = table
    net = make_net(TrackedNetClassifier, module=None).fit(pd.DataFrame(X, columns=list("abcd")), y)
    assert net.n_features_in_ == 4
    assert net.feature_names_in_.tolist() == list("abcd")
    with pytest.raises(ValueError, match="feature names should match"):
        net.predict(pd.DataFrame(X, columns=list("bacd")))
    net.fit(X, y)
    assert not hasattr(net, "feature_names_in_")
    for call in (net.predict, net.predict_proba, lambda rows: net.partial_fit(rows, y)):
        with pytest.raises(ValueError, match="X has 2 features, but TrackedNetClassifier is"):
            call(X[:, :2])
    assert net.fit(X[:, :3], y).n_features_in_ == 3


def test_module_of_a_users_own_decides_for_itself(make_net):
    # sequences of any length, which scikit-learn would take for other numbers of columns
    class Mean(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(2, 2)

        def forward(self, X):
            return self.linear(X.mean(dim=1))

    X, y = np.zeros((8, 5, 2), dtype=np.float32), np.arange(8) % 2
    net = make_net(TrackedNetClassifier, module=Mean).fit(X, y)
    assert net.predict(X[:, :3]).shape == (8,)
    assert not hasattr(net, "n_features_in_")


def test_targets_that_are_no_classes(table, make_net):
    X, _ = table
    net = make_net(TrackedNetClassifier, module=None)
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        net.fit(X, X[:, 0])
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        net.fit(X, None)


@pytest.mark.parametrize("softmax", [False, True])
def test_default_network_suits_the_criterion(softmax, table, make_net):
    X, y = table
    criterion = torch.nn.NLLLoss if softmax else torch.nn.CrossEntropyLoss
    net = make_net(TrackedNetClassifier, module=None, criterion=criterion).fit(X * 1e4, y)
    assert net.module_.softmax is softmax
    assert_allclose(net.predict_proba(X).sum(1), 1, rtol=1e-5)
    assert net.get_params()["module"] is None


def test_default_network_takes_module_params(table, make_net):
    net = make_net(TrackedNetClassifier, module=None, module__hidden=5).fit(*table)
    assert net.module_.layers[0].out_features == 5
    net.set_params(module__hidden=6)
    assert net.module_.layers[0].out_features == 6


def test_default_network_needs_data():
    with pytest.raises(ValueError, match="module=None stands for a network that is sized by"):
        TrackedNetClassifier().initialize()
    X, y = np.zeros((4, 2), dtype=np.float32), np.array([0, 1, 0, 1])
    for given in ({"a": X}, Dataset(X, y)):
        with pytest.raises(ValueError, match="module=None needs X as an array of shape"):
            TrackedNetClassifier(verbose=0).fit(given, y)


@pytest.mark.parametrize("kind", [TrackedNetClassifier, TrackedNetRegressor])
def test_tensors_of_a_type_that_numpy_lacks(kind, table):
    X, y = (torch.as_tensor(part) for part in table)
    X = X.to(torch.bfloat16)
    short = kind(max_epochs=2, verbose=0, train_split=None), y.to(torch.bfloat16)
    known = kind(max_epochs=2, verbose=0, train_split=None), y.float().numpy()
    losses = []
    for net, targets in (short, known):
        torch.manual_seed(0)
        losses.append(net.fit(X, targets).trajectory_.loss)
    assert_array_equal(*losses)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("shape", [(61,), (61, 1), (61, 2)])
def test_targets_of_the_default_regressor(shape, method, table):
    X, _ = table
    y = 1e3 + 50 * np.column_stack([X[:, 0], -X[:, 1]])[:, : np.prod(shape[1:], dtype=int)]
    y = y.reshape(shape)
    net = TrackedNetRegressor(
        optimizer=torch.optim.Adam, lr=0.01, max_epochs=60, train_split=None, verbose=0
    )
    getattr(net, method)(X, y)
    assert net.predict(X).shape == shape
    assert net.score(X, y) > 0.9
    assert net.trajectory_.loss.shape == (1, 60, 61)


def test_net_of_no_kind(table):
    X, _ = table
    torch.manual_seed(0)
    net = TrackedNet(
        torch.nn.Linear,
        torch.nn.MSELoss,
        module__in_features=4,
        module__out_features=4,
        train_split=None,
        verbose=0,
        keep=("elements", "outputs"),
    ).fit(X, X)
    path = net.trajectory_
    assert path.loss.shape == (1, 10, 61)
    assert path.element_action.shape == (1, 61, 4)
    assert path.outputs.shape == (1, 10, 61, 4)
    assert_allclose(path.element_action.mean(2)[0], path.loss.sum(1)[0], rtol=1e-4)
    error = (net.predict(X) - X) ** 2
    assert_allclose(path.loss[0, -1], error.mean(1), rtol=1e-4)


def test_net_of_no_kind_sizes_itself(table):
    X, _ = table
    net = TrackedNet(None, torch.nn.MSELoss, max_epochs=2, train_split=None, verbose=0)
    assert net.fit(X, X[:, :2]).predict(X).shape == (61, 2)


# -- several trainings --------------------------------------------------------------------


def test_partial_fit_continues_and_fit_starts_anew(table, make_net):
    torch.manual_seed(0)
    net = make_net(TrackedNetClassifier, max_epochs=2)
    net.partial_fit(*table)
    net.partial_fit(*table)
    assert net.trajectory_.n_steps.tolist() == [4]
    assert len(net.history) == 4
    torch.manual_seed(0)
    whole = make_net(TrackedNetClassifier, max_epochs=4).fit(*table)
    assert_array_equal(net.trajectory_.loss, whole.trajectory_.loss)
    net.fit(*table)
    assert net.trajectory_.n_steps.tolist() == [2]


def test_warm_start(table, make_net):
    net = make_net(TrackedNetClassifier, max_epochs=2, warm_start=True).fit(*table)
    assert net.fit(*table).trajectory_.n_steps.tolist() == [4]


@pytest.mark.parametrize("kind", [TrackedNetClassifier, TrackedNetRegressor])
@pytest.mark.parametrize("module", ["default", "linear"])
def test_copies(kind, module, table):
    X, y = table
    params = {"module": None}
    if module == "linear":
        n_outputs = 3 if kind is TrackedNetClassifier else 1
        params = {
            "module": torch.nn.Linear,
            "module__in_features": 4,
            "module__out_features": n_outputs,
        }
    if kind is TrackedNetClassifier:
        params["criterion"] = torch.nn.CrossEntropyLoss
    net = kind(**params, max_epochs=2, train_split=None, verbose=0, snapshots="all").fit(X, y)
    for twin in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net), copy.copy(net)):
        assert_array_equal(twin.trajectory_.loss, net.trajectory_.loss)
        assert twin.trajectory_.snapshots.steps(0) == (0, 1)
        assert_array_equal(twin.predict(X), net.predict(X))
    pickled = pickle.loads(pickle.dumps(net)).partial_fit(X, y)
    assert pickled.trajectory_.n_steps.tolist() == [4]
    assert net.trajectory_.n_steps.tolist() == [2]
    blank = clone(net)
    assert not hasattr(blank, "trajectory_")
    assert blank.snapshots == "all"
    assert blank.fit(X, y).trajectory_.n_steps.tolist() == [2]


def test_cross_validation(table, make_net):
    torch.manual_seed(0)
    X, y = table
    names = np.array(["r", "s", "t"])[y]
    net = make_net(TrackedNetClassifier, max_epochs=20)
    assert cross_val_score(net, X, names, cv=3).mean() > 0.7


# -- parameters ---------------------------------------------------------------------------


def test_device_of_its_own_choice():
    net = TrackedNetClassifier()
    assert net.device == ("cuda" if torch.cuda.is_available() else "cpu")
    assert net.get_params()["device"] == "auto"
    assert clone(net).get_params()["device"] == "auto"
    assert pickle.loads(pickle.dumps(net)).get_params()["device"] == "auto"
    net.set_params(device="cpu")
    assert net.get_params()["device"] == "cpu"
    assert TrackedNetClassifier(device=None).device is None


def test_parameters_of_its_own():
    net = TrackedNetRegressor(when="during", snapshots=3, keep=("outputs",))
    params = net.get_params()
    assert (params["when"], params["snapshots"], params["keep"]) == ("during", 3, ("outputs",))
    assert "when='during'" in repr(net).replace('"', "'") or "TrackedNetRegressor" in repr(net)


@pytest.mark.parametrize("name", ["when", "keep", "snapshots"])
def test_bad_parameters(name, table, make_net):
    bad = {"when": "now", "keep": ("pixels",), "snapshots": "some"}[name]
    net = make_net(TrackedNetClassifier, **{name: bad})
    with pytest.raises(ValueError, match=f"{name} must be"):
        net.fit(*table)


def test_no_trajectory_before_fit():
    net = TrackedNetClassifier()
    with pytest.raises(AttributeError, match="TrackedNetClassifier has no trajectory_ before fit"):
        net.trajectory_  # noqa: B018
    assert not hasattr(net, "trajectory_")


def test_snapshots(table, make_net):
    net = make_net(TrackedNetClassifier, max_epochs=8, snapshots=6).fit(*table)
    snapshots = net.trajectory_.snapshots
    assert snapshots.steps(0) == (0, 1, 2, 5, 6, 7)
    last = snapshots.state(0, 7)
    for name, value in net.module_.state_dict().items():
        assert_array_equal(last[name], value)
    assert make_net(TrackedNetClassifier, snapshots=None).fit(*table).trajectory_.snapshots is None


def test_loss_that_is_not_finite(table, make_net):
    net = make_net(TrackedNetClassifier, optimizer=torch.optim.SGD, lr=1e30, max_epochs=20)
    with pytest.raises(NonFiniteLossError) as caught:
        net.fit(*table)
    assert pickle.loads(pickle.dumps(caught.value)).step == caught.value.step


def test_default_net_is_sized_for_the_rows():
    small, large = default_net(TrackedNetClassifier, 100), default_net(TrackedNetRegressor, 10**5)
    assert (small.batch_size, small.max_epochs) == (16, 60)
    assert (large.batch_size, large.max_epochs) == (128, 15)
    assert small.criterion is torch.nn.CrossEntropyLoss
    assert large.criterion is torch.nn.MSELoss
    middling = default_net(TrackedNetClassifier)
    assert (middling.batch_size, middling.max_epochs) == (50, 30)
