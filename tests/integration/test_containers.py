"""Rows and labels in the containers that people have, from the filter to the prediction."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from sklearn_difficulty import (
    DifficultyScorer,
    FilteredClassifier,
    MislabelFilter,
    TrackedNetClassifier,
)


@pytest.fixture(params=["pipeline", "filtered"])
def around(request, row_filter):
    """Puts a filter in front of a model, in two ways."""
    if request.param == "pipeline":
        return lambda model, f=row_filter: make_pipeline(clone(f), model)
    return lambda model, f=row_filter: FilteredClassifier(f, model)


def check(model, X, y, wrong):
    """Cross-validate with scores of the training part, and tell right labels from wrong ones."""
    results = cross_validate(model, X, y, cv=2, return_train_score=True, error_score="raise")
    assert results["test_score"].mean() > 0.7
    predicted = np.asarray(model.fit(X, y).predict(X))
    assert np.mean((predicted == np.asarray(y))[~wrong]) > 0.85
    return model


KINDS = {
    "csr_matrix": sp.csr_matrix,
    "csc_matrix": sp.csc_matrix,
    "csr_array": sp.csr_array,
    "csc_array": sp.csc_array,
    "coo_array": sp.coo_array,
    "list": lambda X: X.tolist(),
    "float32": lambda X: X.astype(np.float32),
    "Fortran": np.asfortranarray,
    "read-only": lambda X: (X.setflags(write=False), X)[1],
    "pandas": lambda X: pd.DataFrame(X, index=np.arange(len(X))[::-1] * 3).add_prefix("c"),
    "repeated index": lambda X: pd.DataFrame(X, index=np.zeros(len(X))).add_prefix("c"),
    "polars": lambda X: pl.DataFrame(X, schema=[f"c{i}" for i in range(X.shape[1])]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_tables(kind, around, iris):
    X = KINDS[kind](iris.X.copy())
    model = check(around(LogisticRegression()), X, iris.y, iris.wrong)
    same = around(LogisticRegression()).fit(iris.X, iris.y)
    # Linear models learn their intercept more slowly from sparse rows.
    if kind != "float32" and not sp.issparse(X):
        np.testing.assert_allclose(model.predict_proba(X), same.predict_proba(iris.X), atol=1e-6)


LABELS = {
    "names": lambda y: np.array(["setosa", "versicolor", "virginica"])[y],
    "objects": lambda y: np.array(["setosa", "versicolor", "virginica"], dtype=object)[y],
    "list": lambda y: ["abc"[label] for label in y],
    "series": lambda y: pd.Series(y, index=[f"row {i}" for i in range(len(y))][::-1]),
    "shifted series": lambda y: pd.Series(y, index=np.arange(len(y)) + 7),
    "repeated index": lambda y: pd.Series(y, index=np.zeros(len(y), dtype=int)),
    "series of strings": lambda y: pd.Series(["abc"[label] for label in y]),
    "nullable integers": lambda y: pd.Series(y, dtype="Int64"),
    "categories": lambda y: pd.Series(["abc"[label] for label in y], dtype="category"),
    "categories in another order": lambda y: pd.Series(
        pd.Categorical(["abc"[label] for label in y], categories=["c", "a", "unused", "b"])
    ),
    "polars": lambda y: pl.Series(["abc"[label] for label in y]),
    "negative": lambda y: y * 10 - 10,
    "floats": lambda y: y.astype(float),
    "booleans": lambda y: y == 0,
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels(kind, around, iris):
    y = LABELS[kind](iris.y)
    model = check(around(LogisticRegression()), iris.X, y, iris.wrong)
    assert model.classes_.tolist() == sorted(set(np.asarray(y).tolist()))
    if kind not in ("booleans", "objects"):
        same = around(LogisticRegression()).fit(iris.X, iris.y)
        assert_array_equal(model.predict_proba(iris.X), same.predict_proba(iris.X))


def test_frame_and_series_with_their_own_indices(around, iris):
    # Rows go together by their place, never by their label in the index.
    frame = pd.DataFrame(iris.X, index=np.arange(150)).add_prefix("c")
    series = pd.Series(iris.y, index=np.arange(150)[::-1])
    model = around(LogisticRegression()).fit(frame, series)
    same = around(LogisticRegression()).fit(iris.X, iris.y)
    assert_array_equal(model.predict_proba(frame), same.predict_proba(iris.X))


def test_index_of_a_frame_is_kept_on_the_way(row_filter, iris):
    seen = []
    spy = FunctionTransformer(lambda rows: (seen.append(rows), rows)[1])
    frame = pd.DataFrame(iris.X, index=[f"row {i}" for i in range(150)]).add_prefix("c")
    pipe = make_pipeline(
        StandardScaler().set_output(transform="pandas"), row_filter, spy, LogisticRegression()
    )
    pipe.fit(frame, pd.Series(iris.y, index=frame.index))
    pipe.predict(frame[:3])
    assert [rows.index.equals(frame.index[: len(rows)]) for rows in seen] == [True, True]
    assert [rows.columns.tolist() for rows in seen] == [frame.columns.tolist()] * 2


def test_mixed_columns_before_the_filter(row_filter, iris):
    frame = pd.DataFrame(iris.X).add_prefix("c")
    frame["colour"] = np.where(iris.X[:, 0] > 0, "red", "blue")
    frame.loc[::9, "c1"] = np.nan
    columns = make_column_transformer(
        (OneHotEncoder(), ["colour"]), (SimpleImputer(), ["c0", "c1", "c2", "c3"])
    )
    check(make_pipeline(columns, row_filter, LogisticRegression()), frame, iris.y, iris.wrong)
    model = FilteredClassifier(
        MislabelFilter(
            DifficultyScorer(
                make_pipeline(columns, SGDClassifier(max_iter=5, tol=None)), random_state=0
            ),
            threshold=0.9,
        ),
        make_pipeline(columns, LogisticRegression()),
    )
    check(model, frame, iris.y, iris.wrong)


class ImageNet(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.LazyLinear(10)
        )

    def forward(self, X):
        return self.layers(X)


def image_net(epochs):
    return TrackedNetClassifier(
        ImageNet,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=0.01,
        batch_size=32,
        max_epochs=epochs,
        train_split=None,
        verbose=0,
    )


def test_images(around):
    X, y = load_digits(return_X_y=True)
    images = (X[:500].reshape(-1, 1, 8, 8) / 16).astype(np.float32)
    y = y[:500].astype(np.int64)
    wrong = np.arange(500) % 10 == 0
    y = np.where(wrong, (y + 1) % 10, y)
    rows = MislabelFilter(
        DifficultyScorer(image_net(2), random_state=0), threshold=0.9, random_state=0
    )
    flat = make_pipeline(
        FunctionTransformer(lambda rows: rows.reshape(len(rows), -1)), LogisticRegression()
    )
    model = check(around(flat, rows), images, y, wrong)
    fitted = model.filter_ if isinstance(model, FilteredClassifier) else model[0]
    # Two epochs tell: of the fifty rows dropped, one in ten would be wrong by chance.
    assert wrong[~fitted.support_].mean() > 0.5
    # A net of images as the model, too.
    torch.manual_seed(0)
    assert around(image_net(4), rows).fit(images, y).score(images[~wrong], y[~wrong]) > 0.7


WORDS = {
    "fruit": ["apple", "pear", "plum", "juice", "sweet", "ripe", "orchard"],
    "metal": ["iron", "copper", "steel", "forge", "hard", "rust", "smelter"],
}


@pytest.fixture
def texts():
    """200 short texts of two kinds with common words between, and one label in ten wrong."""
    rng = np.random.RandomState(0)
    common = ["the", "of", "and", "is", "very", "old"]
    kinds = np.array(["fruit", "metal"])[rng.randint(2, size=200)]
    texts = [" ".join(rng.choice(WORDS[kind] + common, 12)) for kind in kinds]
    wrong = np.arange(200) % 10 == 0
    return texts, np.where(wrong, np.where(kinds == "fruit", "metal", "fruit"), kinds), wrong


@pytest.mark.parametrize("container", [list, np.array, pd.Series])
@pytest.mark.parametrize("vectorizer", [TfidfVectorizer(), HashingVectorizer(n_features=64)])
def test_texts_in_a_pipeline(container, vectorizer, row_filter, texts):
    given, y, wrong = texts
    pipe = make_pipeline(vectorizer, row_filter, LogisticRegression())
    model = check(pipe, container(given), y, wrong)
    assert wrong[~model[1].support_].mean() > 0.7


def test_texts_around_a_pipeline(texts):
    # Both the scorer and the model read the texts by themselves.
    given, y, wrong = texts
    scorer = DifficultyScorer(
        make_pipeline(TfidfVectorizer(), SGDClassifier(max_iter=5, tol=None)), random_state=0
    )
    model = FilteredClassifier(
        MislabelFilter(scorer, threshold=0.9),
        make_pipeline(TfidfVectorizer(), LogisticRegression()),
    )
    given = np.array(given, dtype=object)
    model = check(model, given, y, wrong)
    assert wrong[~model.filter_.support_].mean() > 0.7


def test_texts_with_a_filtered_model_behind(row_filter, texts):
    given, y, wrong = texts
    model = make_pipeline(TfidfVectorizer(), FilteredClassifier(row_filter, LogisticRegression()))
    check(model, given, y, wrong)
