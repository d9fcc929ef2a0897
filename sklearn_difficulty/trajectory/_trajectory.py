"""What every sample did on the way through training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np

from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.trajectory._cutting import as_slice, cut_fields
from sklearn_difficulty.trajectory._fields import checked_fields, fields_of, named_arrays
from sklearn_difficulty.trajectory._frame import long_frame
from sklearn_difficulty.trajectory._from_outputs import fields_from_outputs
from sklearn_difficulty.trajectory._indexing import resolve_index
from sklearn_difficulty.trajectory._layout import LAYOUT, RECORD_OPTIONS, STEP_RECORDS
from sklearn_difficulty.trajectory._record_files import count_missing
from sklearn_difficulty.trajectory._snapshots import Snapshots
from sklearn_difficulty.trajectory._stacking import stack_fields
from sklearn_difficulty.trajectory._storage import load_fields, save_fields
from sklearn_difficulty.trajectory._store import Store
from sklearn_difficulty.trajectory._window import window_steps

__all__ = ["Trajectory"]

Index = slice | Sequence[int] | np.ndarray | int | None


@dataclass(frozen=True, eq=False, repr=False)
class Trajectory:
    """What every sample did on the way through training.

    The axes of all records are in this order: runs, steps, samples, then whatever a sample has.
    Only `loss` is needed to make one by hand. A record that was not made is None, not zero. Arrays
    are kept as given, without a copy.

    Parameters
    ----------
    loss : ndarray of shape (n_runs, n_steps, n_samples), floating
        Loss of each sample after each step, unreduced and unweighted.
    margin : ndarray like `loss`, optional
        Logit of the given label minus the largest other logit.
    proba : ndarray like `loss`, optional
        Probability of the given label.
    prediction : ndarray of shape (n_runs, n_steps, n_samples, ...), int, optional
        Index of the predicted class, -1 where there is none. With several labels for each sample,
        1 for each label that is predicted, 0 for others, on a further axis like that of `y`.
    entropy : ndarray like `loss`, optional
        Entropy of the predicted distribution in nats.
    el2n : ndarray like `loss`, optional
        Euclidean norm of the predicted probabilities minus the one-hot label.
    outputs : ndarray of shape (n_runs, n_steps, n_samples, ...), floating, optional
        What the model gave for each sample.
    components : mapping of str to ndarray like `loss`, optional
        Named parts of a loss that has several.
    element_action : ndarray of shape (n_runs, n_samples, ...), floating, optional
        Sum over all steps of the loss of each element (pixel, token, label) of a sample; NaN for
        elements that do not count, such as void pixels.
    dt : mapping of str to ndarray of shape (n_runs, n_steps), optional
        Lengths of the steps: ``"epoch"`` (1 each), ``"update"`` (optimiser updates), ``"wall"``
        (seconds of training). By default ``{"epoch": ones}``, and 0 after the end of a run. Where
        there is ``"step"``, it is how many steps of the training each one stands for, by which
        scores weigh it in means and variances over steps.
    y : ndarray of shape (n_samples,), optional
        Labels; whole numbers from 0 for classification.
    classes : ndarray of shape (n_classes,), optional
        Names of the labels.
    in_train : ndarray of shape (n_runs, n_samples), bool, optional
        Which samples a run was trained on. By default all of them.
    snapshots : Snapshots, optional
        Parameter states, of as many models as there are runs or of a multiple of it.
    when : {"after", "during"}, default="after"
        Whether the records were taken after each step with the model in evaluation mode, or during
        the training pass itself, which is a different quantity.
    n_steps : ndarray of shape (n_runs,), int, optional
        How many steps each run completed. What the records hold beyond is padding. By default all.
    element_component : str, optional
        Which of the `components` `element_action` is of, where the loss has named parts.

    Raises
    ------
    ValueError
        If shapes do not fit each other; the message names the field.
    TypeError
        If a field has values of another type.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> loss = np.array([[2, 1, 0.5, 3], [1, 0.5, 0.25, 3], [0.5, 0.25, 0.25, 4]])
    >>> trajectory = Trajectory(loss[None], y=np.array([0, 0, 1, 1]))
    >>> trajectory
    <Trajectory: 1 run x 3 steps x 4 samples; records: loss>
    >>> trajectory.select(samples=[3]).loss.ravel()
    array([3., 3., 4.])
    """

    loss: np.ndarray
    margin: np.ndarray | None = None
    proba: np.ndarray | None = None
    prediction: np.ndarray | None = None
    entropy: np.ndarray | None = None
    el2n: np.ndarray | None = None
    outputs: np.ndarray | None = None
    components: Mapping[str, np.ndarray] = field(default_factory=dict)
    element_action: np.ndarray | None = None
    dt: Mapping[str, np.ndarray] = field(default_factory=dict)
    y: np.ndarray | None = None
    classes: np.ndarray | None = None
    # None stands for the default, which depends on the shape of the loss; never None afterwards.
    in_train: np.ndarray = None  # type: ignore[assignment]
    snapshots: Snapshots | None = None
    when: str = "after"
    n_steps: np.ndarray = None  # type: ignore[assignment]
    element_component: str | None = None

    def __post_init__(self) -> None:
        for name, value in checked_fields(fields_of(self)).items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        plural = "run" if self.n_runs == 1 else "runs"
        return (
            f"<Trajectory: {self.n_runs} {plural} x {self.n_steps_max} steps x "
            f"{self.n_samples} samples; records: {', '.join(self.fields)}>"
        )

    @property
    def n_runs(self) -> int:
        """Number of runs."""
        return int(self.loss.shape[0])

    @property
    def n_steps_max(self) -> int:
        """Number of steps of the longest run, the length of the step axis."""
        return int(self.loss.shape[1])

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return int(self.loss.shape[2])

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the per-step records that are present."""
        return tuple(
            name
            for name in STEP_RECORDS
            if getattr(self, name) is not None and (name != "components" or self.components)
        )

    @property
    def correct(self) -> np.ndarray:
        """Whether each prediction is the given label, bool (n_runs, n_steps, n_samples).

        False where there is no prediction, so also in the padding. With several labels for each
        sample, all of them have to be right.
        """
        self.require("prediction", "y", score="correct")
        assert self.prediction is not None
        right = np.asarray(self.prediction == self.y)
        return np.asarray(right.all(axis=tuple(range(3, right.ndim))))

    @property
    def n_missing(self) -> np.ndarray:
        """Number of samples without a record after each step, int (n_runs, n_steps).

        Zero after the end of a run.
        """
        return count_missing(self.loss, self.n_steps)

    @property
    def nbytes(self) -> int:
        """Size of all records and snapshots in bytes, in memory or on disk."""
        held = sum(array.nbytes for _, _, array in named_arrays(fields_of(self)))
        return held + (0 if self.snapshots is None else self.snapshots.nbytes)

    def require(self, *names: str, score: str | None = None) -> None:
        """Raise an error if any of some records is absent.

        Parameters
        ----------
        *names : str
            Fields of the trajectory.
        score : str or None, default=None
            What needs them, for the message.

        Raises
        ------
        RecordNotFoundError
            If one is absent; the message says how it is recorded.
        """
        for name in names:
            if name not in LAYOUT and name != "snapshots":
                raise ValueError(f"a trajectory has no field {name!r}.")
            value = getattr(self, name)
            if value is None or (isinstance(value, Mapping) and not value):
                what = "this" if score is None else f"{score!r}"
                raise RecordNotFoundError(
                    f"{what} needs the record {name!r}, which this trajectory does not hold: "
                    f"{RECORD_OPTIONS[name]}. Per-step records it holds: {', '.join(self.fields)}."
                )

    def select(
        self, samples: Index = None, runs: Index = None, steps: Index = None
    ) -> "Trajectory":
        """Cut out samples, runs or steps.

        Parameters
        ----------
        samples, runs, steps : slice, int, array-like of int, or mask of bool, default=None
            What to keep along each axis; None keeps all. Negative numbers count from the end.
            Steps have to stay in order. A slice gives views on the arrays, anything else copies.

        Returns
        -------
        Trajectory
            What is left, all axes still there. The snapshots that remain are renumbered like the
            steps. `element_action`, being a sum over all steps, is absent when steps are left out.

        Raises
        ------
        IndexError
            If an index is out of range.
        ValueError
            If a mask has another length, steps are out of order, or nothing is left.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_difficulty.trajectory import Trajectory
        >>> trajectory = Trajectory(np.arange(6.0).reshape(1, 3, 2))
        >>> trajectory.select(steps=slice(1, None)).loss.tolist()
        [[[2.0, 3.0], [4.0, 5.0]]]
        """
        return Trajectory(**cut_fields(fields_of(self), samples, runs, steps))

    def window(self, steps: Any) -> "Trajectory":
        """Cut out a part of the training, in each run of the steps that it completed.

        Parameters
        ----------
        steps : None, int, slice, {"early", "late"} or (float, float)
            All steps; one, negative numbers counting from the end; a slice of step numbers; the
            first or the last third; or those between two fractions of the training.

        Returns
        -------
        Trajectory
            That part. Unlike with :meth:`select`, "late" and negative numbers count from where
            each run ended, and not from the end of the longest.

        Raises
        ------
        TypeError, ValueError
            For a window of another form.
        IndexError
            If a run has no step in the window.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_difficulty.trajectory import Trajectory
        >>> trajectory = Trajectory(np.arange(6.0).reshape(1, 6, 1))
        >>> trajectory.window("late").loss.ravel()
        array([4., 5.])
        """
        windows = [window_steps(steps, int(n_steps)) for n_steps in self.n_steps]
        if steps is None:
            return self
        if all(np.array_equal(chosen, windows[0]) for chosen in windows):
            return self.select(steps=as_slice(windows[0]))
        return Trajectory.stack(
            [
                self.select(runs=slice(run, run + 1), steps=as_slice(chosen))
                for run, chosen in enumerate(windows)
            ]
        )

    @classmethod
    def from_outputs(
        cls,
        outputs: Any,
        y: Any,
        *,
        kind: str = "logits",
        classes: Any = None,
        dt: Mapping[str, Any] | None = None,
        keep_outputs: bool = False,
        in_train: Any = None,
        when: str = "after",
        storage: str | PathLike[str] | None = None,
    ) -> "Trajectory":
        """Judge outputs of a classifier that were saved elsewhere by labels.

        Parameters
        ----------
        outputs : array-like of shape (n_steps, n_samples, n_classes)
            What the model gave for each sample after each step, or for several runs
            (n_runs, n_steps, n_samples, n_classes). Memory-mapped arrays, tensors and lists of
            arrays are read step by step. A model of two classes may have one output, that of the
            second: (n_steps, n_samples), or a last axis of length 1. Samples that were left out of
            a step have a row of NaN.
        y : array-like of shape (n_samples,)
            Labels of any type that can be sorted.
        kind : {"logits", "proba", "log_proba", "decision"}, default="logits"
            What the outputs are. The loss is the cross-entropy in nats, and for ``"decision"``
            values the hinge of the margin.
        classes : array-like of shape (n_classes,), default=None
            Labels in the order of the columns. By default the labels in `y`, sorted, where they are
            as many as the columns, and otherwise the numbers of the columns.
        dt : mapping of str to array-like of shape (n_steps,) or (n_runs, n_steps), default=None
            Lengths of the steps by unit; see :class:`Trajectory`.
        keep_outputs : bool, default=False
            Also record the outputs, as logits, log-probabilities or decision values.
        in_train : array-like of bool of shape (n_samples,) or (n_runs, n_samples), default=None
            Which samples a run was trained on. By default all of them.
        when : {"after", "during"}, default="after"
            Whether the outputs were taken after each step or during it.
        storage : str or path-like, default=None
            Folder to record into, which :meth:`load` reads then. Records are left on disk, so that
            memory does not grow with the steps. None records in memory.

        Returns
        -------
        Trajectory
            All records of a classifier, in single precision.

        Raises
        ------
        ValueError
            If outputs and labels do not fit each other, or are no probabilities as said.
        NonFiniteLossError
            If the loss of a sample that is not left out is NaN or infinite.
        OSError
            If the folder cannot be written, or holds something else than a saved trajectory.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_difficulty.trajectory import Trajectory
        >>> proba = np.array([[[0.7, 0.3], [0.9, 0.1]], [[0.9, 0.1], [0.8, 0.2]]])
        >>> trajectory = Trajectory.from_outputs(proba, ["cat", "dog"], kind="proba")
        >>> trajectory.loss.sum(axis=(0, 1)).round(4)
        array([0.462, 3.912], dtype=float32)
        >>> trajectory.correct[0, -1]
        array([ True, False])
        """
        options = {
            "kind": kind,
            "classes": classes,
            "dt": dt,
            "keep_outputs": keep_outputs,
            "in_train": in_train,
            "when": when,
        }
        if storage is None:
            return cls(**fields_from_outputs(outputs, y, **options))
        with Store(storage) as store:
            store.check(classes=classes)
            folder = store.part("outputs")
            return store.finish(cls(**fields_from_outputs(outputs, y, **options, folder=folder)))

    @classmethod
    def stack(
        cls, trajectories: Sequence["Trajectory"], *, storage: str | PathLike[str] | None = None
    ) -> "Trajectory":
        """Put the runs of several trajectories of the same samples into one.

        Parameters
        ----------
        trajectories : sequence of Trajectory
            The trajectories. Runs may have different numbers of steps: shorter ones are padded,
            with NaN, with -1 in `prediction` and with 0 in `dt`.
        storage : str or path-like, default=None
            Folder to put them into, which :meth:`load` reads then. Records are copied there step
            by step and left on disk. None joins them in memory.

        Returns
        -------
        Trajectory
            All runs, in order.

        Raises
        ------
        ValueError
            If samples, labels, classes, `when` or the records present differ.
        OSError
            If the folder cannot be written, or holds something else than a saved trajectory.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_difficulty.trajectory import Trajectory
        >>> runs = [Trajectory(np.ones((1, n, 2))) for n in (3, 2)]
        >>> both = Trajectory.stack(runs)
        >>> both.n_steps, both.loss[1].tolist()
        (array([3, 2]), [[1.0, 1.0], [1.0, 1.0], [nan, nan]])
        """
        for number, trajectory in enumerate(trajectories):
            if not isinstance(trajectory, Trajectory):
                raise TypeError(
                    f"trajectories[{number}] must be a Trajectory; got {type(trajectory).__name__}."
                )
        if storage is None or not trajectories:
            return cls(**stack_fields([fields_of(trajectory) for trajectory in trajectories]))
        with Store(storage) as store:
            store.check()
            return store.finish(store.stack(trajectories))

    def save(self, path: str | PathLike[str]) -> None:
        """Write to a folder, without pickle.

        The folder holds ``trajectory.json``, a ``.npy`` file for each array and a
        ``.safetensors`` file for each snapshot. It appears under its name once it is complete; a
        trajectory saved there before is replaced then.

        Parameters
        ----------
        path : str or path-like
            The folder.

        Raises
        ------
        FileExistsError
            If something else than a saved trajectory is there.
        TypeError
            If labels are objects that no fixed-size NumPy type represents.
        ImportError
            If there are snapshots, and safetensors is not installed.
        """
        save_fields(fields_of(self), path)

    @classmethod
    def load(cls, path: str | PathLike[str], mmap: bool = False) -> "Trajectory":
        """Read from a folder.

        Parameters
        ----------
        path : str or path-like
            The folder that ``save`` wrote.
        mmap : bool, default=False
            Leave records and snapshots on disk and read what is asked for. The records are then
            read-only, and the folder has to stay where it is.

        Returns
        -------
        Trajectory
            The trajectory.

        Raises
        ------
        FileNotFoundError
            If there is no such folder.
        TrajectoryFormatError
            If files are missing, cut short, altered, or of another format or version.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from sklearn_difficulty.trajectory import Trajectory
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Trajectory(np.ones((1, 3, 2))).save(Path(folder) / "run")
        ...     Trajectory.load(Path(folder) / "run")
        <Trajectory: 1 run x 3 steps x 2 samples; records: loss>
        """
        return cls(**load_fields(path, mmap=mmap))

    def to_frame(self, samples: Index = None) -> Any:
        """Give the records as a long table, one row per run, completed step and sample.

        Parameters
        ----------
        samples : slice, int, array-like of int, or mask of bool, default=None
            Samples to include; None includes all.

        Returns
        -------
        pandas.DataFrame
            Columns ``run``, ``step``, ``sample`` (numbers from 0), ``y`` where there are labels,
            and each per-step record; the parts of a loss are named like ``components.box``.
            Labels and predictions are class indices. `outputs` is left out, and so is what has
            several values for each sample.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        kept = resolve_index("samples", samples, self.n_samples)
        return long_frame(fields_of(self), np.arange(self.n_samples)[kept])
