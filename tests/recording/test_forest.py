"""Forests and bagging: every member is judged on the rows that it left out."""

import pickle
import warnings
from math import log

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import Perceptron
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.exceptions import MissingRecordsWarning, NonFiniteLossError
from sklearn_difficulty.recording import class_proba, find_learner, record, replay
from sklearn_difficulty.recording._forest import ForestLearner
from sklearn_difficulty.scores import action

NAMES = np.array(["r", "s", "t"])
N_TREES = 30
CLASSIFIERS = {
    "forest": RandomForestClassifier(N_TREES, oob_score=True),
    "shallow forest": RandomForestClassifier(N_TREES, max_depth=2, max_samples=0.5, oob_score=True),
    "extra trees": ExtraTreesClassifier(N_TREES, bootstrap=True, oob_score=True),
    "bagging": BaggingClassifier(n_estimators=N_TREES, oob_score=True),
    "bagging, columns": BaggingClassifier(
        DecisionTreeClassifier(max_depth=2), N_TREES, max_features=3, oob_score=True
    ),
    "bagging, drawn columns": BaggingClassifier(
        GaussianNB(), N_TREES, bootstrap_features=True, oob_score=True
    ),
    "bagging, neighbors": BaggingClassifier(KNeighborsClassifier(3), N_TREES, oob_score=True),
    "bagging, votes": BaggingClassifier(Perceptron(), N_TREES, oob_score=True),
}
REGRESSORS = {
    "forest": RandomForestRegressor(N_TREES, oob_score=True),
    "extra trees": ExtraTreesRegressor(N_TREES, bootstrap=True, oob_score=True),
    "bagging": BaggingRegressor(n_estimators=N_TREES, max_features=2, oob_score=True),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_out_of_bag(name, table):
    X, y = table
    recording = record(CLASSIFIERS[name], X, y, classes=NAMES, random_state=0)
    path, [fitted] = recording.trajectory, recording.estimators
    assert path.loss.shape == (N_TREES, 1, 61)
    assert recording.runs_per_model == N_TREES
    for tree, drawn in enumerate(fitted.estimators_samples_):
        assert_array_equal(np.flatnonzero(path.in_train[tree]), np.unique(drawn))
    assert_array_equal(np.isnan(path.loss[:, 0]), path.in_train)
    assert_array_equal(path.prediction[:, 0] == -1, path.in_train)
    assert path.snapshots is None
    # What scikit-learn itself says of each row by the trees that left it out.
    own = fitted.oob_decision_function_[np.arange(61), y]
    assert_allclose(np.nanmean(path.proba[:, 0], axis=0), own, atol=1e-6)
    assert_allclose(class_proba(recording, X), fitted.predict_proba(X))
    assert fitted.classes_.tolist() == ["r", "s", "t"]
    assert_allclose(path.dt["wall"], path.dt["wall"][0, 0])
    assert path.dt["epoch"].tolist() == [[1.0]] * N_TREES


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors_out_of_bag(name, table):
    X, _ = table
    y = X[:, 0] + 10.0
    recording = record(REGRESSORS[name], X, y, classes=None, random_state=0)
    path, [fitted] = recording.trajectory, recording.estimators
    assert_array_equal(np.isnan(path.loss[:, 0]), path.in_train)
    assert path.prediction is None
    left_out = ~path.in_train[3]
    columns = fitted.estimators_features_[3] if name == "bagging" else slice(None)
    error = (fitted.estimators_[3].predict(X[:, columns]) - y) ** 2
    assert_allclose(path.loss[3, 0, left_out], error[left_out], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_replay_gives_the_records_of_training(name, table):
    X, y = table
    recording = record(CLASSIFIERS[name], X, y, classes=NAMES, random_state=0, keep=("outputs",))
    path = recording.trajectory
    replayed = replay(recording, X, y, keep=("outputs",))
    assert replayed.loss.shape == (N_TREES, 1, 61)
    assert replayed.outputs.shape == path.outputs.shape == (N_TREES, 1, 61, 3)
    left_out = ~path.in_train
    for record_name in ("loss", "margin", "proba", "prediction", "entropy", "el2n", "outputs"):
        recorded, again = getattr(path, record_name)[:, 0], getattr(replayed, record_name)[:, 0]
        assert_array_equal(again[left_out], recorded[left_out])
    # All trees together are the forest.
    own = recording.estimators[0].predict_proba(X)[np.arange(61), y]
    assert_allclose(replayed.proba[:, 0].mean(axis=0), own, atol=1e-6)
    assert_array_equal(replayed.dt["wall"], path.dt["wall"])


def test_replay_of_a_regressor(table):
    X, _ = table
    recording = record(REGRESSORS["forest"], X, X[:, 0], classes=None, random_state=0)
    replayed = replay(recording, X, X[:, 0])
    left_out = ~recording.trajectory.in_train
    assert_array_equal(replayed.loss[:, 0][left_out], recording.trajectory.loss[:, 0][left_out])


def test_action_of_pure_trees_counts_the_wrong_ones(table):
    X, y = table
    recording = record(CLASSIFIERS["forest"], X, y, classes=NAMES, random_state=0)
    path = recording.trajectory
    wrong = (path.prediction[:, 0] != y) & ~path.in_train
    share = wrong.sum(axis=0) / (~path.in_train).sum(axis=0)
    assert_allclose(-log(np.finfo(np.float64).eps), 36.04365, rtol=1e-6)
    assert_allclose(action(path), 36.04365 * share, rtol=1e-5, atol=1e-5)


def test_bagging_without_replacement(table):
    X, y = table
    for max_samples in (0.5, 30):
        estimator = BaggingClassifier(n_estimators=4, bootstrap=False, max_samples=max_samples)
        recording = record(estimator, X, y, classes=NAMES, random_state=0)
        assert recording.trajectory.in_train.sum(axis=1).tolist() == [30] * 4


NO_ROWS_LEFT_OUT = {
    "forest": RandomForestClassifier(4, bootstrap=False),
    "extra trees": ExtraTreesClassifier(4),
    "bagging": BaggingClassifier(n_estimators=4, bootstrap=False),
    "bagging, share": BaggingClassifier(n_estimators=4, bootstrap=False, max_samples=1.0),
    "bagging, count": BaggingClassifier(n_estimators=4, bootstrap=False, max_samples=61),
}


@pytest.mark.parametrize("name", NO_ROWS_LEFT_OUT)
def test_no_rows_are_left_out(name, table):
    X, y = table
    with pytest.raises(ValueError, match=r"bootstrap=False of .* pass bootstrap=True, or cv=5"):
        record(NO_ROWS_LEFT_OUT[name], X, y, classes=NAMES)


def test_held_out_rows_are_judged_by_every_tree(table):
    X, y = table
    recording = record(NO_ROWS_LEFT_OUT["extra trees"], X, y, classes=NAMES, random_state=0, cv=3)
    path = recording.trajectory
    assert path.loss.shape == (4, 1, 61)
    assert not path.in_train.any()
    assert not np.isnan(path.loss).any()
    for fitted, rows in zip(recording.estimators, recording.scored, strict=True):
        own = fitted.predict_proba(X[rows])[np.arange(rows.sum()), y[rows]]
        assert_allclose(path.proba[:, 0, rows].mean(axis=0), own, atol=1e-6)
    assert replay(recording, X[:5], y[:5]).loss.shape == (12, 1, 5)


@pytest.mark.parametrize("name", ["forest", "bagging", "bagging, votes", "bagging, neighbors"])
def test_folds_that_lack_a_class(name, table):
    X, y = table
    lacking = np.flatnonzero(y != 1), np.flatnonzero(y == 1)
    estimator = CLASSIFIERS[name]
    recording = record(
        estimator,
        X,
        y,
        classes=NAMES,
        random_state=0,
        cv=[lacking, (np.arange(61), lacking[0])],
    )
    path = recording.trajectory
    assert not np.isnan(path.loss).any()
    assert_allclose(path.loss[:, 0, lacking[1]], 36.04365, rtol=1e-5)
    own = recording.estimators[1].predict_proba(X[lacking[0]])
    own = own[np.arange(len(own)), y[lacking[0]]]
    assert_allclose(path.proba[:, 0, lacking[0]].mean(axis=0), own, atol=1e-6)
    assert class_proba(recording, X).shape == (61, 3)


def test_members_that_never_saw_a_class(table):
    X, y = table
    y = np.where(y == 1, 0, y)
    y[:2] = 1  # a class of two rows, which most members miss
    estimator = BaggingClassifier(KNeighborsClassifier(1), 20, max_samples=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recording = record(estimator, X, y, classes=NAMES, random_state=0)
    path, [fitted] = recording.trajectory, recording.estimators
    assert {len(member.classes_) for member in fitted.estimators_} == {2, 3}
    replayed = replay(recording, X, y)
    own = fitted.predict_proba(X)[np.arange(61), y]
    assert_allclose(replayed.proba[:, 0].mean(axis=0), own, atol=1e-6)
    assert path.prediction.max() == 2


def test_rows_that_no_tree_left_out(table):
    X, y = table
    recording = record(RandomForestClassifier(2), X, y, classes=NAMES, random_state=0)
    with pytest.warns(MissingRecordsWarning, match="samples have too few records"):
        scores = action(recording.trajectory)
    assert_array_equal(np.isnan(scores), recording.trajectory.in_train.all(axis=0))
    assert 0 < np.isnan(scores).sum() < 61


def test_seeds(table):
    X, y = table
    estimator = RandomForestClassifier(4)

    def proba(estimator, **options):
        return record(estimator, X, y, classes=NAMES, **options).trajectory.proba

    assert_array_equal(proba(estimator, random_state=3), proba(estimator, random_state=3))
    runs = proba(estimator, random_state=3, n_runs=2)
    assert runs.shape == (8, 1, 61)
    assert not np.array_equal(runs[:4], runs[4:], equal_nan=True)
    own = RandomForestClassifier(4, random_state=1)
    assert_array_equal(proba(own), proba(own))


def test_warm_start_starts_anew(table):
    X, y = table
    estimator = RandomForestClassifier(4, warm_start=True).fit(X, y)
    recording = record(estimator, X, y, classes=NAMES, random_state=0)
    assert recording.trajectory.n_runs == 4
    assert len(estimator.estimators_) == 4
    assert estimator.classes_.tolist() == [0, 1, 2]
    assert estimator.random_state is None


def test_missing_values_and_sparse_rows(table):
    X, y = table
    holes = X.astype(np.float64)
    holes[::3, 0] = np.nan
    for rows in (holes, scipy.sparse.csr_matrix(np.where(X > 0, X, 0))):
        recording = record(CLASSIFIERS["forest"], rows, y, classes=NAMES, random_state=0)
        own = recording.estimators[0].oob_decision_function_[np.arange(61), y]
        assert_allclose(np.nanmean(recording.trajectory.proba[:, 0], axis=0), own, atol=1e-6)


def test_loss_beyond_float32(table):
    X, _ = table
    y = np.where(np.arange(61) == 7, 1e25, 0.0)
    with pytest.raises(NonFiniteLossError, match="Scale the targets"):
        record(REGRESSORS["bagging"], X, y, classes=None, random_state=0)


def test_scorer(table):
    X, y = table
    y = y.copy()
    y[0] = 2  # a wrong label
    estimator = RandomForestClassifier(100)
    scorer = DifficultyScorer(estimator, random_state=0).fit(X, NAMES[y])
    assert scorer.difficulty_[0] > np.quantile(scorer.difficulty_, 0.9)
    assert scorer.trajectory_.n_runs == 100
    assert not hasattr(estimator, "classes_")
    new = X[:5] + 0.01
    again = pickle.loads(pickle.dumps(scorer))
    assert_array_equal(again.score_samples(new), scorer.score_samples(new))
    assert scorer.score_samples(new).shape == (5,)


def test_what_is_a_forest():
    for estimator in (*CLASSIFIERS.values(), *REGRESSORS.values()):
        assert isinstance(find_learner(estimator), ForestLearner)
        assert ForestLearner().most_steps(estimator) == 1
    assert not ForestLearner().accepts(IsolationForest())
    assert not ForestLearner().accepts(DecisionTreeClassifier())


def test_forests_that_do_not_say_what_they_drew():
    ensemble = pytest.importorskip("imblearn.ensemble")
    assert not ForestLearner().accepts(ensemble.BalancedRandomForestClassifier())


@pytest.mark.parametrize("forest", [RandomForestClassifier(20), BaggingClassifier(n_estimators=20)])
def test_behind_transformers_that_return_frames(forest, table):
    X, y = table
    scaler = StandardScaler().set_output(transform="pandas")
    scorer = DifficultyScorer(make_pipeline(scaler, forest), random_state=0).fit(X, y)
    plain = DifficultyScorer(make_pipeline(StandardScaler(), forest), random_state=0).fit(X, y)
    assert_array_equal(scorer.scores_, plain.scores_)
