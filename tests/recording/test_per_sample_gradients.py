"""Norms of per-sample gradients against the plain loop, and against numbers known by hand."""

import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from skorch import NeuralNet, NeuralNetBinaryClassifier, NeuralNetClassifier, NeuralNetRegressor
from torch.nn import functional

from sklearn_difficulty import TrackedNetClassifier
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.recording import _per_sample_gradients as module
from sklearn_difficulty.recording._loaded_states import load_state
from sklearn_difficulty.recording._per_sample_gradients import gradient_norms
from sklearn_difficulty.recording._replay import replay_records
from sklearn_difficulty.recording._snapshots import net_state

# Logits x0, x1 and -x0 - x1, as in the golden values of gradients by the input.
WEIGHT = np.array([[1, 0], [0, 1], [-1, -1]], dtype=np.float32)
ROW = np.array([[0.5, 0.25]], dtype=np.float32)


def norms_of(net, X, y, states=None):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return list(gradient_norms(net, [net_state(net)] if states is None else states, X, y))


@pytest.fixture
def ways(monkeypatch):
    """Notes which way norms are computed with: mapped or one by one."""
    used = []

    def watch(name):
        way = getattr(module._RowNorms, name)

        def watched(self, batch):
            used.append((name, len(batch.held[0])))
            return way(self, batch)

        monkeypatch.setattr(module._RowNorms, name, watched)

    watch("_mapped")
    watch("_one_by_one")
    return used


def plain_loop(net, X, y, loss, parameters=None):
    """One backward pass of `loss(outputs, y)` for each row, in evaluation mode."""
    net_module = net.module_.eval()
    parameters = list(net_module.parameters()) if parameters is None else parameters
    norms = []
    for row in range(len(X)):
        value = loss(net_module(torch.as_tensor(X[[row]])), torch.as_tensor(y[[row]]))
        gradients = torch.autograd.grad(value, parameters, materialize_grads=True)
        norms.append(np.sqrt(sum(float(g.double().square().sum()) for g in gradients)))
    net_module.train()
    return np.array(norms)


# -- by hand ------------------------------------------------------------------------------


def test_linear_softmax_by_hand(make_net):
    net = make_net(
        module=torch.nn.Linear, module__in_features=2, module__out_features=3, module__bias=False
    ).initialize()
    load_state(net, {"weight": WEIGHT})
    # p = softmax(.5, .25, -.75) = (.4841898505, .3770874347, .1387227148); the gradient is the
    # outer product of p minus the one-hot label, of norm (.6538341038, .8010642090,
    # 1.0575600724), with x, of norm .5590169944.
    X, y = np.repeat(ROW, 3, axis=0), np.arange(3)
    [norms] = norms_of(net, X, y)
    assert_allclose(norms, [0.3655043755, 0.4478085064, 0.5911940531], rtol=1e-6)
    assert norms.dtype == np.float64
    # with an intercept the norm of (x, 1) takes the place of that of x: 1.1456439237
    net = make_net(
        module=torch.nn.Linear, module__in_features=2, module__out_features=3
    ).initialize()
    load_state(net, {"weight": WEIGHT, "bias": np.zeros(3, dtype=np.float32)})
    [norms] = norms_of(net, X, y)
    assert_allclose(norms, [0.7490610682, 0.9177343435, 1.2115872710], rtol=1e-6)


def test_square_by_hand(square_net, squares):
    X, y, _ = squares
    net = square_net().initialize()
    # the loss (f x)^2 has the derivative 2 f x^2 by the factor f
    states = [{"factor": np.array(1.0, dtype=np.float32)}, {"factor": np.array(-3, np.float32)}]
    first, second = norms_of(net, X, y, states)
    assert_allclose(first, 2 * X[:, 0] ** 2)
    assert_allclose(second, 6 * X[:, 0] ** 2)
    assert float(net.module_.factor.detach()) == 1


# -- against the plain loop ---------------------------------------------------------------


def cnn():
    return torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, 3),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(inplace=True),
        torch.nn.Dropout(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(16, 3),
    )


class Recurrent(torch.nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.embedding = torch.nn.Embedding(20, 5)
        self.recurrent = getattr(torch.nn, kind)(5, 6, batch_first=True)
        self.outputs = torch.nn.Linear(6, 3)

    def forward(self, X):
        return self.outputs(self.recurrent(self.embedding(X))[0][:, -1])


class Branches(torch.nn.Module):
    """Goes another way for some rows, which cannot be mapped."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Linear(4, 3) for _ in range(2))

    def forward(self, X):
        return torch.stack([self.layers[int(row[0] > 0)](row) for row in X])


class FlippedGradient(torch.autograd.Function):
    """A gradient that is one thing mapped over rows and another one for each of them."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return x.clone()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.is_mapped = torch._C._functorch.maybe_current_level() is not None

    @staticmethod
    def backward(ctx, gradient):
        return gradient * (3.0 if ctx.is_mapped else 1.0)


class DiffersWhereMapped(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 3)

    def forward(self, X):
        return FlippedGradient.apply(self.linear(X))


IMAGES = np.random.default_rng(0).normal(size=(21, 2, 6, 6)).astype(np.float32)
TOKENS = np.random.default_rng(0).integers(20, size=(21, 7))
TABLE = np.random.default_rng(0).normal(size=(21, 4)).astype(np.float32)
NUMBERS = np.arange(21) % 3
KINDS = {
    "cnn": (cnn, IMAGES, "_mapped"),
    "lstm": (lambda: Recurrent("LSTM"), TOKENS, "_mapped"),
    "gru": (lambda: Recurrent("GRU"), TOKENS, "_one_by_one"),
    "branches": (Branches, TABLE, "_one_by_one"),
    "other gradient": (DiffersWhereMapped, TABLE, "_one_by_one"),
}


@pytest.mark.parametrize(("make", "X", "way"), KINDS.values(), ids=KINDS)
def test_modules(make, X, way, make_net, ways):
    torch.manual_seed(0)
    net = make_net(module=make(), criterion=torch.nn.CrossEntropyLoss).fit(X, NUMBERS)
    before = net_state(net)
    [norms] = norms_of(net, X, NUMBERS)
    assert_allclose(norms, plain_loop(net, X, NUMBERS, functional.cross_entropy), rtol=1e-4)
    assert len(np.unique(norms.round(6))) == 21
    # all batches but the rows that are tried
    assert [rows for name, rows in ways if name == way][-3:] == [8, 8, 5]
    for name, value in net_state(net).items():
        assert_array_equal(value, before[name])
    assert net.module_.training
    assert all(parameter.requires_grad for parameter in net.module_.parameters())


def test_mlp_at_several_states(make_net, table, ways):
    net = make_net(module__batch_norm=True, module__dropout=0.5, batch_size=16).fit(*table)
    late = net_state(net)
    early = {name: value / 2 if "weight" in name else value for name, value in late.items()}
    both = norms_of(net, *table, [early, late])
    expected = plain_loop(net, *table, functional.cross_entropy)
    assert_allclose(both[1], expected, rtol=1e-4)
    assert not np.allclose(both[0], expected, rtol=0.1)
    assert ways[:2] == [("_mapped", 4), ("_one_by_one", 4)]
    assert {name for name, _ in ways[2:]} == {"_mapped"}


def test_chunks_make_no_difference(make_net, table, monkeypatch, ways):
    net = make_net(batch_size=-1).fit(*table)
    [whole] = norms_of(net, *table)
    assert ways[-1] == ("_mapped", 61)
    n_values = 4 * 8 + 8 + 8 * 3 + 3
    monkeypatch.setitem(module._VALUES_PER_CHUNK, "cpu", 5 * n_values)
    [chunked] = norms_of(net, *table)
    assert_allclose(chunked, whole, rtol=1e-5)
    # a row at a time is faster without mapping
    monkeypatch.setitem(module._VALUES_PER_CHUNK, "cpu", n_values)
    [alone] = norms_of(net, *table)
    assert_allclose(alone, whole, rtol=1e-5)
    assert ways[-1] == ("_one_by_one", 61)


def test_gradients_of_one_chunk_are_there_at_a_time(make_net, table, monkeypatch):
    net = make_net(batch_size=-1).fit(*table)
    calls, norm = [], module._norm
    monkeypatch.setitem(module._VALUES_PER_CHUNK, "cpu", 10 * 67)
    monkeypatch.setattr(module, "_norm", lambda *row: calls.append(0) or norm(*row))
    norms_of(net, *table)
    # four rows are tried both ways, and seven chunks of ten rows or fewer follow
    assert len(calls) == 1 + 4 + 7


# -- losses -------------------------------------------------------------------------------


class RootMeanSquare(torch.nn.Module):
    """One number for a batch, in which the reduction of the inner loss has to stay on."""

    def __init__(self):
        super().__init__()
        self.inner = torch.nn.MSELoss()

    def forward(self, outputs, y):
        return self.inner(outputs, y).sqrt().mean()


class AddsMean(torch.nn.Module):
    """Cross-entropy and a mean over the batch, which is one of each row."""

    def __init__(self):
        super().__init__()
        self.inner = torch.nn.CrossEntropyLoss()

    def forward(self, outputs, y):
        return self.inner(outputs, y) + outputs.square().mean()


CRITERIA = {
    "class weights": (
        NeuralNetClassifier,
        {"criterion__weight": torch.tensor([1.0, 9.0, 3.0])},
        functional.cross_entropy,
    ),
    "sum": (NeuralNetClassifier, {"criterion__reduction": "sum"}, functional.cross_entropy),
    "label smoothing": (
        NeuralNetClassifier,
        {"criterion__label_smoothing": 0.2},
        lambda outputs, y: functional.cross_entropy(outputs, y, label_smoothing=0.2),
    ),
    "ignored class": (
        NeuralNetClassifier,
        {"criterion__ignore_index": 1},
        lambda outputs, y: functional.cross_entropy(outputs, y) * int(y != 1),
    ),
    "probabilities": (
        NeuralNetClassifier,
        {"criterion": torch.nn.NLLLoss, "module__softmax": True},
        lambda outputs, y: functional.nll_loss(torch.log(outputs), y),
    ),
    "mean over the batch": (
        NeuralNetClassifier,
        {"criterion": AddsMean},
        lambda outputs, y: functional.cross_entropy(outputs, y) + outputs.square().mean(),
    ),
    "tracked": (TrackedNetClassifier, {"device": "cpu"}, functional.cross_entropy),
}


@pytest.mark.parametrize(("kind", "params", "loss"), CRITERIA.values(), ids=CRITERIA)
def test_losses_of_classes(kind, params, loss, make_net, table, ways):
    torch.manual_seed(0)
    net = make_net(kind, **params).fit(*table)
    [norms] = norms_of(net, *table)
    assert_allclose(norms, plain_loop(net, *table, loss), rtol=1e-4, atol=1e-7)
    assert {name for name, _ in ways[2:]} == {"_mapped"}


@pytest.mark.parametrize(
    ("criterion", "loss"),
    [
        (torch.nn.MSELoss, functional.mse_loss),
        (torch.nn.L1Loss, functional.l1_loss),
        (RootMeanSquare, lambda outputs, y: functional.mse_loss(outputs, y).sqrt()),
    ],
)
def test_losses_of_several_targets(criterion, loss, make_net):
    torch.manual_seed(0)
    targets = np.random.default_rng(1).normal(size=(21, 3)).astype(np.float32)
    net = make_net(NeuralNetRegressor, criterion=criterion).fit(TABLE, targets)
    [norms] = norms_of(net, TABLE, targets)
    assert_allclose(norms, plain_loop(net, TABLE, targets, loss), rtol=1e-4)


def test_sum_over_targets(make_net):
    targets = np.random.default_rng(1).normal(size=(21, 3)).astype(np.float32)
    net = make_net(NeuralNetRegressor, criterion=torch.nn.MSELoss).fit(TABLE, targets)
    [mean] = norms_of(net, TABLE, targets)
    net.set_params(criterion__reduction="sum")
    [norms] = norms_of(net, TABLE, targets)
    assert_allclose(norms, 3 * mean, rtol=1e-5)


@pytest.mark.parametrize("log", [False, True])
def test_binary_losses(log, make_net):
    class Single(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(4, 1)

        def forward(self, X):
            logit = self.linear(X).squeeze(1)
            return logit if log else logit.sigmoid()

    y = (np.arange(21) % 2).astype(np.float32)
    criterion = torch.nn.BCEWithLogitsLoss if log else torch.nn.BCELoss
    net = make_net(NeuralNetBinaryClassifier, module=Single, criterion=criterion).fit(TABLE, y)
    [norms] = norms_of(net, TABLE, y)
    logit = net.module_.linear(torch.as_tensor(TABLE)).squeeze(1).detach().sigmoid().numpy()
    # the derivative by the logit is the probability minus the label
    assert_allclose(norms, np.abs(logit - y) * np.sqrt(1 + (TABLE**2).sum(1)), rtol=1e-4)


def test_log_probabilities(make_net):
    layers = torch.nn.Linear(4, 3), torch.nn.LogSoftmax(dim=1)
    net = make_net(NeuralNet, module=torch.nn.Sequential(*layers), criterion=torch.nn.NLLLoss)
    net.fit(TABLE, NUMBERS)
    [norms] = norms_of(net, TABLE, NUMBERS)
    assert_allclose(norms, plain_loop(net, TABLE, NUMBERS, functional.nll_loss), rtol=1e-4)


# -- what counts as a parameter -----------------------------------------------------------


def test_frozen_parameters_do_not_count(make_net, table):
    net = make_net().initialize()
    net.module_.layers[0].requires_grad_(False)
    net.partial_fit(*table)
    [norms] = norms_of(net, *table)
    last = list(net.module_.layers[4].parameters())
    expected = plain_loop(net, *table, functional.cross_entropy, last)
    assert_allclose(norms, expected, rtol=1e-4)
    net.module_.requires_grad_(False)
    with pytest.raises(RecordNotFoundError, match="none of those of SmallMLP requires gradients"):
        norms_of(net, *table)


class Scaling(torch.nn.Module):
    """The square of the outputs, times a parameter of its own."""

    def __init__(self, trained=True):
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor(2.0), requires_grad=trained)

    def forward(self, outputs, y):
        return self.factor * (outputs - y).square().mean()


@pytest.mark.parametrize("trained", [True, False])
def test_parameters_of_a_criterion(trained, square_net, squares):
    X, y, _ = squares
    net = square_net(criterion=Scaling, criterion__trained=trained).initialize()
    [norms] = norms_of(net, X, y)
    # 2 (f x)^2 has the derivatives 4 x^2 by f = 1 and x^2 by the criterion's factor
    assert_allclose(norms, X[:, 0] ** 2 * (np.sqrt(17) if trained else 4))


def test_tied_parameters_count_once(make_net):
    class Tied(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = torch.nn.Linear(4, 4, bias=False)
            self.second = torch.nn.Linear(4, 4, bias=False)
            self.second.weight = self.first.weight

        def forward(self, X):
            return self.second(self.first(X).tanh())

    net = make_net(module=Tied).fit(TABLE, NUMBERS)
    [norms] = norms_of(net, TABLE, NUMBERS)
    assert_allclose(norms, plain_loop(net, TABLE, NUMBERS, functional.cross_entropy), rtol=1e-4)


# -- nets that do things their own way ----------------------------------------------------


class OwnWay(NeuralNetClassifier):
    """Feeds the doubled input, and adds its mean square times the outputs' to the loss."""

    def infer(self, x, **fit_params):
        return self.module_(2 * x)

    def get_loss(self, y_pred, y_true, X=None, training=False):
        return self.criterion_(y_pred, y_true) + (X.square().mean(1) * y_pred.square().mean(1))


def test_own_inference_and_loss(make_net):
    net = make_net(OwnWay, module=torch.nn.Linear, module__in_features=4, module__out_features=3)
    net.initialize()
    [norms] = norms_of(net, TABLE, NUMBERS)
    expected = []
    for x, t in zip(torch.as_tensor(TABLE), torch.as_tensor(NUMBERS), strict=True):
        outputs = net.module_(2 * x[None])
        value = functional.cross_entropy(outputs, t[None]) + x.square().mean() * (
            outputs.square().mean()
        )
        weight, bias = torch.autograd.grad(value, list(net.module_.parameters()))
        expected.append(float(torch.cat([weight.ravel(), bias]).norm()))
    assert_allclose(norms, expected, rtol=1e-4)


class TwoInputs(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 3)

    def forward(self, left, right):
        outputs = self.linear(torch.cat([left, right], dim=1))
        return outputs, left.mean()


def test_several_inputs_and_outputs(make_net):
    class First(NeuralNetClassifier):
        def get_loss(self, y_pred, y_true, *args, **kwargs):
            return super().get_loss(y_pred[0], y_true, *args, **kwargs)

    net = make_net(First, module=TwoInputs)
    X = {"left": TABLE[:, :1], "right": TABLE[:, 1:]}
    net.fit(X, NUMBERS)
    [norms] = norms_of(net, X, NUMBERS)
    plain = make_net(module=torch.nn.Linear, module__in_features=4, module__out_features=3)
    plain.initialize().module_.load_state_dict(net.module_.linear.state_dict())
    assert_allclose(norms, plain_loop(plain, TABLE, NUMBERS, functional.cross_entropy), rtol=1e-4)


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float64, 1e-12), (torch.float16, 2e-2), (torch.bfloat16, 1e-1)],
)
def test_precision(dtype, tolerance, make_net, ways):
    net = make_net(module=torch.nn.Linear, module__in_features=4, module__out_features=3)
    net.initialize().module_.to(dtype)
    X = torch.as_tensor(TABLE).to(dtype)
    [norms] = norms_of(net, X, torch.as_tensor(NUMBERS))
    residuals = net.module_(X).detach().double().softmax(1) - torch.eye(3)[NUMBERS]
    expected = residuals.norm(dim=1) * (1 + X.double().square().sum(1)).sqrt()
    assert_allclose(norms, expected, rtol=tolerance)
    assert norms.dtype == np.float64
    assert {name for name, _ in ways[2:]} == {"_mapped"}


def test_half_precision_does_not_overflow(make_net):
    net = make_net(module=torch.nn.Linear, module__in_features=4, module__out_features=3)
    net.initialize().module_.to(torch.float16)
    load_state(net, {"weight": np.zeros((3, 4), np.float16), "bias": np.zeros(3, np.float16)})
    X = torch.full((1, 4), 3000.0, dtype=torch.float16)
    [norms] = norms_of(net, X, torch.tensor([0]))
    # (1/3 - 1, 1/3, 1/3) has the norm sqrt(2/3), and the row 6000
    assert_allclose(norms, [4898.98], rtol=2e-3)


def test_compiled_modules(make_net, table):
    net = make_net().fit(*table)
    [expected] = norms_of(net, *table)
    state = net_state(net)
    net.module_ = torch.compile(net.module_, backend="eager")
    [norms] = norms_of(net, *table, [state])
    assert_allclose(norms, expected, rtol=1e-6)


def test_cudnn_is_left_out_of_recurrent_modules(make_net):
    seen = []

    class Watched(Recurrent):
        def forward(self, X):
            seen.append(torch.backends.cudnn.enabled)
            return super().forward(X)

    enabled = torch.backends.cudnn.enabled
    net = make_net(module=Watched, module__kind="GRU").initialize()
    norms_of(net, TOKENS, NUMBERS)
    assert set(seen) == {False}
    assert torch.backends.cudnn.enabled == enabled


def test_losses_are_those_that_are_recorded(make_net, table):
    """A single output times one, whose loss is a square: the norm is twice the loss over f."""
    net = make_net(NeuralNetRegressor, module=torch.nn.Linear, criterion=torch.nn.MSELoss)
    net.set_params(module__in_features=4, module__out_features=1, module__bias=False)
    net.initialize()
    y = np.zeros((21, 1), dtype=np.float32)
    [records] = replay_records(net, [net_state(net)], TABLE, y)
    [norms] = norms_of(net, TABLE, y)
    # 2 |r| |x| with r = sqrt(loss)
    expected = 2 * np.sqrt(records["loss"]) * np.linalg.norm(TABLE, axis=1)
    assert_allclose(norms, expected, rtol=1e-4)


def test_generators_are_left_alone(make_net, table, generators_unchanged):
    state = torch.get_rng_state()
    net = make_net(module__dropout=0.5, max_epochs=1).fit(*table)
    torch.set_rng_state(state)
    norms_of(net, *table)
