"""What the package offers at its top level, and that all of it keeps scikit-learn's manners."""

from importlib.metadata import version

import pytest
import torch
from sklearn.base import clone

import sklearn_difficulty

PUBLIC = [
    "DifficultyScorer",
    "DifficultyTracker",
    "FilteredClassifier",
    "FilteredRegressor",
    "MislabelFilter",
    "MislabelSampler",
    "TrackedNet",
    "TrackedNetClassifier",
    "TrackedNetRegressor",
    "Trajectory",
    "TrajectoryRecorder",
]

# A general net is nothing without these; everything else can be made without arguments.
ARGUMENTS = {"TrackedNet": {"module": torch.nn.Linear, "criterion": torch.nn.MSELoss}}

# The tracker, a skorch callback, has parameters and can be cloned like an estimator.
WITH_PARAMETERS = [name for name in PUBLIC if not name.startswith("Trajectory")]


def _instance(name):
    return getattr(sklearn_difficulty, name)(**ARGUMENTS.get(name, {}))


def _parameter_types(estimator):
    return {name: type(value) for name, value in estimator.get_params(deep=False).items()}


def test_public_names():
    assert sorted(sklearn_difficulty.__all__) == PUBLIC


def test_version_is_that_of_the_installed_package():
    assert sklearn_difficulty.__version__ == version("sklearn-difficulty")


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_repr_names_the_class(name):
    assert name in repr(_instance(name))


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_clone_has_the_same_parameters(name):
    original = _instance(name)
    copy = clone(original)
    assert type(copy) is type(original)
    assert copy is not original
    # Types, since a parameter such as skorch's ValidSplit is cloned and compares by identity.
    assert _parameter_types(copy) == _parameter_types(original)
