"""What fitted filters and samplers say of the labels."""

import pickle
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from joblib import Memory
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import SGDClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from sklearn_difficulty import (
    DifficultyScorer,
    FilteredRegressor,
    MislabelFilter,
    MislabelSampler,
    Trajectory,
)
from sklearn_difficulty.labels import estimate_label_noise
from sklearn_difficulty.selection._planted_training import train_on_planted_errors

ALWAYS = ["mislabeled_proba_", "noise_rate_", "noise_rate_interval_"]
OF_CLASSES = ["class_noise_rate_", "class_noise_rate_interval_"]
OF_A_PATH = ["likely_labels_", "noise_matrix_", "hardness_type_"]
ALL = [*ALWAYS, *OF_CLASSES, *OF_A_PATH, "label_issues_"]
COLUMNS = [
    "is_label_issue",
    "is_kept",
    "given_label",
    "likely_label",
    "mislabeled_proba",
    "difficulty",
    "hardness_type",
]
both = pytest.mark.parametrize("kind", [MislabelFilter, MislabelSampler])


@both
@pytest.mark.parametrize("threshold", ["auto", 0.9])
def test_planted_labels_are_told(kind, threshold, planted, path_scorer):
    X, y, truth = planted
    rows = kind(path_scorer, threshold=threshold).fit(X, y)
    assert_array_equal(rows.mislabeled_proba_ > 0.5, y != truth)
    assert_array_equal(rows.likely_labels_, truth)
    assert set(rows.hardness_type_[y != truth]) == {"mislabeled"}
    errors = None
    if threshold == "auto":  # of a scorer with a seed, they are always the same
        errors = train_on_planted_errors(
            path_scorer,
            X,
            rows.classes_,
            rows._codes_,
            None,
            path=rows._path(),
            memory=Memory(None),
            random_state=None,
        )
    noise = estimate_label_noise(rows.scorer_.trajectory_, errors)
    assert noise.calibrated == (threshold == "auto")
    for name in (*ALWAYS, *OF_CLASSES, "likely_labels_", "noise_matrix_"):
        assert_array_equal(getattr(rows, name), getattr(noise, name.removesuffix("_")))
    assert rows.noise_matrix_.shape == (3, 3)
    assert_array_equal(rows.noise_matrix_.argmax(axis=1), [0, 1, 2])
    low, high = rows.noise_rate_interval_
    assert 0 <= low <= rows.noise_rate_ <= high <= 1
    assert rows.class_noise_rate_.shape == (3,)
    assert rows.class_noise_rate_interval_.shape == (3, 2)
    if threshold == "auto":
        assert_array_equal(rows.support_, y == truth)


@pytest.mark.parametrize("load", [load_digits, load_breast_cancer])
@pytest.mark.parametrize(
    "learner", [None, HistGradientBoostingClassifier(max_iter=10)], ids=["net", "boosting"]
)
def test_flipped_labels_of_real_data_are_told(load, learner):
    X, truth = load(return_X_y=True)
    X, truth = StandardScaler().fit_transform(X)[:500], truth[:500]
    n_classes = len(np.unique(truth))
    rng = np.random.default_rng(0)
    flipped = rng.random(len(truth)) < 0.1
    y = np.where(flipped, (truth + rng.integers(1, n_classes, len(truth))) % n_classes, truth)
    rows = MislabelFilter(DifficultyScorer(learner), threshold=0.9, random_state=0).fit(X, y)
    wrong = rows.mislabeled_proba_
    assert wrong[flipped].mean() > wrong[~flipped].mean() + 0.4
    assert (rows.likely_labels_ == truth).mean() > (y == truth).mean()


class TestTable:
    def test_columns(self, planted, path_scorer):
        X, y, truth = planted
        rows = MislabelFilter(path_scorer, threshold=0.9).fit(X, y)
        table = rows.label_issues_
        assert isinstance(table, pd.DataFrame)
        assert list(table.columns) == COLUMNS
        assert_array_equal(table["is_label_issue"], rows.mislabeled_proba_ > 0.5)
        assert_array_equal(table["is_kept"], rows.support_)
        assert table["is_label_issue"].dtype == bool
        assert_array_equal(table["given_label"], y)
        assert_array_equal(table["likely_label"], truth)
        assert_array_equal(table["mislabeled_proba"], rows.mislabeled_proba_)
        assert_array_equal(table["difficulty"], rows.difficulty_)
        assert_array_equal(table["hardness_type"], rows.hardness_type_)
        assert_array_equal(table.index, np.arange(120))

    @pytest.mark.parametrize("of", ["X", "y"])
    def test_index(self, of, planted, path_scorer):
        X, y, _ = planted
        names = [f"row {i}" for i in range(120)]
        if of == "X":
            X = pd.DataFrame(X, index=names, columns=["a", "b"])
        else:
            y = pd.Series(y, index=names)
        rows = MislabelFilter(path_scorer, threshold=0.9).fit(X, y)
        assert list(rows.label_issues_.index) == names
        # a later fit without an index forgets it
        rows.fit(np.asarray(X), np.asarray(y))
        assert list(rows.label_issues_.index) == list(range(120))

    def test_may_be_changed(self, planted, path_scorer):
        X, y, _ = planted
        rows = MislabelFilter(path_scorer, threshold=0.9).fit(X, y)
        before = rows.difficulty_.copy()
        table = rows.label_issues_
        table.loc[:, "difficulty"] = 0.0
        assert_array_equal(rows.difficulty_, before)
        assert_array_equal(rows.label_issues_["difficulty"], before)

    def test_without_pandas(self, planted, path_scorer, monkeypatch):
        X, y, truth = planted
        rows = MislabelFilter(path_scorer, threshold=0.9).fit(X, y)
        monkeypatch.setitem(sys.modules, "pandas", None)
        table = rows.label_issues_
        assert type(table) is Bunch
        assert list(table) == COLUMNS
        assert_array_equal(table.likely_label, truth)


class TestWhenTheyAreThere:
    @both
    @pytest.mark.parametrize("name", ALL)
    def test_not_before_fit(self, kind, name, path_scorer):
        rows = kind(path_scorer)
        assert not hasattr(rows, name)
        with pytest.raises(NotFittedError):
            getattr(rows, name)

    def test_only_when_they_are_read(self, planted, path_scorer):
        X, y, _ = planted
        rows = MislabelFilter(path_scorer, threshold=0.9).fit(X, y)
        before = set(vars(rows))
        first = rows.mislabeled_proba_
        assert set(vars(rows)) > before
        assert rows.mislabeled_proba_ is first
        assert rows.hardness_type_ is rows.hardness_type_

    @pytest.mark.parametrize("read_first", [True, False])
    def test_pickled(self, read_first, planted, path_scorer):
        X, y, truth = planted
        rows = MislabelFilter(path_scorer, threshold=0.9).fit(X, y)
        if read_first:
            assert rows.label_issues_ is not None
        again = pickle.loads(pickle.dumps(rows))
        pd.testing.assert_frame_equal(again.label_issues_, rows.label_issues_)
        assert_array_equal(again.likely_labels_, truth)
        assert not hasattr(clone(again), "likely_labels_")

    def test_of_the_last_fit(self, planted, path_scorer):
        X, y, truth = planted
        rows = MislabelFilter(path_scorer, threshold=0.9).fit(X, y)
        assert (rows.likely_labels_ != y).sum() == 6
        assert len(rows.hardness_type_) == 120
        rows.fit(X[3:], truth[3:])
        assert_array_equal(rows.likely_labels_, truth[3:])
        assert len(rows.hardness_type_) == len(rows.label_issues_) == 117

    def test_kept_when_a_fit_fails(self, planted, path_scorer):
        X, y, truth = planted
        rows = MislabelFilter(path_scorer, threshold=0.9).fit(X, y)
        before = rows.mislabeled_proba_
        with pytest.raises(ValueError, match="NaN"):
            rows.fit(np.full_like(X, np.nan), y)
        assert rows.mislabeled_proba_ is before
        assert_array_equal(rows.likely_labels_, truth)

    @both
    def test_shown_in_a_notebook(self, kind, planted, path_scorer, make_scorer):
        X, y, _ = planted
        for scorer in (path_scorer, make_scorer()):
            rows = kind(scorer, threshold=0.9)
            assert kind.__name__ in rows._repr_html_()
            assert kind.__name__ in rows.fit(X, y)._repr_html_()

    @both
    def test_not_estimated_to_be_shown(self, kind, planted, path_scorer):
        X, y, _ = planted
        rows = kind(path_scorer, threshold=0.9).fit(X, y)
        before = set(vars(rows))
        assert "mislabeled_proba_" not in rows._repr_html_()
        assert {"support_", "filter"} <= set(dir(rows))
        assert set(vars(rows)) == before
        assert rows.noise_rate_ > 0
        assert set(ALL) <= set(dir(rows))
        assert "mislabeled_proba_" in rows._repr_html_()


class TestWithoutAPathOfClasses:
    def test_scorer_of_difficulties(self, make_scorer):
        rng = np.random.default_rng(0)
        X = np.concatenate([rng.normal(0, 1, 90), rng.normal(12, 1, 10)])[:, None]
        y = np.where(np.arange(100) % 2, "odd", "even")
        rows = MislabelFilter(make_scorer(), threshold=0.9).fit(X, y)
        assert_array_equal(rows.mislabeled_proba_ > 0.5, np.arange(100) >= 90)
        assert rows.noise_rate_ == pytest.approx(0.1, abs=0.005)
        # Wilson's interval of 10 out of 100
        assert rows.noise_rate_interval_ == pytest.approx((0.0552, 0.1744), abs=1e-4)
        assert_allclose(rows.class_noise_rate_, [0.1, 0.1], atol=0.01)
        assert rows.class_noise_rate_interval_.shape == (2, 2)
        for name in OF_A_PATH:
            assert not hasattr(rows, name)
            with pytest.raises(AttributeError, match=f"no {name}.*FirstColumnScorer left no traj"):
                getattr(rows, name)
        table = rows.label_issues_
        assert list(table) == [
            "is_label_issue",
            "is_kept",
            "given_label",
            "mislabeled_proba",
            "difficulty",
        ]
        assert_array_equal(table["given_label"], y)

    def test_no_second_group(self, data, make_scorer):
        rows = MislabelFilter(make_scorer(), threshold=0.9).fit(*data)
        assert not rows.mislabeled_proba_.any()
        assert rows.noise_rate_ == 0
        assert rows.noise_rate_interval_[0] == 0

    def test_regression(self):
        rng = np.random.default_rng(0)
        X = rng.uniform(-1, 1, (200, 1))
        y = 2 * X[:, 0] + rng.normal(scale=0.05, size=200)
        y[:10] += 30
        rows = FilteredRegressor(MislabelFilter(threshold=0.95, random_state=0)).fit(X, y).filter_
        assert_array_equal(rows.mislabeled_proba_ > 0.5, np.arange(200) < 10)
        assert_array_equal(rows.label_issues_["given_label"], y)
        for name in (*OF_CLASSES, *OF_A_PATH):
            with pytest.raises(AttributeError, match="the targets of a regression have no classes"):
                getattr(rows, name)

    def test_trajectory_without_predictions(self, planted):
        X, y, _ = planted
        classes, codes = np.unique(y, return_inverse=True)
        loss = np.concatenate([np.full(6, 9.0), np.linspace(0.9, 1.1, 114)])
        path = Trajectory(np.tile(loss, (1, 3, 1)), y=codes, classes=classes)
        scorer = FrozenEstimator(DifficultyScorer.from_trajectory(path, X))
        rows = MislabelFilter(scorer, threshold=0.9).fit(X, y)
        assert rows.noise_rate_ >= 0
        with pytest.raises(AttributeError, match=r"no likely_labels_.*needs the record") as raised:
            _ = rows.likely_labels_
        assert not str(raised.value).endswith("..")


class TestFrozenScorer:
    @pytest.fixture
    def frozen(self, planted, path_scorer):
        X, y, _ = planted
        return FrozenEstimator(path_scorer.fit(X, y))

    def test_known_rows(self, planted, frozen):
        X, y, truth = planted
        whole = MislabelFilter(frozen, threshold=0.9).fit(X, y)
        order = np.random.default_rng(0).permutation(120)
        rows = MislabelFilter(frozen, threshold=0.9).fit(X[order], y[order])
        assert_allclose(rows.mislabeled_proba_, whole.mislabeled_proba_[order])
        assert_array_equal(rows.likely_labels_, truth[order])
        some = MislabelFilter(frozen, threshold=0.9).fit(X[:40], y[:40])
        assert_array_equal(some.likely_labels_, truth[:40])
        assert len(some.hardness_type_) == len(some.label_issues_) == 40

    def test_copies_of_a_row(self, planted, frozen):
        X, y, truth = planted
        twice = np.repeat(np.arange(120), 2)
        rows = MislabelFilter(frozen, threshold=0.9).fit(X[twice], y[twice])
        assert_array_equal(rows.likely_labels_, truth[twice])

    def test_new_rows(self, planted, frozen):
        X, y, _ = planted
        X_other = X.copy()
        X_other[:4] += 0.25
        rows = MislabelFilter(frozen, threshold=0.9).fit(X_other, y)
        assert rows.mislabeled_proba_.shape == (120,)
        with pytest.raises(AttributeError, match="4 of 120 rows are not among those"):
            _ = rows.likely_labels_


def test_sparse_rows(planted, path_scorer):
    X, y, truth = planted
    rows = MislabelFilter(path_scorer, threshold=0.9).fit(sp.csr_array(X), y)
    assert_array_equal(rows.likely_labels_, truth)


@pytest.mark.parametrize("action", ["drop", "relabel", "weight"])
def test_rows_that_were_never_recorded(action, planted):
    X, y, _ = planted
    learner = SGDClassifier(loss="log_loss", max_iter=5, tol=None)
    half = [(np.arange(60, 120), np.arange(60))]
    scorer = DifficultyScorer(learner, cv=half, random_state=0)
    with pytest.warns(UserWarning, match="60 of 120"):
        rows = MislabelFilter(scorer, action=action).fit(X, y)
    assert rows.support_[60:].all()
    assert len(rows.mislabeled_proba_) == 120
    assert set(rows.hardness_type_[60:]) == {"unknown"}  # without another warning
    assert_array_equal(rows.filter(X, y)[1][-60:], y[60:])
    if action == "weight":
        assert_array_equal(rows.sample_weight_[60:], np.ones(60))
