"""Fitted models are saved and loaded: pickle, joblib, cloudpickle, skops."""

import pickle

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_difficulty import (
    DifficultyScorer,
    FilteredClassifier,
    MislabelFilter,
    MislabelSampler,
)

MODELS = {
    "pipeline": lambda f: make_pipeline(StandardScaler(), f, LogisticRegression()),
    "filtered": lambda f: FilteredClassifier(f, LogisticRegression()),
    "search": lambda f: GridSearchCV(
        make_pipeline(f, LogisticRegression()), {"mislabelfilter__threshold": [0.8, 0.9]}, cv=2
    ),
    "imbalanced-learn": lambda f: make_imblearn_pipeline(
        MislabelSampler(**f.get_params(deep=False)), LogisticRegression()
    ),
}


def filter_of(model):
    if isinstance(model, GridSearchCV):
        model = model.best_estimator_
    if isinstance(model, FilteredClassifier):
        return model.filter_
    return next(step for step in model if hasattr(step, "support_"))


def check_same(loaded, model, X):
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    for name in ("support_", "difficulty_", "sample_indices_", "classes_", "threshold_"):
        assert_array_equal(getattr(filter_of(loaded), name), getattr(filter_of(model), name))
    assert_array_equal(filter_of(loaded).scorer_.difficulty_, filter_of(model).scorer_.difficulty_)


@pytest.fixture(params=MODELS)
def fitted(request, row_filter, iris):
    """A fitted model with a filter."""
    return MODELS[request.param](row_filter).fit(iris.X, iris.y)


class TestPickles:
    @pytest.mark.parametrize("library", [pickle, cloudpickle])
    def test_bytes(self, library, fitted, iris):
        loaded = library.loads(library.dumps(fitted))
        check_same(loaded, fitted, iris.X)

    @pytest.mark.parametrize("mmap_mode", [None, "r"])
    def test_joblib(self, fitted, iris, tmp_path, mmap_mode):
        joblib.dump(fitted, tmp_path / "model.joblib")
        loaded = joblib.load(tmp_path / "model.joblib", mmap_mode=mmap_mode)
        check_same(loaded, fitted, iris.X)

    def test_loaded_models_are_trained_again(self, fitted, iris):
        # On other rows, as in production: the parameters are all there, the random ones too.
        loaded = pickle.loads(pickle.dumps(fitted))
        X, y = iris.X[:100], iris.y[:100]
        check_same(loaded.fit(X, y), clone(fitted).fit(X, y), X)

    @pytest.mark.parametrize("kind", ["pipeline", "filtered"])
    def test_net(self, kind, net, iris):
        X, y = iris.X.astype(np.float32), iris.y.astype(np.int64)
        rows = MislabelFilter(DifficultyScorer(net, random_state=0), threshold=0.9)
        model = MODELS[kind](rows).fit(X, y)
        check_same(pickle.loads(pickle.dumps(model)), model, X)


class TestSkops:
    """skops asks which types in a file are trusted before it makes anything of them.

    Besides the types of this package, which it does not know, these are what scikit-learn itself
    has to be trusted with, such as the trees of a forest.
    """

    @pytest.fixture
    def skops_io(self):
        return pytest.importorskip("skops.io")

    def check_round_trip(self, skops_io, model, X, tmp_path):
        """Save and load, and return the types that had to be trusted, without our own."""
        path = tmp_path / "model.skops"
        skops_io.dump(model, path)
        untrusted = skops_io.get_untrusted_types(file=path)
        with pytest.raises(skops_io.exceptions.UntrustedTypesFoundException):
            skops_io.load(path, trusted=[])
        loaded = skops_io.load(path, trusted=untrusted)
        check_same(loaded, model, X)
        return [name for name in untrusted if not name.startswith("sklearn_difficulty.")], loaded

    def test_linear_scorers(self, skops_io, fitted, iris, tmp_path):
        others, _ = self.check_round_trip(skops_io, fitted, iris.X, tmp_path)
        assert set(others) <= {
            "imblearn.pipeline.Pipeline",
            "sklearn.metrics._scorer._PassthroughScorer",
            "sklearn.model_selection._split.StratifiedKFold",
        }

    @pytest.mark.parametrize("learner", [RandomForestClassifier(40), MLPClassifier(max_iter=5)])
    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    @pytest.mark.filterwarnings("ignore::sklearn_difficulty.exceptions.NothingLearnedWarning")
    def test_other_scorers(self, skops_io, learner, iris, tmp_path):
        rows = MislabelFilter(DifficultyScorer(learner, random_state=0), threshold=0.9)
        model = MODELS["pipeline"](rows).fit(iris.X, iris.y)
        others, _ = self.check_round_trip(skops_io, model, iris.X, tmp_path)
        assert all(name.startswith("sklearn.") for name in others)

    def test_nets(self, skops_io, net, iris, tmp_path):
        X, y = iris.X.astype(np.float32), iris.y.astype(np.int64)
        rows = MislabelFilter(DifficultyScorer(net, random_state=0), threshold=0.9)
        model = FilteredClassifier(rows, net).fit(X, y)
        others, loaded = self.check_round_trip(skops_io, model, X, tmp_path)
        # The class of the module and the parts of skorch and torch that the net is made of.
        assert {name.partition(".")[0] for name in others} >= {"skorch", "torch"}
        for trained, again in zip(
            model.filter_.scorer_.estimators_, loaded.filter_.scorer_.estimators_, strict=True
        ):
            assert_array_equal(again.predict_proba(X), trained.predict_proba(X))

    @pytest.mark.parametrize("action", ["drop", "relabel", "weight"])
    @pytest.mark.parametrize(
        "index",
        [
            pd.RangeIndex(150),
            pd.Index([f"row {i}" for i in range(150)], name="flower"),
            pd.MultiIndex.from_product([["a", "b"], range(75)], names=["field", "flower"]),
        ],
        ids=lambda index: type(index).__name__,
    )
    def test_frames(self, skops_io, action, index, row_filter, iris, tmp_path):
        # skops knows nothing of pandas, of which a filter keeps the index.
        frame = pd.DataFrame(iris.X, index=index).add_prefix("c")
        row_filter.set_params(action=action)
        model = FilteredClassifier(row_filter, LogisticRegression())
        model.fit(frame, pd.Series(iris.y, index=index))
        _, loaded = self.check_round_trip(skops_io, model, frame, tmp_path)
        pd.testing.assert_frame_equal(loaded.filter_.label_issues_, model.filter_.label_issues_)
        assert model.filter_.label_issues_.index.equals(index)
        assert list(model.filter_.label_issues_.index.names) == list(index.names)
