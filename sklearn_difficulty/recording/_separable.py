"""Whether a row's loss is its own: not changed by its batch mates, and a part of the batch's."""

from typing import Any

import torch

from sklearn_difficulty.exceptions import UnreducibleCriterionError
from sklearn_difficulty.recording._batch_rows import BatchRows
from sklearn_difficulty.recording._elements import told_apart
from sklearn_difficulty.recording._losses import (
    criterion_name,
    giving_parts,
    is_torchs_own,
    per_sample_losses,
    undisturbed,
    unwrapped,
)
from sklearn_difficulty.recording._parts import are_named, parts_by_name


def needs_one_by_one(net: Any, y_pred: Any, y_true: Any, X: Any = None) -> bool:
    """Whether a row's unreduced loss depends on its batch mates.

    A ``get_loss`` or a criterion may add a mean over the batch to the loss that a criterion
    with a reduction gives. With that reduction switched off, the mean is still there.

    Parameters
    ----------
    net, y_pred, y_true, X : objects
        As for :func:`~sklearn_difficulty.recording._losses.per_sample_losses`.

    Raises
    ------
    UnreducibleCriterionError
        When the criterion names its losses, and one of them does.
    """
    n_rows = len(y_true)
    half = n_rows // 2
    if not half:
        return False
    losses = per_sample_losses(net, y_pred, y_true, X)
    batch, coupled = BatchRows(n_rows, y_pred, y_true, X), []
    # A part of the batch may happen to be like the whole; a single row hardly is as well.
    for start, stop in ((0, half), (n_rows - 1, n_rows)):
        alone = per_sample_losses(net, *batch.piece(start, stop))
        coupled += [n for n, part in losses.items() if _differ(part[start:stop], alone[n])]
    if coupled and are_named(losses):
        shape = tuple(losses[coupled[0]].shape)
        if n_rows in shape[1:]:
            raise UnreducibleCriterionError(
                f"criterion {criterion_name(net, coupled[0])} gives losses of shape {shape} for "
                f"{n_rows} rows, one axis too many of the batch, as torch makes it where it "
                "compares outputs of shape (n, 1) with targets of shape (n,), or the other way "
                "round: give both one shape. Targets have the shape "
                f"{tuple(getattr(y_true, 'shape', (n_rows,)))} here."
            )
        raise UnreducibleCriterionError(
            f"criterion {criterion_name(net, coupled[0])} gives a row another loss when its batch "
            "mates are others, so that no loss belongs to a row: compute each row's loss of that "
            "row alone, and normalise it by the row's own number of elements, not by that of the "
            "batch."
        )
    return bool(coupled)


def _differ(losses: torch.Tensor, alone: torch.Tensor) -> bool:
    if alone.shape != losses.shape:  # a target that was broadcast against the whole batch
        return True
    # what is not finite is reported by step and row when it is recorded
    finite = torch.isfinite(alone) & torch.isfinite(losses)
    apart = torch.where(finite, (alone - losses).abs(), 0.0)
    return float(apart.max()) > _tolerance(losses[finite]) if apart.numel() else False


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
    parts = per_sample_losses(net, y_pred, y_true, X, one_by_one=one_by_one)
    is_built_in = is_torchs_own(unwrapped(net.criterion_))
    if is_built_in and not one_by_one:
        return one_by_one
    rows = told_apart(parts, unwrapped(net.criterion_), y_true)
    with torch.no_grad(), undisturbed(net.criterion_, reduced=True), giving_parts(net.criterion_):
        reduced = parts_by_name(net.get_loss(y_pred, y_true, X=X, training=False))
    for name, of_batch in reduced.items():
        # What is there for each row was found to be the row's own.
        if not (of_batch.ndim and len(of_batch) == len(y_true)):
            own = rows.components[name] if are_named(parts) else rows.loss
            _check_average(net, name, own, float(of_batch.mean()))
    return one_by_one


def _check_average(net: Any, name: str, losses: torch.Tensor, reduced: float) -> None:
    losses = losses[~losses.isnan()]
    if not torch.isfinite(losses).all() or not len(losses):
        return
    tolerance = _tolerance(losses)
    # Elements may be averaged over the whole batch, where rows have different numbers of them.
    lowest, highest = float(losses.min()) - tolerance, float(losses.max()) + tolerance
    is_average = lowest <= reduced <= highest
    is_sum = abs(reduced - float(losses.sum())) <= tolerance * len(losses)
    if not (is_average or is_sum):
        raise UnreducibleCriterionError(
            f"criterion {criterion_name(net, name)} cannot be un-reduced: its loss of a batch, "
            f"{reduced:.4g}, is neither an average nor the sum of its losses of the "
            f"single rows, which lie between {float(losses.min()):.4g} and "
            f"{float(losses.max()):.4g}, so that no loss belongs to a row. Use a criterion "
            "that is an average over rows."
        )


def _tolerance(losses: torch.Tensor) -> float:
    return 1e-4 * float(losses.abs().max()) + 1e-6 if losses.numel() else 1e-6
