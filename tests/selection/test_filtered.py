"""FilteredClassifier and FilteredRegressor train on the kept rows and nothing else."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier, is_regressor
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, StratifiedKFold, check_cv, cross_val_score
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import check_estimator

from sklearn_difficulty import (
    DifficultyScorer,
    FilteredClassifier,
    FilteredRegressor,
    MislabelFilter,
    TrackedNetClassifier,
    TrackedNetRegressor,
)


class Spy(ClassifierMixin, BaseEstimator):
    """Keeps what fit received."""

    def fit(self, X, y, sample_weight=None, groups=None, note=None):
        self.received_ = {"X": X, "y": y, "sample_weight": sample_weight}
        self.received_ |= {"groups": groups, "note": note}
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def score(self, X, y, sample_weight=None):
        return 0.0 if sample_weight is None else float(np.sum(sample_weight))


@pytest.fixture
def dropping(make_scorer) -> MislabelFilter:
    """A filter that keeps the rows whose first number is below 90."""
    return MislabelFilter(make_scorer(), threshold=0.9)


@pytest.mark.parametrize("make", [lambda f: FilteredClassifier(f), lambda f: FilteredRegressor(f)])
def test_scikit_learn_checks(make, make_scorer):
    dropping = MislabelFilter(make_scorer(), threshold=3.0, criterion="zscore")
    check_estimator(make(dropping), on_skip=None)


class TestClassifier:
    def test_bit_identical_to_fitting_by_hand(self, data, dropping):
        X, y = data
        kept = X[:, 0] < 90
        by_hand = LogisticRegression(max_iter=1000).fit(X[kept], y[kept])
        model = FilteredClassifier(dropping, LogisticRegression(max_iter=1000)).fit(X, y)
        np.testing.assert_array_equal(model.estimator_.coef_, by_hand.coef_)
        np.testing.assert_array_equal(model.estimator_.intercept_, by_hand.intercept_)
        for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
            np.testing.assert_array_equal(getattr(model, method)(X), getattr(by_hand, method)(X))
        assert model.score(X, y) == by_hand.score(X, y)

    def test_fitted_attributes(self, data, dropping):
        X, y = data
        frame = pd.DataFrame(X, columns=["a", "b", "c"])
        model = FilteredClassifier(dropping).fit(frame, np.array(["no", "yes"])[y])
        assert model.classes_.tolist() == ["no", "yes"]
        assert model.n_features_in_ == 3
        assert model.feature_names_in_.tolist() == ["a", "b", "c"]
        assert model.filter_.support_.sum() == 90
        assert isinstance(model.estimator_, LogisticRegression)
        assert model.filter is dropping
        assert not hasattr(dropping, "support_")

    def test_default_filter(self, digits):
        X, y = digits
        model = FilteredClassifier(estimator=LogisticRegression(max_iter=1000))
        model.fit(X[:200], y[:200])
        assert isinstance(model.filter_, MislabelFilter)
        assert isinstance(model.filter_.scorer_, DifficultyScorer)

    def test_whole_pipeline_is_fitted_on_kept_rows(self, data, dropping):
        X, y = data
        pipe = make_pipeline(StandardScaler(), LogisticRegression())
        model = FilteredClassifier(dropping, pipe).fit(X, y)
        # The mean of 0 to 89.
        assert model.estimator_[0].mean_[0] == pytest.approx(44.5)

    @pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csr_array])
    def test_sparse(self, data, dropping, kind):
        X, y = data
        model = FilteredClassifier(dropping, Spy()).fit(kind(X), y)
        assert type(model.estimator_.received_["X"]) is kind
        assert model.estimator_.received_["X"].shape == (90, 3)

    def test_frames_and_images(self, data, dropping):
        X, y = data
        frame, series = pd.DataFrame(X, index=np.arange(100) + 5), pd.Series(y, index=range(100))
        received = FilteredClassifier(dropping, Spy()).fit(frame, series).estimator_.received_
        pd.testing.assert_frame_equal(received["X"], frame[X[:, 0] < 90])
        pd.testing.assert_series_equal(received["y"], series[X[:, 0] < 90])
        images = np.tile(X[:, 0, None, None, None], (1, 2, 4, 5))
        received = FilteredClassifier(dropping, Spy()).fit(images, y).estimator_.received_
        assert received["X"].shape == (90, 2, 4, 5)

    def test_pickle_and_clone(self, data, dropping):
        X, y = data
        model = FilteredClassifier(dropping).fit(X, y)
        np.testing.assert_array_equal(
            pickle.loads(pickle.dumps(model)).predict(X), model.predict(X)
        )
        assert not hasattr(clone(model), "estimator_")

    def test_a_class_must_not_vanish(self, make_scorer):
        X, y = np.arange(10.0)[:, None], np.arange(10) // 5
        model = FilteredClassifier(MislabelFilter(make_scorer(), threshold=0.5))
        with pytest.raises(ValueError, match="no row of class 1 would be kept"):
            model.fit(X, y)
        with pytest.raises(NotFittedError):
            model.predict(X)


class TestTags:
    def test_type_of_estimator(self, dropping):
        assert is_classifier(FilteredClassifier(dropping))
        assert is_classifier(FilteredClassifier(dropping, make_pipeline(LogisticRegression())))
        assert is_classifier(make_pipeline(StandardScaler(), FilteredClassifier(dropping)))
        assert is_regressor(FilteredRegressor(dropping))
        assert isinstance(
            check_cv(3, [0, 1] * 9, classifier=is_classifier(FilteredClassifier())),
            StratifiedKFold,
        )

    def test_stratified_cross_validation(self, dropping, data):
        # Sorted labels: without stratification, folds would lack classes.
        X, y = data
        order = np.argsort(y, kind="stable")
        scores = cross_val_score(
            FilteredClassifier(dropping), X[order], y[order], cv=2, scoring="roc_auc"
        )
        assert np.isfinite(scores).all()

    def test_methods_follow_the_estimator(self, dropping):
        assert hasattr(FilteredClassifier(dropping, LogisticRegression()), "predict_proba")
        assert not hasattr(FilteredClassifier(dropping, LinearSVC()), "predict_proba")
        assert hasattr(FilteredClassifier(dropping, LinearSVC()), "decision_function")
        assert not hasattr(FilteredClassifier(dropping, LinearSVC()), "transform")
        assert not hasattr(FilteredRegressor(dropping), "predict_proba")

    def test_transform_and_score_samples(self, data, dropping):
        X, y = data
        kept = X[:, 0] < 90
        model = FilteredClassifier(dropping, LinearDiscriminantAnalysis()).fit(X, y)
        by_hand = LinearDiscriminantAnalysis().fit(X[kept], y[kept])
        np.testing.assert_array_equal(model.transform(X), by_hand.transform(X))
        density = FilteredRegressor(dropping, KernelDensity()).fit(X, y)
        np.testing.assert_array_equal(
            density.score_samples(X), KernelDensity().fit(X[kept]).score_samples(X)
        )


class TestModelSelection:
    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_cross_validation(self, data, dropping, n_jobs):
        X, y = data
        model = make_pipeline(StandardScaler(), FilteredClassifier(dropping))
        scores = cross_val_score(model, X, y, n_jobs=n_jobs)
        np.testing.assert_array_equal(scores, cross_val_score(model, X, y))

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_grid(self, data, dropping, n_jobs):
        X, y = data
        grid = GridSearchCV(
            FilteredClassifier(dropping, LogisticRegression(max_iter=1000)),
            {"filter__threshold": [0.7, 1.0], "filter__scorer__sign": [1, -1], "estimator__C": [1]},
            cv=2,
            n_jobs=n_jobs,
        ).fit(X, y)
        assert len(grid.cv_results_["params"]) == 4
        assert np.isfinite(grid.cv_results_["mean_test_score"]).all()


class TestFitParams:
    def test_row_wise_ones_are_cut(self, data, dropping):
        X, y = data
        kept = X[:, 0] < 90
        groups = pd.Series(np.arange(100) % 7)
        model = FilteredClassifier(dropping, Spy())
        received = model.fit(
            X, y, sample_weight=X[:, 0], groups=groups, note="n" * 100
        ).estimator_.received_
        np.testing.assert_array_equal(received["sample_weight"], X[kept, 0])
        pd.testing.assert_series_equal(received["groups"], groups[kept])
        assert received["note"] == "n" * 100

    def test_others_are_passed_on(self, data, dropping):
        received = FilteredClassifier(dropping, Spy()).fit(*data, note=[1, 2]).estimator_.received_
        assert received["note"] == [1, 2]
        assert received["sample_weight"] is None

    def test_weighted_fit_equals_by_hand(self, data, dropping):
        X, y = data
        kept, weight = X[:, 0] < 90, 1 + X[:, 0]
        by_hand = LogisticRegression(max_iter=1000).fit(X[kept], y[kept], weight[kept])
        model = FilteredClassifier(dropping).fit(X, y, sample_weight=weight)
        np.testing.assert_array_equal(model.estimator_.coef_, by_hand.coef_)

    def test_score_weight_without_routing(self, data, dropping):
        X, y = data
        model = FilteredClassifier(dropping, Spy()).fit(X, y)
        assert model.score(X, y, sample_weight=np.ones(100)) == 100

    def test_routed(self, data, dropping):
        X, y = data
        kept = X[:, 0] < 90
        with config_context(enable_metadata_routing=True):
            spy = (
                Spy()
                .set_fit_request(sample_weight="weights")
                .set_score_request(sample_weight="weights")
            )
            model = FilteredClassifier(dropping, spy).fit(X, y, weights=X[:, 0])
            received = model.estimator_.received_
            np.testing.assert_array_equal(received["sample_weight"], X[kept, 0])
            assert model.score(X, y, weights=np.ones(100)) == 100
            assert FilteredClassifier(dropping, spy).fit(X, y).score(X, y) == 0

    def test_routed_through_a_pipeline_and_cross_validation(self, data, dropping):
        X, y = data
        with config_context(enable_metadata_routing=True):
            spy = Spy().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
            pipe = make_pipeline(
                StandardScaler().set_fit_request(sample_weight=False),
                FilteredClassifier(dropping, spy),
            )
            pipe.fit(X, y, sample_weight=X[:, 0])
            assert pipe[-1].estimator_.received_["sample_weight"].max() == 89
            scores = cross_val_score(pipe, X, y, params={"sample_weight": np.ones(100)}, cv=4)
        assert scores.tolist() == [25.0] * 4

    def test_routed_without_request(self, data, dropping):
        X, y = data
        with config_context(enable_metadata_routing=True):
            model = FilteredClassifier(dropping, Spy())
            with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
                model.fit(X, y, sample_weight=X[:, 0])
        assert not hasattr(model, "filter_")


class TestRegressor:
    def test_bit_identical_to_fitting_by_hand(self, data, dropping):
        X, _ = data
        y = X @ [1.0, 2.0, 3.0]
        kept = X[:, 0] < 90
        by_hand = Ridge().fit(X[kept], y[kept])
        model = FilteredRegressor(dropping).fit(X, y)
        np.testing.assert_array_equal(model.estimator_.coef_, by_hand.coef_)
        np.testing.assert_array_equal(model.predict(X), by_hand.predict(X))
        assert model.score(X, y) == by_hand.score(X, y)
        assert not hasattr(model, "classes_")

    def test_whole_numbers_are_no_classes(self, data, dropping):
        # As classes, those of the dropped rows would vanish.
        X, _ = data
        y = X[:, 0].astype(int)
        model = FilteredRegressor(dropping, LinearRegression()).fit(X, y)
        assert model.filter_.support_.sum() == 90
        assert not hasattr(model.filter_, "classes_")

    def test_zscore_takes_all_rows(self, data, make_scorer):
        X, _ = data
        dropping = MislabelFilter(make_scorer(), threshold=0.0, criterion="zscore")
        model = FilteredRegressor(dropping).fit(X, X[:, 0].astype(int))
        assert model.filter_.threshold_ == pytest.approx(49.5)
        assert model.filter_.support_.sum() == 50

    @pytest.mark.parametrize("dropping", [None, MislabelFilter(threshold=0.9)])
    def test_default_scorer_is_a_regression_even_for_whole_numbers(self, dropping):
        X = np.linspace(-1, 1, 60)[:, None]
        y = np.arange(60)
        model = FilteredRegressor(dropping).fit(X, y)
        assert isinstance(model.filter_.scorer_.estimators_[0], TrackedNetRegressor)
        assert not hasattr(model.filter_.scorer_, "classes_")

    def test_cross_validation(self, data, dropping):
        X, _ = data
        y = X @ [1.0, 2.0, 3.0]
        assert (cross_val_score(FilteredRegressor(dropping), X, y) > 0.99).all()


class TestErrors:
    @pytest.mark.parametrize("wrong", [DifficultyScorer(), "auto", 0.9, MislabelFilter])
    def test_filter(self, wrong, data):
        with pytest.raises(TypeError, match="filter must be None or a MislabelFilter"):
            FilteredClassifier(wrong).fit(*data)

    def test_estimator(self, data, dropping):
        X, y = data
        with pytest.raises(TypeError, match="estimator must be None or a classifier; got Ridge"):
            FilteredClassifier(dropping, Ridge()).fit(X, y)
        with pytest.raises(TypeError, match="estimator must be None or a regressor; got Logistic"):
            FilteredRegressor(dropping, LogisticRegression()).fit(X, y)
        with pytest.raises(TypeError, match="estimator must be None or a classifier; got 'lr'"):
            FilteredClassifier(dropping, "lr").fit(X, y)

    def test_continuous_labels(self, data, dropping):
        X, y = data
        with pytest.raises(ValueError, match="Unknown label type"):
            FilteredClassifier(dropping).fit(X, y + 0.5)

    def test_failing_scorer_leaves_nothing_behind(self, data, make_scorer):
        model = FilteredClassifier(MislabelFilter(make_scorer(error="out of paper")))
        with pytest.raises(RuntimeError, match="out of paper"):
            model.fit(*data)
        assert set(vars(model)) == {"filter", "estimator"}

    def test_before_fit(self, data, dropping):
        X, y = data
        model = FilteredClassifier(dropping)
        for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
            with pytest.raises(NotFittedError):
                getattr(model, method)(X)
        with pytest.raises(NotFittedError):
            model.score(X, y)

    @pytest.mark.parametrize("kind", [FilteredClassifier, FilteredRegressor])
    def test_no_rows(self, kind):
        with pytest.raises(ValueError, match="0 sample"):
            kind().fit(np.empty((0, 3)), np.empty(0))


def test_many_classes_of_few_rows_are_classes():
    X = np.random.default_rng(0).normal(size=(90, 2))
    y = np.repeat(np.arange(30), 3)
    model = FilteredClassifier(MislabelFilter(threshold=1.0, random_state=0)).fit(X, y)
    assert isinstance(model.filter_.scorer_.estimators_[0], TrackedNetClassifier)
