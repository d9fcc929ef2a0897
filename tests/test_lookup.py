"""Rows that were trained on are looked up, and others replayed: both give the same."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.preprocessing import StandardScaler

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty._asked import resolve_scores
from sklearn_difficulty._scoring import score_new_rows
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.recording import replay
from sklearn_difficulty.scores import SCORES

FROM_RECORDS = [name for name, entry in SCORES.items() if not entry.from_gradients]
WINDOWS = [None, "early", "late", 0, -1, slice(1, 3), slice(-2, None), slice(0, 6, 2), (0.3, 0.9)]


@pytest.fixture(scope="module")
def data():
    X, y = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(150)
    return StandardScaler().fit_transform(X)[order], y[order]


@pytest.fixture(scope="module")
def of_different_lengths(data):
    """Three runs that stopped by themselves, after different numbers of steps."""
    sgd = SGDClassifier(
        loss="log_loss", max_iter=40, n_iter_no_change=2, learning_rate="adaptive", eta0=0.1
    )
    scorer = DifficultyScorer(sgd, score=FROM_RECORDS, n_runs=3, snapshots="all", random_state=0)
    scorer.fit(*data)
    assert len(set(scorer.trajectory_.n_steps.tolist())) > 1
    return scorer


@pytest.mark.parametrize("steps", WINDOWS, ids=str)
@pytest.mark.parametrize("name", FROM_RECORDS)
def test_replayed_rows_have_the_scores_that_were_recorded(of_different_lengths, data, name, steps):
    X, y = data
    scorer, params = of_different_lengths, {"steps": steps}
    known, errors = scorer.score_samples(X, y, score=name, score_params=params, return_std=True)
    [score] = resolve_scores(name, params)
    replayed = score_new_rows(scorer._recording_, score, X, y, errors=True)
    assert_allclose(replayed.values, known, rtol=1e-5, atol=1e-6)
    assert_allclose(replayed.errors, errors, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("options", [{"for_good": True}, {"for_good": False}])
def test_times_of_a_few_snapshots_count_from_the_beginning(data, options):
    X, y = data
    sgd = SGDClassifier(loss="log_loss", max_iter=9, tol=None)
    scorer = DifficultyScorer(sgd, snapshots=[0, 4, 8], random_state=0).fit(X, y)
    late = {"steps": slice(5, None), **options}
    times = scorer.score_samples(X + 1e-3, y, score="first_learned", score_params=late)
    # kept step 4 stands for 3 to 6, of which 5 and 6 are in the window, and 8 for 7 and 8
    assert set(times) <= {5.0, 7.0, 9.0}
    assert len(set(times)) > 1


def test_given_lengths_are_shared_out_among_a_few_snapshots(data):
    X, y = data
    sgd = SGDClassifier(loss="log_loss", max_iter=9, tol=None)
    scorer = DifficultyScorer(sgd, snapshots=[0, 4, 8], random_state=0).fit(X, y)
    dt = np.arange(1.0, 10.0)
    action = scorer.score_samples(X + 0.5, y, score_params={"dt": dt})
    of_each = [
        scorer.score_samples(X + 0.5, y, score="final_loss", score_params={"steps": step})
        for step in (0, 4, 8)
    ]
    # steps 0-2 go to the first, 3-6 to the second, 7-8 to the third
    assert_allclose(action, np.array([1 + 2 + 3, 4 + 5 + 6 + 7, 8 + 9]) @ of_each, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "statistic"),
    [("aum", "margin"), ("confidence", "proba"), ("el2n", "el2n"), ("loss_variance", "loss")],
)
@pytest.mark.parametrize("steps", [None, slice(2, 8)])
def test_means_are_over_the_spans_that_kept_steps_stand_for(data, name, statistic, steps):
    X, y = data
    sgd = SGDClassifier(loss="log_loss", max_iter=9, tol=None)
    scorer = DifficultyScorer(sgd, snapshots=[0, 1, 8], random_state=0).fit(X, y)
    # steps 0; 1 to 4; 5 to 8, as far as they lie in the window
    path = replay(scorer._recording_, X, y)
    records = np.repeat(getattr(path, statistic)[0].astype(float), [1, 4, 4], axis=0)[
        steps or slice(None)
    ]
    expected = records.var(axis=0) if name == "loss_variance" else records.mean(axis=0)
    new = score_new_rows(
        scorer._recording_, resolve_scores(name, {"steps": steps})[0], X, y, errors=False
    )
    assert_allclose(new.values, expected, rtol=1e-6, atol=1e-9)


def test_copies_have_their_mean_and_labels_tell_them_apart(data):
    X, y = data
    X = np.vstack([X, X[:1]])
    y = np.append(y, (y[0] + 1) % 3)
    sgd = SGDClassifier(loss="log_loss", max_iter=5, tol=None)
    scorer = DifficultyScorer(sgd, n_runs=2, random_state=0).fit(X, y)
    both, errors = scorer.score_samples(X[[0, 150]], return_std=True)
    assert_allclose(both, scorer.scores_[[0, 150]].mean())
    assert errors[0] == errors[1] > 0
    assert_array_equal(scorer.score_samples(X[[0, 150]], y[[0, 150]]), scorer.scores_[[0, 150]])


def test_known_and_new_rows_in_one_call(data):
    X, y = data
    forest = RandomForestClassifier(5, random_state=0)
    scorer = DifficultyScorer(forest, score="confidence", random_state=0)
    with pytest.warns(match="too few records"):
        scorer.fit(X, y)
    mixed = np.vstack([X[:2] + 1e-3, X[:2]])
    values = scorer.score_samples(mixed, y[[0, 1, 0, 1]])
    assert_array_equal(values[2:], scorer.scores_[:2])
    assert_array_equal(values[:2], scorer.score_samples(mixed[:2], y[:2]))


def test_new_rows_of_a_regression_need_their_targets(data):
    X, _ = data
    sgd = SGDRegressor(max_iter=3, tol=None)
    scorer = DifficultyScorer(sgd, random_state=0).fit(X[:, 1:], X[:, 0])
    assert_allclose(scorer.score_samples(X[:, 1:], X[:, 0]), scorer.scores_)
    with pytest.raises(ValueError, match=r"model is a regression.*pass y"):
        scorer.score_samples(X[:, 1:] + 1)


def test_large_records_that_were_not_kept_are_asked_for_in_fit(data):
    X, y = data
    sgd = SGDClassifier(loss="log_loss", max_iter=2, tol=None)
    scorer = DifficultyScorer(sgd, n_runs=2, random_state=0).fit(X, y)
    with pytest.raises(RecordNotFoundError, match=r"needs outputs.*score=\['action', 'mutual_inf"):
        scorer.score_samples(X, score="mutual_information")
