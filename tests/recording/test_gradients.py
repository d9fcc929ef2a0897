"""Gradient scores: which rows meet which model at which of its states."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import KFold

from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.recording import _gradients as module
from sklearn_difficulty.recording import gradient_scores, record
from sklearn_difficulty.scores import vog


@pytest.fixture
def recorded(table, make_net):
    def run(**params):
        options = {"snapshots": "all", "random_state": 0} | params
        X, y = table
        return record(make_net(max_epochs=8), X, y, classes=np.arange(3), **options)

    return run


def by_hand(recording, model, X, y, steps):
    """Variance over states of the gradient of a row's own logit, with autograd alone."""
    net = recording.estimators[model]
    gradients = []
    for step in steps:
        state = recording.trajectory.snapshots.state(model, step)
        twin = type(net.module_)()
        twin.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()})
        rows = torch.as_tensor(X).requires_grad_()
        twin.eval()(rows).gather(1, torch.as_tensor(y)[:, None]).sum().backward()
        gradients.append(rows.grad.numpy())
    return np.var(gradients, axis=0).mean(1)


@pytest.mark.parametrize(
    ("stage", "steps"), [("all", range(8)), ("early", range(3)), ("late", range(5, 8))]
)
def test_stages(stage, steps, recorded, table):
    recording, (X, y) = recorded(), table
    scores = gradient_scores(recording, X, y, vog, train_rows=np.arange(61), stage=stage)
    assert_allclose(scores, by_hand(recording, 0, X, y, steps), rtol=1e-4)


def test_mean_over_runs(recorded, table):
    recording, (X, y) = recorded(n_runs=2), table
    scores = gradient_scores(recording, X, y, vog, train_rows=np.arange(61))
    each = [by_hand(recording, model, X, y, range(8)) for model in range(2)]
    assert not np.allclose(*each)
    assert_allclose(scores, np.mean(each, axis=0), rtol=1e-4)


def test_training_rows_meet_the_model_that_recorded_them(recorded, table):
    recording, (X, y) = recorded(cv=KFold(2)), table
    each = np.array([by_hand(recording, model, X, y, range(8)) for model in range(2)])
    scores = gradient_scores(recording, X, y, vog, train_rows=np.arange(61))
    assert_allclose(scores, np.where(np.arange(61) < 31, each[0], each[1]), rtol=1e-4)
    # in any order and number, and other rows meet all models
    rows = np.array([60, 3, 3, 40])
    scores = gradient_scores(recording, X[rows], y[rows], vog, train_rows=rows)
    assert_allclose(scores, each[[1, 0, 0, 1], rows], rtol=1e-4)
    scores = gradient_scores(recording, X, y, vog, train_rows=np.full(61, -1))
    assert_allclose(scores, each.mean(0), rtol=1e-4)


def test_chunks_make_no_difference(recorded, table, monkeypatch):
    recording, (X, y) = recorded(), table
    whole = gradient_scores(recording, X, y, vog, train_rows=np.arange(61))
    monkeypatch.setattr(module, "_VALUES_PER_CHUNK", 40)
    chunked = gradient_scores(recording, X, y, vog, train_rows=np.arange(61))
    assert_allclose(chunked, whole, rtol=1e-5)


def test_states_are_read_one_at_a_time(recorded, table):
    recording, (X, y) = recorded(), table
    shapes = []

    def function(gradients):
        for gradient in gradients:
            shapes.append(gradient.shape)
        return np.zeros(len(gradient))

    assert_array_equal(
        gradient_scores(recording, X, y, function, train_rows=np.arange(61)), np.zeros(61)
    )
    assert shapes == [(61, 4)] * 8


@pytest.mark.parametrize("snapshots", [1, [3]])
def test_too_few_states(snapshots, recorded, table):
    recording, (X, y) = recorded(snapshots=snapshots), table
    with pytest.raises(RecordNotFoundError, match="two snapshots at least and 1 were kept"):
        gradient_scores(recording, X, y, vog, train_rows=np.arange(61))


def test_no_states(recorded, table):
    recording, (X, y) = recorded(snapshots=None), table
    with pytest.raises(RecordNotFoundError, match="snapshots='auto'"):
        gradient_scores(recording, X, y, vog, train_rows=np.arange(61))
