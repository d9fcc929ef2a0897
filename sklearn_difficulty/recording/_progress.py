"""A progress bar over epochs, or over trainings where those run in other processes."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from joblib import effective_n_jobs
from tqdm.auto import tqdm


def no_tick() -> None:
    """Do nothing; a function, since it is sent to other processes."""


@contextmanager
def progress(
    n_models: int, steps_per_model: int | None, *, n_jobs: int | None, verbose: int
) -> Iterator[tuple[Callable[[], None], Callable[[Iterable[Any]], Iterable[Any]]]]:
    """Show a bar while the block runs.

    Parameters
    ----------
    n_models : int
        Trainings.
    steps_per_model : int or None
        Most epochs of one, where that is known.
    n_jobs : int or None
        Trainings at a time.
    verbose : int
        0 shows nothing.

    Yields
    ------
    tick : callable
        To be called after an epoch.
    track : callable
        Wraps the finished trainings.
    """
    if effective_n_jobs(n_jobs) > 1:
        steps_per_model = None  # ticks of other processes would not arrive
    by_steps = steps_per_model is not None
    total = n_models * (steps_per_model or 1)
    unit = "epoch" if by_steps else "training"
    with tqdm(total=total, unit=unit, desc="recording", disable=not verbose) as bar:

        def advance() -> None:
            bar.update()

        def track(finished: Iterable[Any]) -> Iterator[Any]:
            for item in finished:
                if not by_steps:
                    bar.update()
                yield item

        yield (advance if by_steps else no_tick), track
