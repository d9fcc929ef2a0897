"""How far several runs learn the same samples, after each step."""

from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_choice, check_fraction
from sklearn_difficulty.analysis._outcomes import divide, right_outcomes

__all__ = [
    "agreement_lower_bound",
    "random_agreement",
    "run_accuracy",
    "true_positive_agreement",
]


def true_positive_agreement(correct: Any, *, zero_division: float = np.nan) -> np.ndarray:
    r"""Share of the samples that any run has right that all runs have right, after each step.

    It is 1 when all runs have learned the same samples, and 0 when no sample was learned by all.
    With :math:`C_{knt}` being 1 where run k has sample n right after step t,

    .. math:: TPa_t = \frac{\sum_n \prod_k C_{knt}}{\sum_n \max_k C_{knt}}

    Compare it with :func:`agreement_lower_bound`, what the accuracies alone enforce, and with
    :func:`random_agreement`, what independent runs of the same accuracies would reach. The cost is
    one pass over the predictions of all runs, of which one step is held at a time.

    Parameters
    ----------
    correct : Trajectory or array-like of shape (n_runs, n_steps, n_samples)
        At least two runs: of a trajectory, `prediction` and `y` in the steps that all runs
        completed; or whether each prediction is right, bool or 0 and 1, NaN where there is none.
    zero_division : float, default=nan
        Value after steps in which no run has any sample right, NaN or from 0 to 1.

    Returns
    -------
    ndarray of shape (n_steps,), float64
        The agreement after each step, from 0 to 1.

    Raises
    ------
    RecordNotFoundError
        If a trajectory has no predictions or no labels.
    ValueError
        If there are fewer than two runs, values are no outcomes, or no sample was recorded in all
        runs after some step.

    Warns
    -----
    MissingRecordsWarning
        If samples without a record in some run are left out.

    References
    ----------
    I. Pliushch, M. Mundt, N. Lupp, V. Ramesh. When Deep Classifiers Agree: Analyzing Correlations
    between Learning Order and Image Statistics. ECCV, 2022. arXiv:2105.08997.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import true_positive_agreement
    >>> true_positive_agreement([[[1, 0, 0, 0, 1, 0]], [[0, 1, 0, 0, 1, 0]], [[1, 0, 0, 1, 1, 0]]])
    array([0.25])
    """
    fill = _check_zero_division(zero_division)
    outcomes = right_outcomes(correct, "true_positive_agreement", min_runs=2)
    n_all = np.zeros(outcomes.n_steps)
    n_any = np.zeros(outcomes.n_steps)
    for step, (right, _) in enumerate(outcomes.common_steps()):
        n_all[step] = right.all(axis=0).sum()
        n_any[step] = right.any(axis=0).sum()
    return divide(n_all, n_any, fill)


def run_accuracy(correct: Any) -> np.ndarray:
    r"""Share of the samples that each run has right, after each step.

    It is :math:`acc_{kt} = \frac1N \sum_n C_{knt}`, with :math:`C_{knt}` being 1 where run k has
    sample n right after step t.

    Parameters
    ----------
    correct : Trajectory or array-like of shape (n_runs, n_steps, n_samples)
        As for :func:`true_positive_agreement`, of one run or more.

    Returns
    -------
    ndarray of shape (n_steps, n_runs), float64
        The accuracies, among the samples that all runs recorded.

    Raises
    ------
    RecordNotFoundError
        If a trajectory has no predictions or no labels.
    ValueError
        If values are no outcomes, or no sample was recorded in all runs after some step.

    Warns
    -----
    MissingRecordsWarning
        If samples without a record in some run are left out.

    References
    ----------
    I. Pliushch, M. Mundt, N. Lupp, V. Ramesh. When Deep Classifiers Agree: Analyzing Correlations
    between Learning Order and Image Statistics. ECCV, 2022. arXiv:2105.08997.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import run_accuracy
    >>> run_accuracy([[[True, False], [True, True]]])
    array([[0.5],
           [1. ]])
    """
    n_right, n_compared = _right_counts(correct, "run_accuracy", min_runs=1)
    return n_right / n_compared[:, None]


def agreement_lower_bound(correct: Any) -> np.ndarray:
    r"""Least true-positive agreement that runs of such accuracies can have, after each step.

    With K runs it is 0 until their mean accuracy exceeds (K - 1) / K:

    .. math:: LB_t = 1 - \min\bigl(\sum_k (1 - acc_{kt}), 1\bigr)

    Parameters
    ----------
    correct : Trajectory or array-like of shape (n_runs, n_steps, n_samples)
        As for :func:`true_positive_agreement`.

    Returns
    -------
    ndarray of shape (n_steps,), float64
        The bound after each step, from 0 to 1.

    Raises
    ------
    RecordNotFoundError
        If a trajectory has no predictions or no labels.
    ValueError
        If there are fewer than two runs, values are no outcomes, or no sample was recorded in all
        runs after some step.

    Warns
    -----
    MissingRecordsWarning
        If samples without a record in some run are left out.

    References
    ----------
    I. Pliushch, M. Mundt, N. Lupp, V. Ramesh. When Deep Classifiers Agree: Analyzing Correlations
    between Learning Order and Image Statistics. ECCV, 2022. arXiv:2105.08997.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import agreement_lower_bound
    >>> agreement_lower_bound([[[1, 1, 1, 0]], [[1, 1, 0, 1]]])
    array([0.5])
    """
    n_right, n_compared = _right_counts(correct, "agreement_lower_bound", min_runs=2)
    # In whole samples, so that nothing is lost to rounding.
    n_wrong = n_compared[:, None] - n_right
    return np.maximum(n_compared - n_wrong.sum(axis=1), 0) / n_compared


def random_agreement(
    correct: Any, *, form: str = "product", zero_division: float = np.nan
) -> np.ndarray:
    r"""Agreement to expect of independent runs of such accuracies, after each step.

    Parameters
    ----------
    correct : Trajectory or array-like of shape (n_runs, n_steps, n_samples)
        As for :func:`true_positive_agreement`.
    form : {"product", "ratio"}, default="product"
        ``"product"`` is that of the paper, :math:`\prod_k acc_k`, the share of all samples that
        all runs have right. ``"ratio"`` is :math:`\prod_k acc_k / (1 - \prod_k (1 - acc_k))`, with
        the denominator that true-positive agreement has too, and larger: the one to compare with.
    zero_division : float, default=nan
        Value of the ratio after steps in which no run has any sample right, NaN or from 0 to 1.

    Returns
    -------
    ndarray of shape (n_steps,), float64
        The agreement to expect after each step, from 0 to 1.

    Raises
    ------
    RecordNotFoundError
        If a trajectory has no predictions or no labels.
    ValueError
        If there are fewer than two runs, values are no outcomes, no sample was recorded in all
        runs after some step, or an option is out of range.

    Warns
    -----
    MissingRecordsWarning
        If samples without a record in some run are left out.

    References
    ----------
    I. Pliushch, M. Mundt, N. Lupp, V. Ramesh. When Deep Classifiers Agree: Analyzing Correlations
    between Learning Order and Image Statistics. ECCV, 2022. arXiv:2105.08997.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import random_agreement
    >>> correct = [[[1, 1, 0, 0]], [[1, 0, 1, 0]]]
    >>> random_agreement(correct), random_agreement(correct, form="ratio").round(4)
    (array([0.25]), array([0.3333]))
    """
    check_choice("form", form, ("product", "ratio"))
    fill = _check_zero_division(zero_division)
    n_right, n_compared = _right_counts(correct, "random_agreement", min_runs=2)
    accuracy = n_right / n_compared[:, None]
    all_right = accuracy.prod(axis=1)
    if form == "product":
        return all_right
    return divide(all_right, 1 - (1 - accuracy).prod(axis=1), fill)


def _right_counts(correct: Any, asked_by: str, *, min_runs: int) -> tuple[np.ndarray, np.ndarray]:
    """Count, after each step, the samples that each run has right, and those compared."""
    outcomes = right_outcomes(correct, asked_by, min_runs=min_runs)
    n_right = np.zeros((outcomes.n_steps, outcomes.n_runs), dtype=np.int64)
    n_compared = np.zeros(outcomes.n_steps, dtype=np.int64)
    for step, (right, _) in enumerate(outcomes.common_steps(stacklevel=5)):
        n_right[step] = right.sum(axis=1)
        n_compared[step] = right.shape[1]
    return n_right, n_compared


def _check_zero_division(value: Any) -> float:
    if isinstance(value, float | np.floating) and np.isnan(value):
        return float("nan")
    return check_fraction("zero_division", value, include_zero=True)
