"""How often a model is trained on planted errors: until they show what wrong labels look like."""

from collections.abc import Callable
from typing import Any

from sklearn.utils import check_random_state

from sklearn_difficulty.labels._planted_errors import (
    SHARE,
    PlantedErrors,
    PlantedLabels,
    plant_errors,
)
from sklearn_difficulty.labels._shown_by import shown_by
from sklearn_difficulty.trajectory import Trajectory

__all__ = ["another_is_needed", "plant_enough_errors"]

# So many errors are enough where they stand out, and so many trainings are not too many.
_ENOUGH, _MOST_TRAININGS = 100, 4


def plant_enough_errors(
    trajectory: Trajectory, train: Callable[[PlantedLabels], Trajectory], random_state: Any = None
) -> list[PlantedErrors]:
    """Train on planted errors, each time on others, until they show what wrong labels look like.

    Parameters
    ----------
    trajectory : Trajectory
        The path of the first training.
    train : callable
        Trains the same model on labels with errors, and gives the path.
    random_state : int, RandomState instance or None, default=None
        Source of all errors.

    Returns
    -------
    list of PlantedErrors
        One for each training; see :func:`another_is_needed`.
    """
    random_state = check_random_state(random_state)
    errors: list[PlantedErrors] = []
    while another_is_needed(
        len(errors), trajectory.n_samples, lambda: shown_by(trajectory, errors)[0].tells
    ):
        labels = plant_errors(trajectory, random_state)
        errors.append(PlantedErrors(train(labels), labels))
    return errors


def another_is_needed(n_done: int, n_samples: int, tells: Callable[[], bool]) -> bool:
    """Whether planted errors have to be trained on once more.

    Parameters
    ----------
    n_done : int
        Trainings so far, each with other errors.
    n_samples : int
        Rows of each.
    tells : callable
        Says whether the errors so far stand out. A model that knows little needs more of them, and
        is given the chance before it is said to know nothing.

    Returns
    -------
    bool
        At most four are.

    Examples
    --------
    >>> from sklearn_difficulty.labels._enough_errors import another_is_needed
    >>> [another_is_needed(n, 500, lambda: True) for n in range(3)]
    [True, True, False]
    >>> [another_is_needed(n, 500, lambda: False) for n in range(2, 5)]
    [True, True, False]
    """
    too_few = n_done * max(SHARE * n_samples, 1.0) < _ENOUGH
    return n_done < _MOST_TRAININGS and (n_done == 0 or too_few or not tells())
