"""Pace of a training: how much each of its steps tells of labels that are wrong."""

from collections.abc import Iterator, Sequence

import numpy as np

from sklearn_difficulty.scores._over_runs import EachRun
from sklearn_difficulty.scores._over_steps import completed, span_of_steps, step_times
from sklearn_difficulty.scores._rival_proba import rival_proba
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["Pace", "paces_of", "weights_of_steps"]

# Points in time, and the weight of all steps before them.
Pace = tuple[np.ndarray, np.ndarray]

# How far the steps that tell most outweigh the others, and what every step tells in any case:
# where hardly any label is contradicted, all steps count alike, since otherwise those would that
# have yet to learn right labels. Chosen on the data of benchmarks/detection.py.
_SHARPNESS, _IN_ANY_CASE = 4, 0.01


def paces_of(trajectory: Trajectory) -> EachRun:
    """Tell how much the steps of each run count.

    A step tells of wrong labels as far as its model contradicts labels, and is yet right about
    most: the mean lead of the rivals where they are ahead, times the squared share of labels that
    are ahead. A model that has learnt nothing is undecided or mostly wrong, and one that knows the
    wrong labels by heart contradicts none.

    Parameters
    ----------
    trajectory : Trajectory
        The path of a classifier, with `proba` and `margin`.

    Returns
    -------
    EachRun of Pace
        For each run points in time, and the weight of all steps before them, from 0 to 1.
    """
    paces = []
    begins, ends = step_times(trajectory)
    spans = span_of_steps(trajectory)
    records = (completed(trajectory, name, "consensus") for name in ("proba", "margin"))
    for run, (proba, margin) in enumerate(zip(*records, strict=True)):
        n_steps = len(proba)
        tells = _without_peaks([_tells(*step) for step in zip(proba, margin, strict=True)])
        weights = (tells + _IN_ANY_CASE) ** _SHARPNESS
        after = np.cumsum(weights * spans[run])
        # A window may leave steps out in between, which have no weight.
        ends_of_steps = np.stack([begins[run, :n_steps], ends[run, :n_steps]], axis=1)
        weights_before = np.stack([np.append(0.0, after)[:-1], after], axis=1)
        times, places = np.unique(np.append(begins[run, :1], ends_of_steps), return_index=True)
        total = after[-1] if n_steps else 1.0
        paces.append((times, np.append(0.0, weights_before)[places] / total))
    return EachRun(paces)


def _tells(proba: np.ndarray, margin: np.ndarray) -> float:
    """How much a step tells of wrong labels, from 0 (nothing)."""
    n_known = max(int(np.count_nonzero(~np.isnan(proba))), 1)
    # Most labels are not contradicted, and what their rivals have need not be known.
    rows = np.flatnonzero(margin < 0)
    own = proba[rows]
    lead = np.maximum(rival_proba(own, margin[rows]) - own, 0.0).sum() / n_known
    return float(lead * (1 - len(rows) / n_known) ** 2)


def _without_peaks(values: list[float]) -> np.ndarray:
    """Cut each value to the larger one of its neighbours; at either end it stays what it is.

    A training that stumbles contradicts many labels for a single step.
    """
    cut = np.array(values)
    cut[1:-1] = np.minimum(cut[1:-1], np.maximum(cut[:-2], cut[2:]))
    return cut


def weights_of_steps(trajectory: Trajectory, paces: Sequence[Pace]) -> Iterator[np.ndarray]:
    """Yield for each run the weights of its steps.

    Parameters
    ----------
    trajectory : Trajectory
        The path.
    paces : sequence of Pace
        Those of its runs; of fewer runs, each holds for as many in turn.

    Yields
    ------
    ndarray of shape (n_completed_steps,), float64
        Weights.
    """
    begins, ends = step_times(trajectory)
    for run, n_steps in enumerate(trajectory.n_steps):
        # Each of the models that judge held-out rows is a run of its own when others are scored.
        times, before = paces[run * len(paces) // trajectory.n_runs]
        yield np.interp(ends[run, :n_steps], times, before) - np.interp(
            begins[run, :n_steps], times, before
        )
