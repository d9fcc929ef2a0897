"""Variance of gradients: how much the gradient at a sample changes over training."""

import math
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_choice, check_count
from sklearn_difficulty.exceptions import DegenerateGradientWarning
from sklearn_difficulty.scores._normalize import class_normalize, is_constant_per_class

__all__ = ["RunningVariance", "vog"]

_VALUES_AT_A_TIME = 2**14


class RunningVariance:
    """Variance of arrays that come one after the other, in the memory of few of them.

    Parameters
    ----------
    of_rows : bool, default=False
        Whether squared deviations are wanted of each row of an array alone, summed up over its
        values, which takes less time and memory.

    Attributes
    ----------
    count : int
        How many arrays came.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores._vog import RunningVariance
    >>> running = RunningVariance()
    >>> for array in ([[1.0, 5.0]], [[3.0, 5.0]]):
    ...     running.update(np.array(array))
    >>> running.squared_deviations
    array([[2., 0.]])
    """

    def __init__(self, *, of_rows: bool = False) -> None:
        self.count = 0
        self._of_rows = of_rows
        # Sums of the distances from the first array and of their squares: as that is one of the
        # arrays, the variance is never so much smaller than these that rounding tells.
        self._first = self._sum = self._squares = self._room = np.zeros((0, 0))
        self._shape: tuple[int, ...] = ()

    def update(self, array: np.ndarray) -> None:
        """Take one more array into account.

        Parameters
        ----------
        array : ndarray of shape (n, ...)
            Of the same shape as those before.
        """
        values = array.reshape(len(array), math.prod(array.shape[1:]))
        self.count += 1
        if self.count == 1:
            self._shape = array.shape
            self._first, self._sum = values.astype(np.float64), np.zeros(values.shape)
            # Piece by piece, since to bring large arrays into the cache, again and again, takes
            # longer than what is done with them.
            n_at_a_time = max(1, _VALUES_AT_A_TIME // max(1, values.shape[1]))
            self._room = np.empty((min(n_at_a_time, len(values)), values.shape[1]))
            self._squares = np.zeros(len(values) if self._of_rows else values.shape)
            return
        if array.shape != self._shape:
            raise ValueError(
                f"all arrays must have one shape; got {array.shape} after {self._shape}."
            )
        for start in range(0, len(values), max(1, len(self._room))):
            piece = slice(start, start + len(self._room))
            distance = self._room[: len(values[piece])]
            distance[:] = values[piece]
            distance -= self._first[piece]
            self._sum[piece] += distance
            if self._of_rows:
                self._squares[piece] += _sums_of_squares(distance)
            else:
                distance *= distance
                self._squares[piece] += distance

    @property
    def squared_deviations(self) -> np.ndarray:
        """Sum of the squared deviations from the mean, float64, of the shape of the arrays.

        Of shape (n,) with ``of_rows``.
        """
        of_sum = _sums_of_squares(self._sum) if self._of_rows else np.square(self._sum)
        of_sum /= -max(1, self.count)
        of_sum += self._squares
        return of_sum if self._of_rows else of_sum.reshape(self._shape)


def _sums_of_squares(rows: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", rows, rows)


def vog(
    gradients: Iterable[np.ndarray],
    *,
    reduction: str = "variance",
    channels: str | None = "sum",
    channel_axis: int = 1,
    ddof: int = 0,
    labels: Any = None,
) -> np.ndarray:
    r"""Variance of gradients (VoG).

    Higher is harder at the end of training; early in training it is the other way round. With
    :math:`S_t` the gradient of a class output with respect to the input at checkpoint t of K, and
    :math:`\mu` its mean over checkpoints, ``reduction`` says which of the formulas in use it is:

    - ``"variance"``: mean over pixels of :math:`\frac1K \sum_t (S_t - \mu)^2`;
    - ``"std"``: mean over pixels of the root of that, which is what the authors' code computes;
    - ``"sqrt_k"``: mean over pixels of :math:`\frac1{\sqrt K} \sum_t (S_t - \mu)^2`, the printed
      formula of the conference paper, which ranks like ``"variance"``.

    A checkpoint costs one forward and backward pass over the data.

    A scorer takes the checkpoints from a part of the training where ``score_params`` has ``steps``.
    The paper's early and late stages, the first and the last three checkpoints, are
    ``steps=slice(0, 3)`` and ``steps=slice(-3, None)`` where every step was kept.

    Parameters
    ----------
    gradients : iterable of ndarray of shape (n_samples, ...)
        For each checkpoint, the gradients at the samples. They are taken one at a time: memory does
        not grow with the number of checkpoints.
    reduction : {"variance", "std", "sqrt_k"}, default="variance"
        The formula.
    channels : {"sum", "mean"} or None, default="sum"
        What to do with the colour channels of a gradient before anything else. Only arrays of four
        or more axes have channels; features of a table and grey images without a channel axis are
        left alone.
    channel_axis : int, default=1
        Axis of the channels, counted with the sample axis: 1 for (n, C, H, W), -1 for (n, H, W, C).
    ddof : int, default=0
        The squared deviations are divided by K minus this. Not used by ``"sqrt_k"``.
    labels : array-like of shape (n_samples,), default=None
        If given, scores are standardised within each class, see ``class_normalize``. Give it only
        if all samples are there at once.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The score, in units of the gradient squared (of the gradient for ``"std"``), or in standard
        deviations of the class if `labels` are given.

    Raises
    ------
    ValueError
        If there are fewer than two checkpoints or their shapes differ.

    Warns
    -----
    DegenerateGradientWarning
        If `labels` are given and all samples of each class have the same score, as happens with
        the logits of a linear model.

    References
    ----------
    C. Agarwal, D. D'souza, S. Hooker. Estimating Example Difficulty Using Variance of Gradients.
    CVPR, 2022. arXiv:2008.11600.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores import vog
    >>> first = np.array([[[1.0, 0.0], [2.0, -1.0]]])
    >>> second = np.array([[[3.0, 0.0], [2.0, 1.0]]])
    >>> vog([first, second]), vog([first, second], reduction="std")
    (array([0.5]), array([0.5]))
    """
    check_choice("reduction", reduction, ("variance", "std", "sqrt_k"))
    check_choice("channels", channels, ("sum", "mean", None))
    check_count("ddof", ddof, minimum=0)
    running = RunningVariance(of_rows=reduction != "std")
    for gradient in gradients:
        gradient = _without_channels(np.asarray(gradient), channels, channel_axis)
        running.update(gradient)
    needed = max(2, ddof + 1)
    if running.count < needed:
        raise ValueError(
            f"'vog' with ddof={ddof} needs the gradients at {needed} checkpoints or more; got "
            f"{running.count}. Train for more steps, or keep more snapshots."
        )
    deviations = running.squared_deviations
    deviations /= np.sqrt(running.count) if reduction == "sqrt_k" else running.count - ddof
    if reduction == "std":
        scores = np.sqrt(deviations).mean(axis=tuple(range(1, deviations.ndim)))
    else:
        scores = deviations / math.prod(gradient.shape[1:])
    if labels is None:
        return scores
    if is_constant_per_class(scores, labels):
        warnings.warn(
            "'vog': within each class all samples have the same score, so their gradients do not "
            "depend on the input, as for the logits of a linear model. Use the gradients of "
            "probabilities instead of logits.",
            DegenerateGradientWarning,
            stacklevel=2,
        )
    return class_normalize(scores, labels)


def _without_channels(gradient: np.ndarray, channels: str | None, axis: int) -> np.ndarray:
    if gradient.ndim < 2:
        raise ValueError(
            "gradients must have a sample axis and at least one more, shape (n_samples, ...); got "
            f"shape {gradient.shape}."
        )
    if channels is None or gradient.ndim < 4:
        return gradient
    if not -gradient.ndim < axis < gradient.ndim or axis == 0:
        raise ValueError(
            f"channel_axis must be an axis after the first of gradients of shape {gradient.shape}; "
            f"got {axis}."
        )
    if gradient.shape[axis] == 1:
        return np.squeeze(gradient, axis=axis)
    reduce = np.sum if channels == "sum" else np.mean
    return np.asarray(reduce(gradient, axis=axis, dtype=np.float64))
