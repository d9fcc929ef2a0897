"""On disk, the memory that a recording takes does not grow with its steps or snapshots."""

import subprocess
import sys
from pathlib import Path

import pytest

# The most memory that a process ever had, which the system counts from its start: hence in a
# process of its own, a short recording before a long one.
CODE = """
import sys
from pathlib import Path

import numpy as np

from sklearn_difficulty.recording import TrajectoryRecorder
from sklearn_difficulty.recording._snapshots import SnapshotTaker
from sklearn_difficulty.recording._step_recorder import StepRecorder
from sklearn_difficulty.trajectory import Trajectory
from sklearn_difficulty.trajectory._joining import join_records
from sklearn_difficulty.trajectory._store import Store

FOLDER = Path(sys.argv[1])
N = 200_000  # a step is 0.8 megabytes of losses, and so is a state


def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000  # megabytes


def model(n_steps, folder):
    recorder, taker = StepRecorder(N, folder), SnapshotTaker("all", 2**30, folder)
    rows = np.arange(N)
    for step in range(n_steps):
        recorder.write(rows, {"loss": np.full(N, step, dtype=np.float32)})
        recorder.step({"epoch": 1.0})
        taker.offer(step, lambda: {"w": np.full(N, step, dtype=np.float32)})
    return recorder.trajectory(snapshots=taker.snapshots())


def models(n_steps):
    with Store(FOLDER / f"models{n_steps}") as store:
        store.check(snapshots=True)
        paths = [model(n_steps, store.part(f"model{i}")) for i in range(2)]
        path = store.finish(store.stack(paths))
    assert path.n_missing.sum() == 0
    assert path.loss[1, -1, -1] == n_steps - 1
    assert path.snapshots.state(1, n_steps - 1)["w"][0] == n_steps - 1


def folds(n_steps):
    with Store(FOLDER / f"folds{n_steps}") as store:
        paths = [model(n_steps, store.part(f"model{i}")) for i in range(2)]
        rows = [np.arange(0, 2 * N, 2), np.arange(1, 2 * N, 2)]
        records = join_records([{"loss": p.loss} for p in paths], rows, 2 * N, store.part("run"))
        path = store.finish(Trajectory(**records))
    assert path.loss.shape == (1, n_steps, 2 * N)


def loop(n_steps):
    recorder = TrajectoryRecorder(N, storage=FOLDER / f"loop{n_steps}")
    for step in range(n_steps):
        for rows in np.arange(N).reshape(4, -1):
            recorder.update(rows, losses=np.full(len(rows), step))
        recorder.step()
    assert recorder.trajectory().n_steps_max == n_steps


def outputs(n_steps):
    file = FOLDER / f"outputs{n_steps}.npy"
    np.lib.format.open_memmap(file, "w+", np.float32, (n_steps, 20_000, 10)).flush()
    given = np.load(file, mmap_mode="r")
    y = np.arange(20_000) % 10
    path = Trajectory.from_outputs(given, y, keep_outputs=True, storage=FOLDER / f"saved{n_steps}")
    assert path.outputs.shape == (1, *given.shape)


def in_memory(n_steps):
    assert model(n_steps, None).snapshots.nbytes == n_steps * N * 4


for record in (models, folds, loop, outputs):
    record(5)
before = peak()
for record in (models, folds, loop, outputs):
    record(60)
after = peak()
in_memory(60)
print(before, after, peak())
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="needs Linux")
def test_peak_memory_does_not_grow_with_steps(tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert not result.returncode, result.stderr
    before, after, in_memory = map(float, result.stdout.split())
    # 55 more steps are 44 megabytes of losses and as many of states, for each of the models
    assert after - before < 15
    assert in_memory - after > 50
