"""From a recording to the values of a score, for training rows and for new ones."""

import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from sklearn_difficulty._asked import ResolvedScore
from sklearn_difficulty.exceptions import (
    DegenerateGradientWarning,
    NothingLearnedWarning,
    RecordNotFoundError,
)
from sklearn_difficulty.recording import Recording, class_proba, gradient_scores, replay
from sklearn_difficulty.scores import class_normalize, is_constant_per_class
from sklearn_difficulty.trajectory import Trajectory


@dataclass(frozen=True)
class Column:
    """Values of a score for some rows.

    Attributes
    ----------
    values : ndarray of shape (k,)
        As the score's function gives them.
    target : ndarray of shape (k,)
        Class numbers (or targets) that the rows were judged under.
    """

    values: np.ndarray
    target: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> "Column":
        return Column(self.values[rows], self.target[rows])


def score_known_rows(
    recording: Recording, score: ResolvedScore, X: Any, rows: np.ndarray
) -> Column:
    """Score of training rows, under the labels that they carried.

    Parameters
    ----------
    recording : Recording
        Models and their trajectory.
    score : ResolvedScore
        What to compute.
    X : array of shape (k, ...)
        Content of the rows; read by gradient scores only.
    rows : ndarray of int of shape (k,)
        Which training rows they are.
    """
    trajectory = recording.trajectory
    assert trajectory.y is not None
    y = trajectory.y[rows]
    if score.entry.from_gradients:
        return _from_gradients(recording, score, X, y, rows)
    return Column(score.entry.function(trajectory, **score.options)[rows], y)


def warn_if_nothing_was_learned(trajectory: Trajectory) -> None:
    """Warn where a model gives one answer in the end, whatever the row.

    Warns
    -----
    NothingLearnedWarning
        With what is usually the cause.
    """
    if trajectory.prediction is None or trajectory.y is None:
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


def score_new_rows(recording: Recording, score: ResolvedScore, X: Any, y: np.ndarray) -> Column:
    """Score of rows that were not trained on, from the kept snapshots.

    Parameters
    ----------
    recording : Recording
        Models and their trajectory.
    score : ResolvedScore
        What to compute.
    X : array of shape (k, ...)
        Rows.
    y : ndarray of shape (k,)
        Class numbers or targets they are judged under.
    """
    if score.entry.from_gradients:
        return _from_gradients(recording, score, X, y, np.full(X.shape[0], -1))
    options = dict(score.options)
    if score.entry.population is not None:
        # What the score relates a row to is the training set, not its neighbours in X.
        options |= score.entry.population(recording.trajectory, **score.options)
    return Column(score.entry.function(replay(recording, X, y), **options), y)


def normalized(score: ResolvedScore, column: Column, reference: Column | None) -> np.ndarray:
    """Values of a column, within their class where the options of the score say so.

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
        return column.values
    if reference is None:
        raise RecordNotFoundError(
            f"score {score.entry.name!r} with class_normalize=True relates a row to all rows "
            "of its class that were trained on, whose values are not known: name the score and "
            "its options in the scorer's own score and score_params, or pass the whole training "
            "set as X."
        )
    return class_normalize(
        column.values,
        column.target,
        reference_scores=reference.values,
        reference_labels=reference.target,
    )


def _from_gradients(
    recording: Recording, score: ResolvedScore, X: Any, y: np.ndarray, train_rows: np.ndarray
) -> Column:
    options = score.gradient_options
    predicted = options["target"] == "predicted"
    target = class_proba(recording, X).argmax(axis=1) if predicted else y
    values = gradient_scores(
        recording,
        X,
        target,
        partial(score.entry.function, **score.options),
        train_rows=train_rows,
        output=options["output"],
        stage=options["stage"],
    )
    of_training = bool((train_rows >= 0).all())
    if of_training and options["output"] == "logit" and is_constant_per_class(values, target):
        warnings.warn(
            f"{score.entry.name!r}: all rows of a class have the same score, since the "
            "gradients of the logits do not depend on the row, as in a linear model: pass "
            "score_params={'output': 'proba'}.",
            DegenerateGradientWarning,
            stacklevel=2,
        )
    return Column(values, target)
