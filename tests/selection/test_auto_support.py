"""How many rows the automatic threshold drops."""

import numpy as np
import pytest

from sklearn_difficulty.exceptions import MissingRecordsWarning
from sklearn_difficulty.selection._auto_support import auto_support

DIFFICULTY = np.array([3.0, 1.0, 5.0, 2.0, 4.0])


@pytest.mark.parametrize(
    ("wrong", "kept", "cut"),
    [
        # as many as the probabilities sum up to, the hardest ones, whichever those are
        ([0.9, 0.1, 0.6, 0.2, 0.3], [True, True, False, True, False], 3.0),
        ([0.1, 0.1, 0.51, 0.2, 0.3], [True, True, False, True, True], 4.0),
        ([0.1, 0.1, 0.1, 0.1, 0.05], [True] * 5, np.inf),
        # no more than are above a third
        ([0.4, 0.3, 0.3, 0.3, 0.3], [True, True, False, True, True], 4.0),
        ([0.3, 0.3, 0.3, 0.3, 0.3], [True] * 5, np.inf),
        # one is left at least
        ([0.9] * 5, [False, True, False, False, False], 1.0),
    ],
)
def test_as_many_as_are_likely_wrong(wrong, kept, cut):
    support, threshold = auto_support(DIFFICULTY, np.array(wrong))
    assert support.tolist() == kept
    assert threshold == cut


def test_rows_as_hard_as_the_hardest_kept_one_are_kept():
    support, threshold = auto_support(np.array([1.0, 2.0, 2.0, 2.0]), np.array([0, 0, 0, 1]))
    assert support.all()
    assert threshold == 2


@pytest.mark.parametrize("wrong", [np.nan, 1.0])
def test_rows_without_difficulty_are_kept(wrong):
    with pytest.warns(MissingRecordsWarning, match="1 of 4"):
        support, cut = auto_support(np.array([1.0, np.nan, 2.0, 3.0]), np.array([0, wrong, 0, 1]))
    assert support.tolist() == [True, True, True, False]
    assert cut == 2


def test_without_estimates_of_labels():
    difficulty = np.concatenate([np.linspace(0, 1, 90), np.linspace(9, 10, 10)])
    support, cut = auto_support(difficulty, None)
    assert np.flatnonzero(~support).tolist() == list(range(90, 100))
    assert 1 < cut < 9
