"""Know rows again by their content."""

from hashlib import blake2b
from typing import Any

import numpy as np
import scipy.sparse

_ROWS_PER_CHUNK = 4096


def row_digests(X: Any) -> np.ndarray:
    """Fingerprint of each row's content, as float32.

    Parameters
    ----------
    X : array or sparse matrix of shape (n, ...)
        Rows of numbers.

    Returns
    -------
    digests : ndarray of uint64 of shape (n,)
        Equal for equal rows; for different ones equal once in 2**64.
    """
    digests = bytearray()
    for start in range(0, X.shape[0], _ROWS_PER_CHUNK):
        chunk = X[start : start + _ROWS_PER_CHUNK]
        chunk = chunk.toarray() if scipy.sparse.issparse(chunk) else np.asarray(chunk)
        with np.errstate(over="ignore"):
            # adding zero makes one of the two zeros of floating point
            values = np.ascontiguousarray(chunk, dtype=np.float32) + np.float32(0)
        for row in values:
            digests += blake2b(row.tobytes(), digest_size=8).digest()
    return np.frombuffer(bytes(digests), dtype=np.uint64)


class KnownRows:
    """Rows that were seen, to be found again.

    Parameters
    ----------
    X : array or sparse matrix of shape (n, ...)
        The rows to remember; only their fingerprints are kept.
    targets : ndarray of shape (n,)
        What they are labelled with.
    """

    def __init__(self, X: Any, targets: np.ndarray) -> None:
        self._digests, self._contents = np.unique(row_digests(X), return_inverse=True)
        self._targets, self._numbers = np.unique(targets, return_inverse=True)

    def find(self, X: Any, targets: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Find rows among the known ones, by their content or by content and target.

        Parameters
        ----------
        X : array or sparse matrix of shape (m, ...)
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
