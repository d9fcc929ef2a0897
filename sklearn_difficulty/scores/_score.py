"""What the rest of the package has to know about a score."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np

from sklearn_difficulty._validation import check_choice
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["Score"]


@dataclass(frozen=True)
class Score:
    """A score and what it takes to compute it.

    Parameters
    ----------
    name : str
        Name under which it is asked for.
    function : callable
        Takes a ``Trajectory``, or what `source` says, and keyword options; returns one float64 per
        sample, the quantity as its paper defines it.
    needs : tuple of str, default=("loss",)
        Fields of the :class:`~sklearn_difficulty.trajectory.Trajectory` that it reads, of which
        ``"outputs"`` are only recorded where a score needs them. ``"snapshots"`` for a score from
        gradients.
    higher_is_harder : bool, default=True
        Whether a larger value means a harder sample. Nothing else knows the direction.
    needs_labels : bool, default=True
        Whether it depends on the labels.
    source : {"records", "input_gradients", "gradient_norms"}, default="records"
        What the function is given: the trajectory; an iterable over kept snapshots of the gradients
        by the input, arrays of shape (n_samples, ...); or one of the norms of the gradients by the
        parameters, arrays of shape (n_samples,). Both come for some samples after the others, so
        that a score from them cannot relate a sample to others.
    choices : mapping of str to tuple, optional
        Options of how gradients are made, with the values that they accept, the default first.
    least_states : int, default=1
        How many snapshots a score from gradients needs.
    default_runs : int, default=1
        How many independent trainings it needs to be of use.
    over_runs : {"mean", "joint"}, default="mean"
        Whether the score of several runs is the mean of its values in each, or is only defined for
        all of them together.
    population : callable or None, default=None
        For a score that relates a sample to the others: makes, of the training rows' trajectory
        and the options of the score, the options that stand for those rows when others are scored.
    needs_with : mapping of str to tuple of str, optional
        Options of its function with which it reads other fields than `needs` says.
    label_sets : bool, default=False
        Whether it is defined for samples with several labels each, too.
    reference : str, default=""
        Where it is defined.

    Raises
    ------
    TypeError
        If `function` cannot be called, or `needs` is no tuple.
    ValueError
        If `needs`, `source` or `over_runs` are something else.

    Examples
    --------
    >>> from sklearn_difficulty.scores import SCORES
    >>> SCORES["easiness"].higher_is_harder, SCORES["easiness"].default_runs
    (False, 20)
    """

    name: str
    function: Callable[..., np.ndarray]
    needs: tuple[str, ...] = ("loss",)
    higher_is_harder: bool = True
    needs_labels: bool = True
    source: Literal["records", "input_gradients", "gradient_norms"] = "records"
    choices: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    least_states: int = 1
    default_runs: int = 1
    over_runs: Literal["mean", "joint"] = "mean"
    population: Callable[..., dict[str, Any]] | None = None
    needs_with: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    label_sets: bool = False
    reference: str = ""

    def __post_init__(self) -> None:
        """Refuse what nobody would look at again."""
        if not callable(self.function):
            raise TypeError(f"function must be a function of a Trajectory; got {self.function!r}.")
        if not isinstance(self.needs, tuple):
            raise TypeError(
                f"needs must be a tuple of names, such as ('prediction', 'y'); got {self.needs!r}."
            )
        for name in self.needs:
            check_choice("needs", name, tuple(one.name for one in fields(Trajectory)))
        check_choice("source", self.source, ("records", "input_gradients", "gradient_norms"))
        check_choice("over_runs", self.over_runs, ("mean", "joint"))

    @property
    def from_gradients(self) -> bool:
        """Whether it is computed at the snapshots, with gradients, not from the records."""
        return self.source != "records"
