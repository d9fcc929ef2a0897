"""A regressor that is trained without the rows whose target looks wrong."""

from typing import Any

from sklearn.base import is_classifier
from sklearn.utils import RegressorTags, Tags

from sklearn_difficulty._validation import all_or_nothing
from sklearn_difficulty.selection._filtered import FilteredEstimator


class FilteredRegressor(FilteredEstimator):
    """Train a regressor without the rows whose target looks wrong.

    The rows that the filter does not keep are dropped, together with their part of every
    row-wise fit parameter, and the regressor is trained on the rest: exactly what it would be
    if it had been trained on the kept rows by hand. Targets are never taken for classes, whole
    numbers neither.

    Parameters
    ----------
    filter : MislabelFilter or None, default=None
        Decides which rows to keep, and by its `action` what becomes of the others. It is cloned.
        None is a ``MislabelFilter()``. Its scorer trains a small regression net where it names no
        estimator.
    estimator : estimator or None, default=None
        Regressor to train on them; a Pipeline is one, too. It is cloned. None is a ``Ridge()``.

    Attributes
    ----------
    filter_ : MislabelFilter
        The fitted filter; its `label_issues_` is a table of what it says of the labels.
    estimator_ : estimator
        The fitted regressor.
    n_features_in_ : int
        Size of the second axis of `X`.
    feature_names_in_ : ndarray of str
        Column names, where `X` has them.

    See Also
    --------
    FilteredClassifier : The same for a classification.

    Notes
    -----
    Every fit parameter with as many rows as `X` is cut with ``action="drop"``. Where metadata
    routing is enabled, the estimator has to request them, as in
    ``Ridge().set_fit_request(sample_weight=True)``. Groups of rows, for a scorer whose `cv` keeps
    them together, reach the filter with metadata routing only, as in
    ``MislabelFilter(scorer).set_fit_request(groups=True)``.

    With ``MislabelFilter(action="weight")`` the regressor is trained on all rows, and the
    probability that a row does not belong to a second, harder group of rows is its
    `sample_weight`, times one that is given; see :class:`FilteredClassifier`. There is no likely
    target that ``action="relabel"`` could give.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_difficulty import FilteredRegressor, MislabelFilter
    >>> X = np.linspace(-1, 1, 100).reshape(-1, 1)
    >>> y = 2 * X[:, 0]
    >>> y[3] = 50  # a wrong target
    >>> model = FilteredRegressor(
    ...     MislabelFilter(threshold=0.95, random_state=0), LinearRegression()
    ... )
    >>> model.fit(X, y).estimator_.coef_.round(6)
    array([2.])
    """

    @all_or_nothing
    def fit(self, X: Any, y: Any, **fit_params: Any) -> "FilteredRegressor":
        """Decide which rows to keep and train the regressor on them.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features, ...)
            Rows, in whatever form both the scorer and the regressor take.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets as observed, wrong ones among them.
        **fit_params : dict
            Parameters of the regressor's ``fit``; row-wise ones are cut with the rows.

        Returns
        -------
        self : FilteredRegressor
            The fitted estimator.

        Raises
        ------
        TypeError
            For a filter that is no filter, or an estimator that is no regressor; with
            ``action="weight"`` for one that takes no `sample_weight`.
        ValueError
            For ``action="relabel"``, for parameters or data that are not accepted, and if no row
            would be kept.
        """
        if not hasattr(self._estimator(), "fit") or is_classifier(self._estimator()):
            raise TypeError(f"estimator must be None or a regressor; got {self.estimator!r}.")
        y = self._validate(X, y)
        self._fit_kept(X, y, False, fit_params)
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "regressor"
        tags.regressor_tags = tags.regressor_tags or RegressorTags()
        return tags

    @staticmethod
    def _default_estimator() -> Any:
        # which takes long to import, and not everybody needs it
        from sklearn.linear_model import Ridge

        return Ridge()
