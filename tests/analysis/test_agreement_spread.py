"""Mean and spread over groups of runs, by hand."""

from functools import partial

import numpy as np
import pytest

from sklearn_difficulty.analysis import (
    agreement_lower_bound,
    agreement_spread,
    pabak,
    random_agreement,
    true_positive_agreement,
)
from sklearn_difficulty.trajectory import Trajectory

# True-positive agreement 1/2, 1 and 0 after the only step.
GROUPS = [[[[1, 1, 0]], [[1, 0, 0]]], [[[1, 1, 0]], [[1, 1, 0]]], [[[1, 0, 0]], [[0, 1, 0]]]]


def test_by_hand():
    spread = agreement_spread(GROUPS, true_positive_agreement)
    assert spread.mean.tolist() == [0.5]
    assert spread.std.tolist() == [0.5]
    assert spread.n_groups == 3
    population = agreement_spread(GROUPS, true_positive_agreement, ddof=0)
    np.testing.assert_allclose(population.std, [0.4082483], atol=5e-8)


def test_of_any_function(golden_correct):
    groups = [golden_correct, golden_correct[:, ::-1]]
    ratio = agreement_spread(groups, partial(random_agreement, form="ratio"))
    np.testing.assert_allclose(ratio.mean, [0.1533613, 0.1533613], atol=5e-8)
    assert agreement_spread(groups, agreement_lower_bound).std.tolist() == [0, 0]
    assert agreement_spread(groups, partial(pabak, pairs=True)).mean.shape == (2, 3)


def test_only_steps_that_all_groups_completed(golden_correct):
    groups = []
    for n_steps in (2, 1):
        prediction = golden_correct[:, :n_steps].astype(int)
        loss = np.ones(prediction.shape)
        groups.append(Trajectory(loss, prediction=prediction, y=np.ones(6, dtype=int)))
    spread = agreement_spread(groups, true_positive_agreement)
    assert spread.mean.tolist() == [0.25]
    assert spread.std.tolist() == [0]


def test_undefined_in_one_group_is_undefined():
    nobody = np.zeros((2, 1, 3), dtype=bool)
    spread = agreement_spread([GROUPS[0], nobody], true_positive_agreement)
    assert np.isnan(spread.mean).all() and np.isnan(spread.std).all()


@pytest.mark.parametrize(
    ("groups", "function", "ddof", "error", "message"),
    [
        (GROUPS[:1], pabak, 1, ValueError, "at least 2 groups of runs for ddof=1; got 1"),
        ([], pabak, 0, ValueError, "at least 1 groups"),
        (GROUPS, pabak, -1, ValueError, "ddof"),
        (GROUPS, np.mean, 1, ValueError, "steps along the first axis"),
        (Trajectory(np.ones((2, 1, 3))), pabak, 1, TypeError, "groups must be .* got Trajectory"),
    ],
)
def test_what_makes_no_sense(groups, function, ddof, error, message):
    with pytest.raises(error, match=message):
        agreement_spread(groups, function, ddof=ddof)
