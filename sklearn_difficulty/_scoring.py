"""From a recording to the values of a score, for training rows and for new ones."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_difficulty._asked import ResolvedScore
from sklearn_difficulty._data import n_rows
from sklearn_difficulty._uncertainty import over_runs, standard_error
from sklearn_difficulty.exceptions import (
    DegenerateGradientWarning,
    NothingLearnedWarning,
    RecordNotFoundError,
)
from sklearn_difficulty.recording import Recording, class_proba, gradient_scores, replay
from sklearn_difficulty.scores import class_normalize, is_constant_per_class
from sklearn_difficulty.scores._over_runs import mean_of_known, warn_of_missing
from sklearn_difficulty.trajectory import Trajectory


@dataclass(frozen=True)
class Column:
    """Values of a score for some rows.

    Attributes
    ----------
    values : ndarray of shape (k,)
        As the score's function gives them.
    target : ndarray of shape (k, ...) or None
        Class numbers (or targets) that the rows were judged under, where there are some.
    errors : ndarray of shape (k,) or None
        Standard errors of the values over the runs, where they were asked for.
    """

    values: np.ndarray
    target: np.ndarray | None
    errors: np.ndarray | None = None

    def __getitem__(self, rows: np.ndarray) -> "Column":
        errors = None if self.errors is None else self.errors[rows]
        target = None if self.target is None else self.target[rows]
        return Column(self.values[rows], target, errors)


def score_known_rows(
    recording: Recording, score: ResolvedScore, X: Any, rows: np.ndarray, *, errors: bool = False
) -> Column:
    """Score of training rows, under the labels that they carried.

    Parameters
    ----------
    recording : Recording
        Models and their trajectory.
    score : ResolvedScore
        What to compute.
    X : container of k rows
        Content of the rows; read by gradient scores only.
    rows : ndarray of int of shape (k,)
        Which training rows they are.
    errors : bool, default=False
        Whether to compute standard errors too.
    """
    trajectory = recording.trajectory
    y = recording.targets
    if score.entry.from_gradients:
        own = None if y is None else y[rows]
        return _from_gradients(recording, score, X, own, rows, errors=errors)
    # Who asks for targets asks for classes, and others may be as large as the rows.
    own = y if recording.classes is not None else None
    column = Column(score.of(trajectory), own)
    if errors:
        population = score.population(trajectory)
        column = Column(column.values, own, standard_error(score, trajectory, **population))
    return column[rows]


def warn_if_nothing_was_learned(trajectory: Trajectory) -> None:
    """Warn where a model gives one answer in the end, whatever the row.

    Warns
    -----
    NothingLearnedWarning
        With what is usually the cause.
    """
    if trajectory.prediction is None or trajectory.y is None or trajectory.y.ndim > 1:
        return
    for run, n_steps in enumerate(trajectory.n_steps):
        prediction = trajectory.prediction[run, n_steps - 1]
        loss = trajectory.loss[run, n_steps - 1]
        if (prediction == prediction[0]).all() and is_constant_per_class(loss, trajectory.y):
            warnings.warn(
                "in the end of training the model says the same of every row, so that scores tell "
                "no two rows of a class apart: scale the inputs, for example with StandardScaler, "
                "lower the learning rate, or train for more epochs.",
                NothingLearnedWarning,
                stacklevel=4,
            )
            return


def score_new_rows(
    recording: Recording,
    score: ResolvedScore,
    X: Any,
    y: np.ndarray | None,
    *,
    errors: bool = False,
) -> Column:
    """Score of rows that were not trained on, from the kept snapshots.

    Parameters
    ----------
    recording : Recording
        Models and their trajectory.
    score : ResolvedScore
        What to compute.
    X : container of k rows
        Rows.
    y : ndarray of shape (k, ...) or None
        Class numbers or targets they are judged under; None where rows are their own.
    errors : bool, default=False
        Whether to compute standard errors too.
    """
    if score.entry.from_gradients:
        return _from_gradients(recording, score, X, y, np.full(n_rows(X), -1), errors=errors)
    # What the score relates a row to is the training set, not its neighbours in X.
    options = score.population(recording.trajectory)
    lengths = {}
    if isinstance(score.options.get("dt"), list | tuple | np.ndarray):
        # Lengths of the steps that were trained: a kept state stands for a span of them.
        shape = recording.trajectory.loss.shape[:2]
        lengths["given"] = np.broadcast_to(np.asarray(score.options["dt"], dtype=float), shape)
        options["dt"] = "given"
    path = replay(recording, X, y, steps=score.steps, keep=tuple(score.keep), lengths=lengths)
    column = Column(score.of_window(path, **options), y)
    if not errors:
        return column
    models = recording.models_per_run
    spread = standard_error(score, path, models_per_run=models, in_window=True, **options)
    return Column(column.values, y, spread)


def normalized(score: ResolvedScore, column: Column, reference: Column | None) -> Column:
    """A column with its values within their class where the options of the score say so.

    Parameters
    ----------
    score : ResolvedScore
        What was computed.
    column : Column
        Its values.
    reference : Column or None
        Its values for all training rows, which give the mean and deviation of a class; None
        where they are not known.

    Raises
    ------
    RecordNotFoundError
        Where they are needed and not known.
    """
    if not score.gradient_options.get("class_normalize"):
        return column
    if reference is None:
        raise RecordNotFoundError(
            f"score {score.entry.name!r} with class_normalize=True relates a row to all rows "
            "of its class that were trained on, whose values are not known: name the score and "
            "its options in the scorer's own score and score_params, or pass the whole training "
            "set as X."
        )

    def within_class(values: np.ndarray) -> np.ndarray:
        return class_normalize(
            values,
            column.target,
            reference_scores=reference.values,
            reference_labels=reference.target,
        )

    values, errors = within_class(column.values), column.errors
    if errors is not None:  # in the unit of the values, without their shift
        errors = within_class(column.values + errors) - values
    return Column(values, column.target, errors)


def _from_gradients(
    recording: Recording,
    score: ResolvedScore,
    X: Any,
    y: np.ndarray | None,
    train_rows: np.ndarray,
    *,
    errors: bool,
) -> Column:
    options = score.gradient_options
    predicted = options.get("target") == "predicted"
    target = class_proba(recording, X).argmax(axis=1) if predicted else y
    by_model = gradient_scores(
        recording,
        X,
        target,
        score.of_gradients,
        source=score.entry.source,
        train_rows=train_rows,
        output=options.get("output"),
        steps=score.steps,
        least_states=score.entry.least_states,
    )
    by_run = mean_of_known(
        by_model.reshape(-1, recording.models_per_run, by_model.shape[1]), axis=1
    )
    values = mean_of_known(by_run)
    told = (train_rows < 0) | recording.scored[:, train_rows].any(axis=0)
    warn_of_missing(np.isnan(values) & told, score.entry.name, stacklevel=5)
    of_training = bool((train_rows >= 0).all())
    of_logits = options.get("output") == "logit"
    has_classes = recording.classes is not None
    alike = target if has_classes else np.zeros(len(values))
    if of_training and of_logits and is_constant_per_class(values, alike):
        rows = "all rows of a class" if has_classes else "all rows"
        instead = "pass score_params={'output': 'proba'}" if has_classes else "use another score"
        warnings.warn(
            f"{score.entry.name!r}: {rows} have the same score, since the gradients of the outputs "
            f"do not depend on the row, as in a linear model: {instead}.",
            DegenerateGradientWarning,
            stacklevel=2,
        )
    return Column(values, target, over_runs(by_run) if errors else None)
