"""Variance of gradients: how much the gradient at a sample changes over training."""

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
    """Mean and variance of arrays that come one after the other, in the memory of two of them.

    Attributes
    ----------
    count : int
        How many arrays came.
    mean : ndarray
        Their mean, float64.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores._vog import RunningVariance
    >>> running = RunningVariance()
    >>> for array in ([1.0, 5.0], [3.0, 5.0]):
    ...     running.update(np.array(array))
    >>> running.mean, running.squared_deviations
    (array([2., 5.]), array([2., 0.]))
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean = np.zeros(0)
        self._squares = np.zeros(0)

    def update(self, array: np.ndarray) -> None:
        """Take one more array into account.

        Parameters
        ----------
        array : ndarray
            Of the same shape as those before.
        """
        if self.count == 0:
            self.mean = np.zeros(array.shape)
            self._squares = np.zeros(array.shape)
        elif array.shape != self.mean.shape:
            raise ValueError(
                f"all arrays must have one shape; got {array.shape} after {self.mean.shape}."
            )
        self.count += 1
        # Piece by piece, since to bring large arrays into the cache, again and again, takes longer
        # than what is done with them.
        shift = np.empty(_VALUES_AT_A_TIME)
        values, mean, squares = (part.reshape(-1) for part in (array, self.mean, self._squares))
        for start in range(0, values.size, len(shift)):
            piece = slice(start, start + len(shift))
            step = shift[: len(values[piece])]
            step[:] = values[piece]
            step -= mean[piece]
            step /= self.count
            mean[piece] += step
            # From the new mean the value is count - 1 times as far as the mean before it was, and
            # from that mean count times.
            step *= step
            step *= self.count * (self.count - 1)
            squares[piece] += step

    @property
    def squared_deviations(self) -> np.ndarray:
        """Sum of the squared deviations from the mean, float64."""
        return self._squares


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
    running = RunningVariance()
    for gradient in gradients:
        running.update(_without_channels(np.asarray(gradient), channels, channel_axis))
    needed = max(2, ddof + 1)
    if running.count < needed:
        raise ValueError(
            f"'vog' with ddof={ddof} needs the gradients at {needed} checkpoints or more; got "
            f"{running.count}. Train for more steps, or keep more snapshots."
        )
    squares = running.squared_deviations
    if reduction == "sqrt_k":
        per_pixel = squares / np.sqrt(running.count)
    else:
        per_pixel = squares / (running.count - ddof)
        if reduction == "std":
            per_pixel = np.sqrt(per_pixel)
    scores = per_pixel.mean(axis=tuple(range(1, per_pixel.ndim)))
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
