"""Gradients by the input come for a few rows after the others, in order, at all states each."""

import threading

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_difficulty.recording import _array_batches, _input_gradients
from sklearn_difficulty.recording._input_gradients import input_gradients
from sklearn_difficulty.recording._snapshots import net_state


@pytest.fixture
def few_at_a_time(monkeypatch):
    """Batches as small as the net's, and two of them for each state that is loaded."""
    monkeypatch.setattr(_array_batches, "_FEW_VALUES_WITH_GRADIENTS", 0)
    monkeypatch.setattr(_array_batches, "_TIMES_LARGER_WITH_GRADIENTS", 1)
    monkeypatch.setattr(_input_gradients, "_LEAST_VALUES", {"cpu": 0})
    monkeypatch.setattr(_input_gradients, "_LEAST_ROWS", 16)


def states_of(net, n_states=3):
    """Kept states: those of the net, and the same times 2, 3, ..."""
    state = net_state(net)
    return [{name: k * value for name, value in state.items()} for k in range(1, 1 + n_states)]


def by_hand(net, states, X, y):
    gradients = []
    for state in states:
        module = type(net.module_)().to(torch.as_tensor(X).dtype)
        module.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()})
        rows = torch.as_tensor(X).requires_grad_()
        module.eval()(rows).gather(1, torch.as_tensor(y)[:, None]).sum().backward()
        gradients.append(rows.grad.numpy())
    return gradients


@pytest.mark.parametrize("num_workers", [0, 1])
def test_portions(num_workers, few_at_a_time, table, make_net):
    X, y = table
    net = make_net(iterator_valid__num_workers=num_workers).initialize()
    states = states_of(net)
    portions = [
        list(of_rows) for of_rows in input_gradients(net, lambda: states, X, y, output="logit")
    ]
    assert [len(of_rows[0]) for of_rows in portions] == [16, 16, 16, 13]
    assert {len(of_rows) for of_rows in portions} == {3}
    joined = [np.concatenate(of_state) for of_state in zip(*portions, strict=True)]
    assert_allclose(joined, by_hand(net, states, X, y), rtol=1e-5, atol=1e-7)


def test_portions_may_be_read_later_and_in_part(few_at_a_time, table, make_net):
    X, y = table
    net = make_net().initialize()
    states = states_of(net)
    portions = list(input_gradients(net, lambda: states, X, y, output="logit"))
    firsts = [next(of_rows) for of_rows in portions]
    seconds = [next(of_rows) for of_rows in portions]
    expected = by_hand(net, states, X, y)
    assert_allclose(np.concatenate(firsts), expected[0], rtol=1e-5, atol=1e-7)
    assert_allclose(np.concatenate(seconds), expected[1], rtol=1e-5, atol=1e-7)


def test_doubles(table, make_net, small_mlp):
    X, y = table
    net = make_net().initialize()
    net.module_.double()
    states = states_of(net, 1)
    [[gradients]] = input_gradients(net, lambda: states, X.astype(float), y, output="logit")
    assert gradients.dtype == np.float64
    assert_allclose(gradients, by_hand(net, states, X.astype(float), y)[0], rtol=1e-12)


class Diverges(torch.nn.Module):
    """Logits of which a row's are not a number where its first value is large."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 3)

    def forward(self, X):
        logits = self.linear(X)
        return logits.masked_fill(X[:, :1] > 100, torch.nan)


def test_rows_without_logits_have_no_gradients(table, make_net):
    X, y = table
    net = make_net(module=Diverges).initialize()
    X = X.copy()
    X[5, 0] = 1000
    states = states_of(net, 1)
    [[gradients]] = input_gradients(net, lambda: states, X, y, output="logit")
    assert np.isnan(gradients[5]).all()
    others = np.arange(61) != 5
    assert_array_equal(gradients[others], states[0]["linear.weight"][y[others]])
    # and a sum that is no number of logits that are is none of that
    X[5, 0] = 1
    states[0]["linear.bias"] = np.array([np.inf, -np.inf, 0], np.float32)
    [[gradients]] = input_gradients(net, lambda: states, X, y, output="logit")
    assert_array_equal(gradients, states[0]["linear.weight"][y])


def test_other_threads_have_their_turn(few_at_a_time, table, make_net):
    # between the portions, where a score may take long
    X, y = table
    net = make_net().initialize()
    states = states_of(net)
    first = input_gradients(net, lambda: states, X, y, output="logit")
    next(first)
    other = threading.Thread(
        target=lambda: list(input_gradients(net, lambda: states, X, y, output="logit")),
        daemon=True,
    )
    other.start()
    other.join(timeout=60)
    assert not other.is_alive()
