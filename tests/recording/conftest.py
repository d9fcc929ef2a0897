"""Small data and nets of which the numbers are known, and what makes two fits the same."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from skorch import NeuralNet, NeuralNetClassifier


class SmallMLP(torch.nn.Module):
    """Four inputs, three classes, and everything that could draw random numbers."""

    def __init__(self, dropout: float = 0.0, batch_norm: bool = False, softmax: bool = False):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(4, 8),
            torch.nn.BatchNorm1d(8) if batch_norm else torch.nn.Identity(),
            torch.nn.ReLU(),
            torch.nn.Dropout(dropout),
            torch.nn.Linear(8, 3),
        )
        self.softmax = softmax

    def forward(self, X):
        outputs = self.layers(X)
        return outputs.softmax(dim=1) if self.softmax else outputs


class Scaled(torch.nn.Module):
    """Its input times a parameter that starts at one: outputs are known without training."""

    def __init__(self):
        super().__init__()
        self.factor = torch.nn.Parameter(torch.ones(()))

    def forward(self, X):
        return X * self.factor


@pytest.fixture
def small_mlp() -> type[torch.nn.Module]:
    return SmallMLP


@pytest.fixture
def scaled() -> type[torch.nn.Module]:
    return Scaled


@pytest.fixture
def table() -> tuple[np.ndarray, np.ndarray]:
    """X (61, 4) float32, y (61,) int64 in 0, 1, 2: a number of rows that no batch size divides."""
    rng = np.random.default_rng(0)
    y = np.arange(61) % 3
    X = rng.normal(size=(61, 4)) + 2.0 * np.eye(3, 4)[y]
    return X.astype(np.float32), y.astype(np.int64)


@pytest.fixture
def make_net() -> Callable[..., Any]:
    """Makes a classifier of skorch on logits; its keywords override the defaults."""

    def make(kind: type = NeuralNetClassifier, **params: Any) -> Any:
        defaults = {
            "module": SmallMLP,
            "criterion": torch.nn.CrossEntropyLoss,
            "optimizer": torch.optim.Adam,
            "lr": 0.01,
            "batch_size": 8,
            "max_epochs": 3,
            "train_split": None,
            "verbose": 0,
        }
        return kind(**(defaults | params))

    return make


@pytest.fixture
def square_net() -> Callable[..., Any]:
    """Makes a net whose loss of a row is the square of its only value: it never learns."""

    def make(**params: Any) -> Any:
        defaults = {
            "module": Scaled,
            "criterion": torch.nn.MSELoss,
            "lr": 0.0,
            "batch_size": 4,
            "max_epochs": 2,
            "train_split": None,
            "verbose": 0,
        }
        return NeuralNet(**(defaults | params))

    return make


@pytest.fixture
def squares() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows 0, 1, 2, ... of one value with target zero, and their squares: 14 of them."""
    values = np.arange(14, dtype=np.float32)
    return values.reshape(-1, 1), np.zeros((14, 1), dtype=np.float32), values**2


@pytest.fixture
def seeded_fit() -> Callable[..., Any]:
    """Fits a net from seed 0 and returns it with the random numbers that come next."""

    def fit(net: Any, *data: Any) -> tuple[Any, tuple[float, float]]:
        torch.manual_seed(0)
        np.random.seed(0)
        net.fit(*data)
        return net, (float(torch.rand(())), float(np.random.rand()))

    return fit


@pytest.fixture
def assert_same_fit() -> Callable[[Any, Any], None]:
    """Asserts that two nets have bit-equal weights and equal histories but for durations."""

    def check(net: Any, other: Any) -> None:
        states = net.module_.state_dict(), other.module_.state_dict()
        assert states[0].keys() == states[1].keys()
        for name in states[0]:
            assert torch.equal(states[0][name], states[1][name]), name
        assert _without_durations(net.history) == _without_durations(other.history)

    return check


def _without_durations(history: Any) -> list[dict]:
    return [{k: v for k, v in epoch.items() if k != "dur"} for epoch in history.to_list()]
