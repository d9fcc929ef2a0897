"""What all tests share: one thread for torch, real data, and the check on global generators."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

# Small networks are slower with several threads each than with one, and much slower on shared
# cores.
torch.set_num_threads(1)

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


class NoisyDigits(NamedTuple):
    """Digits with planted label errors."""

    X: np.ndarray
    """(1797, 64) float32 in [0, 1]."""
    y_given: np.ndarray
    """(1797,) int64, the labels with the errors."""
    y_true: np.ndarray
    """(1797,) int64, the labels without."""
    flipped: np.ndarray
    """(1797,) bool, true for the 180 rows in which the two differ."""


@pytest.fixture(scope="module")
def beside_the_benchmarks() -> Iterator[None]:
    """Let a file of tests import what lies under benchmarks/, as the commands there do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield


@pytest.fixture
def shared_data() -> Path:
    """Folder of larger real data sets beside the checkout; a test that asks for it may skip."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the real data sets in ../shared/data, and that folder is absent")
    return SHARED_DATA


@pytest.fixture(scope="session")
def _digits_once() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    return (X / 16.0).astype(np.float32), y.astype(np.int64)


@pytest.fixture
def digits(_digits_once) -> tuple[np.ndarray, np.ndarray]:
    """Handwritten digits: X (1797, 64) float32 in [0, 1], y (1797,) int64; copies."""
    X, y = _digits_once
    return X.copy(), y.copy()


@pytest.fixture
def noisy_digits(digits) -> NoisyDigits:
    """Digits of which exactly one label in ten (180 of 1797) is another digit, always the same."""
    X, y_true = digits
    rng = np.random.default_rng(0)
    rows = rng.choice(len(y_true), size=round(0.1 * len(y_true)), replace=False)
    y_given = y_true.copy()
    # Adding 1 to 9 modulo 10 reaches each of the nine other digits, and never the same one.
    y_given[rows] = (y_true[rows] + rng.integers(1, 10, size=len(rows))) % 10
    flipped = np.zeros(len(y_true), dtype=bool)
    flipped[rows] = True
    return NoisyDigits(X, y_given, y_true, flipped)


def _generator_states() -> dict[str, object]:
    """States of the global random generators, each as a value that compares with ``==``."""
    numpy_state = np.random.get_state(legacy=False)
    states: dict[str, object] = {
        "random": random.getstate(),
        "numpy.random": (
            numpy_state["state"]["key"].tobytes(),
            numpy_state["state"]["pos"],
            numpy_state["has_gauss"],
            numpy_state["gauss"],
        ),
        "torch": torch.get_rng_state().numpy().tobytes(),
    }
    if torch.cuda.is_available():
        for index, state in enumerate(torch.cuda.get_rng_state_all()):
            states[f"torch.cuda, device {index}"] = state.numpy().tobytes()
    return states


@pytest.fixture
def generators_unchanged() -> Iterator[None]:
    """Fail when the test leaves a global generator (random, NumPy, torch) in another state."""
    before = _generator_states()
    yield
    after = _generator_states()
    changed = [name for name in before if before[name] != after[name]]
    assert not changed, f"the test changed the global generators of {', '.join(changed)}"
