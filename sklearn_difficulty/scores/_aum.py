"""Area under the margin: by how much the given label was ahead of the others, on the whole way."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from sklearn_difficulty.scores._over_runs import mean_over_runs
from sklearn_difficulty.scores._over_steps import completed, mean_over_steps, span_of_steps
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["aum"]


def aum(trajectory: Trajectory, *, proba: bool = False, steps: Any = None) -> np.ndarray:
    r"""Area under the margin: the mean over training of the margin of the given label.

    Lower is harder. With the logits :math:`z^{(n)}` after step n of N and the given label y,

    .. math:: AUM(x_i, y_i) = \frac{1}{N} \sum_n \left(z^{(n)}_{y_i}(x_i)
        - \max_{k \neq y_i} z^{(n)}_k(x_i)\right)

    and the mean of that over runs. It is below zero for a sample that the model gave another label
    for most of the time. Steps in which a sample was not recorded are left out. The cost is one
    pass over the record, in the memory of a few values per sample.

    Parameters
    ----------
    trajectory : Trajectory
        The path; `margin` is used, and `proba` for the margin in probability.
    proba : bool, default=False
        Take the margin of the probabilities, :math:`p_y - \max_{k \neq y} p_k`, from -1 to 1. A
        sample then cannot outweigh its other steps by a few steps of large logits; it tells
        mistaken classes apart better, and random labels a little less well.
    steps : None, int, slice, {"early", "late"} or (float, float), default=None
        Part of the training to look at, all of it by default; see ``Trajectory.window``.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The score, in units of the logits, or from -1 to 1. NaN for samples never recorded.

    Raises
    ------
    RecordNotFoundError
        If there are no margins, or no probabilities where they are asked for.
    TypeError
        If `proba` is not a bool.
    IndexError
        If a run has no step in that part.

    Warns
    -----
    MissingRecordsWarning
        If samples were never recorded.

    Notes
    -----
    The largest other probability is not recorded. It follows from the margin m of the logits as
    :math:`p_y e^{-m}`, to about five digits from records in float32. Where :math:`p_y` itself is
    too small for float32, under 1e-38, the margin of the probabilities is taken to be -1, which it
    is to rounding unless several other classes share the probability.

    References
    ----------
    G. Pleiss, T. Zhang, E. Elenberg, K. Weinberger. Identifying Mislabeled Data using the Area
    Under the Margin Ranking. NeurIPS, 2020. arXiv:2001.10528.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores import aum
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> margin = np.array([[0.5, -1.0], [1.5, -2.0]])
    >>> proba = np.array([[0.6, 0.25], [0.8, 0.1]])
    >>> trajectory = Trajectory(np.ones((1, 2, 2)), margin=margin[None], proba=proba[None])
    >>> aum(trajectory)
    array([ 1. , -1.5])
    >>> aum(trajectory, proba=True).round(3)
    array([ 0.429, -0.534])
    """
    trajectory = trajectory.window(steps)
    if not isinstance(proba, bool | np.bool_):
        raise TypeError(
            f"proba must be True or False; got {proba!r} of type {type(proba).__name__}."
        )
    margins = completed(trajectory, "margin", "aum")
    runs: Iterable[Iterable[np.ndarray]] = margins
    if proba:
        runs = map(_margins_of_proba, completed(trajectory, "proba", "aum"), margins)
    per_run = [
        mean_over_steps(run, trajectory.n_samples, spans)
        for run, spans in zip(runs, span_of_steps(trajectory), strict=True)
    ]
    return mean_over_runs(np.stack(per_run), "aum")


def _margins_of_proba(proba: np.ndarray, margin: np.ndarray) -> Iterator[np.ndarray]:
    """Yield for each step the probability of the given label minus the largest other one."""
    for own, ahead in zip(proba, margin, strict=True):
        own = own.astype(np.float64)
        underflow = own <= np.finfo(np.float32).tiny
        # Not own - own * exp(-ahead), which loses the digits of a small margin.
        difference = own * -np.expm1(np.where(underflow, 0.0, -ahead.astype(np.float64)))
        yield np.where(underflow, -1.0, np.maximum(difference, -1.0))
