"""Several trainings of a small net as one, which takes little longer than one of them.

Each run has its own start, its own order of rows and its own optimizer's state, from its own
random numbers, so that it is the training that it would be alone, up to rounding.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import torch
from skorch.callbacks import PrintLog

from sklearn_difficulty.recording._array_batches import BYTES_AT_ONCE, ArrayBatches
from sklearn_difficulty.recording._default_net import threads_for
from sklearn_difficulty.recording._few_classes import MOST_CLASSES
from sklearn_difficulty.recording._generators import preserved_generators, seeded_generators
from sklearn_difficulty.recording._joint_pass import JointPasses, can_share_passes
from sklearn_difficulty.recording._learner import NotStackableError, Task
from sklearn_difficulty.recording._losses import has_plain_loss
from sklearn_difficulty.recording._net_run import NetRun
from sklearn_difficulty.recording._replay import replica
from sklearn_difficulty.recording._stackable import check_net, check_started
from sklearn_difficulty.recording._stacked_module import (
    StackedModule,
    check_agreement,
    check_repeatable,
)
from sklearn_difficulty.trajectory import Trajectory


def record_stacked(
    estimator: Any, tasks: Iterable[Task], seeds: Sequence[int], tick: Callable[[], None]
) -> list[tuple[Any, Trajectory]]:
    """Train clones of a net at once.

    Parameters
    ----------
    estimator : skorch.NeuralNet
        Is cloned.
    tasks : iterable of Task
        One for each run, of the same rows.
    seeds : sequence of int
        One for each run.
    tick : callable
        To be called after each epoch of each run.

    Returns
    -------
    recorded : list of (skorch.NeuralNet, Trajectory)
        Fitted nets and their paths.

    Raises
    ------
    NotStackableError
        Where they have to be trained one after the other.
    """
    check_net(estimator)
    runs: list[NetRun] = []
    states = []
    try:
        for task, seed in zip(tasks, seeds, strict=True):
            with seeded_generators(seed):
                runs.append(NetRun(estimator, task, tick, is_checked=bool(runs)))
                states.append(torch.get_rng_state())
            # before others are made, which may be large
            check_started(runs[0].net)
            # of which every net may have made a copy in the type that it takes
            runs[-1].X, runs[-1].y = runs[0].X, runs[0].y
        with threads_for(runs[0].net.module_), preserved_generators():
            for run in runs:
                run.net.check_data(run.X, run.y)
            training = _StackedTraining(runs, states)
            training.run()
    except NotStackableError:
        for run in runs:
            run.strip()
        raise
    return [run.finish() for run in runs]


class _StackedTraining:
    """Nets that are trained at once, and the random numbers that each has next."""

    def __init__(self, runs: Sequence[NetRun], states: list[torch.Tensor]) -> None:
        self._nets = [run.net for run in runs]
        self._trackers = [run.tracker for run in runs]
        self._states = states
        self._data = runs[0].X, runs[0].y
        first = self._first = self._nets[0]
        train, valid = first.get_split_datasets(*self._data)
        self._datasets = {"dataset_train": train, "dataset_valid": valid}
        self._batches = first.get_iterator(train, training=True)
        if valid is not None:
            raise NotStackableError("a net that validates")
        if not isinstance(self._batches, ArrayBatches):
            raise NotStackableError("rows that are not an array in memory")
        if len(self._batches) == 0:
            raise NotStackableError("no batch to train on")
        modules = [net.module_ for net in self._nets]
        self._n_full = first.max_epochs * (len(self._batches) - 1)
        n_rows = min(len(train), self._batches.batch_size)
        X, _ = self._taken(torch.arange(n_rows).expand(len(modules), -1))
        self._n_at_once = max(1, BYTES_AT_ONCE // max(1, X.nbytes))
        check_repeatable(modules[0], X[0])
        self._stack = StackedModule(modules)
        # The last batch of an epoch may be smaller.
        check_agreement(self._stack, modules, X, n_times=(self._n_full, 1))
        self._optimizer = self._stacked_optimizer()
        self._passes: JointPasses | None = None
        self._losses_of = replica(first)
        self._losses_of.criterion_.reduction = "none"
        self._has_plain_loss = has_plain_loss(first)

    def run(self) -> None:
        """Train and record all epochs."""
        X, y = self._data
        self._notify("on_train_begin", X=X, y=y)
        for tracker in self._trackers:
            self._optimizer.register_step_post_hook(tracker.updates_)
        for _ in range(self._first.max_epochs):
            self._notify("on_epoch_begin", **self._datasets)
            start = perf_counter()
            losses, sizes = self._train_epoch()
            seconds = (perf_counter() - start) / len(self._nets)
            for net, tracker, own in zip(self._nets, self._trackers, losses, strict=True):
                tracker.seconds_ = seconds
                net.history[-1]["batches"].extend(
                    {"train_loss": loss, "train_batch_size": size}
                    for loss, size in zip(own, sizes, strict=True)
                )
                net.history.record("train_batch_count", len(sizes))
            with self._recorded():
                self._notify("on_epoch_end", **self._datasets)
        self._notify("on_train_end", X=X, y=y)
        self._part()

    def _train_epoch(self) -> tuple[list[list[float]], list[int]]:
        """Losses of the batches of each run, and their sizes."""
        orders = torch.stack([self._order(k) for k in range(len(self._nets))])
        losses, sizes = [], []
        for X, y in self._batches_in(orders):
            for parameter in self._stack.parameters:  # without the mark for torch's profiler
                parameter.grad = None
            is_full = X.shape[1] == self._batches.batch_size
            y_pred = self._stack(X, n_times=self._n_full if is_full else 1)
            each = self._losses(y_pred, y)
            each.backward(torch.ones_like(each))
            # Trackers see what modules emit from their first batch.
            if self._trackers[0].batch_recorder_.kind is None:
                for k, (net, tracker) in enumerate(zip(self._nets, self._trackers, strict=True)):
                    first = {"batch": (X[k], y[k]), "y_pred": y_pred[k].detach()}
                    tracker.on_batch_end(net, training=True, **first)
            self._optimizer.step()
            losses.append(each.detach())
            sizes.append(X.shape[1])
        return torch.stack(losses, dim=1).tolist(), sizes

    @contextmanager
    def _recorded(self) -> Iterator[None]:
        """Record the epoch of all nets at once, if that is possible, and no other inside."""
        if self._passes is None and can_share_passes(self._trackers):
            self._passes = JointPasses(self._nets, self._trackers, self._trackers[0].dataset_)
        if self._passes is None or not self._passes.are_of_arrays:
            yield
            return
        self._passes.record()
        for tracker in self._trackers:
            tracker.makes_passes = False
        try:
            yield
        finally:
            for tracker in self._trackers:
                tracker.makes_passes = True

    def _stacked_optimizer(self) -> torch.optim.Optimizer:
        first = self._first
        named = first.module_.named_parameters()
        _, options = first.get_params_for_optimizer("optimizer", named)
        optimizer = first.optimizer(self._stack.parameters, **options)
        groups = [
            [{name: value for name, value in group.items() if name != "params"} for group in each]
            for each in (optimizer.param_groups, first.optimizer_.param_groups)
        ]
        if groups[0] != groups[1]:
            raise NotStackableError("an optimizer with options of its own")
        return optimizer

    def _order(self, k: int) -> torch.Tensor:
        torch.set_rng_state(self._states[k])
        order = self._batches.order()
        self._states[k] = torch.get_rng_state()
        return order

    def _batches_in(self, orders: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Inputs and targets of the batches of all runs, of which several are copied at once."""
        size = self._batches.batch_size
        n_in_full = orders.shape[1] - orders.shape[1] % size
        full, rest = orders[:, :n_in_full], orders[:, n_in_full:]
        for rows in full.unflatten(1, (-1, size)).transpose(0, 1).split(self._n_at_once):
            for X, y in zip(*self._taken(rows), strict=True):
                # as tensors of their own, of which a module may change one without the others
                yield X.detach(), y.detach()
        if rest.numel():
            yield self._taken(rest)

    def _taken(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        X, y = (
            part.to(self._first.device).unflatten(0, rows.shape)
            for part in self._batches.take(rows.reshape(-1))
        )
        return X, y

    def _losses(self, y_pred: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Loss of each run's batch."""
        criterion = self._first.criterion_
        if _is_faster_by_class(criterion, y_pred):
            y_pred = y_pred.transpose(1, 2)
        else:
            y_pred, y = y_pred.flatten(0, 1), y.flatten(0, 1)
        if self._has_plain_loss:
            rows = self._losses_of.criterion_(y_pred, y)
        else:
            rows = self._losses_of.get_loss(y_pred, y, training=True)
        losses = rows.reshape(len(self._nets), -1)
        return losses.sum(1) if criterion.reduction == "sum" else losses.mean(1)

    def _notify(self, event: str, **about: Any) -> None:
        for net in self._nets:
            getattr(net, event)(net, **about)
            for _, callback in net.callbacks_:
                # which makes a table also where it prints none
                if type(callback) is not PrintLog:
                    getattr(callback, event)(net, **about)

    def _part(self) -> None:
        """Give each net its own parameters and optimizer's state."""
        for k, net in enumerate(self._nets):
            net.module_.train()
            for parameter, stacked in zip(
                net.module_.parameters(), self._stack.parameters, strict=True
            ):
                parameter.data = parameter.data.clone()
                net.optimizer_.state[parameter] = {
                    name: _own(value, stacked, k)
                    for name, value in self._optimizer.state[stacked].items()
                }


def _is_faster_by_class(criterion: torch.nn.Module, y_pred: torch.Tensor) -> bool:
    """Whether rows of few classes are better given as torch takes the pixels of images.

    Parameters
    ----------
    criterion : torch.nn.Module
        One of torch's own.
    y_pred : tensor of shape (n_runs, n, ...)
        Outputs of each run.
    """
    of_classes = isinstance(criterion, torch.nn.CrossEntropyLoss | torch.nn.NLLLoss)
    return of_classes and y_pred.ndim == 3 and y_pred.shape[2] <= MOST_CLASSES


def _own(value: Any, stacked: torch.Tensor, k: int) -> Any:
    """A run's part of an optimizer's state, in memory of its own."""
    if not isinstance(value, torch.Tensor):
        return value
    return (value[k] if value.shape == stacked.shape else value).clone()
