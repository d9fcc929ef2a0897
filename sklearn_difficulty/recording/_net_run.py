"""One training of a net of skorch that is recorded."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from skorch.callbacks import Callback
from torch.utils.data import Dataset

from sklearn_difficulty._data import are_label_sets
from sklearn_difficulty.recording._array_batches import FasterIterator
from sklearn_difficulty.recording._default_net import threads_for
from sklearn_difficulty.recording._keep import KEEP, checked_keep
from sklearn_difficulty.recording._lean_epochs import LeanEpochs
from sklearn_difficulty.recording._learner import Task
from sklearn_difficulty.recording._net_rows import (
    check_loss,
    check_outputs,
    columns_of,
    converted,
    numbers_of,
)
from sklearn_difficulty.recording._overrides import rows_may_stay_on
from sklearn_difficulty.recording._progress import no_tick
from sklearn_difficulty.recording._tracked import Tracked
from sklearn_difficulty.recording._tracker import DifficultyTracker
from sklearn_difficulty.trajectory import Trajectory

# Names that no callback of a user's is likely to have.
_TRACKER = "sklearn_difficulty_tracker"
_TICKER = "sklearn_difficulty_progress"


class NetRun:
    """A clone of a net with what records it, initialized.

    Parameters
    ----------
    estimator : skorch.NeuralNet
        Is cloned.
    task : Task
        What to train on, and what to record.
    tick : callable
        To be called after each epoch.
    is_checked : bool, default=False
        Whether a net of the same parts was found to go with the same rows.

    Attributes
    ----------
    net : skorch.NeuralNet
        The clone.
    tracker : DifficultyTracker
        What records it.
    X, y : objects
        Rows and targets as the net takes them.
    strip : callable
        Takes what records it away again.
    """

    def __init__(
        self, estimator: Any, task: Task, tick: Callable[[], None], *, is_checked: bool = False
    ) -> None:
        self._task = task
        self.net = net = clone(estimator)
        if holds_rows_back(net):
            net.train_split = None
        self.tracker = DifficultyTracker(
            when=getattr(net, "when", "after"),
            snapshots=task.snapshots,
            max_snapshot_bytes=task.max_snapshot_bytes,
            # Margins of logits are not clipped, so that there are no others to keep.
            keep=_kept(net, task.keep),
        )
        tracked = isinstance(net, Tracked)
        if tracked:
            names_classes = is_classifier(net) and task.classes is not None
            if names_classes and net.classes is None:
                net.classes = task.classes  # of which a fold may lack some
            net.size_to(task.X, task.labels)
        self.strip = _equip(net, self.tracker, tick)
        self.tracker.folder = task.storage
        # Masks and boxes are known here, in the type that they have, or are no array.
        self.tracker.notes_targets = task.y is not None and task.y.dtype != object
        self.tracker.notes_targets &= np.ndim(task.y) == 1
        self.tracker.label_sets = task.y is not None and are_label_sets(task.y)
        if task.classes is not None:
            self.tracker.columns = columns_of(net, task.classes)
            if isinstance(task.X, Dataset) and is_classifier(net) and not tracked:
                # which skorch does not find in any dataset
                net.classes_inferred_ = np.arange(len(task.classes))
        if task.recorded is not None:
            self.tracker.data = converted(net, *task.recorded, task.classes)
        self.X, self.y = converted(net, task.X, task.y, task.classes)
        if not is_checked:
            check_outputs(net, task.X, task.y, task.classes)
            check_loss(net, self.X, self.y)

    def train(self) -> None:
        """Train, as skorch does."""
        try:
            with threads_for(self.net.module_):
                self.net.partial_fit(self.X, self.y)
        finally:
            self.tracker.let_go_of_hooks()

    def finish(self) -> tuple[Any, Trajectory]:
        """The fitted net as a user knows it, and its path."""
        task, tracker = self._task, self.tracker
        if tracker.interrupted_:
            # skorch ends training quietly on Ctrl-C; early stopping takes the same way out,
            # but only after an epoch.
            raise KeyboardInterrupt
        self.strip()
        path = tracker.release()
        if task.storage is not None:
            tracker.made_ = None  # its files are about to move, to where the caller keeps them
        if tracker.columns is not None and path.prediction is not None:
            path = _relabelled(path, task, tracker.columns)
        if not tracker.notes_targets:
            path = _with_targets(path, task)
        return self.net, path


def _kept(net: Any, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Large records to make: those that are asked for, and those of a tracked net's own."""
    own = checked_keep(net.keep) if isinstance(net, Tracked) else ()
    return checked_keep({*own, *(name for name in asked if name in KEEP)})


def holds_rows_back(net: Any) -> bool:
    """Whether a net validates on rows of its own; `predefined_split` brings others."""
    split = net.train_split
    return split is not None and "valid_ds" not in getattr(split, "keywords", {})


class _Ticker(Callback):
    """Calls a function after each epoch, for a progress bar."""

    def __init__(self, tick: Callable[[], None]) -> None:
        self.tick = tick

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Tick."""
        self.tick()

    def __getstate__(self) -> dict[str, Any]:
        # A progress bar cannot be pickled, and a net may be while it trains (Checkpoint).
        return {"tick": no_tick}


def _equip(net: Any, tracker: DifficultyTracker, tick: Callable[[], None]) -> Callable[[], None]:
    """Initialize a net with what records it, and return what takes that away again."""
    tracked = isinstance(net, Tracked)
    ticker = (_TICKER, _Ticker(tick))
    extra = [ticker] if tracked else [(_TRACKER, tracker), ticker]
    own_callbacks, own_iterator = net.callbacks, net.iterator_train
    silenced = []
    if own_callbacks == "disable":
        silenced = [f"callbacks__{name}" for name, _ in net.get_default_callbacks()]
        vars(net).update(dict.fromkeys(silenced))
    # Ahead of the user's own, of which early stopping cuts the others off.
    device = rows_may_stay_on(net)
    net.callbacks = [*extra, *([] if silenced else own_callbacks or [])]
    net.iterator_train = FasterIterator(own_iterator, device)
    net.initialize()
    if tracked:
        net.tracker_ = tracker.initialize()
    else:
        net.run_single_epoch = LeanEpochs(net)

    def strip() -> None:
        vars(net).pop("run_single_epoch", None)
        net.callbacks, net.iterator_train = own_callbacks, own_iterator
        for name in silenced:
            vars(net).pop(name)
        net.callbacks_ = [pair for pair in net.callbacks_ if pair[0] not in dict(extra)]

    return strip


def _with_targets(path: Trajectory, task: Task) -> Trajectory:
    """A path with the targets of the task, as far as they are an array."""
    _, y = task.rows
    return dataclasses.replace(path, y=None if y is None or y.dtype == object else y)


def _relabelled(path: Trajectory, task: Task, columns: np.ndarray) -> Trajectory:
    """A path whose class numbers are those of the task instead of the module's outputs."""
    _, y = task.rows
    prediction = numbers_of(columns)[path.prediction]
    outputs = path.outputs
    if outputs is not None and not np.array_equal(columns, np.arange(outputs.shape[-1])):
        outputs = outputs[..., columns]
    return dataclasses.replace(
        path, y=y, classes=task.classes, prediction=prediction, outputs=outputs
    )
