"""Many modules of one kind as one, whose parameters have an axis for the modules.

A small network spends most of its time between operations, so that ten of them at once take
little longer than one.
"""

import copy
import random
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.parameter import is_lazy

from sklearn_difficulty.recording._generators import preserved_generators
from sklearn_difficulty.recording._learner import NotStackableError
from sklearn_difficulty.recording._operations import traced

# Outputs of one module may differ from those of the stack by as much, which is some units in the
# last place of single precision.
_TOLERANCE = 1e-4
# To find the operations of a pass, behind the code that leads to them, takes as long as that code
# takes about so many times.
_LEAST_TO_TRACE = 20
_PARAMETER_HOOKS = ("_backward_hooks", "_post_accumulate_grad_hooks")
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


class StackedModule:
    """Modules that compute at once.

    The parameters of the modules, which are set to train, become views of those of the stack.

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
        self._base = _copied(modules[0]).train()
        self._mapped = vmap(self._one)
        try:
            params, buffers = stack_module_state([module.train() for module in modules])
        except RuntimeError as error:  # modules of one class whose parameters differ in kind
            raise NotStackableError(f"modules that differ ({error})") from error
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
            self._graphs[key] = traced(self._mapped, given)
        return self._graphs[key](*given)

    def _one(self, *given: torch.Tensor) -> torch.Tensor:
        *state, rows = given
        return functional_call(self._base, dict(zip(self._names, state, strict=True)), (rows,))


def check_repeatable(module: torch.nn.Module, X: torch.Tensor) -> None:
    """Raise where a pass does more than compute outputs of inputs and parameters.

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
    hooks = [getattr(part, name, None) for part in module.modules() for name in _HOOKS]
    hooks += [
        getattr(part, name, None) for part in module.parameters() for name in _PARAMETER_HOOKS
    ]
    if any(hooks):
        raise NotStackableError("a module with hooks")
    twin = _copied(module).train()
    held = [value.clone() for value in _held(twin)]
    notes = [_snapshot(vars(part)) for part in twin.modules()]
    with preserved_generators(), torch.no_grad():
        states = _random_states(X)
        try:
            outputs, again = twin(X), twin(X)
            # as each epoch is recorded, of which the stack sees nothing
            twin.eval()(X.clone())
        except Exception as error:  # its own, which its training is to raise
            raise NotStackableError(f"a module that fails ({type(error).__name__})") from error
        twin.train()
        drew = not _are_same(states, _random_states(X))
    if not isinstance(outputs, torch.Tensor) or outputs.ndim == 0 or len(outputs) != len(X):
        raise NotStackableError("a module that returns something else than a tensor of rows")
    if drew:
        raise NotStackableError("a module that draws random numbers, as dropout does")
    if not all(map(torch.equal, held, _held(twin))):
        raise NotStackableError("a module that keeps statistics of batches, as batch norm does")
    noted = [_snapshot(vars(part)) for part in twin.modules()]
    if not _are_same(notes, noted) or not torch.equal(outputs, again):
        raise NotStackableError("a module that changes its attributes from batch to batch")


def check_agreement(
    stack: StackedModule, modules: Sequence[Any], X: torch.Tensor, n_times: Sequence[int] = (1,)
) -> None:
    """Raise where the stack has other outputs or gradients than its modules.

    Parameters
    ----------
    stack : StackedModule
        The modules at once.
    modules : sequence of torch.nn.Module
        The modules.
    X : tensor of shape (n_modules, n, ...)
        Some inputs of each.
    n_times : sequence of int, default=(1,)
        How often inputs may come, on which depends how the stack computes.

    Raises
    ------
    NotStackableError
        When they differ by more than rounding, or the module cannot be mapped.
    """
    with preserved_generators():
        apart = [
            _outputs_and_gradients(module.train()(rows), module.parameters())
            for module, rows in zip(modules, X, strict=True)
        ]
        for often in n_times:
            try:
                with warnings.catch_warnings():
                    # An operation without a rule may be done for one module after the other.
                    warnings.filterwarnings("error", message="There is a performance drop")
                    together = _outputs_and_gradients(
                        stack(X, n_times=often), stack.parameters, n_modules=len(modules)
                    )
            except Exception as error:
                # What a user's module may raise here is anything: a value that is read, an
                # operation that has no rule for being mapped. Trained alone, it raises its own.
                raise NotStackableError(
                    f"a module that torch.func.vmap does not map ({type(error).__name__})"
                ) from error
            if not all(map(_are_close, together, zip(*apart, strict=True))):
                raise NotStackableError("a module that computes something else when it is mapped")


def _outputs_and_gradients(
    outputs: torch.Tensor, parameters: Iterable[torch.Tensor], n_modules: int = 1
) -> list[torch.Tensor | None]:
    """Outputs, and the gradients of their sum with fixed weights by each parameter."""
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    n_weights = outputs.numel() // n_modules
    weights = torch.cos(torch.arange(n_weights, dtype=outputs.dtype, device=outputs.device))
    weighted = outputs.reshape(-1, n_weights) * weights
    return [
        outputs.detach(),
        *torch.autograd.grad(weighted.sum(), trained, allow_unused=True),
    ]


def _are_close(ours: torch.Tensor | None, theirs: Sequence[torch.Tensor | None]) -> bool:
    """Whether what a stack gives is what its modules give, up to rounding."""
    given = [each for each in theirs if each is not None]
    if ours is None or len(given) < len(theirs):
        return ours is None and not given
    if any(each.shape != ours.shape[1:] or each.layout != ours.layout for each in given):
        return False
    if ours.numel() == 0:
        return True
    wanted = torch.stack(given).reshape(len(given), -1)
    ours = ours.reshape(len(given), -1)
    # Infinite numbers are to be the same ones.
    sizes = wanted.abs().nan_to_num(nan=0.0, posinf=0.0)
    slack = _TOLERANCE * (sizes + sizes.amax(1, keepdim=True)) + 1e-12
    return bool(((ours - wanted).abs() <= slack).logical_or(ours == wanted).all())


def _copied(module: torch.nn.Module) -> torch.nn.Module:
    try:
        return copy.deepcopy(module)
    except Exception as error:  # anything that a user's module holds
        raise NotStackableError(
            f"a module that cannot be copied ({type(error).__name__})"
        ) from error


def _held(module: torch.nn.Module) -> list[torch.Tensor]:
    return [*module.parameters(), *module.buffers()]


def _random_states(X: torch.Tensor) -> list[Any]:
    states = [torch.get_rng_state(), np.random.get_state(), random.getstate()]
    return states + ([torch.cuda.get_rng_state(X.device)] if X.is_cuda else [])


def _snapshot(value: Any) -> Any:
    """What a module holds, in containers of its own, which do not change along with it."""
    if isinstance(value, dict):
        return {name: _snapshot(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set):
        return [_snapshot(part) for part in value]
    return value.copy() if isinstance(value, np.ndarray) else value


def _are_same(before: Any, after: Any) -> bool:
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(
            _are_same(before[name], after[name]) for name in before
        )
    if isinstance(before, list | tuple) and isinstance(after, list | tuple):
        return len(before) == len(after) and all(map(_are_same, before, after))
    if isinstance(before, np.ndarray) and isinstance(after, np.ndarray):
        return np.array_equal(before, after)
    if isinstance(before, torch.Tensor) and isinstance(after, torch.Tensor):
        return before is after or (not before.requires_grad and torch.equal(before, after))
    if isinstance(before, bool | int | float | str | bytes | None):
        return type(before) is type(after) and before == after
    return before is after
