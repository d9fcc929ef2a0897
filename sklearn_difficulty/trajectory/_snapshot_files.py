"""One parameter state as a safetensors file, read when it is asked for."""

import zlib
from collections.abc import ItemsView, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_difficulty.exceptions import TrajectoryFormatError
from sklearn_difficulty.trajectory._array_files import check_description, describe
from sklearn_difficulty.trajectory._manifest import check_file
from sklearn_difficulty.trajectory._snapshots import Snapshots

__all__ = ["StateOnDisk", "refuse_unstorable_states", "require_safetensors", "write_state"]

# What the format has in all its versions; other types are stored as the bytes that they are.
_NATIVE = {"bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"}
_NATIVE |= {"float16", "float32", "float64"}
# The header of a file keeps this name to itself.
_RESERVED = "__metadata__"


def require_safetensors() -> Any:
    """Give the package that reads and writes the files.

    Returns
    -------
    module
        safetensors, with its part for NumPy.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        import safetensors
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "snapshots on disk need safetensors: pip install 'sklearn-difficulty[storage]'"
        ) from error
    return safetensors


def write_state(state: Mapping[str, np.ndarray], file: Path) -> dict[str, Any]:
    """Write a parameter state to a safetensors file.

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

    Raises
    ------
    ValueError
        If a parameter has the one name that the format keeps to itself.
    """
    stored, described = {}, {}
    for name, array in state.items():
        if name == _RESERVED:
            raise ValueError(
                f"a parameter has the name {name!r}, which safetensors keeps to itself: rename it, "
                "or keep snapshots in memory."
            )
        # The format knows one order of axes and one of bytes, and takes the memory as it lies.
        array = np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C")
        is_native = array.dtype.name in _NATIVE
        stored[name] = array if is_native else np.frombuffer(array.tobytes(), dtype=np.uint8)
        described[name] = describe(array) | {"crc32": _checksum(array)}
    require_safetensors().numpy.save_file(stored, str(file))
    return {"bytes": file.stat().st_size, "arrays": described}


def refuse_unstorable_states(snapshots: Snapshots) -> None:
    """Raise an error if any state in memory cannot be saved.

    Parameters
    ----------
    snapshots : Snapshots
        The states.

    Raises
    ------
    ImportError
        If safetensors is not installed.
    TypeError
        If a parameter's name is not a string, or its values have no fixed-size type.
    ValueError
        If a parameter has the one name that the format keeps to itself.
    """
    require_safetensors()
    for model in range(snapshots.n_models):
        for step in snapshots.steps(model):
            state = snapshots.stored(model, step)
            if isinstance(state, StateOnDisk):
                continue
            for name, array in state.items():
                label = f"parameter {name!r} of model {model}, step {step},"
                if not isinstance(name, str):
                    raise TypeError(f"{label} must have a name of type str.")
                if name == _RESERVED:
                    raise ValueError(f"{label} has a name that safetensors keeps to itself.")
                if array.dtype.hasobject or array.dtype.kind in "TV":
                    raise TypeError(f"{label} has dtype {array.dtype}, which cannot be saved.")


class StateOnDisk(Mapping[str, np.ndarray]):
    """A parameter state in a file.

    Nothing is kept in memory: ``items()`` reads all arrays, each lookup reads one again.

    Parameters
    ----------
    file : Path
        The file that ``write_state`` wrote.
    description : mapping
        What it returned.

    Attributes
    ----------
    file, description
        As given.
    nbytes : int
        Size of the arrays in bytes.

    Raises
    ------
    TrajectoryFormatError
        If the file is missing or of another size; on reading, if its content is another.
    """

    def __init__(self, file: Path, description: Mapping[str, Any]) -> None:
        check_file(file, description.get("bytes"))
        self.file = file
        self.description = description
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
        return self._read([name])[name]

    def items(self) -> ItemsView[str, np.ndarray]:
        """Read all arrays, opening the file once.

        Returns
        -------
        items view
            Pairs of parameter name and array.
        """
        return self._read(self._arrays).items()

    def _read(self, names: Iterable[str]) -> dict[str, np.ndarray]:
        package = require_safetensors()
        try:
            with package.safe_open(str(self.file), framework="numpy") as content:
                return {name: self._checked(name, content.get_tensor(name)) for name in names}
        except (package.SafetensorError, ValueError, OSError) as error:
            if isinstance(error, TrajectoryFormatError):
                raise
            raise TrajectoryFormatError(f"{self.file} is missing or altered: {error}.") from error

    def _checked(self, name: str, array: np.ndarray) -> np.ndarray:
        description = self._arrays[name]
        dtype = np.dtype(description["dtype"])
        if dtype.name not in _NATIVE and array.dtype == np.uint8:
            array = array.view(dtype).reshape(description["shape"])
        check_description(name, array, description, self.file)
        if _checksum(array) != description.get("crc32"):
            # Another trajectory may have been saved there while this one was in use.
            raise TrajectoryFormatError(
                f"{self.file} holds other values of {name!r} than when it was saved."
            )
        return array


def _checksum(array: np.ndarray) -> int:
    # Bytes of dates, for one, are not handed out by the buffer protocol.
    return zlib.crc32(array.reshape(-1).view(np.uint8).data)
