"""The skorch callback that records a training."""

import dataclasses
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from skorch.callbacks import Callback
from skorch.dataset import get_len

from sklearn_difficulty._validation import check_choice
from sklearn_difficulty.exceptions import NonFiniteLossError
from sklearn_difficulty.recording._array_batches import faster
from sklearn_difficulty.recording._batch_recorder import BatchRecorder
from sklearn_difficulty.recording._datasets import base_rows
from sklearn_difficulty.recording._elements import total_of_parts
from sklearn_difficulty.recording._generators import preserved_generators
from sklearn_difficulty.recording._keep import checked_keep
from sklearn_difficulty.recording._losses import is_torchs_own, unwrapped
from sklearn_difficulty.recording._overrides import is_known, rows_may_stay_on
from sklearn_difficulty.recording._row_numbers import with_rows
from sklearn_difficulty.recording._snapshots import SnapshotTaker, net_state
from sklearn_difficulty.recording._step_recorder import StepRecorder
from sklearn_difficulty.recording._target_notes import TargetNotes
from sklearn_difficulty.trajectory import Trajectory


class DifficultyTracker(Callback):
    """Callback of skorch that records what each sample does during training.

    Recording does not change the fit: weights and history are bit-equal with and without
    the callback, and every random generator is left as it was found.

    Parameters
    ----------
    when : {"after", "during"}, default="after"
        ``"after"`` records each epoch in a pass of its own: evaluation mode, no shuffling,
        all rows with the same weights. ``"during"`` records the training pass itself at no
        extra forward pass: training mode, each batch with the weights it met. The two are
        different quantities, and the trajectory says which it holds.
    snapshots : {"auto", "all"}, int, list of int or None, default="auto"
        Which epochs to keep the parameters of: spread evenly with the first and the last
        three always and at most `max_snapshot_bytes` in all (``"auto"``), every epoch, this
        many, these (counted from 0), or none.
    max_snapshot_bytes : int, default=2**30
        Byte budget of ``snapshots="auto"``.
    keep : tuple of {"outputs", "elements"}, default=()
        Records that are made only on demand, for their size: ``"outputs"`` keeps the logits
        (or log-probabilities) of every epoch, ``"elements"`` the running sum of the losses
        per element, such as per pixel.
    data : tuple (X, y) or None, default=None
        Rows to record instead of those that are trained on. Only with ``when="after"``.

    Attributes
    ----------
    trajectory_ : Trajectory
        What was recorded in the epochs that were completed; one run.

    Raises
    ------
    NonFiniteLossError
        Out of the net's ``fit``, as soon as a loss is NaN or infinite. It carries the epoch
        and the trajectory so far.

    See Also
    --------
    TrackedNetClassifier : The same as a net of its own.
    sklearn_difficulty.DifficultyScorer : Trains, records and scores in one.

    Notes
    -----
    Placed before callbacks such as ``EarlyStopping``, the tracker also sees the epoch that
    they stop at. Continued training (``partial_fit``, ``warm_start``) on the same rows
    continues the trajectory; on another number of rows, or other targets, another one starts.

    The last step is what the fitted net predicts, unless the net goes back to its best epoch in
    the end (``load_best=True`` of ``EarlyStopping`` and ``Checkpoint``): the trajectory has all
    epochs that were completed, those that were undone too.

    With gradient accumulation, ``dt["update"]`` counts the optimizer's steps, and the losses are
    those that the net's ``get_loss`` gives.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from skorch import NeuralNetClassifier
    >>> from sklearn_difficulty import DifficultyTracker
    >>> X = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    >>> y = (X[:, 0] > 0).astype(np.int64)
    >>> tracker = DifficultyTracker()
    >>> net = NeuralNetClassifier(
    ...     torch.nn.Linear,
    ...     module__in_features=2,
    ...     module__out_features=2,
    ...     criterion=torch.nn.CrossEntropyLoss,
    ...     train_split=None,
    ...     verbose=0,
    ...     max_epochs=3,
    ...     callbacks=[tracker],
    ... )
    >>> _ = net.fit(X, y)
    >>> tracker.trajectory_.loss.shape
    (1, 3, 60)
    """

    recorder_: Any = None
    batch_recorder_: Any = None
    notes_: Any = None
    made_: Trajectory | None = None

    # Outputs that stand for a class, where a caller knows that others do not.
    columns: np.ndarray | None = None
    # Where the records and snapshots are written, step by step; None keeps them in memory.
    folder: Path | None = None
    # Whether targets are noted as they come; a caller may know them, or there may be none.
    notes_targets: bool = True
    # Whether targets are labels that are there or not, where a caller knows.
    label_sets: bool | None = None
    # Whether an epoch is recorded in a pass of its own; a caller may record several nets in one.
    makes_passes: bool = True

    def __init__(
        self,
        when: str = "after",
        snapshots: Any = "auto",
        *,
        max_snapshot_bytes: int = 2**30,
        keep: tuple[str, ...] = (),
        data: Any = None,
    ) -> None:
        self.when = when
        self.snapshots = snapshots
        self.max_snapshot_bytes = max_snapshot_bytes
        self.keep = keep
        self.data = data

    def initialize(self) -> "DifficultyTracker":
        """Forget an earlier training; skorch calls this before each ``fit``."""
        self.recorder_ = None
        self.made_ = None
        self.interrupted_ = False
        return self

    def release(self) -> Trajectory:
        """Let go of all but the trajectory; a training that goes on starts another one.

        Returns
        -------
        trajectory : Trajectory
            What was recorded.
        """
        trajectory = self.trajectory_
        self.recorder_ = self.batch_recorder_ = self.data = self.notes_ = None
        return trajectory

    @property
    def trajectory_(self) -> Trajectory:
        """What was recorded in the epochs that were completed; one run."""
        recorder = self.recorder_
        if recorder is None and self.made_ is not None:
            return self.made_
        if recorder is None or not recorder.n_steps:
            raise AttributeError(
                "DifficultyTracker has no trajectory_ before an epoch of training is completed"
            )
        if self.made_ is None or self.made_.loss.shape[1] != recorder.n_steps:
            self.made_ = recorder.trajectory(
                y=self.notes_.y,
                classes=self.notes_.classes,
                in_train=self.in_train_,
                snapshots=self.taker_.snapshots(),
                when=self.when,
                element_component=self.batch_recorder_.element_component,
            )
        return self.made_

    # -- skorch's events ------------------------------------------------------------------

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Prepare the buffers for the rows of `X`."""
        self._check_parameters()
        keep = checked_keep(self.keep)
        rows_X, rows_y = (X, y) if self.data is None else self.data
        self.dataset_ = net.get_dataset(rows_X, rows_y)
        if not hasattr(self.dataset_, "__len__"):
            raise TypeError(
                f"{type(self.dataset_).__name__} has no length, so that its rows cannot be "
                "told apart: use a map-style dataset."
            )
        n_samples = len(self.dataset_)
        if self.recorder_ is None or not self.notes_.are_of(self.dataset_):
            self.recorder_ = StepRecorder(n_samples, self.folder)
            self.taker_ = SnapshotTaker(self.snapshots, self.max_snapshot_bytes, self.folder)
            self.notes_ = TargetNotes(
                self.dataset_, wanted=self.notes_targets, label_sets=self.label_sets
            )
            self.batch_recorder_ = BatchRecorder(self.recorder_, self.notes_, self.columns)
            self.made_ = None
        self.batch_recorder_.keep = keep
        self.in_train_: np.ndarray | None = None
        if self.when == "during":
            self._watch_rows(net)
        self.let_go_of_hooks()  # of a training that failed
        self.updates_ = _UpdateCounter()
        self._hooks_ = [net.optimizer_.register_step_post_hook(self.updates_)]
        # A get_loss of the user's own is the one to sum parts.
        if not is_torchs_own(unwrapped(net.criterion_)) and is_known(net, "get_loss"):
            self._hooks_.append(net.criterion_.register_forward_hook(total_of_parts))

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, **kwargs: Any) -> None:
        """Note which rows are trained on, and start the clock."""
        if self.in_train_ is None:
            self._train_rows_ = self._rows_to_train_on(dataset_train)
            self.in_train_ = np.full(self.recorder_.n_samples, self.data is None)
            if self._train_rows_ is not None:
                self.in_train_[:] = False
                self.in_train_[self._train_rows_] = True
        self.interrupted_ = True  # until the epoch is recorded
        self.updates_.count = 0
        self.batch_recorder_.begin_step()
        self.seconds_ = 0.0
        self._since_ = perf_counter()

    def on_batch_begin(
        self, net: Any, batch: Any = None, training: bool = False, **kwargs: Any
    ) -> None:
        """Keep validation out of the training time."""
        if not training:
            self._since_ = perf_counter()

    def on_batch_end(
        self,
        net: Any,
        batch: Any = None,
        training: bool = False,
        y_pred: Any = None,
        **kwargs: Any,
    ) -> None:
        """Check the first batch, and record the batch where ``when="during"``."""
        if training:
            self.seconds_ += perf_counter() - self._since_
            batches = self.batch_recorder_
            if batches.kind is None:
                batches.look_at(net, batch, y_pred)
            if self.when == "during":
                drawn, drawn_from = self._iterator_, self._train_rows_
                rows = drawn.rows if drawn_from is None else drawn_from[drawn.rows]
                keeps_targets = drawn.is_alone_with_rows
                batches.record_soon(net, batch, y_pred, rows, keeps_targets=keeps_targets)
        self._since_ = perf_counter()

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Record the epoch and keep its parameters where they are wanted."""
        if self.when == "after" and self.makes_passes:
            self.batch_recorder_.record_pass(net, self.dataset_)
        self.batch_recorder_.record_waiting(net)
        if self.recorder_.is_empty:
            raise ValueError(
                "an epoch without a batch leaves nothing to record while training: is the "
                f"batch_size larger than the {self.recorder_.n_samples} rows, with drop_last? Make "
                'batches smaller, or record with when="after".'
            )
        self._check_finite()
        if self.notes_.lack_rows:
            with preserved_generators():
                self.notes_.note_missing(net, self.dataset_, self.batch_recorder_.kind or "values")
        self.recorder_.step(
            {"epoch": 1.0, "update": float(self.updates_.count), "wall": self.seconds_}
        )
        self.taker_.offer(self.recorder_.n_steps - 1, lambda: net_state(net))
        self.interrupted_ = False

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Let go of the data."""
        self.let_go_of_hooks()
        if self.recorder_ is not None:
            self.recorder_.drop_open_step()
            self.batch_recorder_.begin_step()
        for name in ("dataset_", "updates_", "_iterator_", "_train_rows_"):
            self.__dict__.pop(name, None)

    def let_go_of_hooks(self) -> None:
        """Undo what on_train_begin has done to the net, also after a training that failed."""
        for hook in self.__dict__.pop("_hooks_", []):
            hook.remove()

    # -- helpers --------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        check_choice("when", self.when, ("after", "during"))
        if self.data is not None and self.when == "during":
            raise ValueError(
                "data was given with when='during', which records the rows of the training "
                "pass only: use when='after' to record other rows."
            )

    def _watch_rows(self, net: Any) -> None:
        """Let the iterator that skorch is about to build say which rows its batches hold."""
        own, device = net.iterator_train, rows_may_stay_on(net)

        def watched(dataset: Any, **kwargs: Any) -> Any:
            # skorch builds the iterator once per training: the net is as it was from here on
            net.iterator_train = own
            self._iterator_ = with_rows(lambda data: faster(own(data, **kwargs), device), dataset)
            return self._iterator_

        net.iterator_train = watched

    def _rows_to_train_on(self, dataset_train: Any) -> np.ndarray | None:
        """Numbers of the rows that a validation split left to train on; None for all."""
        if self.data is not None:
            return None
        dataset, rows = base_rows(dataset_train, whole=self.dataset_)
        if get_len(dataset) != self.recorder_.n_samples:
            raise ValueError(
                f"train_split made a dataset of {get_len(dataset)} rows that is no Subset of "
                f"the {self.recorder_.n_samples} rows given, so that its rows cannot be told: "
                "return torch.utils.data.Subset(dataset, rows), as ValidSplit does."
            )
        return rows

    def _check_finite(self) -> None:
        bad = self.batch_recorder_.bad_rows
        if not bad.rows:
            return
        self.let_go_of_hooks()
        epoch = self.recorder_.n_steps
        self.recorder_.drop_open_step()
        path = self.trajectory_ if epoch else None
        if path is not None and self.folder is not None:
            # Its records stay readable when the folder goes with the training; the files of its
            # snapshots, which are opened when they are asked for, do not.
            path = dataclasses.replace(path, snapshots=None)
        raise NonFiniteLossError(
            f"the loss of {len(bad.rows)} of {self.recorder_.n_samples} rows became NaN or "
            f"infinite in epoch {epoch + 1} (step {epoch}): {bad.described()}. Lower the learning "
            "rate, clip the gradients, or scale the inputs. The trajectory of the completed epochs "
            "is on this exception as `trajectory`.",
            step=epoch,
            n_rows=len(bad.rows),
            trajectory=path,
        )


class _UpdateCounter:
    """Counts the optimizer's updates; an object, since optimizers are pickled."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        self.count += 1
