"""Fitted estimators as bytes, to be made anew as often as they are asked for."""

import copyreg
import io
import pickle
import types
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet


class Stored:
    """Copy of an object at this moment, of a size that is known.

    Classes and functions are held, not named, so that those of a notebook and nameless ones can
    be stored.

    Parameters
    ----------
    obj : object
        Anything that can be pickled apart from its classes and functions.
    max_bytes : int
        Largest size.

    Attributes
    ----------
    nbytes : int
        Size.

    Raises
    ------
    StoringError
        If the copy would be larger, or part of the object is in a file, which may change.
    Exception
        Whatever pickling raises, for what cannot be pickled.

    Examples
    --------
    >>> from sklearn_difficulty.selection._stored import Stored
    >>> stored = Stored({"a": [1, 2]}, max_bytes=1000)
    >>> stored.load(), stored.load() is stored.load()
    ({'a': [1, 2]}, False)
    """

    def __init__(self, obj: Any, max_bytes: int) -> None:
        stream = _Bounded(max_bytes)
        pickler = _StoringPickler(stream)
        pickler.dump(obj)
        self._content = stream.getvalue()
        self._held = list(pickler.held.values())
        self.nbytes = len(self._content)

    def load(self) -> Any:
        """Make the object anew.

        Returns
        -------
        object
            Shares classes and functions with what was stored, and nothing else.
        """
        unpickler = _LoadingUnpickler(io.BytesIO(self._content))
        unpickler.held = self._held
        return unpickler.load()


class Packed:
    """An object that goes into a file as one piece.

    joblib writes and reads each array by itself, of which a scorer has hundreds.

    Parameters
    ----------
    held : object
        Anything that can be pickled.

    Examples
    --------
    >>> import pickle
    >>> from sklearn_difficulty.selection._stored import Packed
    >>> pickle.loads(pickle.dumps(Packed([1, 2]))).held
    [1, 2]
    """

    def __init__(self, held: Any) -> None:
        self.held = held

    def __getstate__(self) -> bytes:
        return pickle.dumps(self.held, protocol=5)

    def __setstate__(self, state: bytes) -> None:
        self.held = pickle.loads(state)


class StoringError(pickle.PicklingError):
    """Something can be pickled and is not worth it, or not safe."""


class _Bounded(io.BytesIO):
    def __init__(self, max_bytes: int) -> None:
        super().__init__()
        self._max_bytes = max_bytes

    def write(self, content: Any) -> int:
        if self.tell() + memoryview(content).nbytes > self._max_bytes:
            raise StoringError(f"more than {self._max_bytes} bytes")
        return super().write(content)


class _StoringPickler(pickle.Pickler):
    def __init__(self, stream: io.BytesIO) -> None:
        self.held: dict[int, Any] = {}
        self._places: dict[int, int] = {}
        super().__init__(stream, protocol=5)

    def persistent_id(self, obj: Any) -> int | None:
        if not isinstance(obj, type | types.FunctionType | types.ModuleType):
            return None
        self.held[id(obj)] = obj
        return self._places.setdefault(id(obj), len(self._places))

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, np.memmap):
            raise StoringError("an array in a file, which another training may write to")
        if isinstance(obj, NeuralNet):
            # Its own way pickles the module apart, with classes by name.
            return copyreg.__newobj__, (type(obj),), vars(obj), None, None, _set_state  # type: ignore[attr-defined]
        if type(obj) is torch.Tensor and _is_plain(obj):
            # torch's own way takes a file for each tensor.
            return torch.from_numpy, (obj.detach().numpy(),)
        return NotImplemented


class _LoadingUnpickler(pickle.Unpickler):
    held: list[Any]

    def persistent_load(self, pid: Any) -> Any:
        return self.held[pid]


def _set_state(obj: Any, state: dict[str, Any]) -> None:
    vars(obj).update(state)


def _is_plain(tensor: torch.Tensor) -> bool:
    """Whether a tensor is all that its memory holds, and of a type that NumPy has."""
    return (
        tensor.device.type == "cpu"
        and tensor.layout is torch.strided
        and tensor.dtype in (torch.float32, torch.float64, torch.int64, torch.bool)
        and not tensor.requires_grad
        and tensor.is_contiguous()
        and tensor.untyped_storage().nbytes() == tensor.nbytes
    )
