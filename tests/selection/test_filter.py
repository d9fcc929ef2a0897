"""MislabelFilter inside ordinary pipelines."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, SGDRegressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from sklearn_difficulty import DifficultyScorer, MislabelFilter
from sklearn_difficulty.selection._filter import replacement_indices

REPLACES = "fit_transform replaces rows by others, transform does not"
EXPECTED_FAILURES = {
    "check_transformer_general": REPLACES,
    "check_transformer_data_not_an_array": REPLACES,
}


def test_scikit_learn_checks(make_scorer):
    check_estimator(
        # 0.9 drops rows in every check, so that the two expected failures do fail.
        MislabelFilter(make_scorer(), threshold=0.9, criterion="zscore"),
        expected_failed_checks=EXPECTED_FAILURES,
        on_skip=None,
    )


def test_scikit_learn_checks_when_nothing_is_dropped(make_scorer):
    check_estimator(
        MislabelFilter(make_scorer(), threshold=1.0),
        expected_failed_checks={
            "check_transformer_data_not_an_array": "a list passes through as a list"
        },
        on_skip=None,
    )


class TestReplacement:
    def test_same_class_and_aligned(self, data, make_scorer):
        X, y = data
        selector = MislabelFilter(make_scorer(), threshold=0.9, random_state=0)
        replaced = selector.fit_transform(X, y)
        source = selector.replacement_indices_
        kept = X[:, 0] < 90
        assert replaced.shape == X.shape
        np.testing.assert_array_equal(replaced, X[source])
        np.testing.assert_array_equal(y[source], y)
        np.testing.assert_array_equal(source[kept], np.flatnonzero(kept))
        assert kept[source].all()

    @pytest.mark.parametrize("threshold", [0.2, 0.35, 0.5, 0.9])
    def test_kept_rows_are_reused_evenly(self, data, make_scorer, threshold):
        X, y = data
        selector = MislabelFilter(make_scorer(), threshold=threshold, random_state=0)
        selector.fit_transform(X, y)
        uses = np.bincount(selector.replacement_indices_, minlength=100)
        for label in (0, 1):
            of_class = uses[selector.support_ & (y == label)]
            assert of_class.max() - of_class.min() <= 1
            assert of_class.sum() == (y == label).sum()

    def test_known_draw(self):
        support = np.array([True, False, False, True, False, True])
        codes = np.array([0, 0, 0, 1, 1, 1])
        source = replacement_indices(support, codes, np.random.RandomState(0))
        assert source[:4].tolist() == [0, 0, 0, 3]
        assert source[4] in (3, 5)
        assert source[5] == 5

    def test_nothing_dropped_is_nothing_replaced(self, data, make_scorer):
        X, y = data
        selector = MislabelFilter(make_scorer(), threshold=1.0)
        np.testing.assert_array_equal(selector.fit_transform(X, y), X)
        np.testing.assert_array_equal(selector.replacement_indices_, np.arange(100))

    def test_seed(self, data, make_scorer):
        def draw(seed):
            selector = MislabelFilter(make_scorer(), threshold=0.5, random_state=seed)
            return selector.fit_transform(*data)

        np.testing.assert_array_equal(draw(0), draw(0))
        assert not np.array_equal(draw(0), draw(1))

    @pytest.mark.parametrize("labels", [["no", "yes"], [False, True], [-3, 40]])
    @pytest.mark.parametrize("container", [list, np.array, pd.Series, pl.Series])
    def test_labels_of_any_kind(self, data, make_scorer, labels, container):
        X, y = data
        y_given = container([labels[i] for i in y])
        selector = MislabelFilter(make_scorer(), threshold=0.9).fit(X, y_given)
        selector.fit_transform(X, y_given)
        np.testing.assert_array_equal(y[selector.replacement_indices_], y)
        assert selector.classes_.tolist() == labels


class TestContainers:
    @pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csr_array, sp.csc_array])
    def test_sparse(self, data, make_scorer, kind):
        X, y = data
        selector = MislabelFilter(make_scorer(), threshold=0.9)
        replaced = selector.fit_transform(kind(X), y)
        assert type(replaced) is kind
        np.testing.assert_array_equal(replaced.toarray(), X[selector.replacement_indices_])
        X_new = kind(X[:5])
        assert selector.transform(X_new) is X_new
        assert type(selector.filter(kind(X), y)[0]) is kind

    def test_images(self, data, make_scorer):
        X, y = data
        images = np.tile(X[:, 0, None, None, None], (1, 2, 4, 5))
        selector = MislabelFilter(make_scorer(), threshold=0.9)
        replaced = selector.fit_transform(images, y)
        assert replaced.shape == (100, 2, 4, 5)
        assert replaced.max() == 89
        assert selector.transform(images) is images
        assert selector.n_features_in_ == 2

    def test_lists(self, data, make_scorer):
        X, y = data
        selector = MislabelFilter(make_scorer(), threshold=0.9)
        replaced = selector.fit_transform(X.tolist(), y.tolist())
        assert isinstance(replaced, list)
        np.testing.assert_array_equal(replaced, X[selector.replacement_indices_])

    def test_dtype_is_kept(self, data, make_scorer):
        X, y = data
        selector = MislabelFilter(make_scorer(), threshold=0.9)
        assert selector.fit_transform(X.astype(np.float32), y).dtype == np.float32

    def test_pandas_index_stays_with_the_labels(self, data, make_scorer):
        X, y = data
        frame = pd.DataFrame(X, columns=["a", "b", "c"], index=[f"row {i}" for i in range(100)])
        selector = MislabelFilter(make_scorer(), threshold=0.9)
        replaced = selector.fit_transform(frame, y)
        assert replaced.index.equals(frame.index)
        np.testing.assert_array_equal(replaced.to_numpy(), X[selector.replacement_indices_])
        # The frame of the caller is another one.
        np.testing.assert_array_equal(frame.to_numpy(), X)
        transformed = selector.transform(frame)
        pd.testing.assert_frame_equal(transformed, frame)
        assert transformed is not frame
        assert selector.filter(frame, y)[0].index.tolist() == frame.index[X[:, 0] < 90].tolist()
        assert selector.get_feature_names_out().tolist() == ["a", "b", "c"]

    def test_frame_of_mixed_columns(self, data):
        X, y = data
        frame = pd.DataFrame({"hard": X[:, 0], "colour": np.where(y > 0, "red", "blue")})

        class HardColumn(DifficultyScorer):
            def fit(self, X, y):
                self.difficulty_ = X["hard"].to_numpy()
                return self

        selector = MislabelFilter(HardColumn(), threshold=0.9)
        assert selector.fit_transform(frame, y)["hard"].max() == 89
        pd.testing.assert_frame_equal(selector.transform(frame), frame)

    def test_set_output_leaves_the_frame_of_the_caller_alone(self, data, make_scorer):
        X, y = data
        frame = pd.DataFrame(X)  # whose columns are numbers, which set_output renames
        selector = MislabelFilter(make_scorer(), threshold=0.9).set_output(transform="pandas")
        selector.fit(frame, y).transform(frame)
        assert frame.columns.tolist() == [0, 1, 2]

    def test_polars(self, data, make_scorer):
        X, y = data
        frame = pl.DataFrame(X, schema=["a", "b", "c"])
        selector = MislabelFilter(make_scorer(), threshold=0.9)
        replaced = selector.fit_transform(frame, pl.Series(y))
        assert isinstance(replaced, pl.DataFrame)
        np.testing.assert_array_equal(replaced.to_numpy(), X[selector.replacement_indices_])
        assert selector.filter(frame, y)[0].shape == (90, 3)
        assert selector.feature_names_in_.tolist() == ["a", "b", "c"]

    @pytest.mark.parametrize(
        ("library", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)]
    )
    def test_set_output(self, data, make_scorer, library, kind):
        X, y = data
        frame = pd.DataFrame(X, columns=["a", "b", "c"], index=np.arange(100) + 1000)
        for rows in (X, frame):
            selector = MislabelFilter(make_scorer(), threshold=0.9).set_output(transform=library)
            replaced = selector.fit_transform(rows, y)
            assert isinstance(replaced, kind)
            assert isinstance(selector.transform(rows), kind)
            assert list(replaced.columns) == list(selector.get_feature_names_out())
            np.testing.assert_array_equal(replaced.to_numpy(), X[selector.replacement_indices_])
        assert frame.index[0] == 1000
        if library == "pandas":
            assert replaced.index.equals(frame.index)


class TestTransform:
    def test_same_object(self, data, make_scorer):
        X, y = data
        selector = MislabelFilter(make_scorer(), threshold=0.9).fit(X, y)
        assert selector.transform(X) is X

    def test_other_columns(self, data, make_scorer):
        X, y = data
        selector = MislabelFilter(make_scorer(), threshold=0.9).fit(X, y)
        with pytest.raises(ValueError, match="X has 2 features, but MislabelFilter is expecting 3"):
            selector.transform(X[:, :2])
        frame = pd.DataFrame(X, columns=["a", "b", "c"])
        selector.fit(frame, y)
        with pytest.raises(ValueError, match="feature names should match"):
            selector.transform(frame[["b", "a", "c"]])

    def test_not_fitted(self, data, make_scorer):
        with pytest.raises(NotFittedError):
            MislabelFilter(make_scorer()).transform(data[0])

    def test_missing_values(self, data, make_scorer):
        X, y = data
        selector = MislabelFilter(make_scorer(), threshold=0.9).fit(X, y)
        with pytest.raises(ValueError, match="Input X contains NaN"):
            selector.transform(np.full((1, 3), np.nan))


class TestRegression:
    def test_continuous_targets_have_no_replacement(self, data, make_scorer, count_fits):
        log, count = count_fits
        X, y = data
        pipe = make_pipeline(MislabelFilter(make_scorer(log=log), threshold=0.9), SGDRegressor())
        with pytest.raises(ValueError, match="use FilteredRegressor"):
            pipe.fit(X, y + 0.5)
        assert count() == 0

    def test_whole_numbers_under_a_regression_scorer(self, data):
        X, y = data
        selector = MislabelFilter(DifficultyScorer(SGDRegressor(max_iter=3, tol=None)))
        with pytest.raises(ValueError, match="use FilteredRegressor"):
            selector.fit_transform(X, y)

    def test_fit_and_filter_work(self, data, make_scorer):
        X, y = data
        selector = MislabelFilter(make_scorer(), threshold=0.9).fit(X, y + 0.5)
        assert selector.filter(X, y)[0].shape == (90, 3)
        assert not hasattr(selector, "classes_")


class TestPipeline:
    def test_nothing_dropped_is_seen(self, data, make_scorer):
        X, y = data
        seen = []
        spy = FunctionTransformer(lambda rows: (seen.append(rows), rows)[1])
        pipe = make_pipeline(
            MislabelFilter(make_scorer(), threshold=0.9), spy, LogisticRegression(max_iter=1000)
        )
        pipe.fit(X, y)
        assert seen[0][:, 0].max() == 89
        assert pipe.predict(X).shape == (100,)
        assert seen[1] is X

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_cross_validation(self, data, make_scorer, n_jobs):
        X, y = data
        pipe = make_pipeline(
            StandardScaler(),
            MislabelFilter(make_scorer(), threshold=0.9, random_state=0),
            LogisticRegression(),
        )
        scores = cross_val_score(pipe, X, y, n_jobs=n_jobs)
        np.testing.assert_array_equal(scores, cross_val_score(pipe, X, y))

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_grid_trains_once_per_fold(self, data, make_scorer, count_fits, tmp_path, n_jobs):
        log, count = count_fits
        X, y = data
        pipe = make_pipeline(
            MislabelFilter(make_scorer(log=log), memory=str(tmp_path / "cache"), random_state=0),
            LogisticRegression(max_iter=1000),
        )
        thresholds = [0.7, 0.8, 0.9, 1.0]
        grid = GridSearchCV(
            pipe,
            {"mislabelfilter__threshold": thresholds, "logisticregression__C": [0.1, 1.0]},
            cv=2,
            n_jobs=n_jobs,
        )
        grid.fit(X, y)
        if n_jobs == 1:  # two workers may both start on the same entry
            assert count() == 2 + 1
        uncached = GridSearchCV(
            pipe.set_params(mislabelfilter__memory=None), grid.param_grid, cv=2
        ).fit(X, y)
        np.testing.assert_array_equal(
            grid.cv_results_["mean_test_score"], uncached.cv_results_["mean_test_score"]
        )
