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


class ByClass:
    """Scores of a batch, class by class, and what the labels of its rows are.

    Parameters
    ----------
    scores : tensor of shape (n, classes)
        Logits or log-probabilities.
    y : tensor of int of shape (n,)
        Labels.

    Attributes
    ----------
    n_rows : int
        Rows of the batch. Behind them there are some of zeros, of class 0.
    scores, log_proba : tensors of shape (classes, rows)
        The scores, and the logarithms of their softmax.
    y : tensor of int of shape (rows,)
        Labels.
    """

    def __init__(self, scores: torch.Tensor, y: torch.Tensor) -> None:
        n_rows = self.n_rows = len(scores)
        n_filled = n_rows - n_rows % _MULTIPLE + _MULTIPLE
        self.scores = scores.new_zeros(scores.shape[1], n_filled)
        self.scores[:, :n_rows] = scores.T
        self.y = y.new_zeros(n_filled)
        self.y[:n_rows] = y
        self.log_proba = self.scores.log_softmax(dim=0)

    def cross_entropy(self, ignore_index: int) -> torch.Tensor:
        """Loss of each row of the batch, zero under a label that is ignored."""
        # The rows are pixels of a single image here, of which torch has the classes first.
        losses = torch.nn.functional.nll_loss(
            self.log_proba.unsqueeze(0),
            self.y.unsqueeze(0),
            ignore_index=ignore_index,
            reduction="none",
        )
        return losses[0, : self.n_rows]


def argmax_by_class(scores: torch.Tensor) -> torch.Tensor:
    """Number of the class of the largest score, the first of them, (rows,).

    Parameters
    ----------
    scores : tensor of shape (classes, rows)
        Scores.
    """
    n_classes = len(scores)
    numbers = torch.arange(n_classes, dtype=scores.dtype, device=scores.device).unsqueeze(1)
    # Zero for the largest, the first of which comes before the others, and all else behind them.
    places = scores.sub(scores.amax(dim=0)).sign_().mul_(n_classes).sub_(numbers).amax(dim=0)
    if places.sum().isnan():  # of scores that are not finite
        return scores.max(dim=0).indices
    return places.neg_().long()


def has_loss_by_class(criterion: Any, y_pred: Any, y_true: Any) -> bool:
    """Whether a criterion gives each row the loss that :class:`ByClass` does, besides weights.

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
