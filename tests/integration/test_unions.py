"""In a union of columns filters refuse to be fitted; next to one, and around one, they work."""

import joblib
import numpy as np
import pytest
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.feature_selection import SelectFromModel, SequentialFeatureSelector
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from sklearn_difficulty import FilteredClassifier, MislabelSampler


class OwnColumns(ColumnTransformer):
    pass


class OwnUnion(FeatureUnion):
    pass


class Wrapped(TransformerMixin, BaseEstimator):
    """Hands on what the transformer inside returns."""

    def __init__(self, inner):
        self.inner = inner

    def fit_transform(self, X, y=None):
        self.inner_ = clone(self.inner)
        return self.inner_.fit_transform(X, y)

    def transform(self, X):
        return self.inner_.transform(X)


class Distances(Wrapped):
    """Fits a model when it transforms, and returns columns of its own for the rows it was given."""

    def fit_transform(self, X, y=None):
        self.inner_ = clone(self.inner).fit(X, y)
        return self.transform(X)

    def transform(self, X):
        return self.inner_.decision_function(X)


# Models that hand the rows of a filter to a union, and the class of the union.
REFUSED = {
    "union": lambda f: make_union(StandardScaler(), f),
    "columns": lambda f: make_column_transformer((f, [0, 1]), (StandardScaler(), [2, 3])),
    "remainder of columns": lambda f: make_column_transformer((MinMaxScaler(), [0]), remainder=f),
    "single branch": lambda f: make_union(f),
    "weighted": lambda f: FeatureUnion(
        [("f", f), ("s", StandardScaler())], transformer_weights={"f": 2.0, "s": 1.0}
    ),
    "pipeline in union": lambda f: make_union(
        make_pipeline(StandardScaler(), f, MinMaxScaler()), StandardScaler()
    ),
    "last of a pipeline in union": lambda f: make_union(
        make_pipeline(StandardScaler(), f), StandardScaler()
    ),
    "pipeline in columns": lambda f: make_column_transformer(
        (make_pipeline(f, StandardScaler()), [0, 1]), remainder="passthrough"
    ),
    "pipelines in pipelines": lambda f: make_union(
        make_pipeline(MinMaxScaler(), make_pipeline(f, StandardScaler())), MinMaxScaler()
    ),
    "union in union": lambda f: make_union(make_union(f, MinMaxScaler()), StandardScaler()),
    "columns in union": lambda f: make_union(
        make_column_transformer((f, [0, 1])), StandardScaler()
    ),
    "union in columns": lambda f: make_column_transformer(
        (make_union(f, StandardScaler()), [0, 1]), remainder="passthrough"
    ),
    "own columns": lambda f: OwnColumns([("f", f, [0, 1])], remainder="passthrough"),
    "own union": lambda f: OwnUnion([("f", f), ("s", StandardScaler())]),
    "handed on": lambda f: make_union(Wrapped(f), StandardScaler()),
    "pipeline handed on": lambda f: make_union(
        Wrapped(make_pipeline(f, StandardScaler())), StandardScaler()
    ),
    "pipeline of imbalanced-learn": lambda f: make_union(
        make_imblearn_pipeline(f, StandardScaler()), StandardScaler()
    ),
}
MESSAGE = (
    r"MislabelFilter stands in a (Own)?(FeatureUnion|ColumnTransformer|Columns|Union)\."
    r".* step of the main chain of a Pipeline, before or after the .*FilteredClassifier\("
)


@pytest.fixture(params=REFUSED)
def union(request, row_filter):
    """A union with a filter in a branch."""
    return REFUSED[request.param](row_filter)


class TestRefused:
    def test_alone(self, union, iris):
        with pytest.raises(ValueError, match=MESSAGE):
            union.fit_transform(iris.X, iris.y)

    def test_as_a_step(self, union, iris):
        with pytest.raises(ValueError, match=MESSAGE):
            make_pipeline(StandardScaler(), union, LogisticRegression()).fit(iris.X, iris.y)

    def test_nothing_is_fitted_before(self, iris, shown, witness_scorer, row_filter):
        row_filter.set_params(scorer=witness_scorer)
        with pytest.raises(ValueError, match=MESSAGE):
            make_union(row_filter).fit_transform(iris.X, iris.y)
        assert shown == []

    @pytest.mark.parametrize(
        ("backend", "kind"),
        [
            ("loky", "pipeline in union"),
            ("loky", "own columns"),
            *[("threading", kind) for kind in REFUSED],
        ],
    )
    def test_in_workers(self, backend, kind, row_filter, iris):
        union = REFUSED[kind](row_filter).set_params(n_jobs=2)
        with joblib.parallel_config(backend), pytest.raises(ValueError, match=MESSAGE):
            union.fit_transform(iris.X, iris.y)

    @pytest.mark.parametrize("kind", ["union", "pipeline in union", "pipelines in pipelines"])
    def test_fit_alone(self, kind, row_filter, iris):
        union = REFUSED[kind](row_filter)
        with pytest.raises(ValueError, match=MESSAGE):
            union.fit(iris.X, iris.y)
        with pytest.raises(ValueError, match=MESSAGE):
            make_pipeline(StandardScaler(), union).fit(iris.X, iris.y)

    def test_pipeline_with_a_memory(self, row_filter, iris, tmp_path):
        branch = make_pipeline(row_filter, StandardScaler(), memory=str(tmp_path))
        with pytest.raises(ValueError, match=MESSAGE):
            make_union(branch, StandardScaler()).fit_transform(iris.X, iris.y)

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_what_a_pipeline_outside_has_left_in_a_memory(self, n_jobs, row_filter, iris, tmp_path):
        memory = str(tmp_path)
        make_pipeline(row_filter, LogisticRegression(), memory=memory).fit(iris.X, iris.y)
        branch = make_pipeline(row_filter, MinMaxScaler(), memory=memory)
        union = make_union(branch, StandardScaler(), n_jobs=n_jobs)
        with joblib.parallel_config("threading"), pytest.raises(ValueError, match=MESSAGE):
            union.fit_transform(iris.X, iris.y)

    def test_memory_where_a_filter_may_stand(self, row_filter, iris, tmp_path):
        pipe = make_pipeline(
            make_union(StandardScaler(), MinMaxScaler()),
            row_filter,
            LogisticRegression(),
            memory=str(tmp_path),
        )
        inside = make_union(
            selection(make_pipeline(row_filter, LogisticRegression(), memory=str(tmp_path))),
            StandardScaler(),
        )
        for _ in range(2):  # the second time from the memory
            pipe.fit(iris.X, iris.y)
            inside.fit_transform(iris.X, iris.y)
        assert clone(pipe).fit(iris.X, iris.y)[1].support_.sum() == 135
        assert clone(inside).fit(iris.X, iris.y).transform(iris.X).shape[0] == 150

    def test_with_output_set(self, row_filter, iris):
        union = make_union(row_filter, StandardScaler()).set_output(transform="pandas")
        with pytest.raises(ValueError, match=MESSAGE):
            union.fit_transform(iris.X, iris.y)

    @pytest.mark.parametrize("search", [GridSearchCV, FilteredClassifier])
    def test_deep_inside(self, search, row_filter, iris):
        chain = make_pipeline(make_union(row_filter, StandardScaler()), LogisticRegression())
        if search is GridSearchCV:
            model = GridSearchCV(chain, {"logisticregression__C": [1.0]}, error_score="raise")
        else:
            model = FilteredClassifier(row_filter, chain)
        with pytest.raises(ValueError, match=MESSAGE):
            model.fit(iris.X, iris.y)

    def test_sampler(self, row_filter, iris):
        sampler = MislabelSampler(**row_filter.get_params(deep=False))
        branch = make_imblearn_pipeline(sampler, StandardScaler())
        with pytest.raises(ValueError, match="MislabelSampler stands in a FeatureUnion"):
            make_union(branch, clone(branch)).fit_transform(iris.X, iris.y)

    def test_fitted_before_it_may_transform_there(self, row_filter, iris):
        # A fitted filter passes rows through, in a union as elsewhere.
        row_filter.fit(iris.X, iris.y)
        union = make_union(FunctionTransformer(row_filter.transform), StandardScaler())
        assert_array_equal(union.fit_transform(iris.X)[:, :4], iris.X)


# Models around or behind a union, or inside one whose rows stay those that were given.
ACCEPTED = {
    "after columns": lambda f: make_pipeline(
        make_column_transformer((StandardScaler(), [0, 1]), remainder="passthrough"),
        f,
        LogisticRegression(),
    ),
    "before a union": lambda f: make_pipeline(
        f, make_union(StandardScaler(), MinMaxScaler()), LogisticRegression()
    ),
    "between two": lambda f: make_pipeline(
        make_union(StandardScaler(), MinMaxScaler()),
        f,
        make_column_transformer((StandardScaler(), [0, 1]), remainder="passthrough", n_jobs=2),
        LogisticRegression(),
    ),
    "voting": lambda f: VotingClassifier([("m", make_pipeline(f, LogisticRegression()))]),
    "bagging": lambda f: BaggingClassifier(make_pipeline(f, LogisticRegression()), 3),
    "stacking": lambda f: StackingClassifier([("m", make_pipeline(f, LogisticRegression()))], cv=2),
    "search": lambda f: GridSearchCV(
        make_pipeline(f, LogisticRegression()), {"logisticregression__C": [1.0]}, cv=2
    ),
    "selection": lambda f: make_pipeline(
        SequentialFeatureSelector(
            make_pipeline(f, LogisticRegression()), n_features_to_select=1, cv=2
        ),
        LogisticRegression(),
    ),
}


@pytest.mark.parametrize("kind", ACCEPTED)
def test_accepted(kind, row_filter, iris):
    # Of the labels nine in ten are right, so that no model can be much better than 0.9 on them.
    assert cross_val_score(ACCEPTED[kind](row_filter), iris.X, iris.y, cv=2).mean() > 0.6


def selection(model):
    return SelectFromModel(model, importance_getter="named_steps.logisticregression.coef_")


# Branches of a union that hold a model with a filter, and columns for the rows as given.
ALIGNED = {
    "selection": lambda f: selection(make_pipeline(f, LogisticRegression())),
    "selection in a pipeline": lambda f: make_pipeline(
        MinMaxScaler(), selection(make_pipeline(f, LogisticRegression()))
    ),
    "stacking": lambda f: StackingClassifier([("m", make_pipeline(f, LogisticRegression()))], cv=2),
    "model fitted by fit_transform": lambda f: Distances(make_pipeline(f, LogisticRegression())),
}


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("kind", ALIGNED)
def test_models_inside_a_union_leave_its_rows_aligned(kind, n_jobs, row_filter, iris):
    union = FeatureUnion(
        [("model", ALIGNED[kind](row_filter)), ("rows", "passthrough")], n_jobs=n_jobs
    )
    columns = ColumnTransformer(
        [("model", ALIGNED[kind](row_filter), [0, 1, 2, 3]), ("rows", "passthrough", [0, 1, 2, 3])],
        n_jobs=n_jobs,
    )
    for model in (union, columns):
        fitted = model.fit_transform(iris.X, iris.y)
        assert_array_equal(fitted[:, -4:], iris.X)
        if kind.startswith("selection"):  # a stack returns other columns when it is fitted
            assert_array_equal(fitted, model.transform(iris.X))
            assert np.isin(fitted[:, 0], union.fit(iris.X, iris.y).transform(iris.X)).all()
