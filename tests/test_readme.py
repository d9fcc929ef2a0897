"""The README's Python runs as it stands, given a net, data and the names it mentions."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier

import sklearn_difficulty

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


class Module(torch.nn.Module):
    """Probabilities of ten digits."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(64, 16),
            torch.nn.ReLU(),
            torch.nn.Linear(16, 10),
            torch.nn.Softmax(dim=1),
        )

    def forward(self, X):
        return self.layers(X)


def test_there_are_examples():
    assert len(BLOCKS) >= 4


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[0])
def test_block_runs(block, digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X, y = digits
    names = {name: getattr(sklearn_difficulty, name) for name in sklearn_difficulty.__all__}
    names |= {
        "GridSearchCV": GridSearchCV,
        "LogisticRegression": LogisticRegression,
        "Module": Module,
        "NeuralNetClassifier": NeuralNetClassifier,
        "StandardScaler": StandardScaler,
        "cross_val_score": cross_val_score,
        "make_pipeline": make_pipeline,
        "net": NeuralNetClassifier(
            Module,
            max_epochs=20,
            lr=0.01,
            optimizer=torch.optim.Adam,
            train_split=None,
            verbose=0,
            iterator_train__shuffle=True,
        ),
        "X": X,
        "y": y,
    }
    # The examples leave random_state out, which takes its seeds from NumPy's generator then.
    state = np.random.get_state()
    np.random.seed(0)
    try:
        exec(block, names)
    finally:
        np.random.set_state(state)
