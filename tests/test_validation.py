"""Parameter checks, and a fit that changes everything or nothing."""

import inspect

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from sklearn_difficulty._validation import (
    all_or_nothing,
    check_choice,
    check_count,
    check_fraction,
    check_labels,
    check_vector,
)


def test_check_choice():
    assert check_choice("side", None, ("easy", None)) is None
    with pytest.raises(ValueError, match=r"side must be one of 'easy', 'hard'; got 'left'"):
        check_choice("side", "left", ("easy", "hard"))
    with pytest.raises(ValueError, match=r"side must be one of"):
        check_choice("side", ["easy"], ("easy", "hard"))


def test_check_count():
    assert check_count("n", np.int64(3)) == 3
    assert type(check_count("n", np.int64(3))) is int
    assert check_count("n", 0, minimum=0) == 0
    with pytest.raises(ValueError, match=r"n must be a whole number, at least 1; got 0"):
        check_count("n", 0)
    for bad in (1.0, True, "3", None):
        with pytest.raises(TypeError, match=r"n must be a whole number"):
            check_count("n", bad)


def test_check_fraction():
    assert check_fraction("f", 1) == 1.0
    assert check_fraction("f", np.float32(0.5)) == 0.5
    assert check_fraction("f", 0, include_zero=True) == 0.0
    for bad in (0, -0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"f must be a number in \(0, 1\]; got"):
            check_fraction("f", bad)
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        check_fraction("f", 1, include_zero=True, include_one=False)
    for bad in ("0.5", True, None):
        with pytest.raises(TypeError, match="f must be a number"):
            check_fraction("f", bad)


def test_check_vector():
    vector = check_vector("s", [1, 2], length=2)
    assert vector.dtype == np.float64
    assert np.isnan(check_vector("s", [np.nan], allow_nan=True)).all()
    with pytest.raises(ValueError, match=r"s must have one value per sample.*\(1, 2\)"):
        check_vector("s", [[1, 2]])
    with pytest.raises(ValueError, match="s must have 3 values, one per sample; got 2"):
        check_vector("s", [1, 2], length=3)
    with pytest.raises(ValueError, match="1 of 2 are not, the first is nan at index 1"):
        check_vector("s", [1, np.nan])
    with pytest.raises(ValueError, match="finite numbers or NaN"):
        check_vector("s", [1, np.inf], allow_nan=True)


def test_check_labels():
    assert check_labels("y", ["a", "b"]).tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="y must have one label per sample"):
        check_labels("y", [[1], [2]])
    with pytest.raises(ValueError, match="y must have 3 values"):
        check_labels("y", [1, 2], length=3)


class Learner(BaseEstimator):
    """Fails on request, and does so late."""

    def __init__(self, fail=None):
        self.fail = fail

    @all_or_nothing
    def fit(self, X, y=None, *, extra=None):
        """Fit."""
        assert not hasattr(self, "mean_"), "an earlier fit shows through"
        self.mean_ = float(np.mean(X))
        self._rows_ = len(X)
        if extra is not None:
            self.extra_ = extra
        if self.fail is not None:
            raise self.fail


def test_fit_returns_the_estimator_itself():
    learner = Learner()
    assert learner.fit([1, 3]) is learner
    assert (learner.mean_, learner._rows_) == (2.0, 2)


def test_second_fit_leaves_nothing_of_the_first():
    learner = Learner().fit([1, 3], extra=7)
    learner.fit([5])
    assert learner.mean_ == 5.0
    assert not hasattr(learner, "extra_")


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(1)])
def test_failing_fit_changes_nothing(error):
    unfitted = Learner(fail=error)
    with pytest.raises(type(error)):
        unfitted.fit([1, 3])
    assert vars(unfitted) == {"fail": error}

    fitted = Learner().fit([1, 3])
    fitted.fail = error
    before = dict(vars(fitted))
    with pytest.raises(type(error)):
        fitted.fit([10, 20], extra=1)
    assert vars(fitted) == before


def test_other_attributes_stay():
    learner = Learner()
    learner._metadata_request = "kept"
    learner.fit([1, 3])
    assert learner._metadata_request == "kept"


def test_signature_is_that_of_the_method():
    assert list(inspect.signature(Learner.fit).parameters) == ["self", "X", "y", "extra"]
    assert Learner.fit.__doc__ == "Fit."
