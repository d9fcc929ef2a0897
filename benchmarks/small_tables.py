"""How well planted label errors are found in small tables, where forests are hard to beat.

Labels of a fifth of the rows are replaced by other classes, uniformly. A random forest is judged
out of bag, the default network along its training, in sample and out of fold; beside them stands
what scikit-learn alone gives, out of fold.

    python benchmarks/small_tables.py --seeds 5
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from label_noise import METRICS, ROOT, measure, table, versions
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_predict

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.datasets import flip_labels

RATE = 0.2
LOADERS = {
    "iris": load_iris,
    "wine": load_wine,
    "breast_cancer": load_breast_cancer,
    "digits": load_digits,
}

METHODS = {
    "OOB confidence": "a random forest's mean probability of the given label, over the trees "
    "that left the row out: `DifficultyScorer(RandomForestClassifier(500), score='confidence')`, "
    "negated",
    "OOB action": "the mean log-loss of the same trees: `score='action'`",
    "net action": "the default network: `DifficultyScorer()`",
    "net action, cv=5": "the same out of fold: `DifficultyScorer(cv=5)`",
    "forest, cv=5": "scikit-learn alone: the probability of the given label by "
    "`cross_val_predict(RandomForestClassifier(500), cv=5, method='predict_proba')`, negated",
}


def difficulties(
    X: np.ndarray, given: np.ndarray, seed: int, n_trees: int = 500
) -> dict[str, np.ndarray]:
    """Rank all rows by each method.

    Parameters
    ----------
    X, given : ndarray of shape (n, n_features), ndarray of int of shape (n,)
        Rows and the labels that they carry, which are the numbers 0 to k-1.
    seed : int
        Of all trainings.
    n_trees : int
        Trees of a forest.

    Returns
    -------
    dict
        Method -> ndarray of shape (n,), higher is harder.
    """
    forest = RandomForestClassifier(n_trees)
    scores = ["confidence", "action"]
    trees = DifficultyScorer(forest, score=scores, random_state=seed).fit(X, given)
    proba = cross_val_predict(
        forest.set_params(random_state=seed), X, given, cv=5, method="predict_proba"
    )
    values = (
        -trees.scores_[:, 0],
        trees.scores_[:, 1],
        DifficultyScorer(random_state=seed).fit(X, given).difficulty_,
        DifficultyScorer(cv=5, random_state=seed).fit(X, given).difficulty_,
        -proba[np.arange(len(given)), given],
    )
    return dict(zip(METHODS, values, strict=True))


def run(name: str, n_seeds: int, n_trees: int = 500) -> dict[str, dict[str, list[float]]]:
    """Measure all methods on one table.

    Parameters
    ----------
    name : {"iris", "wine", "breast_cancer", "digits"}
        The table.
    n_seeds : int
        Seeds from 0; each one draws the errors and the trainings anew.
    n_trees : int
        Trees of a forest.

    Returns
    -------
    dict
        Method -> metric -> one value per seed.
    """
    X, y = LOADERS[name](return_X_y=True)
    results: dict[str, dict[str, list[float]]] = {
        method: {metric: [] for metric in METRICS} for method in METHODS
    }
    for seed in range(n_seeds):
        given, wrong = flip_labels(y, RATE, random_state=seed)
        for method, difficulty in difficulties(X, given, seed, n_trees).items():
            for metric, value in measure(wrong, difficulty).items():
                results[method][metric].append(value)
    return results


def report(measured: dict[str, Any], command: str, n_seeds: int) -> str:
    """Write all tables with what they were made by, as Markdown."""
    seeds = "seed 0" if n_seeds == 1 else f"seeds 0 to {n_seeds - 1}"
    parts = [
        "# Finding wrong labels in small tables",
        f"Written by\n\n    {command}",
        f"Mean ± standard deviation over {seeds}; each draws the wrong labels and the trainings "
        "anew.\nBy chance both precisions are the share of wrong labels, 0.2, and AUROC is 0.5.",
        "\n".join(f"- {method}: {text}." for method, text in METHODS.items()),
    ]
    for name, results in measured.items():
        n_rows = len(LOADERS[name]().target)
        parts += [f"## {name}, {n_rows} rows, 20 % wrong labels", table(results)]
    used = ", ".join(f"{name} {version}" for name, version in versions().items())
    parts.append(f"Versions: {used}.")
    return "\n\n".join(parts) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Measure how well small tables are cleaned.")
    parser.add_argument("--data", nargs="+", choices=LOADERS, default=list(LOADERS))
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--trees", type=int, default=500, metavar="N", help="default: 500")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every value there")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the report there")
    arguments = parser.parse_args(argv)
    for name in ("seeds", "trees"):
        if getattr(arguments, name) < 1:
            parser.error(f"argument --{name}: must be at least 1; got {getattr(arguments, name)}")
    for file in (arguments.json, arguments.out):
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
    # So small networks are slower with several threads than with one.
    torch.set_num_threads(1)
    measured = {}
    for name in arguments.data:
        measured[name] = run(name, arguments.seeds, arguments.trees)
        print(f"{name}\n\n{table(measured[name])}\n", flush=True)
    command = f"python benchmarks/small_tables.py --data {' '.join(arguments.data)}"
    command += f" --seeds {arguments.seeds} --trees {arguments.trees}"
    if arguments.out is not None:
        command += f" --out {os.path.relpath(arguments.out, ROOT)}"
        text = report(measured, command, arguments.seeds)
        arguments.out.write_text(text, encoding="utf-8")
    if arguments.json is not None:
        content = {"command": command, "versions": versions(), "results": measured}
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
