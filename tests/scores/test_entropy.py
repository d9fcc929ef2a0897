"""Entropy of the last step, on entropies known by hand."""

import numpy as np
import pytest

from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.scores import entropy
from sklearn_difficulty.trajectory import Trajectory

# Of (1/3, 1/3, 1/3), (.75, .25, 0) and (1, 0, 0).
LAST = np.array([1.0986122887, 0.5623351446, 0])
RECORD = np.stack([LAST[::-1], LAST])
CLASSES = np.array(["ant", "bee", "cow"])


def make(record=RECORD, **fields):
    return Trajectory(np.ones((1, *record.shape)), entropy=record[None], **fields)


def test_last_step():
    assert entropy(make()).tolist() == LAST.tolist()
    assert entropy(make(), steps=0).tolist() == LAST[::-1].tolist()


def test_share_of_the_largest():
    scores = entropy(make(classes=CLASSES), normalize=True)
    np.testing.assert_allclose(scores, [1, 0.5118595071, 0], atol=1e-10)
    assert entropy(make(0 * RECORD, classes=CLASSES[:1]), normalize=True).tolist() == [0, 0, 0]


def test_mean_over_runs_of_different_length():
    runs = Trajectory.stack([make(), make(RECORD[:1])])
    np.testing.assert_allclose(entropy(runs), (LAST + LAST[::-1]) / 2, rtol=1e-15)


def test_missing():
    record = RECORD.copy()
    record[1, 1] = np.nan
    with pytest.warns(MissingRecordsWarning, match="'entropy': 1 of 3 samples"):
        scores = entropy(make(record))
    np.testing.assert_array_equal(scores, [LAST[0], np.nan, LAST[2]])


def test_what_is_not_there():
    with pytest.raises(RecordNotFoundError, match="'entropy' needs the record 'entropy'"):
        entropy(Trajectory(np.ones((1, 1, 3))))
    with pytest.raises(RecordNotFoundError, match=r"normalize=True divides .* pass classes= to"):
        entropy(make(), normalize=True)
    with pytest.raises(ValueError, match="normalize must be one of False, True; got 'log2'"):
        entropy(make(), normalize="log2")
