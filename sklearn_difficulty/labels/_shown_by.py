"""What the paths of trainings on planted errors show, on the scale of the consensus."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sklearn_difficulty.labels._labelled import Labelled
from sklearn_difficulty.labels._planted_errors import PlantedErrors, PlantedLabels
from sklearn_difficulty.labels._planted_pace import planted_pace
from sklearn_difficulty.labels._shown import Shown
from sklearn_difficulty.scores._consensus import judged
from sklearn_difficulty.scores._pace import Pace, paces_of
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["checked_errors", "shown_by"]


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
        The pace at which they look so, for the consensus of the first training; None is its own,
        where errors do not stand out, or no run has several steps.
    """
    own = Shown.pooled(_shown(errors, None) for errors in planted_errors)
    if not own.tells:
        return own, None
    paces = list(paces_of(trajectory))
    if all(len(times) <= 2 for times, _ in paces):
        return own, None  # one step can only weigh all
    pace = planted_pace(paces, planted_errors)
    shown = Shown.pooled(_shown(errors, pace) for errors in planted_errors)
    # Whether they stand out is not asked in the steps that were chosen for it: there, a model that
    # knows nothing would look as if it did.
    return shown._replace(excess=own.excess), pace


def _shown(errors: PlantedErrors, pace: list[Pace] | None) -> Shown:
    """Sort rows by their consensus; those without a record were warned of in the first training."""
    path, labels = errors
    rows = Labelled(judged(path, pace).consensus, np.asarray(path.y))
    return Shown.of(rows, labels.planted, labels.believed)
