"""Snapshots hold all that a net trains, and leave out what is no array."""

import numpy as np
import torch
from numpy.testing import assert_allclose
from skorch import NeuralNetClassifier

from sklearn_difficulty.recording import record, replay

NAMES = np.array(["r", "s", "t"])


class TemperedLoss(torch.nn.Module):
    """Cross-entropy with a temperature that is learnt along with the module."""

    def __init__(self):
        super().__init__()
        self.log_temperature = torch.nn.Parameter(torch.zeros(()))

    def forward(self, outputs, y):
        logits = outputs / self.log_temperature.exp()
        losses = -logits.log_softmax(1).gather(1, y[:, None]).squeeze(1)
        return (losses + self.log_temperature**2).mean()


class TwoModules(NeuralNetClassifier):
    """A net whose outputs go through a second module."""

    def initialize_module(self):
        super().initialize_module()
        self.head_ = torch.nn.Linear(3, 3)
        return self

    def infer(self, x, **fit_params):
        return self.head_(super().infer(x, **fit_params))


class WithExtraState(torch.nn.Linear):
    """A module that keeps a note in its state."""

    def get_extra_state(self):
        return {"note": "no tensor"}

    def set_extra_state(self, state):
        self.note = state["note"]


def replayed_and_recorded(net, table):
    recording = record(net, *table, classes=NAMES, random_state=0, snapshots="all")
    return replay(recording, *table).loss, recording.trajectory.loss


def params(**changed):
    defaults = {
        "module": torch.nn.Linear,
        "module__in_features": 4,
        "module__out_features": 3,
        "criterion": torch.nn.CrossEntropyLoss,
        "lr": 0.5,
        "max_epochs": 4,
        "train_split": None,
        "verbose": 0,
    }
    return defaults | changed


def test_criterion_with_parameters(table):
    net = NeuralNetClassifier(**params(criterion=TemperedLoss))
    replayed, recorded = replayed_and_recorded(net, table)
    assert_allclose(replayed, recorded, rtol=1e-5, atol=1e-6)
    assert abs(recorded[0, 0] - recorded[0, -1]).max() > 0.01


def test_two_modules(table):
    replayed, recorded = replayed_and_recorded(TwoModules(**params()), table)
    assert_allclose(replayed, recorded, rtol=1e-5, atol=1e-6)


def test_extra_state(table):
    net = NeuralNetClassifier(**params(module=WithExtraState))
    replayed, recorded = replayed_and_recorded(net, table)
    assert_allclose(replayed, recorded, rtol=1e-5, atol=1e-6)


class SlashInAName(torch.nn.Module):
    """A module with a part whose name could be taken for a prefix."""

    def __init__(self):
        super().__init__()
        self.parts = torch.nn.ModuleDict({"a/b": torch.nn.Linear(4, 3)})

    def forward(self, X):
        return self.parts["a/b"](X)


def test_slash_in_a_name(table):
    changed = params(module=SlashInAName, criterion=TemperedLoss)
    plain = {k: v for k, v in changed.items() if not k.startswith("module__")}
    replayed, recorded = replayed_and_recorded(NeuralNetClassifier(**plain), table)
    assert_allclose(replayed, recorded, rtol=1e-5, atol=1e-6)
