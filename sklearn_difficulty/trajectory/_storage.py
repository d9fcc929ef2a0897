"""A trajectory as a folder of plain array files, complete or not there at all.

The folder holds ``trajectory.json``, which describes every array, one ``.npy`` file for each of
them, and ``snapshots/model0_step3.npz`` for each parameter state. Nothing is ever pickled. The
names of the files follow from the names of the fields, so no path is ever read from a file.
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from sklearn_difficulty.exceptions import TrajectoryFormatError
from sklearn_difficulty.trajectory._array_files import check_description, describe, storable
from sklearn_difficulty.trajectory._layout import LAYOUT
from sklearn_difficulty.trajectory._snapshot_files import (
    StateOnDisk,
    refuse_unstorable_states,
    write_state,
)
from sklearn_difficulty.trajectory._snapshots import Snapshots

__all__ = ["load_fields", "save_fields"]

FORMAT = "sklearn-difficulty trajectory"
VERSION = 1
MANIFEST = "trajectory.json"


def save_fields(fields: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write the fields of a trajectory to a folder.

    Parameters
    ----------
    fields : mapping of str to object
        The fields of a ``Trajectory``.
    path : str or path-like
        The folder. A trajectory saved there before is replaced.

    Raises
    ------
    FileExistsError
        If anything else is there.
    TypeError
        If an array holds objects that no fixed-size type represents; nothing is written then.
    """
    target = Path(path).resolve()
    _refuse_to_overwrite(target)
    arrays = {
        label: storable(label, array)
        for name in LAYOUT
        for label, array in _named_arrays(name, fields[name])
    }
    if fields["snapshots"] is not None:
        refuse_unstorable_states(fields["snapshots"])

    unique = uuid4().hex
    unfinished = target.with_name(f".{target.name}-{unique}.tmp")
    aside = target.with_name(f".{target.name}-{unique}.old")
    try:
        unfinished.mkdir()
        _write(fields, arrays, unfinished)
        _put_in_place(unfinished, target, aside)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        # The old trajectory is only given up once the new one stands in its place.
        if target.exists():
            shutil.rmtree(aside, ignore_errors=True)
        raise


def _named_arrays(name: str, value: Any) -> list[tuple[str, np.ndarray]]:
    """Give (label, array) of the arrays in a field; the label is also the file's name."""
    if isinstance(value, Mapping):
        # Names of loss parts are free text; files are numbered in the order of the names.
        return [(f"{name}{number}", value[key]) for number, key in enumerate(sorted(value))]
    return [] if value is None else [(name, value)]


def _write(fields: Mapping[str, Any], arrays: Mapping[str, np.ndarray], folder: Path) -> None:
    described = {}
    for label, array in arrays.items():
        file = folder / f"{label}.npy"
        np.save(file, array, allow_pickle=False)
        described[label] = describe(array) | {"bytes": file.stat().st_size}
    snapshots = fields["snapshots"]
    models = None
    if snapshots is not None:
        (folder / "snapshots").mkdir()
        models = [
            {
                str(step): write_state(
                    snapshots.stored(model, step), folder / _state_file(model, step)
                )
                for step in snapshots.steps(model)
            }
            for model in range(snapshots.n_models)
        ]
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "when": fields["when"],
        "names": {
            name: sorted(fields[name]) for name in LAYOUT if isinstance(fields[name], Mapping)
        },
        "arrays": described,
        "snapshots": models,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _state_file(model: int, step: int) -> str:
    return f"snapshots/model{model}_step{step}.npz"


def _put_in_place(finished: Path, target: Path, aside: Path) -> None:
    if not target.exists():
        finished.rename(target)
        return
    # A folder that is not empty cannot be replaced in one operation.
    try:
        target.rename(aside)
        finished.rename(target)
    except BaseException:
        if aside.exists() and not target.exists():
            aside.rename(target)
        raise
    shutil.rmtree(aside)


def _refuse_to_overwrite(target: Path) -> None:
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot save to {target}: {target.parent} is not a folder.")
    if not target.exists():
        return
    hint = "choose another path, or remove it first."
    try:
        manifest = _read_manifest(target)
    except (TrajectoryFormatError, FileNotFoundError) as error:
        raise FileExistsError(f"{target} exists and is no saved trajectory; {hint}") from error
    ours = {MANIFEST, *(f"{label}.npy" for label in manifest["arrays"])}
    for model, states in enumerate(manifest["snapshots"] or []):
        ours |= {_state_file(model, int(step)) for step in states}
    found = {p.relative_to(target).as_posix() for p in target.rglob("*") if not p.is_dir()}
    if found - ours:
        raise FileExistsError(
            f"{target} holds a saved trajectory, but also other files, such as "
            f"{min(found - ours)!r}, which replacing it would delete; {hint}"
        )


def load_fields(path: str | os.PathLike[str], *, mmap: bool = False) -> dict[str, Any]:
    """Read the fields of a trajectory from a folder.

    Parameters
    ----------
    path : str or path-like
        The folder.
    mmap : bool, default=False
        Leave records and snapshots on disk and read what is asked for.

    Returns
    -------
    dict of str to object
        The fields of a ``Trajectory``.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    TrajectoryFormatError
        If files are missing, cut short, altered, or of another format or version.
    """
    folder = Path(path).resolve()
    manifest = _read_manifest(folder)
    arrays = {
        label: _read_array(folder / f"{label}.npy", description, mmap)
        for label, description in manifest["arrays"].items()
    }
    fields: dict[str, Any] = {"when": manifest["when"]}
    for name in LAYOUT:
        if name in manifest["names"]:
            keys = manifest["names"][name]
            fields[name] = {key: arrays[f"{name}{number}"] for number, key in enumerate(keys)}
        else:
            fields[name] = arrays.get(name)
    fields["snapshots"] = None
    if manifest["snapshots"] is not None:
        states = [
            {
                int(step): StateOnDisk(folder / _state_file(model, int(step)), description)
                for step, description in by_step.items()
            }
            for model, by_step in enumerate(manifest["snapshots"])
        ]
        if mmap:
            fields["snapshots"] = Snapshots(states)
        else:
            fields["snapshots"] = Snapshots(
                [{step: dict(s.items()) for step, s in by_step.items()} for by_step in states]
            )
    return fields


def _read_manifest(folder: Path) -> dict[str, Any]:
    if not folder.exists():
        raise FileNotFoundError(f"there is no saved trajectory at {folder}.")
    file = folder / MANIFEST
    if not file.is_file():
        raise TrajectoryFormatError(f"{folder} is no saved trajectory: it has no {MANIFEST}.")
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TrajectoryFormatError(f"{file} is cut short or altered: {error}.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise TrajectoryFormatError(f"{file} does not describe a saved trajectory.")
    if manifest.get("version") != VERSION:
        raise TrajectoryFormatError(
            f"{file} has format version {manifest.get('version')!r}; this version of "
            f"sklearn_difficulty reads {VERSION}. Load it with the version that saved it."
        )
    if not _is_complete(manifest):
        raise TrajectoryFormatError(f"{file} is altered: entries are missing or unknown.")
    return manifest


def _is_complete(manifest: dict[str, Any]) -> bool:
    """Say whether the description has all entries, each of its type."""
    arrays, names, models = (manifest.get(key) for key in ("arrays", "names", "snapshots"))
    if not isinstance(arrays, dict) or not isinstance(names, dict) or "loss" not in arrays:
        return False
    labels = {name for name in LAYOUT if name not in names}
    for name, keys in names.items():
        if name not in LAYOUT or not isinstance(keys, list):
            return False
        labels |= {f"{name}{number}" for number in range(len(keys))}
    numbered = labels - set(LAYOUT)
    descriptions = list(arrays.values())
    if models is not None:
        if not isinstance(models, list) or not all(isinstance(m, dict) for m in models):
            return False
        if not all(step.isdecimal() for states in models for step in states):
            return False
        states = [state for by_step in models for state in by_step.values()]
        if not all(isinstance(s, dict) and isinstance(s.get("arrays"), dict) for s in states):
            return False
        descriptions += [entry for state in states for entry in state["arrays"].values()]
    return (
        "when" in manifest
        and numbered <= set(arrays) <= labels
        and all(isinstance(d, dict) and {"dtype", "shape"} <= set(d) for d in descriptions)
    )


def _read_array(file: Path, description: dict[str, Any], mmap: bool) -> np.ndarray:
    if not file.is_file():
        raise TrajectoryFormatError(f"{file} is missing; {MANIFEST} names it.")
    size = file.stat().st_size
    if size != description.get("bytes"):
        raise TrajectoryFormatError(
            f"{file} is cut short or altered: it has {size} bytes, "
            f"{MANIFEST} says {description.get('bytes')}."
        )
    axes = LAYOUT[file.stem.rstrip("0123456789")].axes
    # Arrays without these axes are small. An empty one cannot be mapped.
    on_disk = mmap and {"runs", "samples"} <= set(axes) and 0 not in description["shape"]
    try:
        array = np.load(file, mmap_mode="r" if on_disk else None, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise TrajectoryFormatError(f"{file} is altered: {error}.") from error
    check_description(file.name, array, description, file)
    return array
