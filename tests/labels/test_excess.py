"""How much more wrong planted errors look than rows with the same label."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from sklearn_difficulty.labels._excess import Excess
from sklearn_difficulty.labels._labelled import Labelled


def labelled(values, codes):
    return Labelled(np.asarray(values, dtype=float), np.asarray(codes))


def test_of_one_label_it_is_the_test_of_mann_and_whitney():
    rng = np.random.default_rng(0)
    errors, others = rng.normal(size=40) + 0.3, rng.normal(size=60)
    excess = Excess.of(labelled(errors, [0] * 40), labelled(others, [0] * 60))
    test = mannwhitneyu(
        errors, others, alternative="greater", method="asymptotic", use_continuity=False
    )
    assert excess.mean == pytest.approx(test.statistic / (40 * 60) - 0.5)
    deviations = (test.statistic - 40 * 60 / 2) / np.sqrt(40 * 60 * 101 / 12)
    assert excess.deviations == pytest.approx(deviations)


def test_rows_are_compared_with_those_of_the_same_label():
    errors = labelled([1.5, 11.5], [0, 1])
    others = labelled([1.0, 2.0, 11.0, 12.0], [0, 0, 1, 1])
    assert Excess.of(errors, others) == Excess(0.0, 2 * 4 / 24, 2)


def test_errors_without_others_are_not_counted():
    excess = Excess.of(labelled([9, 9], [0, 1]), labelled([1], [0]))
    assert (excess.total, excess.n_errors) == (0.5, 1)


def test_none():
    assert Excess.of(labelled([], []), labelled([1], [0])) == Excess.none()
    assert (Excess.none().mean, Excess.none().deviations) == (0.0, 0.0)
    assert Excess.together([]) == Excess.none()


def test_together():
    one, other = Excess(1.0, 0.25, 3), Excess(2.0, 0.75, 5)
    assert Excess.together([one, other]) == Excess(3.0, 1.0, 8)
