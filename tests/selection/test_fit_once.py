"""One training for all that ask for the same one, and one for each that does not."""

import os
import random
import signal
import threading
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
import torch
from joblib import Memory, parallel_config
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier
from skorch.callbacks import LRScheduler
from torch import nn

from sklearn_difficulty import DifficultyScorer, MislabelFilter
from sklearn_difficulty.selection import _fit_once
from sklearn_difficulty.selection._digest import Digest
from sklearn_difficulty.selection._fit_once import LastFits, fit_once, forget_fits, repeats_itself

NO_MEMORY = Memory(None)


class Counting(BaseEstimator):
    """Difficulty is the first number of a row; counts its fits in a file.

    Code that changes with every fit would be another code each time, so that the count is not in
    the class.
    """

    def __init__(self, log, sign=1, inner=None, draw=None, wait=0, random_state=0):
        self.log = log
        self.sign = sign
        self.inner = inner
        self.draw = draw
        self.wait = wait
        self.random_state = random_state

    def fit(self, X, y, groups=None):
        with Path(self.log).open("a") as file:
            file.write("fit\n")
        time.sleep(self.wait)
        if self.draw is not None:
            self.draw()
        self.difficulty_ = self.sign * np.asarray(X)[:, 0].astype(float)
        return self


class Flat(nn.Linear):
    """Module of a net."""


class Loss(nn.CrossEntropyLoss):
    """Criterion of a net."""


@pytest.fixture(autouse=True)
def _nothing_held():
    forget_fits()
    yield
    forget_fits()


@pytest.fixture
def rows():
    rng = np.random.RandomState(0)
    y = np.arange(40) % 2
    return (rng.normal(size=(40, 2)) + y[:, None]).astype(np.float32), y


@pytest.fixture
def counting(count_fits):
    """Scorer that counts, and the count."""
    log, count = count_fits
    return Counting(log), count


def net(max_epochs=1):
    return NeuralNetClassifier(
        Flat,
        criterion=nn.CrossEntropyLoss,
        module__in_features=2,
        module__out_features=2,
        max_epochs=max_epochs,
        train_split=None,
        verbose=0,
    )


@pytest.fixture
def trained(monkeypatch):
    """Rows of each training of a DifficultyScorer."""
    fits = []
    fit = DifficultyScorer.fit

    def counted(self, X, y, **kwargs):
        fits.append(len(y))
        return fit(self, X, y, **kwargs)

    monkeypatch.setattr(DifficultyScorer, "fit", counted)
    return fits


class TestServed:
    def test_equal_arguments(self, counting, rows):
        scorer, count = counting
        X, y = rows
        first = fit_once(clone(scorer), X, y, memory=NO_MEMORY)
        second = fit_once(clone(scorer), X.copy(), y.copy(), memory=NO_MEMORY)
        assert count() == 1
        np.testing.assert_array_equal(first.difficulty_, second.difficulty_)

    def test_nothing_is_shared(self, rows):
        X, y = rows
        scorer = DifficultyScorer(net(max_epochs=2))
        filters = [
            MislabelFilter(scorer, threshold=q, random_state=0).fit(X, y) for q in (0.9, 0.8, 0.7)
        ]
        expected = filters[0].scorer_.difficulty_.copy()
        for changed, kept in [(0, 1), (1, 2)]:
            fitted = filters[changed].scorer_
            fitted.difficulty_[:] = 0
            fitted.trajectory_.loss[:] = 0
            fitted.estimators_[0].partial_fit(X, y)
            fitted.set_params(estimator__lr=7).fit(X, 1 - y)
            np.testing.assert_array_equal(filters[kept].scorer_.difficulty_, expected)
            assert filters[kept].scorer_.estimator.lr == 0.01
            assert filters[kept].scorer_.trajectory_.loss.all()

    @pytest.mark.parametrize(
        "kind", [pd.DataFrame, scipy.sparse.csr_matrix, scipy.sparse.csc_array, np.asfortranarray]
    )
    def test_containers(self, kind, rows, trained):
        X, y = rows
        for q in (0.9, 0.8):
            MislabelFilter(DifficultyScorer(net()), threshold=q, random_state=0).fit(
                kind(X).copy(), y
            )
        assert trained == [40]

    def test_nameless_functions_and_classes(self, rows, trained):
        class Local(nn.Linear):
            pass

        scorer = DifficultyScorer(
            net().set_params(module=Local), score=lambda path: path.loss[0, 0]
        )
        for q in (0.9, 0.8):
            MislabelFilter(scorer, threshold=q, random_state=0).fit(*rows)
        assert trained == [40]

    def test_groups(self, rows, trained):
        X, y = rows
        rows_of = np.arange(40) // 4
        scorer = DifficultyScorer(net(), cv=GroupKFold(2), random_state=0)
        for groups in (rows_of, rows_of.copy(), rows_of[::-1]):
            fit_once(clone(scorer), X, y, groups, memory=NO_MEMORY)
        assert trained == [40, 40]

    def test_frozen_is_not_trained(self, rows, trained):
        X, y = rows
        frozen = FrozenEstimator(DifficultyScorer(net(), random_state=0).fit(X, y))
        assert fit_once(frozen, X, y, memory=NO_MEMORY) is frozen
        assert trained == [40]


def changed_params():
    """Another value for every parameter of a scorer and of its net."""
    own = {
        "score": "aum",
        "score_params": {"dt": "wall"},
        "n_runs": 2,
        "cv": 2,
        "snapshots": None,
        "n_jobs": 1,
        "random_state": 1,
    }
    of_net = {
        "module": nn.Linear,
        "module__bias": False,
        "criterion": Loss,
        "criterion__label_smoothing": 0.1,
        "criterion__weight": torch.tensor([1.0, 2.0]),
        "optimizer": torch.optim.Adam,
        "optimizer__momentum": 0.9,
        "lr": 0.1,
        "max_epochs": 2,
        "batch_size": 16,
        "iterator_train__shuffle": True,
        "iterator_valid__batch_size": 8,
        "callbacks": [LRScheduler(step_size=1, policy="StepLR")],
        "classes": [0, 1],
        "warm_start": True,
    }
    return [*own.items()] + [(f"estimator__{name}", value) for name, value in of_net.items()]


def _shown(scorer, name):
    value = scorer.get_params().get(name, "not set")
    return [type(part) for part in value] if isinstance(value, list) else repr(value)


class TestChanged:
    @pytest.mark.parametrize(
        ("name", "value"), changed_params(), ids=[name for name, _ in changed_params()]
    )
    @pytest.mark.parametrize("with_memory", [False, True])
    def test_parameter_of_the_scorer_or_its_net(
        self, name, value, with_memory, rows, trained, tmp_path
    ):
        memory = Memory(tmp_path, verbose=0) if with_memory else NO_MEMORY
        scorer = DifficultyScorer(net(), random_state=0)
        other = clone(scorer).set_params(**{name: value})
        for one in (scorer, other, other, scorer):
            served = fit_once(clone(one), *rows, memory=memory)
            assert _shown(served, name) == _shown(one, name)
        assert len(trained) == 2

    @pytest.mark.parametrize("name", ["alpha", "loss", "penalty", "max_iter", "fit_intercept"])
    def test_parameter_of_a_step(self, name, rows, trained):
        value = {
            "alpha": 0.1,
            "loss": "modified_huber",
            "penalty": "l1",
            "max_iter": 5,
            "fit_intercept": False,
        }[name]
        model = SGDClassifier("log_loss", max_iter=4, tol=None)
        scorer = DifficultyScorer(make_pipeline(StandardScaler(), model), random_state=0)
        other = clone(scorer).set_params(**{f"estimator__sgdclassifier__{name}": value})
        for one in (scorer, other, other, scorer):
            fit_once(clone(one), *rows, memory=NO_MEMORY)
        assert trained == [40, 40]

    @pytest.mark.parametrize(
        "change",
        [
            lambda X, y: (np.where(X == X[3, 1], X[3, 1] * (1 + 1e-7), X), y),
            lambda X, y: (X, np.where(np.arange(40) == 3, 1 - y, y)),
            lambda X, y: (X[::-1], y[::-1]),
            lambda X, y: (X[:-1], y[:-1]),
            lambda X, y: (X.astype(np.float64), y),
            lambda X, y: (X, y.astype(np.int32)),
            lambda X, y: (X, y.astype(str)),
            lambda X, y: (X[:, ::-1], y),
            lambda X, y: (pd.DataFrame(X), y),
            lambda X, y: (pd.DataFrame(X, columns=["a", "b"]), y),
            lambda X, y: (pd.DataFrame(X, index=range(1, 41)), y),
        ],
    )
    def test_data(self, change, counting, rows):
        scorer, count = counting
        X, y = rows
        fit_once(clone(scorer), X, y, memory=NO_MEMORY)
        fit_once(clone(scorer), pd.DataFrame(X, columns=["b", "a"]), y, memory=NO_MEMORY)
        assert count() == 2
        for _ in range(2):
            fit_once(clone(scorer), *change(X, y), memory=NO_MEMORY)
        assert count() == 3

    def test_frame_with_other_names_or_index(self, counting, rows):
        # Names and index are not what most scorers look at. One that does must not be wrong.
        scorer, count = counting
        X, y = rows
        frames = [
            pd.DataFrame(X, columns=["a", "b"]),
            pd.DataFrame(X, columns=["a", "c"]),
            pd.DataFrame(X, columns=["a", "b"], index=range(1, 41)),
        ]
        for frame in [*frames, *frames]:
            fit_once(clone(scorer), frame.copy(), y, memory=NO_MEMORY)
        assert count() == 3

    def test_array_changed_in_place(self, counting, rows):
        scorer, count = counting
        X, y = rows
        for _ in range(2):
            fitted = fit_once(clone(scorer), X, y, memory=NO_MEMORY)
            np.testing.assert_array_equal(fitted.difficulty_, X[:, 0].astype(float))
            X[0, 0] += 1
        assert count() == 2

    def test_class_defined_again(self, rows, trained):
        def cell(gain):
            names = {"nn": nn, "__name__": "__main__"}
            exec(
                "class Net(nn.Linear):\n"
                f"    def forward(self, X): return super().forward(X) * {gain}",
                names,
            )
            return names["Net"]

        difficulties = []
        for module in (cell(1), cell(50)):
            scorer = DifficultyScorer(net().set_params(module=module))
            for q in (0.9, 0.8):
                fitted = MislabelFilter(scorer, threshold=q, random_state=0).fit(*rows)
            difficulties.append(fitted.difficulty_)
        assert trained == [40, 40]
        assert not np.allclose(*difficulties)

    def test_method_edited_in_place(self, rows, trained, monkeypatch):
        scorer = DifficultyScorer(net(), random_state=0)
        fit_once(clone(scorer), *rows, memory=NO_MEMORY)
        monkeypatch.setattr(Flat, "forward", lambda self, X: nn.Linear.forward(self, X) * 50)
        fit_once(clone(scorer), *rows, memory=NO_MEMORY)
        assert trained == [40, 40]

    def test_settings(self, counting, rows):
        scorer, count = counting
        fit_once(clone(scorer), *rows, memory=NO_MEMORY)
        with sklearn.config_context(assume_finite=True):
            fit_once(clone(scorer), *rows, memory=NO_MEMORY)
        assert count() == 2
        torch.set_default_dtype(torch.float64)
        try:
            fit_once(clone(scorer), *rows, memory=NO_MEMORY)
        finally:
            torch.set_default_dtype(torch.float32)
        assert count() == 3
        fit_once(clone(scorer), *rows, memory=NO_MEMORY)
        assert count() == 3


class TestRepeatsItself:
    @pytest.mark.parametrize(
        ("scorer", "expected"),
        [
            (Counting("log", random_state=3), True),
            (Counting("log", random_state=np.int64(3)), True),
            (Counting("log", random_state=None), False),
            (Counting("log", random_state=np.random.RandomState(0)), False),
            (Counting("log", random_state=np.random.default_rng(0)), False),
            (Counting("log", inner=SGDClassifier()), False),
            (Counting("log", inner=SGDClassifier(random_state=1)), True),
            (DifficultyScorer(SGDClassifier(), random_state=0), True),
            (DifficultyScorer(net(), random_state=0), True),
            (DifficultyScorer(net()), False),
            (DifficultyScorer(SGDClassifier(random_state=0)), False),
            (StandardScaler(), False),
            (object(), False),
        ],
    )
    def test_by_random_states(self, scorer, expected):
        assert repeats_itself(scorer) is expected

    def test_nested_random_states_do_not_matter_to_a_seeded_scorer(self, rows):
        model = SGDClassifier("log_loss", max_iter=4, tol=None)
        for state in (None, np.random.RandomState(0)):
            scorer = DifficultyScorer(clone(model).set_params(random_state=state), random_state=0)
            one, other = (clone(scorer).fit(*rows).difficulty_ for _ in range(2))
            np.testing.assert_array_equal(one, other)

    @pytest.mark.parametrize("state", [None, np.random.RandomState(0)])
    def test_trains_anew_without_a_number(self, state, counting, rows):
        scorer, count = counting
        scorer.set_params(random_state=state)
        for _ in range(2):
            fit_once(clone(scorer), *rows, memory=NO_MEMORY)
        assert count() == 2

    @pytest.mark.parametrize(
        "draw", [lambda: np.random.rand(), lambda: random.random(), lambda: torch.rand(1)]
    )
    def test_trains_anew_what_drew_global_numbers(self, draw, counting, rows, caplog):
        scorer, count = counting
        scorer.set_params(draw=draw)
        caplog.set_level("DEBUG", logger=_fit_once.__name__)
        for _ in range(2):
            fit_once(clone(scorer), *rows, memory=NO_MEMORY)
        assert count() == 2
        assert "drew global random numbers" in caplog.text

    def test_splitter_that_draws(self, rows, trained):
        X, y = rows
        for seed, n_fits in [(None, 2), (0, 3)]:
            scorer = DifficultyScorer(
                net(), cv=KFold(2, shuffle=True, random_state=seed), random_state=0
            )
            for _ in range(2):
                fit_once(clone(scorer), X, y, memory=NO_MEMORY)
            assert len(trained) == n_fits

    def test_what_cannot_be_told_is_trained(self, counting, rows, caplog):
        scorer, count = counting
        caplog.set_level("DEBUG", logger=_fit_once.__name__)
        for _ in range(2):
            scorer.inner = threading.Lock()
            fit_once(scorer, *rows, memory=NO_MEMORY)
        assert count() == 2
        assert "cannot be told: TypeError" in caplog.text

    def test_record_in_files_is_trained(self, rows, trained, tmp_path):
        pytest.importorskip("safetensors")
        for _ in range(2):
            fitted = fit_once(
                DifficultyScorer(net(), storage=tmp_path / "path", random_state=0),
                *rows,
                memory=NO_MEMORY,
            )
        assert trained == [40, 40]
        assert isinstance(fitted.trajectory_.loss, np.memmap)


class TestLastFits:
    def digests(self, n):
        return [Digest(i) for i in range(n)]

    def test_least_recently_used_goes_first(self):
        last = LastFits(max_fits=2, max_bytes=1000)
        a, b, c = self.digests(3)
        trained = []

        def get(digest):
            return last.get(digest, lambda: trained.append(digest.key) or [1])

        for digest in (a, b, a, c, a, b):
            assert get(digest) == [1]
        assert trained == [a.key, b.key, c.key, b.key]

    def test_bytes(self):
        last = LastFits(max_fits=9, max_bytes=2000)
        trained = []
        a, b, c = self.digests(3)

        def get(digest, size):
            return last.get(digest, lambda: trained.append(size) or bytes(size))

        for digest, size in [(a, 900), (b, 900), (a, 900), (c, 3000), (c, 3000), (a, 900)]:
            assert len(get(digest, size)) == size
        assert trained == [900, 900, 3000, 3000]
        get(c, 1500)  # with which a and b do not fit
        get(a, 400)
        assert trained[4:] == [1500, 400]
        get(c, 1500)
        assert trained[4:] == [1500, 400]

    def test_ten_folds_of_a_search(self, counting, rows):
        scorer, count = counting
        X, y = rows
        for _ in range(3):
            for train, _ in KFold(10).split(X):
                fit_once(clone(scorer), X[train], y[train], memory=NO_MEMORY)
        assert count() == 10

    def test_forgotten(self, counting, rows):
        scorer, count = counting
        for _ in range(2):
            fit_once(clone(scorer), *rows, memory=NO_MEMORY)
            forget_fits()
        assert count() == 2

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
    def test_failed_fit_leaves_nothing(self, error):
        last = LastFits(max_fits=2, max_bytes=1000)
        (digest,) = self.digests(1)

        def fail():
            raise error("in the middle")

        for _ in range(2):
            with pytest.raises(error, match="in the middle"):
                last.get(digest, fail)
        assert last.get(digest, lambda: [2]) == [2]
        assert last.get(digest, lambda: [3]) == [2]

    def test_threads_train_once(self, counting, rows):
        scorer, count = counting
        scorer.set_params(wait=0.2)
        fitted = joblib.Parallel(n_jobs=4, prefer="threads")(
            joblib.delayed(fit_once)(clone(scorer), *rows, memory=NO_MEMORY) for _ in range(4)
        )
        assert count() == 1
        assert len({id(one.difficulty_) for one in fitted}) == 4

    def test_threads_with_different_fits_do_not_wait(self):
        last = LastFits(max_fits=4, max_bytes=1000)
        both = threading.Barrier(2, timeout=20)
        joblib.Parallel(n_jobs=2, prefer="threads")(
            joblib.delayed(last.get)(digest, lambda: both.wait() >= 0) for digest in self.digests(2)
        )

    def test_one_that_all_wait_for_does_not_wait(self):
        # A search trains as a whole with the global generators to itself.
        last = LastFits(max_fits=4, max_bytes=1000)
        (digest,) = self.digests(1)
        inside, done = threading.Event(), threading.Event()

        def slow():
            inside.set()
            assert done.wait(20)
            return [1]

        thread = threading.Thread(target=last.get, args=(digest, slow))
        thread.start()
        assert inside.wait(20)
        with _fit_once.preserved_generators():
            assert last.get(digest, lambda: [1]) == [1]
            done.set()
        thread.join(20)
        assert not thread.is_alive()

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    @pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
    def test_forked_while_a_thread_trains(self):
        (digest,) = self.digests(1)
        inside, done = threading.Event(), threading.Event()

        def slow():
            inside.set()
            assert done.wait(20)
            return [1]

        thread = threading.Thread(target=_fit_once._LAST_FITS.get, args=(digest, slow))
        thread.start()
        assert inside.wait(20)
        child = os.fork()
        if child == 0:
            with _fit_once._LAST_FITS._turn(digest.key):  # which the parent has
                os._exit(7)
        done.set()
        thread.join(20)
        deadline = time.monotonic() + 20
        while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
            time.sleep(0.01)
        if ended == (0, 0):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(ended[1]) == 7


class TestGrid:
    def search(self, scorer, memory=None, **options):
        pipe = make_pipeline(
            StandardScaler(),
            MislabelFilter(scorer, memory=memory, random_state=0),
            LogisticRegression(),
        )
        thresholds = {"mislabelfilter__threshold": [0.6, 0.7, 0.8, 0.9]}
        return GridSearchCV(pipe, thresholds, cv=5, error_score="raise", **options)

    @pytest.mark.parametrize("with_memory", [False, True])
    @pytest.mark.parametrize(
        "estimator", [net(), RandomForestClassifier(30), SGDClassifier("log_loss")]
    )
    def test_one_training_per_fold(self, estimator, with_memory, rows, trained, tmp_path):
        X, y = rows
        memory = str(tmp_path) if with_memory else None
        scorer = DifficultyScorer(estimator)
        found = self.search(scorer, memory).fit(X, y).cv_results_["mean_test_score"]
        assert trained == [32] * 5 + [40]
        forget_fits()
        scores = []
        for threshold in (0.6, 0.7, 0.8, 0.9):
            forget_fits()
            search = self.search(scorer, refit=False)
            search.param_grid = {"mislabelfilter__threshold": [threshold]}
            scores += search.fit(X, y).cv_results_["mean_test_score"].tolist()
        assert scores == found.tolist()

    def test_criterion_and_what_follows(self, rows, trained):
        search = self.search(DifficultyScorer(net()), refit=False)
        search.param_grid = {
            "mislabelfilter__threshold": [0.8, 1.5],
            "mislabelfilter__criterion": ["zscore", "score"],
            "logisticregression__C": [0.1, 1.0],
        }
        search.fit(*rows)
        assert trained == [32] * 5

    def test_parameter_of_the_net_trains_again(self, rows, trained):
        search = self.search(DifficultyScorer(net()), refit=False)
        search.param_grid |= {"mislabelfilter__scorer__estimator__lr": [0.01, 0.1]}
        search.fit(*rows)
        assert trained == [32] * 10

    def test_threads(self, rows, trained):
        with parallel_config("threading"):
            self.search(DifficultyScorer(net()), n_jobs=2, refit=False).fit(*rows)
        assert trained == [32] * 5

    def test_unseeded_filter_trains_each_time(self, rows, trained):
        search = self.search(DifficultyScorer(net()), refit=False)
        search.estimator.set_params(mislabelfilter__random_state=None)
        search.fit(*rows)
        assert trained == [32] * 20

    def test_nothing_goes_wrong_in_silence(self, rows, trained, caplog):
        caplog.set_level("DEBUG", logger=_fit_once.__name__)
        for estimator in (None, net(), RandomForestClassifier(30), SGDClassifier("log_loss")):
            fit_once(DifficultyScorer(estimator, random_state=0), *rows, memory=NO_MEMORY)
        assert caplog.text == ""
