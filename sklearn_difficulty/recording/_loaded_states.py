"""Put kept parameter states into a net, once or again and again."""

from typing import Any

import torch

from sklearn_difficulty.recording._losses import unwrapped
from sklearn_difficulty.recording._snapshots import State, trained_parts


def load_state(net: Any, state: State) -> None:
    """Put a kept state into what a net trains."""
    parts = trained_parts(net)
    tensors: dict[str, dict[str, torch.Tensor]] = {prefix: {} for prefix in parts}
    for key, value in state.items():
        prefix = next((p for p in parts if p and key.startswith(p)), "")
        # NumPy arrays of a memory map may be read-only, which torch warns of: the copy is made
        # by load_state_dict anyway, into the module's own parameters.
        tensors[prefix][key.removeprefix(prefix)] = torch.tensor(value)
    for prefix, part in parts.items():
        module = unwrapped(part)
        module.load_state_dict(module.state_dict() | tensors[prefix])


class StateLoader:
    """Puts one kept state after the other into the same net, which is found out about once.

    Values are copied into the net's own tensors where this is all that its modules do when they are
    loaded, in a fraction of the time that :func:`load_state` takes with a small net.

    Parameters
    ----------
    net : skorch.NeuralNet
        The net; it is changed by each state.
    """

    def __init__(self, net: Any) -> None:
        self._net = net
        self._own: dict[str, torch.Tensor] = {}
        for prefix, part in trained_parts(net).items():
            module = unwrapped(part)
            if all(_is_only_copied(each) for each in module.modules()):
                named = module.state_dict().items()
                self._own |= {prefix + name: tensor for name, tensor in named}

    def __call__(self, state: State) -> None:
        """Put a kept state into what the net trains."""
        values = dict(state.items())
        own = self._own
        if any(key not in own or own[key].shape != value.shape for key, value in values.items()):
            load_state(self._net, values)  # which says what does not fit, too
            return
        for key, value in values.items():
            own[key].copy_(_as_tensor(value))


def _as_tensor(value: Any) -> torch.Tensor:
    """An array as a tensor: without a copy, but for one that is read-only, of which torch warns."""
    return torch.from_numpy(value) if value.flags.writeable else torch.tensor(value)


def _is_only_copied(module: torch.nn.Module) -> bool:
    """Whether a module's own state is copied into its tensors, and nothing else happens."""
    own = type(module)
    return (
        not (module._load_state_dict_pre_hooks or module._load_state_dict_post_hooks)
        and not (module._state_dict_hooks or module._state_dict_pre_hooks)
        and own.set_extra_state is torch.nn.Module.set_extra_state
        # those of torch's own layers differ in what they make of states of former versions
        and all(
            method.__module__.startswith("torch.nn.modules.")
            for method in (own.load_state_dict, own._load_from_state_dict, own.state_dict)
        )
    )
