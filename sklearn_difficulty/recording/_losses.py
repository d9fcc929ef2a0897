"""Per-sample losses of any criterion, without touching the user's module.

A criterion returns one number for a batch. Three ways lead from it to one number per row:
switch its reduction off, where it has one; map it over the rows with
:func:`torch.func.vmap`; or call it row by row, where its code cannot be mapped.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

import torch
from torch.utils._pytree import tree_flatten, tree_unflatten

from sklearn_difficulty.exceptions import UnreducibleCriterionError

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
    """Switch reductions and class weights off inside the block, and keep the criterion's state.

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


def per_sample_losses(
    net: Any, y_pred: Any, y_true: Any, X: Any = None, *, one_by_one: bool = False
) -> torch.Tensor:
    """Loss of each row of a batch: unreduced, and not weighted by class.

    Parameters
    ----------
    net : skorch.NeuralNet
        Initialized net, whose ``get_loss`` and ``criterion_`` are used.
    y_pred : tensor or tuple of tensors
        What the module returned for the batch.
    y_true : tensor of shape (n, ...)
        Targets.
    X : tensor or mapping of tensors, optional
        Inputs of the batch, for a ``get_loss`` that reads them.
    one_by_one : bool, default=False
        Compute each row's loss apart, for which see :func:`needs_one_by_one`.

    Returns
    -------
    losses : tensor of shape (n, ...)
        Further axes are those over which the criterion would have averaged.

    Raises
    ------
    UnreducibleCriterionError
        When no way leads to one loss per row.
    """
    with torch.no_grad():
        if not one_by_one:
            with undisturbed(net.criterion_):
                losses = net.get_loss(y_pred, y_true, X=X, training=False)
            if losses.ndim and len(losses) == len(y_true):
                return losses
        with undisturbed(net.criterion_, reduced=True):
            return _row_by_row(net, y_pred, y_true, X)


def _row_by_row(net: Any, y_pred: Any, y_true: Any, X: Any) -> torch.Tensor:
    rows, whole = divided(len(y_true), y_pred, y_true, X)

    def single(*row: torch.Tensor) -> torch.Tensor:
        p, t, x = whole([part.unsqueeze(0) for part in row])
        return net.get_loss(p, t, X=x, training=False)

    losses = None
    if net.criterion_ not in _NOT_MAPPABLE:
        try:
            losses = torch.func.vmap(single, randomness="different")(*rows)
        except (RuntimeError, ValueError):
            # Code that reads a value (`.item()`, `if loss > 0`) cannot be mapped; it can be
            # called, and what it raises then is the criterion's own error.
            _NOT_MAPPABLE.add(net.criterion_)
    if losses is None:
        losses = torch.stack([single(*row) for row in zip(*rows, strict=True)])
    if losses.ndim != 1:
        raise UnreducibleCriterionError(
            f"criterion {_name(net)} gives {tuple(losses.shape[1:])} values for a single row "
            "where one is expected: give it a `reduction` attribute that accepts 'none', or "
            "let it return one number."
        )
    return losses


def needs_one_by_one(net: Any, y_pred: Any, y_true: Any, X: Any = None) -> bool:
    """Whether a row's unreduced loss depends on its batch mates.

    A ``get_loss`` or a criterion may add a mean over the batch to the loss that a criterion
    with a reduction gives. With that reduction switched off, the mean is still there.

    Parameters
    ----------
    net, y_pred, y_true, X : objects
        As for :func:`per_sample_losses`.
    """
    n_rows = len(y_true)
    half = n_rows // 2
    if not half:
        return False
    losses = per_sample_losses(net, y_pred, y_true, X)[:half]
    rows, whole = divided(n_rows, y_pred, y_true, X)
    alone = per_sample_losses(net, *whole([part[:half] for part in rows]))
    if alone.shape != losses.shape:  # a target that was broadcast against the whole batch
        return True
    # what is not finite is reported by step and row when it is recorded
    return float((alone - losses).abs().max()) > _tolerance(losses)


def check_separable(net: Any, y_pred: Any, y_true: Any, X: Any = None) -> bool:
    """Raise where a row's loss depends on its batch mates, or is no part of the batch's.

    Returns
    -------
    one_by_one : bool
        Whether the losses have to be computed one by one.

    Raises
    ------
    UnreducibleCriterionError
        When the reduced loss is neither an average nor the sum of the rows' losses.
    """
    if len(y_true) < 2:
        return False
    one_by_one = needs_one_by_one(net, y_pred, y_true, X)
    losses = per_sample_losses(net, y_pred, y_true, X, one_by_one=one_by_one)
    is_built_in = is_torchs_own(unwrapped(net.criterion_))
    if not torch.isfinite(losses).all() or (is_built_in and not one_by_one):
        return one_by_one
    with torch.no_grad(), undisturbed(net.criterion_, reduced=True):
        reduced = net.get_loss(y_pred, y_true, X=X, training=False)
    tolerance = _tolerance(losses)
    lowest, highest = float(losses.min()) - tolerance, float(losses.max()) + tolerance
    is_average = lowest <= float(reduced) <= highest
    is_sum = abs(float(reduced) - float(losses.sum())) <= tolerance * len(losses)
    if not (is_average or is_sum):
        raise UnreducibleCriterionError(
            f"criterion {_name(net)} cannot be un-reduced: its loss of a batch, "
            f"{float(reduced):.4g}, is neither an average nor the sum of its losses of the "
            f"single rows, which lie between {float(losses.min()):.4g} and "
            f"{float(losses.max()):.4g}, so that no loss belongs to a row. Use a criterion "
            "that is an average over rows."
        )
    return one_by_one


def flat_losses(losses: torch.Tensor, criterion: torch.nn.Module) -> torch.Tensor:
    """One loss per row: the mean over further axes, or the sum where the criterion sums."""
    if losses.ndim == 1:
        return losses
    sums = getattr(unwrapped(criterion), "reduction", "mean") in ("sum", "batchmean")
    per_row = losses.flatten(1)
    return per_row.sum(1) if sums else per_row.mean(1)


def _tolerance(losses: torch.Tensor) -> float:
    return 1e-4 * float(losses.abs().max()) + 1e-6


def divided(
    n_rows: int, *parts: Any
) -> tuple[list[torch.Tensor], Callable[[Sequence[torch.Tensor]], Any]]:
    """Tensors of `n_rows` rows among the parts, and what puts others in their places."""
    leaves, spec = tree_flatten(parts)
    places = [
        place
        for place, leaf in enumerate(leaves)
        if isinstance(leaf, torch.Tensor) and leaf.ndim and len(leaf) == n_rows
    ]

    def whole(rows: Sequence[torch.Tensor]) -> Any:
        filled = list(leaves)
        for place, part in zip(places, rows, strict=True):
            filled[place] = part
        return tree_unflatten(filled, spec)

    return [leaves[place] for place in places], whole


def _name(net: Any) -> str:
    return type(unwrapped(net.criterion_)).__name__
