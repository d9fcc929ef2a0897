"""Where the time of recorded trainings goes: the profile behind what was made faster.

    python benchmarks/speed_profile.py --out benchmarks/results/speed_profile.md

Shares of the processor time of one call under ``cProfile``, which makes code in Python look slower
beside operations of torch than it is.
"""

import argparse
import cProfile
import os
import pstats
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from label_noise import versions
from speed_models import MLP, bare_loop, net, rows
from threadpoolctl import threadpool_limits

from sklearn_difficulty import DifficultyScorer, TrackedNetClassifier

PARTS = ("operations of torch", "torch in Python", "skorch", "this package", "anything else")


def works() -> dict[str, Callable[[], object]]:
    """What is profiled, by name."""
    X, y = rows(20_000)
    few, their = rows(2000)
    several = net(MLP)
    several.batch_size = 32
    scorer = DifficultyScorer(net(MLP), snapshots="all", random_state=0).fit(X, y)
    return {
        "bare loop and a pass of inference": bare_loop(MLP, X, y, inference=True),
        "plain skorch": lambda: net(MLP).fit(X, y),
        "tracked MLP": lambda: net(MLP, TrackedNetClassifier).fit(X, y),
        'tracked MLP, when="during"': lambda: net(MLP, TrackedNetClassifier, when="during").fit(
            X, y
        ),
        "DifficultyScorer(MLP)": lambda: DifficultyScorer(net(MLP), random_state=0).fit(X, y),
        "10 stacked runs, batches of 32": lambda: DifficultyScorer(
            several, score="easiness", n_runs=10, random_state=0
        ).fit(few, their),
        "VoG": lambda: scorer.score_samples(X, y, score="vog"),
    }


def part_of(file: str, function: str) -> str:
    """Which part of :data:`PARTS` a function belongs to."""
    if file == "~":
        is_torchs = "torch" in function or "TensorBase" in function or "_EngineBase" in function
        return PARTS[0] if is_torchs else PARTS[4]
    for part, folder in zip(PARTS[1:4], ("torch", "skorch", "sklearn_difficulty"), strict=True):
        if f"/{folder}/" in file:
            return part
    return PARTS[0] if "eval_with_key" in file else PARTS[4]


def shares(work: Callable[[], object]) -> dict[str, float]:
    """Share of each part in the time of some work, which runs once before."""
    work()
    profile = cProfile.Profile()
    profile.runcall(work)
    seconds: Counter[str] = Counter()
    for (file, _, function), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        seconds[part_of(file, function)] += own
    return {part: seconds[part] / seconds.total() for part in PARTS}


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
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    options = parser.parse_args(argv)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    lines = [f"| | {' | '.join(PARTS)} |", "| --- |" + " ---: |" * len(PARTS)]
    with threadpool_limits(1):
        for name, work in works().items():
            cells = (f"{share:.0%}" for share in shares(work).values())
            lines.append(f"| {name} | {' | '.join(cells)} |")
    print("\n".join(lines))
    if options.out:
        options.out.write_text(
            "# Where the time goes\n\nWritten by\n\n    python benchmarks/speed_profile.py --out "
            f"{os.path.relpath(options.out)}\n\nShares of processor time under cProfile, which "
            "makes code in Python look slower beside operations of torch than it is.\n\n"
            + "\n".join(lines)
            + "\n\n"
            + ", ".join(f"{name} {number}" for name, number in versions().items())
            + "\n",
            encoding="utf-8",
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
