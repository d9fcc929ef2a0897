"""A second training, on labels some of which are made wrong on purpose; more of few rows."""

import warnings
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
from joblib import Memory
from sklearn.base import clone
from torch.utils.data import Dataset

from sklearn_difficulty._scorer import DifficultyScorer
from sklearn_difficulty.labels import PlantedErrors, PlantedLabels
from sklearn_difficulty.labels._enough_errors import another_is_needed, plant_enough_errors
from sklearn_difficulty.labels._labelled import Labelled
from sklearn_difficulty.labels._planted_errors import draw_errors
from sklearn_difficulty.labels._shown import Shown
from sklearn_difficulty.scores import SCORES
from sklearn_difficulty.selection._fit_once import fit_once
from sklearn_difficulty.selection._label_estimates import Path
from sklearn_difficulty.selection._scorer_within import difficulty_of, scores_of
from sklearn_difficulty.trajectory import Trajectory

_PLANTING = 1


def train_on_planted_errors(
    scorer: Any,
    X: Any,
    classes: np.ndarray,
    codes: np.ndarray,
    groups: Any,
    *,
    path: Path,
    memory: Memory,
    random_state: np.random.RandomState,
) -> list[PlantedErrors] | Shown | None:
    """Train a scorer once more, with a tenth of the labels of each class made wrong.

    Of fewer than 1000 rows a tenth is few: then up to four trainings have different errors. So they
    have where the errors do not stand out.

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
    path : Path
        The path of the first training.
    memory : joblib.Memory
        Cache of fitted scorers.
    random_state : RandomState
        Source of which labels are made wrong, for a scorer without a seed of its own: with one,
        they are the same ones each time, as its training is.

    Returns
    -------
    list of PlantedErrors, Shown or None
        The paths of these trainings; their difficulties, where paths do not tell labels, as those
        of a learner without probabilities. None for a scorer of another kind, for one class, and
        for a Dataset, which holds its labels itself.

    Examples
    --------
    >>> import numpy as np
    >>> from joblib import Memory
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_difficulty import DifficultyScorer
    >>> from sklearn_difficulty.selection._label_estimates import Path
    >>> from sklearn_difficulty.selection._planted_training import train_on_planted_errors
    >>> X, y = load_iris(return_X_y=True)
    >>> scorer = DifficultyScorer(random_state=0).fit(X, y)
    >>> errors = train_on_planted_errors(
    ...     scorer,
    ...     X,
    ...     np.unique(y),
    ...     y,
    ...     None,
    ...     path=Path(scorer.trajectory_),
    ...     memory=Memory(None),
    ...     random_state=np.random.RandomState(0),
    ... )
    >>> [int(each.labels.planted.sum()) for each in errors]
    [15, 15, 15, 15]
    """
    if not isinstance(scorer, DifficultyScorer) or isinstance(X, Dataset) or len(classes) < 2:
        return None
    if isinstance(scorer.random_state, Integral):
        # Not the numbers of a generator that the seed alone makes, which split rows elsewhere.
        random_state = np.random.RandomState([int(scorer.random_state), _PLANTING])
    another = clone(scorer).set_params(storage=None)
    if not path.tells_labels:
        everything = np.ones(len(codes), dtype=bool)
        shown: list[Shown] = []
        while another_is_needed(len(shown), len(codes), lambda: Shown.pooled(shown).tells):
            planted_codes = draw_errors(codes, len(classes), random_state)
            y = classes[planted_codes]
            difficulty = difficulty_of(_fit_quietly(another, X, y, groups, memory), X, y)
            rows = Labelled(difficulty, planted_codes)
            shown.append(Shown.of(rows, planted_codes != codes, everything))
        return Shown.pooled(shown)
    assert path.trajectory is not None
    # Nothing but the path is needed, of as many runs, and a folder that was named holds the other
    # training.
    n_runs = max(score.default_runs for score in scores_of(scorer))
    another.set_params(
        score=replace(SCORES["consensus"], default_runs=n_runs), score_params=None, snapshots=None
    )

    def train(labels: PlantedLabels) -> Trajectory:
        trajectory: Trajectory = _fit_quietly(another, X, labels.y, groups, memory).trajectory_
        return trajectory

    return plant_enough_errors(path.trajectory, train, random_state)


def _fit_quietly(scorer: Any, X: Any, y: np.ndarray, groups: Any, memory: Memory) -> Any:
    with warnings.catch_warnings():
        # What there is to say of the rows, the first training has said; that a solver takes longer
        # to fit labels that nobody gave is no matter.
        warnings.simplefilter("ignore", UserWarning)
        return fit_once(clone(scorer), X, y, groups, memory=memory)
