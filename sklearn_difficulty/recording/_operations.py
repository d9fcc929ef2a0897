"""The operations on tensors that a function comes down to, without the code that leads to them."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import fx
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

_RESHAPES = {
    torch.ops.aten.expand.default,
    torch.ops.aten.view.default,
    torch.ops.aten._unsafe_view.default,
}
_PRODUCT = torch.ops.aten.mul.Scalar


def traced(
    function: Callable[..., torch.Tensor], inputs: Sequence[torch.Tensor]
) -> Callable[..., torch.Tensor]:
    """Operations of a function, for inputs of the same shapes.

    What :func:`torch.fx.experimental.proxy_tensor.make_fx` finds too, in ten times the time.

    Parameters
    ----------
    function : callable
        Takes tensors and returns one. What it reads besides is taken to stay as it is.
    inputs : sequence of tensors
        Some inputs of it.

    Raises
    ------
    RuntimeError
        Where what it does depends on the values of tensors.
    """
    operations = _Operations(inputs)
    with torch.no_grad(), operations:
        outputs = function(*inputs)
    operations.graph.output(operations.node(outputs))
    return fx.GraphModule(operations.constants, operations.graph)


class _Operations(TorchDispatchMode):
    """Writes operations down as they are called."""

    def __init__(self, inputs: Sequence[torch.Tensor]) -> None:
        super().__init__()
        self.graph = fx.Graph()
        self.constants = torch.nn.Module()
        self._nodes: dict[int, Any] = {}
        self._held: list[torch.Tensor] = []
        for k, tensor in enumerate(inputs):
            self._name(tensor, self.graph.placeholder(f"input{k}"))

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        nodes, options = tree_map_only(torch.Tensor, self.node, (args, kwargs))
        outputs = operation(*args, **kwargs)
        if isinstance(outputs, bool | int | float):
            raise RuntimeError(f"{operation} reads a value")
        if _is_idle(operation, args, outputs):
            self._name(outputs, nodes[0])
            return outputs
        node = self.graph.call_function(operation, nodes, options)
        if isinstance(outputs, torch.Tensor):
            self._name(outputs, node)
        elif outputs is not None:
            for k, each in enumerate(outputs):
                if isinstance(each, torch.Tensor):
                    self._name(each, self.graph.call_function(operator.getitem, (node, k)))
        return outputs

    def node(self, tensor: torch.Tensor) -> fx.Node:
        """What stands for a tensor, which is a constant where no operation made it."""
        if id(tensor) not in self._nodes:
            name = f"constant{len(self._held)}"
            self.constants.register_buffer(name, tensor)
            self._name(tensor, self.graph.get_attr(name))
        return self._nodes[id(tensor)]

    def _name(self, tensor: torch.Tensor, node: fx.Node) -> None:
        self._nodes[id(tensor)] = node
        self._held.append(tensor)  # so that no other gets its id


def _is_idle(operation: Any, args: Any, outputs: Any) -> bool:
    """Whether an operation changes nothing, as many do that mapping makes.

    That is reshapes to the shape that is there already, and products with one.
    """
    if operation not in _RESHAPES and (operation is not _PRODUCT or args[1] != 1):
        return False
    return outputs.shape == args[0].shape and outputs.dtype == args[0].dtype
