"""How often a model is trained on planted errors."""

import numpy as np
import pytest

from sklearn_difficulty.labels import plant_errors
from sklearn_difficulty.labels._enough_errors import another_is_needed, plant_enough_errors
from sklearn_difficulty.labels._shown_by import shown_by
from sklearn_difficulty.trajectory import Trajectory


def n_trainings(n_samples, *, told_after):
    done = []
    while another_is_needed(len(done), n_samples, lambda: len(done) >= told_after):
        done.append(1)
    return len(done)


@pytest.mark.parametrize(
    ("n_samples", "told_after", "expected"),
    [
        (5, 1, 4),
        (50, 1, 4),
        (300, 1, 4),
        (500, 1, 2),
        (500, 3, 3),
        (999, 1, 2),
        (1000, 1, 1),
        (100_000, 1, 1),
        (100_000, 2, 2),
        (100_000, 99, 4),
    ],
)
def test_number_of_trainings(n_samples, told_after, expected):
    assert n_trainings(n_samples, told_after=told_after) == expected


@pytest.mark.parametrize(("certainty", "expected"), [(4.0, 1), (-2.0, 4)])
def test_until_they_stand_out(certainty, expected):
    rng = np.random.default_rng(0)
    truth = np.arange(1200) % 3
    asked = []

    def train(labels):
        asked.append(labels)
        logits = rng.normal(size=(3, 1200, 3))
        logits[:, np.arange(1200), truth] += certainty
        return Trajectory.from_outputs(logits, labels.y, kind="logits", classes=[0, 1, 2])

    first = train(type("Labels", (), {"y": truth}))
    del asked[:]
    errors = plant_enough_errors(first, train, random_state=3)
    assert len(errors) == len(asked) == expected
    assert shown_by(first, errors)[0].tells == (expected == 1)
    # Others each time, all from one source.
    source = np.random.RandomState(3)
    for (path, labels), given in zip(errors, asked, strict=True):
        assert labels is given
        np.testing.assert_array_equal(path.y, labels.y)
        np.testing.assert_array_equal(labels.y, plant_errors(first, source).y)
