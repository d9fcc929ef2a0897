"""Train as often as it takes, record every time, and join the paths into one trajectory."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.parallel import Parallel, delayed
from skorch import NeuralNet

from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.recording._learner import Learner, Task
from sklearn_difficulty.recording._loop import TrajectoryRecorder
from sklearn_difficulty.recording._partial_fit import PartialFitLearner
from sklearn_difficulty.recording._progress import progress
from sklearn_difficulty.recording._skorch import ShippedNet, SkorchLearner
from sklearn_difficulty.recording._staged import StagedLearner
from sklearn_difficulty.trajectory import Snapshots, Trajectory, span_weights

SNAPSHOT_BYTES = 2**30
LEARNERS: tuple[Learner, ...] = (SkorchLearner(), StagedLearner(), PartialFitLearner())


@dataclass(frozen=True)
class Recording:
    """Fitted models and what was recorded of them.

    Attributes
    ----------
    learner : Learner
        The kind of the models.
    estimators : list of estimators
        All fitted models: those of a run's folds stand next to each other.
    trajectory : Trajectory
        One run for each repetition, of all rows.
    scored : ndarray of bool of shape (n_models, n_samples)
        The rows that each model was recorded on.
    n_steps : list of int
        Steps that each model completed.
    classes : ndarray or None
        Labels behind the class numbers.
    """

    learner: Learner
    estimators: list[Any]
    trajectory: Trajectory
    scored: np.ndarray
    n_steps: list[int]
    classes: np.ndarray | None

    @property
    def models_per_run(self) -> int:
        return len(self.estimators) // self.trajectory.n_runs

    def kept_steps(self, model: int) -> tuple[int, ...]:
        """Steps that `model` can be replayed at."""
        if not self.learner.takes_snapshots:
            return tuple(range(self.n_steps[model]))
        steps = self._snapshots().steps(model)
        if not steps:
            raise RecordNotFoundError(
                f"none of the steps that snapshots asks for was reached in {self.n_steps[model]} "
                "steps, counted from 0: fit with snapshots='auto'."
            )
        return steps

    def states(self, model: int, steps: Sequence[int]) -> Iterator[Any]:
        """Parameter states of `model` after `steps`, read one at a time."""
        if self.learner.takes_snapshots:
            snapshots = self._snapshots()
            yield from (snapshots.state(model, step) for step in steps)

    def _snapshots(self) -> Snapshots:
        if self.trajectory.snapshots is None:
            raise RecordNotFoundError(
                "scores of rows that were not trained on, and scores from gradients, need the "
                "parameters along the training, which were not kept: fit with "
                "snapshots='auto'."
            )
        return self.trajectory.snapshots


def find_learner(estimator: Any) -> Learner:
    """Kind of an estimator.

    Raises
    ------
    TypeError
        For an estimator that does not learn in steps, with what does.
    """
    if isinstance(estimator, type):
        raise TypeError(
            f"estimator must be an instance, and the class {estimator.__name__} was given: pass "
            f"{estimator.__name__}(...)."
        )
    for learner in LEARNERS:
        if hasattr(estimator, "get_params") and learner.accepts(estimator):
            return learner
    raise TypeError(
        f"estimator {type(estimator).__name__} does not learn in steps that can be recorded. "
        "What does: skorch nets (NeuralNetClassifier, TrackedNetClassifier, ...); scikit-learn "
        "estimators with partial_fit and max_iter (SGDClassifier, Perceptron, MLPClassifier "
        "and their regressors); boosting with staged predictions "
        "(HistGradientBoostingClassifier, GradientBoostingClassifier, AdaBoostClassifier and "
        "their regressors). estimator=None takes a small network."
    )


def record(
    estimator: Any,
    X: Any,
    y: np.ndarray,
    *,
    classes: np.ndarray | None,
    n_runs: int = 1,
    cv: Any = None,
    snapshots: Any = "auto",
    keep: tuple[str, ...] = (),
    n_jobs: int | None = None,
    random_state: Any = None,
    verbose: int = 0,
) -> Recording:
    """Train clones of an estimator and record them.

    Parameters
    ----------
    estimator : estimator
        Is cloned, and not changed.
    X : array or sparse matrix of shape (n_samples, ...)
        Rows.
    y : ndarray of shape (n_samples,)
        Class numbers, or targets of a regression.
    classes : ndarray or None
        Labels behind the class numbers; None for a regression.
    n_runs : int
        Independent trainings.
    cv : splitter, int or None
        Folds to hold out, so that each row is recorded by a model that is not trained on it.
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
    """
    learner = find_learner(estimator)
    folds = _folds(cv, X, y, classes)
    n_models = n_runs * len(folds)
    learner.check(estimator, n_models, X.shape[0])
    seeds = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=n_models)
    reseed = random_state is not None or n_models > 1
    tasks = [
        _task(X, y, fold, classes, snapshots, keep, SNAPSHOT_BYTES // n_models) for fold in folds
    ] * n_runs
    n_steps = learner.most_steps(estimator)
    template = clone(estimator)  # without what an earlier fit left behind
    with progress(n_models, n_steps, n_jobs=n_jobs, verbose=verbose) as (tick, track):
        jobs = (
            delayed(_record_one)(learner, template, task, int(seed), reseed, tick)
            for task, seed in zip(tasks, seeds, strict=True)
        )
        # not every backend of joblib can return one result after the other
        parallel = Parallel(n_jobs=n_jobs, return_as="generator" if verbose else "list")
        recorded = list(track(parallel(jobs)))
    estimators = [f.net if isinstance(f, ShippedNet) else f for f, _ in recorded]
    paths = [path for _, path in recorded]
    steps = [path.n_steps_max for path in paths]
    scored = np.zeros((n_models, X.shape[0]), dtype=bool)
    for model in range(n_models):
        fold = folds[model % len(folds)]
        scored[model, slice(None) if fold is None else fold[1]] = True
    if folds[0] is not None:
        size = len(folds)
        paths = [
            _joined(paths[start : start + size], [test for _, test in folds], y)
            for start in range(0, n_models, size)
        ]
    trajectory = paths[0] if n_runs == 1 else Trajectory.stack(paths)
    return Recording(learner, estimators, trajectory, scored, steps, classes)


def _record_one(
    learner: Learner, template: Any, task: Task, seed: int, reseed: bool, tick: Callable[[], None]
) -> tuple[Any, Trajectory]:
    fitted, path = learner.record(template, task, seed=seed, reseed=reseed, tick=tick)
    return (ShippedNet(fitted) if isinstance(fitted, NeuralNet) else fitted), path


def replay(recording: Recording, X: Any, y: np.ndarray) -> Trajectory:
    """Trajectory of rows that were not trained on: each model's kept states run over them.

    Parameters
    ----------
    recording : Recording
        Fitted models.
    X, y : array of shape (n, ...), ndarray of shape (n,)
        Rows and the labels (as class numbers) or targets they are judged under.

    Returns
    -------
    trajectory : Trajectory
        One run for each model. A kept state stands for the span of steps around it, which is
        its length in `dt`.
    """
    paths, rows = [], np.arange(X.shape[0])
    for model, fitted in enumerate(recording.estimators):
        steps = recording.kept_steps(model)
        run = model // recording.models_per_run
        # The last state of a fold that stopped before others stands for the rest of the run.
        n_steps = int(recording.trajectory.n_steps[run])
        spans = {
            unit: span_weights(steps, dt[run, :n_steps])
            for unit, dt in recording.trajectory.dt.items()
        }
        recorder = TrajectoryRecorder(len(rows))
        states = recording.states(model, steps)
        replayed = recording.learner.replay(fitted, states, X, y, recording.classes)
        for k, records in enumerate(replayed):
            recorder.write(rows, records)
            recorder.step({unit: float(span[k]) for unit, span in spans.items()})
        paths.append(
            recorder.trajectory(
                y=y, classes=recording.classes, in_train=np.zeros(len(rows), dtype=bool)
            )
        )
    return paths[0] if len(paths) == 1 else Trajectory.stack(paths)


def class_proba(recording: Recording, X: Any) -> np.ndarray:
    """Probabilities of shape (n, classes), the mean over all fitted models."""
    assert recording.classes is not None
    return np.mean(
        [
            recording.learner.class_proba(fitted, X, recording.classes)
            for fitted in recording.estimators
        ],
        axis=0,
    )


def _folds(cv: Any, X: Any, y: np.ndarray, classes: np.ndarray | None) -> list[Any]:
    if cv is None:
        return [None]
    folds = list(check_cv(cv, y, classifier=classes is not None).split(X, y))
    tested = np.concatenate([test for _, test in folds])
    if len(tested) != len(y) or len(np.unique(tested)) != len(y):
        raise ValueError(
            f"cv={cv!r} does not hold out every row exactly once, so that some rows would have "
            "no record or several: use a splitter such as KFold or StratifiedKFold, and "
            "n_runs for repetitions."
        )
    return folds


def _task(
    X: Any,
    y: np.ndarray,
    fold: Any,
    classes: np.ndarray | None,
    snapshots: Any,
    keep: tuple[str, ...],
    max_snapshot_bytes: int,
) -> Task:
    options = {"snapshots": snapshots, "max_snapshot_bytes": max_snapshot_bytes, "keep": keep}
    if fold is None:
        return Task(X, y, classes, **options)
    train, test = fold
    held_out = (_safe_indexing(X, test), y[test])
    return Task(_safe_indexing(X, train), y[train], classes, recorded=held_out, **options)


def _joined(paths: list[Trajectory], tests: list[np.ndarray], y: np.ndarray) -> Trajectory:
    """The paths of a run's folds, each of its own held-out rows, as one run of all rows.

    A model that stopped before the others of its run is taken to stay as it is.
    """
    n_steps = max(path.n_steps_max for path in paths)
    records: dict[str, Any] = {}
    for name in (*paths[0].fields, *(["outputs"] if paths[0].outputs is not None else [])):
        first = getattr(paths[0], name)
        full = np.empty((1, n_steps, len(y), *first.shape[3:]), dtype=first.dtype)
        for path, test in zip(paths, tests, strict=True):
            values = getattr(path, name)
            full[:, : path.n_steps_max, test] = values
            full[:, path.n_steps_max :, test] = values[:, -1:]
        records[name] = full
    dt = {}
    for unit in paths[0].dt:
        lengths = np.full((len(paths), n_steps), np.nan)
        for i, path in enumerate(paths):
            lengths[i, : path.n_steps_max] = path.dt[unit][0]
        dt[unit] = np.nanmean(lengths, axis=0, keepdims=True)
    held = [path.snapshots for path in paths if path.snapshots is not None]
    return Trajectory(
        **records,
        dt=dt,
        y=y,
        classes=paths[0].classes,
        in_train=np.zeros((1, len(y)), dtype=bool),
        snapshots=Snapshots.stack(held) if held else None,
        when=paths[0].when,
    )
