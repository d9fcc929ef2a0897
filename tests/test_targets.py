"""Classes and targets of a regression are told apart by what they look like."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_diabetes, load_digits

from sklearn_difficulty._targets import look_continuous, numbered_classes


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([0.5, 1.5, 2.0], True),
        ([0.0, 1.0, 2.0], False),
        (list("abc"), False),
        ([True, False], False),
        (np.arange(20), False),  # no more than 20
        (np.arange(21), True),
        (np.repeat(np.arange(30), 4), False),  # 4 rows each
        (np.repeat(np.arange(30.0), 3), True),
        (load_diabetes().target, True),  # whole numbers
        (load_digits().target, False),
    ],
)
def test_look_continuous(y, expected):
    assert look_continuous(np.asarray(y)) is expected


def test_numbered_classes():
    numbers, classes = numbered_classes(np.array(["b", "a", "b"]))
    assert_array_equal(numbers, [1, 0, 1])
    assert classes.tolist() == ["a", "b"]
    mixed = np.array([np.str_("b"), "a"], dtype=object)
    assert numbered_classes(mixed)[1].tolist() == ["a", "b"]


def test_labels_without_an_order():
    with pytest.raises(ValueError, match="types NoneType, str, which have no order"):
        numbered_classes(np.array(["a", None], dtype=object))


def test_one_class():
    with pytest.raises(ValueError, match=r"one class only, 0\.0:"):
        numbered_classes(np.zeros(3))


def test_no_classes():
    with pytest.raises(ValueError, match="continuous"):
        numbered_classes(np.array([0.5, 1.5]))
