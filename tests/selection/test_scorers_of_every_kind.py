"""Filters around scorers of learners that take rows as they are, of groups, and of frozen ones."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_difficulty import (
    DifficultyScorer,
    FilteredClassifier,
    MislabelFilter,
    MislabelSampler,
)


@pytest.fixture
def data():
    return load_iris(return_X_y=True)


@pytest.fixture
def holes(data):
    X, y = data
    X = X.copy()
    X[::7, 0] = np.nan
    return X, y


def boosting():
    return HistGradientBoostingClassifier(max_iter=5)


@pytest.mark.parametrize(
    "learner",
    [
        boosting(),
        make_pipeline(SimpleImputer(), boosting()),
        make_pipeline(SimpleImputer(), SGDClassifier(max_iter=5, tol=None)),
        GridSearchCV(boosting(), {"max_depth": [2, 3]}, cv=2),
        OneVsRestClassifier(boosting()),
        RandomForestClassifier(40),
    ],
    ids=lambda learner: type(learner).__name__,
)
def test_missing_values_go_where_the_learner_takes_them(learner, holes):
    X, y = holes
    scorer = DifficultyScorer(learner, random_state=0)
    pipe = make_pipeline(MislabelFilter(scorer, threshold=0.9, random_state=0), boosting())
    assert pipe.fit(X, y).score(X, y) > 0.9
    assert FilteredClassifier(pipe[0], boosting()).fit(X, y).score(X, y) > 0.9


def test_frames_with_text_and_missing_values(data):
    X, y = data
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["kind"] = np.where(X[:, 0] > 6, "tall", "short")
    frame.loc[::9, "kind"] = None
    columns = make_column_transformer((OneHotEncoder(), ["kind"]), remainder="passthrough")
    model = make_pipeline(columns, LogisticRegression(max_iter=2000))
    scorer = DifficultyScorer(make_pipeline(columns, boosting()), random_state=0)
    pipe = make_pipeline(MislabelFilter(scorer, threshold=0.9, random_state=0), model)
    assert cross_val_score(pipe, frame, y, cv=3, error_score="raise").min() > 0.8


@pytest.fixture
def frozen(data):
    X, y = data
    scorer = DifficultyScorer(SGDClassifier(max_iter=5, tol=None), random_state=0).fit(X, y)
    return FrozenEstimator(DifficultyScorer.from_trajectory(scorer.trajectory_, X))


def test_a_frozen_scorer_looks_rows_up(data, frozen):
    X, y = data
    order = np.random.default_rng(0).permutation(150)
    expected = frozen.estimator.difficulty(X, y)
    selected = MislabelFilter(frozen, threshold=0.9).fit(X[order], y[order])
    assert_array_equal(selected.difficulty_, expected[order])
    some = MislabelFilter(frozen, threshold=0.9).fit(X[20:120], y[20:120])
    assert_array_equal(some.difficulty_, expected[20:120])
    assert (
        cross_val_score(
            make_pipeline(MislabelFilter(frozen, threshold=0.9), LogisticRegression(max_iter=500)),
            X,
            y,
            cv=3,
        ).min()
        > 0.8
    )


def test_a_frozen_scorer_does_not_know_other_rows(data, frozen):
    X, y = data
    with pytest.raises(ValueError, match="has no model"):
        MislabelFilter(frozen, threshold=0.9).fit(X + 0.5, y)
    with pytest.raises(ValueError, match="has no model"):
        MislabelFilter(frozen, threshold=0.9).fit(X, np.roll(y, 1))


def test_a_frozen_scorer_of_a_regression_has_no_classes(data):
    X, _ = data
    y = X[:, 0].round()  # which look like classes
    scorer = DifficultyScorer(SGDRegressor(random_state=0), random_state=0).fit(X, y)
    rows = MislabelFilter(FrozenEstimator(scorer), threshold=0.9)
    assert not hasattr(rows.fit(X, y), "classes_")
    with pytest.raises(ValueError, match="targets of a regression have none"):
        rows.fit_transform(X, y)


def test_a_scorer_of_a_trajectory_looks_rows_with_missing_values_up(holes, frozen):
    X, y = holes
    scorer = DifficultyScorer.from_trajectory(frozen.estimator.trajectory_, X)
    rows = MislabelFilter(FrozenEstimator(scorer), threshold=0.9).fit(X, y)
    assert_array_equal(rows.difficulty_, scorer.difficulty_)
    assert_array_equal(rows.transform(X), X)


def test_a_scorer_of_a_trajectory_is_not_trained_by_mistake(data, frozen):
    X, y = data
    with pytest.raises(TypeError, match=r"has nothing to train.*FrozenEstimator"):
        MislabelFilter(frozen.estimator, threshold=0.9).fit(X, y)


def test_groups(data):
    X, y = data
    groups = np.arange(150) // 5
    scorer = DifficultyScorer(SGDClassifier(max_iter=5, tol=None), cv=GroupKFold(3), random_state=0)
    expected = scorer.fit(X, y, groups=groups).difficulty_
    rows = MislabelFilter(scorer, threshold=0.9)
    assert_array_equal(rows.fit(X, y, groups=groups).difficulty_, expected)
    pipe = make_pipeline(rows, LogisticRegression(max_iter=500))
    pipe.fit(X, y, mislabelfilter__groups=groups)
    assert_array_equal(pipe[0].difficulty_, expected)
    sampler = MislabelSampler(scorer, threshold=0.9)
    assert len(sampler.fit_resample(X, y, groups=groups)[0]) == 135
    with pytest.raises(ValueError, match="pass groups="):
        rows.fit(X, y)


def test_groups_are_routed(data):
    X, y = data
    groups = np.arange(150) // 5
    scorer = DifficultyScorer(SGDClassifier(max_iter=5, tol=None), cv=GroupKFold(3), random_state=0)
    expected = scorer.fit(X, y, groups=groups).difficulty_
    with config_context(enable_metadata_routing=True):
        rows = MislabelFilter(scorer, threshold=0.9).set_fit_request(groups=True)
        model = LogisticRegression(max_iter=500)
        pipe = make_pipeline(rows, model).fit(X, y, groups=groups)
        filtered = FilteredClassifier(rows, model).fit(X, y, groups=groups)
    assert_array_equal(pipe[0].difficulty_, expected)
    assert_array_equal(filtered.filter_.difficulty_, expected)
