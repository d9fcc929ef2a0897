"""Inputs and targets in the types that a torch module takes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse
import torch
from skorch.dataset import Dataset

from sklearn_difficulty.recording._parts import NamedLosses

_VALUES_AT_A_TIME = 2**22
# Larger arrays are cast batch by batch: a copy of all might not fit into memory.
_MOST_BYTES_CAST_AT_ONCE = 2**26
_FLOAT32 = np.dtype(np.float32)
# Criteria of numbers.
NUMBER_CRITERIA = (
    torch.nn.MSELoss,
    torch.nn.L1Loss,
    torch.nn.HuberLoss,
    torch.nn.SmoothL1Loss,
    torch.nn.PoissonNLLLoss,
    torch.nn.GaussianNLLLoss,
)
# Criteria of labels of which a row may have several, as numbers.
LABEL_CRITERIA = (
    torch.nn.BCEWithLogitsLoss,
    torch.nn.BCELoss,
    torch.nn.MultiLabelSoftMarginLoss,
)
# All that take floats.
OF_FLOATS = (*NUMBER_CRITERIA, *LABEL_CRITERIA)


class CastDataset(Dataset):
    """Rows of an array and their targets, each row cast when it is asked for.

    Parameters
    ----------
    X : ndarray of shape (n, ...)
        Rows of numbers.
    y : ndarray of shape (n, ...) or None
        Targets, in the type that the criterion takes.
    dtype : dtype
        What the rows are cast to.
    are_targets : bool, default=False
        Whether each row is its own target.
    """

    def __init__(
        self, X: np.ndarray, y: Any, dtype: np.dtype, *, are_targets: bool = False
    ) -> None:
        super().__init__(X, y)
        self.dtype = dtype
        self.are_targets = are_targets

    def transform(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Cast a row; see :class:`skorch.dataset.Dataset`."""
        X, y = super().transform(X, y)
        X = np.asarray(X, dtype=self.dtype)
        return X, X if self.are_targets else y


def takes_integers(module: torch.nn.Module) -> bool:
    """Whether a module looks integers up instead of computing with them."""
    lookups = (torch.nn.Embedding, torch.nn.EmbeddingBag)
    return any(isinstance(part, lookups) for part in module.modules())


def floats_of(module: torch.nn.Module) -> np.dtype:
    """Floating-point type of a module's parameters: float64, or float32 for any other."""
    types = (part.dtype for part in module.parameters() if part.is_floating_point())
    return np.dtype(np.float64) if next(types, None) is torch.float64 else _FLOAT32


def net_input(X: Any, *, integers: bool = False, floats: Any = _FLOAT32) -> Any:
    """Cast an array for a module; leave anything else alone.

    Parameters
    ----------
    X : object
        An array or sparse matrix is cast. Frames, tensors, mappings and datasets are the
        caller's own affair and come back as they are.
    integers : bool
        Keep integers, as int64, for a module that looks them up.
    floats : dtype
        Type of all other numbers.

    Returns
    -------
    X : object
        int64 or `floats`, C-contiguous; sparse matrices in CSR form.

    Raises
    ------
    ValueError
        When a value is not finite, or too large for the type.
    """
    if scipy.sparse.issparse(X):
        # csr_matrix and not csr_array: torch loaders ask for single rows, which an
        # array would return with one axis less
        with np.errstate(over="ignore"):
            X = scipy.sparse.csr_matrix(X, dtype=floats)
        _check_finite(X.data, floats)
        return X
    dtype = _array_type(X, integers, floats)
    if dtype is None:
        return X
    with np.errstate(over="ignore"):
        X = np.ascontiguousarray(X, dtype=dtype)
    _check_finite(X, dtype)
    return X


def net_rows(X: Any, y: Any, module: torch.nn.Module) -> tuple[Any, Any]:
    """Cast rows for a module, those of a large array only when they are asked for.

    Parameters
    ----------
    X : object
        Rows.
    y : object
        Their targets, in the type that the criterion takes, or None.
    module : torch.nn.Module
        Whose parameters say which types it takes.

    Returns
    -------
    X, y : objects
        Rows as :func:`net_input` returns them, and `y`; or a dataset of both, and None.

    Raises
    ------
    ValueError
        As :func:`net_input` does.
    """
    integers, floats = takes_integers(module), floats_of(module)
    dtype = _array_type(X, integers, floats)
    is_cast = dtype is not None and (X.dtype != dtype or not X.flags.c_contiguous)
    if not is_cast or X.size * dtype.itemsize <= _MOST_BYTES_CAST_AT_ONCE:
        return net_input(X, integers=integers, floats=floats), y
    _check_finite(X, dtype)
    return CastDataset(X, y, dtype), None


def rows_as_targets(X: Any, module: torch.nn.Module) -> tuple[Any, Any]:
    """Rows for a module, each of which is its own target.

    Parameters
    ----------
    X : object
        Rows.
    module : torch.nn.Module
        Whose parameters say which types it takes.

    Returns
    -------
    X, y : objects
        As :func:`net_rows` returns them.
    """
    if scipy.sparse.issparse(X):
        raise TypeError(
            "X is sparse and, without y, its own target, which a network draws densely: pass "
            "X.toarray()."
        )
    X, _ = net_rows(X, None, module)
    if isinstance(X, CastDataset):
        X.are_targets = True
        return X, None
    return X, X


def _array_type(X: Any, integers: bool, floats: Any) -> Any:
    """Type that an array is cast to; None for what is left alone."""
    if not isinstance(X, np.ndarray) or X.dtype.kind not in "fiub":
        return None
    return np.dtype(np.int64 if integers and X.dtype.kind in "iu" else floats)


def _check_finite(X: np.ndarray, dtype: Any) -> None:
    if X.dtype.kind != "f":
        return
    # Piece by piece: what says of each value whether it is finite would be a quarter of X in size.
    n_rows = max(1, _VALUES_AT_A_TIME // max(1, int(np.prod(X.shape[1:]))))
    for start in range(0, len(X), n_rows):
        with np.errstate(over="ignore"):
            piece = np.asarray(X[start : start + n_rows], dtype=dtype)
        if not np.isfinite(piece).all():
            raise ValueError(
                f"X holds NaN, infinity or a value too large for {np.dtype(dtype)}, the type that "
                "this network computes in: impute or rescale it first, for example with "
                "StandardScaler."
            )


def net_target(y: np.ndarray, *, net: Any) -> np.ndarray:
    """Cast targets: class numbers to int64, others, and those of a single logit, to floats."""
    if y.dtype == object:
        return y
    binary = has_criterion(net, OF_FLOATS)
    if y.dtype.kind in "iub" and not binary:
        return y.astype(np.int64)
    module = vars(net).get("module_")
    return y.astype(_FLOAT32 if module is None else floats_of(module))


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


def has_criterion(net: Any, kinds: tuple[type, ...]) -> bool:
    """Whether a net's criterion is of one of some classes, initialized or not.

    Parameters
    ----------
    net : skorch.NeuralNet
        Net; of several criteria by name, one that is will do.
    kinds : tuple of type
        Classes of criteria.
    """
    given = net.criterion
    if isinstance(given, NamedLosses):
        given = list(given.criteria)
    several = list(given.values()) if isinstance(given, Mapping) else given
    each = several if isinstance(several, list) else [several]
    return any(issubclass(c if isinstance(c, type) else type(c), kinds) for c in each)
