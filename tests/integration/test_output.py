"""What filters look like and hand on: names of columns, frames that are asked for, diagrams."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn import config_context, set_config
from sklearn.compose import make_column_transformer
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklearn_difficulty import (
    DifficultyScorer,
    FilteredClassifier,
    FilteredRegressor,
    MislabelFilter,
    MislabelSampler,
)

COLUMNS = ["sepal length", "sepal width", "petal length", "petal width"]
FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "default": np.ndarray}


@pytest.fixture
def frame(iris):
    return pd.DataFrame(iris.X, columns=COLUMNS, index=np.arange(150) + 1000)


class TestSetOutput:
    @pytest.mark.parametrize("library", FRAMES)
    def test_whole_pipeline(self, library, row_filter, frame, iris):
        pipe = make_pipeline(StandardScaler(), row_filter, MinMaxScaler())
        rows = pipe.set_output(transform=library).fit_transform(frame, iris.y)
        assert type(rows) is FRAMES[library]
        assert type(pipe.transform(frame)) is FRAMES[library]
        assert type(pipe[:2].transform(frame)) is FRAMES[library]
        if library == "pandas":
            assert rows.index.equals(frame.index)
        if library != "default":
            assert list(rows.columns) == COLUMNS
        expected = MinMaxScaler().fit_transform(
            pipe[0].transform(frame).to_numpy()[pipe[1].replacement_indices_]
            if library != "default"
            else pipe[0].transform(frame)[pipe[1].replacement_indices_]
        )
        np.testing.assert_allclose(np.asarray(rows), expected)

    @pytest.mark.parametrize("library", FRAMES)
    def test_for_everything(self, library, row_filter, frame, iris):
        with config_context(transform_output=library):
            pipe = make_pipeline(StandardScaler(), row_filter, MinMaxScaler())
            assert type(pipe.fit_transform(frame, iris.y)) is FRAMES[library]
            model = make_pipeline(StandardScaler(), row_filter, LogisticRegression())
            scores = cross_val_score(model, frame, iris.y, error_score="raise")
        assert_array_equal(scores, cross_val_score(model, iris.X, iris.y))

    def test_set_config(self, row_filter, iris):
        before = sklearn.get_config()["transform_output"]
        set_config(transform_output="pandas")
        try:
            rows = row_filter.fit_transform(iris.X, iris.y)
            passed = row_filter.transform(iris.X)
        finally:
            set_config(transform_output=before)
        assert rows.columns.tolist() == passed.columns.tolist() == ["x0", "x1", "x2", "x3"]
        assert_array_equal(rows.to_numpy(), iris.X[row_filter.replacement_indices_])
        assert isinstance(row_filter.transform(iris.X), np.ndarray)

    def test_columns_that_are_chosen_by_name_after_the_filter(self, row_filter, frame, iris):
        pipe = make_pipeline(
            StandardScaler(),
            row_filter,
            make_column_transformer((MinMaxScaler(), ["petal length", "petal width"])),
            LogisticRegression(),
        ).set_output(transform="pandas")
        pipe.fit(frame, iris.y)
        assert pipe[-1].feature_names_in_.tolist() == [
            "minmaxscaler__petal length",
            "minmaxscaler__petal width",
        ]
        assert pipe.score(frame, iris.y) > 0.7

    def test_sampler_and_filtered_classifier_hand_on_frames(self, row_filter, frame, iris):
        sampler = MislabelSampler(**row_filter.get_params(deep=False))
        kept, _ = sampler.fit_resample(frame, iris.y)
        assert kept.columns.tolist() == COLUMNS
        model = FilteredClassifier(row_filter, LogisticRegression()).fit(frame, iris.y)
        assert model.estimator_.feature_names_in_.tolist() == COLUMNS


class TestNames:
    def test_through_a_pipeline(self, row_filter, frame, iris):
        pipe = make_pipeline(SelectKBest(k=2), row_filter, StandardScaler()).fit(frame, iris.y)
        assert pipe.get_feature_names_out().tolist() == ["petal length", "petal width"]
        assert pipe[1:].get_feature_names_out(["a", "b"]).tolist() == ["a", "b"]
        assert pipe.feature_names_in_.tolist() == COLUMNS
        assert pipe.n_features_in_ == 4

    def test_without_names(self, row_filter, iris):
        pipe = make_pipeline(StandardScaler(), row_filter).fit(iris.X, iris.y)
        assert pipe.get_feature_names_out().tolist() == ["x0", "x1", "x2", "x3"]

    def test_other_names_than_in_fit(self, row_filter, frame, iris):
        row_filter.fit(frame, iris.y)
        with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
            row_filter.get_feature_names_out(["a", "b", "c", "d"])
        with pytest.raises(ValueError, match="feature names should match"):
            row_filter.transform(frame[COLUMNS[::-1]])


def models(row_filter):
    return [
        row_filter.scorer,
        row_filter,
        MislabelSampler(**row_filter.get_params(deep=False)),
        FilteredClassifier(row_filter, LogisticRegression()),
        make_pipeline(StandardScaler(), row_filter, LogisticRegression()),
        GridSearchCV(
            make_pipeline(row_filter, LogisticRegression()), {"mislabelfilter__threshold": [0.9]}
        ),
    ]


class TestLooks:
    def test_print(self, row_filter, iris):
        for model in models(row_filter):
            before = repr(model)
            assert "DifficultyScorer(" in before
            model.fit(iris.X, iris.y)
            assert repr(model) == before  # parameters and nothing that was learnt
            print(model)

    def test_print_of_defaults(self):
        assert repr(MislabelFilter()) == "MislabelFilter()"
        assert repr(FilteredClassifier()) == "FilteredClassifier()"
        assert repr(FilteredRegressor(MislabelFilter(threshold=0.9))) == (
            "FilteredRegressor(filter=MislabelFilter(threshold=0.9))"
        )

    def test_print_of_what_was_changed_only(self, row_filter):
        with config_context(print_changed_only=False):
            assert "memory=None" in repr(row_filter)
        assert "memory" not in repr(row_filter)

    @pytest.mark.parametrize("display", ["diagram", "text"])
    def test_html(self, display, row_filter, iris):
        for model in models(row_filter):
            with config_context(display=display):
                bundle = model._repr_mimebundle_()
                assert "DifficultyScorer" in bundle["text/plain"]
                assert ("text/html" in bundle) == (display == "diagram")
        for model in models(row_filter):
            diagram = model._repr_html_()
            assert "SGDClassifier" in diagram
            assert "not fitted" in diagram.lower()
            assert "Fitted</" in model.fit(iris.X, iris.y)._repr_html_()

    def test_html_of_defaults(self):
        for model in (MislabelFilter(), FilteredClassifier(), DifficultyScorer()):
            assert type(model).__name__ in model._repr_html_()

    def test_html_after_fitting_nets(self, net, iris):
        X, y = iris.X.astype(np.float32), iris.y.astype(np.int64)
        rows = MislabelFilter(DifficultyScorer(net, random_state=0), threshold=0.9)
        model = make_pipeline(StandardScaler(), rows, LogisticRegression()).fit(X, y)
        assert "TinyNet" in model._repr_html_()
        assert "TinyNet" in repr(model)

    def test_verbose_pipeline(self, row_filter, iris, capsys):
        make_pipeline(row_filter, LogisticRegression(), verbose=True).fit(iris.X, iris.y)
        assert "(step 1 of 2) Processing mislabelfilter" in capsys.readouterr().out
