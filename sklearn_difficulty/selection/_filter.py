"""The filter for the main chain of a scikit-learn Pipeline."""

from typing import Any

import numpy as np
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from sklearn_difficulty._data import take_rows
from sklearn_difficulty._targets import checked_targets
from sklearn_difficulty.selection._actions import check_action
from sklearn_difficulty.selection._nesting import refuse_in_union, refuse_memory_in_union
from sklearn_difficulty.selection._selector import RowSelector
from sklearn_difficulty.selection._target import holds_classes

_CHANGES = {"relabel": "labels", "weight": "weights"}


def replacement_indices(
    support: np.ndarray, codes: np.ndarray, rng: np.random.RandomState
) -> np.ndarray:
    """For each row, the row that stands in its place: a kept one of the same class.

    Parameters
    ----------
    support : ndarray of shape (n_samples,), bool
        True for kept rows, which stay where they are.
    codes : ndarray of shape (n_samples,)
        Classes; each must have a kept row.
    rng : RandomState
        Source of the order in which kept rows are reused.

    Returns
    -------
    ndarray of shape (n_samples,), int
        Row numbers. Within a class no kept row is reused twice more than another.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.selection._filter import replacement_indices
    >>> support = np.array([True, False, True, False])
    >>> codes = np.array([0, 0, 1, 1])
    >>> replacement_indices(support, codes, np.random.RandomState(0)).tolist()
    [0, 0, 2, 2]
    """
    source = np.arange(len(support))
    for code in np.unique(codes[~support]):
        of_class = codes == code
        dropped = np.flatnonzero(of_class & ~support)
        kept = np.flatnonzero(of_class & support)
        source[dropped] = np.resize(rng.permutation(kept), len(dropped))
    return source


class MislabelFilter(OneToOneFeatureMixin, TransformerMixin, RowSelector):
    """Keep the rows that look mislabelled from the steps that follow in a Pipeline.

    A transformer for the main chain of an ordinary :class:`~sklearn.pipeline.Pipeline`. There,
    `y` cannot shrink: when the pipeline is fitted, the `x` of each dropped pair `(x, y)` is
    replaced by that of a kept row with the same label, kept rows being reused evenly. What
    follows never sees a dropped pair, whatever it is. When the pipeline predicts, rows pass
    through unchanged. Outside a pipeline, :meth:`filter` really drops.

    Parameters
    ----------
    scorer : estimator or None, default=None
        What tells hard rows: a :class:`~sklearn_difficulty.DifficultyScorer`, or anything else
        whose ``fit(X, y)`` leaves ``difficulty_`` behind, one number per row, higher is harder.
        It is cloned. None is a ``DifficultyScorer(score="consensus")`` of the default network, and
        for a regression a ``DifficultyScorer()``. One of your own ranks by its own `score`, which
        is the action unless you say ``score="consensus"``, too.
    threshold : float or "auto", default="auto"
        How hard a kept row may be, in the unit of `criterion`. ``"auto"`` drops as many of the
        hardest rows as labels are wrong by the estimate, never more than three quarters of a class,
        and none (`threshold_` is infinite then) where labels are right or the model cannot tell. To
        know what a wrong label looks like to this model, it is trained a second time with a tenth
        of the labels made wrong (up to four times with other ones, where rows are fewer than 1000
        or these labels do not stand out), unless it is frozen; see
        :func:`~sklearn_difficulty.labels.estimate_label_noise`. For a regression, and for scorers
        of another kind, it looks for a second group of difficulties instead; see
        :func:`~sklearn_difficulty.selection.auto_threshold`.
    criterion : {"quantile", "score", "zscore"}, default="quantile"
        What a number given as `threshold` means. ``"quantile"``: keep difficulties up to this
        quantile, so that 0.9 drops the hardest tenth and 1.0 nothing. ``"score"``: keep
        difficulties up to this value. ``"zscore"``: keep difficulties up to this many standard
        deviations above the mean of their class.
    action : {"drop", "relabel", "weight"}, default="drop"
        What becomes of the rows above the threshold, in :class:`FilteredClassifier` and in
        :meth:`filter`. ``"drop"``: they are left out. ``"relabel"``: they are given their likely
        label; where that is the given one, the row is hard, not wrong, and stays as it is.
        ``"weight"``: no row is left out, whatever the threshold; each weighs as much as its label
        is probably right (`sample_weight_`), times a `sample_weight` that is given. In a Pipeline
        neither labels nor weights can change, so that :meth:`fit_transform` takes ``"drop"`` only.
    memory : None, str or joblib.Memory, default=None
        Where to keep fitted scorers, so that another threshold on the same rows trains nothing
        again. None keeps the last of this process (64 at most, in 512 MiB), provided that every
        ``random_state`` of the scorer is a number, as it is once `random_state` is, and that it
        has no `storage`; :func:`~sklearn_difficulty.selection.forget_fits` gives the memory back.
        A folder serves several processes, and later ones; there, code is not part of what an
        entry depends on: empty it after an edit of the model that is trained.
    random_state : int, RandomState instance or None, default=None
        Decides in which order kept rows are reused, and stands in for every ``random_state``
        that the scorer leaves open.

    Attributes
    ----------
    scorer_ : estimator
        The fitted scorer.
    difficulty_ : ndarray of shape (n_samples,)
        How hard each training row is; higher is harder. What the scorer left, except with
        ``threshold="auto"`` and the score ``"consensus"``: then steps of the training weigh by how
        far planted errors stand out in them, which ranks wrong labels better.
    threshold_ : float or ndarray of shape (n_classes,)
        The highest difficulty that is kept, infinite where nothing is cut off. With
        ``criterion="zscore"`` one per class, in the order of `classes_`.
    support_ : ndarray of shape (n_samples,), bool
        True for kept training rows.
    sample_indices_ : ndarray of shape (n_kept,), int
        Sorted numbers of the kept training rows, which are all of them unless the action is
        ``"drop"``.
    mislabeled_proba_ : ndarray of shape (n_samples,)
        How probable it is that the label of each training row is wrong. Like the others that tell
        of labels, it is estimated when it is first read, if the fit did not need it. Of a
        regression, and of a scorer that leaves no path of classes, it is the probability that the
        row belongs to a second, harder group.
    likely_labels_ : ndarray of shape (n_samples,)
        The label that is most likely right; the given one unless another is more probable. Absent,
        like `noise_matrix_` and `hardness_type_`, for a regression and for a scorer that leaves no
        path of classes.
    hardness_type_ : ndarray of shape (n_samples,)
        ``"easy"``, ``"hard"``, ``"mislabeled"`` or ``"atypical"``; see
        :func:`~sklearn_difficulty.labels.hardness_types`.
    label_issues_ : DataFrame or Bunch
        Table with a row for each training row: ``is_label_issue`` (more probably wrong than
        right), ``is_kept`` (within the threshold), ``given_label``, ``likely_label``,
        ``mislabeled_proba``, ``difficulty``, ``hardness_type``. A DataFrame where pandas is
        installed, with the index of `X` or `y`.
    noise_rate_ : float
        Estimated share of wrong labels.
    noise_rate_interval_ : tuple of float
        Ends of a 95 % interval of it.
    class_noise_rate_ : ndarray of shape (n_classes,)
        Estimated share of wrong labels in each given class; absent for a regression.
    class_noise_rate_interval_ : ndarray of shape (n_classes, 2)
        Ends of 95 % intervals of it.
    noise_matrix_ : ndarray of shape (n_classes, n_classes)
        Share of the rows of each true class (row) that carry each label (column).
    sample_weight_ : ndarray of shape (n_samples,)
        Probability that each label is right, with ``action="weight"`` only. It is 1 for all rows
        of a class none of which is more likely right than wrong.
    replacement_indices_ : ndarray of shape (n_samples,), int
        For each row that :meth:`fit_transform` returned, the training row it is.
    classes_ : ndarray of shape (n_classes,)
        The observed labels; absent for a regression.
    n_features_in_ : int
        Size of the second axis of `X`.
    feature_names_in_ : ndarray of str
        Column names, where `X` has them.

    See Also
    --------
    FilteredClassifier : Really drops the rows, around any classifier.
    MislabelSampler : Really drops the rows, in the Pipeline of imbalanced-learn.

    Notes
    -----
    Replacing equals dropping and then oversampling each class back to its observed size. The
    duplicates make estimates optimistic that a following step takes from a part of its training
    rows: out-of-bag scores, early stopping, an inner cross-validation. Use
    :class:`FilteredClassifier` there.

    A weight that is passed along with the rows (``sample_weight`` of a following step) stays in
    its place and weighs the row that took the place: use :class:`FilteredClassifier` for weights,
    which cuts them together with the rows.

    It has to be a step of the main chain. Inside a FeatureUnion or a ColumnTransformer, where its
    rows would be paired with columns of other rows, it refuses to be fitted.

    Steps before it are fitted on all rows.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_difficulty import MislabelFilter
    >>> X, y = load_iris(return_X_y=True)
    >>> y[0] = 2  # a wrong label
    >>> pipe = make_pipeline(
    ...     StandardScaler(), MislabelFilter(threshold=0.9, random_state=0), LogisticRegression()
    ... )
    >>> pipe = pipe.fit(X, y)
    >>> kept = pipe["mislabelfilter"].get_support()
    >>> int(kept.sum()), bool(kept[0])
    (135, False)
    >>> labels = pipe["mislabelfilter"].label_issues_
    >>> int(labels["given_label"][0]), int(labels["mislabeled_proba"].argmax())
    (2, 0)
    """

    def fit(self, X: Any, y: Any, *, groups: Any = None) -> "MislabelFilter":
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
        self : MislabelFilter
            The fitted filter. When anything fails, it is left as it was.

        Raises
        ------
        TypeError
            For a scorer that is no scorer, or a threshold that is no number.
        ValueError
            For parameters or data that are not accepted, if no row of a class would be kept, and
            inside a FeatureUnion or a ColumnTransformer.
        """
        refuse_in_union(self)
        super().fit(X, y, groups=groups)
        return self

    def transform(self, X: Any) -> Any:
        """Pass rows through unchanged.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n, n_features, ...)
            Rows.

        Returns
        -------
        X : same object, or a shallow copy of a pandas frame
            The rows.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        ValueError
            For another number of columns than in ``fit``, other column names, or values that
            are not finite where the scorer takes none.
        """
        check_is_fitted(self, "support_")
        if hasattr(self, "n_features_in_"):
            allow_nan = get_tags(self).input_tags.allow_nan
            check_array(
                X,
                accept_sparse=True,
                dtype=None,
                allow_nd=True,
                ensure_all_finite="allow-nan" if allow_nan else True,
                estimator=self,
                input_name="X",
            )
        validate_data(self, X, reset=False, skip_check_array=True)
        # set_output renames the columns of what it gets, which is not to be the caller's frame
        return X.copy(deep=False) if hasattr(X, "iloc") else X

    def fit_transform(self, X: Any, y: Any, *, groups: Any = None) -> Any:
        """Fit, and replace dropped rows by kept ones of the same class.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features, ...)
            Rows, in whatever form the scorer takes.
        y : array-like of shape (n_samples,)
            Labels as observed, wrong ones among them.
        groups : array-like of shape (n_samples,) or None, default=None
            Groups of rows, for a scorer whose `cv` keeps them together.

        Returns
        -------
        X : same kind of container, of the same shape
            Row ``i`` is the training row ``replacement_indices_[i]``, and has the label ``y[i]``.
            The index of a pandas frame stays as it is, because the labels do.

        Raises
        ------
        TypeError
            For a scorer that is no scorer, or a threshold that is no number.
        ValueError
            For another action than ``"drop"``, for the targets of a regression, for parameters or
            data that are not accepted, if no row of a class would be kept, and inside a
            FeatureUnion or a ColumnTransformer.
        """
        if check_action(self.action) != "drop":
            name, action = type(self).__name__, f"action={self.action!r}"
            raise ValueError(
                f"{action} changes {_CHANGES[self.action]}, and in a Pipeline they stay as they "
                f"are: use FilteredClassifier({name}({action}), estimator), which may be a step of "
                "one, or fit and then filter(X, y)."
            )
        if y is not None:
            y = checked_targets(y)
        if y is not None and not holds_classes(y, self.scorer):
            raise ValueError(
                f"{type(self).__name__} replaces dropped rows by others with the same y, and the "
                "targets of a regression have none, nor have several for each row: use "
                "FilteredRegressor, which drops, or fit and then filter(X, y)."
            )
        self.fit(X, y, groups=groups)
        self.replacement_indices_ = replacement_indices(
            self.support_, self._codes_, check_random_state(self._replacement_seed_)
        )
        replaced = take_rows(X, self.replacement_indices_)
        return replaced.set_axis(X.index, axis=0) if hasattr(replaced, "iloc") else replaced

    def __sklearn_clone__(self) -> "MislabelFilter":
        refuse_memory_in_union(self)
        return super().__sklearn_clone__()
