"""Take snapshots of a model's parameters while it trains, within a budget of bytes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sklearn_difficulty.recording._losses import unwrapped
from sklearn_difficulty.trajectory import Snapshots, SnapshotSchedule
from sklearn_difficulty.trajectory._snapshot_files import StateOnDisk, write_state

State = Mapping[str, np.ndarray]


def module_state(module: torch.nn.Module) -> dict[str, np.ndarray]:
    """Copy of a module's parameters and buffers, as arrays."""
    state = unwrapped(module).state_dict()
    # what else a module may put into its state (`get_extra_state`) is no array
    tensors = {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
    return {name: _as_array(value) for name, value in tensors.items()}


def trained_parts(net: Any) -> dict[str, torch.nn.Module]:
    """What a net trains, by the prefix of its names in a state.

    That is the module, which has none, and where they have parameters the criterion and the
    modules that a net of a user's own has besides.
    """
    names = [f"{name}_" for name in (*net._modules, *net._criteria) if name != "module"]
    parts = {f"{name}/": getattr(net, name) for name in names}
    others = {
        prefix: part for prefix, part in parts.items() if any(True for _ in part.parameters())
    }
    return {"": net.module_} | others


def net_state(net: Any) -> dict[str, np.ndarray]:
    """Copy of the parameters and buffers of all that a net trains."""
    return {
        prefix + name: value
        for prefix, part in trained_parts(net).items()
        for name, value in module_state(part).items()
    }


def _as_array(value: torch.Tensor) -> np.ndarray:
    value = value.detach()
    is_short = value.is_floating_point() and value.element_size() < 4
    if is_short and value.dtype != torch.float16:
        value = value.float()  # NumPy lacks the other short types; float32 holds them exactly
    return value.to("cpu", copy=True).numpy()


class SnapshotTaker:
    """Holds the snapshots of one run, thinning them out as training goes on.

    Parameters
    ----------
    rule : {"auto", "all"}, int, list of int or None
        Which steps to hold; see :class:`SnapshotSchedule`.
    max_bytes : int
        Budget of ``rule="auto"``.
    folder : Path or None, default=None
        Where the snapshots are written, one file each, and deleted as they are thinned out;
        None holds them in memory.
    """

    def __init__(self, rule: Any, max_bytes: int, folder: Path | None = None) -> None:
        self.rule = rule
        self._max_bytes = max_bytes
        self._folder = folder
        self._schedule: SnapshotSchedule | None = None
        SnapshotSchedule(rule)  # refuses a bad rule before any training
        self._states: dict[int, State] = {}

    def offer(self, step: int, state: Callable[[], State]) -> None:
        """Take the parameters after `step`, if they are wanted."""
        if self.rule is None:
            return
        if self._schedule is None:
            n_bytes = max(1, sum(array.nbytes for array in state().values()))
            self._schedule = SnapshotSchedule(self.rule, max_count=self._max_bytes // n_bytes)
        if self._schedule.offer(step):
            for dropped in self._schedule.evicted(step):
                self._let_go(dropped)
            self._states[step] = self._held(step, state())

    def _held(self, step: int, state: State) -> State:
        if self._folder is None:
            return state
        file = self._folder / f"step{step}.safetensors"
        return StateOnDisk(file, write_state(state, file))

    def _let_go(self, step: int) -> None:
        state = self._states.pop(step, None)
        if isinstance(state, StateOnDisk):
            state.file.unlink()

    def snapshots(self) -> Snapshots | None:
        """What is held, as the snapshots of one model."""
        return None if self.rule is None else Snapshots([dict(self._states)])
