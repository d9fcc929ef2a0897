"""Boosting, read stage by stage."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.tree import DecisionTreeClassifier

from sklearn_difficulty.exceptions import (
    NonFiniteLossError,
    RecordNotFoundError,
    TrainSplitIgnoredWarning,
)
from sklearn_difficulty.recording import class_proba, record, replay
from sklearn_difficulty.recording._staged import StagedLearner

CLASSIFIERS = {
    "hist": HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5),
    "gradient": GradientBoostingClassifier(n_estimators=5, subsample=0.5),
    "ada": AdaBoostClassifier(n_estimators=5),
}
REGRESSORS = {
    "hist": HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=5),
    "gradient": GradientBoostingRegressor(n_estimators=5),
    "ada": AdaBoostRegressor(n_estimators=5),
}
NAMES = np.array(["r", "s", "t"])


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers(name, table):
    X, y = table
    recording = record(CLASSIFIERS[name], X, y, classes=NAMES, random_state=0)
    path, [fitted] = recording.trajectory, recording.estimators
    stages = list(fitted.staged_predict_proba(X))
    assert path.n_steps.tolist() == [len(stages)]
    for step, proba in enumerate(stages):
        assert_allclose(path.loss[0, step], -np.log(proba[np.arange(61), y]), rtol=1e-5)
        assert_allclose(path.proba[0, step], proba[np.arange(61), y], rtol=1e-5)
        assert_array_equal(path.prediction[0, step], proba.argmax(1))
    assert fitted.classes_.tolist() == ["r", "s", "t"]
    assert path.snapshots is None
    assert path.in_train.all()
    assert path.dt["update"].tolist() == [[1.0] * len(stages)]
    assert_allclose(path.dt["wall"][0], path.dt["wall"][0, 0])
    assert_array_equal(class_proba(recording, X), fitted.predict_proba(X))


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors(name, table):
    X, _ = table
    y = X[:, 0] + 10.0
    recording = record(REGRESSORS[name], X, y, classes=None, random_state=0)
    [fitted] = recording.estimators
    error = (fitted.predict(X) - y) ** 2
    assert_allclose(recording.trajectory.loss[0, -1], error, rtol=1e-4, atol=1e-6)
    assert recording.trajectory.prediction is None


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_stages_give_the_records_of_training(name, table):
    X, y = table
    recording = record(CLASSIFIERS[name], X, y, classes=NAMES, random_state=0, n_runs=2)
    replayed = replay(recording, X, y)
    assert_array_equal(replayed.loss, recording.trajectory.loss)
    assert_array_equal(replayed.dt["epoch"], recording.trajectory.dt["epoch"])
    other = replay(recording, X[:4], (y[:4] + 1) % 3)
    assert (other.proba[:, -1] < replayed.proba[:, -1, :4]).all()


class CountingStump(DecisionTreeClassifier):
    """Counts how often rows are predicted."""

    n_calls = 0

    def predict(self, X, check_input=True):
        CountingStump.n_calls += 1
        return super().predict(X, check_input)


def test_every_stage_is_asked_once(table):
    X, y = table
    n_stages = []
    for n_estimators in (5, 20):
        ada = AdaBoostClassifier(CountingStump(max_depth=1), n_estimators=n_estimators)
        CountingStump.n_calls = 0
        [fitted] = record(ada, X, y, classes=NAMES, random_state=0).estimators
        n_stages.append(len(fitted.estimators_))
        # once by boosting itself, which weighs the rows by it, and once to be recorded
        assert CountingStump.n_calls == 2 * n_stages[-1]
    assert n_stages == [5, 20]


def test_seeds(table):
    X, y = table
    estimator = CLASSIFIERS["gradient"]

    def loss(estimator, **options):
        return record(estimator, X, y, classes=NAMES, **options).trajectory.loss

    assert_array_equal(loss(estimator, random_state=3), loss(estimator, random_state=3))
    runs = loss(estimator, random_state=3, n_runs=2)
    assert not np.array_equal(runs[0], runs[1])
    own = GradientBoostingClassifier(n_estimators=5, subsample=0.5, random_state=1)
    assert_array_equal(loss(own), loss(own))
    assert_array_equal(loss(own), loss(own.set_params(random_state=1)))


def test_folds_that_lack_a_class(table):
    X, y = table
    lacking = np.flatnonzero(y < 2), np.flatnonzero(y == 2)
    recording = record(
        CLASSIFIERS["hist"],
        X,
        y,
        classes=NAMES,
        random_state=0,
        cv=[lacking, (np.arange(61), lacking[0])],
    )
    path = recording.trajectory
    assert not np.isnan(path.loss).any()
    # the model that never saw the class gives it no probability
    assert_allclose(path.loss[0, 0, lacking[1]], -np.log(np.finfo(np.float64).eps), rtol=1e-5)
    assert class_proba(recording, X).shape == (61, 3)


HELD_BACK = {
    "hist": HistGradientBoostingClassifier(max_iter=5, early_stopping=True),
    "hist, regression": HistGradientBoostingRegressor(max_iter=5, early_stopping=True),
    "gradient": GradientBoostingClassifier(n_estimators=5, n_iter_no_change=2),
    "gradient, regression": GradientBoostingRegressor(n_estimators=5, n_iter_no_change=2),
}


@pytest.mark.parametrize("name", HELD_BACK)
def test_all_rows_are_trained_on(name, table):
    X, y = table
    estimator = HELD_BACK[name]
    classes = None if "regression" in name else NAMES
    with pytest.warns(TrainSplitIgnoredWarning, match="would hold rows back from training"):
        recording = record(estimator, X, y, classes=classes, random_state=0)
    assert recording.trajectory.n_steps.tolist() == [5]
    changed = {"early_stopping": False, "n_iter_no_change": None}
    params = recording.estimators[0].get_params()
    name = "early_stopping" if "early_stopping" in params else "n_iter_no_change"
    assert params[name] is changed[name]
    assert estimator.get_params()[name] is not changed[name]


def test_all_of_many_rows_are_trained_on():
    # scikit-learn holds rows back by itself where there are more than 10,000
    X = np.arange(10_001.0).reshape(-1, 1)
    estimator = HistGradientBoostingClassifier(max_iter=2)
    with pytest.warns(TrainSplitIgnoredWarning, match="early_stopping='auto'"):
        record(estimator, X, (X[:, 0] > 5000).astype(int), classes=np.arange(2), random_state=0)


def test_stopping_by_the_training_loss_is_left_alone(table):
    X, y = table
    estimator = HistGradientBoostingClassifier(
        max_iter=50, early_stopping=True, validation_fraction=None, n_iter_no_change=2, tol=0.5
    )
    recording = record(estimator, X, y, classes=NAMES, random_state=0)
    assert recording.trajectory.n_steps[0] < 50


def test_loss_beyond_float32(table):
    X, _ = table
    y = np.where(np.arange(61) == 7, 1e25, 0.0)
    with pytest.raises(NonFiniteLossError, match=r"step 0\)\. Scale the targets") as caught:
        record(REGRESSORS["ada"], X, y, classes=None, random_state=0)
    assert caught.value.trajectory is None


def test_no_gradients(table):
    X, y = table
    recording = record(CLASSIFIERS["hist"], X, y, classes=NAMES, random_state=0)
    assert not recording.learner.has_gradients
    with pytest.raises(RecordNotFoundError, match="HistGradientBoostingClassifier does not give"):
        recording.learner.input_gradients(recording.estimators[0], [], X, y, NAMES, "logit")


def test_what_has_stages():
    for estimator in (*CLASSIFIERS.values(), *REGRESSORS.values()):
        assert StagedLearner().accepts(estimator)
        assert StagedLearner().most_steps(estimator) is None
    assert not StagedLearner().accepts(RandomForestClassifier())
