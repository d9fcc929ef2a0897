"""Records made of many batches at once are those of each batch apart."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from skorch import NeuralNetRegressor
from skorch.callbacks import Callback

from sklearn_difficulty import TrackedNet, TrackedNetClassifier, TrackedNetRegressor
from sklearn_difficulty.recording import _batch_recorder, _waiting_batches
from sklearn_difficulty.recording._waiting_batches import WaitingBatches, can_wait


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"module__dropout": 0.5, "module__batch_norm": True},
        {"criterion": torch.nn.NLLLoss, "module__softmax": True},
        {"criterion__weight": torch.tensor([1.0, 2.0, 0.5])},
        {"criterion__label_smoothing": 0.2},
        {"iterator_train__drop_last": True},
    ],
    ids=str,
)
def test_the_same_records(params, monkeypatch, table, make_net, seeded_fit):
    def path(waits):
        monkeypatch.setattr(_batch_recorder, "can_wait", lambda *args: waits)
        net = make_net(
            TrackedNetClassifier,
            when="during",
            keep=("outputs",),
            iterator_train__shuffle=True,
            **params,
        )
        return seeded_fit(net, *table)[0].trajectory_

    together, apart = path(True), path(False)
    for name in ("loss", "margin", "prediction", "outputs"):
        assert_array_equal(getattr(together, name), getattr(apart, name), err_msg=name)
    for name in ("proba", "entropy", "el2n"):  # of which torch rounds the last ones otherwise
        ours, theirs = getattr(together, name), getattr(apart, name)
        assert_allclose(ours, theirs, rtol=2e-6, atol=1e-7, err_msg=name)
    assert_array_equal(together.y, apart.y)


def test_as_many_as_make_it_worth(monkeypatch, table, make_net, seeded_fit):
    whole = seeded_fit(make_net(TrackedNetClassifier, when="during"), *table)[0].trajectory_
    monkeypatch.setattr(_waiting_batches, "_MOST_ROWS", 20)
    taken = []
    take = WaitingBatches.take

    def noted(self):
        waiting = take(self)
        taken.append(0 if waiting is None else len(waiting[0]))
        return waiting

    monkeypatch.setattr(WaitingBatches, "take", noted)
    net, _ = seeded_fit(make_net(TrackedNetClassifier, when="during", max_epochs=3), *table)
    assert taken == 3 * [24, 24, 13]
    assert_array_equal(net.trajectory_.loss, whole.loss)


def test_regression_of_several_targets(monkeypatch):
    rng = np.random.default_rng(0)
    X, y = (rng.normal(size=(30, k)).astype(np.float32) for k in (4, 2))
    paths = []
    for waits in (True, False):
        monkeypatch.setattr(_batch_recorder, "can_wait", lambda *args, waits=waits: waits)
        torch.manual_seed(0)
        net = TrackedNetRegressor(
            torch.nn.Linear,
            module__in_features=4,
            module__out_features=2,
            when="during",
            batch_size=7,
            max_epochs=2,
            train_split=None,
            verbose=0,
        )
        paths.append(net.fit(X, y).trajectory_)
    assert_array_equal(paths[0].loss, paths[1].loss)
    assert_array_equal(paths[0].y, y)


def test_memory_that_is_used_again():
    waiting = WaitingBatches()
    outputs, targets = torch.zeros(2, 3), torch.zeros(2)
    for k in range(3):
        waiting.add(np.arange(2) + 2 * k, outputs.fill_(k), targets.fill_(k))
    rows, y_pred, y = waiting.take()
    assert_array_equal(rows, np.arange(6))
    assert_array_equal(y_pred[:, 0], [0, 0, 1, 1, 2, 2])
    assert_array_equal(y, [0, 0, 1, 1, 2, 2])
    assert waiting.take() is None


@pytest.mark.parametrize("callbacks", [None, [Callback()]])
def test_targets_that_nobody_else_handles_are_not_copied(
    callbacks, monkeypatch, table, make_net, seeded_fit
):
    kept = []
    add = WaitingBatches.add

    def noted(self, rows, y_pred, targets, **options):
        are_many = add(self, rows, y_pred, targets, **options)
        _, outputs, waits = self._batches[-1]
        assert outputs.data_ptr() != y_pred.data_ptr()
        kept.append(waits is targets)
        return are_many

    monkeypatch.setattr(WaitingBatches, "add", noted)
    net = make_net(TrackedNetClassifier, when="during", callbacks=callbacks)
    path = seeded_fit(net, *table)[0].trajectory_
    assert set(kept) == {callbacks is None}
    monkeypatch.setattr(_batch_recorder, "can_wait", lambda *args: False)
    net = make_net(TrackedNetClassifier, when="during", callbacks=callbacks)
    assert_array_equal(seeded_fit(net, *table)[0].trajectory_.loss, path.loss)


def test_outputs_of_another_shape_are_recorded_apart(make_net):
    class AmongThemselves(torch.nn.Linear):
        def forward(self, X):
            return super().forward(X) @ X.T

    X = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    net = make_net(
        TrackedNetClassifier,
        when="during",
        module=AmongThemselves,
        module__in_features=4,
        module__out_features=4,
        criterion=torch.nn.CrossEntropyLoss,
    )
    path = net.fit(X, np.arange(20) % 4).trajectory_
    assert np.isfinite(path.loss).all()


def test_an_interrupted_epoch_does_not_wait_into_the_next(table, make_net):
    net = make_net(TrackedNetClassifier, when="during", max_epochs=1).fit(*table)
    waiting = net.tracker_.batch_recorder_._waiting
    waiting.add(np.arange(2), torch.full((2, 3), torch.nan), torch.zeros(2).long())
    net.partial_fit(*table)
    assert not np.isnan(net.trajectory_.loss).any()


def test_what_cannot_wait(make_net, table):
    X, y = (torch.as_tensor(part) for part in table)

    class OwnLoss(TrackedNetClassifier):
        def get_loss(self, y_pred, y_true, X=None, training=False):
            return super().get_loss(y_pred, y_true) + X.mean()

    class OwnCriterion(torch.nn.Module):
        def forward(self, y_pred, y_true):
            return torch.nn.functional.cross_entropy(y_pred, y_true)

    plain = make_net(TrackedNetClassifier).initialize()
    y_pred = plain.module_(X)
    assert can_wait(plain, y_pred, y)
    assert not can_wait(plain, (y_pred, y_pred), y)
    assert not can_wait(plain, y_pred, {"a": y})
    assert not can_wait(make_net(OwnLoss).initialize(), y_pred, y)
    assert not can_wait(make_net(criterion=OwnCriterion).initialize(), y_pred, y)
    for kind in (NeuralNetRegressor, TrackedNetRegressor, TrackedNet):
        net = kind(
            torch.nn.Linear,
            criterion=torch.nn.MSELoss,
            module__in_features=4,
            module__out_features=1,
        )
        assert can_wait(net.initialize(), y_pred, y)
