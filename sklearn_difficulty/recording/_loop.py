"""Record a training loop of any kind: plain PyTorch, Lightning, Keras, JAX."""

from collections.abc import Mapping
from numbers import Real
from os import PathLike
from typing import Any

import numpy as np

from sklearn_difficulty._foreign import as_array, as_floats
from sklearn_difficulty._validation import check_count
from sklearn_difficulty.exceptions import NonFiniteLossError
from sklearn_difficulty.recording._step_recorder import StepRecorder
from sklearn_difficulty.recording._target_memory import TargetMemory
from sklearn_difficulty.trajectory import Snapshots, Trajectory
from sklearn_difficulty.trajectory._class_records import (
    check_probabilities,
    class_records,
    class_scores,
)
from sklearn_difficulty.trajectory._store import Store


class TrajectoryRecorder(StepRecorder):
    """Record any training loop: hand over each batch, and close each step.

    Works with arrays of any library: torch tensors are detached and fetched from their device.
    Within a step, rows come in any order and any number of times: the last record of a row
    counts, and a row without one is missing. Only steps that were closed exist.

    Parameters
    ----------
    n_samples : int
        Number of rows of the data.
    keep_outputs : bool, default=False
        Also record the outputs of classifiers, as logits or log-probabilities.
    storage : str or path-like, default=None
        Folder for the trajectory, which :meth:`Trajectory.load` reads then. Each closed step is
        written to disk, so that memory does not grow with the steps, and the folder appears with
        :meth:`trajectory`. A trajectory saved there before is replaced. None records in memory.

    Attributes
    ----------
    n_steps : int
        Number of steps closed so far.
    n_missing : ndarray of int of shape (n_steps,)
        Number of rows without a record in each of them.
    missing : ndarray of int
        Rows without a record in the open step.

    Raises
    ------
    OSError
        If the folder cannot be written, or holds something else than a saved trajectory.

    See Also
    --------
    Trajectory.from_outputs : For outputs that were saved before.
    sklearn_difficulty.DifficultyTracker : The same as a callback of skorch nets.

    Examples
    --------
    >>> import torch
    >>> from sklearn_difficulty.recording import TrajectoryRecorder
    >>> _ = torch.manual_seed(0)
    >>> X = torch.randn(60, 2)
    >>> y = (X[:, 0] > 0).long()
    >>> model = torch.nn.Linear(2, 2)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    >>> recorder = TrajectoryRecorder(len(X))
    >>> for epoch in range(3):
    ...     for rows in torch.randperm(len(X)).split(20):
    ...         logits = model(X[rows])
    ...         losses = torch.nn.functional.cross_entropy(logits, y[rows], reduction="none")
    ...         optimizer.zero_grad()
    ...         losses.mean().backward()
    ...         optimizer.step()
    ...         recorder.update(rows, logits=logits, targets=y[rows], losses=losses)
    ...     recorder.step()
    >>> recorder.trajectory(when="during")
    <Trajectory: 1 run x 3 steps x 60 samples; records: loss, margin, proba, prediction, entropy,
    el2n>
    """

    def __init__(
        self,
        n_samples: int,
        *,
        keep_outputs: bool = False,
        storage: str | PathLike[str] | None = None,
    ) -> None:
        n_samples = check_count("n_samples", n_samples)
        self.keep_outputs = keep_outputs
        self._store = None if storage is None else Store(storage)
        folder = None
        if self._store is not None:
            self._store.check()
            folder = self._store.part("records")
        super().__init__(n_samples, folder)
        self._targets = TargetMemory(n_samples)
        self._n_classes: int | None = None
        self._given: dict[str, bool] | None = None
        self._is_finished = False

    def update(
        self,
        indices: Any,
        *,
        logits: Any = None,
        proba: Any = None,
        targets: Any = None,
        losses: Any = None,
        components: Mapping[str, Any] | None = None,
        elements: Any = None,
    ) -> None:
        """Record some rows in the open step.

        Either all of it is recorded, or there is an error and nothing is.

        Parameters
        ----------
        indices : array-like of int of shape (k,)
            Row numbers in the data, from 0. If one comes twice, the last counts.
        logits : array-like of shape (k, n_classes), (k,) or (k, 1), default=None
            What a classifier gave, before the softmax. A single column is that of the second of
            two classes, before the sigmoid.
        proba : array-like like `logits`, default=None
            Probabilities in its place.
        targets : array-like of int of shape (k,), default=None
            Class numbers, from 0, or without `logits` and `proba` targets of any kind. They are
            remembered, and may be left out for rows that had theirs.
        losses : array-like of shape (k,), default=None
            Loss of each row, unreduced and unweighted. By default the sum of the `components`, or
            the cross-entropy, in nats. A regression, of which nothing else is known, gives only
            these.
        components : mapping of str to array-like of shape (k,), default=None
            Named parts of the loss of each row.
        elements : array-like of shape (k, ...), default=None
            Loss of each pixel, token or label of each row, whose sums over the steps are
            `element_action`; NaN for those that do not count.

        Raises
        ------
        IndexError
            If an index is out of range.
        NonFiniteLossError
            If a loss is NaN or infinite. It carries the trajectory of the closed steps.
        TypeError
            If indices are not whole numbers, or other values are not numbers.
        ValueError
            If lengths differ, the number of classes or what is given changes, the target of a row
            changes or is no class number, or too little is given.
        """
        self._check_not_finished()
        rows = self._rows(indices)
        if not len(rows):
            return
        if logits is not None and proba is not None:
            raise ValueError("logits and proba were both given: pass one of them.")
        kind, outputs = ("logits", logits) if proba is None else ("proba", proba)
        parts = {
            name: _one_per_row(f"components[{name!r}]", part, rows)
            for name, part in (components or {}).items()
        }
        if losses is None and parts:
            losses = np.sum([*parts.values()], axis=0)
        if outputs is None and losses is None:
            raise ValueError(
                "neither losses nor components, nor logits or proba with targets, were given."
            )
        given = {
            "outputs": outputs is not None,
            "losses": losses is not None,
            "elements": elements is not None,
            **{f"components[{name!r}]": True for name in parts},
        }
        self._check_same_as_before(given)
        scores = None if outputs is None else self._scores(rows, kind, outputs)
        n_classes = None if scores is None else scores.shape[1]
        if targets is None:
            y = self._targets.of(rows)
        else:
            y = self._targets.check(rows, targets, n_classes)
        records: dict[str, np.ndarray] = {}
        if scores is not None:
            if y is None:
                raise ValueError(f"{kind} need targets, which some of these rows never had.")
            records = class_records(scores, y, kind)
            if self.keep_outputs:
                records["outputs"] = scores
        if losses is not None:
            records["loss"] = _one_per_row("losses", losses, rows)
        self._check_finite(records["loss"])
        of_parts: dict[str, Any] = {}
        if parts:
            of_parts["components"] = parts
        if elements is not None:
            of_parts["elements"] = _elements_of_rows(elements, rows)
        self._n_classes = n_classes
        self._given = given
        if targets is not None:
            self._targets.keep(rows)
        self.write(rows, records | of_parts)

    def step(self, dt: Mapping[str, float] | None = None) -> None:
        """Close the open step.

        Parameters
        ----------
        dt : mapping of str to float, default=None
            Length of the step by unit, such as ``{"epoch": 1, "update": 40, "wall": 2.5}``, with
            the same units in all steps. By default one epoch.

        Raises
        ------
        TypeError, ValueError
            If the step has no record, or `dt` is no such mapping.
        """
        self._check_not_finished()
        if not self._open:
            raise ValueError(
                f"step {self.n_steps} has no records: call update before it is closed."
            )
        super().step(self._lengths(dt))

    def trajectory(
        self,
        *,
        y: Any = None,
        classes: Any = None,
        in_train: Any = None,
        snapshots: Snapshots | None = None,
        when: str = "after",
        element_component: str | None = None,
    ) -> Trajectory:
        """Make a trajectory of the steps that were closed.

        Parameters
        ----------
        y : array-like of shape (n_samples,), default=None
            Targets of all rows. By default those that were recorded.
        classes : array-like of shape (n_classes,), default=None
            Labels behind the class numbers. By default the numbers.
        in_train : array-like of bool of shape (n_samples,), default=None
            Rows that were trained on. By default all.
        snapshots : Snapshots, default=None
            Parameter states of the model.
        when : {"after", "during"}, default="after"
            Whether the records were taken after each step with the model in evaluation mode, or
            during the training pass itself.
        element_component : str, default=None
            Which of the `components` the `elements` are of, where that is to be told.

        Returns
        -------
        Trajectory
            One run. With `storage`, its records stay on disk, and the recording is at its end.

        Raises
        ------
        ValueError
            If no step was closed, or what is given does not fit what was recorded.
        """
        self._check_not_finished()
        if not self.n_steps:
            raise ValueError("no step was completed, so that there is no trajectory")
        n_classes = self._n_classes
        if classes is not None:
            classes = as_array(classes)
            if n_classes is not None and classes.shape != (n_classes,):
                raise ValueError(
                    f"classes must name the {n_classes} classes; got shape {classes.shape}."
                )
        elif n_classes is not None:
            classes = np.arange(n_classes)
        made = super().trajectory(
            y=self._targets.all(y, n_classes),
            classes=classes,
            in_train=None if in_train is None else as_array(in_train),
            snapshots=snapshots,
            when=when,
            element_component=element_component,
        )
        if self._store is None:
            return made
        finished = self._store.finish(made)
        self._is_finished = True
        return finished

    def _check_not_finished(self) -> None:
        if self._is_finished:
            assert self._store is not None
            raise ValueError(
                f"the trajectory is complete, in {str(self._store.path)!r}: read it with "
                "Trajectory.load(path, mmap=True), and record on with another TrajectoryRecorder."
            )

    def _rows(self, indices: Any) -> np.ndarray:
        rows = as_array(indices)
        if rows.ndim != 1:
            raise ValueError(f"indices must have the shape (k,); got {rows.shape}.")
        if len(rows) and rows.dtype.kind not in "iu":
            raise TypeError(f"indices must be whole numbers; got {rows.dtype}.")
        outside = (rows < 0) | (rows >= self.n_samples)
        if outside.any():
            raise IndexError(
                f"indices must be from 0 to {self.n_samples - 1}; got {rows[outside][0]}."
            )
        return rows

    def _check_same_as_before(self, given: dict[str, bool]) -> None:
        if self._given is not None and given != self._given:
            before, now = (
                " and ".join(name for name, is_given in each.items() if is_given)
                for each in (self._given, given)
            )
            raise ValueError(
                f"every update must give the same: this one gives {now}, those before {before} "
                "(outputs being logits or proba)."
            )

    def _scores(self, rows: np.ndarray, kind: str, outputs: Any) -> np.ndarray:
        array = as_floats(kind, outputs)
        if array.ndim not in (1, 2) or len(array) != len(rows) or 0 in array.shape[1:]:
            raise ValueError(
                f"{kind} must have the shape ({len(rows)}, n_classes), as there are {len(rows)} "
                f"indices; got {array.shape}."
            )
        check_probabilities(kind, array, kind)
        scores = class_scores(array, kind)
        if self._n_classes is not None and scores.shape[1] != self._n_classes:
            raise ValueError(
                f"{kind} must be of {self._n_classes} classes, as before; got {scores.shape[1]}."
            )
        return scores

    def _check_finite(self, loss: np.ndarray) -> None:
        # Records are of single precision, beyond which a finite loss is infinite.
        with np.errstate(over="ignore"):
            n_rows = int((~np.isfinite(loss.astype(np.float32))).sum())
        if n_rows:
            raise NonFiniteLossError(
                f"the loss of {n_rows} of {len(loss)} rows is NaN or infinite in step "
                f"{self.n_steps}. Lower the learning rate, clip the gradients, or scale the "
                "inputs. The trajectory of the completed steps is on this exception as "
                "`trajectory`.",
                step=self.n_steps,
                n_rows=n_rows,
                trajectory=super().trajectory() if self.n_steps else None,
            )

    def _lengths(self, dt: Mapping[str, float] | None) -> dict[str, float]:
        if dt is None:
            dt = {"epoch": 1.0}
        if not isinstance(dt, Mapping) or not dt:
            raise TypeError(
                f'dt must map units to lengths, such as {{"epoch": 1.0}}, or be None; got {dt!r}.'
            )
        for unit, length in dt.items():
            is_number = isinstance(length, Real) and not isinstance(length, bool)
            if not isinstance(unit, str) or not is_number or not 0 <= length < np.inf:
                raise ValueError(
                    f"dt must map names of units to lengths from 0 on; got {unit!r}: {length!r}."
                )
        if self._dt and set(dt) != set(self._dt[0]):
            raise ValueError(
                f"dt must have the units {sorted(self._dt[0])}, as in the steps before; got "
                f"{sorted(dt)}."
            )
        return {unit: float(length) for unit, length in dt.items()}


def _one_per_row(name: str, values: Any, rows: np.ndarray) -> np.ndarray:
    array = as_floats(name, values)
    if array.shape not in ((len(rows),), (len(rows), 1)):
        raise ValueError(
            f"{name} must have one value for each of the {len(rows)} indices; got shape "
            f'{array.shape}. In torch, reduction="none" gives them.'
        )
    return array.reshape(-1)


def _elements_of_rows(elements: Any, rows: np.ndarray) -> np.ndarray:
    array = as_floats("elements", elements)
    if array.ndim < 2 or len(array) != len(rows):
        raise ValueError(
            f"elements must have the shape ({len(rows)}, ...), as there are {len(rows)} indices, "
            f"with a loss for each element of a row; got {array.shape}."
        )
    return array
