"""A second training, on labels some of which are made wrong on purpose."""

from typing import Any

import numpy as np
from joblib import Memory
from sklearn.base import clone
from torch.utils.data import Dataset

from sklearn_difficulty._scorer import DifficultyScorer
from sklearn_difficulty.labels import PlantedErrors, plant_errors
from sklearn_difficulty.selection._fit_once import fit_once


def train_on_planted_errors(
    scorer: Any,
    X: Any,
    classes: np.ndarray,
    codes: np.ndarray,
    groups: Any,
    *,
    memory: Memory,
    random_state: np.random.RandomState,
) -> PlantedErrors | None:
    """Train a scorer once more, with a tenth of the labels of each class made wrong.

    Parameters
    ----------
    scorer : estimator
        Scorer as it was fitted to the given labels; it is cloned.
    X : container of n_samples rows
        Rows.
    classes : ndarray of shape (n_classes,)
        Labels.
    codes : ndarray of shape (n_samples,), int
        Given classes as numbers.
    groups : array-like of shape (n_samples,) or None
        Groups of rows, for the scorer.
    memory : joblib.Memory
        Cache of fitted scorers.
    random_state : RandomState
        Source of which labels are made wrong.

    Returns
    -------
    PlantedErrors or None
        The path of that training. None where it would tell nothing: for a scorer that leaves no
        path of classes, for one class, and for a Dataset, which holds its labels itself.

    Examples
    --------
    >>> import numpy as np
    >>> from joblib import Memory
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_difficulty import DifficultyScorer
    >>> from sklearn_difficulty.selection._planted_training import train_on_planted_errors
    >>> X, y = load_iris(return_X_y=True)
    >>> errors = train_on_planted_errors(
    ...     DifficultyScorer(random_state=0),
    ...     X,
    ...     np.unique(y),
    ...     y,
    ...     None,
    ...     memory=Memory(None),
    ...     random_state=np.random.RandomState(0),
    ... )
    >>> int(errors.planted.sum())
    15
    """
    if not isinstance(scorer, DifficultyScorer) or isinstance(X, Dataset) or len(classes) < 2:
        return None
    planted_codes, planted = plant_errors(codes, len(classes), random_state)
    # Nothing but the path is needed, and a folder that was named holds the other training.
    another = clone(scorer).set_params(
        score="consensus", score_params=None, snapshots=None, storage=None
    )
    fitted = fit_once(another, X, classes[planted_codes], groups, memory=memory)
    return PlantedErrors(fitted.trajectory_, planted)
