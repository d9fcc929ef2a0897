"""Rows, targets and classes in the form that a net of skorch takes them in."""

from typing import Any

import numpy as np
from torch.nn.parameter import is_lazy
from torch.utils.data import Dataset

from sklearn_difficulty._data import n_rows, take_rows
from sklearn_difficulty.recording._datasets import LabelledDataset
from sklearn_difficulty.recording._inputs import class_numbers, net_rows, net_target
from sklearn_difficulty.recording._losses import is_torchs_own, unwrapped
from sklearn_difficulty.recording._nets import TrackedNetClassifier, TrackedNetRegressor
from sklearn_difficulty.recording._replay import outputs_of


def input_rows(net: Any, X: Any) -> Any:
    if isinstance(X, Dataset):
        return LabelledDataset(X, np.zeros(n_rows(X), dtype=np.int64))
    return net_rows(X, None, unwrapped(net.module_))[0]


def converted(net: Any, X: Any, y: np.ndarray, classes: np.ndarray | None) -> tuple[Any, Any]:
    """Rows and targets in the types of a net; tracked nets take targets as the user has them.

    A dataset comes back with its targets inside, in numbers.
    """
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
    if classes is None and not isinstance(net, TrackedNetRegressor) and _output_shape(net, X) != ():
        # torch compares (n,) targets with (n, 1) outputs by broadcasting, which is (n, n)
        return y.reshape(-1, 1)
    return y


def _output_shape(net: Any, X: Any) -> tuple[int, ...] | None:
    """Shape of what a module returns for a row; None where it cannot be asked yet."""
    if any(is_lazy(parameter) for parameter in unwrapped(net.module_).parameters()):
        return None  # a module that sizes itself to its first batch is to meet the real one
    few = take_rows(X, np.arange(2)) if isinstance(X, Dataset) else X[:2]
    return tuple(outputs_of(net, input_rows(net, few)).shape[1:])


def check_outputs(net: Any, X: Any, classes: np.ndarray | None) -> None:
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
    if classes is None and n_outputs > 1 and is_torchs_own(unwrapped(net.criterion_)):
        raise ValueError(
            f"module {type(module).__name__} has {n_outputs} outputs and y holds one target for "
            "each row: give it one output."
        )


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
