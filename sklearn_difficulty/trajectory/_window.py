"""Parts of a training, named in ways that fit trainings of any length."""

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

__all__ = ["check_window", "window_steps"]

_THIRDS = {"early": (0.0, 1 / 3), "late": (2 / 3, 1.0)}
_ACCEPTED = (
    'steps must be None (all), a step number, a slice of step numbers, "early", "late", or two '
    "fractions of the training such as (0.0, 0.5); got {!r}."
)


def check_window(steps: Any) -> Any:
    """Refuse what names no part of a training, whatever its length.

    Parameters
    ----------
    steps : object
        As for :func:`window_steps`.

    Returns
    -------
    object
        `steps`.

    Raises
    ------
    TypeError
        If it is of another type.
    ValueError
        If it is of the right type and names nothing.

    Examples
    --------
    >>> from sklearn_difficulty.trajectory import check_window
    >>> check_window("early")
    'early'
    """
    if steps is None or isinstance(steps, slice):
        return steps
    if isinstance(steps, str):
        if steps not in _THIRDS:
            raise ValueError(_ACCEPTED.format(steps))
        return steps
    if isinstance(steps, Integral) and not isinstance(steps, bool):
        return steps
    if not isinstance(steps, tuple | list) or len(steps) != 2:
        raise TypeError(_ACCEPTED.format(steps))
    if not all(isinstance(edge, Real) and not isinstance(edge, bool) for edge in steps):
        raise TypeError(_ACCEPTED.format(steps))
    if not 0 <= steps[0] < steps[1] <= 1:
        raise ValueError(
            f"steps as two fractions must satisfy 0 <= first < second <= 1; got {steps!r}. For "
            "step numbers give a slice."
        )
    return steps


def window_steps(steps: Any, n_steps: int) -> np.ndarray:
    """Give the numbers of the steps that a window names.

    Parameters
    ----------
    steps : None, int, slice, {"early", "late"} or (float, float)
        All steps; one, negative numbers counting from the end; a slice of step numbers; the first
        or the last third, rounded up; or those between two fractions of the training, (0.0, 0.5)
        being its first half, rounded so that every step that lies partly inside is in.
    n_steps : int
        How many steps the training has.

    Returns
    -------
    ndarray of int
        Step numbers in increasing order, at least one; None alone is also content with none, in a
        training that completed no step.

    Raises
    ------
    TypeError, ValueError
        For a window of another form.
    IndexError
        If the training has no step in the window.

    Examples
    --------
    >>> from sklearn_difficulty.trajectory import window_steps
    >>> window_steps("early", 10), window_steps("late", 10), window_steps((0.0, 0.5), 10)
    (array([0, 1, 2, 3]), array([6, 7, 8, 9]), array([0, 1, 2, 3, 4]))
    >>> window_steps(-1, 10), window_steps(slice(-3, None), 10)
    (array([9]), array([7, 8, 9]))
    """
    check_window(steps)
    numbers = np.arange(n_steps)
    if steps is None:
        chosen = numbers
    elif isinstance(steps, slice):
        chosen = np.sort(numbers[steps])
    elif isinstance(steps, Integral):
        step = int(steps)
        chosen = numbers[[step]] if -n_steps <= step < n_steps else numbers[:0]
    else:
        first, last = _THIRDS[steps] if isinstance(steps, str) else _fractions(steps)
        # What is a whole number but for rounding is one: a third of 9 steps is 3, not 4.
        start = math.floor(first * n_steps + 1e-9)
        stop = math.ceil(last * n_steps - 1e-9)
        if steps == "late":
            start = n_steps - math.ceil(n_steps / 3)
        chosen = numbers[start:stop]
    if not len(chosen) and steps is not None:
        numbered = f", which are numbered from 0 to {n_steps - 1}" if n_steps else ""
        raise IndexError(f"steps={steps!r} has no step in a training of {n_steps} steps{numbered}.")
    return chosen


def _fractions(steps: Sequence[Real]) -> tuple[float, float]:
    return float(steps[0]), float(steps[1])
