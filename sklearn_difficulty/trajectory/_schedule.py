"""Which steps to keep a snapshot of, and how much of the path each one stands for."""

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_count

__all__ = ["SnapshotSchedule", "span_weights"]

# Fractional part of the golden ratio. Its multiples modulo 1 spread evenly however many are taken.
_GOLDEN = (5**0.5 - 1) / 2


def span_weights(kept_steps: Sequence[int] | np.ndarray, dt: np.ndarray) -> np.ndarray:
    """Share the length of all steps out among the steps that were kept.

    Each step goes to the kept step nearest to it, to the earlier one if two are equally near. The
    weight of a kept step is the sum of the lengths that went to it, so the weights always add up
    to the length of the whole path.

    Parameters
    ----------
    kept_steps : array-like of shape (n_kept,)
        Step numbers, from 0, strictly increasing.
    dt : array-like of shape (n_steps,)
        Length of each step.

    Returns
    -------
    ndarray of shape (n_kept,), float64
        Length of the span that each kept step stands for, in the units of `dt`.

    Raises
    ------
    ValueError
        If `kept_steps` is empty, not increasing or outside the path.

    Examples
    --------
    >>> from sklearn_difficulty.trajectory import span_weights
    >>> span_weights([0, 2, 7], [1.0] * 8)
    array([2., 3., 3.])
    """
    kept = np.asarray(kept_steps)
    if not np.issubdtype(kept.dtype, np.integer) and kept.size > 0:
        raise ValueError(f"kept_steps must be whole numbers; got {kept.tolist()}.")
    lengths = np.asarray(dt, dtype=np.float64)
    if lengths.ndim != 1:
        raise ValueError(f"dt must have shape (n_steps,); got shape {lengths.shape}.")
    inside = kept.ndim == 1 and len(kept) > 0 and kept[0] >= 0 and kept[-1] < len(lengths)
    if not inside or (np.diff(kept) <= 0).any():
        raise ValueError(
            "kept_steps must be one or more step numbers in increasing order, "
            f"each from 0 to {len(lengths) - 1}; got {kept.tolist()}."
        )
    halfway = (kept[:-1] + kept[1:]) / 2
    # side="left": a step exactly halfway belongs to the earlier kept step.
    owner = np.searchsorted(halfway, np.arange(len(lengths)), side="left")
    return np.bincount(owner, weights=lengths, minlength=len(kept))


class SnapshotSchedule:
    """Decide during training, without knowing its length, which steps to keep a snapshot of.

    The caller asks ``offer(step)`` after each step, in order. If the answer is yes, it takes the
    snapshot, and drops those that ``evicted(step)`` names. ``held`` are the steps kept so far.

    With a limit of k snapshots and T steps, all T are held while T <= k, and exactly k afterwards:

    - from k = 6 on, the first three, the last three, and k - 6 in between;
    - from 2 to 5, the first, the last, and k - 2 in between; for 1 the last.

    Those in between lie on a grid whose stride doubles as the path grows. The change from one
    stride to the next is gradual: whenever one too many is held, a single point that the wider grid
    does not have is dropped, in an order that thins the whole path evenly. So no gap is wider than
    twice another, except that the one before the last steps may be narrower.

    Parameters
    ----------
    rule : {"auto", "all"}, int, iterable of int, or None
        ``"auto"`` keeps up to `max_count`, but at least the first three and last three steps;
        ``"all"`` keeps every step; a number keeps that many; an iterable keeps these steps,
        counted from 0; None keeps none.
    max_count : int or None, default=None
        How many states the caller has room for. Used by ``"auto"`` only; None means no limit.

    Attributes
    ----------
    held : tuple of int
        Steps kept so far, in increasing order.

    Examples
    --------
    >>> from sklearn_difficulty.trajectory import SnapshotSchedule
    >>> schedule = SnapshotSchedule(12)
    >>> states = {}
    >>> for step in range(100):
    ...     if schedule.offer(step):
    ...         states[step] = "a copy of the parameters"
    ...         for old in schedule.evicted(step):
    ...             del states[old]
    >>> schedule.held == tuple(states)
    True
    >>> schedule.held
    (0, 1, 2, 18, 26, 34, 50, 66, 82, 97, 98, 99)
    """

    def __init__(self, rule: Any, max_count: int | None = None) -> None:
        self._wanted: frozenset[int] | None = None
        self._limit: int | None = None
        if rule is None:
            self._wanted = frozenset()
        elif isinstance(rule, str):
            if rule not in ("auto", "all"):
                raise ValueError(_RULES_ACCEPTED.format(rule))
            if rule == "auto" and max_count is not None:
                self._limit = max(6, check_count("max_count", max_count, minimum=0))
        elif isinstance(rule, Iterable):
            self._wanted = _check_steps(list(rule))
        elif isinstance(rule, Integral) and not isinstance(rule, bool):
            self._limit = check_count("snapshots", rule)
        else:
            raise TypeError(_RULES_ACCEPTED.format(rule))

        limit = 6 if self._limit is None else self._limit
        self._n_first = 3 if limit >= 6 else min(1, limit - 1)
        self._n_last = 3 if limit >= 6 else 1
        self._n_between = limit - self._n_first - self._n_last
        self._first: list[int] = []
        self._between: list[int] = []
        self._last: list[int] = []
        self._stride = 1
        self._next_step = 0

    @property
    def held(self) -> tuple[int, ...]:
        """Steps kept so far, in increasing order."""
        return (*self._first, *self._between, *self._last)

    def offer(self, step: int) -> bool:
        """Say whether to take a snapshot of a step.

        Parameters
        ----------
        step : int
            Number of the step just completed, from 0.

        Returns
        -------
        bool
            Whether to take it. Asking changes nothing.
        """
        return self._wanted is None or step in self._wanted

    def evicted(self, step: int) -> list[int]:
        """Note that a step is kept and say which snapshots are to be dropped for it.

        It does not matter whether the caller has taken the snapshot yet: dropping first means that
        there are never more than k in memory.

        Parameters
        ----------
        step : int
            A step for which ``offer`` said yes, later than all before it.

        Returns
        -------
        list of int
            Earlier steps whose snapshots are no longer kept.
        """
        if step < self._next_step:
            raise ValueError(
                f"steps must be offered in increasing order; got {step} after "
                f"{self._next_step - 1}."
            )
        self._next_step = step + 1
        if self._wanted is not None or self._limit is None:
            self._between.append(step)
            return []
        if len(self._first) < self._n_first:
            self._first.append(step)
            return []
        self._last.append(step)
        if len(self._last) <= self._n_last:
            return []
        return self._move_between(self._last.pop(0))

    def _move_between(self, step: int) -> list[int]:
        if self._n_between == 0 or self._grid_number(step) % 1 != 0:
            return [step]
        self._between.append(step)
        if len(self._between) <= self._n_between:
            return []
        odd = [s for s in self._between if self._grid_number(s) % 2 == 1]
        if not odd:
            self._stride *= 2
            odd = [s for s in self._between if self._grid_number(s) % 2 == 1]
        drop = min(odd, key=lambda s: (self._grid_number(s) * _GOLDEN) % 1)
        self._between.remove(drop)
        return [drop]

    def _grid_number(self, step: int) -> float:
        # The last of the first steps is point 0 of the grid.
        return (step - self._first[-1]) / self._stride


_RULES_ACCEPTED = (
    'snapshots must be "auto", "all", a number of snapshots, a list of step numbers counted '
    "from 0, or None; got {!r}."
)


def _check_steps(steps: list[Any]) -> frozenset[int]:
    if not steps:
        raise ValueError("snapshots got an empty list of steps; use None to keep no snapshots.")
    return frozenset(check_count("each step in snapshots", step, minimum=0) for step in steps)
