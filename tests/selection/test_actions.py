"""What becomes of rows that look mislabelled: dropped, relabelled, weighed."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from skorch.dataset import Dataset

from sklearn_difficulty import (
    DifficultyScorer,
    FilteredClassifier,
    FilteredRegressor,
    MislabelFilter,
    MislabelSampler,
    TrackedNetClassifier,
)
from sklearn_difficulty.selection._actions import (
    check_action,
    check_can_be_relabelled,
    clean_weights,
    mended_labels,
    with_labels,
)

both = pytest.mark.parametrize("kind", [MislabelFilter, MislabelSampler])
GIVEN, MENDED = np.array(["a", "b", "c"]), np.array(["a", "c", "c"])

SCORED = []


class Spy(ClassifierMixin, BaseEstimator):
    """Keeps what fit received, and tells SCORED what it is scored on."""

    def fit(self, X, y, sample_weight=None):
        self.X_, self.y_, self.sample_weight_ = X, y, sample_weight
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def score(self, X, y):
        SCORED.append((X, y))
        return 0.0


@pytest.fixture
def clean(planted):
    X, _, truth = planted
    return X, truth


class TestMendedLabels:
    def test_only_rows_above_the_threshold(self):
        given, likely = np.array([0, 0, 1, 1]), np.array([1, 1, 1, 0])
        support = np.array([True, False, False, True])
        assert mended_labels(given, likely, support).tolist() == [0, 1, 1, 1]

    @pytest.mark.parametrize(
        "y",
        [
            ["a", "b", "c"],
            ("a", "b", "c"),
            np.array(["a", "b", "c"]),
            np.array(["a", "b", "c"], dtype=object),
            pd.Series(["a", "b", "c"], index=[7, 8, 9]),
            pd.Series(pd.Categorical(["a", "b", "c"]), index=[7, 8, 9]),
            np.array([["a"], ["b"], ["c"]]),
            pd.DataFrame({"label": ["a", "b", "c"]}, index=[7, 8, 9]),
        ],
        ids=lambda y: f"{type(y).__name__}-{getattr(y, 'dtype', '')}-{np.shape(y)}",
    )
    def test_containers(self, y):
        before = np.array(y)
        mended = with_labels(y, GIVEN, MENDED)
        assert type(mended) is type(y)
        assert np.shape(mended) == np.shape(y)
        assert np.asarray(mended).ravel().tolist() == ["a", "c", "c"]
        assert_array_equal(np.array(y), before)
        if hasattr(y, "index") and hasattr(y, "iloc"):
            assert mended.index.tolist() == [7, 8, 9]

    def test_numbers_stay_numbers(self):
        mended = with_labels(pd.Series([0, 1]), np.array([0, 1]), np.array([0, 0]))
        assert mended.dtype == np.int64
        assert with_labels([0, 1], np.array([0, 1]), np.array([0, 0])) == [0, 0]

    def test_other_labels(self):
        with pytest.raises(ValueError, match="y holds others: pass the y of fit"):
            with_labels(["a", "a", "c"], GIVEN, MENDED)


class TestCleanWeights:
    def test_probability_of_being_right(self):
        assert clean_weights(np.array([0.0, 0.25, 1.0]), None).tolist() == [1.0, 0.75, 0.0]

    def test_unknown_rows(self):
        assert clean_weights(np.array([np.nan, 0.25]), np.array([0, 1])).tolist() == [1.0, 0.75]

    def test_never_a_whole_class(self):
        wrong = np.array([0.9, 0.2, 0.9, 0.6])
        weights = clean_weights(wrong, np.array([0, 0, 1, 1]))
        assert_allclose(weights, [0.1, 0.8, 1.0, 1.0])


@pytest.mark.parametrize("action", ["remove", None, 1, ["drop"]])
def test_unknown_action(action, data, make_scorer, count_fits):
    log, count = count_fits
    with pytest.raises(ValueError, match="action must be one of 'drop', 'relabel', 'weight'"):
        check_action(action)
    for rows in (
        MislabelFilter(make_scorer(log=log), action=action),
        FilteredClassifier(MislabelFilter(make_scorer(log=log), action=action)),
    ):
        with pytest.raises(ValueError, match="action must be one of"):
            rows.fit(*data)
    with pytest.raises(ValueError, match="action must be one of"):
        MislabelFilter(make_scorer(log=log), action=action).fit_transform(*data)
    with pytest.raises(ValueError, match="action must be one of"):
        MislabelSampler(make_scorer(log=log), action=action).fit_resample(*data)
    assert count() == 0


class TestFilterMethod:
    def test_relabel(self, planted, path_scorer):
        X, y, truth = planted
        frame = pd.DataFrame(X)
        rows = MislabelFilter(path_scorer, threshold=0.9, action="relabel").fit(frame, y)
        X_all, y_mended, weights, nothing = rows.filter(frame, pd.Series(y), X[:, 0], None)
        assert X_all is frame
        assert_array_equal(y_mended, truth)
        assert_array_equal(weights, X[:, 0])
        assert nothing is None
        # twelve rows are above the threshold, six of them hard and not wrong
        assert (~rows.support_).sum() == 12
        assert_array_equal(rows.sample_indices_, np.arange(120))
        assert_array_equal(rows.get_support(indices=True), np.flatnonzero(rows.support_))
        assert not hasattr(rows, "sample_weight_")

    def test_weight(self, planted, path_scorer):
        X, y, truth = planted
        rows = MislabelFilter(path_scorer, threshold=0.9, action="weight").fit(X, y)
        assert_array_equal(rows.filter(X, y)[1], y)
        assert_array_equal(rows.sample_indices_, np.arange(120))
        assert_allclose(rows.sample_weight_, 1 - rows.mislabeled_proba_)
        assert_array_equal(rows.sample_weight_ < 0.5, y != truth)

    def test_drop(self, planted, path_scorer):
        X, y, _ = planted
        rows = MislabelFilter(path_scorer, threshold=0.9).fit(X, y)
        assert_array_equal(rows.filter(X, y)[0], X[rows.support_])
        assert_array_equal(rows.sample_indices_, np.flatnonzero(rows.support_))
        assert not hasattr(rows, "sample_weight_")

    def test_is_that_of_the_fit(self, planted, path_scorer):
        X, y, _ = planted
        rows = MislabelFilter(path_scorer, threshold=0.9, action="weight").fit(X, y)
        assert len(rows.set_params(action="drop").filter(X, y)[0]) == 120
        assert len(rows.fit(X, y).filter(X, y)[0]) == 108
        assert not hasattr(rows, "sample_weight_")

    def test_labels_of_another_fit(self, planted, path_scorer):
        X, y, truth = planted
        rows = MislabelFilter(path_scorer, action="relabel").fit(X, y)
        with pytest.raises(ValueError, match="pass the y of fit"):
            rows.filter(X, truth)


class TestFilteredClassifier:
    @pytest.mark.parametrize("as_list", [True, False])
    def test_relabel_equals_by_hand(self, as_list, planted, path_scorer):
        X, y, truth = planted
        model = FilteredClassifier(MislabelFilter(path_scorer, action="relabel"))
        by_hand = LogisticRegression(max_iter=1000).fit(X, truth)
        model.fit(X, y.tolist() if as_list else y)
        assert_array_equal(model.estimator_.coef_, by_hand.coef_)
        assert_array_equal(model.classes_, ["ant", "bee", "cat"])
        assert_array_equal(model.predict(X), truth)

    def test_relabel_keeps_what_goes_with_rows(self, planted, path_scorer):
        X, y, truth = planted
        model = FilteredClassifier(MislabelFilter(path_scorer, action="relabel"), Spy())
        received = model.fit(X, y, sample_weight=X[:, 0]).estimator_
        assert_array_equal(received.sample_weight_, X[:, 0])
        assert_array_equal(received.X_, X)
        assert_array_equal(received.y_, truth)

    def test_weight_equals_by_hand(self, planted, path_scorer):
        X, y, _ = planted
        model = FilteredClassifier(MislabelFilter(path_scorer, action="weight")).fit(X, y)
        weights = 1 - model.filter_.mislabeled_proba_
        by_hand = LogisticRegression(max_iter=1000).fit(X, y, sample_weight=weights)
        assert_array_equal(model.estimator_.coef_, by_hand.coef_)

    def test_weight_times_that_of_the_user(self, planted, path_scorer):
        X, y, _ = planted
        model = FilteredClassifier(MislabelFilter(path_scorer, action="weight"), Spy())
        given = np.arange(120.0)
        received = model.fit(X, y, sample_weight=pd.Series(given)).estimator_
        assert_allclose(received.sample_weight_, given * (1 - model.filter_.mislabeled_proba_))
        assert_array_equal(received.y_, y)
        received = model.fit(X, y, sample_weight=None).estimator_
        assert_allclose(received.sample_weight_, 1 - model.filter_.mislabeled_proba_)

    def test_any_action_beats_none_on_wrong_labels(self, planted, path_scorer):
        X, y, truth = planted
        nearly_by_heart = LogisticRegression(C=1e4, max_iter=5000)
        loss = {}
        for action in ("drop", "relabel", "weight"):
            rows = MislabelFilter(path_scorer, action=action)
            model = FilteredClassifier(rows, nearly_by_heart).fit(X, y)
            proba = model.predict_proba(X)
            loss[action] = -np.log(proba[np.arange(120), np.unique(truth, return_inverse=True)[1]])
        unfiltered = clone(nearly_by_heart).fit(X, y).predict_proba(X)
        without = -np.log(unfiltered[np.arange(120), np.unique(truth, return_inverse=True)[1]])
        for action in loss:
            assert loss[action].mean() < without.mean() / 2

    def test_grid_over_actions(self, planted, path_scorer):
        X, y, _ = planted
        rows = MislabelFilter(path_scorer, threshold=0.95)
        grid = GridSearchCV(
            FilteredClassifier(rows, LogisticRegression()),
            {"filter__action": ["drop", "relabel", "weight"], "filter__threshold": [0.9, "auto"]},
            cv=3,
            error_score="raise",
        ).fit(X, y)
        assert len(grid.cv_results_["params"]) == 6
        assert grid.best_estimator_.filter_.action in ("drop", "relabel", "weight")

    def test_step_of_a_pipeline(self, planted, path_scorer):
        X, y, truth = planted
        for action in ("drop", "relabel", "weight"):
            model = make_pipeline(
                StandardScaler(),
                FilteredClassifier(MislabelFilter(path_scorer, action=action)),
            )
            assert model.fit(X, y).score(X, truth) == 1

    @pytest.mark.parametrize("action", ["drop", "relabel", "weight"])
    def test_held_out_rows_are_left_as_they_are(self, action, planted, path_scorer):
        X, y, _ = planted
        SCORED.clear()
        model = FilteredClassifier(MislabelFilter(path_scorer, action=action), Spy())
        result = cross_validate(model, X, y, cv=4, return_indices=True)
        assert len(SCORED) == 4
        for (X_test, y_test), rows in zip(SCORED, result["indices"]["test"], strict=True):
            assert_array_equal(X_test, X[rows])
            assert_array_equal(y_test, y[rows])

    # Of the labels at random in some checks there is nothing to learn, and it is said.
    @pytest.mark.filterwarnings("ignore::sklearn_difficulty.exceptions.NothingLearnedWarning")
    @pytest.mark.parametrize("action", ["relabel", "weight"])
    def test_scikit_learn_checks(self, action):
        learner = LogisticRegression(max_iter=50)
        rows = MislabelFilter(DifficultyScorer(learner), action=action, random_state=0)
        check_estimator(FilteredClassifier(rows), on_skip=None)


class TestFilteredRegressor:
    def test_weight(self):
        rng = np.random.default_rng(0)
        X = rng.uniform(-1, 1, (200, 1))
        y = 2 * X[:, 0] + rng.normal(scale=0.05, size=200)
        y[:10] += 30
        rows = MislabelFilter(threshold=0.95, action="weight", random_state=0)
        model = FilteredRegressor(rows, LinearRegression()).fit(X, y)
        assert model.filter_.sample_weight_[:10].max() < 0.01
        assert model.estimator_.coef_[0] == pytest.approx(2, abs=0.1)
        by_hand = LinearRegression().fit(X, y, sample_weight=model.filter_.sample_weight_)
        assert_array_equal(model.estimator_.coef_, by_hand.coef_)

    def test_no_second_group_weighs_all_alike(self, data, make_scorer):
        X, _ = data
        y = X @ [1.0, 2.0, 3.0]
        model = FilteredRegressor(MislabelFilter(make_scorer(), action="weight")).fit(X, y)
        assert_array_equal(model.filter_.sample_weight_, np.ones(100))
        assert_array_equal(model.estimator_.coef_, Ridge().fit(X, y).coef_)

    def test_relabel(self, data, make_scorer, count_fits):
        log, count = count_fits
        X, y = data
        model = FilteredRegressor(MislabelFilter(make_scorer(log=log), action="relabel"))
        with pytest.raises(ValueError, match="the targets of a regression have none"):
            model.fit(X, y)
        assert count() == 0


class TestRefusals:
    @pytest.mark.parametrize(("action", "what"), [("relabel", "labels"), ("weight", "weights")])
    def test_in_a_pipeline(self, action, what, planted, make_scorer, count_fits):
        X, y, _ = planted
        log, count = count_fits
        rows = MislabelFilter(make_scorer(log=log), action=action)
        message = rf"changes {what}.*use FilteredClassifier\(MislabelFilter\(action='{action}'\)"
        with pytest.raises(ValueError, match=message):
            rows.fit_transform(X, y)
        with pytest.raises(ValueError, match=message):
            make_pipeline(rows, LogisticRegression()).fit(X, y)
        assert count() == 0
        assert not hasattr(rows, "support_")

    @both
    def test_relabel_by_difficulties_alone(self, kind, data, make_scorer):
        rows = kind(make_scorer(), threshold=0.9, action="relabel")
        with pytest.raises(ValueError, match=r"needs the path of training.*left no trajectory_"):
            rows.fit(*data)
        assert not hasattr(rows, "support_")

    @both
    def test_relabel_of_a_regression(self, kind, data, make_scorer, count_fits):
        log, count = count_fits
        X, y = data
        with pytest.raises(ValueError, match="the targets of a regression have none"):
            kind(make_scorer(log=log), action="relabel").fit(X, y + 0.5)
        assert count() == 0

    def test_relabel_inside_a_dataset(self, planted):
        X, y, _ = planted
        codes = np.unique(y, return_inverse=True)[1]
        dataset = Dataset(X.astype(np.float32), codes)
        with pytest.raises(ValueError, match="cannot change the labels inside a Dataset"):
            check_can_be_relabelled(dataset, True)
        net = TrackedNetClassifier(torch.nn.Linear, module__in_features=2, module__out_features=3)
        rows = MislabelFilter(DifficultyScorer(net), action="relabel")
        with pytest.raises(ValueError, match="cannot change the labels inside a Dataset"):
            FilteredClassifier(rows, net).fit(dataset, codes)

    def test_relabel_until_a_class_is_gone(self, planted, path_scorer):
        X, _, truth = planted
        # four rows that claim to be of a class of their own, in the midst of others
        y = truth.astype("<U4")
        y[:4] = "dodo"
        rows = MislabelFilter(path_scorer, threshold=0.9, action="relabel")
        with pytest.raises(ValueError, match="no row of class 'dodo' would be kept"):
            rows.fit(X, y)

    def test_failing_refit_keeps_the_earlier_fit(self, clean, path_scorer, make_scorer):
        X, truth = clean
        rows = MislabelFilter(path_scorer, threshold=0.9, action="weight").fit(X, truth)
        before = rows.sample_weight_
        rows.set_params(scorer=make_scorer(), action="relabel")
        with pytest.raises(ValueError, match="needs the path of training"):
            rows.fit(X, truth)
        assert rows.sample_weight_ is before
        assert_array_equal(rows.filter(X, truth)[1], truth)
