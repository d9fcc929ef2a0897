"""skorch nets as learners: the tracker put in, labels and types converted on the way."""

import dataclasses
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from sklearn.base import clone, is_classifier
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch.nn.parameter import is_lazy
from torch.utils.data import Dataset

from sklearn_difficulty._data import n_rows, take_rows
from sklearn_difficulty._validation import check_count
from sklearn_difficulty.recording._array_batches import FasterIterator
from sklearn_difficulty.recording._datasets import LabelledDataset
from sklearn_difficulty.recording._default_net import threads_for
from sklearn_difficulty.recording._generators import seeded_generators
from sklearn_difficulty.recording._inputs import (
    class_numbers,
    net_rows,
    net_target,
)
from sklearn_difficulty.recording._lean_epochs import LeanEpochs
from sklearn_difficulty.recording._learner import Learner, Task, warn_of_rows_held_back
from sklearn_difficulty.recording._losses import is_torchs_own, unwrapped
from sklearn_difficulty.recording._nets import TrackedNetClassifier, TrackedNetRegressor
from sklearn_difficulty.recording._per_sample_gradients import gradient_norms
from sklearn_difficulty.recording._progress import no_tick
from sklearn_difficulty.recording._replay import (
    input_gradients,
    no_class_outputs,
    outputs_of,
    replay_records,
)
from sklearn_difficulty.recording._snapshots import State
from sklearn_difficulty.recording._step_recorder import KEEP
from sklearn_difficulty.recording._tracked import Tracked
from sklearn_difficulty.recording._tracker import DifficultyTracker
from sklearn_difficulty.trajectory import Trajectory

# Names that no callback of a user's is likely to have.
_TRACKER = "sklearn_difficulty_tracker"
_TICKER = "sklearn_difficulty_progress"


class SkorchLearner(Learner):
    """Nets of skorch, tracked or plain."""

    described = "skorch nets (NeuralNetClassifier, TrackedNetClassifier, ...)"
    takes_snapshots = True
    has_gradients = True
    takes_datasets = True

    def accepts(self, estimator: Any) -> bool:
        """Whether `estimator` is a skorch net."""
        return isinstance(estimator, NeuralNet)

    def most_steps(self, estimator: Any) -> int | None:
        """Epochs; see :class:`Learner`."""
        return estimator.max_epochs

    def check(self, estimator: Any, n_models: int, n_samples: int, *, held_out: bool) -> None:
        """Warn of a validation split and of a start that is not from scratch.

        See :class:`Learner`.
        """
        check_count("max_epochs", estimator.max_epochs)
        if _holds_rows_back(estimator):
            _check_monitors(estimator)
            warn_of_rows_held_back(estimator, "train_split", "train_split=None")
        if isinstance(estimator.module, torch.nn.Module) and (
            n_models > 1 or estimator.initialized_
        ):
            warnings.warn(
                "module was given as an instance, so that every training starts from the "
                "weights it has now: pass the class, and its arguments as module__..., to "
                "start each from scratch.",
                UserWarning,
                stacklevel=2,
            )

    def record(
        self,
        estimator: Any,
        task: Task,
        *,
        seed: int,
        reseed: bool,
        tick: Callable[[], None],
    ) -> tuple[Any, Trajectory]:
        """Train a clone with a tracker; see :class:`Learner`."""
        net = clone(estimator)
        if _holds_rows_back(net):
            net.train_split = None
        tracker = DifficultyTracker(
            when=getattr(net, "when", "after"),
            snapshots=task.snapshots,
            max_snapshot_bytes=task.max_snapshot_bytes,
            # Margins of logits are not clipped, so that there are no others to keep.
            keep=tuple(name for name in task.keep if name in KEEP),
        )
        tracked = isinstance(net, Tracked)
        if tracked:
            if task.classes is not None and net.classes is None:
                net.classes = task.classes  # of which a fold may lack some
            net.size_to(task.X, task.labels)
        with seeded_generators(seed):
            strip = _equip(net, tracker, tick)
            tracker.folder = task.storage
            if task.classes is not None:
                tracker.columns = _columns(net, task.classes)
                if isinstance(task.X, Dataset) and is_classifier(net) and not tracked:
                    # which skorch does not find in any dataset
                    net.classes_inferred_ = np.arange(len(task.classes))
            if task.recorded is not None:
                tracker.data = _converted(net, *task.recorded, task.classes)
            X, y = _converted(net, task.X, task.y, task.classes)
            _check_outputs(net, task.X, task.classes)
            with threads_for(net.module_):
                net.partial_fit(X, y)
        if tracker.interrupted_:
            # skorch ends training quietly on Ctrl-C; early stopping takes the same way out,
            # but only after an epoch.
            raise KeyboardInterrupt
        strip()
        path = tracker.release()
        if task.storage is not None:
            tracker.made_ = None  # its files are about to move, to where the caller keeps them
        if tracker.columns is not None and path.prediction is not None:
            path = _relabelled(path, task, tracker.columns)
        return net, path

    def shipped(self, fitted: Any) -> Any:
        """With classes of a script by value; see :class:`Learner`."""
        return ShippedNet(fitted)

    def arrived(self, shipped: Any) -> Any:
        """The net itself; see :class:`Learner`."""
        return shipped.net if isinstance(shipped, ShippedNet) else shipped

    def class_proba(self, fitted: Any, X: Any, classes: np.ndarray) -> np.ndarray:
        """Probabilities of the classes among the module's outputs; see :class:`Learner`."""
        scores = outputs_of(fitted, _input(fitted, X))[:, _columns(fitted, classes)]
        return scores.softmax(dim=1).numpy()

    def replay(
        self,
        fitted: Any,
        states: Iterable[State],
        X: Any,
        y: np.ndarray,
        classes: np.ndarray | None,
        *,
        keep: tuple[str, ...] = (),
    ) -> Iterator[dict[str, np.ndarray]]:
        """Records of other rows; see :class:`Learner`."""
        X, y = _converted(fitted, X, y, classes)
        columns = None if classes is None else _columns(fitted, classes)
        for records in replay_records(fitted, states, X, y, columns=columns, keep=keep):
            if columns is not None and "prediction" in records:
                records["prediction"] = _numbers(columns)[records["prediction"]]
                if "outputs" in records:
                    records["outputs"] = records["outputs"][:, columns]
            yield records

    def input_gradients(
        self,
        fitted: Any,
        states: Iterable[State],
        X: Any,
        target: np.ndarray,
        classes: np.ndarray | None,
        output: str,
    ) -> Iterator[np.ndarray]:
        """Gradients by the input; see :class:`Learner`."""
        if output == "loss":
            X, target = _converted(fitted, X, target, classes)
        elif classes is None:
            raise no_class_outputs()
        else:
            X, target = _input(fitted, X), _columns(fitted, classes)[target]
        return input_gradients(fitted, states, X, target, output=output)

    def gradient_norms(
        self,
        fitted: Any,
        states: Iterable[State],
        X: Any,
        y: np.ndarray,
        classes: np.ndarray | None,
    ) -> Iterator[np.ndarray]:
        """Norms of the gradients by the parameters; see :class:`Learner`."""
        return gradient_norms(fitted, states, *_converted(fitted, X, y, classes))


class ShippedNet:
    """A fitted net on its way out of a worker process.

    skorch pickles the parts of a net with plain pickle, which cannot name a class that was
    defined in a script or a notebook. Left to the pickler of the worker, all of it travels.
    What arrives is the net itself.
    """

    def __init__(self, net: NeuralNet) -> None:
        self.net = net

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpacked, (type(self.net), dict(vars(self.net)))


def _unpacked(kind: type, attributes: dict[str, Any]) -> Any:
    net: Any = object.__new__(kind)
    vars(net).update(attributes)
    return net


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
    net.callbacks = [*extra, *([] if silenced else own_callbacks or [])]
    net.iterator_train = FasterIterator(own_iterator)
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


def _input(net: Any, X: Any) -> Any:
    if isinstance(X, Dataset):
        return LabelledDataset(X, np.zeros(n_rows(X), dtype=np.int64))
    return net_rows(X, None, unwrapped(net.module_))[0]


def _converted(net: Any, X: Any, y: np.ndarray, classes: np.ndarray | None) -> tuple[Any, Any]:
    """Rows and targets in the types of a net; tracked nets take targets as the user has them.

    A dataset comes back with its targets inside, in numbers.
    """
    numbers = y if classes is None else _columns(net, classes)[y]
    numbers = _shaped(net, X, net_target(numbers, net=net), classes)
    if isinstance(X, Dataset):
        return LabelledDataset(X, numbers), None
    X, numbers = net_rows(X, numbers, unwrapped(net.module_))
    if numbers is not None and classes is not None and isinstance(net, TrackedNetClassifier):
        return X, classes[y]
    return X, numbers


def _shaped(net: Any, X: Any, y: np.ndarray, classes: np.ndarray | None) -> np.ndarray:
    """Targets in the shape of a net's outputs."""
    if classes is None and not isinstance(net, TrackedNetRegressor) and _output_shape(net, X) != ():
        # torch compares (n,) targets with (n, 1) outputs by broadcasting, which is (n, n)
        return y.reshape(-1, 1)
    return y


def _output_shape(net: Any, X: Any) -> tuple[int, ...] | None:
    """Shape of what a module returns for a row; None where it cannot be asked yet."""
    if any(is_lazy(parameter) for parameter in unwrapped(net.module_).parameters()):
        return None  # a module that sizes itself to its first batch is to meet the real one
    few = take_rows(X, np.arange(2)) if isinstance(X, Dataset) else X[:2]
    return tuple(outputs_of(net, _input(net, few)).shape[1:])


def _check_outputs(net: Any, X: Any, classes: np.ndarray | None) -> None:
    """Raise where a module has other outputs than the targets ask for; torch says less of it."""
    module, shape = unwrapped(net.module_), _output_shape(net, X)
    if shape is None:
        return
    n_outputs = shape[0] if len(shape) == 1 else 1
    if classes is not None and len(shape) == 1 and n_outputs < len(classes):
        raise ValueError(
            f"module {type(module).__name__} has {n_outputs} outputs and y holds "
            f"{len(classes)} classes: give it one output for each."
        )
    # A criterion of the user's own may want several: a mean and a variance, quantiles.
    if classes is None and n_outputs > 1 and is_torchs_own(unwrapped(net.criterion_)):
        raise ValueError(
            f"module {type(module).__name__} has {n_outputs} outputs and y holds one target for "
            "each row: give it one output."
        )


def _columns(net: Any, classes: np.ndarray) -> np.ndarray:
    """The output of the module that stands for each class."""
    if isinstance(net, TrackedNetClassifier):  # which knows more classes, and another order
        return class_numbers(classes, net.classes_)
    return np.arange(len(classes))


def _relabelled(path: Trajectory, task: Task, columns: np.ndarray) -> Trajectory:
    """A path whose class numbers are those of the task instead of the module's outputs."""
    _, y = task.rows
    prediction = _numbers(columns)[path.prediction]
    outputs = path.outputs
    if outputs is not None and not np.array_equal(columns, np.arange(outputs.shape[-1])):
        outputs = outputs[..., columns]
    return dataclasses.replace(
        path, y=y, classes=task.classes, prediction=prediction, outputs=outputs
    )


def _numbers(columns: np.ndarray) -> np.ndarray:
    """Number of the class that each output stands for, and of a missing prediction (-1)."""
    numbers = np.full(columns.max() + 2, -1, dtype=np.int32)
    numbers[columns] = np.arange(len(columns))
    return numbers


def _holds_rows_back(net: Any) -> bool:
    """Whether a net validates on rows of its own; `predefined_split` brings others."""
    split = net.train_split
    return split is not None and "valid_ds" not in getattr(split, "keywords", {})


def _check_monitors(net: Any) -> None:
    for name, monitor in _monitors(net):
        if monitor.startswith("valid"):
            raise ValueError(
                f"callback {name} monitors {monitor!r}, which does not exist where all rows "
                "are trained on: monitor 'train_loss' instead, or pass validation data of "
                "its own with train_split=predefined_split(dataset)."
            )


def _monitors(net: Any) -> list[tuple[str, str]]:
    if net.callbacks is None or net.callbacks == "disable":
        return []
    callbacks = [cb[1] if isinstance(cb, tuple) else cb for cb in net.callbacks]
    named = [(type(cb).__name__, getattr(cb, "monitor", None)) for cb in callbacks]
    return [(name, monitor) for name, monitor in named if isinstance(monitor, str)]
