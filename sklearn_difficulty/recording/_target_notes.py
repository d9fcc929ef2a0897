"""The targets of the rows of a dataset, noted as batches of them come."""

from typing import Any

import numpy as np
import torch
from sklearn.base import is_classifier
from skorch.dataset import unpack_data

from sklearn_difficulty._data import are_label_sets
from sklearn_difficulty._foreign import as_array


class TargetNotes:
    """What the target of each row is, where targets are numbers and not the rows themselves.

    Parameters
    ----------
    dataset : Dataset
        Whose rows they are of.
    wanted : bool, default=True
        Whether to note any; a caller may know them.
    label_sets : bool or None, default=None
        Whether they are labels that are there or not; None looks.

    Attributes
    ----------
    y : ndarray of shape (n_samples, ...) or None
        The targets that came; None where none did.
    classes : ndarray of shape (n_classes,) or None
        Labels behind class numbers.
    may_be_label_sets : bool
        Whether they may be labels that are there or not, of which a row has several.
    """

    def __init__(
        self, dataset: Any, *, wanted: bool = True, label_sets: bool | None = None
    ) -> None:
        self.y: np.ndarray | None = None
        self.classes: np.ndarray | None = None
        given = targets_held(dataset) if wanted else None
        # Shares between 0 and 1 are no labels that are there or not, and neither are pixels.
        looked = not _are_rows(dataset) and _are_whole(given)
        self.may_be_label_sets = looked if label_sets is None else label_sets
        self._given = given.copy() if isinstance(given, np.ndarray) else None
        self._wanted = wanted and not _are_rows(dataset)
        self._known = np.zeros(len(dataset), dtype=bool)

    def are_of(self, dataset: Any) -> bool:
        """Whether a dataset has the same rows, as far as its targets tell."""
        now = targets_held(dataset)
        if self._given is None or not isinstance(now, np.ndarray):
            return len(dataset) == len(self._known)
        return np.array_equal(self._given, now, equal_nan=now.dtype.kind == "f")

    def note(self, net: Any, rows: np.ndarray, targets: Any, kind: str, n_columns: int) -> None:
        """Note the targets of a batch.

        Parameters
        ----------
        net : skorch.NeuralNet
            Whose classes name the class numbers.
        rows : ndarray of int of shape (k,)
            Row numbers.
        targets : object
            Targets of these rows; noted where they are a tensor.
        kind : str
            What the module emits; see
            :func:`~sklearn_difficulty.recording._outputs.recorded_kind`.
        n_columns : int
            Outputs that stand for a class, where some do.
        """
        if self._wanted and isinstance(targets, torch.Tensor) and not self._known[rows].all():
            self._write(net, rows, as_array(targets), kind, n_columns)

    @property
    def lack_rows(self) -> bool:
        """Whether there are rows that no batch held."""
        return self.y is not None and not self._known.all()

    def note_missing(self, net: Any, dataset: Any, kind: str) -> None:
        """Read the targets of rows that no batch held."""
        for row in np.flatnonzero(~self._known):
            _, target = unpack_data(dataset[int(row)])
            self._write(net, np.array([row]), as_array(target)[None], kind, 0)

    def _write(
        self, net: Any, rows: np.ndarray, targets: np.ndarray, kind: str, n_columns: int
    ) -> None:
        has_classes = kind != "values" and not kind.startswith("label")
        if kind != "values":
            numbers = targets.astype(np.int64)
            if kind.startswith("label") and (numbers != targets).any():
                raise ValueError(
                    "some rows of the dataset have labels that are 0 or 1, and others shares of "
                    "them, which is not known before they are read: pass X and y as arrays."
                )
            targets = numbers
        if targets.shape[1:] == (1,):  # one target per row, as a column
            targets = targets.ravel()
        if self.y is None:
            self.y = np.zeros((len(self._known), *targets.shape[1:]), dtype=targets.dtype)
            if has_classes:
                n_columns = max(2, n_columns)
                named = getattr(net, "classes_", None) if is_classifier(net) else None
                known = named is not None and len(named) == n_columns
                self.classes = np.asarray(named) if known else np.arange(n_columns)
        self.y[rows] = targets
        self._known[rows] = True


def targets_held(dataset: Any) -> Any:
    """Targets that a dataset holds, unless they are its rows, or no array of numbers."""
    held = getattr(dataset, "y", None)
    no_array = getattr(getattr(held, "dtype", None), "kind", "") == "O"
    return None if no_array or _are_rows(dataset) else held


def _are_whole(given: Any) -> bool:
    """Whether targets are 0 and 1, as far as a dataset holds them."""
    if not isinstance(given, np.ndarray | torch.Tensor) or given.ndim != 2:
        return True
    return are_label_sets(as_array(given))


def _are_rows(dataset: Any) -> bool:
    held = getattr(dataset, "y", None)
    is_own = held is not None and held is getattr(dataset, "X", None)
    return is_own or getattr(dataset, "are_targets", False)
