"""Epochs without what nobody listens to train as skorch's own do, bit by bit."""

import copy
import functools

import numpy as np
import pytest
import torch
from skorch import NeuralNetBinaryClassifier, NeuralNetClassifier
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Freezer,
    GradientNormClipping,
    LRScheduler,
    TrainEndCheckpoint,
)
from skorch.helper import predefined_split
from skorch.history import History

from sklearn_difficulty import DifficultyScorer, TrackedNet, TrackedNetClassifier
from sklearn_difficulty.recording import _lean_epochs
from sklearn_difficulty.recording._lean_epochs import LeanEpochs, is_lean


class EvaluatesEachBatch(Callback):
    """Leaves the module in evaluation mode, and reads what the history has so far."""

    def on_batch_begin(self, net, batch=None, training=None, **kwargs):
        assert net.history[-1, "batches", -1] == {}

    def on_batch_end(self, net, batch=None, training=None, loss=None, y_pred=None, **kwargs):
        name = "train_loss" if training else "valid_loss"
        assert net.history[-1, "batches", -1, name] == loss.item()
        net.evaluation_step(batch)
        net.history.record_batch("largest", y_pred.max().item())


class NoisyGradients(Callback):
    def on_grad_computed(self, net, named_parameters, batch=None, training=None, **kwargs):
        for _ in range(2):  # they may be gone through more than once
            for _, parameter in named_parameters:
                parameter.grad += 0.01 * torch.randn_like(parameter)


class KeepsNorm(torch.nn.Module):
    """Its batch normalisation never learns the mean of the data."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(4, 6), torch.nn.BatchNorm1d(6), torch.nn.Dropout(0.2)
        )
        self.last = torch.nn.Linear(6, 3)

    def train(self, mode=True):
        super().train(mode)
        self.layers[1].eval()
        return self

    def forward(self, X):
        return self.last(self.layers(X))


class SwitchesItself(torch.nn.Module):
    """Goes through a part of it in evaluation mode, and leaves it so."""

    def __init__(self):
        super().__init__()
        self.dropout = torch.nn.Dropout(0.5)
        self.last = torch.nn.Linear(4, 3)

    def forward(self, X, scale=1.0):
        X = self.dropout(X) * scale
        self.dropout.eval()
        return self.last(X)


class MarginLoss(torch.nn.Module):
    """A criterion with a parameter of its own and a mode."""

    def __init__(self):
        super().__init__()
        self.margin = torch.nn.Parameter(torch.ones(()))

    def forward(self, y_pred, y_true):
        factor = self.margin if self.training else 1.0
        return torch.nn.functional.cross_entropy(y_pred * factor, y_true)


class TrainsWithoutDefault(KeepsNorm):
    """skorch always says which mode it wants."""

    def train(self, mode):
        return super().train(mode)


class ChangesItsMind(torch.nn.Module):
    """Drops out in the first batches only."""

    def __init__(self):
        super().__init__()
        self.dropout, self.last = torch.nn.Dropout(0.5), torch.nn.Linear(4, 3)
        self.n_batches = 0

    def train(self, mode=True):
        super().train(mode)
        if self.n_batches > 3:
            self.dropout.eval()
        return self

    def forward(self, X):
        self.n_batches += self.training
        return self.last(self.dropout(X))


class KeepsGradients(torch.optim.SGD):
    """Its gradients are zeros and not forgotten, which a momentum tells from each other."""

    def zero_grad(self, set_to_none=True):
        super().zero_grad(set_to_none=False)


class TakesItsTime(torch.optim.Adam):
    """Forgets its gradients with every second batch only."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.n_calls, own = 0, self.zero_grad

        def zero_grad():
            self.n_calls += 1
            if self.n_calls % 2:
                own()

        self.zero_grad = zero_grad


class AnotherOptimizer(Callback):
    """Starts the optimizer anew in the middle of an epoch."""

    def on_batch_end(self, net, training=None, **kwargs):
        if training and len(net.history[-1, "batches"]) == 3:
            net.initialize_optimizer()


FAMILY = (NeuralNetClassifier, TrackedNetClassifier)
CASES = {
    "plain": {},
    "no callbacks": {"callbacks": "disable"},
    "several closures": {"optimizer": torch.optim.LBFGS, "lr": 0.1},
    "own gradients": {"optimizer": KeepsGradients, "optimizer__momentum": 0.9},
    "own gradients of one optimizer": {"optimizer": TakesItsTime, "lr": 0.01},
    "optimizer that is replaced": {
        "callbacks": [AnotherOptimizer()],
        "optimizer": torch.optim.SGD,
        "optimizer__momentum": 0.9,
    },
    "dropout and batch norm": {"module__dropout": 0.3, "module__batch_norm": True},
    "probabilities": {"criterion": torch.nn.NLLLoss, "module__softmax": True},
    "a mode of its own": {"module": KeepsNorm},
    "a mode that changes": {"module": SwitchesItself},
    "a mode without default": {"module": TrainsWithoutDefault},
    "a mode that depends on batches": {"module": ChangesItsMind},
    "weighted criterion": {"criterion__weight": torch.tensor([1.0, 2.0, 0.5])},
    "criterion that learns": {"criterion": MarginLoss},
    "evaluates each batch": {"callbacks": [EvaluatesEachBatch()], "module__dropout": 0.5},
    "changes gradients": {"callbacks": [NoisyGradients()]},
    "clips gradients": {"callbacks": [GradientNormClipping(0.1)]},
    "scores each batch": {"callbacks": [BatchScoring("accuracy", name="acc", on_train=True)]},
    "rate of each batch": {
        "callbacks": [LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=3, step_every="batch")]
    },
    "frozen layers": {"callbacks": [Freezer("layers.0*")]},
    "workers": {"iterator_train__num_workers": 1, "max_epochs": 2},
}


@pytest.mark.parametrize("params", CASES.values(), ids=CASES)
def test_weights_and_history_are_those_of_skorch(
    params, table, make_net, seeded_fit, assert_same_fit
):
    params = {"iterator_train__shuffle": True} | params
    plain, next_plain = seeded_fit(make_net(**copy.deepcopy(params)), *table)
    lean, next_lean = seeded_fit(make_net(TrackedNetClassifier, **copy.deepcopy(params)), *table)
    assert is_lean(lean, lean.train_step)
    assert_same_fit(plain, lean)
    assert next_plain == next_lean
    assert plain.module_.training == lean.module_.training


@pytest.mark.parametrize("params", CASES.values(), ids=CASES)
def test_a_net_of_skorch_itself(params, table, make_net, seeded_fit, assert_same_fit):
    def fit(is_lean):
        torch.manual_seed(0)
        net = make_net(**copy.deepcopy(params)).initialize()
        if is_lean:
            net.run_single_epoch = LeanEpochs(net)
        net.partial_fit(*table)
        return net, float(torch.rand(()))

    (plain, next_plain), (lean, next_lean) = fit(False), fit(True)
    assert is_lean(lean, lean.train_step)
    assert_same_fit(plain, lean)
    assert next_plain == next_lean


def test_single_logits(table, make_net, seeded_fit, assert_same_fit):
    X, y = table
    params = {
        "module": torch.nn.Linear,
        "module__in_features": 4,
        "module__out_features": 1,
        "criterion": torch.nn.BCEWithLogitsLoss,
    }
    fits = []
    for keeps_own in (True, False):
        torch.manual_seed(0)
        net = make_net(NeuralNetBinaryClassifier, **params).initialize()
        if not keeps_own:
            net.run_single_epoch = LeanEpochs(net)
        fits.append(net.partial_fit(X, (y == 1).astype(np.float32)))
    assert_same_fit(*fits)


def test_arguments_of_the_module(table, make_net, assert_same_fit):
    fits = []
    for kind in (NeuralNetClassifier, TrackedNetClassifier):
        torch.manual_seed(0)
        fits.append(make_net(kind, module=SwitchesItself).fit(*table, scale=0.5))
    assert_same_fit(*fits)


def test_inputs_by_name(table, make_net, assert_same_fit):
    X, y = table
    fits = []
    for kind in (NeuralNetClassifier, TrackedNetClassifier):
        torch.manual_seed(0)
        fits.append(make_net(kind).fit({"X": X}, y))
    assert_same_fit(*fits)


def test_validation_follows_each_epoch(table, make_net, assert_same_fit):
    X, y = table
    held_out = predefined_split(torch.utils.data.TensorDataset(*map(torch.as_tensor, (X, y))))
    fits = []
    for kind in (NeuralNetClassifier, TrackedNetClassifier):
        torch.manual_seed(0)
        fits.append(make_net(kind, train_split=held_out, module__dropout=0.5).fit(X, y))
    assert_same_fit(*fits)


class OwnTrainStep(NeuralNetClassifier):
    n_own_steps_ = 0

    def train_step(self, batch, **fit_params):
        self.n_own_steps_ += 1
        return super().train_step(batch, **fit_params)


def test_the_scorer_trains_as_skorch_does_and_leaves_no_trace(table, make_net, assert_same_fit):
    params = {"iterator_train__shuffle": True, "module__dropout": 0.5}
    [lean], [own] = (
        DifficultyScorer(make_net(kind, **params), random_state=0).fit(*table).estimators_
        for kind in (NeuralNetClassifier, OwnTrainStep)
    )
    assert "run_single_epoch" not in vars(lean)
    assert_same_fit(lean, own)
    assert own.n_own_steps_ == 3 * 8


class OwnZeroGrad:
    def _zero_grad_optimizer(self, set_to_none=None):
        if len(self.history[-1, "batches"]) % 2:  # gradients of two batches
            super()._zero_grad_optimizer(set_to_none)

    def _step_optimizer(self, step_fn):
        if len(self.history[-1, "batches"]) % 2:
            step_fn()
        else:
            super()._step_optimizer(step_fn)


def test_optimizers_that_a_net_calls_itself(table, make_net, seeded_fit, assert_same_fit):
    kinds = [type("Own", (OwnZeroGrad, kind), {}) for kind in FAMILY]
    plain, lean = (seeded_fit(make_net(kind), *table)[0] for kind in kinds)
    assert is_lean(lean, lean.train_step)
    assert_same_fit(plain, lean)


class OwnNotify(TrackedNetClassifier):
    events = 0

    def notify(self, method_name, **kwargs):
        type(self).events += 1
        super().notify(method_name, **kwargs)


class OwnBatchEnd(TrackedNetClassifier):
    events = 0

    def on_batch_end(self, net, **kwargs):
        type(self).events += 1
        super().on_batch_end(net, **kwargs)


class OwnStep(TrackedNetClassifier):
    events = 0

    def train_step_single(self, batch, **fit_params):
        type(self).events += 1
        return super().train_step_single(batch, **fit_params)


class OwnEpoch(TrackedNetClassifier):
    events = 0

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        type(self).events += 1
        super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)


class Wrapped(TrackedNetClassifier):
    events = 0

    @functools.wraps(NeuralNetClassifier.train_step_single)
    def train_step_single(self, batch, **fit_params):
        type(self).events += 1
        return super().train_step_single(batch, **fit_params)


@pytest.mark.parametrize("kind", [OwnNotify, OwnBatchEnd, OwnStep, OwnEpoch, Wrapped])
def test_methods_of_ones_own_are_called(kind, table, make_net, seeded_fit, assert_same_fit):
    kind.events = 0
    own, next_own = seeded_fit(make_net(kind), *table)
    plain, next_plain = seeded_fit(make_net(), *table)
    assert not is_lean(own, own.train_step)
    assert kind.events >= 3
    assert_same_fit(own, plain)
    assert next_own == next_plain
    assert own.trajectory_.loss.shape == (1, 3, 61)


@pytest.mark.parametrize(
    "method", ["notify", "on_batch_end", "on_epoch_end", "train_step_single", "run_single_epoch"]
)
def test_methods_of_a_net_that_tracking_is_added_to(
    method, table, make_net, seeded_fit, assert_same_fit
):
    calls = []

    class Own(NeuralNetClassifier):
        pass

    def noted(self, *args, **kwargs):
        calls.append(method)
        return getattr(super(Own, self), method)(*args, **kwargs)

    setattr(Own, method, noted)
    both = type("Both", (TrackedNetClassifier, Own), {})
    plain, next_plain = seeded_fit(make_net(Own), *table)
    n_calls = len(calls)
    tracked, next_tracked = seeded_fit(make_net(both), *table)
    assert n_calls >= 3
    assert len(calls) == 2 * n_calls
    assert_same_fit(plain, tracked)
    assert next_plain == next_tracked
    assert tracked.trajectory_.loss.shape == (1, 3, 61)


def test_no_batches_are_skipped(table, make_net):
    net = make_net(TrackedNetClassifier).fit(*table)
    net.run_single_epoch(None, training=True, prefix="train", step_fn=net.train_step)
    net.run_single_epoch = LeanEpochs(net)
    net.run_single_epoch(None, training=True, prefix="train", step_fn=net.train_step)


def test_an_own_method_of_one_net_counts_too(table, make_net):
    net = make_net(TrackedNetClassifier).fit(*table)
    net.train_step_single = net.train_step_single
    assert not is_lean(net, net.train_step)


def test_an_own_loss_is_called(table, make_net, assert_same_fit):
    class Penalised:
        def get_loss(self, y_pred, y_true, X=None, training=False):
            loss = super().get_loss(y_pred, y_true, X=X, training=training)
            return loss + (0.1 * self.module_.layers[0].weight.abs().sum() if training else 0.0)

    class Plain(Penalised, NeuralNetClassifier):
        pass

    class Tracked(Penalised, TrackedNetClassifier):
        pass

    fits = []
    for kind in (Plain, Tracked):
        torch.manual_seed(0)
        fits.append(make_net(kind).fit(*table))
    assert is_lean(fits[1], fits[1].train_step)
    assert_same_fit(*fits)


def test_another_history_is_written_as_it_wants(table, make_net):
    class Noting(History):
        pass

    net = make_net(TrackedNetClassifier).initialize()
    net.history_ = Noting()
    assert not is_lean(net, net.train_step)


def test_an_epoch_that_fails_leaves_what_it_completed(table, make_net):
    class Fails(Callback):
        def __init__(self, after):
            self.after = after

        def on_batch_end(self, net, **kwargs):
            if len(net.history[-1, "batches"]) == self.after:
                raise KeyboardInterrupt

    nets = [
        make_net(kind, callbacks=[Fails(after=5)])
        for kind in (NeuralNetClassifier, TrackedNetClassifier)
    ]
    for net in nets:
        torch.manual_seed(0)
        net.fit(*table)
    plain, lean = (net.history for net in nets)
    assert lean[-1, "batches"] == plain[-1, "batches"]
    assert len(lean[-1, "batches"]) == 5
    assert "train_batch_count" not in lean[-1]


@pytest.mark.parametrize("interrupted", [False, True])
def test_losses_fetched_at_the_end_of_an_epoch(
    interrupted, monkeypatch, table, make_net, seeded_fit, assert_same_fit
):
    class Stops(torch.optim.SGD):
        n_steps = 0

        def step(self, closure=None):
            Stops.n_steps += 1
            if interrupted and Stops.n_steps == 6:
                raise KeyboardInterrupt
            return super().step(closure)

    plain, _ = seeded_fit(make_net(optimizer=Stops), *table)
    monkeypatch.setattr(_lean_epochs, "_nobody_reads_losses", lambda net, callbacks: True)
    Stops.n_steps = 0
    late, _ = seeded_fit(make_net(TrackedNetClassifier, optimizer=Stops), *table)
    assert_same_fit(plain, late)
    losses = late.history[-1, "batches", :, "train_loss"]
    assert all(type(loss) is float for loss in losses)


def test_who_reads_losses():
    def reads(callback=None, kind=TrackedNet, device="cuda"):
        net = kind(torch.nn.Linear, torch.nn.MSELoss, device=device)
        return not _lean_epochs._nobody_reads_losses(net, [] if callback is None else [callback])

    class OwnLoss(TrackedNet):
        def get_loss(self, *args, **kwargs):
            return super().get_loss(*args, **kwargs)

    assert not reads()
    assert not reads(TrainEndCheckpoint())
    assert reads(EvaluatesEachBatch())
    assert reads(kind=OwnLoss)
    assert reads(device="cpu")  # where fetching costs nothing
    assert reads(device=None)


@pytest.mark.parametrize("sink", [None, list.append], ids=["printed", "kept"])
def test_what_is_printed(sink, table, make_net, capsys):
    printed = []
    for kind in FAMILY:
        kept = []
        log = {} if sink is None else {"callbacks__print_log__sink": functools.partial(sink, kept)}
        torch.manual_seed(0)
        net = make_net(kind, callbacks__epoch_timer=None, **log).fit(*table)
        for verbose in (1, 0):
            net.set_params(verbose=verbose)
            net.partial_fit(*table)
        printed.append((capsys.readouterr().out, kept))
    assert printed[0] == printed[1]
    assert any(map(len, printed[0]))
