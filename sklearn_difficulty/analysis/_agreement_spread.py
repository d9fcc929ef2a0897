"""What a measure of several runs is over repeats of all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_count

__all__ = ["AgreementSpread", "agreement_spread"]


@dataclass(frozen=True, eq=False)
class AgreementSpread:
    """A measure over repeats, as :func:`agreement_spread` gives it.

    Parameters
    ----------
    mean, std : ndarray of shape (n_steps, ...), float64
        Mean and standard deviation over the groups of runs.
    n_groups : int
        How many groups there are.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.analysis import AgreementSpread
    >>> AgreementSpread(mean=np.array([0.5]), std=np.array([0.1]), n_groups=5).n_groups
    5
    """

    mean: np.ndarray
    std: np.ndarray
    n_groups: int


def agreement_spread(
    groups: Sequence[Any], function: Callable[[Any], np.ndarray], *, ddof: int = 1
) -> AgreementSpread:
    """Compute a measure of agreement for each group of runs, and its mean and spread.

    The agreement of five runs is a single number per step, however many samples there are. How
    much it owes to chance shows when five others are trained, and five others again.

    Parameters
    ----------
    groups : sequence of Trajectory or of array-like
        Groups of runs, each as `function` takes it.
    function : callable
        What to compute, such as :func:`true_positive_agreement`. For options of it, give a
        ``functools.partial``. It returns an array with the steps along its first axis.
    ddof : int, default=1
        The sum of squares is divided by the number of groups minus this: 1 to tell what other
        groups would give, 0 to describe these.

    Returns
    -------
    AgreementSpread
        Mean and standard deviation after each step that all groups completed; NaN after steps in
        which the measure of some group is.

    Raises
    ------
    TypeError
        If `groups` is a single trajectory, or `ddof` is not a whole number.
    ValueError
        If there are not more than `ddof` groups, or `function` gives arrays that do not fit.

    References
    ----------
    I. Pliushch, M. Mundt, N. Lupp, V. Ramesh. When Deep Classifiers Agree: Analyzing Correlations
    between Learning Order and Image Statistics. ECCV, 2022. arXiv:2105.08997.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import agreement_spread, true_positive_agreement
    >>> groups = [[[[1, 1, 0]], [[1, 0, 0]]], [[[1, 1, 0]], [[1, 1, 0]]]]
    >>> spread = agreement_spread(groups, true_positive_agreement)
    >>> spread.mean, spread.std.round(4)
    (array([0.75]), array([0.3536]))
    """
    without = check_count("ddof", ddof, minimum=0)
    if not isinstance(groups, Sequence | np.ndarray):
        raise TypeError(
            "groups must be a sequence of groups of runs, each a Trajectory or an array; got "
            f"{type(groups).__name__}. Cut runs out with trajectory.select(runs=...)."
        )
    least = max(1, without + 1)
    if len(groups) < least:
        raise ValueError(
            f"groups must hold at least {least} groups of runs for ddof={without}; got "
            f"{len(groups)}."
        )
    measured = [np.asarray(function(group), dtype=np.float64) for group in groups]
    if any(m.ndim == 0 or m.shape[1:] != measured[0].shape[1:] for m in measured):
        raise ValueError(
            "function must give arrays with the steps along the first axis and all other axes "
            f"alike; got shapes {', '.join(str(m.shape) for m in measured)}."
        )
    n_steps = min(len(m) for m in measured)
    values = np.stack([m[:n_steps] for m in measured])
    return AgreementSpread(
        mean=values.mean(axis=0), std=values.std(axis=0, ddof=without), n_groups=len(values)
    )
