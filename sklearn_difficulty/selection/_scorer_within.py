"""The scorer within a selector: which one it is, its seeds, and what it leaves behind."""

from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.frozen import FrozenEstimator

from sklearn_difficulty._asked import ResolvedScore, resolve_scores
from sklearn_difficulty._data import count_rows
from sklearn_difficulty._scorer import DifficultyScorer
from sklearn_difficulty.recording import (
    TrackedNetClassifier,
    TrackedNetRegressor,
    default_net,
)

MAX_SEED = np.iinfo(np.int32).max
# What rows are scored by where no scorer is given.
_SCORE_OF_CLASSES = "consensus"
_SCORE_OF_TARGETS = "action"


def default_scorer(has_classes: bool = True) -> DifficultyScorer:
    """Make the scorer that is used where none is given.

    Parameters
    ----------
    has_classes : bool, default=True
        Whether the targets are classes.

    Returns
    -------
    DifficultyScorer
        Not fitted.

    Examples
    --------
    >>> from sklearn_difficulty.selection._scorer_within import default_scorer
    >>> default_scorer()
    DifficultyScorer(score='consensus')
    """
    return DifficultyScorer(score=_SCORE_OF_CLASSES if has_classes else _SCORE_OF_TARGETS)


def check_scorer(scorer: Any) -> None:
    """Refuse what is no scorer.

    Parameters
    ----------
    scorer : object
        Value received.

    Raises
    ------
    TypeError
        For something that cannot be fitted, and for a classifier or regressor that is not
        wrapped.

    Examples
    --------
    >>> from sklearn_difficulty import DifficultyScorer
    >>> from sklearn_difficulty.selection._scorer_within import check_scorer
    >>> check_scorer(DifficultyScorer())
    """
    if scorer is None:
        return
    if isinstance(scorer, type) or not hasattr(scorer, "fit"):
        raise TypeError(
            "scorer must be None or an estimator whose fit leaves difficulty_ behind, such "
            f"as DifficultyScorer(net); got {scorer!r}."
        )
    if is_classifier(scorer) or is_regressor(scorer):
        raise _leaves_no_difficulty(scorer)


def own_scorer(scorer: Any, X: Any, has_classes: bool, *, told: bool) -> Any:
    """Make the scorer that is to be fitted.

    Parameters
    ----------
    scorer : estimator or None
        What was given; it is cloned.
    X : container of n_samples rows
        Rows.
    has_classes : bool
        Whether the targets are classes.
    told : bool
        Whether that was said, and not seen from the targets; what a net is made for is fixed then.

    Returns
    -------
    estimator
        Not fitted.

    Examples
    --------
    >>> from sklearn_difficulty.selection._scorer_within import own_scorer
    >>> own_scorer(None, [[0.0], [1.0]], False, told=True).estimator.__class__.__name__
    'TrackedNetRegressor'
    """
    scorer = default_scorer(has_classes) if scorer is None else clone(scorer)
    if told and isinstance(scorer, DifficultyScorer) and scorer.estimator is None:
        kind = TrackedNetClassifier if has_classes else TrackedNetRegressor
        scorer.set_params(estimator=default_net(kind, count_rows(X) or None))
    return scorer


def seed(estimator: Any, rng: np.random.RandomState) -> None:
    """Set every ``random_state`` that was left open, nested ones too.

    Parameters
    ----------
    estimator : estimator
        Changed in place.
    rng : RandomState
        Source of the seeds.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty import DifficultyScorer
    >>> from sklearn_difficulty.selection._scorer_within import seed
    >>> scorer = DifficultyScorer()
    >>> seed(scorer, np.random.RandomState(0))
    >>> scorer.random_state
    209652396
    """
    params = estimator.get_params(deep=True)
    names = [name for name in sorted(params) if name.split("__")[-1] == "random_state"]
    seeds = {name: int(rng.randint(MAX_SEED)) for name in names if params[name] is None}
    if seeds:
        estimator.set_params(**seeds)


def difficulty_of(scorer: Any, X: Any, y: np.ndarray) -> np.ndarray:
    """Read the difficulty of the training rows off a fitted scorer.

    Parameters
    ----------
    scorer : estimator
        The fitted scorer.
    X : container of n_samples rows
        Training rows.
    y : ndarray of shape (n_samples,)
        Their targets.

    Returns
    -------
    ndarray of shape (n_samples,)
        Higher is harder.

    Raises
    ------
    TypeError
        If the scorer left no `difficulty_`.
    ValueError
        If it left another number of values.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_difficulty import DifficultyScorer
    >>> from sklearn_difficulty.selection._scorer_within import difficulty_of
    >>> X, y = load_iris(return_X_y=True)
    >>> difficulty_of(DifficultyScorer(random_state=0).fit(X, y), X, y).shape
    (150,)
    """
    if isinstance(scorer, FrozenEstimator) and isinstance(scorer.estimator, DifficultyScorer):
        # Fitted before, to these rows in another order, to more of them, or to others.
        difficulty = scorer.estimator.difficulty(X, y)
        return difficulty if difficulty.ndim == 1 else difficulty[:, 0]
    if not hasattr(scorer, "difficulty_"):
        raise _leaves_no_difficulty(scorer)
    difficulty = np.asarray(scorer.difficulty_, dtype=np.float64)
    if difficulty.shape != (len(y),):
        raise ValueError(
            f"scorer must leave one difficulty for each of the {len(y)} training rows; "
            f"{type(scorer).__name__} left an array of shape {difficulty.shape}."
        )
    return difficulty


def scores_of(scorer: DifficultyScorer) -> list[ResolvedScore]:
    """Look up the scores that a scorer is asked for, with their options.

    Parameters
    ----------
    scorer : DifficultyScorer
        Fitted or not.

    Examples
    --------
    >>> from sklearn_difficulty import DifficultyScorer
    >>> from sklearn_difficulty.selection._scorer_within import scores_of
    >>> [score.entry.name for score in scores_of(DifficultyScorer(score=["aum", "vog"]))]
    ['aum', 'vog']
    """
    given = scorer.get_params(deep=False)
    return resolve_scores(given["score"], given["score_params"])


def ranks_by_consensus(scorer: Any) -> bool:
    """Whether a scorer ranks rows by the consensus of its whole training.

    Parameters
    ----------
    scorer : estimator
        Any scorer.

    Examples
    --------
    >>> from sklearn_difficulty import DifficultyScorer
    >>> from sklearn_difficulty.selection._scorer_within import ranks_by_consensus
    >>> [ranks_by_consensus(DifficultyScorer(score=name)) for name in ("consensus", "action")]
    [True, False]
    """
    if not isinstance(scorer, DifficultyScorer):
        return False
    (consensus,) = resolve_scores("consensus", None)
    return scores_of(scorer)[0].is_same(consensus)


def _leaves_no_difficulty(scorer: Any) -> TypeError:
    name = type(scorer).__name__
    # Not with the score that a DifficultyScorer has by default: it finds fewer wrong labels.
    score = f", score={_SCORE_OF_CLASSES!r}" if hasattr(scorer, "predict_proba") else ""
    return TypeError(
        f"scorer must leave difficulty_ behind when it is fitted, and {name} does not: "
        f"wrap it, as in DifficultyScorer({name}(...){score})."
    )
