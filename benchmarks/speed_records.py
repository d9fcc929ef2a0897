"""How long scores take that are read off records."""

import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from aum import AUMCalculator
from speed_timing import Comparison, Work

from sklearn_difficulty.scores import SCORES, consensus
from sklearn_difficulty.trajectory import Trajectory

CLASSES = 10
MANY_CLASSES = 1000
STEPS = 20
# Sample-steps a second that each score should reach.
RATE = 20e6


def comparisons(short: bool) -> Iterator[Comparison]:
    """Scores of a recorded path, and one beside the package that has it alone.

    Parameters
    ----------
    short : bool
        Whether to make do with fewer rows.
    """
    n_rows = 20_000 if short else 100_000
    logits, y = _outputs(n_rows)
    path = Trajectory.from_outputs(logits, y)
    for name, score in SCORES.items():
        # What compares runs has one run to look at here, and outputs are not kept.
        if score.source == "records" and "outputs" not in score.needs and name != "agreement":
            yield Comparison(
                f"{name} of {n_rows:,} rows, {STEPS} steps",
                f"{RATE / 1e6:g} million sample-steps a second",
                1.0,
                _timed(lambda score=score: score.function(path)),
                lambda: lambda: n_rows * STEPS / RATE,
                clock=None,
            )
    n_rows //= 2
    many = _path_of_many_classes(n_rows)
    name = f"consensus of {n_rows:,} rows, {STEPS} steps, {MANY_CLASSES} classes"
    yield Comparison(
        name,
        f"{RATE / 1e6:g} million sample-steps a second",
        1.0,
        _timed(lambda: consensus(many)),
        lambda: lambda: n_rows * STEPS / RATE,
        clock=None,
    )
    yield Comparison(
        f"memory of {name}",
        "a table of all rows and classes",
        0.25,
        lambda: lambda: _most_memory(lambda: consensus(many)),
        lambda: lambda: n_rows * MANY_CLASSES * 8 / 2**20,
        clock=None,
    )
    few, their = _outputs(2000)
    ours = Trajectory.from_outputs(few, their)
    package = _package(few, their)
    yield Comparison(
        "aum of 2,000 rows, 20 steps, from records",
        "the aum package",
        100,
        lambda: lambda: SCORES["aum"].function(ours),
        package,
        at_most=False,
    )
    yield Comparison(
        "the same from logits",
        "the aum package",
        10,
        lambda: lambda: SCORES["aum"].function(Trajectory.from_outputs(few, their)),
        package,
        at_most=False,
    )


def _outputs(n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits of shape (1, steps, rows, classes) that come to favour the labels, and the labels."""
    rng = np.random.default_rng(0)
    y = rng.integers(CLASSES, size=n_rows)
    logits = rng.normal(size=(1, STEPS, n_rows, CLASSES)).astype(np.float32)
    logits[0, :, np.arange(n_rows), y] += np.linspace(0, 3, STEPS, dtype=np.float32)
    return logits, y


def _path_of_many_classes(n_rows: int) -> Trajectory:
    """Records of a training that comes to favour the labels, a fifth of which are wrong."""
    rng = np.random.default_rng(0)
    shape = 1, STEPS, n_rows
    y = rng.integers(MANY_CLASSES, size=n_rows)
    true = np.where(rng.uniform(size=n_rows) < 0.2, rng.integers(MANY_CLASSES, size=n_rows), y)
    has_learned = rng.uniform(size=shape) < np.linspace(0.2, 0.98, STEPS)[:, None]
    taken_for = (true + rng.integers(1, 4, size=shape)) % MANY_CLASSES
    prediction = np.where(has_learned, true, taken_for)
    is_right = prediction == y
    proba = np.where(is_right, rng.uniform(0.5, 0.9, shape), rng.uniform(0.01, 0.3, shape))
    rival = np.where(is_right, 0.7, 0.8) * (1 - proba)
    return Trajectory(
        -np.log(proba).astype(np.float32),
        proba=proba.astype(np.float32),
        margin=np.log(proba / rival).astype(np.float32),
        prediction=prediction.astype(np.int32),
        y=y,
        classes=np.arange(MANY_CLASSES),
    )


def _most_memory(work: Callable[[], Any]) -> float:
    """MiB that arrays take at their most."""
    tracemalloc.start()
    work()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / 2**20


def _timed(work: Callable[[], Any]) -> Callable[[], Work]:
    def timed() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return lambda: timed


def _package(logits: np.ndarray, y: np.ndarray) -> Callable[[], Work]:
    """The same margins, handed over in batches as a training has them."""
    steps, targets = torch.from_numpy(logits[0]), torch.from_numpy(y)
    rows = torch.arange(len(y)).split(128)

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder:
            calculator = AUMCalculator(folder, compressed=True)
            for step in steps:
                for few in rows:
                    calculator.update(step[few], targets[few], few.tolist())
            calculator.finalize()

    return lambda: work
