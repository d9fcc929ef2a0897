"""Each task that has no single class per row, through the same three lines."""

import copy
import pickle
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_linnerud, make_multilabel_classification
from sklearn.ensemble import (
    BaggingRegressor,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, SGDRegressor
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNet, NeuralNetRegressor
from skorch.callbacks import Callback
from torch.utils.data import Dataset
from xgboost import XGBRegressor

from sklearn_difficulty import (
    DifficultyScorer,
    FilteredRegressor,
    MislabelFilter,
    TrackedNet,
    TrackedNetClassifier,
    TrackedNetRegressor,
)
from sklearn_difficulty.exceptions import (
    DegenerateGradientWarning,
    MissingRecordsWarning,
    NonFiniteLossError,
    RecordNotFoundError,
)
from sklearn_difficulty.recording import _inputs
from sklearn_difficulty.scores import SCORES, easiness
from sklearn_difficulty.trajectory import Trajectory

# Scores that are defined whatever is learned.
OF_ANY_TASK = {"action", "final_loss", "loss_variance", "grand", "input_gradient_norm", "vog"}
# Scores of right and wrong, which all labels of a row may be as well.
OF_LABEL_SETS = {"correctness", "easiness", "first_learned", "forgetting"}


class MLP(torch.nn.Module):
    def __init__(self, n_inputs=4, n_outputs=1, n_hidden=16):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(n_inputs, n_hidden),
            torch.nn.Tanh(),
            torch.nn.Linear(n_hidden, n_outputs),
        )

    def forward(self, X):
        return self.layers(X)


class Scaled(torch.nn.Module):
    """Its input times a parameter that starts at one."""

    def __init__(self):
        super().__init__()
        self.factor = torch.nn.Parameter(torch.ones(()))

    def forward(self, X):
        return X * self.factor


def make_net(kind=TrackedNet, module=MLP, criterion=torch.nn.MSELoss, **params):
    defaults = {
        "optimizer": torch.optim.Adam,
        "lr": 0.02,
        "batch_size": 16,
        "max_epochs": 5,
        "iterator_train__shuffle": True,
        "train_split": None,
        "verbose": 0,
    }
    return kind(module, criterion=criterion, **(defaults | params))


def make_scorer(estimator, **params):
    return DifficultyScorer(estimator, **({"random_state": 0, "snapshots": "all"} | params))


def nudged(X):
    """The same rows but for the last digits, by which they are not known again."""
    return X * np.float32(1 + 1e-5)


def auroc(rows, scores):
    return roc_auc_score(np.isin(np.arange(len(scores)), rows), scores)


# -- regression ---------------------------------------------------------------------------

N = 150
WRONG = np.arange(0, N, 10)


@pytest.fixture
def regression():
    """X (150, 4), y (150,) of which one in ten is 4 too high or too low."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 4)).astype(np.float32)
    y = X @ [1.0, -1.0, 0.5, 0.0] + 0.1 * rng.normal(size=N)
    y[WRONG] += rng.choice([-4.0, 4.0], size=len(WRONG))
    return X, y


class Quantile(torch.nn.Module):
    """Pinball loss of a user's own, whose prediction is a quantile."""

    def __init__(self, share=0.75):
        super().__init__()
        self.share = share

    def forward(self, outputs, y):
        above = y - outputs
        return torch.maximum(self.share * above, (self.share - 1) * above).mean()


def huber(difference, delta):
    small = abs(difference) <= delta
    return np.where(small, difference**2 / 2, delta * (abs(difference) - delta / 2))


LOSSES = {
    "squared": (torch.nn.MSELoss, {}, np.square),
    "absolute": (torch.nn.L1Loss, {}, np.abs),
    "Huber": (torch.nn.HuberLoss, {"criterion__delta": 0.5}, lambda d: huber(d, 0.5)),
    "quantile": (
        Quantile,
        {"criterion__share": 0.75},
        lambda d: np.maximum(0.75 * d, -0.25 * d),
    ),
}


@pytest.mark.parametrize("kind", [TrackedNetRegressor, NeuralNetRegressor, NeuralNet])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_a_regression(name, kind, regression):
    X, y = regression
    criterion, params, of_difference = LOSSES[name]
    net = make_net(kind, criterion=criterion, max_epochs=30, **params)
    scorer = make_scorer(net).fit(X, y)
    path = scorer.trajectory_
    difference = y - scorer.estimators_[0].predict(X).ravel()
    assert_allclose(path.loss[0, -1], of_difference(difference), rtol=1e-3, atol=1e-5)
    assert_allclose(scorer.scores_, path.loss[0].sum(axis=0), rtol=1e-5)
    assert auroc(WRONG, scorer.difficulty_) >= 0.95
    assert path.fields == ("loss",)
    assert path.classes is None
    assert_allclose(path.y, y)
    assert_array_equal(scorer.score_samples(X), scorer.scores_)
    assert_allclose(scorer.score_samples(nudged(X), y), scorer.scores_, rtol=1e-2, atol=1e-3)
    assert (scorer.score_samples(X, y + 10) > scorer.scores_).all()


class MeanAndVariance(torch.nn.Module):
    def __init__(self, n_inputs=4, n_outputs=1):
        super().__init__()
        self.mean = MLP(n_inputs, n_outputs)
        self.variance = MLP(n_inputs, n_outputs)

    def forward(self, X):
        return self.mean(X), torch.nn.functional.softplus(self.variance(X)) + 1e-3


@pytest.mark.parametrize("when", ["after", "during"])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_gaussian_negative_log_likelihood(when, n_outputs, regression):
    X, y = regression
    y = y if n_outputs == 1 else np.column_stack([y, -y])
    net = make_net(
        TrackedNetRegressor,
        MeanAndVariance,
        torch.nn.GaussianNLLLoss,
        module__n_outputs=n_outputs,
        when=when,
        max_epochs=12,
    )
    scorer = make_scorer(net, keep=("outputs",)).fit(X, y)
    path = scorer.trajectory_
    mean, variance = (part.numpy() for part in scorer.estimators_[0].forward(X))
    assert scorer.estimators_[0].predict(X).shape == y.shape
    if when == "after":
        losses = 0.5 * (np.log(variance) + (y.reshape(mean.shape) - mean) ** 2 / variance)
        assert_allclose(path.loss[0, -1], losses.mean(axis=1), rtol=1e-3, atol=1e-5)
        assert_allclose(path.outputs[0, -1], mean, rtol=1e-4, atol=1e-6)
        assert_allclose(scorer.score_samples(nudged(X), y), scorer.scores_, rtol=1e-2, atol=1e-2)
    assert auroc(WRONG, scorer.difficulty_) >= 0.95
    for score in ("grand", "input_gradient_norm", "vog"):
        assert (scorer.score_samples(X, score=score) > 0).all()


def test_variance_in_a_plain_net_of_skorch(regression):
    net = make_net(NeuralNetRegressor, MeanAndVariance, torch.nn.GaussianNLLLoss)
    with pytest.raises(ValueError, match=r"GaussianNLLLoss cannot compare.*a tuple of \(float32"):
        make_scorer(net).fit(*regression)


@pytest.mark.parametrize(
    "estimator",
    [
        None,
        SGDRegressor(max_iter=20, tol=None),
        HistGradientBoostingRegressor(max_iter=30),
        RandomForestRegressor(30, n_jobs=1),
        make_pipeline(StandardScaler(), make_net(TrackedNetRegressor, max_epochs=20)),
    ],
    ids=["default", "SGD", "boosting", "forest", "pipeline"],
)
def test_wrong_targets_are_found(estimator, regression):
    X, y = regression
    scorer = DifficultyScorer(estimator, random_state=0).fit(X, y)
    assert auroc(WRONG, scorer.difficulty_) >= 0.95
    assert auroc(WRONG, scorer.score_samples(X, score="final_loss")) >= 0.9


@pytest.fixture
def whole_numbers():
    """X (60, 4), y (60,) of three whole numbers."""
    X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    return X, X[:, :3].argmax(axis=1)


@pytest.mark.parametrize("kind", [TrackedNet, NeuralNet])
def test_few_whole_numbers_under_a_criterion_of_classes(kind, whole_numbers):
    X, y = whole_numbers
    net = make_net(kind, criterion=torch.nn.CrossEntropyLoss, module__n_outputs=3)
    scorer = make_scorer(net).fit(X, y)
    log_proba = scorer.estimators_[0].forward(X).log_softmax(1).numpy()
    assert_allclose(scorer.trajectory_.loss[0, -1], -log_proba[np.arange(60), y], rtol=1e-3)
    assert_array_equal(scorer.score_samples(X, y), scorer.scores_)


@pytest.mark.parametrize("kind", [TrackedNet, NeuralNet])
def test_few_whole_numbers_under_a_criterion_of_numbers(kind, whole_numbers):
    """The criterion says what the net makes of them, where the net itself does not."""
    X, y = whole_numbers
    scorer = make_scorer(make_net(kind)).fit(X, y)
    predicted = scorer.estimators_[0].forward(X).numpy().ravel()
    assert_allclose(scorer.trajectory_.loss[0, -1], (predicted - y) ** 2, rtol=1e-3, atol=1e-5)


def test_filter_in_front_of_a_regressor(regression, outputs):
    X, y = regression
    truth = X @ [1.0, -1.0, 0.5, 0.0]
    for filtered, plain, wanted in (
        (FilteredRegressor(estimator=LinearRegression()), LinearRegression(), truth),
        (
            FilteredRegressor(MislabelFilter(make_scorer(None)), LinearRegression()),
            LinearRegression(),
            np.column_stack([X[:, 0] + X[:, 3], 100 * truth]),
        ),
    ):
        given = y if wanted.ndim == 1 else outputs[1]
        errors = [
            abs(estimator.fit(X, given).predict(X) - wanted).mean()
            for estimator in (filtered, plain)
        ]
        assert errors[0] < 0.5 * errors[1]


# -- several outputs ----------------------------------------------------------------------


@pytest.fixture
def outputs(regression):
    """The same X with two targets of unlike scale; the wrong rows have the second one wrong."""
    X, y = regression
    return X, np.column_stack([X[:, 0] + X[:, 3], 100 * y])


SEVERAL_OUTPUTS = {
    "default": None,
    "tracked": make_net(TrackedNetRegressor, module__n_outputs=2),
    "general": make_net(module__n_outputs=2),
    "skorch": make_net(NeuralNetRegressor, module__n_outputs=2),
    "forest": RandomForestRegressor(20, n_jobs=1),
    "bagging": BaggingRegressor(n_estimators=20),
    "MLP": MLPRegressor(hidden_layer_sizes=(8,), max_iter=8),
    "XGBoost": XGBRegressor(n_estimators=8, n_jobs=1),
    "pipeline": make_pipeline(StandardScaler(), make_net(TrackedNetRegressor, module__n_outputs=2)),
}


@pytest.mark.parametrize("name", SEVERAL_OUTPUTS)
def test_several_outputs(name, outputs):
    X, y = outputs
    scorer = make_scorer(SEVERAL_OUTPUTS[name]).fit(X, y)
    path = scorer.trajectory_
    assert_allclose(path.y, y)
    assert (path.classes, path.prediction, path.margin) == (None, None, None)
    assert not hasattr(scorer, "classes_")
    if name not in ("forest", "bagging"):  # whose trees are judged out of bag
        predicted = scorer.estimators_[0].predict(X)
        expected = ((predicted - y) ** 2).mean(axis=1)
        assert_allclose(path.loss[0, -1], expected, rtol=1e-2, atol=0.1)
    if name not in ("forest", "bagging", "XGBoost"):  # whose trees split between two rows
        again = scorer.score_samples(nudged(X), y)
        assert_allclose(again, scorer.scores_, rtol=0.05, atol=0.5 * scorer.scores_.std())
    assert_array_equal(scorer.score_samples(X), scorer.scores_)
    assert_array_equal(scorer.score_samples(X[::-1], y[::-1]), scorer.scores_[::-1])
    new = scorer.score_samples(X[:5] + 0.1, y[:5])
    assert new.shape == (5,)
    assert (scorer.score_samples(X[:5] + 0.1, y[:5] + 1e4) > new).all()


@pytest.mark.parametrize("name", ["default", "forest"])
def test_wrong_ones_of_several_targets_are_found(name, outputs):
    scorer = make_scorer(SEVERAL_OUTPUTS[name]).fit(*outputs)
    assert auroc(WRONG, scorer.difficulty_) >= 0.9


def test_real_targets_of_three_outputs():
    data = load_linnerud()
    scorer = make_scorer(None).fit(data.data, data.target)
    net = scorer.estimators_[0]
    assert isinstance(net, TrackedNetRegressor)
    assert net.predict(data.data[:4]).shape == (4, 3)
    # each output in its own unit from the beginning
    assert_allclose(net.module_.output_center, data.target.mean(axis=0), rtol=1e-6)
    assert_allclose(net.module_.output_scale, data.target.std(axis=0), rtol=1e-6)


@pytest.mark.parametrize("name", ["default", "tracked", "forest"])
def test_targets_in_a_frame(name, outputs):
    X, y = outputs
    frame = pd.DataFrame(y, columns=["a", "b"], index=np.arange(N)[::-1] + 7)
    rows = pd.DataFrame(X, columns=list("wxyz"), index=frame.index)
    given, expected = make_scorer(SEVERAL_OUTPUTS[name]), make_scorer(SEVERAL_OUTPUTS[name])
    assert_array_equal(given.fit(rows, frame).scores_, expected.fit(X, y).scores_)
    assert_array_equal(given.score_samples(rows[3:5], frame[3:5]), expected.scores_[3:5])
    assert given.feature_names_in_.tolist() == list("wxyz")


@pytest.mark.parametrize("as_list", [list, np.ndarray.tolist, lambda y: tuple(map(tuple, y))])
@pytest.mark.parametrize("name", ["default", "tracked", "forest"])
def test_targets_in_lists(name, as_list, outputs):
    """As many numbers for each row, whatever holds them: arrays in a list are a table, too."""
    X, y = outputs
    given = make_scorer(SEVERAL_OUTPUTS[name]).fit(X, as_list(y))
    expected = make_scorer(SEVERAL_OUTPUTS[name]).fit(X, y)
    assert_array_equal(given.scores_, expected.scores_)


def test_stacked_runs_are_those_of_one_after_the_other(outputs):
    X, y = outputs
    for estimator, targets in (
        (SEVERAL_OUTPUTS["tracked"], y),
        (make_net(criterion=torch.nn.BCEWithLogitsLoss, module__n_outputs=2), (y > 0).astype(int)),
        (make_net(module__n_outputs=4), None),
    ):
        path = make_scorer(estimator, n_runs=2).fit(X, targets).trajectory_
        watched = clone(estimator).set_params(callbacks=[Watches()])
        alone = make_scorer(watched, n_runs=2).fit(X, targets)
        assert "callbacks" in alone.why_not_stacked_
        assert_allclose(path.loss, alone.trajectory_.loss, rtol=1e-3, atol=1e-5)
        assert path.fields == alone.trajectory_.fields
        if path.element_action is not None:
            assert_allclose(
                path.element_action, alone.trajectory_.element_action, rtol=1e-3, atol=1e-5
            )


class Watches(Callback):
    """Does nothing, and keeps trainings from being stacked."""


# -- easiness of a regression -------------------------------------------------------------

# Distances of three runs from the targets 0, 1, 2, 3.
DISTANCES = np.array([[0.1, 0.5, 0.6, 2.0], [0.3, 0.2, 0.9, 1.0], [0.0, 0.7, 0.4, 3.0]])


def path_of_distances():
    y = np.arange(4.0)
    signs = np.array([1, -1, 1, -1])
    return Trajectory(
        (DISTANCES**2)[:, None], outputs=(y + signs * DISTANCES)[:, None, :, None], y=y
    )


@pytest.mark.parametrize(
    ("options", "counts"),
    [
        ({"tol": 0.5}, [3, 2, 1, 0]),  # at the distance itself, too
        ({"tol": 0.45}, [3, 1, 1, 0]),
        ({"tol": 3}, [3, 3, 3, 3]),
        ({"tol": 0}, [1, 0, 0, 0]),
        ({"rank": 0.5}, [3, 2, 1, 0]),  # the nearer half of each run
        ({"rank": 0.25}, [2, 1, 0, 0]),
        ({"rank": 1}, [3, 3, 3, 3]),
    ],
    ids=str,
)
def test_easiness_by_hand(options, counts):
    assert_allclose(easiness(path_of_distances(), **options), np.array(counts) / max(counts))


def test_nothing_is_ever_near():
    assert easiness(path_of_distances().select(samples=[1, 3]), tol=0.1).tolist() == [0.0, 0.0]


def test_several_targets_all_have_to_be_near():
    outputs = np.array([[[[0.0, 0.4], [0.0, 0.6]]], [[[0.2, 0.2], [0.0, 0.0]]]])
    path = Trajectory(np.ones((2, 1, 2)), outputs=outputs, y=np.zeros((2, 2)))
    assert easiness(path, tol=0.5).tolist() == [1.0, 0.5]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"tol": -1}, ValueError, "tol must be a distance, at least 0; got -1"),
        ({"tol": np.nan}, ValueError, "tol must be a distance"),
        ({"tol": "wide"}, TypeError, "tol must be a number"),
        ({"tol": True}, TypeError, "tol must be a number"),
        ({"rank": 0}, ValueError, r"rank must be a number in \(0, 1\]; got 0"),
        ({"rank": 1.5}, ValueError, r"rank must be a number in \(0, 1\]; got 1.5"),
        ({"rank": "half"}, TypeError, "rank must be a number"),
        ({"tol": 1.0, "rank": 0.5}, ValueError, r"tol=1.0 and rank=0.5 were both given"),
    ],
    ids=str,
)
def test_bad_distances_and_ranks(options, error, message, regression):
    with pytest.raises(error, match=message):
        easiness(path_of_distances(), **options)
    # before any training
    scorer = make_scorer(make_net(TrackedNetRegressor), score="easiness", score_params=options)
    with pytest.raises(error, match=message) as caught:
        scorer.fit(*regression)
    assert not hasattr(caught.value, "trajectory")


def test_easiness_needs_a_distance(regression):
    with pytest.raises(RecordNotFoundError, match=r"score_params=\{'tol': \.\.\.\} or.*'rank'"):
        make_scorer(make_net(TrackedNetRegressor), score="easiness").fit(*regression)


@pytest.mark.parametrize(
    ("estimator", "n_outputs"),
    [
        (make_net(TrackedNetRegressor), 1),
        (make_net(NeuralNet), 1),
        (HistGradientBoostingRegressor(max_iter=8), 1),
        (make_net(TrackedNetRegressor, module__n_outputs=2), 2),
        (RandomForestRegressor(12, n_jobs=1), 2),
        (MLPRegressor(hidden_layer_sizes=(8,), max_iter=8), 2),
    ],
    ids=["tracked", "skorch", "boosting", "two outputs", "forest", "MLP"],
)
@pytest.mark.parametrize("options", [{"tol": 0.4}, {"rank": 0.3}], ids=str)
def test_easiness_of_a_regression(options, estimator, n_outputs, regression):
    X, y = regression
    y = y if n_outputs == 1 else np.column_stack([y, X[:, 3]])
    scorer = make_scorer(estimator, score="easiness", score_params=options, n_runs=3).fit(X, y)
    path = scorer.trajectory_
    distances = abs(path.outputs[:, -1] - y.reshape(N, -1)).max(axis=2)
    limits = np.full(len(distances), options.get("tol"))
    if "rank" in options:
        limits = np.nanquantile(distances, options["rank"], axis=1)
    is_near = np.where(np.isnan(distances), np.nan, distances <= limits[:, None])
    shares = np.nanmean(is_near, axis=0)
    assert_allclose(scorer.scores_, shares / shares.max())
    assert scorer.scores_.max() == 1.0
    assert_array_equal(scorer.difficulty_, -scorer.scores_)
    assert_array_equal(scorer.score_samples(X), scorer.scores_)
    assert_array_equal(scorer.score_samples(X[:4], y[:4]), scorer.scores_[:4])
    new = scorer.score_samples(nudged(X), y)
    if not isinstance(estimator, RandomForestRegressor):  # whose trees know some of the rows
        assert (abs(new - scorer.scores_) > 1e-6).mean() < 0.1
    assert (scorer.score_samples(nudged(X), y + 100) == 0).all()
    assert scorer.score_samples(nudged(X[:1]), y[:1]) == new[:1]  # others have no say


def test_easiness_over_folds_and_with_errors(regression):
    X, y = regression
    net = make_net(TrackedNetRegressor)
    scorer = make_scorer(net, score="easiness", score_params={"rank": 0.5}, n_runs=4, cv=2)
    values, errors = scorer.fit(X, y).score_samples(X, return_std=True)
    shares = scorer.scores_
    assert set(np.round(shares * 4, 6)) <= {0, 1, 2, 3, 4}
    assert_array_equal(values, shares)
    assert np.isfinite(errors).all()
    assert (errors[shares == 1] == 0).all()
    new = scorer.score_samples(X[:6] + 0.1, y[:6], return_std=True)
    assert np.isfinite(new).all()


def test_easiness_that_was_not_asked_for(regression):
    X, y = regression
    scorer = make_scorer(make_net(TrackedNetRegressor), n_runs=2).fit(X, y)
    with pytest.raises(RecordNotFoundError, match=r"needs outputs.*name it among the scores"):
        scorer.score_samples(X, score="easiness", score_params={"tol": 0.5})


@pytest.mark.parametrize("option", ["tol", "rank"])
@pytest.mark.parametrize("task", ["classes", "boxes", "pixels"])
def test_distances_where_there_are_none(task, option, request):
    """Refused before twenty trainings, and not after them."""
    if task == "classes":
        X = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
        net = make_net(TrackedNetClassifier, criterion=torch.nn.CrossEntropyLoss)
        net.set_params(module__n_outputs=3)
        data = X, np.arange(30) % 3
    else:
        net, data = TASKS[task](request.getfixturevalue(task))
    scorer = make_scorer(net, score="easiness", score_params={option: 0.5}, n_runs=2)
    with pytest.raises((RecordNotFoundError, ValueError), match="easiness") as caught:
        scorer.fit(*data)
    assert not hasattr(caught.value, "trajectory")


def test_distances_of_rows_from_themselves(reconstruction):
    """A distance there is; who does not compute it says so before any training."""
    net = autoencoder(max_epochs=2)
    scorer = make_scorer(net, score="easiness", score_params={"tol": 0.9}, n_runs=2)
    try:
        scorer.fit(reconstruction)
    except RecordNotFoundError as error:
        assert not hasattr(error, "trajectory")
    else:
        assert np.isfinite(scorer.scores_).all()


# -- variance of gradients ----------------------------------------------------------------


class Bends(torch.nn.Module):
    """Linear, then ReLU, then linear: its gradients are sums of weights."""

    def __init__(self, n_outputs=2):
        super().__init__()
        self.first = torch.nn.Linear(3, 5)
        self.last = torch.nn.Linear(5, n_outputs)

    def forward(self, X):
        return self.last(self.first(X).relu())


def gradients_by_hand(state, X):
    """Gradients of each output by the input, (n, outputs, inputs)."""
    is_on = X @ state["first.weight"].T + state["first.bias"] > 0
    return np.einsum("oh,nh,hi->noi", state["last.weight"], is_on, state["first.weight"])


def states_of(scorer):
    snapshots = scorer.trajectory_.snapshots
    return [dict(snapshots.state(0, step).items()) for step in snapshots.steps(0)]


@pytest.mark.parametrize(
    ("kind", "criterion"),
    [
        (TrackedNetRegressor, torch.nn.MSELoss),
        (TrackedNet, torch.nn.MSELoss),
        (TrackedNet, torch.nn.BCEWithLogitsLoss),
    ],
    ids=["regression", "general", "labels"],
)
def test_vog_is_of_the_outputs_themselves(kind, criterion, outputs):
    X, y = outputs[0][:, :3], outputs[1]
    y = (y > 0).astype(int) if criterion is torch.nn.BCEWithLogitsLoss else y / [1, 100]
    scorer = make_scorer(make_net(kind, Bends, criterion), score="vog").fit(X, y)
    states = states_of(scorer)
    assert len(states) == 5
    gradients = np.stack([gradients_by_hand(state, X) for state in states])
    # the variance over the states, its mean over the inputs, and over the outputs
    assert_allclose(scorer.scores_, gradients.var(axis=0).mean(axis=(1, 2)), rtol=1e-4)
    new = X + np.float32(0.2)
    moved = np.stack([gradients_by_hand(state, new) for state in states])
    assert_allclose(
        scorer.score_samples(new, y), moved.var(axis=0).mean(axis=(1, 2)), rtol=1e-4, atol=1e-9
    )
    assert_array_equal(scorer.score_samples(X[:3]), scorer.scores_[:3])
    # finite differences of the last state, between the bends
    net, step = scorer.estimators_[0], 1e-3
    slopes = np.stack(
        [
            (net.forward(X + move) - net.forward(X - move)).numpy() / (2 * step)
            for move in step * np.eye(3, dtype=np.float32)
        ],
        axis=-1,
    )
    near_a_bend = abs(X @ states[-1]["first.weight"].T + states[-1]["first.bias"]).min(axis=1)
    far = near_a_bend > 0.02
    assert far.sum() > 50
    assert_allclose(slopes[far], gradients[-1][far], rtol=0.02, atol=2e-3)


def test_vog_by_hand_of_one_output():
    """y = w * relu(x): the gradient is w where x is positive and 0 where it is not."""

    class Ramp(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.tensor(2.0))

        def forward(self, X):
            return self.weight * X.relu()

    X = np.array([[1.0], [-1.0], [1.0]], dtype=np.float32)
    net = make_net(
        TrackedNetRegressor, Ramp, optimizer=torch.optim.SGD, lr=0.375, batch_size=3, max_epochs=2
    )
    # the mean loss is 2/3 w², so that each step takes half of w away: 1, then 1/2
    scorer = make_scorer(net, score="vog").fit(X, np.zeros(3))
    assert_allclose(scorer.trajectory_.loss[0], [[1, 0, 1], [0.25, 0, 0.25]], rtol=1e-6)
    assert_allclose(scorer.scores_, [0.0625, 0.0, 0.0625], rtol=1e-6)
    of_std = scorer.score_samples(X, score_params={"reduction": "std"})
    assert_allclose(of_std, [0.25, 0.0, 0.25], rtol=1e-6)


def test_vog_of_a_linear_model_says_so(regression):
    net = make_net(TrackedNetRegressor, torch.nn.Linear)
    net.set_params(module__in_features=4, module__out_features=1)
    with pytest.warns(DegenerateGradientWarning, match="all rows have the same score"):
        make_scorer(net, score="vog").fit(*regression)


def test_vog_of_new_rows_needs_no_targets(regression):
    """The gradient is that of the outputs, whatever the targets are."""
    X, y = regression
    scorer = make_scorer(make_net(TrackedNetRegressor), score="vog").fit(X, y)
    assert_array_equal(scorer.score_samples(X + 0.1), scorer.score_samples(X + 0.1, y))


@pytest.mark.parametrize(
    "options", [{"output": "proba"}, {"target": "predicted"}, {"class_normalize": True}], ids=str
)
def test_options_that_need_classes(options, regression):
    [option] = options
    with pytest.raises(RecordNotFoundError, match=f"'{option}'.*needs classes.*is a regression"):
        make_scorer(make_net(TrackedNetRegressor), score="vog", score_params=options).fit(
            *regression
        )


# -- several labels for a row -------------------------------------------------------------


@pytest.fixture
def labels():
    """X (120, 8) and which of three labels each row has."""
    X, Y = make_multilabel_classification(
        120, 8, n_classes=3, n_labels=2, length=60, random_state=0
    )
    return X.astype(np.float32), Y


BCE = torch.nn.BCEWithLogitsLoss


def label_net(kind=TrackedNet, criterion=BCE, **params):
    return make_net(kind, criterion=criterion, module__n_inputs=8, module__n_outputs=3, **params)


PROBA = np.array([[0.9, 0.2, 0.6], [0.4, 0.8, 0.5], [0.6, 0.1, 0.2], [0.7, 0.1, 0.1]])
LABELS = np.array([[1, 0, 1], [0, 1, 0], [1, 1, 0], [0, 0, 0]])


@pytest.mark.parametrize("kind", [TrackedNet, NeuralNet])
@pytest.mark.parametrize("criterion", [torch.nn.BCELoss, BCE])
def test_right_is_an_exact_match(criterion, kind):
    """The last row has no label and one is predicted, which is wrong."""
    X = PROBA if criterion is torch.nn.BCELoss else np.log(PROBA / (1 - PROBA))
    net = make_net(kind, Scaled, criterion, lr=0.0, max_epochs=2)
    scorer = make_scorer(net, score="correctness").fit(X, LABELS)
    path = scorer.trajectory_
    assert path.prediction[0, 0].tolist() == [[1, 0, 1], [0, 1, 0], [1, 0, 0], [1, 0, 0]]
    assert path.prediction.dtype == np.int8
    assert path.correct.tolist() == [[[True, True, False, False]] * 2]
    assert scorer.scores_.tolist() == [1.0, 1.0, 0.0, 0.0]
    losses = -np.log(np.where(LABELS == 1, PROBA, 1 - PROBA))
    assert_allclose(path.element_action[0], 2 * losses, rtol=1e-5)
    assert_allclose(path.loss[0, 0], losses.mean(axis=1), rtol=1e-5)
    assert_array_equal(path.y, LABELS)
    assert (path.classes, path.margin, path.proba) == (None, None, None)


def test_scores_of_label_sets(labels):
    X, Y = labels
    scores = ["correctness", "forgetting", "first_learned", "easiness", "action"]
    scorer = make_scorer(label_net(max_epochs=15), score=scores, n_runs=2).fit(X, Y)
    right = (scorer.trajectory_.prediction == Y).all(axis=-1)
    assert 0.2 < right[:, -1].mean() < 1
    correctness, forgetting, _, easy, _ = scorer.scores_.T
    assert_allclose(correctness, right.mean(axis=(0, 1)), atol=1e-12)
    learned = right.any(axis=1).all(axis=0)
    lost = (right[:, :-1] & ~right[:, 1:]).sum(axis=1).mean(axis=0)
    assert_allclose(forgetting[learned], lost[learned])
    ends = right[:, -1].mean(axis=0)
    assert_allclose(easy, ends / ends.max())
    assert_array_equal(scorer.score_samples(X[::-1], Y[::-1]), scorer.scores_[::-1])
    new = scorer.score_samples(nudged(X), Y)
    assert_allclose(new[:, -1], scorer.scores_[:, -1], rtol=1e-2)
    assert (abs(new[:, 0] - correctness) < 1e-6).mean() > 0.95
    other = scorer.score_samples(X, 1 - Y)
    assert other[:, 0].mean() < correctness.mean()
    assert other[:, -1].mean() > scorer.scores_[:, -1].mean()


@pytest.mark.parametrize(
    "given",
    [
        scipy.sparse.csr_matrix,
        scipy.sparse.csc_array,
        scipy.sparse.coo_array,
        np.ndarray.tolist,
        lambda Y: Y.astype(bool),
        lambda Y: Y.astype(np.uint8),
        lambda Y: Y.astype(np.float64),
        lambda Y: pd.DataFrame(Y, columns=list("abc"), index=np.arange(len(Y)) + 3),
        lambda Y: pd.DataFrame({"a": Y[:, 0], "b": Y[:, 1] > 0, "c": Y[:, 2].astype(float)}),
        torch.as_tensor,
    ],
    ids=["csr", "csc", "coo", "list", "bool", "uint8", "float", "frame", "mixed frame", "tensor"],
)
def test_labels_in_any_container(given, labels):
    X, Y = labels
    estimator = label_net()
    scorer = make_scorer(estimator).fit(X[:40], given(Y[:40]))
    expected = make_scorer(estimator).fit(X[:40], Y[:40])
    assert_array_equal(scorer.scores_, expected.scores_)
    assert_array_equal(scorer.trajectory_.y, Y[:40])
    assert_array_equal(scorer.score_samples(X[:9], given(Y[:9])), expected.scores_[:9])
    new = scorer.score_samples(X[40:50], given(Y[40:50]))
    assert_array_equal(new, expected.score_samples(X[40:50], Y[40:50]))


@pytest.mark.parametrize("given", [scipy.sparse.csr_array, pd.DataFrame], ids=["csr", "frame"])
def test_labels_of_the_default_network(given, labels):
    X, Y = labels
    scorer = make_scorer(None).fit(X[:40], given(Y[:40]))
    assert_array_equal(scorer.scores_, make_scorer(None).fit(X[:40], Y[:40]).scores_)


def test_flipped_rows_are_found(labels):
    X, Y = labels
    rows = np.arange(0, 120, 10)
    Y = Y.copy()
    Y[rows] = 1 - Y[rows]
    scorer = make_scorer(None).fit(X, Y)
    assert isinstance(scorer.estimators_[0], TrackedNet)
    assert scorer.trajectory_.element_action.shape == (1, 120, 3)
    assert auroc(rows, scorer.difficulty_) >= 0.9


def test_criterion_that_gives_no_loss_for_each_label(labels):
    X, Y = labels
    scorer = make_scorer(label_net(criterion=torch.nn.MultiLabelSoftMarginLoss)).fit(X, Y)
    expected = make_scorer(label_net()).fit(X, Y)
    assert_allclose(scorer.scores_, expected.scores_, rtol=1e-4)
    assert_array_equal(scorer.trajectory_.correct, expected.trajectory_.correct)
    assert scorer.trajectory_.element_action is None


@pytest.mark.parametrize("options", [{"n_runs": 2}, {"cv": 3}], ids=str)
def test_label_sets_of_runs_and_folds_in_files(options, labels, tmp_path):
    X, Y = labels
    in_memory = make_scorer(label_net(), **options).fit(X, Y)
    on_disk = make_scorer(label_net(), storage=tmp_path / "path", **options).fit(X, Y)
    loaded = Trajectory.load(tmp_path / "path")
    for path in (on_disk.trajectory_, loaded):
        assert_array_equal(path.prediction, in_memory.trajectory_.prediction)
        assert_array_equal(path.element_action, in_memory.trajectory_.element_action)
        assert_array_equal(path.correct, in_memory.trajectory_.correct)
        assert_array_equal(path.y, Y)
    again = DifficultyScorer.from_trajectory(loaded, X, score="correctness")
    assert_allclose(again.scores_, loaded.correct.mean(axis=(0, 1)))
    assert_array_equal(again.score_samples(X[:3], Y[:3]), again.scores_[:3])
    with pytest.raises(RecordNotFoundError, match=r"'aum' needs classes.*several labels"):
        again.score_samples(X, score="aum")
    part = loaded.select(samples=[4, 2])
    assert_array_equal(part.prediction, loaded.prediction[:, :, [4, 2]])
    assert Trajectory.stack([part, part]).correct.shape == (2 * loaded.n_runs, 5, 2)
    assert part.to_frame().shape[0] == 2 * 5 * loaded.n_runs


def test_labels_of_a_net_that_is_fitted_alone(labels):
    X, Y = labels
    path = label_net().fit(X, Y).trajectory_
    assert_array_equal(path.y, Y)
    assert path.prediction.shape == (1, 5, 120, 3)
    default = TrackedNet(criterion=BCE, max_epochs=2, train_split=None, verbose=0).fit(X, Y)
    assert default.trajectory_.prediction.shape == (1, 2, 120, 3)


def test_predictions_have_the_shape_of_the_labels(labels):
    X, Y = labels
    net = label_net().fit(X, Y)
    proba = 1 / (1 + np.exp(-net.forward(X).numpy()))
    assert_allclose(net.predict(X), proba, rtol=1e-4, atol=1e-6)
    assert_array_equal(net.predict(X) > 0.5, net.trajectory_.prediction[0, -1])


def test_labels_that_are_shares(labels):
    """What is between 0 and 1 can be learned, but no such label is there or not."""
    X, _ = labels
    shares = np.random.default_rng(0).uniform(size=(120, 3)).astype(np.float32)
    scorer = make_scorer(label_net()).fit(X, shares)
    assert scorer.trajectory_.prediction is None
    assert_allclose(scorer.trajectory_.y, shares)
    assert_allclose(scorer.score_samples(nudged(X), shares), scorer.scores_, rtol=1e-3)
    with pytest.raises(RecordNotFoundError, match="correctness"):
        scorer.score_samples(X, score="correctness")
    assert_allclose(label_net().fit(X, shares).trajectory_.y, shares)


@pytest.mark.parametrize("estimator", ["forest", "net"])
def test_classifiers_learn_one_label_for_each_row(estimator, labels):
    X, Y = labels
    chosen = {
        "forest": RandomForestClassifier(),
        "net": make_net(TrackedNetClassifier, criterion=torch.nn.CrossEntropyLoss),
    }[estimator]
    message = r"shape \(120, 3\).*is a classifier.*BCEWithLogitsLoss"
    with pytest.raises(ValueError, match=message):
        make_scorer(chosen).fit(X, Y)


def test_pipeline_around_a_net_of_labels(labels):
    """A scaler belongs in front of a net, whatever it learns."""
    X, Y = labels
    pipeline = make_pipeline(StandardScaler(), label_net())
    scorer = make_scorer(pipeline).fit(X, Y)
    assert scorer.trajectory_.prediction.shape == (1, 5, 120, 3)
    assert scorer.score_samples(X[:4] + 1, Y[:4]).shape == (4,)


# -- pixels -------------------------------------------------------------------------------

VOID = 9


@pytest.fixture
def pixels():
    """X (40, 2, 6, 5), masks of three classes with void pixels; of 4 rows the masks go round."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2, 6, 5)).astype(np.float32)
    y = np.argmax([X[:, 0], X[:, 1], np.zeros((40, 6, 5))], axis=0)
    y[:, :2, 0] = VOID
    y[[0, 10, 20, 30]] = y[[10, 20, 30, 0]]
    return X, y


class Pointwise(torch.nn.Module):
    def __init__(self, n_channels=2, n_outputs=3, squeeze=False):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(n_channels, 8, 1), torch.nn.Tanh(), torch.nn.Conv2d(8, n_outputs, 1)
        )
        self.squeeze = squeeze

    def forward(self, X):
        outputs = self.layers(X)
        return outputs.squeeze(1) if self.squeeze else outputs


def pixel_net(kind=TrackedNet, **params):
    defaults = {"criterion__ignore_index": VOID, "batch_size": 8, "max_epochs": 12}
    return make_net(kind, Pointwise, torch.nn.CrossEntropyLoss, **(defaults | params))


@pytest.mark.parametrize("kind", [TrackedNet, NeuralNet])
def test_swapped_masks_are_found(kind, pixels):
    X, y = pixels
    scorer = make_scorer(pixel_net(kind), keep="elements").fit(X, y)
    assert auroc([0, 10, 20, 30], scorer.difficulty_) == 1.0
    assert_array_equal(np.isnan(scorer.trajectory_.element_action[0]), y == VOID)
    again = scorer.score_samples(nudged(X), y)
    assert_allclose(again, scorer.scores_, rtol=1e-3)
    assert_array_equal(scorer.score_samples(X[[7]], y[[7]]), scorer.scores_[[7]])
    # under another mask, a known image is judged anew
    other = scorer.score_samples(X[[7]], y[[8]])
    assert other > scorer.scores_[7]
    assert scorer.n_features_in_ == 2


def test_masks_in_small_types(pixels):
    X, y = pixels
    expected = make_scorer(pixel_net(max_epochs=2)).fit(X, y)
    for other in (y.astype(np.uint8), y.astype(np.int32), torch.as_tensor(y), y.tolist()):
        scorer = make_scorer(pixel_net(max_epochs=2)).fit(X, other)
        assert_array_equal(scorer.scores_, expected.scores_)
        assert_array_equal(scorer.score_samples(X[:3], other[:3]), expected.scores_[:3])


def test_masks_of_two_classes_with_one_logit(pixels):
    X, y = pixels
    net = make_net(TrackedNet, Pointwise, BCE, module__n_outputs=1, module__squeeze=True)
    scorer = make_scorer(net, keep="elements").fit(X, y == 1)
    path = scorer.trajectory_
    assert path.prediction is None
    assert_allclose(path.element_action[0].mean(axis=(1, 2)), scorer.scores_, rtol=1e-5)
    logits = scorer.estimators_[0].forward(X).numpy()
    assert_allclose(
        path.loss[0, -1],
        np.logaddexp(0, np.where(y == 1, -logits, logits)).mean(axis=(1, 2)),
        rtol=1e-4,
    )


def test_predicted_classes_of_pixels(pixels):
    """Which class is the likeliest is asked of the classes' axis, not of the pixels of a line."""
    X, y = pixels
    net = pixel_net().fit(X, y)
    logits = net.forward(X).numpy()
    assert_array_equal(net.predict(X).argmax(axis=1), logits.argmax(axis=1))


def test_numbers_of_pixels(pixels):
    X, _ = pixels
    net = make_net(TrackedNet, Pointwise, module__n_outputs=1, module__squeeze=True)
    scorer = make_scorer(net).fit(X, X.sum(axis=1))
    predicted = scorer.estimators_[0].predict(X)
    expected = ((predicted - X.sum(axis=1)) ** 2).mean(axis=(1, 2))
    assert_allclose(scorer.trajectory_.loss[0, -1], expected, rtol=1e-4)


def test_images_without_a_label_among_new_rows(pixels):
    X, y = pixels
    scorer = make_scorer(pixel_net(max_epochs=2)).fit(X, y)
    empty = y[:3].copy()
    empty[1] = VOID
    with pytest.warns(MissingRecordsWarning, match="1 of 3 samples"):
        scores = scorer.score_samples(X[:3] + 0.1, empty)
    assert np.isnan(scores).tolist() == [False, True, False]


# -- tokens -------------------------------------------------------------------------------


class Tagger(torch.nn.Module):
    """Logits (n, tags, places) of padded sequences."""

    def __init__(self, n_words=12, n_tags=3):
        super().__init__()
        self.vectors = torch.nn.Embedding(n_words, 8)
        self.recurrent = torch.nn.GRU(8, 8, batch_first=True)
        self.output = torch.nn.Linear(8, n_tags)

    def forward(self, X):
        return self.output(self.recurrent(self.vectors(X))[0]).movedim(-1, 1)


@pytest.fixture
def tokens():
    """Words 1 to 11 of sequences of unlike length, padded with 0; the tag is the word modulo 3."""
    rng = np.random.default_rng(0)
    X = rng.integers(1, 12, size=(60, 7))
    X[np.arange(7) >= rng.integers(2, 8, size=60)[:, None]] = 0
    y = np.where(X == 0, VOID, X % 3)
    y[::15] = np.where(X[::15] == 0, VOID, (X[::15] + 1) % 3)
    return X, y


def tagger(**params):
    defaults = {"criterion__ignore_index": VOID, "max_epochs": 15}
    return make_net(TrackedNet, Tagger, torch.nn.CrossEntropyLoss, **(defaults | params))


def test_sequences_with_wrong_tags_are_found(tokens):
    X, y = tokens
    scorer = make_scorer(tagger(), keep="elements").fit(X, y)
    assert auroc(np.arange(0, 60, 15), scorer.difficulty_) >= 0.95
    elements = scorer.trajectory_.element_action[0]
    assert_array_equal(np.isnan(elements), X == 0)
    assert_allclose(np.nanmean(elements, axis=1), scorer.scores_, rtol=1e-5)
    new = (X % 11) + (X > 0)
    assert np.isfinite(scorer.score_samples(new, y)).all()
    with pytest.raises(RecordNotFoundError, match=r"gradients by the input.*'grand'"):
        scorer.score_samples(X, score="vog")
    assert (scorer.score_samples(X, score="grand") > 0).all()


def test_tags_that_could_be_labels(tokens):
    """Tags of two kinds are no label sets where the criterion takes classes."""
    X = np.where(tokens[0] == 0, 1, tokens[0])
    scorer = make_scorer(tagger(module__n_tags=2, max_epochs=2)).fit(X, X % 2)
    assert scorer.trajectory_.prediction is None
    assert scorer.trajectory_.element_action is None


# -- boxes --------------------------------------------------------------------------------


class OfPoints(torch.nn.Module):
    """Distance of the points of a row from its output, and how many there are."""

    def forward(self, outputs, targets):
        assert isinstance(targets, list)
        parts = []
        for output, points in zip(outputs, targets, strict=True):
            points = points["points"] if isinstance(points, dict) else points
            assert isinstance(points, torch.Tensor)
            place = (points.reshape(-1, 2).to(output.dtype) - output[:2]).abs().sum()
            parts.append(torch.stack([place, output[2] - len(points)]))
        place, number = torch.stack(parts).unbind(1)
        counts = torch.tensor([max(1, len(points)) for points in targets])
        return {"place": place / counts, "number": number.square()}


class OfPointsInMappings(OfPoints):
    """The same, of which the targets are mappings."""

    def forward(self, outputs, targets):
        return super().forward(outputs, [target["points"] for target in targets])


@pytest.fixture
def boxes():
    """X (40, 4) and for each row 0 to 3 points around what its first two columns say."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 4)).astype(np.float32)
    points = [
        (X[row, :2] + 0.1 * rng.normal(size=(row % 4, 2))).astype(np.float32) for row in range(40)
    ]
    return X, points


def box_net(kind=TrackedNet, criterion=OfPoints, **params):
    return make_net(kind, criterion=criterion, module__n_outputs=3, batch_size=8, **params)


def expected_parts(net, X, points):
    outputs = net.forward(X).numpy()
    place = [
        abs(own - output[:2]).sum() / max(1, len(own))
        for output, own in zip(outputs, points, strict=True)
    ]
    return np.array(place), (outputs[:, 2] - list(map(len, points))) ** 2


@pytest.mark.parametrize("kind", [TrackedNet, NeuralNet])
def test_lists_of_points(kind, boxes):
    X, points = boxes
    scorer = make_scorer(box_net(kind)).fit(X, points)
    path = scorer.trajectory_
    place, number = expected_parts(scorer.estimators_[0], X, points)
    assert_allclose(path.components["place"][0, -1], place, rtol=1e-4, atol=1e-5)
    assert_allclose(path.components["number"][0, -1], number, rtol=1e-4, atol=1e-5)
    assert_allclose(path.loss[0, -1], place + number, rtol=1e-4, atol=1e-5)
    assert path.y is None
    assert_array_equal(path.components["place"][0, :, ::4], 0)  # rows without a point
    assert_array_equal(scorer.score_samples(X), scorer.scores_)
    order = np.random.default_rng(0).permutation(40)
    shuffled = [points[row] for row in order]
    assert_array_equal(scorer.score_samples(X[order], shuffled), scorer.scores_[order])
    assert_allclose(scorer.score_samples(nudged(X), points), scorer.scores_, rtol=1e-3, atol=1e-3)
    parts = [scorer.score_samples(X + 1, points, component=name) for name in path.components]
    assert_allclose(sum(parts), scorer.score_samples(X + 1, points), rtol=1e-5)
    for score in ("grand", "input_gradient_norm", "vog"):
        assert (scorer.score_samples(X, score=score) > 0).all()


def test_known_rows_under_other_points(boxes):
    X, points = boxes
    scorer = make_scorer(box_net()).fit(X, points)
    others = points[1:] + points[:1]
    expected = scorer.score_samples(nudged(X), others)
    assert_allclose(scorer.score_samples(X, others), expected, rtol=1e-3)
    assert (expected > scorer.scores_).mean() > 0.7


def as_objects(points):
    array = np.empty(len(points), dtype=object)
    array[:] = points
    return array


@pytest.mark.parametrize(
    "given",
    [
        tuple,
        as_objects,
        lambda points: pickle.loads(pickle.dumps(as_objects(points))),
        lambda points: pd.Series(as_objects(points), index=np.arange(len(points))[::-1] + 5),
        lambda points: [torch.as_tensor(own) for own in points],
        lambda points: [own.tolist() for own in points],
        lambda points: [own.astype(np.float64) for own in points],
    ],
    ids=["tuple", "objects", "unpickled objects", "series", "tensors", "lists", "float64"],
)
def test_points_in_any_container(given, boxes):
    X, points = boxes
    expected = make_scorer(box_net()).fit(X, points)
    scorer = make_scorer(box_net()).fit(X, given(points))
    assert_allclose(scorer.scores_, expected.scores_, rtol=1e-5)
    assert_allclose(scorer.score_samples(X, given(points)), scorer.scores_, rtol=1e-12)
    new = scorer.score_samples(X + 0.1, given(points))
    assert_allclose(new, expected.score_samples(X + 0.1, points), rtol=1e-5)


@pytest.mark.parametrize("kind", [dict, MappingProxyType])
def test_mappings_of_points(kind, boxes):
    X, points = boxes
    expected = make_scorer(box_net()).fit(X, points)
    targets = [kind({"points": own, "name": row}) for row, own in enumerate(points)]
    scorer = make_scorer(box_net(criterion=OfPointsInMappings)).fit(X, targets)
    assert_array_equal(scorer.scores_, expected.scores_)
    assert_array_equal(scorer.score_samples(X, targets), expected.scores_)
    assert_array_equal(
        scorer.score_samples(X + 0.1, targets), expected.score_samples(X + 0.1, points)
    )
    # of another content, though of the same length
    moved = [kind({"points": own + 1, "name": row}) for row, own in enumerate(points)]
    assert (scorer.score_samples(X, moved) != scorer.scores_)[1:4].all()


@pytest.mark.parametrize("length", [0, 1, 2])
def test_points_of_equal_number(length, boxes):
    """They stay a list, as they would with one point more."""
    X, _ = boxes
    points = [np.full((length, 2), row / 40, dtype=np.float32) for row in range(40)]
    scorer = make_scorer(box_net()).fit(X, points)
    place, number = expected_parts(scorer.estimators_[0], X, points)
    assert_allclose(scorer.trajectory_.loss[0, -1], place + number, rtol=1e-4, atol=1e-5)
    assert scorer.trajectory_.y is None


def test_empty_lists(boxes):
    X, points = boxes
    scorer = make_scorer(box_net()).fit(X, points)
    none = [np.zeros((0, 2), dtype=np.float32)] * 2
    expected = scorer.score_samples(X[:2] + 0.1, none)
    assert np.isfinite(expected).all()
    # plain lists, as training had arrays: there is nothing in them either
    assert_array_equal(scorer.score_samples(X[:2] + 0.1, [[], []]), expected)
    assert_allclose(scorer.score_samples(X[:1] + 0.1, [[]]), expected[:1], rtol=1e-5)


class PointsDataset(Dataset):
    def __init__(self, X, points):
        self.X, self.points = X, points

    def __len__(self):
        return len(self.X)

    def __getitem__(self, row):
        return self.X[row], self.points[row]


def collated(rows):
    inputs, points = zip(*rows, strict=True)
    return torch.stack([torch.as_tensor(x) for x in inputs]), [torch.as_tensor(p) for p in points]


@pytest.mark.parametrize("collate", [None, collated], ids=["ours", "the user's"])
def test_points_in_a_dataset(collate, boxes):
    X, points = boxes
    params = {}
    if collate is not None:
        params = {"iterator_train__collate_fn": collate, "iterator_valid__collate_fn": collate}
    expected = make_scorer(box_net()).fit(X, points)
    scorer = make_scorer(box_net(**params)).fit(PointsDataset(X, points))
    assert_allclose(scorer.scores_, expected.scores_, rtol=1e-5)
    assert_array_equal(scorer.score_samples(PointsDataset(X, points)), scorer.scores_)


def test_points_in_a_net_that_is_fitted_alone(boxes):
    X, points = boxes
    for when in ("after", "during"):
        net = box_net(when=when).fit(X, points)
        assert net.trajectory_.components["place"].shape == (1, 5, 40)
        assert net.trajectory_.y is None
    net = box_net(max_epochs=2).partial_fit(X, points).partial_fit(X, points)
    assert net.trajectory_.loss.shape == (1, 4, 40)


@pytest.mark.parametrize(
    "options",
    [{"n_runs": 2, "n_jobs": 2}, {"n_runs": 2}, {"cv": 4}, {"cv": 2, "n_runs": 2}],
    ids=str,
)
def test_points_of_runs_and_folds(options, boxes, tmp_path):
    X, points = boxes
    scorer = make_scorer(box_net(), storage=tmp_path / "path", **options).fit(X, points)
    alone = make_scorer(box_net(), **{**options, "n_jobs": 1}).fit(X, points)
    assert_allclose(scorer.scores_, alone.scores_, rtol=1e-5)
    path = Trajectory.load(tmp_path / "path")
    assert_array_equal(path.loss, scorer.trajectory_.loss)
    assert path.y is None
    assert_allclose(sum(path.components.values()), path.loss, rtol=1e-6)
    new = scorer.score_samples(X[:3] + 0.1, points[:3])
    assert_allclose(new, alone.score_samples(X[:3] + 0.1, points[:3]), rtol=1e-4)
    again = DifficultyScorer.from_trajectory(path, X, score_params={"component": "place"})
    assert_array_equal(again.scores_, scorer.score_samples(X, component="place"))


# -- reconstruction -----------------------------------------------------------------------


class Narrow(torch.nn.Module):
    """Rows of any shape through four numbers."""

    def __init__(self, shape=(64,), n_hidden=4):
        super().__init__()
        n = int(np.prod(shape))
        self.layers = torch.nn.Sequential(
            torch.nn.Flatten(),
            torch.nn.Linear(n, n_hidden),
            torch.nn.Linear(n_hidden, n),
            torch.nn.Unflatten(1, shape),
        )

    def forward(self, X):
        return self.layers(X)


@pytest.fixture
def reconstruction(digits):
    """400 digits, of which one in ten has its pixels shuffled."""
    X = digits[0][:400]
    X[::10] = np.random.default_rng(0).permuted(X[::10], axis=1)
    return X


OUTLIERS = np.arange(0, 400, 10)


def autoencoder(kind=TrackedNet, **params):
    return make_net(kind, Narrow, **({"batch_size": 32, "max_epochs": 8} | params))


@pytest.mark.parametrize("kind", [TrackedNet, NeuralNet])
def test_outliers_are_found_without_labels(kind, reconstruction, digits):
    X = reconstruction
    scorer = make_scorer(autoencoder(kind), keep="elements").fit(X)
    assert auroc(OUTLIERS, scorer.score_samples(X)) >= 0.9
    path = scorer.trajectory_
    assert (path.y, path.classes) == (None, None)
    drawn = scorer.estimators_[0].predict(X)
    assert_allclose(path.loss[0, -1], ((drawn - X) ** 2).mean(axis=1), rtol=1e-4, atol=1e-7)
    assert_allclose(path.element_action[0].mean(axis=1), scorer.scores_, rtol=1e-5)
    assert_array_equal(scorer.score_samples(X[::-1]), scorer.scores_[::-1])
    assert_allclose(scorer.score_samples(nudged(X)), scorer.scores_, rtol=1e-3)
    rng = np.random.default_rng(1)
    new = np.concatenate([digits[0][400:500], rng.uniform(size=(20, 64)).astype(np.float32)])
    assert auroc(np.arange(100, 120), scorer.score_samples(new)) >= 0.95
    assert (scorer.score_samples(X[:9], score="grand") > 0).all()
    assert (scorer.score_samples(X[:9], score="input_gradient_norm") > 0).all()


def test_labels_that_nobody_asked_for(reconstruction):
    scorer = make_scorer(autoencoder(max_epochs=1)).fit(reconstruction)
    with pytest.raises(ValueError, match=r"trained without targets.*leave y out"):
        scorer.score_samples(reconstruction, np.zeros(400))


def test_net_that_is_fitted_alone_without_labels(reconstruction):
    X = reconstruction
    path = autoencoder().fit(X).trajectory_
    assert path.y is None
    assert auroc(OUTLIERS, path.loss[0].sum(axis=0)) >= 0.9
    assert_array_equal(autoencoder().fit(torch.as_tensor(X)).trajectory_.n_steps, [8])


@pytest.mark.parametrize("options", [{"cv": 3}, {"n_runs": 2}], ids=str)
def test_reconstruction_of_runs_and_folds(options, reconstruction, tmp_path):
    X = reconstruction
    scorer = make_scorer(autoencoder(), storage=tmp_path / "path", **options).fit(X)
    expected = make_scorer(autoencoder(), **options).fit(X)
    assert_array_equal(scorer.scores_, expected.scores_)
    assert_array_equal(Trajectory.load(tmp_path / "path").loss, expected.trajectory_.loss)
    assert auroc(OUTLIERS, scorer.difficulty_) >= 0.9
    if "cv" in options:
        for net, rows in zip(scorer.estimators_, np.array_split(np.arange(400), 3), strict=True):
            drawn = net.predict(X[rows])
            assert_allclose(
                scorer.trajectory_.loss[0, -1, rows],
                ((drawn - X[rows]) ** 2).mean(axis=1),
                rtol=1e-4,
                atol=1e-7,
            )
    else:
        assert scorer.score_samples(X, return_std=True)[1].shape == (400,)


@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8), (2, 4, 8)], ids=str)
def test_images_of_several_axes(shape, reconstruction):
    X = reconstruction[:100].reshape(-1, *shape)
    scorer = make_scorer(autoencoder(module__shape=shape, max_epochs=2)).fit(X)
    flat = make_scorer(autoencoder(max_epochs=2)).fit(X.reshape(100, 64))
    assert_allclose(scorer.scores_, flat.scores_, rtol=1e-4)
    assert_array_equal(scorer.score_samples(X[3:5]), scorer.scores_[3:5])
    assert scorer.score_samples(X[:2] + 0.1).shape == (2,)


@pytest.mark.parametrize("dtype", [np.float64, np.uint8, np.int64, bool])
def test_rows_of_other_types(dtype, reconstruction):
    X = np.rint(reconstruction[:80] * (1 if dtype is bool else 16))
    scorer = make_scorer(autoencoder(max_epochs=2)).fit(X.astype(dtype))
    expected = make_scorer(autoencoder(max_epochs=2)).fit(X.astype(np.float32))
    assert_allclose(scorer.scores_, expected.scores_, rtol=1e-5)
    assert_array_equal(scorer.score_samples(X.astype(dtype)), scorer.scores_)


@pytest.mark.parametrize(
    "given",
    [
        pd.DataFrame,
        np.ndarray.tolist,
        torch.as_tensor,
        np.asfortranarray,
    ],
    ids=["frame", "list", "tensor", "fortran"],
)
@pytest.mark.filterwarnings("ignore:Feature names only support")
def test_rows_in_any_container(given, reconstruction):
    X = reconstruction[:80]
    scorer = make_scorer(autoencoder(max_epochs=2)).fit(given(X))
    expected = make_scorer(autoencoder(max_epochs=2)).fit(X)
    assert_allclose(scorer.scores_, expected.scores_, rtol=1e-5)
    assert_array_equal(scorer.score_samples(given(X)), scorer.scores_)


def test_sparse_rows_are_not_drawn(reconstruction):
    with pytest.raises(TypeError, match=r"X is sparse and.*its own target.*X.toarray\(\)"):
        make_scorer(autoencoder()).fit(scipy.sparse.csr_matrix(reconstruction[:80]))


@pytest.mark.parametrize("kind", [TrackedNet, NeuralNet])
def test_large_arrays_are_cast_batch_by_batch(kind, reconstruction, monkeypatch):
    X = (reconstruction[:80] * 16).astype(np.uint8)
    expected = make_scorer(autoencoder(kind, max_epochs=2)).fit(X)
    monkeypatch.setattr(_inputs, "_MOST_BYTES_CAST_AT_ONCE", 0)
    scorer = make_scorer(autoencoder(kind, max_epochs=2)).fit(X)
    assert_allclose(scorer.scores_, expected.scores_, rtol=1e-6)
    new = X[:5] + np.uint8(1)
    assert_allclose(scorer.score_samples(new), expected.score_samples(new), rtol=1e-6)
    held_out = make_scorer(autoencoder(kind, max_epochs=2), cv=2).fit(X)
    assert np.isfinite(held_out.scores_).all()


def test_default_network_draws_its_inputs(reconstruction):
    """It sizes itself to what it compares with, which without targets are the rows."""
    X = reconstruction[:80]
    net = TrackedNet(
        criterion=torch.nn.MSELoss,
        optimizer=torch.optim.Adam,
        max_epochs=2,
        train_split=None,
        verbose=0,
    )
    assert clone(net).fit(X).predict(X).shape == (80, 64)
    assert make_scorer(net).fit(X).scores_.shape == (80,)


def test_pixels_that_are_compared_as_shares(reconstruction):
    """Cross-entropy of pixels from 0 to 1 draws images and tells no labels."""
    X = reconstruction
    scorer = make_scorer(autoencoder(criterion=BCE, max_epochs=15)).fit(X)
    assert auroc(OUTLIERS, scorer.difficulty_) >= 0.8
    assert scorer.trajectory_.prediction is None
    with pytest.raises(RecordNotFoundError, match="'correctness' needs classes"):
        scorer.score_samples(X, score="correctness")


def test_words_that_are_their_own_targets(tokens):
    X, _ = tokens
    net = make_net(
        TrackedNet,
        Tagger,
        torch.nn.CrossEntropyLoss,
        module__n_tags=12,
        criterion__ignore_index=0,
        max_epochs=3,
    )
    scorer = make_scorer(net, keep="elements").fit(X)
    assert_array_equal(np.isnan(scorer.trajectory_.element_action[0]), X == 0)
    assert_array_equal(scorer.score_samples(X), scorer.scores_)


def test_rows_and_scorer_survive_a_copy(reconstruction):
    X = reconstruction[:80]
    scorer = make_scorer(autoencoder(max_epochs=2)).fit(X)
    for other in (copy.deepcopy(scorer), pickle.loads(pickle.dumps(scorer))):
        assert_array_equal(other.score_samples(X), scorer.scores_)
        assert_array_equal(other.score_samples(X + 1), scorer.score_samples(X + 1))
    assert_array_equal(clone(scorer).fit(X).scores_, scorer.scores_)


# -- scores that need classes -------------------------------------------------------------

TASKS = {
    "regression": lambda data: (make_net(TrackedNetRegressor), data),
    "outputs": lambda data: (make_net(module__n_outputs=2), data),
    "labels": lambda data: (label_net(max_epochs=2), data),
    "pixels": lambda data: (pixel_net(max_epochs=2), data),
    "tokens": lambda data: (tagger(max_epochs=2), data),
    "boxes": lambda data: (box_net(), data),
    "reconstruction": lambda data: (autoencoder(max_epochs=2), (data,)),
}
DESCRIBED = {
    "regression": "is a regression",
    "labels": "is a training with several labels for each row",
}


@pytest.mark.parametrize("task", TASKS)
def test_scores_that_need_classes_are_refused_by_name(task, request):
    net, data = TASKS[task](request.getfixturevalue(task))
    fitted = make_scorer(net).fit(*data)
    refused = set(SCORES) - OF_ANY_TASK - (OF_LABEL_SETS if task == "labels" else set())
    assert len(refused) == (9 if task == "labels" else 13)
    described = DESCRIBED.get(task, "is ")
    for score in sorted(refused):
        with pytest.raises(RecordNotFoundError, match=f"'{score}' needs classes.*{described}"):
            fitted.score_samples(data[0], score=score)
        scorer = make_scorer(net, score=score, n_runs=2)
        with pytest.raises(RecordNotFoundError, match=f"'{score}' needs classes.*{described}") as e:
            scorer.fit(*data)
        assert not hasattr(e.value, "trajectory")  # before any training
        assert not hasattr(scorer, "trajectory_")


@pytest.mark.parametrize("task", TASKS)
def test_scores_of_any_task(task, request):
    net, data = TASKS[task](request.getfixturevalue(task))
    scorer = make_scorer(clone(net).set_params(max_epochs=3)).fit(*data)
    for score in sorted(
        OF_ANY_TASK - ({"vog", "input_gradient_norm"} if task == "tokens" else set())
    ):
        if task == "pixels" and score == "vog":  # of 90 outputs
            with pytest.raises(RecordNotFoundError, match="90 for each row, more than 64"):
                scorer.score_samples(data[0], score=score)
            continue
        if task == "reconstruction" and score == "vog":  # of a linear net
            with pytest.warns(DegenerateGradientWarning):
                scorer.score_samples(data[0], score=score)
            continue
        values = scorer.score_samples(data[0], score=score)
        assert values.shape == (len(data[0]),)
        assert np.isfinite(values).all()
        # the state of a snapshot is what was recorded
        again = (
            scorer.score_samples(nudged(data[0]), *data[1:], score=score)
            if task != "tokens"
            else values
        )
        assert np.corrcoef(again, values)[0, 1] > 0.9


# -- what is refused ----------------------------------------------------------------------


def test_other_shapes_of_targets(regression, pixels, labels):
    X, y = regression
    for net, rows, targets, message in (
        (
            make_net(TrackedNetRegressor, module__n_outputs=3),
            X,
            np.zeros((N, 2)),
            r"MLP returns outputs of shape \(3,\).*targets of shape \(2,\).*MSELoss",
        ),
        (
            make_net(TrackedNetRegressor, module__n_outputs=3),
            X,
            y,
            "MLP has 3 outputs and y holds one target",
        ),
        (
            make_net(TrackedNetRegressor),
            X,
            np.zeros((N, 2, 2)),
            r"outputs of shape \(1,\).*targets of shape \(2, 2\)",
        ),
        (
            label_net(),
            labels[0],
            labels[1][:, :2],
            r"outputs of shape \(3,\).*targets of shape \(2,\).*BCEWithLogitsLoss",
        ),
        (pixel_net(), pixels[0], pixels[1][:, :4], r"\(2, 3, 6, 5\), with.*int64.*\(2, 4, 5\)"),
        (pixel_net(), pixels[0], pixels[1][:, 0], r"\(2, 3, 6, 5\), with.*int64.*\(2, 5\)"),
        (pixel_net(), pixels[0], pixels[1] + 0.5, r"\(2, 3, 6, 5\), with.*float32.*\(2, 6, 5\)"),
        (
            make_net(module__n_outputs=3),
            X,
            None,
            r"outputs of shape \(3,\).*X, which is its own target, has rows of shape \(4,\)",
        ),
    ):
        scorer = make_scorer(net)
        with pytest.raises(ValueError, match=message) as caught:
            scorer.fit(rows, targets)
        assert not hasattr(caught.value, "trajectory")
        assert not hasattr(scorer, "estimators_")


def test_lists_of_another_shape(boxes):
    X, points = boxes
    wide = [np.ones((len(own), 3)) for own in points]
    with pytest.raises(
        ValueError, match=r"OfPoints cannot compare.*a list of \(.*\(0, 3\).*\(1, 3"
    ):
        make_scorer(box_net()).fit(X, wide)
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[40, 39\]"):
        make_scorer(box_net()).fit(X, points[:39])


@pytest.mark.parametrize("task", ["outputs", "labels", "pixels", "tokens", "boxes"])
def test_other_number_of_targets(task, request):
    net, (X, y) = TASKS[task](request.getfixturevalue(task))
    with pytest.raises(ValueError, match=rf"\[{len(X)}, {len(X) - 3}\]"):
        make_scorer(net).fit(X, y[:-3])
    scorer = make_scorer(net).fit(X, y)
    with pytest.raises(ValueError, match=f"y has {len(X) - 3} entries for {len(X)} rows"):
        scorer.score_samples(X, y[:-3])


@pytest.mark.parametrize("task", ["regression", "outputs", "labels", "pixels", "boxes"])
def test_new_rows_without_targets(task, request):
    net, (X, y) = TASKS[task](request.getfixturevalue(task))
    scorer = make_scorer(net).fit(X, y)
    with pytest.raises(ValueError, match=r"only be scored with their targets.*pass y"):
        scorer.score_samples(X + 0.1)
    assert_array_equal(scorer.score_samples(X), scorer.scores_)  # known rows need none


def test_new_rows_with_targets_of_another_shape(outputs, pixels, boxes):
    for net, (X, y), other, message in (
        (SEVERAL_OUTPUTS["tracked"], outputs, np.ones((N, 3)), r"shape \(3,\).*\(2,\)"),
        (pixel_net(max_epochs=1), pixels, pixels[1][:, 1:], r"shape \(5, 5\).*\(6, 5\)"),
        (box_net(max_epochs=1), boxes, np.ones((40, 2)), r"shape \(2,\).*a list with an array"),
        (SEVERAL_OUTPUTS["tracked"], outputs, [np.ones((k % 2, 2)) for k in range(N)], r"\(2,\)"),
    ):
        scorer = make_scorer(net).fit(X, y)
        with pytest.raises(ValueError, match=message):
            scorer.score_samples(X + 0.1, other)


def test_new_labels_that_are_none(labels):
    X, Y = labels
    scorer = make_scorer(label_net(max_epochs=1)).fit(X, Y)
    with pytest.raises(ValueError, match="1 for each label that is there and 0 for others"):
        scorer.score_samples(X + 0.1, Y + 1)


@pytest.mark.parametrize(
    "estimator",
    [
        None,
        make_net(TrackedNetClassifier, criterion=torch.nn.CrossEntropyLoss),
        make_net(TrackedNetRegressor),
        RandomForestRegressor(),
    ],
    ids=["default", "classifier", "regressor", "forest"],
)
def test_targets_that_are_missing(estimator, regression):
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        make_scorer(estimator).fit(regression[0])


@pytest.mark.parametrize(
    "estimator",
    [
        None,
        make_net(TrackedNetClassifier, criterion=torch.nn.CrossEntropyLoss),
        make_net(TrackedNetRegressor),
        RandomForestClassifier(),
        RandomForestRegressor(),
    ],
    ids=["default", "classifier", "regressor", "forest", "regression forest"],
)
def test_lists_where_numbers_are_learned(estimator, boxes):
    with pytest.raises(ValueError, match=r"an entry of its own for each row.*pass a TrackedNet"):
        make_scorer(estimator).fit(*boxes)


@pytest.mark.parametrize("estimator", [None, RandomForestRegressor(), MLPRegressor()], ids=str)
def test_masks_where_rows_have_a_few_numbers(estimator, pixels):
    X, y = pixels
    with pytest.raises(ValueError, match=r"shape \(40, 6, 5\), which.*pass a TrackedNet"):
        make_scorer(estimator).fit(X.reshape(40, -1), y)


@pytest.mark.parametrize(
    "entry",
    [
        lambda row: object(),
        lambda row: {row},
        lambda row: None if row == 3 else np.ones((2, 2)),
        lambda row: "text" if row == 3 else np.ones((2, 2)),
        lambda row: 1.0 if row == 3 else np.ones((2, 2)),
    ],
    ids=["objects", "sets", "none among arrays", "text among arrays", "number among arrays"],
)
def test_entries_of_other_kinds(entry, boxes):
    """Whatever is wrong with it, the message says that it is y."""
    X, _ = boxes
    with pytest.raises((ValueError, TypeError), match=r"\by\b"):
        make_scorer(box_net()).fit(X, [entry(row) for row in range(40)])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_targets_that_are_not_finite(bad, outputs, pixels):
    X, y = outputs
    y[3, 1] = bad
    with pytest.raises(ValueError, match="Input y contains"):
        make_scorer(SEVERAL_OUTPUTS["tracked"]).fit(X, y)
    with pytest.raises(ValueError, match="Input y contains"):
        make_scorer(make_net(module__n_outputs=2)).fit(X, y)
    with pytest.raises(ValueError, match=r"Input X contains"):
        make_scorer(make_net(module__n_outputs=4)).fit(np.where(X > 2, bad, X))


def test_names_of_labels_are_no_numbers(labels):
    X, Y = labels
    with pytest.raises(ValueError, match="MultiLabelBinarizer"):
        make_scorer(label_net()).fit(X, np.where(Y == 1, "yes", "no"))


def test_estimator_that_learns_one_target(outputs):
    for estimator in (SGDRegressor(), HistGradientBoostingRegressor(max_iter=2)):
        scorer = make_scorer(estimator)
        with pytest.raises(ValueError, match=r"1d array.*\(150, 2\)|does not learn"):
            scorer.fit(*outputs)
        assert not hasattr(scorer, "trajectory_")


# -- a training that fails ----------------------------------------------------------------


@pytest.mark.parametrize("task", ["outputs", "labels", "pixels", "boxes", "reconstruction"])
def test_failed_training_leaves_nothing_behind(task, request, generators_unchanged):
    net, data = TASKS[task](request.getfixturevalue(task))
    failing = clone(net).set_params(optimizer=torch.optim.SGD, lr=np.nan)
    before = dict(vars(failing))
    scorer = make_scorer(failing)
    with pytest.raises(NonFiniteLossError, match="learning rate"):
        scorer.fit(*data)
    assert not any(name.endswith("_") for name in vars(scorer))
    assert vars(failing) == before
    # and an earlier fit as it was
    scorer.set_params(estimator=net).fit(*data)
    scores = scorer.scores_
    scorer.set_params(estimator=failing)
    with pytest.raises(NonFiniteLossError):
        scorer.fit(*data)
    assert scorer.scores_ is scores
    assert_array_equal(scorer.score_samples(data[0]), scores)


def test_failing_in_the_middle_of_a_list(boxes):
    X, points = boxes
    points = list(points)
    points[30] = np.ones((1, 3))  # of another width than the two rows that are tried
    net = box_net()
    scorer = make_scorer(net)
    with pytest.raises(RuntimeError):
        scorer.fit(X, points)
    assert not hasattr(scorer, "trajectory_")
    assert not net.initialized_


# -- a bundled table, end to end ----------------------------------------------------------


def test_diabetes_with_corrupted_targets():
    X, y = load_diabetes(return_X_y=True)
    rows = np.arange(0, len(y), 10)
    y = y.copy()
    y[rows] = np.where(y[rows] > 150, 25, 346)  # the ends of the range
    scorer = DifficultyScorer(random_state=0).fit(X, y)
    assert auroc(rows, scorer.difficulty_) >= 0.85
