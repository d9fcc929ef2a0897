"""The paths of binary classifiers, one for each class, as one path of all classes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.special import log_expit, softmax

from sklearn_difficulty.recording._estimator_records import (
    records_of_decision,
    records_of_proba,
)
from sklearn_difficulty.recording._learner import Task
from sklearn_difficulty.recording._snapshots import State
from sklearn_difficulty.recording._step_recorder import StepRecorder
from sklearn_difficulty.trajectory import Snapshots, Trajectory


class BinaryPath(NamedTuple):
    """What is needed of the path of a binary classifier; the rest is not held for all at a time."""

    number: int
    margin: np.ndarray
    has_proba: bool
    decision: np.ndarray | None
    in_train: np.ndarray
    dt: Mapping[str, np.ndarray]
    snapshots: Snapshots | None
    when: str

    @property
    def n_steps(self) -> int:
        return self.margin.shape[1]

    def at(self, step: int) -> int:
        """The step that a classifier is at after `step` of the joint training."""
        return min(step, self.n_steps - 1)


def part_of(storage: Any, name: str) -> Path | None:
    """A new folder in that of a run, if it has one."""
    if storage is None:
        return None
    folder = Path(storage) / name
    folder.mkdir()
    return folder


def joint_path(paths: list[BinaryPath], task: Task, seen: np.ndarray) -> Trajectory:
    """One path of all classes, of as many runs as each of the binary ones."""
    assert task.classes is not None
    _, y = task.rows
    n_steps = max(path.n_steps for path in paths)
    has_proba = paths[0].has_proba
    runs = []
    for run in range(len(paths[0].margin)):
        recorder = StepRecorder(len(y), part_of(task.storage, f"run{run}"))
        for step in range(n_steps):
            towards = np.stack(
                [towards_class(path.margin[run, path.at(step)], y == path.number) for path in paths]
            )
            # Rows that a tree was trained on have no record of it.
            rows = np.flatnonzero(~np.isnan(towards).any(axis=0))
            records = joint_records(
                towards[:, rows], has_proba, seen, len(task.classes), y[rows], task.keep
            )
            if paths[0].decision is not None:
                decision = [path.decision[run, path.at(step)] for path in paths]  # type: ignore[index]
                records["prediction"] = predicted(np.stack(decision)[:, rows], seen)
            recorder.write(rows, records)
            recorder.step(_length(paths, run, step))
        in_train = np.any([path.in_train[run] for path in paths], axis=0)
        runs.append(
            recorder.trajectory(
                y=y,
                classes=task.classes,
                in_train=in_train,
                snapshots=_joint_snapshots(paths, n_steps),
                when=paths[0].when,
            )
        )
    return runs[0] if len(runs) == 1 else Trajectory.stack(runs)


def _length(paths: list[BinaryPath], run: int, step: int) -> dict[str, float]:
    """Length of a step: the updates and seconds of all that still train."""
    training = [path for path in paths if step < path.n_steps]
    lengths = {unit: [path.dt[unit][run, step] for path in training] for unit in paths[0].dt}
    return {unit: float(max(v) if unit == "epoch" else sum(v)) for unit, v in lengths.items()}


class _JointState(Mapping[str, np.ndarray]):
    """States of all classifiers under names such as ``0/coef_``, read when they are asked for."""

    def __init__(self, parts: list[State]) -> None:
        self.parts = parts

    def __getitem__(self, key: str) -> np.ndarray:
        number, _, name = key.partition("/")
        if not number.isdecimal() or int(number) >= len(self.parts):
            raise KeyError(key)
        return self.parts[int(number)][name]

    def __iter__(self) -> Iterator[str]:
        return (f"{number}/{name}" for number, part in enumerate(self.parts) for name in part)

    def __len__(self) -> int:
        return sum(map(len, self.parts))


def _joint_snapshots(paths: list[BinaryPath], n_steps: int) -> Snapshots | None:
    """States of all classifiers, at the steps that each one's is kept of."""
    held = [path.snapshots for path in paths]
    states: dict[int, State] = {}
    for step in range(n_steps):
        parts = [
            (snapshots, path.at(step))
            for path, snapshots in zip(paths, held, strict=True)
            if snapshots is not None and path.at(step) in snapshots.steps(0)
        ]
        if len(parts) == len(paths):
            states[step] = _JointState([one.stored(0, kept) for one, kept in parts])
    return None if None in held else Snapshots([states])


def towards_class(margin: np.ndarray, is_own: np.ndarray) -> np.ndarray:
    """Log-odds or decision value of a class, from the margin of the label against the rest."""
    # In the type of a path, so that replay breaks ties between classes as training did.
    return np.where(is_own, margin, -margin).astype(np.float32)


def predicted(decision: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Class numbers predicted by decision values of shape (classifiers, n)."""
    if len(decision) == 1:
        decision = np.concatenate([np.zeros_like(decision), decision])
    return seen[decision.argmax(axis=0)].astype(np.int32)


def joint_records(
    towards: np.ndarray,
    has_proba: bool,
    seen: np.ndarray,
    n_classes: int,
    y: np.ndarray,
    keep: tuple[str, ...],
) -> dict[str, np.ndarray]:
    """Records of rows from what each classifier says for its class, of shape (classifiers, n)."""
    towards = towards.astype(np.float64)
    if has_proba:
        if len(towards) == 1:
            towards = np.concatenate([-towards, towards])
        proba = softmax(log_expit(towards), axis=0).T  # normalised without rounding to 0 / 0
        columns = np.zeros((len(y), n_classes))
        columns[:, seen] = proba
        return records_of_proba(columns, y, keep)
    if len(towards) == 1:
        towards = np.concatenate([np.zeros_like(towards), towards])
    # A class without rows to train on is refused by as much as the hinge loss asks for.
    columns = np.full((len(y), n_classes), -1.0)
    columns[:, seen] = towards.T
    return records_of_decision(columns, y, keep)
