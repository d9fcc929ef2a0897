"""Gradient boosting of LightGBM, read stage by stage."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.exceptions import TrainSplitIgnoredWarning
from sklearn_difficulty.recording import class_proba, find_learner, record, replay
from sklearn_difficulty.recording._lightgbm import LightGBMLearner

lightgbm = pytest.importorskip("lightgbm")

NAMES = np.array(["r", "s", "t"])
SMALL = {"n_estimators": 6, "num_leaves": 4, "min_child_samples": 5, "n_jobs": 1, "verbose": -1}


def classifier(**params):
    return lightgbm.LGBMClassifier(**(SMALL | params))


def regressor(**params):
    return lightgbm.LGBMRegressor(**(SMALL | params))


def test_several_classes(table):
    X, y = table
    recording = record(classifier(), X, y, classes=NAMES, keep=("outputs",), random_state=0)
    path, [fitted] = recording.trajectory, recording.estimators
    assert path.n_steps.tolist() == [6]
    assert path.outputs.shape == (1, 6, 61, 3)
    assert fitted.classes_.tolist() == ["r", "s", "t"]
    given = np.arange(61), y
    for step in range(6):
        proba = fitted.predict_proba(X, num_iteration=step + 1)
        assert_allclose(path.proba[0, step], proba[given], atol=1e-6)
        assert_allclose(path.loss[0, step], -np.log(proba[given]), atol=1e-6)
        assert_array_equal(path.prediction[0, step], proba.argmax(axis=1))
    assert_allclose(np.exp(path.outputs[0, -1]), fitted.predict_proba(X), atol=1e-6)
    assert_allclose(class_proba(recording, X), fitted.predict_proba(X))
    assert path.snapshots is None
    assert path.in_train.all()
    assert path.dt["update"].tolist() == [[1.0] * 6]


@pytest.mark.parametrize(
    "params", [{}, {"sigmoid": 2.0}, {"objective": "cross_entropy"}, {"linear_tree": True}]
)
def test_two_classes(table, params):
    X, y = table
    y = (y > 0).astype(int)
    recording = record(classifier(**params), X, y, classes=NAMES[:2], random_state=0)
    path, [fitted] = recording.trajectory, recording.estimators
    for step in (0, 5):
        proba = fitted.predict_proba(X, num_iteration=step + 1)[np.arange(61), y]
        assert_allclose(path.proba[0, step], proba, atol=1e-6)
        assert_allclose(path.loss[0, step], -np.log(proba), atol=1e-5)
        assert_allclose(path.margin[0, step], np.log(proba / (1 - proba)), atol=1e-4)


OBJECTIVES = [
    {},
    {"reg_sqrt": True},
    {"objective": "mae"},
    {"objective": "huber"},
    {"objective": "fair"},
    {"objective": "quantile", "alpha": 0.7},
    {"objective": "mape"},
    {"objective": "poisson"},
    {"objective": "gamma"},
    {"objective": "tweedie"},
    {"objective": "cross_entropy"},
    {"objective": "binary", "sigmoid": 2.0},
]


@pytest.mark.parametrize("params", OBJECTIVES)
def test_targets_are_on_their_own_scale(table, params):
    X, y = table
    is_share = params.get("objective") in ("cross_entropy", "binary")
    y = (y == 1).astype(float) if is_share else X[:, 0].astype(float) + 10.0
    recording = record(regressor(**params), X, y, classes=None, random_state=0)
    path, [fitted] = recording.trajectory, recording.estimators
    for step in (0, 2, 5):
        error = (fitted.predict(X, num_iteration=step + 1) - y) ** 2
        assert_allclose(path.loss[0, step], error, rtol=1e-5, atol=1e-7)
    assert path.prediction is None
    assert_array_equal(replay(recording, X, y).loss, path.loss)


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
    predict = lightgbm.LGBMClassifier.predict

    def watched(self, X, raw_score=False, start_iteration=0, num_iteration=None, **options):
        asked.append((start_iteration, num_iteration))
        return predict(self, X, raw_score, start_iteration, num_iteration, **options)

    monkeypatch.setattr(lightgbm.LGBMClassifier, "predict", watched)
    record(classifier(n_estimators=20), X, y, classes=NAMES, random_state=0)
    assert asked == [(stage, 1) for stage in range(20)]


def test_stages_that_were_not_worth_making(table):
    X, y = table
    # no leaf can hold 40 of 61 rows and leave as many for another
    estimator = classifier(min_child_samples=40)
    recording = record(estimator, X, (y > 0).astype(int), classes=NAMES[:2], random_state=0)
    assert recording.trajectory.n_steps.tolist() == [1]
    assert_allclose(recording.trajectory.proba[0, 0, y > 0], 40 / 61, rtol=1e-5)


def test_seeds(table):
    X, y = table
    estimator = classifier(subsample=0.5, subsample_freq=1)

    def loss(estimator, **options):
        return record(estimator, X, y, classes=NAMES, **options).trajectory.loss

    assert_array_equal(loss(estimator, random_state=3), loss(estimator, random_state=3))
    runs = loss(estimator, random_state=3, n_runs=2)
    assert not np.array_equal(runs[0], runs[1])
    own = classifier(subsample=0.5, subsample_freq=1, random_state=1)
    assert_array_equal(loss(own), loss(own))


@pytest.mark.parametrize("objective", [None, "multiclass", "softmax"])
@pytest.mark.parametrize("lacking", [[2], [1], [1, 2]])
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
    n_steps = recording.n_steps[0]
    assert_allclose(path.loss[0, :n_steps, unseen], -np.log(np.finfo(np.float64).eps), rtol=1e-5)
    proba = recording.learner.class_proba(recording.estimators[0], X, NAMES)
    assert proba.shape == (61, 3)
    assert not proba[:, lacking].any()
    assert_allclose(class_proba(recording, X).sum(axis=1), 1, rtol=1e-5)


def test_missing_values_and_sparse_rows(table):
    X, y = table
    holes = X.copy()
    holes[::3, 0] = np.nan
    recording = record(classifier(), holes, y, classes=NAMES, random_state=0)
    proba = recording.estimators[0].predict_proba(holes)[np.arange(61), y]
    assert_allclose(recording.trajectory.proba[0, -1], proba, atol=1e-6)
    sparse = scipy.sparse.csr_matrix(np.where(X > 0, X, 0))
    recording = record(classifier(), sparse, y, classes=NAMES, random_state=0)
    proba = recording.estimators[0].predict_proba(sparse)[np.arange(61), y]
    assert_allclose(recording.trajectory.proba[0, -1], proba, atol=1e-6)


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
    right = scorer.trajectory_.prediction[0, -1, :5] == y[:5]
    assert right.any()
    assert_allclose(scorer.score_samples(new)[right], scorer.difficulty_[:5][right], rtol=0.5)


@pytest.mark.parametrize("name", ["early_stopping_round", "n_iter_no_change"])
def test_early_stopping_is_set_aside(table, name):
    X, y = table
    estimator = classifier(**{name: 2})
    with pytest.warns(TrainSplitIgnoredWarning, match=f"{name}=2 of LGBMClassifier"):
        recording = record(estimator, X, y, classes=NAMES, random_state=0)
    assert recording.trajectory.n_steps.tolist() == [6]
    assert recording.estimators[0].get_params()[name] == 0
    assert estimator.get_params()[name] == 2


@pytest.mark.parametrize("params", [{"boosting_type": "dart"}, {"boosting": "rf"}])
def test_boosting_without_stages(table, params):
    X, y = table
    [(name, value)] = params.items()
    with pytest.raises(ValueError, match=f"{name}='{value}' of LGBMClassifier"):
        record(classifier(**params), X, y, classes=NAMES)


def own_objective(y_true, y_pred):
    return y_pred - y_true, np.ones_like(y_true)


@pytest.mark.parametrize("objective", ["cross_entropy_lambda", own_objective])
def test_objectives_that_are_not_known(table, objective):
    X, y = table
    shown = getattr(objective, "__name__", objective)
    with pytest.raises(ValueError, match=f"objective='{shown}' of LGBMRegressor: it is not known"):
        record(regressor(objective=objective), X, y / 2, classes=None)


def test_objective_of_a_classifier_that_is_not_known(table):
    X, y = table
    with pytest.raises(ValueError, match="is known: binary, cross_entropy, multiclass"):
        record(classifier(objective="multiclassova"), X, y, classes=NAMES)


def test_what_is_of_lightgbm():
    assert isinstance(find_learner(classifier()), LightGBMLearner)
    assert isinstance(find_learner(regressor()), LightGBMLearner)
    assert not LightGBMLearner().accepts(lightgbm.LGBMRanker())
