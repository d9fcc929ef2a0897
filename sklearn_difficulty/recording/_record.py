"""Train as often as it takes, record every time, and join the paths into one trajectory."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed

from sklearn_difficulty._data import n_rows, take_rows
from sklearn_difficulty.recording._folds import Fold, folds_of_runs, joined
from sklearn_difficulty.recording._learner import Learner, NotStackableError, Task
from sklearn_difficulty.recording._learners import find_learner
from sklearn_difficulty.recording._progress import progress
from sklearn_difficulty.recording._recording import Recording
from sklearn_difficulty.recording._step_recorder import StepRecorder
from sklearn_difficulty.trajectory import Trajectory, span_weights, window_steps
from sklearn_difficulty.trajectory._store import Store

SNAPSHOT_BYTES = 2**30


def record(
    estimator: Any,
    X: Any,
    y: np.ndarray | None,
    *,
    classes: np.ndarray | None,
    n_runs: int = 1,
    cv: Any = None,
    groups: Any = None,
    snapshots: Any = "auto",
    keep: tuple[str, ...] = (),
    n_jobs: int | None = None,
    random_state: Any = None,
    verbose: int = 0,
    storage: Any = None,
) -> Recording:
    """Train clones of an estimator and record them.

    Parameters
    ----------
    estimator : estimator
        Is cloned, and not changed.
    X : container of n_samples rows
        Rows, of a kind that the learner takes.
    y : ndarray of shape (n_samples, ...) or None
        Class numbers, or other targets; None where rows are their own targets.
    classes : ndarray or None
        Labels behind the class numbers; None where rows have no class.
    n_runs : int
        Independent trainings.
    cv : splitter, int or None
        Folds to hold out, so that each row is recorded by a model that is not trained on it.
    groups : array-like of shape (n_samples,) or None
        Groups of the rows, for a splitter that keeps them together.
    snapshots : object
        Rule of the snapshots.
    keep : tuple of str
        Large records to make.
    n_jobs : int or None
        Trainings at a time.
    random_state : int, RandomState or None
        Source of the seeds.
    verbose : int
        Show a progress bar where positive.
    storage : path or None
        Folder to keep records and snapshots in; None keeps them in memory.
    """
    learner, n_samples = find_learner(estimator), n_rows(X)
    runs = folds_of_runs(cv, X, y, classes, groups)
    models_per_run = len(runs[0])
    folds = [fold for run in runs for fold in run] * n_runs
    n_models = len(folds)
    learner.check(estimator, n_models, n_samples, held_out=cv is not None)
    seeds = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=n_models)
    reseed = random_state is not None or n_models > 1
    template = clone(estimator)  # without what an earlier fit left behind
    store = None if storage is None else Store(storage)
    with nullcontext() if store is None else store:
        if store is not None:
            keeps_states = snapshots is not None and learner.takes_snapshots
            store.check(classes=classes, snapshots=keeps_states)

        def tasks() -> Iterator[Task]:
            # One after the other, since each task of a fold holds a copy of its rows.
            for model, fold in enumerate(folds):
                yield _task(
                    X,
                    y,
                    fold,
                    classes=classes,
                    snapshots=snapshots,
                    max_snapshot_bytes=SNAPSHOT_BYTES // n_models,
                    keep=keep,
                    storage=None if store is None else store.part(f"model{model}"),
                )

        most_steps = learner.most_steps(estimator)
        with progress(n_models, most_steps, n_jobs=n_jobs, verbose=verbose) as (tick, track):
            # Without folds they share their rows, and are taken twice where they are not stacked.
            given = tasks() if folds[0] is not None else list(tasks())
            recorded, why_not_stacked = _stacked(
                learner, template, given, folds=folds, seeds=seeds, n_jobs=n_jobs, tick=tick
            )
            if recorded is None:
                jobs = (
                    delayed(_record_one)(learner, template, task, int(seed), reseed, tick)
                    for task, seed in zip(given, seeds, strict=True)
                )
                # not every backend of joblib can return one result after the other
                parallel = Parallel(n_jobs=n_jobs, return_as="generator" if verbose else "list")
                recorded = list(track(parallel(jobs)))
        paths = [path for _, path in recorded]
        return Recording(
            learner,
            estimators=[learner.arrived(fitted) for fitted, _ in recorded],
            trajectory=_one_path(paths, folds, models_per_run, y, n_samples, store),
            scored=np.stack([_recorded_rows(fold, n_samples) for fold in folds]),
            n_steps=[path.n_steps_max for path in paths],
            classes=classes,
            targets=y,
            models_per_run=models_per_run,
            runs_per_model=learner.runs_per_model(estimator),
            why_not_stacked=why_not_stacked,
        )


def _one_path(
    paths: list[Trajectory],
    folds: list[Fold | None],
    models_per_run: int,
    y: np.ndarray | None,
    n_samples: int,
    store: Store | None,
) -> Trajectory:
    """The paths of all models as one trajectory, in its folder where there is a store."""
    if folds[0] is not None:
        paths = [
            joined(
                paths[start : start + models_per_run],
                folds[start : start + models_per_run],
                None if y is None or y.dtype == object else y,
                n_samples,
                None if store is None else store.part(f"run{start}"),
            )
            for start in range(0, len(paths), models_per_run)
        ]
    if len(paths) > 1:
        paths = [Trajectory.stack(paths) if store is None else store.stack(paths)]
    return paths[0] if store is None else store.finish(paths[0])


def _stacked(
    learner: Learner,
    template: Any,
    tasks: Iterable[Task],
    *,
    folds: list[Fold | None],
    seeds: np.ndarray,
    n_jobs: int | None,
    tick: Callable[[], None],
) -> tuple[list[tuple[Any, Trajectory]] | None, str | None]:
    """Fitted models and paths where they can be trained at once, and else why they cannot."""
    if len(folds) == 1:
        return None, "a single training"
    if folds[0] is not None:
        return None, "folds, which leave other rows to each training (cv)"
    if effective_n_jobs(n_jobs) > 1:
        return None, f"trainings in several processes or threads (n_jobs={n_jobs})"
    try:
        stacked = learner.record_stacked(template, tasks, seeds=seeds.tolist(), tick=tick)
        return stacked, None
    except NotStackableError as error:
        return None, str(error)


def _record_one(
    learner: Learner, template: Any, task: Task, seed: int, reseed: bool, tick: Callable[[], None]
) -> tuple[Any, Trajectory]:
    fitted, path = learner.record(template, task, seed=seed, reseed=reseed, tick=tick)
    return learner.shipped(fitted), path


def _recorded_rows(fold: Fold | None, n_samples: int) -> np.ndarray:
    rows = np.zeros(n_samples, dtype=bool)
    rows[slice(None) if fold is None else fold[1]] = True
    return rows


def _task(X: Any, y: np.ndarray | None, fold: Fold | None, **options: Any) -> Task:
    if fold is None:
        return Task(X, y, **options)
    train, test = fold
    held_out = (take_rows(X, test), None if y is None else y[test])
    own = None if y is None else y[train]
    return Task(take_rows(X, train), own, recorded=held_out, **options)


def replay(
    recording: Recording,
    X: Any,
    y: np.ndarray | None,
    *,
    steps: Any = None,
    keep: tuple[str, ...] = (),
    lengths: Mapping[str, np.ndarray] | None = None,
) -> Trajectory:
    """Trajectory of rows that were not trained on: each model's kept states run over them.

    Parameters
    ----------
    recording : Recording
        Fitted models.
    X, y : container of n rows, ndarray of shape (n, ...) or None
        Rows and the labels (as class numbers) or targets they are judged under.
    steps : object, default=None
        Window of the training; see :func:`~sklearn_difficulty.trajectory.window_steps`.
    keep : tuple of str, default=()
        Large records to make.
    lengths : mapping of str to ndarray of shape (n_runs, n_steps), optional
        Lengths of the steps that were trained, besides those of the trajectory.

    Returns
    -------
    trajectory : Trajectory
        One run for each model, or for each run that was read off it. A kept state stands for the
        span of steps around it, as far as that lies in the window, which is its length in `dt`.
        ``dt["step"]`` is the number of these steps, and ``dt["begin"]`` and ``dt["end"]`` are
        where they lie in the whole training, in epochs.
    """
    dt = {**recording.trajectory.dt, **(lengths or {})}
    paths = []
    for model, fitted in enumerate(recording.models):
        kept, spans = _kept_in_window(recording, model, steps, dt)
        states = recording.states(model, kept)
        records = recording.learner.replay(fitted, states, X, y, recording.classes, keep=keep)
        paths.append(_replayed_path(recording, records, y, n_rows(X), kept, spans))
    return paths[0] if len(paths) == 1 else Trajectory.stack(paths)


def _replayed_path(
    recording: Recording,
    replayed: Iterator[dict[str, Any]],
    y: np.ndarray | None,
    n_samples: int,
    kept: tuple[int, ...],
    spans: dict[str, np.ndarray],
) -> Trajectory:
    learner = recording.learner
    if not learner.takes_snapshots:  # which gives all its steps, in order
        wanted = set(kept)
        replayed = (records for step, records in enumerate(replayed) if step in wanted)
    rows = np.arange(n_samples)
    about: dict[str, Any] = {
        "y": None if y is None or y.dtype == object else y,
        "classes": recording.classes,
        "in_train": np.zeros(len(rows), dtype=bool),
        "element_component": recording.trajectory.element_component,
    }
    recorder = StepRecorder(len(rows))
    trees = []
    for k, records in enumerate(replayed):
        recorder.write(rows, records)
        recorder.step({unit: float(span[k % len(span)]) for unit, span in spans.items()})
        if learner.steps_are_runs:
            trees.append(recorder.trajectory(**about))
            recorder = StepRecorder(len(rows))
    return Trajectory.stack(trees) if trees else recorder.trajectory(**about)


def _kept_in_window(
    recording: Recording, model: int, steps: Any, lengths: Mapping[str, np.ndarray]
) -> tuple[tuple[int, ...], dict[str, np.ndarray]]:
    """Kept steps of a model that stand for steps of a window, and for how much of it."""
    run = model // recording.models_per_run * recording.runs_per_model
    # The last state of a fold that stopped before others stands for the rest of the run.
    n_steps = int(recording.trajectory.n_steps[run])
    inside = np.zeros(n_steps)
    inside[window_steps(steps, n_steps)] = 1.0
    kept = np.array((0,) if recording.learner.steps_are_runs else recording.kept_steps(model))
    n_inside = span_weights(kept, inside)
    shares = n_inside > 0
    spans = {
        unit: span_weights(kept, dt[run, :n_steps] * inside)[shares] for unit, dt in lengths.items()
    }
    epochs = lengths["epoch"][run, :n_steps] if "epoch" in lengths else np.ones(n_steps)
    begin, end = _times(kept, epochs, inside)
    spans |= {
        "begin": begin[shares],
        "end": end[shares],
        "step": n_inside[shares],
    }
    if recording.learner.steps_are_runs:
        return tuple(range(recording.runs_per_model)), spans
    return tuple(kept[shares].tolist()), spans


def _times(
    kept: np.ndarray, epochs: np.ndarray, inside: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """When the spans of kept steps begin and end, as far as they lie in a window."""
    ends = np.cumsum(epochs)
    chosen = np.flatnonzero(inside)
    first, last = ends[chosen[0]] - epochs[chosen[0]], ends[chosen[-1]]
    edges = np.append(0.0, np.cumsum(span_weights(kept, epochs))).clip(first, last)
    return edges[:-1], edges[1:]


def class_proba(recording: Recording, X: Any) -> np.ndarray:
    """Probabilities of shape (n, classes), the mean over all fitted models."""
    assert recording.classes is not None
    return np.mean(
        [
            recording.learner.class_proba(fitted, X, recording.classes)
            for fitted in recording.models
        ],
        axis=0,
    )
