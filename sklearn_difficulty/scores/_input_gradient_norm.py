"""Norm of the gradient by the input: how far from flat a network is at a sample."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_choice
from sklearn_difficulty.scores._grand import mean_over_snapshots

__all__ = ["input_gradient_norm"]


def input_gradient_norm(gradients: Iterable[np.ndarray], *, ord: Any = 2) -> np.ndarray:
    r"""Norm of the gradient by the input.

    Higher is harder. With :math:`S_t` the gradient with respect to the input at snapshot t of K,
    the score is :math:`\frac1K \sum_t \lVert S_t \rVert`, the norm taken over all values of a
    sample. A scorer differentiates each row's own loss (``output="loss"``), or the output of a
    class (``"logit"``, ``"proba"``), which is that of the label or the predicted one (``target``).
    It takes the snapshots of a part of the training where ``score_params`` has ``steps``. A
    snapshot costs one forward and backward pass over the data.

    Parameters
    ----------
    gradients : iterable of ndarray of shape (n_samples, ...)
        For each snapshot, the gradients at the samples. They are taken one at a time: memory does
        not grow with the number of snapshots.
    ord : {1, 2, inf}, default=2
        The norm: sum of absolute values, Euclidean, or largest absolute value.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The mean over snapshots, in units of what is differentiated per unit of the input.

    Raises
    ------
    ValueError
        If there is no snapshot, or the gradients are not one array per sample of one shape.

    References
    ----------
    R. Novak, Y. Bahri, D. A. Abolafia, J. Pennington, J. Sohl-Dickstein. Sensitivity and
    Generalization in Neural Networks: an Empirical Study. ICLR, 2018. arXiv:1802.08760 (the norm of
    the gradients of all probabilities).

    H. Drucker, Y. Le Cun. Improving Generalization Performance Using Double Backpropagation. IEEE
    Transactions on Neural Networks, 1992 (the norm of the gradient of the loss).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores import input_gradient_norm
    >>> first = np.array([[[3.0, 0.0], [0.0, -4.0]]])
    >>> input_gradient_norm([first, 2 * first]), input_gradient_norm([first], ord=1)
    (array([7.5]), array([7.]))
    """
    check_choice("ord", ord, (1, 2, np.inf))
    return mean_over_snapshots(
        "input_gradient_norm", (_norms(np.asarray(gradient), ord) for gradient in gradients)
    )


def _norms(gradient: np.ndarray, order: Any) -> np.ndarray:
    if gradient.ndim < 2:
        raise ValueError(
            "gradients must have a sample axis and at least one more, shape (n_samples, ...); got "
            f"shape {gradient.shape}."
        )
    flat = gradient.reshape(len(gradient), np.prod(gradient.shape[1:], dtype=int))
    flat = flat.astype(np.float64, copy=False)
    return np.linalg.norm(flat, ord=order, axis=1)
