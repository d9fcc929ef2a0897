"""Errors and warnings keep what they carry, also from another process."""

import pickle

import numpy as np
import pytest

from sklearn_difficulty import exceptions
from sklearn_difficulty.exceptions import (
    NonFiniteLossError,
    RecordNotFoundError,
    TrajectoryFormatError,
    UnreducibleCriterionError,
)
from sklearn_difficulty.trajectory import Trajectory


def test_non_finite_loss_survives_pickling():
    trajectory = Trajectory(np.ones((1, 3, 2)))
    error = NonFiniteLossError("loss became NaN", step=3, n_rows=2, trajectory=trajectory)
    error.add_note("learning rate 1e9")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is NonFiniteLossError
    assert str(back) == "loss became NaN"
    assert (back.step, back.n_rows) == (3, 2)
    assert back.__notes__ == ["learning rate 1e9"]
    np.testing.assert_array_equal(back.trajectory.loss, trajectory.loss)


def test_subclass_of_non_finite_loss_survives_pickling():
    back = pickle.loads(pickle.dumps(_Special("boom", step=0, n_rows=1)))
    assert type(back) is _Special
    assert back.trajectory is None


class _Special(NonFiniteLossError):
    pass


def test_non_finite_loss_needs_step_and_rows():
    with pytest.raises(TypeError, match="step"):
        NonFiniteLossError("loss became NaN")


@pytest.mark.parametrize("name", exceptions.__all__)
def test_builtin_bases(name):
    found = getattr(exceptions, name)
    if name.endswith("Warning"):
        assert issubclass(found, UserWarning)
    elif name == "UnreducibleCriterionError":
        assert issubclass(found, TypeError)
    else:
        assert issubclass(found, ValueError)


@pytest.mark.parametrize(
    "kind", [RecordNotFoundError, TrajectoryFormatError, UnreducibleCriterionError]
)
def test_plain_errors_survive_pickling(kind):
    assert str(pickle.loads(pickle.dumps(kind("why")))) == "why"
