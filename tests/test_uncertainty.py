"""Standard errors: how far scores vary between trainings."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty._asked import resolve_scores
from sklearn_difficulty._uncertainty import over_runs, standard_error
from sklearn_difficulty.trajectory import Trajectory


def test_by_hand():
    # values 1, 2, 6: mean 3, squared deviations 4 + 1 + 9, over 3 * 2 is 14 / 6
    values = np.array([[1.0, 5.0, np.nan], [2.0, 5.0, np.nan], [6.0, np.nan, 1.0]])
    assert_allclose(over_runs(values), [np.sqrt(14 / 6), 0.0, np.nan])


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(0).normal(size=(6, 4))
    left_out = np.stack([np.delete(values, run, axis=0).mean(axis=0) for run in range(6)])
    assert_allclose(over_runs(left_out, jackknife=True), over_runs(values))
    assert_allclose(over_runs(values), values.std(axis=0, ddof=1) / np.sqrt(6))


def test_of_a_score_that_is_a_mean_over_runs():
    loss = np.array([[[1.0, 0.0]], [[2.0, 0.0]], [[6.0, np.nan]]])
    [action] = resolve_scores("action", None)
    assert_allclose(standard_error(action, Trajectory(loss)), [np.sqrt(14 / 6), 0.0])


def test_models_of_a_run_count_as_one():
    loss = np.array([1.0, 3.0, 6.0, 8.0]).reshape(4, 1, 1)
    [action] = resolve_scores("action", None)
    # the runs' means are 2 and 7
    assert_allclose(standard_error(action, Trajectory(loss), models_per_run=2), [2.5])


def test_lengths_given_for_each_run():
    loss = np.ones((2, 2, 1))
    [action] = resolve_scores("action", {"dt": [[1.0, 1.0], [2.0, 2.0]]})
    assert_allclose(standard_error(action, Trajectory(loss)), [1.0])


def test_of_a_score_of_all_runs_together():
    # four runs, three of which say 0: pairs that agree are 3 of 6
    prediction = np.array([0, 0, 0, 1], dtype=np.int32).reshape(4, 1, 1)
    path = Trajectory(np.ones((4, 1, 1)), prediction=prediction)
    [agreement] = resolve_scores("agreement", None)
    assert_allclose(agreement.of(path), [0.5])
    # without a run that says 0: 1 of 3; without the one that says 1: 3 of 3
    left_out = np.array([1 / 3, 1 / 3, 1 / 3, 1.0])
    expected = np.sqrt(3 / 4 * ((left_out - left_out.mean()) ** 2).sum())
    assert_allclose(standard_error(agreement, path), [expected])


def path_of_steps(n_steps, seed=0):
    outputs = np.random.default_rng(seed).dirichlet([1.0, 1.0, 1.0], size=(n_steps, 4))
    return Trajectory.from_outputs(outputs, [0, 1, 2, 0], kind="proba", classes=[0, 1, 2])


@pytest.mark.parametrize("n_steps", [(3, 3, 3), (2, 5, 3)])
def test_runs_left_out_take_their_pace_along(n_steps):
    runs = [path_of_steps(n, seed) for seed, n in enumerate(n_steps)]
    path = Trajectory.stack(runs)
    [consensus] = resolve_scores("consensus", None)
    # of three runs, steps and classes, which their shapes do not tell apart
    population = consensus.population(path)
    left_out = []
    for out in range(3):
        kept = [run for run in range(3) if run != out]
        options = {**population, "pace": [population["pace"][run] for run in kept]}
        left_out.append(consensus.of(path.select(runs=kept), **options))
    expected = over_runs(np.stack(left_out), jackknife=True)
    assert_allclose(standard_error(consensus, path, **population), expected)


@pytest.fixture(scope="module")
def scorer():
    X, y = load_iris(return_X_y=True)
    estimator = SGDClassifier(loss="log_loss", max_iter=4, tol=None)
    return DifficultyScorer(estimator, n_runs=5, random_state=0).fit(X / 10, y)


@pytest.mark.parametrize("score", ["action", "easiness", "agreement", "ensemble_entropy"])
def test_of_known_and_new_rows(scorer, score):
    X, y = load_iris(return_X_y=True)
    if score == "ensemble_entropy":
        estimator = SGDClassifier(loss="log_loss", max_iter=4, tol=None)
        scorer = DifficultyScorer(estimator, score=score, n_runs=5, random_state=0).fit(X / 10, y)
    rows = np.vstack([X[:3] / 10, X[:3] / 10 + 0.01])
    values, errors = scorer.score_samples(rows, y[[0, 1, 2, 0, 1, 2]], score=score, return_std=True)
    assert_array_equal(values, scorer.score_samples(rows, y[[0, 1, 2, 0, 1, 2]], score=score))
    assert errors.shape == (6,)
    assert (errors >= 0).all() and np.isfinite(errors).all()


def test_is_the_spread_of_the_runs(scorer):
    X, _ = load_iris(return_X_y=True)
    _, errors = scorer.score_samples(X / 10, return_std=True)
    sums = scorer.trajectory_.loss.astype(float).sum(axis=1)
    assert_allclose(errors[0], sums[:, 0].std(ddof=1) / np.sqrt(5))


def test_of_several_scores(scorer):
    X, _ = load_iris(return_X_y=True)
    values, errors = scorer.score_samples(X / 10, score=["action", "aum"], return_std=True)
    assert values.shape == errors.shape == (150, 2)


def test_of_the_trees_of_a_forest():
    X, y = load_iris(return_X_y=True)
    forest = RandomForestClassifier(30, random_state=0)
    scorer = DifficultyScorer(forest, score="confidence", random_state=0).fit(X, y)
    values, errors = scorer.score_samples(X, return_std=True)
    proba = scorer.trajectory_.proba[:, 0, 70].astype(float)
    judged = proba[~np.isnan(proba)]
    assert_allclose(values[70], judged.mean())
    assert_allclose(errors[70], judged.std(ddof=1) / np.sqrt(len(judged)))


def test_of_gradients():
    X, y = load_iris(return_X_y=True)
    scorer = DifficultyScorer(score="vog", n_runs=3, random_state=0).fit(X, y)
    values, errors = scorer.score_samples(X[:5], return_std=True)
    assert (errors > 0).all() and (values > 0).all()
    within = {"class_normalize": True}
    _, standardised = scorer.score_samples(X, score="vog", score_params=within, return_std=True)
    assert (standardised > 0).all()


def test_of_a_single_run_there_is_none():
    X, y = load_iris(return_X_y=True)
    scorer = DifficultyScorer(SGDClassifier(max_iter=2, tol=None), random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=r"return_std=True needs several runs.*n_runs=5"):
        scorer.score_samples(X, return_std=True)
