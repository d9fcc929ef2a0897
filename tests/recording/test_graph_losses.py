"""Losses with a graph are those that are recorded without one."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from skorch import NeuralNetRegressor

from sklearn_difficulty.recording._graph_losses import (
    differentiable,
    graph_losses,
    is_reduced_alone,
)
from sklearn_difficulty.recording._losses import row_losses
from sklearn_difficulty.recording._separable import needs_one_by_one


class RootMeanSquare(torch.nn.Module):
    """One number for a batch, in which the reduction of the inner loss has to stay on."""

    def __init__(self):
        super().__init__()
        self.inner = torch.nn.MSELoss()

    def forward(self, outputs, y):
        return self.inner(outputs, y).sqrt().mean()


class AddsMean(torch.nn.Module):
    """Squares and a mean over the batch, which is one of each row."""

    def __init__(self):
        super().__init__()
        self.inner = torch.nn.MSELoss()

    def forward(self, outputs, y):
        inner = self.inner(outputs, y)
        return inner + outputs.abs().mean()


CRITERIA = {
    "squares": (torch.nn.MSELoss, {}, False),
    "sums": (torch.nn.MSELoss, {"criterion__reduction": "sum"}, False),
    "Huber": (torch.nn.HuberLoss, {"criterion__delta": 0.5}, False),
    "root mean square": (RootMeanSquare, {}, True),
    "mean over the batch": (AddsMean, {}, True),
}


@pytest.mark.parametrize(("criterion", "params", "alone"), CRITERIA.values(), ids=CRITERIA)
def test_losses_are_those_that_are_recorded(criterion, params, alone, make_net):
    torch.manual_seed(0)
    net = make_net(NeuralNetRegressor, criterion=criterion, **params).initialize()
    X, y = torch.randn(7, 4), torch.randn(7, 3)
    y_pred = net.module_(X)
    reduced_alone = is_reduced_alone(net, y_pred, y, X)
    assert reduced_alone == alone
    losses = graph_losses(net, y_pred, y, X, reduced_alone=reduced_alone)
    one_by_one = needs_one_by_one(net, y_pred, y, X)
    recorded = row_losses(net, y_pred, y, X, one_by_one=one_by_one).loss
    assert not recorded.requires_grad
    assert_allclose(losses.detach(), recorded, rtol=1e-5)
    # of the same rows one at a time too
    for row in range(7):
        batch = net.module_(X[[row]]), y[[row]], X[[row]]
        [loss] = graph_losses(net, *batch, reduced_alone=reduced_alone)
        assert_allclose(loss.detach(), losses[row].detach(), rtol=1e-5)
    assert all(p.grad is not None for p in _backward(losses.sum(), net.module_))


def _backward(loss, module):
    loss.backward()
    return list(module.parameters())


def test_class_weights_are_left_out_and_put_back(make_net, table):
    X, y = map(torch.as_tensor, table)
    weight = torch.tensor([1.0, 7.0, 3.0])
    net = make_net(criterion__weight=weight).initialize()
    losses = graph_losses(net, net.module_(X), y, X, reduced_alone=False)
    expected = torch.nn.functional.cross_entropy(net.module_(X), y, reduction="none")
    assert_allclose(losses.detach(), expected.detach(), rtol=1e-6)
    assert torch.equal(net.criterion_.weight, weight)
    assert net.criterion_.reduction == "mean"


@pytest.mark.parametrize("recurrent", [False, True])
def test_cudnn_is_left_out_of_recurrent_modules(recurrent):
    layer = torch.nn.LSTM(3, 4) if recurrent else torch.nn.Linear(3, 4)
    module, enabled = torch.nn.Sequential(torch.nn.Identity(), layer), torch.backends.cudnn.enabled
    left_out = differentiable(module)
    for _ in range(2):  # it serves each batch anew
        with left_out():
            assert torch.backends.cudnn.enabled == (enabled and not recurrent)
        assert torch.backends.cudnn.enabled == enabled


def test_outputs_of_several_parts(make_net):
    net = make_net(NeuralNetRegressor, criterion=RootMeanSquare).initialize()

    def get_loss(y_pred, y_true, X=None, training=False):
        return net.criterion_(y_pred[0] + y_pred[1]["shift"] + X["shift"], y_true)

    net.get_loss = get_loss
    X = {"shift": torch.arange(5.0).reshape(5, 1)}
    y_pred = torch.zeros(5, 1), {"shift": torch.ones(5, 1)}
    losses = graph_losses(net, y_pred, torch.zeros(5, 1), X, reduced_alone=True)
    assert_allclose(losses, np.arange(1, 6), rtol=1e-6)
