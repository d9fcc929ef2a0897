"""Right or wrong where a sample has several labels, by hand."""

import numpy as np
import pytest

from sklearn_difficulty.analysis import exact_match, true_positive_agreement

PROBA = [[0.9, 0.2, 0.6], [0.4, 0.8, 0.5], [0.6, 0.1, 0.2], [0.7, 0.1, 0.1]]
Y = [[1, 0, 1], [0, 1, 0], [1, 1, 0], [0, 0, 0]]


def test_by_hand():
    found = exact_match(PROBA, Y)
    assert found.tolist() == [True, True, False, False]
    assert found.dtype == np.bool_


def test_sample_without_labels():
    assert exact_match([[0.1, 0.2]], [[0, 0]]).tolist() == [True]
    assert exact_match([[0.1, 0.9]], [[0, 0]]).tolist() == [False]


def test_threshold():
    assert exact_match(PROBA, Y, threshold=0.65).tolist() == [False, True, False, False]
    assert exact_match(PROBA, Y, threshold=0.7).tolist() == [False, True, False, True]


@pytest.mark.parametrize("kind", [bool, int, float])
def test_predicted_labels(kind):
    predicted = np.array([[1, 0, 1], [0, 1, 1]], dtype=kind)
    assert exact_match(predicted, np.array(Y[:2], dtype=bool)).tolist() == [True, False]


def test_axes_in_front_stay_and_feed_the_agreement():
    right = np.array(Y, dtype=float)
    runs = np.array([[PROBA, right], [right, right]])
    correct = exact_match(runs, Y)
    assert correct.shape == (2, 2, 4)
    assert true_positive_agreement(correct).tolist() == [0.5, 1]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"y": [1, 0, 1, 0]}, ValueError, "y must say of each sample which labels it has"),
        ({"y": np.full((4, 3), 2)}, ValueError, "y must hold bools, or 0 and 1; got .*2"),
        ({"y": np.array(Y)[:3]}, ValueError, r"predicted must have shape \(\.\.\., 3, 3\)"),
        ({"predicted": [[3.0, -1, 0]] * 4}, ValueError, "from 0 to 1; 8 values.*logits"),
        ({"predicted": np.full((4, 3), np.nan)}, ValueError, "12 values are not.*nan"),
        ({"threshold": 1}, ValueError, "threshold must be a number in"),
        ({"threshold": "half"}, TypeError, "threshold"),
    ],
)
def test_what_makes_no_sense(arguments, error, message):
    with pytest.raises(error, match=message):
        exact_match(**({"predicted": PROBA, "y": Y} | arguments))
