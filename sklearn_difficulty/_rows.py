"""Know rows again by their content."""

from collections.abc import Iterator
from hashlib import blake2b
from numbers import Number
from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch.utils.data import Dataset

from sklearn_difficulty._data import as_row_objects, input_of, n_rows, take_rows

_ROWS_PER_CHUNK = 4096
# Rows may be large, and are copied as float32.
_VALUES_PER_CHUNK = 2**20


def row_digests(X: Any) -> np.ndarray:
    """Fingerprint of each row's content, numbers as float32.

    Parameters
    ----------
    X : array, sparse matrix, frame, list or Dataset of n rows
        Rows of numbers, text or both. Of the items of a dataset only the inputs count.

    Returns
    -------
    digests : ndarray of uint64 of shape (n,)
        Equal for equal rows; for different ones equal once in 2**64.
    """
    digests = bytearray()
    for content in _contents(X):
        digests += blake2b(content, digest_size=8).digest()
    return np.frombuffer(bytes(digests), dtype=np.uint64)


def _contents(X: Any) -> Iterator[bytes]:
    """Bytes of each row."""
    if isinstance(X, Dataset):
        for row in range(n_rows(X)):
            yield _content(input_of(X[row]))
        return
    if scipy.sparse.issparse(X):
        X = X.tocsr()  # not all kinds can be sliced, and others only slowly
    values_per_row = max(1, int(np.prod(getattr(X, "shape", (0,))[1:])))
    n_at_a_time = max(1, min(_ROWS_PER_CHUNK, _VALUES_PER_CHUNK // values_per_row))
    for start in range(0, n_rows(X), n_at_a_time):
        chunk = _chunk(X, start, min(start + n_at_a_time, n_rows(X)))
        if isinstance(chunk, np.ndarray) and chunk.dtype.kind in "fiub":
            values = _as_float32(chunk)
            yield from (row.tobytes() for row in values)
        else:
            yield from map(_content, chunk)


def _chunk(X: Any, start: int, stop: int) -> Any:
    if isinstance(X, np.ndarray) or scipy.sparse.issparse(X):
        rows = X[start:stop]
        return rows.toarray() if scipy.sparse.issparse(rows) else np.asarray(rows)
    rows = take_rows(X, np.arange(start, stop))
    if not isinstance(rows, list | tuple):
        return np.asarray(rows)
    if isinstance(rows[0], list | tuple):
        try:
            return np.asarray(rows)
        except ValueError:  # rows of different lengths, which no array holds
            return rows
    return rows


def _content(value: Any) -> bytes:
    """Bytes that are equal for equal values, of any kind that data come in."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes):
        return value
    if isinstance(value, torch.Tensor):
        value = value.numpy(force=True)
    if (
        isinstance(value, Number | np.generic | np.ndarray)
        and np.asarray(value).dtype.kind in "fiub"
    ):
        return _as_float32(np.asarray(value)).tobytes()
    if isinstance(value, dict):
        value = [part for key in sorted(value) for part in (key, value[key])]
    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim):
        # The digests of the parts have one length, so that no two lists run into one another.
        return b"".join(blake2b(_content(part), digest_size=8).digest() for part in value)
    return repr(value).encode()


def _as_float32(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        # adding zero makes one of the two zeros of floating point
        return np.ascontiguousarray(values, dtype=np.float32) + np.float32(0)


def target_keys(targets: np.ndarray | None, n_samples: int) -> np.ndarray:
    """A value for each row, equal for equal targets, whatever these are.

    Parameters
    ----------
    targets : ndarray of shape (n_samples, ...) or None
        Labels, numbers, several for each row, arrays of objects; None where rows have none.
    n_samples : int
        Number of rows.

    Returns
    -------
    keys : ndarray of shape (n_samples,)
        The targets themselves where there is one for each row.
    """
    if targets is None:
        return np.zeros(n_samples)
    is_one = targets.ndim == 1 and as_row_objects(targets) is None
    return targets if is_one else row_digests(targets)


class KnownRows:
    """Rows that were seen, to be found again.

    Parameters
    ----------
    X : container of n rows
        The rows to remember; only their fingerprints are kept.
    targets : ndarray of shape (n,)
        What they are labelled with; see :func:`target_keys`.
    """

    def __init__(self, X: Any, targets: np.ndarray) -> None:
        self._digests, self._contents = np.unique(row_digests(X), return_inverse=True)
        self._targets, self._numbers = np.unique(targets, return_inverse=True)

    def find(self, X: Any, targets: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Find rows among the known ones, by their content or by content and target.

        Parameters
        ----------
        X : container of m rows
            Rows.
        targets : ndarray of shape (m,) or None, default=None
            What they are labelled with; None does not look at it.

        Returns
        -------
        found : ndarray of int of shape (m,)
            Group of known rows that each row is equal to, -1 for a new row.
        groups : ndarray of int of shape (n,)
            Group of each known row.
        """
        contents = positions(self._digests, row_digests(X))
        if targets is None:
            return contents, self._contents
        numbers = positions(self._targets, targets)
        n_targets = len(self._targets)
        pairs, groups = np.unique(self._contents * n_targets + self._numbers, return_inverse=True)
        wanted = np.where((contents < 0) | (numbers < 0), -1, contents * n_targets + numbers)
        return positions(pairs, wanted), groups


def positions(known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Position of each value among sorted, different known ones; -1 for an unknown one.

    Parameters
    ----------
    known : ndarray of shape (k,)
        Sorted.
    values : ndarray of shape (m,)
        Values to look up.

    Returns
    -------
    positions : ndarray of int of shape (m,)
        Into `known`.
    """
    place = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return np.where(known[place] == values, place, -1)


def group_means(values: np.ndarray, groups: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Mean of each wanted group.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Values.
    groups : ndarray of int of shape (n,)
        Group of each.
    wanted : ndarray of int of shape (m,)
        Groups, each with a value at least.

    Returns
    -------
    means : ndarray of shape (m,)
        In the order of `wanted`.
    """
    counts = np.bincount(groups)
    sums = np.bincount(groups, weights=values)
    return sums[wanted] / counts[wanted]
