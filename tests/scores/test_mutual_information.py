"""Mutual information of predictions and runs, on members known by hand."""

import numpy as np
import pytest

from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.scores import mutual_information
from sklearn_difficulty.trajectory import Trajectory


def make(proba):
    """Make runs of one step with such probabilities of shape (runs, samples, classes)."""
    with np.errstate(divide="ignore"):
        outputs = np.log(proba)[:, None]
    return Trajectory(np.ones(outputs.shape[:3]), outputs=outputs)


def test_by_hand():
    # 0.5623351446 - 0.3465735903; two sure members that contradict each other: log 2.
    members = [[[0.5, 0.5, 0], [1, 0, 0]], [[1, 0, 0], [0, 1, 0]]]
    np.testing.assert_allclose(
        mutual_information(make(members)), [0.2157615543, 0.6931471806], atol=1e-10
    )


def test_doubt_that_all_share_does_not_count():
    rng = np.random.default_rng(0)
    members = np.tile(rng.dirichlet(np.ones(5), size=200), (7, 1, 1))
    scores = mutual_information(make(members))
    assert (scores >= 0).all()
    np.testing.assert_allclose(scores, 0, atol=1e-12)


def test_needs_two_runs():
    members = np.array([[[0.9, 0.1], [0.9, 0.1]], [[0.1, 0.9], [0.1, 0.9]]])
    with pytest.warns(MissingRecordsWarning, match="'mutual_information': 2 of 2 samples"):
        assert np.isnan(mutual_information(make(members[:1]))).all()
    trajectory = make(members)
    trajectory.outputs[0, 0, 1, 0] = np.nan
    with pytest.warns(MissingRecordsWarning, match="1 of 2 samples") as caught:
        scores = mutual_information(trajectory)
    np.testing.assert_allclose(scores, [0.3680642072, np.nan], atol=1e-10)
    assert caught[0].filename == __file__


def test_part_of_the_training():
    outputs = np.log([[[[0.5, 0.5]], [[0.9, 0.1]]], [[[0.5, 0.5]], [[0.1, 0.9]]]])
    trajectory = Trajectory(np.ones((2, 2, 1)), outputs=outputs)
    assert mutual_information(trajectory, steps=0).tolist() == [0]
    np.testing.assert_allclose(mutual_information(trajectory), [0.3680642072], atol=1e-10)


def test_what_is_not_there():
    with pytest.raises(
        RecordNotFoundError, match="'mutual_information' needs the record 'outputs'"
    ):
        mutual_information(Trajectory(np.ones((2, 1, 3))))
    images = Trajectory(np.ones((2, 1, 3)), outputs=np.ones((2, 1, 3, 4, 4)))
    with pytest.raises(ValueError, match="'mutual_information' needs outputs with one value per"):
        mutual_information(images)
