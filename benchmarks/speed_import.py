"""How long it takes to import the package."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from tempfile import TemporaryDirectory

from speed_timing import Comparison, Work


def comparisons(short: bool) -> Iterator[Comparison]:
    """A process that imports it, beside one that imports skorch and torch.

    Both find compiled files, as they do wherever a package was imported before; in an environment
    that forbids to write them, this package would be compiled anew, and those installed not.

    Parameters
    ----------
    short : bool
        Makes no difference.
    """
    with TemporaryDirectory() as folder:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        yield Comparison(
            "import sklearn_difficulty",
            "import skorch, torch",
            1.05,
            _importing("sklearn_difficulty", environment),
            _importing("skorch, torch", environment),
            clock=_time_of_ended_processes,
        )


def _importing(modules: str, environment: dict[str, str]) -> Callable[[], Work]:
    command = [sys.executable, "-c", f"import {modules}"]
    return lambda: lambda: subprocess.run(command, check=True, env=environment)


def _time_of_ended_processes() -> float:
    """Processor time of processes that this one started and waited for."""
    times = os.times()
    return times.children_user + times.children_system
