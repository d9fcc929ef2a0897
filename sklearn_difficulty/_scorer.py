"""The meta-estimator that trains, records and scores."""

from collections.abc import Mapping
from inspect import signature
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.utils import Tags, _safe_indexing, get_tags
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data
from skorch import NeuralNet

from sklearn_difficulty._asked import ResolvedScore, check_scores, resolve_scores
from sklearn_difficulty._rows import KnownRows, group_means, positions
from sklearn_difficulty._scoring import (
    normalized,
    score_known_rows,
    score_new_rows,
    warn_if_nothing_was_learned,
)
from sklearn_difficulty._targets import look_continuous, numbered_classes
from sklearn_difficulty._validation import all_or_nothing, check_count, check_vector
from sklearn_difficulty.recording import (
    TrackedNetClassifier,
    TrackedNetRegressor,
    class_proba,
    default_net,
    find_learner,
    record,
)


class DifficultyScorer(BaseEstimator):
    """Score how hard each sample is, from the path of training.

    An estimator that learns in steps is trained while what each sample does on the way is
    recorded; every score is read off that record. Train once, keep the path, read
    everything off it.

    Parameters
    ----------
    estimator : estimator or None, default=None
        What is trained: a skorch net, or a scikit-learn estimator that learns in steps (by
        ``partial_fit``, or in boosting stages). It is cloned and never changed. None is a
        small network that sizes itself to the data.
    score : str or list of str, default="action"
        Names out of :data:`sklearn_difficulty.scores.SCORES`; several are read off the same
        training.
    score_params : dict or None, default=None
        Options of the score, such as ``{"dt": "wall"}``; for several scores a dict by name.
        Besides those of its function, ``"vog"`` takes ``target`` (``"true"`` or
        ``"predicted"`` label), ``output`` (``"logit"`` or ``"proba"``), ``stage`` (``"all"``,
        ``"early"`` or ``"late"`` snapshots) and ``class_normalize`` (standardise within
        the class, over the training rows).
    n_runs : int or "auto", default="auto"
        Independent trainings, over which a score is taken as its paper says. ``"auto"`` is
        one, and 20 for ``"easiness"``.
    cv : int, splitter or None, default=None
        None records each row along the training that it is part of. Folds record it along
        the training of models that never saw it.
    snapshots : {"auto", "all"}, int, list of int or None, default="auto"
        Which steps to keep the parameters of, for gradient scores and for rows that were not
        trained on: spread evenly with the first and last three always, within 1 GiB; every
        step; this many; these, counted from 0; or none.
    n_jobs : int or None, default=None
        Trainings at a time, under joblib.
    random_state : int, RandomState instance or None, default=None
        Makes the trainings reproducible, and leaves the global generators of NumPy, Python and
        torch as they were found. None draws seeds from NumPy's, as scikit-learn does; with one
        training, an estimator's own ``random_state`` holds then.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    trajectory_ : Trajectory
        The record: one run for each of `n_runs`.
    scores_ : ndarray of shape (n_samples,) or (n_samples, n_scores)
        Scores of the training rows, as the score's paper defines them.
    difficulty_ : ndarray of shape (n_samples,)
        The first score of the training rows, oriented: higher is harder.
    estimators_ : list of estimators
        The fitted models; with `cv`, those of a run's folds stand next to each other.
    classes_ : ndarray of shape (n_classes,)
        Labels; absent for a regression.
    n_features_in_ : int
        Size of the second axis of `X`.
    feature_names_in_ : ndarray of str
        Column names, where `X` has them.

    See Also
    --------
    MislabelFilter : Drops the hardest rows inside a Pipeline.
    DifficultyTracker : The record alone, for a net of your own.

    Notes
    -----
    A net's own ``train_split`` would leave part of the rows untrained: all rows are trained
    on, with a warning.

    References
    ----------
    .. [1] O. Arriaga, S. Palacio, M. Valdenegro-Toro, "Difficulty Estimation with Action
       Scores for Computer Vision Tasks", CVPR Workshops, 2023.
    .. [2] C. Agarwal, D. D'souza, S. Hooker, "Estimating Example Difficulty using Variance of
       Gradients", CVPR, 2022.
    .. [3] I. Kishida, H. Nakayama, "Empirical Study of Easy and Hard Examples in CNN
       Training", ICONIP, 2019.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_difficulty import DifficultyScorer
    >>> X, y = load_iris(return_X_y=True)
    >>> y[0] = 2  # a wrong label
    >>> scorer = DifficultyScorer(random_state=0).fit(X, y)
    >>> int(scorer.score_samples(X).argmax())
    0
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        score: Any = "action",
        score_params: Mapping[str, Any] | None = None,
        n_runs: Any = "auto",
        cv: Any = None,
        snapshots: Any = "auto",
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.score = score
        self.score_params = score_params
        self.n_runs = n_runs
        self.cv = cv
        self.snapshots = snapshots
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    # scikit-learn calls what an estimator has under the name `score` (a Pipeline offers it as its
    # own), so that this parameter is there to be set and listed, but not as an attribute.
    @property
    def score(self) -> Any:
        """Not an attribute: read the parameter with ``get_params()["score"]``."""
        raise AttributeError(
            "score is a parameter of DifficultyScorer and no method: read it with "
            "get_params()['score'], and score rows with score_samples."
        )

    @score.setter
    def score(self, value: Any) -> None:
        self.__dict__["score"] = value

    @property
    def _score_asked(self) -> Any:
        return self.__dict__["score"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include those of the estimator, as ``estimator__...``.

        Returns
        -------
        params : dict
            Values by name.
        """
        params = {name: self.__dict__[name] for name in signature(type(self)).parameters}
        if deep and hasattr(self.estimator, "get_params") and not isinstance(self.estimator, type):
            inner = self.estimator.get_params(deep=True)
            params |= {f"estimator__{name}": value for name, value in inner.items()}
        return params

    @all_or_nothing
    def fit(self, X: Any, y: Any = None) -> "DifficultyScorer":
        """Train, record and score the training rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features, ...)
            Rows of finite numbers; images and other arrays of any rank, frames and lists too.
        y : array-like of shape (n_samples,)
            Labels of any type, or the targets of a regression. Where `estimator` does not say
            which, fractions are targets of a regression, and so are whole numbers of which
            there are more than 20 different ones with fewer than 4 rows each in the mean.

        Returns
        -------
        self : DifficultyScorer
            The fitted scorer.

        Raises
        ------
        TypeError
            For an estimator that does not learn in steps.
        ValueError
            For bad data or parameters.
        NonFiniteLossError
            When a loss becomes NaN or infinite; it carries the trajectory so far.
        RecordNotFoundError
            When a score needs what this estimator, or these options, do not record.
        """
        scores = resolve_scores(self._score_asked, self.score_params)
        n_runs = self._count_runs(scores)
        if self.estimator is not None:
            find_learner(self.estimator)
        X, y = validate_data(self, X, y, ensure_min_samples=2, **self._accepted())
        estimator, targets, classes = self._task(X, y)
        learner = find_learner(estimator)
        check_scores(
            scores,
            learner,
            has_classes=classes is not None,
            snapshots=self.snapshots,
            n_runs=n_runs,
            most_steps=learner.most_steps(estimator),
        )
        keep = {option for score in scores for option in score.keep}
        self._recording_ = record(
            estimator,
            X,
            targets,
            classes=classes,
            n_runs=n_runs,
            cv=self.cv,
            snapshots=self.snapshots,
            keep=tuple(sorted(keep)),
            n_jobs=self.n_jobs,
            random_state=self.random_state,
            verbose=self.verbose,
        )
        if classes is not None:
            self.classes_ = classes
        self.trajectory_ = self._recording_.trajectory
        warn_if_nothing_was_learned(self.trajectory_)
        self.estimators_ = self._recording_.estimators
        self._known_rows_ = KnownRows(X, targets)
        self._row_shape_ = X.shape[1:]
        rows = np.arange(X.shape[0])
        self._columns_ = {
            score.key: score_known_rows(self._recording_, score, X, rows) for score in scores
        }
        columns = [normalized(s, self._columns_[s.key], self._columns_[s.key]) for s in scores]
        # Copies: the columns are looked rows up in, and are not the caller's to change.
        self.scores_ = _as_given(self._score_asked, columns).copy()
        self.difficulty_ = scores[0].oriented(columns[0]).copy()
        return self

    def score_samples(
        self,
        X: Any,
        y: Any = None,
        *,
        score: Any = None,
        score_params: Mapping[str, Any] | None = None,
    ) -> np.ndarray:
        """Score rows, as the score's paper defines it.

        A row that was trained on (the same content as float32) has the score it was recorded
        with, under the label that it carried, in the mean over its copies. Any other row is
        run through the kept snapshots, under the label that the fitted models predict for it
        in the end. Where `y` is given, every row is judged under that.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features, ...)
            Rows.
        y : array-like of shape (n,) or None, default=None
            Labels to judge the rows under.
        score : str, list of str or None, default=None
            Another score of the same training; None is the `score` of the scorer.
        score_params : dict or None, default=None
            Its options.

        Returns
        -------
        scores : ndarray of shape (n,) or (n, n_scores)
            See the score for its unit and direction.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        ValueError
            For labels that training never saw, or rows of another shape.
        RecordNotFoundError
            When a score needs what was not recorded.
        """
        _, columns = self._score_columns(X, y, score, score_params)
        return _as_given(self._score_asked if score is None else score, columns)

    def difficulty(
        self,
        X: Any,
        y: Any = None,
        *,
        score: Any = None,
        score_params: Mapping[str, Any] | None = None,
    ) -> np.ndarray:
        """Score rows so that higher is harder, whatever the score.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features, ...)
            Rows.
        y : array-like of shape (n,) or None, default=None
            Labels to judge the rows under; see :meth:`score_samples`.
        score : str, list of str or None, default=None
            Another score of the same training; None is the `score` of the scorer.
        score_params : dict or None, default=None
            Its options.

        Returns
        -------
        difficulty : ndarray of shape (n,) or (n, n_scores)
            The scores, negated where the paper's are higher for easier rows.
        """
        scores, columns = self._score_columns(X, y, score, score_params)
        columns = [one.oriented(column) for one, column in zip(scores, columns, strict=True)]
        return _as_given(self._score_asked if score is None else score, columns)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        # Nets are fed dense batches of a sparse matrix, whatever their own tags say.
        tags.input_tags.sparse = (
            self.estimator is None
            or isinstance(self.estimator, NeuralNet)
            or get_tags(self.estimator).input_tags.sparse
        )
        tags.input_tags.allow_nan = (
            self.estimator is not None and get_tags(self.estimator).input_tags.allow_nan
        )
        return tags

    def _accepted(self) -> dict[str, Any]:
        """What rows may be, as options of scikit-learn's validation."""
        finite = "allow-nan" if get_tags(self).input_tags.allow_nan else True
        return {"accept_sparse": "csr", "allow_nd": True, "ensure_all_finite": finite}

    def _score_columns(
        self, X: Any, y: Any, score: Any, score_params: Mapping[str, Any] | None
    ) -> tuple[list[ResolvedScore], list[np.ndarray]]:
        check_is_fitted(self, "trajectory_")
        if score is None:
            score, score_params = (
                self._score_asked,
                (self.score_params if score_params is None else score_params),
            )
        scores = resolve_scores(score, score_params)
        check_scores(
            scores,
            self._recording_.learner,
            has_classes=self._recording_.classes is not None,
            snapshots=self._recording_.trajectory.snapshots,
            n_runs=self.trajectory_.n_runs,
            most_steps=max(self._recording_.n_steps),
        )
        X = validate_data(self, X, reset=False, **self._accepted())
        if X.shape[1:] != self._row_shape_:
            raise ValueError(
                f"X has rows of shape {X.shape[1:]}, and {type(self).__name__} was fitted to "
                f"rows of shape {self._row_shape_}."
            )
        given = None if y is None else self._given_targets(y, X.shape[0])
        found, groups = self._known_rows_.find(X, given)
        columns = [self._column(one, X, found, groups, given) for one in scores]
        return scores, columns

    def _column(
        self,
        score: ResolvedScore,
        X: Any,
        found: np.ndarray,
        groups: np.ndarray,
        given: np.ndarray | None,
    ) -> np.ndarray:
        """Values of a score: the mean over its copies for a known row, replayed for a new one."""
        values = np.empty(X.shape[0])
        known, new = np.flatnonzero(found >= 0), np.flatnonzero(found < 0)
        whole = self._columns_.get(score.key)
        if len(known):
            wanted, first = np.unique(found[known], return_index=True)
            rows = np.arange(len(groups))
            if whole is None and score.entry.from_gradients:
                # X holds the content of the training rows that it is about, and of no others
                rows = np.flatnonzero(np.isin(groups, wanted))
                content = known[first][positions(wanted, groups[rows])]
                column = score_known_rows(self._recording_, score, _safe_indexing(X, content), rows)
                whole = column if len(rows) == len(groups) else None
            else:
                column = whole or score_known_rows(self._recording_, score, X, rows)
            recorded = normalized(score, column, whole)
            values[known] = group_means(recorded, groups[rows], found[known])
        if len(new):
            X_new = _safe_indexing(X, new)
            targets = self._predicted(X_new) if given is None else given[new]
            replayed = score_new_rows(self._recording_, score, X_new, targets)
            values[new] = normalized(score, replayed, whole)
        return values

    def _predicted(self, X: Any) -> np.ndarray:
        if self._recording_.classes is None:
            raise ValueError(
                "rows that were not trained on can only be scored with their targets where "
                "the model is a regression: pass y."
            )
        return class_proba(self._recording_, X).argmax(axis=1)

    def _given_targets(self, y: Any, n_rows: int) -> np.ndarray:
        y = column_or_1d(y)
        if len(y) != n_rows:
            raise ValueError(f"y has {len(y)} entries for {n_rows} rows of X.")
        classes = self._recording_.classes
        if classes is None:
            return check_vector("y", y)
        known = set(classes.tolist())
        unseen = [label for label in dict.fromkeys(y.tolist()) if label not in known]
        if unseen:
            raise ValueError(
                f"y holds labels that training never saw: {unseen[:5]}. Known are "
                f"{classes[:10].tolist()}{' and more' if len(classes) > 10 else ''}."
            )
        return np.searchsorted(classes, y)

    def _count_runs(self, scores: list[ResolvedScore]) -> int:
        if isinstance(self.n_runs, str) and self.n_runs == "auto":
            return max(score.default_runs for score in scores)
        return check_count("n_runs", self.n_runs)

    def _task(self, X: Any, y: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray | None]:
        """The estimator to train, its targets, and the labels behind them if it classifies."""
        classifies = self.estimator is not None and is_classifier(self.estimator)
        regresses = self.estimator is not None and is_regressor(self.estimator)
        if regresses or (not classifies and look_continuous(y)):
            net, targets, classes = TrackedNetRegressor, y.astype(np.float64), None
        else:
            net, (targets, classes) = TrackedNetClassifier, numbered_classes(y)
        estimator = default_net(net, X.shape[0]) if self.estimator is None else self.estimator
        return estimator, targets, classes


def _as_given(score: Any, columns: list[np.ndarray]) -> np.ndarray:
    """One column for one score, a matrix for a list of scores."""
    return columns[0] if isinstance(score, str) else np.column_stack(columns)
