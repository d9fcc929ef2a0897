"""Fit a scorer, or find it fitted in a cache."""

from typing import Any

from joblib import Memory


def fit_once(scorer: Any, X: Any, y: Any, groups: Any = None, *, memory: Memory) -> Any:
    """Fit a scorer, or find the same fit in a cache.

    Parameters
    ----------
    scorer : estimator
        Unfitted scorer.
    X : container of n_samples rows
        Rows.
    y : array-like of shape (n_samples,)
        Targets.
    groups : array-like of shape (n_samples,) or None, default=None
        Groups of rows, passed on when there are any.
    memory : joblib.Memory
        Cache of fitted scorers.

    Returns
    -------
    scorer : estimator
        The fitted scorer.

    Examples
    --------
    >>> from joblib import Memory
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_difficulty import DifficultyScorer
    >>> from sklearn_difficulty.selection._fit_once import fit_once
    >>> X, y = load_iris(return_X_y=True)
    >>> fit_once(DifficultyScorer(random_state=0), X, y, memory=Memory(None)).difficulty_.shape
    (150,)
    """
    return memory.cache(_fit_scorer)(scorer, X, y, groups)


def _fit_scorer(scorer: Any, X: Any, y: Any, groups: Any) -> Any:
    """Train and score; a function of its arguments alone, so that it can be cached."""
    return scorer.fit(X, y) if groups is None else scorer.fit(X, y, groups=groups)
