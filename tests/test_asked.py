"""Scores are looked up, and what cannot be had is said before any training."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_difficulty._asked import check_scores, resolve_scores
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.scores import SCORES

NET = SimpleNamespace(has_gradients=True)
BOOSTING = SimpleNamespace(has_gradients=False)


def test_one_name():
    [score] = resolve_scores("action", {"dt": "wall"})
    assert score.entry is SCORES["action"]
    assert score.options == {"dt": "wall"}
    assert score.gradient_options == {}
    assert score.default_runs == 1
    assert score.keep == set()


def test_several_names():
    scores = resolve_scores(["easiness", "action"], {"action": {"reduction": "mean"}})
    assert [score.entry.name for score in scores] == ["easiness", "action"]
    assert [score.options for score in scores] == [{}, {"reduction": "mean"}]
    assert scores[0].default_runs == 20
    assert resolve_scores(("vog", "vog"), {"vog": None})[1].options == {}


def test_options_of_gradients_are_complete():
    [score] = resolve_scores("vog", {"output": "proba", "reduction": "std"})
    assert score.options == {"reduction": "std"}
    assert score.gradient_options == {
        "target": "true",
        "output": "proba",
        "stage": "all",
        "class_normalize": False,
    }


def test_keys_are_equal_for_equal_scores():
    def key(*args):
        return resolve_scores(*args)[0].key

    assert key("action", {"dt": "wall", "reduction": "sum"}) == key(
        "action", {"reduction": "sum", "dt": "wall"}
    )
    assert key("vog", None) == key("vog", {"stage": "all"})
    assert key("vog", None) != key("vog", {"stage": "late"})
    assert key("action", None) != key("loss_variance", None)


def test_params_are_not_changed():
    params = {"output": "proba"}
    resolve_scores("vog", params)
    assert params == {"output": "proba"}


@pytest.mark.parametrize(
    ("score", "params", "error", "message"),
    [
        ("difficulty", None, ValueError, "score must be one of 'action'.*got 'difficulty'"),
        (["action", "hard"], None, ValueError, "score must be one of .*got 'hard'"),
        (["action", 3], None, ValueError, "got 3"),
        (7, None, TypeError, "score must be a name or a list of names.*got 7"),
        ([], None, TypeError, r"got \[\]"),
        (None, None, TypeError, "got None"),
        ("action", {"colour": 1}, ValueError, r"\['colour'\], which score 'action' does not"),
        ("action", {"output": "proba"}, ValueError, r"takes \['dt', 'reduction'\]"),
        ("vog", {"labels": [0]}, ValueError, r"\['labels'\], which score 'vog' does not take"),
        ("vog", {"output": "logits"}, ValueError, r"score_params\['output'\] must be one of"),
        ("easiness", {"largest": 1}, ValueError, r"takes \['step'\]"),
        (["action"], {"dt": "wall"}, ValueError, "dict of options by the score's name"),
        (["action"], {"vog": {}}, ValueError, r"\['vog'\], which are not among the scores"),
    ],
)
def test_bad_names_and_options(score, params, error, message):
    with pytest.raises(error, match=message):
        resolve_scores(score, params)


@pytest.mark.parametrize("name", SCORES)
def test_direction(name):
    [score] = resolve_scores(name, None)
    values = np.array([1.0, 2.0])
    sign = 1 if SCORES[name].higher_is_harder else -1
    assert_array_equal(score.oriented(values), sign * values)


def test_what_was_not_recorded_is_said_before_training():
    def check(name, learner=NET, params=None, **options):
        defaults = {"has_classes": True, "snapshots": "auto", "n_runs": 20, "most_steps": 5}
        check_scores(resolve_scores(name, params), learner, **(defaults | options))

    for name in SCORES:
        check(name)
    for few in (1, [3]):
        with pytest.raises(RecordNotFoundError, match="needs two at least"):
            check("vog", snapshots=few)
    with pytest.raises(ValueError, match="asks for step 5, counted from 0, and a training has 5"):
        check("easiness", params={"step": 5})
    with pytest.warns(UserWarning, match=r"there is one.*n_runs=20"):
        check("easiness", n_runs=1)
    with pytest.raises(RecordNotFoundError, match=r"'vog' needs gradients.*estimator=None"):
        check("vog", learner=BOOSTING)
    with pytest.raises(RecordNotFoundError, match="snapshots=None keeps none: fit with"):
        check("vog", snapshots=None)
    for name in ("vog", "easiness"):
        with pytest.raises(RecordNotFoundError, match=f"'{name}' needs classes.*regression"):
            check(name, has_classes=False)
    check("action", learner=BOOSTING, has_classes=False, snapshots=None, n_runs=20, most_steps=5)
