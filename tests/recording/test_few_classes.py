"""Classes along the first axis say the same as along the last one."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from skorch import NeuralNetClassifier

from sklearn_difficulty.recording import _losses, _outputs
from sklearn_difficulty.recording._few_classes import (
    argmax_by_class,
    by_class,
    cross_entropy_by_class,
    filled_up,
    is_cross_entropy_by_class,
)
from sklearn_difficulty.recording._losses import per_sample_losses


def batch(n_rows, n_classes, scale=3.0):
    generator = torch.Generator().manual_seed(n_rows)
    scores = scale * torch.randn(n_rows, n_classes, generator=generator)
    return scores, torch.randint(n_classes, (n_rows,), generator=generator)


@pytest.mark.parametrize("n_rows", [0, 1, 63, 64, 65, 128])
def test_rows_are_filled_up(n_rows):
    scores, y = batch(n_rows, 3)
    turned, labels = by_class(scores), filled_up(y)
    assert turned.shape == (3, len(labels))
    assert len(labels) > n_rows
    assert len(labels) % 64 == 0
    assert torch.equal(turned[:, :n_rows].T, scores)
    assert torch.equal(labels[:n_rows], y)
    assert not turned[:, n_rows:].any()
    assert not labels[n_rows:].any()


@pytest.mark.parametrize("n_classes", [1, 2, 5, 32])
def test_the_first_of_the_largest(n_classes):
    scores = batch(500, n_classes)[0].round()  # of which many are the same
    assert torch.equal(argmax_by_class(scores.T).long(), scores.max(dim=1).indices)
    scores[::7, -1], scores[3] = torch.inf, -torch.inf
    assert torch.equal(argmax_by_class(scores.T).long(), scores.max(dim=1).indices)
    scores[::5, 0] = torch.nan
    assert torch.equal(argmax_by_class(scores.T).long(), scores.max(dim=1).indices)


@pytest.mark.parametrize("n_rows", [1, 2, 13, 64, 127, 1001])
@pytest.mark.parametrize("n_classes", [2, 4, 7])
@pytest.mark.parametrize("options", [{}, {"ignore_index": 1}, {"weight": torch.ones(7)}], ids=str)
def test_losses_are_the_same_bits(n_rows, n_classes, options):
    scores, y = batch(n_rows, n_classes)
    criterion = torch.nn.CrossEntropyLoss(**options)
    assert is_cross_entropy_by_class(criterion, scores, y)
    options = {name: value for name, value in options.items() if name != "weight"}
    expected = torch.nn.CrossEntropyLoss(reduction="none", **options)(scores, y)
    assert torch.equal(cross_entropy_by_class(criterion, scores, y), expected)


def test_losses_of_more_classes():
    scores, y = batch(1001, 15)
    criterion = torch.nn.CrossEntropyLoss(reduction="none")
    ours = cross_entropy_by_class(criterion, scores, y)
    assert_allclose(ours, criterion(scores, y), rtol=1e-6, atol=1e-6)


class Own(torch.nn.CrossEntropyLoss):
    pass


def test_what_is_left_to_the_criterion():
    scores, y = batch(20, 3)
    criterion = torch.nn.CrossEntropyLoss()
    assert is_cross_entropy_by_class(criterion, scores, y)
    assert not is_cross_entropy_by_class(Own(), scores, y)
    assert not is_cross_entropy_by_class(torch.nn.CrossEntropyLoss(label_smoothing=0.1), scores, y)
    assert not is_cross_entropy_by_class(torch.nn.NLLLoss(), scores, y)
    assert not is_cross_entropy_by_class(criterion, scores.double(), y)
    assert not is_cross_entropy_by_class(criterion, (scores, scores), y)
    assert not is_cross_entropy_by_class(criterion, scores, scores.softmax(1))
    assert not is_cross_entropy_by_class(criterion, scores.reshape(5, 3, 4), y.reshape(5, 4))
    assert not is_cross_entropy_by_class(criterion, scores[0], y[0])
    assert not is_cross_entropy_by_class(criterion, *batch(20, 40))
    hooked = torch.nn.CrossEntropyLoss()
    hooked.register_forward_hook(lambda module, given, loss: loss)
    assert not is_cross_entropy_by_class(hooked, scores, y)
    replaced = torch.nn.CrossEntropyLoss()
    replaced.forward = replaced.forward
    assert not is_cross_entropy_by_class(replaced, scores, y)


def test_labels_that_are_none_are_told():
    scores, y = batch(20, 3)
    with pytest.raises(IndexError, match="out of bounds"):
        cross_entropy_by_class(torch.nn.CrossEntropyLoss(), scores, y + 1)


@pytest.mark.parametrize("weight", [None, torch.tensor([1.0, 2.0, 0.5])])
@pytest.mark.parametrize("n_rows", [1, 61])
def test_a_net_has_the_losses_that_its_criterion_gives(weight, n_rows, monkeypatch):
    net = NeuralNetClassifier(
        torch.nn.Linear,
        criterion=torch.nn.CrossEntropyLoss,
        criterion__weight=weight,
        module__in_features=3,
        module__out_features=3,
    ).initialize()
    ours = per_sample_losses(net, *batch(n_rows, 3))
    monkeypatch.setattr(_losses, "is_cross_entropy_by_class", lambda *args: False)
    theirs = per_sample_losses(net, *batch(n_rows, 3))
    assert ours.keys() == theirs.keys()
    assert torch.equal(ours[""], theirs[""])


@pytest.mark.parametrize("columns", [None, np.array([0, 3, 4])])
@pytest.mark.parametrize("n_rows", [1, 61, 640])
def test_records_along_either_axis(columns, n_rows, monkeypatch):
    scores, y = batch(n_rows, 5)
    ours = _outputs.class_records(scores, y, columns)
    monkeypatch.setattr(_outputs, "MOST_CLASSES", 0)
    theirs = _outputs.class_records(scores, y, columns)
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert ours[name].shape == (n_rows,)
        assert_allclose(ours[name], theirs[name], rtol=2e-6, atol=2e-7, err_msg=name)


@pytest.mark.parametrize("most_classes", [0, 32])
def test_what_is_impossible_adds_no_entropy(most_classes, monkeypatch):
    monkeypatch.setattr(_outputs, "MOST_CLASSES", most_classes)
    scores = torch.tensor([[0.0, 0.0, -torch.inf], [0.0, -1e4, -1e4]])
    entropy = _outputs.class_records(scores, torch.tensor([0, 1]))["entropy"]
    assert_allclose(entropy, [np.log(2), 0.0], atol=1e-7)
