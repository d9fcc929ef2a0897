"""Searches set everything down to the layers of the net that a filter's scorer trains."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.stats import uniform
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    cross_validate,
)
from sklearn.pipeline import make_pipeline

from sklearn_difficulty import DifficultyScorer, FilteredClassifier, MislabelFilter

FILTER = {
    "threshold": [0.8, 0.9],
    "criterion": ["quantile", "score", "zscore"],
    "scorer__score": ["action", "aum"],
    "scorer__n_runs": [1, 2],
    "scorer__estimator__lr": [0.01, 0.1],
    "scorer__estimator__module__hidden": [2, 8],
}
# What is a threshold depends on the criterion.
THRESHOLD = {"quantile": 0.9, "score": 5.0, "zscore": 2.0}
# How each parameter shows in the fitted filter.
FITTED = {
    "threshold": lambda f: f.threshold,
    "criterion": lambda f: f.criterion,
    "scorer__score": lambda f: f.scorer_.get_params()["score"],
    "scorer__n_runs": lambda f: len(f.scorer_.estimators_),
    "scorer__estimator__lr": lambda f: f.scorer_.estimators_[0].lr,
    "scorer__estimator__module__hidden": lambda f: (
        f.scorer_.estimators_[0].module_.layers[0].out_features
    ),
}


@pytest.fixture
def net_filter(net) -> MislabelFilter:
    """A filter whose scorer trains a net of two epochs."""
    # The hidden layer is no parameter of the net unless it is given.
    net.set_params(module__hidden=4)
    return MislabelFilter(DifficultyScorer(net, random_state=0), threshold=0.9, random_state=0)


@pytest.fixture(params=["pipeline", "filtered"])
def model(request, net_filter):
    """A model with the filter in it, and the prefix of the filter's parameters."""
    if request.param == "pipeline":
        return make_pipeline(net_filter, LogisticRegression()), "mislabelfilter__"
    return FilteredClassifier(net_filter, LogisticRegression()), "filter__"


def filter_of(fitted):
    return fitted.filter_ if isinstance(fitted, FilteredClassifier) else fitted[0]


def as_float32(noisy):
    return noisy.X.astype(np.float32), noisy.y.astype(np.int64)


@pytest.mark.parametrize("name", FILTER)
def test_grid_over_one_parameter(name, model, iris):
    X, y = as_float32(iris)
    estimator, prefix = model
    grid: dict | list = {prefix + name: FILTER[name]}
    if name == "criterion":
        grid = [
            {prefix + name: [value], f"{prefix}threshold": [THRESHOLD[value]]}
            for value in FILTER[name]
        ]
    search = GridSearchCV(estimator, grid, cv=2, error_score="raise")
    search.fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert FITTED[name](filter_of(search.best_estimator_)) == search.best_params_[prefix + name]


@pytest.mark.parametrize("name", FILTER)
def test_every_value_reaches_the_training(name, model, iris):
    X, y = as_float32(iris)
    estimator, prefix = model
    for value in FILTER[name]:
        if name == "criterion":
            estimator.set_params(**{f"{prefix}threshold": THRESHOLD[value]})
        fitted = estimator.set_params(**{prefix + name: value}).fit(X, y)
        assert FITTED[name](filter_of(fitted)) == value


def test_grid_over_all_at_once(model, iris):
    X, y = as_float32(iris)
    estimator, prefix = model
    grid = {prefix + name: values[-1:] for name, values in FILTER.items()}
    grid[f"{prefix}threshold"] = [1.0, 2.0]
    search = GridSearchCV(estimator, grid, cv=2, error_score="raise").fit(X, y)
    fitted = filter_of(search.best_estimator_)
    for name, values in FILTER.items():
        if name != "threshold":
            assert FITTED[name](fitted) == values[-1]
    assert fitted.threshold in (1.0, 2.0)


@pytest.mark.parametrize("halving", [HalvingGridSearchCV, HalvingRandomSearchCV])
def test_halving(halving, model, iris):
    X, y = as_float32(iris)
    estimator, prefix = model
    grid = {
        f"{prefix}threshold": [0.8, 0.9],
        f"{prefix}scorer__score": ["action", "aum"],
        f"{prefix}scorer__n_runs": [1, 2],
        f"{prefix}scorer__estimator__lr": [0.01, 0.1],
        f"{prefix}scorer__estimator__module__hidden": [8],
    }
    options = {"cv": 2, "factor": 4, "min_resources": 30, "random_state": 0}
    if halving is HalvingRandomSearchCV:
        options["n_candidates"] = 4
    search = halving(estimator, grid, error_score="raise", **options).fit(X, y)
    assert search.n_iterations_ > 1
    assert search.n_resources_[0] == 30
    fitted = filter_of(search.best_estimator_)
    assert len(fitted.support_) == 150
    for name in grid:
        assert FITTED[name.removeprefix(prefix)](fitted) == search.best_params_[name]


def test_halving_by_epochs(model, iris):
    # What is halved may be the length of the scorer's training as well.
    X, y = as_float32(iris)
    estimator, prefix = model
    search = HalvingGridSearchCV(
        estimator,
        {f"{prefix}threshold": [0.7, 0.9]},
        resource=f"{prefix}scorer__estimator__max_epochs",
        max_resources=2,
        min_resources=1,
        factor=2,
        cv=2,
        error_score="raise",
    ).fit(X, y)
    assert search.n_resources_ == [1, 2]
    (trained,) = filter_of(search.best_estimator_).scorer_.estimators_
    assert len(trained.history) == 2


def test_randomized(model, iris):
    X, y = as_float32(iris)
    estimator, prefix = model
    search = RandomizedSearchCV(
        estimator,
        {f"{prefix}threshold": uniform(0.6, 0.4), f"{prefix}scorer__score": ["action", "aum"]},
        n_iter=4,
        cv=2,
        random_state=0,
        error_score="raise",
    ).fit(X, y)
    thresholds = search.cv_results_[f"param_{prefix}threshold"]
    assert len(set(thresholds)) == 4
    assert ((thresholds >= 0.6) & (thresholds <= 1)).all()
    assert filter_of(search.best_estimator_).threshold == search.best_params_[f"{prefix}threshold"]


def test_search_in_cross_validation_is_repeatable(model, iris):
    X, y = as_float32(iris)
    estimator, prefix = model
    search = GridSearchCV(
        estimator, {f"{prefix}threshold": [0.8, 0.9], f"{prefix}scorer__score": ["aum"]}, cv=2
    )
    scores = cross_validate(search, X, y, cv=2, return_train_score=True)
    again = cross_validate(search, X, y, cv=2, return_train_score=True)
    for key in ("train_score", "test_score"):
        assert_array_equal(scores[key], again[key])


def test_a_value_that_does_not_fit_is_told_by_its_name(model, iris):
    X, y = as_float32(iris)
    estimator, prefix = model
    with pytest.raises(ValueError, match="Invalid parameter 'tresh' for estimator MislabelFilter"):
        GridSearchCV(estimator, {f"{prefix}tresh": [0.9]}).fit(X, y)
    search = GridSearchCV(estimator, {f"{prefix}threshold": [1.5]}, error_score="raise")
    with pytest.raises(ValueError, match=r"threshold must be 'auto' or a number in \(0, 1\]"):
        search.fit(X, y)
