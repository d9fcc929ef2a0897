"""Which labels are made wrong, and what they become."""

import numpy as np
import pytest

from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.labels import plant_errors
from sklearn_difficulty.labels._planted_errors import draw_errors
from sklearn_difficulty.trajectory import Trajectory


def rng(seed=0):
    return np.random.RandomState(seed)


class TestDrawn:
    @pytest.mark.parametrize("n_classes", [2, 3, 10])
    def test_a_tenth_of_each_class(self, n_classes):
        codes = np.repeat(np.arange(n_classes), 100)
        before = codes.copy()
        planted_codes = draw_errors(codes, n_classes, rng())
        planted = planted_codes != codes
        assert planted.reshape(n_classes, 100).sum(axis=1).tolist() == [10] * n_classes
        assert planted_codes.dtype == codes.dtype
        assert set(planted_codes) == set(range(n_classes))
        np.testing.assert_array_equal(codes, before)

    def test_any_other_class_is_as_likely(self):
        codes = np.repeat([0, 1, 2, 3], 30000)
        planted_codes = draw_errors(codes, 4, rng())
        for code in range(4):
            became = (
                np.bincount(planted_codes[(planted_codes != codes) & (codes == code)], minlength=4)
                / 3000
            )
            assert became[code] == 0
            # Three standard errors of a share of 1/3 in 3000 are 0.026.
            assert np.abs(np.delete(became, code) - 1 / 3).max() < 0.026

    def test_as_likely_as_the_confusions_say(self):
        codes = np.repeat([0, 1, 2], 30000)
        confusions = np.array([[0, 0.8, 0.2], [1, 0, 0], [0.5, 0.5, 0]])
        planted_codes = draw_errors(codes, 3, rng(), confusions=confusions)
        for code in range(3):
            became = (
                np.bincount(planted_codes[(planted_codes != codes) & (codes == code)], minlength=3)
                / 3000
            )
            assert np.abs(became - confusions[code]).max() < 0.026

    def test_small_classes_have_a_tenth_in_the_mean(self):
        codes = np.repeat(np.arange(400), 5)
        each = (draw_errors(codes, 400, rng()) != codes).reshape(400, 5).sum(axis=1)
        assert set(each) == {0, 1}
        # Three standard errors of a share of 1/2 in 400 are 0.075.
        assert abs(each.mean() - 0.5) < 0.075

    def test_no_class_loses_its_last_row(self):
        codes = np.repeat([0, 1, 2], [1, 1, 50])
        for seed in range(30):
            assert draw_errors(codes, 3, rng(seed))[:2].tolist() == [0, 1]

    def test_class_without_rows(self):
        planted_codes = draw_errors(np.zeros(100, dtype=int), 3, rng())
        assert np.count_nonzero(planted_codes) == 10
        assert set(planted_codes) == {0, 1, 2}

    def test_same_numbers_same_errors(self, generators_unchanged):
        codes = np.arange(60) % 3
        one, other, another = (draw_errors(codes, 3, rng(seed)) for seed in (0, 0, 1))
        np.testing.assert_array_equal(one, other)
        assert (one != another).any()

    def test_rows_are_drawn_over_the_whole_length(self):
        codes = np.zeros(40, dtype=int)
        drawn = np.mean([draw_errors(codes, 2, rng(seed)) for seed in range(500)], axis=0)
        # Four standard errors of a share of 0.1 in 500.
        assert np.abs(drawn - 0.1).max() < 0.054


def path(truth, y, classes=("ant", "bee", "cat")):
    """Two steps of a model that knows the truth, whatever the labels are."""
    proba = np.full((2, len(truth), len(classes)), 0.05)
    proba[:, np.arange(len(truth)), truth] = 0.9
    names = np.array(classes)
    return Trajectory.from_outputs(proba, names[y], kind="proba", classes=names)


class TestOfAPath:
    def test_labels_that_are_wrong_already_are_not_believed(self, generators_unchanged):
        truth = np.repeat([0, 1, 2], 100)
        wrong = np.arange(300) % 10 < 4
        y = np.where(wrong, (truth + 1) % 3, truth)
        trajectory = path(truth, y)
        labels = plant_errors(trajectory, 0)
        np.testing.assert_array_equal(labels.believed, ~wrong)
        assert labels.planted.sum() == 30
        np.testing.assert_array_equal(labels.y != trajectory.classes[y], labels.planted)
        np.testing.assert_array_equal(trajectory.y, y)

    def test_follow_the_mistakes_that_are_seen(self):
        truth = np.repeat([0, 1, 2], 4000)
        wrong = np.arange(12000) % 5 == 0
        y = np.where(wrong, (truth + 1) % 3, truth)
        labels = plant_errors(path(truth, y), 0)
        became = labels.y[labels.planted & (y == 0) & ~wrong]
        # 800 seen mistakes, each with a weight of 0.85²; as many of all kinds count three times,
        # and 20 more.
        seen = 800 * 0.85**2
        expected = (seen + (3 * seen + 20) / 2) / (4 * seen + 20)
        assert np.mean(became == "bee") == pytest.approx(expected, abs=0.03)

    def test_all_alike_where_none_is_seen(self):
        truth = np.repeat([0, 1, 2], 4000)
        labels = plant_errors(path(truth, truth), 0)
        became = labels.y[labels.planted & (truth == 0)]
        assert np.mean(became == "bee") == pytest.approx(0.5, abs=0.08)

    def test_rows_without_records_are_not_believed(self):
        truth = np.repeat([0, 1, 2], 100)
        proba = np.full((2, 300, 3), 1 / 3)
        proba[:, ::2] = np.nan
        trajectory = Trajectory.from_outputs(proba, truth, kind="proba")
        labels = plant_errors(trajectory, 0)
        assert not labels.believed[::2].any() and labels.believed[1::2].all()

    def test_of_a_path_without_probabilities(self):
        trajectory = Trajectory(
            np.ones((1, 2, 90)), y=np.repeat([0, 1, 2], 30), classes=np.array([1.5, 2.5, 3.5])
        )
        labels = plant_errors(trajectory, 0)
        assert labels.believed.all()
        assert labels.planted.sum() == 9
        assert set(labels.y) == {1.5, 2.5, 3.5}

    def test_seeds(self):
        trajectory = path(np.arange(60) % 3, np.arange(60) % 3)
        one, other, another = (plant_errors(trajectory, seed).y for seed in (0, rng(0), 1))
        np.testing.assert_array_equal(one, other)
        assert (one != another).any()

    def test_errors(self):
        with pytest.raises(RecordNotFoundError, match="plant_errors"):
            plant_errors(Trajectory(np.ones((1, 2, 9))))
        one = Trajectory(np.ones((1, 2, 9)), y=np.zeros(9, int), classes=np.array(["ant"]))
        with pytest.raises(ValueError, match="1 class"):
            plant_errors(one)
