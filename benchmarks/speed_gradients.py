"""How long the variance of gradients takes, and how much memory."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import torch
from speed_models import BATCH, CNN, LARGE_BATCH, MLP, images, net, rows
from speed_timing import Comparison, Work, said_by_process
from torch import nn

from sklearn_difficulty import DifficultyScorer

SNAPSHOTS = 6

# MiB that scoring takes at its most above what there was before: Linux sets the most memory that
# a process had back when it is told to. Memory that the fit has given up must not be there still to
# be used again, of which there is now more and now less: glibc gives arrays back at once if it is
# told to from the start.
AT_ONCE = {"MALLOC_MMAP_THRESHOLD_": str(2**16)}
PEAK = """
import sys
from pathlib import Path
from speed_gradients import fitted
from speed_models import CNN, images
import torch
torch.set_num_threads(1)
X, y = images(int(sys.argv[1]))
scorer = fitted(CNN, X, y, n_snapshots=int(sys.argv[2]))

def most():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))

Path("/proc/self/clear_refs").write_text("5")
before = most()
scorer.score_samples(X, y, score="vog")
print(most() - before)
"""


def comparisons(short: bool) -> Iterator[Comparison]:
    """The score at the training rows, beside its passes alone and beside loops over rows.

    Parameters
    ----------
    short : bool
        Whether to make do with fewer rows.
    """
    data = {MLP: rows(4000 if short else 20_000), CNN: images(1000 if short else 5000)}
    for module, (X, y) in data.items():
        name = f"VoG of {len(X):,} rows, {module.__name__}, {SNAPSHOTS} snapshots"
        ours = _score(module, X, y)
        for batch in (BATCH, LARGE_BATCH):
            against = f"forward and backward passes alone, batches of {batch}"
            yield Comparison(name, against, 1.1, ours, _passes(module, X, y, batch))
    for module, goal in ((MLP, 20), (CNN, 3)):
        X, y = (part[:500] for part in data[module])
        yield Comparison(
            f"VoG of {len(X)} rows, {module.__name__}",
            "a loop over rows, one backward pass each",
            goal,
            _score(module, X, y),
            _passes(module, X, y, 1),
            at_most=False,
        )
    n_rows = 4000 if short else 20_000
    yield Comparison(
        f"memory of VoG of {n_rows:,} rows, CNN, 12 snapshots",
        "3 snapshots",
        1.1,
        lambda: lambda: _peak(n_rows, 12),
        lambda: lambda: _peak(n_rows, 3),
        clock=None,
    )


def fitted(module: Any, X: np.ndarray, y: np.ndarray, n_snapshots: int = SNAPSHOTS) -> Any:
    """A scorer that kept so many snapshots."""
    estimator = net(module)
    estimator.max_epochs = n_snapshots
    return DifficultyScorer(estimator, snapshots="all", random_state=0).fit(X, y)


def _score(module: Any, X: np.ndarray, y: np.ndarray) -> Callable[[], Work]:
    scorer = fitted(module, X, y)
    return lambda: lambda: scorer.score_samples(X, y, score="vog")


def _passes(module: Any, X: np.ndarray, y: np.ndarray, batch: int) -> Callable[[], Work]:
    """Forward passes and backward passes to the input, of a model whose parameters are frozen."""
    snapshots = fitted(module, X, y).trajectory_.snapshots
    states = [
        {name: torch.tensor(value) for name, value in snapshots.state(0, step).items()}
        for step in range(SNAPSHOTS)
    ]
    rows, targets = torch.from_numpy(X), torch.from_numpy(y).reshape(-1, 1)

    def work() -> None:
        model: nn.Module = module().eval().requires_grad_(False)
        for state in states:
            model.load_state_dict(state)
            for few, their in zip(rows.split(batch), targets.split(batch), strict=True):
                few = few.detach().requires_grad_()
                torch.autograd.grad(model(few).gather(1, their).sum(), few)

    return lambda: work


@cache
def _peak(n_rows: int, n_snapshots: int) -> float:
    """MiB; measured once."""
    [most] = said_by_process(PEAK, n_rows, n_snapshots, **AT_ONCE)
    return most
