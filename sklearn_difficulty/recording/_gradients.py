"""Scores from gradients: models outside, then chunks of rows, and their kept states inside."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from sklearn_difficulty._data import input_of, n_rows, take_rows
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.recording._recording import Recording
from sklearn_difficulty.trajectory import window_steps

# Rows that have to be copied, or that a pipeline transforms, are there a chunk at a time: as many
# as make this many input values, but so many at least that loading a state takes less time than
# the norms of its gradients.
_VALUES_PER_CHUNK = 2**20
_LEAST_ROWS_PER_CHUNK = 64
_MOST_STEPS_NAMED = 8


def gradient_scores(
    recording: Recording,
    X: Any,
    target: np.ndarray | None,
    function: Callable[[Iterable[np.ndarray]], np.ndarray],
    *,
    source: str,
    train_rows: np.ndarray,
    output: str | None = None,
    steps: Any = None,
    least_states: int = 1,
) -> np.ndarray:
    """Score rows by gradients at the kept states of each model.

    Parameters
    ----------
    recording : Recording
        Fitted models with their snapshots.
    X : container of n rows
        Rows, of a kind that the learner takes.
    target : ndarray of shape (n, ...) or None
        Class numbers whose output is taken, or the class numbers or targets of the loss; None where
        rows are their own targets.
    function : callable
        Makes scores of shape (k,) of an iterable, over states, of gradients of shape (k, ...) or
        of norms of shape (k,).
    source : {"input_gradients", "gradient_norms"}
        What it is given: gradients by the input, or norms of the gradients of the loss by the
        parameters.
    train_rows : ndarray of int of shape (n,)
        Which training row each one is, -1 for other rows. A training row is scored by the
        models that recorded it, any other by all.
    output : {"logit", "proba", "loss"} or None, default=None
        What is differentiated by the input; None stands for ``"logit"``.
    steps : object, default=None
        Part of each model's training; the kept states after its steps are used. See
        :func:`~sklearn_difficulty.trajectory.window_steps`.
    least_states : int, default=1
        How many states the function needs.

    Returns
    -------
    scores : ndarray of shape (n_models, n), float64
        NaN where a model did not record a training row.

    Raises
    ------
    RecordNotFoundError
        When fewer states were kept in the window.
    IndexError
        If a training has no step in the window.
    """
    scores = np.full((len(recording.estimators), n_rows(X)), np.nan)
    rows_per_chunk = max(_LEAST_ROWS_PER_CHUNK, _VALUES_PER_CHUNK // _values_per_row(X))
    for model, scores_of_model in enumerate(scores):
        kept = _kept_in_window(recording, model, steps, least_states)
        rows = np.flatnonzero((train_rows < 0) | recording.scored[model, train_rows])
        # of one size, lest states are loaded for a small one in the end
        n_chunks = -(-len(rows) // rows_per_chunk)
        for chunk in np.array_split(rows, n_chunks) if n_chunks else ():
            portions = _gradients(
                recording,
                model,
                kept,
                _taken(X, chunk),
                None if target is None else target[chunk],
                source,
                output,
            )
            values = np.concatenate([function(gradients) for gradients in portions])
            # of several outputs of a row, the mean of what each gives
            scores_of_model[chunk] = values.reshape(len(chunk), -1).mean(axis=1)
    return scores


def _taken(X: Any, rows: np.ndarray) -> Any:
    """Rows in order, without a copy where they lie next to each other in an array."""
    if isinstance(X, np.ndarray) and rows[-1] - rows[0] + 1 == len(rows):
        return X[rows[0] : rows[-1] + 1]
    return take_rows(X, rows)


def _gradients(
    recording: Recording,
    model: int,
    steps: tuple[int, ...],
    X: Any,
    target: np.ndarray | None,
    source: str,
    output: str | None,
) -> Iterator[Iterator[np.ndarray]]:
    """For some rows after the others, in order, their gradients or norms at each state."""
    learner, fitted = recording.learner, recording.estimators[model]
    states = partial(recording.states, model, steps)
    about = X, target, recording.classes
    if source == "gradient_norms":
        return iter([learner.gradient_norms(fitted, states(), *about)])
    return learner.input_gradients(fitted, states, *about, output or "logit")


def _kept_in_window(
    recording: Recording, model: int, steps: Any, least_states: int
) -> tuple[int, ...]:
    """Kept steps of a model that lie in a window, as many as are needed or more."""
    kept = recording.kept_steps(model)
    inside = set(window_steps(steps, recording.n_steps[model]).tolist())
    chosen = tuple(step for step in kept if step in inside)
    if len(chosen) < least_states:
        where = "" if steps is None else f" in steps={steps!r}"
        wider = "" if steps is None else ", or choose a wider part with steps="
        raise RecordNotFoundError(
            f"this score needs {least_states} or more snapshots{where} and {len(chosen)} of those "
            f"kept, after {_named(kept)} of {recording.n_steps[model]}, counted from 0, are there: "
            f"train for more epochs, or fit with snapshots='all'{wider}."
        )
    return chosen


def _named(steps: tuple[int, ...]) -> str:
    numbers = ", ".join(map(str, steps[:_MOST_STEPS_NAMED]))
    more = f" and {len(steps) - _MOST_STEPS_NAMED} more" if len(steps) > _MOST_STEPS_NAMED else ""
    return f"step{'s' if len(steps) > 1 else ''} {numbers}{more}"


def _values_per_row(X: Any) -> int:
    if not n_rows(X):
        return 1
    # Inputs of several arrays have no gradient by the input, and those by parameters no shape.
    shape = X.shape[1:] if hasattr(X, "shape") else getattr(input_of(X[0]), "shape", ())
    return max(1, int(np.prod(shape)))
