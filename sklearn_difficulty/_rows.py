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
    """

    def __init__(self, X: Any) -> None:
        digests = row_digests(X)
        self._order = np.argsort(digests, kind="stable")
        self._sorted = digests[self._order]

    def find(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Find rows among the known ones.

        Parameters
        ----------
        X : array or sparse matrix of shape (m, ...)
            Rows.

        Returns
        -------
        rows, known : ndarrays of int of shape (k,)
            Pairs of a row of `X` and a known row of the same content; a row with several
            copies is in several pairs, a new row in none.
        """
        digests = row_digests(X)
        first = np.searchsorted(self._sorted, digests, side="left")
        copies = np.searchsorted(self._sorted, digests, side="right") - first
        rows = np.repeat(np.arange(len(digests)), copies)
        nth_copy = np.arange(len(rows)) - np.repeat(np.cumsum(copies) - copies, copies)
        return rows, self._order[first[rows] + nth_copy]
