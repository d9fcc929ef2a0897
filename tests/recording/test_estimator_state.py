"""What an estimator of scikit-learn learned, and copies of it as it was before."""

import numpy as np
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

from sklearn_difficulty.recording._estimator_state import estimator_state, with_state


def test_linear_model(table):
    X, y = table
    model = LogisticRegression().fit(X, y)
    state = estimator_state(model)
    assert {name: value.shape for name, value in state.items()} == {
        "coef_": (3, 4),
        "intercept_": (3,),
    }
    state["coef_"] += 1
    twin = with_state(model, state)
    assert_array_equal(twin.coef_, model.coef_ + 1)
    assert not np.array_equal(twin.predict_proba(X), model.predict_proba(X))


def test_layers(table):
    X, y = table
    model = MLPClassifier((5, 4)).partial_fit(X, y, classes=np.arange(3))
    state = estimator_state(model)
    assert sorted(state) == [f"{name}.{i}" for name in ("coefs_", "intercepts_") for i in range(3)]
    before = model.predict_proba(X)
    model.partial_fit(X, y)
    assert_array_equal(with_state(model, state).predict_proba(X), before)
    assert not np.array_equal(model.predict_proba(X), before)


def test_no_state(table):
    X, y = table
    assert estimator_state(DecisionTreeClassifier().fit(X, y)) == {}
