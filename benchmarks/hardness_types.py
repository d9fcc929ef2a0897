"""Which type rows get of which it is known whether they are hard, mislabeled or atypical.

Gaussian classes hold rows halfway between two of them, cores with another label, and small groups
in directions of their own. Digits and Fashion-MNIST hold planted wrong labels, and digits also
images of which the pixels are shuffled or inverted.

    python benchmarks/hardness_types.py --seeds 5
"""

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from detection_data import DATA_DIR, fashion
from label_noise import ROOT, versions
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.datasets import flip_labels
from sklearn_difficulty.labels import estimate_label_noise, hardness_types

TYPES = ("easy", "hard", "mislabeled", "atypical")
Rows = tuple[np.ndarray, np.ndarray, np.ndarray]

LEARNERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "net": (None, {}),
    "net, cv=5": (None, {"cv": 5}),
    "SGD": (make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss")), {}),
    "boosting": (HistGradientBoostingClassifier(max_iter=40), {}),
    "boosting, cv=5": (HistGradientBoostingClassifier(max_iter=40), {"cv": 5}),
    "forest": (RandomForestClassifier(200), {}),
}


def gaussians(seed: int, n_classes: int, n: int = 800) -> Rows:
    """Draw classes of unit variance with three kinds of other rows, 1 in 16 each.

    Parameters
    ----------
    seed, n_classes, n : int
        Seed, number of classes and of rows in their cores.

    Returns
    -------
    X, y, kind : ndarray
        Rows, labels and what each one is.
    """
    rng = np.random.default_rng(seed)
    size, n_few = n_classes + 6, n // 16
    centres = np.zeros((n_classes, size))
    centres[np.arange(n_classes), np.arange(n_classes)] = 6
    core = np.arange(n) % n_classes
    wrong, left = rng.integers(n_classes, size=(2, n_few))
    shift, step = rng.integers(1, n_classes, size=(2, n_few))
    away = np.zeros((n_few // 4, size))
    away[:, n_classes:] = rng.normal(size=(n_few // 4, 6))
    away *= 6 / np.linalg.norm(away, axis=1, keepdims=True)
    between = (centres[left] + centres[(left + step) % n_classes]) / 2
    means = {
        "easy": centres[core],
        "hard": between,
        "mislabeled": centres[wrong],
        "atypical": np.repeat(centres.mean(axis=0) + away, 4, axis=0),
    }
    spreads = {"easy": 1, "hard": 0.3, "mislabeled": 1, "atypical": 0.5}
    X = np.concatenate(
        [mean + rng.normal(size=mean.shape) * spreads[kind] for kind, mean in means.items()]
    )
    groups = np.repeat(rng.integers(n_classes, size=n_few // 4), 4)
    y = np.concatenate([core, left, (wrong + shift) % n_classes, groups])
    kind = np.repeat(list(means), [len(mean) for mean in means.values()])
    return X.astype(np.float32), y, kind


def odd_digits(seed: int, how: str) -> Rows:
    """Load digits with 10 % wrong labels, and 5 % of other images "shuffled" or "inverted"."""
    rng = np.random.default_rng(seed)
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    given, wrong = flip_labels(y, 0.1, random_state=seed)
    kind = np.where(wrong, "mislabeled", "as they are")
    for row in rng.choice(np.flatnonzero(~wrong), size=len(y) // 20, replace=False):
        X[row] = 1 - X[row] if how == "inverted" else rng.permutation(X[row])
        kind[row] = "atypical"
    return X, given, kind


def clothes(seed: int, rate: float, data_dir: Path) -> Rows:
    """Load Fashion-MNIST with a share of wrong labels."""
    data = fashion(data_dir)
    if rate == 0:
        return data.X, data.y, np.full(len(data.y), "as they are")
    given, wrong = flip_labels(data.y, rate, random_state=seed)
    return data.X, given, np.where(wrong, "mislabeled", "as they are")


def settings(data_dir: Path, fast: bool) -> Iterator[tuple[str, Any, list[str]]]:
    """Yield names, functions that draw rows by seed, and learners."""
    for n_classes in (2, 4, 10):
        name = f"Gaussians, {n_classes} classes"
        yield name, lambda seed, k=n_classes: gaussians(seed, k), list(LEARNERS)
    for how in ("shuffled", "inverted"):
        name = f"digits, 10 % wrong labels, 5 % {how}"
        yield name, lambda seed, how=how: odd_digits(seed, how), list(LEARNERS)
    if not fast:
        for rate in (0.0, 0.2):
            name = f"Fashion-MNIST, {rate:.0%} wrong labels"
            yield name, lambda seed, r=rate: clothes(seed, r, data_dir), ["net", "forest"]


def run(
    draw: Any, learners: Sequence[str], n_seeds: int
) -> dict[tuple[str, str], list[list[float]]]:
    """Measure the types on one kind of data.

    Parameters
    ----------
    draw : callable
        Gives rows, labels and kinds for a seed.
    learners : sequence of str
        Out of `LEARNERS`.
    n_seeds : int
        Seeds from 0; each draws the rows and the trainings anew.

    Returns
    -------
    dict
        (learner, kind) -> for each seed the share of rows of each type, and that of rows for which
        "mislabeled" agrees with a probability above one half of ``estimate_label_noise``.
    """
    found = defaultdict(list)
    for seed in range(n_seeds):
        X, y, kind = draw(seed)
        for learner in learners:
            estimator, options = LEARNERS[learner]
            scorer = DifficultyScorer(estimator, snapshots=None, random_state=seed, **options)
            trajectory = scorer.fit(X, y).trajectory_
            types = hardness_types(trajectory)
            probable = estimate_label_noise(trajectory).mislabeled_proba > 0.5
            agree = probable == (types == "mislabeled")
            for name in ("as they are", *TYPES):
                if (rows := kind == name).any():
                    shares = [float(np.mean(types[rows] == other)) for other in TYPES]
                    found[learner, name].append([*shares, float(agree[rows].mean())])
    return dict(found)


def table(found: dict[tuple[str, str], list[list[float]]]) -> str:
    """Write mean shares over seeds, in per cent, as Markdown."""
    head = "| learner | rows that are | " + " | ".join(TYPES) + " | agree with the probability |"
    lines = [head, "| --- | --- |" + " ---: |" * (len(TYPES) + 1)]
    for (learner, kind), values in found.items():
        cells = []
        for column in np.transpose(values):
            spread = f" ± {100 * np.std(column, ddof=1):.1f}" if len(column) > 1 else ""
            cells.append(f"{100 * np.mean(column):.1f}{spread}")
        lines.append(f"| {learner} | {kind} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Measure the types of known rows.")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--fast", action="store_true", help="leave Fashion-MNIST out")
    parser.add_argument("--data-dir", type=Path, default=DATA_DIR, metavar="DIR")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the report there")
    arguments = parser.parse_args(argv)
    if arguments.seeds < 1:
        parser.error(f"argument --seeds: must be at least 1; got {arguments.seeds}")
    # So small networks are slower with several threads than with one.
    torch.set_num_threads(1)
    command = f"python benchmarks/hardness_types.py --seeds {arguments.seeds}"
    command += " --fast" if arguments.fast else ""
    if arguments.out is not None:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        command += f" --out {os.path.relpath(arguments.out, ROOT)}"
    parts = [
        "# Hard is not wrong: the types of rows of which they are known",
        f"Written by\n\n    {command}",
        "Shares of the rows of a kind in per cent, mean ± standard deviation over the seeds from "
        f"0 to {arguments.seeds - 1}.\nThe last column is how many of them `hardness_types` and "
        "`estimate_label_noise` (above 1/2) agree on, as to whether they are mislabeled.\nOf the "
        "rows between two classes some lie nearer to the other one, and rows as they are may be "
        "of any type.",
    ]
    for name, draw, learners in settings(arguments.data_dir, arguments.fast):
        measured = table(run(draw, learners, arguments.seeds))
        print(f"{name}\n\n{measured}\n", flush=True)
        parts += [f"## {name}", measured]
    used = ", ".join(f"{name} {version}" for name, version in versions().items())
    parts.append(f"Versions: {used}.")
    if arguments.out is not None:
        arguments.out.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
