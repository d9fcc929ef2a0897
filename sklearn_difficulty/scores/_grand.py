"""GraNd: how strongly a sample alone would move the parameters."""

from collections.abc import Iterable

import numpy as np

__all__ = ["grand", "mean_over_snapshots"]


def grand(norms: Iterable[np.ndarray]) -> np.ndarray:
    r"""Norm of the gradient of a sample's loss by the parameters (GraNd).

    Higher is harder. With :math:`\theta_t` the parameters at snapshot t of K, the score is
    :math:`\frac1K \sum_t \lVert \nabla_\theta\, \ell(f(x; \theta_t), y) \rVert_2`. The paper takes
    it early in training, at single epochs, and averages over networks: ``steps="early"`` and
    several runs of a scorer do that.

    The gradients are those of all parameters that are trained (of the module, and of a criterion
    that has some), with the network in evaluation mode. The loss is each row's own as it is
    recorded, without class weights. A snapshot costs ten to twenty forward and backward passes over
    the data for a small network, and memory for the gradients of a chunk of rows.

    Parameters
    ----------
    norms : iterable of ndarray of shape (n_samples,)
        For each snapshot, the norms of the gradients at the samples. They are taken one at a time:
        memory does not grow with the number of snapshots.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The mean over snapshots, in units of the loss per unit of the parameters.

    Raises
    ------
    ValueError
        If there is no snapshot, or they are of several shapes.

    References
    ----------
    M. Paul, S. Ganguli, G. K. Dziugaite. Deep Learning on a Data Diet: Finding Important Examples
    Early in Training. NeurIPS, 2021. arXiv:2107.07075.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores import grand
    >>> grand([np.array([3.0, 0.5]), np.array([1.0, 0.0])])
    array([2.  , 0.25])
    """
    return mean_over_snapshots("grand", norms)


def mean_over_snapshots(name: str, values: Iterable[np.ndarray]) -> np.ndarray:
    """Average over snapshots that come one after the other.

    Parameters
    ----------
    name : str
        Name of the score, for messages.
    values : iterable of ndarray of shape (n_samples,)
        Values at each snapshot.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The mean.

    Raises
    ------
    ValueError
        If there is none, or their shapes are not one vector's.
    """
    count, total = 0, np.zeros(0)
    for array in values:
        vector = np.asarray(array, dtype=np.float64)
        if count == 0:
            total = np.zeros(vector.shape)
        if vector.ndim != 1 or vector.shape != total.shape:
            raise ValueError(
                f"{name!r} needs one value per sample at each snapshot, the same number at all; "
                f"got shape {vector.shape} at snapshot {count}"
                + (f" after {total.shape}." if count else ".")
            )
        total += vector
        count += 1
    if not count:
        raise ValueError(
            f"{name!r} needs the gradients at one snapshot or more; got 0. Keep some with "
            "snapshots='auto'."
        )
    return total / count
