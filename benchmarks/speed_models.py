"""The networks that are timed, data for them, and loops of torch alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from skorch import NeuralNetClassifier
from torch import nn

EPOCHS = 5
BATCH = 128
LARGE_BATCH = 4096


class MLP(nn.Sequential):
    """20-64-64-4."""

    def __init__(self) -> None:
        super().__init__(
            nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4)
        )


class CNN(nn.Sequential):
    """Two convolutions on images of 28 x 28 pixels."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(1, 8, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(16 * 7 * 7, 10),
        )


def rows(n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of 20 numbers, of 4 classes."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 20)).astype(np.float32)
    return X, (X[:, :4] + rng.normal(size=(n_rows, 4))).argmax(axis=1)


def images(n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of 28 x 28 numbers, of 10 classes."""
    rng = np.random.default_rng(0)
    y = rng.integers(10, size=n_rows)
    X = rng.normal(size=(n_rows, 1, 28, 28)).astype(np.float32)
    X[np.arange(n_rows), 0, 2 * y] += 1
    return X, y


def net(module: type[nn.Module], kind: type = NeuralNetClassifier, **options: Any) -> Any:
    """A net as a user of skorch writes it."""
    defaults = {
        "criterion": nn.CrossEntropyLoss,
        "optimizer": torch.optim.SGD,
        "lr": 0.05,
        "max_epochs": EPOCHS,
        "batch_size": BATCH,
        "train_split": None,
        "iterator_train__shuffle": True,
        "verbose": 0,
    }
    return kind(module, **(defaults | options))


def bare_loop(
    module: type[nn.Module], X: np.ndarray, y: np.ndarray, *, inference: bool
) -> Callable[[], None]:
    """Prepare a loop of torch without anything around it.

    Parameters
    ----------
    module : type
        Class of the network.
    X, y : ndarray
        Data.
    inference : bool
        Whether a pass over all rows, in large batches, follows each epoch.

    Returns
    -------
    callable
        The training.
    """
    rows, targets = torch.from_numpy(X), torch.from_numpy(y)

    def work() -> None:
        torch.manual_seed(0)
        model, criterion = module(), nn.CrossEntropyLoss()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        for _ in range(EPOCHS):
            model.train()
            for batch in torch.randperm(len(rows)).split(BATCH):
                optimizer.zero_grad()
                criterion(
                    model(rows.index_select(0, batch)), targets.index_select(0, batch)
                ).backward()
                optimizer.step()
            if inference:
                model.eval()
                with torch.inference_mode():
                    for few in rows.split(LARGE_BATCH):
                        model(few)

    return work
