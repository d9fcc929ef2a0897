"""What is stored comes back as it was, shares nothing, and has a known size."""

import gc
import pickle

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from skorch import NeuralNetClassifier

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.selection._stored import Packed, Stored, StoringError


def nameless_net():
    class Net(torch.nn.Linear):
        pass

    return NeuralNetClassifier(
        Net,
        module__in_features=4,
        module__out_features=3,
        criterion=torch.nn.CrossEntropyLoss,
        max_epochs=2,
        train_split=None,
        verbose=0,
    )


@pytest.mark.parametrize("estimator", [nameless_net(), RandomForestClassifier(30)])
def test_fitted_scorer(estimator):
    X, y = load_iris(return_X_y=True)
    X = X.astype(np.float32)
    scorer = DifficultyScorer(
        estimator, score=["action", lambda path: path.loss[0, -1]], random_state=0
    ).fit(X, y)
    stored = Stored(scorer, 2**24)
    first, second = stored.load(), stored.load()
    np.testing.assert_array_equal(first.scores_, scorer.scores_)
    new = X[:5] + 0.1
    np.testing.assert_array_equal(first.score_samples(new), scorer.score_samples(new))
    np.testing.assert_array_equal(first.estimators_[0].predict(X), scorer.estimators_[0].predict(X))
    first.trajectory_.loss[:] = 0
    first.estimators_[0].fit(X, y[::-1])
    np.testing.assert_array_equal(second.trajectory_.loss, scorer.trajectory_.loss)
    np.testing.assert_array_equal(
        second.estimators_[0].predict_proba(X), scorer.estimators_[0].predict_proba(X)
    )


def test_size():
    values = np.arange(1000.0)
    stored = Stored(values, 10_000)
    assert 8000 < stored.nbytes < 8300
    np.testing.assert_array_equal(stored.load(), values)
    with pytest.raises(StoringError, match="more than 8000 bytes"):
        Stored(values, 8000)


def test_large_array():
    values = np.arange(2.0**18)  # handed over as a buffer of its own
    np.testing.assert_array_equal(Stored(values, 2**22).load(), values)
    with pytest.raises(StoringError):
        Stored(values, 2**20)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "bool"])
def test_tensors(dtype):
    tensor = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).to(getattr(torch, dtype))
    parameter = torch.nn.Parameter(torch.ones(2))
    back, view, weights, again = Stored([tensor, tensor.t(), parameter, parameter], 2**20).load()
    assert back.dtype is tensor.dtype
    assert torch.equal(back, tensor)
    assert torch.equal(view, tensor.t())
    assert weights is again
    assert weights.requires_grad
    back[0, 0] = 1
    assert not tensor[0, 0]


def test_tensor_outlives_its_bytes():
    tensor = Stored(torch.arange(100.0), 2**20).load()
    gc.collect()
    tensor += 1
    assert tensor.sum() == 5050


def test_files_are_not_stored(tmp_path):
    np.save(tmp_path / "X.npy", np.zeros(3))
    with pytest.raises(StoringError, match="in a file"):
        Stored(np.load(tmp_path / "X.npy", mmap_mode="r"), 2**20)


def test_packed_goes_by_plain_pickle():
    packed = pickle.loads(pickle.dumps(Packed({"a": np.arange(3)})))
    assert packed.held["a"].tolist() == [0, 1, 2]
