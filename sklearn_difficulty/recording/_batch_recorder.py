"""Records of the batches of a net, made as they come and written into the step that is open."""

from typing import Any

import numpy as np
import torch
from skorch.dataset import get_len, unpack_data

from sklearn_difficulty.recording._array_batches import for_recording
from sklearn_difficulty.recording._bad_rows import BadRows
from sklearn_difficulty.recording._batch_rows import on_device
from sklearn_difficulty.recording._elements import RowLosses
from sklearn_difficulty.recording._generators import preserved_generators
from sklearn_difficulty.recording._losses import row_losses
from sklearn_difficulty.recording._outputs import (
    batch_records,
    check_probabilities,
    recorded_kind,
    to_arrays,
)
from sklearn_difficulty.recording._row_numbers import with_rows
from sklearn_difficulty.recording._separable import check_separable
from sklearn_difficulty.recording._step_recorder import StepRecorder
from sklearn_difficulty.recording._target_notes import TargetNotes
from sklearn_difficulty.recording._waiting_batches import WaitingBatches, can_wait


class BatchRecorder:
    """Makes the records of batches of a net, in a way that it finds with the first of them.

    Parameters
    ----------
    recorder : StepRecorder
        What they are written into.
    notes : TargetNotes
        Notes the targets of the same rows.
    columns : array of int or None, default=None
        Outputs that stand for a class; None for all.

    Attributes
    ----------
    keep : tuple of str
        Large records to make.
    kind : str or None
        What the module emits; see :func:`~sklearn_difficulty.recording._outputs.recorded_kind`.
        None before the first batch.
    losses_are_told_at_once : bool
        Whether the losses of rows are known to be told from a batch at once, so that more rows
        may be added to it.
    element_component : str or None
        Name of the part of the loss that the elements are of.
    bad_rows : BadRows
        Rows without a loss in the step that is open.
    """

    def __init__(
        self, recorder: StepRecorder, notes: TargetNotes, columns: np.ndarray | None = None
    ) -> None:
        self._recorder = recorder
        self._notes = notes
        self._columns = columns
        self.keep: tuple[str, ...] = ()
        self.kind: str | None = None
        self.element_component: str | None = None
        self._is_checked = False
        self._one_by_one = False
        self._can_wait = False
        self.begin_step()

    @property
    def losses_are_told_at_once(self) -> bool:
        """Whether the losses of rows are known to be told from a batch at once."""
        return self._is_checked and not self._one_by_one

    def begin_step(self) -> None:
        """Forget what was seen of a step that was not closed."""
        self.bad_rows = BadRows()
        self._waiting = WaitingBatches()

    def look_at(self, net: Any, batch: Any, y_pred: Any) -> None:
        """See what a net emits, and how the losses of rows are told, from its first batch.

        Parameters
        ----------
        net : skorch.NeuralNet
            Initialized net.
        batch : tuple
            As the iterator gave it.
        y_pred : tensor or tuple of tensors
            Its outputs.

        Raises
        ------
        ValueError, UnreducibleCriterionError
            Where rows have no records to be made of them.
        """
        check_probabilities(net, y_pred)
        Xi, yi = unpack_data(batch)
        targets = on_device(yi, get_len(Xi), net.device)
        may_be_label_sets = self._notes.may_be_label_sets
        self.kind = recorded_kind(net, y_pred, targets, label_sets=may_be_label_sets)
        self._check_rows_alone(net, y_pred, targets, Xi)
        self._can_wait = not self._one_by_one and can_wait(net, y_pred, targets)

    def _check_rows_alone(self, net: Any, y_pred: Any, targets: Any, Xi: Any) -> None:
        with preserved_generators():
            self._one_by_one = check_separable(net, y_pred, targets, Xi)
        # of a batch of one row there is nothing to see
        self._is_checked = get_len(Xi) > 1

    def record_pass(self, net: Any, dataset: Any) -> None:
        """Record rows in a pass of its own, which changes neither the net nor any generator.

        Parameters
        ----------
        net : skorch.NeuralNet
            Initialized net.
        dataset : Dataset
            All rows.
        """
        training = {part: part.training for part in net.module_.modules()}
        with preserved_generators():

            def make(dataset: Any) -> Any:
                return for_recording(net.get_iterator(dataset, training=False))

            iterator = with_rows(make, dataset)
            for batch in iterator:
                self._record_batch(net, batch, net.evaluation_step(batch), iterator.rows)
        for part, mode in training.items():
            part.training = mode

    def record_soon(
        self, net: Any, batch: Any, y_pred: Any, rows: np.ndarray, *, keeps_targets: bool = False
    ) -> None:
        """Record a batch, at the latest with :meth:`record_waiting`.

        Parameters
        ----------
        net : skorch.NeuralNet
            Net that was looked at.
        batch : tuple
            As the iterator gave it.
        y_pred : tensor or tuple of tensors
            Its outputs.
        rows : ndarray of int of shape (k,)
            Row numbers.
        keeps_targets : bool, default=False
            Whether nobody else uses the memory of the targets.
        """
        if not self._can_wait:
            self._record_batch(net, batch, y_pred, rows)
            return
        _, targets = unpack_data(batch)
        _check_all_told(rows, targets)
        waiting = self._waiting
        if not waiting.go_with(y_pred, targets):
            self.record_waiting(net)
        if waiting.add(rows, y_pred, targets, keeps_targets=keeps_targets):
            self.record_waiting(net)

    def record_waiting(self, net: Any) -> None:
        """Record the batches that wait."""
        waiting = self._waiting.take()
        if waiting is not None:
            rows, y_pred, targets = waiting
            self._record(net, rows, y_pred, on_device(targets, len(rows), net.device))

    def _record_batch(self, net: Any, batch: Any, y_pred: Any, rows: np.ndarray) -> None:
        Xi, yi = unpack_data(batch)
        _check_all_told(rows, yi)
        if self.kind is None:  # as there are fewer rows than a batch has, all of them dropped
            self.look_at(net, batch, y_pred)
        self._record(net, rows, y_pred, on_device(yi, len(rows), net.device), Xi)

    def _record(
        self, net: Any, rows: np.ndarray, y_pred: Any, targets: Any, Xi: Any = None
    ) -> None:
        if not self._is_checked and Xi is not None and len(rows) > 1:
            self._check_rows_alone(net, y_pred, targets, Xi)
        losses, records, n_columns = self.records_of(net, y_pred, targets, Xi)
        self.write(net, rows, targets, losses, records, n_columns)

    def records_of(
        self, net: Any, y_pred: Any, targets: Any, Xi: Any = None
    ) -> tuple[RowLosses, dict[str, Any], int]:
        """Make the records of rows of a net that was looked at.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.
        y_pred : tensor or tuple of tensors
            Outputs.
        targets : object
            Targets, where the outputs are.
        Xi : object, default=None
            Inputs, for a loss that reads them.

        Returns
        -------
        losses : RowLosses
            Their losses.
        records : dict
            Their records, arrays.
        n_columns : int
            Outputs that stand for a class, where some do.
        """
        losses = row_losses(net, y_pred, targets, Xi, one_by_one=self._one_by_one)
        assert self.kind is not None
        records, outputs = batch_records(
            y_pred, targets, losses, self.kind, self._columns, self.keep
        )
        return losses, to_arrays(records), outputs.shape[-1]

    def write(
        self,
        net: Any,
        rows: np.ndarray,
        targets: Any,
        losses: RowLosses,
        records: dict[str, Any],
        n_columns: int,
    ) -> None:
        """Write the records of rows into the step that is open.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.
        rows : ndarray of int of shape (k,)
            Row numbers.
        targets : object
            Their targets.
        losses, records, n_columns : objects
            As :meth:`records_of` gives them.
        """
        self.bad_rows.note(rows, losses)
        if "elements" in records:
            self.element_component = losses.element_component
        self._recorder.write(rows, records)
        assert self.kind is not None
        self._notes.note(net, rows, targets, self.kind, n_columns)


def _check_all_told(rows: np.ndarray, yi: Any) -> None:
    n_rows = len(yi) if isinstance(yi, torch.Tensor | list) else get_len(yi)
    if len(rows) != n_rows:
        raise ValueError(
            f"iterator_train handed out a batch of {n_rows} rows after asking its "
            f"dataset for {len(rows)}, so that the rows of a batch cannot be told: use "
            "torch's DataLoader, or record with when='after'."
        )
