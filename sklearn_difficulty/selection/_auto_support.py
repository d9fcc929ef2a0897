"""Which rows to keep when nobody says how many."""

import numpy as np

from sklearn_difficulty.selection._thresholds import keep_mask

_MOST_DROPPED = 0.75
# Where all probabilities are low, to drop as many rows as they sum up to would cost more right
# labels than it takes wrong ones.
_LEAST_PROBA = 1 / 3


def auto_support(
    difficulty: np.ndarray,
    mislabeled_proba: np.ndarray | None,
    codes: np.ndarray | None = None,
) -> tuple[np.ndarray, float | np.ndarray]:
    """Keep all but as many of the hardest rows as there are wrong labels by the estimate.

    That is the sum of their probabilities, but no more than have one above a third, and no fewer
    than are more probably wrong than right.

    Of each class at least the easiest quarter is kept: where most of a class looks wrong, it may as
    well be the model that has not learnt it. Less would be too little for a rare class, half of
    whose labels may come from a frequent one.

    Parameters
    ----------
    difficulty : ndarray of shape (n_samples,)
        Higher is harder. A row without one (NaN) is kept.
    mislabeled_proba : ndarray of shape (n_samples,) or None
        How probably the label of each row is wrong; None looks at the difficulties alone, by
        :func:`~sklearn_difficulty.selection.auto_threshold`.
    codes : ndarray of shape (n_samples,), int, or None, default=None
        Given classes as numbers; None for a regression.

    Returns
    -------
    support : ndarray of shape (n_samples,), bool
        True for the rows to keep.
    cut : float
        The highest difficulty that is kept, infinite where nothing is cut off.

    Warns
    -----
    MissingRecordsWarning
        If a difficulty is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.selection._auto_support import auto_support
    >>> support, cut = auto_support(np.array([1.0, 2.0, 3.0, 4.0]), None)
    >>> support.all(), cut
    (np.True_, inf)
    """
    support, cut = _of_all_classes(difficulty, mislabeled_proba)
    for code in np.unique(codes[~support]) if codes is not None else ():
        rows = np.flatnonzero((codes == code) & ~support)
        n_spared = len(rows) - int(_MOST_DROPPED * np.count_nonzero(codes == code))
        support[rows[np.argsort(difficulty[rows], kind="stable")[: max(n_spared, 0)]]] = True
    return support, cut


def _of_all_classes(
    difficulty: np.ndarray, mislabeled_proba: np.ndarray | None
) -> tuple[np.ndarray, float | np.ndarray]:
    if mislabeled_proba is None:
        return keep_mask(difficulty)
    known = ~np.isnan(difficulty)
    present = np.sort(difficulty[known])
    proba = mislabeled_proba[known]
    n_wrong = min(round(float(np.nansum(proba))), int((proba > _LEAST_PROBA).sum()))
    n_wrong = max(n_wrong, int((proba > 0.5).sum()))
    # One row is kept at least, from which the selector goes on to keep some of each class.
    last_kept = max(len(present) - n_wrong - 1, 0)
    if n_wrong == 0 or not len(present) or not np.isfinite(present[last_kept]):
        return keep_mask(difficulty, threshold=1.0)[0], np.inf
    return keep_mask(difficulty, criterion="score", threshold=float(present[last_kept]))
