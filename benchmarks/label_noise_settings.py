"""What ``label_noise.py`` measures: the scores, the data and their errors, the networks.

The reference figures that its results are compared with stand here too.
"""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from skorch import NeuralNetClassifier

from sklearn_difficulty.datasets import confuse_labels, flip_labels
from sklearn_difficulty.scores import SCORES

FASHION_FILE = "fashion_mnist_12k.npz"

AP, PRECISION, AUROC = METRICS = ("average precision", "precision at the noise rate", "AUROC")

# T-shirt and shirt, pullover and coat, sandal to sneaker to ankle boot to sandal, dress to T-shirt,
# trousers to dress; bags are mistaken for nothing.
PAIRS = {0: 6, 6: 0, 2: 4, 4: 2, 5: 7, 7: 9, 9: 5, 3: 0, 1: 3}


class Row(NamedTuple):
    """A row of the tables: a score and the trainings that it is read off.

    Attributes
    ----------
    score : str
        Name in ``SCORES``.
    params : mapping
        Options of the score.
    n_runs : int
        Independent trainings.
    cv : int or None
        Folds that are held out, to judge each image by a model that never saw it.
    """

    score: str
    params: Mapping[str, Any] = {}
    n_runs: int = 1
    cv: int | None = None


VARIANTS = {
    "action, 3 runs": Row("action", n_runs=3),
    "action, 20 runs": Row("action", n_runs=20),
    "action, out of fold": Row("action", cv=5),
    "aum, proba": Row("aum", {"proba": True}),
    "el2n, first step": Row("el2n", {"steps": 0}),
    "vog, late": Row("vog", {"steps": slice(-3, None)}),
}


def all_rows() -> dict[str, Row]:
    """Every score of the package with its defaults, each followed by its variants."""
    rows = {}
    for name, entry in SCORES.items():
        runs = "" if entry.default_runs == 1 else f", {entry.default_runs} runs"
        rows[f"{name}{runs}"] = Row(name, n_runs=entry.default_runs)
        rows |= {label: row for label, row in VARIANTS.items() if row.score == name}
    return rows


ROWS = all_rows()


# Figures measured for comparison with the same kind of net and the same protocol, by code written
# apart from the package, on other images and other draws of the errors; means of up to three seeds.
# How that net began is not written down: most likely like scikit-learn's.
TOLERANCE = 0.02
Figures = Mapping[str, Mapping[str, float]]
UNIFORM_20: Figures = {
    "action": {AP: 0.952, PRECISION: 0.896},
    "action, 3 runs": {AP: 0.955, PRECISION: 0.898},
    "final_loss": {AP: 0.929, PRECISION: 0.862},
    "aum": {AP: 0.952, PRECISION: 0.889},
    "aum, proba": {AP: 0.931, PRECISION: 0.863},
    "forgetting": {AUROC: 0.960},
    "el2n": {AP: 0.944, PRECISION: 0.888},
    "correctness": {AP: 0.837, PRECISION: 0.852},
}
PAIRS_20: Figures = {
    "action": {AP: 0.596, PRECISION: 0.644},
    "action, 3 runs": {AP: 0.601, PRECISION: 0.649},
    "final_loss": {AP: 0.569, PRECISION: 0.605},
    "aum": {AP: 0.667, PRECISION: 0.705},
    "aum, proba": {AP: 0.763, PRECISION: 0.719},
    "el2n": {AP: 0.723, PRECISION: 0.699},
    "correctness": {AP: 0.680, PRECISION: 0.702},
}
UNIFORM_40: Figures = {
    "action": {AP: 0.973, PRECISION: 0.923},
    "action, 3 runs": {AP: 0.975, PRECISION: 0.925},
    "final_loss": {AP: 0.953, PRECISION: 0.894},
    "aum": {AP: 0.972, PRECISION: 0.921},
    "aum, proba": {AP: 0.960, PRECISION: 0.911},
    "el2n": {AP: 0.970, PRECISION: 0.925},
    "correctness": {AP: 0.921, PRECISION: 0.919},
}


class Setting(NamedTuple):
    """What is trained on what.

    Attributes
    ----------
    title : str
        In words, for the report.
    load : callable
        Takes the data folder and gives X and y.
    plant : callable
        Takes y and ``random_state``, and gives the labels with errors and where they are wrong.
    net : callable
        Makes the estimator; None is the default network.
    reference : mapping
        Row -> metric -> figure to compare with.
    rows : mapping of str to Row
        What is measured.
    """

    title: str
    load: Callable[[Path], tuple[np.ndarray, np.ndarray]]
    plant: Callable[..., tuple[np.ndarray, np.ndarray]]
    net: Callable[[], Any]
    reference: Mapping[str, Mapping[str, float]] = {}
    rows: Mapping[str, Row] = ROWS


class MLP(torch.nn.Module):
    """One hidden layer of 128 rectified units, from 784 pixels to 10 logits."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)
        )

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Logits of shape (n, 10)."""
        return self.layers(X)


def mlp_128() -> NeuralNetClassifier:
    """Make the network for Fashion-MNIST: Adam, batches of 128, 15 epochs."""
    return NeuralNetClassifier(
        MLP,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        batch_size=128,
        max_epochs=15,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )


def sklearn_mlp_128() -> MLPClassifier:
    """Make the same network as scikit-learn has it, whose weights start out larger."""
    # The tolerance would stop it early.
    return MLPClassifier(
        (128,), batch_size=128, max_iter=15, tol=0.0, n_iter_no_change=15, learning_rate_init=1e-3
    )


def load_fashion(data_dir: Path) -> tuple[np.ndarray, np.ndarray]:
    """Load the 10,000 training images, pixels in [0, 1].

    Raises
    ------
    FileNotFoundError
        If they are not in the folder.
    """
    file = data_dir / FASHION_FILE
    if not file.is_file():
        raise FileNotFoundError(
            f"the folder {os.path.relpath(data_dir)} does not hold {FASHION_FILE}. "
            "Name the folder that does with --data-dir."
        )
    with np.load(file) as arrays:
        X, y = arrays["train_X"], arrays["train_y"]
    return (X.reshape(len(X), -1) / 255).astype(np.float32), y.astype(np.int64)


_ERRORS: dict[str, tuple[str, Callable[..., Any], Figures]] = {
    "uniform-20": ("20 % wrong labels", partial(flip_labels, rate=0.2), UNIFORM_20),
    "pairs": (
        "18 % wrong labels (20 % of nine classes taken for a similar one)",
        partial(confuse_labels, confusions=PAIRS, rate=0.2),
        PAIRS_20,
    ),
    "uniform-40": ("40 % wrong labels", partial(flip_labels, rate=0.4), UNIFORM_40),
}

SETTINGS = {
    "digits": Setting(
        "scikit-learn's digits, 1797 rows, 10 % wrong labels, default network",
        lambda data_dir: load_digits(return_X_y=True),
        partial(flip_labels, rate=0.1),
        lambda: None,
    )
}
for _name, (_wrong, _plant, _figures) in _ERRORS.items():
    SETTINGS[f"fashion-{_name}"] = Setting(
        f"Fashion-MNIST, 10000 rows, {_wrong}, MLP-128, 15 epochs of Adam, batch 128",
        load_fashion,
        _plant,
        mlp_128,
        _figures,
    )
for _name, (_wrong, _plant, _figures) in _ERRORS.items():
    SETTINGS[f"sklearn-{_name}"] = Setting(
        f"Fashion-MNIST, 10000 rows, {_wrong}, scikit-learn's MLPClassifier, else the same",
        load_fashion,
        _plant,
        sklearn_mlp_128,
        _figures,
        {label: ROWS[label] for label in _figures},
    )
ALIASES = {"fashion": "fashion-uniform-20"}
