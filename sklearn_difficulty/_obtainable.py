"""Whether scores can be had from a training, said before there is one."""

import warnings
from numbers import Number
from typing import Any

import numpy as np

from sklearn_difficulty._asked import ResolvedScore
from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.trajectory import Trajectory, window_steps

# Decision values are outputs as well, but make no distribution over the classes.
_OF_PROBA = {"proba", "entropy", "el2n", "outputs"}
_OF_CLASSES = {"proba", "entropy", "el2n", "prediction", "margin", "classes"}
# Steps of the training that options are tried on: more than a number that makes sense asks for.
_TRIED = 64


def check_scores(
    scores: list[ResolvedScore],
    learner: Any,
    *,
    has_classes: bool,
    has_proba: bool,
    described: str = "a regression",
    has_label_sets: bool = False,
    has_distances: bool = False,
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
        Whether each row has a class; False for a regression, or several labels for each row.
    has_proba : bool
        Whether the models give probabilities of classes.
    described : str, default="a regression"
        What it is where there are no classes, for messages.
    has_label_sets : bool, default=False
        Whether each row has several labels that are there or not.
    has_distances : bool, default=False
        Whether outputs are compared with targets number by number, as in a regression.
    snapshots : object
        Rule of the snapshots, or the snapshots.
    n_runs : int
        Runs that the record will have, or has.
    most_steps : int or None
        Most steps of a training, where that is known.

    Raises
    ------
    RecordNotFoundError
        With the option that would record what is missing.
    """
    for score in scores:
        name, entry = score.entry.name, score.entry
        if entry.from_gradients and not learner.has_gradients:
            raise RecordNotFoundError(
                f"score {name!r} needs gradients of the model, which this kind of "
                "estimator does not give: use a skorch net such as TrackedNetClassifier, or "
                "estimator=None."
            )
        if "outputs" in score.needs and not learner.records_outputs:
            raise RecordNotFoundError(
                f"score {name!r} needs the predicted distribution over the classes, which is not "
                "recorded for this kind of estimator: use a skorch net or an estimator with "
                "predict_proba."
            )
        if "snapshots" in entry.needs:
            _check_snapshots(score, snapshots)
        if most_steps is not None:
            _check_steps(score, most_steps)
        if score.needs != entry.needs and not has_distances:
            raise RecordNotFoundError(
                f"score {name!r} with {' or '.join(map(repr, entry.needs_with))} needs distances "
                f"of predictions from targets, as a regression has them, and this is {described}: "
                "leave the option out, or use one of the loss, such as 'action'."
            )
        if not has_classes:
            _check_without_classes(score, described, has_label_sets, has_distances)
        elif _OF_PROBA & set(score.needs) and not has_proba:
            raise RecordNotFoundError(
                f"score {name!r} needs probabilities, and this estimator gives decision values "
                "only: use 'aum' or 'action', or an estimator with predict_proba, such as "
                "SGDClassifier(loss='log_loss')."
            )
        if score.is_listed:
            _try_options(score, has_proba=has_proba)
        if n_runs == 1 < score.default_runs:
            warnings.warn(
                f"score {name!r} is taken over independent trainings, and there is one, which "
                f"tells little: fit with n_runs={score.default_runs}.",
                UserWarning,
                stacklevel=3,
            )


def _check_without_classes(
    score: ResolvedScore, described: str, has_label_sets: bool, has_distances: bool
) -> None:
    """Raise where a score is only defined for rows with one class each."""
    name, entry, options = score.entry.name, score.entry, score.gradient_options
    instead = "use one of the loss, such as 'action', 'final_loss' or 'loss_variance'"
    if entry.needs_with and has_distances:
        ways = " or ".join(f"score_params={{{option!r}: ...}}" for option in entry.needs_with)
        instead = f"pass {ways} for the targets of a regression, or {instead}"
    # Outputs alone are the predictions of a regression, too, which scores of the user's own, and
    # some with an option, are made of.
    of_outputs = score.is_listed and score.needs == entry.needs and "outputs" in score.needs
    of_classes = of_outputs or bool(_OF_CLASSES & set(score.needs))
    if of_classes and not (has_label_sets and entry.label_sets):
        raise RecordNotFoundError(
            f"score {name!r} needs classes, one for each row, and this is {described}: {instead}."
        )
    for option in ("output", "target", "class_normalize"):
        value = options.get(option)
        if value in ("proba", "predicted", True) and entry.source == "input_gradients":
            raise RecordNotFoundError(
                f"score {name!r} with score_params={{{option!r}: {value!r}}} needs classes, one "
                f"for each row, and this is {described}: leave the option out, for gradients of "
                "the outputs themselves."
            )


def _check_snapshots(score: ResolvedScore, snapshots: Any) -> None:
    name, least = score.entry.name, score.entry.least_states
    if snapshots is None:
        raise RecordNotFoundError(
            f"score {name!r} is computed from snapshots of the parameters, and "
            "snapshots=None keeps none: fit with snapshots='auto'."
        )
    n_kept = snapshots if isinstance(snapshots, int) else None
    n_kept = len(snapshots) if isinstance(snapshots, list | tuple) else n_kept
    if n_kept is not None and n_kept < least:
        raise RecordNotFoundError(
            f"score {name!r} is taken over snapshots of the parameters and needs {least} at "
            f"least, and snapshots={snapshots!r} keeps {n_kept}: fit with snapshots='auto'."
        )


def _check_steps(score: ResolvedScore, most_steps: int) -> None:
    try:
        window_steps(score.steps, most_steps)
    except IndexError as error:
        raise ValueError(f"score_params of {score.entry.name!r}: {error}") from error


def _try_options(score: ResolvedScore, *, has_proba: bool) -> None:
    """Let a score's function refuse a bad word or number among its options before any training.

    Arrays are left for later: whether they are good depends on the training.
    """
    if not all(isinstance(value, str | Number | None) for value in score.options.values()):
        return
    with warnings.catch_warnings():
        # Of the training that is tried on; the one that follows has warnings of its own.
        warnings.simplefilter("ignore", MissingRecordsWarning)
        _try(score, has_proba=has_proba)


def _try(score: ResolvedScore, *, has_proba: bool) -> None:
    if score.entry.source == "input_gradients":
        score.entry.function((np.full((1, 1, 2, 2), n) for n in range(_TRIED)), **score.options)
        return
    if score.entry.source == "gradient_norms":
        score.entry.function((np.full(2, n) for n in range(_TRIED)), **score.options)
        return
    shape = (2, _TRIED, 2)
    n_outputs = 2 if score.needs == score.entry.needs else 1  # those of a regression
    names = ("loss", "margin", *(("proba", "entropy", "el2n") if has_proba else ()))
    records: dict[str, Any] = dict.fromkeys(names, np.ones(shape))
    score.entry.function(
        Trajectory(
            **records,
            prediction=np.zeros(shape, dtype=np.int32),
            outputs=np.zeros((*shape, n_outputs)) if has_proba or n_outputs == 1 else None,
            dt=dict.fromkeys(("epoch", "update", "wall"), np.ones(shape[:2])),
            y=np.array([0, 1]),
            classes=np.array([0, 1]),
        ),
        **score.options,
    )
