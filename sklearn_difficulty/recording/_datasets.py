"""Datasets of torch as rows: their labels, and their items under labels of our own."""

from typing import Any

import numpy as np
import torch
from skorch.dataset import unpack_data
from torch.utils.data import Dataset

from sklearn_difficulty._data import input_of, n_rows
from sklearn_difficulty.recording._batches import base_rows


class LabelledDataset(Dataset):
    """The inputs of a dataset, each with a target from an array.

    Parameters
    ----------
    dataset : Dataset
        Its items are pairs of input and target, as skorch has it, or inputs alone.
    targets : ndarray of shape (n, ...)
        The targets, in the type that the criterion takes.
    """

    def __init__(self, dataset: Any, targets: np.ndarray) -> None:
        self.dataset = dataset
        self.targets = targets

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, row: int) -> tuple[Any, Any]:
        return input_of(self.dataset[row]), torch.as_tensor(self.targets[row])


def targets_of(dataset: Any) -> np.ndarray:
    """Targets that a dataset carries, in its order.

    Parameters
    ----------
    dataset : Dataset
        Its items are pairs of input and target. Where it, or what it is a subset of, has the
        targets as an array `y`, as skorch's has, that is read; else all its items are.

    Raises
    ------
    ValueError
        For items that are no pairs.
    """
    base, rows = base_rows(dataset)
    held = getattr(base, "y", None)
    if held is not None and np.ndim(held) == 1 and len(held) == len(base):
        held = np.asarray(held)
        return held if rows is None else held[rows]
    targets = []
    for row in range(n_rows(dataset)):
        item = dataset[row]
        if not (isinstance(item, tuple) and len(item) == 2):
            raise ValueError(
                f"item {row} of {type(dataset).__name__} is no pair of input and target: pass the "
                "targets as y, or make the dataset give (input, target)."
            )
        targets.append(np.asarray(unpack_data(item)[1]))
    return np.stack(targets)
