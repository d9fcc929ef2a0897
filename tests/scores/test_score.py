"""The table of scores is true to its functions."""

import inspect

import numpy as np
import pytest

from sklearn_difficulty import scores
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.scores import SCORES
from sklearn_difficulty.trajectory import Trajectory

FROM_RECORDS = [name for name, score in SCORES.items() if not score.from_gradients]


@pytest.mark.parametrize("name", SCORES)
def test_entry(name):
    score = SCORES[name]
    assert score.name == name
    assert score.function is getattr(scores, name)
    assert score.reference
    assert score.default_runs >= 1
    options = list(inspect.signature(score.function).parameters.values())[1:]
    assert all(option.kind is option.KEYWORD_ONLY for option in options)
    assert all(option.default is not option.empty for option in options)


def make(flipped):
    """Make three runs of ten samples of which one has a wrong label.

    The others are learned; the wrong one is right once, and its loss goes up and down.
    """
    loss = np.tile(np.linspace(1, 0.1, 6)[None, :, None], (3, 1, 10))
    loss[:, :, flipped] = 3 + np.linspace(-1, 1, 6)
    prediction = np.ones(loss.shape, dtype=np.int32)
    prediction[1:, :, flipped] = 0
    return Trajectory(loss, prediction=prediction, y=np.ones(10, dtype=int))


@pytest.mark.parametrize("name", FROM_RECORDS)
def test_direction(name):
    score = SCORES[name]
    values = score.function(make(flipped=4))
    assert values.shape == (10,)
    assert values.dtype == np.float64
    hardest = np.argmax(values if score.higher_is_harder else -values)
    assert hardest == 4


@pytest.mark.parametrize("name", FROM_RECORDS)
def test_needs(name):
    score = SCORES[name]
    trajectory = make(flipped=4)
    needed = {field: getattr(trajectory, field) for field in score.needs}
    score.function(Trajectory(**({"loss": trajectory.loss} | needed)))
    for field in set(score.needs) - {"loss"}:
        fewer = {key: value for key, value in needed.items() if key != field}
        with pytest.raises(RecordNotFoundError, match=f"'{name}' needs the record '{field}'"):
            score.function(Trajectory(**({"loss": trajectory.loss} | fewer)))


def test_direction_of_the_paper():
    assert {name: score.higher_is_harder for name, score in SCORES.items()} == {
        "action": True,
        "loss_variance": True,
        "vog": True,
        "easiness": False,
    }
    assert SCORES["easiness"].default_runs == 20
    assert SCORES["vog"].from_gradients
