"""Know rows again by their content."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from numbers import Number
from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch.utils.data import Dataset

from sklearn_difficulty._data import as_row_objects, input_of, n_rows, take_rows
from sklearn_difficulty._foreign import as_array

_ROWS_PER_CHUNK = 4096
# Rows may be large, and what they are copied as is read while it is in a CPU's cache.
_VALUES_PER_CHUNK = 2**16


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
    return np.concatenate([np.zeros(0, dtype=np.uint64), *_digests(X)])


def _digests(X: Any) -> Iterator[np.ndarray]:
    """Fingerprints of some rows after the others."""
    if isinstance(X, Dataset):
        yield _one_by_one(input_of(X[row]) for row in range(n_rows(X)))
        return
    if scipy.sparse.issparse(X):
        X = X.tocsr()  # not all kinds can be sliced, and others only slowly
    values_per_row = max(1, int(np.prod(getattr(X, "shape", (0,))[1:])))
    n_at_a_time = max(1, min(_ROWS_PER_CHUNK, _VALUES_PER_CHUNK // values_per_row))
    for start in range(0, n_rows(X), n_at_a_time):
        chunk = _chunk(X, start, min(start + n_at_a_time, n_rows(X)))
        if isinstance(chunk, np.ndarray) and chunk.dtype.kind in "fiub":
            yield _of_numbers(chunk)
        else:
            yield _one_by_one(chunk)


def _one_by_one(rows: Iterable[Any]) -> np.ndarray:
    return np.array([_digest(row) for row in rows], dtype=np.uint64)


def _digest(row: Any) -> int:
    """Fingerprint of a row of any kind, the same as in an array where it is one of numbers."""
    if isinstance(row, torch.Tensor):
        row = as_array(row)
    if _is_of_numbers(row):
        return int(_of_numbers(np.asarray(row)[None])[0])
    return int.from_bytes(blake2b(_content(row), digest_size=8).digest(), "little")


def _of_numbers(rows: np.ndarray) -> np.ndarray:
    """Fingerprints of rows of numbers, which all have one shape.

    Bits of the numbers times factors without a pattern, summed up: of such a sum modulo 2**64 the
    upper half is equal for different rows once in 2**32, so that there are two of them. To hash row
    by row takes several times as long.
    """
    bits = _as_float32(rows).reshape(len(rows), -1).view(np.uint32).astype(np.uint64)
    n_values = bits.shape[1]
    # the first factor is for their number, lest rows differ by zeros at their end alone
    first, second = (
        np.einsum("ij,j->i", bits, factors[1:]) + factors[:1] * np.uint64(n_values)
        for factors in _factors(n_values + 1)
    )
    half = np.uint64(32)
    return (first >> half << half) | (second >> half)


@lru_cache(maxsize=4)
def _factors(count: int) -> np.ndarray:
    """Twice so many numbers of 64 bits, which are the same on every machine: those of SplitMix64.

    Returns
    -------
    ndarray of uint64 of shape (2, count)
        The k-th of each row is the same whatever the count.
    """
    mixed = np.arange(1, 2 * count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return np.ascontiguousarray(mixed.reshape(count, 2).T)


def _chunk(X: Any, start: int, stop: int) -> Any:
    if isinstance(X, np.ndarray) or scipy.sparse.issparse(X):
        rows = X[start:stop]
        return rows.toarray() if scipy.sparse.issparse(rows) else np.asarray(rows)
    rows = take_rows(X, np.arange(start, stop))
    if isinstance(rows, torch.Tensor):
        return as_array(rows)
    if not isinstance(rows, list | tuple):
        array = np.asarray(rows)
        are_objects = array.dtype == object and _has_columns_of_numbers(rows)
        return rows.to_numpy(np.float64, na_value=np.nan) if are_objects else array
    if isinstance(rows[0], list | tuple):
        try:
            return np.asarray(rows)
        except ValueError:  # rows of different lengths, which no array holds
            return [_as_row(row) for row in rows]
    return rows


def _has_columns_of_numbers(frame: Any) -> bool:
    """Whether all columns of a frame of pandas are numbers, which may be of different types."""
    return hasattr(frame, "columns") and all(kind.kind in "fiub" for kind in frame.dtypes)


def _as_row(row: Any) -> Any:
    """A row as it would be in an array, beside others of its length."""
    if not isinstance(row, list | tuple):
        return row
    try:
        return np.asarray(row)
    except ValueError:
        return row


def _content(value: Any) -> bytes:
    """Bytes that are equal for equal values, of any kind that data come in."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes):
        return value
    if isinstance(value, torch.Tensor):
        value = as_array(value)
    if _is_of_numbers(value):
        return _as_float32(np.asarray(value)).tobytes()
    if isinstance(value, dict):
        value = [part for key in sorted(value) for part in (key, value[key])]
    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim):
        # The digests of the parts have one length, so that no two lists run into one another.
        return b"".join(blake2b(_content(part), digest_size=8).digest() for part in value)
    return repr(value).encode()


def _is_of_numbers(value: Any) -> bool:
    return (
        isinstance(value, Number | np.generic | np.ndarray)
        and np.asarray(value).dtype.kind in "fiub"
    )


def _as_float32(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        # adding zero makes one of the two zeros of floating point
        values = np.ascontiguousarray(values, dtype=np.float32) + np.float32(0)
        flat = values.ravel()
        if np.isnan(flat.dot(flat)):  # which takes less time than to look at each of them
            values[np.isnan(values)] = np.nan  # one of many: that of 0 / 0 has another sign
    return values


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
        digests = row_digests(X)
        if np.array_equal(digests, self._digests[self._contents]):  # all of them, as they came
            contents = self._contents
        else:
            contents = positions(self._digests, digests)
        if targets is None:
            return contents, self._contents
        numbers = positions(self._targets, targets)
        are_all = contents is self._contents and np.array_equal(numbers, self._numbers)
        if are_all and len(self._digests) == len(contents):  # and none of them is there twice
            return contents, contents
        n_targets = len(self._targets)
        pairs, groups = np.unique(self._contents * n_targets + self._numbers, return_inverse=True)
        if are_all:
            return groups, groups
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
