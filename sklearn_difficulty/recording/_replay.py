"""Run kept parameter states of a skorch net over rows: outputs, losses and what they say."""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from skorch.dataset import get_len, unpack_data

from sklearn_difficulty.recording._array_batches import for_recording
from sklearn_difficulty.recording._batch_rows import on_device
from sklearn_difficulty.recording._generators import preserved_generators
from sklearn_difficulty.recording._loaded_states import StateLoader
from sklearn_difficulty.recording._losses import row_losses
from sklearn_difficulty.recording._outputs import (
    batch_records,
    class_scores,
    first_output,
    output_kind,
    recorded_kind,
    to_arrays,
)
from sklearn_difficulty.recording._separable import needs_one_by_one
from sklearn_difficulty.recording._snapshots import State


def replica(net: Any) -> Any:
    """A net that shares all but its modules and criteria, so that states can be loaded.

    They are in evaluation mode and their parameters are frozen.
    """
    twin = object.__new__(type(net))
    vars(twin).update(vars(net))
    for name in (*net._modules, *net._criteria):
        part = copy.deepcopy(getattr(net, f"{name}_"))
        vars(twin)[f"{name}_"] = part.eval().requires_grad_(False)
    return twin


def batches(
    net: Any, X: Any, y: Any = None, *, sized: Callable[[Any], Any] = for_recording
) -> Iterator[Any]:
    """Batches of rows in order, as a net makes them, and larger ones where that is cheap."""
    with preserved_generators():
        yield from sized(net.get_iterator(net.get_dataset(X, y), training=False))


def outputs_of(net: Any, X: Any) -> torch.Tensor:
    """Class scores of a fitted net's module for rows in order, on the CPU."""
    parts = []
    for batch in batches(net, X):
        y_pred = net.evaluation_step(batch)
        kind = output_kind(net, y_pred)
        parts.append(class_scores(first_output(y_pred), kind).cpu())
    return torch.cat(parts)


def first_shape(net: Any, X: Any) -> tuple[int, ...]:
    """Shape of the first output of a net's module for a row."""
    y_pred = net.evaluation_step(next(batches(net, X)))
    return tuple(first_output(y_pred).shape[1:])


def replay_records(
    net: Any,
    states: Iterable[State],
    X: Any,
    y: Any,
    *,
    columns: Any = None,
    keep: tuple[str, ...] = (),
    label_sets: bool = False,
) -> Iterator[dict[str, Any]]:
    """Records of rows after each kept state, as the tracker would have made them.

    Parameters
    ----------
    net : skorch.NeuralNet
        Fitted net; it is not changed.
    states : iterable of mapping
        Kept states.
    X, y : array of shape (n, ...)
        Rows and their targets, in the types that the net takes.
    columns : array of int or None, default=None
        Outputs that stand for a class, which alone are predicted; None for all.
    keep : tuple of str, default=()
        Large records to make.
    label_sets : bool, default=False
        Whether targets are labels that are there or not.
    """
    twin = replica(net)
    load = StateLoader(twin)
    one_by_one = None
    for state in states:
        load(state)
        parts = []
        for Xi, yi in map(unpack_data, batches(twin, X, y)):
            y_pred = twin.evaluation_step((Xi, yi))
            targets = on_device(yi, get_len(Xi), twin.device)
            if one_by_one is None:
                one_by_one = needs_one_by_one(twin, y_pred, targets, Xi)
            losses = row_losses(twin, y_pred, targets, Xi, one_by_one=one_by_one)
            kind = recorded_kind(twin, y_pred, targets, label_sets=label_sets)
            records, _ = batch_records(y_pred, targets, losses, kind, columns, keep)
            parts.append(to_arrays(records))
        yield _joined(parts)


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Records of one batch after the other as records of all rows."""
    return {
        name: _joined([part[name] for part in parts])
        if isinstance(first, Mapping)
        else np.concatenate([part[name] for part in parts])
        for name, first in parts[0].items()
    }
