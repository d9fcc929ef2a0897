"""Losses of single rows, out of criteria that give one number for a batch."""

from math import exp, log, log1p

import pytest
import torch
from numpy.testing import assert_allclose
from skorch import NeuralNet, NeuralNetBinaryClassifier, NeuralNetClassifier

from sklearn_difficulty.exceptions import UnreducibleCriterionError
from sklearn_difficulty.recording._elements import flat_losses
from sklearn_difficulty.recording._losses import per_sample_losses, undisturbed, unwrapped
from sklearn_difficulty.recording._separable import check_separable, needs_one_by_one

LOGITS = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [3.0, 1.0, 2.0]])
LABELS = torch.tensor([0, 0, 2, 1])
# log-sum-exp of each row minus the logit of its label
CROSS_ENTROPY = [
    log(exp(2) + 2) - 2,
    log(exp(1) + 2),
    log(3),
    log(exp(3) + exp(1) + exp(2)) - 1,
]


def net_with(criterion, kind=NeuralNetClassifier, **params):
    """A net that is initialized: only its criterion and get_loss are used."""
    return kind(
        torch.nn.Linear,
        module__in_features=1,
        module__out_features=1,
        criterion=criterion,
        verbose=0,
        **params,
    ).initialize()


def whole_losses(net, y_pred, y_true, X=None, **options):
    """Losses of a criterion that has one, without a name."""
    [(name, losses)] = per_sample_losses(net, y_pred, y_true, X, **options).items()
    assert name == ""
    return losses


def losses_of(net, y_pred, y_true, X=None):
    one_by_one = check_separable(net, y_pred, y_true, X)
    return whole_losses(net, y_pred, y_true, X, one_by_one=one_by_one)


def reduced(net, y_pred, y_true):
    return float(net.get_loss(y_pred, y_true, X=None, training=False))


# -- criteria with a reduction ------------------------------------------------------------


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy(reduction):
    net = net_with(torch.nn.CrossEntropyLoss, criterion__reduction=reduction)
    losses = whole_losses(net, LOGITS, LABELS)
    assert_allclose(losses, CROSS_ENTROPY, rtol=1e-6)
    assert net.criterion_.reduction == reduction


def test_label_smoothing():
    # half the weight on the label, half spread over the three classes
    net = net_with(torch.nn.CrossEntropyLoss, criterion__label_smoothing=0.5)
    losses = losses_of(net, LOGITS[:2], LABELS[:2])
    first = 0.5 * (log(exp(2) + 2) - 2) + 0.5 * (log(exp(2) + 2) - 2 / 3)
    second = 0.5 * log(exp(1) + 2) + 0.5 * (log(exp(1) + 2) - 1 / 3)
    assert_allclose(losses, [first, second], rtol=1e-6)
    assert_allclose(losses.mean(), reduced(net, LOGITS[:2], LABELS[:2]), rtol=1e-6)


def test_class_weights_do_not_weigh_rows():
    weight = torch.tensor([1.0, 10.0, 100.0])
    net = net_with(torch.nn.CrossEntropyLoss, criterion__weight=weight)
    assert_allclose(losses_of(net, LOGITS, LABELS), CROSS_ENTROPY, rtol=1e-6)
    assert net.criterion_.weight is not None
    assert torch.equal(net.criterion_.weight, weight)


def test_negative_log_likelihood_of_probabilities():
    # 0.7 and 0.1 for the given labels; skorch adds the rounding unit of float32
    proba = torch.tensor([[0.7, 0.3], [0.9, 0.1]])
    net = net_with(torch.nn.NLLLoss)
    losses = losses_of(net, proba, torch.tensor([0, 1]))
    eps = 2.0**-23
    assert_allclose(losses, [-log(0.7 + eps), -log(0.1 + eps)], rtol=1e-6)
    certain = whole_losses(net, torch.tensor([[0.0, 1.0]]), torch.tensor([0]))
    assert_allclose(certain, [23 * log(2)], rtol=1e-6)


def test_negative_log_likelihood_of_log_probabilities():
    net = net_with(torch.nn.NLLLoss, NeuralNet)
    losses = losses_of(net, LOGITS.log_softmax(1), LABELS)
    assert_allclose(losses, CROSS_ENTROPY, rtol=1e-6)


def test_binary_cross_entropy_on_one_logit():
    net = net_with(torch.nn.BCEWithLogitsLoss, NeuralNetBinaryClassifier)
    losses = losses_of(net, torch.tensor([2.0, 2.0, 0.0]), torch.tensor([1.0, 0.0, 1.0]))
    assert_allclose(losses, [log1p(exp(-2)), log1p(exp(2)), log(2)], rtol=1e-6)


def test_weight_of_positives_does_not_weigh_rows():
    net = net_with(
        torch.nn.BCEWithLogitsLoss,
        NeuralNetBinaryClassifier,
        criterion__pos_weight=torch.tensor(9.0),
    )
    losses = losses_of(net, torch.tensor([2.0, 2.0]), torch.tensor([1.0, 0.0]))
    assert_allclose(losses, [log1p(exp(-2)), log1p(exp(2))], rtol=1e-6)
    assert float(net.criterion_.pos_weight) == 9.0


@pytest.mark.parametrize(("reduction", "expected"), [("mean", [2.5, 6.5]), ("sum", [5.0, 13.0])])
def test_squared_error_of_several_outputs(reduction, expected):
    net = net_with(torch.nn.MSELoss, NeuralNet, criterion__reduction=reduction)
    y_pred, y_true = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[0.0, 0], [1, 1]])
    elements = losses_of(net, y_pred, y_true)
    assert elements.tolist() == [[1.0, 4.0], [4.0, 9.0]]
    losses = flat_losses(elements, net.criterion_)
    assert losses.tolist() == expected
    total = losses.mean() if reduction == "mean" else losses.sum()
    assert_allclose(total, reduced(net, y_pred, y_true), rtol=1e-6)


def test_smooth_l1():
    net = net_with(torch.nn.SmoothL1Loss, NeuralNet)
    losses = losses_of(net, torch.tensor([[0.5], [3.0]]), torch.zeros(2, 1))
    assert flat_losses(losses, net.criterion_).tolist() == [0.125, 2.5]


def test_kullback_leibler_batchmean_is_a_sum_over_classes():
    net = net_with(torch.nn.KLDivLoss, NeuralNet, criterion__reduction="batchmean")
    target = torch.tensor([[0.5, 0.5], [1.0, 0.0]])
    log_proba = torch.tensor([[0.25, 0.75], [0.5, 0.5]]).log()
    losses = flat_losses(losses_of(net, log_proba, target), net.criterion_)
    assert_allclose(losses, [0.5 * log(2) + 0.5 * log(2 / 3), log(2)], rtol=1e-6)
    assert_allclose(losses.mean(), reduced(net, log_proba, target), rtol=1e-6)


def test_image_of_cross_entropies():
    net = net_with(torch.nn.CrossEntropyLoss, NeuralNet)
    y_pred, y_true = torch.zeros(2, 3, 4, 5), torch.zeros(2, 4, 5, dtype=torch.int64)
    losses = losses_of(net, y_pred, y_true)
    assert losses.shape == (2, 4, 5)
    assert_allclose(flat_losses(losses, net.criterion_), [log(3), log(3)], rtol=1e-6)


# -- criteria without ---------------------------------------------------------------------


class Focal(torch.nn.Module):
    """Cross-entropy times the squared probability of being wrong."""

    def forward(self, outputs, y):
        proba = outputs.softmax(1).gather(1, y.reshape(-1, 1))
        return ((1 - proba) ** 2 * -proba.log()).mean()


class SummedFocal(Focal):
    def forward(self, outputs, y):
        return super().forward(outputs, y) * len(y)


class FocalInPython(torch.nn.Module):
    """Reads values while it computes, which cannot be mapped over rows."""

    def forward(self, outputs, y):
        total = 0.0
        for row, label in zip(outputs, y.tolist(), strict=True):
            proba = row.softmax(0)[label]
            total = total - (1 - proba.item()) ** 2 * proba.log()
        return total / len(y)


class Branching(Focal):
    def forward(self, outputs, y):
        loss = super().forward(outputs, y)
        return loss if loss > 0 else loss * 0


FOCAL = [(1 - exp(-loss)) ** 2 * loss for loss in CROSS_ENTROPY]


@pytest.mark.parametrize("criterion", [Focal, SummedFocal, FocalInPython, Branching])
def test_criterion_without_reduction(criterion):
    net = net_with(criterion)
    losses = losses_of(net, LOGITS, LABELS)
    assert_allclose(losses, FOCAL, rtol=1e-5)
    total = losses.sum() if criterion is SummedFocal else losses.mean()
    assert_allclose(total, reduced(net, LOGITS, LABELS), rtol=1e-5)


def test_criterion_made_of_one_with_a_reduction():
    class Twice(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = torch.nn.CrossEntropyLoss()

        def forward(self, outputs, y):
            return 2 * self.inner(outputs, y)

    net = net_with(Twice)
    losses = losses_of(net, LOGITS, LABELS)
    assert_allclose(losses, [2 * loss for loss in CROSS_ENTROPY], rtol=1e-6)
    assert net.criterion_.inner.reduction == "mean"


def test_criterion_made_of_one_with_a_reduction_and_a_mean():
    class Penalised(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = torch.nn.CrossEntropyLoss()

        def forward(self, outputs, y):
            return self.inner(outputs, y) + outputs.square().mean()

    net = net_with(Penalised)
    losses = losses_of(net, LOGITS, LABELS)
    penalties = [4 / 3, 1 / 3, 0.0, 14 / 3]
    expected = [a + b for a, b in zip(CROSS_ENTROPY, penalties, strict=True)]
    assert_allclose(losses, expected, rtol=1e-6)


class OverriddenLoss(NeuralNetClassifier):
    """A get_loss of the user's own, which also reads the inputs."""

    def get_loss(self, y_pred, y_true, X=None, training=False):
        loss = super().get_loss(y_pred, y_true, X=X, training=training)
        return loss + self.of_inputs(X)

    def of_inputs(self, X):
        return X.sum(1).mean()


@pytest.mark.parametrize("criterion", [torch.nn.CrossEntropyLoss, FocalInPython])
def test_get_loss_of_a_users_own(criterion):
    X = torch.tensor([[1.0, 1.0], [2.0, 0.0], [0.0, 0.0], [5.0, 5.0]])
    net = net_with(criterion, OverriddenLoss)
    losses = losses_of(net, LOGITS, LABELS, X)
    own = CROSS_ENTROPY if criterion is torch.nn.CrossEntropyLoss else FOCAL
    expected = [a + b for a, b in zip(own, [2, 2, 0, 10], strict=True)]
    assert_allclose(losses, expected, rtol=1e-5)


@pytest.mark.parametrize(
    "X",
    [
        None,
        torch.zeros(4, 2),
        {"a": torch.zeros(4, 2)},
        [torch.zeros(4, 2), torch.zeros(4)],
        ["not", "a", "tensor"],
        torch.zeros(2, 4, 3),  # rows are not on its first axis
        torch.tensor(0.0),
    ],
    ids=["none", "tensor", "dict", "list", "strings", "other axis", "number"],
)
@pytest.mark.parametrize("criterion", [torch.nn.CrossEntropyLoss, Focal, FocalInPython])
def test_inputs_of_any_kind(criterion, X):
    losses = losses_of(net_with(criterion), LOGITS, LABELS, X)
    own = CROSS_ENTROPY if criterion is torch.nn.CrossEntropyLoss else FOCAL
    assert_allclose(losses, own, rtol=1e-5)


def test_outputs_and_targets_of_several_parts():
    class OfPair(torch.nn.Module):
        def forward(self, outputs, y):
            return (outputs[0] - y).square().mean() + outputs[1].mean()

    net = net_with(OfPair, NeuralNet)
    y_pred = (torch.tensor([[1.0], [2.0]]), torch.tensor([[10.0], [20.0]]))
    assert losses_of(net, y_pred, torch.zeros(2, 1)).tolist() == [11.0, 24.0]


def test_outputs_without_rows():
    net = net_with(Focal)
    net.get_loss = lambda y_pred, y_true, X, training: type(net).get_loss(net, y_pred[0], y_true)
    losses = losses_of(net, (LOGITS, None, torch.zeros(2, 4, 8)), LABELS)
    assert_allclose(losses, FOCAL, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:Using a target size")  # torch's own warning of it
def test_target_that_is_broadcast_against_the_whole_batch():
    net = net_with(torch.nn.MSELoss, NeuralNet)
    outputs = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
    assert needs_one_by_one(net, outputs, torch.zeros(4))
    losses = whole_losses(net, outputs, torch.zeros(4), one_by_one=True)
    assert losses.tolist() == [1.0, 4.0, 9.0, 16.0]


def test_only_what_needs_it_is_computed_one_by_one():
    X = torch.arange(8.0).reshape(4, 2)
    for criterion in (torch.nn.CrossEntropyLoss, Focal, FocalInPython):
        assert not needs_one_by_one(net_with(criterion), LOGITS, LABELS, X)
    assert needs_one_by_one(net_with(torch.nn.CrossEntropyLoss, OverriddenLoss), LOGITS, LABELS, X)
    assert not needs_one_by_one(
        net_with(torch.nn.CrossEntropyLoss, OverriddenLoss), LOGITS[:1], LABELS[:1], X[:1]
    )


# -- criteria that cannot be taken apart ---------------------------------------------------


class Spread(torch.nn.Module):
    """Depends on the mean of the batch."""

    def forward(self, outputs, y):
        return (outputs - outputs.mean(0)).square().mean()


class RootMeanSquare(torch.nn.Module):
    """The root of a mean lies between the values, so that it passes for an average."""

    def forward(self, outputs, y):
        return (outputs - y).square().mean().sqrt()


class Pairs(torch.nn.Module):
    """Compares rows with each other: nothing is left of it for a single row."""

    def forward(self, outputs, y):
        return 1 + torch.cdist(outputs, outputs).sum()


class Distances(torch.nn.Module):
    """Gives a value for each row, which depends on its batch mates."""

    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction

    def forward(self, outputs, y):
        values = torch.cdist(outputs, outputs).sum(1)
        return values if self.reduction == "none" else values.mean()


class Table(torch.nn.Module):
    def forward(self, outputs, y):
        return outputs.square()[:, :2].T


@pytest.mark.parametrize("criterion", [Spread, Pairs, Distances])
def test_coupled_criteria(criterion):
    net = net_with(criterion, NeuralNet)
    with pytest.raises(UnreducibleCriterionError, match=criterion.__name__):
        check_separable(net, LOGITS, LABELS)


def test_root_of_a_mean_gives_the_root_of_each_row():
    net = net_with(RootMeanSquare, NeuralNet)
    y_pred = torch.tensor([[3.0], [4.0]])
    assert losses_of(net, y_pred, torch.zeros(2, 1)).tolist() == [3.0, 4.0]


def test_several_values_for_a_row():
    net = net_with(Table, NeuralNet)
    with pytest.raises(UnreducibleCriterionError, match=r"Table gives \(2, 1\) values"):
        whole_losses(net, LOGITS, LABELS)


def test_losses_that_are_not_finite_are_reported_elsewhere():
    net = net_with(torch.nn.CrossEntropyLoss)
    check_separable(net, torch.full((4, 3), torch.nan), LABELS)


def test_single_row_cannot_be_coupled():
    check_separable(net_with(Spread, NeuralNet), LOGITS[:1], LABELS[:1])


# -- nothing is left changed --------------------------------------------------------------


def test_switches_are_put_back_after_an_error():
    weight = torch.ones(3)
    criterion = torch.nn.Sequential(
        torch.nn.CrossEntropyLoss(weight=weight, reduction="sum"), torch.nn.MSELoss()
    )
    with pytest.raises(ZeroDivisionError), undisturbed(criterion):
        assert [part.reduction for part in criterion] == ["none", "none"]
        assert criterion[0].weight is None
        raise ZeroDivisionError
    assert [part.reduction for part in criterion] == ["sum", "mean"]
    assert criterion[0].weight is weight
    assert list(criterion.state_dict()) == ["0.weight"]


def test_error_of_the_criterion_is_its_own():
    class Breaks(torch.nn.Module):
        def forward(self, outputs, y):
            raise RuntimeError("the criterion's own")

    with pytest.raises(RuntimeError, match="the criterion's own"):
        whole_losses(net_with(Breaks), LOGITS, LABELS)


def test_no_graph_is_kept():
    y_pred = LOGITS.clone().requires_grad_()
    for criterion in (torch.nn.CrossEntropyLoss, Focal, FocalInPython):
        losses = losses_of(net_with(criterion), y_pred, LABELS)
        assert not losses.requires_grad
    assert y_pred.grad is None


def test_unwrapped():
    class Compiled(torch.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self._orig_mod = inner

    inner = torch.nn.MSELoss()
    assert unwrapped(Compiled(inner)) is inner
    assert unwrapped(inner) is inner


class WeightedFocal(torch.nn.Module):
    """A criterion of a user's own, with weights that it needs and a state that it keeps."""

    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction
        self.register_buffer("weight", torch.tensor([1.0, 2.0, 4.0]))
        self.register_buffer("mean_loss", torch.zeros(()))
        self.calls = 0

    def forward(self, outputs, y):
        self.calls += 1
        own = outputs.log_softmax(1).gather(1, y[:, None]).squeeze(1)
        losses = -self.weight[y] * (1 - own.exp()) ** 2 * own
        self.mean_loss.mul_(0.5).add_(0.5 * losses.mean())
        return losses.mean() if self.reduction == "mean" else losses


def classifier_with(criterion, **params):
    net = NeuralNetClassifier(
        torch.nn.Linear,
        module__in_features=4,
        module__out_features=3,
        criterion=criterion,
        train_split=None,
        verbose=0,
        **params,
    )
    return net.initialize()


def test_own_weights_of_a_criterion_stay():
    net = classifier_with(WeightedFocal)
    outputs, y = torch.randn(6, 3), torch.tensor([0, 1, 2, 0, 1, 2])
    losses = whole_losses(net, outputs, y)
    assert losses.shape == (6,)
    assert_allclose(losses.mean(), net.criterion_(outputs, y), rtol=1e-6)
    assert not check_separable(net, outputs, y)


def test_weights_of_a_subclass_of_torchs_are_off():
    class Renamed(torch.nn.CrossEntropyLoss):
        pass

    weight = torch.tensor([3.0, 3.0, 3.0])
    net = classifier_with(Renamed, criterion__weight=weight, criterion__reduction="sum")
    outputs, y = torch.randn(5, 3), torch.tensor([0, 1, 2, 0, 1])
    expected = torch.nn.functional.cross_entropy(outputs, y, reduction="none")
    assert_allclose(whole_losses(net, outputs, y), expected, rtol=1e-6)
    assert not check_separable(net, outputs, y)
    assert torch.equal(net.criterion_.weight, weight)


def test_state_of_a_criterion_is_kept():
    net = classifier_with(WeightedFocal)
    outputs, y = torch.randn(6, 3), torch.tensor([0, 1, 2, 0, 1, 2])
    net.criterion_(outputs, y)
    mean_loss = net.criterion_.mean_loss.clone()
    whole_losses(net, outputs, y)
    whole_losses(net, outputs, y, one_by_one=True)
    check_separable(net, outputs, y)
    assert net.criterion_.calls == 1
    assert torch.equal(net.criterion_.mean_loss, mean_loss)
    assert net.criterion_.reduction == "mean"


def test_subclass_with_a_forward_of_its_own_and_small_weights():
    class Cast(torch.nn.CrossEntropyLoss):
        def forward(self, outputs, y):
            return super().forward(outputs, y.long())

    net = classifier_with(Cast, criterion__weight=torch.tensor([0.2, 0.3, 0.5]))
    outputs, y = torch.randn(6, 3), torch.tensor([0, 1, 2, 0, 1, 2])
    expected = torch.nn.functional.cross_entropy(outputs, y, reduction="none")
    assert_allclose(whole_losses(net, outputs, y), expected, rtol=1e-6)
    assert not check_separable(net, outputs, y)


def test_weights_that_share_their_memory():
    weight = torch.ones(1).expand(3)
    net = classifier_with(torch.nn.CrossEntropyLoss, criterion__weight=weight)
    assert whole_losses(net, torch.randn(4, 3), torch.tensor([0, 1, 2, 0])).shape == (4,)
