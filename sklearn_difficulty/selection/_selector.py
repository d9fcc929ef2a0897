"""What the filter and the sampler share: score the rows once, decide which to keep."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, check_random_state, get_tags
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    check_memory,
    validate_data,
)

from sklearn_difficulty._data import count_rows, take_rows
from sklearn_difficulty._targets import checked_targets
from sklearn_difficulty._validation import all_or_nothing
from sklearn_difficulty.selection._actions import (
    check_action,
    check_can_be_relabelled,
    clean_weights,
    mended_labels,
    with_labels,
)
from sklearn_difficulty.selection._auto_support import auto_support
from sklearn_difficulty.selection._fit_once import fit_once
from sklearn_difficulty.selection._label_estimates import estimate_labels, places_in_path
from sklearn_difficulty.selection._label_issues import LabelIssues
from sklearn_difficulty.selection._planted_training import train_on_planted_errors
from sklearn_difficulty.selection._scorer_within import (
    MAX_SEED,
    check_scorer,
    default_scorer,
    difficulty_of,
    own_scorer,
    ranks_by_consensus,
    seed,
)
from sklearn_difficulty.selection._target import holds_classes
from sklearn_difficulty.selection._thresholds import check_threshold, keep_mask


class RowSelector(BaseEstimator, LabelIssues):
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
    action : {"drop", "relabel", "weight"}, default="drop"
        What is done with the rows that look mislabelled.
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
        action: str = "drop",
        memory: Any = None,
        random_state: Any = None,
    ) -> None:
        self.scorer = scorer
        self.threshold = threshold
        self.criterion = criterion
        self.action = action
        self.memory = memory
        self.random_state = random_state

    def fit(self, X: Any, y: Any, *, groups: Any = None) -> "RowSelector":
        """Score the rows and decide which to keep.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features, ...)
            Rows, in whatever form the scorer takes.
        y : array-like of shape (n_samples, ...)
            Labels as observed, wrong ones among them, or the targets of a regression; several for
            each row where the scorer learns them.
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
        self._action_ = check_action(self.action)
        check_scorer(self.scorer)
        memory = check_memory(self.memory)
        # The scorer validates the values; here are the names and the number of columns, and that
        # there is a y.
        validate_data(self, X, y, skip_check_array=True)
        check_consistent_length(X, y)
        index = next((data.index for data in (X, y) if hasattr(data, "iloc")), None)
        self._index_ = None if index is None else _levels(index)
        y = checked_targets(y)
        told = has_classes is not None
        if has_classes is None:
            has_classes = holds_classes(y, self.scorer)
        if self._action_ == "relabel":
            check_can_be_relabelled(X, has_classes)
        scorer = own_scorer(self.scorer, X, has_classes, told=told)
        self._replacement_seed_ = None
        rng = check_random_state(self.random_state)
        if self.random_state is not None:
            self._replacement_seed_ = int(rng.randint(MAX_SEED))
            seed(scorer, rng)
        self.scorer_ = fit_once(scorer, X, y, groups, memory=memory)
        self.difficulty_ = difficulty_of(self.scorer_, X, y)
        self._places_ = places_in_path(self.scorer_, X, y)
        self._given_ = y.copy()
        if has_classes:
            self.classes_, self._codes_ = np.unique(y, return_inverse=True)
            if isinstance(self.threshold, str) or self._action_ != "drop":
                path = self._path()
                errors = train_on_planted_errors(
                    scorer,
                    X,
                    self.classes_,
                    self._codes_,
                    groups,
                    path=path,
                    memory=memory,
                    random_state=rng,
                )
                self._estimates_ = estimate_labels(path, self.difficulty_, self._codes_, errors)
                noise = self._estimates_.noise
                if isinstance(self.threshold, str) and noise and ranks_by_consensus(scorer):
                    # Planted errors also show which steps of the training tell wrong labels.
                    self.difficulty_ = noise.consensus.copy()
        self._decide()
        self._act()
        return self

    def _decide(self) -> None:
        """Tell the rows that look right from those that look wrong."""
        codes = getattr(self, "_codes_", None)
        if not isinstance(self.threshold, str):
            self.support_, self.threshold_ = keep_mask(
                self.difficulty_,
                None if codes is None else self._given_,
                criterion=self.criterion,
                threshold=self.threshold,
            )
            return
        wrong = None
        if codes is not None and not self._estimates().of_two_groups:
            wrong = self._estimates().mislabeled_proba
        self.support_, self.threshold_ = auto_support(self.difficulty_, wrong, codes)

    def _act(self) -> None:
        """Say what becomes of the rows, and check that something is left of each class."""
        self.sample_indices_ = np.arange(len(self.support_))
        if self._action_ == "drop":
            self.sample_indices_ = np.flatnonzero(self.support_)
            self._check_something_is_left(self._given_[self.support_])
        elif self._action_ == "relabel":
            noise = self._estimates().noise
            if noise is None:
                raise ValueError(
                    "action='relabel' needs the path of training of a classifier, such as that of "
                    f"a DifficultyScorer: {self._estimates().why_none}. Use action='drop' or "
                    "action='weight' with this scorer."
                )
            self._mended_ = mended_labels(self._given_, noise.likely_labels, self.support_)
            self._check_something_is_left(self._mended_)
        else:
            codes = getattr(self, "_codes_", None)
            # Nothing is held against a row of which nothing is known.
            wrong = np.where(np.isnan(self.difficulty_), np.nan, self.mislabeled_proba_)
            self.sample_weight_ = clean_weights(wrong, codes)

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
        return np.flatnonzero(self.support_) if indices else self.support_

    def filter(self, X: Any, y: Any, *arrays: Any) -> tuple[Any, ...]:
        """Do to the training data what `action` says.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, ...)
            The training rows, in any form that has as many of them in the same order.
        y : array-like of shape (n_samples, ...)
            Their labels; those of ``fit`` with ``action="relabel"``.
        *arrays : array-like of shape (n_samples, ...)
            Whatever else goes with the rows, such as sample weights. None stays None.

        Returns
        -------
        tuple
            `X`, `y` and the arrays, each in its own container: the kept rows only with
            ``action="drop"``; all rows and the mended labels with ``action="relabel"``; all as it
            is with ``action="weight"``, whose weights are in `sample_weight_`.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        ValueError
            If something has another number of rows than the training data, or labels that are to
            be mended are not those of ``fit``.
        """
        check_is_fitted(self, "support_")
        given = {"X": X, "y": y} | {f"arrays[{i}]": array for i, array in enumerate(arrays)}
        for name, array in given.items():
            n_rows = count_rows(array)
            if array is not None and n_rows != len(self.support_):
                raise ValueError(
                    f"filter takes the rows of the data it was fitted on, which are "
                    f"{len(self.support_)}; {name} has "
                    f"{'no rows' if n_rows is None else f'{n_rows} rows'}. "
                    "Pass the training data, or fit on these rows first."
                )
        if self._action_ == "drop":
            return tuple(take_rows(array, self.sample_indices_) for array in given.values())
        if self._action_ == "relabel":
            given["y"] = with_labels(y, self._given_, self._mended_)
        return tuple(given.values())

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        scorer = default_scorer() if self.scorer is None else self.scorer
        tags.input_tags = get_tags(scorer).input_tags
        tags.target_tags.required = True
        tags.target_tags.multi_output = get_tags(scorer).target_tags.multi_output
        return tags

    def _check_something_is_left(self, labels: np.ndarray) -> None:
        """Check that of all rows, and of each class, there are some among the labels left."""
        asked = f"threshold={self.threshold!r}, criterion={self.criterion!r}"
        if not len(labels):
            raise ValueError(
                f"no row would be kept with {asked}: raise threshold. Difficulties range from "
                f"{np.nanmin(self.difficulty_):.6g} to {np.nanmax(self.difficulty_):.6g}."
            )
        if not hasattr(self, "classes_"):
            return
        gone = ~np.isin(self.classes_, labels)
        if gone.any():
            lost = ", ".join(repr(label) for label in self.classes_[gone].tolist())
            raise ValueError(
                f"no row of class {lost} would be kept with {asked}: raise threshold, or use "
                "criterion='zscore', which compares each row with those of its own class."
            )


def _levels(index: Any) -> tuple[list[np.ndarray], list[Any]]:
    """Entries and names of the levels of an index: skops saves arrays, and nothing of pandas."""
    return [index.get_level_values(i).to_numpy() for i in range(index.nlevels)], [*index.names]
