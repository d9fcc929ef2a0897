"""Entropy of the mean prediction of several runs, on members known by hand."""

import numpy as np
import pytest

from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.scores import ensemble_entropy, entropy
from sklearn_difficulty.trajectory import Trajectory

# Two members, one sample, three classes; their mean is (.75, .25, 0).
MEMBERS = np.array([[[0.5, 0.5, 0]], [[1, 0, 0]]])


def make(proba, shift=0.0, **fields):
    """Make runs of one step with such probabilities of shape (runs, samples, classes)."""
    with np.errstate(divide="ignore"):
        outputs = np.log(proba)[:, None] + shift
    return Trajectory(np.ones(outputs.shape[:3]), outputs=outputs, **fields)


@pytest.mark.parametrize("shift", [0.0, 50.0, -300.0])
def test_by_hand(shift):
    # Log-probabilities, and logits, which are the same but for a shift.
    trajectory = make(MEMBERS, shift)
    np.testing.assert_allclose(ensemble_entropy(trajectory), [0.5623351446], atol=1e-10)
    np.testing.assert_allclose(
        ensemble_entropy(trajectory, normalize=True), [0.5118595071], atol=1e-10
    )


def test_is_not_the_mean_of_entropies():
    each = np.array([[np.log(2)], [0.0]])
    trajectory = Trajectory(np.ones((2, 1, 1)), entropy=each[:, None])
    np.testing.assert_allclose(entropy(trajectory), [0.3465735903], atol=1e-10)


def test_ends():
    trajectory = make([[[1, 0], [0.5, 0.5], [1, 0]], [[1, 0], [0.5, 0.5], [0, 1]]])
    np.testing.assert_allclose(ensemble_entropy(trajectory, normalize=True), [0, 1, 1], atol=1e-15)
    assert ensemble_entropy(make(np.ones((2, 3, 1))), normalize=True).tolist() == [0, 0, 0]


def test_last_step_of_each_run():
    short, other = make(MEMBERS[:1]), make(MEMBERS[1:])
    outputs = np.concatenate([short.outputs, other.outputs], axis=1)
    runs = Trajectory.stack([Trajectory(np.ones((1, 2, 1)), outputs=outputs), short])
    assert runs.n_steps.tolist() == [2, 1]
    np.testing.assert_allclose(ensemble_entropy(runs), [0.5623351446], atol=1e-10)
    np.testing.assert_allclose(ensemble_entropy(runs, steps=0), [0.6931471806], atol=1e-10)


def test_members_that_did_not_record_a_sample():
    members = np.repeat(MEMBERS, 3, axis=1)
    trajectory = make(members)
    trajectory.outputs[0, 0, 1] = np.nan
    trajectory.outputs[:, 0, 2] = np.nan
    with pytest.warns(MissingRecordsWarning, match="'ensemble_entropy': 1 of 3") as caught:
        scores = ensemble_entropy(trajectory)
    np.testing.assert_allclose(scores, [0.5623351446, 0, np.nan], atol=1e-10)
    assert caught[0].filename == __file__


def test_what_makes_no_sense():
    with pytest.raises(RecordNotFoundError, match=r'record with keep=\("outputs",\) in'):
        ensemble_entropy(Trajectory(np.ones((2, 1, 3))))
    values = Trajectory(np.ones((2, 1, 3)), outputs=np.ones((2, 1, 3)))
    with pytest.raises(ValueError, match=r"one value per class.*got shape \(2, 1, 3\)"):
        ensemble_entropy(values)
    with pytest.raises(ValueError, match="normalize must be one of False, True; got 2"):
        ensemble_entropy(make(MEMBERS), normalize=2)
