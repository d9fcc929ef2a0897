"""Scores of any rows: looked up where they were trained on, replayed where they are new."""

from typing import Any

import numpy as np

from sklearn_difficulty._asked import ResolvedScore
from sklearn_difficulty._data import n_rows, take_rows
from sklearn_difficulty._rows import group_means, positions
from sklearn_difficulty._scoring import Column, normalized, score_known_rows, score_new_rows
from sklearn_difficulty.recording import Recording, class_proba


def score_rows(
    recording: Recording,
    score: ResolvedScore,
    X: Any,
    given: np.ndarray | None,
    places: tuple[np.ndarray, np.ndarray],
    column: Column | None,
    *,
    errors: bool = False,
) -> Column:
    """Score rows: the mean over its copies for a known row, replayed for a new one.

    Parameters
    ----------
    recording : Recording
        Models and their trajectory.
    score : ResolvedScore
        What to compute.
    X : container of n rows
        Rows.
    given : ndarray of shape (n, ...) or None
        Class numbers or targets they are judged under; None for those that they carried in
        training, and for new rows those that are predicted.
    places : tuple of ndarray
        Which group of training rows each one is equal to, -1 for none, and the group of each
        training row; see :class:`~sklearn_difficulty._rows.KnownRows`.
    column : Column or None
        The score of all training rows, where it is known.
    errors : bool, default=False
        Whether to compute standard errors too.
    """
    found, groups = places
    values, spread = np.empty(len(found)), np.full(len(found), np.nan)
    known, new = np.flatnonzero(found >= 0), np.flatnonzero(found < 0)
    if len(known):
        recorded, rows, column = _known(recording, score, X, places, column, errors)
        values[known] = group_means(recorded.values, groups[rows], found[known])
        if recorded.errors is not None:
            spread[known] = group_means(recorded.errors, groups[rows], found[known])
    if len(new):
        X_new = _taken(X, new)
        targets = given[new] if given is not None else _own_targets(recording, score, X_new)
        replayed = score_new_rows(recording, score, X_new, targets, errors=errors)
        replayed = normalized(score, replayed, column)
        values[new] = replayed.values
        if replayed.errors is not None:
            spread[new] = replayed.errors
    return Column(values, found, spread if errors else None)


def _known(
    recording: Recording,
    score: ResolvedScore,
    X: Any,
    places: tuple[np.ndarray, np.ndarray],
    column: Column | None,
    errors: bool,
) -> tuple[Column, np.ndarray, Column | None]:
    """Score of training rows that are equal to rows of X, which they are, and that of all."""
    found, groups = places
    rows = np.arange(len(groups))
    if column is not None and (column.errors is not None or not errors):
        return normalized(score, column, column), rows, column
    if not score.entry.from_gradients:
        whole = score_known_rows(recording, score, X, rows, errors=errors)
        return whole, rows, whole
    if np.array_equal(found, groups):  # X holds the training rows as they came
        whole = score_known_rows(recording, score, X, rows, errors=errors)
        return normalized(score, whole, whole), rows, whole
    # X holds the content of the training rows that it is about, and of no others
    known = np.flatnonzero(found >= 0)
    wanted, first = np.unique(found[known], return_index=True)
    rows = np.flatnonzero(np.isin(groups, wanted))
    content = _taken(X, known[first][positions(wanted, groups[rows])])
    part = score_known_rows(recording, score, content, rows, errors=errors)
    whole_or_none = part if len(rows) == len(groups) else column
    return normalized(score, part, whole_or_none), rows, whole_or_none


def _taken(X: Any, rows: np.ndarray) -> Any:
    """Some rows, or X itself where they are all of it, which may not fit in memory twice."""
    return X if np.array_equal(rows, np.arange(n_rows(X))) else take_rows(X, rows)


def _own_targets(recording: Recording, score: ResolvedScore, X: Any) -> np.ndarray | None:
    """What new rows are judged under: the class that is predicted, or themselves."""
    of_outputs = (
        recording.classes is None
        and score.entry.source == "input_gradients"
        and score.gradient_options.get("output") != "loss"
    )
    if recording.models and (recording.targets is None or of_outputs):
        return None
    if recording.classes is None and recording.models:
        raise ValueError(
            "rows that were not trained on can only be scored with their targets where the model "
            "is a regression, or learns anything else than one class for each row: pass y."
        )
    return class_proba(recording, X).argmax(axis=1)
