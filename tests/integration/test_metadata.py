"""Weights and groups of rows, with metadata routing and without."""

import numpy as np
import pytest
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    StratifiedGroupKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_difficulty import DifficultyScorer, FilteredClassifier, MislabelFilter, MislabelSampler


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def groups():
    """Thirty groups of five rows of iris."""
    return np.arange(150) % 30


@pytest.fixture
def weights(iris):
    """Weights that leave the wrong labels out."""
    return np.where(iris.wrong, 0.0, 1.0)


@pytest.fixture
def group_filter(scorer):
    """A filter whose scorer scores each group by models trained without it."""
    scorer = DifficultyScorer(scorer.estimator, cv=GroupKFold(3), random_state=0)
    return MislabelFilter(scorer, threshold=0.9, random_state=0)


class TestWithoutRouting:
    @pytest.mark.parametrize("splitter", [GroupKFold(3), StratifiedGroupKFold(3)])
    def test_groups_of_the_splitter(self, splitter, row_filter, iris, groups):
        pipe = make_pipeline(StandardScaler(), row_filter, LogisticRegression())
        results = cross_validate(
            pipe, iris.X, iris.y, groups=groups, cv=splitter, return_indices=True
        )
        for train, test in zip(*results["indices"].values(), strict=True):
            assert not set(groups[train]) & set(groups[test])
        assert results["test_score"].mean() > 0.7
        search = GridSearchCV(pipe, {"mislabelfilter__threshold": [0.8, 0.9]}, cv=splitter)
        assert search.fit(iris.X, iris.y, groups=groups).best_score_ > 0.7

    def test_groups_of_the_filter_through_a_pipeline(self, group_filter, iris, groups):
        pipe = make_pipeline(StandardScaler(), group_filter, LogisticRegression())
        scores = cross_val_score(
            pipe,
            iris.X,
            iris.y,
            groups=groups,
            cv=GroupKFold(3),
            # cut to the training part by scikit-learn
            params={"mislabelfilter__groups": groups},
            error_score="raise",
        )
        assert scores.mean() > 0.7

    def test_weights_of_the_last_step(self, row_filter, iris, weights):
        pipe = make_pipeline(row_filter, LogisticRegression())
        pipe.fit(iris.X, iris.y, logisticregression__sample_weight=weights)
        replaced = iris.X[pipe[0].replacement_indices_]
        by_hand = LogisticRegression().fit(replaced, iris.y, weights)
        assert_array_equal(pipe[-1].coef_, by_hand.coef_)

    def test_weights_of_a_filtered_classifier_in_folds(self, row_filter, iris, weights):
        model = FilteredClassifier(row_filter, LogisticRegression())
        results = cross_validate(
            model,
            iris.X,
            iris.y,
            cv=3,
            params={"sample_weight": weights},
            return_estimator=True,
            return_indices=True,
        )
        for fitted, train in zip(results["estimator"], results["indices"]["train"], strict=True):
            kept = train[fitted.filter_.support_]
            by_hand = LogisticRegression().fit(iris.X[kept], iris.y[kept], weights[kept])
            assert_array_equal(fitted.estimator_.coef_, by_hand.coef_)


@pytest.mark.usefixtures("routing")
class TestRouting:
    def test_groups_reach_splitter_and_filter(self, group_filter, iris, groups):
        group_filter.set_fit_request(groups=True)
        for model in (
            make_pipeline(StandardScaler(), group_filter, LogisticRegression()),
            FilteredClassifier(group_filter, LogisticRegression()),
        ):
            results = cross_validate(
                model,
                iris.X,
                iris.y,
                cv=StratifiedGroupKFold(3),
                params={"groups": groups},
                error_score="raise",
                return_estimator=True,
                return_indices=True,
            )
            train = results["indices"]["train"][0]
            fitted = results["estimator"][0]
            fitted = fitted.filter_ if isinstance(fitted, FilteredClassifier) else fitted[1]
            assert len(fitted.support_) == len(train)
            assert not set(groups[train]) & set(groups[results["indices"]["test"][0]])

    def test_grid_routes_groups_and_weights(self, group_filter, iris, groups, weights):
        model = FilteredClassifier(
            group_filter.set_fit_request(groups=True),
            LogisticRegression()
            .set_fit_request(sample_weight=True)
            .set_score_request(sample_weight=True),
        )
        search = GridSearchCV(
            model,
            {"filter__threshold": [0.8, 1.0]},
            cv=StratifiedGroupKFold(3),
            error_score="raise",
        ).fit(iris.X, iris.y, groups=groups, sample_weight=weights)
        # Weights that leave the wrong labels out count in the scores, too.
        assert search.best_score_ > 0.9
        kept = search.best_estimator_.filter_.sample_indices_
        by_hand = LogisticRegression().fit(iris.X[kept], iris.y[kept], weights[kept])
        assert_array_equal(search.best_estimator_.estimator_.coef_, by_hand.coef_)

    def test_weights_through_a_pipeline(self, row_filter, iris, weights):
        pipe = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False),
            row_filter,
            LogisticRegression().set_fit_request(sample_weight=True),
        )
        pipe.fit(iris.X, iris.y, sample_weight=weights)
        replaced = pipe[0].transform(iris.X)[pipe[1].replacement_indices_]
        by_hand = LogisticRegression().fit(replaced, iris.y, weights)
        assert_array_equal(pipe[-1].coef_, by_hand.coef_)

    def test_sampler(self, group_filter, iris, groups):
        sampler = MislabelSampler(**group_filter.get_params(deep=False))
        pipe = make_imblearn_pipeline(StandardScaler(), sampler, LogisticRegression())
        pipe.fit(iris.X, iris.y, groups=groups)
        X = StandardScaler().fit_transform(iris.X)
        assert_array_equal(pipe[1].support_, group_filter.fit(X, iris.y, groups=groups).support_)
        scores = cross_val_score(
            pipe,
            iris.X,
            iris.y,
            cv=StratifiedGroupKFold(3),
            params={"groups": groups},
            error_score="raise",
        )
        assert scores.mean() > 0.7

    @pytest.mark.parametrize("around", ["voting", "stacking", "bagging"])
    def test_through_ensembles(self, around, row_filter, iris, weights):
        model = FilteredClassifier(
            row_filter, LogisticRegression().set_fit_request(sample_weight=True)
        )
        ensemble = {
            "voting": VotingClassifier([("m", model)]),
            "stacking": StackingClassifier([("m", model)], cv=2),
            "bagging": BaggingClassifier(model, 3, random_state=0),
        }[around]
        if around == "stacking":
            ensemble.set_params(
                final_estimator=LogisticRegression().set_fit_request(sample_weight=False)
            )
        ensemble.fit(iris.X, iris.y, sample_weight=weights)
        right = ~iris.wrong
        assert np.mean(ensemble.predict(iris.X)[right] == iris.y[right]) > 0.9

    def test_what_nobody_requested_is_refused(self, row_filter, iris, weights, groups):
        model = FilteredClassifier(row_filter, LogisticRegression())
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            model.fit(iris.X, iris.y, sample_weight=weights)
        with pytest.raises(UnsetMetadataPassedError, match=r"groups.*MislabelFilter"):
            make_pipeline(row_filter, LogisticRegression()).fit(iris.X, iris.y, groups=groups)

    def test_nothing_to_route(self, row_filter, iris):
        pipe = make_pipeline(StandardScaler(), row_filter, LogisticRegression())
        routed = cross_val_score(pipe, iris.X, iris.y)
        with config_context(enable_metadata_routing=False):
            assert_array_equal(routed, cross_val_score(pipe, iris.X, iris.y))
