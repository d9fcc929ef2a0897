"""What to do with rows that look mislabelled when another model is trained afterwards.

The filter looks at the rows with its own small network, and a linear model, a forest and boosting
are trained on what it makes of them: rows dropped, labels mended, or all rows weighed. Beside them
stand no filter, as many rows dropped at random, and all wrong labels dropped. One filter is trained
for each data and seed, which serves all three actions and all final models.

    python benchmarks/final_models.py --pairs iris-uniform-20 --seeds 1
"""

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from detection import add_seeds_and_folders, make_task, parsed, result_file
from detection_data import PAIRS as PAIRS_OF_DETECTION
from detection_data import Data
from detection_metrics import judge_cut
from detection_task import Task, write
from final_models_report import (
    ACTIONS,
    BOOSTING,
    FOREST,
    LINEAR,
    MODELS,
    N_COLUMNS,
    N_ROWS,
    N_TEST_ROWS,
    NO_FILTER,
    ORACLE,
    RANDOM,
    by_seed,
    report,
)
from label_noise import ROOT, versions
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sklearn_difficulty import MislabelFilter

WORK = Path(__file__).resolve().parent / ".final_models"
# Of each data set, the same for all: what keeps the whole of it to about half an hour.
MOST_ROWS, MOST_TEST_ROWS = 1_500, 2_000
# Boosting grows a tree for each class in each round, and looks at each column for each split.
MOST_COLUMNS = 500
# Colours need another network, and of two classes confused pairs are the uniform errors once more.
TWO_CLASSES = ("breast_cancer", "adult", "sms")
PAIRS = [
    pair
    for pair in PAIRS_OF_DETECTION
    if not pair.startswith("cifar") and pair not in {f"{name}-pairs-20" for name in TWO_CLASSES}
]
SETTINGS = {N_ROWS: MOST_ROWS, N_TEST_ROWS: MOST_TEST_ROWS, N_COLUMNS: MOST_COLUMNS}


class Treated(NamedTuple):
    """What a final model is trained on.

    Attributes
    ----------
    rows : ndarray of int of shape (n,)
        Numbers of training rows.
    y : ndarray of int of shape (n,)
        Their labels.
    weight : ndarray of shape (n,) or None
        Their weights; None are none.
    """

    rows: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None = None

    @property
    def content(self) -> tuple[bytes, ...]:
        """What is the same where the same is trained."""
        return tuple(b"" if part is None else part.tobytes() for part in self)


def final_model(name: str, seed: int) -> Pipeline:
    """Make a final model, with the settings that scikit-learn has by itself."""
    if name == LINEAR:
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, random_state=seed))
    if name == FOREST:
        return make_pipeline(RandomForestClassifier(100, random_state=seed))
    return make_pipeline(HistGradientBoostingClassifier(random_state=seed))


def fit_filters(task: Task) -> dict[str, MislabelFilter]:
    """Fit a filter for each action; the second and the third train nothing."""
    return {
        action: MislabelFilter(action=action, random_state=task.seed).fit(task.data.X, task.given)
        for action in ACTIONS
    }


def treat(task: Task, filters: dict[str, MislabelFilter]) -> dict[str, Treated]:
    """Make what final models are trained on.

    Parameters
    ----------
    task : Task
        Rows with wrong labels.
    filters : dict of str to MislabelFilter
        Action -> fitted filter.

    Returns
    -------
    dict of str to Treated
        One for each of ``TREATMENTS``.
    """
    given, numbers = task.given, np.arange(len(task.given))
    treated = {NO_FILTER: Treated(numbers, given)}
    for action, fitted in filters.items():
        rows, labels = fitted.filter(numbers, given)
        treated[action] = Treated(rows, labels, getattr(fitted, "sample_weight_", None))
    kept = drop_at_random(given, filters["drop"].get_support(), task.seed)
    treated[RANDOM] = Treated(numbers[kept], given[kept])
    treated[ORACLE] = Treated(numbers[~task.wrong], given[~task.wrong])
    return treated


def drop_at_random(given: np.ndarray, support: np.ndarray, seed: int) -> np.ndarray:
    """Keep as many rows of each given class as a filter does, whichever.

    Parameters
    ----------
    given : ndarray of int of shape (n,)
        Labels.
    support : ndarray of shape (n,), bool
        True for the rows that the filter keeps.
    seed : int
        Of the choice.

    Returns
    -------
    ndarray of shape (n,), bool
        True for the rows to keep.
    """
    rng = np.random.default_rng(seed)
    keep = np.ones(len(given), dtype=bool)
    for label in np.unique(given):
        of_class = np.flatnonzero(given == label)
        keep[rng.choice(of_class, int((~support[of_class]).sum()), replace=False)] = False
    return keep


def accuracy(model: Pipeline, data: Data, treated: Treated) -> float:
    """Train a final model, and judge it on the test data."""
    last = model.steps[-1][0]
    weights = {} if treated.weight is None else {f"{last}__sample_weight": treated.weight}
    model.fit(data.X[treated.rows], treated.y, **weights)
    return float(model.score(data.X_test, data.y_test))


def measure(task: Task) -> dict[str, Any]:
    """Filter, and train all final models on all that comes of it.

    Parameters
    ----------
    task : Task
        Rows with wrong labels.

    Returns
    -------
    dict
        ``"n_rows"``, ``"rate"``: the share of wrong labels, ``"cut"``: how good the filter is,
        ``"accuracy"``: model -> treatment -> share of the test data, and ``"warnings"``: which
        kinds of them there were.
    """
    with warnings.catch_warnings(record=True) as caught:
        # That nothing was learnt, or that a linear model did not converge, is part of the report.
        warnings.simplefilter("always")
        start = time.process_time()
        filters = fit_filters(task)
        cut = judge_cut(task.wrong, ~filters["drop"].get_support())
        cut["seconds"] = time.process_time() - start
        treated = treat(task, filters)
        cut["wrong afterwards"] = float(np.mean(treated["relabel"].y != task.data.y))
        reached: dict[str, dict[str, float]] = {}
        for name in MODELS:
            if name == BOOSTING and task.data.X.shape[1] > MOST_COLUMNS:
                continue
            # Where nothing is dropped, most of them are the same.
            known: dict[tuple[bytes, ...], float] = {}
            for one in treated.values():
                if one.content not in known:
                    known[one.content] = accuracy(final_model(name, task.seed), task.data, one)
            reached[name] = {what: known[one.content] for what, one in treated.items()}
    return {
        "n_rows": len(task.given),
        "rate": float(task.wrong.mean()),
        "cut": cut,
        "accuracy": reached,
        "warnings": sorted({warning.category.__name__ for warning in caught}),
    }


def first_rows(task: Task) -> Task:
    """Leave the first rows of a task, which are in no order."""
    X, y, X_test, y_test = task.data[:4]
    data = Data(X[:MOST_ROWS], y[:MOST_ROWS], X_test[:MOST_TEST_ROWS], y_test[:MOST_TEST_ROWS])
    return task._replace(data=data, given=task.given[:MOST_ROWS])


def run(pair: str, seed: int, data_dir: Path, work: Path, again: bool) -> dict[str, Any]:
    """Give what was measured with these settings and versions before, or measure it."""
    file = result_file(work, pair, seed, "final")
    now: dict[str, Any] = SETTINGS | versions()
    if file.is_file() and not again:
        before: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if before.pop("settings") == now:
            return before
    start = time.perf_counter()
    found = measure(first_rows(make_task(pair, seed, data_dir, work)))
    write(file, {"settings": now} | found)
    took = time.perf_counter() - start
    print(f"{pair}: seed {seed} took {took:.0f} s", file=sys.stderr, flush=True)
    return found


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Compare what is done with wrong labels.")
    parser.add_argument(
        "--pairs",
        nargs="+",
        choices=PAIRS,
        default=PAIRS,
        metavar="PAIR",
        help="data and noise, such as iris-uniform-20 (default: all)",
    )
    add_seeds_and_folders(parser, WORK)
    parser.add_argument(
        "--again", action="store_true", help="measure anew what was measured, of these pairs"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write the report there, and a .json beside it"
    )
    arguments = parsed(parser, argv)
    if arguments.out is not None and arguments.out.suffix == ".json":
        parser.error("argument --out: names the report, such as final_models.md")
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 2 where data are missing."""
    arguments = parse(argv)
    # So small networks are slower with several threads than with one.
    torch.set_num_threads(1)
    found: dict[str, list[dict[str, Any]]] = {pair: [] for pair in arguments.pairs}
    given = arguments.data_dir, arguments.work, arguments.again
    try:
        with threadpool_limits(1):
            for seed in range(arguments.seeds):
                for pair, seeds in found.items():
                    seeds.append(run(pair, seed, *given))
    except FileNotFoundError as error:
        print(f"final_models.py: error: {error}", file=sys.stderr)
        return 2
    results, used = {pair: by_seed(seeds) for pair, seeds in found.items()}, versions()
    command = "python benchmarks/final_models.py"
    if list(arguments.pairs) != PAIRS:
        command += f" --pairs {' '.join(arguments.pairs)}"
    command += f" --seeds {arguments.seeds}"
    if arguments.out is None:
        print(report(results, command, SETTINGS, used))
        return 0
    command += f" --out {os.path.relpath(arguments.out, ROOT)}"
    content = {"command": command, "settings": SETTINGS, "versions": used, "pairs": results}
    write(arguments.out.with_suffix(".json"), content)
    arguments.out.write_text(report(results, command, SETTINGS, used), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
