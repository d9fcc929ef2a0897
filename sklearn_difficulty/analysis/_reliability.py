"""How far the easiest and hardest samples are the same when other runs are trained."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_difficulty._validation import (
    check_choice,
    check_count,
    check_fraction,
    check_random_state,
)
from sklearn_difficulty.analysis._matching import match_extremes
from sklearn_difficulty.exceptions import TiesWarning
from sklearn_difficulty.scores import easiness
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["Reliability", "split_half_reliability"]

SIDES = ("easy", "hard")


@dataclass(frozen=True, eq=False)
class Reliability:
    """How far halves of the runs agree, as :func:`split_half_reliability` gives it.

    Parameters
    ----------
    n_runs : ndarray of shape (n_sizes,), int
        Runs per half.
    rate : mapping of str to ndarray of shape (n_sizes,), float64
        For each side, ``"easy"`` and ``"hard"``, the mean matching rate over the splits.
    std : mapping of str to ndarray of shape (n_sizes,), float64
        Its standard deviation over the splits.
    chance : mapping of str to ndarray of shape (n_sizes,), float64
        What random sets of the same sizes reach on average.
    tied : mapping of str to ndarray of shape (n_sizes,), float64
        Mean share of the samples that have the highest (lowest) easiness of all.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.analysis import Reliability
    >>> one = {"hard": np.array([0.5])}
    >>> Reliability(np.array([10]), rate=one, std=one, chance=one, tied=one).rate["hard"]
    array([0.5])
    """

    n_runs: np.ndarray
    rate: Mapping[str, np.ndarray]
    std: Mapping[str, np.ndarray]
    chance: Mapping[str, np.ndarray]
    tied: Mapping[str, np.ndarray]


def split_half_reliability(
    trajectory: Trajectory,
    fraction: float = 0.1,
    *,
    n_runs: int | Sequence[int] | None = None,
    n_splits: int = 10,
    sides: Sequence[str] = SIDES,
    ties: str = "inclusive",
    steps: Any = -1,
    random_state: Any = None,
) -> Reliability:
    """Tell how far two halves of the runs find the same samples easiest and hardest.

    The runs are divided into two halves at random, easiness is taken over each, and the easiest
    and the hardest samples of both are compared. Higher is more reliable. It grows with the number
    of runs, up to where the counts are full: samples that every run has right cannot be told
    apart by any number of runs. The cost is that of twice `n_splits` easinesses for each number of
    runs; nothing is trained.

    Parameters
    ----------
    trajectory : Trajectory
        At least two runs, of which `prediction` and `y` are used.
    fraction : float, default=0.1
        Share of the samples in a set, above 0, up to 1.
    n_runs : int, sequence of int or None, default=None
        Runs in each half, up to half of all; several numbers to see the reliability grow. None is
        half of all, rounded down.
    n_splits : int, default=10
        How many times to divide the runs, at least 2.
    sides : sequence of {"easy", "hard"}, default=("easy", "hard")
        Which sets to compare.
    ties : {"inclusive", "strict", "random"}, default="inclusive"
        What becomes of samples on the threshold, as for :func:`extreme_set`. Sets that include
        many ties are large and match by their size alone, so look at the chance level, too.
    steps : None, int, slice, {"early", "late"} or (float, float), default=-1
        Part of the training to take easiness of; see ``Trajectory.window``. By default it is the
        last step of each run.
    random_state : int, RandomState or None, default=None
        Seed for the splits and for ``ties="random"``.

    Returns
    -------
    Reliability
        For each side and each number of runs the matching rate, its spread over splits, the
        chance level, and how many samples are tied at the end of the scale.

    Raises
    ------
    RecordNotFoundError
        If there are no predictions or no labels.
    TypeError
        If a number is none, or `steps` names no part of a training.
    ValueError
        If an option is out of range, or a sample has no prediction in any run of a half.
    IndexError
        If a run has no step in that part.

    Warns
    -----
    TiesWarning
        If even in the largest halves more samples than `fraction` have the highest or lowest
        easiness of all, on average, so that which of them belong to the set is not determined.

    References
    ----------
    I. Kishida, H. Nakayama. Empirical Study of Easy and Hard Examples in CNN Training. ICONIP,
    2019. arXiv:1911.10739.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.analysis import split_half_reliability
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> chance_right = np.linspace(0, 1, 200)
    >>> right = np.random.default_rng(0).random((40, 1, 200)) < chance_right
    >>> trajectory = Trajectory(
    ...     np.ones(right.shape), prediction=right.astype(int), y=np.ones(200, dtype=int)
    ... )
    >>> found = split_half_reliability(
    ...     trajectory, 0.2, n_runs=[5, 20], sides=["hard"], random_state=0
    ... )
    >>> bool(found.rate["hard"][1] > found.rate["hard"][0] > found.chance["hard"][0])
    True
    """
    if not isinstance(trajectory, Trajectory):
        raise TypeError(f"trajectory must be a Trajectory; got {type(trajectory).__name__}.")
    share = check_fraction("fraction", fraction)
    check_count("n_splits", n_splits, minimum=2)
    sides = _check_sides(sides)
    part = _predictions_only(trajectory, steps)
    sizes = _check_sizes(n_runs, part.n_runs)
    generator = check_random_state(random_state)
    rate, chance, tied = (np.empty((len(sides), len(sizes), n_splits)) for _ in range(3))
    for column, size in enumerate(sizes):
        for split in range(n_splits):
            order = generator.permutation(part.n_runs)
            first = _easiness(part, order[:size])
            second = _easiness(part, order[size : 2 * size])
            for row, side in enumerate(sides):
                cell = row, column, split
                match = match_extremes(
                    first, second, share, side=side, ties=ties, random_state=generator
                )
                rate[cell], chance[cell] = match.rate, match.chance
                tied[cell] = (_tied_share(first, side) + _tied_share(second, side)) / 2
    result = Reliability(
        n_runs=np.array(sizes),
        rate=dict(zip(sides, rate.mean(axis=2), strict=True)),
        std=dict(zip(sides, rate.std(axis=2, ddof=1), strict=True)),
        chance=dict(zip(sides, chance.mean(axis=2), strict=True)),
        tied=dict(zip(sides, tied.mean(axis=2), strict=True)),
    )
    _warn_of_ties(result, share)
    return result


def _check_sides(sides: Sequence[str]) -> tuple[str, ...]:
    if isinstance(sides, str):
        sides = (sides,)
    chosen = tuple(dict.fromkeys(check_choice("sides", side, SIDES) for side in sides))
    if not chosen:
        raise ValueError("sides must hold 'easy', 'hard' or both; got none.")
    return chosen


def _check_sizes(n_runs: Any, n_all: int) -> list[int]:
    if n_all < 2:
        raise ValueError(
            f"split_half_reliability needs at least two runs; the trajectory has {n_all}. Record "
            "more with DifficultyScorer(n_runs=...)."
        )
    if n_runs is None:
        return [n_all // 2]
    sizes = [check_count("n_runs", size) for size in np.atleast_1d(n_runs).tolist()]
    if not sizes or max(sizes) > n_all // 2:
        raise ValueError(
            f"n_runs must hold numbers from 1 to {n_all // 2}, half of the {n_all} runs; got "
            f"{n_runs!r}."
        )
    return sizes


def _predictions_only(trajectory: Trajectory, steps: Any) -> Trajectory:
    """Cut out what easiness looks at, since every half of the runs is a copy."""
    trajectory.require("prediction", "y", score="split_half_reliability")
    return Trajectory(
        # Easiness does not look at the loss; this takes the place of one, and no memory.
        np.broadcast_to(np.float32(np.nan), trajectory.loss.shape),
        prediction=trajectory.prediction,
        y=trajectory.y,
        n_steps=trajectory.n_steps,
    ).window(steps)


def _easiness(part: Trajectory, runs: np.ndarray) -> np.ndarray:
    half = part.select(runs=runs)
    assert half.prediction is not None
    known = np.any(half.prediction >= 0, axis=(0, 1))
    unknown = np.asarray(~np.all(known, axis=tuple(range(1, np.ndim(known)))))
    if unknown.any():
        raise ValueError(
            f"split_half_reliability needs a prediction of every sample in each half; with "
            f"{len(runs)} runs in a half, {int(unknown.sum())} of {len(unknown)} samples have "
            f"none, the first at index {int(unknown.argmax())}. Give a larger n_runs, or leave "
            "them out with trajectory.select(samples=...)."
        )
    return easiness(half, steps=None)


def _tied_share(values: np.ndarray, side: str) -> float:
    return float(np.mean(values == (values.max() if side == "easy" else values.min())))


def _warn_of_ties(result: Reliability, fraction: float) -> None:
    found = [
        f"the {'highest' if side == 'easy' else 'lowest'} is that of {tied[column]:.1%} of the "
        f"samples with {result.n_runs[column]} runs in a half"
        for side, tied in result.tied.items()
        # Where several numbers of runs were asked for, the largest half says it all.
        if tied[column := int(result.n_runs.argmax())] > fraction
    ]
    if found:
        warnings.warn(
            f"ties of easiness swallow the fraction of {fraction:.1%}: {'; '.join(found)}. Which "
            "of them are in the set is not determined. Record earlier steps or more runs, or "
            "compare a larger fraction.",
            TiesWarning,
            stacklevel=3,
        )
