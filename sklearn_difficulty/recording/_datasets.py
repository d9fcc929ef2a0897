"""Datasets of torch as rows: their labels, and their items under labels of our own."""

from typing import Any

import numpy as np
import skorch.dataset
import torch
from skorch.dataset import unpack_data
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

from sklearn_difficulty._data import as_row_objects, input_of, n_rows
from sklearn_difficulty._foreign import as_array


def base_rows(dataset: Any, whole: Any = None) -> tuple[Any, np.ndarray | None]:
    """Dataset below any number of subsets, and the rows of it that remain (None: all).

    `whole` is not looked into, where it is a subset itself.
    """
    rows = None
    while isinstance(dataset, Subset) and dataset is not whole:
        indices = np.asarray(dataset.indices)
        rows = indices if rows is None else indices[rows]
        dataset = dataset.dataset
    return dataset, rows


class LabelledDataset(Dataset):
    """The inputs of a dataset, each with a target from an array.

    Parameters
    ----------
    dataset : Dataset
        Its items are pairs of input and target, as skorch has it, or inputs alone.
    targets : ndarray of shape (n, ...)
        The targets, in the type that the criterion takes.

    Raises
    ------
    TypeError
        For a dataset without row numbers.
    """

    def __init__(self, dataset: Any, targets: np.ndarray) -> None:
        _check_has_rows(dataset)
        self.dataset = dataset
        self.targets = targets

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, row: int) -> tuple[Any, Any]:
        target = self.targets[row]
        of_numbers = self.targets.dtype != object
        return input_of(self.dataset[row]), torch.as_tensor(target) if of_numbers else target

    def held(self) -> tuple[Any, np.ndarray | None]:
        """Array or tensor that the inputs are rows of, and which rows (None: all, in order).

        The array is None where the dataset does not just hold one.
        """
        base, rows = base_rows(self.dataset)
        if type(base) is TensorDataset and len(base.tensors) <= 2:
            return base.tensors[0], rows
        if type(base) is skorch.dataset.Dataset:
            return base.X, rows
        return None, None


def targets_of(dataset: Any) -> np.ndarray:
    """Targets that a dataset carries, in its order.

    Parameters
    ----------
    dataset : Dataset
        Its items are pairs of input and target. Where it, or what it is a subset of, has the
        targets as an array `y`, as skorch's has, that is read; else all its items are.

    Raises
    ------
    TypeError
        For a dataset without row numbers.
    ValueError
        For items that are no pairs.
    """
    _check_has_rows(dataset)
    base, rows = base_rows(dataset)
    held = _targets_held(base)
    if held is not None and np.ndim(held) == 1 and len(held) == len(base):
        held = as_array(held)
        return held if rows is None else held[rows]
    targets = []
    for row in range(n_rows(dataset)):
        item = dataset[row]
        if not (isinstance(item, tuple) and len(item) == 2):
            raise ValueError(
                f"item {row} of {type(dataset).__name__} is no pair of input and target: pass the "
                "targets as y, or make the dataset give (input, target)."
            )
        target = unpack_data(item)[1]
        targets.append(as_array(target) if isinstance(target, torch.Tensor) else target)
    entries = as_row_objects(targets)
    if entries is not None and len({np.shape(entry) for entry in targets}) > 1:
        return entries
    return np.stack(targets)


def _check_has_rows(dataset: Any) -> None:
    if isinstance(dataset, IterableDataset):
        raise TypeError(
            f"{type(dataset).__name__} is an IterableDataset, which has no row numbers, so that "
            "its rows cannot be told apart: use a map-style dataset."
        )


def _targets_held(dataset: Any) -> Any:
    if type(dataset) is TensorDataset and len(dataset.tensors) == 2:
        return dataset.tensors[1]
    return getattr(dataset, "y", None)
