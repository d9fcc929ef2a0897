"""How ``detection.py`` judges rankings, cuts and probabilities of wrong labels."""

from typing import Any

import numpy as np
from label_noise import METRICS, measure
from sklearn.metrics import precision_recall_curve

N_BINS = 10
# Precisions at which the recall of a ranking is kept.
PRECISIONS = np.linspace(0, 1, 101)

Row = dict[str, Any]


def judge_ranking(wrong: np.ndarray, difficulty: np.ndarray) -> Row:
    """Judge a ranking; there is nothing to judge where no label is wrong.

    Parameters
    ----------
    wrong : ndarray of shape (n,), bool
        Where labels are wrong.
    difficulty : ndarray of shape (n,)
        Higher is harder.

    Returns
    -------
    dict
        Metric -> value.
    """
    return measure(wrong, difficulty) if wrong.any() else dict.fromkeys(METRICS)


def judge_cut(wrong: np.ndarray, dropped: np.ndarray) -> Row:
    """Judge a set of rows that were dropped.

    Parameters
    ----------
    wrong, dropped : ndarray of shape (n,), bool
        Where labels are wrong, and which rows were dropped.

    Returns
    -------
    dict
        The share that was dropped, precision (None where nothing was), recall and F1 (None where
        no label is wrong).
    """
    hits, n_dropped, n_wrong = (int(a.sum()) for a in (wrong & dropped, dropped, wrong))
    return {
        "dropped": float(dropped.mean()),
        "precision": hits / n_dropped if n_dropped else None,
        "recall": hits / n_wrong if n_wrong else None,
        "F1": 2 * hits / (n_dropped + n_wrong) if n_wrong else None,
    }


def recalls(wrong: np.ndarray, difficulty: np.ndarray) -> list[float] | None:
    """Give the highest recall at each of ``PRECISIONS`` or above; 0 where it is not reached.

    Parameters
    ----------
    wrong : ndarray of shape (n,), bool
        Where labels are wrong.
    difficulty : ndarray of shape (n,)
        Higher is harder.

    Returns
    -------
    list of float, or None where no label is wrong
        Recalls.
    """
    if not wrong.any():
        return None
    precision, recall, _ = precision_recall_curve(wrong, difficulty)
    return [float(recall[precision >= least].max(initial=0.0)) for least in PRECISIONS]


def recall_at(kept: list[float], precision: float) -> float:
    """Read off what :func:`recalls` gave, at the next of ``PRECISIONS`` that is not lower."""
    return kept[int(np.searchsorted(PRECISIONS, precision - 1e-9))]


def judge_probabilities(wrong: np.ndarray, proba: np.ndarray) -> Row:
    """Judge probabilities that labels are wrong.

    Parameters
    ----------
    wrong : ndarray of shape (n,), bool
        Where they are.
    proba : ndarray of shape (n,)
        Probabilities of it.

    Returns
    -------
    dict
        ``"Brier"``, the mean squared difference, ``"ECE"``, and ``"bins"``: for each tenth of the
        probabilities how many there are, their sum, and how many labels are wrong.

    Raises
    ------
    ValueError
        For something that is no probability.
    """
    if not ((proba >= 0) & (proba <= 1)).all():
        raise ValueError(
            f"probabilities must be in [0, 1]; they range from {proba.min()} to {proba.max()}."
        )
    place = np.minimum((proba * N_BINS).astype(int), N_BINS - 1)
    bins = {
        "count": np.bincount(place, minlength=N_BINS).tolist(),
        "predicted": np.bincount(place, proba, minlength=N_BINS).tolist(),
        "wrong": np.bincount(place, wrong, minlength=N_BINS).tolist(),
    }
    brier = float(np.mean((proba - wrong) ** 2))
    return {"Brier": brier, "ECE": calibration_error(bins), "bins": bins}


def calibration_error(bins: dict[str, list[float]]) -> float:
    """Mean difference between probability and share, over the bins by how many are in them."""
    differences = np.abs(np.subtract(bins["predicted"], bins["wrong"]))
    return float(differences.sum() / np.sum(bins["count"]))
