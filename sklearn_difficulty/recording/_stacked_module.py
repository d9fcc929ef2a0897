"""Many modules of one kind as one, whose parameters have an axis for the modules.

A small network spends most of its time between operations, so that ten of them at once take
little longer than one.
"""

import copy
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch.func import functional_call, stack_module_state, vmap
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.parameter import is_lazy

from sklearn_difficulty.recording._generators import preserved_generators
from sklearn_difficulty.recording._learner import NotStackableError

# Outputs of one module may differ from those of the stack by as much, which is some units in the
# last place of single precision.
_TOLERANCE = 1e-4
# To find the operations of a pass, behind the code that leads to them, takes as long as that code
# takes some dozens of times.
_LEAST_TO_TRACE = 50
_RESHAPES = {
    torch.ops.aten.expand.default,
    torch.ops.aten.view.default,
    torch.ops.aten._unsafe_view.default,
}
_PRODUCT = torch.ops.aten.mul.Scalar
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


class StackedModule:
    """Modules that compute at once.

    The parameters of the modules become views of those of the stack.

    Parameters
    ----------
    modules : sequence of torch.nn.Module
        Initialized alike, but for their numbers.

    Attributes
    ----------
    parameters : list of tensors of shape (n_modules, ...)
        Leaves, in the order of the parameters of one module.
    """

    def __init__(self, modules: Sequence[torch.nn.Module]) -> None:
        self._base = copy.deepcopy(modules[0]).train()
        self._mapped = vmap(self._one)
        params, buffers = stack_module_state(list(modules))
        self._names = [*params, *buffers]
        self.parameters = list(params.values())
        self._buffers = list(buffers.values())
        self._graphs: dict[Any, Any] = {}
        for k, module in enumerate(modules):
            for name, parameter in module.named_parameters():
                parameter.data = params[name].data[k]

    def __call__(self, X: torch.Tensor, *, n_times: int = 1) -> torch.Tensor:
        """Outputs in training, of shape (n_modules, n, ...).

        Parameters
        ----------
        X : tensor of shape (n_modules, n, ...)
            Inputs of each module.
        n_times : int, default=1
            How often inputs of this shape come.
        """
        given = (*self.parameters, *self._buffers, X)
        if n_times < _LEAST_TO_TRACE:
            return self._mapped(*given)
        key = X.shape, X.dtype
        if key not in self._graphs:
            with torch.no_grad():
                self._graphs[key] = _without_idle_operations(make_fx(self._mapped)(*given))
        return self._graphs[key](*given)

    def _one(self, *given: torch.Tensor) -> torch.Tensor:
        *state, rows = given
        return functional_call(self._base, dict(zip(self._names, state, strict=True)), (rows,))


def _without_idle_operations(graph: torch.fx.GraphModule) -> torch.fx.GraphModule:
    """Leave out what changes nothing, of which mapping makes much.

    That is reshapes to the shape that is there already, and products with one.
    """
    for node in list(graph.graph.nodes):
        if node.op != "call_function" or node.target not in (*_RESHAPES, _PRODUCT):
            continue
        source = node.args[0]
        before, after = (part.meta["tensor_meta"] for part in (source, node))
        by_one = node.target is not _PRODUCT or node.args[1] == 1
        if by_one and (before.shape, before.dtype) == (after.shape, after.dtype):
            node.replace_all_uses_with(source)
            graph.graph.erase_node(node)
    graph.recompile()
    return graph


def check_repeatable(module: torch.nn.Module, X: torch.Tensor) -> None:
    """Raise where a pass in training does more than compute outputs of inputs and parameters.

    Parameters
    ----------
    module : torch.nn.Module
        Module.
    X : tensor of shape (n, ...)
        Some of its inputs.

    Raises
    ------
    NotStackableError
        When it draws random numbers, changes itself, or calls hooks.
    """
    if any(is_lazy(parameter) for parameter in module.parameters()):
        raise NotStackableError("a module that sizes itself to its first batch")
    if any(getattr(part, name, None) for part in module.modules() for name in _HOOKS):
        raise NotStackableError("a module with hooks")
    twin = copy.deepcopy(module).train()
    buffers = [buffer.clone() for buffer in twin.buffers()]
    notes = [_notes(part) for part in twin.modules()]
    with preserved_generators(), torch.no_grad():
        states = _random_states(X)
        outputs = twin(X)
        drew = any(not torch.equal(*pair) for pair in zip(states, _random_states(X), strict=True))
    if not isinstance(outputs, torch.Tensor) or outputs.ndim == 0 or len(outputs) != len(X):
        raise NotStackableError("a module that returns something else than a tensor of rows")
    if drew:
        raise NotStackableError("a module that draws random numbers, as dropout does")
    if any(not torch.equal(*pair) for pair in zip(buffers, twin.buffers(), strict=True)):
        raise NotStackableError("a module that keeps statistics of batches, as batch norm does")
    if notes != [_notes(part) for part in twin.modules()]:
        raise NotStackableError("a module that changes its attributes from batch to batch")


def check_outputs_agree(stack: StackedModule, modules: Sequence[Any], X: torch.Tensor) -> None:
    """Raise where the stack computes something else than its modules.

    Parameters
    ----------
    stack : StackedModule
        The modules at once.
    modules : sequence of torch.nn.Module
        The modules.
    X : tensor of shape (n_modules, n, ...)
        Some inputs of each.

    Raises
    ------
    NotStackableError
        When they differ by more than rounding, or the module cannot be mapped.
    """
    with preserved_generators(), torch.no_grad():
        try:
            with warnings.catch_warnings():
                # An operation without a rule may be done for one module after the other.
                warnings.filterwarnings("error", message="There is a performance drop")
                together = stack(X)
        except Exception as error:
            # What a user's module may raise here is anything: a value that is read, an operation
            # that has no rule for being mapped. Trained alone, it raises its own errors.
            raise NotStackableError(
                f"a module that torch.func.vmap does not map ({type(error).__name__})"
            ) from error
        apart = torch.stack([module.train()(rows) for module, rows in zip(modules, X, strict=True)])
    if together.shape != apart.shape or not torch.allclose(
        together, apart, rtol=_TOLERANCE, atol=_TOLERANCE * float(apart.abs().max())
    ):
        raise NotStackableError("a module that computes something else when it is mapped")


def _random_states(X: torch.Tensor) -> list[torch.Tensor]:
    states = [torch.get_rng_state()]
    return states + ([torch.cuda.get_rng_state(X.device)] if X.is_cuda else [])


def _notes(part: torch.nn.Module) -> dict[str, Any]:
    """What a module holds besides parameters, buffers and parts."""
    return {
        name: value
        for name, value in vars(part).items()
        if isinstance(value, bool | int | float | str | tuple | None)
    }
