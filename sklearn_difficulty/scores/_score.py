"""What the rest of the package has to know about a score."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Score"]


@dataclass(frozen=True)
class Score:
    """A score and what it takes to compute it.

    Parameters
    ----------
    name : str
        Name under which it is asked for.
    function : callable
        Takes a ``Trajectory``, or an iterable of gradient arrays if `from_gradients`, and keyword
        options; returns one float64 per sample, the quantity as its paper defines it.
    needs : tuple of str
        Fields of the trajectory that it reads.
    higher_is_harder : bool
        Whether a larger value means a harder sample. Nothing else knows the direction.
    needs_labels : bool
        Whether it depends on the labels.
    from_gradients : bool, default=False
        Whether it is computed from input gradients at the snapshots, not from the records.
    default_runs : int, default=1
        How many independent trainings it needs to be of use.
    population : callable or None, default=None
        For a score that relates a sample to the others: makes, of the training rows' trajectory
        and the options of the score, the options that stand for those rows when others are scored.
    reference : str, default=""
        Where it is defined.

    Examples
    --------
    >>> from sklearn_difficulty.scores import SCORES
    >>> SCORES["easiness"].higher_is_harder, SCORES["easiness"].default_runs
    (False, 20)
    """

    name: str
    function: Callable[..., np.ndarray]
    needs: tuple[str, ...]
    higher_is_harder: bool
    needs_labels: bool
    from_gradients: bool = False
    default_runs: int = 1
    population: Callable[..., dict[str, Any]] | None = None
    reference: str = ""
