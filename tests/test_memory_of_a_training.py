"""With `storage=`, memory does not grow with the steps and snapshots of a training."""

import subprocess
import sys

import numpy as np
import pytest

N_ROWS, FEW_STEPS, MANY_STEPS = 100_000, 3, 30

# Trains a net on memory-mapped rows and prints the most memory that it ever had, in kilobytes.
PROGRAM = """
import sys
import numpy as np
import torch
from skorch import NeuralNetClassifier
from sklearn_difficulty import DifficultyScorer

torch.set_num_threads(1)
folder, n_rows, n_steps, storage = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
X = np.load(folder + "/X.npy", mmap_mode="r")
y = np.arange(n_rows) % 2


class Module(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 2)
        self.ballast = torch.nn.Parameter(torch.zeros(500_000))  # two megabytes a snapshot

    def forward(self, X):
        return self.layer(X) + self.ballast[:2]


net = NeuralNetClassifier(
    Module, criterion=torch.nn.CrossEntropyLoss, max_epochs=n_steps, batch_size=20_000,
    train_split=None, verbose=0,
)
scorer = DifficultyScorer(
    net, snapshots="all", storage=storage or None, random_state=0
).fit(X, y)
assert scorer.trajectory_.n_steps_max == n_steps
assert len(scorer.trajectory_.snapshots.steps(0)) == n_steps
print([line for line in open("/proc/self/status") if line.startswith("VmHWM")][0].split()[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_memory_does_not_grow_with_steps(tmp_path):
    X = np.random.default_rng(0).normal(size=(N_ROWS, 4)).astype(np.float32)
    np.save(tmp_path / "X.npy", X)

    def peak(n_steps, storage):
        arguments = [str(tmp_path), str(N_ROWS), str(n_steps), storage]
        output = subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments], check=True, capture_output=True, text=True
        ).stdout
        return 1024 * int(output)

    few = peak(FEW_STEPS, str(tmp_path / "few"))
    on_disk = peak(MANY_STEPS, str(tmp_path / "many")) - few
    in_memory = peak(MANY_STEPS, "") - few
    more_steps = MANY_STEPS - FEW_STEPS
    # six records of four bytes for each row, and two megabytes for the snapshot
    records = more_steps * (N_ROWS * 6 * 4 + 2_000_000)
    assert in_memory > 0.8 * records
    # Files that were read are counted while they are mapped: the losses, once, for the score.
    assert on_disk < 0.3 * records
