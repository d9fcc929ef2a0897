"""Rows that a split holds out are scored as they are: none is dropped, relabelled or trained on."""

import numpy as np
import pytest
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from numpy.testing import assert_array_equal
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_validate,
)
from sklearn.pipeline import make_pipeline

from sklearn_difficulty import FilteredClassifier, MislabelFilter, MislabelSampler

N_ROWS = 90
CV = StratifiedKFold(3, shuffle=True, random_state=0)


@pytest.fixture
def planted(iris):
    """Rows that say which they are in the last column, and in the first that errors are hard."""
    X, y, wrong = (part[:N_ROWS] for part in iris)
    return np.column_stack([wrong.astype(float), X, np.arange(N_ROWS) / 1e6]), y, wrong


@pytest.fixture(params=["pipeline", "filtered", "pipeline in filtered", "imbalanced-learn"])
def model(request, witness, witness_scorer):
    """A model that drops the planted errors, and whether it replaces them by other rows."""
    dropping = MislabelFilter(witness_scorer, threshold=0.5, criterion="score", random_state=0)
    if request.param == "pipeline":
        return make_pipeline(dropping, witness)
    if request.param == "filtered":
        return FilteredClassifier(dropping, witness)
    if request.param == "pipeline in filtered":
        return FilteredClassifier(dropping, make_pipeline(witness))
    return make_imblearn_pipeline(MislabelSampler(**dropping.get_params(deep=False)), witness)


def threshold_of(model) -> str:
    return next(name for name in model.get_params() if name.endswith("threshold"))


def note_accuracy(scored):
    """A scoring function that writes down which rows and labels it is shown."""

    def accuracy(model, X, y):
        scored.append(((X[:, -1] * 1e6).round().astype(int), np.asarray(y)))
        return model.score(X, y)

    return accuracy


def by_training(shown):
    """Calls of each training: scorer (unless its fit is served from a cache), fit, predict."""
    trainings = []
    for call in shown:
        if call[0] == "score" or (call[0] == "fit" and trainings[-1][-1][0] != "score"):
            trainings.append([])
        trainings[-1].append(call)
    return trainings


def check_fold(calls, planted, train, test):
    """What one training and its predictions saw."""
    _, y, wrong = planted
    # The scorer: the training part, all of it, with its labels as observed.
    for _, rows, labels in [call for call in calls if call[0] == "score"]:
        assert_array_equal(rows, train)
        assert_array_equal(labels, y[train])
    # The model: rows of the training part that are no error, with the labels that they have.
    ((_, rows, labels),) = [call for call in calls if call[0] == "fit"]
    assert set(rows) == set(train[~wrong[train]])
    assert not set(rows) & set(test)
    assert_array_equal(labels, y[rows])
    # The predictions: the held-out part, all of it, errors among it.
    ((_, rows, _),) = [call for call in calls if call[0] == "predict"]
    assert_array_equal(rows, test)
    assert wrong[test].any()


def test_cross_validate(model, planted, shown):
    X, y, _ = planted
    scored = []
    cross_validate(model, X, y, cv=CV, scoring=note_accuracy(scored), error_score="raise")
    folds = list(CV.split(X, y))
    assert len(by_training(shown)) == len(scored) == 3
    for calls, (train, test), (rows, labels) in zip(by_training(shown), folds, scored, strict=True):
        check_fold(calls, planted, train, test)
        assert_array_equal(rows, test)
        assert_array_equal(labels, y[test])


def test_score_is_that_of_the_labels_as_observed(model, planted, shown):
    # The majority of a fold, taken without errors, over all held-out labels, errors among them.
    X, y, _ = planted
    scores = cross_validate(model, X, y, cv=CV)["test_score"]
    for score, calls, (_, test) in zip(scores, by_training(shown), CV.split(X, y), strict=True):
        labels, counts = np.unique(calls[1][2], return_counts=True)
        assert score == np.mean(y[test] == labels[counts.argmax()])


def test_train_scores_are_of_all_training_rows(model, planted, shown):
    # Not of the kept ones: they are the labels that the model was to be trained on.
    X, y, _ = planted
    scored = []
    cross_validate(model, X, y, cv=CV, scoring=note_accuracy(scored), return_train_score=True)
    for i, (train, test) in enumerate(CV.split(X, y)):
        for (rows, labels), expected in zip(scored[2 * i : 2 * i + 2], (test, train), strict=True):
            assert_array_equal(rows, expected)
            assert_array_equal(labels, y[expected])


def test_cross_val_predict(model, planted, shown):
    X, y, _ = planted
    assert len(cross_val_predict(model, X, y, cv=CV)) == N_ROWS
    for calls, (train, test) in zip(by_training(shown), CV.split(X, y), strict=True):
        check_fold(calls, planted, train, test)


def test_grid(model, planted, shown):
    X, y, wrong = planted
    scored = []
    search = GridSearchCV(
        model,
        {threshold_of(model): [0.5, 0.7]},
        cv=CV,
        scoring=note_accuracy(scored),
        error_score="raise",
    ).fit(X, y)
    folds = [*list(CV.split(X, y)) * 2, (np.arange(N_ROWS), None)]
    assert len(by_training(shown)) == 7
    assert len(scored) == 6
    for calls, (train, test) in zip(by_training(shown)[:6], folds, strict=False):
        check_fold(calls, planted, train, test)
    for (rows, labels), (_, test) in zip(scored, folds, strict=False):
        assert_array_equal(rows, test)
        assert_array_equal(labels, y[test])
    # The last training is that of the best model, on all rows.
    (_, rows_scored, _), (_, rows_fitted, _) = by_training(shown)[-1]
    assert_array_equal(rows_scored, np.arange(N_ROWS))
    assert set(rows_fitted) == set(np.flatnonzero(~wrong))
    assert search.best_index_ in (0, 1)


def test_arrays_of_the_caller_are_left_alone(model, planted):
    X, y, _ = planted
    X_before, y_before = X.copy(), y.copy()
    cross_validate(model, X, y, cv=CV)
    assert_array_equal(X, X_before)
    assert_array_equal(y, y_before)


def by_training_without_scorer(shown):
    """Pairs of the calls to fit and predict."""
    assert [method for method, _, _ in shown] == ["fit", "predict"] * (len(shown) // 2)
    return list(zip(shown[::2], shown[1::2], strict=True))


class TestOtherActions:
    """Labels of the training part are mended, or its rows weighed; nothing else is."""

    @pytest.fixture(params=["filtered", "imbalanced-learn"])
    def relabelling(self, request, scorer, witness):
        mending = {"threshold": 0.8, "action": "relabel", "random_state": 0}
        if request.param == "filtered":
            return FilteredClassifier(MislabelFilter(scorer, **mending), witness)
        return make_imblearn_pipeline(MislabelSampler(scorer, **mending), witness)

    def test_relabel(self, relabelling, cancer, shown):
        X = np.column_stack([cancer.X, np.arange(569) / 1e6])
        scored, mended, right = [], 0, 0
        cross_validate(
            relabelling, X, cancer.y, cv=CV, scoring=note_accuracy(scored), error_score="raise"
        )
        for calls, (rows, labels), (train, test) in zip(
            by_training_without_scorer(shown), scored, CV.split(X, cancer.y), strict=True
        ):
            (_, fitted, given), (_, predicted, _) = calls
            assert_array_equal(fitted, train)
            changed = given != cancer.y[train]
            mended += changed.sum()
            right += (changed & cancer.wrong[train]).sum()
            assert_array_equal(predicted, test)
            assert_array_equal(rows, test)
            assert_array_equal(labels, cancer.y[test])
        # Of the changed labels one in ten would have been wrong by chance.
        assert mended > 10
        assert right > mended / 3

    def test_relabel_in_a_grid(self, relabelling, cancer, shown):
        X = np.column_stack([cancer.X, np.arange(569) / 1e6])
        y = cancer.y.copy()
        scored = []
        GridSearchCV(
            relabelling,
            {threshold_of(relabelling): [0.8, 0.9]},
            cv=CV,
            scoring=note_accuracy(scored),
        ).fit(X, y)
        assert_array_equal(y, cancer.y)
        for (rows, labels), (_, test) in zip(scored, [*CV.split(X, y)] * 2, strict=True):
            assert_array_equal(rows, test)
            assert_array_equal(labels, cancer.y[test])

    def test_weight(self, scorer, witness, cancer, shown):
        X = np.column_stack([cancer.X, np.arange(569) / 1e6])
        weighing = MislabelFilter(scorer, action="weight", random_state=0)
        scored = []
        results = cross_validate(
            FilteredClassifier(weighing, witness),
            X,
            cancer.y,
            cv=CV,
            scoring=note_accuracy(scored),
            return_estimator=True,
            error_score="raise",
        )
        for model, calls, (rows, labels), (train, test) in zip(
            results["estimator"],
            by_training_without_scorer(shown),
            scored,
            CV.split(X, cancer.y),
            strict=True,
        ):
            (_, fitted, given), (_, predicted, _) = calls
            assert_array_equal(fitted, train)
            assert_array_equal(given, cancer.y[train])
            weights = model.estimator_.weights_
            assert weights.shape == train.shape
            assert weights[cancer.wrong[train]].mean() < weights[~cancer.wrong[train]].mean()
            assert_array_equal(predicted, test)
            assert_array_equal(rows, test)
            assert_array_equal(labels, cancer.y[test])
