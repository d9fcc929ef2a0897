"""Random numbers: seeded for a run, and given back as they were found."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

# torch, NumPy and Python each have one generator per process. Two threads that train at
# the same time would draw from each other's sequence, so seeded training takes turns.
_TURN = threading.RLock()


@contextmanager
def preserved_generators() -> Iterator[None]:
    """Leave the global generators of Python, NumPy and torch as they were found."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    python_state, numpy_state = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)


@contextmanager
def seeded_generators(seed: int) -> Iterator[None]:
    """Seed the global generators inside the block, and restore them after it."""
    with _TURN, preserved_generators():
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        yield
