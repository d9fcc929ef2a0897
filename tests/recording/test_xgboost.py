"""Gradient boosting of XGBoost, read stage by stage."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.exceptions import TrainSplitIgnoredWarning
from sklearn_difficulty.recording import class_proba, find_learner, record, replay
from sklearn_difficulty.recording._xgboost import XGBoostLearner

xgboost = pytest.importorskip("xgboost")

NAMES = np.array(["r", "s", "t"])


def classifier(**params):
    return xgboost.XGBClassifier(**({"n_estimators": 6, "max_depth": 2, "n_jobs": 1} | params))


def regressor(**params):
    return xgboost.XGBRegressor(**({"n_estimators": 6, "max_depth": 2, "n_jobs": 1} | params))


@pytest.mark.parametrize("objective", ["multi:softprob", "multi:softmax"])
def test_several_classes(table, objective):
    X, y = table
    estimator = classifier(objective=objective)
    recording = record(estimator, X, y, classes=NAMES, keep=("outputs",), random_state=0)
    path, [fitted] = recording.trajectory, recording.estimators
    assert path.n_steps.tolist() == [6]
    assert path.outputs.shape == (1, 6, 61, 3)
    given = np.arange(61), y
    for step in range(6):
        margins = fitted.predict(X, output_margin=True, iteration_range=(0, step + 1))
        proba = np.exp(margins) / np.exp(margins).sum(axis=1, keepdims=True)
        assert_allclose(path.proba[0, step], proba[given], atol=1e-5)
        assert_allclose(path.loss[0, step], -np.log(proba[given]), atol=1e-5)
        assert_array_equal(path.prediction[0, step], margins.argmax(axis=1))
    assert_allclose(path.proba[0, -1], fitted.predict_proba(X)[given], atol=1e-5)
    assert_allclose(np.exp(path.outputs[0, -1]), fitted.predict_proba(X), atol=1e-5)
    assert_allclose(class_proba(recording, X), fitted.predict_proba(X))
    assert path.snapshots is None
    assert path.in_train.all()
    assert path.dt["update"].tolist() == [[1.0] * 6]


def test_two_classes(table):
    X, y = table
    y = (y > 0).astype(int)
    recording = record(classifier(), X, y, classes=NAMES[:2], random_state=0)
    path, [fitted] = recording.trajectory, recording.estimators
    proba = fitted.predict_proba(X)[np.arange(61), y]
    assert_allclose(path.proba[0, -1], proba, atol=1e-5)
    assert_allclose(path.loss[0, -1], -np.log(proba), atol=1e-5)
    first = fitted.predict_proba(X, iteration_range=(0, 1))[np.arange(61), y]
    assert_allclose(path.proba[0, 0], first, atol=1e-5)
    assert_allclose(path.margin[0, 0], np.log(first / (1 - first)), atol=1e-5)


OBJECTIVES = {
    "reg:squarederror": 10.0,
    "reg:squaredlogerror": 10.0,
    "reg:pseudohubererror": 10.0,
    "reg:absoluteerror": 10.0,
    "count:poisson": 10.0,
    "reg:gamma": 10.0,
    "reg:tweedie": 10.0,
    "reg:logistic": None,
    "binary:logistic": None,
}


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_targets_are_on_their_own_scale(table, objective):
    X, y = table
    shift = OBJECTIVES[objective]
    y = (y == 1).astype(float) if shift is None else X[:, 0].astype(float) + shift
    recording = record(regressor(objective=objective), X, y, classes=None, random_state=0)
    path, [fitted] = recording.trajectory, recording.estimators
    for step in (0, 2, 5):
        error = (fitted.predict(X, iteration_range=(0, step + 1)) - y) ** 2
        assert_allclose(path.loss[0, step], error, rtol=1e-4, atol=1e-5)
    assert path.prediction is None
    assert_array_equal(replay(recording, X, y).loss, path.loss)


def test_several_targets(table):
    X, _ = table
    y = X[:, :2] + 1.0
    recording = record(regressor(), X, y, classes=None, random_state=0)
    error = ((recording.estimators[0].predict(X) - y) ** 2).mean(axis=1)
    assert_allclose(recording.trajectory.loss[0, -1], error, rtol=1e-4, atol=1e-6)


def test_replay_gives_the_records_of_training(table):
    X, y = table
    recording = record(classifier(), X, y, classes=NAMES, random_state=0, n_runs=2)
    replayed = replay(recording, X, y)
    for name in ("loss", "margin", "proba", "prediction", "entropy", "el2n"):
        assert_array_equal(getattr(replayed, name), getattr(recording.trajectory, name))
    other = replay(recording, X[:4], (y[:4] + 1) % 3)
    assert (other.proba[:, -1] < replayed.proba[:, -1, :4]).all()


def test_every_tree_is_asked_once(table, monkeypatch):
    X, y = table
    asked = []
    predict = xgboost.XGBClassifier.predict

    def watched(self, X, **options):
        asked.append(options["iteration_range"])
        return predict(self, X, **options)

    monkeypatch.setattr(xgboost.XGBClassifier, "predict", watched)
    record(classifier(n_estimators=20), X, y, classes=NAMES, random_state=0)
    assert asked == [(stage, stage + 1) for stage in range(20)]


def test_seeds(table):
    X, y = table
    estimator = classifier(subsample=0.5)

    def loss(estimator, **options):
        return record(estimator, X, y, classes=NAMES, **options).trajectory.loss

    assert_array_equal(loss(estimator, random_state=3), loss(estimator, random_state=3))
    runs = loss(estimator, random_state=3, n_runs=2)
    assert not np.array_equal(runs[0], runs[1])
    own = classifier(subsample=0.5, random_state=1)
    assert_array_equal(loss(own), loss(own))


@pytest.mark.parametrize("objective", ["binary:logistic", "multi:softprob", "multi:softmax"])
@pytest.mark.parametrize("lacking", [[2], [1, 2]])
def test_folds_that_lack_classes(table, lacking, objective):
    X, y = table
    seen, unseen = np.flatnonzero(~np.isin(y, lacking)), np.flatnonzero(np.isin(y, lacking))
    folds = [(seen, unseen), (np.arange(61), seen)]
    estimator = classifier(objective=objective)
    recording = record(estimator, X, y, classes=NAMES, random_state=0, cv=folds)
    path = recording.trajectory
    assert not np.isnan(path.loss).any()
    assert not path.in_train.any()
    # the model that never saw the class gives it no probability
    assert_allclose(path.loss[0, :, unseen], -np.log(np.finfo(np.float64).eps), rtol=1e-5)
    proba = recording.learner.class_proba(recording.estimators[0], X, NAMES)
    assert proba.shape == (61, 3)
    assert not proba[:, lacking].any()
    assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    assert_allclose(class_proba(recording, X).sum(axis=1), 1, rtol=1e-5)


def test_labels_are_named_by_what_was_trained_on(table):
    X, y = table
    # a class in the middle is missing, so that class numbers have a gap
    rows = np.flatnonzero(y != 1)
    recording = record(
        classifier(), X, y, classes=NAMES, random_state=0, cv=[(rows, np.arange(61))]
    )
    proba = class_proba(recording, X[rows])
    assert (proba.argmax(axis=1) == y[rows]).mean() > 0.9
    assert (recording.trajectory.prediction[0, -1, rows] == y[rows]).mean() > 0.9


def test_missing_values_and_sparse_rows(table):
    X, y = table
    holes = X.copy()
    holes[::3, 0] = np.nan
    recording = record(classifier(), holes, y, classes=NAMES, random_state=0)
    proba = recording.estimators[0].predict_proba(holes)[np.arange(61), y]
    assert_allclose(recording.trajectory.proba[0, -1], proba, atol=1e-5)
    sparse = scipy.sparse.csr_matrix(np.where(X > 0, X, 0))
    recording = record(classifier(), sparse, y, classes=NAMES, random_state=0)
    proba = recording.estimators[0].predict_proba(sparse)[np.arange(61), y]
    assert_allclose(recording.trajectory.proba[0, -1], proba, atol=1e-5)


def test_scorer(table):
    X, y = table
    estimator = classifier()
    scorer = DifficultyScorer(estimator, random_state=0).fit(X, NAMES[y])
    assert scorer.difficulty_.shape == (61,)
    assert not hasattr(estimator, "n_classes_")
    assert estimator.random_state is None
    new = X[:5] + 0.01
    again = pickle.loads(pickle.dumps(scorer))
    assert_array_equal(again.score_samples(new), scorer.score_samples(new))
    # a row moved by next to nothing is as hard as it was, under the label that is predicted
    right = scorer.trajectory_.prediction[0, -1, :5] == y[:5]
    assert right.any()
    assert_allclose(scorer.score_samples(new)[right], scorer.difficulty_[:5][right], rtol=0.5)


def test_early_stopping_is_set_aside(table):
    X, y = table
    estimator = classifier(early_stopping_rounds=2)
    with pytest.warns(TrainSplitIgnoredWarning, match="early_stopping_rounds=2 of XGBClassifier"):
        recording = record(estimator, X, y, classes=NAMES, random_state=0)
    assert recording.trajectory.n_steps.tolist() == [6]
    assert recording.estimators[0].early_stopping_rounds is None
    assert estimator.early_stopping_rounds == 2


@pytest.mark.parametrize("booster", ["dart", "gblinear"])
def test_boosters_without_stages(table, booster):
    X, y = table
    with pytest.raises(ValueError, match=f"booster='{booster}' of XGBClassifier"):
        record(classifier(booster=booster), X, y, classes=NAMES)


def own_objective(y_true, y_pred):
    return y_pred - y_true, np.ones_like(y_true)


@pytest.mark.parametrize("objective", ["survival:cox", "rank:ndcg", own_objective])
def test_objectives_that_are_not_known(table, objective):
    X, _ = table
    shown = getattr(objective, "__name__", objective)
    with pytest.raises(ValueError, match=f"objective='{shown}' of XGBRegressor: it is not known"):
        record(regressor(objective=objective), X, X[:, 0], classes=None)


def test_objective_of_a_classifier_that_is_not_known(table):
    X, y = table
    with pytest.raises(ValueError, match="is known: binary:logistic, multi:softprob"):
        record(classifier(objective="binary:hinge"), X, y // 2, classes=NAMES[:2])


def test_no_stages(table):
    X, y = table
    for cv in (None, 3):
        with pytest.raises(ValueError, match="n_estimators=0 of XGBClassifier trains no stage"):
            record(classifier(n_estimators=0), X, y, classes=NAMES, cv=cv)


def test_forests_of_xgboost(table):
    X, y = table
    forest = xgboost.XGBRFClassifier(n_estimators=5, n_jobs=1)
    with pytest.raises(ValueError, match="XGBRFClassifier trains in a single stage"):
        record(forest, X, y, classes=NAMES)
    recording = record(forest, X, y, classes=NAMES, random_state=0, cv=3)
    assert recording.trajectory.loss.shape == (1, 1, 61)
    proba = recording.estimators[0].predict_proba(X)[np.arange(61), y]
    rows = recording.scored[0]
    assert_allclose(recording.trajectory.proba[0, 0, rows], proba[rows], atol=1e-5)


def test_what_is_of_xgboost():
    assert isinstance(find_learner(classifier()), XGBoostLearner)
    assert isinstance(find_learner(regressor()), XGBoostLearner)
    assert not XGBoostLearner().accepts(xgboost.XGBRanker())

    class Own(xgboost.XGBClassifier):
        pass

    assert XGBoostLearner().accepts(Own())
