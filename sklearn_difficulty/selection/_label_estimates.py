"""What is estimated about the labels of the rows that a selector was fitted to."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest
from sklearn.frozen import FrozenEstimator

from sklearn_difficulty._rows import target_keys
from sklearn_difficulty._scorer import DifficultyScorer
from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.labels import (
    LabelNoise,
    PlantedErrors,
    estimate_label_noise,
    hardness_types,
)
from sklearn_difficulty.labels._labelled import Labelled
from sklearn_difficulty.labels._noise_rates import noise_rates
from sklearn_difficulty.labels._shown import Shown
from sklearn_difficulty.scores._beliefs import can_be_judged
from sklearn_difficulty.selection._mixture import upper_group_proba
from sklearn_difficulty.trajectory import Trajectory


@dataclass(frozen=True)
class Path:
    """The path of training of the rows that a selector was fitted to.

    Attributes
    ----------
    trajectory : Trajectory or None
        The path, with the rows in their order.
    why_none : str
        Why there is none of classes.
    """

    trajectory: Trajectory | None
    why_none: str = ""

    @property
    def tells_labels(self) -> bool:
        """Whether labels can be estimated from it."""
        return self.trajectory is not None and can_be_judged(self.trajectory)


@dataclass(frozen=True)
class LabelEstimates:
    """What is estimated about labels, from a path of training or from difficulties alone.

    Attributes
    ----------
    mislabeled_proba : ndarray of shape (n_samples,)
        How probable it is that each label is wrong.
    noise_rate, noise_rate_interval : float, tuple of float
        Share of labels that are wrong, and a 95 % interval of it.
    class_noise_rate : ndarray of shape (n_classes,) or None
        The same of each given class; None for a regression.
    class_noise_rate_interval : ndarray of shape (n_classes, 2) or None
        Its intervals.
    noise : LabelNoise or None
        What is known from the path of training.
    why_none : str
        Why nothing is.
    of_two_groups : bool
        Whether nothing but the difficulties of this training could be looked at.
    """

    mislabeled_proba: np.ndarray
    noise_rate: float
    noise_rate_interval: tuple[float, float]
    class_noise_rate: np.ndarray | None
    class_noise_rate_interval: np.ndarray | None
    noise: LabelNoise | None = None
    why_none: str = ""
    of_two_groups: bool = False


def places_in_path(scorer: Any, X: Any, y: np.ndarray) -> np.ndarray | None:
    """Find rows in the path of training of a scorer that was fitted elsewhere.

    Parameters
    ----------
    scorer : estimator
        Fitted scorer.
    X : container of n_samples rows
        Rows.
    y : ndarray of shape (n_samples,)
        Their labels.

    Returns
    -------
    ndarray of shape (n_samples,), int, or None
        Numbers of equal rows with the same label, the first of several; -1 for a row that the
        path does not have. None for a scorer that was fitted to these rows.
    """
    if not isinstance(scorer, FrozenEstimator) or not isinstance(
        scorer.estimator, DifficultyScorer
    ):
        return None
    inner = scorer.estimator
    classes = getattr(inner, "classes_", None)
    targets = y if classes is None else np.searchsorted(classes, y)
    # Without its rows it could not have told their difficulty.
    assert inner._known_rows_ is not None
    found, groups = inner._known_rows_.find(X, target_keys(targets, len(targets)))
    values, first = np.unique(groups, return_index=True)
    return np.where(found < 0, -1, first[np.searchsorted(values, found).clip(max=len(first) - 1)])


def path_of(
    scorer: Any, places: np.ndarray | None, n_samples: int, *, has_classes: bool = True
) -> Path:
    """Give the path of training of rows, as their scorer recorded it.

    Parameters
    ----------
    scorer : estimator
        Fitted scorer.
    places : ndarray of shape (n_samples,) or None
        Where the rows are in its path; None where it was fitted to them.
    n_samples : int
        How many rows there are.
    has_classes : bool, default=True
        Whether their targets are classes.

    Returns
    -------
    Path
        The path, or why there is none.
    """
    inner = scorer.estimator if isinstance(scorer, FrozenEstimator) else scorer
    trajectory = getattr(inner, "trajectory_", None)
    if not has_classes:
        return Path(None, "the targets of a regression have no classes")
    if not isinstance(trajectory, Trajectory):
        return Path(None, f"{type(inner).__name__} left no trajectory_ behind")
    if places is None:
        if trajectory.n_samples != n_samples:
            return Path(None, f"{type(inner).__name__} left the trajectory_ of other rows")
        return Path(trajectory)
    n_new = int((places < 0).sum())
    if n_new:
        return Path(
            None, f"{n_new} of {n_samples} rows are not among those that the scorer was fitted to"
        )
    if np.array_equal(places, np.arange(trajectory.n_samples)):
        return Path(trajectory)
    return Path(trajectory.select(samples=places))


def estimate_labels(
    path: Path,
    difficulty: np.ndarray,
    codes: np.ndarray | None,
    planted_errors: list[PlantedErrors] | Shown | None = None,
) -> LabelEstimates:
    """Estimate which labels are wrong, from the path of training or from difficulties alone.

    Where there is no path of probabilities, planted errors show which difficulties wrong labels
    have. Where there are none either, a label is as probably wrong as its row belongs to a second,
    harder group of rows.

    Parameters
    ----------
    path : Path
        The path of training, if there is one.
    difficulty : ndarray of shape (n_samples,)
        Higher is harder.
    codes : ndarray of shape (n_samples,) or None
        Given classes as numbers; None for a regression.
    planted_errors : list of PlantedErrors, Shown or None, default=None
        Trainings on labels some of which were made wrong: their paths, or their difficulties.

    Returns
    -------
    LabelEstimates
        The estimates.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.selection._label_estimates import Path, estimate_labels
    >>> rng = np.random.default_rng(0)
    >>> difficulty = np.concatenate([rng.normal(0, 1, 90), rng.normal(9, 1, 10)])
    >>> estimates = estimate_labels(Path(None, "there is none"), difficulty, None)
    >>> round(estimates.noise_rate, 3)
    0.1
    """
    why_none = path.why_none
    if path.trajectory is not None:
        try:
            errors = None if isinstance(planted_errors, Shown) else planted_errors
            noise = estimate_label_noise(path.trajectory, errors)
        except RecordNotFoundError as error:
            # Such as that of an estimator without probabilities, which is no reason to fail: the
            # attributes that this leaves out say so.
            why_none = _clause(error)
        else:
            return LabelEstimates(
                noise.mislabeled_proba,
                noise.noise_rate,
                noise.noise_rate_interval,
                noise.class_noise_rate,
                noise.class_noise_rate_interval,
                noise,
            )
    if isinstance(planted_errors, Shown) and planted_errors.enough:
        assert codes is not None
        rates = noise_rates(Labelled(difficulty, codes), planted_errors, codes.max() + 1)
        return LabelEstimates(*rates, why_none=why_none)
    wrong = upper_group_proba(difficulty)
    of_classes = None if codes is None else [wrong[codes == k] for k in range(codes.max() + 1)]
    return LabelEstimates(
        wrong,
        float(wrong.mean()),
        _interval(wrong),
        None if of_classes is None else np.array([part.mean() for part in of_classes]),
        None if of_classes is None else np.array([_interval(part) for part in of_classes]),
        why_none=why_none,
        of_two_groups=True,
    )


def estimate_hardness(path: Path, estimates: LabelEstimates) -> tuple[np.ndarray | None, str]:
    """Say of each row whether it is easy, hard, mislabeled or atypical.

    Parameters
    ----------
    path : Path
        The path of training, if there is one.
    estimates : LabelEstimates
        What is estimated from it.

    Returns
    -------
    types : ndarray of shape (n_samples,), or None
        The types, with the probabilities of the estimates.
    why_none : str
        Why there are none.
    """
    if path.trajectory is None or estimates.noise is None:
        return None, estimates.why_none
    with warnings.catch_warnings():
        # The estimates, which read the same records, have told of rows without any.
        warnings.simplefilter("ignore", MissingRecordsWarning)
        proba = estimates.mislabeled_proba
        return hardness_types(path.trajectory, mislabeled_proba=proba), ""


def _clause(error: RecordNotFoundError) -> str:
    """Message of an error, to stand in the middle of another."""
    return str(error).removesuffix(".")


def _interval(wrong: np.ndarray) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of rows."""
    share = binomtest(round(float(wrong.sum())), len(wrong)).proportion_ci(method="wilson")
    return float(share.low), float(share.high)
