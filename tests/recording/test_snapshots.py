"""Snapshots are copies, and as many as the budget allows."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from sklearn_difficulty import DifficultyTracker
from sklearn_difficulty.recording._snapshots import SnapshotTaker, module_state
from sklearn_difficulty.trajectory._snapshot_files import StateOnDisk


def test_states_are_copies():
    module = torch.nn.BatchNorm1d(2)
    state = module_state(module)
    assert {name: array.dtype.name for name, array in state.items()} == {
        "weight": "float32",
        "bias": "float32",
        "running_mean": "float32",
        "running_var": "float32",
        "num_batches_tracked": "int64",
    }
    with torch.no_grad():
        module.weight += 5
        module(torch.randn(8, 2))
    assert_array_equal(state["weight"], [1, 1])
    assert_array_equal(state["running_mean"], [0, 0])
    assert state["num_batches_tracked"] == 0


def test_short_floats():
    state = module_state(torch.nn.Linear(1, 1).to(torch.bfloat16))
    assert state["weight"].dtype == np.float32
    assert module_state(torch.nn.Linear(1, 1).half())["weight"].dtype == np.float16
    module = torch.nn.Linear(1, 1)
    module.register_buffer("scale", torch.tensor([0.5, -3.0]).to(torch.float8_e4m3fn))
    assert module_state(module)["scale"].tolist() == [0.5, -3.0]


def test_state_behind_a_wrapper():
    class Compiled(torch.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self._orig_mod = inner

    assert list(module_state(Compiled(torch.nn.Linear(1, 1)))) == ["weight", "bias"]


def taken(rule, n_steps, *, max_bytes=2**30, folder=None):
    """Steps held after some, where a state has 80 bytes that name the step."""
    taker = SnapshotTaker(rule, max_bytes, folder)
    calls = []
    for step in range(n_steps):

        def state(step=step):
            calls.append(step)
            return {"w": np.full(10, float(step))}

        taker.offer(step, state)
    snapshots = taker.snapshots()
    if snapshots is None:
        return None, calls
    for step in snapshots.steps(0):
        assert_array_equal(snapshots.state(0, step)["w"], np.full(10, float(step)))
    return snapshots.steps(0), calls


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("all", (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)),
        ("auto", (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)),
        (6, (0, 1, 2, 7, 8, 9)),
        (2, (0, 9)),
        (1, (9,)),
        ([0, 3, 99], (0, 3)),
        (None, None),
    ],
)
def test_rules(rule, expected):
    assert taken(rule, 10)[0] == expected


def test_budget_of_bytes():
    assert taken("auto", 10, max_bytes=640)[0] == (0, 1, 2, 4, 6, 7, 8, 9)
    # the first and the last three are kept even beyond it
    assert taken("auto", 10, max_bytes=1)[0] == (0, 1, 2, 7, 8, 9)
    assert len(taken("all", 10, max_bytes=1)[0]) == 10


def test_no_state_is_copied_that_is_not_wanted():
    assert taken(None, 5)[1] == []
    # the first is also looked at for its size
    assert taken([2], 5)[1] == [0, 2]


def test_taker_hands_out_what_it_held_then():
    taker = SnapshotTaker("all", 100)
    taker.offer(0, lambda: {"w": np.zeros(1)})
    early = taker.snapshots()
    taker.offer(1, lambda: {"w": np.ones(1)})
    assert early.steps(0) == (0,)
    assert taker.snapshots().steps(0) == (0, 1)


@pytest.mark.parametrize("rule", ["all", "auto", 6, [0, 3, 99]])
def test_states_in_a_folder(tmp_path, rule):
    steps, _ = taken(rule, 10, max_bytes=640, folder=tmp_path)
    assert steps == taken(rule, 10, max_bytes=640)[0]
    # those that were thinned out are deleted
    assert {p.name for p in tmp_path.iterdir()} == {f"step{step}.safetensors" for step in steps}


def test_states_in_a_folder_are_not_held(tmp_path):
    taker = SnapshotTaker("all", 100, tmp_path)
    taker.offer(0, lambda: {"w": np.arange(3.0)})
    state = taker.snapshots().stored(0, 0)
    assert isinstance(state, StateOnDisk)
    assert state["w"] is not state["w"]
    assert_array_equal(state["w"], [0, 1, 2])


def test_tracker_keeps_the_weights_of_each_epoch(table, make_net):
    tracker, states = DifficultyTracker(snapshots="all"), []

    class Copies(type(make_net())):
        def on_epoch_end(self, net, **kwargs):
            super().on_epoch_end(net, **kwargs)
            states.append({k: v.clone() for k, v in net.module_.state_dict().items()})

    net = make_net(Copies, module__batch_norm=True, callbacks=[tracker]).fit(*table)
    snapshots = tracker.trajectory_.snapshots
    assert snapshots.steps(0) == (0, 1, 2)
    for step in range(3):
        kept = snapshots.state(0, step)
        assert kept.keys() == states[step].keys()
        for name in kept:
            assert_array_equal(kept[name], states[step][name])
    last = snapshots.state(0, 2)["layers.0.weight"]
    assert not np.shares_memory(last, net.module_.layers[0].weight.detach().numpy())


def test_tracker_has_a_budget(table, make_net):
    # 67 parameters of 4 bytes
    tracker = DifficultyTracker(max_snapshot_bytes=8 * 67 * 4)
    make_net(max_epochs=12, callbacks=[tracker]).fit(*table)
    snapshots = tracker.trajectory_.snapshots
    assert len(snapshots.steps(0)) == 8
    assert snapshots.nbytes == 8 * 67 * 4
    tracker = DifficultyTracker(snapshots=None)
    make_net(callbacks=[tracker]).fit(*table)
    assert tracker.trajectory_.snapshots is None
