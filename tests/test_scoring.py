"""Names and options of scores, before and after training."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_difficulty._asked import resolve_scores
from sklearn_difficulty._scoring import (
    Column,
    normalized,
    score_known_rows,
    score_new_rows,
)
from sklearn_difficulty.exceptions import RecordNotFoundError


def test_values_within_their_class():
    [plain] = resolve_scores("vog", None)
    [within] = resolve_scores("vog", {"class_normalize": True})
    column = Column(np.array([1.0, 2, 3, 10, 10]), np.array([0, 0, 0, 1, 1]))
    assert normalized(plain, column, None) is column
    # by hand: the deviation of 1, 2, 3 is the root of two thirds
    expected = [-1.2247449, 0, 1.2247449, 0, 0]
    assert_allclose(normalized(within, column, column).values, expected, atol=1e-7)
    some = column[np.array([2, 0])]
    assert_allclose(normalized(within, some, column).values, [1.2247449, -1.2247449], atol=1e-7)
    with pytest.raises(RecordNotFoundError, match="class_normalize=True relates a row to all"):
        normalized(within, some, None)


def test_rows_of_a_column():
    column = Column(np.arange(4.0), np.array([0, 1, 0, 1]))[np.array([3, 1])]
    assert column.values.tolist() == [3, 1]
    assert column.target.tolist() == [1, 1]


@pytest.fixture
def recording():
    """Two runs of three steps over three rows, by hand; other rows replay as all wrong."""
    from sklearn_difficulty.trajectory import Trajectory

    loss = np.array([[[1.0, 2, 3], [1, 1, 1], [1, 0, 5]], [[3.0, 0, 0], [0, 0, 0], [0, 0, 0]]])
    prediction = np.zeros((2, 3, 3), dtype=np.int32)
    path = Trajectory(loss, prediction=prediction, y=np.array([0, 0, 1]))
    return SimpleNamespace(trajectory=path, targets=path.y, classes=np.array([0, 1]))


def test_training_rows_in_any_order(recording):
    [action], [easiness] = resolve_scores("action", None), resolve_scores("easiness", None)
    rows = np.array([2, 0, 2])
    column = score_known_rows(recording, action, None, rows)
    assert column.values.tolist() == [4.5, 3.0, 4.5]
    assert column.target.tolist() == [1, 0, 1]
    assert score_known_rows(recording, easiness, None, rows).values.tolist() == [0, 1, 0]


def test_new_rows_are_related_to_the_training_rows(recording, monkeypatch):
    from sklearn_difficulty import _scoring
    from sklearn_difficulty.trajectory import Trajectory

    # the new row is right in one of two runs, and the best training row in both
    prediction = np.array([[[0]], [[1]]], dtype=np.int32)
    replayed = Trajectory(np.ones((2, 1, 1)), prediction=prediction, y=np.array([0]))
    monkeypatch.setattr(_scoring, "replay", lambda *args, **options: replayed)
    [easiness] = resolve_scores("easiness", None)
    column = score_new_rows(recording, easiness, np.zeros((1, 2)), np.array([0]))
    assert column.values.tolist() == [0.5]
