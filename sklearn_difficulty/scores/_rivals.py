"""Probabilities of the classes that were ahead of a sample's label, which are few of all classes.

Rivals are an array of shape (n_samples, n_classes), a sparse one of SciPy's where there are many
classes. What is here takes either.
"""

from typing import TypeAlias

import numpy as np
from scipy.sparse import coo_array, csr_array

__all__ = ["RivalMean", "Rivals", "label_counts", "largest", "likeliest", "weighed"]

Rivals: TypeAlias = np.ndarray | csr_array

# With more classes than that, a table is mostly zeros, which take more memory and time than to list
# all else.
_MOST_CLASSES_OF_TABLE = 32
# What is listed for the same sample and class is added up every so often.
_MOST_WAITING = 2**18


class RivalMean:
    """Means of rivals over steps and runs, of some samples after the others.

    Parameters
    ----------
    n_samples, n_classes : int
        How many there are.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores._rivals import RivalMean
    >>> rivals = RivalMean(n_samples=2, n_classes=3)
    >>> is_named, classes = np.array([[True, False]]), np.array([[2, 0]])
    >>> rivals.add(slice(0, 2), is_named, classes, np.array([[0.5, 0.25]]), np.ones(2))
    >>> rivals.mean(np.ones(2))
    array([[0. , 0. , 0.5],
           [0. , 0. , 0. ]])
    """

    def __init__(self, n_samples: int, n_classes: int) -> None:
        self._shape = n_samples, n_classes
        self._table = np.zeros(self._shape) if n_classes <= _MOST_CLASSES_OF_TABLE else None
        # Numbers, and the samples and classes that they are of.
        self._listed: list[tuple[np.ndarray, ...]] = []
        self._waiting: list[tuple[np.ndarray, ...]] = []

    def add(
        self,
        samples: slice,
        is_named: np.ndarray,
        classes: np.ndarray,
        weighted: np.ndarray,
        total: np.ndarray,
    ) -> None:
        """Add what the steps of one run say of some samples.

        Parameters
        ----------
        samples : slice
            Which samples, n of them.
        is_named : ndarray of shape (n_steps, n), bool
            Where it is known which rival it is.
        classes : ndarray of shape (n_steps, n), int
            Which one, as they were predicted.
        weighted : ndarray of shape (n_steps, n)
            Its probability times the weight of the step.
        total : ndarray of shape (n,)
            Sum of the weights.

        Raises
        ------
        ValueError
            For a class that there is not.
        """
        n, n_classes = is_named.shape[1], self._shape[1]
        if classes.max(initial=-1) >= n_classes:
            raise ValueError(
                f"the record 'prediction' has the class number {classes.max()}, and there are "
                f"{n_classes} classes in `classes`."
            )
        if self._table is None:
            places = np.flatnonzero(is_named)
            rows = places % n
            values = weighted.ravel()[places] / total[rows]
            self._waiting.append((values, samples.start + rows, classes.ravel()[places]))
            if sum(len(values) for values, *_ in self._waiting) > _MOST_WAITING:
                self._add_up()
            return
        # All else goes to one place more, which is faster than to pick what is named.
        places = np.where(is_named, classes + n_classes * np.arange(n), n * n_classes)
        sums = np.bincount(places.ravel(), weighted.ravel(), minlength=n * n_classes + 1)
        self._table[samples] += sums[:-1].reshape(n, n_classes) / total[:, None]

    def mean(self, number: np.ndarray) -> Rivals:
        """Divide what was added, of which nothing is left afterwards.

        Parameters
        ----------
        number : ndarray of shape (n_samples,)
            How many runs recorded each sample, or the sum of their weights; NaN for none.

        Returns
        -------
        Rivals
            Mean probabilities, 0 where there are none.
        """
        number = np.where(np.isnan(number), 1.0, number)
        if self._table is not None:
            self._table /= number[:, None]
            return self._table
        self._add_up()
        rivals = _summed(*_joined(self._listed), self._shape)
        rivals.data /= number[_samples_of(rivals)]
        rivals.eliminate_zeros()
        return rivals

    def _add_up(self) -> None:
        """Let what waits take the place of one number for each sample and class."""
        values, rows, classes = _joined(self._waiting)
        first = rows.min(initial=self._shape[0])
        n = max(int(rows.max(initial=-1) - first) + 1, 0)
        part = _summed(values, rows - first, classes, (n, self._shape[1]))
        self._listed.append((part.data, first + _samples_of(part), part.indices))
        self._waiting = []


def _joined(listed: list[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    nothing = np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    values, rows, classes = map(np.concatenate, zip(nothing, *listed, strict=True))
    return values, rows, classes


def _summed(
    values: np.ndarray, rows: np.ndarray, classes: np.ndarray, shape: tuple[int, int]
) -> csr_array:
    """Sparse array in which numbers for the same place are added up."""
    return coo_array((values, (rows, classes)), shape).tocsr()


def _samples_of(rivals: csr_array) -> np.ndarray:
    """Which sample each entry is of."""
    return np.repeat(np.arange(rivals.shape[0]), np.diff(rivals.indptr))


def largest(rivals: Rivals) -> np.ndarray:
    """Give the largest number of each sample.

    Parameters
    ----------
    rivals : Rivals
        Numbers of 0 or more.

    Returns
    -------
    ndarray of shape (n_samples,)
        0 for samples without rivals.
    """
    if isinstance(rivals, np.ndarray):
        return np.asarray(rivals.max(axis=1))
    found, has_some = np.zeros(rivals.shape[0]), np.diff(rivals.indptr) > 0
    if has_some.any():
        found[has_some] = np.maximum.reduceat(rivals.data, rivals.indptr[:-1][has_some])
    return found


def likeliest(rivals: Rivals) -> np.ndarray:
    """Give the class with the largest number of each sample, the first one of several.

    Parameters
    ----------
    rivals : Rivals
        Numbers of 0 or more.

    Returns
    -------
    ndarray of int of shape (n_samples,)
        0 for samples without rivals.
    """
    if isinstance(rivals, np.ndarray):
        return np.asarray(rivals.argmax(axis=1))
    # SciPy's own goes from row to row in Python.
    samples = _samples_of(rivals)
    places = np.flatnonzero(rivals.data == largest(rivals)[samples])
    samples, first = np.unique(samples[places], return_index=True)
    found = np.zeros(rivals.shape[0], dtype=np.int64)
    found[samples] = rivals.indices[places[first]]
    return found


def weighed(rivals: Rivals, unnamed: np.ndarray, confusions: np.ndarray, y: np.ndarray) -> Rivals:
    """Weigh each rival by how often its samples carry the given label.

    Parameters
    ----------
    rivals : Rivals
        Probabilities.
    unnamed : ndarray of shape (n_samples,)
        Probability of a rival that is not known, which is taken to be each of the known ones.
    confusions : ndarray of shape (n_classes, n_classes)
        Share of each label (column) among the wrong labels of the samples of a class (row).
    y : ndarray of shape (n_samples,), int
        Labels.

    Returns
    -------
    Rivals
        Probabilities times shares.
    """
    if isinstance(rivals, np.ndarray):
        together = np.where(rivals > 0, rivals + unnamed[:, None], 0.0)
        return np.asarray(together * confusions[:, y].T)
    samples = _samples_of(rivals)
    values = (rivals.data + unnamed[samples]) * confusions[rivals.indices, y[samples]]
    return csr_array((values, rivals.indices, rivals.indptr), rivals.shape)


def label_counts(rivals: Rivals, weights: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Add up samples by class and label.

    Parameters
    ----------
    rivals : Rivals
        How much of each sample is of each class.
    weights : ndarray of shape (n_samples,)
        How much the samples count.
    y : ndarray of shape (n_samples,), int
        Their labels.

    Returns
    -------
    ndarray of shape (n_classes, n_classes)
        For each class (row) and each label (column).
    """
    n_samples, n_classes = rivals.shape
    labels = csr_array((weights, (np.arange(n_samples), y)), (n_samples, n_classes))
    counts = rivals.T @ labels
    return counts if isinstance(counts, np.ndarray) else counts.toarray()
