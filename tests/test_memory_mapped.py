"""Rows on disk stay there: what training, recording and scoring take of them is a few at a time."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from skorch import NeuralNetClassifier, NeuralNetRegressor
from skorch.dataset import ValidSplit
from torch.utils.data import DataLoader

from sklearn_difficulty import DifficultyScorer, TrackedNetClassifier, TrackedNetRegressor
from sklearn_difficulty.recording import _inputs

MOST_GROWTH = 64 * 2**20

# The operating system holds the process to the limit: what takes more than it had before and
# MOST_GROWTH bytes does not get it. Pages of a file that is mapped to be read do not count.
SCRIPT = """
import json
import resource
import sys
import traceback
from pathlib import Path

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.dataset import Dataset

from sklearn_difficulty import DifficultyScorer, TrackedNetClassifier

torch.set_num_threads(1)
folder, most_growth, names = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
N_ROWS, N_FEATURES = 8192, 4096  # 128 MiB as float32


def on_disk(dtype, n_rows):
    # A sparse file, in which all but the first rows are a hole.
    path = folder / f"{np.dtype(dtype)}-{n_rows}.npy"
    shape = n_rows, N_FEATURES
    rows = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    rows[:64] = np.arange(64)[:, None]
    rows.flush()
    return np.load(path, mmap_mode="r")


def net(kind, **params):
    given = {
        "module": torch.nn.Linear,
        "module__in_features": N_FEATURES,
        "module__out_features": 2,
        "criterion": torch.nn.CrossEntropyLoss,
        "batch_size": 256,
        "lr": 1e-6,
        "max_epochs": 1,
        "train_split": None,
        "verbose": 0,
    }
    if kind is None:
        given = {k: v for k, v in given.items() if not k.startswith("module")}
        return TrackedNetClassifier(**given | params)
    return kind(**given | params)


def scored(estimator, X):
    y = np.arange(len(X)) % 2
    scorer = DifficultyScorer(estimator, random_state=0).fit(X, y)
    assert np.isfinite(scorer.score_samples(X, y)).all()


def gradients(X):
    y = np.arange(len(X)) % 2
    params = {"output": "proba"}
    estimator = net(NeuralNetClassifier, max_epochs=2)
    scorer = DifficultyScorer(estimator, score="vog", score_params=params, random_state=0)
    assert np.isfinite(scorer.fit(X, y).scores_).all()


def folds(X):
    y = np.arange(len(X)) % 2
    scorer = DifficultyScorer(net(NeuralNetClassifier), cv=2, random_state=0)
    assert np.isfinite(scorer.fit(Dataset(X, y)).scores_).all()


def alone(X):
    trained = net(TrackedNetClassifier).fit(X, np.arange(len(X)) % 2)
    assert trained.trajectory_.loss.shape == (1, 1, len(X))
    assert trained.predict_proba(X).shape == (len(X), 2)


class Lazy(torch.utils.data.Dataset):
    # An item is as large as 16 rows: all of them do not fit.
    def __len__(self):
        return N_ROWS // 16

    def __getitem__(self, row):
        return np.full((16, N_FEATURES), row, dtype=np.float32), row % 2


class Mean(torch.nn.Linear):
    def forward(self, X):
        return super().forward(X.mean(dim=1))


def lazy(_):
    estimator = net(NeuralNetClassifier, module=Mean, batch_size=16)
    scorer = DifficultyScorer(estimator, random_state=0).fit(Lazy())
    assert scorer.scores_.shape == (len(Lazy()),)


CASES = {
    "copy": (np.float32, lambda X: np.array(X)),
    "float32": (np.float32, lambda X: scored(net(NeuralNetClassifier), X)),
    "float64": (np.float64, lambda X: scored(net(NeuralNetClassifier), X)),
    "uint8": (np.uint8, lambda X: scored(net(NeuralNetClassifier), X)),
    "tracked": (np.uint8, lambda X: scored(net(TrackedNetClassifier), X)),
    "alone": (np.uint8, alone),
    "default network": (np.float32, lambda X: scored(net(None), X)),
    "gradients": (np.uint8, gradients),
    "folds of a dataset": (np.float32, folds),
    "lazy dataset": (np.uint8, lazy),
}


def used():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData"))


outcomes = {}
for name in names:
    dtype, act = CASES[name]
    # Gradients of a chunk of rows are held several times, as float64.
    scale = 5 if act is gradients else 1
    if act is not lazy:
        act(on_disk(dtype, 256))
    rows = on_disk(dtype, scale * N_ROWS)
    limit = used() + scale * most_growth
    resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.RLIM_INFINITY))
    try:
        act(rows)
        outcomes[name] = "fits"
    except (MemoryError, RuntimeError) as error:
        place = "".join(traceback.format_tb(error.__traceback__))
        outcomes[name] = f"{type(error).__name__}: {error} {place}"
    resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(json.dumps(outcomes))
"""


CASES = [
    "float32",
    "float64",
    "uint8",
    "tracked",
    "alone",
    "default network",
    "folds of a dataset",
    "lazy dataset",
]


def outcomes_of(folder, names):
    if sys.platform != "linux":
        pytest.skip("the limit on what a process allocates is Linux's")
    command = [sys.executable, "-c", SCRIPT, str(folder), str(MOST_GROWTH), *names]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    return outcomes_of(tmp_path_factory.mktemp("rows"), ["copy", *CASES])


def test_a_copy_of_all_does_not_fit(outcomes):
    assert outcomes["copy"].startswith("MemoryError")


@pytest.mark.parametrize("case", CASES)
def test_rows_are_read_a_few_at_a_time(case, outcomes):
    assert outcomes[case] == "fits"


@pytest.mark.slow
def test_gradients_are_taken_a_few_rows_at_a_time(tmp_path):
    assert outcomes_of(tmp_path, ["gradients"]) == {"gradients": "fits"}


# -- arrays that are cast batch by batch --------------------------------------------------


@pytest.fixture
def cast_late(monkeypatch):
    """Has arrays of any size cast batch by batch when it is called."""
    return lambda: monkeypatch.setattr(_inputs, "_MOST_BYTES_CAST_AT_ONCE", 0)


def net(kind, **params):
    defaults = {
        "module": torch.nn.Linear,
        "module__in_features": 64,
        "module__out_features": 10,
        "criterion": torch.nn.CrossEntropyLoss,
        "iterator_train__shuffle": True,
        "batch_size": 32,
        "max_epochs": 2,
        "train_split": None,
        "verbose": 0,
    }
    return kind(**(defaults | params))


ROWS = {
    "float64": lambda X: X.astype(np.float64),
    "uint8": lambda X: (16 * X).astype(np.uint8),
    "booleans": lambda X: X > 0.5,
    "columns first": np.asfortranarray,
    "backwards": lambda X: np.ascontiguousarray(X[::-1])[::-1],
}


@pytest.mark.parametrize("kind", [NeuralNetClassifier, TrackedNetClassifier])
@pytest.mark.parametrize("convert", ROWS.values(), ids=ROWS)
def test_same_training_however_rows_are_cast(convert, kind, digits, cast_late):
    X, y = digits[0][:200], digits[1][:200]
    X = convert(X)
    options = {
        "score": ["action", "vog"],
        "score_params": {"vog": {"output": "proba"}},
        "random_state": 0,
    }
    at_once = DifficultyScorer(net(kind), **options).fit(X, y)
    new = convert(np.minimum(X.astype(np.float32) / X.max() + 0.25, 1))
    of_new = at_once.score_samples(new, y)
    cast_late()
    late = DifficultyScorer(net(kind), **options).fit(X, y)
    assert_array_equal(late.scores_, at_once.scores_)
    for name, value in at_once.estimators_[0].module_.state_dict().items():
        assert torch.equal(late.estimators_[0].module_.state_dict()[name], value)
    assert_array_equal(late.score_samples(new, y), of_new)
    folds = DifficultyScorer(net(kind), cv=3, random_state=0)
    assert np.isfinite(folds.fit(X, y).scores_).all()


@pytest.mark.parametrize("params", [{}, {"train_split": ValidSplit(4, stratified=True)}])
def test_same_tracked_net_however_rows_are_cast(params, digits, cast_late):
    X, y = (16 * digits[0][:200]).astype(np.uint8), digits[1][:200]
    paths, labels = [], []
    for prepare in (lambda: None, cast_late):
        prepare()
        torch.manual_seed(0)
        fitted = net(TrackedNetClassifier, **params).fit(X, y)
        paths.append(fitted.trajectory_)
        labels.append(fitted.predict(X))
    assert_array_equal(paths[0].loss, paths[1].loss)
    assert_array_equal(paths[0].in_train, paths[1].in_train)
    assert_array_equal(*labels)


@pytest.mark.parametrize("kind", [NeuralNetRegressor, TrackedNetRegressor])
def test_same_regression_however_rows_are_cast(kind, digits, cast_late):
    X, y = digits[0][:200].astype(np.float64), digits[1][:200].astype(np.float64)
    regressor = net(kind, criterion=torch.nn.MSELoss, module__out_features=1, lr=1e-3)
    at_once = DifficultyScorer(regressor, random_state=0).fit(X, y)
    cast_late()
    late = DifficultyScorer(regressor, random_state=0).fit(X, y)
    assert_array_equal(late.scores_, at_once.scores_)


def test_rows_that_a_loader_casts(digits, cast_late):
    # workers ask for one row at a time
    X, y = (16 * digits[0][:64]).astype(np.uint8), digits[1][:64]
    params = {"iterator_train__num_workers": 1, "iterator_train__shuffle": False, "max_epochs": 1}
    cast_late()
    by_workers = DifficultyScorer(net(NeuralNetClassifier, **params), random_state=0).fit(X, y)
    params["iterator_train__num_workers"] = 0
    in_memory = DifficultyScorer(net(NeuralNetClassifier, **params), random_state=0).fit(X, y)
    assert_array_equal(by_workers.scores_, in_memory.scores_)


def test_types_of_rows_that_are_cast_late(cast_late):
    words, images = np.arange(6, dtype=np.int32).reshape(3, 2), np.ones((3, 2), dtype=np.uint8)
    lookup = torch.nn.Sequential(torch.nn.Embedding(6, 2), torch.nn.Linear(2, 2))
    doubles = torch.nn.Linear(2, 2, dtype=torch.float64)
    cast_late()
    for X, module, expected in (
        (words, lookup, torch.int64),
        (images, torch.nn.Linear(2, 2), torch.float32),
        (images, doubles, torch.float64),
        (images.astype(np.float32), doubles, torch.float64),
    ):
        dataset, beside = _inputs.net_rows(X, np.zeros(3), module)
        assert beside is None
        [(batch, _)] = list(DataLoader(dataset, batch_size=3))
        assert batch.dtype == expected
        assert_array_equal(batch, X)
    as_it_is = np.ones((3, 2), dtype=np.float32)
    assert _inputs.net_rows(as_it_is, None, torch.nn.Linear(2, 2))[0] is as_it_is


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_values_without_a_float32_in_rows_that_are_cast_late(value, cast_late):
    X = np.ones((3, 2))
    X[2, 1] = value
    cast_late()
    with pytest.raises(ValueError, match="NaN, infinity or a value too large for float32"):
        _inputs.net_rows(X, None, torch.nn.Linear(2, 2))
    if np.isfinite(value):  # which a double holds
        doubles = torch.nn.Linear(2, 2, dtype=torch.float64)
        assert _inputs.net_rows(X, None, doubles)[0] is X
