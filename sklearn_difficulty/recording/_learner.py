"""What the rest of the package asks of a kind of learner, and the task it is asked for."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import get_tags

from sklearn_difficulty.exceptions import RecordNotFoundError, TrainSplitIgnoredWarning
from sklearn_difficulty.recording._sklearn_outputs import aligned
from sklearn_difficulty.recording._snapshots import State
from sklearn_difficulty.trajectory import Trajectory


class NotStackableError(Exception):
    """Several trainings cannot be one; the message says what is in the way."""


@dataclass(frozen=True)
class Task:
    """Rows to train on, rows to record, and how.

    Attributes
    ----------
    X, y : container of n rows, ndarray of shape (n, ...) or None
        Rows to train on; `y` holds class numbers 0 to k-1, or other targets, or is None where rows
        are their own targets.
    classes : ndarray of shape (k,) or None
        Labels that the class numbers stand for; None where rows have no class.
    recorded : tuple (X, y) or None
        Rows to record where they are not those that are trained on.
    snapshots : object
        Rule of the snapshots.
    max_snapshot_bytes : int
        Byte budget of this run's snapshots.
    keep : tuple of str
        Large records to make.
    storage : path or None
        Folder for the records and snapshots of this run; None keeps them in memory.
    """

    X: Any
    y: Any
    classes: np.ndarray | None
    recorded: tuple[Any, Any] | None = None
    snapshots: Any = "auto"
    max_snapshot_bytes: int = 2**30
    keep: tuple[str, ...] = ()
    storage: Any = None

    @property
    def labels(self) -> Any:
        """Targets as the user gave them."""
        return self.y if self.classes is None else self.classes[self.y]

    @property
    def rows(self) -> tuple[Any, Any]:
        """Rows to record, with their class numbers or targets."""
        return (self.X, self.y) if self.recorded is None else self.recorded


def warn_of_rows_held_back(estimator: Any, option: str, silence: str) -> None:
    """Say that an option is set aside which would hold rows back from training."""
    warnings.warn(
        f"{option} of {type(estimator).__name__} would hold rows back from training, and rows "
        "that were trained on cannot be ranked with rows that were not: all rows are trained "
        f"on instead. Set {silence} to silence this.",
        TrainSplitIgnoredWarning,
        stacklevel=3,
    )


class Learner:
    """One kind of estimator that learns in steps.

    Attributes
    ----------
    described : str
        What it accepts, in words, for the error about what nobody accepts.
    takes_snapshots : bool
        Whether its steps are kept as parameter states; else the fitted model holds them.
    has_gradients : bool
        Whether it gives gradients by the input and by the parameters.
    steps_are_runs : bool
        Whether each of its steps is a run of its own, of one step: a tree of a forest, that does
        not build on the trees before.
    records_outputs : bool
        Whether it can record class scores, ``keep=("outputs",)``.
    records_elements : bool
        Whether it can record losses of the elements of a row, ``keep=("elements",)``.
    takes_any_rows : bool
        Whether rows may be of any kind (text, frames), which it passes on; else they are arrays
        of numbers.
    takes_datasets : bool
        Whether rows may be a Dataset of torch.
    """

    described: str
    takes_snapshots: bool = False
    has_gradients: bool = False
    steps_are_runs: bool = False
    records_outputs: bool = True
    records_elements: bool = False
    takes_any_rows: bool = False
    takes_datasets: bool = False

    def accepts(self, estimator: Any) -> bool:
        """Whether an estimator is of this kind."""
        raise NotImplementedError

    def most_steps(self, estimator: Any) -> int | None:
        """Number of steps unless training stops early; None where it ticks once."""
        return None

    def runs_per_model(self, estimator: Any) -> int:
        """Number of runs that the record of one training consists of."""
        return 1

    def has_proba(self, estimator: Any) -> bool:
        """Whether a classifier of this kind gives probabilities, and not only decision values."""
        return True

    def allows_nan(self, estimator: Any) -> bool:
        """Whether rows may have missing values."""
        return get_tags(estimator).input_tags.allow_nan

    def check(self, estimator: Any, n_models: int, n_samples: int, *, held_out: bool) -> None:
        """Raise or warn, once, of what makes the trainings of clones other than asked for.

        Parameters
        ----------
        estimator : estimator
            What is to be trained.
        n_models, n_samples : int
            How many trainings, and of how many rows in all.
        held_out : bool
            Whether rows are recorded by models that are not trained on them.
        """

    def record(
        self,
        estimator: Any,
        task: Task,
        *,
        seed: int,
        reseed: bool,
        tick: Callable[[], None],
    ) -> tuple[Any, Trajectory]:
        """Train a clone; return it and its path.

        `seed` is for all its randomness, but for ``random_state`` parameters that the user
        has set, unless `reseed`.
        """
        raise NotImplementedError

    def record_stacked(
        self,
        estimator: Any,
        tasks: Iterable[Task],
        *,
        seeds: Sequence[int],
        tick: Callable[[], None],
    ) -> list[tuple[Any, Trajectory]]:
        """Train several clones at once, each as :meth:`record` would.

        Raises
        ------
        NotStackableError
            Where they have to be trained one after the other.
        """
        raise NotStackableError(f"{type(estimator).__name__} is no net of skorch")

    def shipped(self, fitted: Any) -> Any:
        """A fitted estimator in the form in which it leaves a worker process."""
        return fitted

    def arrived(self, shipped: Any) -> Any:
        """What was shipped, whether or not it went through another process."""
        return shipped

    def class_proba(self, fitted: Any, X: Any, classes: np.ndarray) -> np.ndarray:
        """Probabilities (or scores between 0 and 1) of shape (n, classes), fully trained."""
        return aligned(fitted.predict_proba(X), fitted.classes_, classes)

    def replay(
        self,
        fitted: Any,
        states: Iterable[State],
        X: Any,
        y: Any,
        classes: np.ndarray | None,
        *,
        keep: tuple[str, ...] = (),
    ) -> Iterator[dict[str, np.ndarray]]:
        """Records of other rows, after each step that was kept."""
        raise NotImplementedError

    def input_gradients(
        self,
        fitted: Any,
        states: Callable[[], Iterable[State]],
        X: Any,
        target: Any,
        classes: np.ndarray | None,
        output: str,
    ) -> Iterator[Iterator[np.ndarray]]:
        """Gradients by the input: of some k rows after the others, (k, ...) after each step kept.

        `states` gives the states after these steps, from the first on whenever it is called.
        `output` says of what: ``"logit"`` or ``"proba"`` of the class `target`, or ``"loss"`` under
        the target `target`.
        """
        raise no_gradients(fitted, "input")

    def gradient_norms(
        self,
        fitted: Any,
        states: Iterable[State],
        X: Any,
        y: Any,
        classes: np.ndarray | None,
    ) -> Iterator[np.ndarray]:
        """Norms of the gradients of each row's loss by the parameters, (n,), after each step."""
        raise no_gradients(fitted, "parameters")


def no_gradients(fitted: Any, by: str) -> RecordNotFoundError:
    """The error for a gradient score of an estimator without gradients."""
    return RecordNotFoundError(
        f"this score needs gradients of the model by its {by}, which "
        f"{type(fitted).__name__} does not give: use a skorch net, such as "
        "TrackedNetClassifier, or a score that is read off the losses."
    )
