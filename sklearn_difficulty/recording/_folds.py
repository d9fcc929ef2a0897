"""Folds to hold out, arranged into runs, and the paths of a run's folds as one path."""

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import check_cv
from torch.utils.data import Dataset

from sklearn_difficulty._data import n_rows
from sklearn_difficulty._validation import check_labels
from sklearn_difficulty.trajectory import Snapshots, Trajectory
from sklearn_difficulty.trajectory._joining import join_records

Fold = tuple[np.ndarray, np.ndarray]


def folds_of_runs(
    cv: Any, X: Any, y: np.ndarray | None, classes: np.ndarray | None, groups: Any = None
) -> list[list[Fold | None]]:
    """Folds of a splitter, those together that do not overlap.

    Parameters
    ----------
    cv : int, splitter, iterable of folds, or None
        None holds nothing out.
    X, y : container of n rows, ndarray of shape (n, ...) or None
        Rows, and class numbers or targets.
    classes : ndarray or None
        None for a regression.
    groups : array-like of shape (n,) or None, default=None
        Groups of the rows, of any type that can be sorted.

    Returns
    -------
    runs : list of list of (train, test)
        All runs have the same number of folds. A splitter that holds each row out once is one
        run, a repeated one as many as its repetitions, and one that draws its folds anew each time
        a run for every fold. A row that a run does not hold out has no record in it.

    Raises
    ------
    ValueError
        Where the splitter needs groups that are not given, or has no folds, and for folds with an
        empty side or rows that are not there.
    """
    if groups is not None:
        groups = check_labels("groups", groups, n_rows(X))
    if cv is None:
        return [[None]]
    if y is not None and y.dtype.kind == "O":  # which a splitter would look into
        y = None
    splitter = check_cv(cv, y, classifier=classes is not None)
    # Splitters only count the rows, and those of a dataset are not read for that.
    rows = np.zeros((n_rows(X), 1)) if isinstance(X, Dataset) else X
    try:
        folds = [
            _checked_fold(fold, number, n_rows(X))
            for number, fold in enumerate(splitter.split(rows, y, groups))
        ]
    except ValueError as error:
        if groups is None and "groups" in str(error):
            raise ValueError(
                f"cv={cv!r} keeps groups of rows together and needs to know them: pass "
                "groups= to fit, one entry for each row."
            ) from error
        raise
    if not folds:
        raise ValueError(
            f"cv={cv!r} makes no folds: use a splitter such as KFold(5), or a list of folds (a "
            "generator of them serves one fit only)."
        )
    runs: list[list[Fold | None]] = []
    held_out: list[np.ndarray] = []
    for train, test in folds:
        free = (k for k, covered in enumerate(held_out) if not covered[test].any())
        place = next(free, len(runs))
        if place == len(runs):
            runs.append([])
            held_out.append(np.zeros(n_rows(X), dtype=bool))
        runs[place].append((train, test))
        held_out[place][test] = True
    if len({len(run) for run in runs}) > 1:
        return [[fold] for fold in folds]
    return runs


def _checked_fold(fold: Any, number: int, n_samples: int) -> Fold:
    """Row numbers of both sides of a fold, which may be given as masks."""
    train, test = (
        _row_numbers(side, f"the {name} side of fold {number} of cv", n_samples)
        for side, name in zip(fold, ("train", "test"), strict=True)
    )
    return train, test


def _row_numbers(side: Any, name: str, n_samples: int) -> np.ndarray:
    rows = np.asarray(side)
    if rows.dtype == bool and rows.shape == (n_samples,):
        rows = np.flatnonzero(rows)
    if rows.ndim != 1 or not len(rows):
        raise ValueError(f"{name} must hold row numbers, one at least; got shape {rows.shape}.")
    if rows.dtype.kind not in "iu" or rows.min() < -n_samples or rows.max() >= n_samples:
        raise ValueError(
            f"{name} must hold row numbers from 0 to {n_samples - 1}, or be a mask of "
            f"{n_samples} rows; got {rows.dtype} from {rows.min()} to {rows.max()}."
        )
    return rows % n_samples


def joined(
    paths: list[Trajectory],
    folds: list[Fold | None],
    y: np.ndarray | None,
    n_samples: int,
    folder: Path | None = None,
) -> Trajectory:
    """The paths of a run's folds, each of its own held-out rows, as one run of all rows.

    A model that stopped before the others of its run is taken to stay as it is.

    Parameters
    ----------
    paths : list of Trajectory
        Of one run each, or of equally many (the trees of a forest).
    folds : list of (train, test)
        Rows that each path is of.
    y : ndarray of shape (n_samples, ...) or None
        Class numbers or targets of all rows; None where they are no array.
    n_samples : int
        Number of all rows.
    folder : Path or None, default=None
        Where to write the records; None joins them in memory.
    """
    n_steps = max(path.n_steps_max for path in paths)
    n_runs = paths[0].n_runs
    tests = [fold[1] for fold in folds if fold is not None]
    in_train = np.zeros((n_runs, n_samples), dtype=bool)
    keys = list(paths[0].components)
    parts = [_numbered_records(path, keys) for path in paths]
    records: dict[str, Any] = join_records(parts, tests, n_samples, folder)
    records["components"] = {key: records.pop(f"components{k}") for k, key in enumerate(keys)}
    dt = {}
    for unit in paths[0].dt:
        lengths = np.full((len(paths), n_runs, n_steps), np.nan)
        for i, path in enumerate(paths):
            lengths[i, :, : path.n_steps_max] = path.dt[unit]
        dt[unit] = np.nanmean(lengths, axis=0)
    held = [path.snapshots for path in paths if path.snapshots is not None]
    return Trajectory(
        **records,
        dt=dt,
        y=y,
        element_action=_joined_elements(paths, tests, n_samples),
        element_component=paths[0].element_component,
        classes=paths[0].classes,
        in_train=in_train,
        snapshots=Snapshots.stack(held) if held else None,
        when=paths[0].when,
    )


def _numbered_records(path: Trajectory, keys: list[str]) -> dict[str, np.ndarray]:
    """Records by name, the parts of a loss in place of their mapping."""
    records = {name: getattr(path, name) for name in path.fields if name != "components"}
    return records | {f"components{k}": path.components[key] for k, key in enumerate(keys)}


def _joined_elements(
    paths: list[Trajectory], tests: list[np.ndarray], n_samples: int
) -> np.ndarray | None:
    """Sums of the elements' losses, NaN for rows that are in no fold."""
    sums = [path.element_action for path in paths]
    if sums[0] is None:
        return None
    full = np.full((len(sums[0]), n_samples, *sums[0].shape[2:]), np.nan, dtype=sums[0].dtype)
    for part, rows in zip(sums, tests, strict=True):
        full[:, rows] = part
    return full
