"""The description of a trajectory in a folder: what every file of it has to be."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_difficulty.exceptions import TrajectoryFormatError
from sklearn_difficulty.trajectory._layout import LAYOUT

__all__ = [
    "MANIFEST",
    "check_file",
    "described_files",
    "read_manifest",
    "state_file",
    "write_manifest",
]

FORMAT = "sklearn-difficulty trajectory"
# 2: snapshots are safetensors files.
VERSION = 2
MANIFEST = "trajectory.json"


def state_file(model: int, step: int) -> str:
    """Give the name of the file of a parameter state, relative to the folder.

    Parameters
    ----------
    model, step : int
        Which state.

    Returns
    -------
    str
        The name.
    """
    return f"snapshots/model{model}_step{step}.safetensors"


def check_file(file: Path, n_bytes: int | None) -> None:
    """Check that a file of a trajectory is there, and all of it.

    Parameters
    ----------
    file : Path
        The file.
    n_bytes : int or None
        Its size, as the description has it; None where it has none.

    Raises
    ------
    TrajectoryFormatError
        If it is missing or of another size.
    """
    if not file.is_file():
        raise TrajectoryFormatError(f"{file} is missing; {MANIFEST} names it.")
    size = file.stat().st_size
    if size != n_bytes:
        raise TrajectoryFormatError(
            f"{file} is cut short or altered: it has {size} bytes, {MANIFEST} says {n_bytes}."
        )


def write_manifest(folder: Path, content: Mapping[str, Any]) -> None:
    """Describe a trajectory.

    Parameters
    ----------
    folder : Path
        Where its files are.
    content : mapping of str to object
        The description, in types that JSON has.
    """
    manifest = {"format": FORMAT, "version": VERSION, **content}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def described_files(manifest: Mapping[str, Any]) -> set[str]:
    """Give the names of all files of a trajectory, relative to its folder.

    Parameters
    ----------
    manifest : mapping
        What :func:`read_manifest` gave.

    Returns
    -------
    set of str
        The names.
    """
    files = {MANIFEST, *(f"{label}.npy" for label in manifest["arrays"])}
    for model, states in enumerate(manifest["snapshots"] or []):
        files |= {state_file(model, int(step)) for step in states}
    return files


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the description of a trajectory.

    Parameters
    ----------
    folder : Path
        Where it was saved.

    Returns
    -------
    dict
        The description, with all its entries.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    TrajectoryFormatError
        If it holds no trajectory, one of another version, or the description is altered.
    """
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
        manifest.get("when") in ("after", "during")
        and isinstance(manifest.get("element_component"), str | None)
        and numbered <= set(arrays) <= labels
        and all(_describes_array(description) for description in descriptions)
    )


def _describes_array(description: Any) -> bool:
    """Say whether an entry has a type and a shape that an array may have."""
    if not isinstance(description, dict) or not {"dtype", "shape"} <= set(description):
        return False
    shape = description["shape"]
    try:
        np.lib.format.descr_to_dtype(description["dtype"])
    except (TypeError, ValueError):
        return False
    return isinstance(shape, list) and all(isinstance(n, int) and n >= 0 for n in shape)
