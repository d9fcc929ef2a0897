"""The easiest or hardest samples of a model, and how far two models have them in common."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_difficulty._validation import (
    check_choice,
    check_fraction,
    check_random_state,
    check_vector,
)

__all__ = ["Match", "extreme_set", "match_extremes", "matching_rate"]


def extreme_set(
    easiness: Any,
    fraction: float,
    *,
    side: str = "easy",
    ties: str = "inclusive",
    random_state: Any = None,
) -> np.ndarray:
    """Choose the easiest or the hardest samples.

    The threshold is the easiness of the k-th easiest (hardest) sample, where k is `fraction` of the
    number of samples, rounded, and at least 1. Easiness takes few values, so many samples may lie
    exactly on it, and `ties` decides what becomes of them.

    Parameters
    ----------
    easiness : array-like of shape (n_samples,)
        A score that is higher for easier samples.
    fraction : float
        Share of the samples to choose, above 0, up to 1.
    side : {"easy", "hard"}, default="easy"
        The highest or the lowest values.
    ties : {"inclusive", "strict", "random"}, default="inclusive"
        Take all samples on the threshold, none of them, or as many at random as make the number k.
    random_state : int, RandomState or None, default=None
        Seed for ``ties="random"``.

    Returns
    -------
    ndarray of int
        Indices of the chosen samples, sorted. With ``"strict"`` it may be empty.

    Raises
    ------
    ValueError
        If a parameter is out of range, or scores are not finite.
    TypeError
        If `fraction` is not a number.

    References
    ----------
    I. Kishida, H. Nakayama. Empirical Study of Easy and Hard Examples in CNN Training. ICONIP,
    2019. arXiv:1911.10739.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import extreme_set
    >>> easiness = [1, 1, 0.8, 0.6, 0.4, 0.2, 0, 0, 0.8, 1]
    >>> extreme_set(easiness, 0.2)
    array([0, 1, 9])
    >>> extreme_set(easiness, 0.2, side="hard")
    array([6, 7])
    """
    share = check_fraction("fraction", fraction)
    check_choice("side", side, ("easy", "hard"))
    check_choice("ties", ties, ("inclusive", "strict", "random"))
    values = check_vector("easiness", easiness)
    if values.size == 0:
        raise ValueError("easiness must have at least one value; got none.")
    extremity = values if side == "easy" else -values
    k = max(1, round(share * len(values)))
    threshold = np.partition(extremity, -k)[-k]
    beyond = extremity > threshold
    tied = np.flatnonzero(extremity == threshold)
    if ties == "strict":
        tied = tied[:0]
    elif ties == "random":
        generator = check_random_state(random_state)
        tied = generator.choice(tied, size=k - int(beyond.sum()), replace=False)
    return np.sort(np.concatenate([np.flatnonzero(beyond), tied]))


def matching_rate(a: Any, b: Any) -> float:
    r"""Share of samples that two sets have in common.

    It is :math:`|A \cap B| / \max(|A|, |B|)`: 1 for equal sets, 0 for sets with nothing in common.
    Two random sets out of n samples reach about :math:`\min(|A|, |B|) / n`.

    Parameters
    ----------
    a, b : array-like of shape (n_a,) and (n_b,)
        The indices in each set.

    Returns
    -------
    float
        The matching rate, from 0 to 1; NaN if both sets are empty.

    Raises
    ------
    ValueError
        If a set is not one-dimensional.

    References
    ----------
    I. Kishida, H. Nakayama. Empirical Study of Easy and Hard Examples in CNN Training. ICONIP,
    2019. arXiv:1911.10739.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import matching_rate
    >>> matching_rate([1, 2, 3, 4], [3, 4, 5])
    0.5
    """
    sets = [np.asarray(members) for members in (a, b)]
    for name, members in zip("ab", sets, strict=True):
        if members.ndim != 1:
            raise ValueError(
                f"{name} must hold indices, shape (n,); got shape {members.shape}. "
                "Turn a mask into indices with np.flatnonzero."
            )
        if members.dtype == np.bool_:
            raise ValueError(
                f"{name} must hold indices; got a mask. Turn it into indices with np.flatnonzero."
            )
    ours, theirs = (set(members.tolist()) for members in sets)
    largest = max(len(ours), len(theirs))
    return len(ours & theirs) / largest if largest > 0 else float("nan")


@dataclass(frozen=True)
class Match:
    """How far two sets of samples match, as :func:`match_extremes` gives it.

    Parameters
    ----------
    rate : float
        The matching rate, from 0 to 1; NaN if both sets are empty.
    chance : float
        What two random sets of these sizes reach on average, the smaller size over the number of
        samples.
    n_a, n_b : int
        Sizes of the sets.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import Match
    >>> Match(rate=0.5, chance=0.1, n_a=10, n_b=12).rate
    0.5
    """

    rate: float
    chance: float
    n_a: int
    n_b: int


def match_extremes(
    a: Any,
    b: Any,
    fraction: float,
    *,
    side: str = "easy",
    ties: str = "inclusive",
    random_state: Any = None,
) -> Match:
    """Compare the easiest or the hardest samples of two models.

    Parameters
    ----------
    a, b : array-like of shape (n_samples,)
        Scores of the same samples by two models, higher for easier samples.
    fraction : float
        Share of the samples to choose for each model, above 0, up to 1.
    side : {"easy", "hard"}, default="easy"
        The highest or the lowest values.
    ties : {"inclusive", "strict", "random"}, default="inclusive"
        What becomes of samples on the threshold, as for :func:`extreme_set`.
    random_state : int, RandomState or None, default=None
        Seed for ``ties="random"``. The two models draw one after the other.

    Returns
    -------
    Match
        The matching rate, what chance gives for sets of these sizes, and the sizes. With ties the
        sets may be larger than `fraction`, and chance with them.

    Raises
    ------
    ValueError
        If lengths differ, a parameter is out of range, or scores are not finite.
    TypeError
        If `fraction` is not a number.

    References
    ----------
    I. Kishida, H. Nakayama. Empirical Study of Easy and Hard Examples in CNN Training. ICONIP,
    2019. arXiv:1911.10739.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import match_extremes
    >>> match_extremes([1, 1, 0.8, 0.6, 0], [1, 0.8, 0.6, 0.4, 0.2], 0.2)
    Match(rate=0.5, chance=0.2, n_a=2, n_b=1)
    """
    easiness_a = check_vector("a", a)
    easiness_b = check_vector("b", b, len(easiness_a))
    # One generator for both: the same seed twice would break equal ties in the same way.
    generator = check_random_state(random_state)
    set_a, set_b = (
        extreme_set(easiness, fraction, side=side, ties=ties, random_state=generator)
        for easiness in (easiness_a, easiness_b)
    )
    return Match(
        rate=matching_rate(set_a, set_b),
        chance=min(len(set_a), len(set_b)) / len(easiness_a),
        n_a=len(set_a),
        n_b=len(set_b),
    )
