"""Scoring, caching, seeding and errors, which the filter and the sampler share."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.linear_model import LogisticRegression, SGDClassifier

from sklearn_difficulty import DifficultyScorer, MislabelFilter, MislabelSampler
from sklearn_difficulty.exceptions import MissingRecordsWarning

both = pytest.mark.parametrize("kind", [MislabelFilter, MislabelSampler])


class Wrapper(BaseEstimator):
    """A scorer around a scorer."""

    def __init__(self, inner=None, random_state=None):
        self.inner = inner
        self.random_state = random_state

    def fit(self, X, y):
        self.difficulty_ = clone(self.inner).fit(X, y).difficulty_
        return self


class Leaves(BaseEstimator):
    """Leaves whatever it was given as difficulty."""

    def __init__(self, difficulty=None):
        self.difficulty = difficulty

    def fit(self, X, y):
        self.difficulty_ = np.array(self.difficulty)
        return self


@both
def test_fitted_attributes(kind, data, make_scorer):
    X, y = data
    selector = kind(make_scorer(), threshold=0.9).fit(X, y)
    np.testing.assert_array_equal(selector.difficulty_, X[:, 0])
    np.testing.assert_array_equal(selector.support_, X[:, 0] < 90)
    np.testing.assert_array_equal(selector.sample_indices_, np.flatnonzero(X[:, 0] < 90))
    np.testing.assert_array_equal(selector.get_support(), selector.support_)
    np.testing.assert_array_equal(selector.get_support(indices=True), selector.sample_indices_)
    np.testing.assert_array_equal(selector.classes_, [0, 1])
    assert selector.support_.dtype == bool
    assert selector.threshold_ == 89
    assert selector.n_features_in_ == 3


@both
def test_zscore_leaves_a_cut_per_class(kind, data, make_scorer):
    X, y = data
    selector = kind(make_scorer(), threshold=1.0, criterion="zscore").fit(X, y)
    # Class 0 is 0, 4, ..., 96: mean 48, variance 16 (25^2 - 1) / 12.
    assert selector.threshold_[0] == pytest.approx(48 + np.sqrt(16 * 624 / 12))
    assert selector.threshold_.shape == (2,)


@both
def test_scorer_of_the_caller_is_untouched(kind, data, make_scorer):
    scorer = make_scorer()
    selector = kind(scorer, random_state=0).fit(*data)
    assert vars(scorer) == {"sign": 1, "log": None, "error": None, "random_state": None}
    assert selector.scorer_ is not scorer
    assert selector.scorer_.random_state is not None


@both
def test_failing_scorer_leaves_nothing_behind(kind, data, make_scorer):
    selector = kind(make_scorer(error="out of paper"))
    with pytest.raises(RuntimeError, match="out of paper"):
        selector.fit(*data)
    assert not [name for name in vars(selector) if name.endswith("_")]
    with pytest.raises(NotFittedError):
        selector.get_support()


@both
def test_failing_refit_keeps_the_earlier_fit(kind, data, make_scorer):
    X, y = data
    selector = kind(make_scorer(), threshold=0.9).fit(X, y)
    before = dict(vars(selector))
    selector.set_params(scorer__error="out of paper")
    with pytest.raises(RuntimeError, match="out of paper"):
        selector.fit(X[:50], y[:50])
    assert selector.support_ is before["support_"]


@both
def test_clone_and_pickle(kind, data, make_scorer):
    X, y = data
    selector = kind(make_scorer(), threshold=0.7, criterion="quantile", random_state=3)
    assert clone(selector).get_params()["scorer__sign"] == 1
    fitted = pickle.loads(pickle.dumps(selector.fit(X, y)))
    np.testing.assert_array_equal(fitted.support_, selector.support_)
    assert not hasattr(clone(fitted), "support_")


class TestFilterMethod:
    def test_drops_from_everything(self, data, make_scorer):
        X, y = data
        selector = MislabelFilter(make_scorer(), threshold=0.9).fit(X, y)
        kept = X[:, 0] < 90
        names = [f"row {i}" for i in range(100)]
        frame = pd.DataFrame(X, index=names)
        X_kept, y_kept, frame_kept, names_kept, nothing = selector.filter(X, y, frame, names, None)
        np.testing.assert_array_equal(X_kept, X[kept])
        np.testing.assert_array_equal(y_kept, y[kept])
        pd.testing.assert_frame_equal(frame_kept, frame[kept])
        assert names_kept == list(frame.index[kept])
        assert nothing is None

    def test_other_rows(self, data, make_scorer):
        X, y = data
        selector = MislabelFilter(make_scorer(), threshold=0.9).fit(X, y)
        with pytest.raises(ValueError, match="fitted on, which are 100; X has 99 rows"):
            selector.filter(X[1:], y[1:])
        with pytest.raises(ValueError, match=r"arrays\[0\] has 2 rows"):
            selector.filter(X, y, [1, 2])
        with pytest.raises(ValueError, match="y has no rows"):
            selector.filter(X, 5)

    def test_before_fit(self, data, make_scorer):
        with pytest.raises(NotFittedError):
            MislabelFilter(make_scorer()).filter(*data)


class TestMemory:
    @both
    @pytest.mark.parametrize("as_path", [True, False])
    def test_another_threshold_trains_nothing(
        self, kind, as_path, data, make_scorer, count_fits, tmp_path
    ):
        log, count = count_fits
        memory = str(tmp_path / "cache")
        if not as_path:
            memory = joblib.Memory(memory, verbose=0)
        for n_fits, threshold in [(1, 0.9), (1, 0.5), (1, "auto")]:
            cached = kind(make_scorer(log=log), threshold=threshold, memory=memory).fit(*data)
            plain = kind(make_scorer(), threshold=threshold).fit(*data)
            np.testing.assert_array_equal(cached.support_, plain.support_)
            np.testing.assert_array_equal(cached.difficulty_, plain.difficulty_)
            assert count() == n_fits
        kind(make_scorer(log=log), threshold=1.0, criterion="score", memory=memory).fit(*data)
        assert count() == 1

    def test_other_data_or_parameters_train_again(self, data, make_scorer, count_fits, tmp_path):
        log, count = count_fits
        X, y = data
        X_other, y_other = X.copy(), y.copy()
        X_other[7, 2] += 1e-9
        y_other[7] = 1 - y_other[7]

        def fit(X, y, **params):
            scorer = make_scorer(log=log, **params)
            selector = MislabelFilter(scorer, threshold=0.9, memory=str(tmp_path / "cache"))
            return selector.fit(X, y)

        assert fit(X, y).threshold_ == 89
        fit(X_other, y)
        assert count() == 2
        fit(X, y_other)
        assert count() == 3
        assert fit(X, y, sign=-1).threshold_ == -10
        assert count() == 4
        fit(X, y, random_state=1)
        assert count() == 5
        fit(X, y)
        assert count() == 5

    def test_same_draws_with_and_without(self, data, make_scorer, tmp_path):
        X, y = data
        outputs = [
            MislabelFilter(make_scorer(), threshold=0.7, memory=memory, random_state=5)
            .fit_transform(X, y)
            .tolist()
            for memory in (None, str(tmp_path), str(tmp_path))
        ]
        assert outputs[0] == outputs[1] == outputs[2]

    def test_real_scorer_is_served_from_the_cache(self, data, tmp_path):
        X, y = data
        scorer = DifficultyScorer(SGDClassifier(loss="log_loss", max_iter=3, tol=None))
        memory = joblib.Memory(tmp_path, verbose=0)
        fits = [
            MislabelFilter(scorer, threshold=threshold, memory=memory, random_state=0).fit(
                X / 100, y
            )
            for threshold in (0.9, 0.8)
        ]
        np.testing.assert_array_equal(fits[0].difficulty_, fits[1].difficulty_)
        assert len(list(tmp_path.rglob("output.pkl"))) == 1


class TestRandomState:
    def test_open_seeds_are_set_and_others_left(self, data, make_scorer, count_fits):
        log, _ = count_fits
        scorer = Wrapper(make_scorer(log=log, random_state=11))
        selector = MislabelFilter(scorer, threshold=0.9, random_state=0).fit(*data)
        assert isinstance(selector.scorer_.random_state, int)
        assert selector.scorer_.inner.random_state == 11
        again = MislabelFilter(scorer, threshold=0.9, random_state=0).fit(*data)
        assert again.scorer_.random_state == selector.scorer_.random_state
        other = MislabelFilter(scorer, threshold=0.9, random_state=1).fit(*data)
        assert other.scorer_.random_state != selector.scorer_.random_state

    def test_nested_seeds_are_set(self, data, make_scorer):
        scorer = Wrapper(make_scorer())
        selector = MislabelFilter(scorer, threshold=0.9, random_state=0).fit(*data)
        seeds = selector.scorer_.random_state, selector.scorer_.inner.random_state
        assert isinstance(seeds[0], int)
        assert isinstance(seeds[1], int)
        assert seeds[0] != seeds[1]

    def test_none_leaves_seeds_open(self, data, make_scorer):
        selector = MislabelFilter(make_scorer(), threshold=0.9).fit(*data)
        assert selector.scorer_.random_state is None

    @pytest.mark.usefixtures("generators_unchanged")
    def test_global_generators_are_left_alone(self, data, make_scorer):
        MislabelFilter(make_scorer(), threshold=0.7, random_state=0).fit_transform(*data)
        MislabelSampler(make_scorer(), threshold=0.7).fit_resample(*data)

    def test_generator_object(self, data, make_scorer):
        rng = np.random.RandomState(0)
        selector = MislabelFilter(make_scorer(), threshold=0.5, random_state=rng)
        first = selector.fit(*data).fit_transform(*data)
        assert not np.array_equal(first, selector.fit_transform(*data))


class TestErrors:
    @both
    @pytest.mark.parametrize(
        ("params", "error", "message"),
        [
            ({"threshold": 1.5}, ValueError, r"threshold must be .* in \(0, 1\]"),
            ({"threshold": np.nan}, ValueError, "threshold must be"),
            ({"threshold": True}, TypeError, "threshold must be"),
            ({"threshold": "best"}, ValueError, "got 'best'"),
            ({"criterion": "best"}, ValueError, "criterion must be one of"),
            ({"memory": 3}, ValueError, "memory"),
            ({"random_state": "zero"}, ValueError, "zero"),
        ],
    )
    def test_parameters(self, kind, params, error, message, data, make_scorer, count_fits):
        log, count = count_fits
        selector = kind(make_scorer(log=log), **params)
        with pytest.raises(error, match=message):
            selector.fit(*data)
        assert count() == 0

    @both
    @pytest.mark.parametrize("scorer", ["action", 3, DifficultyScorer])
    def test_scorer_that_is_none(self, kind, scorer, data):
        with pytest.raises(TypeError, match="scorer must be None or an estimator"):
            kind(scorer).fit(*data)

    @both
    def test_classifier_for_a_scorer(self, kind, data):
        with pytest.raises(TypeError, match=r"wrap it, as in DifficultyScorer\(SGDClassifier\("):
            kind(SGDClassifier()).fit(*data)
        advice = r"DifficultyScorer\(LogisticRegression\(\.\.\.\), score='consensus'\)\."
        with pytest.raises(TypeError, match=advice):
            kind(LogisticRegression()).fit(*data)

    @pytest.mark.parametrize("difficulty", [[1.0, 2.0], np.zeros((100, 2)), 3.0])
    def test_difficulty_of_another_shape(self, difficulty, data):
        with pytest.raises(ValueError, match="one difficulty for each of the 100 training rows"):
            MislabelFilter(Leaves(difficulty)).fit(*data)

    def test_missing_difficulties_are_kept(self, data):
        X, y = data
        difficulty = X[:, 0].copy()
        difficulty[difficulty > 97] = np.nan
        selector = MislabelFilter(Leaves(difficulty), threshold=50, criterion="score")
        with pytest.warns(MissingRecordsWarning, match="2 of 100 rows"):
            selector.fit(X, y)
        assert selector.support_.sum() == 51 + 2

    @both
    def test_class_without_a_kept_row(self, kind, make_scorer):
        X = np.array([[0.0], [1.0], [2.0], [3.0], [8.0], [9.0]])
        y = np.array(["cat", "cat", "cat", "dog", "eel", "eel"])
        selector = kind(make_scorer(), threshold=0.5)
        with pytest.raises(
            ValueError,
            match=r"no row of class 'dog', 'eel' would be kept with threshold=0\.5, "
            r"criterion='quantile': raise threshold, or use criterion='zscore'",
        ):
            selector.fit(X, y)
        assert not hasattr(selector, "support_")
        assert kind(make_scorer(), threshold=0.5, criterion="zscore").fit(X, y).support_.any()

    @both
    def test_no_kept_row(self, kind, make_scorer):
        X, y = np.arange(5.0)[:, None], np.arange(5) + 0.5
        with pytest.raises(ValueError, match=r"no row would be kept .* range from 0 to 4"):
            kind(make_scorer(), threshold=-1, criterion="score").fit(X, y)

    @both
    def test_lengths(self, kind, data, make_scorer):
        X, y = data
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            kind(make_scorer()).fit(X, y[1:])

    @both
    def test_no_y(self, kind, data, make_scorer):
        with pytest.raises(ValueError, match="requires y to be passed"):
            kind(make_scorer()).fit(data[0], None)

    @both
    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_y_that_is_not_finite(self, kind, value, data, make_scorer):
        X, y = data
        with pytest.raises(ValueError, match="Input y contains"):
            kind(make_scorer()).fit(X, np.where(X[:, 0] == 3, value, y))

    @both
    def test_several_targets(self, kind, data, make_scorer):
        with pytest.raises(ValueError, match="y should be a 1d array"):
            kind(make_scorer()).fit(data[0], data[0])

    def test_column_vector_y(self, data, make_scorer):
        X, y = data
        with pytest.warns(DataConversionWarning):
            selector = MislabelFilter(make_scorer(), threshold=0.9).fit(X, y[:, None])
        assert selector.support_.sum() == 90


def test_default_scorer(digits):
    X, y = digits
    selector = MislabelSampler(threshold=0.9, random_state=0).fit(X[:200], y[:200])
    assert isinstance(selector.scorer_, DifficultyScorer)
    assert selector.scorer is None
    assert selector.support_.sum() == 180
