"""How many labels are wrong, which ones, and what they should be."""

from dataclasses import dataclass

import numpy as np

from sklearn_difficulty.trajectory import Trajectory

__all__ = ["LabelNoise", "estimate_label_noise"]


@dataclass(frozen=True)
class LabelNoise:
    """What is estimated about wrong labels.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The labels.
    mislabeled_proba : ndarray of shape (n_samples,)
        How probable it is that the given label of each row is wrong.
    likely_labels : ndarray of shape (n_samples,)
        The label that is most likely right, out of `classes`: the given one unless another is
        more probable.
    noise_matrix : ndarray of shape (n_classes, n_classes)
        Share of the rows of each true class (row) that carry each label (column). Rows sum to 1.
    noise_rate : float
        Share of labels that are wrong.
    noise_rate_interval : tuple of float
        Lower and upper end of a 95 % interval of the same.
    class_noise_rate : ndarray of shape (n_classes,)
        Share of the labels of each given class that are wrong.
    class_noise_rate_interval : ndarray of shape (n_classes, 2)
        Lower and upper ends of 95 % intervals of the same.
    """

    classes: np.ndarray
    mislabeled_proba: np.ndarray
    likely_labels: np.ndarray
    noise_matrix: np.ndarray
    noise_rate: float
    noise_rate_interval: tuple[float, float]
    class_noise_rate: np.ndarray
    class_noise_rate_interval: np.ndarray


def estimate_label_noise(trajectory: Trajectory) -> LabelNoise:
    """Estimate which labels are wrong from the path of training.

    Parameters
    ----------
    trajectory : Trajectory
        The path; `proba`, `margin`, `prediction`, `y` and `classes` are used.

    Returns
    -------
    LabelNoise
        The estimates.
    """
    trajectory.require("prediction", "proba", "y", "classes", score="estimate_label_noise")
    assert trajectory.prediction is not None and trajectory.proba is not None
    assert trajectory.classes is not None and trajectory.y is not None
    n_classes = len(trajectory.classes)
    codes = np.asarray(trajectory.y)
    votes = np.zeros((trajectory.n_samples, n_classes))
    for run, n_steps in enumerate(trajectory.n_steps):
        for step in range(n_steps):
            predicted = trajectory.prediction[run, step]
            rows = np.flatnonzero(predicted >= 0)
            votes[rows, predicted[rows]] += 1
    shares = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)
    wrong = 1 - shares[np.arange(len(codes)), codes]
    likely = np.where(wrong > 0.5, shares.argmax(axis=1), codes)
    matrix = np.zeros((n_classes, n_classes))
    np.add.at(matrix, (likely, codes), 1)
    matrix = np.where(
        matrix.sum(axis=1, keepdims=True) > 0,
        matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1),
        np.eye(n_classes),
    )
    of_class = np.array([wrong[codes == k].mean() for k in range(n_classes)])
    rate = float(wrong.mean())
    return LabelNoise(
        np.asarray(trajectory.classes),
        wrong,
        np.asarray(trajectory.classes)[likely],
        matrix,
        rate,
        (rate, rate),
        of_class,
        np.stack([of_class, of_class], axis=1),
    )
