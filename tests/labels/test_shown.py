"""What planted errors show of right and wrong labels."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from sklearn_difficulty.labels._excess import Excess
from sklearn_difficulty.labels._labelled import Labelled, share_below
from sklearn_difficulty.labels._shown import Shown


def shown(values, codes, planted, believed=None):
    rows = Labelled(np.asarray(values, dtype=float), np.asarray(codes))
    planted = np.asarray(planted, dtype=bool)
    return Shown.of(rows, planted, np.ones_like(planted) if believed is None else believed)


def test_sorted():
    planted = np.array([True, True, False, False, True, False])
    believed = np.array([True, False, True, False, True, True])
    parts = shown([1, 2, 3, 4, np.nan, np.nan], [0, 1, 0, 1, 0, 1], planted, believed)
    assert [part.values.tolist() for part in parts[:3]] == [[3, 4], [1], [3]]
    assert [part.codes.tolist() for part in parts[:3]] == [[0, 1], [0], [0]]
    # Both errors look less wrong than the other row with their label.
    assert (parts.excess.total, parts.excess.n_errors) == (-1.0, 2)


@pytest.mark.parametrize(("n_wrong", "n_right", "enough"), [(3, 1, True), (2, 9, False)])
def test_enough(n_wrong, n_right, enough):
    n_rows = n_wrong + n_right
    assert shown(np.arange(n_rows), np.zeros(n_rows, int), np.arange(n_rows) < n_wrong).enough is (
        enough
    )


def test_nothing_is_not_enough():
    assert not Shown.none().enough
    assert not shown([1, 2, 3], [0, 0, 0], [True] * 3).enough


def test_typical():
    planted = np.array([True] * 3 + [False] * 5)
    believed = np.array([False, True, True, True, True, True, False, False])
    parts = shown([9, 5, 7, 0, 1, 2, 6, 8], [0] * 8, planted, believed)
    # Medians: of others 2, of those believed 1, of the wrong ones 6.
    assert parts.typical == (1.5, 6.0)


def test_pooled():
    one = shown([1, 2, 3, 4], [0, 1, 0, 1], [True, False, False, False])
    other = shown([5, 6], [1, 1], [True, False])
    pooled = Shown.pooled([one, other])
    values = [part.values.tolist() for part in pooled[:3]]
    assert values == [[2, 3, 4, 6], [1, 5], [2, 3, 4, 6]]
    assert pooled.wrong.codes.tolist() == [0, 1]
    assert pooled.excess == Excess.together([one.excess, other.excess])
    assert [part.values.tolist() for part in Shown.pooled([])[:3]] == [[]] * 3
    assert Shown.pooled([]).excess == Excess.none()


def test_drawn_again():
    parts = shown([5, 6, 1, 2], [0, 0, 0, 0], [True, True, False, False])
    again = parts.drawn(lambda rows: rows.take(np.zeros(3, dtype=int)), deviations=-2.0)
    assert [part.values.tolist() for part in again[:3]] == [[1] * 3, [5] * 3, [1] * 3]
    assert again.excess.deviations == pytest.approx(parts.excess.deviations - 2.0)
    assert again.excess.variance == parts.excess.variance


def test_of_another_excess():
    rows = Labelled(np.array([5.0, 6.0, 7.0, 1.0]), np.zeros(4, dtype=int))
    planted, all_rows = np.array([True, True, True, False]), np.ones(4, dtype=bool)
    assert Shown.of(rows, planted, all_rows).tells
    assert not Shown.of(rows, planted, all_rows)._replace(excess=Excess(0.0, 1.0, 3)).tells


class TestTells:
    def test_errors_that_look_wrong(self):
        rng = np.random.default_rng(0)
        planted = np.arange(300) < 30
        codes = np.arange(300) % 3
        noise = rng.normal(size=300)
        assert shown(noise + planted, codes, planted).tells
        assert not shown(noise - planted, codes, planted).tells

    def test_a_rare_class_that_looks_wrong_as_a_whole(self):
        rng = np.random.default_rng(0)
        codes = (np.arange(10000) % 10 == 0).astype(int)
        planted = np.arange(10000) < 1000
        # Nearly all errors carry the label of the rare class.
        codes[planted] = 1
        values = rng.normal(size=10000) + 5 * codes
        assert mannwhitneyu(values[planted], values[~planted]).pvalue < 1e-9
        assert not shown(values, codes, planted).tells

    def test_labels_that_the_model_did_not_believe_say_nothing(self):
        # It knows nothing: it believes one half of the labels, and no label of the other half.
        rng = np.random.default_rng(0)
        believed = np.arange(400) % 2 == 0
        planted = np.arange(400) % 10 < 2
        values = np.where(believed ^ planted, -1.0, 1.0) + rng.normal(size=400) / 10
        parts = shown(values, np.arange(400) // 2 % 2, planted, believed)
        assert share_below(parts.wrong.values, parts.right.values) == 1.0
        assert not parts.tells

    def test_labels_without_other_rows(self):
        assert not shown([1, 2, 3, 4], [0, 0, 0, 1], [True, True, True, False]).tells

    @pytest.mark.filterwarnings("error")
    def test_too_few_errors_among_labels_that_were_believed(self):
        planted, none = np.arange(20) < 5, np.zeros(20, dtype=bool)
        for believed in (none, np.arange(20) > 2):
            parts = shown(10.0 * planted, np.zeros(20, dtype=int), planted, believed)
            assert parts.excess.deviations > 3
            assert not parts.tells
