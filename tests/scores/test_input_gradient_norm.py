"""Norm of the gradient by the input, on gradients of which it is known by hand."""

import numpy as np
import pytest

from sklearn_difficulty.scores import SCORES, input_gradient_norm

# One grey image of 2 x 2 pixels and one without a gradient.
IMAGES = np.array([[[3.0, 0], [0, -4]], [[0, 0], [0, 0]]])


def test_by_hand():
    assert input_gradient_norm([IMAGES]).tolist() == [5.0, 0.0]
    assert input_gradient_norm([IMAGES, 2 * IMAGES, 0 * IMAGES]).tolist() == [5.0, 0.0]
    assert input_gradient_norm([IMAGES], ord=1).tolist() == [7.0, 0.0]
    assert input_gradient_norm([IMAGES], ord=np.inf).tolist() == [4.0, 0.0]
    assert input_gradient_norm([IMAGES]).dtype == np.float64


def test_golden_gradients():
    # The logit and the probability of seeds' linear softmax model, at (.5, .25)
    logit, proba = np.array([[1.0, 0]]), np.array([[0.3169181697, -0.1154137781]])
    np.testing.assert_allclose(input_gradient_norm([logit]), [1])
    np.testing.assert_allclose(input_gradient_norm([proba]), [0.3372795079], rtol=1e-9)


@pytest.mark.parametrize("shape", [(6, 7), (6, 3, 4, 5)])
def test_over_all_axes(shape):
    stack = np.random.default_rng(0).normal(size=(4, *shape)).astype(np.float32)
    flat = stack.astype(np.float64).reshape(4, 6, -1)
    np.testing.assert_allclose(
        input_gradient_norm(iter(stack)), np.sqrt((flat**2).sum(2)).mean(0), rtol=1e-12
    )


def test_gradients_that_are_large_or_small_in_float32():
    values = np.array([[1e25, 1e25], [1e-30, 1e-30]], dtype=np.float32)
    np.testing.assert_allclose(
        input_gradient_norm([values]), np.sqrt(2) * np.array([1e25, 1e-30]), rtol=1e-6
    )


def test_no_rows():
    assert input_gradient_norm([np.zeros((0, 3, 4))]).shape == (0,)


@pytest.mark.parametrize(
    ("gradients", "options", "message"),
    [
        ([], {}, "'input_gradient_norm' needs the gradients at one snapshot or more"),
        ([np.ones(3)], {}, "gradients must have a sample axis and at least one more"),
        ([IMAGES, IMAGES[:1]], {}, r"got shape \(1,\) at snapshot 1 after \(2,\)"),
        ([IMAGES], {"ord": 3}, "ord must be one of 1, 2, inf; got 3"),
        ([IMAGES], {"ord": "fro"}, "got 'fro'"),
    ],
)
def test_what_makes_no_sense(gradients, options, message):
    with pytest.raises(ValueError, match=message):
        input_gradient_norm(gradients, **options)


def test_entry():
    entry = SCORES["input_gradient_norm"]
    assert entry.source == "input_gradients"
    assert entry.higher_is_harder
    assert entry.least_states == 1
    assert dict(entry.choices) == {
        "output": ("loss", "logit", "proba"),
        "target": ("true", "predicted"),
    }
