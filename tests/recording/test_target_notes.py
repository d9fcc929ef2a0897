"""Targets are noted as they come, and told from rows that are their own targets."""

import numpy as np
import torch
from numpy.testing import assert_array_equal
from skorch import NeuralNet
from skorch.dataset import Dataset

from sklearn_difficulty.recording._inputs import CastDataset
from sklearn_difficulty.recording._target_notes import TargetNotes, targets_held

X = np.arange(12, dtype=np.float32).reshape(4, 3)


def test_targets_come_in_any_order():
    notes = TargetNotes(Dataset(X, np.array([5.0, 6.0, 7.0, 8.0])))
    notes.note(None, np.array([3, 0]), torch.tensor([8.0, 5.0]), "values", 1)
    notes.note_missing(None, Dataset(X, np.array([5.0, 6.0, 7.0, 8.0])), "values")
    assert_array_equal(notes.y, [5, 6, 7, 8])
    assert notes.classes is None


def test_class_numbers_have_classes():
    net = NeuralNet(torch.nn.Linear, torch.nn.CrossEntropyLoss)
    notes = TargetNotes(Dataset(X, np.array([0, 2, 1, 0])))
    notes.note(net, np.arange(4), torch.tensor([0, 2, 1, 0]), "logits", 3)
    assert notes.y.dtype == np.int64
    assert_array_equal(notes.classes, [0, 1, 2])


def test_labels_of_which_there_may_be_several_have_none():
    notes = TargetNotes(Dataset(X, np.eye(4, 2, dtype=np.float32)))
    notes.note(None, np.arange(4), torch.eye(4, 2), "label_logits", 2)
    assert notes.y.dtype == np.int64
    assert_array_equal(notes.y, np.eye(4, 2))
    assert notes.classes is None


def test_rows_are_not_noted_as_targets():
    own = [Dataset(X, X), CastDataset(X, None, np.dtype(np.float64), are_targets=True)]
    for dataset in own:
        assert targets_held(dataset) is None
        notes = TargetNotes(dataset)
        notes.note(None, np.arange(4), torch.as_tensor(X), "values", 3)
        assert notes.y is None
        assert notes.are_of(dataset)
        assert not notes.are_of(Dataset(X[:3], X[:3]))


def test_lists_are_not_noted():
    boxes = np.empty(4, dtype=object)
    for row in range(4):
        boxes[row] = np.ones((row, 5))
    notes = TargetNotes(Dataset(X, boxes))
    notes.note(None, np.arange(4), list(boxes), "values", 3)
    assert notes.y is None


def test_other_targets_are_other_rows():
    y = np.array([0.0, np.nan, 1.0, 1.0])
    notes = TargetNotes(Dataset(X, y))
    assert notes.are_of(Dataset(X + 1, y.copy()))
    assert not notes.are_of(Dataset(X, y[::-1].copy()))


def test_what_a_caller_knows_is_not_noted():
    notes = TargetNotes(Dataset(X, np.arange(4)), wanted=False)
    notes.note(None, np.arange(4), torch.arange(4), "logits", 4)
    assert notes.y is None
