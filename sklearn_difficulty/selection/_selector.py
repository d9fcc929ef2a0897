"""What the filter and the sampler share: score the rows once, decide which to keep."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.utils import Tags, assert_all_finite, check_random_state, get_tags
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    check_memory,
    column_or_1d,
    validate_data,
)

from sklearn_difficulty._data import count_rows, take_rows
from sklearn_difficulty._scorer import DifficultyScorer
from sklearn_difficulty._targets import look_continuous
from sklearn_difficulty._validation import all_or_nothing
from sklearn_difficulty.recording import (
    TrackedNetClassifier,
    TrackedNetRegressor,
    default_net,
)
from sklearn_difficulty.selection._fit_once import fit_once
from sklearn_difficulty.selection._thresholds import check_threshold, keep_mask

_MAX_SEED = np.iinfo(np.int32).max


class RowSelector(BaseEstimator):
    """Base class of estimators that score the rows they are fitted on and keep the easier ones.

    Parameters
    ----------
    scorer : estimator or None, default=None
        Anything whose ``fit(X, y)`` leaves ``difficulty_`` behind; None is a
        :class:`~sklearn_difficulty.DifficultyScorer`.
    threshold : float or "auto", default="auto"
        See :func:`~sklearn_difficulty.selection.keep_mask`.
    criterion : {"quantile", "score", "zscore"}, default="quantile"
        See :func:`~sklearn_difficulty.selection.keep_mask`.
    memory : None, str or joblib.Memory, default=None
        Cache of fitted scorers.
    random_state : int, RandomState instance or None, default=None
        Source of all random choices.

    Examples
    --------
    >>> from sklearn_difficulty import MislabelSampler
    >>> from sklearn_difficulty.selection._selector import RowSelector
    >>> issubclass(MislabelSampler, RowSelector)
    True
    """

    def __init__(
        self,
        scorer: Any = None,
        *,
        threshold: float | str = "auto",
        criterion: str = "quantile",
        memory: Any = None,
        random_state: Any = None,
    ) -> None:
        self.scorer = scorer
        self.threshold = threshold
        self.criterion = criterion
        self.memory = memory
        self.random_state = random_state

    def fit(self, X: Any, y: Any, *, groups: Any = None) -> "RowSelector":
        """Score the rows and decide which to keep.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features, ...)
            Rows, in whatever form the scorer takes.
        y : array-like of shape (n_samples,)
            Labels as observed, wrong ones among them, or the targets of a regression.
        groups : array-like of shape (n_samples,) or None, default=None
            Groups of rows, for a scorer whose `cv` keeps them together.

        Returns
        -------
        self : estimator
            The fitted estimator. When anything fails, it is left as it was.

        Raises
        ------
        TypeError
            For a scorer that is no scorer, or a threshold that is no number.
        ValueError
            For parameters or data that are not accepted, and if no row of a class would be kept.
        """
        return self.select_rows(X, y, groups=groups)

    @all_or_nothing
    def select_rows(
        self, X: Any, y: Any, *, has_classes: bool | None = None, groups: Any = None
    ) -> "RowSelector":
        """Fit, told whether `y` holds classes.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features, ...)
            Rows.
        y : array-like of shape (n_samples,)
            Labels or targets.
        has_classes : bool or None, default=None
            None looks at the scorer and at `y`. Targets of a regression that happen to be whole
            numbers cannot be told from classes by looking.
        groups : array-like of shape (n_samples,) or None, default=None
            Groups of rows, for the scorer.

        Returns
        -------
        self : estimator
            The fitted estimator.
        """
        check_threshold(self.threshold, self.criterion)
        scorer = self._own_scorer(X, has_classes)
        memory = check_memory(self.memory)
        # The scorer validates the values; here are the names and the number of columns, and that
        # there is a y.
        validate_data(self, X, y, skip_check_array=True)
        check_consistent_length(X, y)
        y = check_target(y)
        if has_classes is None:
            has_classes = holds_classes(y, scorer)
        self._replacement_seed_ = None
        if self.random_state is not None:
            rng = check_random_state(self.random_state)
            self._replacement_seed_ = int(rng.randint(_MAX_SEED))
            _seed(scorer, rng)
        self.scorer_ = fit_once(scorer, X, y, groups, memory=memory)
        self.difficulty_ = _difficulty_of(self.scorer_, X, y)
        self.support_, self.threshold_ = keep_mask(
            self.difficulty_,
            y if has_classes else None,
            criterion=self.criterion,
            threshold=self.threshold,
        )
        if has_classes:
            self.classes_, self._codes_ = np.unique(y, return_inverse=True)
            if isinstance(self.threshold, str):
                # If all of a class looks wrong, it is the model that has not learnt the class.
                n_kept = np.bincount(self._codes_[self.support_], minlength=len(self.classes_))
                self.support_ |= (n_kept == 0)[self._codes_]
        self.sample_indices_ = np.flatnonzero(self.support_)
        self._check_something_is_left()
        return self

    def get_support(self, indices: bool = False) -> np.ndarray:
        """Which rows of the training data are kept.

        Parameters
        ----------
        indices : bool, default=False
            Whether to return row numbers instead of a mask.

        Returns
        -------
        support : ndarray of shape (n_samples,), bool, or of shape (n_kept,), int
            True for kept rows, or the sorted numbers of kept rows.
        """
        check_is_fitted(self, "support_")
        return self.sample_indices_ if indices else self.support_

    def filter(self, X: Any, y: Any, *arrays: Any) -> tuple[Any, ...]:
        """Drop rows of the training data.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, ...)
            The training rows, in any form that has as many of them in the same order.
        y : array-like of shape (n_samples, ...)
            Their labels.
        *arrays : array-like of shape (n_samples, ...)
            Whatever else goes with the rows, such as sample weights. None stays None.

        Returns
        -------
        tuple
            `X`, `y` and the arrays, each with the kept rows only and in its own container.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        ValueError
            If something has another number of rows than the training data.
        """
        check_is_fitted(self, "support_")
        given = {"X": X, "y": y} | {f"arrays[{i}]": array for i, array in enumerate(arrays)}
        for name, array in given.items():
            n_rows = count_rows(array)
            if array is not None and n_rows != len(self.support_):
                raise ValueError(
                    f"filter drops rows of the data it was fitted on, which are "
                    f"{len(self.support_)}; {name} has "
                    f"{'no rows' if n_rows is None else f'{n_rows} rows'}. "
                    "Pass the training data, or fit on these rows first."
                )
        return tuple(take_rows(array, self.sample_indices_) for array in given.values())

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        scorer = DifficultyScorer() if self.scorer is None else self.scorer
        tags.input_tags = get_tags(scorer).input_tags
        tags.target_tags.required = True
        return tags

    def _own_scorer(self, X: Any, has_classes: bool | None) -> Any:
        if self.scorer is not None and (
            isinstance(self.scorer, type) or not hasattr(self.scorer, "fit")
        ):
            raise TypeError(
                "scorer must be None or an estimator whose fit leaves difficulty_ behind, such "
                f"as DifficultyScorer(net); got {self.scorer!r}."
            )
        if self.scorer is not None and (is_classifier(self.scorer) or is_regressor(self.scorer)):
            name = type(self.scorer).__name__
            raise TypeError(
                f"scorer must leave difficulty_ behind when it is fitted, and {name} does not: "
                f"wrap it, as in DifficultyScorer({name}(...))."
            )
        scorer = DifficultyScorer() if self.scorer is None else clone(self.scorer)
        if has_classes is not None and isinstance(scorer, DifficultyScorer):
            if scorer.estimator is None:  # which would look at y to tell
                kind = TrackedNetClassifier if has_classes else TrackedNetRegressor
                scorer.set_params(estimator=default_net(kind, count_rows(X) or None))
        return scorer

    def _check_something_is_left(self) -> None:
        asked = f"threshold={self.threshold!r}, criterion={self.criterion!r}"
        if not self.support_.any():
            raise ValueError(
                f"no row would be kept with {asked}: raise threshold. Difficulties range from "
                f"{np.nanmin(self.difficulty_):.6g} to {np.nanmax(self.difficulty_):.6g}."
            )
        if not hasattr(self, "classes_"):
            return
        kept = np.bincount(self._codes_[self.support_], minlength=len(self.classes_))
        if not kept.all():
            lost = ", ".join(repr(label) for label in self.classes_[kept == 0].tolist())
            raise ValueError(
                f"no row of class {lost} would be kept with {asked}: raise threshold, or use "
                "criterion='zscore', which compares each row with those of its own class."
            )


def check_target(y: Any) -> np.ndarray:
    """Check that there is one target per row, none of them NaN or infinite.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Targets; a column vector is made flat, with a warning.

    Returns
    -------
    ndarray of shape (n_samples,)
        The targets.

    Raises
    ------
    ValueError
        For targets of another shape, NaN or infinity.

    Examples
    --------
    >>> from sklearn_difficulty.selection._selector import check_target
    >>> check_target(["a", "b"]).tolist()
    ['a', 'b']
    """
    flat = column_or_1d(y, warn=True)
    assert_all_finite(flat, input_name="y")
    return flat


def holds_classes(y: np.ndarray, scorer: Any) -> bool:
    """Tell whether targets are classes, from their values and from what the scorer trains.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Targets.
    scorer : estimator or None
        Scorer; if it has an ``estimator`` that is a classifier or a regressor, that decides.

    Returns
    -------
    bool
        False for the targets of a regression.

    Examples
    --------
    >>> from sklearn_difficulty.selection._selector import holds_classes
    >>> holds_classes([0, 1, 1], None), holds_classes([0.5, 1.5], None)
    (True, False)
    """
    if isinstance(scorer, FrozenEstimator):
        scorer = scorer.estimator
    trained = getattr(scorer, "estimator", None)
    if trained is not None and (is_classifier(trained) or is_regressor(trained)):
        return is_classifier(trained)
    return not look_continuous(np.asarray(y))


def _difficulty_of(scorer: Any, X: Any, y: np.ndarray) -> np.ndarray:
    n_rows = len(y)
    if isinstance(scorer, FrozenEstimator) and isinstance(scorer.estimator, DifficultyScorer):
        # Fitted before, to these rows in another order, to more of them, or to others.
        difficulty = scorer.estimator.difficulty(X, y)
        return difficulty if difficulty.ndim == 1 else difficulty[:, 0]
    if not hasattr(scorer, "difficulty_"):
        name = type(scorer).__name__
        raise TypeError(
            f"scorer must leave difficulty_ behind when it is fitted, and {name} does not: "
            f"wrap it, as in DifficultyScorer({name}(...))."
        )
    difficulty = np.asarray(scorer.difficulty_, dtype=np.float64)
    if difficulty.shape != (n_rows,):
        raise ValueError(
            f"scorer must leave one difficulty for each of the {n_rows} training rows; "
            f"{type(scorer).__name__} left an array of shape {difficulty.shape}."
        )
    return difficulty


def _seed(estimator: Any, rng: np.random.RandomState) -> None:
    """Set every ``random_state`` that was left open, nested ones too."""
    params = estimator.get_params(deep=True)
    names = [name for name in sorted(params) if name.split("__")[-1] == "random_state"]
    seeds = {name: int(rng.randint(_MAX_SEED)) for name in names if params[name] is None}
    if seeds:
        estimator.set_params(**seeds)
