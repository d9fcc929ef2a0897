"""Nets as learners: what goes in is cloned, what comes out carries nothing of ours."""

import copy

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from skorch import NeuralNetBinaryClassifier, NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import Callback, Checkpoint, EarlyStopping, EpochScoring, LRScheduler
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch.utils.data import DataLoader

from sklearn_difficulty import TrackedNetClassifier, TrackedNetRegressor
from sklearn_difficulty.exceptions import TrainSplitIgnoredWarning
from sklearn_difficulty.recording import class_proba, record, replay

NAMES = np.array(["r", "s", "t"])


def run(estimator, table, **options):
    return record(estimator, *table, classes=NAMES, **({"random_state": 0} | options))


@pytest.fixture(params=[NeuralNetClassifier, TrackedNetClassifier])
def kind(request):
    return request.param


# -- the user's net is as it was ----------------------------------------------------------


def test_net_is_not_changed(kind, table, make_net):
    rates = LRScheduler("StepLR", step_size=1)
    callbacks = [EpochScoring("accuracy", on_train=True), ("rates", rates)]
    net = make_net(kind, callbacks=callbacks, iterator_train__shuffle=True)
    before, callbacks_before = dict(vars(net)), list(callbacks)
    run(net, table, n_runs=2)
    assert vars(net) == before
    assert callbacks == callbacks_before
    assert not net.initialized_
    assert vars(callbacks[0]) == vars(EpochScoring("accuracy", on_train=True))


def test_fitted_net_is_not_changed(kind, table, make_net):
    net = make_net(kind).fit(*table)
    before = copy.deepcopy(net.module_.state_dict())
    history = net.history.to_list()
    path = run(net, table).trajectory
    assert net.history.to_list() == history
    for name, value in net.module_.state_dict().items():
        assert torch.equal(value, before[name])
    # and its clones start from scratch
    assert_array_equal(path.loss, run(make_net(kind), table).trajectory.loss)


@pytest.mark.parametrize("callbacks", [None, "disable", "some"])
def test_fitted_models_carry_nothing_of_ours(callbacks, kind, table, make_net):
    given = callbacks
    if callbacks == "some":
        given = [EpochScoring("accuracy", on_train=True, name="acc")]
    net = make_net(kind, callbacks=given)
    [fitted] = run(net, table).estimators
    plain = make_net(kind, callbacks=given).fit(*table)
    assert type(fitted) is kind
    assert fitted.iterator_train is DataLoader
    assert [name for name, _ in fitted.callbacks_] == [name for name, _ in plain.callbacks_]
    expected, found = plain.get_params(deep=False), fitted.get_params(deep=False)
    assert expected.keys() == found.keys()
    for name in expected.keys() - {"callbacks", "classes"}:
        assert expected[name] == found[name], name
    if callbacks == "some":
        assert [type(callback) for callback in fitted.callbacks] == [EpochScoring]
    else:
        assert fitted.callbacks == callbacks
    assert len(fitted.history) == 3
    # it can be trained on
    labels = NAMES[table[1]] if kind is TrackedNetClassifier else table[1]
    assert len(fitted.partial_fit(table[0], labels).history) == 6


def test_recording_does_not_change_the_fit(kind, table, make_net, assert_same_fit):
    # the same seed, and the random numbers in the same order
    net = make_net(kind, iterator_train__shuffle=True, module__dropout=0.3)
    recording = run(net, table)
    [seed] = np.random.RandomState(0).randint(np.iinfo(np.int32).max, size=1)
    torch.manual_seed(int(seed))
    plain = make_net(iterator_train__shuffle=True, module__dropout=0.3).fit(*table)
    assert_same_fit(plain, recording.estimators[0])


def test_same_path_for_both_kinds(table, make_net):
    paths = [
        run(make_net(kind, iterator_train__shuffle=True), table).trajectory
        for kind in (NeuralNetClassifier, TrackedNetClassifier)
    ]
    for name in ("loss", "margin", "proba", "prediction", "entropy", "el2n"):
        assert_array_equal(getattr(paths[0], name), getattr(paths[1], name))
    assert paths[0].classes.tolist() == ["r", "s", "t"] or paths[0].classes.tolist() == [0, 1, 2]


def test_early_stopping_sees_every_epoch(kind, table, make_net):
    stopping = EarlyStopping("train_loss", patience=2, threshold=0.5)
    recording = run(make_net(kind, max_epochs=30, callbacks=[stopping]), table)
    [fitted] = recording.estimators
    assert 2 < len(fitted.history) < 30
    assert recording.trajectory.n_steps.tolist() == [len(fitted.history)]


def test_checkpoints_of_the_user_work(kind, table, make_net, tmp_path):
    saved = Checkpoint(monitor="train_loss_best", dirname=str(tmp_path), f_pickle="net.pkl")
    run(make_net(kind, callbacks=[saved]), table)
    assert (tmp_path / "params.pt").exists()
    assert (tmp_path / "net.pkl").exists()


# -- all rows are trained on --------------------------------------------------------------


def test_validation_split_is_set_aside(kind, table, make_net):
    default = {"train_split": NeuralNetClassifier(torch.nn.Linear).train_split}
    net = make_net(kind, **default)
    with pytest.warns(TrainSplitIgnoredWarning, match="train_split of .* would hold rows"):
        recording = run(net, table)
    assert recording.trajectory.in_train.all()
    assert net.train_split is default["train_split"]
    assert "valid_loss" not in recording.estimators[0].history[-1]


def test_validation_data_of_their_own_stay(kind, table, make_net):
    X, y = table
    net = make_net(kind, train_split=predefined_split(Dataset(X[:9], y[:9])))
    [fitted] = run(net, table).estimators
    assert "valid_loss" in fitted.history[-1]


@pytest.mark.parametrize("named", [False, True])
def test_callback_that_monitors_validation(named, kind, table, make_net):
    stopping = EarlyStopping("valid_loss")
    callbacks = [("stop", stopping)] if named else [stopping]
    net = make_net(kind, callbacks=callbacks, train_split=NeuralNetClassifier(None).train_split)
    with pytest.raises(ValueError, match=r"EarlyStopping monitors 'valid_loss'.*train_loss"):
        run(net, table)


# -- instances, interruptions -------------------------------------------------------------


def test_module_instance(table, make_net, small_mlp):
    net = make_net(module=small_mlp())
    assert len(run(net, table).estimators) == 1
    with pytest.warns(UserWarning, match="module was given as an instance"):
        recording = run(net, table, n_runs=2)
    first = [recording.trajectory.snapshots.state(model, 0) for model in range(2)]
    assert_array_equal(first[0]["layers.0.bias"], first[1]["layers.0.bias"])
    fitted = make_net(module=small_mlp()).fit(*table)
    with pytest.warns(UserWarning, match="pass the class"):
        run(fitted, table)


class Interrupts(Callback):
    def __init__(self, event, epoch=2):
        self.event = event
        self.epoch = epoch

    def _act(self, net, event):
        if event == self.event and len(net.history) == self.epoch:
            raise KeyboardInterrupt

    def on_batch_end(self, net, **kwargs):
        self._act(net, "batch")

    def on_epoch_begin(self, net, **kwargs):
        self._act(net, "begin")

    def on_epoch_end(self, net, **kwargs):
        self._act(net, "end")


@pytest.mark.parametrize("event", ["batch", "begin"])
def test_interruption_goes_on_to_the_caller(event, kind, table, make_net, generators_unchanged):
    with pytest.raises(KeyboardInterrupt):
        run(make_net(kind, callbacks=[Interrupts(event)]), table)


def test_interruption_before_the_first_batch(kind, table, make_net):
    with pytest.raises(KeyboardInterrupt):
        run(make_net(kind, callbacks=[Interrupts("begin", epoch=1)]), table)


def test_stop_after_an_epoch_is_early_stopping(kind, table, make_net):
    recording = run(make_net(kind, callbacks=[Interrupts("end")]), table)
    assert recording.trajectory.n_steps.tolist() == [2]


def test_no_epoch(kind, table, make_net):
    with pytest.raises(ValueError, match="max_epochs must be a whole number, at least 1; got 0"):
        run(make_net(kind, max_epochs=0), table)


# -- tasks --------------------------------------------------------------------------------


class SingleLogit(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 1)

    def forward(self, X):
        return self.linear(X)


def test_single_logit(table, make_net):
    X, y = table
    net = make_net(
        NeuralNetBinaryClassifier, module=SingleLogit, criterion=torch.nn.BCEWithLogitsLoss
    )
    names = np.array(["no", "yes"])
    y = (y > 0).astype(int)
    recording = record(net, X, y, classes=names, random_state=0, snapshots="all")
    path = recording.trajectory
    assert_allclose(path.loss, -np.log(path.proba), rtol=1e-4, atol=1e-5)
    assert_array_equal(path.y, y)
    assert path.prediction.max() == 1
    [fitted] = recording.estimators
    assert_allclose(class_proba(recording, X)[:, 1], fitted.predict_proba(X)[:, 1], rtol=1e-5)
    assert_allclose(replay(recording, X, y).margin, path.margin, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("regressor", [NeuralNetRegressor, TrackedNetRegressor])
def test_regression(regressor, table, make_net):
    X, _ = table
    y = 0.1 * X[:, 0].astype(np.float64)
    net = make_net(
        regressor, module=SingleLogit, criterion=torch.nn.MSELoss, iterator_train__shuffle=True
    )
    recording = record(net, X, y, classes=None, random_state=0, snapshots="all")
    path = recording.trajectory
    assert path.loss.shape == (1, 3, 61)
    error = (recording.estimators[0].predict(X).ravel() - y) ** 2
    assert_allclose(path.loss[0, -1], error, rtol=1e-4, atol=1e-6)
    assert_allclose(path.y, y, rtol=1e-6)
    assert_allclose(replay(recording, X, y).loss, path.loss, rtol=1e-4, atol=1e-6)


def test_folds_that_lack_a_class(kind, table, make_net):
    X, y = table
    lacking = np.flatnonzero(y < 2), np.flatnonzero(y == 2)
    recording = run(make_net(kind), table, cv=[lacking, lacking[::-1]])
    assert_array_equal(recording.trajectory.y, y)
    assert not np.isnan(recording.trajectory.loss).any()
    assert class_proba(recording, X).shape == (61, 3)
    # the model that never saw the third class hardly ever predicts it
    assert recording.trajectory.loss[0, -1, lacking[1]].mean() > 1.0


def test_during_of_a_tracked_net(table, make_net):
    recording = run(make_net(TrackedNetClassifier, when="during"), table)
    assert recording.trajectory.when == "during"
    with pytest.raises(ValueError, match="when='during'"):
        run(make_net(TrackedNetClassifier, when="during"), table, cv=2)


def test_kept_records(kind, table, make_net):
    path = run(make_net(kind), table, keep=("outputs",)).trajectory
    assert path.outputs.shape == (1, 3, 61, 3)
    joined = run(make_net(kind), table, keep=("outputs",), cv=2).trajectory
    assert not np.isnan(joined.outputs).any()


def test_rows_in_other_types(kind, table, make_net):
    X, y = table
    X = np.round(X)
    path = run(make_net(kind), (X, y)).trajectory
    for other in (X.astype(np.float64), X.astype(np.int64), X[::-1][::-1]):
        assert_array_equal(run(make_net(kind), (other, y)).trajectory.loss, path.loss)


def test_read_only_rows(kind, table, make_net):
    X, y = table
    X.flags.writeable = y.flags.writeable = False
    run(make_net(kind), (X, y))
