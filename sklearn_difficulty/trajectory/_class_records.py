"""What class scores say of each row under its label: loss, margin, probability, prediction."""

import warnings

import numpy as np
from scipy.special import entr

__all__ = ["KINDS", "check_probabilities", "class_records", "class_scores"]

KINDS = ("logits", "proba", "log_proba", "decision")

# Rows of probabilities sum to one within the rounding of half-precision numbers.
_SUM_TOLERANCE = 1e-2


# Logits of a row or two may sum to one by chance.
_ENOUGH_TO_TELL = 8


def check_probabilities(label: str, outputs: np.ndarray, kind: str) -> None:
    """Raise an error where probabilities are none, and warn where logits look like them.

    Scores before a softmax are easily taken for those after it.

    Parameters
    ----------
    label : str
        Name of the outputs, for the message.
    outputs : ndarray of shape (n, n_classes), (n, 1) or (n,), floating
        What a model gave.
    kind : {"logits", "proba", "log_proba", "decision"}
        What it is said to be; nothing is checked of decision values.

    Raises
    ------
    ValueError
        If a row does not sum to one, or a number is no probability.

    Warns
    -----
    UserWarning
        If all rows of what is said to be logits sum to one, with no negative number among them.
    """
    if kind == "logits":
        _warn_of_probabilities(outputs)
    if kind not in ("proba", "log_proba") or not len(outputs):
        return
    columns = outputs.reshape(len(outputs), -1)
    # Logits that overflow here are no logarithms of probabilities.
    with np.errstate(over="ignore"):
        proba = np.exp(columns) if kind == "log_proba" else columns
    total = proba.sum(axis=1)
    wrong = (proba < -_SUM_TOLERANCE).any(axis=1) | (total > 1 + _SUM_TOLERANCE)
    if columns.shape[1] > 1:
        wrong |= total < 1 - _SUM_TOLERANCE
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        what = "logarithms of probabilities" if kind == "log_proba" else "probabilities"
        raise ValueError(
            f"{label} must hold {what}, which sum to one in each row; {int(wrong.sum())} of "
            f"{len(columns)} rows do not, the first is row {row}: {columns[row].tolist()}. Scores "
            "before the softmax are logits."
        )


def _warn_of_probabilities(outputs: np.ndarray) -> None:
    if outputs.ndim != 2 or outputs.shape[1] < 2 or len(outputs) < _ENOUGH_TO_TELL:
        return
    # The first row tells most logits apart, at the cost of no pass over the others.
    for rows in (outputs[:1], outputs):
        if (rows < 0).any() or not (np.abs(rows.sum(axis=1) - 1) <= _SUM_TOLERANCE).all():
            return  # NaN is no probability either
    warnings.warn(
        # The same words for every step, so that Python says them once.
        "outputs look like probabilities, since every row sums to one, and are taken for logits: "
        "say so if they are, with kind='proba' in Trajectory.from_outputs, or proba= instead of "
        "logits= in TrajectoryRecorder.update.",
        UserWarning,
        stacklevel=4,
    )


def class_scores(outputs: np.ndarray, kind: str) -> np.ndarray:
    """Give outputs of a classifier one column per class, on a scale on which they subtract.

    Parameters
    ----------
    outputs : ndarray of shape (n, n_classes), (n, 1) or (n,), floating
        What a model gave. A single column is that of the second of two classes.
    kind : {"logits", "proba", "log_proba", "decision"}
        What it is.

    Returns
    -------
    ndarray of shape (n, n_classes), at least two columns
        Logits, log-probabilities or decision values. Probabilities are clipped from below by the
        spacing of their type, as in :func:`sklearn.metrics.log_loss`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.trajectory._class_records import class_scores
    >>> class_scores(np.array([2.0, -1.0]), "logits")
    array([[ 0.,  2.],
           [ 0., -1.]])
    """
    if outputs.dtype.itemsize < 4:
        outputs = outputs.astype(np.float32)
    if outputs.ndim == 1 or outputs.shape[1] == 1:
        second = outputs.reshape(len(outputs))
        if kind == "proba":
            first = 1 - second
        elif kind == "log_proba":
            # A certain second class leaves the first minus infinity, which is not an accident.
            with np.errstate(divide="ignore"):
                first = np.log(-np.expm1(second))
        else:
            first = np.zeros_like(second)
        outputs = np.column_stack([first, second])
    if kind == "proba":
        return np.log(np.clip(outputs, np.finfo(outputs.dtype).eps, 1.0))
    return outputs


def class_records(scores: np.ndarray, y: np.ndarray, kind: str = "logits") -> dict[str, np.ndarray]:
    """Judge the class scores of rows by their labels.

    Parameters
    ----------
    scores : ndarray of shape (n, n_classes), floating
        What :func:`class_scores` gave.
    y : ndarray of int of shape (n,)
        Labels as column numbers.
    kind : {"logits", "proba", "log_proba", "decision"}, default="logits"
        What the scores were made of.

    Returns
    -------
    dict of str to ndarray of shape (n,)
        ``loss``: cross-entropy in nats, for decision values the hinge of the margin. ``margin``:
        score of the given label minus the largest other one. ``prediction``: column of the
        largest score, int32. But for decision values also ``proba``: probability of the given
        label; ``entropy``: of the predicted distribution, in nats; ``el2n``: Euclidean norm of
        the probabilities minus the one-hot label. All in the type of the scores.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.trajectory._class_records import class_records
    >>> records = class_records(np.log([[0.7, 0.3], [0.9, 0.1]]), np.array([0, 1]))
    >>> records["proba"].round(6), records["prediction"]
    (array([0.7, 0.1]), array([0, 0], dtype=int32))
    """
    rows = np.arange(len(scores))
    own = scores[rows, y]
    others = scores.copy()
    others[rows, y] = -np.inf
    # Scores that are not finite are reported by their loss, with the step that they appear in.
    with np.errstate(invalid="ignore"):
        margin = own - others.max(axis=1)
    prediction = scores.argmax(axis=1).astype(np.int32)
    if kind == "decision":
        hinge = np.maximum(0, 1 - margin)
        return {"loss": hinge, "margin": margin, "prediction": prediction}
    highest = scores.max(axis=1)
    with np.errstate(invalid="ignore"):
        odds = np.exp(scores - highest[:, None])
    total = odds.sum(axis=1)
    proba = odds / total[:, None]
    records = {
        # Log-probabilities are the loss as they are; the total of clipped ones is not quite one.
        "loss": np.log(total) + highest - own if kind == "logits" else -own,
        "margin": margin,
        "proba": proba[rows, y],
        "prediction": prediction,
        "entropy": entr(proba).sum(axis=1),
    }
    proba[rows, y] -= 1
    return records | {"el2n": np.linalg.norm(proba, axis=1)}
