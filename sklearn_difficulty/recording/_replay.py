"""Run kept parameter states of a skorch net over rows: outputs, losses, input gradients."""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from skorch.dataset import get_len, unpack_data

from sklearn_difficulty._foreign import as_array
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.recording._array_batches import (
    ArrayBatches,
    for_gradients,
    for_recording,
)
from sklearn_difficulty.recording._batch_rows import on_device
from sklearn_difficulty.recording._generators import preserved_generators
from sklearn_difficulty.recording._graph_losses import (
    differentiable,
    graph_losses,
    is_reduced_alone,
)
from sklearn_difficulty.recording._losses import row_losses, unwrapped
from sklearn_difficulty.recording._outputs import (
    batch_records,
    class_scores,
    first_output,
    output_kind,
    recorded_kind,
    to_arrays,
)
from sklearn_difficulty.recording._separable import needs_one_by_one
from sklearn_difficulty.recording._snapshots import State, trained_parts

# Each output takes a backward pass of its own.
_MOST_OUTPUTS = 64


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


def load_state(net: Any, state: State) -> None:
    """Put a kept state into what a net trains."""
    parts = trained_parts(net)
    # NumPy arrays of a memory map may be read-only, which torch warns of: the copy is made
    # by load_state_dict anyway, into the module's own parameters.
    tensors: dict[str, dict[str, torch.Tensor]] = {prefix: {} for prefix in parts}
    for key, value in state.items():
        prefix = next((p for p in parts if p and key.startswith(p)), "")
        tensors[prefix][key.removeprefix(prefix)] = torch.tensor(value)
    for prefix, part in parts.items():
        module = unwrapped(part)
        module.load_state_dict(module.state_dict() | tensors[prefix])


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
    one_by_one = None
    for state in states:
        load_state(twin, state)
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


def input_gradients(
    net: Any, states: Iterable[State], X: Any, target: Any, *, output: str
) -> Iterator[np.ndarray]:
    """Gradients of the target class's output, or of the loss, by the input after each kept state.

    The rows of a batch do not see each other in evaluation mode, so that one backward pass
    of the summed outputs gives the gradient of each row.

    Parameters
    ----------
    net : skorch.NeuralNet
        Fitted net; it is not changed.
    states : iterable of mapping
        Kept states.
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
    gradients : ndarray of shape (n, ...)
        In the shape of the inputs. With k outputs and ``"values"``, of shape (n * k, ...): those of
        a row's outputs stand next to each other.

    Raises
    ------
    RecordNotFoundError
        For inputs of another kind, and for the outputs of a net without classes.
    """
    twin = replica(net)
    of_loss = output == "loss"
    reduced_alone = None
    batches_again = _repeated(twin, X, target if of_loss else None)
    for state in states:
        load_state(twin, state)
        parts, start = [], 0
        with differentiable(twin.module_):
            for Xi, yi in map(unpack_data, batches_again()):
                Xi = _differentiable_input(Xi, twin.device)
                stop = start + len(Xi)
                with torch.enable_grad():
                    y_pred = twin.infer(Xi)
                    if of_loss:
                        row = y_pred, on_device(yi, len(Xi), twin.device), Xi
                        if reduced_alone is None:
                            reduced_alone = is_reduced_alone(twin, *row)
                        chosen = graph_losses(twin, *row, reduced_alone=reduced_alone)
                    elif output == "values":
                        chosen = _each_output(y_pred)
                    else:
                        chosen = _class_outputs(twin, y_pred, target[start:stop], output)
                    gradients = _gradients_of(chosen, Xi)
                parts.append(as_array(gradients))
                start = stop
        yield np.concatenate(parts)


def _repeated(net: Any, X: Any, y: Any) -> Callable[[], Iterator[Any]]:
    """The same batches again and again, made once where they are of arrays in memory."""
    with preserved_generators():
        made = for_gradients(net.get_iterator(net.get_dataset(X, y), training=False))
        if isinstance(made, ArrayBatches):
            held = [(Xi.to(net.device), yi) for Xi, yi in made]
            # Copies, as a module may write into what it is given.
            return lambda: ((Xi.clone(), yi) for Xi, yi in held)
    return lambda: batches(net, X, y, sized=for_gradients)


def _gradients_of(chosen: torch.Tensor, Xi: torch.Tensor) -> torch.Tensor:
    """Gradients by the input of a number of each row, or of each of several."""
    if chosen.ndim == 1:
        gradients = torch.autograd.grad(chosen.sum(), Xi)[0]
        missing = chosen.isnan()
        if not missing.any():
            return gradients
        # A row of which no element counts has no loss, and so no gradient of it.
        return gradients.where(~missing.reshape(-1, *[1] * (Xi.ndim - 1)), torch.nan)
    columns = [
        torch.autograd.grad(chosen[:, k].sum(), Xi, retain_graph=True)[0]
        for k in range(chosen.shape[1])
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


def _differentiable_input(Xi: Any, device: Any) -> torch.Tensor:
    if not (isinstance(Xi, torch.Tensor) and Xi.is_floating_point()):
        kind = Xi.dtype if isinstance(Xi, torch.Tensor) else type(Xi).__name__
        raise RecordNotFoundError(
            f"this score needs gradients by the input, which inputs of type {kind} do not "
            "have: it is defined for one array of real numbers per row. The score 'grand', from "
            "gradients by the parameters, is defined for any input."
        )
    return Xi.to(device).requires_grad_()


def _class_outputs(net: Any, y_pred: Any, target: np.ndarray, output: str) -> torch.Tensor:
    """Logit or probability of each row's target class, with its graph, of shape (n,)."""
    outputs, kind = first_output(y_pred), output_kind(net, y_pred)
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
    columns = torch.as_tensor(target, device=chosen.device).reshape(-1, 1)
    return chosen.gather(1, columns).squeeze(1)
