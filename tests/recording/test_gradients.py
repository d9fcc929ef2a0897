"""Gradient scores: which rows meet which model at which of its states."""

import re

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import KFold
from skorch import NeuralNetRegressor
from skorch.dataset import Dataset

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


def input_scores(recording, X, y, function=vog, **options):
    defaults = {"source": "input_gradients", "train_rows": np.arange(61), "least_states": 2}
    return gradient_scores(recording, X, y, function, **(defaults | options))


@pytest.mark.parametrize(
    ("steps", "numbers"),
    [
        (None, range(8)),
        (slice(0, 3), range(3)),
        (slice(-3, None), range(5, 8)),
        ("early", range(3)),
        ((0.5, 1.0), range(4, 8)),
    ],
)
def test_windows(steps, numbers, recorded, table):
    recording, (X, y) = recorded(), table
    [scores] = input_scores(recording, X, y, steps=steps)
    assert_allclose(scores, by_hand(recording, 0, X, y, numbers), rtol=1e-4)
    assert scores.dtype == np.float64


def test_kept_states_in_the_window(recorded, table):
    recording, (X, y) = recorded(snapshots=[1, 3, 4, 7]), table
    [scores] = input_scores(recording, X, y, steps=slice(3, 7))
    assert_allclose(scores, by_hand(recording, 0, X, y, [3, 4]), rtol=1e-4)


def test_runs(recorded, table):
    recording, (X, y) = recorded(n_runs=2), table
    scores = input_scores(recording, X, y)
    each = [by_hand(recording, model, X, y, range(8)) for model in range(2)]
    assert not np.allclose(*each)
    assert_allclose(scores, each, rtol=1e-4)


def test_training_rows_meet_the_model_that_recorded_them(recorded, table):
    recording, (X, y) = recorded(cv=KFold(2)), table
    each = np.array([by_hand(recording, model, X, y, range(8)) for model in range(2)])
    scores = input_scores(recording, X, y)
    first = np.arange(61) < 31
    assert_allclose(scores, np.where([first, ~first], each, np.nan), rtol=1e-4)
    # in any order and number, and other rows meet all models
    rows = np.array([60, 3, 3, 40])
    scores = input_scores(recording, X[rows], y[rows], train_rows=rows)
    assert_array_equal(np.isnan(scores), [[True, False, False, True], [False, True, True, False]])
    assert_allclose(np.nansum(scores, axis=0), each[[1, 0, 0, 1], rows], rtol=1e-4)
    scores = input_scores(recording, X, y, train_rows=np.full(61, -1))
    assert_allclose(scores, each, rtol=1e-4)


def test_chunks_make_no_difference(recorded, table, monkeypatch):
    recording, (X, y) = recorded(), table
    whole = input_scores(recording, X, y)
    monkeypatch.setattr(module, "_VALUES_PER_CHUNK", 40)
    assert_allclose(input_scores(recording, X, y), whole, rtol=1e-5)


def test_states_are_read_one_at_a_time(recorded, table):
    recording, (X, y) = recorded(), table
    shapes = []

    def function(gradients):
        for gradient in gradients:
            shapes.append(gradient.shape)
        return np.zeros(len(gradient))

    assert_array_equal(input_scores(recording, X, y, function), np.zeros((1, 61)))
    assert shapes == [(61, 4)] * 8


def norms_by_hand(recording, X, y, steps):
    """Norm of the gradient of a row's cross-entropy by all parameters, mean over states."""
    net = recording.estimators[0]
    norms = np.zeros((len(steps), len(X)))
    for k, step in enumerate(steps):
        state = recording.trajectory.snapshots.state(0, step)
        twin = type(net.module_)()
        twin.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()})
        for row in range(len(X)):
            twin.zero_grad()
            outputs = twin.eval()(torch.as_tensor(X[[row]]))
            torch.nn.functional.cross_entropy(outputs, torch.as_tensor(y[[row]])).backward()
            squares = [float(p.grad.double().square().sum()) for p in twin.parameters()]
            norms[k, row] = np.sqrt(sum(squares))
    return norms.mean(0)


def test_norms_by_the_parameters(recorded, table):
    recording, (X, y) = recorded(snapshots=[2, 6]), table
    options = {"source": "gradient_norms", "least_states": 1}
    [scores] = input_scores(recording, X, y, lambda norms: np.mean(list(norms), axis=0), **options)
    assert_allclose(scores, norms_by_hand(recording, X, y, [2, 6]), rtol=1e-5)
    [scores] = input_scores(recording, X, y, next, steps=-2, **options)
    assert_allclose(scores, norms_by_hand(recording, X, y, [6]), rtol=1e-5)


def test_loss_of_a_regression(table, make_net):
    X, _ = table
    target = (X[:, 0] - X[:, 1]).astype(np.float64)
    net = make_net(
        NeuralNetRegressor,
        module=torch.nn.Linear,
        module__in_features=4,
        module__out_features=1,
        criterion=torch.nn.MSELoss,
    )
    recording = record(net, X, target, classes=None, snapshots=[2], random_state=0)
    module = recording.estimators[0].module_
    residual = 2 * (module(torch.as_tensor(X)).detach().numpy()[:, 0] - target)
    [by_input] = input_scores(
        recording,
        X,
        target,
        lambda gradients: next(gradients)[:, 2],
        output="loss",
        least_states=1,
    )
    assert_allclose(by_input, residual * float(module.weight[0, 2].detach()), rtol=1e-3, atol=1e-6)
    options = {"source": "gradient_norms", "least_states": 1}
    [norms] = input_scores(recording, X, target, next, **options)
    # by the weights it is the residual times the input, by the intercept the residual
    assert_allclose(norms, np.abs(residual) * np.sqrt(1 + (X**2).sum(1)), rtol=1e-3, atol=1e-5)
    # of the output itself, which is linear in the input
    [of_output] = input_scores(
        recording, X, target, lambda gradients: next(gradients)[:, 2], least_states=1
    )
    assert_allclose(of_output, np.full(len(X), float(module.weight[0, 2].detach())), rtol=1e-6)


@pytest.mark.parametrize("source", ["input_gradients", "gradient_norms"])
def test_rows_of_a_dataset(source, recorded, table, monkeypatch):
    monkeypatch.setattr(module, "_VALUES_PER_CHUNK", 40)
    recording, (X, y) = recorded(snapshots=[1, 6]), table
    options = {"source": source, "output": "loss"}
    expected = input_scores(recording, X, y, function_of(source), **options)
    scores = input_scores(recording, Dataset(X, y), y, function_of(source), **options)
    assert_allclose(scores, expected, rtol=1e-6)


def function_of(source):
    return vog if source == "input_gradients" else lambda norms: np.var(list(norms), axis=0)


def test_no_rows(recorded, table):
    recording, (X, y) = recorded(n_runs=2), table
    none = np.zeros(0, dtype=int)
    assert input_scores(recording, X[:0], y[:0], train_rows=none).shape == (2, 0)


@pytest.mark.parametrize("snapshots", [1, [3]])
def test_too_few_states(snapshots, recorded, table):
    recording, (X, y) = recorded(snapshots=snapshots), table
    with pytest.raises(RecordNotFoundError, match="needs 2 or more snapshots and 1 of those kept"):
        input_scores(recording, X, y)


def test_too_few_states_in_the_window(recorded, table):
    recording, (X, y) = recorded(snapshots=[1, 3, 7]), table
    message = (
        "2 or more snapshots in steps='late' and 1 of those kept, after steps 1, 3, 7 of 8, "
        "counted from 0, are there: train for more epochs, or fit with snapshots='all', or "
        "choose a wider part with steps=."
    )
    with pytest.raises(RecordNotFoundError, match=re.escape(message)):
        input_scores(recording, X, y, steps="late")
    with pytest.raises(RecordNotFoundError, match="0 of those kept"):
        input_scores(recording, X, y, steps=slice(4, 7), least_states=1)
    with pytest.raises(IndexError, match="has no step in a training of 8 steps"):
        input_scores(recording, X, y, steps=slice(8, 9))


def test_no_states(recorded, table):
    recording, (X, y) = recorded(snapshots=None), table
    with pytest.raises(RecordNotFoundError, match="snapshots='auto'"):
        input_scores(recording, X, y)
