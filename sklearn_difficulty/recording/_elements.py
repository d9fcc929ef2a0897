"""Losses of the elements of a row (pixels, tokens, labels), and the loss of the row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from sklearn_difficulty.recording._parts import GIVES_PARTS, are_named, as_one, as_parts


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
    """

    loss: torch.Tensor
    components: dict[str, torch.Tensor]
    elements: torch.Tensor | None = None
    element_component: str | None = None
    is_empty: torch.Tensor | None = None


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
    counts = counted_elements(criterion, y)
    rows = {name: flat_losses(part, criterion, counts) for name, part in parts.items()}
    loss = rows[next(iter(rows))]
    for part in [*rows.values()][1:]:
        loss = loss + part
    elements, of_part = None, None
    for name, part in parts.items():
        if part.ndim > 1:
            if elements is not None and part.shape != elements.shape:
                continue
            # Parts that are separable in the same way are shown as one.
            masked = part
            if counts is not None and counts.shape == part.shape:
                masked = part.where(counts, torch.nan)
            elements = masked if elements is None else elements + masked
            of_part = name if of_part is None else f"{of_part} + {name}"
    named = are_named(parts)
    is_empty = None if counts is None else ~counts.flatten(1).any(1)
    return RowLosses(loss, rows if named else {}, elements, of_part if named else None, is_empty)


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
