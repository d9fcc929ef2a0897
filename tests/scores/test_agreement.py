"""Agreement of runs on a sample, against pairs that are counted."""

from itertools import combinations

import numpy as np
import pytest

from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.scores import agreement
from sklearn_difficulty.trajectory import Trajectory


def make(prediction, y=None):
    """Make runs of one step from predictions of shape (runs, samples)."""
    prediction = np.asarray(prediction)[:, None]
    return Trajectory(np.ones(prediction.shape), prediction=prediction, y=y)


def test_by_hand():
    # Three runs: all agree, two do, none do; all agree on a wrong class.
    trajectory = make([[0, 1, 1, 2], [0, 1, 2, 2], [0, 0, 0, 2]], y=np.array([0, 1, 2, 1]))
    np.testing.assert_allclose(agreement(trajectory), [1, 1 / 3, 0, 1], rtol=1e-15)
    np.testing.assert_allclose(
        agreement(trajectory, on="correct"), [1, 1 / 3, 1 / 3, 1], rtol=1e-15
    )


@pytest.mark.parametrize(
    ("rows", "observed"),
    [
        (["100010", "010010", "100110"], [1 / 3, 1 / 3, 1, 1 / 3, 1, 1]),
        (["110010", "111010", "110110"], [1, 1, 1 / 3, 1 / 3, 1, 1]),
    ],
)
def test_its_mean_is_the_observed_agreement_of_pairs(rows, observed):
    right = np.array([[int(mark) for mark in row] for row in rows])
    scores = agreement(make(right, y=np.ones(6, dtype=int)), on="correct")
    np.testing.assert_allclose(scores, observed, rtol=1e-15)
    # PABAK is 2 Po - 1: its mean over pairs is 1/3 in the first epoch and 5/9 in the second.
    pabak = {"100010": 0.3333333333, "110010": 0.5555555556}[rows[0]]
    assert 2 * scores.mean() - 1 == pytest.approx(pabak, abs=1e-10)


def test_all_pairs():
    rng = np.random.default_rng(0)
    prediction = rng.integers(-1, 4, (9, 200))
    scores = agreement(make(prediction))
    for sample, answers in enumerate(prediction.T):
        pairs = list(combinations(answers[answers >= 0], 2))
        assert scores[sample] == pytest.approx(np.mean([a == b for a, b in pairs]), rel=1e-15)


@pytest.mark.parametrize("on", ["prediction", "correct"])
def test_runs_that_did_not_record_a_sample(on):
    prediction = [[1, 1, 1, -1], [1, -1, -1, -1], [0, 1, -1, -1]]
    with pytest.warns(MissingRecordsWarning, match="'agreement': 2 of 4 samples") as caught:
        scores = agreement(make(prediction, y=np.ones(4, dtype=int)), on=on)
    np.testing.assert_array_equal(scores, [1 / 3, 1, np.nan, np.nan])
    assert caught[0].filename == __file__


def test_one_run_agrees_with_nobody():
    with pytest.warns(MissingRecordsWarning, match="3 of 3 samples"):
        assert np.isnan(agreement(make([[0, 1, 2]]))).all()


def test_last_step_of_each_run():
    runs = [
        Trajectory(np.ones((1, n, 2)), prediction=np.array([[[0, 0]] * (n - 1) + [[1, 2]]]))
        for n in (3, 1)
    ]
    assert agreement(Trajectory.stack(runs)).tolist() == [1, 1]
    assert agreement(Trajectory.stack(runs), steps=0).tolist() == [0, 0]


def test_many_classes_in_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    trajectory = make(rng.integers(0, 1000, (3, 500)) // 300)
    whole = agreement(trajectory)
    monkeypatch.setattr("sklearn_difficulty.scores._members._VALUES_PER_BLOCK", 64)
    np.testing.assert_array_equal(agreement(trajectory), whole)


def test_what_is_not_there():
    with pytest.raises(RecordNotFoundError, match="'agreement' needs the record 'prediction'"):
        agreement(Trajectory(np.ones((2, 1, 3))))
    with pytest.raises(RecordNotFoundError, match="'agreement' needs the record 'y'"):
        agreement(make([[0, 1], [0, 1]]), on="correct")
    with pytest.raises(ValueError, match="on must be one of 'prediction', 'correct'; got 'loss'"):
        agreement(make([[0, 1], [0, 1]]), on="loss")
