"""How long it takes to record a learner stage by stage."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from speed_models import rows
from speed_timing import Comparison, Work

from sklearn_difficulty import DifficultyScorer


def comparisons(short: bool) -> Iterator[Comparison]:
    """Fits that are recorded, beside those that are not, and beside half as many stages.

    Parameters
    ----------
    short : bool
        Whether to make do with fewer rows and stages.
    """
    X, y = rows(500 if short else 2000)
    n_stages = 50 if short else 200
    boosting = HistGradientBoostingClassifier(
        max_iter=n_stages, early_stopping=False, random_state=0
    )
    yield Comparison(
        f"DifficultyScorer(HistGradientBoostingClassifier), {n_stages} stages",
        "its fit and predict",
        2.0,
        _recorded(boosting, X, y),
        lambda: lambda: boosting.fit(X, y).predict_proba(X),
    )
    for kind, option in (
        (HistGradientBoostingClassifier, {"max_iter": n_stages, "early_stopping": False}),
        (GradientBoostingClassifier, {"n_estimators": n_stages}),
    ):
        name = next(iter(option))
        half = {**option, name: n_stages // 2}
        yield Comparison(
            f"DifficultyScorer({kind.__name__}), {n_stages} stages",
            f"{n_stages // 2} stages",
            2.2,
            _recorded(kind(random_state=0, **option), X, y),
            _recorded(kind(random_state=0, **half), X, y),
        )


def _recorded(estimator: Any, X: np.ndarray, y: np.ndarray) -> Callable[[], Work]:
    return lambda: lambda: DifficultyScorer(estimator, random_state=0).fit(X, y)
