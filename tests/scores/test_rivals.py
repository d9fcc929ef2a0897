"""Rivals as a table and as a sparse array, which say the same."""

import tracemalloc

import numpy as np
import pytest
from scipy.sparse import issparse

from sklearn_difficulty.exceptions import MissingRecordsWarning
from sklearn_difficulty.labels import estimate_label_noise, hardness_readings
from sklearn_difficulty.scores import _rivals as module
from sklearn_difficulty.scores import consensus, habits
from sklearn_difficulty.scores._beliefs import beliefs
from sklearn_difficulty.scores._rivals import (
    RivalMean,
    label_counts,
    largest,
    likeliest,
    weighed,
)
from sklearn_difficulty.trajectory import Trajectory


@pytest.fixture
def as_sparse(monkeypatch):
    """Say whether a few classes make a table, or a list that is added up again and again."""

    def choose(are_sparse):
        monkeypatch.setattr(module, "_MOST_CLASSES_OF_TABLE", 0 if are_sparse else 1000)
        monkeypatch.setattr(module, "_MOST_WAITING", 1000)

    return choose


def path(n_samples=300, n_classes=7, n_steps=6, n_runs=2, missing=0.1, seed=0):
    """A training that learns, of labels a fifth of which are wrong, with records left out."""
    rng = np.random.RandomState(seed)
    shape = (n_runs, n_steps, n_samples)
    y = rng.randint(n_classes, size=n_samples)
    true = np.where(rng.uniform(size=n_samples) < 0.2, rng.randint(n_classes, size=n_samples), y)
    learned = rng.uniform(size=shape) < np.linspace(0.2, 0.9, n_steps)[:, None]
    prediction = np.where(learned, true, rng.randint(n_classes, size=shape))
    proba = np.where(prediction == y, rng.uniform(0.5, 0.9, shape), rng.uniform(0.0, 0.3, shape))
    other = np.where(prediction == y, 0.6 * (1 - proba), 0.7 * (1 - proba))
    margin = np.log(np.maximum(proba, 1e-6) / other)
    left_out = rng.uniform(size=shape) < missing
    left_out[..., 0] = True
    left_out[-1, :, 1] = True
    proba[left_out], margin[left_out], prediction[left_out] = np.nan, np.nan, -1
    return Trajectory(
        -np.log(proba + 1e-9),
        proba=proba.astype(np.float32),
        margin=margin.astype(np.float32),
        prediction=prediction.astype(np.int32),
        y=y,
        classes=np.arange(n_classes),
    )


def summed(as_sparse, are_sparse):
    """Rivals of three samples: class 2 with 0.5 and 0.25, none, classes 0 and 1 with 0.5 each."""
    as_sparse(are_sparse)
    rivals = RivalMean(3, 4)
    named = np.array([[True, False], [True, False]])
    classes, values = np.array([[2, -1], [2, -1]]), np.array([[1.0, 0.7], [0.5, 0.7]])
    rivals.add(slice(0, 2), named, classes, values, np.array([2.0, 1.0]))
    named, classes = np.array([[True], [True]]), np.array([[1], [0]])
    rivals.add(slice(2, 3), named, classes, np.array([[0.75], [0.75]]), np.array([1.0]))
    rivals.add(slice(2, 3), named[:1], classes[:1], np.array([[0.0]]), np.array([1.0]))
    return rivals.mean(np.array([1.0, np.nan, 1.5]))


@pytest.mark.parametrize("are_sparse", [False, True])
class TestByHand:
    def test_sum(self, as_sparse, are_sparse):
        rivals = summed(as_sparse, are_sparse)
        assert issparse(rivals) == are_sparse
        values = rivals.toarray() if are_sparse else rivals
        assert values.tolist() == [[0, 0, 0.75, 0], [0, 0, 0, 0], [0.5, 0.5, 0, 0]]

    def test_largest_and_likeliest(self, as_sparse, are_sparse):
        rivals = summed(as_sparse, are_sparse)
        assert largest(rivals).tolist() == [0.75, 0, 0.5]
        assert likeliest(rivals).tolist() == [2, 0, 0]  # the first of two

    def test_none_at_all(self, as_sparse, are_sparse):
        as_sparse(are_sparse)
        rivals = RivalMean(3, 4)
        nothing = np.zeros((2, 3))
        rivals.add(slice(0, 3), nothing > 0, nothing.astype(int), nothing, np.ones(3))
        mean = rivals.mean(np.full(3, np.nan))
        assert mean.shape == (3, 4)
        assert largest(mean).tolist() == likeliest(mean).tolist() == [0, 0, 0]
        assert not label_counts(mean, np.ones(3), np.zeros(3, dtype=int)).any()

    def test_no_samples(self, as_sparse, are_sparse):
        rivals = summed(as_sparse, are_sparse)[np.zeros(0, dtype=int)]
        assert largest(rivals).shape == likeliest(rivals).shape == (0,)

    def test_weighed(self, as_sparse, are_sparse):
        confusions = np.arange(16.0).reshape(4, 4)
        unnamed, y = np.array([0.25, 0.5, 0.1]), np.array([1, 0, 3])
        found = weighed(summed(as_sparse, are_sparse), unnamed, confusions, y)
        values = found.toarray() if are_sparse else found
        expected = [[0, 0, 9, 0], [0, 0, 0, 0], [0.6 * 3, 0.6 * 7, 0, 0]]
        np.testing.assert_allclose(values, expected)

    def test_counts(self, as_sparse, are_sparse):
        rivals = summed(as_sparse, are_sparse)
        counts = label_counts(rivals, np.array([2.0, 1.0, 4.0]), np.array([1, 1, 3]))
        expected = np.zeros((4, 4))
        expected[2, 1], expected[0, 3], expected[1, 3] = 1.5, 2.0, 2.0
        np.testing.assert_allclose(counts, expected)


class TestBothAreAlike:
    @pytest.fixture(params=[{}, {"n_runs": 3, "n_classes": 2}, {"missing": 0.0, "seed": 1}])
    def both(self, request, as_sparse):
        trajectory = path(**request.param)

        def both(function):
            results = []
            for are_sparse in (False, True):
                as_sparse(are_sparse)
                assert issparse(beliefs(trajectory).rivals) == are_sparse
                with pytest.warns(MissingRecordsWarning):
                    results.append(function(trajectory))
            return results

        return both

    def test_consensus(self, both):
        table, sparse = both(consensus)
        assert np.isnan(table).sum() == 1
        np.testing.assert_allclose(sparse, table, rtol=1e-12)

    def test_habits(self, both):
        found = both(lambda trajectory: (habits(trajectory), consensus(trajectory))[0])
        table, sparse = (each["confusions"] for each in found)
        np.testing.assert_allclose(sparse, table, rtol=1e-12)

    def test_label_noise(self, both):
        table, sparse = both(estimate_label_noise)
        assert 0.1 < table.noise_rate < 0.4
        assert (table.likely_labels == sparse.likely_labels).all()
        np.testing.assert_allclose(sparse.noise_matrix, table.noise_matrix, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(sparse.mislabeled_proba, table.mislabeled_proba, rtol=1e-9)

    def test_hardness(self, both):
        table, sparse = both(hardness_readings)
        assert (table.type == sparse.type).all()
        assert (table.other_class == sparse.other_class).all()
        np.testing.assert_allclose(sparse.other_label, table.other_label, rtol=1e-9)


@pytest.mark.parametrize("function", [consensus, estimate_label_noise, hardness_readings])
def test_memory_does_not_grow_with_rows_times_classes(function):
    n_samples, n_classes = 20_000, 500
    trajectory = path(n_samples, n_classes, n_runs=1, missing=0.0)
    tracemalloc.start()
    with pytest.warns(MissingRecordsWarning):
        function(trajectory)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 0.4 * 8 * n_samples * n_classes  # less than half a table
