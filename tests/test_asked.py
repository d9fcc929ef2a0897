"""Scores are looked up, and their options with them."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal

from sklearn_difficulty._asked import resolve_scores
from sklearn_difficulty.scores import SCORES, Score
from sklearn_difficulty.trajectory import Trajectory


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
        "class_normalize": False,
    }


def is_same(one, other):
    [first], [second] = resolve_scores(*one), resolve_scores(*other)
    return first.is_same(second)


def test_equal_scores_with_equal_options_are_the_same():
    assert is_same(
        ("action", {"dt": "wall", "reduction": "sum"}),
        ("action", {"reduction": "sum", "dt": "wall"}),
    )
    assert is_same(("vog", None), ("vog", {"steps": None}))
    assert not is_same(("vog", None), ("vog", {"steps": "late"}))
    assert not is_same(("action", None), ("loss_variance", None))
    assert not is_same(("action", {"steps": slice(1)}), ("action", {"steps": slice(2)}))


def test_long_options_that_differ_are_told_apart():
    lengths = np.ones(2000)
    longer = lengths.copy()
    longer[1000] = 2.0
    assert is_same(("action", {"dt": lengths}), ("action", {"dt": lengths.copy()}))
    assert not is_same(("action", {"dt": lengths}), ("action", {"dt": longer}))
    assert not is_same(("action", {"dt": lengths}), ("action", {"dt": "wall"}))
    assert not is_same(("action", {"dt": lengths}), ("action", None))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pd.Series([1.0, 2.0]), pd.Series([1.0, 2.0, 3.0])),
        (torch.ones(2), torch.ones(3)),
        ({"a": np.ones(2)}, {"a": np.ones(2)}),
    ],
    ids=["series", "tensor", "mapping"],
)
def test_options_that_do_not_compare_are_the_same_only_where_they_are_one(one, other):
    assert is_same((longest_loss, {"power": one}), (longest_loss, {"power": one}))
    assert not is_same((longest_loss, {"power": one}), (longest_loss, {"power": other}))


def test_functions_of_one_name_are_told_apart():
    functions = [lambda path: path.loss[0, 0] for _ in range(2)]
    assert is_same((functions[0], None), (functions[0], None))
    assert not is_same((functions[0], None), (functions[1], None))


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
        (7, None, TypeError, "score must be a name out of .*, a function of a Trajectory.*got 7"),
        ([], None, TypeError, r"got \[\]"),
        (None, None, TypeError, "got None"),
        ("action", {"colour": 1}, ValueError, r"\['colour'\], which score 'action' does not"),
        ("action", {"output": "proba"}, ValueError, r"takes .*'dt', 'reduction', 'steps'"),
        ("vog", {"labels": [0]}, ValueError, r"\['labels'\], which score 'vog' does not take"),
        ("vog", {"output": "logits"}, ValueError, r"score_params\['output'\] must be one of"),
        ("easiness", {"largest": 1}, ValueError, r"takes \['rank', 'steps', 'tol'\]"),
        ("consensus", {"confusions": 1}, ValueError, r"takes \['steps'\]"),
        (["action"], {"dt": "wall"}, ValueError, "dict of options by the score's name"),
        (["action"], {"vog": {}}, ValueError, r"\['vog'\], which are not among the scores"),
        ("action", "steps", TypeError, "score_params must be a dict of options .* got 'steps'"),
        ("action", ["steps"], TypeError, r"score_params must be a dict .* got \['steps'\]"),
        (["action"], {"action": 5}, TypeError, r"score_params\['action'\] must be a dict .* got 5"),
        ("action", {1: 2, "a": 3}, ValueError, r"\[1, 'a'\], which score 'action' does not take"),
        (max, None, TypeError, "parameters can be read, and those of <built-in function max>"),
        (lambda: 1, None, TypeError, "'<lambda>' must be a function of a Trajectory.*too many"),
        (lambda path, q: q, {}, TypeError, r"stand in score_params.*missing .*'q'"),
    ],
)
def test_bad_names_and_options(score, params, error, message):
    with pytest.raises(error, match=message):
        resolve_scores(score, params)


@pytest.mark.parametrize(
    ("steps", "error"),
    [("middle", ValueError), ((0.5, 0.2), ValueError), (1.5, TypeError), (True, TypeError)],
)
@pytest.mark.parametrize("name", ["action", "vog", len])
def test_bad_windows(name, steps, error):
    with pytest.raises(error, match="steps"):
        resolve_scores(name, {"steps": steps})


def longest_loss(trajectory, power=1):
    return np.nanmax(trajectory.loss, axis=(0, 1)) ** power


def test_functions_of_the_users_own():
    path = Trajectory(np.arange(6.0).reshape(1, 3, 2))
    [score] = resolve_scores(longest_loss, {"power": 2})
    assert score.entry.name == "longest_loss"
    assert_array_equal(score.of(path), [16.0, 25.0])
    [early] = resolve_scores([longest_loss], {"longest_loss": {"steps": slice(0, 2)}})
    assert_array_equal(early.of(path), [2.0, 3.0])
    assert not early.is_same(score)
    with pytest.raises(ValueError, match=r"\['colour'\], which score 'longest_loss' does not take"):
        resolve_scores(longest_loss, {"colour": 1})


def test_in_a_window_that_was_cut_before():
    prediction = np.array([[0, 1], [0, 0], [1, 0], [0, 1]])[None]
    y = np.array([0, 1])
    path = Trajectory(np.ones((1, 4, 2)), prediction=prediction, y=y, classes=y)
    [easiness] = resolve_scores("easiness", {"steps": slice(0, 3)})
    # right in 2 of 3 steps, and in 1 of 3
    assert_array_equal(easiness.of(path), [1.0, 0.5])
    assert_array_equal(easiness.of_window(path.window(slice(0, 3))), [1.0, 0.5])
    assert easiness.population(path) == {"largest": 2 / 3}
    [last] = resolve_scores("easiness", None)
    assert_array_equal(last.of(path), last.of_window(path))
    assert last.population(path) == {"largest": 1.0}
    assert resolve_scores("action", None)[0].population(path) == {}


def test_a_population_of_the_users_own():
    def relative(trajectory, *, mean=1.0):
        return trajectory.loss.mean(axis=(0, 1)) / mean

    entry = Score("relative", relative, population=lambda path: {"mean": path.loss.mean()})
    path = Trajectory(np.array([[[1.0, 1.0], [2.0, 4.0]]]))
    [last] = resolve_scores(entry, {"steps": -1})
    assert last.population(path) == {"mean": 3.0}
    assert resolve_scores(entry, None)[0].population(path) == {"mean": 2.0}


def test_a_score_of_the_users_own_with_its_direction():
    entry = Score("shortest", lambda path: path.loss.min(axis=(0, 1)), higher_is_harder=False)
    [score] = resolve_scores(entry, None)
    path = Trajectory(np.arange(6.0).reshape(1, 3, 2))
    assert_array_equal(score.oriented(score.of(path)), [0.0, -1.0])


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            lambda path: path.loss,
            r"array of shape \(2,\).*an array of float64 of shape \(1, 3, 2\)",
        ),
        (lambda path: path.loss[0, :, 0], r"one number for each of the 2 samples.*shape \(3,\)"),
        (lambda path: np.array(["a", "b"]), "returned an array of <U1"),
        (lambda path: None, "it returned NoneType"),
        (lambda path: 3.0, "it returned float"),
    ],
)
def test_a_function_that_returns_something_else(function, message):
    [score] = resolve_scores(function, None)
    with pytest.raises(ValueError, match=message):
        score.of(Trajectory(np.arange(6.0).reshape(1, 3, 2)))


@pytest.mark.parametrize("name", SCORES)
def test_direction(name):
    [score] = resolve_scores(name, None)
    values = np.array([1.0, 2.0])
    sign = 1 if SCORES[name].higher_is_harder else -1
    assert_array_equal(score.oriented(values), sign * values)
