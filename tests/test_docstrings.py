"""Every public docstring is a complete numpydoc docstring.

The examples in them are run by pytest itself (``--doctest-modules``).
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import cached_property
from types import ModuleType

import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate

import sklearn_difficulty
from sklearn_difficulty import scores

# Checks of numpydoc that are not wanted; all others hold for everything public.
NOT_CHECKED = {
    "ES01",  # an extended summary is written where there is more to say, not for its own sake
    "SA01",  # and so is See Also
    "RT02",  # as in scikit-learn, a returned value may have a name
}

# Methods are shown at work in the example of their class. Errors and warnings are raised, not
# used, and the classes that raise them have the examples.
WITHOUT_EXAMPLE = {"EX01"}

# A method that replaces one of scikit-learn or skorch takes and returns what that one does, which
# is documented there; it says only what is different, if anything.
REPLACING = {"GL08", "PR01", "RT01", "YD01"}

# What users need of these folders is offered by the package itself; their indexes serve the other
# parts of the package.
INTERNAL = {"recording"}


def _is_own(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "sklearn_difficulty"


def _public_modules() -> Iterator[ModuleType]:
    """Yield the package and its public parts; what their `__all__` lists is public."""
    yield sklearn_difficulty
    for found in pkgutil.iter_modules(sklearn_difficulty.__path__):
        if not found.name.startswith("_") and found.name not in INTERNAL:
            yield importlib.import_module(f"sklearn_difficulty.{found.name}")


def _public_objects() -> dict[str, object]:
    """Map dotted names to public classes and functions, each once, by its first name."""
    objects = {f"{scores.__name__}.{name}": getattr(scores, name) for name in scores.SCORES}
    for module in _public_modules():
        for name in getattr(module, "__all__", []):
            found = getattr(module, name)
            if (inspect.isclass(found) or inspect.isfunction(found)) and not any(
                found is known for known in objects.values()
            ):
                objects[f"{module.__name__}.{name}"] = found
    return objects


def _own_members(cls: type) -> Iterator[str]:
    """Yield the names of the public methods and properties that the package itself defines."""
    for name in dir(cls):
        owner = next(base for base in cls.__mro__ if name in vars(base))
        member = inspect.unwrap(getattr(cls, name))
        if (
            not name.startswith("_")
            and _is_own(owner)
            and (inspect.isroutine(member) or isinstance(member, property | cached_property))
        ):
            yield name


def _replaces(cls: type, name: str) -> bool:
    """Whether a base class from outside the package has a member of this name, too."""
    return any(name in vars(base) for base in cls.__mro__ if not _is_own(base))


OBJECTS = _public_objects()
MEMBERS = [
    (name, member)
    for name, found in OBJECTS.items()
    if inspect.isclass(found)
    for member in _own_members(found)
]


def _errors(name: str, not_checked: set[str]) -> list[str]:
    return [
        f"{name}: {code}: {message}"
        for code, message in validate(name)["errors"]
        if code not in not_checked
    ]


@pytest.mark.parametrize("name", OBJECTS)
def test_docstring_of_class_or_function(name):
    not_checked = NOT_CHECKED
    if inspect.isclass(OBJECTS[name]) and issubclass(OBJECTS[name], BaseException):
        not_checked = not_checked | WITHOUT_EXAMPLE
    errors = _errors(name, not_checked)
    assert not errors, "\n" + "\n".join(errors)


@pytest.mark.parametrize(("name", "member"), MEMBERS)
def test_docstring_of_method_or_property(name, member):
    not_checked = NOT_CHECKED | WITHOUT_EXAMPLE
    if _replaces(OBJECTS[name], member):
        not_checked = not_checked | REPLACING
    errors = _errors(f"{name}.{member}", not_checked)
    assert not errors, "\n" + "\n".join(errors)


def test_validation_sees_what_is_missing():
    def score(X, y):
        """Score the rows.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            The rows.
        """
        return X

    codes = {code for code, _ in validate(get_doc_object(score))["errors"]}
    assert codes - NOT_CHECKED == {"PR01", "RT01", "EX01"}
