"""Tell by a digest, within this process, whether objects are what others were."""

import functools
import pickle
import sys
import sysconfig
import types
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch.utils.data import Dataset, Subset, TensorDataset

_PACKAGE = __name__.partition(".")[0]
# Code in these folders is not edited between two fits.
_LIBRARIES = tuple(
    Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")
)
# Of a class: what Python keeps in it for itself, and what is not run.
_NOT_CODE = frozenset(
    {"__dict__", "__weakref__", "__doc__", "__annotations__", "__annotate_func__"}
    | {"__annotations_cache__", "_abc_impl", "__dataclass_fields__", "__dataclass_params__"}
)
_C_LEVEL = (
    types.BuiltinFunctionType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
)


class Digest:
    """What some objects are, content and code.

    Parameters
    ----------
    *objects : object
        Arrays, frames, sparse matrices, tensors, modules, estimators, functions, and whatever can
        be pickled apart from its classes and functions.

    Attributes
    ----------
    key : str
        Equal for equal objects, as long as the classes and functions in them are alive.
    pinned : list
        These classes and functions. Whoever keeps the key keeps them, since a new object may
        otherwise get the identity of one that is gone.

    Raises
    ------
    Exception
        Whatever pickling raises, for what cannot be told: files, locks, generators, data that are
        read piece by piece.

    Notes
    -----
    Pickle names classes and functions, and a notebook binds a name to another class when a cell
    is run again. Here, a class is itself and no other of its name. Of one that is not of an
    installed library the content counts too: its methods, what they refer to, and the values of
    global names that these read, because all of that can be changed in place.

    Two digests of equal objects may differ, by how these share parts or lie in memory.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.selection._digest import Digest
    >>> X = np.arange(6.0).reshape(3, 2)
    >>> Digest(X).key == Digest(X.copy()).key, Digest(X).key == Digest(X[::-1]).key
    (True, False)
    """

    def __init__(self, *objects: Any) -> None:
        pickler = _DigestPickler()
        pickler.dump(objects)
        self.key = pickler.stream.hexdigest() + pickler.buffers.hexdigest()
        self.pinned = list(pickler.pinned.values())


class _Stream:
    """Takes the bytes of a pickle and keeps a hash of them."""

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=20)
        self.hexdigest = self._hash.hexdigest

    def write(self, content: Any) -> int:
        self._hash.update(content)
        return memoryview(content).nbytes

    def take(self, buffer: pickle.PickleBuffer) -> None:
        self._hash.update(buffer.raw())


class _ContentPickler(pickle.Pickler):
    """Writes the same for equal strings, sets, tensors and sparse matrices, however held."""

    _storages: dict[int, int]

    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, str):
            # One string that comes twice is not told from two equal ones.
            return obj.encode("utf-8", "surrogatepass")
        if isinstance(obj, np.dtype):
            return pickle.dumps(obj)  # equal ones may be one object or several
        if isinstance(obj, set | frozenset):
            # Python shuffles them, in each process in another way.
            return type(obj), sorted(obj, key=lambda part: (type(part).__qualname__, repr(part)))
        return None

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, np.memmap):
            return obj.view(np.ndarray).__reduce_ex__(5)
        if isinstance(obj, torch.Tensor):
            return self._tensor(obj)
        if scipy.sparse.issparse(obj):
            # Whether indices are sorted is noted when it is first asked for.
            state = {name: part for name, part in vars(obj).items() if not name.startswith("_has_")}
            return _same, (type(obj), obj.shape), state
        return NotImplemented

    def _tensor(self, tensor: torch.Tensor) -> tuple[Any, ...]:
        values = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        # Two views of one storage are trained as one.
        address = tensor.untyped_storage().data_ptr()
        storage = self._storages.setdefault(address, len(self._storages))
        layout = (tensor.stride(), tensor.storage_offset(), storage, tensor.requires_grad)
        kind = (type(tensor), str(tensor.dtype), str(tensor.device), tuple(tensor.shape))
        return _same, (*kind, *layout, tensor.is_conj(), tensor.is_neg(), values)


class _DigestPickler(_ContentPickler):
    def __init__(self) -> None:
        # Arrays go by a stream of their own, uncopied; their shapes and types are in the other.
        self.stream, self.buffers = _Stream(), _Stream()
        self.pinned: dict[int, Any] = {}
        self._storages = {}
        super().__init__(self.stream, protocol=5, buffer_callback=self.buffers.take)

    def persistent_id(self, obj: Any) -> Any:
        is_code = isinstance(obj, type | types.FunctionType) and is_of_library(obj)
        if (
            is_code
            or obj is _same
            or isinstance(obj, types.ModuleType | types.CodeType)
            or _is_c_level(obj)
        ):
            return self._pin(obj)
        return super().persistent_id(obj)

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, type):
            return _same, (self._pin(obj),), _class_content(obj)
        if isinstance(obj, types.FunctionType):
            return _same, (self._pin(obj),), _function_content(obj)
        if isinstance(obj, property):
            return property, (obj.fget, obj.fset, obj.fdel)
        if isinstance(obj, staticmethod | classmethod | functools._lru_cache_wrapper):
            return _same, (self._pin(obj), obj.__wrapped__)
        if isinstance(obj, functools.cached_property):
            return functools.cached_property, (obj.func,)
        if isinstance(obj, types.MappingProxyType):
            return dict, (dict(obj),)
        if isinstance(obj, Dataset) and type(obj) not in (TensorDataset, Subset):
            raise pickle.PicklingError(
                f"{type(obj).__name__} reads its items where it likes, so that what it holds "
                "cannot be told."
            )
        return super().reducer_override(obj)

    def _pin(self, obj: Any) -> tuple[str, int]:
        self.pinned[id(obj)] = obj
        return "itself", id(obj)


class Named:
    """An object, to be hashed by its content, with classes and functions by their names.

    :func:`joblib.hash` makes something else of one and the same tensor each time, and nothing
    else of a mapping in another order. What goes by names can be told in another process too.

    Parameters
    ----------
    held : object
        Anything that can be pickled.

    Examples
    --------
    >>> import joblib, torch
    >>> from sklearn_difficulty.selection._digest import Named
    >>> a, b = torch.zeros(2), torch.zeros(2)
    >>> joblib.hash(a) == joblib.hash(b), joblib.hash(Named(a)) == joblib.hash(Named(b))
    (False, True)
    """

    def __init__(self, held: Any) -> None:
        self.held = held

    def __repr__(self) -> str:
        return repr(self.held)

    def __getstate__(self) -> bytes:
        stream = _Stream()
        pickler = _ContentPickler(stream, protocol=4)
        pickler._storages = {}
        pickler.dump(self.held)
        return stream.hexdigest().encode()


def is_of_library(obj: Any) -> bool:
    """Tell whether a class, function or module is of an installed library, or of Python's own.

    Parameters
    ----------
    obj : class, function or module
        What to look up.

    Returns
    -------
    bool
        False for code of scripts, notebooks and the user's own modules.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.selection._digest import is_of_library
    >>> is_of_library(np), is_of_library(np.mean), is_of_library(lambda: None)
    (True, True, False)
    """
    name = getattr(obj, "__name__" if isinstance(obj, types.ModuleType) else "__module__", None)
    if not isinstance(name, str) or name == "__main__" or not _is_library(name):
        return False
    # Decorators of libraries take over the name of the module of what they decorate, and what is
    # executed as text any name.
    module = sys.modules.get(name)
    return not isinstance(obj, types.FunctionType) or obj.__globals__ is getattr(
        module, "__dict__", None
    )


@functools.lru_cache(maxsize=4096)
def _is_library(name: str) -> bool:
    if name.partition(".")[0] == _PACKAGE or name in sys.builtin_module_names:
        return True
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if file is None:  # frozen into Python, or made up
        return getattr(getattr(module, "__spec__", None), "origin", None) == "frozen"
    parents = Path(file).resolve().parents
    return any(folder in parents for folder in _LIBRARIES)


def _is_c_level(obj: Any) -> bool:
    if isinstance(obj, types.BuiltinFunctionType):  # bound methods are of this type too
        return obj.__self__ is None or isinstance(obj.__self__, types.ModuleType | type)
    return isinstance(obj, _C_LEVEL)


def _class_content(cls: type) -> Any:
    attributes = {name: value for name, value in vars(cls).items() if name not in _NOT_CODE}
    return type(cls), cls.__bases__, attributes


def _function_content(function: types.FunctionType) -> Any:
    names = set(_names_read(function.__code__))
    found = {
        name: function.__globals__[name] for name in sorted(names) if name in function.__globals__
    }
    # A function may import modules itself.
    imported = [sys.modules[name] for name in sorted(names & sys.modules.keys())]
    attributes = _read_of_modules([*found.values(), *imported], names)
    cells = [_cell_content(cell) for cell in function.__closure__ or ()]
    given = function.__defaults__, function.__kwdefaults__, vars(function)
    return function.__code__, given, cells, found, attributes


def _read_of_modules(objects: list[Any], names: set[str]) -> list[dict[str, Any]]:
    """What is read as an attribute of the user's own modules, and of modules in these."""
    waiting, seen, read = list(objects), set(), []
    for module in waiting:
        if not isinstance(module, types.ModuleType) or is_of_library(module) or id(module) in seen:
            continue
        seen.add(id(module))
        values = {name: vars(module)[name] for name in sorted(names & vars(module).keys())}
        read.append(values)
        waiting += values.values()
    return read


def _cell_content(cell: types.CellType) -> Any:
    try:
        return (cell.cell_contents,)
    except ValueError:  # a name that is not bound yet
        return ()


def _names_read(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names_read(constant)


def _same(*parts: Any) -> Any:
    """Stand in for what would be called to make the object; nothing here is ever unpickled."""
    raise NotImplementedError("digests are not unpickled")
