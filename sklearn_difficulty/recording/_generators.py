"""Random numbers: seeded for a run, and given back as they were found."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

# torch, NumPy and Python each have one generator per process. Of two threads that train or
# score at the same time, one would draw from the other's sequence or set it back, so that
# they take turns.
_TURN = threading.RLock()


@contextmanager
def preserved_generators() -> Iterator[None]:
    """Leave the global generators of Python, NumPy and torch as they were found."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    with _TURN:
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
    with preserved_generators():
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        yield
