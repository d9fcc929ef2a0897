"""Which steps are kept when nobody knows how many there will be."""

import numpy as np
import pytest

from sklearn_difficulty.trajectory import SnapshotSchedule, span_weights


def play(rule, n_steps, max_count=None):
    """Run a schedule as a caller does, and give the steps that the caller then has."""
    schedule = SnapshotSchedule(rule, max_count)
    have = []
    for step in range(n_steps):
        if schedule.offer(step):
            for old in schedule.evicted(step):
                have.remove(old)
            have.append(step)
    assert tuple(have) == schedule.held
    return have


@pytest.mark.parametrize("k", range(1, 41))
def test_number_and_spread_of_kept_steps(k):
    for n_steps in range(1, 201):
        kept = play(k, n_steps)
        assert len(kept) == min(k, n_steps)
        n_first, n_last = (3, 3) if k >= 6 else (min(1, k - 1), 1)
        assert kept[:n_first] == list(range(min(n_first, n_steps)))
        assert kept[-n_last:] == list(range(max(0, n_steps - n_last), n_steps))
        between = kept[n_first : len(kept) - n_last]
        if between and n_steps > k:
            last_first, first_last = kept[n_first - 1], kept[len(kept) - n_last]
            gaps = np.diff([last_first, *between])
            assert max(*gaps, first_last - between[-1]) <= 2 * gaps.min()


def test_kept_steps_by_hand():
    assert play(12, 100) == [0, 1, 2, 18, 26, 34, 50, 66, 82, 97, 98, 99]
    assert play(6, 100) == [0, 1, 2, 97, 98, 99]
    assert play(2, 100) == [0, 99]
    assert play(1, 100) == [99]


def test_all():
    assert play("all", 50, max_count=3) == list(range(50))


def test_auto_keeps_within_the_budget_but_at_least_six():
    assert play("auto", 50) == list(range(50))
    assert play("auto", 50, max_count=100) == list(range(50))
    assert play("auto", 50, max_count=20) == play(20, 50)
    assert play("auto", 50, max_count=0) == [0, 1, 2, 47, 48, 49]


def test_list_and_none():
    assert play([7, 2, 2, 90], 50) == [2, 7]
    assert play(np.array([1, 3]), 50) == [1, 3]
    assert play(range(0, 50, 20), 50) == [0, 20, 40]
    assert play(None, 50) == []


def test_a_number_ignores_the_budget():
    assert len(play(10, 50, max_count=2)) == 10


def test_asking_changes_nothing():
    schedule = SnapshotSchedule(3)
    assert schedule.offer(0) and schedule.offer(0)
    assert schedule.held == ()


def test_dropping_first_never_holds_more_than_asked_for():
    schedule = SnapshotSchedule(9)
    for step in range(300):
        schedule.evicted(step)
        assert len(schedule.held) <= 9


@pytest.mark.parametrize(
    ("rule", "error", "message"),
    [
        ("some", ValueError, "snapshots must be .*got 'some'"),
        (0, ValueError, "snapshots must be a whole number, at least 1; got 0"),
        (-3, ValueError, "at least 1; got -3"),
        (2.5, TypeError, "snapshots must be"),
        (True, TypeError, "snapshots must be"),
        ([], ValueError, "empty list of steps; use None"),
        ([-1], ValueError, "each step in snapshots must be .* at least 0; got -1"),
        ([1.5], TypeError, "each step in snapshots"),
    ],
)
def test_rules_that_make_no_sense(rule, error, message):
    with pytest.raises(error, match=message):
        SnapshotSchedule(rule)


def test_steps_come_in_order():
    schedule = SnapshotSchedule(3)
    schedule.evicted(4)
    with pytest.raises(ValueError, match="increasing order; got 4 after 4"):
        schedule.evicted(4)


def test_span_weights_by_hand():
    # Steps 0-1 are nearest to 0 (1 is a tie, the earlier wins), 2-4 to 2, 5-7 to 7.
    assert span_weights([0, 2, 7], np.ones(8)).tolist() == [2, 3, 3]
    assert span_weights([0, 2, 7], [1, 2, 3, 4, 5, 6, 7, 8]).tolist() == [3, 12, 21]
    assert span_weights([3], np.ones(8)).tolist() == [8]
    assert span_weights([0, 1, 2], [0.5, 1, 2]).tolist() == [0.5, 1, 2]


def test_span_weights_add_up():
    rng = np.random.default_rng(0)
    for n_steps in range(1, 60):
        dt = rng.random(n_steps)
        kept = np.flatnonzero(rng.random(n_steps) < 0.3)
        kept = kept if len(kept) else np.array([0])
        assert span_weights(kept, dt).sum() == pytest.approx(dt.sum(), rel=1e-12)


@pytest.mark.parametrize("kept", [[], [2, 1], [1, 1], [-1, 2], [0, 8], [[0, 1]], [0.5]])
def test_span_weights_of_steps_that_are_not_there(kept):
    with pytest.raises(ValueError, match="kept_steps must be"):
        span_weights(kept, np.ones(8))


def test_span_weights_need_one_length_per_step():
    with pytest.raises(ValueError, match="dt must have shape"):
        span_weights([0], np.ones((2, 8)))
