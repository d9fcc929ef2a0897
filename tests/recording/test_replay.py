"""Kept states give again what was recorded, and gradients by the input."""

from math import exp, log

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from skorch import NeuralNet, NeuralNetBinaryClassifier, NeuralNetClassifier

from sklearn_difficulty import DifficultyTracker
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.recording._input_gradients import input_gradients
from sklearn_difficulty.recording._loaded_states import load_state
from sklearn_difficulty.recording._replay import outputs_of, replay_records, replica
from sklearn_difficulty.recording._snapshots import module_state

# A linear model by hand: logits x0, x1 and -x0 - x1
WEIGHT = np.array([[1, 0], [0, 1], [-1, -1]], dtype=np.float32)
ROW = np.array([[0.5, 0.25]], dtype=np.float32)
LOGITS = np.array([0.5, 0.25, -0.75])
P = np.exp(LOGITS) / np.exp(LOGITS).sum()


def linear_net(make_net, **params):
    net = make_net(
        module=torch.nn.Linear,
        module__in_features=2,
        module__out_features=3,
        module__bias=False,
        **params,
    ).initialize()
    load_state(net, {"weight": WEIGHT})
    return net


def gradients_of(net, X, target, output, states=None):
    states = [module_state(net.module_)] if states is None else states
    portions = input_gradients(net, lambda: states, X, np.asarray(target), output=output)
    return [np.concatenate(of_state) for of_state in zip(*map(list, portions), strict=True)]


# -- gradients by the input ---------------------------------------------------------------


def test_gradient_of_a_linear_model(make_net):
    net = linear_net(make_net)
    assert_allclose(P[0], 0.4841898505, rtol=1e-9)
    [logit] = gradients_of(net, ROW, [0], "logit")
    assert_array_equal(logit, [[1, 0]])
    [proba] = gradients_of(net, ROW, [0], "proba")
    assert_allclose(proba, [[0.3169181697, -0.1154137781]], rtol=1e-6)


@pytest.mark.parametrize("target", [0, 1, 2])
def test_gradient_is_a_difference_quotient(target, make_net):
    def proba(x):
        logits = WEIGHT.astype(np.float64) @ x
        return (np.exp(logits) / np.exp(logits).sum())[target]

    step, row = 1e-6, ROW[0].astype(np.float64)
    quotient = [(proba(row + e) - proba(row - e)) / (2 * step) for e in step * np.eye(2)]
    [gradient] = gradients_of(linear_net(make_net), ROW, [target], "proba")
    assert_allclose(gradient[0], quotient, rtol=1e-5)


def test_gradients_of_several_rows_targets_and_states(make_net):
    net = linear_net(make_net, batch_size=2)
    X = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    states = [{"weight": WEIGHT}, {"weight": 3 * WEIGHT}]
    first, second = gradients_of(net, X, [0, 1, 2, 2, 1], "logit", states)
    assert_array_equal(first, WEIGHT[[0, 1, 2, 2, 1]])
    assert_array_equal(second, 3 * WEIGHT[[0, 1, 2, 2, 1]])
    assert_array_equal(net.module_.weight.detach(), WEIGHT)
    assert net.module_.weight.grad is None


class Doubles(torch.nn.Module):
    """Writes into the memory of its input, which a batch of a loader is there for."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(3, 2))

    def forward(self, X):
        X.data.mul_(2)
        return (X**2) @ self.weight.T


@pytest.mark.parametrize("num_workers", [0, 1])
def test_every_state_meets_the_rows_as_they_are(num_workers, make_net):
    # in memory, or by a loader with a worker
    net = make_net(module=Doubles, batch_size=2, iterator_valid__num_workers=num_workers)
    X = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    before, y, states = X.copy(), [0, 1, 2, 2, 1], [{"weight": WEIGHT}] * 3
    expected = 2 * (2 * before) * WEIGHT[y]
    assert_allclose(gradients_of(net.initialize(), X, y, "logit", states), [expected] * 3)
    assert_array_equal(X, before)


class Softmax(torch.nn.Module):
    def __init__(self, log=False):
        super().__init__()
        self.linear = torch.nn.Linear(2, 3, bias=False)
        self.log = log

    def forward(self, X):
        logits = self.linear(X)
        return logits.log_softmax(1) if self.log else logits.softmax(1)


@pytest.mark.parametrize("log", [False, True])
def test_gradient_where_the_module_gives_probabilities(log, make_net):
    kind = {"kind": NeuralNet} if log else {}
    net = make_net(module=Softmax, module__log=log, criterion=torch.nn.NLLLoss, **kind)
    load_state(net.initialize(), {"linear.weight": WEIGHT})
    [proba] = gradients_of(net, ROW, [0], "proba")
    assert_allclose(proba, [[0.3169181697, -0.1154137781]], rtol=1e-5)
    # the centred log-probability is the logit minus the mean logit, here zero for all x
    [logit] = gradients_of(net, ROW, [0], "logit")
    assert_allclose(logit, [[1, 0]], atol=1e-6)


@pytest.mark.parametrize("criterion", [torch.nn.BCEWithLogitsLoss, torch.nn.BCELoss])
def test_gradient_of_a_single_logit(criterion, make_net):
    class Single(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(2, 1, bias=False)

        def forward(self, X):
            logit = self.linear(X)
            return logit.sigmoid() if criterion is torch.nn.BCELoss else logit

    net = make_net(NeuralNetBinaryClassifier, module=Single, criterion=criterion).initialize()
    load_state(net, {"linear.weight": np.array([[2.0, 4.0]], dtype=np.float32)})
    [logit] = gradients_of(net, np.repeat(ROW, 2, axis=0), [1, 0], "logit")
    assert_allclose(logit, [[1, 2], [-1, -2]], rtol=1e-4)
    p = 1 / (1 + exp(-2))
    [proba] = gradients_of(net, np.repeat(ROW, 2, axis=0), [1, 0], "proba")
    assert_allclose(proba, p * (1 - p) * np.array([[2, 4], [-2, -4]]), rtol=1e-4)


@pytest.mark.parametrize("params", [{}, {"criterion__weight": torch.tensor([9.0, 1.0, 3.0])}])
def test_gradient_of_a_loss_by_hand(params, make_net):
    net = linear_net(make_net, **params)
    # W^T (p - onehot) with p = (.4841898505, .3770874347, .1387227148)
    y = np.array([0, 1, 2])
    [gradients] = gradients_of(net, np.repeat(ROW, 3, axis=0), y, "loss")
    expected = [
        [-0.6545328643, 0.2383647199],
        [0.3454671357, -0.7616352801],
        [1.3454671357, 1.2383647199],
    ]
    assert_allclose(gradients, expected, rtol=1e-5)


def test_gradient_of_a_loss_of_a_regression(square_net, squares):
    X, y, _ = squares
    states = [{"factor": np.array(1, np.float32)}, {"factor": np.array(-3, np.float32)}]
    net = square_net().initialize()
    first, second = gradients_of(net, X, y, "loss", states)
    # of (f x)^2
    assert_allclose(first, 2 * X)
    assert_allclose(second, 18 * X)
    assert net.module_.factor.grad is None


class RootMeanSquare(torch.nn.Module):
    """One number for a batch, in which the reduction of the inner loss has to stay on."""

    def __init__(self):
        super().__init__()
        self.inner = torch.nn.MSELoss()

    def forward(self, outputs, y):
        return self.inner(outputs, y).sqrt().mean()


def test_gradient_of_losses_that_are_computed_one_by_one(square_net, make_net):
    X = np.array([[3.0, 4], [-6, 8], [5, 0]], dtype=np.float32)
    [gradients] = gradients_of(
        square_net(criterion=RootMeanSquare).initialize(), X, np.zeros_like(X), "loss"
    )
    # x / |x| over the root of the two values
    expected = [[0.6, 0.8], [-0.6, 0.8], [1, 0]] / np.sqrt(2)
    assert_allclose(gradients, expected, rtol=1e-5)


def test_gradient_of_a_loss_that_reads_the_input(make_net):
    class AddsSquare(NeuralNetClassifier):
        def get_loss(self, y_pred, y_true, X=None, training=False):
            return super().get_loss(y_pred, y_true, X, training) + X.square().sum(1)

    net = linear_net(make_net, kind=AddsSquare)
    [gradient] = gradients_of(net, ROW, np.array([0]), "loss")
    assert_allclose(gradient, [[-0.6545328643 + 1, 0.2383647199 + 0.5]], rtol=1e-5)


def test_gradient_by_a_series(make_net):
    class Last(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.recurrent = torch.nn.LSTM(2, 3, batch_first=True)

        def forward(self, X):
            return self.recurrent(X)[0][:, -1]

    net = make_net(module=Last).initialize()
    X = np.random.default_rng(0).normal(size=(5, 4, 2)).astype(np.float32)
    y = np.arange(5) % 3
    [gradients] = gradients_of(net, X, y, "loss")
    for row in range(5):
        x = torch.as_tensor(X[[row]]).requires_grad_()
        torch.nn.functional.cross_entropy(net.module_(x), torch.as_tensor(y[[row]])).backward()
        assert_allclose(gradients[row], x.grad[0], rtol=1e-4, atol=1e-7)


def test_gradients_of_images_are_images(make_net):
    parts = torch.nn.Conv2d(3, 2, 2), torch.nn.Flatten(), torch.nn.Linear(24, 3)
    net = make_net(module=torch.nn.Sequential(*parts)).initialize()
    X = np.zeros((6, 3, 4, 5), dtype=np.float32)
    [gradients] = gradients_of(net, X, np.zeros(6, dtype=int), "logit")
    assert gradients.shape == X.shape
    assert gradients.dtype == np.float32


def test_rows_of_a_batch_do_not_see_each_other(make_net, table):
    net = make_net(module__batch_norm=True, module__dropout=0.5).fit(*table)
    X, y = table
    [together] = gradients_of(net, X, y, "proba")
    [alone] = gradients_of(net, X[:1], y[:1], "proba")
    assert_allclose(together[:1], alone, rtol=1e-5, atol=1e-7)
    assert net.module_.training


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ({"X": ROW}, "inputs of type dict"),
        ([ROW, ROW], "inputs of type list"),
        (np.zeros((1, 2), dtype=np.int64), "inputs of type torch.int64"),
    ],
)
def test_inputs_without_gradients(X, message, make_net):
    with pytest.raises(RecordNotFoundError, match=message):
        gradients_of(linear_net(make_net), X, [0], "logit")
    with pytest.raises(RecordNotFoundError, match="The score 'grand'"):
        gradients_of(linear_net(make_net), X, [0], "loss")


def test_outputs_that_are_no_classes(make_net):
    net = linear_net(make_net, kind=NeuralNet, criterion=torch.nn.MSELoss)
    with pytest.raises(RecordNotFoundError, match="not a classifier"):
        gradients_of(net, ROW, [0], "logit")


# -- records ------------------------------------------------------------------------------


def test_records_by_hand(make_net):
    net = linear_net(make_net)
    [records] = replay_records(net, [{"weight": WEIGHT}], ROW, np.array([2]))
    assert_allclose(records["loss"], [-log(P[2])], rtol=1e-6)
    assert_allclose(records["margin"], [-1.25], rtol=1e-6)
    assert_allclose(records["proba"], [P[2]], rtol=1e-6)
    assert records["prediction"].tolist() == [0]


PATHS = {
    "cross-entropy": {},
    "batch norm": {"module__batch_norm": True, "module__dropout": 0.3},
    "probabilities": {"criterion": torch.nn.NLLLoss, "module__softmax": True},
    "class weights": {"criterion__weight": torch.tensor([1.0, 5.0, 2.0])},
    "label smoothing": {"criterion__label_smoothing": 0.2},
}


@pytest.mark.parametrize("params", PATHS.values(), ids=PATHS)
def test_states_give_the_records_of_training(params, table, make_net, assert_same_fit):
    tracker = DifficultyTracker(snapshots="all")
    net = make_net(callbacks=[tracker], iterator_train__shuffle=True, **params).fit(*table)
    path = tracker.trajectory_
    before = module_state(net.module_)
    states = [path.snapshots.state(0, step) for step in range(3)]
    replayed = list(replay_records(net, states, *table))
    assert len(replayed) == 3
    for step, records in enumerate(replayed):
        assert_array_equal(records["prediction"], path.prediction[0, step])
        for name in ("loss", "margin", "proba", "entropy", "el2n"):
            assert_allclose(records[name], getattr(path, name)[0, step], rtol=1e-5, atol=1e-6)
    after = module_state(net.module_)
    for name in before:
        assert_array_equal(after[name], before[name])
    assert net.module_.training


class AddsMean(torch.nn.Module):
    """Cross-entropy and a mean over the batch, which is one of each row."""

    def __init__(self):
        super().__init__()
        self.inner = torch.nn.CrossEntropyLoss()

    def forward(self, outputs, y):
        return self.inner(outputs, y) + outputs.square().mean()


def test_losses_that_are_computed_one_by_one(table, make_net):
    tracker = DifficultyTracker(snapshots="all")
    net = make_net(criterion=AddsMean, callbacks=[tracker], max_epochs=1).fit(*table)
    path = tracker.trajectory_
    [records] = replay_records(net, [path.snapshots.state(0, 0)], *table)
    assert_allclose(records["loss"], path.loss[0, 0], rtol=1e-5)
    outputs = net.forward(table[0])
    expected = torch.nn.functional.cross_entropy(
        outputs, torch.as_tensor(table[1]), reduction="none"
    ) + outputs.square().mean(1)
    assert_allclose(records["loss"], expected, rtol=1e-5)


def test_read_only_states(make_net):
    state = {"weight": WEIGHT.copy()}
    state["weight"].flags.writeable = False
    net = linear_net(make_net)
    load_state(net, state)
    with torch.no_grad():
        net.module_.weight.add_(1)
    assert_array_equal(state["weight"], WEIGHT)


def test_outputs_are_in_order_whatever_the_batches(make_net, table):
    net = make_net(batch_size=7).fit(*table)
    assert_allclose(outputs_of(net, table[0]), net.forward(table[0]), rtol=1e-5, atol=1e-6)


def test_replica_shares_nothing_that_is_loaded(make_net):
    net = linear_net(make_net)
    twin = replica(net)
    load_state(twin, {"weight": 0 * WEIGHT})
    assert_array_equal(net.module_.weight.detach(), WEIGHT)
    assert not twin.module_.training
    assert not any(parameter.requires_grad for parameter in twin.module_.parameters())
    assert all(parameter.requires_grad for parameter in net.module_.parameters())
    assert twin.get_params()["lr"] == net.get_params()["lr"]


def test_generators_are_left_alone(make_net, table, generators_unchanged):
    state = torch.get_rng_state()
    net = make_net(module__dropout=0.5, max_epochs=1).fit(*table)
    torch.set_rng_state(state)
    outputs_of(net, table[0])
    list(replay_records(net, [module_state(net.module_)], *table))
    gradients_of(net, *table, "logit")
