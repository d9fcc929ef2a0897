"""A trajectory that is recorded on disk: a folder that appears once it is complete."""

import os
import shutil
import weakref
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np

from sklearn_difficulty.trajectory._array_files import storable
from sklearn_difficulty.trajectory._fields import fields_of
from sklearn_difficulty.trajectory._snapshot_files import require_safetensors
from sklearn_difficulty.trajectory._stacking import stack_fields
from sklearn_difficulty.trajectory._storage import (
    PARTS,
    load_fields,
    make_folder,
    refuse_to_overwrite,
    save_fields,
    sibling,
)

__all__ = ["Store"]

T = TypeVar("T")


class Store:
    """A folder that a trajectory is recorded into.

    Until :meth:`finish`, all is kept in a hidden folder beside it. That one is removed by
    :meth:`abandon`, when a ``with`` block ends without :meth:`finish`, and when the store is
    forgotten or the program ends.

    Parameters
    ----------
    path : str or path-like
        The folder. A trajectory saved there before is replaced in the end.

    Raises
    ------
    TypeError
        If it is no path.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> from sklearn_difficulty.trajectory._store import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "run") as store:
    ...     store.check()
    ...     print(store.finish(Trajectory(np.ones((1, 3, 2)))))
    <Trajectory: 1 run x 3 steps x 2 samples; records: loss>
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not isinstance(path, str | os.PathLike):
            raise TypeError(
                f"storage must be the path of a folder, or None; got {type(path).__name__}."
            )
        self.path = Path(path).resolve()
        self._unfinished = sibling(self.path, ".tmp")
        # A process forked from this one holds the store, too, and must leave its files alone.
        self._remove = weakref.finalize(self, _remove, self._unfinished, os.getpid())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.abandon()

    def check(self, *, classes: Any = None, snapshots: bool = False) -> None:
        """Raise now what would stop :meth:`finish` after a long training.

        Parameters
        ----------
        classes : array-like or None, default=None
            Names of the labels that will be written.
        snapshots : bool, default=False
            Whether snapshots will be written.

        Raises
        ------
        FileExistsError
            If something else than a saved trajectory is there.
        FileNotFoundError
            If the folder around it does not exist.
        OSError
            If nothing can be written there.
        ImportError
            If safetensors is needed and not installed.
        TypeError
            If the names of the labels cannot be saved without pickle.
        """
        refuse_to_overwrite(self.path)
        if snapshots:
            require_safetensors()
        if classes is not None:
            storable("classes", np.asarray(classes))
        make_folder(self._unfinished, self.path)
        self._unfinished.rmdir()

    def part(self, name: str) -> Path:
        """Make a folder for a part of the recording, such as one model.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        Path
            The folder, empty. What lies in it is gone after :meth:`finish`, but for the files of
            arrays and states of the trajectory.
        """
        folder = self._unfinished / PARTS / name
        folder.mkdir(parents=True)
        return folder

    def stack(self, trajectories: Sequence[T]) -> T:
        """Put the runs of several trajectories into one, whose records are files of this store.

        Parameters
        ----------
        trajectories : sequence of Trajectory
            See ``Trajectory.stack``.

        Returns
        -------
        Trajectory
            All runs, in order, for :meth:`finish`.
        """
        parts = [fields_of(trajectory) for trajectory in trajectories]
        return type(trajectories[0])(**stack_fields(parts, self.part("stack")))

    def finish(self, trajectory: T) -> T:
        """Make the folder complete.

        Parameters
        ----------
        trajectory : Trajectory
            What was recorded. Arrays and states that are files in parts of this store are moved,
            not copied.

        Returns
        -------
        Trajectory
            The same, its records and snapshots left on disk, in the folder.
        """
        save_fields(fields_of(trajectory), self.path, unfinished=self._unfinished)
        return type(trajectory)(**load_fields(self.path, mmap=True))

    def abandon(self) -> None:
        """Remove what was written and not finished."""
        self._remove()


def _remove(folder: Path, process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
