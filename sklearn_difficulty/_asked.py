"""Scores as they are asked for: looked up, their options checked, before any training."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from inspect import Parameter, Signature, signature
from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_choice
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.scores import SCORES, Score
from sklearn_difficulty.trajectory import Trajectory, check_window

# Records that are made only on demand, by the field that they fill.
_KEPT_ON_DEMAND = {"outputs": "outputs", "element_action": "elements"}
# Options that are filled in here, from what else is known.
_GIVEN_HERE = {"labels", "largest", "cutoffs", "pace", "confusions"}


@dataclass(frozen=True)
class ResolvedScore:
    """A score with its options.

    Attributes
    ----------
    entry : Score
        The score's entry in ``SCORES``, or one made for a function of the user's.
    options : dict
        Options of its function.
    gradient_options : dict
        Options of the gradients it is made of, complete; empty for other scores.
    steps : object
        Window of the training that it is taken over; see ``window_steps``.
    component : str or None
        Part of the loss that stands for it; None for the whole.
    """

    entry: Score
    options: dict[str, Any]
    gradient_options: dict[str, Any] = field(default_factory=dict)
    steps: Any = None
    component: str | None = None

    def is_same(self, other: "ResolvedScore") -> bool:
        """Whether it has the values of another one: the same score with the same options."""
        given, others = self._all_options, other._all_options
        return (
            self.entry == other.entry
            and given.keys() == others.keys()
            and all(_is_equal(value, others[name]) for name, value in given.items())
        )

    @property
    def _all_options(self) -> dict[str, Any]:
        own = {"steps": self.steps, "component": self.component}
        return {**self.options, **self.gradient_options, **own}

    @property
    def is_listed(self) -> bool:
        """Whether it stands in ``SCORES``, and is no score of the user's own."""
        return SCORES.get(self.entry.name) is self.entry

    @property
    def needs(self) -> tuple[str, ...]:
        """Fields of a trajectory that it reads, with these options."""
        for option, needs in self.entry.needs_with.items():
            if self.options.get(option) is not None:
                return needs
        return self.entry.needs

    @property
    def keep(self) -> set[str]:
        """Large records that it needs."""
        return {_KEPT_ON_DEMAND[name] for name in self.needs if name in _KEPT_ON_DEMAND}

    def not_kept(self, trajectory: Trajectory) -> set[str]:
        """Those of the large records that it needs which a trajectory does not hold."""
        return {
            option
            for name, option in _KEPT_ON_DEMAND.items()
            if name in self.needs and getattr(trajectory, name) is None
        }

    @property
    def default_runs(self) -> int:
        """Trainings that it needs to be of use."""
        return self.entry.default_runs

    def oriented(self, values: np.ndarray) -> np.ndarray:
        """Values turned so that higher is harder."""
        return values if self.entry.higher_is_harder else -values

    def of(self, trajectory: Trajectory, **options: Any) -> np.ndarray:
        """Values for the rows of a trajectory of the whole training.

        Parameters
        ----------
        trajectory : Trajectory
            The path.
        **options : object
            Options in place of, or besides, its own.
        """
        options = {**self.options, **options}
        if self.steps is None:
            return self.of_window(trajectory, **options)
        if "steps" in _keywords(self.entry.function):
            return self._checked(trajectory, steps=self.steps, **options)
        return self._checked(trajectory.window(self.steps), **options)

    def of_window(self, trajectory: Trajectory, **options: Any) -> np.ndarray:
        """Values for the rows of a trajectory that is cut to the window already."""
        options = {**self.options, **options}
        if self.steps is not None and "steps" in _keywords(self.entry.function):
            options["steps"] = None  # all that is left, whatever part it looks at by default
        return self._checked(trajectory, **options)

    def population(self, trajectory: Trajectory) -> dict[str, Any]:
        """Options that stand for the training rows in a score that relates a row to them.

        Parameters
        ----------
        trajectory : Trajectory
            The path of the whole training.
        """
        function = self.entry.population
        if function is None:
            return {}
        if self.steps is None:
            return function(trajectory, **self.options)
        if "steps" in _keywords(function):
            return function(trajectory, steps=self.steps, **self.options)
        return function(trajectory.window(self.steps), **self.options)

    def of_gradients(self, gradients: Iterable[np.ndarray]) -> np.ndarray:
        """Values for the rows whose gradients, or norms of them, come state by state."""
        n_samples = 0

        def counted() -> Iterator[np.ndarray]:
            nonlocal n_samples
            for of_state in gradients:
                n_samples = len(of_state)
                yield of_state

        values = self.entry.function(counted(), **self.options)
        return self._numbers(values, n_samples)

    def _checked(self, trajectory: Trajectory, **options: Any) -> np.ndarray:
        if self.component is not None:
            trajectory = with_component(trajectory, self.component)
        values = self.entry.function(trajectory, **options)
        return self._numbers(values, trajectory.n_samples)

    def _numbers(self, values: Any, n_samples: int) -> np.ndarray:
        if self.is_listed:
            return values
        given = np.asarray(values)
        if given.shape != (n_samples,) or given.dtype.kind not in "fiub":
            raise ValueError(
                f"score {self.entry.name!r} must return one number for each of the {n_samples} "
                f"samples, an array of shape ({n_samples},); it returned {_described(values)}."
            )
        return given.astype(np.float64)


def _is_equal(value: Any, other: Any) -> bool:
    """Whether two options are equal; where that cannot be told, they are not."""
    if value is other or type(value) is not type(other):
        return value is other
    if isinstance(value, list | tuple | np.ndarray | np.generic):
        return np.array_equal(value, other)
    # Frames and tensors compare entry by entry, or not at all, and mappings what they hold.
    is_plain = isinstance(value, Hashable | slice) and not hasattr(value, "__array__")
    return is_plain and bool(value == other)


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} of shape {value.shape}"
    return f"{type(value).__name__}"


def resolve_scores(
    score: Any, score_params: Mapping[str, Any] | None, *, component: str | None = None
) -> list[ResolvedScore]:
    """Look scores up and check their options.

    Parameters
    ----------
    score : str, callable, Score, or list of them
        Names, or functions of a trajectory.
    score_params : mapping or None
        Options of one score, or a mapping by name of the options of several.
    component : str or None, default=None
        Part of the loss that stands for it, in place of those in the options.

    Raises
    ------
    ValueError
        For an unknown name or option.
    TypeError
        For something that is no score, or options that are no mapping.
    """
    options = _mapping("score_params", score_params)
    if isinstance(score, str | Score) or callable(score):
        return [_resolve(_entry(score), options, component)]
    if not isinstance(score, list | tuple) or not score:
        raise TypeError(
            f"score must be a name out of {sorted(SCORES)}, a function of a Trajectory, a Score, "
            f"or a list of these; got {score!r}."
        )
    entries = [_entry(one) for one in score]
    names = [entry.name for entry in entries]
    unknown = [name for name in options if name not in names]
    if unknown:
        raise ValueError(
            f"score_params has options for {unknown}, which are not among the scores {names}: "
            "with several scores, score_params is a dict of options by the score's name."
        )
    return [
        _resolve(
            entry, _mapping(f"score_params[{entry.name!r}]", options.get(entry.name)), component
        )
        for entry in entries
    ]


def _mapping(name: str, value: Any) -> dict[str, Any]:
    """A copy of options by name."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(
            f"{name} must be a dict of options by name, such as {{'steps': 'early'}}, or None; "
            f"got {value!r}."
        )
    return dict(value)


def _entry(score: Any) -> Score:
    if isinstance(score, Score):
        return score
    if callable(score) and not isinstance(score, type):
        # A function of the package has its direction and needs in the table.
        listed = [entry for entry in SCORES.values() if entry.function is score]
        if listed:
            return listed[0]
        name = getattr(score, "__name__", type(score).__name__)
        # Which records it reads is not known: those that are missing raise when it reads them.
        return Score(name=name, function=score)
    check_choice("score", score, tuple(SCORES))
    return SCORES[score]


def _resolve(entry: Score, params: dict[str, Any], component: str | None) -> ResolvedScore:
    steps = check_window(params.pop("steps", None))
    own = params.pop("component", None)
    component = own if component is None else component
    if component is not None and (not isinstance(component, str) or not _is_of_loss(entry)):
        raise ValueError(
            f"component={component!r} was given for score {entry.name!r}: a component is the name "
            "of a part of the loss, which scores of the loss alone take, "
            f"{sorted(name for name, known in SCORES.items() if _is_of_loss(known))}."
        )
    gradient_options = {
        option: check_choice(f"score_params[{option!r}]", params.pop(option, choices[0]), choices)
        for option, choices in entry.choices.items()
    }
    accepted = _keywords(entry.function) - _GIVEN_HERE
    everywhere = ["steps", "component"] if _is_of_loss(entry) else ["steps"]
    unknown = [option for option in params if option not in accepted]
    if unknown and not _takes_anything(entry.function):
        raise ValueError(
            f"score_params has {unknown}, which score {entry.name!r} does not take; it takes "
            f"{sorted({*accepted, *gradient_options, *everywhere})}."
        )
    try:
        _signature(entry.function).bind(None, **params)
    except TypeError as error:
        raise TypeError(
            f"score {entry.name!r} must be a function of a Trajectory, whose other parameters have "
            f"defaults or stand in score_params; called with the options {params}, it says: "
            f"{error}."
        ) from error
    return ResolvedScore(entry, params, gradient_options, steps, component)


def _is_of_loss(entry: Score) -> bool:
    return entry.source == "records" and entry.needs == ("loss",)


def with_component(trajectory: Trajectory, component: str) -> Trajectory:
    """A trajectory whose loss is one part of its loss.

    Parameters
    ----------
    trajectory : Trajectory
        The path.
    component : str
        Name of the part.

    Raises
    ------
    RecordNotFoundError
        If there is no such part.
    """
    if component not in trajectory.components:
        known = ", ".join(map(repr, trajectory.components))
        raise RecordNotFoundError(
            f"component={component!r} is no part of the loss that was recorded: "
            + (
                f"the parts are {known}."
                if known
                else "the criterion gave one loss, without parts."
            )
        )
    return replace(trajectory, loss=trajectory.components[component])


def _signature(function: Callable[..., Any]) -> Signature:
    try:
        return signature(function)
    except ValueError as error:  # of some functions that are written in C
        raise TypeError(
            f"score must be a function whose parameters can be read, and those of {function!r} "
            "cannot: wrap it, as in def my_score(trajectory): ..."
        ) from error


def _keywords(function: Callable[..., Any]) -> set[str]:
    """Names of the options of a score's function, which is what follows its first parameter."""
    named = (Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    parameters = list(_signature(function).parameters.values())[1:]
    return {parameter.name for parameter in parameters if parameter.kind in named}


def _takes_anything(function: Callable[..., Any]) -> bool:
    parameters = _signature(function).parameters.values()
    return any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters)
