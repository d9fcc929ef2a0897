"""Wrong labels made on purpose: they show what a wrong label looks like to a model."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from sklearn_difficulty.scores._beliefs import can_be_judged
from sklearn_difficulty.scores._consensus import judged
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["PlantedErrors", "PlantedLabels", "draw_errors", "plant_errors"]

SHARE = 0.1


class PlantedLabels(NamedTuple):
    """Labels some of which were made wrong.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        The labels, with the errors.
    planted : ndarray of shape (n_samples,), bool
        Where the errors are.
    believed : ndarray of shape (n_samples,), bool
        Whether the first training believed the label that was there before, above all rivals.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_difficulty import DifficultyScorer
    >>> from sklearn_difficulty.labels import plant_errors
    >>> X, y = load_iris(return_X_y=True)
    >>> labels = plant_errors(DifficultyScorer(random_state=0).fit(X, y).trajectory_, 0)
    >>> int(labels.planted.sum()), bool(labels.believed.mean() > 0.9)
    (15, True)
    """

    y: np.ndarray
    planted: np.ndarray
    believed: np.ndarray


class PlantedErrors(NamedTuple):
    """A training on labels some of which were made wrong.

    Parameters
    ----------
    trajectory : Trajectory
        The path, under the labels it was trained on.
    labels : PlantedLabels
        Those labels, as :func:`plant_errors` gave them.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_difficulty import DifficultyScorer
    >>> from sklearn_difficulty.labels import PlantedErrors, estimate_label_noise, plant_errors
    >>> X, y = load_iris(return_X_y=True)
    >>> scorer = DifficultyScorer(random_state=0).fit(X, y)
    >>> labels = plant_errors(scorer.trajectory_, random_state=0)
    >>> another = DifficultyScorer(random_state=0).fit(X, labels.y)
    >>> errors = PlantedErrors(another.trajectory_, labels)
    >>> estimate_label_noise(scorer.trajectory_, errors).calibrated
    True
    """

    trajectory: Trajectory
    labels: PlantedLabels


def plant_errors(trajectory: Trajectory, random_state: Any = None) -> PlantedLabels:
    """Make a tenth of the labels of each class wrong, for a second training.

    What they become follows the mistakes that the first training shows, drawn towards all other
    classes alike as in :func:`~sklearn_difficulty.scores.consensus`.

    Parameters
    ----------
    trajectory : Trajectory
        The path of the first training: `y` and `classes` are used, and `proba`, `margin` and
        `prediction` if they are there. Without these labels become any other class alike, and all
        count as believed.
    random_state : int, RandomState instance or None, default=None
        Source of which labels, and what they become.

    Returns
    -------
    PlantedLabels
        The labels for the second training, and where the errors are. Of a class with fewer than
        ten rows there may be one or none; no class loses its last row.

    Raises
    ------
    RecordNotFoundError
        If the path has no `y` or no `classes`.
    ValueError
        If there are fewer than two classes.

    References
    ----------
    G. Pleiss, T. Zhang, E. Elenberg, K. Weinberger. Identifying Mislabeled Data using the Area
    Under the Margin Ranking. NeurIPS, 2020 (threshold samples, there of an additional class).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_difficulty import DifficultyScorer
    >>> from sklearn_difficulty.labels import plant_errors
    >>> X, y = load_digits(return_X_y=True)
    >>> labels = plant_errors(DifficultyScorer(random_state=0).fit(X, y).trajectory_, 0)
    >>> bool(((labels.y != y) == labels.planted).all()), int(labels.planted.sum())
    (True, 179)
    """
    trajectory.require("y", "classes", score="plant_errors")
    assert trajectory.y is not None and trajectory.classes is not None
    codes, classes = np.asarray(trajectory.y), np.asarray(trajectory.classes)
    if len(classes) < 2:
        raise ValueError(
            f"with {len(classes)} class, no label can be made wrong; at least 2 are needed."
        )
    believed, confusions = np.ones(len(codes), dtype=bool), None
    if can_be_judged(trajectory):
        # If a label was wrong already, another one could be right.
        _, confusions, _, believed = judged(trajectory)
    planted_codes = draw_errors(codes, len(classes), check_random_state(random_state), confusions)
    return PlantedLabels(classes[planted_codes], planted_codes != codes, believed)


def draw_errors(
    codes: np.ndarray,
    n_classes: int,
    random_state: np.random.RandomState,
    confusions: np.ndarray | None = None,
) -> np.ndarray:
    """Make a tenth of the labels of each class wrong.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,), int
        Class numbers.
    n_classes : int
        How many there are, at least 2.
    random_state : RandomState
        Source of which labels, and what they become.
    confusions : ndarray of shape (n_classes, n_classes) or None, default=None
        How probably a label of each class (row) becomes each other (column); None is all alike.

    Returns
    -------
    ndarray of shape (n_samples,), int
        Class numbers with the errors.
    """
    if confusions is None:
        confusions = (1 - np.eye(n_classes)) / (n_classes - 1)
    planted_codes = codes.copy()
    for code in range(n_classes):
        rows = np.flatnonzero(codes == code)
        # Small classes have a tenth of a row or two; on average over the classes it is a tenth.
        n_planted = int(len(rows) * SHARE + random_state.random_sample())
        drawn = random_state.permutation(rows)[: min(n_planted, max(len(rows) - 1, 0))]
        planted_codes[drawn] = random_state.choice(n_classes, len(drawn), p=confusions[code])
    return planted_codes
