"""How time and memory of a recorded training grow with the rows."""

import time
from collections.abc import Callable, Iterator
from functools import cache

import torch
from speed_models import MLP, net, rows
from speed_timing import Comparison, Work, said_by_process

from sklearn_difficulty import TrackedNetClassifier

FEW = 20_000
EPOCHS = 2

# A process of its own, as the most memory that a process had cannot be set back.
PEAK = """
import resource, sys
import torch
from speed_models import MLP, net, rows
from sklearn_difficulty import TrackedNetClassifier
torch.set_num_threads(1)
X, y = rows(int(sys.argv[1]))
fitted = net(MLP, TrackedNetClassifier)
fitted.max_epochs = int(sys.argv[2])
fitted.fit(X, y)
path = fitted.trajectory_
arrays = (path.loss, path.margin, path.proba, path.prediction, path.entropy, path.el2n)
records = sum(array.nbytes for array in arrays)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, records, X.nbytes + y.nbytes)
"""


def comparisons(short: bool) -> Iterator[Comparison]:
    """Trainings on many rows beside such on few, for each row and epoch.

    Parameters
    ----------
    short : bool
        Whether to make do with fewer rows.
    """
    for n_rows in (1000, 100_000) if short else (1000, 100_000, 1_000_000):
        # Of few rows much of the time is what does not depend on them.
        goal = 1.15 if n_rows > FEW else 2.0
        name = f"a row and epoch of a tracked MLP, {n_rows:,} rows"
        yield Comparison(name, f"{FEW:,} rows", goal, _each(n_rows), _each(FEW), clock=None)
    few, many = (50_000, 100_000) if short else (200_000, 1_000_000)
    yield Comparison(
        f"memory of a fit of {many:,} rows, 20 epochs, above that of {few:,}",
        "their records and data",
        1.25,
        lambda: lambda: _growth(few, many)[0],
        lambda: lambda: _growth(few, many)[1],
        clock=None,
    )


def _each(n_rows: int) -> Callable[[], Work]:
    X, y = rows(n_rows)
    times = max(1, FEW // n_rows)

    def work() -> float:
        start = time.process_time()
        for _ in range(times):
            torch.manual_seed(0)
            fitted = net(MLP, TrackedNetClassifier)
            fitted.max_epochs = EPOCHS
            fitted.fit(X, y)
        return (time.process_time() - start) / (times * n_rows * EPOCHS)

    return lambda: work


@cache
def _growth(few: int, many: int) -> tuple[float, float]:
    """MiB that the larger fit takes more, and those of its records and data; measured once."""
    peaks, records, data = zip(*(_peak(n) for n in (few, many)), strict=True)
    more = (peaks[1] - peaks[0], records[1] + data[1] - records[0] - data[0])
    return more[0] / 2**20, more[1] / 2**20


def _peak(n_rows: int, n_epochs: int = 20) -> list[float]:
    return said_by_process(PEAK, n_rows, n_epochs)
