"""What cannot be had from a training is said before there is one."""

from types import SimpleNamespace

import pytest

from sklearn_difficulty._asked import resolve_scores
from sklearn_difficulty._obtainable import check_scores
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.scores import SCORES

NET = SimpleNamespace(has_gradients=True, records_outputs=True)
BOOSTING = SimpleNamespace(has_gradients=False, records_outputs=True)


def test_what_was_not_recorded_is_said_before_training():
    def check(name, learner=NET, params=None, **options):
        defaults = {
            "has_classes": True,
            "has_proba": True,
            "snapshots": "auto",
            "n_runs": 20,
            "most_steps": 5,
        }
        check_scores(resolve_scores(name, params), learner, **(defaults | options))

    for name in SCORES:
        check(name)
    for few in (1, [3]):
        with pytest.raises(RecordNotFoundError, match="needs 2 at least"):
            check("vog", snapshots=few)
    with pytest.raises(
        ValueError, match=r"'easiness': steps=5 has no step in a training of 5 steps"
    ):
        check("easiness", params={"steps": 5})
    with pytest.warns(UserWarning, match=r"there is one.*n_runs=20"):
        check("easiness", n_runs=1)
    with pytest.raises(RecordNotFoundError, match=r"'vog' needs gradients.*estimator=None"):
        check("vog", learner=BOOSTING)
    with pytest.raises(RecordNotFoundError, match="snapshots=None keeps none: fit with"):
        check("vog", snapshots=None)
    for name in ("confidence", "entropy", "el2n"):
        with pytest.raises(RecordNotFoundError, match=f"'{name}' needs probabilities"):
            check(name, has_proba=False)
    for name in ("aum", "easiness"):
        with pytest.raises(RecordNotFoundError, match=f"'{name}' needs classes.*regression"):
            check(name, has_classes=False)
    check("action", learner=BOOSTING, has_classes=False, snapshots=None, n_runs=20, most_steps=5)


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("loss_variance", {"ddof": -1}, "ddof must be a whole number, at least 0; got -1"),
        ("forgetting", {"never_learned": -1}, "never_learned must be .* got -1"),
        ("entropy", {"normalize": 2}, "normalize must be one of False, True; got 2"),
        ("vog", {"channel_axis": 7}, "channel_axis must be an axis"),
        ("input_gradient_norm", {"ord": 3}, "ord must be one of 1, 2, inf; got 3"),
        ("action", {"dt": 3}, "dt must be a name, such as 'epoch', or .*; got 3"),
        ("action", {"dt": None}, "dt must be a name, such as 'epoch', or .*; got None"),
    ],
)
def test_numbers_are_tried_before_training(name, params, message):
    about = {"has_classes": True, "snapshots": "auto", "n_runs": 1, "most_steps": None}
    with pytest.raises(ValueError, match=message):
        check_scores(resolve_scores(name, params), NET, has_proba=True, **about)


def test_probabilities_that_an_option_needs_are_missed_before_training():
    about = {"has_classes": True, "snapshots": "auto", "n_runs": 1, "most_steps": None}
    margins_of_proba = resolve_scores("aum", {"proba": True})
    check_scores(margins_of_proba, NET, has_proba=True, **about)
    check_scores(resolve_scores("aum", None), NET, has_proba=False, **about)
    with pytest.raises(RecordNotFoundError, match="'aum' needs the record 'proba'"):
        check_scores(margins_of_proba, NET, has_proba=False, **about)


def test_a_number_beyond_the_training_that_is_tried_on_is_left_for_the_real_one():
    about = {"has_classes": True, "snapshots": "auto", "n_runs": 1, "most_steps": None}
    # warnings are errors here
    check_scores(resolve_scores("loss_variance", {"ddof": 100}), NET, has_proba=True, **about)
