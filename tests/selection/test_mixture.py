"""The automatic threshold cuts off a second group, and nothing where there is none."""

import numpy as np
import pytest

from sklearn_difficulty.selection import auto_threshold
from sklearn_difficulty.selection._mixture import upper_group_proba

N = 1000


def two_groups(rng: np.random.Generator, share: float, n: int = N) -> tuple[np.ndarray, np.ndarray]:
    n_hard = int(share * n)
    easy = rng.lognormal(-1.5, 0.7, n - n_hard)
    return np.concatenate([easy, rng.normal(5, 0.8, n_hard)]), np.arange(n) >= n - n_hard


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2, 0.4])
def test_second_group_is_found(share):
    difficulty, hard = two_groups(np.random.default_rng(0), share)
    dropped = difficulty > auto_threshold(difficulty)
    assert dropped[hard].mean() > 0.95
    assert dropped[~hard].mean() < 0.01


def test_second_group_of_negative_difficulties_is_found():
    rng = np.random.default_rng(0)
    difficulty = np.concatenate([rng.normal(-20, 2, 900), rng.normal(-5, 2, 100)])
    assert -16 < auto_threshold(difficulty) < -9


def test_second_group_behind_a_skewed_first_is_found():
    # Two components are spent on the skewed group; only with a third is the other one seen.
    rng = np.random.default_rng(0)
    easy, hard = np.exp(rng.gumbel(-1, 0.4, 1800)), rng.normal(6.0, 0.6, 90)
    threshold = auto_threshold(np.concatenate([easy, hard]))
    assert (hard > threshold).mean() > 0.9
    assert (easy > threshold).mean() < 0.01


ONE_GROUP = {
    "normal": lambda rng: rng.normal(size=N),
    "log-normal": lambda rng: rng.lognormal(0, 1.5, N),
    "exponential": lambda rng: rng.exponential(size=N),
    "gamma": lambda rng: rng.gamma(0.3, size=N),
    "uniform": lambda rng: rng.uniform(size=N),
    "heavy tails": lambda rng: rng.standard_t(2, N),
    "negative, skewed": lambda rng: -rng.beta(5, 1, N),
    "counts": lambda rng: rng.poisson(0.5, N),
    "more counts": lambda rng: rng.poisson(4, N),
    "few levels": lambda rng: rng.geometric(0.5, N) / 20,
    "two levels": lambda rng: rng.binomial(1, 0.1, N),
    "one level": lambda rng: np.full(N, 0.1),
}


@pytest.mark.parametrize("name", ONE_GROUP)
@pytest.mark.parametrize("seed", range(3))
def test_one_group_is_left_alone(name, seed):
    assert auto_threshold(ONE_GROUP[name](np.random.default_rng(seed))) == np.inf


def test_coarse_difficulties_can_have_two_groups():
    rng = np.random.default_rng(0)
    counts = np.concatenate([rng.poisson(1, 900), rng.poisson(30, 100)])
    assert 6 <= auto_threshold(counts) < 18


def test_majority_is_never_cut_off():
    rng = np.random.default_rng(0)
    difficulty = np.concatenate([rng.normal(0, 1, 300), rng.normal(10, 1, 700)])
    assert auto_threshold(difficulty) == np.inf


@pytest.mark.parametrize("difficulty", [[], [1.0], [1.0, 2.0], [1.0, 2.0, 50.0], [np.nan, 1.0]])
def test_too_few_rows(difficulty):
    assert auto_threshold(np.array(difficulty)) == np.inf


def test_missing_and_infinite_values_do_not_matter():
    difficulty, _ = two_groups(np.random.default_rng(0), 0.1)
    more = np.concatenate([[np.nan, np.inf], difficulty, [-np.inf]])
    assert auto_threshold(more) == auto_threshold(difficulty)


def test_unit_does_not_matter():
    difficulty, _ = two_groups(np.random.default_rng(0), 0.1)
    assert auto_threshold(1000 * difficulty) == pytest.approx(1000 * auto_threshold(difficulty))


def test_order_does_not_matter():
    rng = np.random.default_rng(0)
    difficulty, _ = two_groups(rng, 0.1)
    assert auto_threshold(rng.permutation(difficulty)) == auto_threshold(difficulty)


def test_many_rows_are_thinned_out():
    difficulty, hard = two_groups(np.random.default_rng(0), 0.1, n=50_000)
    dropped = difficulty > auto_threshold(difficulty)
    assert dropped[hard].mean() > 0.95
    assert dropped[~hard].mean() < 0.01


@pytest.mark.usefixtures("generators_unchanged")
def test_draws_nothing():
    difficulty, _ = two_groups(np.random.default_rng(0), 0.1)
    assert auto_threshold(difficulty) == auto_threshold(difficulty)


class TestUpperGroupProba:
    @pytest.mark.parametrize("share", [0.05, 0.1, 0.2, 0.4])
    def test_rows_of_the_second_group(self, share):
        difficulty, hard = two_groups(np.random.default_rng(0), share)
        proba = upper_group_proba(difficulty)
        assert proba[hard].mean() > 0.95
        assert proba[~hard].mean() < 0.01
        assert proba.mean() == pytest.approx(share, abs=0.01)

    def test_agrees_with_the_threshold(self):
        difficulty, _ = two_groups(np.random.default_rng(1), 0.2)
        above = difficulty > auto_threshold(difficulty)
        np.testing.assert_array_equal(upper_group_proba(difficulty) > 0.5, above)

    def test_harder_is_more_probable(self):
        # The harder group is the wider one, and so the more likely one left of the easier, too.
        rng = np.random.default_rng(0)
        difficulty = np.concatenate([rng.normal(0, 0.3, 900), rng.normal(10, 3, 100), [-2.0]])
        proba = upper_group_proba(difficulty)
        assert (np.diff(proba[np.argsort(difficulty)]) >= 0).all()
        assert proba[-1] < 0.01
        assert proba.max() > 0.99

    def test_no_second_group(self):
        difficulty = np.random.default_rng(0).normal(size=N)
        np.testing.assert_array_equal(upper_group_proba(difficulty), np.zeros(N))
        np.testing.assert_array_equal(upper_group_proba(np.full(5, np.nan)), np.zeros(5))

    def test_missing_and_infinite_values(self):
        difficulty, _ = two_groups(np.random.default_rng(0), 0.1)
        more = upper_group_proba(np.concatenate([[np.nan, np.inf, -np.inf], difficulty]))
        np.testing.assert_array_equal(more[:3], [0, 1, 0])
        np.testing.assert_array_equal(more[3:], upper_group_proba(difficulty))
