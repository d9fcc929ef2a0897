"""What the models took each sample for on the way."""

import numpy as np

from sklearn_difficulty.trajectory import Trajectory

__all__ = ["likely_labels"]


def likely_labels(trajectory: Trajectory) -> np.ndarray:
    """Give the class that each sample was predicted as most often during training.

    A model learns first what most samples have in common and memorises wrong labels last, so what
    it says on the way is a better guess of the true label than what it says in the end.

    Parameters
    ----------
    trajectory : Trajectory
        The path; `prediction` and `classes` are used, in all completed steps of all runs.

    Returns
    -------
    ndarray of shape (n_samples,)
        Labels out of ``trajectory.classes``. Among classes that were predicted equally often it is
        the one that was predicted later, that is after a later step; among those that were
        predicted last after the same step, by different runs, the first in ``classes``.

    Raises
    ------
    RecordNotFoundError
        If predictions or classes were not recorded.
    ValueError
        If a sample has no prediction at all.

    See Also
    --------
    sklearn_difficulty.scores.action : A score that says which labels are suspicious.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.analysis import likely_labels
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> prediction = np.array([[[0, 1], [0, 1], [1, 0]]])
    >>> trajectory = Trajectory(
    ...     np.ones((1, 3, 2)),
    ...     prediction=prediction,
    ...     y=np.array([1, 0]),
    ...     classes=np.array(["ant", "bee"]),
    ... )
    >>> likely_labels(trajectory)
    array(['ant', 'bee'], dtype='<U3')
    """
    trajectory.require("prediction", "classes", score="likely_labels")
    assert trajectory.prediction is not None and trajectory.classes is not None
    shape = (trajectory.n_samples, len(trajectory.classes))
    times = np.zeros(shape, dtype=np.int64)
    last_step = np.full(shape, -1, dtype=np.int64)
    # Step by step: the record may be on disk, and one-hot it would be many times its size.
    for run, n_steps in enumerate(trajectory.n_steps):
        for step in range(n_steps):
            predicted = trajectory.prediction[run, step]
            rows = np.flatnonzero(predicted >= 0)
            cells = rows, predicted[rows]
            times[cells] += 1
            last_step[cells] = np.maximum(last_step[cells], step)
    unknown = np.flatnonzero(~times.any(axis=1))
    if len(unknown) > 0:
        raise ValueError(
            f"likely_labels needs a prediction of every sample; {len(unknown)} of "
            f"{trajectory.n_samples} have none, the first at index {unknown[0]}. Leave them out "
            "with trajectory.select(samples=...)."
        )
    most_often = times == times.max(axis=1, keepdims=True)
    return np.asarray(trajectory.classes)[np.where(most_often, last_step, -1).argmax(axis=1)]
