"""How well planted errors are found where a row has more, or less, than one label.

Regression, several labels per row, segmentation, detection, reconstruction, text: in each some
targets, or some rows, are made wrong on purpose, and rankings of all rows are judged by where they
put them.

    python benchmarks/planted_errors.py --only wine emotions --seeds 1
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from label_noise import DATA_DIR, ROOT, measure, versions
from markdown_tables import markdown
from planted_errors_nets import FULL, QUICK, Effort, Found
from planted_errors_rankings import PEERS
from planted_errors_tasks import TASKS
from threadpoolctl import threadpool_limits

GOAL = 0.85
METRICS = AUROC, PRECISION, SECONDS = ("AUROC", "average precision", "seconds")
QUICK_SEEDS = 1

Values = dict[str, dict[str, list[float]]]


def run(name: str, n_seeds: int, folder: Path | None, effort: Effort = FULL) -> dict[str, Any]:
    """Measure a task.

    Parameters
    ----------
    name : str
        Key of ``TASKS``.
    n_seeds : int
        Seeds from 0; each one draws the errors and the trainings anew.
    folder : Path or None
        Where the data lie; None generates a few rows.
    effort : Effort
        How much is trained.

    Returns
    -------
    dict
        Kind of error -> ``"counts"``: what -> one number per seed, and ``"methods"``: method ->
        metric -> one value per seed.
    """
    task = TASKS[name]
    loaded = task.load(folder)
    results: dict[str, Any] = {kind: {"counts": {}, "methods": {}} for kind in task.kinds}
    for seed in range(n_seeds):
        start = time.perf_counter()
        for kind, (plant, _) in task.kinds.items():
            planted = plant(loaded, np.random.default_rng(seed))
            for what, number in planted.counts.items():
                results[kind]["counts"].setdefault(what, []).append(number)
            for found, seconds in _timed(task.rank(loaded, planted, seed, effort)):
                for method, difficulty in found.items():
                    judged = judge(planted.wrong, difficulty) | {SECONDS: seconds}
                    values = results[kind]["methods"].setdefault(method, {m: [] for m in METRICS})
                    for metric in METRICS:
                        values[metric].append(judged[metric])
        took = time.perf_counter() - start
        print(f"{name}: seed {seed} took {took:.0f} s", file=sys.stderr, flush=True)
    return results


def _timed(rankings: Iterator[Found]) -> Iterator[tuple[Found, float]]:
    """Give rankings with the seconds of processor time that each lot of them took."""
    start = time.process_time()
    for found in rankings:
        yield found, time.process_time() - start
        start = time.process_time()


def judge(wrong: np.ndarray, difficulty: np.ndarray) -> dict[str, float]:
    """Judge a ranking of rows, or of all their labels together.

    Parameters
    ----------
    wrong : ndarray of bool of shape (n,) or (n, n_labels)
        Where the errors are; a row has one if any of its labels is wrong.
    difficulty : ndarray of shape (n,) or that of `wrong`
        Higher is harder.

    Returns
    -------
    dict
        AUROC and average precision.
    """
    if wrong.ndim > difficulty.ndim:
        wrong = wrong.any(axis=1)
    measured = measure(wrong.ravel(), difficulty.ravel())
    return {metric: measured[metric] for metric in (AUROC, PRECISION)}


def summary(measured: dict[str, dict[str, Any]]) -> str:
    """Write what was asked and what is best, one line for each kind of error, as Markdown."""
    lines = [["task", "planted", "found by", AUROC, f"{GOAL} reached", "best of ours", AUROC]]
    for name, results in measured.items():
        for number, (kind, result) in enumerate(results.items()):
            methods, asked = result["methods"], TASKS[name].kinds[kind].asked
            mean = float(np.mean(methods[asked][AUROC]))
            best = max(_rivals(methods, asked), key=lambda m: np.mean(methods[m][AUROC]))
            lines.append(
                [
                    name,
                    f"**{kind}**" if number == 0 else kind,
                    asked,
                    _mean_sd(methods[asked][AUROC]),
                    "yes" if mean >= GOAL else "**no**",
                    best,
                    _mean_sd(methods[best][AUROC]),
                ]
            )
    return markdown(lines)


def _rivals(methods: Iterable[str], asked: str) -> list[str]:
    """Those of ours that rank the same: rows, or each label."""
    return [
        method
        for method in methods
        if not method.startswith(PEERS) and _ranks_labels(method) == _ranks_labels(asked)
    ]


def _ranks_labels(method: str) -> bool:
    return method.endswith("each label")


def table(methods: Values) -> str:
    """Write what was measured of one kind of error as Markdown."""
    lines = [["method", *METRICS]]
    for method, values in methods.items():
        seconds = f"{np.mean(values[SECONDS]):.1f}"
        lines.append([method, *(_mean_sd(values[metric]) for metric in METRICS[:2]), seconds])
    return markdown(lines)


def _mean_sd(values: list[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.3f}"
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"


def section(name: str, results: dict[str, Any]) -> str:
    """Write all kinds of errors of a task, as Markdown."""
    n_seeds = len(next(iter(next(iter(results.values()))["counts"].values())))
    seeds = "seed 0" if n_seeds == 1 else f"seeds 0 to {n_seeds - 1}"
    parts = [f"## {TASKS[name].title}", f"{seeds.capitalize()}."]
    for kind, result in results.items():
        counts = ", ".join(
            f"{_whole(np.mean(numbers))} {what}" for what, numbers in result["counts"].items()
        )
        parts += [f"### {kind[0].upper()}{kind[1:]}", f"{counts}.", table(result["methods"])]
    return "\n\n".join(parts)


def _whole(mean: float) -> str:
    return f"{mean:.0f}" if mean == round(mean) else f"{mean:.1f}"


def report(measured: dict[str, dict[str, Any]], command: str) -> str:
    """Write everything with what it was made by, as Markdown."""
    parts = [
        "# Finding planted errors beyond one label per row",
        f"Written by\n\n    {command}",
        "Mean ± standard deviation over seeds, each of which draws the errors and the trainings "
        "anew.\nBy chance AUROC is 0.5, and average precision the share of what is wrong. Wrong is "
        "what differs\nfrom the truth. Seconds are processor time of the training that a ranking "
        "is read off, in one\nthread; rankings of the same training share it, and cleanlab's label "
        "quality of predictions that\nwere recorded has its own seconds only. No setting depends "
        "on the seed, on the kind of error or on\nwhere the errors are.",
        f"## Asked: an AUROC of {GOAL}",
        "The first kind of error of each task, in bold, is its headline. The best of ours was "
        "picked by these\nvery figures, so that it flatters itself. References that were trained "
        "on the true targets, further\ndown, are no upper bounds, but say about how much there is "
        "to be found.",
        summary(measured),
        *(section(name, results) for name, results in measured.items()),
    ]
    used = ", ".join(f"{name} {number}" for name, number in _versions().items())
    return "\n\n".join([*parts, f"Versions: {used}."]) + "\n"


def _versions() -> dict[str, str]:
    return versions() | {"cleanlab": version("cleanlab")}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 2 where data are missing."""
    parser = argparse.ArgumentParser(description="Measure how well planted errors are found.")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=TASKS,
        default=list(TASKS),
        metavar="TASK",
        help=", ".join(TASKS),
    )
    parser.add_argument(
        "--seeds", type=int, metavar="N", help="default: 3 or 5, according to the task"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=DATA_DIR,
        metavar="FOLDER",
        help="folder with the data (default: ../shared/data)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a few generated rows and hardly any training, to try the command; needs no data",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write the report there, and a .json beside it"
    )
    arguments = parser.parse_args(argv)
    if arguments.seeds is not None and arguments.seeds < 1:
        parser.error(f"argument --seeds: must be at least 1; got {arguments.seeds}")
    if arguments.out is not None:
        if arguments.out.suffix == ".json":
            parser.error("argument --out: names the report, such as planted_errors.md")
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
    # So small networks are slower with several threads than with one.
    torch.set_num_threads(1)
    folder, effort = (None, QUICK) if arguments.quick else (arguments.data, FULL)
    measured = {}
    for name in dict.fromkeys(arguments.only):
        n_seeds = QUICK_SEEDS if arguments.quick else TASKS[name].n_seeds
        try:
            with threadpool_limits(1):
                measured[name] = run(name, arguments.seeds or n_seeds, folder, effort)
        except FileNotFoundError as error:
            print(f"planted_errors.py: error: {error}", file=sys.stderr)
            return 2
        print(f"{section(name, measured[name])}\n", flush=True)
    print(summary(measured), flush=True)
    if arguments.out is not None:
        command = _command(arguments, measured)
        content = {"command": command, "versions": _versions(), "results": measured}
        text = json.dumps(content, indent=1) + "\n"
        arguments.out.with_suffix(".json").write_text(text, encoding="utf-8")
        arguments.out.write_text(report(measured, command), encoding="utf-8")
    return 0


def _command(arguments: argparse.Namespace, measured: Iterable[str]) -> str:
    """Give the command as it was called, apart from where the data lie."""
    command = f"python benchmarks/planted_errors.py --only {' '.join(measured)}"
    if arguments.seeds is not None:
        command += f" --seeds {arguments.seeds}"
    if arguments.quick:
        command += " --quick"
    return f"{command} --out {os.path.relpath(arguments.out, ROOT)}"


if __name__ == "__main__":
    sys.exit(main())
