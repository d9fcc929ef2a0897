"""The network for no network: it takes its sizes and scales from the data."""

import numpy as np
import pytest
import scipy.sparse
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_difficulty.recording import DefaultMLP
from sklearn_difficulty.recording._default_net import default_module_params, default_training


def test_inputs_are_standardised():
    module = DefaultMLP(2, 2, center=[10.0, 0.0], scale=[5.0, 1.0], hidden=3)
    X = torch.tensor([[15.0, 1.0], [10.0, 0.0]])
    standardised = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    assert torch.equal(module(X), module.layers(standardised))


def test_outputs_are_scaled_back():
    module = DefaultMLP(2, 1, output_center=100.0, output_scale=7.0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
        module.layers[2].bias.fill_(2.0)
    assert module(torch.zeros(3, 2)).tolist() == [[114.0]] * 3


def test_probabilities():
    assert_allclose(DefaultMLP(2, 3, softmax=True)(torch.rand(5, 2)).sum(1).detach(), 1, rtol=1e-6)


def test_rows_of_any_rank_are_flattened():
    module = DefaultMLP(24, 2)
    X = torch.rand(5, 2, 3, 4)
    assert torch.equal(module(X), module(X.reshape(5, 24)))
    assert module(X.double()).dtype == torch.float32


def test_scales_travel_with_the_weights():
    names = set(DefaultMLP(2, 2).state_dict())
    assert {"center", "scale", "output_center", "output_scale"} < names


def test_sizes_of_a_classification():
    X = np.array([[0.0, 5.0, 1.0], [2.0, 5.0, 3.0]])
    params = default_module_params(X, None, n_classes=4)
    assert (params["n_features"], params["n_outputs"]) == (3, 4)
    assert_array_equal(params["center"], [1, 5, 2])
    assert_array_equal(params["scale"], [1, 1, 1])  # a constant column is left alone
    assert params["center"].dtype == params["scale"].dtype == np.float32


def test_sizes_of_images_and_sparse_matrices():
    X = np.arange(48.0).reshape(4, 3, 2, 2)
    params = default_module_params(X, None, n_classes=2)
    assert params["n_features"] == 12
    assert_array_equal(params["center"], X.reshape(4, 12).mean(0))
    sparse = scipy.sparse.csr_matrix(X.reshape(4, 12))
    ours = default_module_params(sparse, None, n_classes=2)
    for name in params:
        assert_allclose(ours[name], params[name], rtol=1e-6)


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (np.array([1.0, 3.0]), (1, 2.0, 1.0)),
        (np.array([4.0, 4.0]), (1, 4.0, 1.0)),  # a constant target has no spread
        (np.array([[1.0, 4.0], [3.0, 4.0]]), (2, [2.0, 4.0], [1.0, 1.0])),
        (None, (1, 0.0, 1.0)),
    ],
)
def test_sizes_of_a_regression(y, expected):
    params = default_module_params(np.eye(2), y, n_classes=None)
    names = "n_outputs", "output_center", "output_scale"
    for name, value in zip(names, expected, strict=True):
        assert_allclose(params[name], value)


@pytest.mark.parametrize(
    ("n_samples", "batch_size", "max_epochs"),
    [
        (1, 16, 60),
        (160, 16, 60),
        (640, 32, 30),
        (2000, 100, 30),
        (10**4, 128, 15),
        (10**6, 128, 15),
    ],
)
def test_training_suits_the_number_of_rows(n_samples, batch_size, max_epochs):
    expected = {"batch_size": batch_size, "max_epochs": max_epochs}
    assert default_training(n_samples) == expected
