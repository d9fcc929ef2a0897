"""Scorers of trainings that were recorded elsewhere."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import SGDClassifier

from sklearn_difficulty import DifficultyScorer, FilteredClassifier, MislabelFilter
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.scores import aum
from sklearn_difficulty.trajectory import Trajectory

LOSS = np.array([[2, 1, 0.5, 3], [1, 0.5, 0.25, 3], [0.5, 0.25, 0.25, 4]])[None]
X = np.arange(8.0).reshape(4, 2)


@pytest.fixture(scope="module")
def fitted():
    X, y = load_iris(return_X_y=True)
    return DifficultyScorer(SGDClassifier(max_iter=3, tol=None), random_state=0).fit(X / 10, y)


def test_losses_alone():
    scorer = DifficultyScorer.from_trajectory(Trajectory(LOSS))
    assert_array_equal(scorer.scores_, [3.5, 1.75, 1, 10])
    assert_array_equal(scorer.difficulty_, scorer.scores_)
    assert not hasattr(scorer, "classes_")
    assert scorer.trajectory_.n_steps_max == 3


def test_rows_are_known_again():
    scorer = DifficultyScorer.from_trajectory(Trajectory(LOSS), X)
    assert_array_equal(scorer.score_samples(X[[3, 0]]), [10, 3.5])
    assert_array_equal(
        scorer.score_samples(X, score="final_loss", score_params={"steps": 0}), LOSS[0, 0]
    )
    frame_rows = X.tolist()
    assert_array_equal(scorer.score_samples(frame_rows), scorer.scores_)


def test_the_same_as_the_scorer_that_recorded_it(fitted):
    rows = load_iris().data / 10
    scorer = DifficultyScorer.from_trajectory(fitted.trajectory_, rows, score=["aum", "action"])
    assert_array_equal(scorer.scores_[:, 1], fitted.scores_)
    assert_array_equal(scorer.difficulty_, -aum(fitted.trajectory_))
    assert_array_equal(scorer.classes_, fitted.classes_)
    labels = load_iris().target
    assert_array_equal(scorer.score_samples(rows, labels, score="action"), fitted.scores_)


def test_saved_and_loaded(fitted, tmp_path):
    fitted.trajectory_.select(steps=slice(0, 2)).save(tmp_path / "early")
    path = Trajectory.load(tmp_path / "early", mmap=True)
    scorer = DifficultyScorer.from_trajectory(path)
    early = fitted.score_samples(load_iris().data / 10, score_params={"steps": slice(0, 2)})
    assert_array_equal(scorer.scores_, early)


def test_pickles(fitted):
    scorer = DifficultyScorer.from_trajectory(fitted.trajectory_, load_iris().data)
    again = pickle.loads(pickle.dumps(scorer))
    assert_array_equal(again.score_samples(load_iris().data), scorer.scores_)


def test_frozen_in_a_filter(fitted):
    rows, labels = load_iris(return_X_y=True)
    scorer = FrozenEstimator(DifficultyScorer.from_trajectory(fitted.trajectory_, rows))
    selected = MislabelFilter(scorer, threshold=0.9).fit(rows, labels)
    assert_array_equal(selected.difficulty_, fitted.difficulty_)
    assert selected.get_support().sum() == 135
    filtered = FilteredClassifier(selected, SGDClassifier(random_state=0))
    assert filtered.fit(rows, labels).score(rows, labels) > 0.5


def test_a_clone_is_not_fitted():
    with pytest.raises(NotFittedError):
        clone(DifficultyScorer.from_trajectory(Trajectory(LOSS), X)).score_samples(X)


def test_what_it_cannot_do(fitted):
    scorer = DifficultyScorer.from_trajectory(Trajectory(LOSS))
    with pytest.raises(RecordNotFoundError, match=r"without its rows.*pass X to from_trajectory"):
        scorer.score_samples(X)
    with pytest.raises(RecordNotFoundError, match=r"'easiness' needs classes"):
        DifficultyScorer.from_trajectory(Trajectory(LOSS), score="easiness")
    with_rows = DifficultyScorer.from_trajectory(fitted.trajectory_, load_iris().data)
    with pytest.raises(RecordNotFoundError, match="has no model"):
        with_rows.score_samples(load_iris().data + 0.5)
    with pytest.raises(RecordNotFoundError, match="'vog' needs gradients"):
        with_rows.score_samples(load_iris().data, score="vog")
    with pytest.raises(ValueError, match="X has 3 rows and the trajectory 4 samples"):
        DifficultyScorer.from_trajectory(Trajectory(LOSS), X[:3])
    with pytest.raises(TypeError, match="trajectory must be a Trajectory; got ndarray"):
        DifficultyScorer.from_trajectory(LOSS)
    with pytest.raises(TypeError, match=r"X must hold rows.*got int"):
        DifficultyScorer.from_trajectory(Trajectory(LOSS), 4)
    with pytest.raises(ValueError, match="rows of shape"):
        with_rows.score_samples(np.zeros((2, 5)))


def test_new_rows_of_losses_alone():
    scorer = DifficultyScorer.from_trajectory(Trajectory(LOSS), X)
    for y in (None, np.zeros(4)):
        with pytest.raises(RecordNotFoundError, match="has no model"):
            scorer.score_samples(X + 0.5, y)
