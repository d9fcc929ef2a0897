"""When a selector trains a second time, on what, and what it leaves alone."""

import numpy as np
import pytest
import torch
from joblib import Memory
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold
from skorch.dataset import Dataset

from sklearn_difficulty import (
    DifficultyScorer,
    FilteredClassifier,
    FilteredRegressor,
    MislabelFilter,
    MislabelSampler,
    TrackedNetClassifier,
)
from sklearn_difficulty.exceptions import MissingRecordsWarning, NothingLearnedWarning
from sklearn_difficulty.selection import forget_fits
from sklearn_difficulty.selection._label_estimates import Path
from sklearn_difficulty.selection._planted_training import train_on_planted_errors

NO_MEMORY = Memory(None)
# Trainings on planted errors of 120 rows, and of 80: twelve errors each, or eight, are few.
AGAIN = 4


@pytest.fixture(autouse=True)
def _nothing_held():
    forget_fits()
    yield
    forget_fits()


@pytest.fixture
def trained(monkeypatch):
    """Labels of each training of a DifficultyScorer, whether or not it succeeds."""
    labels = []
    fit = DifficultyScorer.fit

    def noted(self, X, y=None, **kwargs):
        labels.append(np.array(y))
        return fit(self, X, y, **kwargs)

    monkeypatch.setattr(DifficultyScorer, "fit", noted)
    return labels


both = pytest.mark.parametrize("kind", [MislabelFilter, MislabelSampler])


def trained_again(scorer, X, y):
    """The first training of a scorer on planted errors, after one on the same rows without."""
    classes, codes = np.unique(y, return_inverse=True)
    path = Path(clone(scorer).set_params(storage=None).fit(X, y).trajectory_)
    options = {"path": path, "memory": NO_MEMORY, "random_state": None}
    return train_on_planted_errors(scorer, X, classes, codes, None, **options)[0]


class TestWhenThereIsASecondTraining:
    @both
    @pytest.mark.parametrize(
        ("options", "n_trainings"),
        [
            ({}, 1 + AGAIN),
            ({"threshold": "auto"}, 1 + AGAIN),
            ({"threshold": 0.9}, 1),
            ({"threshold": 0.9, "action": "relabel"}, 1 + AGAIN),
            ({"threshold": 2.0, "criterion": "zscore"}, 1),
            ({"threshold": 2.0, "criterion": "zscore", "action": "weight"}, 1 + AGAIN),
        ],
    )
    def test_only_where_it_is_needed(
        self, kind, options, n_trainings, planted, path_scorer, trained
    ):
        X, y, _ = planted
        rows = kind(path_scorer, **options).fit(X, y)
        assert len(trained) == n_trainings
        assert_array_equal(trained[0], y)
        for labels in trained[1:]:
            # A tenth of each class, of 40 rows.
            changed = labels != y
            assert [changed[y == label].sum() for label in np.unique(y)] == [4, 4, 4]
        # Not the same ones.
        assert len({tuple(labels) for labels in trained}) == n_trainings
        # What it says of labels needs no more of them.
        assert rows.label_issues_ is not None
        assert len(trained) == n_trainings
        assert rows._estimates().noise.calibrated == (n_trainings > 1)

    def test_of_the_default_scorer(self, planted, trained):
        X, y, truth = planted
        rows = MislabelFilter(random_state=0).fit(X.astype(np.float32), y)
        assert len(trained) == 1 + AGAIN
        assert rows.scorer_.get_params()["score"] == "consensus"
        assert_array_equal(rows.support_, y == truth)

    def test_of_any_score(self, planted, path_scorer, trained):
        X, y, truth = planted
        options = {"score": "action", "score_params": {"steps": "early"}}
        rows = MislabelFilter(path_scorer.set_params(**options)).fit(X, y)
        assert len(trained) == 1 + AGAIN
        assert_array_equal(rows.support_, y == truth)
        assert rows.scorer_.score_params == {"steps": "early"}

    @pytest.mark.parametrize("score", ["action", "aum"])
    def test_of_a_model_without_probabilities(self, score, planted, trained):
        X, y, truth = planted
        rows = MislabelFilter(DifficultyScorer(SGDClassifier(), score=score, random_state=0))
        rows.fit(X, y)
        assert len(trained) == 1 + AGAIN
        changed = trained[1] != y
        assert [changed[y == label].sum() for label in np.unique(y)] == [4, 4, 4]
        assert (rows.support_ == (y == truth)).mean() > 0.95
        assert rows.noise_rate_ == pytest.approx((y != truth).mean(), abs=0.04)
        low, high = rows.noise_rate_interval_
        assert low <= rows.noise_rate_ <= high
        np.testing.assert_allclose(
            rows.class_noise_rate_,
            [rows.mislabeled_proba_[y == label].mean() for label in np.unique(y)],
        )
        assert not hasattr(rows, "likely_labels_")

    def test_not_of_a_frozen_scorer(self, planted, path_scorer, trained):
        X, y, truth = planted
        frozen = FrozenEstimator(path_scorer.fit(X, y))
        rows = MislabelFilter(frozen, action="relabel").fit(X, y)
        assert len(trained) == 1
        assert not rows._estimates().noise.calibrated
        assert_array_equal(rows.likely_labels_, truth)

    def test_not_of_a_scorer_of_another_kind(self, data, make_scorer, count_fits):
        log, count = count_fits
        MislabelFilter(make_scorer(log=log)).fit(*data)
        assert count() == 1

    def test_not_of_a_regression(self, data, trained):
        X, y = data
        rows = MislabelFilter(random_state=0)
        FilteredRegressor(rows).fit(X / 100, y + np.linspace(0, 0.5, 100))
        assert len(trained) == 1

    def test_not_of_a_dataset(self, planted, trained):
        X, y, _ = planted
        codes = np.unique(y, return_inverse=True)[1]
        net = TrackedNetClassifier(
            torch.nn.Linear,
            module__in_features=2,
            module__out_features=3,
            criterion=torch.nn.CrossEntropyLoss,
            max_epochs=5,
            train_split=None,
            verbose=0,
        )
        dataset = Dataset(X.astype(np.float32), codes)
        MislabelFilter(DifficultyScorer(net, random_state=0)).fit(dataset, codes)
        assert len(trained) == 1

    def test_not_of_one_class(self, planted, path_scorer):
        X, _, _ = planted
        args = (path_scorer, X, np.array(["ant"]), np.zeros(120, int), None)
        rng = np.random.RandomState(0)
        options = {"path": Path(None), "memory": NO_MEMORY, "random_state": rng}
        assert train_on_planted_errors(*args, **options) is None


class TestWhatIsTrained:
    def test_nothing_but_the_path(self, planted, path_scorer, tmp_path):
        X, y, _ = planted
        classes, codes = np.unique(y, return_inverse=True)
        scorer = path_scorer.set_params(score=["action", "aum"], snapshots="all", n_runs=2)
        before = scorer.get_params()
        errors = trained_again(scorer, X, y)
        assert errors.trajectory.n_runs == 2
        assert_array_equal(errors.trajectory.y != codes, errors.labels.planted)
        assert_array_equal(errors.trajectory.classes, classes)
        assert scorer.get_params() == before
        assert not hasattr(scorer, "trajectory_")

    @pytest.mark.parametrize(
        ("options", "n_runs"), [({"score": "easiness"}, 20), ({"n_runs": 2}, 2)]
    )
    def test_as_many_runs_as_the_first(self, options, n_runs, planted, path_scorer):
        X, y, _ = planted
        scorer = clone(path_scorer).set_params(**options)
        errors = trained_again(scorer, X, y)
        assert errors.trajectory.n_runs == n_runs == scorer.fit(X, y).trajectory_.n_runs

    def test_storage_is_that_of_the_first_training(self, planted, path_scorer, tmp_path):
        X, y, _ = planted
        one = MislabelFilter(clone(path_scorer).set_params(storage=tmp_path / "first"))
        one.fit(X, y)
        alone = clone(path_scorer).set_params(storage=tmp_path / "alone").fit(X, y)
        names = [
            sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
            for folder in (tmp_path / "first", tmp_path / "alone")
        ]
        assert names[0] == names[1]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "first"]
        assert_array_equal(one.scorer_.trajectory_.loss, alone.trajectory_.loss)
        assert_array_equal(one.scorer_.trajectory_.y, alone.trajectory_.y)
        in_memory = MislabelFilter(path_scorer).fit(X, y)
        assert_array_equal(one.mislabeled_proba_, in_memory.mislabeled_proba_)

    def test_groups_are_kept_together(self, planted):
        X, y, truth = planted
        learner = SGDClassifier(loss="log_loss", max_iter=15, tol=None)
        scorer = DifficultyScorer(learner, cv=GroupKFold(3), random_state=0)
        rows = MislabelFilter(scorer).fit(X, y, groups=np.arange(120) // 12)
        assert (rows.support_ == (y == truth)).mean() > 0.95

    def test_is_quiet(self, planted):
        X, y, _ = planted
        half = [(np.arange(60, 120), np.arange(60))]
        learner = SGDClassifier(loss="log_loss", max_iter=15, tol=None)
        scorer = DifficultyScorer(learner, score="consensus", cv=half, random_state=0)
        with pytest.warns(MissingRecordsWarning) as caught:
            clone(scorer).fit(X, y)
        n_alone = len(caught)
        with pytest.warns(MissingRecordsWarning) as caught:
            trained_again(scorer, X, y)
        assert len(caught) == n_alone

    def test_nothing_learned(self, planted, path_scorer):
        X, _, _ = planted
        y = np.random.default_rng(0).integers(2, size=120)
        with pytest.warns(NothingLearnedWarning, match="made wrong on purpose"):
            rows = MislabelFilter(path_scorer).fit(X, y)
        assert rows.support_.all()
        assert rows.noise_rate_ == 0


class TestSeeds:
    def test_same_random_state_same_result(self, planted, trained):
        X, y, _ = planted
        learner = SGDClassifier(loss="log_loss", max_iter=15, tol=None)
        fitted = []
        for seed in (0, 0, 1):
            forget_fits()
            fitted.append(MislabelFilter(DifficultyScorer(learner), random_state=seed).fit(X, y))
        one, other, another = (rows.mislabeled_proba_ for rows in fitted)
        assert_array_equal(one, other)
        assert (one != another).any()
        one, other, another = np.split(np.array(trained), 3)
        assert len(one) == 1 + AGAIN
        assert_array_equal(one, other)
        assert (one[1:] != another[1:]).any(axis=1).all()

    def test_seed_of_the_scorer_alone(self, planted, path_scorer, trained):
        X, y, _ = planted
        one, other = (MislabelFilter(path_scorer).fit(X, y) for _ in range(2))
        assert_array_equal(one.mislabeled_proba_, other.mislabeled_proba_)
        # The second has found all of them.
        assert len(trained) == 1 + AGAIN

    def test_drawn_anew_without_any_seed(self, planted, path_scorer, trained):
        X, y, _ = planted
        for _ in range(2):
            MislabelFilter(path_scorer.set_params(random_state=None)).fit(X, y)
        one, other = np.split(np.array(trained), 2)
        assert len(one) == 1 + AGAIN
        assert (one[1:] != other[1:]).any(axis=1).all()

    def test_global_generators(self, planted, path_scorer, generators_unchanged):
        X, y, _ = planted
        MislabelFilter(path_scorer).fit(X, y)

    def test_errors_are_not_those_of_the_same_seed(self, path_scorer):
        X, y = load_iris(return_X_y=True)
        errors = trained_again(path_scorer, X / 3, y)
        shuffled = np.random.RandomState(0).permutation(150)
        assert errors.labels.planted.sum() == 15
        assert errors.labels.planted[shuffled[:30]].sum() < 10


class TestSearch:
    @pytest.mark.parametrize("seed", [None, 0], ids=["seed of the scorer", "and of the filter"])
    def test_trainings_of_each_fold_are_shared(self, seed, planted, path_scorer, trained):
        X, y, _ = planted
        model = FilteredClassifier(
            MislabelFilter(path_scorer, random_state=seed), LogisticRegression()
        )
        grid = {"estimator__C": [0.1, 1.0], "filter__threshold": [0.8, 0.9, "auto", 0.95]}
        GridSearchCV(model, grid, cv=3, error_score="raise", refit=False).fit(X, y)
        assert [len(labels) for labels in trained] == [80] * 3 * (1 + AGAIN)

    def test_one_where_no_threshold_is_automatic(self, planted, path_scorer, trained):
        X, y, _ = planted
        model = FilteredClassifier(MislabelFilter(path_scorer), LogisticRegression())
        grid = {"filter__threshold": [0.8, 0.9]}
        GridSearchCV(model, grid, cv=3, error_score="raise", refit=False).fit(X, y)
        assert len(trained) == 3

    def test_memory_on_disk(self, planted, path_scorer, trained, tmp_path):
        X, y, _ = planted
        for _ in range(2):
            for threshold in (0.9, "auto"):
                rows = MislabelFilter(path_scorer, threshold=threshold, memory=str(tmp_path)).fit(
                    X, y
                )
        assert len(trained) == 1 + AGAIN
        assert rows._estimates().noise.calibrated


class TestFailure:
    @both
    def test_leaves_what_there_was(self, kind, planted, path_scorer, monkeypatch):
        X, y, truth = planted
        rows = kind(path_scorer).fit(X, y)
        before = dict(vars(rows))
        forget_fits()
        fit = DifficultyScorer.fit
        calls = []

        def failing(self, X, y=None, **kwargs):
            calls.append(self)
            if len(calls) == 2:
                raise RuntimeError("in the second training")
            return fit(self, X, y, **kwargs)

        monkeypatch.setattr(DifficultyScorer, "fit", failing)
        with pytest.raises(RuntimeError, match="in the second training"):
            rows.fit(X[:90], truth[:90])
        assert len(calls) == 2
        assert vars(rows).keys() == before.keys()
        for name, value in before.items():
            assert getattr(rows, name) is value
        assert_array_equal(rows.support_, y == truth)

    @both
    def test_of_a_first_fit_leaves_nothing(self, kind, planted, path_scorer, monkeypatch):
        X, y, _ = planted

        def failing(*args, **kwargs):
            raise RuntimeError("in the second training")

        monkeypatch.setattr(
            "sklearn_difficulty.selection._selector.train_on_planted_errors", failing
        )
        rows = kind(path_scorer)
        before = set(vars(rows))
        with pytest.raises(RuntimeError, match="in the second training"):
            rows.fit(X, y)
        assert set(vars(rows)) == before
