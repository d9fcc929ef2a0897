"""How long several trainings of a small net take at once."""

from collections.abc import Callable, Iterator

from speed_models import MLP, net, rows
from speed_timing import Comparison, Work

from sklearn_difficulty import DifficultyScorer

RUNS = 10


def comparisons(short: bool) -> Iterator[Comparison]:
    """Easiness from runs that are stacked, beside fits one after the other.

    Parameters
    ----------
    short : bool
        Whether to make do with fewer epochs.
    """
    X, y = rows(2000)
    for batch_size in (16, 32, 128):
        yield Comparison(
            f"{RUNS} runs of an MLP, 2,000 rows in batches of {batch_size}",
            f"{RUNS} fits one after the other",
            2.5,
            _fits(X, y, batch_size, short, n_runs=RUNS, n_fits=1),
            _fits(X, y, batch_size, short, n_runs=1, n_fits=RUNS),
            at_most=False,
        )


def _fits(
    X: object, y: object, batch_size: int, short: bool, *, n_runs: int, n_fits: int
) -> Callable[[], Work]:
    # Of a single run there is no easiness, and to read one or the other off takes next to no time.
    score = "easiness" if n_runs > 1 else "action"
    estimator = net(MLP)
    estimator.batch_size, estimator.max_epochs = batch_size, 3 if short else 10

    def work() -> None:
        for seed in range(n_fits):
            scorer = DifficultyScorer(estimator, score=score, n_runs=n_runs, random_state=seed)
            scorer.fit(X, y)
            assert (scorer.why_not_stacked_ is None) == (n_runs > 1)

    return lambda: work
