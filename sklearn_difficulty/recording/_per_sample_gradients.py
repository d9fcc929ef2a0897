"""Norms of the gradients of single rows' losses by the parameters, without holding gradients."""

import warnings
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from skorch.dataset import get_len, unpack_data
from skorch.utils import to_numpy

from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.recording._array_batches import faster
from sklearn_difficulty.recording._batch_rows import BatchRows, on_device
from sklearn_difficulty.recording._graph_losses import (
    differentiable,
    graph_losses,
    is_reduced_alone,
)
from sklearn_difficulty.recording._loaded_states import StateLoader
from sklearn_difficulty.recording._losses import unwrapped
from sklearn_difficulty.recording._replay import batches, replica
from sklearn_difficulty.recording._snapshots import State, trained_parts

# Values of all gradients that are there at a time: few enough for a CPU's cache to be of help,
# and on other devices enough to keep them busy.
_VALUES_PER_CHUNK = {"cpu": 2**23}
_VALUES_PER_CHUNK_ELSEWHERE = 2**26
# Rows that are computed both ways, to see whether a net can be mapped over rows.
_ROWS_TRIED = 4


def gradient_norms(net: Any, states: Iterable[State], X: Any, y: Any) -> Iterator[np.ndarray]:
    """Norm of the gradient of each row's loss by all that is trained, after each kept state.

    The net is in evaluation mode and meets each row alone. The loss is the one that is recorded:
    unreduced, and not weighted by class. Parameters are those of the module, of a criterion that
    has some, and of further modules of a net, as far as they require gradients.

    Parameters
    ----------
    net : skorch.NeuralNet
        Fitted net; it is not changed.
    states : iterable of mapping
        Kept states.
    X, y : containers of n rows
        Rows and their targets, as the net takes them; `y` is None where `X` holds them.

    Yields
    ------
    norms : ndarray of shape (n,), float64

    Raises
    ------
    RecordNotFoundError
        If no parameter requires gradients.
    """
    norms_of = _RowNorms(net)
    load = StateLoader(norms_of.net)
    for state in states:
        load(state)
        # not larger than in training, as each row has a gradient for each parameter
        rows = map(unpack_data, batches(norms_of.net, X, y, sized=faster))
        yield np.concatenate([norms_of(Xi, yi) for Xi, yi in rows]).astype(np.float64)


class _RowLoss(torch.nn.Module):
    """All that a net trains, called with a batch of one row and its target."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net = net
        self.parts = torch.nn.ModuleList(unwrapped(part) for part in trained_parts(net).values())
        self.reduced_alone: bool | None = None

    def decide(self, X: Any, y: torch.Tensor) -> None:
        """See from some rows how the loss of one is computed."""
        with torch.no_grad():
            self.reduced_alone = is_reduced_alone(self.net, self.net.infer(X), y, X)

    def forward(self, X: Any, y: torch.Tensor) -> torch.Tensor:
        y_pred = self.net.infer(X)
        return graph_losses(self.net, y_pred, y, X, reduced_alone=bool(self.reduced_alone))[0]


class _RowNorms:
    """Norms for one batch of rows after the other, mapped over rows where the net allows it."""

    def __init__(self, net: Any) -> None:
        named = _RowLoss(net).named_parameters(remove_duplicate=False)
        trained = {name for name, parameter in named if parameter.requires_grad}
        self.net = replica(net)
        for name in (*net._modules, *net._criteria):  # code that was compiled cannot be mapped
            vars(self.net)[f"{name}_"] = unwrapped(getattr(self.net, f"{name}_"))
        self._loss = _RowLoss(self.net)
        self._differentiable = differentiable(self._loss)
        self._parameters = {
            name: parameter for name, parameter in self._loss.named_parameters() if name in trained
        }
        if not self._parameters:
            raise RecordNotFoundError(
                "this score needs gradients by the parameters, and none of those of "
                f"{type(unwrapped(net.module_)).__name__} requires gradients: fit a net that "
                "trains some."
            )
        for parameter in self._parameters.values():
            parameter.requires_grad_()
        n_values = sum(parameter.numel() for parameter in self._parameters.values())
        kind = next(iter(self._parameters.values())).device.type
        most_values = _VALUES_PER_CHUNK.get(kind, _VALUES_PER_CHUNK_ELSEWHERE)
        self._rows_per_chunk = max(1, most_values // n_values)
        self._is_mapped: bool | None = None

    def __call__(self, Xi: Any, yi: Any) -> np.ndarray:
        yi = on_device(yi, get_len(Xi), self.net.device)
        batch = BatchRows(len(yi), Xi, yi)
        with self._differentiable():
            if self._is_mapped is None:
                self._loss.decide(Xi, yi)
                n_tried = min(_ROWS_TRIED, len(yi))
                self._is_mapped = self._can_be_mapped(BatchRows(n_tried, *batch.piece(0, n_tried)))
            return to_numpy(self._mapped(batch) if self._is_mapped else self._one_by_one(batch))

    def _can_be_mapped(self, batch: BatchRows) -> bool:
        if self._rows_per_chunk == 1 or not batch.are_tensors:
            return False
        try:
            mapped = self._mapped(batch)
        except (RuntimeError, ValueError):
            # Code that reads a value (`.item()`, `if x > 0`) or writes into a tensor of its own
            # cannot be mapped; it can be called, and what it raises then is its own error.
            return False
        single = self._one_by_one(batch)
        coarsest = max(torch.finfo(p.dtype).eps for p in self._parameters.values())
        tolerance = 4 * coarsest**0.5
        smallest = tolerance * float(single.nan_to_num().abs().max())
        return torch.allclose(mapped, single, rtol=tolerance, atol=smallest, equal_nan=True)

    def _mapped(self, batch: BatchRows) -> torch.Tensor:
        parameters = {name: p.detach() for name, p in self._parameters.items()}
        call = partial(torch.func.functional_call, self._loss)

        def norm(*row: torch.Tensor) -> torch.Tensor:
            one = tuple(batch.whole([part.unsqueeze(0) for part in row]))
            gradients, loss = torch.func.grad_and_value(call)(parameters, one)
            return _norm(gradients.values(), loss)

        with warnings.catch_warnings():
            # of a layer that is mapped row by row, which is no slower than the other way
            warnings.filterwarnings("ignore", message="There is a performance drop")
            return torch.func.vmap(norm, randomness="different", chunk_size=self._rows_per_chunk)(
                *batch.held
            )

    def _one_by_one(self, batch: BatchRows) -> torch.Tensor:
        parameters, norms = list(self._parameters.values()), []
        with torch.enable_grad():
            for row in batch.singly():
                loss = self._loss(*row)
                gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
                norms.append(_norm((g for g in gradients if g is not None), loss.detach()))
        return torch.stack(norms)


def _norm(gradients: Iterable[torch.Tensor], loss: torch.Tensor) -> torch.Tensor:
    """Norm of a row's gradients; NaN where it has no loss, as none of its elements counts."""
    # Squares of half precision would overflow.
    norms = [
        torch.linalg.vector_norm(g, dtype=torch.promote_types(g.dtype, torch.float32))
        for g in gradients
    ]
    return torch.linalg.vector_norm(torch.stack(norms)).where(~loss.isnan(), torch.nan)
