"""Per-sample losses with the graph that leads to them, to be differentiated.

They are those of :mod:`sklearn_difficulty.recording._losses`, which are recorded without one.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch

from sklearn_difficulty.recording._batch_rows import BatchRows
from sklearn_difficulty.recording._elements import have_rows, told_apart
from sklearn_difficulty.recording._losses import undisturbed, unwrapped
from sklearn_difficulty.recording._parts import as_one, parts_by_name
from sklearn_difficulty.recording._separable import needs_one_by_one


def is_reduced_alone(net: Any, y_pred: Any, y_true: Any, X: Any = None) -> bool:
    """Whether a row's loss is what the criterion, with its reductions on, gives for it alone.

    Parameters
    ----------
    net, y_pred, y_true, X : objects
        As for :func:`~sklearn_difficulty.recording._losses.per_sample_losses`.
    """
    if needs_one_by_one(net, y_pred, y_true, X):
        return True
    with torch.no_grad(), undisturbed(net.criterion_):
        losses = parts_by_name(net.get_loss(y_pred, y_true, X=X, training=False))
    return not have_rows(losses, len(y_true))


def graph_losses(
    net: Any, y_pred: Any, y_true: Any, X: Any = None, *, reduced_alone: bool
) -> torch.Tensor:
    """Loss of each row of a batch, as it is recorded, with its graph.

    Parameters
    ----------
    net, y_pred, y_true, X : objects
        As for :func:`~sklearn_difficulty.recording._losses.per_sample_losses`.
    reduced_alone : bool
        See :func:`is_reduced_alone`.

    Returns
    -------
    losses : tensor of shape (n,)
        Not weighted by class.
    """
    if not reduced_alone:
        with undisturbed(net.criterion_):
            parts = parts_by_name(net.get_loss(y_pred, y_true, X=X, training=False))
        return told_apart(parts, unwrapped(net.criterion_), y_true).loss
    rows = BatchRows(len(y_true), y_pred, y_true, X).singly()
    with undisturbed(net.criterion_, reduced=True):
        losses = [as_one(net.get_loss(p, t, X=x, training=False)) for p, t, x in rows]
    return torch.stack([loss.reshape(()) for loss in losses])


def differentiable(module: torch.nn.Module) -> Callable[[], AbstractContextManager[Any]]:
    """Makes contexts in which a module in evaluation mode has gradients by its parameters.

    cuDNN has none for recurrent layers then, so that it has to be left out.
    """
    if any(isinstance(part, torch.nn.RNNBase) for part in module.modules()):
        return partial(torch.backends.cudnn.flags, enabled=False)
    return nullcontext
