"""Losses in named parts: what is trained is their sum, and what is recorded is each of them."""

import copy
import pickle
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from skorch import NeuralNet, NeuralNetRegressor
from skorch.dataset import ValidSplit

from sklearn_difficulty import (
    DifficultyScorer,
    DifficultyTracker,
    TrackedNet,
    TrackedNetClassifier,
    TrackedNetRegressor,
)
from sklearn_difficulty.exceptions import NonFiniteLossError, RecordNotFoundError
from sklearn_difficulty.recording import NamedLosses
from sklearn_difficulty.recording._parts import are_named, as_one, as_parts, parts_by_name
from sklearn_difficulty.trajectory import Trajectory

N = 24
MAPPING = {"squared": torch.nn.MSELoss, "absolute": torch.nn.L1Loss}
Parts = namedtuple("Parts", ["squared", "absolute"])


class SumOfMeans(torch.nn.Module):
    """What a user writes who has no parts: one number for a batch."""

    def forward(self, outputs, y):
        return torch.nn.functional.mse_loss(outputs, y) + torch.nn.functional.l1_loss(outputs, y)


class AsDict(torch.nn.Module):
    """Losses of each row by name."""

    def forward(self, outputs, y):
        difference = outputs - y
        return {"squared": difference.square().mean(1), "absolute": difference.abs().mean(1)}


class AsNamedTuple(AsDict):
    def forward(self, outputs, y):
        return Parts(**super().forward(outputs, y))


class AsOrderedDict(AsDict):
    def forward(self, outputs, y):
        return OrderedDict(super().forward(outputs, y))


class OfElements(torch.nn.Module):
    """Losses of each output of each row by name."""

    def forward(self, outputs, y):
        return {"squared": (outputs - y).square(), "absolute": (outputs - y).abs()}


class OfBatches(torch.nn.Module):
    """Means over the batch by name, each a mean over its rows."""

    def forward(self, outputs, y):
        return {
            "squared": (outputs - y).square().mean(),
            "absolute": (outputs - y).abs().mean(),
        }


# Every way to name the same two losses.
CRITERIA = {
    "mapping": MAPPING,
    "dict": AsDict,
    "named tuple": AsNamedTuple,
    "ordered dict": AsOrderedDict,
    "elements": OfElements,
    "means": OfBatches,
}


@pytest.fixture
def data():
    """X (24, 4), y (24, 2): as many outputs, and rows in a batch, as halve without rounding."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 4)).astype(np.float32)
    return X, np.column_stack([X[:, 0] - X[:, 1], 2 * X[:, 2]]).astype(np.float32)


def make_net(criterion, kind=TrackedNet, **params):
    of_linear = {"module__in_features": 4, "module__out_features": 2}
    defaults = {
        "module": torch.nn.Linear,
        **({} if "module" in params else of_linear),
        "criterion": criterion,
        "optimizer": torch.optim.Adam,
        "lr": 0.05,
        "batch_size": 8,
        "max_epochs": 4,
        "iterator_train__shuffle": True,
        "train_split": None,
        "verbose": 0,
    }
    return kind(**(defaults | params))


def named_losses(criterion):
    """A criterion that a plain net of skorch takes, too."""
    return NamedLosses(criterion) if isinstance(criterion, dict) else criterion


def assert_is_sum_of_parts(path):
    assert_array_equal(path.loss, path.components["squared"] + path.components["absolute"])


def states_of(*nets):
    return [{k: v.tolist() for k, v in net.module_.state_dict().items()} for net in nets]


# -- the criterion itself -----------------------------------------------------------------


def test_sum_of_losses():
    both = NamedLosses({"squared": torch.nn.MSELoss, "absolute": torch.nn.L1Loss()})
    # (1 + 9) / 2 and (1 + 3) / 2
    assert both(torch.tensor([1.0, 3.0]), torch.zeros(2)).item() == 7.0
    assert both.names == ["squared", "absolute"]
    assert [type(part) for part in both.criteria] == [torch.nn.MSELoss, torch.nn.L1Loss]


def test_names_are_free_text():
    names = ["a/b", "a.b", "ß", "loss", "0"]
    both = NamedLosses(dict.fromkeys(names, torch.nn.MSELoss))
    assert both.names == names
    assert both(torch.ones(2), torch.zeros(2)).item() == 5.0


def test_parts_with_parameters_are_found():
    both = NamedLosses({"a": torch.nn.PReLU, "b": torch.nn.MSELoss})
    assert [p.tolist() for p in both.parameters()] == [[0.25]]


@pytest.mark.parametrize(
    "criteria",
    [{}, None, [torch.nn.MSELoss], "mse", {"a": 3}, {1: torch.nn.MSELoss}],
    ids=["empty", "none", "list", "text", "number", "name that is a number"],
)
def test_no_mapping_of_criteria(criteria):
    with pytest.raises(TypeError):
        NamedLosses(criteria)


def test_name_that_is_empty():
    # it would stand for a loss without parts
    with pytest.raises((TypeError, ValueError), match="name"):
        NamedLosses({"": torch.nn.MSELoss})


def test_parts_of_what_a_criterion_returned():
    one, two = torch.tensor([1.0, 3.0]), torch.tensor([[1.0, 0.0], [3.0, 0.0]])
    for loss in ({"squared": one, "absolute": two}, Parts(one, two)):
        assert as_parts(loss) == {"squared": one, "absolute": two}
        assert are_named(parts_by_name(loss))
        assert as_one(loss).item() == 3.0  # 2 and 1 in the mean
    for loss in (one, (one, two), [one], None):
        assert as_parts(loss) is None
        assert not are_named(parts_by_name(loss))
    assert as_one(one) is one


# -- training is that of the sum ----------------------------------------------------------


@pytest.mark.parametrize("when", ["after", "during"])
@pytest.mark.parametrize("criterion", CRITERIA.values(), ids=CRITERIA)
def test_weights_are_those_of_the_sum_of_the_means(criterion, when, data, seeded_fit):
    plain, next_plain = seeded_fit(make_net(SumOfMeans, NeuralNet), *data)
    net, next_net = seeded_fit(make_net(criterion, when=when), *data)
    assert states_of(net) == states_of(plain)
    assert next_net == next_plain
    assert_allclose(net.history[:, "train_loss"], plain.history[:, "train_loss"], rtol=1e-6)
    assert_is_sum_of_parts(net.trajectory_)
    assert net.trajectory_.when == when


@pytest.mark.parametrize("criterion", CRITERIA.values(), ids=CRITERIA)
def test_callback_of_a_users_own_net(criterion, data, seeded_fit):
    plain, _ = seeded_fit(make_net(SumOfMeans, NeuralNet), *data)
    tracker = DifficultyTracker()
    net = make_net(named_losses(criterion), NeuralNet, callbacks=[tracker])
    net, _ = seeded_fit(net, *data)
    assert states_of(net) == states_of(plain)
    assert_is_sum_of_parts(tracker.trajectory_)


@pytest.mark.parametrize("kind", [TrackedNet, NeuralNet, TrackedNetRegressor, NeuralNetRegressor])
@pytest.mark.parametrize("criterion", CRITERIA.values(), ids=CRITERIA)
def test_net_inside_a_scorer(criterion, kind, data):
    plain, named = (
        DifficultyScorer(make_net(c, kind), random_state=0).fit(*data)
        for c in (SumOfMeans, named_losses(criterion))
    )
    assert states_of(*plain.estimators_) == states_of(*named.estimators_)
    assert_allclose(named.scores_, plain.scores_, rtol=1e-5)
    assert_is_sum_of_parts(named.trajectory_)
    assert plain.trajectory_.components == {}


class SumsItself(NeuralNet):
    """A net of skorch as it is written for such a criterion: it sums the parts on its own."""

    def get_loss(self, y_pred, y_true, X=None, training=False):
        parts = super().get_loss(y_pred, y_true, X, training)
        return sum(part.mean() for part in parts.values())


@pytest.mark.parametrize("when", ["after", "during"])
def test_get_loss_that_sums_the_parts(when, data, seeded_fit, assert_same_fit):
    plain, _ = seeded_fit(make_net(AsDict, SumsItself), *data)
    tracker = DifficultyTracker(when=when)
    recorded, _ = seeded_fit(make_net(AsDict, SumsItself, callbacks=[tracker]), *data)
    assert_same_fit(plain, recorded)
    assert tracker.trajectory_.loss.shape == (1, 4, N)


def test_losses_of_validation_are_summed_too(data, seeded_fit):
    split = {"train_split": ValidSplit(4, stratified=False)}
    plain, _ = seeded_fit(make_net(SumOfMeans, NeuralNet, **split), *data)
    net, _ = seeded_fit(make_net(AsDict, **split), *data)
    assert states_of(net) == states_of(plain)
    assert_allclose(net.history[:, "valid_loss"], plain.history[:, "valid_loss"], rtol=1e-6)
    assert net.trajectory_.in_train.sum() == 18
    # of rows that were held back, too
    assert not np.isnan(net.trajectory_.components["squared"]).any()


def test_loss_that_is_trained_is_the_mean_of_those_recorded(data):
    # one batch, of which the training pass itself is recorded
    net = make_net(AsDict, when="during", batch_size=N).fit(*data)
    assert_allclose(net.history[:, "train_loss"], net.trajectory_.loss[0].mean(axis=1), rtol=1e-6)


@pytest.mark.parametrize("when", ["after", "during"])
def test_parts_by_hand(when, scaled):
    X = np.array([[0.0], [1.0], [-3.0], [0.5]], dtype=np.float32)
    net = make_net(MAPPING, module=scaled, lr=0.0, max_epochs=2, when=when)
    path = net.fit(X, np.zeros_like(X)).trajectory_
    for step in range(2):
        assert path.components["squared"][0, step].tolist() == [0.0, 1.0, 9.0, 0.25]
        assert path.components["absolute"][0, step].tolist() == [0.0, 1.0, 3.0, 0.5]
        assert path.loss[0, step].tolist() == [0.0, 2.0, 12.0, 0.75]
    assert path.fields == ("loss", "components")


def test_part_whose_reduction_is_a_sum(scaled):
    """A part that sums over the outputs of a row is recorded as their sum, as it is alone."""
    X = np.array([[1.0, 2.0], [3.0, 0.0], [0.0, 0.0]], dtype=np.float32)
    sums = torch.nn.MSELoss(reduction="sum")
    alone = make_net(sums, module=scaled, lr=0.0).fit(X, 0 * X).trajectory_
    assert alone.loss[0, 0].tolist() == [5.0, 9.0, 0.0]
    both = {"sum": sums, "mean": torch.nn.MSELoss}
    path = make_net(both, module=scaled, lr=0.0).fit(X, 0 * X).trajectory_
    assert path.components["mean"][0, 0].tolist() == [2.5, 4.5, 0.0]
    assert path.components["sum"][0, 0].tolist() == [5.0, 9.0, 0.0]


class OfRows(torch.nn.Module):
    """A criterion of a user's own that returns the loss of each row."""

    def forward(self, outputs, y):
        return (outputs - y).abs().mean(1)


@pytest.mark.parametrize(
    "other", [OfRows, torch.nn.L1Loss(reduction="none")], ids=["own", "torch's"]
)
def test_part_that_gives_the_loss_of_each_row(other, data, seeded_fit):
    plain, _ = seeded_fit(make_net(SumOfMeans, NeuralNet), *data)
    both = {"squared": torch.nn.MSELoss, "absolute": other}
    net, _ = seeded_fit(make_net(both), *data)
    assert states_of(net) == states_of(plain)
    assert_is_sum_of_parts(net.trajectory_)


def test_parts_that_all_give_the_loss_of_each_row(data, seeded_fit):
    net, _ = seeded_fit(make_net({"a": OfRows, "b": OfRows}, when="during", batch_size=N), *data)
    # a mean over rows, as it is of any other criterion
    assert_allclose(net.history[:, "train_loss"], net.trajectory_.loss[0].mean(axis=1), rtol=1e-6)


def test_part_that_has_no_reduction(data):
    class Focal(torch.nn.Module):
        def forward(self, outputs, y):
            return ((outputs - y).square() ** 2).mean()

    net = make_net({"focal": Focal, "absolute": torch.nn.L1Loss}).fit(*data)
    outputs = net.forward(data[0]).numpy()
    path = net.trajectory_
    assert_allclose(
        path.components["focal"][0, -1], ((outputs - data[1]) ** 4).mean(1), rtol=1e-4, atol=1e-9
    )
    assert_allclose(
        path.components["absolute"][0, -1], abs(outputs - data[1]).mean(1), rtol=1e-4, atol=1e-7
    )


@pytest.mark.parametrize("weight", [1.0, 10.0])
def test_weights_of_classes_do_not_weigh_rows(weight, scaled):
    X = np.array([[2, 1, 0], [0, 1, 2], [0, 0, 0]], dtype=np.float32)
    weighted = torch.nn.CrossEntropyLoss(weight=torch.tensor([1.0, weight, 1.0]))
    net = make_net(
        {"weighted": weighted, "plain": torch.nn.CrossEntropyLoss},
        TrackedNetClassifier,
        module=scaled,
        lr=0.0,
    ).fit(X, [0, 1, 2])
    parts = net.trajectory_.components
    assert_array_equal(parts["weighted"], parts["plain"])
    assert_allclose(parts["plain"][0, 0, 2], np.log(3), rtol=1e-6)


# -- nothing is left behind ---------------------------------------------------------------


def hooks_of(criterion):
    return list(criterion._forward_hooks.values())


@pytest.mark.parametrize("criterion", [AsDict, OfElements, OfBatches, NamedLosses(MAPPING)])
def test_criterion_is_as_it_was_after_training(criterion, data):
    attributes = set(vars(criterion() if isinstance(criterion, type) else criterion))
    net = make_net(criterion).fit(*data)
    assert hooks_of(net.criterion_) == []
    assert set(vars(net.criterion_)) == attributes
    loss = net.criterion_(torch.ones(3, 2), torch.zeros(3, 2))
    assert isinstance(loss, dict) == (not isinstance(criterion, NamedLosses))


class Stops(torch.nn.Module):
    """Raises in the middle of the training."""

    def __init__(self, error, n_calls=9):
        super().__init__()
        self.error, self.n_calls, self.calls = error, n_calls, []

    def forward(self, outputs, y):
        self.calls.append(len(y))
        if len(self.calls) == self.n_calls:
            raise self.error
        return {"squared": (outputs - y).square().mean(1)}


@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("kind", [TrackedNet, NeuralNet])
def test_hook_is_gone_after_a_training_that_failed(kind, error, data):
    criterion = Stops(error)  # an instance, which the next net is given, too
    callbacks = [DifficultyTracker()] if kind is NeuralNet else []
    net = make_net(criterion, kind, callbacks=callbacks)
    if isinstance(error, KeyboardInterrupt):
        net.fit(*data)  # which skorch ends quietly
    else:
        with pytest.raises(ZeroDivisionError):
            net.fit(*data)
    assert len(criterion.calls) == 9
    if kind is NeuralNet and isinstance(error, ZeroDivisionError):
        # skorch tells callbacks nothing of an error; they find out when they are asked again
        net.partial_fit(*data)
    assert hooks_of(criterion) == []
    assert len(net.optimizer_._optimizer_step_post_hooks) == 0


def test_hook_is_gone_after_a_loss_that_is_not_finite(data):
    criterion = AsDict()
    net = make_net(criterion, optimizer=torch.optim.SGD, lr=1e30)
    with pytest.raises(NonFiniteLossError):
        net.fit(*data)
    assert hooks_of(criterion) == []


def test_scorer_leaves_the_users_criterion_alone(data):
    criterion = Stops(ZeroDivisionError(), n_calls=12)
    net = make_net(criterion)
    with pytest.raises(ZeroDivisionError):
        DifficultyScorer(net).fit(*data)
    assert (criterion.calls, hooks_of(criterion)) == ([], [])
    assert not net.initialized_


# -- copies, files, runs ------------------------------------------------------------------


def test_clone_and_copies(data):
    net = make_net(MAPPING)
    assert clone(net).get_params()["criterion"] == MAPPING
    assert clone(net.fit(*data)).criterion == MAPPING
    assert clone(DifficultyScorer(net)).estimator.criterion == MAPPING
    for copied in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert copied.criterion_.names == ["squared", "absolute"]
        for name in MAPPING:
            assert_array_equal(
                copied.trajectory_.components[name], net.trajectory_.components[name]
            )
        # and trains on
        copied.partial_fit(*data)
        assert copied.trajectory_.components["squared"].shape == (1, 8, N)


def test_pickled_scorer(data):
    X, y = data
    scorer = DifficultyScorer(make_net(MAPPING), random_state=0).fit(X, y)
    copied = pickle.loads(pickle.dumps(scorer))
    for rows in (X, X + 1):
        assert_array_equal(
            copied.score_samples(rows, y, component="absolute"),
            scorer.score_samples(rows, y, component="absolute"),
        )


def test_mapping_that_is_set_later(data):
    net = make_net(torch.nn.MSELoss).set_params(criterion=MAPPING).fit(*data)
    assert list(net.trajectory_.components) == ["squared", "absolute"]
    net.set_params(criterion=torch.nn.MSELoss).fit(*data)
    assert net.trajectory_.components == {}


@pytest.mark.parametrize("criterion", [MAPPING, AsDict], ids=["mapping", "dict"])
def test_several_runs(criterion, data):
    scorer = DifficultyScorer(make_net(criterion), n_runs=2, random_state=0)
    path = scorer.fit(*data).trajectory_
    assert_is_sum_of_parts(path)
    assert path.components["squared"].shape == (2, 4, N)
    assert (path.components["squared"][0] != path.components["squared"][1]).any()
    assert "criterion" in scorer.why_not_stacked_
    values, errors = scorer.score_samples(data[0], component="absolute", return_std=True)
    actions = path.components["absolute"].sum(axis=1)
    assert_allclose(values, actions.mean(axis=0), rtol=1e-6)
    # of two runs: half their distance
    assert_allclose(errors, abs(actions[0] - actions[1]) / 2, rtol=1e-5)


def test_folds(data):
    X, y = data
    scorer = DifficultyScorer(make_net(AsDict, max_epochs=3), cv=3, random_state=0).fit(X, y)
    path = scorer.trajectory_
    assert path.components["absolute"].shape == (1, 3, N)
    assert_is_sum_of_parts(path)
    for net, rows in zip(scorer.estimators_, np.split(np.arange(N), 3), strict=True):
        outputs = net.forward(X[rows]).numpy()
        assert_allclose(
            path.components["absolute"][0, -1, rows],
            abs(outputs - y[rows]).mean(axis=1),
            rtol=1e-4,
            atol=1e-6,
        )


NAMES = ["b/a", "a b", "..", "components0"] + [f"k{k}" for k in range(8)]


@pytest.mark.parametrize("options", [{}, {"n_runs": 2}, {"cv": 3}, {"cv": 2, "n_runs": 2}], ids=str)
def test_files(options, data, tmp_path):
    """Names that no file could have, more than ten of them, and not in alphabetical order."""
    criteria = {name: torch.nn.HuberLoss(delta=0.1 * k) for k, name in enumerate(NAMES, 1)}
    net = make_net(criteria, max_epochs=2)
    in_memory, on_disk = (
        DifficultyScorer(net, keep="elements", random_state=0, storage=folder, **options)
        for folder in (None, tmp_path / "path")
    )
    expected = in_memory.fit(*data).trajectory_
    held, loaded = on_disk.fit(*data).trajectory_, Trajectory.load(tmp_path / "path")
    expected.save(tmp_path / "saved")
    for path in (held, loaded, Trajectory.load(tmp_path / "saved", mmap=True)):
        assert list(path.components) == NAMES
        for name in NAMES:
            assert_array_equal(path.components[name], expected.components[name])
        assert path.element_component == " + ".join(NAMES)
        assert_array_equal(path.element_action, expected.element_action)
    assert {p.name for p in tmp_path.iterdir()} == {"path", "saved"}
    means = [expected.components[name].mean() for name in NAMES]
    assert means == sorted(means)  # each part under its own name
    assert_array_equal(
        on_disk.score_samples(data[0], component="b/a"),
        in_memory.score_samples(data[0], component="b/a"),
    )


# -- classes and labels -------------------------------------------------------------------


def test_classifier_keeps_the_records_of_its_classes(table):
    X, y = table
    criteria = {"plain": torch.nn.CrossEntropyLoss, "smooth": SmoothedCrossEntropy}
    net = make_net(criteria, TrackedNetClassifier, module__out_features=3)
    scorer = DifficultyScorer(net, random_state=0).fit(X, np.array(["r", "s", "t"])[y])
    path = scorer.trajectory_
    assert path.fields == (
        *("loss", "margin", "proba", "prediction", "entropy", "el2n"),
        "components",
    )
    assert_allclose(path.components["plain"], -np.log(path.proba), rtol=1e-4, atol=1e-6)
    assert path.classes.tolist() == ["r", "s", "t"]
    assert scorer.score_samples(X, score="aum").shape == (61,)
    # rows that were not trained on, under the label that is predicted
    predicted = scorer.estimators_[0].predict(X + 1)
    labels = predicted if predicted.dtype.kind == "U" else np.array(["r", "s", "t"])[predicted]
    assert_allclose(
        scorer.score_samples(X + 1, component="smooth"),
        scorer.score_samples(X + 1, labels, component="smooth"),
        rtol=1e-5,
    )


class SmoothedCrossEntropy(torch.nn.CrossEntropyLoss):
    def __init__(self):
        super().__init__(label_smoothing=0.1)


def test_several_labels_for_a_row(data):
    """Torch's criteria of labels compute with numbers, alone and in a mapping."""
    X, _ = data
    labels = (X[:, :2] > 0).astype(int)
    criteria = {
        "cross-entropy": torch.nn.BCEWithLogitsLoss,
        "margin": torch.nn.MultiLabelSoftMarginLoss,
    }
    path = DifficultyScorer(make_net(criteria), random_state=0).fit(X, labels).trajectory_
    # the same function, with the sign of the logits inside and outside
    assert_allclose(path.components["cross-entropy"], path.components["margin"], rtol=1e-4)


def test_whole_numbers_as_targets(data):
    X, y = data
    whole = np.rint(y).astype(int)
    path = DifficultyScorer(make_net(MAPPING), random_state=0).fit(X, whole).trajectory_
    expected = DifficultyScorer(make_net(MAPPING), random_state=0).fit(X, whole.astype(float))
    assert_array_equal(path.loss, expected.trajectory_.loss)


# -- scores of a part ---------------------------------------------------------------------


@pytest.fixture
def scorer(data):
    return DifficultyScorer(make_net(MAPPING), snapshots="all", random_state=0).fit(*data)


@pytest.mark.parametrize("name", MAPPING)
def test_scores_of_known_rows(name, scorer, data):
    X, y = data
    part = scorer.trajectory_.components[name][0]
    for score, expected in (
        ("action", part.sum(axis=0)),
        ("final_loss", part[-1]),
        ("loss_variance", part.var(axis=0)),
    ):
        assert_allclose(
            scorer.score_samples(X, score=score, component=name), expected, rtol=1e-4, atol=1e-9
        )
        params = {"component": name}
        given = scorer.score_samples(X, y, score=score, score_params=params)
        assert_array_equal(given, scorer.score_samples(X, score=score, component=name))
        assert_array_equal(scorer.difficulty(X, score=score, component=name), given)
    few = scorer.score_samples(X[[5, 2]], component=name, score_params={"steps": slice(1, 3)})
    assert_allclose(few, part[1:3, [5, 2]].sum(axis=0), rtol=1e-5)


@pytest.mark.parametrize("name", MAPPING)
def test_scores_of_new_rows(name, scorer, data):
    X, y = data
    again = scorer.score_samples(X * (1 + 1e-6), y, component=name)
    assert_allclose(again, scorer.score_samples(X, component=name), rtol=1e-4)
    parts = [scorer.score_samples(X + 1, y, component=part) for part in MAPPING]
    assert_allclose(sum(parts), scorer.score_samples(X + 1, y), rtol=1e-6)


def test_part_named_in_fit(data):
    params = {"action": {"component": "absolute"}}
    scores = ["action", "final_loss"]
    scorer = DifficultyScorer(
        make_net(MAPPING), score=scores, score_params=params, random_state=0
    ).fit(*data)
    path = scorer.trajectory_
    expected = [path.components["absolute"][0].sum(axis=0), path.loss[0, -1]]
    assert_allclose(scorer.scores_, np.column_stack(expected), rtol=1e-6)
    assert_array_equal(scorer.score_samples(data[0]), scorer.scores_)
    # one for all of them takes the place of those in the options
    both = scorer.score_samples(data[0], component="squared")
    expected = [path.components["squared"][0].sum(axis=0), path.components["squared"][0, -1]]
    assert_allclose(both, np.column_stack(expected), rtol=1e-6)


def test_part_that_is_not_there(scorer, data):
    with pytest.raises(RecordNotFoundError, match=r"'box' is no part.*'squared', 'absolute'"):
        scorer.score_samples(data[0], component="box")
    plain = DifficultyScorer(make_net(torch.nn.MSELoss), random_state=0).fit(*data)
    with pytest.raises(RecordNotFoundError, match="one loss, without parts"):
        plain.score_samples(data[0], component="squared")
    late = DifficultyScorer(make_net(MAPPING), score_params={"component": "box"})
    with pytest.raises(RecordNotFoundError, match="'box' is no part") as caught:
        late.fit(*data)
    assert caught.value.trajectory.n_steps.tolist() == [4]  # the training is not lost


@pytest.mark.parametrize("score", ["aum", "vog", "grand", "easiness"])
def test_scores_that_are_not_of_the_loss(score, scorer, data):
    with pytest.raises(ValueError, match=f"component='squared' was given for score '{score}'"):
        scorer.score_samples(data[0], score=score, component="squared")


@pytest.mark.parametrize("component", [3, ["squared"], True])
def test_part_that_is_no_name(component, scorer, data):
    with pytest.raises(ValueError, match="a component is the name of a part"):
        scorer.score_samples(data[0], component=component)


def test_gradients_are_those_of_the_sum(scorer, data):
    X, _ = data
    plain = DifficultyScorer(make_net(SumOfMeans), snapshots="all", random_state=0).fit(*data)
    for score in ("grand", "input_gradient_norm"):
        assert_allclose(
            scorer.score_samples(X, score=score), plain.score_samples(X, score=score), rtol=1e-4
        )


def test_trajectory_without_a_model(scorer, data):
    X, _ = data
    path = scorer.trajectory_
    again = DifficultyScorer.from_trajectory(path, X, score_params={"component": "absolute"})
    assert_array_equal(again.scores_, scorer.score_samples(X, component="absolute"))
    assert_array_equal(
        again.score_samples(X[:3], component="squared"),
        scorer.score_samples(X[:3], component="squared"),
    )
    twice = Trajectory.stack([path, path])
    assert twice.components["squared"].shape == (2, 4, N)
    part = path.select(samples=[3, 1], steps=slice(1, 3))
    assert_array_equal(part.components["squared"], path.components["squared"][:, 1:3, [3, 1]])
    assert {"components.squared", "components.absolute"} <= set(path.to_frame().columns)
