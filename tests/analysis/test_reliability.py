"""Halves of the runs, on simulated runs of known difficulty and on a real training."""

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.analysis import split_half_reliability
from sklearn_difficulty.exceptions import RecordNotFoundError, TiesWarning
from sklearn_difficulty.trajectory import Trajectory


def as_trajectory(right, n_steps=None):
    """Make runs that predict the label, class 1, where they are right and class 0 elsewhere."""
    prediction = np.array(right, dtype=np.int32)
    return Trajectory(
        np.ones(prediction.shape),
        prediction=prediction,
        y=np.ones(prediction.shape[2], dtype=int),
        n_steps=n_steps,
    )


def bernoulli_runs(chance_right, n_runs, seed=0):
    """Draw runs in which each sample is right with its own probability, whatever the others."""
    draws = np.random.default_rng(seed).random((n_runs, 1, len(chance_right)))
    return as_trajectory(draws < chance_right)


@pytest.fixture(scope="module")
def graded():
    """200 runs of 1000 samples from never to always right."""
    return bernoulli_runs(np.linspace(0, 1, 1000), 200)


@pytest.fixture(scope="module")
def saturated():
    """200 runs of 1000 samples, 30 % of which every run has right, as strong models do."""
    return bernoulli_runs(np.minimum(np.linspace(0, 1.43, 1000), 1), 200)


def test_by_hand():
    # Two runs can be split in one way. Easy {0, 1} and {0, 2}: one of two. Hard {4} and {3, 4}.
    trajectory = as_trajectory([[[1, 1, 0, 0, 0]], [[1, 0, 1, 0, 0]]])
    with pytest.warns(TiesWarning):
        found = split_half_reliability(trajectory, 0.4, n_splits=2)
    assert found.n_runs.tolist() == [1]
    assert found.rate["easy"].tolist() == [0.5]
    assert found.chance["easy"].tolist() == [0.4]
    assert found.tied["easy"].tolist() == [0.4]
    # Right in neither {2, 3, 4} and {1, 3, 4}, all tied at zero.
    assert found.rate["hard"].tolist() == [2 / 3]
    assert found.chance["hard"].tolist() == [0.6]
    assert found.tied["hard"].tolist() == [0.6]
    assert found.std["easy"].tolist() == found.std["hard"].tolist() == [0]


@pytest.mark.parametrize("ties", ["inclusive", "random"])
def test_grows_with_the_number_of_runs(graded, ties):
    found = split_half_reliability(graded, n_runs=[10, 30, 100], ties=ties, random_state=0)
    assert found.n_runs.tolist() == [10, 30, 100]
    for side in ("easy", "hard"):
        rate = found.rate[side]
        assert (np.diff(rate) > 0.04).all()
        assert rate[-1] > 0.75
        assert (rate > found.chance[side] + 0.25).all()
        assert (found.std[side] > 0).all()


def test_strong_models_resolve_the_hard_end_only(saturated):
    """What is right in every run cannot be told apart by any number of runs."""
    with pytest.warns(TiesWarning, match=r"fraction of 10\.0%: the highest is that of 3.*100 runs"):
        found = split_half_reliability(saturated, n_runs=[10, 100], ties="random", random_state=0)
    assert found.tied["easy"][1] == pytest.approx(0.3, abs=0.02)
    assert found.tied["hard"][1] < 0.02
    # A tenth out of three tenths, by lot: a third of them in common.
    assert found.rate["easy"][1] == pytest.approx(1 / 3, abs=0.05)
    assert found.rate["hard"][1] > 0.8
    # All ties included, the sets match, and are large.
    with pytest.warns(TiesWarning):
        inclusive = split_half_reliability(saturated, sides=["easy"], random_state=0)
    assert inclusive.rate["easy"][0] > 0.9
    assert inclusive.chance["easy"][0] == pytest.approx(0.3, abs=0.02)


def test_chance_is_what_noise_reaches():
    noise = bernoulli_runs(np.full(2000, 0.5), 100)
    found = split_half_reliability(noise, random_state=0)
    for side in ("easy", "hard"):
        assert found.rate[side] == pytest.approx(found.chance[side], abs=0.03)


def test_reproducible_and_leaves_generators_alone(graded, generators_unchanged):
    first, second = (
        split_half_reliability(graded, n_runs=20, ties="random", random_state=7) for _ in range(2)
    )
    np.testing.assert_array_equal(first.rate["easy"], second.rate["easy"])
    np.testing.assert_array_equal(first.std["hard"], second.std["hard"])


def test_window_of_steps():
    """Nothing but chance after the first step, the same in all runs after the last."""
    rng = np.random.default_rng(0)
    right = rng.random((20, 2, 500)) < 0.5
    right[:, 1] = np.arange(500) < 50
    trajectory = as_trajectory(right)
    early = split_half_reliability(trajectory, steps=0, sides=["hard"], random_state=0)
    assert early.rate["hard"][0] == pytest.approx(early.chance["hard"][0], abs=0.06)
    with pytest.warns(TiesWarning, match="the lowest is that of 90.0%"):
        late = split_half_reliability(trajectory, random_state=0)
    assert late.rate["hard"].tolist() == late.rate["easy"].tolist() == [1]
    both = split_half_reliability(trajectory, steps=None, sides=["easy"], random_state=0)
    assert both.rate["easy"].tolist() == [1]


def test_last_step_of_runs_that_stopped_apart():
    right = np.zeros((4, 3, 10))
    n_steps = np.array([3, 1, 2, 3])
    right[np.arange(4), n_steps - 1, 0] = 1
    found = split_half_reliability(as_trajectory(right, n_steps), sides="easy")
    assert found.rate["easy"].tolist() == [1]
    assert found.tied["easy"].tolist() == [0.1]


def test_missing_predictions(graded):
    prediction = np.array(graded.prediction)
    prediction[::2, 0, 5] = -1
    some = Trajectory(graded.loss, prediction=prediction, y=graded.y)
    assert split_half_reliability(some, random_state=0).rate["hard"][0] > 0.7
    prediction[:, 0, 5] = -1
    none = Trajectory(graded.loss, prediction=prediction, y=graded.y)
    with pytest.raises(ValueError, match=r"100 runs in a half, 1 of 1000 samples .* at index 5"):
        split_half_reliability(none)


def test_real_training(digits):
    """As for strong networks in the paper's data: the hard end resolves, the easy end does not."""
    X, y = digits
    scorer = DifficultyScorer(
        SGDClassifier(max_iter=1), score="easiness", n_runs=20, random_state=0
    )
    scorer.fit(X[:600], y[:600])
    with pytest.warns(TiesWarning, match="the highest is that of .* with 10 runs in a half"):
        found = split_half_reliability(
            scorer.trajectory_, n_runs=[1, 3, 10], ties="random", random_state=0
        )
    assert (np.diff(found.rate["hard"]) > 0.05).all()
    assert found.rate["hard"][-1] > 0.5
    assert found.rate["easy"][-1] < 0.25
    assert found.tied["easy"][-1] > 0.4 > 0.05 > found.tied["hard"][-1]
    for side in ("easy", "hard"):
        np.testing.assert_allclose(found.chance[side], 0.1)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"fraction": 0}, ValueError, "fraction"),
        ({"n_splits": 1}, ValueError, "n_splits .* at least 2; got 1"),
        ({"n_runs": 101}, ValueError, "n_runs must hold numbers from 1 to 100, half of the 200"),
        ({"n_runs": [1, 0]}, ValueError, "n_runs"),
        ({"n_runs": []}, ValueError, "n_runs"),
        ({"n_runs": 2.5}, TypeError, "n_runs"),
        ({"sides": ["left"]}, ValueError, "sides must be one of 'easy', 'hard'"),
        ({"sides": []}, ValueError, "sides must hold"),
        ({"ties": "all"}, ValueError, "ties"),
        ({"steps": "middle"}, ValueError, "steps"),
        ({"steps": 3}, IndexError, "steps=3 has no step"),
    ],
)
def test_what_makes_no_sense(graded, options, error, message):
    with pytest.raises(error, match=message):
        split_half_reliability(graded, **options)


def test_trajectory_that_does_not_do(graded):
    with pytest.raises(TypeError, match="trajectory must be a Trajectory; got ndarray"):
        split_half_reliability(graded.loss)
    with pytest.raises(ValueError, match="at least two runs; the trajectory has 1"):
        split_half_reliability(graded.select(runs=[0]))
    with pytest.raises(RecordNotFoundError, match="'split_half_reliability' needs"):
        split_half_reliability(Trajectory(graded.loss))
