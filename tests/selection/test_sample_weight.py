"""Weights of rows reach whatever is trained, or are refused before anything is."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_difficulty import (
    FilteredClassifier,
    FilteredRegressor,
    MislabelFilter,
    TrackedNetClassifier,
)
from sklearn_difficulty.selection._sample_weight import combined_weights, weight_parameter


def requesting(estimator, name=True):
    return estimator.set_fit_request(sample_weight=name)


class TestWithoutRouting:
    @pytest.mark.parametrize(
        ("estimator", "name"),
        [
            (SVC(), "sample_weight"),
            (HistGradientBoostingClassifier(), "sample_weight"),
            (BaggingClassifier(LogisticRegression()), "sample_weight"),
            (make_pipeline(StandardScaler(), SVC()), "svc__sample_weight"),
            (make_pipeline(make_pipeline(SVC())), "pipeline__svc__sample_weight"),
            (GridSearchCV(SVC(), {}), "sample_weight"),
            (GridSearchCV(make_pipeline(SVC()), {}), "svc__sample_weight"),
            (make_pipeline(GridSearchCV(SVC(), {})), "gridsearchcv__sample_weight"),
            (FilteredClassifier(None, SVC()), "sample_weight"),
            (FilteredClassifier(), "sample_weight"),
        ],
    )
    def test_name(self, estimator, name):
        assert weight_parameter(estimator) == name

    @pytest.mark.parametrize(
        ("estimator", "who"),
        [
            (KNeighborsClassifier(), "KNeighborsClassifier"),
            (make_pipeline(StandardScaler(), KNeighborsClassifier()), "KNeighborsClassifier"),
            (GridSearchCV(KNeighborsClassifier(), {}), "KNeighborsClassifier"),
            (TrackedNetClassifier(), "TrackedNetClassifier"),
            (make_pipeline(StandardScaler(), TrackedNetClassifier()), "TrackedNetClassifier"),
            (make_pipeline(StandardScaler(), "passthrough"), "'passthrough'"),
        ],
    )
    def test_takes_none(self, estimator, who, data, make_scorer, count_fits):
        log, count = count_fits
        message = f"that of {who} does not: use action='drop' or action='relabel'"
        with pytest.raises(TypeError, match=message):
            weight_parameter(estimator)
        model = FilteredClassifier(MislabelFilter(make_scorer(log=log), action="weight"), estimator)
        with pytest.raises(TypeError, match=message):
            model.fit(*data)
        assert count() == 0
        assert not hasattr(model, "filter_")

    def test_regressor_that_takes_none(self, data, make_scorer):
        model = FilteredRegressor(
            MislabelFilter(make_scorer(), action="weight"), KNeighborsRegressor()
        )
        with pytest.raises(TypeError, match="KNeighborsRegressor"):
            model.fit(*data)

    def test_last_step_of_a_pipeline(self, planted, path_scorer):
        X, y, _ = planted
        pipe = make_pipeline(StandardScaler(), LogisticRegression())
        model = FilteredClassifier(MislabelFilter(path_scorer, action="weight"), pipe)
        given = np.linspace(1, 2, 120)
        model.fit(X, y, logisticregression__sample_weight=given)
        weights = given * (1 - model.filter_.mislabeled_proba_)
        by_hand = pipe.fit(X, y, logisticregression__sample_weight=weights)
        assert_array_equal(model.estimator_[-1].coef_, by_hand[-1].coef_)

    def test_forest_in_a_search(self, planted, path_scorer):
        X, y, truth = planted
        search = GridSearchCV(RandomForestClassifier(10, random_state=0), {"max_depth": [1, 4]})
        model = FilteredClassifier(MislabelFilter(path_scorer, action="weight"), search)
        assert model.fit(X, y).score(X, truth) > 0.95


class TestWithRouting:
    @pytest.fixture(autouse=True)
    def routing(self):
        with config_context(enable_metadata_routing=True):
            yield

    def test_estimator_itself_needs_no_request(self, planted, path_scorer):
        X, y, _ = planted
        model = FilteredClassifier(MislabelFilter(path_scorer, action="weight")).fit(X, y)
        weights = 1 - model.filter_.mislabeled_proba_
        by_hand = LogisticRegression(max_iter=1000).fit(X, y, sample_weight=weights)
        assert_array_equal(model.estimator_.coef_, by_hand.coef_)

    @pytest.mark.parametrize("alias", ["sample_weight", "weights"])
    def test_times_what_is_requested(self, alias, planted, path_scorer):
        X, y, _ = planted
        learner = requesting(LogisticRegression(), alias)
        model = FilteredClassifier(MislabelFilter(path_scorer, action="weight"), learner)
        given = np.linspace(1, 2, 120)
        model.fit(X, y, **{alias: given})
        weights = given * (1 - model.filter_.mislabeled_proba_)
        by_hand = LogisticRegression().fit(X, y, sample_weight=weights)
        assert_array_equal(model.estimator_.coef_, by_hand.coef_)

    def test_steps_that_request_them(self, planted, path_scorer):
        X, y, _ = planted
        pipe = make_pipeline(requesting(StandardScaler(), False), requesting(LogisticRegression()))
        model = FilteredClassifier(MislabelFilter(path_scorer, action="weight"), pipe)
        given = np.linspace(1, 2, 120)
        model.fit(X, y, sample_weight=given)
        by_hand = make_pipeline(StandardScaler(), LogisticRegression())
        with config_context(enable_metadata_routing=False):
            weights = given * (1 - model.filter_.mislabeled_proba_)
            by_hand.fit(X, y, logisticregression__sample_weight=weights)
        assert_array_equal(model.estimator_[-1].coef_, by_hand[-1].coef_)

    @pytest.mark.parametrize(
        "passing_on",
        [
            lambda: make_pipeline(LogisticRegression()),
            lambda: make_pipeline(requesting(LogisticRegression(), "weights")),
            lambda: GridSearchCV(LogisticRegression(), {}),
            lambda: OneVsRestClassifier(LogisticRegression()),
        ],
    )
    def test_nobody_requests_them(self, passing_on, data, make_scorer, count_fits):
        log, count = count_fits
        rows = MislabelFilter(make_scorer(log=log), action="weight")
        with pytest.raises(TypeError, match=r"no step requests it.*set_fit_request"):
            FilteredClassifier(rows, passing_on()).fit(*data)
        assert count() == 0

    def test_somebody_has_not_said(self, data, make_scorer, count_fits):
        log, count = count_fits
        rows = MislabelFilter(make_scorer(log=log), action="weight")
        pipe = make_pipeline(StandardScaler(), requesting(LogisticRegression()))
        with pytest.raises(UnsetMetadataPassedError, match="StandardScaler"):
            FilteredClassifier(rows, pipe).fit(*data)
        assert count() == 0

    def test_one_vs_rest(self, planted, path_scorer):
        X, y, truth = planted
        learner = OneVsRestClassifier(requesting(LogisticRegression()))
        model = FilteredClassifier(MislabelFilter(path_scorer, action="weight"), learner)
        assert model.fit(X, y).score(X, truth) == 1

    @pytest.mark.parametrize("estimator", [KNeighborsClassifier(), TrackedNetClassifier()])
    def test_takes_none(self, estimator):
        with pytest.raises(TypeError, match="needs an estimator whose fit takes sample_weight"):
            weight_parameter(estimator)


def test_regressor(data, make_scorer):
    X, _ = data
    y = X @ [1.0, 2.0, 3.0]
    given = np.linspace(1, 2, 100)
    model = FilteredRegressor(MislabelFilter(make_scorer(), action="weight"))
    model.fit(X, y, sample_weight=given)
    assert_allclose(model.estimator_.coef_, Ridge().fit(X, y, sample_weight=given).coef_)


@pytest.mark.parametrize("given", [[1.0, 2.0], [1.0, np.nan, 1.0], [[1.0], [1.0], [1.0]]])
def test_weights_that_are_none(given):
    with pytest.raises(ValueError, match="svc__sample_weight must"):
        combined_weights(given, np.ones(3), "svc__sample_weight")
