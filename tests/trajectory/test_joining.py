"""The rows of folds, put among all rows."""

import numpy as np
import pytest

from sklearn_difficulty.trajectory._joining import join_records


@pytest.mark.parametrize("on_disk", [False, True])
def test_rows_of_folds(tmp_path, on_disk):
    # two runs of three and of two steps; row 3 is in no fold
    first = {
        "loss": np.arange(12, dtype=np.float32).reshape(2, 3, 2),
        "prediction": np.arange(12, dtype=np.int32).reshape(2, 3, 2),
        "outputs": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    }
    second = {
        "loss": -np.arange(4, dtype=np.float32).reshape(2, 2, 1),
        "prediction": np.full((2, 2, 1), 5, dtype=np.int32),
        "outputs": np.full((2, 2, 1, 2), 7, dtype=np.float32),
    }
    rows = [np.array([2, 0]), np.array([1])]
    joined = join_records([first, second], rows, 4, tmp_path if on_disk else None)
    nan = np.nan
    np.testing.assert_array_equal(
        joined["loss"],
        [
            [[1, 0, 0, nan], [3, -1, 2, nan], [5, -1, 4, nan]],
            [[7, -2, 6, nan], [9, -3, 8, nan], [11, -3, 10, nan]],
        ],
    )
    assert joined["prediction"][0].tolist() == [[1, 5, 0, -1], [3, 5, 2, -1], [5, 5, 4, -1]]
    assert joined["outputs"].shape == (2, 3, 4, 2)
    assert joined["outputs"][1, 2, 0].tolist() == [22, 23]
    assert np.isnan(joined["outputs"][:, :, 3]).all()
    assert {name: array.dtype for name, array in joined.items()} == {
        name: array.dtype for name, array in first.items()
    }
    assert isinstance(joined["loss"], np.memmap) == on_disk
