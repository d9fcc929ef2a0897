"""Parameter states by model and step."""

import numpy as np
import pytest

from sklearn_difficulty.trajectory import Snapshots


def make(n_models=3, steps=(0, 2, 5)):
    return Snapshots(
        [{s: {"w": np.array([m, s]), "b": np.float32(s)} for s in steps} for m in range(n_models)]
    )


def test_states_by_model_and_step():
    snapshots = make()
    assert snapshots.n_models == 3
    assert snapshots.steps(1) == (0, 2, 5)
    state = snapshots.state(1, 5)
    assert list(state) == ["w", "b"]
    assert state["w"].tolist() == [1, 5]
    assert snapshots.nbytes == 9 * (16 + 4)
    assert repr(snapshots) == "<Snapshots: 3 steps of 3 model(s)>"


def test_steps_are_sorted():
    assert Snapshots([{5: {}, 0: {}, np.int64(2): {}}]).steps(0) == (0, 2, 5)


def test_models_may_have_different_steps():
    snapshots = Snapshots([{0: {}, 1: {}}, {}])
    assert snapshots.steps(1) == ()
    assert repr(snapshots) == "<Snapshots: 0 to 2 steps of 2 model(s)>"


def test_state_cannot_be_changed_through_what_is_returned():
    snapshots = make()
    snapshots.state(0, 0).clear()
    assert list(snapshots.state(0, 0)) == ["w", "b"]


def test_select_models():
    chosen = make().select(models=[2, 0])
    assert [chosen.state(m, 5)["w"][0] for m in range(2)] == [2, 0]


def test_select_steps_renumbers():
    chosen = make().select(steps=[1, 2, 4, 5])
    assert chosen.steps(0) == (1, 3)
    assert chosen.state(0, 1)["w"].tolist() == [0, 2]
    assert chosen.state(0, 3)["w"].tolist() == [0, 5]


def test_stack():
    both = Snapshots.stack([make(1), make(2, steps=(7,))])
    assert [both.steps(m) for m in range(3)] == [(0, 2, 5), (7,), (7,)]


def test_what_is_not_there():
    with pytest.raises(KeyError, match=r"step 3 of model 0 was not kept; kept: \(0, 2, 5\)"):
        make().state(0, 3)
    with pytest.raises(IndexError, match="no model 3; models are 0 to 2"):
        make().steps(3)
    with pytest.raises(ValueError, match="at least one model"):
        Snapshots([])
    for bad in (-1, 1.5, "0", True):
        with pytest.raises(ValueError, match="steps are whole numbers"):
            Snapshots([{bad: {}}])
