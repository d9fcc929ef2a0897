"""What the paths of trainings on planted errors show, on the scale of the consensus."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sklearn_difficulty.labels._excess import Excess
from sklearn_difficulty.labels._labelled import Labelled
from sklearn_difficulty.labels._planted_errors import PlantedErrors, PlantedLabels
from sklearn_difficulty.labels._planted_pace import Planted, planted_pace
from sklearn_difficulty.labels._shown import Shown
from sklearn_difficulty.scores._beliefs import beliefs
from sklearn_difficulty.scores._consensus import confusions_of, consensus_of
from sklearn_difficulty.scores._pace import Pace, paces_of
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["checked_errors", "shown_by"]


# In so many parts errors are asked at the pace of the other parts.
_PARTS = 5


def checked_errors(planted_errors: Any) -> list[PlantedErrors]:
    """Check what is given as planted errors.

    Parameters
    ----------
    planted_errors : PlantedErrors, sequence of PlantedErrors or None
        Value received.

    Returns
    -------
    list of PlantedErrors
        One for each training.

    Raises
    ------
    TypeError, ValueError
        If it is something else, or its masks are not of its rows.
    """
    if planted_errors is None:
        return []
    if isinstance(planted_errors, PlantedErrors):
        planted_errors = [planted_errors]
    if not isinstance(planted_errors, Sequence) or not all(map(_are_planted, planted_errors)):
        raise TypeError(
            "planted_errors must be PlantedErrors(trajectory, labels) with labels of plant_errors, "
            f"several of them, or None; got {planted_errors!r:.99}."
        )
    for path, labels in planted_errors:
        for name in ("planted", "believed"):
            mask = np.asarray(getattr(labels, name))
            if mask.shape != (path.n_samples,) or mask.dtype != bool:
                raise ValueError(
                    f"planted_errors.labels.{name} must be a mask of the {path.n_samples} samples "
                    f"of its trajectory; got an array of {mask.dtype} of shape {mask.shape}."
                )
    return list(planted_errors)


def _are_planted(errors: Any) -> bool:
    return isinstance(errors, PlantedErrors) and isinstance(errors.labels, PlantedLabels)


def shown_by(
    trajectory: Trajectory, planted_errors: Sequence[PlantedErrors]
) -> tuple[Shown, list[Pace] | None]:
    """Read off what planted errors show.

    Parameters
    ----------
    trajectory : Trajectory
        The path of the first training.
    planted_errors : sequence of PlantedErrors
        Those of the others.

    Returns
    -------
    shown : Shown
        What right and wrong labels look like.
    pace : list of (ndarray, ndarray) or None
        The pace at which they look so, for the consensus of the first training; None is its own.
    """
    planted = [Planted(path, labels.planted, ~labels.planted) for path, labels in planted_errors]
    own = list(paces_of(trajectory))
    # One step can only weigh all.
    has_steps = planted and any(len(times) > 2 for times, _ in own)
    pace = planted_pace(own, planted) if has_steps else None
    shown = Shown.pooled(
        Shown.of(_rows(path, pace), labels.planted, labels.believed)
        for path, labels in planted_errors
    )
    if pace is not None:
        shown = shown._replace(excess=_excess_elsewhere(own, planted))
    return shown, pace


def _excess_elsewhere(paces: Sequence[Pace], planted: Sequence[Planted]) -> Excess:
    """Excess of each part of the errors, at the pace that the other parts show.

    Steps in which some errors stand out by chance were chosen for that, and would let a model look
    as if it knew something.
    """
    generator = np.random.RandomState(0)
    parts = [generator.randint(_PARTS, size=len(each.errors)) for each in planted]
    excesses = []
    for number in range(_PARTS):
        asked = [part == number for part in parts]
        others = [
            each._replace(errors=each.errors & ~these)
            for each, these in zip(planted, asked, strict=True)
        ]
        pace = planted_pace(paces, others)
        for each, these in zip(planted, asked, strict=True):
            rows = _rows(each.path, pace)
            known = ~np.isnan(rows.values)
            errors = rows.take(each.errors & these & known)
            excesses.append(Excess.of(errors, rows.take(each.others & known)))
    return Excess.together(excesses)


def _rows(path: Trajectory, pace: list[Pace] | None) -> Labelled:
    """Consensus of all rows; those without a record were warned of in the first training."""
    belief, y = beliefs(path, pace), np.asarray(path.y)
    return Labelled(consensus_of(belief, y, confusions_of(belief, y)), y)
