"""Losses of the elements of a row (pixels, tokens, labels), and the loss of the row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from sklearn_difficulty.recording._few_classes import ByClass
from sklearn_difficulty.recording._parts import (
    GIVES_PARTS,
    are_named,
    as_one,
    as_parts,
    criterion_of,
)


@dataclass(frozen=True)
class RowLosses:
    """What a criterion says of each row of a batch.

    Attributes
    ----------
    loss : tensor of shape (n,)
        The sum of all parts; NaN for a row of which no element counts.
    components : dict of str to tensor of shape (n,)
        Named parts, where the criterion names them.
    elements : tensor of shape (n, ...) or None
        Losses of the elements, NaN for those that do not count, where a part has such losses.
    element_component : str or None
        Name of the part that the elements are of.
    is_empty : tensor of bool of shape (n,) or None
        Rows of which no element counts; None where there are none.
    scores : ByClass or None
        The logits that the losses were made of, where they were by class.
    """

    loss: torch.Tensor
    components: dict[str, torch.Tensor]
    elements: torch.Tensor | None = None
    element_component: str | None = None
    is_empty: torch.Tensor | None = None
    scores: ByClass | None = None


def told_apart(parts: Mapping[str, torch.Tensor], criterion: torch.nn.Module, y: Any) -> RowLosses:
    """Loss of each row, of its parts and of its elements.

    Parameters
    ----------
    parts : mapping of str to tensor of shape (n, ...)
        Unreduced losses.
    criterion : torch.nn.Module
        What they come from; its ``ignore_index`` says which targets do not count, and its
        ``reduction`` whether elements are averaged or summed.
    y : object
        Targets.
    """
    rows, empty, elements, of_parts = {}, [], None, []
    for name, part in parts.items():
        own = criterion_of(criterion, name)
        counts = counted_elements(own, y)
        rows[name] = flat_losses(part, own, counts)
        has_none = None if counts is None else ~counts.flatten(1).any(1)
        empty.append(has_none)
        # Parts that are separable in the same way are shown as one.
        if part.ndim > 1 and (elements is None or part.shape == elements.shape):
            masked = part
            if counts is not None and counts.shape == part.shape:
                masked = part.where(counts, torch.nan)
            elements = masked if elements is None else elements + masked
            of_parts.append(name)
    loss, is_empty = _sum_of_counted(list(rows.values()), empty)
    if not are_named(parts):
        return RowLosses(loss, {}, elements, None, is_empty)
    return RowLosses(loss, rows, elements, " + ".join(of_parts) or None, is_empty)


def _sum_of_counted(
    rows: list[torch.Tensor], empty: list[torch.Tensor | None]
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Sum over the parts that count in a row, NaN where none does, and where that is."""
    if len(rows) == 1 or all(part is None for part in empty):
        total = rows[0]
        for row in rows[1:]:
            total = total + row
        return total, empty[0] if len(rows) == 1 else None
    counted = [
        row if none is None else row.where(~none, 0.0)
        for row, none in zip(rows, empty, strict=True)
    ]
    total = torch.stack(counted).sum(0)
    if any(part is None for part in empty):
        return total, None
    is_empty = torch.stack([part for part in empty if part is not None]).all(0)
    return total.where(~is_empty, torch.nan), is_empty


def total_of_parts(criterion: torch.nn.Module, arguments: Any, loss: Any) -> Any:
    """Forward hook that lets a net learn the losses that a criterion gives by name: their sum.

    It is the mean of what is recorded: over rows, and within a row over the elements that count.
    Rows without such elements are left out.
    """
    parts = as_parts(loss)
    if parts is None or vars(criterion).get(GIVES_PARTS):
        return None
    y = arguments[1] if len(arguments) > 1 else None
    if y is None or not have_rows(parts, len(y)):
        return as_one(loss)
    rows = told_apart(parts, criterion, y)
    return rows.loss.mean() if rows.is_empty is None else rows.loss[~rows.is_empty].mean()


def have_rows(losses: Mapping[str, torch.Tensor], n_rows: int) -> bool:
    """Whether losses are those of single rows."""
    return all(loss.ndim and len(loss) == n_rows for loss in losses.values())


def counted_elements(criterion: torch.nn.Module, y: Any) -> torch.Tensor | None:
    """Which elements of the targets count, bool (n, ...); None where all do.

    Parameters
    ----------
    criterion : torch.nn.Module
        Whose ``ignore_index``, or that of a criterion in it, says which do not.
    y : object
        Targets; those of one number for each row all count.
    """
    if not isinstance(y, torch.Tensor) or y.ndim < 2 or y.is_floating_point():
        return None
    counts = None
    for part in criterion.modules():
        ignored = getattr(part, "ignore_index", None)
        if isinstance(ignored, int):
            kept = y != ignored
            counts = kept if counts is None else counts & kept
    return counts


def flat_losses(
    part: torch.Tensor, criterion: torch.nn.Module, counts: torch.Tensor | None = None
) -> torch.Tensor:
    """One loss per row: the mean over further axes, or the sum where the criterion sums.

    Parameters
    ----------
    part : tensor of shape (n, ...)
        Unreduced losses.
    criterion : torch.nn.Module
        What they come from.
    counts : tensor of bool of shape (n, ...) or None, default=None
        Which elements of the targets count; None for all. A row without any is NaN.
    """
    sums = getattr(criterion, "reduction", "mean") in ("sum", "batchmean")
    if part.ndim > 1 and counts is not None and counts.shape == part.shape:
        total = part.where(counts, 0.0).flatten(1).sum(1)
        n_counted = counts.flatten(1).sum(1)
        row = total if sums else total / n_counted.clamp_min(1)
    elif part.ndim > 1:
        row = part.flatten(1).sum(1) if sums else part.flatten(1).mean(1)
    else:
        row = part
    if counts is None or counts.device != row.device:
        return row
    return row.where(counts.flatten(1).any(1), torch.nan)
