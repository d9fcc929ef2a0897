"""Scores of the user's own, wherever the name of a score is taken."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_difficulty import DifficultyScorer, MislabelFilter, TrackedNetClassifier, scores
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.scores import Score


def summed_loss(trajectory):
    return trajectory.loss.astype(np.float64).sum(axis=1).mean(axis=0)


def quantile_of_loss(trajectory, q=0.5):
    return np.quantile(trajectory.loss, q, axis=(0, 1))


def mean_proba(trajectory):
    return trajectory.proba.mean(axis=(0, 1))


MEAN_PROBA = Score("mean_proba", mean_proba, needs=("proba",), higher_is_harder=False)


def sgd(**options):
    return SGDClassifier(loss="log_loss", max_iter=4, tol=None, **options)


@pytest.fixture(scope="module")
def data():
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def test_a_function_is_a_score(data):
    X, y = data
    scorer = DifficultyScorer(sgd(), score=summed_loss, random_state=0).fit(X, y)
    assert_allclose(scorer.scores_, scorer.score_samples(X, score="action"))
    assert_array_equal(scorer.difficulty_, scorer.scores_)
    new = X[:5] + 0.01
    assert_allclose(
        scorer.score_samples(new, y[:5]), scorer.score_samples(new, y[:5], score="action")
    )


@pytest.mark.parametrize("name", ["aum", "confidence", "easiness"])
def test_a_function_of_the_package_keeps_its_direction(data, name):
    X, y = data
    by_name = DifficultyScorer(sgd(), score=name, n_runs=2, random_state=0).fit(X, y)
    by_function = clone(by_name).set_params(score=getattr(scores, name)).fit(X, y)
    assert_array_equal(by_function.difficulty_, by_name.difficulty_)
    assert_array_equal(by_function.difficulty_, -by_name.scores_)


def test_among_others_with_options_and_windows(data):
    X, y = data
    params = {"quantile_of_loss": {"q": 1.0, "steps": slice(0, 2)}}
    several = ["action", quantile_of_loss, MEAN_PROBA]
    scorer = DifficultyScorer(sgd(), score=several, score_params=params, random_state=0).fit(X, y)
    assert_allclose(scorer.scores_[:, 1], scorer.trajectory_.loss[0, :2].max(axis=0))
    oriented = scorer.difficulty(X, score=MEAN_PROBA)
    assert_array_equal(oriented, -scorer.scores_[:, 2])
    late = scorer.score_samples(X, score=quantile_of_loss, score_params={"steps": -1})
    assert_allclose(late, scorer.trajectory_.loss[0, -1])


def test_in_filters_pipelines_and_grids(data):
    X, y = data
    scorer = DifficultyScorer(sgd(), score=summed_loss, random_state=0)
    assert clone(scorer).get_params()["score"] is summed_loss
    pipe = make_pipeline(
        MislabelFilter(scorer, threshold=0.9, random_state=0), LogisticRegression()
    )
    grid = GridSearchCV(
        pipe, {"mislabelfilter__scorer__score": [summed_loss, "action", MEAN_PROBA]}, cv=3
    )
    grid.fit(X, y)
    assert len(set(grid.cv_results_["mean_test_score"][:2])) == 1
    assert cross_val_score(pipe, X, y, cv=3, n_jobs=2).min() > 0.8


def test_standard_errors(data):
    X, y = data
    scorer = DifficultyScorer(sgd(), score=summed_loss, n_runs=4, random_state=0).fit(X, y)
    values, errors = scorer.score_samples(X, return_std=True)
    _, expected = scorer.score_samples(X, score="action", return_std=True)
    assert_allclose(errors, expected)
    assert values.shape == errors.shape


def test_a_score_says_what_it_needs(data):
    X, y = data
    several = Score("several", mean_proba, needs=("proba",), default_runs=3)
    scorer = DifficultyScorer(sgd(), score=several, random_state=0).fit(X, y)
    assert scorer.trajectory_.n_runs == 3
    kept = Score("kept", lambda path: path.outputs[0, -1].max(axis=-1), needs=("outputs",))
    assert DifficultyScorer(sgd(), score=kept).fit(X, y).trajectory_.outputs.shape == (1, 4, 150, 3)
    with pytest.raises(RecordNotFoundError, match="'mean_proba' needs probabilities"):
        DifficultyScorer(SGDClassifier(), score=MEAN_PROBA).fit(X, y)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda path: path.loss, r"must return one number for each of the 150 samples"),
        (lambda path: path.loss[0, 0, :10], r"shape \(150,\); it returned .* of shape \(10,\)"),
        (lambda path: None, "it returned NoneType"),
    ],
)
def test_what_returns_something_else_does_not_lose_the_training(data, wrong, message):
    X, y = data
    scorer = DifficultyScorer(sgd(), score=wrong, random_state=0)
    with pytest.raises(ValueError, match=message) as caught:
        scorer.fit(X, y)
    assert not hasattr(scorer, "trajectory_")
    assert "trajectory is on this exception" in caught.value.__notes__[0]
    saved = DifficultyScorer.from_trajectory(caught.value.trajectory, X)
    fitted = DifficultyScorer(sgd(), random_state=0).fit(X, y)
    assert_array_equal(saved.score_samples(X), fitted.scores_)


def test_what_a_function_raises_is_its_own(data):
    X, y = data

    def broken(trajectory):
        return trajectory.nothing

    with pytest.raises(AttributeError, match="nothing") as caught:
        DifficultyScorer(sgd(), score=broken).fit(X, y)
    assert caught.value.trajectory.n_steps_max == 4
    scorer = DifficultyScorer(sgd()).fit(X, y)
    with pytest.raises(AttributeError, match="nothing"):
        scorer.score_samples(X, score=broken)


@pytest.mark.parametrize("score", [Score, int, {"action"}, 3.5])
def test_what_is_no_score(data, score):
    with pytest.raises((TypeError, ValueError), match="score must be"):
        DifficultyScorer(sgd(), score=score).fit(*data)


def mean_square(gradients):
    return np.mean([(gradient**2).mean(axis=1) for gradient in gradients], axis=0)


def test_from_gradients(data):
    X, y = data
    entry = Score("mean_square", mean_square, needs=("snapshots",), source="input_gradients")
    net = TrackedNetClassifier(max_epochs=3, lr=0.1, train_split=None, verbose=0)
    scorer = DifficultyScorer(net, score=entry, random_state=0).fit(X, y)
    norms = scorer.score_samples(
        X, score="input_gradient_norm", score_params={"output": "logit", "steps": -1}
    )
    last = scorer.score_samples(X, score=entry, score_params={"steps": -1})
    assert_allclose(last, norms**2 / X.shape[1], rtol=1e-5)
    of_all = Score("of_all", lambda gradients: mean_square(gradients).sum(), source=entry.source)
    with pytest.raises(ValueError, match=r"'of_all' must return one number for each of the 150"):
        scorer.score_samples(X, score=of_all)
