"""One classifier for each class against the rest, as one model that learns in steps."""

import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Perceptron, SGDClassifier, SGDRegressor
from sklearn.model_selection import KFold
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.exceptions import RecordNotFoundError, TrainSplitIgnoredWarning
from sklearn_difficulty.recording import (
    TrackedNetClassifier,
    class_proba,
    find_learner,
    record,
    replay,
)
from sklearn_difficulty.recording import _record as module
from sklearn_difficulty.recording._one_vs_rest import OneVsRestLearner
from sklearn_difficulty.recording._partial_fit import PartialFitLearner
from sklearn_difficulty.trajectory import Trajectory

NAMES = np.array(["r", "s", "t"])
BASES = {
    "SGD, hinge": SGDClassifier(max_iter=4, tol=None),
    "SGD, log loss": SGDClassifier(loss="log_loss", alpha=0.05, max_iter=4, tol=None),
    "Perceptron": Perceptron(max_iter=4, tol=None),
    "MLP": MLPClassifier((5,), max_iter=4),
    "histogram boosting": HistGradientBoostingClassifier(max_iter=4, min_samples_leaf=5),
    "gradient boosting": GradientBoostingClassifier(n_estimators=4, subsample=0.5),
    "AdaBoost": AdaBoostClassifier(n_estimators=4),
    "pipeline": make_pipeline(StandardScaler(), MLPClassifier((5,), max_iter=4)),
    "tracked net": TrackedNetClassifier(max_epochs=4, train_split=None, verbose=0),
}
# The same training by scikit-learn itself: those that are fitted as a whole.
FITTED_AT_ONCE = ("histogram boosting", "gradient boosting", "AdaBoost")


def run(base, X, y, **options):
    options = {"classes": NAMES, "random_state": 0, "snapshots": "all"} | options
    estimator = base if isinstance(base, OneVsRestClassifier) else OneVsRestClassifier(base)
    return record(estimator, X, y, **options)


def assert_last_step_is_the_prediction(recording, X, y):
    path, [fitted] = recording.trajectory, recording.estimators
    check_is_fitted(fitted)
    if hasattr(fitted, "predict_proba"):
        proba = fitted.predict_proba(X)
        given = proba[np.arange(len(y)), y]
        assert_allclose(path.proba[0, -1], given, rtol=1e-4, atol=1e-6)
        assert_allclose(path.loss[0, -1], -np.log(given), rtol=1e-4, atol=1e-5)
        assert_array_equal(recording.classes[path.prediction[0, -1]], fitted.predict(X))
        assert_allclose(class_proba(recording, X), proba, rtol=1e-5, atol=1e-7)
    else:
        values = fitted.decision_function(X)
        if values.ndim == 1:
            values = np.column_stack([np.zeros(len(y)), values])
        others = np.where(np.eye(values.shape[1], dtype=bool)[y], -np.inf, values).max(1)
        margin = values[np.arange(len(y)), y] - others
        assert_allclose(path.margin[0, -1], margin, rtol=1e-4, atol=1e-5)
        assert_allclose(path.loss[0, -1], np.maximum(0, 1 - margin), rtol=1e-4, atol=1e-5)
        assert_array_equal(recording.classes[path.prediction[0, -1]], fitted.predict(X))
        assert_array_equal(class_proba(recording, X).argmax(1), values.argmax(1))


@pytest.mark.parametrize("name", BASES)
def test_last_step_and_replay(name, table):
    X, y = table
    recording = run(BASES[name], X, y)
    path, [fitted] = recording.trajectory, recording.estimators
    assert_last_step_is_the_prediction(recording, X, y)
    assert set(fitted.predict(X)) <= set("rst")
    assert fitted.classes_.tolist() == ["r", "s", "t"]
    assert len(fitted.estimators_) == 3
    assert path.n_steps.tolist() == [4]
    assert path.in_train.all()
    assert path.dt["epoch"].tolist() == [[1.0] * 4]
    replayed = replay(recording, X, y)
    assert_allclose(replayed.loss, path.loss, rtol=1e-4, atol=1e-5)
    assert_array_equal(replayed.prediction, path.prediction)
    other = replay(recording, X[:9], y[:9]).margin
    assert_allclose(other, path.margin[..., :9], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", FITTED_AT_ONCE)
def test_it_is_the_classifier_of_scikit_learn(name, table):
    X, y = table
    base = clone(BASES[name]).set_params(random_state=5)
    [fitted] = run(base, X, y, random_state=None).estimators
    assert_array_equal(
        fitted.predict_proba(X), OneVsRestClassifier(base).fit(X, NAMES[y]).predict_proba(X)
    )
    assert fitted.n_features_in_ == 4


def test_epochs_of_partial_fit(table):
    X, y = table
    base = SGDClassifier(max_iter=3, tol=None, shuffle=False)
    recording = run(base, X, y)
    by_hand = OneVsRestClassifier(base)
    for step in range(3):
        by_hand.partial_fit(X, NAMES[y], classes=NAMES)
        assert_array_equal(NAMES[recording.trajectory.prediction[0, step]], by_hand.predict(X))
    assert_allclose(recording.estimators[0].decision_function(X), by_hand.decision_function(X))
    # an update for every row and class
    assert recording.trajectory.dt["update"].tolist() == [[183.0] * 3]


@pytest.mark.parametrize("name", BASES)
def test_two_classes(name, table):
    X, y = table[0][table[1] < 2], table[1][table[1] < 2]
    names = np.array(["no", "yes"])
    recording = run(BASES[name], X, y, classes=names)
    assert len(recording.estimators[0].estimators_) == 1
    assert_last_step_is_the_prediction(recording, X, y)
    replayed = replay(recording, X, y)
    assert_allclose(replayed.loss, recording.trajectory.loss, rtol=1e-4, atol=1e-5)
    # the path of the only classifier
    alone = record(BASES[name], X, y, classes=names, random_state=0)
    assert_allclose(recording.trajectory.loss, alone.trajectory.loss, rtol=1e-4, atol=1e-5)


def test_classifiers_that_stop_apart(table):
    X, y = table
    recording = run(SGDClassifier(loss="log_loss", max_iter=60, tol=0.05), X, y)
    path, [fitted] = recording.trajectory, recording.estimators
    stops = [binary.n_iter_ for binary in fitted.estimators_]
    assert len(set(stops)) > 1
    assert path.n_steps.tolist() == [max(stops)]
    updates = [61.0 * sum(step < stop for stop in stops) for step in range(max(stops))]
    assert path.dt["update"].tolist() == [updates]
    assert_last_step_is_the_prediction(recording, X, y)
    assert recording.kept_steps(0) == tuple(range(max(stops)))
    assert_allclose(replay(recording, X, y).loss, path.loss, rtol=1e-4, atol=1e-5)


def test_boosting_that_stops_apart(table):
    X, y = table
    X = np.column_stack([X, y == 0]).astype(np.float32)  # one class is told apart at once
    recording = run(AdaBoostClassifier(n_estimators=9), X, y)
    stages = [len(binary.estimators_) for binary in recording.estimators[0].estimators_]
    assert stages == [1, 9, 9]
    assert_last_step_is_the_prediction(recording, X, y)
    assert_array_equal(replay(recording, X, y).loss, recording.trajectory.loss)


def test_few_snapshots(table):
    X, y = table
    recording = run(BASES["MLP"], X, y, snapshots=[0, 3])
    assert recording.kept_steps(0) == (0, 3)
    names = set(recording.trajectory.snapshots.state(0, 3))
    assert {"0/coefs_.0", "2/intercepts_.1"} <= names
    replayed = replay(recording, X, y)
    assert_allclose(replayed.loss, recording.trajectory.loss[:, [0, 3]], rtol=1e-4, atol=1e-5)
    with pytest.raises(RecordNotFoundError, match="fit with snapshots='auto'"):
        replay(run(BASES["MLP"], X, y, snapshots=None), X, y)


def test_snapshots_share_the_budget(table, monkeypatch):
    X, y = table
    recording = run(BASES["MLP"], X, y, snapshots="auto")
    one = sum(a.nbytes for a in recording.trajectory.snapshots.state(0, 0).values())
    assert recording.trajectory.snapshots.nbytes == 4 * one
    monkeypatch.setattr(module, "SNAPSHOT_BYTES", 6 * one)
    longer = run(clone(BASES["MLP"]).set_params(max_iter=20), X, y, snapshots="auto")
    assert len(longer.kept_steps(0)) == 6
    assert longer.trajectory.snapshots.nbytes == 6 * one


@pytest.mark.parametrize("name", ["MLP", "tracked net", "histogram boosting"])
@pytest.mark.parametrize("cv", [None, 2])
def test_storage(name, cv, table, tmp_path):
    X, y = table
    stored = run(BASES[name], X, y, cv=cv, storage=tmp_path / "path")
    memory = run(BASES[name], X, y, cv=cv)
    assert_array_equal(stored.trajectory.loss, memory.trajectory.loss)
    assert_array_equal(replay(stored, X, y).loss, replay(memory, X, y).loss)
    back = Trajectory.load(tmp_path / "path")
    assert_array_equal(back.margin, memory.trajectory.margin)
    assert [file.name for file in tmp_path.iterdir()] == ["path"]


def test_outputs(table):
    X, y = table
    for name, expected in (("MLP", "predict_proba"), ("SGD, hinge", "decision_function")):
        recording = run(BASES[name], X, y, keep=("outputs",))
        outputs = recording.trajectory.outputs[0, -1]
        values = getattr(recording.estimators[0], expected)(X)
        values = np.log(values) if expected == "predict_proba" else values
        assert_allclose(outputs, values, rtol=1e-4, atol=1e-5)
        replayed = replay(recording, X, y, keep=("outputs",))
        assert_allclose(replayed.outputs[0, -1], outputs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["SGD, hinge", "MLP", "histogram boosting"])
def test_folds(name, table):
    X, y = table
    recording = run(BASES[name], X, y, cv=KFold(3))
    path = recording.trajectory
    assert not np.isnan(path.loss).any()
    assert not path.in_train.any()
    for fitted, (_, test) in zip(recording.estimators, KFold(3).split(X), strict=True):
        predicted = NAMES[path.prediction[0, -1, test]]
        assert_array_equal(predicted, fitted.predict(X[test]))
    assert replay(recording, X, y).n_runs == 3


@pytest.mark.parametrize("name", ["SGD, hinge", "SGD, log loss", "histogram boosting"])
def test_folds_that_lack_a_class(name, table):
    X, y = table
    two, third = np.flatnonzero(y < 2), np.flatnonzero(y == 2)
    recording = run(BASES[name], X, y, cv=[(two, third), (np.arange(61), two)])
    path = recording.trajectory
    assert not np.isnan(path.loss).any()
    assert recording.estimators[0].classes_.tolist() == ["r", "s"]
    assert not (path.prediction[0, :, third] == 2).any()
    if path.proba is None:
        # 0 or more for one of the others, and -1 for the class that was not seen
        assert (path.margin[0, :, third] <= -1).all()
    else:
        assert_allclose(path.loss[0, :, third], -np.log(np.finfo(float).eps), rtol=1e-6)
    assert class_proba(recording, X).shape == (61, 3)
    replayed = replay(recording, X, y)
    assert_allclose(replayed.loss[0][:, third], path.loss[0][:, third], rtol=1e-5, atol=1e-6)


def test_folds_of_one_class(table):
    X, y = table
    with pytest.raises(ValueError, match=r"needs rows of two classes.*only 's'"):
        run(BASES["MLP"], X, y, cv=[(np.flatnonzero(y == 1), np.flatnonzero(y != 1))])


@pytest.mark.parametrize("loss", ["log_loss", "modified_huber"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_rows_that_several_classifiers_are_sure_of(loss, n_classes, table):
    X, y = (100 * table[0][table[1] < n_classes], table[1][table[1] < n_classes])
    recording = run(SGDClassifier(loss=loss, max_iter=4, tol=None), X, y, classes=NAMES[:n_classes])
    path, [fitted] = recording.trajectory, recording.estimators
    assert_array_equal(NAMES[path.prediction[0, -1]], fitted.predict(X))
    assert_array_equal(replay(recording, X, y).prediction, path.prediction)
    if n_classes == 3:  # which probabilities would not tell
        assert (NAMES[fitted.predict_proba(X).argmax(1)] != fitted.predict(X)).any()
    assert path.outputs is None


def test_rows_that_no_classifier_claims(table):
    X, y = table
    far = np.full((1, 4), -1e3, dtype=np.float32)
    recording = run(SGDClassifier(loss="modified_huber", max_iter=4, tol=None), X, y)
    claimed = recording.estimators[0].predict_proba(X).sum(axis=1) > 0
    assert 0 < claimed.sum() < 61
    assert_allclose(class_proba(recording, X)[~claimed], 1 / 3)
    assert_allclose(recording.trajectory.proba[0, -1, ~claimed], 1 / 3, rtol=1e-5)
    assert np.isfinite(replay(recording, far, y[:1]).loss).all()


def test_forest(table):
    X, y = table
    forest = RandomForestClassifier(6, min_samples_leaf=3)
    recording = run(forest, X, y)
    path, [fitted] = recording.trajectory, recording.estimators
    assert path.n_runs == 6
    # all classes leave the same rows out, since they draw from the same random state
    samples = [binary.estimators_samples_ for binary in fitted.estimators_]
    for tree in range(6):
        assert_array_equal(samples[0][tree], samples[2][tree])
        left_out = np.setdiff1d(np.arange(61), samples[0][tree])
        assert np.flatnonzero(~path.in_train[tree]).tolist() == left_out.tolist()
        assert np.flatnonzero(np.isfinite(path.loss[tree, 0])).tolist() == left_out.tolist()
    replayed = replay(recording, X, y)
    assert replayed.n_runs == 6
    left_out = ~path.in_train
    assert_allclose(replayed.loss[:, 0][left_out], path.loss[:, 0][left_out], rtol=1e-5, atol=1e-6)


def test_plain_net(table, make_net, small_mlp):
    class TwoOutputs(small_mlp):
        def __init__(self):
            super().__init__()
            self.layers[-1] = torch.nn.Linear(8, 2)

    X, y = table
    recording = run(make_net(module=TwoOutputs), X.astype(np.float64), y)
    [fitted] = recording.estimators
    proba = fitted.predict_proba(X)
    path = recording.trajectory
    assert_allclose(path.proba[0, -1], proba[np.arange(61), y], rtol=1e-4, atol=1e-6)
    assert_allclose(replay(recording, X, y).loss, path.loss, rtol=1e-4, atol=1e-5)
    assert not recording.learner.has_gradients
    with pytest.raises(RecordNotFoundError, match="OneVsRestClassifier does not give"):
        recording.learner.input_gradients(fitted, [], X, y, NAMES, "logit")


def test_text():
    words = ["red", "green", "blue"]
    X = [f"{words[k % 3]} {k % 7}" for k in range(36)]
    y = np.arange(36) % 3
    base = make_pipeline(TfidfVectorizer(), BASES["SGD, log loss"])
    recording = run(base, X, y)
    assert recording.learner.takes_any_rows
    assert_last_step_is_the_prediction(recording, X, y)
    whole = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(BASES["SGD, log loss"]))
    together = record(whole, X, y, classes=NAMES, random_state=0)
    assert_allclose(together.trajectory.loss, recording.trajectory.loss, rtol=1e-5)


# -- scores -------------------------------------------------------------------------------


@pytest.mark.parametrize("cv", [None, 3])
def test_scores(cv, table):
    X, y = table
    estimator = OneVsRestClassifier(BASES["SGD, log loss"])
    scores = ["action", "aum", "entropy"]
    scorer = DifficultyScorer(estimator, score=scores, cv=cv, random_state=0).fit(X, NAMES[y])
    assert_array_equal(scorer.score_samples(X), scorer.scores_)
    assert np.isfinite(scorer.score_samples(X + 0.1)).all()
    if cv is None:
        assert_allclose(scorer.score_samples(X, NAMES[y]), scorer.scores_, rtol=1e-4, atol=1e-5)


def test_scores_of_decision_values(table):
    estimator = OneVsRestClassifier(BASES["SGD, hinge"])
    assert np.isfinite(DifficultyScorer(estimator, score="aum").fit(*table).scores_).all()
    with pytest.raises(RecordNotFoundError, match="gives decision values only"):
        DifficultyScorer(estimator, score="entropy").fit(*table)


# -- the rest of what a learner does ------------------------------------------------------


def test_the_estimator_of_the_caller_is_left_alone(table):
    X, y = table
    estimator = OneVsRestClassifier(SGDClassifier(max_iter=3, tol=None))
    before = repr(estimator.get_params())
    run(estimator, X, y)
    assert repr(estimator.get_params()) == before
    for part in (estimator, estimator.estimator):
        with pytest.raises(NotFittedError):
            check_is_fitted(part)


@pytest.mark.parametrize("name", ["SGD, hinge", "gradient boosting", "tracked net"])
def test_seeds(name, table, generators_unchanged):
    X, y = table

    def loss(**options):
        return run(BASES[name], X, y, **options).trajectory.loss

    assert_array_equal(loss(), loss())
    assert not np.array_equal(loss(), loss(random_state=1))
    runs = loss(n_runs=2)
    assert not np.array_equal(runs[0], runs[1])


def test_pickle(table):
    X, y = table
    recording = run(BASES["MLP"], X, y)
    back = pickle.loads(pickle.dumps(recording))
    assert_array_equal(back.estimators[0].predict(X), recording.estimators[0].predict(X))
    assert_array_equal(replay(back, X, y).loss, replay(recording, X, y).loss)


def test_in_other_processes(table):
    alone, together = (run(BASES["MLP"], *table, n_runs=2, n_jobs=n_jobs) for n_jobs in (1, 2))
    assert_array_equal(together.trajectory.loss, alone.trajectory.loss)


def test_progress(table, capsys):
    run(BASES["MLP"], *table, n_runs=2, verbose=1)
    assert "8/8" in capsys.readouterr().err


def test_what_the_classifiers_warn_of(table):
    early = MLPClassifier((3,), early_stopping=True, max_iter=3)
    with pytest.warns(TrainSplitIgnoredWarning, match="early_stopping=True of MLPClassifier"):
        run(early, *table)


def test_kind():
    estimator = OneVsRestClassifier(BASES["SGD, hinge"])
    learner = find_learner(estimator)
    assert isinstance(learner, OneVsRestLearner)
    assert isinstance(learner.inner, PartialFitLearner)
    assert learner.most_steps(estimator) == 4
    assert not find_learner(OneVsRestClassifier(BASES["AdaBoost"])).takes_snapshots


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (OneVsRestClassifier(GaussianNB()), "GaussianNB does not .*OneVsRestClassifier around one"),
        (
            OneVsRestClassifier(SGDRegressor()),
            "around the regressor SGDRegressor: put a classifier",
        ),
        (OneVsOneClassifier(SGDClassifier()), "OneVsOneClassifier joins.*use OneVsRestClassifier"),
        (OutputCodeClassifier(SGDClassifier()), "OutputCodeClassifier .*use OneVsRestClassifier"),
    ],
)
def test_what_is_not_recorded(estimator, message):
    with pytest.raises(TypeError, match=message):
        find_learner(estimator)


@pytest.mark.parametrize("loss", ["log_loss", None])
def test_rows_that_are_far_from_all_classifiers(loss, table):
    X, y = 2 * table[0], table[1]
    binary = SGDClassifier(loss=loss, max_iter=4, tol=None) if loss else MLPClassifier((5,))
    recording = run(make_pipeline(binary), X, y)
    path, [fitted] = recording.trajectory, recording.estimators
    if loss:  # their probabilities are below the rounding at which a log-loss is clipped
        own = np.stack([one.predict_proba(X)[:, 1] for one in fitted.estimators_])
        assert ((own.max(axis=0) < np.finfo(np.float64).eps) & (own.max(axis=0) > 0)).any()
    assert_allclose(path.proba[0, -1], fitted.predict_proba(X)[np.arange(61), y], atol=1e-5)
    assert_allclose(replay(recording, X, y).proba[0, -1], path.proba[0, -1], rtol=1e-5)
