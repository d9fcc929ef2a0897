"""The scorer within a selector: which one it is, its seeds, and what it leaves behind."""

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier

from sklearn_difficulty import DifficultyScorer, TrackedNetClassifier, TrackedNetRegressor
from sklearn_difficulty.selection._scorer_within import (
    check_scorer,
    default_scorer,
    difficulty_of,
    own_scorer,
    seed,
)

ROWS = np.zeros((10, 2))


def test_default_for_classes_and_for_targets():
    for has_classes in (True, False):
        scorer = own_scorer(None, ROWS, has_classes, told=False)
        assert isinstance(scorer, DifficultyScorer)
        assert scorer.get_params() == default_scorer(has_classes).get_params()


@pytest.mark.parametrize("scorer", [None, DifficultyScorer()])
def test_what_is_told_fixes_the_net(scorer):
    classes = own_scorer(scorer, ROWS, True, told=True)
    targets = own_scorer(scorer, ROWS, False, told=True)
    assert isinstance(classes.estimator, TrackedNetClassifier)
    assert isinstance(targets.estimator, TrackedNetRegressor)


def test_an_estimator_of_the_caller_stays():
    scorer = DifficultyScorer(SGDClassifier(alpha=0.5))
    own = own_scorer(scorer, ROWS, True, told=True)
    assert own is not scorer
    assert own.estimator.alpha == 0.5


def test_seeds_that_were_left_open():
    scorer = DifficultyScorer(SGDClassifier(random_state=3))
    seed(scorer, np.random.RandomState(0))
    assert scorer.random_state == 209652396
    assert scorer.estimator.random_state == 3


@pytest.mark.parametrize("scorer", ["action", DifficultyScorer, SGDClassifier(), 3.0])
def test_no_scorer(scorer):
    with pytest.raises(TypeError, match="scorer must"):
        check_scorer(scorer)


def test_difficulty_of_another_number_of_rows(make_scorer, data):
    X, y = data
    with pytest.raises(ValueError, match="each of the 99 training rows"):
        difficulty_of(make_scorer().fit(X, y), X[1:], y[1:])
