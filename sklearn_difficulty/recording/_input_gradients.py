"""Gradients by the input, of a few rows after the others, at each kept state of a net."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from skorch.dataset import unpack_data

from sklearn_difficulty._foreign import as_array
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.recording._array_batches import ArrayBatches, for_gradients
from sklearn_difficulty.recording._batch_rows import on_device
from sklearn_difficulty.recording._generators import preserved_generators
from sklearn_difficulty.recording._graph_losses import (
    differentiable,
    graph_losses,
    is_reduced_alone,
)
from sklearn_difficulty.recording._loaded_states import StateLoader
from sklearn_difficulty.recording._outputs import first_output, output_kind
from sklearn_difficulty.recording._replay import batches, replica
from sklearn_difficulty.recording._snapshots import State

# Batches that meet a state together: so many that loading it takes less time than its gradients,
# which an accelerator computes much faster than states reach it.
_LEAST_ROWS = 64
_LEAST_VALUES = {"cpu": 2**15}
_LEAST_VALUES_ELSEWHERE = 2**20
# Each output takes a backward pass of its own.
_MOST_OUTPUTS = 64


@dataclass
class _Batch:
    """Rows that stay while states pass by.

    Attributes
    ----------
    X : tensor of shape (k, ...)
        Inputs.
    target : object
        Targets, or of shape (k, 1) the numbers of the outputs that are differentiated.
    factors : tensor of the shape of the outputs, or None
        1 for these outputs and 0 for others, once they were needed.
    """

    X: torch.Tensor
    target: Any
    factors: torch.Tensor | None = None


def input_gradients(
    net: Any, states: Callable[[], Iterable[State]], X: Any, target: Any, *, output: str
) -> Iterator[Iterator[np.ndarray]]:
    """Gradients of the target class's output, or of the loss, by the input after each kept state.

    A batch meets all states before the next one is made, so that no more than its gradients are
    there at a time. The rows of a batch do not see each other in evaluation mode, so that one
    backward pass of the summed outputs gives the gradient of each row.

    Parameters
    ----------
    net : skorch.NeuralNet
        Fitted net; it is not changed.
    states : callable
        Gives the kept states, mappings, from the first one on whenever it is called.
    X : container of n rows
        Rows: one array of real numbers each.
    target : ndarray of shape (n,), or what the net takes as targets
        Numbers of the outputs; the targets for ``output="loss"``, None where they are in `X`.
    output : {"logit", "proba", "loss", "values"}
        ``"logit"`` is the module's own where it returns logits, and the centred
        log-probability (the logit up to a shift that all classes share) where it returns
        probabilities. ``"loss"`` is that of each row as it is recorded: unreduced, and not
        weighted by class. ``"values"`` takes each of the module's outputs as it is.

    Yields
    ------
    of_rows : iterator of ndarray of shape (k, ...)
        For the next k rows, in order, their gradients after each state, in the shape of the inputs.
        With m outputs and ``"values"``, of shape (k * m, ...): those of a row's outputs stand next
        to each other.

    Raises
    ------
    RecordNotFoundError
        For inputs of another kind, and for the outputs of a net without classes.
    """
    twin = replica(net)
    load, gradients_of = StateLoader(twin), _Differentiated(twin, output)
    own_targets = None if output in ("loss", "values") else target
    made = _batches(twin, X, target if output == "loss" else None)
    for together in _together(_with_targets(made, own_targets, twin.device)):
        yield _along_states(load, states, gradients_of, together)


def _along_states(
    load: StateLoader,
    states: Callable[[], Iterable[State]],
    gradients_of: "_Differentiated",
    together: list[_Batch],
) -> Iterator[np.ndarray]:
    for state in states():
        load(state)
        parts = [as_array(gradients_of(batch)) for batch in together]
        yield parts[0] if len(parts) == 1 else np.concatenate(parts)


def _batches(net: Any, X: Any, y: Any) -> Iterator[Any]:
    """Batches of rows in order, those of arrays in memory without the generators' turn."""
    with preserved_generators():
        made = for_gradients(net.get_iterator(net.get_dataset(X, y), training=False))
        if isinstance(made, ArrayBatches):
            several = iter(made)
            # which draws, as a DataLoader does, before the first batch and no other
            return chain(list(islice(several, 1)), several)
    return batches(net, X, y, sized=for_gradients)


def _with_targets(made: Iterable[Any], target: Any, device: Any) -> Iterator[_Batch]:
    """Batches on a device, with numbers of outputs in place of their targets where these count."""
    start = 0
    for Xi, yi in map(unpack_data, made):
        Xi = _differentiable_input(Xi, device)
        if target is None:
            yield _Batch(Xi, yi)
            continue
        stop = start + len(Xi)
        columns = torch.as_tensor(target[start:stop], device=Xi.device).reshape(-1, 1)
        yield _Batch(Xi, columns)
        start = stop


def _together(made: Iterable[_Batch]) -> Iterator[list[_Batch]]:
    """As many batches at a time as are worth loading a state for."""
    several: list[_Batch] = []
    for batch in made:
        several.append(batch)
        least = _LEAST_VALUES.get(batch.X.device.type, _LEAST_VALUES_ELSEWHERE)
        n_rows, n_values = sum(len(b.X) for b in several), sum(b.X.numel() for b in several)
        if n_rows >= _LEAST_ROWS and n_values >= least:
            yield several
            several = []
    if several:
        yield several


def _differentiable_input(Xi: Any, device: Any) -> torch.Tensor:
    if not (isinstance(Xi, torch.Tensor) and Xi.is_floating_point()):
        kind = Xi.dtype if isinstance(Xi, torch.Tensor) else type(Xi).__name__
        raise RecordNotFoundError(
            f"this score needs gradients by the input, which inputs of type {kind} do not "
            "have: it is defined for one array of real numbers per row. The score 'grand', from "
            "gradients by the parameters, is defined for any input."
        )
    return Xi.to(device)


class _Differentiated:
    """Gradients by a batch of rows, at the state that a net is in."""

    def __init__(self, net: Any, output: str) -> None:
        self.net = net
        self._output = output
        self._differentiable = differentiable(net.module_)
        self._reduced_alone: bool | None = None

    def __call__(self, batch: _Batch) -> torch.Tensor:
        # A copy, as a module may write into what it is given.
        Xi = batch.X.clone().requires_grad_()
        with self._differentiable(), torch.enable_grad():
            y_pred = self.net.infer(Xi)
            if self._output == "loss":
                return _of_each_row(self._losses(y_pred, batch.target, Xi), Xi)
            if self._output == "values":
                return _of_each_output(_each_output(y_pred), Xi)
            outputs, kind = first_output(y_pred), output_kind(self.net, y_pred)
            if kind == "logits" and self._output == "logit":
                return _of_own_columns(outputs, batch, Xi)
            return _of_each_row(_class_outputs(outputs, kind, batch.target, self._output), Xi)

    def _losses(self, y_pred: Any, yi: Any, Xi: torch.Tensor) -> torch.Tensor:
        row = y_pred, on_device(yi, len(Xi), self.net.device), Xi
        if self._reduced_alone is None:
            self._reduced_alone = is_reduced_alone(self.net, *row)
        return graph_losses(self.net, *row, reduced_alone=self._reduced_alone)


def _of_each_row(chosen: torch.Tensor, Xi: torch.Tensor) -> torch.Tensor:
    """Gradients of a number of each row."""
    total = chosen.sum()
    [gradients] = torch.autograd.grad(total, Xi)
    return _missing_left_out(gradients, chosen) if total.isnan() else gradients


def _of_own_columns(outputs: torch.Tensor, batch: _Batch, Xi: torch.Tensor) -> torch.Tensor:
    """Gradients of the output that is each row's own.

    They are told to the backward pass as factors of the outputs, which takes fewer operations than
    to take these out and sum them up: with a small net a tenth of a pass.
    """
    if batch.factors is None:
        batch.factors = torch.zeros_like(outputs).scatter_(1, batch.target, 1)
    [gradients] = torch.autograd.grad(outputs, Xi, batch.factors)
    if not outputs.detach().sum().isnan():
        return gradients
    return _missing_left_out(gradients, outputs.gather(1, batch.target).squeeze(1))


def _missing_left_out(gradients: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """NaN for rows without a number: of which no element counts, such a row has no loss."""
    missing = chosen.isnan().reshape(-1, *[1] * (gradients.ndim - 1))
    return gradients.where(~missing, torch.nan)


def _of_each_output(outputs: torch.Tensor, Xi: torch.Tensor) -> torch.Tensor:
    """Gradients of each of several numbers of a row, those of a row next to each other."""
    columns = [
        torch.autograd.grad(outputs[:, k].sum(), Xi, retain_graph=True)[0]
        for k in range(outputs.shape[1])
    ]
    return torch.stack(columns, dim=1).flatten(0, 1)


def _each_output(y_pred: Any) -> torch.Tensor:
    """Outputs of a module for each row, (n, k), as far as there are few."""
    outputs = first_output(y_pred)
    flat = outputs.reshape(len(outputs), -1)
    if flat.shape[1] > _MOST_OUTPUTS:
        raise RecordNotFoundError(
            f"this score needs the gradients of each output, and the module gives "
            f"{flat.shape[1]} for each row, more than {_MOST_OUTPUTS}: take the gradients of the "
            "loss, as with score='input_gradient_norm' or 'grand'."
        )
    return flat


def _class_outputs(
    outputs: torch.Tensor, kind: str, columns: torch.Tensor, output: str
) -> torch.Tensor:
    """Logit or probability of each row's target class, with its graph, of shape (n,)."""
    if kind == "values":
        raise RecordNotFoundError(
            "this score needs the output of a class, and this net is not a classifier: take the "
            "gradients of the loss, as with score='input_gradient_norm'."
        )
    if kind.startswith("binary"):
        flat = outputs.reshape(len(outputs))
        logit = torch.logit(flat, eps=1e-7) if kind == "binary_proba" else flat
        logits = torch.stack([-logit / 2, logit / 2], dim=1)
    elif kind == "logits":
        logits = outputs
    else:
        tiny = torch.finfo(outputs.dtype).tiny
        log_proba = outputs.clamp_min(tiny).log() if kind == "proba" else outputs
        logits = log_proba - log_proba.mean(dim=1, keepdim=True)
    chosen = logits.softmax(dim=1) if output == "proba" else logits
    return chosen.gather(1, columns).squeeze(1)
