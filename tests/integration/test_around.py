"""Estimators of scikit-learn that take another one, around pipelines with a filter and around
FilteredClassifier."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import RFE, SelectFromModel, SequentialFeatureSelector
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge, SGDRegressor
from sklearn.model_selection import (
    FixedThresholdClassifier,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_difficulty import (
    DifficultyScorer,
    FilteredClassifier,
    FilteredRegressor,
    MislabelFilter,
)


@pytest.fixture(params=["pipeline", "filtered", "pipeline of filtered", "two filters"])
def model(request, row_filter):
    """A model with a filter in it, which drops rows wherever it is fitted."""
    if request.param == "filtered":
        return FilteredClassifier(row_filter, LogisticRegression())
    if request.param == "pipeline of filtered":
        return make_pipeline(StandardScaler(), FilteredClassifier(row_filter, LogisticRegression()))
    if request.param == "two filters":
        return make_pipeline(row_filter, StandardScaler(), row_filter, LogisticRegression())
    return make_pipeline(StandardScaler(), row_filter, LogisticRegression())


AROUND = {
    "tuned threshold": lambda m: TunedThresholdClassifierCV(m, cv=2, scoring="balanced_accuracy"),
    "tuned threshold without refit": lambda m: TunedThresholdClassifierCV(
        m, cv=0.7, refit=False, random_state=0
    ),
    "fixed threshold": lambda m: FixedThresholdClassifier(m, threshold=0.4),
    "calibrated by sigmoids": lambda m: CalibratedClassifierCV(m, cv=2),
    "calibrated by one model": lambda m: CalibratedClassifierCV(
        m, cv=2, ensemble=False, method="isotonic"
    ),
    "bagging": lambda m: BaggingClassifier(m, 3, random_state=0),
    "bagging of columns": lambda m: BaggingClassifier(m, 3, max_features=0.5, random_state=0),
    "stacking": lambda m: StackingClassifier([("a", m), ("b", LogisticRegression())], cv=2),
    "stacking on top": lambda m: StackingClassifier(
        [("a", LogisticRegression())], final_estimator=m, cv=2, passthrough=True
    ),
    "hard voting": lambda m: VotingClassifier([("a", m), ("b", LogisticRegression())]),
    "soft voting": lambda m: VotingClassifier(
        [("a", m), ("b", LogisticRegression())], voting="soft", weights=[2, 1]
    ),
    "one versus rest": lambda m: OneVsRestClassifier(m),
    "one versus one": lambda m: OneVsOneClassifier(m),
    "output codes": lambda m: OutputCodeClassifier(m, random_state=0),
}


@pytest.mark.parametrize("kind", AROUND)
def test_around_two_classes(kind, model, cancer):
    around = AROUND[kind](model)
    results = cross_validate(
        around, cancer.X, cancer.y, cv=2, return_train_score=True, error_score="raise"
    )
    # One label in ten is wrong in the test folds, too.
    assert results["test_score"].mean() > 0.83
    assert results["train_score"].mean() > 0.83


SEVERAL = [kind for kind in AROUND if "threshold" not in kind]


@pytest.mark.parametrize("kind", SEVERAL)
def test_around_three_classes_with_names(kind, row_filter, iris):
    names = np.array(["setosa", "versicolor", "virginica"])
    around = AROUND[kind](make_pipeline(row_filter, LogisticRegression()))
    around.fit(iris.X, names[iris.y])
    right = ~iris.wrong
    assert np.mean(around.predict(iris.X)[right] == names[iris.y][right]) > 0.7
    assert around.classes_.tolist() == names.tolist()


def test_bagging_fits_a_filter_in_each_bag(row_filter, cancer):
    bags = BaggingClassifier(make_pipeline(row_filter, LogisticRegression()), 3, random_state=0)
    bags.fit(cancer.X, cancer.y)
    supports = [bag[0].support_ for bag in bags.estimators_]
    assert [len(support) for support in supports] == [569] * 3
    assert len({support.tobytes() for support in supports}) == 3
    bags = BaggingClassifier(FilteredClassifier(row_filter), 3, max_samples=100, random_state=0)
    bags.fit(cancer.X, cancer.y)
    assert [bag.filter_.support_.shape for bag in bags.estimators_] == [(100,)] * 3
    assert all(bag.filter_.support_.sum() < 100 for bag in bags.estimators_)


def test_out_of_bag_scores_do_not_see_the_filter(row_filter, cancer):
    bags = BaggingClassifier(FilteredClassifier(row_filter), 20, oob_score=True, random_state=0)
    bags.fit(cancer.X, cancer.y)
    assert bags.oob_decision_function_.shape == (569, 2)
    assert bags.oob_score_ > 0.83


class TestAdaBoost:
    def test_inside(self, row_filter, cancer):
        # Weights of the boosting are of kept rows alone.
        model = FilteredClassifier(row_filter, AdaBoostClassifier(n_estimators=3, random_state=0))
        model.fit(cancer.X, cancer.y, sample_weight=1.0 + cancer.X[:, 0] ** 2)
        pipe = make_pipeline(row_filter, AdaBoostClassifier(n_estimators=3, random_state=0))
        for fitted in (model, pipe.fit(cancer.X, cancer.y)):
            assert fitted.score(cancer.X, cancer.y) > 0.83

    def test_around(self, row_filter, cancer):
        # scikit-learn's own refusal of every estimator whose fit does not name sample_weight. If
        # FilteredClassifier's did, BaggingClassifier would weigh rows instead of drawing them, and
        # the filter of a bag would be trained on the rows outside of it.
        for model in (
            make_pipeline(row_filter, LogisticRegression()),
            FilteredClassifier(row_filter, LogisticRegression()),
        ):
            message = f"{type(model).__name__} doesn't support sample_weight"
            with pytest.raises(ValueError, match=message):
                AdaBoostClassifier(model, n_estimators=2).fit(cancer.X, cancer.y)


@pytest.mark.parametrize("selector", [SelectFromModel, RFE, SequentialFeatureSelector])
def test_selection_of_columns(selector, row_filter, iris):
    pipe = make_pipeline(row_filter, LogisticRegression())
    coefficients = "named_steps.logisticregression.coef_"
    if selector is SelectFromModel:
        columns = SelectFromModel(pipe, importance_getter=coefficients)
    elif selector is RFE:
        columns = RFE(pipe, n_features_to_select=2, importance_getter=coefficients)
    else:
        columns = SequentialFeatureSelector(pipe, n_features_to_select=2, cv=2)
    X = columns.fit_transform(iris.X, iris.y)
    assert_array_equal(X, iris.X[:, columns.get_support()])


class TestInspection:
    def test_permutation_importance(self, model, cancer):
        fitted = model.fit(cancer.X, cancer.y)
        result = permutation_importance(
            fitted, cancer.X, cancer.y, n_repeats=2, random_state=0, max_samples=0.5
        )
        assert result.importances.shape == (30, 2)
        assert result.importances_mean.max() > 0

    def test_learning_curve(self, model, cancer):
        sizes, train, test = learning_curve(
            model, cancer.X, cancer.y, train_sizes=[0.3, 1.0], cv=2, error_score="raise"
        )
        assert sizes.tolist() == [85, 284]
        assert train.shape == test.shape == (2, 2)
        assert test.min() > 0.75

    def test_validation_curve(self, row_filter, cancer):
        pipe = make_pipeline(row_filter, LogisticRegression())
        train, test = validation_curve(
            pipe,
            cancer.X,
            cancer.y,
            param_name="mislabelfilter__threshold",
            param_range=[0.6, 0.9, 1.0],
            cv=2,
            error_score="raise",
        )
        assert train.shape == test.shape == (3, 2)
        unfiltered = cross_validate(LogisticRegression(), cancer.X, cancer.y, cv=2)
        assert_array_equal(test[2], unfiltered["test_score"])

    @pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
    def test_cross_val_predict(self, method, model, cancer):
        predicted = cross_val_predict(model, cancer.X, cancer.y, cv=2, method=method)
        labels = (
            predicted
            if method == "predict"
            else (
                predicted.argmax(axis=1)
                if method == "predict_proba"
                else (predicted > 0).astype(int)
            )
        )
        right = ~cancer.wrong
        assert np.mean(labels[right] == cancer.y[right]) > 0.9

    def test_cross_validate_returns_what_was_fitted(self, model, cancer):
        results = cross_validate(
            model,
            cancer.X,
            cancer.y,
            cv=2,
            return_train_score=True,
            return_estimator=True,
            return_indices=True,
            scoring=["accuracy", "roc_auc", "neg_log_loss"],
        )
        for fitted, train in zip(results["estimator"], results["indices"]["train"], strict=True):
            last = fitted if isinstance(fitted, FilteredClassifier) else fitted[-1]
            filters = (
                [last.filter_]
                if isinstance(last, FilteredClassifier)
                else [step for step in fitted if isinstance(step, MislabelFilter)]
            )
            assert [len(rows.support_) for rows in filters] == [len(train)] * len(filters)
        assert np.isfinite(results["train_neg_log_loss"]).all()


def test_two_filters_score_apart(row_filter, cancer):
    second = MislabelFilter(
        DifficultyScorer(row_filter.scorer.estimator, score="el2n", random_state=0),
        threshold=0.8,
        random_state=1,
    )
    pipe = make_pipeline(row_filter, StandardScaler(), second, LogisticRegression())
    pipe.fit(cancer.X, cancer.y)
    first, second = pipe[0], pipe[2]
    assert first.support_.sum() == 512  # the lower of two for 512.1
    assert 455 <= second.support_.sum() <= 500
    # The second sees the rows that the first put in, not those that it dropped.
    assert_array_equal(cancer.y[first.replacement_indices_], cancer.y)
    assert second.difficulty_.shape == (569,)


def test_transformed_targets():
    X, y = load_diabetes(return_X_y=True)
    rows = MislabelFilter(
        DifficultyScorer(SGDRegressor(max_iter=5, tol=None), random_state=0), threshold=0.9
    )
    model = TransformedTargetRegressor(
        FilteredRegressor(rows, Ridge()), func=np.log, inverse_func=np.exp
    )
    results = cross_validate(model, X, y, cv=2, return_train_score=True, error_score="raise")
    assert results["test_score"].min() > 0.1
