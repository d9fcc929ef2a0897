"""How well difficulty scores find wrong labels that were planted in real data.

Labels of a share of the rows are replaced by other classes. A network is trained on them once per
seed, and every score that one training gives is read off it; those that compare trainings are
read off several, and one is read off folds that were held out.

    python benchmarks/label_noise.py --data digits fashion-uniform-20 --seeds 3
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
import skorch
import torch
from label_noise_settings import ALIASES, METRICS, SETTINGS, TOLERANCE, Figures, Row
from markdown_tables import markdown
from sklearn.metrics import average_precision_score, roc_auc_score
from threadpoolctl import threadpool_limits

import sklearn_difficulty
from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.scores import SCORES

ROOT = Path(__file__).resolve().parents[1]
DATA_DIR = ROOT.parent / "shared" / "data"


def run(
    name: str, n_seeds: int, data_dir: Path = DATA_DIR, rows: Mapping[str, Row] | None = None
) -> dict[str, dict[str, list[float]]]:
    """Measure scores.

    Parameters
    ----------
    name : str
        The setting.
    n_seeds : int
        Seeds from 0; each one draws the errors and the training anew.
    data_dir : Path
        Folder of the data that do not come with scikit-learn.
    rows : mapping of str to Row or None, default=None
        What to measure; None is all of the setting. Nothing is trained that none of them needs.

    Returns
    -------
    dict
        Row -> metric -> one value per seed.
    """
    setting = SETTINGS[name]
    rows = setting.rows if rows is None else rows
    X, y = setting.load(data_dir)
    results: dict[str, dict[str, list[float]]] = {
        label: {metric: [] for metric in METRICS} for label in rows
    }
    for seed in range(n_seeds):
        start = time.perf_counter()
        given, wrong = setting.plant(y, random_state=seed)
        for label, values in difficulties(setting.net, X, given, seed, rows).items():
            for metric, value in measure(wrong, values).items():
                results[label][metric].append(value)
        took = time.perf_counter() - start
        print(f"{name}: seed {seed} took {took:.0f} s", file=sys.stderr, flush=True)
    return results


def difficulties(
    net: Callable[[], Any], X: np.ndarray, y: np.ndarray, seed: int, rows: Mapping[str, Row]
) -> dict[str, np.ndarray]:
    """Train as often as the rows of a table need it, and score.

    Parameters
    ----------
    net : callable
        Makes the estimator.
    X, y : ndarray of shape (n, ...), ndarray of shape (n,)
        Rows and the labels with errors.
    seed : int
        Of all trainings. The first of several runs is the single run again.
    rows : mapping of str to Row
        What to read off.

    Returns
    -------
    dict
        Row -> ndarray of shape (n,); higher is harder.
    """
    values = {}
    trainings = dict.fromkeys((row.n_runs > 1, row.cv) for row in rows.values())
    for several, cv in trainings:
        read_off = {k: r for k, r in rows.items() if (r.n_runs > 1, r.cv) == (several, cv)}
        names = list(dict.fromkeys(row.score for row in read_off.values()))
        scorer = DifficultyScorer(
            net(),
            score=names,
            n_runs=max(row.n_runs for row in read_off.values()),
            cv=cv,
            snapshots="auto" if any(SCORES[name].from_gradients for name in names) else None,
            random_state=seed,
        ).fit(X, y)
        for label, row in read_off.items():
            values[label] = _first_runs(scorer, row.n_runs, X).difficulty(
                X, score=row.score, score_params=row.params
            )
    return {label: values[label] for label in rows}


def _first_runs(scorer: DifficultyScorer, n_runs: int, X: np.ndarray) -> DifficultyScorer:
    """Give a scorer by the first runs of another one."""
    trajectory = scorer.trajectory_
    if n_runs == trajectory.n_runs:
        return scorer
    return DifficultyScorer.from_trajectory(trajectory.select(runs=slice(n_runs)), X)


def measure(wrong: np.ndarray, difficulty: np.ndarray) -> dict[str, float]:
    """Judge a ranking.

    Parameters
    ----------
    wrong : ndarray of shape (n,), bool
        Where labels are wrong.
    difficulty : ndarray of shape (n,)
        Higher is harder.

    Returns
    -------
    dict
        Metric -> value. Precision is that of as many hardest rows as there are wrong labels.

    Raises
    ------
    ValueError
        If a difficulty is not a finite number.
    """
    if not np.isfinite(difficulty).all():
        raise ValueError(
            f"{(~np.isfinite(difficulty)).sum()} of {len(difficulty)} difficulties are not finite "
            "numbers, so that they rank nothing."
        )
    hardest = np.argsort(-difficulty, kind="stable")[: wrong.sum()]
    values = (
        average_precision_score(wrong, difficulty),
        wrong[hardest].mean(),
        roc_auc_score(wrong, difficulty),
    )
    return dict(zip(METRICS, map(float, values), strict=True))


def table(results: dict[str, dict[str, list[float]]]) -> str:
    """Write results as a Markdown table, mean ± standard deviation over the seeds."""
    lines = [
        [label, *(_mean_sd(metrics[metric]) for metric in METRICS)]
        for label, metrics in results.items()
    ]
    return markdown([["score", *METRICS], *lines])


def comparison(results: dict[str, dict[str, list[float]]], reference: Figures) -> str:
    """Write how far the means are from reference figures, as a Markdown table."""
    lines = [["score", "metric", "here", "reference", "difference", f"within {TOLERANCE}"]]
    for label, metrics in reference.items():
        for metric, expected in metrics.items():
            mean = float(np.mean(results[label][metric]))
            difference = mean - expected
            # To the digits of the reference, which knows no more.
            within = "yes" if round(abs(difference), 3) <= TOLERANCE else "**no**"
            lines.append(
                [label, metric, f"{mean:.3f}", f"{expected:.3f}", f"{difference:+.3f}", within]
            )
    return markdown(lines)


def _mean_sd(values: list[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.4f}"
    return f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}"


def versions() -> dict[str, str]:
    """Versions of everything that the numbers depend on."""
    modules = (sklearn_difficulty, sklearn, skorch, torch, np)
    return {"python": platform.python_version()} | {
        module.__name__: str(module.__version__) for module in modules
    }


def tables(name: str, results: dict[str, dict[str, list[float]]]) -> str:
    """Write what was measured in a setting, and how it compares where there are figures."""
    text = f"{SETTINGS[name].title}\n\n{table(results)}"
    if reference := SETTINGS[name].reference:
        text += f"\n\nAgainst the reference figures:\n\n{comparison(results, reference)}"
    return text


def report(measured: dict[str, Any], command: str, n_seeds: int) -> str:
    """Write all tables with what they were made by, as Markdown."""
    seeds = "seed 0" if n_seeds == 1 else f"seeds 0 to {n_seeds - 1}"
    parts = [
        "# Finding wrong labels",
        f"Written by\n\n    {command}",
        f"Mean ± standard deviation over {seeds}; each draws the wrong labels and the trainings "
        "anew.\nAll scores of a seed are read off the same training, and where a number of runs is "
        "named, off\nas many, of which that training is the first. Out of fold, five models judge "
        "the fifth of the\nrows that each was not trained on. All are turned so that higher is "
        "harder. By chance both\nprecisions are the share of wrong labels, and AUROC is 0.5.",
        "Reference figures were measured for comparison, with the same kind of net and the same "
        "protocol, by\nother code, on other images and other draws of the errors, over up to three "
        "seeds. That net was most\nlikely scikit-learn's `MLPClassifier`, which starts from larger "
        "weights than torch's layers and is\nfurther after each epoch. Both are measured.",
    ]
    parts += [f"## {tables(name, results)}" for name, results in measured.items()]
    used = ", ".join(f"{name} {version}" for name, version in versions().items())
    parts.append(f"Versions: {used}.")
    return "\n\n".join(parts) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 2 where data are missing."""
    parser = argparse.ArgumentParser(description="Measure how well scores find wrong labels.")
    parser.add_argument(
        "--data",
        nargs="+",
        type=lambda name: ALIASES.get(name, name),
        choices=SETTINGS,
        default=list(SETTINGS),
        help="settings; fashion is fashion-uniform-20 (default: all)",
    )
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=DATA_DIR,
        metavar="DIR",
        help="folder with the data that do not come with scikit-learn (default: ../shared/data)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every value there")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the report there")
    arguments = parser.parse_args(argv)
    if arguments.seeds < 1:
        parser.error(f"argument --seeds: must be at least 1; got {arguments.seeds}")
    files = [file for file in (arguments.json, arguments.out) if file is not None]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
    # So small networks are slower with several threads than with one, scikit-learn's five times.
    torch.set_num_threads(1)
    measured = {}
    for name in dict.fromkeys(arguments.data):
        try:
            with threadpool_limits(1, user_api="blas"):
                measured[name] = run(name, arguments.seeds, arguments.data_dir)
        except FileNotFoundError as error:
            print(f"label_noise.py: error: {error}", file=sys.stderr)
            return 2
        print(f"{tables(name, measured[name])}\n", flush=True)
    command = f"python benchmarks/label_noise.py --data {' '.join(measured)}"
    command += f" --seeds {arguments.seeds}"
    if arguments.out is not None:
        command += f" --out {os.path.relpath(arguments.out, ROOT)}"
    if arguments.json is not None:
        content = {"command": command, "versions": versions(), "results": measured}
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if arguments.out is not None:
        text = report(measured, command, arguments.seeds)
        arguments.out.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
