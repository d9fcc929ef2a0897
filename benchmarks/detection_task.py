"""Data with wrong labels, and what became of a network that was trained on part of them."""

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from detection_data import Data
from detection_nets import accuracy


class Task(NamedTuple):
    """Data with wrong labels in one seed, and where to keep what was trained on them.

    Attributes
    ----------
    label : str
        Data, noise and seed.
    data : Data
        The data.
    given : ndarray of int of shape (n,)
        The labels that they carry.
    seed : int
        Of all trainings.
    work : Path
        Folder.
    """

    label: str
    data: Data
    given: np.ndarray
    seed: int
    work: Path

    @property
    def wrong(self) -> np.ndarray:
        """Where labels are wrong."""
        return self.given != self.data.y

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return int(self.data.y.max()) + 1

    def path(self, model: str) -> Path:
        """Folder of the path of training of a network or a forest, in one that is there."""
        folder = self.work / "trajectories"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{self.label}-{model}"

    def planted(self, model: str, number: int) -> Path:
        """Folder of the same on planted errors, one of several."""
        return self.path(f"{model}-planted-{number}")


def final_accuracy(task: Task, keep: np.ndarray) -> float:
    """Train on part of the rows, or look up what came of the same part before."""
    kept = hashlib.sha256(np.packbits(keep).tobytes() + task.given.tobytes()).hexdigest()[:16]
    file = task.work / "accuracies" / f"{task.label}-{kept}.json"
    return once(file, partial(accuracy, task.data, task.given, keep, task.seed))


def once(file: Path, compute: Callable[[], Any]) -> Any:
    """Give what a file holds, or compute it and write the file."""
    if not file.is_file():
        write(file, compute())
    return json.loads(file.read_text(encoding="utf-8"))


def write(file: Path, content: Any) -> None:
    """Write a file that is complete or not there at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".tmp")
    beside.write_text(json.dumps(content, indent=1, default=float) + "\n", encoding="utf-8")
    beside.replace(file)
