"""Outputs of few classes, gone through class by class.

Where the classes are the last axis, torch computes softmax, logarithms and the largest of them row
by row. Of a handful of classes that takes several times as long as where they are the first axis,
of which it takes many rows at once.
"""

from typing import Any

import torch

# Up to so many classes the records of rows take less time so.
MOST_CLASSES = 32
# Up to so many torch's cross-entropy does. Where they are fewer than the numbers that a processor
# takes at once (eight or sixteen), torch adds them up in the same order either way, and losses are
# the same bits; else the last ones may differ.
_MOST_IN_LOSS = 15
# Rows come in multiples of as many: torch rounds in another way what remains. With one multiple
# more than is needed, the classes are not at distances of a power of two, at which they would be in
# each other's way in a processor's cache.
_MULTIPLE = 64
_HOOKS = ("_forward_hooks", "_forward_pre_hooks")


def by_class(scores: torch.Tensor) -> torch.Tensor:
    """Scores of shape (classes, rows), with some rows of zeros in the end.

    Parameters
    ----------
    scores : tensor of shape (n, classes)
        Scores.
    """
    n_rows, n_classes = scores.shape
    turned = scores.new_zeros(n_classes, _filled_up(n_rows))
    turned[:, :n_rows] = scores.T
    return turned


def filled_up(labels: torch.Tensor) -> torch.Tensor:
    """Labels (n,) of as many rows as :func:`by_class` gives, which are of class 0 in the end."""
    filled = labels.new_zeros(_filled_up(len(labels)))
    filled[: len(labels)] = labels
    return filled


def _filled_up(n_rows: int) -> int:
    return n_rows - n_rows % _MULTIPLE + _MULTIPLE


def argmax_by_class(scores: torch.Tensor) -> torch.Tensor:
    """Number of the class of the largest score, the first of them, int32 (rows,).

    Parameters
    ----------
    scores : tensor of shape (classes, rows)
        Scores of at most 255 classes.
    """
    largest = scores.amax(dim=0)
    if largest.isnan().any():
        return scores.max(dim=0).indices.int()
    n_classes = len(scores)
    # The first of the classes that have the largest score weighs most.
    weights = torch.arange(n_classes, 0, -1, dtype=torch.uint8, device=scores.device)
    is_largest = (scores == largest).to(torch.uint8)
    return n_classes - is_largest.mul_(weights.unsqueeze(1)).amax(dim=0).int()


def is_cross_entropy_by_class(criterion: Any, y_pred: Any, y_true: Any) -> bool:
    """Whether :func:`cross_entropy_by_class` gives what a criterion does with each row.

    Parameters
    ----------
    criterion : torch.nn.Module
        Criterion of a net.
    y_pred, y_true : objects
        Outputs and targets of a batch.
    """
    return (
        type(criterion) is torch.nn.CrossEntropyLoss
        and criterion.label_smoothing == 0.0  # which adds up all classes
        and "forward" not in vars(criterion)
        and not any(getattr(criterion, name) for name in _HOOKS)
        and _is_on_cpu(y_pred, torch.float32)
        and _is_on_cpu(y_true, torch.int64)
        and y_pred.ndim == 2
        and y_true.shape == y_pred.shape[:1]
        and y_pred.shape[1] <= _MOST_IN_LOSS
    )


def _is_on_cpu(tensor: Any, dtype: torch.dtype) -> bool:
    # A subclass may have operations of its own.
    return type(tensor) is torch.Tensor and tensor.is_cpu and tensor.dtype == dtype


def cross_entropy_by_class(
    criterion: torch.nn.CrossEntropyLoss, y_pred: torch.Tensor, y_true: torch.Tensor
) -> torch.Tensor:
    """Loss of each row, not weighted by class, as the criterion gives it.

    Parameters
    ----------
    criterion : torch.nn.CrossEntropyLoss
        One of which :func:`is_cross_entropy_by_class` is true.
    y_pred : tensor of shape (n, classes)
        Logits.
    y_true : tensor of int of shape (n,)
        Labels.
    """
    # The rows are pixels of a single image here, of which torch has the classes first.
    losses = torch.nn.functional.cross_entropy(
        by_class(y_pred.detach()).unsqueeze(0),
        filled_up(y_true).unsqueeze(0),
        ignore_index=criterion.ignore_index,
        reduction="none",
    )
    return losses[0, : len(y_true)]
