"""Agreement: how many pairs of trainings say the same of a sample."""

from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_choice
from sklearn_difficulty.scores._members import last_of_runs, row_blocks
from sklearn_difficulty.scores._over_runs import warn_of_missing
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["agreement"]


def agreement(trajectory: Trajectory, *, on: str = "prediction", steps: Any = None) -> np.ndarray:
    r"""Share of the pairs of runs that agree on a sample, after the last step of each.

    Lower is harder. With :math:`n_{ik}` the number of runs that predict class k, out of the
    :math:`R_i` that recorded the sample,

    .. math:: a_i = \sum_k \binom{n_{ik}}{2} \Big/ \binom{R_i}{2}

    Networks that are trained independently learn the same samples first, so the ones that they do
    not agree on are those that training learns late or by chance. All may agree on a wrong answer,
    too. The cost is one pass over the predictions of one step.

    Parameters
    ----------
    trajectory : Trajectory
        The path, of several runs; `prediction` is used, and `y` for ``on="correct"``.
    on : {"prediction", "correct"}, default="prediction"
        Two runs agree if they predict the same class, for which no labels are needed; or if both
        are right or both wrong.
    steps : None, int, slice, {"early", "late"} or (float, float), default=None
        Part of the training at the end of which to look, see ``Trajectory.window``. By default it
        is the whole training.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The score, from 0 to 1. NaN for samples with a prediction in fewer than two runs.

    Raises
    ------
    RecordNotFoundError
        If there are no predictions, or no labels where they are needed.
    ValueError
        If `on` is something else.
    IndexError
        If a run has no step in that part.

    Warns
    -----
    MissingRecordsWarning
        If there are samples with a prediction in fewer than two runs.

    References
    ----------
    I. Pliushch, M. Mundt, N. Lupp, V. Ramesh. When Deep Classifiers Agree: Analyzing Correlations
    between Learning Order and Image Statistics. ECCV, 2022, appendix B (observed agreement).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.scores import agreement
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> prediction = np.array([[[0, 1, 1]], [[0, 1, 2]], [[0, 0, 0]]])
    >>> trajectory = Trajectory(np.ones((3, 1, 3)), prediction=prediction, y=np.array([0, 1, 2]))
    >>> agreement(trajectory).round(4)
    array([1.    , 0.3333, 0.    ])
    >>> agreement(trajectory, on="correct").round(4)
    array([1.    , 0.3333, 0.3333])
    """
    trajectory = trajectory.window(steps)
    check_choice("on", on, ("prediction", "correct"))
    trajectory.require("prediction", *(["y"] if on == "correct" else []), score="agreement")
    said = last_of_runs(trajectory, "prediction", "agreement")
    if on == "correct":
        # -1 where there is no prediction, as in the record.
        said = [np.where(p < 0, -1, p == trajectory.y) for p in said]
    shares = _share_of_pairs(said, trajectory.n_samples)
    warn_of_missing(np.isnan(shares), "agreement")
    return shares


def _share_of_pairs(said: list[np.ndarray], n_samples: int) -> np.ndarray:
    """Share of the runs' pairs that say the same, from whole numbers, -1 for nothing."""
    n_answers = 1 + max((int(answers.max(initial=0)) for answers in said), default=0)
    shares = np.full(n_samples, np.nan)
    for rows in row_blocks(n_samples, n_answers):
        # How many runs give each answer: pairs are not gone through, of which there are many.
        counts = np.zeros((rows.stop - rows.start, n_answers))
        for answers in said:
            [recorded] = np.nonzero(answers[rows] >= 0)
            counts[recorded, answers[rows][recorded]] += 1
        n_runs = counts.sum(axis=1)
        agreeing = (counts * (counts - 1)).sum(axis=1)
        np.divide(agreeing, n_runs * (n_runs - 1), out=shares[rows], where=n_runs > 1)
    return shares
