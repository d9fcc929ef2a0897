"""Runs whose agreement is known by hand."""

import numpy as np
import pytest


@pytest.fixture
def golden_correct() -> np.ndarray:
    """Whether each of 3 runs has each of 6 samples right after each of 2 steps."""
    after_steps = [["100010", "010010", "100110"], ["110010", "111010", "110110"]]
    rows = [[[digit == "1" for digit in run] for run in step] for step in after_steps]
    return np.array(rows).swapaxes(0, 1)
