"""How well wrong labels are found, by this package and by its peers, in one table.

Every method meets the same rows with the same wrong labels and trains the same network. What is
measured is kept, one file for each data, seed and group of methods, so that a run which was
interrupted goes on where it was, and methods can be measured again without the others.

    python benchmarks/detection.py --out benchmarks/results/detection.md
    python benchmarks/detection.py --held-out --out benchmarks/results/detection_held_out.md
    python benchmarks/detection.py --pairs iris-uniform-20 --seeds 1
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from detection_data import ALL_PAIRS, HELD_OUT_PAIRS, PAIRS, given_labels, load
from detection_metrics import Row
from detection_nets import SETTINGS
from detection_ours import run_ours, train, train_planted
from detection_peers import run_cleanlab, run_forests
from detection_report import plot_reliability, report
from detection_task import Task, write
from label_noise import DATA_DIR, ROOT, versions
from threadpoolctl import threadpool_limits

WORK = Path(__file__).resolve().parent / ".detection"
PEERS = ("cleanlab", "aum", "imbalanced-learn")
# A release of these may change what a method finds; ours is measured again on demand.
OWN = "sklearn_difficulty"

# In the order in which one needs what another left.
GROUPS: dict[str, Callable[[Task, dict[str, Row]], dict[str, Row]]] = {
    "training": train,
    "planted": train_planted,
    "cleanlab": run_cleanlab,
    "forests": run_forests,
    "ours": run_ours,
}


def all_versions() -> dict[str, str]:
    """Versions of everything that the numbers depend on."""
    return versions() | {name: version(name) for name in PEERS}


def check_settings(work: Path) -> None:
    """Note what the results in a folder are measured with, or compare with what is there.

    Parameters
    ----------
    work : Path
        Folder of results.

    Raises
    ------
    ValueError
        If they were measured with other settings or versions.
    """
    file = work / "settings.json"
    now = SETTINGS | {name: value for name, value in all_versions().items() if name != OWN}
    if not file.is_file():
        write(file, now)
    before = json.loads(file.read_text(encoding="utf-8"))
    if changed := [name for name in before | now if before.get(name) != now.get(name)]:
        name = changed[0]
        raise ValueError(
            f"{os.path.relpath(work)} holds what was measured with {name} {before.get(name)!r}, "
            f"and now it is {now.get(name)!r}. Name another folder with --work, or remove that one."
        )


def make_task(pair: str, seed: int, data_dir: Path, work: Path) -> Task:
    """Load data and plant the wrong labels, or look up which were planted.

    Parameters
    ----------
    pair : str
        One of ``ALL_PAIRS``.
    seed : int
        Of the wrong labels and of all trainings.
    data_dir : Path
        Folder of the data that do not come with scikit-learn.
    work : Path
        Folder of results.
    """
    name, noise = pair.split("-", 1)
    # To plant them takes a forest on the whole data, once for each run of the command.
    file = work / "labels" / f"{pair}-{seed}.npy"
    if not file.is_file():
        given = given_labels(name, noise, seed, data_dir)
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_suffix(".tmp.npy")
        np.save(beside, given)
        beside.replace(file)
    return Task(f"{pair}-{seed}", load(name, data_dir), np.load(file), seed, work)


def result_file(work: Path, pair: str, seed: int, group: str) -> Path:
    """File of what a group of methods reached."""
    return work / "results" / f"{pair}-{seed}-{group}.json"


def run(pair: str, seed: int, groups: Sequence[str], data_dir: Path, work: Path) -> None:
    """Measure groups of methods that were not measured before.

    Parameters
    ----------
    pair : str
        Data and noise.
    seed : int
        The seed.
    groups : sequence of str
        Keys of ``GROUPS``.
    data_dir, work : Path
        Folders of data and of results.
    """
    missing = [g for g in groups if not result_file(work, pair, seed, g).is_file()]
    if not missing:
        return
    task = make_task(pair, seed, data_dir, work)
    for group in missing:
        training = result_file(work, pair, seed, "training")
        for needed in (training, result_file(work, pair, seed, "planted")):
            if group == "ours" and not needed.is_file():
                raise FileNotFoundError(
                    f"{needed.name} is not there, and ours are read off that training: "
                    "add it to --only."
                )
        trained = {} if group == "training" else read_rows(training)
        start = time.perf_counter()
        rows = GROUPS[group](task, trained)
        content = {"rate": float(task.wrong.mean()), "n_rows": len(task.given), "rows": rows}
        write(result_file(work, pair, seed, group), content)
        took = time.perf_counter() - start
        print(f"{pair}: seed {seed}: {group} took {took:.0f} s", file=sys.stderr, flush=True)


def read_rows(file: Path) -> dict[str, Any]:
    """Read what a group reached; nothing where it was not measured."""
    return json.loads(file.read_text(encoding="utf-8"))["rows"] if file.is_file() else {}


def collect(pairs: Sequence[str], seeds: Sequence[int], work: Path) -> dict[str, dict[str, Any]]:
    """Gather what was measured.

    Parameters
    ----------
    pairs : sequence of str
        Data and noise.
    seeds : sequence of int
        Seeds.
    work : Path
        Folder of results.

    Returns
    -------
    dict
        Pair -> ``"seeds"`` and the ``"rates"`` of wrong labels in them, ``"n_rows"``, ``"rows"``:
        method -> list of what it reached in each seed, and ``"missing"``: what was not measured.
        Pairs of which nothing was are left out.
    """
    results = {}
    for pair in pairs:
        one: dict[str, Any] = {"seeds": [], "rates": [], "n_rows": 0, "rows": {}, "missing": []}
        for seed in seeds:
            files = {group: result_file(work, pair, seed, group) for group in GROUPS}
            one["missing"] += [f"{seed} {g}" for g, file in files.items() if not file.is_file()]
            there = [json.loads(f.read_text("utf-8")) for f in files.values() if f.is_file()]
            if there:
                one["seeds"].append(seed)
                one["rates"].append(there[0]["rate"])
                one["n_rows"] = there[0]["n_rows"]
            for content in there:
                for method, row in content["rows"].items():
                    one["rows"].setdefault(method, []).append({"seed": seed} | row)
        if one["rows"]:
            results[pair] = one
    return results


def share(text: str) -> tuple[int, int]:
    """Read which share of what is to be measured is meant: ``"0/2"`` is the first of two."""
    number, slash, n_shares = text.partition("/")
    if not (number + n_shares).isdecimal() or not slash or not 0 <= int(number) < int(n_shares):
        raise argparse.ArgumentTypeError(f"must be like 0/2 or 1/2; got {text}")
    return int(number), int(n_shares)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Compare how well methods find wrong labels.")
    groups = {"nargs": "+", "choices": GROUPS, "metavar": "GROUP"}
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--pairs",
        nargs="+",
        choices=ALL_PAIRS,
        default=PAIRS,
        metavar="PAIR",
        help="data and noise, such as iris-uniform-20 (default: all that are not held out)",
    )
    which.add_argument(
        "--held-out",
        dest="pairs",
        action="store_const",
        const=HELD_OUT_PAIRS,
        help="the data that nothing was chosen on",
    )
    add_seeds_and_folders(parser, WORK)
    parser.add_argument(
        "--only", **groups, default=list(GROUPS), help=f"measure only these of {', '.join(GROUPS)}"
    )
    parser.add_argument(
        "--again", **groups, default=[], help="forget what was measured of these, and measure it"
    )
    parser.add_argument(
        "--part", type=share, default=(0, 1), metavar="I/N", help="measure one of N shares"
    )
    parser.add_argument(
        "--report", action="store_true", help="measure nothing, write what there is"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every value there")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the report there")
    return parsed(parser, argv)


def add_seeds_and_folders(parser: argparse.ArgumentParser, work: Path) -> None:
    """Let a command line say how many seeds, and where the data and what was measured are."""
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--data-dir", type=Path, default=DATA_DIR, metavar="DIR")
    parser.add_argument(
        "--work",
        type=Path,
        default=work,
        metavar="DIR",
        help=f"what was measured is kept there (default: benchmarks/{work.name})",
    )


def parsed(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """Read a command line with these."""
    arguments = parser.parse_args(argv)
    if arguments.seeds < 1:
        parser.error(f"argument --seeds: must be at least 1; got {arguments.seeds}")
    return arguments


def measure_all(arguments: argparse.Namespace) -> None:
    """Measure what the command line asks for, all pairs of a seed before the next seed."""
    units = [(seed, pair) for seed in range(arguments.seeds) for pair in arguments.pairs]
    first, n_shares = arguments.part
    units = units[first::n_shares]
    for seed, pair in units:
        for group in arguments.again:
            result_file(arguments.work, pair, seed, group).unlink(missing_ok=True)
    groups = [group for group in GROUPS if group in {*arguments.only, *arguments.again}]
    # So small networks are slower with several threads than with one.
    torch.set_num_threads(1)
    with threadpool_limits(1, user_api="blas"):
        for seed, pair in units:
            run(pair, seed, groups, arguments.data_dir, arguments.work)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 2 where data are missing or settings differ."""
    arguments = parse(argv)
    try:
        check_settings(arguments.work)
        if not arguments.report:
            measure_all(arguments)
    except (FileNotFoundError, ValueError) as error:
        print(f"detection.py: error: {error}", file=sys.stderr)
        return 2
    results = collect(arguments.pairs, range(arguments.seeds), arguments.work)
    command = "python benchmarks/detection.py"
    if list(arguments.pairs) == HELD_OUT_PAIRS:
        command += " --held-out"
    elif list(arguments.pairs) != PAIRS:
        command += f" --pairs {' '.join(arguments.pairs)}"
    command += f" --seeds {arguments.seeds}"
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        write(arguments.json, {"command": command, "versions": all_versions()} | {"pairs": results})
    if arguments.out is None:
        print(report(results, command, arguments.seeds, all_versions()))
        return 0
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    plot = arguments.out.with_name(f"{arguments.out.stem}_reliability.png")
    plot_reliability(results, plot)
    command += f" --out {os.path.relpath(arguments.out, ROOT)}"
    text = report(results, command, arguments.seeds, all_versions(), plot.name)
    arguments.out.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
