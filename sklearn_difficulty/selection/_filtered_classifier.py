"""A classifier that is trained without the rows that look mislabelled."""

from typing import Any

import numpy as np
from sklearn.base import is_regressor
from sklearn.utils import ClassifierTags, Tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from sklearn_difficulty._targets import has_several
from sklearn_difficulty._validation import all_or_nothing
from sklearn_difficulty.selection._filtered import FilteredEstimator, estimator_has


class FilteredClassifier(FilteredEstimator):
    """Train a classifier without the rows that look mislabelled.

    The rows that the filter does not keep are dropped (or relabelled, or weighed: see Notes),
    together with their part of every row-wise fit parameter, and the classifier is trained on the
    rest: exactly what it would be if it had been trained on the kept rows by hand.

    Parameters
    ----------
    filter : MislabelFilter or None, default=None
        Decides which rows to keep, and by its `action` what becomes of the others. It is cloned.
        None is a ``MislabelFilter()``.
    estimator : estimator or None, default=None
        Classifier to train on them; a Pipeline is one, too. It is cloned. None is a
        ``LogisticRegression(max_iter=1000)``.

    Attributes
    ----------
    filter_ : MislabelFilter
        The fitted filter; its `label_issues_` is a table of what it says of the labels.
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
    Every fit parameter with as many rows as `X` is cut with ``action="drop"``. Where metadata
    routing is enabled, the estimator has to request them, as in
    ``LogisticRegression().set_fit_request(sample_weight=True)``. Groups of rows, for a scorer whose
    `cv` keeps them together, reach the filter with metadata routing only, as in
    ``MislabelFilter(scorer).set_fit_request(groups=True)``.

    With ``MislabelFilter(action="relabel")`` the classifier is trained on all rows, those that are
    not kept under their likely label. With ``action="weight"`` it is trained on all rows under
    their own labels, and the probability that each label is right is its `sample_weight`, times
    one that is given: a `sample_weight` of ``fit``, or ``<step>__sample_weight`` of the last step
    of a Pipeline. With metadata routing the weights go wherever a Pipeline's steps request
    `sample_weight`. Scores are of the rows and labels as they are given, whatever the action.

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
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels as observed, wrong ones among them; of several for each row, 1 for those that are
            there and 0 for others, which makes no use of `threshold="auto"`'s estimate of errors.
        **fit_params : dict
            Parameters of the classifier's ``fit``; row-wise ones are cut with the rows.

        Returns
        -------
        self : FilteredClassifier
            The fitted estimator.

        Raises
        ------
        TypeError
            For a filter that is no filter, or an estimator that is no classifier; with
            ``action="weight"`` for one that takes no `sample_weight`, such as skorch's nets.
        ValueError
            For parameters or data that are not accepted, and if no row of a class would be kept.
        """
        if not hasattr(self._estimator(), "fit") or is_regressor(self._estimator()):
            raise TypeError(f"estimator must be None or a classifier; got {self.estimator!r}.")
        y = self._validate(X, y)
        check_classification_targets(y)
        several = has_several(y)
        self._fit_kept(X, y, None if several else True, fit_params)
        known = getattr(self.filter_, "classes_", None)
        self.classes_ = getattr(self.estimator_, "classes_", known)
        return self

    @available_if(estimator_has("predict_proba"))
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

    @available_if(estimator_has("predict_log_proba"))
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

    @available_if(estimator_has("decision_function"))
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
        tags.classifier_tags.multi_label = False
        return tags

    @staticmethod
    def _default_estimator() -> Any:
        # which takes long to import, and not everybody needs it
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(max_iter=1000)
