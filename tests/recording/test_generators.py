"""Seeded blocks repeat themselves and leave no trace."""

import random
import threading

import numpy as np
import pytest
import torch

from sklearn_difficulty.recording._generators import preserved_generators, seeded_generators


def draw():
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_seeded_blocks_repeat_themselves(generators_unchanged):
    drawn = []
    for seed in (1, 1, 2):
        with seeded_generators(seed):
            drawn.append(draw())
    assert drawn[0] == drawn[1]
    assert all(a != b for a, b in zip(drawn[0], drawn[2], strict=True))


def test_preserved_block_goes_on_from_what_it_found(generators_unchanged):
    with seeded_generators(5):
        with preserved_generators():
            inside = draw()
        assert draw() == inside


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_generators_come_back_after_an_error(error, generators_unchanged):
    with pytest.raises(error), seeded_generators(0):
        draw()
        raise error


def test_blocks_of_two_threads_take_turns(generators_unchanged):
    drawn = {}

    def work(seed):
        with seeded_generators(seed):
            drawn[seed] = [draw() for _ in range(200)]

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in range(4):
        with seeded_generators(seed):
            assert drawn[seed] == [draw() for _ in range(200)]


def test_blocks_may_be_nested(generators_unchanged):
    with seeded_generators(1):
        first = draw()
        with seeded_generators(2):
            draw()
        second = draw()
    with seeded_generators(1):
        assert (draw(), draw()) == (first, second)
