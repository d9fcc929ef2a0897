"""skorch nets as learners: the tracker put in, labels and types converted on the way."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet

from sklearn_difficulty._data import are_label_sets
from sklearn_difficulty._validation import check_count
from sklearn_difficulty.recording._generators import seeded_generators
from sklearn_difficulty.recording._input_gradients import input_gradients
from sklearn_difficulty.recording._learner import Learner, Task, warn_of_rows_held_back
from sklearn_difficulty.recording._net_rows import (
    columns_of,
    converted,
    input_rows,
    numbers_of,
)
from sklearn_difficulty.recording._net_run import NetRun, holds_rows_back
from sklearn_difficulty.recording._per_sample_gradients import gradient_norms
from sklearn_difficulty.recording._replay import outputs_of, replay_records
from sklearn_difficulty.recording._snapshots import State
from sklearn_difficulty.recording._stacked_runs import record_stacked
from sklearn_difficulty.trajectory import Trajectory


class SkorchLearner(Learner):
    """Nets of skorch, tracked or plain."""

    described = "skorch nets (NeuralNetClassifier, TrackedNetClassifier, ...)"
    takes_snapshots = True
    has_gradients = True
    takes_datasets = True
    records_elements = True

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
        if holds_rows_back(estimator):
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
        with seeded_generators(seed):
            run = NetRun(estimator, task, tick)
            run.train()
        return run.finish()

    def record_stacked(
        self,
        estimator: Any,
        tasks: Iterable[Task],
        *,
        seeds: Sequence[int],
        tick: Callable[[], None],
    ) -> list[tuple[Any, Trajectory]]:
        """Train clones of a small net at once; see :class:`Learner`."""
        return record_stacked(estimator, tasks, seeds, tick)

    def shipped(self, fitted: Any) -> Any:
        """With classes of a script by value; see :class:`Learner`."""
        return ShippedNet(fitted)

    def arrived(self, shipped: Any) -> Any:
        """The net itself; see :class:`Learner`."""
        return shipped.net if isinstance(shipped, ShippedNet) else shipped

    def class_proba(self, fitted: Any, X: Any, classes: np.ndarray) -> np.ndarray:
        """Probabilities of the classes among the module's outputs; see :class:`Learner`."""
        scores = outputs_of(fitted, input_rows(fitted, X))[:, columns_of(fitted, classes)]
        return scores.softmax(dim=1).numpy()

    def replay(
        self,
        fitted: Any,
        states: Iterable[State],
        X: Any,
        y: Any,
        classes: np.ndarray | None,
        *,
        keep: tuple[str, ...] = (),
    ) -> Iterator[dict[str, Any]]:
        """Records of other rows; see :class:`Learner`."""
        label_sets = y is not None and are_label_sets(y)
        X, y = converted(fitted, X, y, classes)
        columns = None if classes is None else columns_of(fitted, classes)
        options: dict[str, Any] = {"columns": columns, "keep": keep, "label_sets": label_sets}
        for records in replay_records(fitted, states, X, y, **options):
            if columns is not None and "prediction" in records:
                records["prediction"] = numbers_of(columns)[records["prediction"]]
                if "outputs" in records:
                    records["outputs"] = records["outputs"][:, columns]
            yield records

    def input_gradients(
        self,
        fitted: Any,
        states: Callable[[], Iterable[State]],
        X: Any,
        target: Any,
        classes: np.ndarray | None,
        output: str,
    ) -> Iterator[Iterator[np.ndarray]]:
        """Gradients by the input; see :class:`Learner`."""
        if output == "loss":
            X, target = converted(fitted, X, target, classes)
        elif classes is None:
            X, output = input_rows(fitted, X), "values"
        else:
            X, target = input_rows(fitted, X), columns_of(fitted, classes)[target]
        return input_gradients(fitted, states, X, target, output=output)

    def gradient_norms(
        self,
        fitted: Any,
        states: Iterable[State],
        X: Any,
        y: Any,
        classes: np.ndarray | None,
    ) -> Iterator[np.ndarray]:
        """Norms of the gradients by the parameters; see :class:`Learner`."""
        return gradient_norms(fitted, states, *converted(fitted, X, y, classes))


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
