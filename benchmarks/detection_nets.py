"""What ``detection.py`` trains: one network, one forest, and how they are judged.

Nothing here is set for a single data set. What depends on the data follows from the shape of the
rows and from how many there are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from detection_data import Data
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from skorch import NeuralNetClassifier

from sklearn_difficulty import TrackedNetClassifier
from sklearn_difficulty.recording import default_net

FOLDS = 5
CNN_EPOCHS = 12
CNN_WIDTH = 16
# Trees that a table of few rows affords, and one of many.
FEW_ROWS = 2_000
MANY_TREES, FEW_TREES = 300, 100
# Of everything above and below; results that were kept under other settings are measured anew.
SETTINGS = {
    "folds": FOLDS,
    "cnn": f"3 convolutions from {CNN_WIDTH} channels, {CNN_EPOCHS} epochs of Adam, batch 128",
    "flat": "the default network",
    "trees": f"{MANY_TREES} up to {FEW_ROWS} rows, else {FEW_TREES}",
}


class CNN(torch.nn.Module):
    """Three convolutions with batch normalisation, from square images to logits.

    Parameters
    ----------
    n_classes : int
        Logits.
    n_channels : int
        Colours of the images.
    size : int
        Height and width of the images, a multiple of 8.
    """

    def __init__(self, n_classes: int, n_channels: int, size: int) -> None:
        super().__init__()
        # The first one halves the image itself: at full size it would be the slowest.
        layers = _convolution(n_channels, CNN_WIDTH, stride=2)
        for width in (CNN_WIDTH, 2 * CNN_WIDTH):
            layers += [*_convolution(width, 2 * width), torch.nn.MaxPool2d(2)]
        n_features = 4 * CNN_WIDTH * (size // 8) ** 2
        self.layers = torch.nn.Sequential(
            *layers, torch.nn.Flatten(), torch.nn.Linear(n_features, n_classes)
        ).to(memory_format=torch.channels_last)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Logits of shape (n, n_classes)."""
        # Half the time of the usual layout on a processor.
        return self.layers(X.contiguous(memory_format=torch.channels_last))


def _convolution(n_in: int, n_out: int, stride: int = 1) -> list[torch.nn.Module]:
    return [
        torch.nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False),
        torch.nn.BatchNorm2d(n_out),
        torch.nn.ReLU(),
    ]


def make_net(X: np.ndarray, n_classes: int) -> Any:
    """Make the network for some rows: the default one where they are flat, a CNN for images.

    Parameters
    ----------
    X : ndarray of shape (n, ...)
        Rows. Part of them is trained by the network for all.
    n_classes : int
        Classes.
    """
    if X.ndim == 2:
        # Recorded on the way, which is free: who wants the record asks for another one.
        return default_net(TrackedNetClassifier, len(X)).set_params(when="during", snapshots=None)
    return NeuralNetClassifier(
        CNN,
        module__n_classes=n_classes,
        module__n_channels=X.shape[1],
        module__size=X.shape[2],
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        batch_size=128,
        max_epochs=CNN_EPOCHS,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )


def make_recorded_net(X: np.ndarray, n_classes: int) -> Any:
    """Make the same network, recorded after each epoch where it records itself."""
    net = make_net(X, n_classes)
    return net.set_params(when="after") if X.ndim == 2 else net


def make_forest(n_rows: int, seed: int | None = None) -> RandomForestClassifier:
    """Make the forest for a number of rows."""
    n_trees = MANY_TREES if n_rows <= FEW_ROWS else FEW_TREES
    return RandomForestClassifier(n_trees, random_state=seed)


def flat(X: np.ndarray) -> np.ndarray:
    """Rows as forests take them."""
    return X.reshape(len(X), -1)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let a network begin as a seed says, and leave the generator of torch as it was found."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def out_of_fold(model: Any, X: np.ndarray, given: np.ndarray, seed: int) -> np.ndarray:
    """Probabilities by models that never saw the row.

    Parameters
    ----------
    model : classifier
        What is trained, five times.
    X, given : ndarray of shape (n, ...), ndarray of int of shape (n,)
        Rows and the labels that they carry.
    seed : int
        Of the folds and of the networks.

    Returns
    -------
    ndarray of shape (n, n_classes)
        Probabilities.
    """
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    with seeded(seed):
        return cross_val_predict(model, X, given, cv=folds, method="predict_proba")


def accuracy(data: Data, given: np.ndarray, keep: np.ndarray, seed: int) -> float:
    """Train the network on part of the rows, and judge it on the test data.

    Parameters
    ----------
    data : Data
        Rows to train on, and to test on.
    given : ndarray of int of shape (n,)
        Labels to train with.
    keep : ndarray of shape (n,), bool
        What to train on.
    seed : int
        Of the network; where it is the same, networks begin with the same weights.

    Returns
    -------
    float
        Share of the test data that it is right about.
    """
    net = make_net(data.X, int(data.y.max()) + 1)
    with seeded(seed):
        net.fit(data.X[keep], given[keep])
        return float((net.predict(data.X_test) == data.y_test).mean())
