"""One parameter state as a file, read when it is asked for."""

import zipfile
from collections.abc import ItemsView, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_difficulty.exceptions import TrajectoryFormatError
from sklearn_difficulty.trajectory._array_files import check_description, describe, storable
from sklearn_difficulty.trajectory._snapshots import Snapshots

__all__ = ["StateOnDisk", "refuse_unstorable_states", "write_state"]


def write_state(state: Mapping[str, np.ndarray], file: Path) -> dict[str, Any]:
    """Write a parameter state to a ``.npz`` file.

    Parameters
    ----------
    state : mapping of str to ndarray
        The arrays by parameter name.
    file : Path
        The file.

    Returns
    -------
    dict
        What a reader has to find again: the size of the file, and the type, shape and checksum of
        each array.
    """
    described = {}
    # Not numpy.savez: it takes names as keyword arguments, and so refuses a parameter named "file".
    with zipfile.ZipFile(file, "w", allowZip64=True) as archive:
        for name, array in state.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, storable(name, array), allow_pickle=False)
            described[name] = describe(array) | {"crc32": archive.getinfo(f"{name}.npy").CRC}
    return {"bytes": file.stat().st_size, "arrays": described}


def refuse_unstorable_states(snapshots: Snapshots) -> None:
    """Raise an error if any state in memory cannot be saved.

    Parameters
    ----------
    snapshots : Snapshots
        The states.

    Raises
    ------
    TypeError
        If a parameter's name is not a string, or its values have no fixed-size type.
    """
    for model in range(snapshots.n_models):
        for step in snapshots.steps(model):
            state = snapshots.stored(model, step)
            if isinstance(state, StateOnDisk):
                continue
            for name, array in state.items():
                label = f"parameter {name!r} of model {model}, step {step},"
                if not isinstance(name, str):
                    raise TypeError(f"{label} must have a name of type str.")
                if array.dtype.hasobject or array.dtype.kind in "TV":
                    raise TypeError(f"{label} has dtype {array.dtype}, which cannot be saved.")


class StateOnDisk(Mapping[str, np.ndarray]):
    """A parameter state in a file.

    Nothing is kept in memory: ``items()`` reads all arrays, each lookup reads them again.

    Parameters
    ----------
    file : Path
        The file that ``write_state`` wrote.
    description : mapping
        What it returned.

    Attributes
    ----------
    nbytes : int
        Size of the arrays in bytes.

    Raises
    ------
    TrajectoryFormatError
        If the file is missing or of another size; on reading, if its content is another.
    """

    def __init__(self, file: Path, description: Mapping[str, Any]) -> None:
        if not file.is_file():
            raise TrajectoryFormatError(f"{file} is missing.")
        size = file.stat().st_size
        if size != description.get("bytes"):
            raise TrajectoryFormatError(
                f"{file} is cut short or altered: it has {size} bytes, "
                f"but {description.get('bytes')} were saved."
            )
        self._file = file
        self._arrays: dict[str, Any] = dict(description["arrays"])

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes."""
        return sum(
            int(np.prod(entry["shape"], dtype=np.int64)) * np.dtype(entry["dtype"]).itemsize
            for entry in self._arrays.values()
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._arrays:
            raise KeyError(name)
        return self._read()[name]

    def items(self) -> ItemsView[str, np.ndarray]:
        """Read all arrays, opening the file once.

        Returns
        -------
        items view
            Pairs of parameter name and array.
        """
        return self._read().items()

    def _read(self) -> dict[str, np.ndarray]:
        try:
            with zipfile.ZipFile(self._file) as archive:
                arrays = {name: self._read_member(archive, name) for name in self._arrays}
        except TrajectoryFormatError:
            raise
        except (zipfile.BadZipFile, KeyError, ValueError, EOFError, FileNotFoundError) as error:
            raise TrajectoryFormatError(f"{self._file} is missing or altered: {error}.") from error
        return arrays

    def _read_member(self, archive: zipfile.ZipFile, name: str) -> np.ndarray:
        description = self._arrays[name]
        if archive.getinfo(f"{name}.npy").CRC != description.get("crc32"):
            # Another trajectory may have been saved there while this one was in use.
            raise TrajectoryFormatError(
                f"{self._file} holds other values of {name!r} than when it was saved."
            )
        with archive.open(f"{name}.npy") as member:
            array = np.lib.format.read_array(member, allow_pickle=False)
        check_description(name, array, description, self._file)
        return array
