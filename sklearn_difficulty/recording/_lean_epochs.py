"""skorch's epochs of training, without the work of which nobody takes notice.

With each batch skorch sets the mode of every part of the module, calls every callback whether it
listens or not, and looks the history up from its beginning. For a small network that takes about
as long as the training. Here the same is computed, bit by bit: what nobody listens to is left
out, and a net that has methods of its own for any of it is trained as skorch does.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochScoring
from skorch.dataset import get_len, unpack_data
from skorch.history import History
from skorch.utils import TeeGenerator

from sklearn_difficulty.recording._losses import has_plain_loss
from sklearn_difficulty.recording._overrides import is_known, is_known_to
from sklearn_difficulty.recording._tracker import DifficultyTracker

_MODE = attrgetter("training")
_BATCH_EVENTS = ("on_batch_begin", "on_batch_end", "on_grad_computed")
# Methods of a net whose work is done here in their place, besides run_single_epoch.
_REPLACED = (
    "train_step",
    "train_step_single",
    "notify",
    "_set_training",
    *_BATCH_EVENTS,
)


class LeanEpochs:
    """Stands in for the ``run_single_epoch`` of a net of skorch's own.

    Parameters
    ----------
    net : skorch.NeuralNet
        Net that this is to be an attribute of.
    """

    def __init__(self, net: Any) -> None:
        self.net = net

    def __call__(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        if takes_over(self.net, iterator, training, step_fn):
            train_one_epoch(self.net, iterator, prefix, **fit_params)
        else:
            whole = type(self.net).run_single_epoch
            whole(self.net, iterator, training, prefix, step_fn, **fit_params)


def takes_over(net: Any, iterator: Any, training: bool, step_fn: Any) -> bool:
    """Whether :func:`train_one_epoch` stands in for this call of ``run_single_epoch``."""
    return training and iterator is not None and is_lean(net, step_fn)


def is_lean(net: Any, step_fn: Any) -> bool:
    """Whether :func:`train_one_epoch` does what a net would do.

    Parameters
    ----------
    net : skorch.NeuralNet
        Initialized net.
    step_fn : callable
        What the net would call with each batch.
    """
    return (
        step_fn == net.train_step
        and type(net.history) is History
        and all(is_known(net, method) for method in _REPLACED)
        and is_known_to(type(net), "run_single_epoch")
    )


def train_one_epoch(
    net: Any,
    iterator: Iterable[Any],
    prefix: str,
    *,
    watchers: Sequence[Any] = (),
    **fit_params: Any,
) -> None:
    """Train for one epoch.

    Parameters
    ----------
    net : skorch.NeuralNet
        Initialized net, of which :func:`is_lean` is true.
    iterator : iterable
        Batches.
    prefix : str
        What the names in the history begin with.
    watchers : sequence of callbacks
        What the net itself notifies of batches, ahead of its callbacks.
    **fit_params : objects
        Further arguments of the module.
    """
    callbacks = [*watchers, *(callback for _, callback in net.callbacks_)]
    begins, ends, has_gradients = (
        [getattr(cb, event) for cb in callbacks if _listens_to_training(cb, event)]
        for event in _BATCH_EVENTS
    )
    is_fetched_late = _nobody_reads_losses(net, callbacks)
    mode, optimizers = _TrainingMode(net), _Optimizers(net)
    calls_module, calls_criterion = not fit_params and is_plain_call(net), has_plain_loss(net)
    # A tensor's device has a number where that of a net may be any of its kind.
    device = None if net.device is None else torch.empty(0, device=net.device).device
    batch: Any = None
    accumulator: Any = None

    def step_fn() -> torch.Tensor:
        optimizers.forget_gradients()
        mode.restore()
        Xi, yi = unpack_data(batch)
        if calls_module and type(Xi) is torch.Tensor and Xi.device == device:
            y_pred = net.module_(Xi)
        else:
            y_pred = net.infer(Xi, **fit_params)
        if calls_criterion and type(yi) is torch.Tensor and yi.device == device:
            loss = net.criterion_(y_pred, yi)
        else:
            loss = net.get_loss(y_pred, yi, X=Xi, training=True)
        loss.backward()
        accumulator.store_step({"loss": loss, "y_pred": y_pred})
        for notify in has_gradients:
            parameters = TeeGenerator(net.get_all_learnable_params())
            notify(net, named_parameters=parameters, batch=batch, training=True)
        return loss

    loss_name, size_name = f"{prefix}_loss", f"{prefix}_batch_size"
    batches = net.history[-1]["batches"]
    n_before = len(batches)
    try:
        for batch in iterator:
            record: dict[str, Any] = {}
            batches.append(record)
            for notify in begins:
                notify(net, batch=batch, training=True)
            accumulator = net.get_train_step_accumulator()
            optimizers.step(step_fn)
            step = accumulator.get_step()
            loss = step["loss"]
            # In a copy, as captured graphs give the same memory again with the next batch.
            record[loss_name] = loss.detach().clone() if is_fetched_late else loss.item()
            record[size_name] = _n_rows(batch)
            for notify in ends:
                notify(net, batch=batch, training=True, **step)
    finally:
        if is_fetched_late:
            _fetch(batches[n_before:], loss_name)
    net.history.record(f"{prefix}_batch_count", len(batches) - n_before)


class _TrainingMode:
    """Sets the mode of what a net trains as skorch does, where it is not set already."""

    def __init__(self, net: Any) -> None:
        named = (getattr(net, f"{name}_") for name in (*net._modules, *net._criteria))
        self._roots = [part for part in named if isinstance(part, torch.nn.Module)]
        self._parts = [part for root in self._roots for part in root.modules()]
        # A method of its own may do anything, with each batch anew.
        self._is_plain = all(
            type(part).train is torch.nn.Module.train and "train" not in vars(part)
            for part in self._parts
        )
        self._set()

    def _set(self) -> None:
        for root in self._roots:
            root.train(True)
        # A module may keep some of its parts in another mode.
        self._modes = list(map(_MODE, self._parts))

    def restore(self) -> None:
        """Undo what a callback, or the module itself, has changed since."""
        if not self._is_plain or list(map(_MODE, self._parts)) != self._modes:
            self._set()


class _Optimizers:
    """The optimizers of a net, called as it calls them."""

    def __init__(self, net: Any) -> None:
        self._net = net
        self._names = [f"{name}_" for name in net._optimizers]
        self._steps_itself = not is_known(net, "_step_optimizer")
        self._forgets_itself = not is_known(net, "_zero_grad_optimizer")

    def step(self, step_fn: Callable[[], torch.Tensor]) -> None:
        """Let each make its update, or several, for which it calls a function."""
        if self._steps_itself:
            self._net._step_optimizer(step_fn)
            return
        for name in self._names:
            getattr(self._net, name).step(step_fn)

    def forget_gradients(self) -> None:
        """Have no gradients, without the mark that torch sets for its profiler."""
        if self._forgets_itself:
            self._net._zero_grad_optimizer()
            return
        for name in self._names:
            optimizer = getattr(self._net, name)
            if not _is_plain_zero_grad(optimizer):
                optimizer.zero_grad()
                continue
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    parameter.grad = None


def _is_plain_zero_grad(optimizer: Any) -> bool:
    """Whether an optimizer forgets its gradients as those of torch do."""
    method = optimizer.zero_grad
    return getattr(method, "__func__", None) is torch.optim.Optimizer.zero_grad


def is_plain_call(net: Any) -> bool:
    """Whether a net's outputs are what its module gives for a batch as it is."""
    return "infer" not in vars(net) and type(net).infer is NeuralNet.infer


def _listens(callback: Any, event: str) -> bool:
    method = getattr(callback, event)
    return getattr(method, "__func__", None) is not getattr(Callback, event)


def _listens_to_training(callback: Any, event: str) -> bool:
    """The same of batches that are trained on."""
    if type(callback) is EpochScoring and not callback.on_train:
        return False
    if type(callback) is DifficultyTracker and event == "on_batch_begin":
        return False  # which is there for validation
    return _listens(callback, event)


def _nobody_reads_losses(net: Any, callbacks: list[Any]) -> bool:
    """Whether the history of an epoch may be written at its end.

    Fetching a number from an accelerator waits for all that it was given to do.
    """
    if net.device is None or torch.device(net.device).type == "cpu":
        return False
    readers = [cb for cb in callbacks if not isinstance(cb, DifficultyTracker)]
    return (
        is_known(net, "infer")
        and is_known(net, "get_loss")
        and not any(_listens(cb, event) for cb in readers for event in _BATCH_EVENTS)
    )


def _fetch(records: list[dict[str, Any]], name: str) -> None:
    """Put numbers in the place of tensors, all of them fetched at once."""
    waiting = [record for record in records if name in record]
    if waiting:
        losses = torch.stack([record[name].reshape(()) for record in waiting]).tolist()
        for record, loss in zip(waiting, losses, strict=True):
            record[name] = loss


def _n_rows(batch: Any) -> int:
    rows = batch[0] if isinstance(batch, tuple | list) else batch
    return len(rows) if type(rows) is torch.Tensor else get_len(rows)
