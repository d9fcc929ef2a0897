"""How long it takes to import the package."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from speed_timing import Comparison, Work


def comparisons(short: bool) -> Iterator[Comparison]:
    """A process that imports it, beside one that imports skorch and torch.

    Parameters
    ----------
    short : bool
        Makes no difference.
    """
    yield Comparison(
        "import sklearn_difficulty",
        "import skorch, torch",
        1.05,
        _importing("sklearn_difficulty"),
        _importing("skorch, torch"),
        clock=time.perf_counter,
    )


def _importing(modules: str) -> Callable[[], Work]:
    command = [sys.executable, "-c", f"import {modules}"]
    return lambda: lambda: subprocess.run(command, check=True)
