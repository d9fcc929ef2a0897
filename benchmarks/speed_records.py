"""How long scores take that are read off records."""

import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from aum import AUMCalculator
from speed_timing import Comparison, Work

from sklearn_difficulty.scores import SCORES
from sklearn_difficulty.trajectory import Trajectory

CLASSES = 10
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
