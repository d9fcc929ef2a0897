"""What FilteredClassifier and FilteredRegressor share: filter rows, then train on the rest."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, clone
from sklearn.utils import Tags, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from sklearn_difficulty._data import count_rows
from sklearn_difficulty._targets import checked_targets, has_several
from sklearn_difficulty.selection._filter import MislabelFilter
from sklearn_difficulty.selection._sample_weight import combined_weights, weight_parameter
from sklearn_difficulty.selection._selector import RowSelector


def estimator_has(method: str) -> Callable[[Any], bool]:
    """Condition under which a method is there: that the estimator has it.

    Parameters
    ----------
    method : str
        Name of the method.

    Returns
    -------
    callable
        For :func:`~sklearn.utils.metaestimators.available_if`.

    Examples
    --------
    >>> from sklearn_difficulty import FilteredClassifier
    >>> from sklearn_difficulty.selection._filtered import estimator_has
    >>> estimator_has("predict_proba")(FilteredClassifier())
    True
    """

    def check(self: Any) -> bool:
        # Not hasattr: the AttributeError names the estimator that lacks the method.
        getattr(self.estimator_ if hasattr(self, "estimator_") else self._estimator(), method)
        return True

    return check


class FilteredEstimator(BaseEstimator):
    """Base class of estimators that train another one on the rows that a filter keeps.

    Parameters
    ----------
    filter : MislabelFilter or None, default=None
        Decides which rows to keep.
    estimator : estimator or None, default=None
        What is trained on them.

    Examples
    --------
    >>> from sklearn_difficulty import FilteredClassifier
    >>> from sklearn_difficulty.selection._filtered import FilteredEstimator
    >>> issubclass(FilteredClassifier, FilteredEstimator)
    True
    """

    def __init__(self, filter: Any = None, estimator: Any = None) -> None:
        self.filter = filter
        self.estimator = estimator

    _default_estimator: Callable[[], Any]

    def _estimator(self) -> Any:
        return self._default_estimator() if self.estimator is None else self.estimator

    def _filter(self) -> Any:
        return MislabelFilter() if self.filter is None else self.filter

    def _validate(self, X: Any, y: Any) -> Any:
        """Check the filter, take note of the columns of X, make a column vector y flat."""
        if not isinstance(self._filter(), RowSelector):
            raise TypeError(
                f"filter must be None or a MislabelFilter; got {self.filter!r}. A scorer goes "
                "into one, as in MislabelFilter(scorer)."
            )
        validate_data(self, X, y, skip_check_array=True)
        check_consistent_length(X, y)
        checked = checked_targets(y)
        is_column = not has_several(y) and np.asarray(y).ndim == 2
        return checked if is_column else y

    def _fit_kept(
        self, X: Any, y: Any, has_classes: bool | None, fit_params: dict[str, Any]
    ) -> None:
        """Fit the filter, then the estimator on what it makes of the rows."""
        groups = None
        weighs = self._filter().action == "weight"
        name = weight_parameter(self._estimator()) if weighs else None
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, "fit", **fit_params)
            fit_params, groups = routed.estimator.fit, routed.filter.fit.get("groups")
        n_rows = count_rows(X)
        self.filter_ = clone(self._filter())
        self.filter_.select_rows(X, y, has_classes=has_classes, groups=groups)
        of_rows = {key: value for key, value in fit_params.items() if count_rows(value) == n_rows}
        X, y, *cut = self.filter_.filter(X, y, *of_rows.values())
        fit_params = {**fit_params, **dict(zip(of_rows, cut, strict=True))}
        if name is not None:
            weights = self.filter_.sample_weight_
            fit_params[name] = combined_weights(fit_params.get(name), weights, name)
        self.estimator_ = clone(self._estimator())
        self.estimator_.fit(X, y, **fit_params)

    @available_if(estimator_has("predict"))
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

    @available_if(estimator_has("score_samples"))
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

    @available_if(estimator_has("transform"))
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

    @available_if(estimator_has("score"))
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
        """Which parameters go where: to the estimator, and groups of rows to the filter too.

        Returns
        -------
        MetadataRouter
            The routing.
        """
        mapping = MethodMapping()
        for method in ("fit", "score"):
            mapping.add(caller=method, callee=method)
        router = MetadataRouter(owner=type(self).__name__)
        router.add(estimator=self._estimator(), method_mapping=mapping)
        fitting = MethodMapping().add(caller="fit", callee="fit")
        return router.add(filter=self._filter(), method_mapping=fitting)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        inner, filtering = get_tags(self._estimator()), get_tags(self._filter())
        tags.classifier_tags = inner.classifier_tags
        tags.regressor_tags = inner.regressor_tags
        tags.target_tags = inner.target_tags
        tags.target_tags.required = True
        tags.target_tags.multi_output &= filtering.target_tags.multi_output
        tags.non_deterministic = inner.non_deterministic
        tags.input_tags = inner.input_tags
        # Both see the rows.
        tags.input_tags.sparse &= filtering.input_tags.sparse
        tags.input_tags.allow_nan &= filtering.input_tags.allow_nan
        return tags
