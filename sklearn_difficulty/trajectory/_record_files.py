"""Records that grow step by step, in memory or in files that are mapped when they are asked for."""

import math
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["RecordFile", "StepArrays", "count_missing", "release_pages"]

# Room for any shape, and a multiple of 64 as the format asks for: the header never moves the data.
_HEADER_BYTES = 512


class RecordFile:
    """A ``.npy`` file that parts of one shape are appended to.

    It is written, not mapped, so that what was written does not stay in memory, and a full disk
    is an error.

    Parameters
    ----------
    file : Path
        The file, which is made anew.
    shape : tuple of int
        Shape of each part.
    dtype : dtype
        Type of the values.
    """

    def __init__(self, file: Path, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self._file, self._shape, self._dtype = file, shape, np.dtype(dtype)
        self._n_parts = 0
        file.write_bytes(self._header((0,)))

    def _header(self, leading: tuple[int, ...]) -> bytes:
        content = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (*leading, *self._shape),
        }
        start = np.lib.format.magic(1, 0)
        length = _HEADER_BYTES - len(start) - 2
        text = repr(content).ljust(length - 1) + "\n"
        return start + length.to_bytes(2, "little") + text.encode("latin1")

    def append(self, values: np.ndarray) -> None:
        """Write one more part."""
        part = np.ascontiguousarray(values, dtype=self._dtype).reshape(self._shape)
        with self._file.open("r+b") as stream:
            stream.seek(_HEADER_BYTES + self._n_parts * part.nbytes)
            stream.write(part.reshape(-1).view(np.uint8).data)
        self._n_parts += 1

    def array(self, leading: tuple[int, ...]) -> np.ndarray:
        """Give all parts as a read-only array on disk, of shape ``(*leading, *shape)``."""
        if math.prod(leading) != self._n_parts:
            raise ValueError(f"{self._n_parts} parts do not make an array of leading {leading}.")
        with self._file.open("r+b") as stream:
            stream.write(self._header(leading))
        # An empty array cannot be mapped.
        is_empty = 0 in leading + self._shape
        return np.load(self._file, mmap_mode=None if is_empty else "r", allow_pickle=False)


class StepArrays:
    """Records of one step after the other.

    Parameters
    ----------
    folder : Path or None, default=None
        Where to write them, one ``.npy`` file for each record; None keeps them in memory.
    expected : int, default=1
        How many steps will come, where that is known; in memory, more cost a copy.

    Attributes
    ----------
    n_steps : int
        How many came.
    """

    def __init__(self, folder: Path | None = None, expected: int = 1) -> None:
        self.n_steps = 0
        self._folder = folder
        self._expected = expected
        self._files: dict[str, RecordFile] = {}
        self._buffers: dict[str, np.ndarray] = {}

    def append(self, records: Mapping[str, np.ndarray]) -> None:
        """Add the records of one step, of the same names, shapes and types as those before."""
        names = self._files or self._buffers
        if self.n_steps and set(names) != set(records):
            raise ValueError(
                f"step {self.n_steps} has the records {sorted(records)}; the steps before it have "
                f"{sorted(names)}. Every step must have the same."
            )
        for name, values in records.items():
            if self._folder is not None:
                if not self.n_steps:
                    file = self._folder / f"{name}.npy"
                    self._files[name] = RecordFile(file, values.shape, values.dtype)
                self._files[name].append(values)
            else:
                self._room_for(name, values)[self.n_steps] = values
        self.n_steps += 1

    def _room_for(self, name: str, values: np.ndarray) -> np.ndarray:
        held = self._buffers.get(name)
        if held is None or len(held) == self.n_steps:
            length = max(2 * self.n_steps, self._expected)
            larger = np.empty((length, *values.shape), dtype=values.dtype)
            if held is not None:
                larger[: self.n_steps] = held
            self._buffers[name] = held = larger
        return held

    def arrays(self, n_runs: int = 1) -> dict[str, np.ndarray]:
        """Give each record as an array of shape ``(n_runs, n_steps / n_runs, ...)``.

        Nothing is copied: steps that are added later do not change it.
        """
        leading = (n_runs, self.n_steps // n_runs)
        if self._folder is not None:
            return {name: file.array(leading) for name, file in self._files.items()}
        return {
            name: held[: self.n_steps].reshape(*leading, *held.shape[1:])
            for name, held in self._buffers.items()
        }


def release_pages(array: np.ndarray) -> None:
    """Give back the memory of what was read of an array on disk.

    The system would take it back only when there is need, and until then it counts as used.

    Parameters
    ----------
    array : ndarray
        Any array; nothing is done for one in memory. Its values stay as they are.
    """
    # A private copy of a file holds its changes in memory alone.
    if not isinstance(array, np.memmap) or array.mode == "c":
        return
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(base, "madvise"):
        base.madvise(mmap.MADV_DONTNEED)


def count_missing(loss: np.ndarray, n_steps: np.ndarray) -> np.ndarray:
    """Count the samples without a record, step by step.

    Parameters
    ----------
    loss : ndarray of shape (n_runs, n_steps, n_samples)
        Losses, in memory or on disk; NaN where there is none.
    n_steps : ndarray of shape (n_runs,)
        Number of completed steps of each run.

    Returns
    -------
    ndarray of int of shape (n_runs, n_steps)
        How many there are; 0 after the end of a run.
    """
    counts = np.zeros(loss.shape[:2], dtype=np.int64)
    for run, end in enumerate(n_steps):
        for step in range(end):
            counts[run, step] = np.isnan(loss[run, step]).sum()
            release_pages(loss)
    return counts
