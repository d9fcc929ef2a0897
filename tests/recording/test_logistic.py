"""Logistic regression, iteration by iteration."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, SGDClassifier

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.recording import class_proba, find_learner, record, replay
from sklearn_difficulty.recording._logistic import LogisticLearner

NAMES = np.array(["r", "s", "t"])

shows_iterations = pytest.mark.skipif(
    not hasattr(LogisticRegression, "set_callbacks"),
    reason="scikit-learn shows the iterations of LogisticRegression from 1.9 on",
)


class Watch:
    """A callback of the caller's own, which counts the tasks that it is told of."""

    def __init__(self):
        self.n_tasks = 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.n_tasks += 1


def run(estimator, X, y, classes=NAMES, **options):
    return record(estimator, X, y, classes=classes, **({"snapshots": "all"} | options))


@shows_iterations
def test_every_iteration_is_a_step(table):
    X, y = table
    recording = run(LogisticRegression(), X, y, keep=("outputs",))
    path, [fitted] = recording.trajectory, recording.estimators
    assert path.n_steps.tolist() == fitted.n_iter_.tolist()
    assert path.n_steps[0] > 5
    assert path.outputs.shape == (1, path.n_steps[0], 61, 3)
    given = np.arange(61), y
    assert_allclose(path.proba[0, -1], fitted.predict_proba(X)[given], atol=1e-6)
    assert_allclose(path.loss[0, -1], -np.log(fitted.predict_proba(X)[given]), atol=1e-6)
    assert_array_equal(NAMES[path.prediction[0, -1]], fitted.predict(X))
    assert fitted.classes_.tolist() == ["r", "s", "t"]
    # the training itself is that of scikit-learn
    alone = LogisticRegression().fit(X, NAMES[y])
    assert_array_equal(fitted.coef_, alone.coef_)
    # and it goes downhill
    mean = path.loss[0].mean(axis=1)
    assert mean[0] > mean[-1]
    assert path.in_train.all()
    assert (path.dt["wall"] > 0).all()
    assert (path.dt["epoch"] == 1).all()


@shows_iterations
@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_steps_are_what_stopping_there_gives(table):
    X, y = table
    path = run(LogisticRegression(), X, y).trajectory
    for n_steps in (1, 3):
        short = LogisticRegression(max_iter=n_steps).fit(X, y)
        own = short.predict_proba(X)[np.arange(61), y]
        assert_allclose(path.proba[0, n_steps - 1], own, rtol=1e-6)


@shows_iterations
@pytest.mark.parametrize("params", [{}, {"fit_intercept": False}, {"class_weight": "balanced"}])
def test_two_classes(table, params):
    X, y = table
    y = (y > 0).astype(int)
    recording = run(LogisticRegression(**params), X, y, NAMES[:2])
    own = recording.estimators[0].predict_proba(X)[np.arange(61), y]
    assert_allclose(recording.trajectory.proba[0, -1], own, atol=1e-6)
    assert_array_equal(replay(recording, X, y).loss, recording.trajectory.loss)


@shows_iterations
def test_replay_gives_the_records_of_training(table):
    X, y = table
    recording = run(LogisticRegression(), X, y, n_runs=2)
    replayed = replay(recording, X, y)
    for name in ("loss", "margin", "proba", "prediction", "entropy", "el2n"):
        assert_array_equal(getattr(replayed, name), getattr(recording.trajectory, name))
    # the solver draws nothing at random
    assert_array_equal(replayed.loss[0], replayed.loss[1])
    few = run(LogisticRegression(), X, y, snapshots=[0, 3])
    assert_array_equal(replay(few, X, y).loss[0], recording.trajectory.loss[0, [0, 3]])
    with pytest.raises(RecordNotFoundError, match="fit with snapshots='auto'"):
        replay(run(LogisticRegression(), X, y, snapshots=None), X, y)


@shows_iterations
def test_folds_that_lack_a_class(table):
    X, y = table
    X = X.astype(np.float64)
    lacking = np.flatnonzero(y != 1), np.flatnonzero(y == 1)
    recording = run(LogisticRegression(), X, y, cv=[lacking, (np.arange(61), lacking[0])])
    path = recording.trajectory
    assert not np.isnan(path.loss).any()
    assert not path.in_train.any()
    assert_allclose(path.loss[0, 0, lacking[1]], -np.log(np.finfo(np.float64).eps), rtol=1e-5)
    proba = recording.learner.class_proba(recording.estimators[0], X, NAMES)
    assert proba.shape == (61, 3)
    assert not proba[:, 1].any()
    assert class_proba(recording, X).shape == (61, 3)


@shows_iterations
def test_sparse_rows(table):
    X, y = table
    sparse = scipy.sparse.csr_matrix(np.where(X > 0, X, 0))
    recording = run(LogisticRegression(), sparse, y)
    own = recording.estimators[0].predict_proba(sparse)[np.arange(61), y]
    assert_allclose(recording.trajectory.proba[0, -1], own, atol=1e-6)
    assert_array_equal(replay(recording, sparse, y).loss, recording.trajectory.loss)


@shows_iterations
def test_nothing_to_improve():
    y = np.arange(10) % 2
    recording = run(LogisticRegression(), np.zeros((10, 1)), y, NAMES[:2])
    assert_allclose(recording.trajectory.proba, 0.5)
    assert recording.trajectory.n_steps.tolist() == [1]


@shows_iterations
def test_callbacks_of_the_caller(table):
    X, y = table
    watch = Watch()
    estimator = LogisticRegression().set_callbacks(watch)
    recording = run(estimator, X, y)
    n_iterations = recording.n_steps[0]
    # the training itself, its iterations, and the task after the last of them
    assert watch.n_tasks == n_iterations + 2
    assert not hasattr(estimator, "coef_")
    estimator.fit(X, y)
    assert watch.n_tasks == 2 * (n_iterations + 2)
    recording.estimators[0].fit(X, y)
    assert watch.n_tasks == 3 * (n_iterations + 2)
    assert recording.trajectory.n_steps[0] == n_iterations


@shows_iterations
def test_scorer(table):
    X, y = table
    estimator = LogisticRegression()
    scorer = DifficultyScorer(estimator, random_state=0).fit(X, NAMES[y])
    assert scorer.difficulty_.shape == (61,)
    assert not hasattr(estimator, "coef_")
    assert estimator.random_state is None
    new = X[:5] + 0.01
    again = pickle.loads(pickle.dumps(scorer))
    assert_array_equal(again.score_samples(new), scorer.score_samples(new))
    right = scorer.trajectory_.prediction[0, -1, :5] == y[:5]
    assert right.any()
    assert_allclose(scorer.score_samples(new)[right], scorer.difficulty_[:5][right], rtol=0.1)


@pytest.mark.parametrize("solver", ["saga", "sag", "newton-cg", "newton-cholesky", "liblinear"])
def test_solvers_that_do_not_show_their_iterations(table, solver):
    X, y = table
    with pytest.raises(ValueError, match=f"solver='{solver}' .* use solver='lbfgs'. SGDClassif"):
        run(LogisticRegression(solver=solver), X, y)


def test_scikit_learn_that_does_not_show_iterations(table):
    class Older(LogisticRegression):
        @property
        def set_callbacks(self):
            raise AttributeError

    X, y = table
    with pytest.raises(TypeError, match=r"shows its iterations from scikit-learn 1\.9 on"):
        run(Older(), X, y)


def test_what_is_one_logistic_regression():
    learner = LogisticLearner()
    assert isinstance(find_learner(LogisticRegression()), LogisticLearner)
    assert learner.most_steps(LogisticRegression(max_iter=7)) == 7
    assert not learner.accepts(LogisticRegressionCV())
    assert not learner.accepts(SGDClassifier(loss="log_loss"))
    with pytest.raises(TypeError, match="LogisticRegressionCV does not learn in steps"):
        find_learner(LogisticRegressionCV())
