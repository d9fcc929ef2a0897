"""Inputs and targets come out in the types that a module computes in."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from numpy.testing import assert_array_equal
from skorch import NeuralNetClassifier

from sklearn_difficulty.recording._inputs import (
    class_numbers,
    net_input,
    net_target,
    takes_integers,
)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32, np.uint8, bool])
@pytest.mark.parametrize("integers", [False, True])
def test_arrays(dtype, integers):
    X = np.array([[1, 0], [0, 1]]).astype(dtype)
    cast = net_input(X, integers=integers)
    kept = integers and np.dtype(dtype).kind in "iu"
    assert cast.dtype == (np.int64 if kept else np.float32)
    assert cast.flags.c_contiguous
    assert_array_equal(cast, [[1, 0], [0, 1]])


def test_array_that_fits_is_not_copied():
    X = np.ones((3, 2), dtype=np.float32)
    assert net_input(X) is X
    assert net_input(np.asfortranarray(X)).flags.c_contiguous
    assert net_input(X[::-1]).strides == (8, 4)


@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
@pytest.mark.parametrize("flavour", ["matrix", "array"])
def test_sparse(kind, flavour):
    X = getattr(scipy.sparse, f"{kind}_{flavour}")(np.eye(3, 4))
    cast = net_input(X)
    assert isinstance(cast, scipy.sparse.csr_matrix)
    assert cast.dtype == np.float32
    assert_array_equal(cast.toarray(), np.eye(3, 4))


@pytest.mark.parametrize(
    "X",
    [
        torch.zeros(2, 2, dtype=torch.float64),
        {"a": np.zeros(2)},
        pd.DataFrame({"a": [1.0]}),
        np.array(["a", "b"]),
        [1, 2],
    ],
    ids=["tensor", "dict", "frame", "strings", "list"],
)
def test_anything_else_comes_back(X):
    assert net_input(X) is X


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_values_without_a_float32(value):
    for X in (np.array([[value, 1.0]]), scipy.sparse.csr_array(np.array([[value, 1.0]]))):
        with pytest.raises(ValueError, match="NaN, infinity or a value too large for float32"):
            net_input(X)


def test_embeddings_take_integers():
    assert takes_integers(torch.nn.Sequential(torch.nn.Embedding(3, 2)))
    assert takes_integers(torch.nn.EmbeddingBag(3, 2))
    assert not takes_integers(torch.nn.Linear(3, 2))


@pytest.mark.parametrize(
    ("criterion", "dtype", "expected"),
    [
        (torch.nn.CrossEntropyLoss, np.int32, np.int64),
        (torch.nn.CrossEntropyLoss(), np.uint8, np.int64),
        (torch.nn.CrossEntropyLoss, bool, np.int64),
        (torch.nn.BCEWithLogitsLoss, np.int64, np.float32),
        (torch.nn.BCELoss(), bool, np.float32),
        (torch.nn.MSELoss, np.float64, np.float32),
    ],
)
def test_targets(criterion, dtype, expected):
    net = NeuralNetClassifier(torch.nn.Linear, criterion=criterion)
    target = net_target(np.array([0, 1]).astype(dtype), net=net)
    assert target.dtype == expected
    assert_array_equal(target, [0, 1])


@pytest.mark.parametrize(
    ("labels", "classes", "expected"),
    [
        ([7, 3, 3], [3, 5, 7], [2, 0, 0]),
        ([3, 7], [7, 3], [1, 0]),  # in the user's order
        (["b", "a"], ["c", "a", "b"], [2, 1]),
        ([True, False], [False, True], [1, 0]),
        (np.array(["x", "y"], dtype=object), ["y", "x"], [1, 0]),
        ([], [0, 1], []),
    ],
)
def test_numbers_of_labels(labels, classes, expected):
    assert class_numbers(labels, np.array(classes)).tolist() == expected


def test_labels_that_are_no_classes():
    with pytest.raises(ValueError, match=r"not among the classes: \[4, 9\]. Known are \[3, 5\]"):
        class_numbers([3, 9, 4, 9], np.array([3, 5]))
    with pytest.raises(ValueError, match=r"Known are \[0, .* 9\] and more"):
        class_numbers([99], np.arange(12))
