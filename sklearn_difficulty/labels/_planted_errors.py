"""Wrong labels made on purpose: they show what a wrong label looks like to a model."""

from typing import NamedTuple

import numpy as np

from sklearn_difficulty.trajectory import Trajectory

__all__ = ["PlantedErrors", "plant_errors"]

_SHARE = 0.1


class PlantedErrors(NamedTuple):
    """A training on labels some of which were made wrong.

    Parameters
    ----------
    trajectory : Trajectory
        The path, under the labels it was trained on.
    planted : ndarray of shape (n_samples,), bool
        Which of them were made wrong.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_difficulty import DifficultyScorer
    >>> from sklearn_difficulty.labels import PlantedErrors, estimate_label_noise, plant_errors
    >>> X, y = load_iris(return_X_y=True)
    >>> scorer = DifficultyScorer(random_state=0).fit(X, y)
    >>> planted_y, planted = plant_errors(y, 3, np.random.RandomState(0))
    >>> another = DifficultyScorer(random_state=0).fit(X, planted_y)
    >>> errors = PlantedErrors(another.trajectory_, planted)
    >>> estimate_label_noise(scorer.trajectory_, errors).calibrated
    True
    """

    trajectory: Trajectory
    planted: np.ndarray


def plant_errors(
    codes: np.ndarray, n_classes: int, random_state: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Make a tenth of the labels of each class wrong.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,), int
        Class numbers.
    n_classes : int
        How many there are, at least 2.
    random_state : RandomState
        Source of which labels, and what they become: any other class, all alike.

    Returns
    -------
    planted_codes : ndarray of shape (n_samples,), int
        The labels with the errors.
    planted : ndarray of shape (n_samples,), bool
        Where they are. Of a class with fewer than ten rows there may be one or none; no class
        loses its last row.

    References
    ----------
    G. Pleiss, T. Zhang, E. Elenberg, K. Weinberger. Identifying Mislabeled Data using the Area
    Under the Margin Ranking. NeurIPS, 2020 (threshold samples, there of an additional class).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.labels import plant_errors
    >>> codes = np.repeat([0, 1], 20)
    >>> planted_codes, planted = plant_errors(codes, 2, np.random.RandomState(0))
    >>> int(planted.sum()), bool((planted_codes[planted] == 1 - codes[planted]).all())
    (4, True)
    """
    planted_codes = codes.copy()
    for code in range(n_classes):
        rows = np.flatnonzero(codes == code)
        # Small classes have a tenth of a row or two; on average over the classes it is a tenth.
        n_planted = int(len(rows) * _SHARE + random_state.random_sample())
        drawn = random_state.permutation(rows)[: min(n_planted, max(len(rows) - 1, 0))]
        moves = random_state.randint(1, n_classes, size=len(drawn))
        planted_codes[drawn] = (code + moves) % n_classes
    return planted_codes, planted_codes != codes
