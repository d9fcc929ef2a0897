"""Probability of the strongest other class, which is not recorded but follows from what is."""

import numpy as np

__all__ = ["rival_proba"]


def rival_proba(own: np.ndarray, margin: np.ndarray) -> np.ndarray:
    """Give the largest probability of another class.

    Parameters
    ----------
    own : ndarray
        Probability of the given label.
    margin : ndarray of the same shape
        By how much its logit is ahead of the largest other one.

    Returns
    -------
    ndarray of the same shape and dtype
        Probability. Where that of the given label is too small for float32, it is taken for 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores._rival_proba import rival_proba
    >>> rival_proba(np.array([0.25, 0.0]), np.array([-np.log(2), -100.0]))
    array([0.5, 1. ])
    """
    with np.errstate(over="ignore", invalid="ignore"):
        other = own * np.exp(-margin)
    np.minimum(other, 1 - own, out=other)
    other[own <= np.finfo(np.float32).tiny] = 1
    return other
