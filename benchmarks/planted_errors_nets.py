"""What ``planted_errors.py`` trains, and how it reads rankings off a training."""

import ast
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from planted_errors_data import EXAMPLES, KNOWN_WORDS, PADDING, UNKNOWN
from sklearn.model_selection import KFold

from sklearn_difficulty import (
    DifficultyScorer,
    TrackedNet,
    TrackedNetClassifier,
    TrackedNetRegressor,
)
from sklearn_difficulty.recording import default_net
from sklearn_difficulty.scores import SCORES

Found = dict[str, np.ndarray]

PATH_SCORES = ("action", "final_loss", "loss_variance")


class Effort(NamedTuple):
    """How much is trained: no more epochs than these, and so many of the others."""

    epochs: int
    trees: int
    runs: int
    folds: int
    resamplings: int


FULL = Effort(epochs=1000, trees=100, runs=20, folds=5, resamplings=5)
QUICK = Effort(epochs=2, trees=12, runs=3, folds=2, resamplings=1)

_ADAM = {
    "optimizer": torch.optim.Adam,
    "iterator_train__shuffle": True,
    "train_split": None,
    "verbose": 0,
    "device": "cpu",
}


def regression_net(effort: Effort) -> TrackedNetRegressor:
    """Make the default network's regressor, for 20 epochs in batches of 128."""
    epochs = min(20, effort.epochs)
    return TrackedNetRegressor(lr=1e-3, batch_size=128, max_epochs=epochs, **_ADAM)


def decayed_label_net(n_rows: int, effort: Effort) -> TrackedNet:
    """Make the default network for label sets, with a weight decay of 1 and 30 epochs."""
    net = default_net(TrackedNet, n_rows)
    decay = {"optimizer": torch.optim.AdamW, "optimizer__weight_decay": 1.0}
    return net.set_params(max_epochs=min(30, effort.epochs), device="cpu", **decay)


class Layers(torch.nn.Module):
    """Linear layers with rectified units between them, and a function after the last one.

    Parameters
    ----------
    sizes : tuple of int
        Numbers in and out of each layer.
    last : torch module class
        What the outputs go through.
    """

    def __init__(self, sizes: tuple[int, ...], last: type = torch.nn.Identity) -> None:
        super().__init__()
        layers: list[torch.nn.Module] = []
        for n_in, n_out in pairwise(sizes):
            layers += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU()]
        self.layers = torch.nn.Sequential(*layers[:-1], last())

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Outputs of shape (n, sizes[-1])."""
        return self.layers(X)


def autoencoder(n_pixels: int, effort: Effort) -> TrackedNet:
    """Make an autoencoder with a code of 32 numbers, for 10 epochs in batches of 128."""
    return TrackedNet(
        Layers,
        torch.nn.MSELoss,
        module__sizes=(n_pixels, 128, 32, 128, n_pixels),
        module__last=torch.nn.Sigmoid,
        lr=1e-3,
        batch_size=128,
        max_epochs=min(10, effort.epochs),
        **_ADAM,
    )


def word_net(n_words: int, effort: Effort) -> TrackedNetClassifier:
    """Make a network of 64 hidden units on weights of words, for 10 epochs in batches of 64."""
    return _text_net(Layers, effort, lr=1e-3, module__sizes=(n_words, 64, 2))


class WordBag(torch.nn.Module):
    """The mean of a message's word vectors, and two logits of it."""

    def __init__(self, size: int = 32) -> None:
        super().__init__()
        n_ids = KNOWN_WORDS + UNKNOWN + 1
        self.words = torch.nn.EmbeddingBag(n_ids, size, mode="mean", padding_idx=PADDING)
        self.output = torch.nn.Linear(size, 2)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Logits of shape (n, 2) of word numbers of shape (n, length)."""
        return self.output(self.words(ids))


def id_net(effort: Effort) -> TrackedNetClassifier:
    """Make a network of word vectors, for 10 epochs in batches of 64."""
    return _text_net(WordBag, effort, lr=1e-2)


def _text_net(module: type, effort: Effort, **params: Any) -> TrackedNetClassifier:
    return TrackedNetClassifier(
        module,
        criterion=torch.nn.CrossEntropyLoss,
        batch_size=64,
        max_epochs=min(10, effort.epochs),
        **_ADAM,
        **params,
    )


def example_net(file: str, effort: Effort, **names: Any) -> TrackedNet:
    """Make the network of a gallery's example, with the settings that stand there.

    Parameters
    ----------
    file : str
        Name of the script, which trains and draws when it runs: its ``net = ...`` alone is read.
    effort : Effort
        With the most epochs.
    **names : objects
        What that line calls by name.
    """
    script = ast.parse((EXAMPLES / file).read_text("utf-8"))
    [call] = [
        line.value
        for line in script.body
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "net"
    ]
    known = {"TrackedNet": TrackedNet, "torch": torch, **names}
    net = eval(compile(ast.Expression(call), file, "eval"), known)
    return net.set_params(max_epochs=min(net.max_epochs, effort.epochs))


def folds(effort: Effort, seed: int) -> KFold:
    """Shuffled folds, since rows of a kind may lie together."""
    return KFold(effort.folds, shuffle=True, random_state=seed)


def trained(
    learner: str,
    estimator: Any,
    X: Any,
    y: Any,
    seed: int,
    scores: Sequence[Any] = PATH_SCORES,
    **options: Any,
) -> tuple[DifficultyScorer, Found]:
    """Train once, and read scores off it.

    Parameters
    ----------
    learner : str
        What the rankings are called by, besides their score.
    estimator, X, y, seed, scores, **options : objects
        As :class:`DifficultyScorer` takes them; a score may be a function.

    Returns
    -------
    scorer : DifficultyScorer
        Fitted.
    found : dict
        Method -> ndarray of shape (n,); higher is harder.
    """
    scorer = DifficultyScorer(estimator, score=list(scores), random_state=seed, **options)
    scorer.fit(X, y)
    found = {}
    # Not looked up by X, where copies of a row with other targets would share their mean.
    for score, column in zip(scores, scorer.scores_.T, strict=True):
        name = score if isinstance(score, str) else score.__name__
        easier = name in SCORES and not SCORES[name].higher_is_harder
        found[f"{learner}, {name.replace('_', ' ')}"] = -column if easier else column
    return scorer, found
