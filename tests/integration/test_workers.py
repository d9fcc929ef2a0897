"""Processes and threads of joblib give what one process gives."""

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline

from sklearn_difficulty import DifficultyScorer, FilteredClassifier, MislabelFilter


def pipeline(rows):
    return make_pipeline(rows, LogisticRegression())


def filtered(rows):
    return FilteredClassifier(rows, LogisticRegression())


def search(rows, n_jobs):
    return GridSearchCV(
        pipeline(rows), {"mislabelfilter__threshold": [0.8, 0.9]}, cv=2, n_jobs=n_jobs
    )


MODELS = {
    "search": search,
    "stacking": lambda rows, n_jobs: StackingClassifier(
        [("a", pipeline(rows)), ("b", filtered(rows))], cv=2, n_jobs=n_jobs
    ),
    "voting": lambda rows, n_jobs: VotingClassifier(
        [("a", pipeline(rows)), ("b", filtered(rows))], voting="soft", n_jobs=n_jobs
    ),
    "runs of the scorer": lambda rows, n_jobs: pipeline(
        rows.set_params(scorer__n_runs=2, scorer__n_jobs=n_jobs)
    ),
    "search of models with workers": lambda rows, n_jobs: search(
        rows.set_params(scorer__n_runs=2, scorer__n_jobs=n_jobs), n_jobs
    ),
}


@pytest.mark.parametrize("backend", ["loky", "threading"])
@pytest.mark.parametrize("kind", MODELS)
def test_same_as_in_one_process(kind, backend, row_filter, iris):
    expected = MODELS[kind](row_filter, None).fit(iris.X, iris.y).predict_proba(iris.X)
    with joblib.parallel_config(backend):
        model = MODELS[kind](row_filter, 2).fit(iris.X, iris.y)
    assert_array_equal(model.predict_proba(iris.X), expected)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_nets(backend, net, iris):
    X, y = iris.X.astype(np.float32), iris.y.astype(np.int64)
    rows = MislabelFilter(DifficultyScorer(net, random_state=0), threshold=0.9, random_state=0)
    expected = cross_val_predict(pipeline(rows), X, y, cv=2)
    with joblib.parallel_config(backend):
        assert_array_equal(cross_val_predict(pipeline(rows), X, y, cv=2, n_jobs=2), expected)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_one_memory_for_all_workers(backend, row_filter, iris, tmp_path):
    expected = search(row_filter, None).fit(iris.X, iris.y)
    row_filter.set_params(memory=str(tmp_path))
    for _ in range(2):  # the second finds everything there
        with joblib.parallel_config(backend):
            model = search(row_filter, 2).fit(iris.X, iris.y)
        assert_array_equal(
            model.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
        )


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_errors_come_back(backend, row_filter, iris):
    rows = row_filter.set_params(scorer__score="no such score")
    model = search(rows, 2).set_params(error_score="raise")
    with joblib.parallel_config(backend), pytest.raises(ValueError, match="no such score"):
        model.fit(iris.X, iris.y)
