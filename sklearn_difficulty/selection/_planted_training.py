"""A second training, on labels some of which are made wrong on purpose."""

import warnings
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
from joblib import Memory
from sklearn.base import clone
from torch.utils.data import Dataset

from sklearn_difficulty._asked import resolve_scores
from sklearn_difficulty._scorer import DifficultyScorer
from sklearn_difficulty.labels import PlantedErrors, plant_errors
from sklearn_difficulty.scores import SCORES
from sklearn_difficulty.selection._fit_once import fit_once

_PLANTING = 1


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
        Source of which labels are made wrong, for a scorer without a seed of its own: with one,
        they are the same ones each time, as its training is.

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
    if isinstance(scorer.random_state, Integral):
        # Not the numbers of a generator that the seed alone makes, which split rows elsewhere.
        random_state = np.random.RandomState([int(scorer.random_state), _PLANTING])
    planted_codes, planted = plant_errors(codes, len(classes), random_state)
    # Nothing but the path is needed, of as many runs, and a folder that was named holds the other
    # training.
    given = scorer.get_params(deep=False)
    scores = resolve_scores(given["score"], given["score_params"])
    n_runs = max(score.default_runs for score in scores)
    another = clone(scorer).set_params(
        score=replace(SCORES["consensus"], default_runs=n_runs),
        score_params=None,
        snapshots=None,
        storage=None,
    )
    with warnings.catch_warnings():
        # What there is to say of the rows, the first training has said; that a solver takes longer
        # to fit labels that nobody gave is no matter.
        warnings.simplefilter("ignore", UserWarning)
        fitted = fit_once(another, X, classes[planted_codes], groups, memory=memory)
    return PlantedErrors(fitted.trajectory_, planted)
