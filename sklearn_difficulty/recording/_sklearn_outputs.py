"""Records of scikit-learn estimators: losses and margins from what they predict."""

from typing import Any

import numpy as np

from sklearn_difficulty.exceptions import NonFiniteLossError
from sklearn_difficulty.recording._step_recorder import StepRecorder
from sklearn_difficulty.trajectory._class_records import class_records, class_scores


def proba_records(proba: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Records of a classifier with probabilities; the loss is the log-loss.

    Parameters
    ----------
    proba : ndarray of shape (n, classes)
        Predicted probabilities, clipped as in :func:`sklearn.metrics.log_loss`.
    y : ndarray of int of shape (n,)
        Class numbers.
    """
    return class_records(class_scores(np.asarray(proba), "proba"), y, "proba")


def decision_records(decision: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Records of a classifier without probabilities; the loss is the hinge of its margin.

    Parameters
    ----------
    decision : ndarray of shape (n,) or (n, classes)
        Decision values.
    y : ndarray of int of shape (n,)
        Class numbers.
    """
    return class_records(decision_columns(decision), y, "decision")


def decision_columns(decision: np.ndarray) -> np.ndarray:
    """Decision values with one column per class, two of them in the binary case."""
    return class_scores(np.asarray(decision), "decision")


def target_records(
    predicted: np.ndarray, y: np.ndarray, keep: tuple[str, ...] = ()
) -> dict[str, np.ndarray]:
    """Records of a regressor; the loss is the squared error, its mean over several targets.

    Parameters
    ----------
    predicted, y : ndarray of shape (n,) or (n, n_outputs)
        Predictions and targets.
    keep : tuple of str, default=()
        Large records to make: ``"outputs"`` are the predictions.
    """
    # An overflow is reported as a loss that is not finite, with its step.
    with np.errstate(over="ignore"):
        error = (np.asarray(predicted) - y) ** 2
        loss = error if error.ndim == 1 else error.mean(axis=1)
        records = {"loss": loss.astype(np.float32)}
    if "outputs" in keep:
        records["outputs"] = np.asarray(predicted).reshape(len(y), -1).astype(np.float32)
    return records


def check_finite(loss: np.ndarray, recorder: StepRecorder, advice: str) -> None:
    """Raise where a loss is not finite, with the trajectory of the steps before.

    Parameters
    ----------
    loss : ndarray of shape (n,)
        Losses of the open step.
    recorder : StepRecorder
        What was recorded so far.
    advice : str
        What to do about it.
    """
    n_rows = int((~np.isfinite(loss)).sum())
    if n_rows:
        step = recorder.n_steps
        raise NonFiniteLossError(
            f"the loss of {n_rows} of {len(loss)} rows became NaN or infinite in epoch "
            f"{step + 1} (step {step}). {advice} The trajectory of the completed epochs is on "
            "this exception as `trajectory`.",
            step=step,
            n_rows=n_rows,
            trajectory=recorder.trajectory() if step else None,
        )


def aligned(columns: np.ndarray, seen: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Probabilities of the classes that an estimator saw, put among all classes."""
    if len(seen) == len(classes):
        return columns
    full = np.zeros((len(columns), len(classes)), dtype=columns.dtype)
    full[:, np.searchsorted(classes, seen)] = columns
    return full


def seeded_params(estimator: Any, seed: int, *, reseed: bool) -> dict[str, int]:
    """The `random_state` parameters of an estimator and its parts, set to `seed`.

    Those that the user has set are left alone unless `reseed`.
    """
    return {
        name: seed
        for name, value in estimator.get_params(deep=True).items()
        if (name == "random_state" or name.endswith("__random_state")) and (reseed or value is None)
    }
