"""One pass over the rows that records several nets, in place of one for each.

The outputs are those of each net apart, so that they are what its own pass would give. What is
made of them takes many operations on few numbers each, which take as long for one net as for ten.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from skorch.dataset import get_len, unpack_data

from sklearn_difficulty.recording._array_batches import ArrayBatches, for_recording
from sklearn_difficulty.recording._batch_recorder import BatchRecorder
from sklearn_difficulty.recording._batch_rows import on_device
from sklearn_difficulty.recording._elements import RowLosses
from sklearn_difficulty.recording._generators import preserved_generators
from sklearn_difficulty.recording._overrides import is_known
from sklearn_difficulty.recording._tracker import DifficultyTracker

# Of more outputs the records take their time however many are made at once.
_MOST_VALUES = 2**18


def can_share_passes(trackers: Sequence[DifficultyTracker]) -> bool:
    """Whether nets that saw their first batch may be recorded in one pass.

    Parameters
    ----------
    trackers : sequence of DifficultyTracker
        What records them, of the same rows, by the same torch's own criterion.
    """
    recorders = [tracker.batch_recorder_ for tracker in trackers]
    return (
        len({(recorder.kind, recorder.keep) for recorder in recorders}) == 1
        and all(tracker.when == "after" and tracker.data is None for tracker in trackers)
        # else a batch of the pass is needed to tell how the losses of rows are to be told
        and all(recorder.losses_are_told_at_once for recorder in recorders)
    )


class JointPasses:
    """Passes over the rows that several nets were trained on.

    Parameters
    ----------
    nets : sequence of skorch.NeuralNet
        Initialized alike, with one criterion of torch's without weights.
    trackers : sequence of DifficultyTracker
        What records them, as :func:`can_share_passes` wants them.
    dataset : Dataset
        The rows of each.

    Attributes
    ----------
    are_of_arrays : bool
        Whether the rows of a batch are known; else no pass can be made.
    """

    def __init__(
        self, nets: Sequence[Any], trackers: Sequence[DifficultyTracker], dataset: Any
    ) -> None:
        recorders = [tracker.batch_recorder_ for tracker in trackers]
        self._nets = list(zip(nets, recorders, strict=True))
        self._has_plain_steps = all(is_known(net, "evaluation_step") for net in nets)
        self._first = nets[0]
        self._batches = for_recording(self._first.get_iterator(dataset, training=False))
        self.are_of_arrays = isinstance(self._batches, ArrayBatches)

    def record(self) -> None:
        """Write the records of the epoch that is open."""
        with preserved_generators():
            for batch in self._batches:
                self._record_batch(batch, self._batches.rows)

    def _record_batch(self, batch: Any, rows: np.ndarray) -> None:
        Xi, yi = unpack_data(batch)
        targets = on_device(yi, get_len(Xi), self._first.device)
        # Copies, as a module may write into what it is given.
        outputs = [self._outputs(net, Xi.clone(), yi) for net, _ in self._nets]
        n_at_once = max(1, _MOST_VALUES // max(1, outputs[0].numel()))
        for start in range(0, len(outputs), n_at_once):
            some = slice(start, start + n_at_once)
            self._record_some(self._nets[some], rows, targets, outputs[some])

    def _outputs(self, net: Any, Xi: torch.Tensor, yi: torch.Tensor) -> torch.Tensor:
        if not self._has_plain_steps or net.module_.training:
            return net.evaluation_step((Xi, yi))  # from which on the net stays in evaluation mode
        with torch.no_grad():
            return net.infer(Xi)

    def _record_some(
        self,
        nets: list[tuple[Any, BatchRecorder]],
        rows: np.ndarray,
        targets: torch.Tensor,
        outputs: list[torch.Tensor],
    ) -> None:
        _, any_of_them = nets[0]
        y_pred, y_true = torch.cat(outputs), torch.cat([targets] * len(nets))
        losses, records, n_columns = any_of_them.records_of(self._first, y_pred, y_true)
        for k, (net, own) in enumerate(nets):
            part = slice(k * len(rows), (k + 1) * len(rows))
            of_net = _losses_of(losses, part), _rows_of(records, part)
            own.write(net, rows, targets, *of_net, n_columns)


def _losses_of(losses: RowLosses, part: slice) -> RowLosses:
    """Losses of some rows, without those of their elements."""
    return dataclasses.replace(
        losses,
        loss=losses.loss[part],
        components=_rows_of(losses.components, part),
        elements=None,
        is_empty=None if losses.is_empty is None else losses.is_empty[part],
        scores=None,
    )


def _rows_of(records: Mapping[str, Any], part: slice) -> dict[str, Any]:
    """Records of some rows."""
    return {
        name: _rows_of(values, part) if isinstance(values, Mapping) else values[part]
        for name, values in records.items()
    }
