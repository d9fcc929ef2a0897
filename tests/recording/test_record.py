"""Runs and folds: seeds, joblib, and one trajectory of all rows."""

import threading

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import (
    AdaBoostClassifier,
    HistGradientBoostingClassifier,
)
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneOut,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from skorch import NeuralNetClassifier
from skorch.callbacks import EarlyStopping

from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.recording import _record as module
from sklearn_difficulty.recording import class_proba, find_learner, record, replay
from sklearn_difficulty.recording._partial_fit import PartialFitLearner
from sklearn_difficulty.recording._skorch import SkorchLearner
from sklearn_difficulty.recording._staged import StagedLearner

NAMES = np.array(["r", "s", "t"])


@pytest.fixture
def net(make_net):
    return make_net(iterator_train__shuffle=True, module__dropout=0.2)


def run(estimator, table, **options):
    return record(estimator, *table, classes=NAMES, **({"random_state": 0} | options))


# -- runs ---------------------------------------------------------------------------------


def test_runs_are_distinct_and_reproducible(net, table, generators_unchanged):
    first = run(net, table, n_runs=3).trajectory
    assert first.loss.shape == (3, 3, 61)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert not np.array_equal(first.loss[a], first.loss[b])
    assert_array_equal(run(net, table, n_runs=3).trajectory.loss, first.loss)
    assert not np.array_equal(run(net, table, random_state=1).trajectory.loss, first.loss[:1])
    # fewer runs are the first of more
    assert_array_equal(run(net, table, n_runs=2).trajectory.loss, first.loss[:2])


def test_seeds_do_not_depend_on_the_generators_of_the_process(net, table):
    first = run(net, table).trajectory
    torch.manual_seed(123)
    np.random.seed(123)
    assert_array_equal(run(net, table).trajectory.loss, first.loss)


def test_random_state_instance(net, table):
    draws = np.random.RandomState(0)
    first, second = (run(net, table, random_state=draws).trajectory.loss for _ in range(2))
    assert_array_equal(first, run(net, table, random_state=0).trajectory.loss)
    assert not np.array_equal(first, second)


def test_no_random_state_is_numpys_own(net, table):
    losses = []
    for _ in range(2):
        np.random.seed(7)
        losses.append(run(net, table, random_state=None).trajectory.loss)
    assert_array_equal(*losses)
    assert not np.array_equal(run(net, table, random_state=None).trajectory.loss, losses[0])


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_jobs_make_no_difference(backend, table):
    # modules that a worker process can import
    net = NeuralNetClassifier(
        torch.nn.Linear,
        module__in_features=4,
        module__out_features=3,
        criterion=torch.nn.CrossEntropyLoss,
        iterator_train__shuffle=True,
        train_split=None,
        max_epochs=3,
        # with which trainings are not stacked into one, which rounds in another way
        verbose=1,
        callbacks__print_log=None,
    )
    alone = run(net, table, n_runs=3)
    assert "verbose" in alone.why_not_stacked
    with joblib.parallel_backend(backend):
        together = run(net, table, n_runs=3, n_jobs=2)
    assert_array_equal(together.trajectory.loss, alone.trajectory.loss)
    for model in range(3):
        ours, theirs = together.estimators[model], alone.estimators[model]
        assert type(ours) is NeuralNetClassifier
        assert torch.equal(ours.module_.weight, theirs.module_.weight)
        assert [name for name, _ in ours.callbacks_] == [name for name, _ in theirs.callbacks_]
        for step in alone.trajectory.snapshots.steps(model):
            assert_array_equal(
                together.trajectory.snapshots.state(model, step)["weight"],
                alone.trajectory.snapshots.state(model, step)["weight"],
            )
    assert_allclose(class_proba(together, table[0]), class_proba(alone, table[0]), rtol=1e-6)


def test_generators_are_left_alone_by_threads(net, table, generators_unchanged):
    with joblib.parallel_backend("threading"):
        run(net, table, n_runs=4, n_jobs=2)


def test_classes_of_a_script_travel(table):
    # as in a notebook: a worker process cannot import what is defined here
    class Local(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(4, 3)

        def forward(self, X):
            return self.linear(X)

    net = NeuralNetClassifier(
        Local, criterion=torch.nn.CrossEntropyLoss, max_epochs=2, train_split=None, verbose=0
    )
    together = run(net, table, n_runs=2, n_jobs=2)
    alone = run(net, table, n_runs=2).trajectory.loss  # stacked, which rounds in another way
    assert_allclose(together.trajectory.loss, alone, rtol=1e-5)
    assert together.estimators[0].predict(table[0]).shape == (61,)


@pytest.mark.parametrize(
    "around",
    [
        lambda net: make_pipeline(StandardScaler(), net),
        OneVsRestClassifier,
        lambda net: GridSearchCV(net, {"lr": [0.1]}, cv=2, scoring="accuracy"),
    ],
)
def test_classes_of_a_script_travel_within_other_estimators(around, table):
    class Local(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(4, 3)

        def forward(self, X):
            return self.linear(X)

    net = NeuralNetClassifier(
        Local, criterion=torch.nn.CrossEntropyLoss, max_epochs=2, train_split=None, verbose=0
    )
    alone, together = (run(around(net), table, n_runs=2, n_jobs=n_jobs) for n_jobs in (1, 2))
    assert_array_equal(together.trajectory.loss, alone.trajectory.loss)
    for recording in (alone, together):
        assert recording.estimators[0].predict(table[0]).shape == (61,)


def test_estimators_of_scikit_learn_in_other_processes(table):
    estimator = SGDClassifier(max_iter=3, tol=None)
    alone, together = (run(estimator, table, n_runs=2, n_jobs=n_jobs) for n_jobs in (1, 2))
    assert_array_equal(together.trajectory.loss, alone.trajectory.loss)


def test_error_in_another_process_is_the_same(table):
    with pytest.raises(ValueError, match="'penalty' parameter of SGDClassifier"):
        run(SGDClassifier(penalty="none at all"), table, n_runs=2, n_jobs=2)


# -- folds --------------------------------------------------------------------------------


def test_folds_record_what_they_hold_back(net, table):
    X, y = table
    splitter = KFold(3)
    recording = run(net, table, cv=splitter, n_runs=2, snapshots="all")
    path = recording.trajectory
    assert path.loss.shape == (2, 3, 61)
    assert not np.isnan(path.loss).any()
    assert not path.in_train.any()
    assert len(recording.estimators) == 6
    assert recording.models_per_run == 3
    assert path.snapshots.n_models == 6
    for model, fitted in enumerate(recording.estimators):
        _, test = list(splitter.split(X))[model % 3]
        assert_array_equal(np.flatnonzero(recording.scored[model]), test)
        proba = fitted.predict_proba(X[test])
        expected = torch.nn.functional.cross_entropy(
            fitted.forward(X[test]), torch.as_tensor(y[test]), reduction="none"
        )
        assert proba.shape == (len(test), 3)
        assert_allclose(path.loss[model // 3, -1, test], expected, rtol=1e-4, atol=1e-6)


def test_rows_held_back_do_not_train(table):
    X, y = table
    flipped = y.copy()
    flipped[:10] = (y[:10] + 1) % 3
    estimator = SGDClassifier(loss="log_loss", max_iter=3, tol=None)
    folds = [(np.arange(10, 61), np.arange(10)), (np.arange(10), np.arange(10, 61))]
    clean, noisy = (run(estimator, (X, labels), cv=folds) for labels in (y, flipped))
    # the model that holds the flipped rows back does not see that they are flipped
    assert_array_equal(clean.estimators[0].coef_, noisy.estimators[0].coef_)
    assert not np.array_equal(clean.trajectory.loss[..., :10], noisy.trajectory.loss[..., :10])


@pytest.mark.parametrize("cv", [3, StratifiedKFold(3), KFold(4, shuffle=True, random_state=0)])
def test_splitters(cv, table):
    path = run(SGDClassifier(max_iter=2, tol=None), table, cv=cv).trajectory
    assert not np.isnan(path.loss).any()


def test_number_of_folds_is_stratified(table):
    X, _ = table
    y = np.sort(np.arange(61) % 3)
    recording = run(SGDClassifier(max_iter=2, tol=None), (X, y), cv=3)
    for rows in recording.scored:
        assert set(y[rows]) == {0, 1, 2}


def test_folds_that_overlap_are_runs_of_their_own(table):
    X, _ = table
    folds = list(ShuffleSplit(3, random_state=0).split(X))
    trajectory = run(SGDClassifier(max_iter=2), table, cv=folds).trajectory
    assert trajectory.n_runs == 3
    for loss, (_, test) in zip(trajectory.loss, folds, strict=True):
        assert np.flatnonzero(~np.isnan(loss[0])).tolist() == sorted(test)


def test_repeated_folds_are_a_run_for_each_repetition(table):
    cv = RepeatedKFold(n_splits=3, n_repeats=2, random_state=0)
    recording = run(SGDClassifier(max_iter=2), table, cv=cv)
    assert recording.trajectory.n_runs == 2 and recording.models_per_run == 3
    assert np.isfinite(recording.trajectory.loss).all()


def test_groups_are_kept_together(table):
    _, y = table
    groups = np.arange(len(y)) % 7
    recording = run(SGDClassifier(max_iter=2), table, cv=GroupKFold(3), groups=groups)
    for scored in recording.scored:
        assert not set(groups[scored]) & set(groups[~scored])


def test_groups_missing(table):
    with pytest.raises(ValueError, match="needs to know them: pass groups="):
        run(SGDClassifier(max_iter=2), table, cv=GroupKFold(3))


def test_a_fold_for_each_row(table):
    X, y = table
    recording = run(SGDClassifier(max_iter=1, tol=None), (X[:6], y[:6]), cv=LeaveOneOut())
    assert len(recording.estimators) == 6
    assert not np.isnan(recording.trajectory.loss).any()


def test_folds_that_stop_at_different_epochs(table, make_net):
    stopping = EarlyStopping("train_loss", patience=1, threshold=0.5, threshold_mode="abs")
    params = {"max_epochs": 30, "lr": 0.1, "callbacks": [stopping]}
    recording = run(make_net(**params), table, cv=4, snapshots="all")
    path = recording.trajectory
    stops = [len(fitted.history) for fitted in recording.estimators]
    assert len(set(stops)) > 1
    assert path.n_steps.tolist() == [max(stops)]
    for model, stop in enumerate(stops):
        rows = recording.scored[model]
        assert not np.isnan(path.loss[0, :stop, rows]).any()
        # a model that has stopped stays as it is
        for name in ("loss", "prediction"):
            values = getattr(path, name)[0][:, rows]
            assert_array_equal(
                values[stop:], np.broadcast_to(values[stop - 1], values[stop:].shape)
            )
        assert recording.kept_steps(model) == tuple(range(stop))
    assert path.dt["epoch"].tolist() == [[1.0] * max(stops)]
    replayed = replay(recording, *table)
    assert replayed.n_steps.tolist() == stops
    # and its last state stands for the rest
    assert replayed.dt["epoch"].sum(axis=1).tolist() == [max(stops)] * 4


def test_easiness_of_folds_that_stop_at_different_epochs(table, make_net):
    stopping = EarlyStopping("train_loss", patience=1, threshold=0.5, threshold_mode="abs")
    net = make_net(max_epochs=30, lr=0.1, callbacks=[stopping])
    path = run(net, table, cv=4, n_runs=3).trajectory
    assert not np.isnan(path.loss).any()
    assert (path.prediction >= 0).all()


def test_boosting_of_folds_that_stop_at_different_stages(table):
    X, y = table
    recording = run(AdaBoostClassifier(n_estimators=40), table, cv=KFold(3, shuffle=True))
    stages = recording.n_steps
    assert [len(recording.kept_steps(model)) for model in range(3)] == stages
    replayed = replay(recording, X, y)
    assert replayed.dt["epoch"].sum(axis=1).tolist() == [max(stages)] * 3


def test_backend_that_returns_all_at_once(table):
    net = NeuralNetClassifier(
        torch.nn.Linear,
        module__in_features=4,
        module__out_features=3,
        criterion=torch.nn.CrossEntropyLoss,
        max_epochs=2,
        train_split=None,
        verbose=0,
    )
    with joblib.parallel_config("multiprocessing"):
        losses = run(net, table, n_runs=2, n_jobs=2).trajectory.loss
    alone = run(net, table, n_runs=2).trajectory.loss  # stacked, which rounds in another way
    assert_allclose(losses, alone, rtol=1e-5)


def test_steps_that_were_not_reached(net, table):
    recording = run(net, table, snapshots=[50])
    with pytest.raises(RecordNotFoundError, match=r"none of the steps.*was reached in 3 steps"):
        replay(recording, *table)


def test_scoring_in_another_thread_leaves_a_training_alone(net, table):
    expected = run(net, table, n_runs=4).trajectory.loss
    scored = run(net, table)
    done = threading.Event()

    def score():
        while not done.is_set():
            replay(scored, *table)

    thread = threading.Thread(target=score)
    thread.start()
    try:
        losses = run(net, table, n_runs=4).trajectory.loss
    finally:
        done.set()
        thread.join()
    assert_array_equal(losses, expected)


# -- replay and snapshots -----------------------------------------------------------------


def test_kept_states_stand_for_the_steps_around_them(net, table):
    X, y = table
    net.set_params(max_epochs=10)
    recording = run(net, table, snapshots=[0, 2, 7])
    path, replayed = recording.trajectory, replay(recording, X, y)
    assert recording.kept_steps(0) == (0, 2, 7)
    assert_allclose(replayed.loss, path.loss[:, [0, 2, 7]], rtol=1e-5, atol=1e-6)
    # steps 0, 1 | 2, 3, 4 | 5 to 9: a step in the middle goes to the earlier state
    assert replayed.dt["epoch"].tolist() == [[2.0, 3.0, 5.0]]
    assert replayed.dt["update"].tolist() == [[16.0, 24.0, 40.0]]
    assert_allclose(replayed.dt["wall"].sum(), path.dt["wall"].sum())
    assert_array_equal(replayed.y, y)
    assert replayed.classes.tolist() == ["r", "s", "t"]
    assert not replayed.in_train.any()
    assert replayed.n_samples == 61


def test_every_model_replays(net, table):
    X, y = table
    recording = run(net, table, n_runs=2, snapshots="all")
    replayed = replay(recording, X[:5], y[:5])
    assert_allclose(replayed.loss, recording.trajectory.loss[..., :5], rtol=1e-5, atol=1e-6)
    assert replay(run(net, table, cv=2, n_runs=2), X[:5], y[:5]).n_runs == 4


def test_no_states_to_replay(net, table):
    recording = run(net, table, snapshots=None)
    with pytest.raises(RecordNotFoundError, match="fit with snapshots='auto'"):
        replay(recording, *table)


def test_models_share_the_budget(net, table, monkeypatch):
    # 67 parameters of 4 bytes: room for 14 states, 7 for each of two models
    monkeypatch.setattr(module, "SNAPSHOT_BYTES", 14 * 67 * 4)
    net.set_params(max_epochs=12)
    snapshots = run(net, table, n_runs=2).trajectory.snapshots
    assert snapshots.nbytes == 14 * 67 * 4
    assert [len(snapshots.steps(model)) for model in range(2)] == [7, 7]
    assert len(run(net, table).trajectory.snapshots.steps(0)) == 12


def test_mean_probabilities_of_all_models(net, table):
    recording = run(net, table, n_runs=2)
    each = [torch.softmax(fitted.forward(table[0]), 1).numpy() for fitted in recording.estimators]
    assert_allclose(class_proba(recording, table[0]), np.mean(each, axis=0), rtol=1e-5)


# -- kinds of learners --------------------------------------------------------------------


def test_kinds_of_learners(net):
    assert isinstance(find_learner(net), SkorchLearner)
    assert isinstance(find_learner(SGDClassifier()), PartialFitLearner)
    assert isinstance(find_learner(HistGradientBoostingClassifier()), StagedLearner)


@pytest.mark.parametrize(
    "estimator", [GaussianNB(), DecisionTreeClassifier(), StandardScaler(), "net", None]
)
def test_estimators_that_do_not_learn_in_steps(estimator):
    with pytest.raises(TypeError, match=r"does not learn in steps.*What does: skorch nets"):
        find_learner(estimator)


def test_progress_over_epochs(net, table, capsys):
    run(net, table, n_runs=2, verbose=1)
    shown = capsys.readouterr().err
    assert "recording" in shown
    assert "6/6" in shown
