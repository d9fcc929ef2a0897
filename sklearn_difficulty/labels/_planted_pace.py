"""Pace of a training as planted errors show it: which of its steps tell them from other rows."""

from collections.abc import Iterator, Sequence

import numpy as np

from sklearn_difficulty.labels._excess import Excess
from sklearn_difficulty.labels._labelled import Labelled
from sklearn_difficulty.labels._planted_errors import PlantedErrors
from sklearn_difficulty.scores._over_steps import completed, step_times
from sklearn_difficulty.scores._pace import Pace

__all__ = ["planted_pace"]

# How far the steps in which errors stand out most outweigh the others; chosen on the data of
# benchmarks/detection.py.
_SHARPNESS = 8
# Of the largest excess; with it to that power, a step weighs next to nothing, but not nothing: it
# may be the only one in which a row was recorded, or that a training came to.
_LEAST_PART = 0.1
# More rows would take longer, and tell no more.
_MOST_OTHERS = 20_000


def planted_pace(paces: Sequence[Pace], planted_errors: Sequence[PlantedErrors]) -> list[Pace]:
    """Tell how much the steps of each run count, by how far planted errors stand out in them.

    Steps weigh what they weigh without planted errors, times the eighth power of the mean excess
    of these over rows with the same label, or of a tenth of the largest, if that is more. So a step
    that tells of wrong labels by all that one training shows, but knows the planted ones by heart,
    or has yet to learn what is right, hardly counts.

    Parameters
    ----------
    paces : sequence of (ndarray, ndarray)
        For each run of the first training points in time, and the weight of all steps before them;
        see :func:`~sklearn_difficulty.scores._pace.paces_of`.
    planted_errors : sequence of PlantedErrors
        The other trainings, at least one.

    Returns
    -------
    list of (ndarray, ndarray)
        The same with other weights.
    """
    excesses = [run for each in planted_errors for run in _excess_in_steps(each)]
    return [_weighed(pace, excesses) for pace in paces]


def _excess_in_steps(planted_errors: PlantedErrors) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield for each run when its steps end, and the mean excess of the errors in each."""
    path, labels = planted_errors
    y = np.asarray(path.y)
    errors, others = np.flatnonzero(labels.planted), np.flatnonzero(~labels.planted)
    others = others[:: len(others) // _MOST_OTHERS + 1]
    _, ends = step_times(path)
    for run, margins in enumerate(completed(path, "margin", "consensus")):
        if len(margins):
            excess = [
                Excess.of(_contradicted(margin, y, errors), _contradicted(margin, y, others)).mean
                for margin in margins
            ]
            yield ends[run, : len(excess)], np.array(excess)


def _contradicted(margin: np.ndarray, y: np.ndarray, rows: np.ndarray) -> Labelled:
    """How far a step contradicts the labels of some rows."""
    rows = rows[~np.isnan(margin[rows])]
    return Labelled(-margin[rows], y[rows])


def _weighed(pace: Pace, excesses: list[tuple[np.ndarray, np.ndarray]]) -> Pace:
    """Weigh the steps of a run by the excess that there is at their time."""
    times, before = pace
    middles = (times[:-1] + times[1:]) / 2
    excess = np.mean(
        [each[np.searchsorted(ends, middles).clip(max=len(each) - 1)] for ends, each in excesses],
        axis=0,
    )
    if not (excess > 0).any():
        return pace
    weights = np.diff(before) * np.maximum(excess, _LEAST_PART * excess.max()) ** _SHARPNESS
    return times, np.append(0.0, np.cumsum(weights) / weights.sum())
