"""Operations that were written down compute what the function does."""

import pytest
import torch
from numpy.testing import assert_array_equal
from torch.func import vmap

from sklearn_difficulty.recording._operations import traced

FACTOR = torch.tensor([[2.0], [3.0]])


def several(weight, X):
    first, second = X.split(2, dim=1)
    return torch.cat([first @ weight, second @ weight + torch.arange(2.0)], dim=1)


def in_place(weight, X):
    hidden = X[:, :2] @ weight
    hidden.mul_(3.0)
    hidden[:, 0] += 1.0
    return hidden.relu_()


def of_a_constant(weight, X):
    return (X[:, :2] @ weight) @ FACTOR * torch.tensor([4.0, 5.0])


def idle(weight, X):
    return (X[:, :2] @ weight).view(5, 2).mul(1.0).expand(5, 2).reshape(5, 2)


def mapped(weight, X):
    return vmap(torch.nn.functional.linear, (None, 0, None))(X[:, :2], weight.mT[None], weight[0])


@pytest.mark.parametrize("function", [several, in_place, of_a_constant, idle, mapped])
def test_outputs_and_gradients(function):
    first, other = (torch.randn(5, 4, generator=torch.Generator().manual_seed(k)) for k in (0, 1))
    weight = torch.tensor([[1.0, -2.0], [0.5, 1.5]], requires_grad=True)
    graph = traced(function, (weight, first))
    for X in (first, other):
        found = []
        for outputs in (graph(weight, X), function(weight, X)):
            (gradient,) = torch.autograd.grad(outputs.square().sum(), weight)
            found.append((outputs.detach(), gradient))
        for ours, theirs in zip(*found, strict=True):
            assert_array_equal(ours, theirs)


def test_what_changes_nothing_is_left_out():
    weight, X = torch.eye(2), torch.ones(5, 4)
    assert "view" not in traced(idle, (weight, X)).code


@pytest.mark.parametrize("read", [lambda X: float(X.sum()), lambda X: 1 + torch.equal(X, X + 1)])
def test_values_that_are_read(read):
    with pytest.raises(RuntimeError, match="reads a value"):
        traced(lambda X: X * read(X), (torch.ones(3),))
