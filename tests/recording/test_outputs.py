"""What outputs say of a row: numbers known by hand."""

from math import exp, log

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from skorch import NeuralNet, NeuralNetBinaryClassifier, NeuralNetClassifier, NeuralNetRegressor

from sklearn_difficulty.recording._outputs import (
    check_probabilities,
    class_records,
    class_scores,
    first_output,
    output_kind,
)

PROBA = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]])


def net_with(kind, criterion):
    return kind(
        torch.nn.Linear,
        criterion=criterion,
        module__in_features=1,
        module__out_features=1,
        verbose=0,
    ).initialize()


class OwnCriterion(torch.nn.Module):
    def forward(self, outputs, y):
        return outputs.mean()


class OwnCrossEntropy(torch.nn.CrossEntropyLoss):
    pass


@pytest.mark.parametrize(
    ("kind", "criterion", "outputs", "expected"),
    [
        (NeuralNetClassifier, torch.nn.CrossEntropyLoss, PROBA, "logits"),
        (NeuralNetClassifier, OwnCrossEntropy, PROBA, "logits"),
        (NeuralNet, torch.nn.CrossEntropyLoss, PROBA, "logits"),
        (NeuralNetClassifier, torch.nn.NLLLoss, PROBA, "proba"),
        (NeuralNet, torch.nn.NLLLoss, PROBA.log(), "log_proba"),
        (NeuralNetClassifier, OwnCriterion, PROBA, "proba"),
        (NeuralNetClassifier, OwnCriterion, PROBA.log(), "log_proba"),
        (NeuralNetClassifier, OwnCriterion, PROBA * 3, "logits"),
        (NeuralNetClassifier, OwnCriterion, PROBA[:, :1], "values"),
        (NeuralNetClassifier, OwnCriterion, PROBA[:, 0], "values"),
        (NeuralNetBinaryClassifier, torch.nn.BCEWithLogitsLoss, PROBA[:, 0], "binary_logits"),
        (NeuralNet, torch.nn.BCEWithLogitsLoss, PROBA[:, :1], "binary_logits"),
        (NeuralNet, torch.nn.BCELoss, PROBA[:, :1], "binary_proba"),
        (NeuralNet, torch.nn.BCEWithLogitsLoss, PROBA, "values"),  # several labels
        (NeuralNet, torch.nn.MSELoss, PROBA, "values"),
        (NeuralNetRegressor, torch.nn.MSELoss, PROBA[:, :1], "values"),
    ],
)
def test_kind(kind, criterion, outputs, expected):
    net = net_with(kind, criterion)
    assert output_kind(net, outputs) == expected
    assert output_kind(net, (outputs, "hidden state")) == expected
    assert first_output((outputs, "hidden state")) is outputs


def test_scores_of_each_kind():
    assert torch.equal(class_scores(PROBA, "logits"), PROBA)
    assert torch.equal(class_scores(PROBA, "log_proba"), PROBA)
    assert_allclose(class_scores(PROBA, "proba"), PROBA.log(), rtol=1e-6)
    logits = torch.tensor([[2.0], [-1.0]])
    expected = [[0.0, 2.0], [0.0, -1.0]]
    assert class_scores(logits, "binary_logits").tolist() == expected
    assert class_scores(logits.ravel(), "binary_logits").tolist() == expected
    assert_allclose(class_scores(logits.sigmoid(), "binary_proba"), expected, rtol=1e-5)


def test_scores_stay_finite():
    certain = torch.tensor([[0.0, 1.0]])
    assert torch.isfinite(class_scores(certain, "proba")).all()
    assert torch.isfinite(class_scores(certain[:, :1], "binary_proba")).all()
    records = class_records(class_scores(certain, "proba"), torch.tensor([0]))
    assert all(torch.isfinite(value.float()).all() for value in records.values())


def test_records_by_hand():
    scores = torch.tensor([[2.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 5.0, 3.0]])
    records = class_records(scores, torch.tensor([0, 1, 0]))
    total, other = exp(2) + exp(1) + 1, exp(1) + exp(5) + exp(3)
    assert records["margin"].tolist() == [1.0, 0.0, -4.0]
    assert records["prediction"].tolist() == [0, 0, 1]
    assert_allclose(records["proba"], [exp(2) / total, 1 / 3, exp(1) / other], rtol=1e-5)
    assert_allclose(records["entropy"][1], log(3), rtol=1e-6)
    first = np.array([exp(2), exp(1), 1]) / total
    assert_allclose(records["entropy"][0], -(first * np.log(first)).sum(), rtol=1e-6)
    assert_allclose(records["el2n"][1], (6 / 9) ** 0.5, rtol=1e-6)
    assert_allclose(records["el2n"][0], np.linalg.norm(first - [1, 0, 0]), rtol=1e-5)


def test_logits_and_their_log_probabilities_give_the_same_records():
    scores, y = torch.randn(20, 4, generator=torch.Generator().manual_seed(0)), torch.arange(20) % 4
    ours, theirs = class_records(scores, y), class_records(scores.log_softmax(1), y)
    for name in ours:
        assert_allclose(ours[name], theirs[name], atol=1e-5)


def test_records_under_float_labels():
    records = class_records(torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0]]))
    assert records["margin"].tolist() == [2.0]


@pytest.mark.parametrize(
    "outputs",
    [torch.tensor([[2.0, -1.0]]), torch.tensor([[0.2, 0.2]]), PROBA.log()],
    ids=["logits", "no sum", "log-probabilities"],
)
def test_outputs_that_are_no_probabilities(outputs):
    net = net_with(NeuralNetClassifier, torch.nn.NLLLoss)
    with pytest.raises(ValueError, match=r"NLLLoss needs .* softmax, or pass criterion="):
        check_probabilities(net, outputs)


def test_outputs_that_may_be_probabilities():
    net = net_with(NeuralNetClassifier, torch.nn.NLLLoss)
    check_probabilities(net, PROBA)
    check_probabilities(net, (PROBA, "hidden state"))
    # reported as a loss that is not finite, with its epoch
    check_probabilities(net, torch.full((2, 3), torch.nan))
    check_probabilities(net_with(NeuralNet, torch.nn.NLLLoss), PROBA.log())
    check_probabilities(net_with(NeuralNetClassifier, torch.nn.CrossEntropyLoss), PROBA * 5)
