"""The sampler for imbalanced-learn's Pipeline."""

from typing import Any, ClassVar

from sklearn_difficulty.selection._actions import check_action
from sklearn_difficulty.selection._nesting import refuse_in_union
from sklearn_difficulty.selection._selector import RowSelector


class MislabelSampler(RowSelector):
    """Drop the rows that look mislabelled, as a step of imbalanced-learn's Pipeline.

    The same selection as :class:`MislabelFilter`, as ``fit_resample``. When the pipeline is fitted,
    rows are really dropped, or their labels mended (``action="relabel"``); when it predicts, this
    step does nothing. Imbalanced-learn is not needed to use it on its own.

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
        What becomes of the rows above the threshold. ``"drop"``: they are left out.
        ``"relabel"``: they are given their likely label; where that is the given one, the row is
        hard, not wrong, and stays as it is. ``"weight"`` is for :class:`FilteredClassifier`:
        :meth:`fit_resample` has no way to pass weights on, and refuses it.
    memory : None, str or joblib.Memory, default=None
        Where to keep fitted scorers, so that another threshold on the same rows trains nothing
        again. None keeps the last of this process (64 at most, in 512 MiB), provided that every
        ``random_state`` of the scorer is a number, as it is once `random_state` is, and that it
        has no `storage`; :func:`~sklearn_difficulty.selection.forget_fits` gives the memory back.
        A folder serves several processes, and later ones; there, code is not part of what an
        entry depends on: empty it after an edit of the model that is trained.
    random_state : int, RandomState instance or None, default=None
        Stands in for every ``random_state`` that the scorer leaves open.

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
        Sorted numbers of the kept training rows, which are all of them with
        ``action="relabel"``.
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
    classes_ : ndarray of shape (n_classes,)
        The observed labels; absent for a regression.
    n_features_in_ : int
        Size of the second axis of `X`.
    feature_names_in_ : ndarray of str
        Column names, where `X` has them.

    See Also
    --------
    MislabelFilter : For the Pipeline of scikit-learn.
    FilteredClassifier : Really drops the rows, around any classifier.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_difficulty import MislabelSampler
    >>> X, y = load_iris(return_X_y=True)
    >>> y[0] = 2  # a wrong label
    >>> X_kept, y_kept = MislabelSampler(threshold=0.9, random_state=0).fit_resample(X, y)
    >>> X_kept.shape, y_kept.shape
    ((135, 4), (135,))
    """

    # Routing is the one way on which the Pipeline of imbalanced-learn hands anything to a sampler,
    # and the method that would ask for it is there only if imbalanced-learn is imported first.
    __metadata_request__fit_resample: ClassVar[dict[str, bool]] = {"groups": True}

    def fit_resample(self, X: Any, y: Any, *, groups: Any = None) -> tuple[Any, Any]:
        """Fit, and drop rows or mend their labels.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features, ...)
            Rows, in whatever form the scorer takes.
        y : array-like of shape (n_samples,)
            Labels as observed, wrong ones among them, or the targets of a regression.
        groups : array-like of shape (n_samples,) or None, default=None
            Groups of rows, for a scorer whose `cv` keeps them together. The Pipeline of
            imbalanced-learn hands them on where metadata routing is enabled, unasked.

        Returns
        -------
        X_resampled : same kind of container, with n_kept rows
            The kept rows, in their order; all of them with ``action="relabel"``.
        y_resampled : same kind of container, with n_kept entries
            Their labels, mended with ``action="relabel"``.

        Raises
        ------
        TypeError
            For a scorer that is no scorer, or a threshold that is no number.
        ValueError
            For ``action="weight"``, for parameters or data that are not accepted, if no row of a
            class would be kept, and inside a FeatureUnion or a ColumnTransformer.
        """
        refuse_in_union(self)
        if check_action(self.action) == "weight":
            raise ValueError(
                "action='weight' gives each row a weight, which fit_resample cannot pass on: use "
                "action='drop' or action='relabel', or FilteredClassifier(MislabelFilter(action="
                "'weight'), estimator)."
            )
        self.fit(X, y, groups=groups)
        X_kept, y_kept = self.filter(X, y)
        return X_kept, y_kept
