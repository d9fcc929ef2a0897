"""A row's loss is its own: criteria that couple the rows of a batch are told, and by name."""

from math import log

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from skorch import NeuralNet

from sklearn_difficulty import DifficultyScorer, DifficultyTracker, TrackedNet, TrackedNetClassifier
from sklearn_difficulty.exceptions import UnreducibleCriterionError
from sklearn_difficulty.recording._separable import check_separable, needs_one_by_one

# Probabilities of an object in three boxes of two images; which of them are objects.
OBJECT = np.array([[0.8, 0.3, 0.1], [0.5, 0.9, 0.2]])
IS_OBJECT = np.array([[1, 0, 0], [1, 1, 0]])
SUMS = [-log(0.8), -log(0.5) - log(0.9)]


def positives(outputs, targets):
    """Cross-entropy of the objects of each image, and their number."""
    losses = torch.nn.functional.cross_entropy(outputs.movedim(-1, 1), targets, reduction="none")
    return (losses * targets).sum(1), targets.sum(1)


class Independent(torch.nn.Module):
    """Each image's loss is divided by its own number of objects."""

    def forward(self, outputs, targets):
        sums, counts = positives(outputs, targets)
        return {"positive": sums / counts.clamp(min=1)}


class Coupled(torch.nn.Module):
    """Each image's loss is divided by the number in the whole batch, as is sometimes seen."""

    def forward(self, outputs, targets):
        sums, counts = positives(outputs, targets)
        return {"positive": sums * len(sums) / counts.sum(), "other": 0 * sums}


class CoupledMean(Coupled):
    """The same as one number for the batch, without a name."""

    def forward(self, outputs, targets):
        return super().forward(outputs, targets)["positive"].mean()


def net_with(criterion, kind=TrackedNet, **params):
    defaults = {
        "module": Known,
        "criterion": criterion,
        "lr": 0.0,
        "max_epochs": 2,
        "train_split": None,
        "verbose": 0,
    }
    return kind(**(defaults | params))


class Known(torch.nn.Module):
    """Its input times a parameter that starts at one."""

    def __init__(self):
        super().__init__()
        self.factor = torch.nn.Parameter(torch.ones(()))

    def forward(self, X):
        return X * self.factor


def logits():
    """Rows of which the softmax is the probabilities."""
    return np.log(np.stack([1 - OBJECT, OBJECT], axis=-1)).astype(np.float32)


# -- detection: what an image's loss is divided by ----------------------------------------


def test_own_number_of_objects():
    assert_allclose(SUMS, [0.22314355, 0.7985077], rtol=1e-7)
    scorer = DifficultyScorer(net_with(Independent), random_state=0).fit(logits(), IS_OBJECT)
    losses = scorer.trajectory_.components["positive"]
    assert_allclose(losses[0], [[0.22314355, 0.39925385]] * 2, rtol=1e-6)
    assert_allclose(scorer.scores_, [0.4462871, 0.7985077], rtol=1e-6)


@pytest.mark.parametrize("kind", [TrackedNet, NeuralNet])
def test_number_of_objects_in_the_batch(kind):
    losses = Coupled()(torch.tensor(logits()), torch.tensor(IS_OBJECT))["positive"]
    assert_allclose(losses, [0.14876237, 0.53233846], rtol=1e-6)
    with pytest.raises(UnreducibleCriterionError, match=r"Coupled \(its part 'positive'\)"):
        DifficultyScorer(net_with(Coupled, kind)).fit(logits(), IS_OBJECT)


def test_number_of_objects_in_the_batch_without_a_name():
    # row by row, it is divided by the row's own number; the batch's is not their mean
    scorer = DifficultyScorer(net_with(CoupledMean), random_state=0).fit(logits(), IS_OBJECT)
    assert_allclose(scorer.trajectory_.loss[0, 0], [0.22314355, 0.39925385], rtol=1e-6)


def test_other_parts_are_not_named():
    with pytest.raises(UnreducibleCriterionError) as caught:
        DifficultyScorer(net_with(Coupled)).fit(logits(), IS_OBJECT)
    assert "'other'" not in str(caught.value)
    assert "normalise it by the row's own number of elements" in str(caught.value)


def test_batches_of_one_image_are_no_way_round():
    """Recorded in larger batches than it is trained in, an image would have the loss of those."""
    net = net_with(Coupled, batch_size=1)
    try:
        scorer = DifficultyScorer(net, random_state=0).fit(logits(), IS_OBJECT)
    except UnreducibleCriterionError:
        return
    losses = scorer.trajectory_.components["positive"][0, 0]
    assert_allclose(losses, [0.22314355, 0.39925385], rtol=1e-6)


# -- other criteria that couple rows ------------------------------------------------------


def spread(outputs, y):
    """How far outputs are from the mean of the batch."""
    return (outputs - outputs.mean(0)).square().mean(1)


class Spread(torch.nn.Module):
    def forward(self, outputs, y):
        return spread(outputs, y).mean()


class SpreadOfRows(torch.nn.Module):
    def forward(self, outputs, y):
        return {"fit": (outputs - y).square().mean(1), "spread": spread(outputs, y)}


class SpreadOfBatch(torch.nn.Module):
    """The same as means over the batch."""

    def forward(self, outputs, y):
        return {name: part.mean() for name, part in SpreadOfRows()(outputs, y).items()}


class LargestOfBatch(torch.nn.Module):
    """Scaled by the largest target of the batch."""

    def forward(self, outputs, y):
        return {"scaled": (outputs - y).square().mean(1) / y.abs().max()}


class RanksInBatch(torch.nn.Module):
    def forward(self, outputs, y):
        losses = (outputs - y).square().mean(1)
        return {"fit": losses, "rank": losses * losses.argsort().argsort()}


@pytest.fixture
def regression():
    """X (20, 3) and targets (20, 2)."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 3)).astype(np.float32)
    return X, np.column_stack([X[:, 0] + X[:, 1], X[:, 2] ** 2]).astype(np.float32)


LINEAR = {"module": torch.nn.Linear, "module__in_features": 3, "module__out_features": 2}


@pytest.mark.parametrize("when", ["after", "during"])
@pytest.mark.parametrize(
    ("criterion", "named"),
    [
        (SpreadOfRows, r"SpreadOfRows \(its part 'spread'\)"),
        (SpreadOfBatch, r"SpreadOfBatch \(its part 'spread'\)"),
        (LargestOfBatch, r"LargestOfBatch \(its part 'scaled'\)"),
        (RanksInBatch, r"RanksInBatch \(its part 'rank'\)"),
        (Spread, "Spread"),
        ({"fit": torch.nn.MSELoss, "spread": Spread}, r"NamedLosses \(its part 'spread'\)"),
    ],
    ids=["rows", "means", "largest", "ranks", "no name", "mapping"],
)
def test_coupled_criteria_are_named(criterion, named, when, regression):
    net = net_with(criterion, **LINEAR, lr=0.01, batch_size=8, when=when)
    scorer = DifficultyScorer(net)
    with pytest.raises(UnreducibleCriterionError, match=named):
        scorer.fit(*regression)
    assert not hasattr(scorer, "trajectory_")
    assert not net.initialized_
    with pytest.raises(UnreducibleCriterionError, match=named):
        net.fit(*regression)


def test_callback_names_them_too(regression):
    net = net_with(
        SpreadOfRows, NeuralNet, **LINEAR, lr=0.01, batch_size=8, callbacks=[DifficultyTracker()]
    )
    with pytest.raises(UnreducibleCriterionError, match="'spread'"):
        net.fit(*regression)


def test_dice_over_the_batch():
    """An overlap that is summed over all images of a batch belongs to none of them."""

    class Dice(torch.nn.Module):
        def forward(self, outputs, y):
            proba = outputs.sigmoid()
            return 1 - 2 * (proba * y).sum() / (proba + y).sum()

    class OwnDice(torch.nn.Module):
        def forward(self, outputs, y):
            proba = outputs.sigmoid()
            both = (proba * y).flatten(1).sum(1)
            return (1 - 2 * both / (proba + y).flatten(1).sum(1)).mean()

    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 4, 5)).astype(np.float32)
    y = (X > np.linspace(-1, 2, 12)[:, None, None]).astype(np.float32)
    own = DifficultyScorer(net_with(OwnDice), random_state=0).fit(X, y)
    proba = 1 / (1 + np.exp(-X))
    expected = 1 - 2 * (proba * y).sum((1, 2)) / (proba + y).sum((1, 2))
    assert_allclose(own.trajectory_.loss[0, 0], expected, rtol=1e-5)
    named = net_with(type("Named", (Dice,), {"forward": lambda self, o, y: {"dice": dice(o, y)}}))
    with pytest.raises(UnreducibleCriterionError, match=r"Named.*'dice'"):
        DifficultyScorer(named).fit(X, y)


def dice(outputs, y):
    """Of each image, with the size of all images below."""
    both = (outputs.sigmoid() * y).flatten(1).sum(1)
    return 1 - 2 * both / (outputs.sigmoid() + y).sum()


# -- what is no coupling ------------------------------------------------------------------


class OfLists(torch.nn.Module):
    """Sum of the distances to the points of a row, over their number."""

    def forward(self, outputs, targets):
        pairs = list(zip(outputs, targets, strict=True))
        rows = [(points - output).abs().sum() / max(1, len(points)) for output, points in pairs]
        number = [output.sum() - len(points) for output, points in pairs]
        return {"place": torch.stack(rows), "number": torch.stack(number).square()}


class SomeOfBatch(OfLists):
    """The same, over the number of points in the batch."""

    def forward(self, outputs, targets):
        parts = super().forward(outputs, targets)
        return parts | {"place": parts["place"] / sum(map(len, targets))}


@pytest.fixture
def points(regression):
    """For each of 20 rows a list of points, some of them empty."""
    rng = np.random.default_rng(1)
    return [rng.normal(size=(k % 4, 2)).astype(np.float32) for k in range(20)]


def test_lists_that_are_coupled(regression, points):
    with pytest.raises(UnreducibleCriterionError, match=r"SomeOfBatch \(its part 'place'\)"):
        DifficultyScorer(net_with(SomeOfBatch, **LINEAR)).fit(regression[0], points)


class Masked(torch.nn.Module):
    """Number of outputs that count differs from row to row."""

    ignore_index = 9

    def forward(self, outputs, y):
        known = y != self.ignore_index
        return {"pixels": (outputs - y).square() * known}


def masked_targets():
    rng = np.random.default_rng(2)
    y = rng.integers(0, 3, size=(20, 2))
    y[::3, 0] = 9
    return y


CASES = {
    "list": (OfLists, lambda y, points: points),
    "several numbers": (torch.nn.MSELoss, lambda y, points: y),
    "sum": (torch.nn.MSELoss(reduction="sum"), lambda y, points: y),
    "mapping": ({"a": torch.nn.MSELoss, "b": torch.nn.L1Loss}, lambda y, points: y),
    "void": (Masked, lambda y, points: masked_targets()),
    "labels": (torch.nn.BCEWithLogitsLoss, lambda y, points: (y > 0).astype(int)),
    "themselves": (torch.nn.MSELoss, lambda y, points: None),
}


@pytest.mark.parametrize("case", CASES)
def test_scores_do_not_depend_on_the_composition_of_batches(case, regression, points):
    X, y = regression
    criterion, targets = CASES[case]
    given = targets(y, points)
    wide = {"module__out_features": 3} if given is None else {}
    generator = torch.Generator().manual_seed(0)

    class FromOneStart(torch.nn.Linear):
        """The same weights in each training, which a learning rate of 0 leaves alone."""

        def reset_parameters(self):
            generator.manual_seed(0)
            for parameter in self.parameters():
                torch.nn.init.normal_(parameter, generator=generator)

    def scores(rows, **params):
        net = net_with(criterion, **(LINEAR | {"module": FromOneStart} | wide | params))
        own = given
        if given is not None:
            own = [given[k] for k in rows] if isinstance(given, list) else given[rows]
        scorer = DifficultyScorer(net, random_state=0, snapshots="all").fit(X[rows], own)
        found = np.empty(len(X))
        found[rows] = scorer.scores_
        new = np.empty(len(X))
        new[rows] = scorer.score_samples(X[rows] * (1 + 1e-6), own)
        assert_allclose(new, found, rtol=1e-3, atol=1e-4)
        return found

    in_order = np.arange(len(X))
    expected = scores(in_order, batch_size=20)
    assert np.ptp(expected) > 0.1
    for params in (
        {"batch_size": 1},
        {"batch_size": 2},
        {"batch_size": 7, "when": "during"},
        {"batch_size": 64},
        {"batch_size": 5, "iterator_train__shuffle": True, "when": "during"},
        {"batch_size": 3, "iterator_valid__batch_size": 2},
    ):
        assert_allclose(scores(in_order, **params), expected, rtol=1e-5, err_msg=str(params))
    for seed in range(2):
        order = np.random.default_rng(seed).permutation(len(X))
        assert_allclose(scores(order, batch_size=6), expected, rtol=1e-5)


def test_net_that_normalises_by_its_batch_is_recorded_in_evaluation_mode(regression):
    """Batch norm couples rows in the training pass alone; the pass after it is each row's own."""
    X, y = regression

    class Normed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.Sequential(torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 2))

        def forward(self, X):
            return self.layers(X)

    net = net_with({"a": torch.nn.MSELoss}, module=Normed, lr=0.05, batch_size=5)
    scorer = DifficultyScorer(net, random_state=0, snapshots="all").fit(X, y)
    one_by_one = [float(scorer.score_samples(X[[k]] * (1 + 1e-6), y[[k]])[0]) for k in range(20)]
    assert_allclose(one_by_one, scorer.scores_, rtol=1e-3)


def test_shapes_of_losses_that_differ_with_the_batch(regression):
    """A target that is broadcast over the batch makes a loss of each row with each other one."""
    X, y = regression

    class Broadcasts(torch.nn.Module):
        def forward(self, outputs, y):
            return {"all": (outputs[:, :1] - y[:, 0]).square()}

    with pytest.raises(UnreducibleCriterionError, match=r"Broadcasts \(its part 'all'\)"):
        DifficultyScorer(net_with(Broadcasts, **LINEAR)).fit(X, y)


def test_needs_one_by_one_and_check_of_a_net():
    net = net_with(Independent).initialize()
    outputs, y = torch.tensor(logits()), torch.tensor(IS_OBJECT)
    assert not needs_one_by_one(net, outputs, y)
    assert not check_separable(net, outputs, y)
    assert not needs_one_by_one(net, outputs[:1], y[:1])
    coupled = net_with(Coupled).initialize()
    assert not needs_one_by_one(coupled, outputs[:1], y[:1])  # nobody beside it
    with pytest.raises(UnreducibleCriterionError):
        needs_one_by_one(coupled, outputs, y)
    with pytest.raises(UnreducibleCriterionError):
        check_separable(coupled, outputs, y)


def test_classifier_whose_parts_are_coupled(table):
    X, y = table

    class Centred(torch.nn.Module):
        def forward(self, outputs, y):
            plain = torch.nn.functional.cross_entropy(outputs, y, reduction="none")
            return {"plain": plain, "centred": plain - plain.mean()}

    net = net_with(Centred, TrackedNetClassifier, module=torch.nn.Linear)
    net.set_params(module__in_features=4, module__out_features=3)
    with pytest.raises(UnreducibleCriterionError, match="'centred'"):
        DifficultyScorer(net).fit(X, y)


def test_refusal_is_before_a_second_batch(regression):
    net = net_with(SpreadOfRows, **LINEAR, lr=0.01, batch_size=5)
    with pytest.raises(UnreducibleCriterionError):
        net.fit(*regression)
    assert len(net.history) == 1
    assert len(net.history[-1]["batches"]) == 1
