"""Classes along the first axis say the same as along the last one."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from skorch import NeuralNetClassifier

from sklearn_difficulty.recording import _losses, _outputs
from sklearn_difficulty.recording._few_classes import ByClass, argmax_by_class, has_loss_by_class
from sklearn_difficulty.recording._losses import row_losses


def batch(n_rows, n_classes, scale=3.0):
    generator = torch.Generator().manual_seed(n_rows)
    scores = scale * torch.randn(n_rows, n_classes, generator=generator)
    return scores, torch.randint(n_classes, (n_rows,), generator=generator)


@pytest.mark.parametrize("n_rows", [0, 1, 63, 64, 65, 128])
def test_rows_are_filled_up(n_rows):
    scores, y = batch(n_rows, 3)
    by_class = ByClass(scores, y)
    assert by_class.n_rows == n_rows
    assert by_class.scores.shape == by_class.log_proba.shape == (3, len(by_class.y))
    assert len(by_class.y) > n_rows
    assert len(by_class.y) % 64 == 0
    assert torch.equal(by_class.scores[:, :n_rows].T, scores)
    assert torch.equal(by_class.y[:n_rows], y)
    assert not by_class.scores[:, n_rows:].any()
    assert not by_class.y[n_rows:].any()


@pytest.mark.parametrize("n_classes", [1, 2, 5, 32])
def test_the_first_of_the_largest(n_classes):
    scores = batch(500, n_classes)[0].round()  # of which many are the same
    assert torch.equal(argmax_by_class(scores.T), scores.max(dim=1).indices)
    scores[::7, -1], scores[3] = torch.inf, -torch.inf
    assert torch.equal(argmax_by_class(scores.T), scores.max(dim=1).indices)
    scores[::5, 0] = torch.nan
    assert torch.equal(argmax_by_class(scores.T), scores.max(dim=1).indices)


@pytest.mark.parametrize("n_rows", [1, 2, 13, 64, 127, 1001])
@pytest.mark.parametrize("n_classes", [2, 4, 7])
@pytest.mark.parametrize("options", [{}, {"ignore_index": 1}, {"weight": torch.ones(7)}], ids=str)
def test_losses_are_the_same_bits(n_rows, n_classes, options):
    scores, y = batch(n_rows, n_classes)
    criterion = torch.nn.CrossEntropyLoss(**options)
    assert has_loss_by_class(criterion, scores, y)
    options = {name: value for name, value in options.items() if name != "weight"}
    expected = torch.nn.CrossEntropyLoss(reduction="none", **options)(scores, y)
    assert torch.equal(ByClass(scores, y).cross_entropy(criterion.ignore_index), expected)


def test_losses_of_more_classes():
    scores, y = batch(1001, 15)
    criterion = torch.nn.CrossEntropyLoss(reduction="none")
    ours = ByClass(scores, y).cross_entropy(criterion.ignore_index)
    assert_allclose(ours, criterion(scores, y), rtol=1e-6, atol=1e-6)


class Own(torch.nn.CrossEntropyLoss):
    pass


def test_what_is_left_to_the_criterion():
    scores, y = batch(20, 3)
    criterion = torch.nn.CrossEntropyLoss()
    assert has_loss_by_class(criterion, scores, y)
    assert not has_loss_by_class(Own(), scores, y)
    assert not has_loss_by_class(torch.nn.CrossEntropyLoss(label_smoothing=0.1), scores, y)
    assert not has_loss_by_class(torch.nn.NLLLoss(), scores, y)
    assert not has_loss_by_class(criterion, scores.double(), y)
    assert not has_loss_by_class(criterion, (scores, scores), y)
    assert not has_loss_by_class(criterion, scores, scores.softmax(1))
    assert not has_loss_by_class(criterion, scores.reshape(5, 3, 4), y.reshape(5, 4))
    assert not has_loss_by_class(criterion, scores[0], y[0])
    assert not has_loss_by_class(criterion, *batch(20, 40))
    hooked = torch.nn.CrossEntropyLoss()
    hooked.register_forward_hook(lambda module, given, loss: loss)
    assert not has_loss_by_class(hooked, scores, y)
    replaced = torch.nn.CrossEntropyLoss()
    replaced.forward = replaced.forward
    assert not has_loss_by_class(replaced, scores, y)


def test_labels_that_are_none_are_told():
    scores, y = batch(20, 3)
    with pytest.raises(IndexError, match="out of bounds"):
        ByClass(scores, y + 1).cross_entropy(-100)


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
    ours = row_losses(net, *batch(n_rows, 3))
    assert ours.scores is not None
    monkeypatch.setattr(_losses, "has_loss_by_class", lambda *args: False)
    theirs = row_losses(net, *batch(n_rows, 3))
    assert theirs.scores is None
    assert torch.equal(ours.loss, theirs.loss)
    assert ours.components == theirs.components == {}
    assert ours.elements is theirs.elements is ours.is_empty is theirs.is_empty is None
    kinds = [
        _outputs.batch_records(*batch(n_rows, 3), losses, "logits", None)[0]
        for losses in (ours, theirs)
    ]
    assert kinds[0].keys() == kinds[1].keys()
    assert all(map(torch.equal, kinds[0].values(), kinds[1].values()))


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
