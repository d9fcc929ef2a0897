"""How probably labels are wrong, on the scale of the consensus."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit

from sklearn_difficulty.labels._labelled import Labelled, share_below
from sklearn_difficulty.labels._shown import Shown

__all__ = ["mislabeled_proba"]

# The same for all data; chosen on those of benchmarks/detection.py.
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
# Share of the wrong labels that look like right ones, on rows all alike.
_LIKE_RIGHT = 0.2
_MOST_PROBA, _MOST_LOG_RATIO = 0.95, 50.0
# With other errors in the labels, the model looks different; this much more is too different.
_MANY_MORE, _SOME_MORE = 1.5, 0.02
# A model that believes more than this share of planted errors is weak, and may be as wrong about
# right labels: then more than this part of that share has to look just like planted errors. The
# exponent says how soon it is more. So little weakness makes no difference, and is not looked into.
_WEAK, _SURELY, _SOONNESS = 0.16, 0.55, 10
_NO_WEAKNESS = 0.01
_FEWEST_IN_CLASS = 3
# Half of the wrong rows look less wrong than the planted ones; those of other kinds, more of them.
_TIES = 4.0


class _Scale(NamedTuple):
    """Where on the scale of the consensus a label is as probably right as wrong."""

    middle: float
    unit: float
    """Distance from there to the typical row."""
    most: float = 1.0
    """Largest share of rows beyond the middle that is plausible."""
    missed: float = 0.0
    """Share of planted errors that the model believes."""
    weakness: float = 0.0
    """How surely they are so many that it may be as wrong about right labels, from 0 to 1."""


def mislabeled_proba(rows: Labelled, shown: Shown) -> np.ndarray:
    """Tell from the consensus how probably labels are wrong.

    Parameters
    ----------
    rows : Labelled
        The rows in question.
    shown : Shown
        Those of a training on planted errors.

    Returns
    -------
    ndarray of shape (n,)
        Probabilities; see :func:`~sklearn_difficulty.labels.estimate_label_noise`.
    """
    scale = _scale(rows.values, shown)
    if scale is None:
        return np.zeros(len(rows.values))
    values = rows.values
    differs = np.mean(values > scale.middle) > _MANY_MORE * scale.most + _SOME_MORE
    if differs:
        values = values - np.quantile(values, 1 - scale.most) + scale.middle
    like_planted, doubt = np.zeros(len(values)), 0.0
    if differs or scale.weakness > _NO_WEAKNESS:
        like_planted = _proba_like_planted(values, shown)
        if differs:
            return like_planted
        doubt = scale.weakness * (1 - _more(like_planted.mean(), _SURELY * scale.missed))
    places = (values - scale.middle) / scale.unit
    _spare_whole_classes(places, rows.codes, shown)
    share = np.clip(np.mean(places > 0), 1 / (len(places) + 1), 0.5)
    before = logit(share) - logit(_USUAL_SHARE)
    odds = _SLOPE * np.clip(places, _FAR_RIGHT, _FAR_WRONG) + before
    likely = expit(np.minimum(odds, _MOST_ODDS + max(before, 0.0)))
    proba = _whether_any(places) * (_LIKE_RIGHT * share + (1 - _LIKE_RIGHT) * likely)
    return (1 - doubt) * proba + doubt * like_planted


def _more(value: float, than: float) -> float:
    """How surely a share is more than another one, from 0 to 1."""
    return float(value**_SOONNESS / (value**_SOONNESS + than**_SOONNESS)) if value > 0 else 0.0


def _scale(values: np.ndarray, shown: Shown) -> _Scale | None:
    """The scale of the consensus; None where wrong labels do not stand out on it."""
    if not shown.enough:
        unit = -float(np.median(values)) if len(values) else 0.0
        return _Scale(0.0, unit) if unit > 0 else None
    if not shown.tells:
        return None
    right, wrong = shown.typical
    middle = (right + wrong) / 2
    most = float(np.mean(shown.others.values > middle))
    # Without leave for hard rows, which a weak model needs more of.
    far = (float(np.median(shown.others.values)) + wrong) / 2
    missed = float(np.mean(shown.wrong.values <= far))
    error = np.sqrt(missed * (1 - missed) / len(shown.wrong.values))
    return _Scale(middle, (wrong - right) / 2, most, missed, _more(missed - error, _WEAK))


def _spare_whole_classes(places: np.ndarray, codes: np.ndarray, shown: Shown) -> None:
    """Where most of a class looks wrong, believe no more than its planted errors allow, in place.

    A model that has not learnt a class puts all of it on the wrong side. But planted errors of that
    label still stand out from its right rows, and not from its wrong ones.
    """
    for code in np.unique(codes):
        of_class = codes == code
        wrong, others = shown.wrong.of_class(code), shown.others.of_class(code)
        few = len(wrong) < _FEWEST_IN_CLASS or not len(others)
        if few or np.mean(places[of_class] > 0) <= 0.5:
            continue
        above = share_below(wrong, others)
        error = np.sqrt(above * (1 - above) / len(wrong))
        most = min(_TIES * (1 - above + error), 1.0)
        if np.mean(places[of_class] > 0) > most:
            places[of_class] -= np.quantile(places[of_class], 1 - most)


def _proba_like_planted(values: np.ndarray, shown: Shown) -> np.ndarray:
    """Probability that labels are wrong, if wrong ones look just like the planted ones.

    Beyond a high value there are hardly any right labels, so that the share of the rows there over
    that of the planted errors is the noise rate; the ratio of the densities says which rows it is.
    """
    planted, others = shown.wrong.values, shown.others.values
    shares = [np.mean(others > np.quantile(planted, at)) / (1 - at) for at in (0.5, 0.75)]
    places = np.concatenate([planted, others])[:, None]
    is_planted = np.arange(len(places)) < len(planted)
    # which takes long to import
    from sklearn.linear_model import LogisticRegression

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
