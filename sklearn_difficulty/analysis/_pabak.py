"""Agreement of pairs of runs beyond chance, on what is right or on what is predicted."""

from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_choice, check_count
from sklearn_difficulty.analysis._outcomes import prediction_outcomes, right_outcomes

__all__ = ["pabak"]


def pabak(
    runs: Any, *, on: str = "correct", n_categories: int = 2, pairs: bool = False
) -> np.ndarray:
    r"""Prevalence- and bias-adjusted kappa of pairs of runs, after each step.

    With :math:`P_o` the share of samples on which two runs say the same, and c categories, it is

    .. math:: \frac{c P_o - 1}{c - 1}

    that is :math:`2 P_o - 1` for right and wrong: 1 where they always agree, 0 where they agree on
    one sample in c, and less where they agree on fewer, -1 at least. Other than
    :func:`true_positive_agreement` it counts what both have wrong as agreement, so that it is high
    at the start of a slow training, too. The cost is one pass over the predictions for each pair
    of runs, with one step held at a time.

    Parameters
    ----------
    runs : Trajectory or array-like of shape (n_runs, n_steps, n_samples)
        At least two runs. An array holds whether each prediction is right, as for
        :func:`true_positive_agreement`, or class indices, for ``on="prediction"``, negative where
        there is no prediction. Each pair is compared on the samples that both recorded.
    on : {"correct", "prediction"}, default="correct"
        Two runs agree on a sample when both have it right or both have it wrong, or only when they
        predict the same class, right or wrong. Labels are not needed for the latter.
    n_categories : int, default=2
        The number c of categories. For predictions out of C classes, C makes 0 what runs reach
        that guess; 2 keeps the scale of the paper.
    pairs : bool, default=False
        Give each pair instead of the mean over pairs.

    Returns
    -------
    ndarray of shape (n_steps,) or (n_steps, n_pairs), float64
        The mean over pairs, or each pair of runs in the order (0, 1), (0, 2), ..., (1, 2), ...

    Raises
    ------
    RecordNotFoundError
        If a trajectory has no predictions, or no labels for ``on="correct"``.
    TypeError
        If an array for ``on="prediction"`` does not hold whole numbers.
    ValueError
        If there are fewer than two runs, values are no outcomes, an option is out of range, or
        two runs have no sample in common after some step.

    Warns
    -----
    MissingRecordsWarning
        If samples without a record are left out.

    References
    ----------
    T. Byrt, J. Bishop, J. B. Carlin. Bias, prevalence and kappa. Journal of Clinical Epidemiology
    46(5), 1993.

    I. Pliushch, M. Mundt, N. Lupp, V. Ramesh. When Deep Classifiers Agree: Analyzing Correlations
    between Learning Order and Image Statistics. ECCV, 2022. arXiv:2105.08997.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import pabak
    >>> pabak([[[1, 1, 0, 0]], [[1, 0, 0, 0]], [[1, 1, 0, 1]]], pairs=True)
    array([[0.5, 0.5, 0. ]])
    """
    check_choice("on", on, ("correct", "prediction"))
    c = check_count("n_categories", n_categories, minimum=2)
    read = right_outcomes if on == "correct" else prediction_outcomes
    outcomes = read(runs, "pabak", min_runs=2)
    first, second = np.triu_indices(outcomes.n_runs, k=1)
    observed = np.zeros((outcomes.n_steps, len(first)))
    for step, (values, recorded) in enumerate(outcomes.steps()):
        n_same = np.empty(len(first))
        n_both = np.empty(len(first))
        for run in range(outcomes.n_runs - 1):
            of_run = first == run
            both = recorded[run] & recorded[run + 1 :]
            n_both[of_run] = both.sum(axis=1)
            n_same[of_run] = (both & (values[run] == values[run + 1 :])).sum(axis=1)
        if not n_both.all():
            pair = int(n_both.argmin())
            raise ValueError(
                f"pabak compares the samples that two runs recorded; after step {step} runs "
                f"{first[pair]} and {second[pair]} have none in common. Leave out steps or runs "
                "with trajectory.select(steps=..., runs=...)."
            )
        observed[step] = n_same / n_both
    each = (c * observed - 1) / (c - 1)
    return each if pairs else each.mean(axis=1)
