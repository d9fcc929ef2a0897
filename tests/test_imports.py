"""The package's imports run one way, and its optional dependencies stay optional.

``exceptions, _validation -> trajectory -> { recording | scores } -> _scorer -> selection ->
{ analysis | inspection } -> cli``: a module imports what stands left of it and its own folder.
`_asked`, `_obtainable`, `_problem`, `_recorded`, `_rows`, `_targets`, `_scoring`, `_uncertainty`
and `_lookup` are the helpers of `_scorer`, `_demo` is that of `cli`, `_data` takes rows out of any
container, and `_foreign` makes arrays of those of other libraries.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import sklearn_difficulty

PACKAGE = "sklearn_difficulty"

# What each part of the package may import, besides itself. A part is a module or a folder right
# under the package root. The root's own __init__ is the index and may import every part.
ALLOWED: dict[str, set[str]] = {
    "exceptions": set(),
    "_validation": {"exceptions"},
}
ALLOWED["_foreign"] = set()
ALLOWED["_data"] = {"exceptions", "_validation"}
ALLOWED["datasets"] = {"exceptions", "_validation"}
ALLOWED["trajectory"] = {"exceptions", "_validation", "_foreign"}
ALLOWED["recording"] = ALLOWED["trajectory"] | {"trajectory", "_data"}
ALLOWED["scores"] = ALLOWED["trajectory"] | {"trajectory"}
ALLOWED["labels"] = ALLOWED["scores"] | {"scores"}
ALLOWED["_rows"] = {"exceptions", "_validation", "_foreign", "_data"}
ALLOWED["_targets"] = {"exceptions", "_validation", "_data"}
ALLOWED["_asked"] = ALLOWED["trajectory"] | {"trajectory", "scores"}
ALLOWED["_obtainable"] = ALLOWED["_asked"] | {"_asked"}
ALLOWED["_uncertainty"] = ALLOWED["_asked"] | {"_asked"}
ALLOWED["_scoring"] = ALLOWED["_uncertainty"] | {"_uncertainty", "recording", "_data"}
ALLOWED["_lookup"] = ALLOWED["_scoring"] | {"_scoring", "_rows"}
ALLOWED["_problem"] = ALLOWED["recording"] | {"recording", "_targets"}
ALLOWED["_recorded"] = ALLOWED["_problem"] | {"_asked", "_obtainable", "_problem"}
ALLOWED["_scorer"] = ALLOWED["_lookup"] | {
    *("_lookup", "_obtainable", "_problem", "_recorded", "_targets")
}
ALLOWED["selection"] = ALLOWED["_scorer"] | {"_scorer", "labels"}
ALLOWED["analysis"] = ALLOWED["selection"] | {"selection"}
ALLOWED["inspection"] = ALLOWED["selection"] | {"selection"}
ALLOWED["_demo"] = set(ALLOWED)
ALLOWED["cli"] = set(ALLOWED)
ALLOWED["__main__"] = {"cli"}

# Arrays in, arrays out: these know nothing of how a network is trained.
WITHOUT_TORCH = {"trajectory", "scores", "labels", "analysis"}
TORCH = {"torch", "skorch"}

# Dependencies of the extras: imported in the function that needs them, never with the package.
OPTIONAL = {
    "accelerate",
    "dask",
    "distributed",
    "imblearn",
    "lightgbm",
    "matplotlib",
    "pandas",
    "polars",
    "safetensors",
    "skimage",
    "xgboost",
}


class Import(NamedTuple):
    """One imported name, ``module`` being the dotted path it is imported by."""

    module: str
    line: int
    in_function: bool


def _imports(tree: ast.AST, in_function: bool = False) -> Iterator[Import]:
    """All imports of a syntax tree; a relative one keeps its leading dots."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, in_function)
        elif isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            for alias in node.names:
                # The name may be a submodule; `_resolve` knows which.
                yield Import(f"{source}.{alias.name}", node.lineno, in_function)
        else:
            enters = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from _imports(node, in_function or enters)


def _modules(root: Path) -> dict[str, Path]:
    """Dotted module name -> file, for every module below the package folder `root`."""
    modules = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        modules[".".join((PACKAGE, *parts))] = path
    return modules


def _resolve(name: str, modules: dict[str, Path]) -> str:
    """Longest leading part of the dotted `name` that is a module of the package."""
    while name not in modules and "." in name:
        name = name.rpartition(".")[0]
    return name


def _part(module: str) -> str:
    """Part of the package that the module belongs to; empty for the package root."""
    return module.removeprefix(PACKAGE).removeprefix(".").partition(".")[0]


def _cycle(edges: dict[str, set[str]]) -> list[str]:
    """Modules of one import cycle in order, the first repeated at the end; empty without one."""
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        for target in sorted(edges[module]):
            if found := visit(target, [*path, module]):
                return found
        done.add(module)
        return []

    for module in sorted(edges):
        if found := visit(module, []):
            return found
    return []


def import_errors(root: Path) -> list[str]:
    """Everything that is wrong with the imports of the package in folder `root`, in words."""
    modules = _modules(root)
    edges: dict[str, set[str]] = {module: set() for module in modules}
    errors = []
    for module, path in modules.items():
        part = _part(module)
        if part and part not in ALLOWED:
            errors.append(f"{module}: no layer is given for {part}; add it to ALLOWED")
            continue
        for item in _imports(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"{path.relative_to(root.parent)}:{item.line}"
            top = item.module.partition(".")[0]
            if item.module.startswith("."):
                errors.append(f"{where}: relative import")
            elif top in TORCH and part in WITHOUT_TORCH:
                errors.append(f"{where}: {part} must not import {top}")
            elif top in OPTIONAL and not item.in_function:
                errors.append(f"{where}: {top} is optional; import it where it is used")
            elif top == PACKAGE:
                target = _resolve(item.module, modules)
                edges[module].add(target)
                if item.in_function:
                    errors.append(f"{where}: own import inside a function")
                if item.module.endswith(".*"):
                    errors.append(f"{where}: star import")
                if not part:
                    continue
                if target == PACKAGE:
                    errors.append(f"{where}: import through the package root")
                elif _part(target) != part and _part(target) not in ALLOWED[part]:
                    errors.append(f"{where}: {part} must not import {_part(target)}")
    if cycle := _cycle(edges):
        errors.append(f"import cycle: {' -> '.join(cycle)}")
    # A line that imports several names from one place is one error.
    return list(dict.fromkeys(errors))


def test_imports_run_one_way():
    errors = import_errors(Path(sklearn_difficulty.__file__).parent)
    assert not errors, "\n" + "\n".join(errors)


# A small package that keeps every rule; each case below adds one line that breaks one.
SOUND = {
    "__init__.py": "from sklearn_difficulty._scorer import Scorer",
    "exceptions.py": "import warnings",
    "trajectory/__init__.py": "from sklearn_difficulty.trajectory._path import Path",
    "trajectory/_path.py": "import numpy\nfrom sklearn_difficulty.exceptions import Bad",
    "recording/__init__.py": "import torch\nfrom sklearn_difficulty.trajectory import Path",
    "scores/__init__.py": "from sklearn_difficulty.scores import _action",
    "scores/_action.py": "from sklearn_difficulty.trajectory import Path",
    "_scorer.py": (
        "import sklearn_difficulty.recording\nfrom sklearn_difficulty.scores import _action"
    ),
    "cli.py": "def plot():\n    import matplotlib",
}


def _write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    return root / PACKAGE


def test_checker_passes_a_sound_package(tmp_path):
    assert import_errors(_write(tmp_path, SOUND)) == []


@pytest.mark.parametrize(
    ("file", "line", "expected"),
    [
        (
            "exceptions.py",
            "from sklearn_difficulty.cli import plot",
            "sklearn_difficulty/exceptions.py:2: exceptions must not import cli",
        ),
        (
            "datasets/__init__.py",
            "from sklearn_difficulty.trajectory import Path",
            "sklearn_difficulty/datasets/__init__.py:1: datasets must not import trajectory",
        ),
        (
            "recording/__init__.py",
            "import sklearn_difficulty.scores._action",
            "sklearn_difficulty/recording/__init__.py:3: recording must not import scores",
        ),
        (
            "scores/_action.py",
            "def f():\n    from torch import nn",
            "sklearn_difficulty/scores/_action.py:3: scores must not import torch",
        ),
        (
            "trajectory/_path.py",
            "import skorch.utils",
            "sklearn_difficulty/trajectory/_path.py:3: trajectory must not import skorch",
        ),
        (
            "scores/_action.py",
            "from . import _vog",
            "sklearn_difficulty/scores/_action.py:2: relative import",
        ),
        (
            "scores/_action.py",
            "from sklearn_difficulty.exceptions import *",
            "sklearn_difficulty/scores/_action.py:2: star import",
        ),
        (
            "scores/_action.py",
            "class A:\n    def f(self):\n        import sklearn_difficulty.exceptions",
            "sklearn_difficulty/scores/_action.py:4: own import inside a function",
        ),
        (
            "cli.py",
            "from sklearn_difficulty import __version__",
            "sklearn_difficulty/cli.py:3: import through the package root",
        ),
        (
            "trajectory/_path.py",
            "try:\n    import pandas\nexcept ImportError:\n    pandas = None",
            "sklearn_difficulty/trajectory/_path.py:4: "
            "pandas is optional; import it where it is used",
        ),
        (
            "scores/_action.py",
            "from sklearn_difficulty.scores import SCORES",
            "import cycle: sklearn_difficulty.scores._action -> sklearn_difficulty.scores "
            "-> sklearn_difficulty.scores._action",
        ),
        (
            "helpers.py",
            "",
            "sklearn_difficulty.helpers: no layer is given for helpers; add it to ALLOWED",
        ),
    ],
)
def test_checker_sees_a_forbidden_import(tmp_path, file, line, expected):
    broken = SOUND | {file: "\n".join(filter(None, [SOUND.get(file), line]))}
    assert import_errors(_write(tmp_path, broken)) == [expected]


def test_package_imports_without_optional_dependencies():
    # Dependencies such as scikit-learn may import pandas by themselves where it is installed, so
    # its mere presence afterwards says nothing. None in sys.modules makes an import fail as if
    # the package were not installed.
    blocked = sorted(OPTIONAL)
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({blocked!r})); "
        f"import {PACKAGE}; print({PACKAGE}.__name__)"
    )
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert result.stdout.strip() == PACKAGE, result.stderr
