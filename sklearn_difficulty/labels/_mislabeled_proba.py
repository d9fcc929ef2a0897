"""How probably labels are wrong, on the scale of the consensus."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit
from scipy.stats import mannwhitneyu
from sklearn.linear_model import LogisticRegression

__all__ = ["FEWEST_PLANTED", "Labelled", "mislabeled_proba", "stands_out"]

# The same for all data; chosen on the first seed of the data of benchmarks/detection.py, those
# about weak models also on the small tables of the second.
# Rows that are right and look wrong are as far beyond the middle as this part of what the other
# right ones are on their side of it.
_RIGHT_BEYOND = 0.25
# So much more than that (share of rows times their mean distance) is a half when it is asked
# whether there are wrong labels at all; the exponent makes it a matter of yes or no.
_EXCESS, _SHARPNESS = 0.008, 4
# Log odds of being wrong per unit, if a fifth of the rows is beyond the middle; then no more than
# these at most, since far beyond it there are hard rows with right labels, too.
_SLOPE, _USUAL_SHARE, _MOST_ODDS = 4.0, 0.2, 2.0
_FAR_RIGHT, _FAR_WRONG = -2.0, 1.0
_MOST_PROBA, _MOST_LOG_RATIO = 0.95, 50.0
# With other errors in the labels, the model looks different; this much more is too different.
_MANY_MORE, _SOME_MORE = 1.5, 0.02
FEWEST_PLANTED = 3
# Of the test that planted errors stand out.
_LEVEL = 0.1
# A model that believes more than this share of planted errors is weak, and may be as wrong about
# right labels: then almost as many rows have to be beyond the middle as planted ones are before it.
_WEAK, _ALMOST = 0.2, 0.85
# Half of the wrong rows look less wrong than the planted ones; those of other kinds, more of them.
_TIES = 4.0


class Labelled(NamedTuple):
    """Rows with the labels that they carried in a training.

    Attributes
    ----------
    values : ndarray of shape (n,)
        Consensus on other labels.
    codes : ndarray of shape (n,), int
        Class numbers.
    """

    values: np.ndarray
    codes: np.ndarray

    @classmethod
    def none(cls) -> "Labelled":
        """No rows."""
        return cls(np.zeros(0), np.zeros(0, dtype=np.int64))

    def per_class(self, n_classes: int) -> np.ndarray:
        """How many rows carry each label, of shape (n_classes,)."""
        return np.bincount(self.codes, minlength=n_classes)

    def take(self, rows: np.ndarray) -> "Labelled":
        """Some of the rows, by their numbers or a mask."""
        return Labelled(self.values[rows], self.codes[rows])


class _Scale(NamedTuple):
    """Where on the scale of the consensus a label is as probably right as wrong."""

    middle: float
    unit: float
    """Distance from there to the typical row."""
    most: float = 1.0
    """Largest share of rows beyond the middle that is plausible."""
    missed: float = 0.0
    """Share of the planted errors before the middle."""
    weak: bool = False
    """Whether that is surely a large share."""


def mislabeled_proba(rows: Labelled, planted: Labelled, others: Labelled) -> np.ndarray:
    """Tell from the consensus how probably labels are wrong.

    Parameters
    ----------
    rows : Labelled
        The rows in question.
    planted, others : Labelled
        Planted errors, and the other rows of the training on them; none of either where there was
        no such training.

    Returns
    -------
    ndarray of shape (n,)
        Probabilities; see :func:`~sklearn_difficulty.labels.estimate_label_noise`.
    """
    scale = _scale(rows.values, planted, others)
    if scale is None:
        return np.zeros(len(rows.values))
    places = (rows.values - scale.middle) / scale.unit
    if np.mean(places > 0) > _MANY_MORE * scale.most + _SOME_MORE:
        places -= np.quantile(places, 1 - scale.most)
    if scale.weak and np.mean(places > 0) < _ALMOST * scale.missed:
        return _proba_like_planted(rows.values, planted.values, others.values)
    _spare_whole_classes(places, rows.codes, planted, others)
    share = np.clip(np.mean(places > 0), 1 / (len(places) + 1), 0.5)
    before = logit(share) - logit(_USUAL_SHARE)
    odds = _SLOPE * np.clip(places, _FAR_RIGHT, _FAR_WRONG) + before
    return _whether_any(places) * expit(np.minimum(odds, _MOST_ODDS + max(before, 0.0)))


def stands_out(planted: Labelled, others: Labelled) -> bool:
    """Tell whether planted errors look more wrong than other rows.

    Parameters
    ----------
    planted, others : Labelled
        Planted errors, and the other rows.

    Returns
    -------
    bool
        A model that cannot tell labels that are known to be wrong knows nothing of others.
    """
    wrong, right = planted.values, others.values
    return bool(
        mannwhitneyu(wrong, right, alternative="greater").pvalue <= _LEVEL
        and np.median(wrong) > np.median(right)
    )


def _scale(values: np.ndarray, planted: Labelled, others: Labelled) -> _Scale | None:
    """The scale of the consensus; None where wrong labels do not stand out on it."""
    if len(planted.values) < FEWEST_PLANTED or not len(others.values):
        unit = -float(np.median(values)) if len(values) else 0.0
        return _Scale(0.0, unit) if unit > 0 else None
    if not stands_out(planted, others):
        return None
    right, wrong = float(np.median(others.values)), float(np.median(planted.values))
    middle = (right + wrong) / 2
    missed = float(np.mean(planted.values <= middle))
    weak = missed - np.sqrt(missed * (1 - missed) / len(planted.values)) > _WEAK
    most = float(np.mean(others.values > middle))
    return _Scale(middle, (wrong - right) / 2, most, missed, bool(weak))


def _spare_whole_classes(
    places: np.ndarray, codes: np.ndarray, planted: Labelled, others: Labelled
) -> None:
    """Where most of a class looks wrong, believe no more than its planted errors allow, in place.

    A model that has not learnt a class puts all of it on the wrong side. But planted errors of that
    label still stand out from its right rows, and not from its wrong ones.
    """
    for code in np.unique(codes):
        of_class = codes == code
        wrong, right = (part.values[part.codes == code] for part in (planted, others))
        if np.mean(places[of_class] > 0) <= 0.5 or len(wrong) < FEWEST_PLANTED or not len(right):
            continue
        right = np.sort(right)
        # Ties count half, which is the mean of both sides.
        below = [np.searchsorted(right, wrong, side) for side in ("left", "right")]
        above = float(np.mean(below)) / len(right)
        error = np.sqrt(above * (1 - above) / len(wrong))
        most = min(_TIES * (1 - above + error), 1.0)
        if np.mean(places[of_class] > 0) > most:
            places[of_class] -= np.quantile(places[of_class], 1 - most)


def _proba_like_planted(values: np.ndarray, planted: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Probability that labels are wrong, if wrong ones look just like the planted ones.

    Beyond a high value there are hardly any right labels, so that the share of the rows there over
    that of the planted errors is the noise rate; the ratio of the densities says which rows it is.
    """
    shares = [np.mean(others > np.quantile(planted, at)) / (1 - at) for at in (0.5, 0.75)]
    places = np.concatenate([planted, others])[:, None]
    is_planted = np.arange(len(places)) < len(planted)
    log_odds = LogisticRegression().fit(places, is_planted).decision_function(values[:, None])
    ratio = np.exp(np.minimum(log_odds, _MOST_LOG_RATIO)) * len(others) / len(planted)
    return np.minimum(min(shares) * ratio, _MOST_PROBA)


def _whether_any(places: np.ndarray) -> float:
    """How surely some labels are wrong, from how far beyond the middle rows are."""
    beyond, before = places[places > 0], places[places <= 0]
    if not len(beyond) or not len(before) or before.mean() == 0:
        return 0.0
    ratio = beyond.mean() / -before.mean()
    excess = max(len(beyond) / len(places) * (ratio - _RIGHT_BEYOND), 0.0)
    return excess**_SHARPNESS / (excess**_SHARPNESS + _EXCESS**_SHARPNESS)
