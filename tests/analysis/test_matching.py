"""Easy and hard sets, and what two of them have in common, by hand."""

import math

import numpy as np
import pytest

from sklearn_difficulty.analysis import Match, extreme_set, match_extremes, matching_rate

EASINESS = [1, 1, 0.8, 0.6, 0.4, 0.2, 0, 0, 0.8, 1]


@pytest.mark.parametrize(
    ("side", "ties", "expected"),
    [
        ("easy", "inclusive", [0, 1, 9]),
        ("easy", "strict", []),
        ("hard", "inclusive", [6, 7]),
        ("hard", "strict", []),
    ],
)
def test_by_hand(side, ties, expected):
    chosen = extreme_set(EASINESS, 0.2, side=side, ties=ties)
    assert chosen.tolist() == expected
    assert np.issubdtype(chosen.dtype, np.integer)


def test_strict_takes_what_lies_beyond_the_ties():
    assert extreme_set(EASINESS, 0.4, ties="strict").tolist() == [0, 1, 9]
    assert extreme_set(EASINESS, 0.4).tolist() == [0, 1, 2, 8, 9]


def test_random_ties_make_the_number_exact():
    seen = set()
    for seed in range(30):
        chosen = extreme_set(EASINESS, 0.4, ties="random", random_state=seed)
        assert len(chosen) == 4
        assert {0, 1, 9} <= set(chosen.tolist()) <= {0, 1, 2, 8, 9}
        again = extreme_set(EASINESS, 0.4, ties="random", random_state=seed)
        assert again.tolist() == chosen.tolist()
        seen |= set(chosen.tolist())
    assert seen == {0, 1, 2, 8, 9}


def test_without_ties_all_ways_but_strict_agree():
    values = np.random.default_rng(0).permutation(50)
    for ties in ("inclusive", "random"):
        chosen = extreme_set(values, 0.1, side="hard", ties=ties)
        assert sorted(values[chosen]) == [0, 1, 2, 3, 4]


def test_number_is_rounded_and_at_least_one():
    values = np.arange(10)
    assert len(extreme_set(values, 0.3)) == 3
    assert len(extreme_set(values, 0.01)) == 1
    assert len(extreme_set(values, 1)) == 10


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"fraction": 0}, ValueError, r"fraction must be a number in \(0, 1\]; got 0"),
        ({"fraction": 1.5}, ValueError, "fraction"),
        ({"fraction": "10%"}, TypeError, "fraction"),
        ({"side": "left"}, ValueError, "side must be one of 'easy', 'hard'"),
        ({"ties": "first"}, ValueError, "ties must be one of"),
        ({"easiness": [1, np.nan]}, ValueError, "easiness must hold finite numbers"),
        ({"easiness": [[1, 2]]}, ValueError, "easiness must have one value per sample"),
        ({"easiness": []}, ValueError, "at least one value"),
    ],
)
def test_what_makes_no_sense(arguments, error, message):
    with pytest.raises(error, match=message):
        extreme_set(**({"easiness": EASINESS, "fraction": 0.2} | arguments))


def test_matching_rate():
    assert matching_rate([1, 2, 3, 4], [3, 4, 5]) == 0.5
    assert matching_rate([1, 2], [2, 1]) == 1
    assert matching_rate([1, 2], [3]) == 0
    assert matching_rate([1, 2], []) == 0
    assert math.isnan(matching_rate([], []))


def test_matching_rate_of_what_are_no_indices():
    with pytest.raises(ValueError, match="a must hold indices; got a mask"):
        matching_rate([True, False], [0])
    with pytest.raises(ValueError, match=r"b must hold indices, shape \(n,\); got shape \(1, 2\)"):
        matching_rate([0], [[0, 1]])


def test_match_by_hand():
    # Easy: {0, 1, 9} and {0}; hard: {6, 7} and {6}.
    other = [1, 0.9, 0.8, 0.6, 0.4, 0.2, -1, 0, 0.8, 0.9]
    assert match_extremes(EASINESS, other, 0.1) == Match(rate=1 / 3, chance=0.1, n_a=3, n_b=1)
    hard = match_extremes(EASINESS, other, 0.1, side="hard")
    assert hard == Match(rate=0.5, chance=0.1, n_a=2, n_b=1)


def test_chance_is_that_of_the_smaller_set():
    assert match_extremes([1, 1, 1, 0], [1, 1, 0, 0], 0.25).chance == 0.5
    values = np.random.default_rng(0).random((2, 20_000))
    match = match_extremes(*values, 0.1)
    assert match.chance == 0.1
    assert match.rate == pytest.approx(0.1, abs=0.02)


def test_strict_sets_may_both_be_empty():
    match = match_extremes([1, 1, 0], [1, 1, 0], 0.3, ties="strict")
    assert math.isnan(match.rate)
    assert (match.chance, match.n_a, match.n_b) == (0, 0, 0)


def test_random_ties_are_broken_independently():
    # All tied: the same seed for both would match fully, chance gives one in ten.
    tied = np.ones(10_000)
    match = match_extremes(tied, tied, 0.1, ties="random", random_state=0)
    assert match.rate == pytest.approx(0.1, abs=0.03)
    assert match == match_extremes(tied, tied, 0.1, ties="random", random_state=0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"b": [1, 2]}, ValueError, "b must have 10 values"),
        ({"a": [np.nan] * 10}, ValueError, "a must hold finite numbers"),
        ({"b": [np.nan] * 10}, ValueError, "b must hold finite numbers"),
        ({"fraction": 2}, ValueError, "fraction"),
        ({"side": "both"}, ValueError, "side"),
        ({"ties": "all"}, ValueError, "ties"),
    ],
)
def test_match_of_what_makes_no_sense(arguments, error, message):
    with pytest.raises(error, match=message):
        match_extremes(**({"a": EASINESS, "b": EASINESS, "fraction": 0.2} | arguments))
