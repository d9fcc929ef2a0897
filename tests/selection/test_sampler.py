"""MislabelSampler, on its own and in imbalanced-learn's Pipeline."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from imblearn.pipeline import make_pipeline
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from sklearn_difficulty import (
    DifficultyScorer,
    FilteredClassifier,
    MislabelFilter,
    MislabelSampler,
)


def test_scikit_learn_checks(make_scorer):
    check_estimator(MislabelSampler(make_scorer(), threshold=0.9, criterion="zscore"), on_skip=None)


def test_drops_exactly(data, make_scorer):
    X, y = data
    X_kept, y_kept = MislabelSampler(make_scorer(), threshold=0.9).fit_resample(X, y)
    np.testing.assert_array_equal(X_kept, X[X[:, 0] < 90])
    np.testing.assert_array_equal(y_kept, y[X[:, 0] < 90])


def test_containers(data, make_scorer):
    X, y = data
    sampler = MislabelSampler(make_scorer(), threshold=0.9)
    frame, series = (
        pd.DataFrame(X, index=np.arange(100) + 7),
        pd.Series(y, index=np.arange(100) + 7),
    )
    frame_kept, series_kept = sampler.fit_resample(frame, series)
    pd.testing.assert_frame_equal(frame_kept, frame[X[:, 0] < 90])
    pd.testing.assert_series_equal(series_kept, series[X[:, 0] < 90])
    assert type(sampler.fit_resample(sp.csr_array(X), y)[0]) is sp.csr_array
    rows, labels = sampler.fit_resample(X.tolist(), [str(label) for label in y])
    assert len(rows) == len(labels) == 90
    assert isinstance(rows, list)


def test_regression(data, make_scorer):
    X, y = data
    X_kept, y_kept = MislabelSampler(make_scorer(), threshold=0.9).fit_resample(X, y + 0.5)
    assert X_kept.shape == (90, 3)
    assert y_kept.shape == (90,)


def test_is_no_transformer():
    # A step with both is refused by imbalanced-learn.
    assert not hasattr(MislabelSampler, "transform")
    assert not hasattr(MislabelSampler, "fit_transform")


def test_pipeline_of_imbalanced_learn(data, make_scorer):
    X, y = data
    model = LogisticRegression(max_iter=1000)
    pipe = make_pipeline(MislabelSampler(make_scorer(), threshold=0.9), model).fit(X, y)
    kept = X[:, 0] < 90
    by_hand = LogisticRegression(max_iter=1000).fit(X[kept], y[kept])
    np.testing.assert_array_equal(pipe[-1].coef_, by_hand.coef_)
    np.testing.assert_array_equal(pipe.predict(X), by_hand.predict(X))


def test_cross_validation_and_grid(data, make_scorer):
    X, y = data
    pipe = make_pipeline(
        StandardScaler(), MislabelSampler(make_scorer(), threshold=0.9), LogisticRegression()
    )
    assert len(cross_val_score(pipe, X, y)) == 5
    grid = GridSearchCV(pipe, {"mislabelsampler__threshold": [0.8, 1.0]}, cv=2).fit(X, y)
    assert grid.best_params_["mislabelsampler__threshold"] in (0.8, 1.0)


class TestRelabel:
    def test_same_rows_with_mended_labels(self, planted, path_scorer):
        X, y, truth = planted
        index = np.arange(120) + 7
        frame, series = pd.DataFrame(X, index=index), pd.Series(y, index=index)
        sampler = MislabelSampler(path_scorer, action="relabel")
        X_all, y_mended = sampler.fit_resample(frame, series)
        pd.testing.assert_frame_equal(X_all, frame)
        pd.testing.assert_series_equal(y_mended, pd.Series(truth, index=index))
        np.testing.assert_array_equal(series, y)
        np.testing.assert_array_equal(sampler.sample_indices_, np.arange(120))

    def test_sparse(self, planted, path_scorer):
        X, y, truth = planted
        X_all, y_mended = MislabelSampler(path_scorer, action="relabel").fit_resample(
            sp.csr_array(X), y.tolist()
        )
        assert X_all.shape == (120, 2)
        assert y_mended == truth.tolist()

    def test_pipeline_of_imbalanced_learn(self, planted, path_scorer):
        X, y, truth = planted
        sampler = MislabelSampler(path_scorer, action="relabel")
        pipe = make_pipeline(sampler, LogisticRegression()).fit(X, y)
        by_hand = LogisticRegression().fit(X, truth)
        np.testing.assert_array_equal(pipe[-1].coef_, by_hand.coef_)

    # Of the labels at random in some checks there is nothing to learn, and it is said.
    @pytest.mark.filterwarnings("ignore::sklearn_difficulty.exceptions.NothingLearnedWarning")
    def test_scikit_learn_checks(self):
        scorer = DifficultyScorer(LogisticRegression(max_iter=50))
        check_estimator(MislabelSampler(scorer, action="relabel", random_state=0), on_skip=None)


class TestWeight:
    def test_cannot_be_passed_on(self, data, make_scorer, count_fits):
        log, count = count_fits
        sampler = MislabelSampler(make_scorer(log=log), action="weight")
        with pytest.raises(ValueError, match=r"fit_resample cannot pass on.*FilteredClassifier"):
            sampler.fit_resample(*data)
        assert count() == 0

    def test_within_a_filtered_classifier(self, planted, path_scorer):
        X, y, _ = planted
        sampler = MislabelSampler(path_scorer, action="weight")
        rows = MislabelFilter(path_scorer, action="weight")
        weighed = [FilteredClassifier(kind).fit(X, y).estimator_.coef_ for kind in (sampler, rows)]
        np.testing.assert_array_equal(*weighed)
