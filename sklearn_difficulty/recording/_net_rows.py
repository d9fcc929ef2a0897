"""Rows, targets and classes in the form that a net of skorch takes them in."""

from typing import Any

import numpy as np
import torch
from skorch.dataset import get_len, unpack_data
from torch.nn.parameter import is_lazy
from torch.utils.data import Dataset

from sklearn_difficulty._data import n_rows, take_rows
from sklearn_difficulty.recording._batch_rows import on_device
from sklearn_difficulty.recording._datasets import LabelledDataset
from sklearn_difficulty.recording._inputs import (
    OF_FLOATS,
    class_numbers,
    has_criterion,
    net_rows,
    net_target,
    rows_as_targets,
)
from sklearn_difficulty.recording._losses import (
    criterion_name,
    is_torchs_own,
    undisturbed,
    unwrapped,
)
from sklearn_difficulty.recording._nets import TrackedNetClassifier, TrackedNetRegressor
from sklearn_difficulty.recording._parts import as_one
from sklearn_difficulty.recording._replay import batches, first_shape


def input_rows(net: Any, X: Any) -> Any:
    if isinstance(X, Dataset):
        return LabelledDataset(X, np.zeros(n_rows(X), dtype=np.int64))
    return net_rows(X, None, unwrapped(net.module_))[0]


def converted(net: Any, X: Any, y: Any, classes: np.ndarray | None) -> tuple[Any, Any]:
    """Rows and targets in the types of a net; tracked nets take targets as the user has them.

    A dataset comes back with its targets inside, in numbers. Without targets, rows are their own.
    """
    if y is None:
        return rows_as_targets(X, unwrapped(net.module_))
    numbers = y if classes is None else columns_of(net, classes)[y]
    numbers = _shaped(net, X, net_target(numbers, net=net), classes)
    if isinstance(X, Dataset):
        return LabelledDataset(X, numbers), None
    X, numbers = net_rows(X, numbers, unwrapped(net.module_))
    if numbers is not None and classes is not None and isinstance(net, TrackedNetClassifier):
        return X, classes[y]
    return X, numbers


def _shaped(net: Any, X: Any, y: np.ndarray, classes: np.ndarray | None) -> np.ndarray:
    """Targets in the shape of a net's outputs."""
    if classes is not None or isinstance(net, TrackedNetRegressor) or y.ndim > 1:
        return y
    if y.dtype != object and _output_shape(net, X) != ():
        # torch compares (n,) targets with (n, 1) outputs by broadcasting, which is (n, n)
        return y.reshape(-1, 1)
    return y


def _output_shape(net: Any, X: Any) -> tuple[int, ...] | None:
    """Shape of what a module returns for a row; None where it cannot be asked yet."""
    if any(is_lazy(parameter) for parameter in unwrapped(net.module_).parameters()):
        return None  # a module that sizes itself to its first batch is to meet the real one
    few = take_rows(X, np.arange(2)) if isinstance(X, Dataset) else X[:2]
    return first_shape(net, input_rows(net, few))


def check_outputs(net: Any, X: Any, y: Any, classes: np.ndarray | None) -> None:
    """Raise where a module has other outputs than the targets ask for; torch says less of it."""
    module, shape = unwrapped(net.module_), _output_shape(net, X)
    if shape is None:
        return
    n_outputs = shape[0] if len(shape) == 1 else 1
    if classes is not None and len(shape) == 1 and n_outputs < len(classes):
        raise ValueError(
            f"module {type(module).__name__} has {n_outputs} outputs and y holds "
            f"{len(classes)} classes: give it one output for each."
        )
    # A criterion of the user's own may want several: a mean and a variance, quantiles.
    if classes is not None or not is_torchs_own(unwrapped(net.criterion_)):
        return
    if y is not None and y.dtype != object and y.ndim == 1 and n_outputs > 1:
        raise ValueError(
            f"module {type(module).__name__} has {n_outputs} outputs and y holds one target for "
            "each row: give it one output, or leave y out where it reconstructs its inputs."
        )
    if y is not None and has_criterion(net, (torch.nn.CrossEntropyLoss, torch.nn.NLLLoss)):
        _check_class_numbers(net, y, n_classes=shape[0] if shape else 1)
    wanted = tuple(X.shape[1:]) if y is None else y.shape[1:]
    compared = (y is None or y.ndim > 1) and has_criterion(net, OF_FLOATS)
    if compared and shape != wanted:
        whose = "X, which is its own target, has rows" if y is None else "y has targets"
        raise ValueError(
            f"module {type(module).__name__} returns outputs of shape {shape} for each row, and "
            f"{whose} of shape {wanted}, which {type(unwrapped(net.criterion_)).__name__} compares "
            "number by number: give them one shape."
        )


def _check_class_numbers(net: Any, y: np.ndarray, n_classes: int) -> None:
    """Raise where elements of targets are no classes that the module has outputs for."""
    if y.dtype.kind not in "iu" or y.ndim < 2:
        return
    ignored = getattr(unwrapped(net.criterion_), "ignore_index", None)
    wrong = (y < 0) | (y >= n_classes)
    if ignored is not None:
        wrong &= y != ignored
    if wrong.any():
        raise ValueError(
            f"y holds {y[wrong].flat[0]} where module {type(unwrapped(net.module_)).__name__} has "
            f"outputs for the classes 0 to {n_classes - 1}: give it more outputs, or name the "
            f"value of elements that do not count, which is {ignored} now, as "
            "criterion__ignore_index."
        )


def check_loss(net: Any, X: Any, y: Any) -> None:
    """Raise where the criterion cannot compare what the module returns with the targets.

    Two rows are enough to see that, before any training.
    """
    if any(is_lazy(parameter) for parameter in unwrapped(net.module_).parameters()):
        return
    few = take_rows(X, np.arange(min(2, n_rows(X))))
    own = y if y is None or isinstance(X, Dataset) else y[: n_rows(few)]
    own = few if y is X else own
    with torch.no_grad():
        for batch in batches(net, few, own):
            Xi, yi = unpack_data(batch)
            y_pred = net.evaluation_step(batch)
            targets = on_device(yi, get_len(Xi), net.device)
            try:
                with undisturbed(net.criterion_, reduced=True):
                    as_one(net.get_loss(y_pred, targets, X=Xi, training=False))
            except (RuntimeError, ValueError, TypeError, IndexError) as error:
                raise ValueError(
                    f"criterion {criterion_name(net)} cannot compare what module "
                    f"{type(unwrapped(net.module_)).__name__} returns, {_described(y_pred)}, with "
                    f"the targets y, {_described(targets)}: {error}"
                ) from error


def _described(part: Any) -> str:
    """Shapes of what belongs to a batch of rows."""
    if isinstance(part, torch.Tensor):
        return f"{str(part.dtype).removeprefix('torch.')} of shape {tuple(part.shape)}"
    if isinstance(part, tuple | list):
        kind = "tuple" if isinstance(part, tuple) else "list"
        return f"a {kind} of ({', '.join(map(_described, part))})"
    return type(part).__name__


def columns_of(net: Any, classes: np.ndarray) -> np.ndarray:
    """The output of the module that stands for each class."""
    if isinstance(net, TrackedNetClassifier):  # which knows more classes, and another order
        return class_numbers(classes, net.classes_)
    return np.arange(len(classes))


def numbers_of(columns: np.ndarray) -> np.ndarray:
    """Number of the class that each output stands for, and of a missing prediction (-1)."""
    numbers = np.full(columns.max() + 2, -1, dtype=np.int32)
    numbers[columns] = np.arange(len(columns))
    return numbers
