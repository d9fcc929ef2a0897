"""scikit-learn estimators that are trained epoch by epoch."""

from math import log

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.cluster import MiniBatchKMeans
from sklearn.linear_model import LogisticRegression, Perceptron, SGDClassifier, SGDRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sklearn_difficulty.exceptions import (
    NonFiniteLossError,
    RecordNotFoundError,
    TrainSplitIgnoredWarning,
)
from sklearn_difficulty.recording import class_proba, record, replay
from sklearn_difficulty.recording._partial_fit import PartialFitLearner
from sklearn_difficulty.recording._sklearn_outputs import (
    aligned,
    decision_columns,
    decision_records,
    proba_records,
    target_records,
)

ESTIMATORS = {
    "SGD, hinge": SGDClassifier(max_iter=6, tol=None),
    "SGD, log loss": SGDClassifier(loss="log_loss", max_iter=6, tol=None, alpha=0.01),
    "SGD, average": SGDClassifier(average=True, max_iter=6, tol=None),
    "Perceptron": Perceptron(max_iter=6, tol=None),
    "MLP": MLPClassifier((5,), max_iter=6),
    "MLP, sgd": MLPClassifier((5, 4), solver="sgd", max_iter=6, batch_size=10),
}
REGRESSORS = {
    "SGD": SGDRegressor(max_iter=6, tol=None),
    "MLP": MLPRegressor(hidden_layer_sizes=(5,), max_iter=6),
}


def run(estimator, X, y, classes="from y", **options):
    if isinstance(classes, str):
        classes = np.unique(y)
    numbers = y if classes is None else np.searchsorted(classes, y)
    options = {"random_state": 0, "snapshots": "all"} | options
    return record(estimator, X, numbers, classes=classes, **options)


# -- records by hand ----------------------------------------------------------------------


def test_log_loss_of_probabilities():
    # probabilities .7 and .1 of the given labels after one epoch, .9 and .2 after the next
    total = 0.0
    for first, second in ((0.7, 0.1), (0.9, 0.2)):
        proba = np.array([[first, 1 - first], [1 - second, second]])
        records = proba_records(proba, np.array([0, 1]))
        total = total + records["loss"]
    assert_allclose(total, [0.4620354596, 3.9120230054], rtol=1e-9)
    assert_allclose(records["proba"], [0.9, 0.2], rtol=1e-6)
    assert_allclose(records["margin"], [log(9), log(0.25)], rtol=1e-6)
    assert records["prediction"].tolist() == [0, 0]
    assert_allclose(records["el2n"], [0.02**0.5, 1.28**0.5], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_log_loss_is_capped(dtype):
    records = proba_records(np.array([[0, 1]], dtype=dtype), np.array([0]))
    assert_allclose(records["loss"], -log(np.finfo(dtype).eps), rtol=1e-6)


def test_hinge_of_decision_values():
    decision = np.array([[2.0, 0.5, -1.0], [0.0, 0.25, 0.0]])
    records = decision_records(decision, np.array([0, 2]))
    assert_array_equal(records["margin"], [1.5, -0.25])
    assert_array_equal(records["loss"], [0, 1.25])
    assert_array_equal(records["prediction"], [0, 1])
    assert set(records) == {"loss", "margin", "prediction"}
    binary = decision_records(np.array([3.0, -0.5, 0.5]), np.array([1, 1, 0]))
    assert_array_equal(binary["loss"], [0, 1.5, 1.5])
    assert_array_equal(binary["prediction"], [1, 0, 1])
    assert_array_equal(decision_columns(np.array([3.0])), [[0, 3]])


def test_squared_error_of_predictions():
    y = np.array([1.0, 2.0])
    assert_array_equal(target_records(np.array([1.5, 0.0]), y)["loss"], [0.25, 4])
    pairs = np.array([[1.0, 3.0], [2.0, 2.0]])
    assert_array_equal(target_records(np.zeros((2, 2)), pairs)["loss"], [5, 4])


def test_classes_that_were_not_seen():
    columns = np.array([[0.2, 0.8]])
    full = aligned(columns, np.array(["a", "c"]), np.array(["a", "b", "c"]))
    assert_array_equal(full, [[0.2, 0, 0.8]])
    assert aligned(columns, np.array([0, 1]), np.array([0, 1])) is columns


# -- the training -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ESTIMATORS)
def test_training_is_a_loop_over_partial_fit(name, table):
    X, y = table
    names = np.array(["r", "s", "t"])
    recording = run(ESTIMATORS[name], X, names[y])
    path = recording.trajectory
    [seed] = np.random.RandomState(0).randint(np.iinfo(np.int32).max, size=1)
    by_hand = clone(ESTIMATORS[name]).set_params(random_state=np.random.RandomState(seed))
    for step in range(6):
        by_hand.partial_fit(X, names[y], classes=names)
        predicted = np.searchsorted(names, by_hand.predict(X))
        assert_array_equal(path.prediction[0, step], predicted)
        if hasattr(by_hand, "predict_proba"):
            proba = by_hand.predict_proba(X)[np.arange(61), y]
            assert_allclose(path.loss[0, step], -np.log(proba), rtol=1e-4, atol=1e-6)
    assert path.n_steps.tolist() == [6]
    assert path.dt["epoch"].tolist() == [[1.0] * 6]
    assert path.in_train.all()
    assert_array_equal(path.y, y)
    assert recording.classes.tolist() == ["r", "s", "t"]
    assert_allclose(class_proba(recording, X).sum(1), 1, rtol=1e-6)


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressions(name, table):
    X, _ = table
    y = X[:, 0].astype(np.float64)
    recording = run(REGRESSORS[name], X, y, classes=None)
    path = recording.trajectory
    assert path.margin is None
    assert path.classes is None
    error = (recording.estimators[0].predict(X) - y) ** 2
    assert_allclose(path.loss[0, -1], error, rtol=1e-4, atol=1e-7)


def test_updates(table):
    X, y = table
    updates = {
        name: run(estimator, X, y).trajectory.dt["update"][0, 0]
        for name, estimator in ESTIMATORS.items()
    }
    # one a row; one for 200 rows at most; one for ten rows
    assert updates["SGD, hinge"] == 61
    assert updates["MLP"] == 1
    assert updates["MLP, sgd"] == 7


def test_stops_when_the_loss_no_longer_falls(table):
    X, y = table
    still = MLPClassifier((3,), learning_rate_init=1e-9, max_iter=50, n_iter_no_change=4)
    # the first epoch cannot be compared with any
    assert run(still, X, y).trajectory.n_steps.tolist() == [5]
    patient = SGDClassifier(tol=None, max_iter=12)
    assert run(patient, X, y).trajectory.n_steps.tolist() == [12]


def test_early_stopping_is_set_aside(table):
    X, y = table
    early = MLPClassifier((3,), early_stopping=True, max_iter=3)
    with pytest.warns(TrainSplitIgnoredWarning, match="early_stopping=True of MLPClassifier"):
        recording = run(early, X, y)
    assert recording.trajectory.in_train.all()
    assert early.early_stopping


def test_seeds(table):
    X, y = table
    estimator = SGDClassifier(max_iter=3, tol=None)

    def loss(estimator, **options):
        return run(estimator, X, y, **options).trajectory.loss

    assert_array_equal(loss(estimator), loss(estimator))
    assert not np.array_equal(loss(estimator), loss(estimator, random_state=1))
    # its own number holds where no other is given
    own = SGDClassifier(max_iter=3, tol=None, random_state=5)
    assert_array_equal(loss(own, random_state=None), loss(own, random_state=None))
    assert not np.array_equal(loss(own), loss(own, random_state=None))
    runs = loss(own, random_state=None, n_runs=2)
    assert not np.array_equal(runs[0], runs[1])
    assert own.random_state == 5


def test_epochs_are_shuffled_differently(table):
    # a number for random_state would repeat one order in every call of partial_fit
    X, y = table
    path = run(SGDClassifier(max_iter=2, tol=None, random_state=5), X, y, random_state=None)
    repeated = SGDClassifier(random_state=5)
    for _ in range(2):
        repeated.partial_fit(X, y, classes=[0, 1, 2])
    assert not np.allclose(path.estimators[0].coef_, repeated.coef_)


# -- replay -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ESTIMATORS)
def test_states_give_the_records_of_training(name, table):
    X, y = table
    recording = run(ESTIMATORS[name], X, y)
    path, replayed = recording.trajectory, replay(recording, X, y)
    assert_array_equal(replayed.prediction, path.prediction)
    assert_allclose(replayed.loss, path.loss, rtol=1e-5, atol=1e-6)
    assert_allclose(replayed.margin, path.margin, rtol=1e-5, atol=1e-6)
    assert not replayed.in_train.any()
    final = recording.estimators[0]
    before = final.predict(X)
    replay(recording, X[:5], y[:5])
    assert_array_equal(final.predict(X), before)


@pytest.mark.parametrize("name", REGRESSORS)
def test_states_give_the_records_of_a_regression(name, table):
    X, _ = table
    y = X[:, 0].astype(np.float64)
    recording = run(REGRESSORS[name], X, y, classes=None)
    assert_allclose(replay(recording, X, y).loss, recording.trajectory.loss, rtol=1e-4, atol=1e-6)


def test_states_are_copies(table):
    X, y = table
    recording = run(ESTIMATORS["SGD, hinge"], X, y)
    states = [recording.trajectory.snapshots.state(0, step)["coef_"] for step in range(6)]
    assert not np.array_equal(states[0], states[5])
    assert not np.shares_memory(states[5], recording.estimators[0].coef_)


def test_no_gradients(table):
    X, y = table
    recording = run(ESTIMATORS["MLP"], X, y)
    learner = recording.learner
    assert not learner.has_gradients
    with pytest.raises(RecordNotFoundError, match="MLPClassifier does not give"):
        learner.input_gradients(recording.estimators[0], [], X, y, None, "logit")


# -- data ---------------------------------------------------------------------------------


def test_sparse_rows(table):
    X, y = table
    dense = run(ESTIMATORS["MLP"], X, y)
    sparse = run(ESTIMATORS["MLP"], scipy.sparse.csr_matrix(X), y)
    assert_allclose(sparse.trajectory.margin, dense.trajectory.margin, rtol=1e-4, atol=1e-5)
    rows = scipy.sparse.csr_array(X[:7])
    assert_allclose(replay(sparse, rows, y[:7]).loss, dense.trajectory.loss[..., :7], rtol=1e-4)


def test_folds_that_lack_a_class(table):
    X, _ = table
    y = (np.arange(61) > 40).astype(int)
    lacking = np.arange(40), np.arange(40, 61)
    recording = run(ESTIMATORS["MLP"], X, y, cv=[lacking, lacking[::-1]])
    assert not np.isnan(recording.trajectory.loss).any()
    assert class_proba(recording, X).shape == (61, 2)


def test_loss_that_is_not_finite(table):
    X, y = table

    class Explodes(MLPClassifier):
        def predict_proba(self, X):
            proba = super().predict_proba(X)
            return proba if self.t_ < 3 * 61 else np.full_like(proba, np.nan)

    with pytest.raises(NonFiniteLossError, match=r"epoch 3 \(step 2\).*Scale the inputs") as caught:
        run(Explodes((3,), max_iter=9), X, y)
    assert (caught.value.step, caught.value.n_rows) == (2, 61)
    assert caught.value.trajectory.n_steps.tolist() == [2]


@pytest.mark.filterwarnings("error")
def test_loss_beyond_float32(table):
    X, _ = table
    y = np.where(np.arange(61) == 7, 1e25, 0.0)
    estimator = MLPRegressor(hidden_layer_sizes=(2,), solver="sgd", learning_rate_init=1e-30)
    with pytest.raises(
        NonFiniteLossError, match=r"loss of 1 of 61 rows .* epoch 1 \(step 0\)"
    ) as info:
        run(estimator, X, y, classes=None)
    assert info.value.trajectory is None


@pytest.mark.parametrize(
    "estimator",
    [GaussianNB(), MiniBatchKMeans(), LogisticRegression(), MLPClassifier(solver="lbfgs")],
)
def test_what_does_not_count_epochs(estimator):
    assert not PartialFitLearner().accepts(estimator)


@pytest.mark.parametrize("estimator", [*ESTIMATORS.values(), *REGRESSORS.values()])
def test_what_counts_epochs(estimator):
    assert PartialFitLearner().accepts(estimator)
    assert PartialFitLearner().most_steps(estimator) == 6
