"""Per-sample losses of any criterion, without touching the user's module.

A criterion returns one number for a batch. Three ways lead from it to one number per row:
switch its reduction off, where it has one; map it over the rows with
:func:`torch.func.vmap`; or call it row by row, where its code cannot be mapped.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from weakref import WeakSet

import torch
from skorch import NeuralNet, NeuralNetClassifier

from sklearn_difficulty.exceptions import UnreducibleCriterionError
from sklearn_difficulty.recording._batch_rows import BatchRows
from sklearn_difficulty.recording._elements import RowLosses, have_rows, told_apart
from sklearn_difficulty.recording._few_classes import ByClass, has_loss_by_class
from sklearn_difficulty.recording._parts import GIVES_PARTS, WHOLE, parts_by_name

_NO_REDUCTION = "none"
# Criteria that were found not to go through vmap, so as not to try with every batch.
_NOT_MAPPABLE: WeakSet[torch.nn.Module] = WeakSet()
# Buffers of torch's criteria that weigh a sample by its class.
_CLASS_WEIGHTS = {"weight", "pos_weight"}
# torch's criteria that do without them; of another criterion nobody knows whether it can.
_WEIGHTED = (
    torch.nn.CrossEntropyLoss,
    torch.nn.NLLLoss,
    torch.nn.BCELoss,
    torch.nn.BCEWithLogitsLoss,
    torch.nn.MultiMarginLoss,
    torch.nn.MultiLabelSoftMarginLoss,
)


def unwrapped(module: torch.nn.Module) -> torch.nn.Module:
    """The module behind :func:`torch.compile`, or the module itself."""
    return getattr(module, "_orig_mod", module)


@contextmanager
def undisturbed(criterion: torch.nn.Module, *, reduced: bool = False) -> Iterator[None]:
    """Switch reductions, sums and class weights off inside the block; keep the criterion's state.

    Parameters
    ----------
    criterion : torch.nn.Module
        A criterion, whose buffers and attributes are afterwards those of before: one that
        counts its calls or keeps a running mean does not notice the extra ones. (What it
        changes in place in an object of its own, such as a list, stays changed.)
    reduced : bool, default=False
        Leave the reductions on.
    """
    modules = list(criterion.modules())
    attributes = [dict(vars(module)) for module in modules]
    buffers = [dict(module._buffers) for module in modules]
    values = [(buffer, buffer._version, buffer.clone()) for buffer in criterion.buffers()]
    try:
        for module in modules:
            if hasattr(module, "reduction") and not reduced:
                module.reduction = _NO_REDUCTION  # type: ignore[assignment]
            if isinstance(module, _WEIGHTED):
                for name in _CLASS_WEIGHTS & module._buffers.keys():
                    setattr(module, name, None)
        with nullcontext() if reduced else giving_parts(criterion):
            yield
    finally:
        for module, own_attributes, own_buffers in zip(modules, attributes, buffers, strict=True):
            vars(module).clear()
            vars(module).update(own_attributes)
            module._buffers.clear()
            module._buffers.update(own_buffers)
        with torch.no_grad():
            for buffer, version, value in values:
                if buffer._version != version:
                    buffer.copy_(value)


def is_torchs_own(module: torch.nn.Module) -> bool:
    """Whether a criterion computes what torch's does; a subclass may do without changing that."""
    return type(module).forward.__module__.startswith("torch.nn.")


def has_plain_loss(net: Any) -> bool:
    """Whether a net's loss is what its criterion gives for outputs and targets as they are."""
    kind = type(net)
    return "get_loss" not in vars(net) and (
        kind.get_loss is NeuralNet.get_loss
        or (
            kind.get_loss is NeuralNetClassifier.get_loss
            and not isinstance(net.criterion_, torch.nn.NLLLoss)
        )
    )


def per_sample_losses(
    net: Any, y_pred: Any, y_true: Any, X: Any = None, *, one_by_one: bool = False
) -> dict[str, torch.Tensor]:
    """Losses of each row of a batch: unreduced, and not weighted by class.

    Parameters
    ----------
    net : skorch.NeuralNet
        Initialized net, whose ``get_loss`` and ``criterion_`` are used.
    y_pred : tensor or tuple of tensors
        What the module returned for the batch.
    y_true : tensor of shape (n, ...) or RowList
        Targets.
    X : tensor or mapping of tensors, optional
        Inputs of the batch, for a ``get_loss`` that reads them.
    one_by_one : bool, default=False
        Compute each row's loss apart, for which see
        :func:`~sklearn_difficulty.recording._separable.check_separable`.

    Returns
    -------
    losses : dict of str to tensor of shape (n, ...)
        By the names of the criterion's parts, ``""`` for a loss that has none. Further axes are
        those over which the criterion would have averaged.

    Raises
    ------
    UnreducibleCriterionError
        When no way leads to one loss per row.
    """
    with torch.no_grad():
        if not one_by_one:
            with undisturbed(net.criterion_):
                losses = parts_by_name(net.get_loss(y_pred, y_true, X=X, training=False))
            if have_rows(losses, len(y_true)):
                return losses
        with undisturbed(net.criterion_, reduced=True):
            return _row_by_row(net, y_pred, y_true, X)


def _row_by_row(net: Any, y_pred: Any, y_true: Any, X: Any) -> dict[str, torch.Tensor]:
    batch = BatchRows(len(y_true), y_pred, y_true, X)

    def single(p: Any, t: Any, x: Any) -> dict[str, torch.Tensor]:
        with giving_parts(net.criterion_):
            loss = parts_by_name(net.get_loss(p, t, X=x, training=False))
        # which a criterion may keep the axis of its one row of
        return {name: part.squeeze(0) if part.ndim else part for name, part in loss.items()}

    def mapped(*row: torch.Tensor) -> dict[str, torch.Tensor]:
        return single(*batch.whole([part.unsqueeze(0) for part in row]))

    losses = None
    if batch.are_tensors and net.criterion_ not in _NOT_MAPPABLE:
        try:
            losses = torch.func.vmap(mapped, randomness="different")(*batch.held)
        except (RuntimeError, ValueError):
            # Code that reads a value (`.item()`, `if loss > 0`) cannot be mapped; it can be
            # called, and what it raises then is the criterion's own error.
            _NOT_MAPPABLE.add(net.criterion_)
    if losses is None:
        rows = [single(*row) for row in batch.singly()]
        losses = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
    for name, part in losses.items():
        if part.ndim != 1:
            raise UnreducibleCriterionError(
                f"criterion {criterion_name(net, name)} gives {tuple(part.shape[1:])} values for a "
                "single row where one is expected: give it a `reduction` attribute that accepts "
                "'none', or let it return one number."
            )
    return losses


@contextmanager
def giving_parts(criterion: torch.nn.Module) -> Iterator[None]:
    """Let a criterion give its parts inside the block, and not their sum."""
    modules = {id(module): module for module in (criterion, unwrapped(criterion))}.values()
    for module in modules:
        vars(module)[GIVES_PARTS] = True
    try:
        yield
    finally:
        for module in modules:
            del vars(module)[GIVES_PARTS]


def row_losses(
    net: Any, y_pred: Any, y_true: Any, X: Any = None, *, one_by_one: bool = False
) -> RowLosses:
    """The same by row: the whole loss, its parts, its elements.

    Parameters
    ----------
    net, y_pred, y_true, X, one_by_one : objects
        As for :func:`per_sample_losses`.
    """
    if not one_by_one and has_plain_loss(net):
        criterion = net.criterion_
        if has_loss_by_class(criterion, y_pred, y_true):
            scores = ByClass(y_pred.detach(), y_true)
            return RowLosses(scores.cross_entropy(criterion.ignore_index), {}, scores=scores)
    parts = per_sample_losses(net, y_pred, y_true, X, one_by_one=one_by_one)
    return told_apart(parts, unwrapped(net.criterion_), y_true)


def criterion_name(net: Any, part: str = WHOLE) -> str:
    """Name of a net's criterion, and of a part of it, for messages."""
    name = type(unwrapped(net.criterion_)).__name__
    return name if part == WHOLE else f"{name} (its part {part!r})"
