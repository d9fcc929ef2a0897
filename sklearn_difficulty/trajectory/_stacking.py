"""Several trajectories of the same samples, run after run."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_difficulty.trajectory._layout import LAYOUT
from sklearn_difficulty.trajectory._record_files import RecordFile, release_pages
from sklearn_difficulty.trajectory._snapshots import Snapshots

__all__ = ["stack_fields"]


def stack_fields(parts: Sequence[Mapping[str, Any]], folder: Path | None = None) -> dict[str, Any]:
    """Join the fields of several trajectories along the run axis.

    Parameters
    ----------
    parts : sequence of mapping
        The fields of each trajectory.
    folder : Path or None, default=None
        Where to write the records, step by step; None joins them in memory.

    Returns
    -------
    dict
        The fields of one trajectory with all runs; shorter runs are padded.

    Raises
    ------
    ValueError
        If they are not trajectories of the same samples with the same records.
    """
    if not parts:
        raise ValueError("there must be at least one trajectory to stack; got none.")
    first = parts[0]
    for number, part in enumerate(parts[1:], start=1):
        _check_same(first, part, number)
    n_steps_max = max(part["loss"].shape[1] for part in parts)
    stacked: dict[str, Any] = {name: first[name] for name in ("when", "element_component")}
    for name in LAYOUT:
        if first[name] is None or "runs" not in LAYOUT[name].axes:
            stacked[name] = first[name]
        elif isinstance(first[name], Mapping):
            stacked[name] = {
                key: _join(
                    f"{name}[{key!r}]",
                    name,
                    [part[name][key] for part in parts],
                    n_steps_max,
                    None if folder is None else folder / f"{name}{number}.npy",
                )
                for number, key in enumerate(first[name])
            }
        else:
            arrays = [part[name] for part in parts]
            file = None if folder is None else folder / f"{name}.npy"
            stacked[name] = _join(name, name, arrays, n_steps_max, file)
    if first["snapshots"] is not None:
        stacked["snapshots"] = Snapshots.stack([part["snapshots"] for part in parts])
    return stacked


def _check_same(first: Mapping[str, Any], part: Mapping[str, Any], number: int) -> None:
    def differ(what: str, ours: Any, theirs: Any) -> ValueError:
        return ValueError(
            f"only trajectories of the same samples can be stacked: {what} of trajectory {number} "
            f"is {theirs}, of trajectory 0 it is {ours}."
        )

    n_samples = [p["loss"].shape[2] for p in (first, part)]
    if n_samples[0] != n_samples[1]:
        raise differ("the number of samples", *n_samples)
    for name in ("when", "element_component"):
        if first[name] != part[name]:
            raise differ(repr(name), repr(first[name]), repr(part[name]))
    for name in (*LAYOUT, "snapshots"):
        ours, theirs = first[name], part[name]
        if isinstance(ours, Mapping):
            if set(ours) != set(theirs):
                raise differ(f"the set of {name!r}", sorted(ours), sorted(theirs))
        elif (ours is None) != (theirs is None):
            states = ["absent" if value is None else "present" for value in (ours, theirs)]
            raise differ(f"the record {name!r}", *states)
    for name in ("y", "classes"):
        if first[name] is not None and not _equal(first[name], part[name]):
            raise ValueError(
                f"only trajectories of the same samples can be stacked: {name!r} of trajectory "
                f"{number} differs from that of trajectory 0."
            )
    if first["snapshots"] is not None:
        per_run = [p["snapshots"].n_models // len(p["n_steps"]) for p in (first, part)]
        if per_run[0] != per_run[1]:
            raise differ("the number of models per run", *per_run)


def _equal(ours: np.ndarray, theirs: np.ndarray) -> bool:
    is_number = all(np.issubdtype(array.dtype, np.inexact) for array in (ours, theirs))
    return np.array_equal(ours, theirs, equal_nan=is_number)


def _join(
    label: str, name: str, arrays: list[np.ndarray], n_steps_max: int, file: Path | None
) -> np.ndarray:
    field = LAYOUT[name]
    n_fixed = len(field.axes)
    tails = {array.shape[n_fixed:] for array in arrays}
    if len(tails) > 1:
        raise ValueError(
            f"{label} has a different shape per sample in different trajectories: {sorted(tails)}."
        )
    n_runs = sum(len(array) for array in arrays)
    dtype = np.result_type(*arrays)
    if file is not None and "samples" in field.axes:
        leading = (n_runs, n_steps_max) if "steps" in field.axes else (n_runs,)
        shape = arrays[0].shape[len(leading) :]
        on_disk = RecordFile(file, shape, dtype)
        for part in _parts(arrays, leading[1:], np.full(shape, field.padding, dtype)):
            on_disk.append(part)
        return on_disk.array(leading)
    if "steps" not in field.axes:
        return np.concatenate(arrays)
    shape = (n_runs, n_steps_max, *arrays[0].shape[2:])
    joined = np.full(shape, field.padding, dtype=dtype)
    start = 0
    for array in arrays:
        joined[start : start + len(array), : array.shape[1]] = array
        start += len(array)
    return joined


def _parts(
    arrays: list[np.ndarray], n_steps: tuple[int, ...], padding: np.ndarray
) -> Iterator[np.ndarray]:
    """Yield what the runs hold, step by step where `n_steps` says how many are wanted."""
    for array in arrays:
        for run in array:
            if not n_steps:
                yield run
            else:
                for step in run:
                    yield step
                    release_pages(array)
                yield from [padding] * (n_steps[0] - len(run))
