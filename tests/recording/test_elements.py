"""Losses of pixels, tokens and labels: which count, what they sum up to, and the loss of a row."""

import warnings
from math import log

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import SGDRegressor
from skorch import NeuralNet

from sklearn_difficulty import DifficultyScorer, DifficultyTracker, TrackedNet, TrackedNetRegressor
from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.recording import TrajectoryRecorder
from sklearn_difficulty.recording._elements import (
    counted_elements,
    flat_losses,
    have_rows,
    told_apart,
    total_of_parts,
)

VOID = 9
Y = torch.tensor([[[0, 1], [VOID, 1]], [[VOID, VOID], [VOID, VOID]], [[1, 1], [0, 0]]])
PIXELS = torch.tensor([[[1.0, 2], [50, 3]], [[50, 50], [50, 50]], [[4, 4], [4, 8]]])


def ignoring(reduction="mean"):
    return torch.nn.CrossEntropyLoss(ignore_index=VOID, reduction=reduction)


# -- which elements count -----------------------------------------------------------------


def test_targets_that_are_ignored():
    counts = counted_elements(ignoring(), Y)
    assert counts.tolist() == [[[1, 1], [0, 1]], [[0, 0], [0, 0]], [[1, 1], [1, 1]]]
    assert counts.dtype == torch.bool


def test_criterion_inside_another_one():
    class Outer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = ignoring()

    assert counted_elements(Outer(), Y).sum() == 7


class HasName(torch.nn.Module):
    ignore_index = VOID


def test_attribute_of_a_criterion_of_ones_own():
    assert counted_elements(HasName(), Y).sum() == 7


@pytest.mark.parametrize(
    ("criterion", "y"),
    [
        (torch.nn.MSELoss(), Y),  # which ignores nothing
        (ignoring(), Y.float()),  # probabilities
        (ignoring(), torch.tensor([0, VOID])),  # one number for each row
        (ignoring(), [Y[0], Y[1]]),
        (ignoring(), None),
    ],
    ids=["criterion", "floats", "rows", "list", "none"],
)
def test_all_elements_count(criterion, y):
    assert counted_elements(criterion, y) is None


# -- the loss of a row --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reduction", "expected", "whole"),
    [("mean", [2.0, 5.0], [14.0, 50.0, 5.0]), ("sum", [6.0, 20.0], [56.0, 200.0, 20.0])],
)
def test_mean_or_sum_of_the_elements_that_count(reduction, expected, whole):
    criterion = ignoring(reduction)
    counts = counted_elements(criterion, Y)
    losses = flat_losses(PIXELS, criterion, counts)
    assert losses[[0, 2]].tolist() == expected
    assert losses[1].isnan()  # a row of which nothing counts has no loss, not even 0
    assert flat_losses(PIXELS, criterion).tolist() == whole


def test_loss_of_a_row_as_it_is_and_nan_where_nothing_counts():
    criterion = ignoring()
    losses = flat_losses(torch.tensor([1.0, 2, 3]), criterion, counted_elements(criterion, Y))
    assert losses[[0, 2]].tolist() == [1.0, 3.0]
    assert losses[1].isnan()


def test_batchmean_is_a_sum_over_the_elements():
    assert flat_losses(PIXELS, torch.nn.KLDivLoss(reduction="batchmean"))[2] == 20.0


def test_have_rows():
    assert have_rows({"a": torch.ones(3), "b": torch.ones(3, 2)}, 3)
    assert not have_rows({"a": torch.ones(3), "b": torch.ones(2)}, 3)
    assert not have_rows({"a": torch.ones(())}, 1)


def test_one_loss():
    rows = told_apart({"": PIXELS}, ignoring(), Y)
    assert rows.loss[[0, 2]].tolist() == [2.0, 5.0]
    assert rows.components == {}
    assert rows.element_component is None
    assert rows.is_empty.tolist() == [False, True, False]
    assert_array_equal(
        rows.elements,
        [[[1, 2], [np.nan, 3]], [[np.nan] * 2] * 2, [[4, 4], [4, 8]]],
    )
    plain = told_apart({"": torch.ones(3)}, torch.nn.MSELoss(), None)
    assert plain.loss.tolist() == [1.0, 1.0, 1.0]
    assert (plain.elements, plain.is_empty) == (None, None)


def test_parts_of_which_one_has_elements():
    dice = torch.tensor([0.5, 0.0, 0.25])
    rows = told_apart({"dice": dice, "focal": PIXELS}, HasName(), Y)
    assert rows.components["dice"][[0, 2]].tolist() == [0.5, 0.25]
    assert rows.components["dice"][1].isnan()
    assert rows.components["focal"][[0, 2]].tolist() == [2.0, 5.0]
    assert rows.loss[[0, 2]].tolist() == [2.5, 5.25]
    assert rows.element_component == "focal"


def test_parts_that_have_the_same_elements_are_shown_as_one():
    rows = told_apart({"a": PIXELS, "row": torch.ones(3), "b": PIXELS / 2}, HasName(), Y)
    assert rows.element_component == "a + b"
    assert_array_equal(rows.elements[2], [[6, 6], [6, 12]])
    other = told_apart({"a": PIXELS, "b": torch.ones(3, 5)}, torch.nn.MSELoss(), Y)
    assert other.element_component == "a"
    assert other.elements.shape == (3, 2, 2)
    assert other.loss.tolist() == [15.0, 51.0, 6.0]


def test_total_is_the_mean_of_the_rows_that_count():
    parts = {"dice": torch.tensor([0.5, 7.0, 0.25]), "focal": PIXELS.clone().requires_grad_()}
    total = total_of_parts(HasName(), (None, Y), parts)
    assert total.item() == (2.5 + 5.25) / 2
    total.backward()
    # half of a third and of a fourth, and none of what is ignored
    assert_allclose(parts["focal"].grad[0], [[1 / 6, 1 / 6], [0, 1 / 6]])
    assert parts["focal"].grad[1].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert_allclose(parts["focal"].grad[2], np.full((2, 2), 1 / 8))


def test_total_of_what_is_no_part():
    loss = torch.tensor(3.0)
    assert total_of_parts(HasName(), (None, Y), loss) is None
    # of means over the batch, their sum
    assert total_of_parts(HasName(), (None, Y), {"a": loss, "b": loss}).item() == 6.0
    assert total_of_parts(HasName(), (None,), {"a": torch.tensor([1.0, 3.0])}).item() == 2.0


# -- trained for real ---------------------------------------------------------------------


class Pointwise(torch.nn.Module):
    """Logits (n, classes, H, W) of each pixel from its own channels."""

    def __init__(self, n_channels=2, n_classes=3):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(n_channels, 8, 1), torch.nn.Tanh(), torch.nn.Conv2d(8, n_classes, 1)
        )

    def forward(self, X):
        return self.layers(X)


def make_net(criterion=torch.nn.CrossEntropyLoss, kind=TrackedNet, **params):
    defaults = {
        "module": Pointwise,
        "criterion": criterion,
        "optimizer": torch.optim.Adam,
        "lr": 0.05,
        "batch_size": 4,
        "max_epochs": 3,
        "iterator_train__shuffle": True,
        "train_split": None,
        "verbose": 0,
    }
    if isinstance(criterion, type) and issubclass(criterion, (torch.nn.CrossEntropyLoss, HasName)):
        defaults["criterion__ignore_index"] = VOID
    return kind(**(defaults | params))


@pytest.fixture
def images():
    """X (10, 2, 3, 4), masks (10, 3, 4) of classes 0 to 2, some pixels of each image void."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(10, 2, 3, 4)).astype(np.float32)
    y = np.argmax([X[:, 0], X[:, 1], np.zeros_like(X[:, 0])], axis=0)
    y[:, 0, :2] = VOID
    return X, y


@pytest.fixture
def with_empty(images):
    """The same with two images that nobody labelled."""
    X, y = images
    y[[3, 8]] = VOID
    return X, y


def expected_elements(net, X, y):
    """Cross-entropies of the pixels as a fitted net has them, NaN for void ones."""
    log_proba = net.forward(X).log_softmax(1).numpy()
    label = np.where(y == VOID, 0, y)
    losses = -np.take_along_axis(log_proba, label[:, None], axis=1)[:, 0]
    return np.where(y == VOID, np.nan, losses)


@pytest.mark.parametrize("kind", [TrackedNet, NeuralNet])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_pixels_of_a_training(kind, reduction, images):
    X, y = images
    net = make_net(kind=kind, criterion__reduction=reduction, max_epochs=1)
    scorer = DifficultyScorer(net, keep="elements", random_state=0).fit(X, y)
    path = scorer.trajectory_
    expected = expected_elements(scorer.estimators_[0], X, y)
    assert_allclose(path.element_action[0], expected, rtol=1e-4, atol=1e-6)
    reduced = np.nanmean if reduction == "mean" else np.nansum
    assert_allclose(path.loss[0, 0], reduced(expected, axis=(1, 2)), rtol=1e-4)
    assert path.element_component is None
    assert_array_equal(path.y, y)


def test_action_of_pixels_and_of_the_image(images):
    X, y = images
    scorer = DifficultyScorer(make_net(), keep="elements", random_state=0).fit(X, y)
    elements = scorer.trajectory_.element_action[0]
    assert_allclose(np.nanmean(elements, axis=(1, 2)), scorer.scores_, rtol=1e-5)
    assert_array_equal(np.isnan(elements), y == VOID)


def test_two_steps_by_hand(scaled):
    """The second step has half the losses of the first, after one update of a known size."""
    X = np.array([[[1, 2], [3, 4]]] * 2, dtype=np.float32)
    net = make_net(
        torch.nn.L1Loss,
        module=scaled,
        optimizer=torch.optim.SGD,
        lr=0.2,  # the gradient of the factor is the mean, 2.5
        max_epochs=2,
        when="during",
    )
    scorer = DifficultyScorer(net, keep=("elements",), random_state=0).fit(X, np.zeros_like(X))
    path = scorer.trajectory_
    assert_allclose(path.element_action[0], [[[1.5, 3.0], [4.5, 6.0]]] * 2, rtol=1e-6)
    assert_allclose(path.loss[0, :, 0], [2.5, 1.25], rtol=1e-6)
    assert_allclose(scorer.scores_, [3.75, 3.75], rtol=1e-6)


def test_elements_of_a_loop_of_ones_own():
    recorder = TrajectoryRecorder(2)
    first = np.array([[[1, 2], [3, 4]], [[1, np.nan], [1, 1]]])
    for losses in (first, first / 2):
        recorder.update(
            [1, 0],
            elements=losses[::-1],
            components={"focal": np.nanmean(losses[::-1], axis=(1, 2)), "dice": [0.25, 0.5]},
        )
        recorder.step()
    path = recorder.trajectory(element_component="focal")
    assert_array_equal(path.element_action[0], [[[1.5, 3], [4.5, 6]], [[1.5, np.nan], [1.5, 1.5]]])
    assert path.components["focal"].sum(axis=1).tolist() == [[3.75, 1.5]]
    assert path.loss.sum(axis=1).tolist() == [[4.75, 2.0]]
    assert path.element_component == "focal"
    assert DifficultyScorer.from_trajectory(path).scores_.tolist() == [4.75, 2.0]


def test_elements_are_there_on_demand_only(images):
    X, y = images
    path = DifficultyScorer(make_net(), random_state=0).fit(X, y).trajectory_
    assert path.element_action is None
    path = make_net(keep=("elements",)).fit(X, y).trajectory_
    assert path.element_action.shape == (1, 10, 3, 4)
    tracker = DifficultyTracker(keep=("elements",))
    make_net(kind=NeuralNet, callbacks=[tracker]).fit(X, y)
    assert tracker.trajectory_.element_action.shape == (1, 10, 3, 4)


def test_element_component_goes_with_the_elements(images):
    X, y = images
    net = make_net({"a": ignoring(), "b": ignoring()}, max_epochs=4)
    path = DifficultyScorer(net, keep="elements", random_state=0).fit(X, y).trajectory_
    assert path.element_component == "a + b"
    assert path.select(samples=[2, 1]).element_action.shape == (1, 2, 3, 4)
    # a sum over all steps is none over some of them, and needs no name either
    part = path.select(steps=slice(1, 3))
    assert part.element_action is None
    assert part.element_component is None
    other = DifficultyScorer(net, random_state=0).fit(X, y).trajectory_
    assert other.element_component is None


@pytest.mark.parametrize("options", [{"n_runs": 2}, {"cv": 2}, {"cv": 2, "n_runs": 2}], ids=str)
def test_elements_of_runs_and_folds(options, images, tmp_path):
    X, y = images
    net = make_net({"a": ignoring()}, max_epochs=2)
    paths = [
        DifficultyScorer(net, keep="elements", storage=folder, random_state=0, **options)
        .fit(X, y)
        .trajectory_
        for folder in (None, tmp_path / "path")
    ]
    for path in paths:
        assert_allclose(
            np.nanmean(path.element_action, axis=(2, 3)), path.loss.sum(axis=1), rtol=1e-5
        )
        assert path.element_component == "a"
    assert_array_equal(*[path.element_action for path in paths])


def test_estimators_without_elements(images):
    X = images[0].reshape(10, -1)
    with pytest.raises(RecordNotFoundError, match=r"pixels, tokens or labels.*SGDRegressor"):
        DifficultyScorer(SGDRegressor(), keep="elements").fit(X, X[:, 0])
    with pytest.raises(ValueError, match="keep"):
        DifficultyScorer(keep="pixels").fit(X, X[:, 0])


def test_outputs_of_a_regression_are_elements():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    net = TrackedNetRegressor(max_epochs=2, lr=0.01, train_split=None, verbose=0)
    scorer = DifficultyScorer(net, keep="elements", random_state=0).fit(X, y)
    assert_allclose(
        scorer.trajectory_.element_action[0].mean(axis=1), scorer.scores_, rtol=1e-5, atol=1e-7
    )


# -- rows of which nothing counts ---------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"n_runs": 2}, {"cv": 2}], ids=str)
def test_empty_rows_are_nan_and_counted(options, with_empty):
    X, y = with_empty
    with pytest.warns(MissingRecordsWarning, match="'action': 2 of 10 samples") as caught:
        scorer = DifficultyScorer(make_net(), random_state=0, **options).fit(X, y)
    assert len(caught) == 1
    assert np.flatnonzero(np.isnan(scorer.scores_)).tolist() == [3, 8]
    assert np.isnan(scorer.trajectory_.loss[..., [3, 8]]).all()
    assert (scorer.trajectory_.n_missing == 2).all()
    assert_array_equal(scorer.score_samples(X), scorer.scores_)


@pytest.mark.parametrize("score", ["final_loss", "loss_variance", "action"])
def test_other_scores_of_empty_rows(score, with_empty):
    X, y = with_empty
    with pytest.warns(MissingRecordsWarning, match=f"'{score}': 2 of 10"):
        scorer = DifficultyScorer(make_net(), score=score, random_state=0).fit(X, y)
    assert np.flatnonzero(np.isnan(scorer.scores_)).tolist() == [3, 8]
    with pytest.warns(MissingRecordsWarning, match="1 of 3"):
        new = scorer.score_samples(X[2:5] + 0.01, y[2:5])
    assert np.isnan(new).tolist() == [False, True, False]


@pytest.mark.filterwarnings("ignore::sklearn_difficulty.exceptions.MissingRecordsWarning")
@pytest.mark.parametrize("score", ["grand", "input_gradient_norm"])
def test_gradients_of_the_loss_of_empty_rows(score, with_empty):
    """There is no loss to take a gradient of; 0 would call them the easiest of all."""
    X, y = with_empty
    scorer = DifficultyScorer(make_net(), random_state=0).fit(X, y)
    scores = scorer.score_samples(X, score=score)
    assert np.flatnonzero(np.isnan(scores)).tolist() == [3, 8]
    assert (np.delete(scores, [3, 8]) > 0).all()
    assert np.isnan(scorer.score_samples(X[[3]] + 0.01, y[[3]], score=score)).all()


def test_gradients_of_the_outputs_do_not_look_at_the_targets(with_empty):
    X, y = with_empty
    with pytest.warns(MissingRecordsWarning):
        scorer = DifficultyScorer(make_net(), random_state=0).fit(X, y)
    assert (scorer.score_samples(X, score="vog") > 0).all()


class DiceAndPixels(HasName):
    """A part for each image and one for each pixel, neither of which divides by zero."""

    def __init__(self, ignore_index=VOID):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, outputs, y):
        known = y != self.ignore_index
        label = y.masked_fill(~known, 0)
        pixels = torch.nn.functional.cross_entropy(outputs, label, reduction="none")
        own = outputs.softmax(1).gather(1, label[:, None])[:, 0] * known
        shares = own.flatten(1).sum(1) / known.flatten(1).sum(1).clamp(min=1)
        return {"share": 1 - shares, "pixels": pixels}


@pytest.mark.filterwarnings("ignore::sklearn_difficulty.exceptions.MissingRecordsWarning")
@pytest.mark.parametrize("batch_size", [1, 4, 10])
@pytest.mark.parametrize(
    "criterion",
    [torch.nn.CrossEntropyLoss, DiceAndPixels, {"a": ignoring(), "b": ignoring("sum")}],
    ids=["torch", "parts", "mapping"],
)
def test_training_with_empty_images_stays_finite(criterion, batch_size, with_empty):
    X, y = with_empty
    net = make_net(criterion, batch_size=batch_size, max_epochs=6)
    scorer = DifficultyScorer(net, random_state=0).fit(X, y)
    fitted = scorer.estimators_[0]
    assert all(torch.isfinite(p).all() for p in fitted.module_.parameters())
    losses = np.delete(scorer.trajectory_.loss[0], [3, 8], axis=1)
    assert np.isfinite(losses).all()
    assert losses[-1].mean() < losses[0].mean()


@pytest.mark.parametrize("criterion", [torch.nn.CrossEntropyLoss, DiceAndPixels])
def test_empty_images_have_no_say_in_the_training(criterion, with_empty):
    X, y = with_empty
    other = X.copy()
    other[[3, 8]] += 5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingRecordsWarning)
        one, two = (
            DifficultyScorer(make_net(criterion), random_state=0).fit(rows, y)
            for rows in (X, other)
        )
    assert_allclose(one.scores_, two.scores_, rtol=1e-5)


def test_all_rows_empty(images):
    X, y = images
    with pytest.warns(MissingRecordsWarning, match="10 of 10 samples"):
        scorer = DifficultyScorer(make_net(), random_state=0).fit(X, np.full_like(y, VOID))
    assert np.isnan(scorer.scores_).all()


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_trained_loss_is_the_mean_of_the_recorded_ones(reduction, with_empty):
    """Of parts by name: over the rows that count, and within each over its pixels that do."""
    X, y = with_empty

    class Criterion(DiceAndPixels):
        def __init__(self, ignore_index):
            super().__init__(ignore_index)
            self.reduction = reduction

    # the training pass itself is recorded, a single batch
    net = make_net(Criterion, batch_size=10, when="during", keep=("elements",)).fit(X, y)
    path = net.trajectory_
    assert_allclose(net.history[:, "train_loss"], np.nanmean(path.loss[0], axis=1), rtol=1e-6)
    assert np.isnan(path.loss[0]).sum(axis=1).tolist() == [2, 2, 2]
    summed = np.nanmean if reduction == "mean" else np.nansum
    pixels = summed(np.delete(path.element_action[0], [3, 8], axis=0), axis=(1, 2))
    expected = np.delete(path.components["pixels"][0].sum(axis=0), [3, 8])
    assert_allclose(pixels, expected, rtol=1e-5)
    assert path.element_component == "pixels"


def test_each_part_leaves_out_what_it_ignores_itself(images):
    """Of a mapping, one criterion may ignore a class that the other learns."""
    X, y = images
    y = np.where(y == VOID, 2, y)
    criteria = {"some": torch.nn.CrossEntropyLoss(ignore_index=2), "all": torch.nn.CrossEntropyLoss}
    net = make_net(criteria, max_epochs=1).fit(X, y)
    losses = expected_elements(net, X, y)
    parts = net.trajectory_.components
    assert_allclose(parts["some"][0, 0], np.nanmean(np.where(y == 2, np.nan, losses), (1, 2)), 1e-4)
    assert_allclose(parts["all"][0, 0], losses.mean(axis=(1, 2)), rtol=1e-4)


# -- tokens -------------------------------------------------------------------------------


class Tokens(torch.nn.Module):
    """Logits (n, tags, places) of padded sequences; as many numbers of words as there are tags."""

    def __init__(self, n_words=4):
        super().__init__()
        self.vectors = torch.nn.Embedding(n_words, n_words)
        with torch.no_grad():
            self.vectors.weight.copy_(torch.eye(n_words) * log(3))

    def forward(self, X):
        return self.vectors(X).movedim(-1, 1)


def test_tokens_by_hand():
    X = np.array([[0, 1, 2, 3], [1, 1, 0, 0], [2, 2, 2, 2]])
    y = np.array([[0, 1, 2, VOID], [1, 0, VOID, VOID], [VOID] * 4])
    net = make_net(module=Tokens, optimizer=torch.optim.SGD, lr=0.0, max_epochs=2)
    with pytest.warns(MissingRecordsWarning, match="1 of 3 samples"):
        scorer = DifficultyScorer(net, keep="elements", random_state=0).fit(X, y)
    right, wrong = log((3 + 3) / 3), log(3 + 3)  # exp(log 3) against three ones
    assert_allclose(
        scorer.trajectory_.element_action[0],
        2 * np.array([[right] * 3 + [np.nan], [right, wrong, np.nan, np.nan], [np.nan] * 4]),
        rtol=1e-6,
    )
    assert_allclose(scorer.scores_, [2 * right, right + wrong, np.nan], rtol=1e-6)


def test_criterion_that_flattens_its_tokens():
    """It gives no loss for each row, so that rows are taken one by one, void tokens left out."""

    class Flat(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = ignoring()

        def forward(self, outputs, y):
            return self.inner(outputs.movedim(1, -1).flatten(0, 1), y.flatten())

    rng = np.random.default_rng(0)
    X = rng.integers(0, 4, size=(12, 5))
    y = np.where(rng.random(X.shape) < 0.4, VOID, X)
    y[:, 0] = X[:, 0]
    y[7] = VOID
    paths = []
    for criterion in (Flat, torch.nn.CrossEntropyLoss):
        with pytest.warns(MissingRecordsWarning, match="1 of 12"):
            net = make_net(criterion, module=Tokens)
            paths.append(DifficultyScorer(net, random_state=0).fit(X, y).trajectory_)
    assert_allclose(paths[0].loss, paths[1].loss, rtol=1e-5)
