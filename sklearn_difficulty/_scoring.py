"""From a recording to the values of a score, for training rows and for new ones."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from inspect import signature
from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_choice
from sklearn_difficulty.exceptions import (
    DegenerateGradientWarning,
    NothingLearnedWarning,
    RecordNotFoundError,
)
from sklearn_difficulty.recording import Recording, class_proba, gradient_scores, replay
from sklearn_difficulty.scores import SCORES, Score, class_normalize, is_constant_per_class
from sklearn_difficulty.trajectory import Trajectory

# Records that are made only on demand, by the field that they fill.
_KEPT_ON_DEMAND = {"outputs": "outputs", "element_action": "elements"}
# What a gradient score takes besides the options of its function.
_GRADIENT_OPTIONS: dict[str, tuple[Any, ...]] = {
    "target": ("true", "predicted"),
    "output": ("logit", "proba"),
    "stage": ("all", "early", "late"),
    "class_normalize": (False, True),
}


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


@dataclass(frozen=True)
class ResolvedScore:
    """A score with its options.

    Attributes
    ----------
    entry : Score
        The score's entry in ``SCORES``.
    options : dict
        Options of its function.
    gradient_options : dict
        Options of the gradients it is made of, complete; empty for other scores.
    """

    entry: Score
    options: dict[str, Any]
    gradient_options: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Text that is equal for equal scores with equal options."""
        given = sorted({**self.options, **self.gradient_options}.items())
        return f"{self.entry.name}({', '.join(f'{k}={v!r}' for k, v in given)})"

    @property
    def keep(self) -> set[str]:
        """Large records that it needs."""
        return {_KEPT_ON_DEMAND[name] for name in self.entry.needs if name in _KEPT_ON_DEMAND}

    @property
    def default_runs(self) -> int:
        """Trainings that it needs to be of use."""
        return self.entry.default_runs

    def oriented(self, values: np.ndarray) -> np.ndarray:
        """Values turned so that higher is harder."""
        return values if self.entry.higher_is_harder else -values


def resolve_scores(score: Any, score_params: Mapping[str, Any] | None) -> list[ResolvedScore]:
    """Look scores up and check their options.

    Parameters
    ----------
    score : str or list of str
        Names.
    score_params : mapping or None
        Options of one score, or a mapping by name of the options of several.

    Raises
    ------
    ValueError
        For an unknown name or option.
    TypeError
        For something that is no name.
    """
    if isinstance(score, str):
        return [_resolve(score, dict(score_params or {}))]
    if not isinstance(score, list | tuple) or not score:
        raise TypeError(
            f"score must be a name or a list of names out of {sorted(SCORES)}; got {score!r}."
        )
    by_name = dict(score_params or {})
    unknown = sorted(set(by_name) - set(score))
    if unknown:
        raise ValueError(
            f"score_params has options for {unknown}, which are not among the scores {score}: "
            "with several scores, score_params is a dict of options by the score's name."
        )
    return [_resolve(name, dict(by_name.get(name) or {})) for name in score]


def _resolve(name: Any, params: dict[str, Any]) -> ResolvedScore:
    check_choice("score", name, tuple(SCORES))
    entry = SCORES[name]
    gradient_options = {}
    if entry.from_gradients:
        for option, choices in _GRADIENT_OPTIONS.items():
            value = params.pop(option, choices[0])
            gradient_options[option] = check_choice(f"score_params[{option!r}]", value, choices)
    accepted = _options(entry)
    unknown = sorted(set(params) - set(accepted))
    if unknown:
        raise ValueError(
            f"score_params has {unknown}, which score {name!r} does not take; it takes "
            f"{sorted({*accepted, *gradient_options})}."
        )
    return ResolvedScore(entry, params, gradient_options)


def _options(entry: Score) -> list[str]:
    """Keyword options of a score's function, but for those that are filled in here."""
    given_here = {"labels", "largest"}
    parameters = signature(entry.function).parameters.values()
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in given_here]


def check_scores(
    scores: list[ResolvedScore],
    learner: Any,
    *,
    has_classes: bool,
    snapshots: Any,
    n_runs: int,
    most_steps: int | None,
) -> None:
    """Raise before any training where a score cannot be had from it.

    Parameters
    ----------
    scores : list of ResolvedScore
        What is asked for.
    learner : Learner
        The kind of the models.
    has_classes : bool
        False for a regression.
    snapshots : object
        Rule of the snapshots, or the snapshots.
    n_runs : int
        Trainings.
    most_steps : int or None
        Most steps of a training, where that is known.

    Raises
    ------
    RecordNotFoundError
        With the option that would record what is missing.
    """
    for score in scores:
        name = score.entry.name
        _try_options(score)
        if score.entry.from_gradients and not learner.has_gradients:
            raise RecordNotFoundError(
                f"score {name!r} needs gradients of the model by its input, which this kind of "
                "estimator does not give: use a skorch net such as TrackedNetClassifier, or "
                "estimator=None."
            )
        if "snapshots" in score.entry.needs and snapshots is None:
            raise RecordNotFoundError(
                f"score {name!r} is computed from snapshots of the parameters, and "
                "snapshots=None keeps none: fit with snapshots='auto'."
            )
        n_kept = snapshots if isinstance(snapshots, int) else None
        n_kept = len(snapshots) if isinstance(snapshots, list | tuple) else n_kept
        if score.entry.from_gradients and n_kept is not None and n_kept < 2:
            raise RecordNotFoundError(
                f"score {name!r} is a variance over snapshots of the parameters and needs two at "
                f"least, and snapshots={snapshots!r} keeps {n_kept}: fit with snapshots='auto'."
            )
        step = score.options.get("step")
        if isinstance(step, int) and most_steps is not None and step >= most_steps:
            raise ValueError(
                f"score_params of {name!r} asks for step {step}, counted from 0, and a training "
                f"has {most_steps} steps: give one that every run has, such as -1 for the last."
            )
        of_classes = {"prediction", "margin", "proba", "entropy", "el2n"} & set(score.entry.needs)
        if (of_classes or score.entry.from_gradients) and not has_classes:
            raise RecordNotFoundError(
                f"score {name!r} needs classes, and this is a regression: use 'action' or "
                "'loss_variance'."
            )
        if n_runs == 1 < score.default_runs:
            warnings.warn(
                f"score {name!r} is taken over independent trainings, and there is one: it has "
                f"two values then. Fit with n_runs={score.default_runs}.",
                UserWarning,
                stacklevel=3,
            )


def _try_options(score: ResolvedScore) -> None:
    """Let a score's function refuse a bad word among its options before any training.

    Numbers and arrays are left for later: whether they are good depends on the training.
    """
    if not all(isinstance(value, str | bool | None) for value in score.options.values()):
        return
    if score.entry.from_gradients:
        score.entry.function(iter([np.zeros((1, 1, 2, 2)), np.ones((1, 1, 2, 2))]), **score.options)
        return
    shape = (1, 2, 2)
    records: dict[str, Any] = dict.fromkeys(
        ("loss", "margin", "proba", "entropy", "el2n"), np.ones(shape)
    )
    score.entry.function(
        Trajectory(
            **records,
            prediction=np.zeros(shape, dtype=np.int32),
            dt=dict.fromkeys(("epoch", "update", "wall"), np.ones(shape[:2])),
            y=np.array([0, 1]),
        ),
        **score.options,
    )


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
