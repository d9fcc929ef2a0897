"""The command ``sklearn-difficulty``."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from sklearn_difficulty._demo import prepare_folder, run_demo

__all__ = ["main"]

LARGEST_SEED = 2**32 - 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str or None, default=None
        Arguments; None takes those of the process.

    Returns
    -------
    int
        Exit code: 0, or 2 if the folder cannot be written to, or 130 if interrupted.

    Raises
    ------
    SystemExit
        With code 2 for arguments that are not understood, with 0 after ``--help`` and
        ``--version``.

    Examples
    --------
    A file is no folder:

    >>> from tempfile import NamedTemporaryFile
    >>> from sklearn_difficulty.cli import main
    >>> with NamedTemporaryFile() as file:
    ...     main(["demo", "--out", file.name])
    2
    """
    arguments = _parser().parse_args(argv)
    try:
        return _demo(arguments)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sklearn-difficulty",
        description="Find hard and mislabelled training samples from the path of training.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="find planted label errors in handwritten digits",
        description=(
            "Make 10 % of the labels of scikit-learn's handwritten digits wrong, find them, and "
            "compare models that are trained without and with the filter. Writes a picture of "
            "the hardest images and a table of all scores."
        ),
    )
    demo.add_argument(
        "--out",
        type=Path,
        default=Path("difficulty-demo"),
        metavar="DIR",
        help="folder for hardest.png and scores.csv (default: %(default)s)",
    )
    demo.add_argument(
        "--seed",
        type=_seed,
        default=0,
        metavar="N",
        help="seed of the planted errors and of all training (default: %(default)s)",
    )
    return parser


class _Version(argparse.Action):
    """Looks the version up on demand: a checkout that was not installed has none."""

    def __call__(self, parser: argparse.ArgumentParser, *args: Any) -> None:
        print(f"{parser.prog} {version('sklearn-difficulty')}")
        parser.exit()


def _demo(arguments: argparse.Namespace) -> int:
    try:
        prepare_folder(arguments.out)
    except OSError as error:
        print(
            f"sklearn-difficulty demo: error: cannot write to the folder {arguments.out}: "
            f"{error.strerror}. Name another one with --out.",
            file=sys.stderr,
        )
        return 2
    # So small a network is slower with several threads than with one.
    torch.set_num_threads(1)
    run_demo(arguments.out, arguments.seed)
    return 0


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) > LARGEST_SEED:
        raise argparse.ArgumentTypeError(
            f"must be a whole number from 0 to {LARGEST_SEED}; got {text!r}"
        )
    return int(text)
