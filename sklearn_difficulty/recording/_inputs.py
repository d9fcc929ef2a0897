"""Inputs and targets in the types that a torch module takes."""

from typing import Any

import numpy as np
import scipy.sparse
import torch

_VALUES_AT_A_TIME = 2**22


def takes_integers(module: torch.nn.Module) -> bool:
    """Whether a module looks integers up instead of computing with them."""
    lookups = (torch.nn.Embedding, torch.nn.EmbeddingBag)
    return any(isinstance(part, lookups) for part in module.modules())


def net_input(X: Any, *, integers: bool = False) -> Any:
    """Cast an array for a module with float32 parameters; leave anything else alone.

    Parameters
    ----------
    X : object
        An array or sparse matrix is cast. Frames, tensors, mappings and datasets are the
        caller's own affair and come back as they are.
    integers : bool
        Keep integers, as int64, for a module that looks them up.

    Returns
    -------
    X : object
        float32 or int64, C-contiguous; sparse matrices in CSR form.

    Raises
    ------
    ValueError
        When a value is too large for float32.
    """
    if scipy.sparse.issparse(X):
        # csr_matrix and not csr_array: torch loaders ask for single rows, which an
        # array would return with one axis less
        with np.errstate(over="ignore"):
            return _finite(scipy.sparse.csr_matrix(X, dtype=np.float32))
    if not isinstance(X, np.ndarray) or X.dtype.kind not in "fiub":
        return X
    if integers and X.dtype.kind in "iu":
        return np.ascontiguousarray(X, dtype=np.int64)
    with np.errstate(over="ignore"):
        return _finite(np.ascontiguousarray(X, dtype=np.float32))


def _finite(X: Any) -> Any:
    values = (X.data if scipy.sparse.issparse(X) else X).reshape(-1)
    # Piece by piece: what says of each value whether it is finite would be a quarter of X in size.
    pieces = (values[i : i + _VALUES_AT_A_TIME] for i in range(0, values.size, _VALUES_AT_A_TIME))
    if not all(np.isfinite(piece).all() for piece in pieces):
        raise ValueError(
            "X holds NaN, infinity or a value too large for float32, the type that networks "
            "compute in: impute or rescale it first, for example with StandardScaler."
        )
    return X


def net_target(y: np.ndarray, *, net: Any) -> np.ndarray:
    """Cast targets: class numbers to int64 (float32 for a single logit), others to float32."""
    binary = issubclass(_criterion_class(net), torch.nn.BCEWithLogitsLoss | torch.nn.BCELoss)
    if y.dtype.kind in "iub" and not binary:
        return y.astype(np.int64)
    return y.astype(np.float32)


def class_numbers(labels: Any, classes: np.ndarray) -> np.ndarray:
    """Numbers of labels among the classes, whatever the order of the classes.

    Parameters
    ----------
    labels : array-like of shape (n,)
        Labels.
    classes : ndarray of shape (n_classes,)
        All of them.

    Raises
    ------
    ValueError
        For labels that are no classes.
    """
    labels, order = np.asarray(labels), np.argsort(classes)
    unknown = ~np.isin(labels, classes)
    if unknown.any():
        raise ValueError(
            f"y holds labels that are not among the classes: "
            f"{np.unique(labels[unknown])[:5].tolist()}. Known are {classes[:10].tolist()}"
            f"{' and more' if len(classes) > 10 else ''}."
        )
    return order[np.searchsorted(classes, labels, sorter=order)]


def _criterion_class(net: Any) -> type:
    criterion = net.criterion
    return criterion if isinstance(criterion, type) else type(criterion)
