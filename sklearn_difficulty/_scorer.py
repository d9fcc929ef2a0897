"""The meta-estimator that trains, records and scores."""

import warnings
from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, get_tags
from sklearn.utils.validation import check_is_fitted
from skorch import NeuralNet

from sklearn_difficulty._asked import ResolvedScore, resolve_scores
from sklearn_difficulty._data import n_rows
from sklearn_difficulty._lookup import score_rows
from sklearn_difficulty._obtainable import check_scores
from sklearn_difficulty._problem import (
    check_holds_rows,
    checked_rows,
    may_lack_targets,
    pose,
    takes_several_targets,
)
from sklearn_difficulty._recorded import check_recorded, judged_under, recording_of
from sklearn_difficulty._rows import KnownRows, target_keys
from sklearn_difficulty._scoring import (
    Column,
    normalized,
    score_known_rows,
    warn_if_nothing_was_learned,
)
from sklearn_difficulty._targets import check_kinds
from sklearn_difficulty._validation import all_or_nothing, check_count
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.recording import (
    RecordedElsewhere,
    Recording,
    checked_keep,
    find_learner,
    record,
)
from sklearn_difficulty.trajectory import Trajectory


class DifficultyScorer(BaseEstimator):
    """Score how hard each sample is, from the path of training.

    An estimator that learns in steps is trained while what each sample does on the way is
    recorded; every score is read off that record. Train once, keep the path, read
    everything off it.

    Parameters
    ----------
    estimator : estimator or None, default=None
        What is trained: a skorch net; a scikit-learn estimator that learns in steps (by
        ``partial_fit``, in boosting stages, in visible iterations), XGBoost or LightGBM; a forest
        or bagging, whose trees are judged out of bag; a Pipeline, a search or a one-vs-rest
        around one of these. It is cloned and never changed. None is a small network that sizes
        itself to the data.
    score : str, callable, Score, or list of them, default="action"
        Names out of :data:`sklearn_difficulty.scores.SCORES`; several are read off the same
        training. A function of a :class:`~sklearn_difficulty.trajectory.Trajectory` that returns
        one number for each sample, higher for harder ones, is a score too; a
        :class:`~sklearn_difficulty.scores.Score` says more of a function than its values.
    score_params : dict or None, default=None
        Options of the score, such as ``{"dt": "wall"}``; for several scores a dict by name.
        Besides those of its function, every score takes ``steps``, the part of the training that
        it is taken over (a slice, a step, ``"early"``, ``"late"``, two fractions; see
        :func:`~sklearn_difficulty.trajectory.window_steps`), and scores from gradients by the
        input take ``target`` (``"true"`` or ``"predicted"`` label) and ``output`` (``"logit"``,
        ``"proba"``; what else, the score says). ``"vog"`` takes ``class_normalize`` (standardise
        within the class, over the training rows).
    n_runs : int or "auto", default="auto"
        Independent trainings, over which a score is taken as its paper says. ``"auto"`` is
        as many as the score needs: one for most, 20 for ``"easiness"``, 5 for the scores that
        compare runs. The trees of a forest are runs already.
    cv : int, splitter, iterable or None, default=None
        None records each row along the training that it is part of. Folds record it along
        the training of models that never saw it. Each repetition of a repeated splitter is a run
        of its own, and so is each fold of one whose folds overlap; a row that is never held out
        has no score, which is NaN.
    snapshots : {"auto", "all"}, int, list of int or None, default="auto"
        Which steps to keep the parameters of, for gradient scores and for rows that were not
        trained on: spread evenly with the first and last three always, within 1 GiB; every
        step; this many; these, counted from 0; or none.
    n_jobs : int or None, default=None
        Trainings at a time, under joblib. Several trainings of a small net are stacked into one
        where this is 1, which is quicker than two processes and the same up to rounding; see
        `why_not_stacked_`.
    random_state : int, RandomState instance or None, default=None
        Makes the trainings reproducible, and leaves the global generators of NumPy, Python and
        torch as they were found. None draws seeds from NumPy's, as scikit-learn does; with one
        training, an estimator's own ``random_state`` holds then.
    verbose : int, default=0
        1 shows a progress bar.
    storage : str, path-like or None, default=None
        Folder in which the record and the snapshots are kept, memory-mapped, so that memory does
        not grow with the steps; it is one that ``Trajectory.load`` reads. A trajectory that was
        there before is replaced. Needs the extra ``storage``. None keeps them in memory.
    keep : tuple of {"outputs", "elements"}, default=()
        Large records of a net that are made only on demand, besides those that a score needs:
        ``"outputs"`` keeps what it gives for each row after every epoch, ``"elements"`` the running
        sum of the losses of each pixel, token or label, `trajectory_.element_action`.

    Attributes
    ----------
    trajectory_ : Trajectory
        The record: one run for each of `n_runs`, times the repetitions of `cv` or the trees of
        a forest.
    scores_ : ndarray of shape (n_samples,) or (n_samples, n_scores)
        Scores of the training rows, as the score's paper defines them.
    difficulty_ : ndarray of shape (n_samples,)
        The first score of the training rows, oriented: higher is harder.
    estimators_ : list of estimators
        The fitted models; with `cv`, those of a run's folds stand next to each other.
    why_not_stacked_ : str or None
        None where several trainings of a small net were one, stacked in arrays with an axis for
        the runs, which takes a fraction of the time and gives the same up to rounding; otherwise
        what was in the way, so that they ran one after the other or under joblib.
    classes_ : ndarray of shape (n_classes,)
        Labels; absent where rows have no class, or several labels.
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
        storage: Any = None,
        keep: tuple[str, ...] = (),
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
        self.storage = storage
        self.keep = keep

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

    @classmethod
    def from_trajectory(
        cls,
        trajectory: Trajectory,
        X: Any = None,
        *,
        score: Any = "action",
        score_params: Mapping[str, Any] | None = None,
    ) -> "DifficultyScorer":
        """Make a fitted scorer of a training that was recorded elsewhere.

        Parameters
        ----------
        trajectory : Trajectory
            What was recorded, by a :class:`~sklearn_difficulty.recording.TrajectoryRecorder` in a
            loop of your own, of outputs that were saved, or by an earlier fit.
        X : container of n_samples rows or None, default=None
            The rows of the trajectory, by which ``score_samples`` knows them again. None leaves
            the fitted attributes only.
        score : str, callable, Score, or list of them, default="action"
            What to score by.
        score_params : dict or None, default=None
            Options of the score.

        Returns
        -------
        scorer : DifficultyScorer
            Fitted, with `trajectory_`, `scores_` and `difficulty_`. It has no models: rows that
            are not in the trajectory, and scores from gradients, are refused. It cannot be fitted
            again: wrap it in :class:`sklearn.frozen.FrozenEstimator` to pass it on as it is, such
            as to a :class:`~sklearn_difficulty.MislabelFilter`, which then looks rows up in it.

        Raises
        ------
        TypeError
            For something that is no trajectory, or an `X` without rows.
        ValueError
            For another number of rows.
        RecordNotFoundError
            When a score needs what the trajectory does not hold.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_difficulty import DifficultyScorer
        >>> from sklearn_difficulty.trajectory import Trajectory
        >>> loss = np.array([[2, 1, 0.5, 3], [1, 0.5, 0.25, 3], [0.5, 0.25, 0.25, 4]])
        >>> DifficultyScorer.from_trajectory(Trajectory(loss[None])).scores_
        array([ 3.5 ,  1.75,  1.  , 10.  ])
        """
        if not isinstance(trajectory, Trajectory):
            raise TypeError(f"trajectory must be a Trajectory; got {type(trajectory).__name__}.")
        if X is not None:
            check_holds_rows(X)
        if X is not None and n_rows(X) != trajectory.n_samples:
            raise ValueError(
                f"X has {n_rows(X)} rows and the trajectory {trajectory.n_samples} samples: pass "
                "the rows that it is of, in its order."
            )
        scorer = cls(RecordedElsewhere(), score=score, score_params=score_params)
        scores = resolve_scores(score, score_params)
        recording = recording_of(trajectory)
        check_recorded(scores, recording)
        scorer._note(recording, X, scores)
        return scorer

    @all_or_nothing
    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> "DifficultyScorer":
        """Train, record and score the training rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features, ...), or Dataset
            Rows of finite numbers; images and other arrays of any rank, frames and lists too. A
            memory-mapped array is read piece by piece. For a skorch net with a module of its own,
            a map-style Dataset of torch, whose items are pairs of input and target. For a
            Pipeline or a search, whatever it takes, such as a list of texts.
        y : array-like of shape (n_samples, ...), list of arrays, or None, default=None
            Labels of any type, or the targets of a regression. Where neither `estimator` nor its
            criterion says which, fractions are targets of a regression, and so are whole numbers of
            which there are more than 20 different ones with fewer than 4 rows each in the mean.
            Several numbers, or labels that are 0 or 1, for each row; for a skorch net that is
            neither classifier nor regressor, arrays of any shape, and a list with an array, tensor
            or mapping of its own for each row. None for a Dataset, which has them, and for such a
            net that learns to draw each row again.
        groups : array-like of shape (n_samples,) or None, default=None
            Groups of rows, for a splitter `cv` that keeps them together.

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
        asked_runs = None if _is_auto(self.n_runs) else check_count("n_runs", self.n_runs)
        learner = None if self.estimator is None else find_learner(self.estimator)
        kept = checked_keep(self.keep)
        if groups is not None and self.cv is None:
            warnings.warn(
                "groups were given and cv=None holds no rows out, so that they have no say: pass "
                "a splitter such as cv=GroupKFold(5).",
                UserWarning,
                stacklevel=3,
            )
        check_kinds(y)
        X, y = checked_rows(self, learner, X, y, reset=True)
        problem = pose(self.estimator, y)
        learner = find_learner(problem.estimator)
        if "elements" in kept and not learner.records_elements:
            raise RecordNotFoundError(
                "keep='elements' needs the losses of the pixels, tokens or labels of a row, which "
                f"{type(problem.estimator).__name__} does not give: use a skorch net."
            )
        runs_each = learner.runs_per_model(problem.estimator)
        needed = max(score.default_runs for score in scores)
        n_runs = asked_runs or -(-needed // runs_each)
        check_scores(
            scores,
            learner,
            has_classes=problem.classes is not None,
            has_proba=learner.has_proba(problem.estimator),
            described=problem.described,
            has_label_sets=problem.has_label_sets,
            has_distances=problem.has_distances,
            snapshots=self.snapshots,
            n_runs=n_runs * runs_each,
            most_steps=learner.most_steps(problem.estimator),
        )
        recording = record(
            problem.estimator,
            X,
            problem.targets,
            classes=problem.classes,
            n_runs=n_runs,
            cv=self.cv,
            groups=groups,
            snapshots=self.snapshots,
            keep=checked_keep({*kept, *(option for score in scores for option in score.keep)}),
            n_jobs=self.n_jobs,
            random_state=self.random_state,
            verbose=self.verbose,
            storage=self.storage,
        )
        warn_if_nothing_was_learned(recording.trajectory)
        try:
            self._note(recording, X, scores)
        except Exception as error:
            error.add_note(
                "The training is not lost: its trajectory is on this exception as `trajectory`, "
                "for DifficultyScorer.from_trajectory."
            )
            error.trajectory = recording.trajectory  # type: ignore[attr-defined]
            raise
        return self

    def _note(self, recording: Recording, X: Any, scores: list[ResolvedScore]) -> None:
        """Take in what was recorded, and score its rows."""
        self._recording_ = recording
        self.trajectory_ = recording.trajectory
        self.estimators_ = recording.estimators
        self.why_not_stacked_ = recording.why_not_stacked
        if recording.classes is not None:
            self.classes_ = recording.classes
        n_samples = self.trajectory_.n_samples
        self._row_shape_ = _row_shape(X)
        self._known_rows_ = None
        if X is not None:
            self._known_rows_ = KnownRows(X, target_keys(recording.targets, n_samples))
        rows = np.arange(n_samples)
        self._columns_ = [(s, score_known_rows(recording, s, X, rows)) for s in scores]
        columns = [normalized(s, column, column).values for s, column in self._columns_]
        # Copies: the columns are looked rows up in, and are not the caller's to change.
        self.scores_ = _as_given(self._score_asked, columns).copy()
        self.difficulty_ = scores[0].oriented(columns[0]).copy()

    def score_samples(
        self,
        X: Any,
        y: Any = None,
        *,
        score: Any = None,
        score_params: Mapping[str, Any] | None = None,
        component: str | None = None,
        return_std: bool = False,
    ) -> Any:
        """Score rows, as the score's paper defines it.

        A row that was trained on (the same content as float32) has the score it was recorded
        with, under the label that it carried, in the mean over its copies. Any other row is
        run through the kept snapshots, under the label that the fitted models predict for it
        in the end; where rows have no class, `y` is needed, unless rows are their own targets.
        Where `y` is given, every row is judged under that.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features, ...)
            Rows.
        y : array-like of shape (n, ...), list of arrays, or None, default=None
            Labels or targets to judge the rows under, as in ``fit``.
        score : str, callable, Score, list of them, or None, default=None
            Another score of the same training; None is the `score` of the scorer.
        score_params : dict or None, default=None
            Its options.
        component : str or None, default=None
            Part of the loss to score by, where the criterion gives its losses by name; the same as
            ``component`` in `score_params`. None takes their sum.
        return_std : bool, default=False
            Whether to return standard errors too.

        Returns
        -------
        scores : ndarray of shape (n,) or (n, n_scores)
            See the score for its unit and direction.
        std : ndarray of the same shape
            With ``return_std=True``: the standard error of each score over the runs, how far it
            would move if the trainings were repeated. NaN for rows of fewer than two runs, and
            of fewer than three for a score that compares runs.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        ValueError
            For labels that training never saw, rows of another shape, or standard errors of
            a single run.
        RecordNotFoundError
            When a score needs what was not recorded.
        """
        return self._scored(
            X, y, score, score_params, component, return_std, lambda _, values: values
        )

    def difficulty(
        self,
        X: Any,
        y: Any = None,
        *,
        score: Any = None,
        score_params: Mapping[str, Any] | None = None,
        component: str | None = None,
        return_std: bool = False,
    ) -> Any:
        """Score rows so that higher is harder, whatever the score.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features, ...)
            Rows.
        y : array-like of shape (n, ...), list of arrays, or None, default=None
            Labels or targets to judge the rows under; see :meth:`score_samples`.
        score : str, callable, Score, list of them, or None, default=None
            Another score of the same training; None is the `score` of the scorer.
        score_params : dict or None, default=None
            Its options.
        component : str or None, default=None
            Part of the loss to score by, where the criterion gives its losses by name; the same as
            ``component`` in `score_params`. None takes their sum.
        return_std : bool, default=False
            Whether to return standard errors too.

        Returns
        -------
        difficulty : ndarray of shape (n,) or (n, n_scores)
            The scores, negated where the paper's are higher for easier rows.
        std : ndarray of the same shape
            With ``return_std=True``: see :meth:`score_samples`.
        """
        return self._scored(
            X, y, score, score_params, component, return_std, ResolvedScore.oriented
        )

    def _scored(
        self,
        X: Any,
        y: Any,
        score: Any,
        score_params: Mapping[str, Any] | None,
        component: str | None,
        return_std: bool,
        turned: Callable[[ResolvedScore, np.ndarray], np.ndarray],
    ) -> Any:
        scores, columns = self._score_columns(
            X, y, score, score_params, component=component, errors=return_std
        )
        asked = self._score_asked if score is None else score
        values = [turned(one, column.values) for one, column in zip(scores, columns, strict=True)]
        if not return_std:
            return _as_given(asked, values)
        return _as_given(asked, values), _as_given(asked, [_errors(column) for column in columns])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = not may_lack_targets(self.estimator)
        tags.target_tags.multi_output = self.estimator is None
        # Nets are fed dense batches of a sparse matrix, whatever their own tags say.
        tags.input_tags.sparse, tags.input_tags.allow_nan = True, False
        if hasattr(self.estimator, "get_params") and not isinstance(self.estimator, type):
            is_net = isinstance(self.estimator, NeuralNet)
            tags.target_tags.multi_output = takes_several_targets(self.estimator)
            tags.input_tags.sparse = is_net or get_tags(self.estimator).input_tags.sparse
            try:
                tags.input_tags.allow_nan = find_learner(self.estimator).allows_nan(self.estimator)
            except TypeError:
                # What cannot be recorded is refused by fit; it has tags all the same.
                tags.input_tags.allow_nan = get_tags(self.estimator).input_tags.allow_nan
        return tags

    def _score_columns(
        self,
        X: Any,
        y: Any,
        score: Any,
        score_params: Mapping[str, Any] | None,
        *,
        component: str | None = None,
        errors: bool = False,
    ) -> tuple[list[ResolvedScore], list[Column]]:
        check_is_fitted(self, "trajectory_")
        recording = self._recording_
        if score is None:
            score, score_params = (
                self._score_asked,
                (self.score_params if score_params is None else score_params),
            )
        scores = resolve_scores(score, score_params, component=component)
        check_recorded(scores, recording)
        n_runs = self.trajectory_.n_runs
        if errors and n_runs < 2:
            raise ValueError(
                "return_std=True needs several runs to tell how far scores vary between them, and "
                "there is one: fit with n_runs=5 or more."
            )
        if self._known_rows_ is None:
            raise RecordNotFoundError(
                "this scorer was made from a trajectory without its rows, so that no row can be "
                "looked up: read scores_ and difficulty_, or pass X to from_trajectory."
            )
        X = checked_rows(self, recording.learner, X, reset=False)
        if None not in (_row_shape(X), self._row_shape_) and _row_shape(X) != self._row_shape_:
            raise ValueError(
                f"X has rows of shape {_row_shape(X)}, and {type(self).__name__} was fitted to "
                f"rows of shape {self._row_shape_}."
            )
        given = None if y is None else judged_under(recording, y, n_rows(X))
        labels = None if given is None else target_keys(given, len(given))
        places = self._known_rows_.find(X, labels)
        columns = [
            score_rows(recording, one, X, given, places, self._known_column(one), errors=errors)
            for one in scores
        ]
        return scores, columns

    def _known_column(self, score: ResolvedScore) -> Column | None:
        """The score of all training rows, where it was computed in fit."""
        return next((column for known, column in self._columns_ if score.is_same(known)), None)


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == "auto"


def _row_shape(X: Any) -> tuple[int, ...] | None:
    """Shape of a row of an array; None for other containers."""
    return tuple(X.shape[1:]) if hasattr(X, "shape") else None


def _errors(column: Column) -> np.ndarray:
    assert column.errors is not None
    return column.errors


def _as_given(score: Any, columns: list[np.ndarray]) -> np.ndarray:
    """One column for one score, a matrix for a list of scores."""
    return np.column_stack(columns) if isinstance(score, list | tuple) else columns[0]
