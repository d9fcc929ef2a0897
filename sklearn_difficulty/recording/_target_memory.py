"""The targets of all rows, put together from batches."""

from typing import Any

import numpy as np

from sklearn_difficulty._foreign import as_array


class TargetMemory:
    """What the target of each row is, as far as it was said.

    Parameters
    ----------
    n_samples : int
        Number of rows.
    """

    def __init__(self, n_samples: int) -> None:
        self._is_known = np.zeros(n_samples, dtype=bool)
        self._has_begun = False
        self._values: np.ndarray | None = None

    def check(self, rows: np.ndarray, targets: Any, n_classes: int | None) -> np.ndarray:
        """Turn targets of some rows into numbers, and compare them with what is known.

        Parameters
        ----------
        rows : ndarray of int of shape (k,)
            Row numbers.
        targets : array-like of shape (k, ...)
            Class numbers, or targets of a regression.
        n_classes : int or None
            Number of classes; None for a regression.

        Returns
        -------
        ndarray of shape (k, ...), int64 or float64
            The targets, which :meth:`keep` may now be called with.
        """
        array = as_array(targets)
        if array.shape[:1] != rows.shape:
            raise ValueError(
                f"targets must have one entry for each of the {len(rows)} indices; got shape "
                f"{array.shape}."
            )
        if array.shape == (len(rows), 1):
            array = array[:, 0]
        if array.dtype.kind not in "biuf":
            raise TypeError(f"targets must be numbers; got {array.dtype}.")
        values = array.astype(np.float64 if array.dtype.kind == "f" else np.int64)
        if n_classes is not None:
            values = _class_numbers(values, n_classes)
        self._compare(rows, values)
        return values

    def _compare(self, rows: np.ndarray, values: np.ndarray) -> None:
        if self._values is None or not self._has_begun:
            # Only now is it known what a target is like.
            shape = (len(self._is_known), *values.shape[1:])
            self._values = np.zeros(shape, dtype=values.dtype)
        held = self._values
        if values.shape[1:] != held.shape[1:] or (held.dtype.kind == "i" != values.dtype.kind):
            raise ValueError(
                f"targets have changed from {held.dtype} of shape {held.shape[1:]} per row to "
                f"{values.dtype} of shape {values.shape[1:]}."
            )
        new = ~self._is_known[rows]
        # What is not known yet may be overwritten at will; a row that comes twice shows.
        held[rows[new]] = values[new]
        differs = held[rows] != values
        if differs.any():
            differs &= ~(np.isnan(held[rows]) & np.isnan(values))
        if differs.any():
            place = np.argwhere(differs)[0, 0]
            raise ValueError(
                f"row {rows[place]} has the target {values[place]} now and had "
                f"{held[rows[place]]} before: a row keeps its target through all updates. Check "
                "that indices count the rows of the data, and not those of the batch."
            )

    def keep(self, rows: np.ndarray) -> None:
        """Remember the targets of rows that were checked last."""
        self._is_known[rows] = True
        self._has_begun = True

    def of(self, rows: np.ndarray) -> np.ndarray | None:
        """Targets of some rows; None if one of them is not known."""
        if self._values is None or not self._is_known[rows].all():
            return None
        return self._values[rows]

    def all(self, given: Any, n_classes: int | None) -> np.ndarray | None:
        """Targets of all rows.

        Parameters
        ----------
        given : array-like of shape (n_samples, ...) or None
            What is said of them in the end.
        n_classes : int or None
            Number of classes; None for a regression.

        Returns
        -------
        ndarray of shape (n_samples, ...) or None
            The targets; None where none were ever given.
        """
        if not self._has_begun:
            return None if given is None else as_array(given)
        rows = np.arange(len(self._is_known))
        if given is not None:
            return self.check(rows, given, n_classes)
        if not self._is_known.all():
            unknown = np.flatnonzero(~self._is_known)
            raise ValueError(
                f"the targets of {len(unknown)} of {len(rows)} rows were never given, the first "
                f"is row {unknown[0]}: pass y=, the targets of all rows."
            )
        assert self._values is not None
        return self._values.copy()


def _class_numbers(values: np.ndarray, n_classes: int) -> np.ndarray:
    if values.ndim != 1:
        raise ValueError(
            f"targets must be class numbers, one per index; got shape {values.shape}. For one-hot "
            "targets pass targets.argmax(1)."
        )
    numbers = values.astype(np.int64)
    if (numbers != values).any():
        raise ValueError(
            f"targets must be class numbers; got {values[numbers != values][0]}. For a regression "
            "pass losses= and no logits."
        )
    outside = (numbers < 0) | (numbers >= n_classes)
    if outside.any():
        raise ValueError(
            f"targets must be class numbers from 0 to {n_classes - 1}; got {numbers[outside][0]}. "
            "Encode labels with np.unique(labels, return_inverse=True)."
        )
    return numbers
