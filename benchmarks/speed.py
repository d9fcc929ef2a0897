"""How fast recording and scoring are, as ratios against the same without them.

    python benchmarks/speed.py --out benchmarks/results/speed.md
    python benchmarks/speed.py --short

Both sides of each ratio are measured in turns, in one thread.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import speed_gpu
import speed_gradients
import speed_import
import speed_loader
import speed_records
import speed_rows
import speed_runs
import speed_stages
import speed_training
import torch
from label_noise import versions
from speed_timing import Measured, measure
from threadpoolctl import threadpool_limits

GROUPS = {
    "training": speed_training.comparisons,
    "loader": speed_loader.comparisons,
    "rows": speed_rows.comparisons,
    "gradients": speed_gradients.comparisons,
    "runs": speed_runs.comparisons,
    "records": speed_records.comparisons,
    "stages": speed_stages.comparisons,
    "import": speed_import.comparisons,
    "gpu": speed_gpu.comparisons,
}


def table(results: Iterable[Measured]) -> str:
    """Write ratios beside their goals, as a table of Markdown."""
    lines = [
        "| measured | against | goal | ratio, median | lowest to highest | seconds or MiB |  |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for result in results:
        comparison, ratios = result.comparison, result.ratios
        bound = "≤" if comparison.at_most else "≥"
        lines.append(
            f"| {comparison.name} | {comparison.against} | {bound} {comparison.goal:g} | "
            f"{np.median(ratios):.3g} | {ratios.min():.3g} to {ratios.max():.3g} | "
            f"{np.median(result.ours):.3g} and {np.median(result.reference):.3g} | "
            f"{'reached' if result.reached else '**not reached**'} |"
        )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str or None, default=None
        Arguments; None takes those of the process.

    Returns
    -------
    int
        0.
    """
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--repeats", type=int, help="default: 7, and 3 with --short")
    parser.add_argument("--short", action="store_true", help="fewer rows and repetitions")
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    parser.add_argument("--json", type=Path, help="JSON file to write, with every time")
    options = parser.parse_args(argv)
    for file in filter(None, (options.out, options.json)):
        file.parent.mkdir(parents=True, exist_ok=True)
    n_repeats = options.repeats or (3 if options.short else 7)
    torch.set_num_threads(1)
    results = []
    with threadpool_limits(1):
        for group in options.only:
            for comparison in GROUPS[group](options.short):
                results.append(measure(comparison, n_repeats))
                print(table(results).splitlines()[-1], file=sys.stderr, flush=True)
    print(table(results))
    if options.out:
        command = shlex.join(["benchmarks/speed.py", *(sys.argv[1:] if argv is None else argv)])
        options.out.write_text(
            f"# How fast it is\n\nWritten by\n\n    python {command}\n\n"
            f"{n_repeats} repetitions of each side in turns, in one thread; seconds are processor "
            f"time.\n\n{table(results)}\n\n"
            + ", ".join(f"{name} {number}" for name, number in versions().items())
            + "\n",
            encoding="utf-8",
        )
    if options.json:
        content = [
            {
                "measured": r.comparison.name,
                "against": r.comparison.against,
                "goal": r.comparison.goal,
                "at_most": r.comparison.at_most,
                "ours": r.ours,
                "reference": r.reference,
            }
            for r in results
        ]
        options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
