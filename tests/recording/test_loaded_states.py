"""States that are loaded one after the other: by copies where that is all, else as torch does."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from torch.nn.utils import parametrizations

from sklearn_difficulty.recording import _loaded_states
from sklearn_difficulty.recording._loaded_states import StateLoader
from sklearn_difficulty.recording._snapshots import net_state


class Remembers(torch.nn.Linear):
    """Counts how often it was loaded, as a module may that makes something of its weights."""

    loaded = 0

    def _load_from_state_dict(self, *args, **kwargs):
        super()._load_from_state_dict(*args, **kwargs)
        self.loaded += 1


class Doubled(torch.nn.Linear):
    def __init__(self, *args):
        super().__init__(*args)
        self.register_load_state_dict_post_hook(lambda module, _: module.double_up())

    def double_up(self):
        self.twice = 2 * self.weight.detach()


class Extra(torch.nn.Linear):
    def get_extra_state(self):
        return {"a": 1}

    def set_extra_state(self, state):
        self.extra = state


def nets(make_net, first, **params):
    """Two nets of one kind with other weights."""
    for seed in range(2):
        torch.manual_seed(seed)
        last = torch.nn.Linear(8, 3)
        yield make_net(module=torch.nn.Sequential(first(), last), **params).initialize()


KINDS = {
    "linear": lambda: torch.nn.Linear(4, 8),
    "batch norm": lambda: torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8)),
    "doubles": lambda: torch.nn.Linear(4, 8).double(),
    "short": lambda: torch.nn.Linear(4, 8).bfloat16(),
    "weight norm": lambda: parametrizations.weight_norm(torch.nn.Linear(4, 8)),
    "own way": lambda: Remembers(4, 8),
    "hook": lambda: Doubled(4, 8),
    "extra state": lambda: Extra(4, 8),
}


@pytest.mark.parametrize("kind", KINDS)
def test_states_arrive(kind, make_net):
    one, other = nets(make_net, KINDS[kind])
    own, wanted = net_state(one), net_state(other)
    load = StateLoader(one)
    for state in (wanted, own, wanted):
        load(state)
        for name, value in net_state(one).items():
            assert value.dtype == state[name].dtype
            assert_array_equal(value, state[name])
    assert_array_equal(net_state(other)["1.weight"], wanted["1.weight"])


@pytest.mark.parametrize("kind", ["linear", "batch norm", "doubles", "short"])
def test_values_are_copied_into_plain_modules(kind, make_net, monkeypatch):
    one, other = nets(make_net, KINDS[kind])
    monkeypatch.setattr(_loaded_states, "load_state", None)
    StateLoader(one)(net_state(other))
    assert_array_equal(net_state(one)["1.weight"], net_state(other)["1.weight"])


def test_modules_that_do_more_are_loaded_as_torch_does(make_net):
    [remembers, other] = nets(make_net, KINDS["own way"])
    StateLoader(remembers)(net_state(other))
    assert remembers.module_[0].loaded == 1
    [doubled, other] = nets(make_net, KINDS["hook"])
    StateLoader(doubled)(net_state(other))
    assert_array_equal(doubled.module_[0].twice, 2 * net_state(other)["0.weight"])
    [extra, other] = nets(make_net, KINDS["extra state"])
    StateLoader(extra)(net_state(other))
    assert extra.module_[0].extra == {"a": 1}


def test_criterion_with_parameters(make_net):
    class Scaled(torch.nn.CrossEntropyLoss):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(1))

    one, other = nets(make_net, KINDS["linear"], criterion=Scaled)
    with torch.no_grad():
        other.criterion_.scale.fill_(3)
    StateLoader(one)(net_state(other))
    assert one.criterion_.scale.item() == 3


def test_read_only_states(make_net, recwarn):
    one, other = nets(make_net, KINDS["linear"])
    state = net_state(other)
    for value in state.values():
        value.flags.writeable = False
    StateLoader(one)(state)
    assert_array_equal(net_state(one)["1.weight"], state["1.weight"])
    assert not recwarn.list


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"1.bias": np.zeros(1, np.float32)}, "size mismatch for 1.bias"),
        ({"2.bias": np.zeros(3, np.float32)}, "Unexpected key"),
    ],
)
def test_what_does_not_fit_is_said_by_torch(change, message, make_net):
    one, other = nets(make_net, KINDS["linear"])
    with pytest.raises(RuntimeError, match=message):
        StateLoader(one)(net_state(other) | change)
