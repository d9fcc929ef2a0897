"""What an estimator of scikit-learn learned, as arrays, and copies of it as it was before."""

import copy
from typing import Any

import numpy as np

from sklearn_difficulty.recording._snapshots import State

# Where linear models and multilayer perceptrons hold what they learned.
_NAMES = ("coef_", "intercept_", "coefs_", "intercepts_")


def estimator_state(fitted: Any) -> dict[str, np.ndarray]:
    """Copy of the parameters that an estimator learned; empty for one that has others."""
    state: dict[str, np.ndarray] = {}
    for name in _NAMES:
        value = getattr(fitted, name, None)
        if isinstance(value, list):
            state |= {f"{name}.{i}": np.array(layer) for i, layer in enumerate(value)}
        elif value is not None:
            state[name] = np.array(value)
    return state


def with_state(fitted: Any, state: State) -> Any:
    """Copy of an estimator with other learned parameters; the rest is shared with it."""
    twin = copy.copy(fitted)
    layers: dict[str, list[np.ndarray]] = {}
    for key, value in state.items():
        name, _, layer = key.partition(".")
        if layer:
            layers.setdefault(name, []).append(value)
        else:
            setattr(twin, name, value)
    vars(twin).update(layers)
    return twin
