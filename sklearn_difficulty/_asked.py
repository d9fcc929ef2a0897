"""Scores as they are asked for: looked up, their options checked, before any training."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_choice
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.scores import SCORES, Score
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
