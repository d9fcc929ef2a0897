"""Rows on disk stay there: what training, recording and scoring take of them is a few at a time."""

import json
import os
import subprocess
import sys

import pytest

MOST_GROWTH = 100 * 2**20

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
folder, most_growth = Path(sys.argv[1]), int(sys.argv[2])
N_ROWS, N_FEATURES = 16384, 4096  # 256 MiB as float32


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
for name, (dtype, act) in CASES.items():
    # Gradients of a chunk of rows are held several times, as float64.
    scale = 3 if act is gradients else 1
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


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    if sys.platform != "linux":
        pytest.skip("the limit on what a process allocates is Linux's")
    folder = tmp_path_factory.mktemp("rows")
    command = [sys.executable, "-c", SCRIPT, str(folder), str(MOST_GROWTH)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_copy_of_all_does_not_fit(outcomes):
    assert outcomes["copy"].startswith("MemoryError")


@pytest.mark.parametrize(
    "case",
    [
        "float32",
        "float64",
        "uint8",
        "tracked",
        "alone",
        "default network",
        "gradients",
        "folds of a dataset",
        "lazy dataset",
    ],
)
def test_rows_are_read_a_few_at_a_time(case, outcomes):
    assert outcomes[case] == "fits"
