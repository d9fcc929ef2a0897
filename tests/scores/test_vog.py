"""Variance of gradients, on gradients whose variance is known by hand."""

import tracemalloc

import numpy as np
import pytest

from sklearn_difficulty.exceptions import DegenerateGradientWarning
from sklearn_difficulty.scores import vog
from sklearn_difficulty.scores._vog import RunningVariance

# One image of 2 x 2 pixels at two checkpoints; the map of variances is [[1, 0], [0, 1]].
FIRST = np.array([[[1.0, 0], [2, -1]]])
SECOND = np.array([[[3.0, 0], [2, 1]]])


def test_by_hand():
    both = [FIRST, SECOND]
    assert vog(both).tolist() == [0.5]
    assert vog(both, reduction="std").tolist() == [0.5]
    assert vog(both, ddof=1).tolist() == [1.0]
    # Pixels (1, 1) and (0, 0) have 2 / sqrt(2) each, the others 0.
    np.testing.assert_allclose(vog(both, reduction="sqrt_k"), [0.7071068], atol=1e-7)
    assert vog(both).dtype == np.float64


def test_map_of_variances_by_hand():
    running = RunningVariance()
    for array in (FIRST, SECOND):
        running.update(array)
    assert (running.squared_deviations / running.count).tolist() == [[[1, 0], [0, 1]]]


def test_formulas_rank_differently():
    a = [np.array([[[0.0, 4], [0, 0]]]), np.zeros((1, 2, 2))]
    b = [np.ones((1, 2, 2)), -np.ones((1, 2, 2))]
    assert vog(a)[0] == vog(b)[0] == 1.0
    assert vog(a, reduction="std")[0] == 0.5
    assert vog(b, reduction="std")[0] == 1.0


def test_many_checkpoints_against_numpy():
    stack = np.random.default_rng(0).normal(size=(9, 5, 4, 3)).astype(np.float32)
    exact = stack.astype(np.float64)
    np.testing.assert_allclose(vog(stack), exact.var(axis=0).mean(axis=(1, 2)), rtol=1e-12)
    np.testing.assert_allclose(
        vog(iter(stack), reduction="std", ddof=1),
        exact.std(axis=0, ddof=1).mean(axis=(1, 2)),
        rtol=1e-12,
    )


def test_sum_and_mean_over_channels():
    rng = np.random.default_rng(0)
    stack = rng.normal(size=(4, 6, 3, 5, 5))
    by_sum, by_mean = vog(stack), vog(stack, channels="mean")
    np.testing.assert_allclose(by_sum, 9 * by_mean, rtol=1e-12)
    np.testing.assert_allclose(
        vog(stack, reduction="std"), 3 * vog(stack, reduction="std", channels="mean"), rtol=1e-12
    )
    np.testing.assert_array_equal(np.argsort(by_sum), np.argsort(by_mean))
    np.testing.assert_allclose(
        vog(stack, channels=None), stack.var(axis=0).mean(axis=(1, 2, 3)), rtol=1e-12
    )
    channels_last = np.moveaxis(stack, 2, -1)
    np.testing.assert_allclose(vog(channels_last, channel_axis=-1), by_sum, rtol=1e-12)


@pytest.mark.parametrize("shape", [(4, 6, 7), (4, 6, 5, 7)])
def test_tables_and_grey_images_have_no_channels(shape):
    stack = np.random.default_rng(0).normal(size=shape)
    np.testing.assert_array_equal(vog(stack), vog(stack, channels=None))


def test_rows_do_not_depend_on_each_other():
    stack = np.random.default_rng(0).normal(size=(4, 6, 7))
    np.testing.assert_array_equal(vog(stack)[2:4], vog(stack[:, 2:4]))


def test_memory_does_not_grow_with_checkpoints():
    def peak(n_checkpoints):
        tracemalloc.start()
        vog(np.full((100, 1000), float(k)) for k in range(n_checkpoints))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(40) < 1.1 * peak(5)


@pytest.mark.parametrize("n_values", [1, 5, 700, 20_000])
def test_of_rows_as_of_all_values(n_values):
    # more rows, and more values in a row, than are read at a time
    stack = np.random.default_rng(0).normal(size=(4, 120_000 // n_values, n_values)) ** 3
    stack = stack.astype(np.float32)
    stack[:, 0] = stack[0, 0]
    each, of_rows = RunningVariance(), RunningVariance(of_rows=True)
    for array in stack:
        each.update(array)
        of_rows.update(array)
    expected = 4 * stack.var(axis=0, dtype=np.float64)
    np.testing.assert_allclose(each.squared_deviations, expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(of_rows.squared_deviations, expected.sum(axis=1), rtol=1e-10)
    assert of_rows.squared_deviations[0] == 0
    np.testing.assert_allclose(vog(stack, ddof=1), expected.mean(axis=1) / 3, rtol=1e-10)


def test_an_odd_first_checkpoint():
    # distances are taken from it
    stack = np.random.default_rng(0).normal(size=(30, 4, 6))
    stack[0] = 1e8
    np.testing.assert_allclose(vog(stack), stack.var(axis=0).mean(axis=1), rtol=1e-12)
    stack = np.full((30, 4, 6), 1e8)
    stack[0] -= 1
    np.testing.assert_allclose(vog(stack), 29 / 900, rtol=1e-12)


def test_no_rows():
    assert vog(np.zeros((3, 0, 5))).shape == vog(np.zeros((3, 0, 2, 2, 2))).shape == (0,)


def test_memory_of_two_arrays_in_double_precision():
    gradient = np.ones((100, 1000), dtype=np.float32)
    tracemalloc.start()
    vog(gradient for _ in range(5))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2.3 * gradient.size * 8


def test_gradients_are_not_changed():
    both = [FIRST.copy(), SECOND.copy()]
    vog(both)
    np.testing.assert_array_equal(both[0], FIRST)
    np.testing.assert_array_equal(both[1], SECOND)


def test_standardised_within_classes():
    # Variances 1, 4, 9 and 16, 16.
    scale = np.array([[1.0], [2], [3], [4], [4]])
    scores = vog([scale, -scale], labels=[0, 0, 0, 1, 1])
    expected = (np.array([1, 4, 9]) - 14 / 3) / np.std([1, 4, 9])
    np.testing.assert_allclose(scores, [*expected, 0, 0], atol=1e-12)


def test_gradients_that_do_not_depend_on_the_input():
    scale = np.array([[1.0], [1], [3], [3]])
    with pytest.warns(DegenerateGradientWarning, match="probabilities instead of logits"):
        scores = vog([scale, -scale], labels=["a", "a", "b", "b"])
    assert scores.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("gradients", "options", "message"),
    [
        ([], {}, "needs the gradients at 2 checkpoints or more; got 0"),
        ([FIRST], {}, "got 1"),
        ([FIRST, SECOND], {"ddof": 2}, "ddof=2 needs the gradients at 3 checkpoints"),
        ([FIRST, SECOND[:, :1]], {}, r"one shape; got \(1, 1, 2\) after \(1, 2, 2\)"),
        ([np.ones(3)] * 2, {}, "gradients must have a sample axis"),
        ([FIRST, SECOND], {"reduction": "max"}, "reduction must be one of"),
        ([FIRST, SECOND], {"channels": "max"}, "channels must be one of 'sum', 'mean', None"),
        ([FIRST, SECOND], {"ddof": -1}, "ddof must be"),
        ([np.ones((2, 3, 4, 4))] * 2, {"channel_axis": 0}, "channel_axis must be an axis after"),
        ([np.ones((2, 3, 4, 4))] * 2, {"channel_axis": -4}, "channel_axis must be an axis after"),
        ([np.ones((2, 3, 4, 4))] * 2, {"channel_axis": 4}, "got 4"),
        ([FIRST, SECOND], {"labels": [0, 1]}, "labels must have 1 values"),
    ],
)
def test_what_makes_no_sense(gradients, options, message):
    with pytest.raises(ValueError, match=message):
        vog(gradients, **options)


def test_running_variance():
    stack = np.random.default_rng(0).normal(size=(6, 3)) + 1e6
    running = RunningVariance()
    for array in stack:
        running.update(array)
    assert running.count == 6
    np.testing.assert_allclose(running.squared_deviations / 6, stack.var(axis=0), rtol=1e-9)
