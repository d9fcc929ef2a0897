"""Arrays of other libraries become arrays of NumPy."""

import numpy as np
import pytest
import torch

from sklearn_difficulty._foreign import as_array, as_floats


class OnlyDLPack:
    """What a library offers that knows of NumPy only by the common protocol."""

    def __init__(self, array):
        self._array = array

    def __dlpack__(self, **kwargs):
        return self._array.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()


class OnlyArray:
    def __array__(self, dtype=None, copy=None):
        return np.arange(3.0)


@pytest.mark.parametrize(
    "values",
    [
        np.arange(3.0),
        [0.0, 1.0, 2.0],
        (0.0, 1.0, 2.0),
        torch.arange(3.0),
        torch.arange(3.0, requires_grad=True) * 1,
        torch.arange(3.0, dtype=torch.bfloat16),
        torch.arange(3.0, dtype=torch.float16, requires_grad=True),
        torch.arange(6.0)[::2] / 2,
        OnlyDLPack(np.arange(3.0)),
        OnlyArray(),
        range(3),
    ],
)
def test_values(values):
    array = as_array(values)
    assert isinstance(array, np.ndarray)
    assert array.tolist() == [0, 1, 2]


def test_no_copy_is_made_without_need():
    array, tensor = np.arange(3.0), torch.arange(3.0)
    assert as_array(array) is array
    assert np.shares_memory(as_array(tensor), tensor.numpy())


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.ones(2, dtype=np.float16), np.float32),
        (np.ones(2, dtype=np.float32), np.float32),
        (np.ones(2, dtype=np.longdouble), np.float64),
        (torch.ones(2, dtype=torch.bfloat16), np.float32),
        ([1, 2], np.float64),
        (np.ones(2, dtype=np.uint8), np.float64),
    ],
)
def test_floats(values, dtype):
    assert as_floats("losses", values).dtype == dtype


@pytest.mark.parametrize("values", [["a"], [True, False], [1j], [None]])
def test_no_numbers(values):
    with pytest.raises(TypeError, match="losses must hold real numbers; got"):
        as_floats("losses", values)
