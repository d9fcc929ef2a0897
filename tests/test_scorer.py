"""The scorer, end to end: data in, scores out, and nothing lost on the way."""

import copy
import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNet, NeuralNetBinaryClassifier, NeuralNetClassifier
from skorch.callbacks import Callback

from sklearn_difficulty import DifficultyScorer, TrackedNetClassifier, TrackedNetRegressor
from sklearn_difficulty.exceptions import (
    DegenerateGradientWarning,
    MissingRecordsWarning,
    NonFiniteLossError,
    NothingLearnedWarning,
    RecordNotFoundError,
    TrainSplitIgnoredWarning,
    UnreducibleCriterionError,
)
from sklearn_difficulty.recording import replay
from sklearn_difficulty.scores import action

N = 60


@pytest.fixture
def Xy():
    """Three separated classes in four columns of unlike scale."""
    rng = np.random.default_rng(0)
    y = np.arange(N) % 3
    X = rng.normal(size=(N, 4)) + 3.0 * np.eye(3, 4)[y]
    return X * [1.0, 10.0, 1e-3, 1.0], y


class MLP(torch.nn.Module):
    def __init__(self, n_features=4, n_outputs=3, softmax=False):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Flatten(),
            torch.nn.Linear(n_features, 8),
            torch.nn.Tanh(),
            torch.nn.Linear(8, n_outputs),
        )
        self.softmax = softmax

    def forward(self, X):
        outputs = self.layers(X)
        return outputs.softmax(dim=1) if self.softmax else outputs


def make_net(kind=NeuralNetClassifier, **params):
    defaults = {
        "module": MLP,
        "criterion": torch.nn.CrossEntropyLoss,
        "optimizer": torch.optim.Adam,
        "lr": 0.02,
        "max_epochs": 5,
        "batch_size": 16,
        "train_split": None,
        "verbose": 0,
        "iterator_train__shuffle": True,
    }
    return kind(**(defaults | params))


def make_scorer(estimator="net", **params):
    estimator = make_net() if isinstance(estimator, str) else estimator
    return DifficultyScorer(estimator, **({"random_state": 0} | params))


ESTIMATORS = {
    "default": None,
    "net": make_net(),
    "probabilities": make_net(criterion=torch.nn.NLLLoss, module__softmax=True),
    "tracked": make_net(TrackedNetClassifier),
    "SGD": SGDClassifier(max_iter=5, tol=None),
    "MLP": MLPClassifier((5,), max_iter=5),
    "boosting": HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5),
}


# -- what fit leaves ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ESTIMATORS)
def test_action_of_any_estimator(name, Xy):
    X, y = Xy
    scorer = DifficultyScorer(ESTIMATORS[name], random_state=0).fit(X, y)
    path = scorer.trajectory_
    assert_allclose(scorer.scores_, path.loss.sum(axis=1)[0], rtol=1e-5)
    assert scorer.scores_.dtype == np.float64
    assert_array_equal(scorer.difficulty_, scorer.scores_)
    assert_array_equal(scorer.classes_, [0, 1, 2])
    assert scorer.n_features_in_ == 4
    assert len(scorer.estimators_) == 1
    assert path.classes.tolist() == [0, 1, 2]
    assert_array_equal(path.y, y)
    assert_array_equal(scorer.score_samples(X), scorer.scores_)
    assert scorer.score_samples(X + 1.0).shape == (N,)


def test_wrong_labels_of_digits_are_found(noisy_digits):
    scorer = DifficultyScorer(random_state=0).fit(noisy_digits.X, noisy_digits.y_given)
    assert average_precision_score(noisy_digits.flipped, scorer.scores_) >= 0.97


def test_names_of_the_columns(Xy):
    X, y = Xy
    scorer = make_scorer().fit(pd.DataFrame(X, columns=list("abcd")), y)
    assert scorer.feature_names_in_.tolist() == list("abcd")
    assert not hasattr(make_scorer().fit(X, y), "feature_names_in_")


def test_length_of_a_step(Xy):
    X, y = Xy
    scorer = make_scorer(score_params={"dt": "update"}).fit(X, y)
    # four updates of 16 rows at most in an epoch
    assert_allclose(scorer.scores_, 4 * scorer.score_samples(X, score="action"), rtol=1e-9)
    mean = scorer.score_samples(X, score="action", score_params={"reduction": "mean"})
    assert_allclose(mean, scorer.scores_ / 20, rtol=1e-9)


# -- training rows are known again --------------------------------------------------------


@pytest.mark.parametrize("name", ["net", "SGD", "boosting"])
def test_training_rows_in_any_order_and_number(name, Xy):
    X, y = Xy
    scorer = make_scorer(ESTIMATORS[name]).fit(X, y)
    order = np.random.default_rng(3).permutation(N)
    assert_array_equal(scorer.score_samples(X[order]), scorer.scores_[order])
    assert_array_equal(scorer.score_samples(X[7:8]), scorer.scores_[7:8])
    assert_array_equal(scorer.score_samples(X[[5, 5, 2]]), scorer.scores_[[5, 5, 2]])


def test_training_rows_in_other_types(Xy):
    X, y = Xy
    X = np.round(X)
    scorer = make_scorer().fit(X, y)
    for other in (
        X.astype(np.float32),
        X.astype(int),
        X.tolist(),
        np.asfortranarray(X),
        scipy.sparse.csr_array(X),
        torch.as_tensor(X),
    ):
        assert_array_equal(scorer.score_samples(other), scorer.scores_)


def test_training_rows_behind_a_scaler(Xy):
    X, y = Xy
    pipe = make_pipeline(StandardScaler(), make_scorer()).fit(X, y)
    scores = pipe[-1].scores_
    assert_array_equal(pipe.score_samples(X), scores)
    # the scaler may compute a row differently among other rows, yet not as float32
    assert_array_equal(pipe.score_samples(X[20:35]), scores[20:35])
    assert_array_equal(pipe.score_samples(X[4:5].astype(np.float32)).shape, (1,))


def test_copies_have_their_mean(Xy):
    X, y = Xy
    X, y = np.vstack([X, X[:1], X[:1]]), np.append(y, [1, 0])
    scorer = make_scorer().fit(X, y)
    alike = [0, N, N + 1]
    expected = scorer.scores_[alike].mean()
    assert_allclose(scorer.score_samples(X[alike]), [expected] * 3, rtol=1e-12)
    assert_array_equal(scorer.score_samples(X)[1:N], scorer.scores_[1:N])
    # of those with the given label, where labels are given
    expected = scorer.scores_[[0, N + 1]].mean()
    assert_allclose(
        scorer.score_samples(X[alike], [0, 1, 0]), [expected, scorer.scores_[N], expected]
    )


def test_given_labels(Xy):
    X, y = Xy
    scorer = make_scorer(snapshots="all").fit(X, y)
    assert_array_equal(scorer.score_samples(X, y), scorer.scores_)
    other = (y + 1) % 3
    expected = action(replay(scorer._recording_, X, other))
    assert_allclose(scorer.score_samples(X, other), expected, rtol=1e-6)
    assert (scorer.score_samples(X, other) > scorer.scores_).mean() > 0.8
    mixed = np.where(np.arange(N) < 30, y, other)
    expected = np.where(np.arange(N) < 30, scorer.scores_, expected)
    assert_allclose(scorer.score_samples(X, mixed), expected, rtol=1e-6)


# -- other rows ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ESTIMATORS)
def test_new_rows_have_the_label_that_is_predicted(name, Xy):
    X, y = Xy
    scorer = make_scorer(ESTIMATORS[name], snapshots="all").fit(X, y)
    new = X + 0.3
    predicted = scorer.estimators_[0].predict(new.astype(np.float32))
    scores = scorer.score_samples(new)
    assert_allclose(scores, scorer.score_samples(new, predicted), rtol=1e-6)
    assert_allclose(scores, action(replay(scorer._recording_, new, predicted)), rtol=1e-6)
    assert_allclose(scorer.score_samples(new[:1]), scores[:1], rtol=1e-5, atol=1e-7)


def test_new_rows_beside_training_rows(Xy):
    X, y = Xy
    scorer = make_scorer().fit(X, y)
    mixed = np.vstack([X[3], X[3] + 0.3, X[9], X[9] + 0.3])
    scores = scorer.score_samples(mixed)
    assert_array_equal(scores[[0, 2]], scorer.scores_[[3, 9]])
    assert_allclose(scores[[1, 3]], scorer.score_samples(mixed[[1, 3]]), rtol=1e-6)


def test_thinned_snapshots_stand_for_the_whole_path(Xy):
    X, y = Xy
    paths = {
        snapshots: make_scorer(make_net(max_epochs=12), snapshots=snapshots).fit(X, y)
        for snapshots in ("all", 6)
    }
    assert len(paths[6].trajectory_.snapshots.steps(0)) == 6
    assert_array_equal(paths[6].scores_, paths["all"].scores_)
    thinned, whole = (paths[key].score_samples(X + 0.3) for key in (6, "all"))
    assert_allclose(thinned.sum(), whole.sum(), rtol=0.3)
    assert np.corrcoef(thinned, whole)[0, 1] > 0.95


def test_no_snapshots(Xy):
    X, y = Xy
    scorer = make_scorer(snapshots=None).fit(X, y)
    assert_array_equal(scorer.score_samples(X), scorer.scores_)
    with pytest.raises(RecordNotFoundError, match="fit with snapshots='auto'"):
        scorer.score_samples(X + 0.3)
    for call in (
        lambda: scorer.score_samples(X, score="vog"),
        lambda: make_scorer(score="vog", snapshots=None).fit(X, y),
    ):
        with pytest.raises(RecordNotFoundError, match="snapshots=None keeps none"):
            call()


def test_boosting_needs_no_snapshots(Xy):
    X, y = Xy
    scorer = make_scorer(ESTIMATORS["boosting"], snapshots=None).fit(X, y)
    assert scorer.score_samples(X + 0.3).shape == (N,)


# -- several scores -----------------------------------------------------------------------


def test_several_scores_of_one_training(Xy):
    X, y = Xy
    names = ["action", "vog", "easiness"]
    scorer = make_scorer(score=names, n_runs=2, score_params={"vog": {"output": "proba"}})
    scorer.fit(X, y)
    assert scorer.scores_.shape == (N, 3)
    assert_array_equal(scorer.difficulty_, scorer.scores_[:, 0])
    assert_array_equal(scorer.score_samples(X[::2]), scorer.scores_[::2])
    assert scorer.score_samples(X + 0.3).shape == (N, 3)
    oriented = scorer.difficulty(X)
    assert_array_equal(oriented, scorer.scores_ * [1, 1, -1])
    for column, name in enumerate(names):
        params = {"output": "proba"} if name == "vog" else None
        alone = scorer.score_samples(X, score=name, score_params=params)
        assert_allclose(alone, scorer.scores_[:, column], rtol=1e-5)


def test_a_list_of_one_is_a_column(Xy):
    X, y = Xy
    scorer = make_scorer(score=["action"]).fit(X, y)
    assert scorer.scores_.shape == (N, 1)
    assert scorer.score_samples(X[:5]).shape == (5, 1)


@pytest.mark.parametrize("name", ["default", "net", "tracked", "probabilities"])
def test_variance_of_gradients(name, Xy):
    X, y = Xy
    scorer = make_scorer(ESTIMATORS[name]).fit(X, y)
    scores = scorer.score_samples(X, score="vog")
    assert scores.shape == (N,)
    assert (scores > 0).all()
    fitted = make_scorer(ESTIMATORS[name], score="vog").fit(X, y)
    assert_allclose(fitted.scores_, scores, rtol=1e-6)
    assert_allclose(scorer.score_samples(X[::3], score="vog"), scores[::3], rtol=1e-3)
    for params in (
        {"target": "predicted"},
        {"steps": "early"},
        {"steps": "late"},
        {"output": "proba"},
        {"reduction": "std"},
    ):
        assert scorer.score_samples(X, score="vog", score_params=params).shape == (N,)


def test_true_and_predicted_label(Xy):
    X, y = Xy
    scorer = make_scorer(make_net(max_epochs=30)).fit(X, y)
    true, predicted = (
        scorer.score_samples(X, score="vog", score_params={"target": target})
        for target in ("true", "predicted")
    )
    right = scorer.estimators_[0].predict(X.astype(np.float32)) == y
    assert 0.5 < right.mean()
    assert_array_equal(true[right], predicted[right])
    assert not np.isclose(true[~right], predicted[~right]).any()


def test_scores_within_a_class(Xy):
    X, y = Xy
    params = {"class_normalize": True}
    scorer = make_scorer(score="vog", score_params=params).fit(X, y)
    for label in range(3):
        assert_allclose(scorer.scores_[y == label].mean(), 0, atol=1e-9)
        assert_allclose(scorer.scores_[y == label].std(), 1, rtol=1e-9)
    assert_array_equal(scorer.score_samples(X[7:8]), scorer.scores_[7:8])
    assert np.isfinite(scorer.score_samples(X + 0.3)).all()
    other = make_scorer().fit(X, y)
    assert_allclose(
        other.score_samples(X, score="vog", score_params=params), scorer.scores_, rtol=1e-5
    )
    with pytest.raises(RecordNotFoundError, match="class_normalize=True"):
        other.score_samples(X[:5], score="vog", score_params=params)


def test_gradients_of_a_linear_model_say_nothing(Xy):
    X, y = Xy
    linear = make_net(module=torch.nn.Linear, module__in_features=4, module__out_features=3)
    with pytest.warns(DegenerateGradientWarning, match="score_params={'output': 'proba'}"):
        make_scorer(linear, score="vog").fit(X, y)
    scorer = make_scorer(linear, score="vog", score_params={"output": "proba"}).fit(X, y)
    assert len(np.unique(scorer.scores_)) == N


def test_variance_of_gradients_of_images(Xy):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 3, 4, 4)), np.arange(30) % 3
    scorer = make_scorer(make_net(module__n_features=48), score="vog").fit(X, y)
    assert scorer.scores_.shape == (30,)
    mean = scorer.score_samples(X, score="vog", score_params={"channels": "mean"})
    assert_allclose(scorer.scores_, 9 * mean, rtol=1e-4)


# -- runs and folds -----------------------------------------------------------------------


def test_easiness_takes_twenty_runs(Xy):
    X, y = Xy
    scorer = make_scorer(make_net(max_epochs=1), score="easiness").fit(X, y)
    path = scorer.trajectory_
    assert path.n_runs == 20
    n_right = (path.prediction[:, -1] == y).sum(axis=0)
    assert_allclose(scorer.scores_, n_right / n_right.max())
    assert_allclose(scorer.difficulty_, -scorer.scores_)
    assert_array_equal(scorer.difficulty(X), scorer.difficulty_)
    both = make_scorer(make_net(max_epochs=1), score=["action", "easiness"]).fit(X[:9], y[:9])
    assert both.trajectory_.n_runs == 20
    three = make_scorer(make_net(max_epochs=1), score="easiness", n_runs=3).fit(X, y)
    assert three.trajectory_.n_runs == 3


def test_mean_over_runs(Xy):
    X, y = Xy
    scorer = make_scorer(n_runs=3).fit(X, y)
    assert_allclose(scorer.scores_, scorer.trajectory_.loss.sum(1).mean(0), rtol=1e-5)
    assert len(scorer.estimators_) == 3


def test_out_of_fold(Xy):
    X, y = Xy
    scorer = make_scorer(cv=3, n_runs=2, score=["action", "vog"]).fit(X, y)
    path = scorer.trajectory_
    assert len(scorer.estimators_) == 6
    assert not path.in_train.any()
    assert not np.isnan(path.loss).any()
    assert_allclose(scorer.scores_[:, 0], path.loss.sum(1).mean(0), rtol=1e-5)
    assert_array_equal(scorer.score_samples(X[::-1]), scorer.scores_[::-1])
    assert scorer.score_samples(X + 0.3).shape == (N, 2)
    within = make_scorer().fit(X, y)
    assert within.trajectory_.in_train.all()


def test_flipped_label_is_harder_out_of_fold(Xy):
    X, y = Xy
    noisy = y.copy()
    noisy[:5] = (y[:5] + 1) % 3
    for cv in (None, KFold(4, shuffle=True, random_state=0)):
        scorer = make_scorer(None, cv=cv).fit(X, noisy)
        assert average_precision_score(noisy != y, scorer.difficulty_) > 0.9


def test_rows_that_no_fold_holds_out_have_no_score(Xy):
    X, y = Xy
    folds = list(ShuffleSplit(3, random_state=0).split(X))
    held_out = np.unique(np.concatenate([test for _, test in folds]))
    with pytest.warns(MissingRecordsWarning, match="'action': .* samples have too few records"):
        scorer = make_scorer(cv=folds).fit(X, y)
    assert scorer.trajectory_.n_runs == 3
    assert_array_equal(np.flatnonzero(~np.isnan(scorer.scores_)), held_out)


def test_groups_without_folds(Xy):
    with pytest.warns(UserWarning, match="cv=None holds no rows out"):
        make_scorer().fit(*Xy, groups=np.arange(N))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ({"a": np.zeros((N, 2)), "b": np.zeros((N, 3))}, "dict of several arrays.*skorch.dataset"),
        ((np.zeros((N, 2)), np.zeros((N, 3))), "tuple of several arrays"),
        (torch.utils.data.DataLoader(np.zeros((N, 4))), "a DataLoader.*pass its dataset"),
    ],
)
def test_what_holds_no_rows_of_one_kind(X, message, Xy):
    with pytest.raises(TypeError, match=message):
        make_scorer().fit(X, Xy[1])


def test_groups_are_held_out_together(Xy):
    X, y = Xy
    groups = np.arange(len(y)) // 6
    scorer = make_scorer(cv=GroupKFold(3)).fit(X, y, groups=groups)
    assert not scorer.trajectory_.in_train.any()
    assert np.isfinite(scorer.scores_).all()
    fresh = make_scorer(cv=GroupKFold(3))
    with pytest.raises(ValueError, match="needs to know them: pass groups= to fit"):
        fresh.fit(X, y)
    assert not hasattr(fresh, "trajectory_")


def test_random_state(Xy, generators_unchanged):
    X, y = Xy
    first, second, third = (make_scorer(random_state=seed).fit(X, y).scores_ for seed in (0, 0, 1))
    assert_array_equal(first, second)
    assert not np.array_equal(first, third)


@pytest.mark.parametrize("name", ["net", "SGD"])
def test_jobs(name, Xy, generators_unchanged):
    X, y = Xy
    scores = [
        make_scorer(ESTIMATORS[name], n_runs=2, n_jobs=n_jobs).fit(X, y).scores_
        for n_jobs in (1, 2)
    ]
    # In one job, the trainings of a small net are stacked, which rounds otherwise.
    assert_allclose(*scores, rtol=1e-6)
    with joblib.parallel_backend("threading", n_jobs=2):
        threaded = make_scorer(ESTIMATORS[name], n_runs=2).fit(X, y).scores_
    assert_array_equal(threaded, scores[1])


def test_own_random_state_of_the_estimator(Xy):
    X, y = Xy
    estimator = SGDClassifier(max_iter=3, tol=None, random_state=5)
    first, second = (DifficultyScorer(estimator).fit(X, y).scores_ for _ in range(2))
    assert_array_equal(first, second)


# -- regression ---------------------------------------------------------------------------

REGRESSORS = {
    "default": None,
    "tracked": TrackedNetRegressor(max_epochs=5, train_split=None, verbose=0, lr=1e-3),
    "SGD": make_pipeline(SGDRegressor(max_iter=5, tol=None))[0],
}


@pytest.mark.parametrize("name", REGRESSORS)
def test_regression(name, Xy):
    X, _ = Xy
    X = X / [1.0, 10.0, 1e-3, 1.0]
    y = X[:, 0] / 3 + 1 / 3  # numbers that float32 does not hold
    scorer = make_scorer(REGRESSORS[name]).fit(X, y)
    assert_allclose(scorer.scores_, scorer.trajectory_.loss.sum(1)[0], rtol=1e-5)
    assert not hasattr(scorer, "classes_")
    assert_array_equal(scorer.score_samples(X), scorer.scores_)
    assert_array_equal(scorer.score_samples(X, y), scorer.scores_)
    new = X + 0.3
    with pytest.raises(ValueError, match=r"only be scored with their targets.*pass y"):
        scorer.score_samples(new)
    with pytest.raises(ValueError, match="y must hold finite numbers; 1 of 60 are not"):
        scorer.score_samples(new, np.where(np.arange(N) == 4, np.nan, y))
    # a target further off is harder
    assert (scorer.score_samples(new, y + 1e3) > scorer.score_samples(new, y)).all()
    assert scorer.score_samples(X, score="loss_variance").shape == (N,)
    for score in ("aum", "easiness"):
        with pytest.raises(RecordNotFoundError, match=f"{score}' needs classes.*is a regression"):
            scorer.score_samples(X, score=score)
        with pytest.raises(RecordNotFoundError, match=f"{score}' needs classes.*is a regression"):
            make_scorer(REGRESSORS[name], score=score).fit(X, y)
    if name == "SGD":
        with pytest.raises(RecordNotFoundError, match="needs gradients of the model"):
            scorer.score_samples(X, score="vog")
    else:
        assert scorer.score_samples(X, score="vog").shape == (N,)


def test_whole_numbers_may_be_targets(Xy):
    X, y = Xy
    scorer = make_scorer(REGRESSORS["tracked"]).fit(X, y)
    assert not hasattr(scorer, "classes_")
    assert hasattr(make_scorer(None).fit(X, y), "classes_")


def test_net_of_no_kind_follows_its_targets(Xy):
    X, y = Xy
    scorer = make_scorer(make_net(NeuralNet)).fit(X, np.array(["r", "s", "t"])[y])
    assert scorer.classes_.tolist() == ["r", "s", "t"]
    assert scorer.score_samples(X, score="vog").shape == (N,)
    parts = torch.nn.Linear(4, 1), torch.nn.Flatten(0)
    regression = make_net(
        NeuralNet, module=torch.nn.Sequential(*parts), criterion=torch.nn.MSELoss, lr=1e-3
    )
    scorer = make_scorer(regression).fit(X, X[:, 0])
    assert not hasattr(scorer, "classes_")
    assert_array_equal(scorer.score_samples(X, X[:, 0]), scorer.scores_)


# -- types of y and X ---------------------------------------------------------------------


def labels(kind, y):
    return {
        "gaps": np.array([-5, 3, 1000])[y],
        "strings": np.array(["a", "bc", "d"])[y],
        "objects": np.array(["a", "bc", "d"], dtype=object)[y],
        "booleans": y > 0,
        "floats": np.array([0.0, 1.0, 2.0])[y],
        "series": pd.Series(np.array(["a", "bc", "d"])[y], index=np.arange(N)[::-1]),
        "polars": pl.Series(np.array(["a", "bc", "d"])[y].tolist()),
        "list": np.array(["a", "bc", "d"])[y].tolist(),
        "tensor": torch.as_tensor(y),
        "uint8": y.astype(np.uint8),
    }[kind]


@pytest.mark.parametrize("name", ["default", "net", "tracked", "SGD", "boosting"])
@pytest.mark.parametrize(
    "kind",
    [
        "gaps",
        "strings",
        "objects",
        "booleans",
        "floats",
        "series",
        "polars",
        "list",
        "tensor",
        "uint8",
    ],
)
def test_labels_of_any_type(kind, name, Xy):
    X, y = Xy
    estimator = ESTIMATORS[name]
    if name == "default":  # a shorter training
        estimator = TrackedNetClassifier(max_epochs=2, train_split=None, verbose=0)
    given = labels(kind, y)
    names, numbers = np.unique(np.asarray(given), return_inverse=True)
    scorer = make_scorer(estimator).fit(X, given)
    assert scorer.classes_.tolist() == names.tolist()
    assert_array_equal(scorer.trajectory_.y, numbers)
    plain = make_scorer(estimator).fit(X, numbers)
    assert_allclose(scorer.scores_, plain.scores_, rtol=1e-6)
    assert_array_equal(scorer.score_samples(X, given), scorer.scores_)
    assert_allclose(
        scorer.score_samples(X + 0.3, given), plain.score_samples(X + 0.3, numbers), rtol=1e-6
    )


@pytest.mark.parametrize("name", ["net", "SGD"])
@pytest.mark.parametrize(
    "convert",
    [
        lambda X: pd.DataFrame(X, columns=list("abcd")),
        lambda X: pl.DataFrame(X, schema=list("abcd")),
        lambda X: X.tolist(),
        lambda X: torch.as_tensor(X),
        lambda X: X.astype(np.float32),
        lambda X: X[::-1][::-1],
        np.asfortranarray,
        scipy.sparse.csr_matrix,
        scipy.sparse.csr_array,
        scipy.sparse.csc_matrix,
        scipy.sparse.csc_array,
        scipy.sparse.coo_matrix,
        scipy.sparse.coo_array,
    ],
    ids=[
        "pandas",
        "polars",
        "list",
        "tensor",
        "float32",
        "strides",
        "fortran",
        "csr matrix",
        "csr array",
        "csc matrix",
        "csc array",
        "coo matrix",
        "coo array",
    ],
)
def test_rows_of_any_type(convert, name, Xy):
    X, y = Xy
    X = np.round(X)
    given = convert(X)
    scorer = make_scorer(ESTIMATORS[name]).fit(given, y)
    assert_array_equal(scorer.score_samples(given), scorer.scores_)
    if name == "net":
        assert_allclose(scorer.scores_, make_scorer().fit(X, y).scores_, rtol=1e-5)
    assert scorer.score_samples(convert(X + 0.5)).shape == (N,)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool])
def test_rows_of_integers(dtype, Xy):
    X, y = Xy
    X = np.round(X).clip(0, 200).astype(dtype)
    scorer = make_scorer().fit(X, y)
    assert scorer.score_samples(X).shape == (N,)


@pytest.mark.parametrize("estimator", [None, make_net(module__n_features=48)])
@pytest.mark.parametrize("shape", [(3, 4, 4), (48, 1), (1, 48), (2, 2, 3, 4)])
def test_images(shape, estimator, Xy):
    X = np.random.default_rng(0).normal(size=(24, *shape))
    y = np.arange(24) % 3
    scorer = make_scorer(estimator).fit(X, y)
    assert scorer.n_features_in_ == shape[0]
    assert_array_equal(scorer.score_samples(X[::2]), scorer.scores_[::2])
    assert scorer.score_samples(X + 1).shape == (24,)
    with pytest.raises(ValueError, match=r"X has (rows of shape|\d+ features)"):
        scorer.score_samples(X.reshape(24, -1)[:, :7])


def test_convolutions():
    X = np.random.default_rng(0).normal(size=(24, 1, 5, 5))
    parts = torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(18, 3)
    scorer = make_scorer(make_net(module=torch.nn.Sequential(*parts))).fit(X, np.arange(24) % 3)
    assert scorer.score_samples(X, score="vog").shape == (24,)


def test_single_logit_and_booleans(Xy):
    X, y = Xy
    net = make_net(
        NeuralNetBinaryClassifier, criterion=torch.nn.BCEWithLogitsLoss, module__n_outputs=1
    )
    scorer = make_scorer(net, score=["action", "vog"]).fit(X, y > 0)
    assert scorer.classes_.tolist() == [False, True]
    assert_array_equal(scorer.score_samples(X), scorer.scores_)
    assert_allclose(scorer.score_samples(X, y > 0), scorer.scores_)


def test_read_only_rows(Xy):
    X, y = Xy
    X = X.astype(np.float32)
    X.flags.writeable = y.flags.writeable = False
    make_scorer().fit(X, y).score_samples(X)


def test_memory_mapped_rows(Xy, tmp_path):
    X, y = Xy
    np.save(tmp_path / "X.npy", X.astype(np.float32))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    scorer = make_scorer(n_runs=2).fit(mapped, y)
    assert_array_equal(scorer.score_samples(mapped), scorer.scores_)


# -- the estimator stays as it was --------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in ESTIMATORS if name != "default"])
def test_estimator_is_not_changed(name, Xy):
    estimator = clone(ESTIMATORS[name])
    before = {**vars(estimator)}
    scorer = make_scorer(estimator).fit(*Xy)
    assert vars(estimator) == before
    assert scorer.estimator is estimator
    assert all(fitted is not estimator for fitted in scorer.estimators_)


def test_train_split_is_set_aside(Xy):
    net = make_net(train_split=NeuralNetClassifier(MLP).train_split)
    with pytest.warns(TrainSplitIgnoredWarning):
        scorer = make_scorer(net).fit(*Xy)
    assert scorer.trajectory_.in_train.all()


@pytest.mark.parametrize("name", ["default", "tracked", "SGD", "boosting"])
def test_copies(name, Xy):
    X, y = Xy
    estimator = ESTIMATORS[name]
    if name == "tracked":  # of a class that can be pickled
        estimator = TrackedNetClassifier(max_epochs=2, train_split=None, verbose=0)
    scorer = make_scorer(estimator).fit(X, y)
    new = scorer.score_samples(X + 0.3)
    for twin in (pickle.loads(pickle.dumps(scorer)), copy.deepcopy(scorer)):
        assert_array_equal(twin.scores_, scorer.scores_)
        assert_array_equal(twin.score_samples(X[::-1]), scorer.scores_[::-1])
        assert_allclose(twin.score_samples(X + 0.3), new, rtol=1e-6)
        assert_array_equal(twin.fit(X, y).scores_, scorer.scores_)
    blank = clone(scorer)
    assert not hasattr(blank, "trajectory_")
    assert_array_equal(blank.fit(X, y).scores_, scorer.scores_)


def test_parameters():
    net = make_net()
    scorer = DifficultyScorer(net, score="vog", n_runs=3)
    params = scorer.get_params()
    assert params["estimator"] is net
    assert params["estimator__lr"] == 0.02
    assert params["n_runs"] == 3
    scorer.set_params(estimator__lr=0.5, score="action")
    assert net.lr == 0.5
    assert scorer.get_params(deep=False)["score"] == "action"
    assert "DifficultyScorer" in repr(DifficultyScorer())
    assert "DifficultyScorer" in DifficultyScorer(net)._repr_html_()


def test_progress(Xy, capsys):
    make_scorer(verbose=1, n_runs=2).fit(*Xy)
    assert "10/10" in capsys.readouterr().err


# -- bad input ----------------------------------------------------------------------------


def test_before_fit(Xy):
    for method in ("score_samples", "difficulty"):
        with pytest.raises(NotFittedError, match="DifficultyScorer"):
            getattr(DifficultyScorer(), method)(Xy[0])


@pytest.mark.parametrize(
    "estimator",
    [
        GaussianNB(),
        KNeighborsClassifier(),
        make_pipeline(StandardScaler(), GaussianNB()),
        StandardScaler(),
        "net",
    ],
)
def test_estimators_that_do_not_learn_in_steps(estimator, Xy):
    with pytest.raises(TypeError, match="does not learn in steps"):
        DifficultyScorer(estimator).fit(*Xy)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"n_runs": 0}, ValueError, "n_runs must be a whole number, at least 1; got 0"),
        ({"n_runs": 2.5}, TypeError, "n_runs must be a whole number"),
        ({"n_runs": "many"}, TypeError, "n_runs must be a whole number.*got 'many'"),
        ({"score": "hardness"}, ValueError, "score must be one of"),
        ({"score": None}, TypeError, "score must be a name"),
        ({"score_params": {"dt": "hours"}}, RecordNotFoundError, "dt='hours'"),
        ({"score_params": {"colour": 1}}, ValueError, "score 'action' does not take"),
        ({"snapshots": "some"}, ValueError, "snapshots must be"),
        ({"snapshots": 0}, ValueError, "snapshots must be a whole number"),
        ({"cv": 1}, ValueError, "n_splits|k-fold"),
        ({"random_state": "seed"}, ValueError, "seed"),
    ],
)
def test_bad_parameters(params, error, message, Xy):
    with pytest.raises(error, match=message):
        make_scorer(**params).fit(*Xy)


def test_parameters_are_stored_and_checked_in_fit():
    scorer = DifficultyScorer("not an estimator", score=3, n_runs=-1, cv="x", random_state=[])
    assert scorer.get_params()["score"] == 3
    assert scorer.random_state == []


def test_score_is_no_attribute_that_could_be_taken_for_a_method(Xy):
    X, y = Xy
    scorer = make_scorer(score="vog")
    with pytest.raises(AttributeError, match=r"get_params\(\)\['score'\]"):
        _ = scorer.score
    assert not hasattr(make_pipeline(StandardScaler(), scorer).fit(X, y), "score")
    assert clone(scorer).get_params()["score"] == "vog"


@pytest.mark.parametrize("name", ["default", "net", "SGD", "boosting"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers(name, value, Xy):
    X, y = Xy
    bad = X.copy()
    bad[3, 1] = value
    if name == "boosting" and np.isnan(value):  # which takes missing values
        scorer = make_scorer(ESTIMATORS[name]).fit(bad, y)
        assert_allclose(scorer.score_samples(bad), scorer.scores_)
        return
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        make_scorer(ESTIMATORS[name]).fit(bad, y)
    target = X[:, 0].copy()
    target[3] = value
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        make_scorer(None).fit(X, target)
    scorer = make_scorer(ESTIMATORS[name]).fit(X, y)
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        scorer.score_samples(bad)


def test_values_beyond_float32(Xy):
    X, y = Xy
    X[3, 1] = 1e39
    with pytest.raises(ValueError, match="too large for float32"):
        make_scorer().fit(X, y)


@pytest.mark.parametrize("missing", [None, np.nan])
def test_labels_that_are_missing(missing, Xy):
    X, y = Xy
    names = np.array(["r", "s", "t"], dtype=object)[y]
    names[4] = missing
    with pytest.raises(ValueError, match=r"Input contains NaN|none that are missing"):
        make_scorer().fit(X, names)
    scorer = make_scorer().fit(X, np.array(["r", "s", "t"])[y])
    with pytest.raises(ValueError, match=r"labels that training never saw: \[(None|nan)\]"):
        scorer.score_samples(X, names)


def test_one_class(Xy):
    X, _ = Xy
    for name in ("default", "net", "SGD"):
        with pytest.raises(ValueError, match="y holds one class only, 'spam'"):
            make_scorer(ESTIMATORS[name]).fit(X, ["spam"] * N)


def test_no_labels(Xy):
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        make_scorer().fit(Xy[0])


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.zeros((4, 2)), [0, 1, 0], "inconsistent numbers of samples"),
        (np.zeros(4), [0, 1, 0, 1], "Expected 2D array|at least 2"),
        (np.zeros((0, 2)), [], "minimum of 2|0 sample"),
        (np.zeros((1, 2)), [0], "minimum of 2"),
        (np.zeros((4, 0)), [0, 1, 0, 1], r"0 feature\(s\)"),
        (np.zeros((4, 2)), [[0, 1]] * 4, "1d array|shape"),
        (np.array([["a", "b"]] * 4), [0, 1, 0, 1], "string|convert"),
    ],
)
def test_bad_shapes(X, y, message):
    with pytest.raises(ValueError, match=message):
        make_scorer().fit(X, y)


def test_other_number_of_features(Xy):
    X, y = Xy
    scorer = make_scorer().fit(X, y)
    with pytest.raises(ValueError, match="X has 3 features, but DifficultyScorer is expecting 4"):
        scorer.score_samples(X[:, :3])
    with pytest.raises(ValueError, match=r"rows of shape \(4, 2\).*fitted to rows of shape \(4,\)"):
        scorer.score_samples(np.stack([X, X], axis=2))
    with pytest.raises(ValueError):
        scorer.score_samples(X[0])
    with pytest.raises(ValueError, match="minimum of 1"):
        scorer.score_samples(X[:0])


def test_other_names_of_the_columns(Xy):
    X, y = Xy
    frame = pd.DataFrame(X, columns=list("abcd"))
    scorer = make_scorer().fit(frame, y)
    with pytest.raises(ValueError, match="feature names should match"):
        scorer.score_samples(frame[list("bacd")])


def test_labels_that_training_never_saw(Xy):
    X, y = Xy
    scorer = make_scorer().fit(X, np.array(["r", "s", "t"])[y])
    with pytest.raises(ValueError, match=r"never saw: \['u'\]. Known are \['r', 's', 't'\]"):
        scorer.score_samples(X[:2], ["r", "u"])
    with pytest.raises(ValueError, match="y has 1 entries for 2 rows of X"):
        scorer.score_samples(X[:2], ["r"])


def test_columns_that_training_never_saw(Xy):
    X, y = Xy
    scorer = make_scorer(ESTIMATORS["SGD"]).fit(X, y)
    with pytest.raises(RecordNotFoundError, match="'vog' needs gradients"):
        scorer.score_samples(X, score="vog")
    with pytest.raises(RecordNotFoundError, match="'vog' needs gradients"):
        make_scorer(ESTIMATORS["boosting"], score="vog").fit(X, y)


def test_logits_where_probabilities_belong(Xy):
    with pytest.raises(ValueError, match=r"softmax, or pass criterion=torch.nn.CrossEntropyLoss"):
        make_scorer(make_net(criterion=torch.nn.NLLLoss)).fit(*Xy)


class Compiled(torch.nn.Module):
    """What torch.compile returns, without what takes a minute to build."""

    def __init__(self, inner):
        super().__init__()
        self._orig_mod = inner

    def forward(self, *args, **kwargs):
        return self._orig_mod(*args, **kwargs)


def test_compiled_nets(Xy, monkeypatch):
    X, y = Xy
    monkeypatch.setattr(torch, "compile", lambda module, **kwargs: Compiled(module))
    nll = make_net(criterion=torch.nn.NLLLoss, module__softmax=True, compile=True)
    with pytest.raises(ValueError, match="compile=True with criterion=NLLLoss"):
        make_scorer(nll).fit(X, y)
    scorer = make_scorer(make_net(compile=True)).fit(X, y)
    assert isinstance(scorer.estimators_[0].module_, Compiled)
    plain = make_scorer().fit(X, y)
    assert_array_equal(scorer.scores_, plain.scores_)
    assert_allclose(scorer.score_samples(X + 0.3), plain.score_samples(X + 0.3), rtol=1e-6)
    assert_allclose(
        scorer.score_samples(X, score="vog"), plain.score_samples(X, score="vog"), rtol=1e-6
    )


class Coupled(torch.nn.Module):
    def forward(self, outputs, y):
        return (outputs - outputs.mean(dim=0)).square().mean()


def test_criterion_that_couples_rows(Xy):
    with pytest.raises(UnreducibleCriterionError, match="Coupled"):
        make_scorer(make_net(criterion=Coupled)).fit(*Xy)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_loss_that_is_not_finite(n_jobs, Xy):
    X, y = Xy
    net = NeuralNetClassifier(
        torch.nn.Linear,
        module__in_features=4,
        module__out_features=3,
        criterion=torch.nn.CrossEntropyLoss,
        lr=1e37,
        batch_size=N,
        max_epochs=50,
        train_split=None,
        verbose=0,
    )
    with pytest.raises(NonFiniteLossError, match=r"in epoch \d+ \(step \d+\).*learning rate") as e:
        make_scorer(net, n_runs=2, n_jobs=n_jobs).fit(X, y)
    error = pickle.loads(pickle.dumps(e.value))
    assert f"step {error.step}" in str(error)
    if error.step:
        assert error.trajectory.n_steps.tolist() == [error.step]
        assert np.isfinite(error.trajectory.loss).all()


class StopsAt(Callback):
    """Raises in the middle of an epoch, when it is told to."""

    armed = True

    def on_batch_end(self, net, **kwargs):
        if StopsAt.armed and len(net.history) == 3:
            raise KeyboardInterrupt


@pytest.fixture
def armed():
    StopsAt.armed = True
    yield
    StopsAt.armed = True


@pytest.mark.parametrize("kind", [NeuralNetClassifier, TrackedNetClassifier])
def test_interruption_leaves_the_scorer_unfitted(kind, Xy, armed, generators_unchanged):
    X, y = Xy
    net = make_net(kind, callbacks=[StopsAt()])
    before = dict(vars(net))
    scorer = make_scorer(net)
    with pytest.raises(KeyboardInterrupt):
        scorer.fit(X, y)
    assert not any(name.endswith("_") for name in vars(scorer))
    assert vars(net) == before
    assert not net.initialized_
    with pytest.raises(NotFittedError):
        scorer.score_samples(X)
    StopsAt.armed = False
    assert scorer.fit(X, y).score_samples(X).shape == (N,)


def test_interruption_of_an_estimator_of_scikit_learn(Xy):
    class Interrupted(SGDClassifier):
        def partial_fit(self, X, y, classes=None, sample_weight=None):
            if getattr(self, "t_", 1) > 2 * N:
                raise KeyboardInterrupt
            return super().partial_fit(X, y, classes, sample_weight)

    scorer = make_scorer(Interrupted(max_iter=5))
    with pytest.raises(KeyboardInterrupt):
        scorer.fit(*Xy)
    assert not hasattr(scorer, "trajectory_")


def test_failed_fit_leaves_the_earlier_one(Xy, armed):
    X, y = Xy
    StopsAt.armed = False
    scorer = make_scorer(make_net(callbacks=[StopsAt()])).fit(X, y)
    scores, new = scorer.scores_, scorer.score_samples(X + 0.3)
    StopsAt.armed = True
    for failing in (
        lambda: scorer.fit(X, (y + 1) % 3),
        lambda: scorer.fit(X[:, :2], np.zeros(N)),
        lambda: scorer.fit(X),
    ):
        with pytest.raises((KeyboardInterrupt, ValueError)):
            failing()
        assert scorer.n_features_in_ == 4
        assert scorer.scores_ is scores
        assert_array_equal(scorer.score_samples(X), scores)
        assert_allclose(scorer.score_samples(X + 0.3), new, rtol=1e-6)


def test_fit_again_forgets_the_earlier_one(Xy):
    X, y = Xy
    scorer = make_scorer(None).fit(pd.DataFrame(X, columns=list("abcd")), y)
    scorer.fit(X[:, :2], X[:, 3])
    assert not hasattr(scorer, "classes_")
    assert not hasattr(scorer, "feature_names_in_")
    assert scorer.n_features_in_ == 2


# -- found by others ----------------------------------------------------------------------


def test_a_model_that_learnt_nothing_is_told(Xy):
    net = NeuralNetClassifier(
        Constant, criterion=torch.nn.CrossEntropyLoss, lr=0.0, train_split=None, verbose=0
    )
    with pytest.warns(NothingLearnedWarning, match="the same of every row"):
        DifficultyScorer(net, random_state=0).fit(*Xy)


class Constant(torch.nn.Module):
    """Says the same of every row."""

    def __init__(self):
        super().__init__()
        self.logits = torch.nn.Parameter(torch.arange(3.0))

    def forward(self, X):
        return self.logits.expand(len(X), -1)


@pytest.mark.parametrize("classes", [["c", "b", "a"], ["a", "b", "c", "d"]])
def test_classes_in_another_order_and_more_than_there_are(classes, Xy):
    X, y = Xy
    labels = np.array(list("abc"))[y]
    net = TrackedNetClassifier(
        classes=classes,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=0.02,
        max_epochs=8,
        train_split=None,
        verbose=0,
    )
    scorer = DifficultyScorer(net, random_state=0).fit(X, labels)
    new = X * (1 + 1e-6)
    assert scorer.trajectory_.classes.tolist() == ["a", "b", "c"]
    assert_array_equal(scorer.trajectory_.y, y)
    assert_allclose(scorer.score_samples(new, labels), scorer.scores_, rtol=1e-3, atol=1e-4)
    predicted = scorer.estimators_[0].predict(new)
    assert_allclose(
        scorer.score_samples(new), scorer.score_samples(new, predicted), rtol=1e-5, atol=1e-6
    )
    right = scorer.trajectory_.correct[0, -1]
    assert_array_equal(right, scorer.estimators_[0].predict(X) == labels)
    assert_allclose(
        scorer.score_samples(new, labels, score="vog"),
        scorer.score_samples(X, score="vog"),
        rtol=1e-2,
        atol=1e-6,
    )


def test_many_copies_of_few_rows():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, size=(5000, 2)).astype(float)
    y = rng.integers(0, 2, size=5000)
    scorer = DifficultyScorer(SGDClassifier(loss="log_loss", max_iter=2), random_state=0)
    scorer.fit(X, y)
    scores = scorer.score_samples(X)
    for content in np.unique(X, axis=0):
        rows = (X == content).all(axis=1)
        assert_allclose(scores[rows], scorer.scores_[rows].mean())
    assert_allclose(scorer.score_samples(X, y), scorer.scores_)


def test_whole_numbers_of_a_regression():
    X = np.random.default_rng(0).normal(size=(60, 2))
    y = np.rint(100 * X[:, 0])
    scorer = DifficultyScorer(random_state=0).fit(X, y)
    assert not hasattr(scorer, "classes_")
    assert isinstance(scorer.estimators_[0], TrackedNetRegressor)


def test_general_net_with_one_output_is_a_regression(Xy):
    X = Xy[0]
    y = X[:, 0] - X[:, 1]
    net = NeuralNet(
        torch.nn.Linear,
        torch.nn.MSELoss,
        module__in_features=X.shape[1],
        module__out_features=1,
        optimizer=torch.optim.Adam,
        lr=0.1,
        max_epochs=60,
        train_split=None,
        verbose=0,
    )
    scorer = DifficultyScorer(net, random_state=0).fit(X, y)
    assert scorer.trajectory_.loss[0, -1].mean() < 0.05 * y.var()


def test_public_results_are_copies(Xy):
    scorer = make_scorer().fit(*Xy)
    before = scorer.score_samples(Xy[0])
    scorer.difficulty_ -= 1
    scorer.scores_ *= 2
    assert_array_equal(scorer.score_samples(Xy[0]), before)


def test_a_net_is_left_without_its_recorder(Xy):
    X, y = Xy
    scorer = DifficultyScorer(TrackedNetClassifier(**DEFAULT_TRACKED), cv=2, random_state=0)
    scorer.fit(X, y)
    for net in scorer.estimators_:
        assert net.tracker_.data is None
        assert net.tracker_.recorder_ is None
        assert net.trajectory_.n_steps_max == DEFAULT_TRACKED["max_epochs"]


DEFAULT_TRACKED = {
    "criterion": torch.nn.CrossEntropyLoss,
    "max_epochs": 2,
    "train_split": None,
    "verbose": 0,
}


def test_class_instead_of_an_estimator(Xy):
    with pytest.raises(TypeError, match=r"must be an instance.*SGDClassifier\(\.\.\.\)"):
        DifficultyScorer(SGDClassifier).fit(*Xy)


def test_held_out_labels_have_no_say_in_the_training(Xy):
    X, y = Xy
    folds = KFold(2)
    train, test = next(folds.split(X))
    other = y.copy()
    other[test] = (y[test] + 1) % 3
    estimator = SGDClassifier(loss="log_loss", max_iter=50)
    paths = [
        DifficultyScorer(estimator, cv=[(train, test), (test, train)], random_state=0)
        .fit(X, labels)
        .estimators_[0]
        for labels in (y, other)
    ]
    assert_array_equal(paths[0].coef_, paths[1].coef_)
    assert paths[0].n_iter_ == paths[1].n_iter_


class GaussianError(torch.nn.Module):
    """Negative log likelihood of a mean and a logarithm of a variance."""

    def forward(self, outputs, y):
        mean, log_variance = outputs[:, :1], outputs[:, 1:]
        return (0.5 * (log_variance + (y - mean) ** 2 / log_variance.exp())).mean()


def test_regression_with_several_outputs_for_a_target(Xy):
    X = Xy[0]
    net = NeuralNet(
        torch.nn.Linear,
        GaussianError,
        module__in_features=X.shape[1],
        module__out_features=2,
        max_epochs=3,
        lr=1e-4,
        train_split=None,
        verbose=0,
    )
    scorer = DifficultyScorer(net, random_state=0).fit(X, X[:, 0] + 0.1)
    assert np.isfinite(scorer.scores_).all()
    with pytest.raises(ValueError, match="has 2 outputs and y holds one target"):
        DifficultyScorer(clone(net).set_params(criterion=torch.nn.MSELoss)).fit(X, X[:, 0] + 0.1)
