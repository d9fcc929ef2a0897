"""What a fitted selector says of the labels: attributes and a table, made when they are read."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted

from sklearn_difficulty.selection._label_estimates import (
    LabelEstimates,
    Path,
    estimate_hardness,
    estimate_labels,
    path_of,
)


class LabelIssues:
    """Fitted attributes of a selector that tell which labels are wrong and what they should be.

    They are estimated when the first of them is read, unless the fit needed them, and kept: a
    selector that only drops rows by a given threshold does not pay for them. A class that inherits
    from this one leaves `scorer_`, `difficulty_`, `support_`, `_given_`, `_index_` and `_places_`
    behind when it is fitted, and `classes_` and `_codes_` where the targets are classes.
    """

    scorer_: Any
    difficulty_: np.ndarray
    support_: np.ndarray
    _given_: np.ndarray
    _index_: tuple[list[np.ndarray], list[Any]] | None
    _places_: np.ndarray | None

    @property
    def mislabeled_proba_(self) -> np.ndarray:
        """How probable it is that the label of each training row is wrong, shape (n_samples,).

        From the path of training. Of a regression, and of a scorer that leaves no path of classes,
        it is the probability that the row belongs to a second, harder group of rows, and 0 where
        no such group stands apart.
        """
        return self._estimates().mislabeled_proba

    @property
    def noise_rate_(self) -> float:
        """Estimated share of the training labels that are wrong."""
        return self._estimates().noise_rate

    @property
    def noise_rate_interval_(self) -> tuple[float, float]:
        """Lower and upper end of a 95 % interval of `noise_rate_`."""
        return self._estimates().noise_rate_interval

    @property
    def class_noise_rate_(self) -> np.ndarray:
        """Estimated share of wrong labels in each given class, shape (n_classes,).

        In the order of `classes_`, or of those of a frozen scorer; absent for a regression.
        """
        return self._of_classes("class_noise_rate_", self._estimates().class_noise_rate)

    @property
    def class_noise_rate_interval_(self) -> np.ndarray:
        """Ends of 95 % intervals of `class_noise_rate_`, shape (n_classes, 2).

        Absent for a regression.
        """
        return self._of_classes(
            "class_noise_rate_interval_", self._estimates().class_noise_rate_interval
        )

    @property
    def likely_labels_(self) -> np.ndarray:
        """Label that is most likely right for each training row, shape (n_samples,).

        The given one unless another is more probable. Absent for a regression, and where the scorer
        leaves no path of classes.
        """
        noise = self._estimates().noise
        return self._of_classes("likely_labels_", None if noise is None else noise.likely_labels)

    @property
    def noise_matrix_(self) -> np.ndarray:
        """Share of the rows of each true class that carry each label, shape (n_classes, n_classes).

        True classes are the rows, which sum to 1, labels the columns; both in the order of
        `classes_`, or of those of a frozen scorer. Absent for a regression, and where the scorer
        leaves no path of classes.
        """
        noise = self._estimates().noise
        return self._of_classes("noise_matrix_", None if noise is None else noise.noise_matrix)

    @property
    def hardness_type_(self) -> np.ndarray:
        """Whether each training row is easy, hard, mislabeled or atypical, shape (n_samples,).

        By the rules of :func:`~sklearn_difficulty.labels.hardness_types`, with `mislabeled_proba_`.
        Absent where there is no `likely_labels_`.
        """
        estimates = self._estimates()
        if not hasattr(self, "_hardness_"):
            self._hardness_ = estimate_hardness(self._path(), estimates)
        return self._of_classes("hardness_type_", *self._hardness_)

    @property
    def label_issues_(self) -> Any:
        """Table of what is known of the label of each training row.

        Columns are ``is_label_issue`` (whether the label is more probably wrong than right),
        ``is_kept`` (whether the row is within the threshold), ``given_label``,
        ``likely_label``, ``mislabeled_proba``, ``difficulty`` and ``hardness_type``; those that are
        absent as attributes are left out. A DataFrame where pandas is installed, with the index of
        `X` or `y` if they have one, else a Bunch of arrays. A new one each time, so that it may be
        changed.
        """
        estimates = self._estimates()
        columns = {
            "is_label_issue": estimates.mislabeled_proba > 0.5,
            "is_kept": self.support_,
            "given_label": self._given_,
        }
        if estimates.noise is not None:
            columns["likely_label"] = estimates.noise.likely_labels
        columns["mislabeled_proba"] = estimates.mislabeled_proba
        columns["difficulty"] = self.difficulty_
        if hasattr(self, "hardness_type_"):
            columns["hardness_type"] = self.hardness_type_
        columns = {name: column.copy() for name, column in columns.items()}
        try:
            from pandas import DataFrame
        except ImportError:
            return Bunch(**columns)
        # A cell holds all that is given for a row.
        several = {name: list(c) for name, c in columns.items() if c.ndim > 1}
        frame = DataFrame(columns | several)
        if self._index_ is None:
            return frame
        levels, names = self._index_
        return frame.set_index(levels).rename_axis(names)

    def __dir__(self) -> Iterable[str]:
        # scikit-learn reads all that is listed to show an estimator in a notebook, which is not to
        # cost an estimate.
        names = super().__dir__()
        if hasattr(self, "_estimates_"):
            return names
        return [name for name in names if not isinstance(vars(LabelIssues).get(name), property)]

    def _estimates(self) -> LabelEstimates:
        """Estimate, or give what was estimated before."""
        check_is_fitted(self, "difficulty_")
        if not hasattr(self, "_estimates_"):
            self._estimates_ = estimate_labels(
                self._path(), self.difficulty_, getattr(self, "_codes_", None)
            )
        return self._estimates_

    def _path(self) -> Path:
        n_samples, has_classes = len(self.difficulty_), hasattr(self, "classes_")
        return path_of(self.scorer_, self._places_, n_samples, has_classes=has_classes)

    def _of_classes(self, name: str, values: Any, why_none: str = "") -> Any:
        """Give what needs a path of classes, or say why it is not there."""
        if values is None:
            why_none = why_none or self._estimates().why_none
            raise AttributeError(
                f"{type(self).__name__} has no {name}, which is estimated from the path of "
                f"training of a classifier: {why_none}."
            )
        return values
