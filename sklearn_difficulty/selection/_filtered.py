"""Estimators that drop the rows that look mislabelled before they train another one."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils import ClassifierTags, RegressorTags, Tags, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from sklearn_difficulty._validation import all_or_nothing
from sklearn_difficulty.selection._filter import MislabelFilter
from sklearn_difficulty.selection._indexing import count_rows, take_rows
from sklearn_difficulty.selection._selector import RowSelector


def _estimator_has(method: str) -> Callable[[Any], bool]:
    def check(self: Any) -> bool:
        # Not hasattr: the AttributeError names the estimator that lacks the method.
        getattr(self.estimator_ if hasattr(self, "estimator_") else self._estimator(), method)
        return True

    return check


class _FilteredEstimator(BaseEstimator):
    """What the classifier and the regressor share."""

    def __init__(self, filter: Any = None, estimator: Any = None) -> None:
        self.filter = filter
        self.estimator = estimator

    _default_estimator: Callable[[], Any]

    def _estimator(self) -> Any:
        return self._default_estimator() if self.estimator is None else self.estimator

    def _filter(self) -> Any:
        return MislabelFilter() if self.filter is None else self.filter

    def _fit_kept(self, X: Any, y: Any, has_classes: bool, fit_params: dict[str, Any]) -> None:
        """Fit the filter, then the estimator on what it keeps."""
        if not isinstance(self._filter(), RowSelector):
            raise TypeError(
                f"filter must be None or a MislabelFilter; got {self.filter!r}. A scorer goes "
                "into one, as in MislabelFilter(scorer)."
            )
        if get_config()["enable_metadata_routing"]:
            fit_params = process_routing(self, "fit", **fit_params).estimator.fit
        n_rows = count_rows(X)
        self.filter_ = clone(self._filter()).select_rows(X, y, has_classes=has_classes)
        kept = self.filter_.sample_indices_
        cut = {
            name: take_rows(value, kept) if count_rows(value) == n_rows else value
            for name, value in fit_params.items()
        }
        self.estimator_ = clone(self._estimator())
        self.estimator_.fit(take_rows(X, kept), take_rows(y, kept), **cut)

    @available_if(_estimator_has("predict"))
    def predict(self, X: Any) -> np.ndarray:
        """Predict with the fitted estimator.

        Parameters
        ----------
        X : array-like of shape (n, n_features, ...)
            Rows.

        Returns
        -------
        ndarray of shape (n,)
            Predictions.
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict(X)

    @available_if(_estimator_has("score_samples"))
    def score_samples(self, X: Any) -> np.ndarray:
        """Score rows with the fitted estimator.

        Parameters
        ----------
        X : array-like of shape (n, n_features, ...)
            Rows.

        Returns
        -------
        ndarray of shape (n,)
            Scores.
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.score_samples(X)

    @available_if(_estimator_has("transform"))
    def transform(self, X: Any) -> Any:
        """Transform rows with the fitted estimator.

        Parameters
        ----------
        X : array-like of shape (n, n_features, ...)
            Rows.

        Returns
        -------
        array of shape (n, n_features_out)
            Transformed rows; none are dropped.
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.transform(X)

    @available_if(_estimator_has("score"))
    def score(self, X: Any, y: Any, **params: Any) -> float:
        """Score the predictions of the fitted estimator.

        Parameters
        ----------
        X : array-like of shape (n, n_features, ...)
            Rows, of which none are dropped.
        y : array-like of shape (n,)
            Labels or targets.
        **params : dict
            Parameters of the estimator's ``score``, routed where metadata routing is enabled.

        Returns
        -------
        float
            The estimator's own score.
        """
        check_is_fitted(self, "estimator_")
        if get_config()["enable_metadata_routing"]:
            params = process_routing(self, "score", **params).estimator.score
        return self.estimator_.score(X, y, **params)

    def get_metadata_routing(self) -> MetadataRouter:
        """Which parameters go where: those of ``fit`` and ``score`` to the estimator.

        Returns
        -------
        MetadataRouter
            The routing.
        """
        mapping = MethodMapping()
        for method in ("fit", "score"):
            mapping.add(caller=method, callee=method)
        router = MetadataRouter(owner=type(self).__name__)
        return router.add(estimator=self._estimator(), method_mapping=mapping)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        inner, filtering = get_tags(self._estimator()), get_tags(self._filter())
        tags.classifier_tags = inner.classifier_tags
        tags.regressor_tags = inner.regressor_tags
        tags.target_tags = inner.target_tags
        tags.target_tags.required = True
        tags.non_deterministic = inner.non_deterministic
        tags.input_tags = inner.input_tags
        # Both see the rows.
        tags.input_tags.sparse &= filtering.input_tags.sparse
        tags.input_tags.allow_nan &= filtering.input_tags.allow_nan
        return tags


class FilteredClassifier(_FilteredEstimator):
    """Train a classifier without the rows that look mislabelled.

    The rows that the filter does not keep are dropped, together with their part of every
    row-wise fit parameter, and the classifier is trained on the rest: exactly what it would be
    if it had been trained on the kept rows by hand.

    Parameters
    ----------
    filter : MislabelFilter or None, default=None
        Decides which rows to keep. It is cloned. None is a ``MislabelFilter()``.
    estimator : estimator or None, default=None
        Classifier to train on them; a Pipeline is one, too. It is cloned. None is a
        ``LogisticRegression(max_iter=1000)``.

    Attributes
    ----------
    filter_ : MislabelFilter
        The fitted filter.
    estimator_ : estimator
        The fitted classifier.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Size of the second axis of `X`.
    feature_names_in_ : ndarray of str
        Column names, where `X` has them.

    See Also
    --------
    MislabelFilter : A step of a Pipeline, in front of any classifier.
    FilteredRegressor : The same for a regression.

    Notes
    -----
    Every fit parameter with as many rows as `X` is cut. Where metadata routing is enabled, the
    estimator has to request them, as in ``LogisticRegression().set_fit_request(
    sample_weight=True)``.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_difficulty import FilteredClassifier, MislabelFilter
    >>> X, y = load_iris(return_X_y=True)
    >>> y[0] = 2  # a wrong label
    >>> model = FilteredClassifier(
    ...     MislabelFilter(threshold=0.9, random_state=0), LogisticRegression(max_iter=1000)
    ... )
    >>> model.fit(X, y).predict(X[:1])
    array([0])
    """

    @all_or_nothing
    def fit(self, X: Any, y: Any, **fit_params: Any) -> "FilteredClassifier":
        """Decide which rows to keep and train the classifier on them.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features, ...)
            Rows, in whatever form both the scorer and the classifier take.
        y : array-like of shape (n_samples,)
            Labels as observed, wrong ones among them.
        **fit_params : dict
            Parameters of the classifier's ``fit``; row-wise ones are cut with the rows.

        Returns
        -------
        self : FilteredClassifier
            The fitted estimator.

        Raises
        ------
        TypeError
            For a filter that is no filter, or an estimator that is no classifier.
        ValueError
            For parameters or data that are not accepted, and if no row of a class would be kept.
        """
        if not hasattr(self._estimator(), "fit") or is_regressor(self._estimator()):
            raise TypeError(f"estimator must be None or a classifier; got {self.estimator!r}.")
        y = _validate(self, X, y)
        check_classification_targets(y)
        self._fit_kept(X, y, True, fit_params)
        self.classes_ = getattr(self.estimator_, "classes_", self.filter_.classes_)
        return self

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict class probabilities with the fitted classifier.

        Parameters
        ----------
        X : array-like of shape (n, n_features, ...)
            Rows.

        Returns
        -------
        ndarray of shape (n, n_classes)
            Probabilities, in the order of `classes_`.
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict_proba(X)

    @available_if(_estimator_has("predict_log_proba"))
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict logarithms of class probabilities with the fitted classifier.

        Parameters
        ----------
        X : array-like of shape (n, n_features, ...)
            Rows.

        Returns
        -------
        ndarray of shape (n, n_classes)
            Natural logarithms of the probabilities, in the order of `classes_`.
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict_log_proba(X)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        """Compute the decision function of the fitted classifier.

        Parameters
        ----------
        X : array-like of shape (n, n_features, ...)
            Rows.

        Returns
        -------
        ndarray of shape (n,) or (n, n_classes)
            Confidence in each class; for two classes, in the second.
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.decision_function(X)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier"
        tags.classifier_tags = tags.classifier_tags or ClassifierTags()
        return tags

    @staticmethod
    def _default_estimator() -> LogisticRegression:
        return LogisticRegression(max_iter=1000)


class FilteredRegressor(_FilteredEstimator):
    """Train a regressor without the rows whose target looks wrong.

    The rows that the filter does not keep are dropped, together with their part of every
    row-wise fit parameter, and the regressor is trained on the rest: exactly what it would be
    if it had been trained on the kept rows by hand. Targets are never taken for classes, whole
    numbers neither.

    Parameters
    ----------
    filter : MislabelFilter or None, default=None
        Decides which rows to keep. It is cloned. None is a ``MislabelFilter()``. Its scorer
        trains a small regression net where it names no estimator.
    estimator : estimator or None, default=None
        Regressor to train on them; a Pipeline is one, too. It is cloned. None is a ``Ridge()``.

    Attributes
    ----------
    filter_ : MislabelFilter
        The fitted filter.
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
    Every fit parameter with as many rows as `X` is cut. Where metadata routing is enabled, the
    estimator has to request them, as in ``Ridge().set_fit_request(sample_weight=True)``.

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
        y : array-like of shape (n_samples,)
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
            For a filter that is no filter, or an estimator that is no regressor.
        ValueError
            For parameters or data that are not accepted, and if no row would be kept.
        """
        if not hasattr(self._estimator(), "fit") or is_classifier(self._estimator()):
            raise TypeError(f"estimator must be None or a regressor; got {self.estimator!r}.")
        y = _validate(self, X, y)
        self._fit_kept(X, y, False, fit_params)
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "regressor"
        tags.regressor_tags = tags.regressor_tags or RegressorTags()
        return tags

    @staticmethod
    def _default_estimator() -> Ridge:
        return Ridge()


def _validate(estimator: Any, X: Any, y: Any) -> Any:
    """Take note of the columns of X and make a column vector y one-dimensional."""
    validate_data(estimator, X, y, skip_check_array=True)
    check_consistent_length(X, y)
    return y if np.ndim(y) == 1 else column_or_1d(y, warn=True)
