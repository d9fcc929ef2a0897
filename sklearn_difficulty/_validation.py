"""Parameter checks shared by all faces, and a ``fit`` that either succeeds or changes nothing.

Each check returns the value in the type the caller computes with, and otherwise raises an error
that names the parameter, the value received and what is accepted.
"""

from collections.abc import Callable, Collection, Hashable
from functools import wraps
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

__all__ = [
    "all_or_nothing",
    "check_choice",
    "check_count",
    "check_fraction",
    "check_labels",
    "check_random_state",
    "check_vector",
]


def check_choice(name: str, value: Any, choices: Collection[Any]) -> Any:
    """Check that a parameter is one of a few values.

    Parameters
    ----------
    name : str
        Name of the parameter, for the message.
    value : object
        Value received.
    choices : collection
        Values accepted.

    Returns
    -------
    object
        The value.

    Raises
    ------
    ValueError
        If the value is not among the choices.

    Examples
    --------
    >>> from sklearn_difficulty._validation import check_choice
    >>> check_choice("side", "easy", ("easy", "hard"))
    'easy'
    """
    if isinstance(value, Hashable) and value in choices:
        return value
    accepted = ", ".join(repr(choice) for choice in choices)
    raise ValueError(f"{name} must be one of {accepted}; got {value!r}.")


def check_count(name: str, value: Any, minimum: int = 1) -> int:
    """Check that a parameter is a whole number, at least `minimum`.

    Parameters
    ----------
    name : str
        Name of the parameter, for the message.
    value : object
        Value received. Booleans are not numbers here.
    minimum : int, default=1
        Smallest value accepted.

    Returns
    -------
    int
        The value.

    Raises
    ------
    TypeError
        If the value is not a whole number.
    ValueError
        If it is smaller than `minimum`.

    Examples
    --------
    >>> from sklearn_difficulty._validation import check_count
    >>> check_count("n_runs", 3)
    3
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise TypeError(
            f"{name} must be a whole number, at least {minimum}; "
            f"got {value!r} of type {type(value).__name__}."
        )
    if value < minimum:
        raise ValueError(f"{name} must be a whole number, at least {minimum}; got {value!r}.")
    return int(value)


def check_fraction(
    name: str, value: Any, *, include_zero: bool = False, include_one: bool = True
) -> float:
    """Check that a parameter is a share between 0 and 1.

    Parameters
    ----------
    name : str
        Name of the parameter, for the message.
    value : object
        Value received.
    include_zero, include_one : bool, default=False and True
        Whether the ends are accepted.

    Returns
    -------
    float
        The value.

    Raises
    ------
    TypeError
        If the value is not a number.
    ValueError
        If it lies outside, or is NaN.

    Examples
    --------
    >>> from sklearn_difficulty._validation import check_fraction
    >>> check_fraction("fraction", 0.1)
    0.1
    """
    accepted = f"{'[' if include_zero else '('}0, 1{']' if include_one else ')'}"
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(
            f"{name} must be a number in {accepted}; got {value!r} of type {type(value).__name__}."
        )
    share = float(value)
    inside = 0 < share < 1 or (include_zero and share == 0) or (include_one and share == 1)
    if not inside:
        raise ValueError(f"{name} must be a number in {accepted}; got {value!r}.")
    return share


def check_vector(
    name: str, values: Any, length: int | None = None, *, allow_nan: bool = False
) -> np.ndarray:
    """Check that values are one finite number per sample.

    Parameters
    ----------
    name : str
        Name of the parameter, for the message.
    values : array-like of shape (n_samples,)
        Values received.
    length : int or None, default=None
        Number of values expected; None accepts any.
    allow_nan : bool, default=False
        Whether NaN is accepted. Infinite values never are.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The values.

    Raises
    ------
    ValueError
        If the values are not one-dimensional, not finite, or not `length` many.

    Examples
    --------
    >>> from sklearn_difficulty._validation import check_vector
    >>> check_vector("scores", [1, 2])
    array([1., 2.])
    """
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1:
        raise ValueError(
            f"{name} must have one value per sample, shape (n_samples,); got shape {vector.shape}."
        )
    _check_length(name, vector, length)
    bad = np.isinf(vector) if allow_nan else ~np.isfinite(vector)
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"{name} must hold finite numbers{' or NaN' if allow_nan else ''}; {int(bad.sum())} of "
            f"{len(vector)} are not, the first is {vector[first]} at index {first}."
        )
    return vector


def check_labels(name: str, labels: Any, length: int | None = None) -> np.ndarray:
    """Check that labels are one value per sample, of any type that can be sorted.

    Parameters
    ----------
    name : str
        Name of the parameter, for the message.
    labels : array-like of shape (n_samples,)
        Labels received.
    length : int or None, default=None
        Number of labels expected; None accepts any.

    Returns
    -------
    ndarray of shape (n_samples,)
        The labels.

    Raises
    ------
    ValueError
        If they are not one-dimensional or not `length` many.

    Examples
    --------
    >>> from sklearn_difficulty._validation import check_labels
    >>> check_labels("labels", [0, 1, 1], length=3)
    array([0, 1, 1])
    """
    vector = np.asarray(labels)
    if vector.ndim != 1:
        raise ValueError(
            f"{name} must have one label per sample, shape (n_samples,); got shape {vector.shape}."
        )
    _check_length(name, vector, length)
    return vector


def _check_length(name: str, vector: np.ndarray, length: int | None) -> None:
    if length is not None and len(vector) != length:
        raise ValueError(f"{name} must have {length} values, one per sample; got {len(vector)}.")


def all_or_nothing(fit: Callable[..., Any]) -> Callable[..., Any]:
    """Make an estimator's ``fit`` change the estimator only when it succeeds.

    The decorated method runs on a shallow copy without fitted attributes, so that nothing of an
    earlier fit can leak into this one. When it returns, the fitted attributes of the copy replace
    those of the estimator, all in one assignment. When it raises, whatever it raises
    (``KeyboardInterrupt`` too), the estimator is as it was before the call.

    Fitted attributes are those whose name ends in ``_``, private ones such as ``_rows_`` included,
    and does not begin with ``__``. Whatever ``fit`` sets under any other name is lost.

    Parameters
    ----------
    fit : callable
        The method, called as ``fit(self, X, y=None, **kwargs)``. What it returns is not used.

    Returns
    -------
    callable
        The method, which returns the estimator it was called on.

    Examples
    --------
    >>> from sklearn_difficulty._validation import all_or_nothing
    >>> class Mean:
    ...     @all_or_nothing
    ...     def fit(self, X, y=None):
    ...         self.started_ = True
    ...         self.mean_ = sum(X) / len(X)
    >>> mean = Mean()
    >>> mean.fit([])
    Traceback (most recent call last):
        ...
    ZeroDivisionError: division by zero
    >>> vars(mean)
    {}
    >>> mean.fit([1, 2]).mean_
    1.5
    """

    @wraps(fit)
    def fit_or_leave(self: Any, *args: Any, **kwargs: Any) -> Any:
        # Not copy.copy: that goes through __getstate__, which estimators may define for pickling.
        trial = object.__new__(type(self))
        trial.__dict__.update(_without_fitted(self))
        fit(trial, *args, **kwargs)
        fitted = {name: value for name, value in vars(trial).items() if _is_fitted(name)}
        self.__dict__ = _without_fitted(self) | fitted
        return self

    return fit_or_leave


def _is_fitted(name: str) -> bool:
    return name.endswith("_") and not name.startswith("__")


def _without_fitted(estimator: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(estimator).items() if not _is_fitted(name)}
