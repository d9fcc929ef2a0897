"""Scores from gradients: chunks of rows outside, models and their kept states inside."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing

from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.recording._record import Recording

# Gradients of a chunk of rows are held twice or thrice (a running mean and variance), so a
# chunk is as many rows as make this many input values.
_VALUES_PER_CHUNK = 2**22
_STAGES = {"all": slice(None), "early": slice(None, 3), "late": slice(-3, None)}


def gradient_scores(
    recording: Recording,
    X: Any,
    target: np.ndarray,
    function: Callable[[Iterable[np.ndarray]], np.ndarray],
    *,
    train_rows: np.ndarray,
    output: str = "logit",
    stage: str = "all",
) -> np.ndarray:
    """Score rows by the gradients of a class's output by the input.

    Parameters
    ----------
    recording : Recording
        Fitted models with their snapshots.
    X : array of shape (n, ...)
        Rows.
    target : ndarray of int of shape (n,)
        Class numbers whose output is taken.
    function : callable
        Makes scores of shape (k,) of an iterable, over states, of gradients of shape (k, ...).
    train_rows : ndarray of int of shape (n,)
        Which training row each one is, -1 for other rows. A training row is scored by the
        models that recorded it, any other by all.
    output : {"logit", "proba"}
        What is differentiated.
    stage : {"all", "early", "late"}
        All kept states, the first three, or the last three.

    Returns
    -------
    scores : ndarray of shape (n,)
        Mean over models.
    """
    assert recording.classes is not None
    total, count = np.zeros(X.shape[0]), np.zeros(X.shape[0])
    rows_per_chunk = max(1, _VALUES_PER_CHUNK // max(1, int(np.prod(X.shape[1:]))))
    for model, fitted in enumerate(recording.estimators):
        steps = recording.kept_steps(model)[_STAGES[stage]]
        if len(steps) < 2:
            raise RecordNotFoundError(
                f"a variance over training needs two snapshots at least and {len(steps)} were "
                "kept: train for more epochs, or fit with snapshots='all'."
            )
        rows = np.flatnonzero((train_rows < 0) | recording.scored[model, train_rows])
        for start in range(0, len(rows), rows_per_chunk):
            chunk = rows[start : start + rows_per_chunk]
            gradients = recording.learner.input_gradients(
                fitted,
                recording.states(model, steps),
                _safe_indexing(X, chunk),
                target[chunk],
                recording.classes,
                output,
            )
            total[chunk] += function(gradients)
            count[chunk] += 1
    return total / count
