"""Searches over parameters, at the end of which the best estimator is recorded."""

import pickle

import joblib
import numpy as np
import pytest
import torch
from lightgbm import LGBMClassifier
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Perceptron, SGDClassifier, SGDRegressor
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.validation import check_is_fitted
from skorch import NeuralNetRegressor
from xgboost import XGBClassifier

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.recording import TrackedNetClassifier, find_learner, record, replay
from sklearn_difficulty.recording._partial_fit import PartialFitLearner
from sklearn_difficulty.recording._search import SearchLearner

NAMES = np.array(["r", "s", "t"])
SGD = SGDClassifier(loss="log_loss", max_iter=4, tol=None)
BOOSTING = HistGradientBoostingClassifier(max_iter=4, min_samples_leaf=5)
STEPS = Pipeline([("scale", StandardScaler()), ("learn", SGD)])
SEARCHES = {
    "grid": GridSearchCV(SGD, {"alpha": [1e-4, 1e-1], "max_iter": [3, 5]}, cv=3),
    "randomized": RandomizedSearchCV(SGD, {"alpha": np.logspace(-5, 0, 20)}, n_iter=3, cv=2),
    "halving": HalvingGridSearchCV(SGD, {"alpha": [1e-4, 1e-2, 1.0]}, cv=2),
    "boosting": GridSearchCV(BOOSTING, {"learning_rate": [0.01, 0.5]}, cv=2),
    "pipeline": GridSearchCV(STEPS, {"learn__alpha": [1e-4, 1.0]}, cv=2),
    "shuffled": GridSearchCV(SGD, {"alpha": [1e-4, 1e-3]}, cv=KFold(2, shuffle=True)),
}


def run(estimator, X, y, **options):
    options = {"classes": NAMES, "random_state": 0, "snapshots": "all"} | options
    return record(estimator, X, y, **options)


def assert_last_step_is_the_prediction(recording, X, y):
    path, [fitted] = recording.trajectory, recording.estimators
    assert_array_equal(recording.classes[path.prediction[0, -1]], fitted.predict(X))
    if hasattr(fitted, "predict_proba"):
        proba = fitted.predict_proba(X)
        assert_allclose(path.proba[0, -1], proba[np.arange(len(y)), y], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", SEARCHES)
def test_best_estimator(name, table):
    X, y = table
    recording = run(SEARCHES[name], X, y)
    [fitted] = recording.estimators
    assert_last_step_is_the_prediction(recording, X, y)
    assert fitted.classes_.tolist() == ["r", "s", "t"]
    best = fitted.cv_results_["params"][fitted.best_index_]
    assert best == fitted.best_params_
    params = fitted.best_estimator_.get_params()
    assert {key: params[key] for key in best} == best
    assert fitted.n_features_in_ == 4
    replayed = replay(recording, X, y)
    assert_allclose(replayed.loss, recording.trajectory.loss, rtol=1e-5, atol=1e-6)


def test_it_is_the_training_of_the_best(table):
    X, y = table
    recording = run(SEARCHES["boosting"], X, y)
    params = recording.estimators[0].best_params_
    alone = run(HistGradientBoostingClassifier(**(BOOSTING.get_params() | params)), X, y)
    assert_array_equal(recording.trajectory.loss, alone.trajectory.loss)


@pytest.mark.parametrize("name", SEARCHES)
def test_seeds(name, table, generators_unchanged):
    X, y = table
    first, second = (run(SEARCHES[name], X, y) for _ in range(2))
    assert_array_equal(first.trajectory.loss, second.trajectory.loss)
    scores = [r.estimators[0].cv_results_["mean_test_score"] for r in (first, second)]
    assert_array_equal(*scores)


def test_runs_search_anew(table):
    X, y = table
    recording = run(SEARCHES["randomized"], X, y, n_runs=2)
    tried = [fitted.cv_results_["param_alpha"].tolist() for fitted in recording.estimators]
    assert tried[0] != tried[1]


def test_the_search_of_the_caller_is_left_alone(table):
    X, y = table
    search = GridSearchCV(SGD, {"alpha": [1e-4, 1e-3]}, cv=KFold(2, shuffle=True))
    before = repr(search.get_params())
    run(search, X, y)
    assert repr(search.get_params()) == before
    for part in (search, search.estimator):
        with pytest.raises(NotFittedError):
            check_is_fitted(part)


def test_folds_search_in_the_rows_that_they_train_on(table):
    X, y = table
    folds = StratifiedKFold(2)
    recording = run(SEARCHES["pipeline"], X, y, cv=folds)
    assert not np.isnan(recording.trajectory.loss).any()
    for fitted, (train, test) in zip(recording.estimators, folds.split(X, y), strict=True):
        alone = GridSearchCV(STEPS, {"learn__alpha": [1e-4, 1.0]}, cv=2)
        seed = fitted.best_estimator_["learn"].random_state
        assert seed is not None
        alone.set_params(estimator__learn__random_state=fitted.estimator["learn"].random_state)
        alone.fit(X[train], NAMES[y[train]])
        assert_array_equal(
            alone.cv_results_["mean_test_score"], fitted.cv_results_["mean_test_score"]
        )
        proba = fitted.predict_proba(X[test])[np.arange(len(test)), y[test]]
        assert_allclose(recording.trajectory.proba[0, -1, test], proba, rtol=1e-4, atol=1e-6)


def test_several_metrics(table):
    X, y = table
    metrics = ["accuracy", "neg_log_loss"]
    recording = run(
        GridSearchCV(SGD, {"alpha": [1e-4, 1.0]}, scoring=metrics, refit="accuracy"), *table
    )
    assert_last_step_is_the_prediction(recording, X, y)
    with pytest.raises(ValueError, match="refit must be set to a scorer key"):
        run(GridSearchCV(SGD, {"alpha": [1e-4, 1.0]}, scoring=metrics), *table)


def test_callable_refit(table):
    X, y = table
    grid = {"alpha": [1e-4, 1e-3, 1.0]}
    recording = run(GridSearchCV(SGD, grid, refit=lambda results: 2), X, y)
    assert recording.estimators[0].best_params_ == {"alpha": 1.0}
    assert recording.estimators[0].best_estimator_.alpha == 1.0
    assert_last_step_is_the_prediction(recording, X, y)


def test_no_refit(table):
    with pytest.raises(ValueError, match=r"refit=False of GridSearchCV.*set refit=True"):
        run(GridSearchCV(SGD, {"alpha": [1.0]}, refit=False), *table)


def test_pickle(table):
    X, y = table
    recording = run(SEARCHES["pipeline"], X, y)
    back = pickle.loads(pickle.dumps(recording))
    assert_array_equal(
        back.estimators[0].predict_proba(X), recording.estimators[0].predict_proba(X)
    )
    assert_array_equal(replay(back, X, y).loss, replay(recording, X, y).loss)


def test_regression(table):
    X, _ = table
    y = X[:, 0].astype(np.float64)
    search = GridSearchCV(SGDRegressor(max_iter=4, tol=None), {"alpha": [1e-4, 1.0]}, cv=2)
    recording = run(search, X, y, classes=None)
    error = (recording.estimators[0].predict(X) - y) ** 2
    assert_allclose(recording.trajectory.loss[0, -1], error, rtol=1e-4, atol=1e-7)


def test_text():
    X = [f"{word} {'good' if k % 2 else 'bad'}" for k, word in enumerate("abcdef" * 6)]
    y = np.arange(36) % 2
    pipeline = make_pipeline(TfidfVectorizer(), SGD)
    search = GridSearchCV(pipeline, {"tfidfvectorizer__ngram_range": [(1, 1), (1, 2)]}, cv=2)
    recording = run(search, X, y, classes=np.array(["no", "yes"]))
    assert recording.learner.takes_any_rows
    assert recording.estimators[0].predict(X).tolist() == ["no", "yes"] * 18
    assert_last_step_is_the_prediction(recording, X, y)
    assert not find_learner(SEARCHES["grid"]).takes_any_rows


@pytest.mark.parametrize(
    "base", [XGBClassifier(n_estimators=4), LGBMClassifier(n_estimators=4, verbose=-1)]
)
def test_boosting_of_other_packages(base, table):
    X, y = table
    pipeline = Pipeline([("scale", StandardScaler()), ("learn", base)])
    search = GridSearchCV(pipeline, {"learn__learning_rate": [0.01, 0.5]}, cv=2)
    recording = run(search, X, y)
    path, [fitted] = recording.trajectory, recording.estimators
    proba = fitted.predict_proba(X)
    assert_allclose(path.proba[0, -1], proba[np.arange(61), y], rtol=1e-4, atol=1e-6)
    assert_allclose(replay(recording, X, y).loss, path.loss, rtol=1e-5, atol=1e-6)


# -- nets ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_net(dtype, table, make_net, generators_unchanged):
    X, y = table
    search = GridSearchCV(make_net(), {"lr": [1e-4, 0.05]}, cv=2, scoring="accuracy")
    first, second = (run(search, X.astype(dtype), y) for _ in range(2))
    assert first.learner.has_gradients
    assert_array_equal(first.trajectory.loss, second.trajectory.loss)
    [fitted] = first.estimators
    assert fitted.best_params_ == {"lr": 0.05}
    with torch.no_grad():
        scores = fitted.best_estimator_.module_.eval()(torch.from_numpy(X)).softmax(1)
    assert_allclose(first.trajectory.proba[0, -1], scores[np.arange(61), y], rtol=1e-4)
    assert_allclose(replay(first, X, y).loss, first.trajectory.loss, rtol=1e-4, atol=1e-6)


def test_tracked_net(table):
    X, y = table
    net = TrackedNetClassifier(max_epochs=3, train_split=None, verbose=0)
    recording = run(GridSearchCV(net, {"lr": [1e-4, 0.05]}, cv=2), X.astype(np.float64), y)
    assert recording.estimators[0].predict(X).dtype == NAMES.dtype
    assert_last_step_is_the_prediction(recording, X, y)


def test_nets_in_threads_of_the_search(table):
    X, y = table
    net = TrackedNetClassifier(max_epochs=2, train_split=None, verbose=0)
    with joblib.parallel_backend("threading"):
        recording = run(GridSearchCV(net, {"lr": [1e-4, 0.05]}, cv=2, n_jobs=2), X, y)
    assert_last_step_is_the_prediction(recording, X, y)


def test_net_for_regression(table):
    X, _ = table
    y = X[:, 0].astype(np.float64)
    net = NeuralNetRegressor(
        torch.nn.Linear,
        module__in_features=4,
        module__out_features=1,
        train_split=None,
        max_epochs=3,
        verbose=0,
    )
    search = GridSearchCV(
        make_pipeline(StandardScaler(), net), {"neuralnetregressor__lr": [0.01]}, cv=2
    )
    recording = run(search, X, y, classes=None)
    error = (recording.estimators[0].predict(X).ravel() - y) ** 2
    assert_allclose(recording.trajectory.loss[0, -1], error, rtol=1e-3, atol=1e-6)


# -- what the search may change -----------------------------------------------------------


def test_parts_of_a_pipeline_may_be_swapped(table):
    X, y = table
    grid = {
        "scale": ["passthrough", MinMaxScaler()],
        "learn": [SGD, Perceptron(max_iter=4, tol=None)],
    }
    recording = run(GridSearchCV(STEPS, grid, cv=2), X, y)
    assert_last_step_is_the_prediction(recording, X, y)
    assert_allclose(replay(recording, X, y).loss, recording.trajectory.loss, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("other", [BOOSTING, LogisticRegression(), GaussianNB()])
def test_kinds_that_are_not_recorded_alike(other, table):
    search = GridSearchCV(STEPS, [{"learn": [SGD]}, {"learn": [Perceptron(), other]}], cv=2)
    with pytest.raises(TypeError, match=f"puts {type(other).__name__} into its estimator"):
        run(search, *table)


def test_loss_that_is_searched_for(table):
    X, y = table
    search = GridSearchCV(SGD, {"loss": ["hinge"]}, cv=2)
    recording = run(search, X, y)
    assert recording.trajectory.proba is None
    assert_last_step_is_the_prediction(recording, X, y)
    with pytest.raises(ValueError, match="of a fold chose a model without probabilities"):
        run(search, X, y, cv=2)


def test_another_kind_that_the_search_came_up_with(table):
    outer = Pipeline([("outer", STEPS)])
    search = GridSearchCV(outer, {"outer__learn": [LogisticRegression()]}, cv=2)
    with pytest.raises(TypeError, match="GridSearchCV puts Pipeline into its estimator"):
        run(search, *table)


def test_search_in_a_pipeline(table):
    X, y = table
    recording = run(make_pipeline(StandardScaler(), SEARCHES["grid"]), X, y)
    assert_last_step_is_the_prediction(recording, X, y)
    assert recording.estimators[0][-1].best_estimator_.max_iter == recording.n_steps[0]


def test_scores(table):
    X, y = table
    scorer = DifficultyScorer(SEARCHES["grid"], score=["action", "aum"], random_state=0)
    scorer.fit(X, NAMES[y])
    assert_array_equal(scorer.score_samples(X), scorer.scores_)
    assert isinstance(scorer.estimators_[0], GridSearchCV)
    assert_allclose(scorer.score_samples(X, NAMES[y]), scorer.scores_, rtol=1e-4, atol=1e-5)


def test_kind():
    learner = find_learner(SEARCHES["grid"])
    assert isinstance(learner, SearchLearner)
    assert isinstance(learner.inner, PartialFitLearner)
    assert learner.most_steps(SEARCHES["grid"]) is None
    assert learner.has_proba(SEARCHES["grid"])
    assert not learner.has_proba(GridSearchCV(SGDClassifier(), {}))
    assert SearchLearner.within(SGD) is None
    # which has a refit too, and searches for a threshold
    with pytest.raises(TypeError, match=r"TunedThresholdClassifierCV.*What does: .*GridSearchCV"):
        find_learner(TunedThresholdClassifierCV(SGD))
    with pytest.raises(TypeError, match="GaussianNB does not learn in steps"):
        find_learner(GridSearchCV(GaussianNB(), {}))


def test_progress(table, capsys):
    run(SEARCHES["grid"], *table, verbose=1)
    assert "1/1" in capsys.readouterr().err
