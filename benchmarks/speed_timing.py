"""Times of two ways to do the same, measured in turns, and what they say."""

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Work = Callable[[], Any]


class Comparison(NamedTuple):
    """Two ways to do the same, and how what they take should compare.

    Attributes
    ----------
    name : str
        What is measured.
    against : str
        What it is measured against.
    goal : float
        Bound of the ratio of their times.
    ours, reference : callable
        Prepare, untimed, and return the work, both without arguments.
    at_most : bool
        Whether the ratio (ours over reference) is to be at most the goal, or the speed-up
        (reference over ours) at least.
    clock : callable or None
        Processor time of this process, in which other processes of the machine do not count; for
        work in several processes ``time.perf_counter``. None where the work returns what it
        measured itself.
    """

    name: str
    against: str
    goal: float
    ours: Callable[[], Work]
    reference: Callable[[], Work]
    at_most: bool = True
    clock: Callable[[], float] | None = time.process_time


class Measured(NamedTuple):
    """What both took, in seconds unless they measure something else, one pair a repetition.

    Attributes
    ----------
    comparison : Comparison
        What was measured.
    ours, reference : list of float
        What each took.
    """

    comparison: Comparison
    ours: list[float]
    reference: list[float]

    @property
    def ratios(self) -> np.ndarray:
        """Ours over the reference, or the other way round where a speed-up is asked for."""
        ours, reference = np.array(self.ours), np.array(self.reference)
        return ours / reference if self.comparison.at_most else reference / ours

    @property
    def reached(self) -> bool:
        """Whether the median ratio keeps to the goal."""
        median = float(np.median(self.ratios))
        goal = self.comparison.goal
        return median <= goal if self.comparison.at_most else median >= goal


def measure(comparison: Comparison, n_repeats: int) -> Measured:
    """Time both in turns, after each has run once.

    Parameters
    ----------
    comparison : Comparison
        The two.
    n_repeats : int
        How often.

    Returns
    -------
    Measured
        The times.
    """
    both = {"ours": comparison.ours, "reference": comparison.reference}
    times: dict[str, list[float]] = {name: [] for name in both}
    for prepare in both.values():
        prepare()()
    for repeat in range(n_repeats):
        # In turns, so that neither always comes after the other.
        for name in both if repeat % 2 else reversed(both):
            times[name].append(_taken(both[name](), comparison.clock))
    return Measured(comparison, **times)


def _taken(work: Work, clock: Callable[[], float] | None) -> float:
    gc.collect()
    if clock is None:
        return float(work())
    start = clock()
    work()
    return clock() - start


def said_by_process(script: str, *arguments: object, **variables: str) -> list[float]:
    """Numbers that a process of its own prints.

    Parameters
    ----------
    script : str
        Code, which finds the files of the benchmarks.
    *arguments : objects
        What it is called with.
    **variables : str
        Variables of its environment, besides those of this process.
    """
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
        env=os.environ | variables,
    )
    return [float(word) for word in done.stdout.split()]
