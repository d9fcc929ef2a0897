"""Easiness: in how many of many trainings a sample ends up right, or near its target."""

from collections.abc import Iterator
from numbers import Real
from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_fraction
from sklearn_difficulty.scores._over_runs import EachRun, warn_of_missing
from sklearn_difficulty.scores._over_steps import completed, whether_right
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["easiness", "largest_share"]


def easiness(
    trajectory: Trajectory,
    *,
    steps: Any = -1,
    tol: float | None = None,
    rank: float | None = None,
    largest: float | None = None,
    cutoffs: Any = None,
) -> np.ndarray:
    r"""Share of the runs in which a sample is classified correctly, over the largest such share.

    Lower is harder; 1 is easiest. With :math:`c_t` the number of runs in which sample t is right,

    .. math:: e_t = c_t / \max_j c_j

    With several labels for each sample, all of them have to be right. A regression has no right
    predictions, but near ones: give `tol` or `rank`, and :math:`c_t` is the number of runs in which
    the sample is predicted that well.

    A sample without a prediction in some runs counts with its share among the others. The score
    is coarse: with R runs it takes at most R + 1 values. The cost is one pass over the predictions
    of one step, after R trainings.

    Parameters
    ----------
    trajectory : Trajectory
        The path, of many runs; `prediction` and `y` are used, `outputs` and `y` with `tol` or
        `rank`.
    steps : None, int, slice, {"early", "late"} or (float, float), default=-1
        Part of the training to look at, in each run; see ``Trajectory.window``. By default it is
        the last step alone. Of several steps, each counts as if it were a run.
    tol : float or None, default=None
        For a regression: largest distance from the target, in its unit, at which a prediction is
        right. Of several targets, each has to be that near.
    rank : float or None, default=None
        For a regression, in place of `tol`: share of a run's predictions that are right, those with
        the smallest distances; 0.5 counts those that are nearer than the median.
    largest : float or None, default=None
        Largest share of right runs to relate the samples to, that of a larger set which they are
        judged as part of. None takes it from these samples.
    cutoffs : sequence of float or None, default=None
        Largest right distance of each run with `rank`, that of a larger set. None takes it from
        these samples.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The score, from 0 to 1; zeros if no sample is ever right. NaN for samples without a
        prediction in every run.

    Raises
    ------
    RecordNotFoundError
        If there are no predictions or no labels.
    IndexError
        If a run has no step in that part.
    ValueError
        If `tol` is negative, `rank` is not between 0 and 1, or both are given.

    Warns
    -----
    MissingRecordsWarning
        If samples have no prediction in any run.

    References
    ----------
    I. Kishida, H. Nakayama. Empirical Study of Easy and Hard Examples in CNN Training. ICONIP,
    2019. arXiv:1911.10739.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores import easiness
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> prediction = np.array([[[0, 1, 1]], [[0, 1, 0]], [[0, 0, 0]]])
    >>> trajectory = Trajectory(np.ones((3, 1, 3)), prediction=prediction, y=np.array([0, 1, 2]))
    >>> easiness(trajectory).round(4)
    array([1.    , 0.6667, 0.    ])
    """
    trajectory = trajectory.window(steps)
    shares = _shares(trajectory, tol, rank, cutoffs)
    warn_of_missing(np.isnan(shares), "easiness")
    if largest is None:
        largest = np.nanmax(shares, initial=0.0)
    return shares / largest if largest > 0 else shares


def largest_share(
    trajectory: Trajectory, *, steps: Any = -1, tol: float | None = None, rank: float | None = None
) -> dict[str, Any]:
    """What relates samples to a larger set, as options of ``easiness``.

    Parameters
    ----------
    trajectory : Trajectory
        The path of the samples that others are to be related to.
    steps : None, int, slice, {"early", "late"} or (float, float), default=-1
        Part of the training to look at.
    tol, rank : float or None, default=None
        As for ``easiness``.

    Returns
    -------
    dict
        ``{"largest": share}``, and ``"cutoffs"`` with `rank`.
    """
    trajectory = trajectory.window(steps)
    options: dict[str, Any] = {}
    if rank is not None:
        options["cutoffs"] = EachRun(_cutoffs(trajectory, rank))
    shares = _shares(trajectory, tol, rank, options.get("cutoffs"))
    return {"largest": float(np.nanmax(shares, initial=0.0)), **options}


def _shares(
    trajectory: Trajectory, tol: float | None, rank: float | None, cutoffs: Any
) -> np.ndarray:
    """Share of the runs that have a prediction of a sample in which it is right."""
    n_right = np.zeros(trajectory.n_samples)
    n_recorded = np.zeros(trajectory.n_samples)
    for recorded, right in _whether_right(trajectory, tol, rank, cutoffs):
        n_right += right
        n_recorded += recorded
    shares = np.full(trajectory.n_samples, np.nan)
    np.divide(n_right, n_recorded, out=shares, where=n_recorded > 0)
    return shares


def _whether_right(
    trajectory: Trajectory, tol: float | None, rank: float | None, cutoffs: Any
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Say for each step of each run which samples are predicted, and which of them well."""
    if tol is None and rank is None:
        trajectory.require("prediction", "y", score="easiness")
        assert trajectory.y is not None
        for prediction in completed(trajectory, "prediction", "easiness"):
            yield from whether_right(prediction, trajectory.y)
        return
    if tol is not None and rank is not None:
        raise ValueError(f"tol={tol!r} and rank={rank!r} were both given: pass one of them.")
    if tol is not None:
        limits = [_checked_distance(tol)] * trajectory.n_runs
    else:
        limits = list(_cutoffs(trajectory, rank) if cutoffs is None else cutoffs)
        if len(limits) != trajectory.n_runs:
            # The kept states of several folds' models stand for one run of the training.
            limits = list(np.repeat(limits, trajectory.n_runs // len(limits)))
    for distances, limit in zip(_distances(trajectory), limits, strict=True):
        for distance in distances:
            yield ~np.isnan(distance), distance <= limit


def _distances(trajectory: Trajectory) -> Iterator[np.ndarray]:
    """Distances from the targets in each run, (n_steps, n_samples); the largest of several."""
    trajectory.require("outputs", "y", score="easiness")
    assert trajectory.y is not None
    y = np.asarray(trajectory.y, dtype=np.float64).reshape(trajectory.n_samples, -1)
    for outputs in completed(trajectory, "outputs", "easiness"):
        flat = outputs.reshape(*outputs.shape[:2], -1)
        if flat.shape[2] != y.shape[1]:
            raise ValueError(
                "easiness with tol or rank compares predictions with targets, and the model gives "
                f"{flat.shape[2]} outputs where there are {y.shape[1]} targets for each sample."
            )
        yield np.abs(flat - y).max(axis=2)


def _cutoffs(trajectory: Trajectory, rank: Any) -> list[float]:
    """Distance in each run that the share `rank` of its predictions keeps to."""
    share = check_fraction("rank", rank)
    return [float(np.nanquantile(run, share)) for run in _distances(trajectory)]


def _checked_distance(tol: Any) -> float:
    if isinstance(tol, bool) or not isinstance(tol, Real):
        raise TypeError(f"tol must be a number, in the unit of the targets; got {tol!r}.")
    if not float(tol) >= 0:
        raise ValueError(f"tol must be a distance, at least 0; got {tol!r}.")
    return float(tol)
