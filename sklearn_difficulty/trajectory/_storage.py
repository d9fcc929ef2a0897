"""A trajectory as a folder of plain array files, complete or not there at all.

The folder holds ``trajectory.json``, which describes every array, one ``.npy`` file for each of
them, and ``snapshots/model0_step3.safetensors`` for each parameter state. Nothing is ever pickled.
The names of the files follow from the names of the fields, so no path is ever read from a file.
"""

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
from sklearn_difficulty.trajectory._manifest import (
    check_file,
    described_files,
    read_manifest,
    state_file,
    write_manifest,
)
from sklearn_difficulty.trajectory._snapshot_files import (
    StateOnDisk,
    refuse_unstorable_states,
    write_state,
)
from sklearn_difficulty.trajectory._snapshots import Snapshots, State

__all__ = ["PARTS", "load_fields", "refuse_to_overwrite", "save_fields", "sibling"]

# Where a recording keeps what it has so far, below the folder that will be the trajectory.
PARTS = "parts"


def sibling(target: Path, suffix: str) -> Path:
    """Give a path beside a folder that nobody else uses.

    Parameters
    ----------
    target : Path
        The folder.
    suffix : str
        End of the name.

    Returns
    -------
    Path
        The path; nothing is there.
    """
    return target.with_name(f".{target.name}-{uuid4().hex}{suffix}")


def save_fields(
    fields: Mapping[str, Any], path: str | os.PathLike[str], unfinished: Path | None = None
) -> None:
    """Write the fields of a trajectory to a folder.

    Parameters
    ----------
    fields : mapping of str to object
        The fields of a ``Trajectory``.
    path : str or path-like
        The folder. A trajectory saved there before is replaced.
    unfinished : Path or None, default=None
        Folder beside it that becomes the trajectory. Arrays and states in files below it are moved
        to their place in it, and not copied.

    Raises
    ------
    FileExistsError
        If anything else is there.
    OSError
        If nothing can be written there.
    TypeError
        If an array holds objects that no fixed-size type represents; nothing is written then.
    """
    target = Path(path).resolve()
    refuse_to_overwrite(target)
    arrays = {
        label: storable(label, array)
        for name in LAYOUT
        for label, array in _named_arrays(name, fields[name])
    }
    if fields["snapshots"] is not None:
        refuse_unstorable_states(fields["snapshots"])

    unfinished = sibling(target, ".tmp") if unfinished is None else unfinished
    aside = sibling(target, ".old")
    try:
        make_folder(unfinished, target)
        _write(fields, arrays, unfinished)
        _put_in_place(unfinished, target, aside)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        # The old trajectory is only given up once the new one stands in its place.
        if target.exists():
            shutil.rmtree(aside, ignore_errors=True)
        raise


def make_folder(unfinished: Path, target: Path) -> None:
    """Make the hidden folder that becomes another one, where it is not there yet.

    Parameters
    ----------
    unfinished : Path
        The folder to make.
    target : Path
        What it becomes, for the message.

    Raises
    ------
    OSError
        If nothing can be written there.
    """
    try:
        unfinished.mkdir(exist_ok=True)
    except OSError as error:
        raise type(error)(
            f"{str(target)!r} cannot be written: {error}. Choose a path in a folder that you may "
            "write to."
        ) from error


def _named_arrays(name: str, value: Any) -> list[tuple[str, np.ndarray]]:
    """Give (label, array) of the arrays in a field; the label is also the file's name."""
    if isinstance(value, Mapping):
        # Names of loss parts are free text; files are numbered in their order.
        return [(f"{name}{number}", array) for number, array in enumerate(value.values())]
    return [] if value is None else [(name, value)]


def _write(fields: Mapping[str, Any], arrays: Mapping[str, np.ndarray], folder: Path) -> None:
    described = {}
    for label, array in arrays.items():
        file = folder / f"{label}.npy"
        own = _own_file(array, folder)
        if own is None:
            np.save(file, array, allow_pickle=False)
        else:
            own.rename(file)
        described[label] = describe(array) | {"bytes": file.stat().st_size}
    snapshots = fields["snapshots"]
    models = None
    if snapshots is not None:
        (folder / "snapshots").mkdir()
        models = [
            {
                str(step): _put_state(
                    snapshots.stored(model, step), folder / state_file(model, step), folder
                )
                for step in snapshots.steps(model)
            }
            for model in range(snapshots.n_models)
        ]
    names = {name: list(fields[name]) for name in LAYOUT if isinstance(fields[name], Mapping)}
    content = {
        "when": fields["when"],
        "element_component": fields["element_component"],
        "names": names,
        "arrays": described,
        "snapshots": models,
    }
    write_manifest(folder, content)
    if (folder / PARTS).exists():
        shutil.rmtree(folder / PARTS)


def _own_file(array: np.ndarray, folder: Path) -> Path | None:
    """Give the file below a folder that an array is all of; None where there is none."""
    if not isinstance(array, np.memmap) or not array.filename or not array.flags.c_contiguous:
        return None
    file = Path(array.filename)
    is_whole = folder in file.parents and file.stat().st_size == array.offset + array.nbytes
    return file if is_whole else None


def _put_state(state: State, file: Path, folder: Path) -> Mapping[str, Any]:
    if not isinstance(state, StateOnDisk) or folder not in state.file.parents:
        return write_state(state, file)
    state.file.rename(file)
    return state.description


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


def refuse_to_overwrite(target: Path) -> None:
    """Raise an error where a trajectory cannot take the place of what is there.

    Parameters
    ----------
    target : Path
        The folder of the trajectory.

    Raises
    ------
    FileNotFoundError
        If the folder around it does not exist.
    FileExistsError
        If something else than a saved trajectory is there.
    """
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot save to {target}: {target.parent} is not a folder.")
    if not target.exists():
        return
    hint = "choose another path, or remove it first."
    try:
        manifest = read_manifest(target)
    except (TrajectoryFormatError, FileNotFoundError) as error:
        raise FileExistsError(
            f"{target} exists and is no saved trajectory; {hint} Of what is there: {error}"
        ) from error
    ours = described_files(manifest)
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
    manifest = read_manifest(folder)
    arrays = {
        label: _read_array(folder / f"{label}.npy", description, mmap)
        for label, description in manifest["arrays"].items()
    }
    fields: dict[str, Any] = {
        "when": manifest["when"],
        # which trajectories that were saved before there were such parts do not have
        "element_component": manifest.get("element_component"),
    }
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
                int(step): StateOnDisk(folder / state_file(model, int(step)), description)
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


def _read_array(file: Path, description: dict[str, Any], mmap: bool) -> np.ndarray:
    check_file(file, description.get("bytes"))
    axes = LAYOUT[file.stem.rstrip("0123456789")].axes
    # Arrays without these axes are small. An empty one cannot be mapped.
    on_disk = mmap and {"runs", "samples"} <= set(axes) and 0 not in description["shape"]
    try:
        array = np.load(file, mmap_mode="r" if on_disk else None, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise TrajectoryFormatError(f"{file} is altered: {error}.") from error
    check_description(file.name, array, description, file)
    return array
