"""Which groups of samples are hard: scores by class, or by any other columns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from scipy import stats

from sklearn_difficulty._validation import (
    check_choice,
    check_count,
    check_fraction,
    check_labels,
    check_random_state,
    check_vector,
)
from sklearn_difficulty.scores import mean_per_class
from sklearn_difficulty.trajectory._frame import require_pandas

__all__ = ["GroupScores", "score_by_group"]

STATISTICS: dict[str, Callable[..., Any]] = {"mean": np.mean, "median": np.median}
# A longer table is shown without the groups that follow.
_SHOWN = 60
# Of the drawn scores that are held in memory at a time, up to 32 MiB.
_DRAWN = 2**22


@dataclass(frozen=True, eq=False, repr=False)
class GroupScores:
    """Scores by group, as :func:`score_by_group` gives them; shown as a table.

    Parameters
    ----------
    groups : mapping of str to ndarray of shape (n_groups,)
        For each grouping column, in their order, the label of each group.
    n_samples : ndarray of shape (n_groups,), int
        How many samples of each group have a score.
    n_missing : ndarray of shape (n_groups,), int
        How many have none, and are left out of all other figures.
    statistic : {"mean", "median"}
        What `value` is.
    value : ndarray of shape (n_groups,), float64
        Mean or median of each group; NaN where no sample has a score.
    std : ndarray of shape (n_groups,), float64
        Standard deviation of the scores in each group, the sum of squares divided by the number
        of scores minus 1; NaN where there are fewer than two.
    low, high : ndarray of shape (n_groups,), float64
        Ends of the interval of each `value`; NaN where there are fewer than two scores.
    confidence_level : float
        The share of such intervals that hold what they are to hold.
    method : {"t", "bootstrap"}
        Where the interval is from.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import score_by_group
    >>> found = score_by_group([1, 2, 3, 7], ["cat", "cat", "cat", "dog"])
    >>> found
    group  n_samples  n_missing  mean  std       low    high
    cat            3          0     2    1  -0.48414  4.4841
    dog            1          0     7  nan       nan     nan
    95 % intervals of the mean, method t
    >>> found.groups["group"], found.value
    (array(['cat', 'dog'], dtype='<U3'), array([2., 7.]))
    """

    groups: Mapping[Any, np.ndarray]
    n_samples: np.ndarray
    n_missing: np.ndarray
    statistic: str
    value: np.ndarray
    std: np.ndarray
    low: np.ndarray
    high: np.ndarray
    confidence_level: float
    method: str

    def to_frame(self) -> Any:
        """Give the table to pandas.

        Returns
        -------
        pandas.DataFrame
            One row per group, which is the index, of one level for each grouping column. Columns
            are ``n_samples``, ``n_missing``, ``mean`` or ``median``, ``std``, ``low`` and ``high``.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pd = require_pandas("GroupScores.to_frame")
        names, labels = list(self.groups), list(self.groups.values())
        if len(names) == 1:
            index = pd.Index(labels[0], name=names[0])
        else:
            index = pd.MultiIndex.from_arrays(labels, names=names)
        return pd.DataFrame(self._figures(), index=index)

    def __repr__(self) -> str:
        columns = [
            _aligned([str(name), *map(str, labels[:_SHOWN])], str.ljust)
            for name, labels in self.groups.items()
        ]
        for name, figures in self._figures().items():
            style = "d" if figures.dtype.kind == "i" else ".5g"
            shown = [format(figure, style) for figure in figures[:_SHOWN]]
            columns.append(_aligned([name, *shown], str.rjust))
        lines = ["  ".join(row) for row in zip(*columns, strict=True)]
        if len(self.value) > _SHOWN:
            lines.append(f"... and {len(self.value) - _SHOWN} more groups")
        lines.append(
            f"{100 * self.confidence_level:g} % intervals of the {self.statistic}, "
            f"method {self.method}"
        )
        return "\n".join(lines)

    def _figures(self) -> dict[str, np.ndarray]:
        """All columns but those of the groups."""
        return {
            "n_samples": self.n_samples,
            "n_missing": self.n_missing,
            self.statistic: self.value,
            "std": self.std,
            "low": self.low,
            "high": self.high,
        }


def score_by_group(
    scores: Any,
    groups: Any,
    *,
    statistic: str = "mean",
    confidence_level: float = 0.95,
    method: str = "auto",
    n_resamples: int = 1000,
    random_state: Any = None,
) -> GroupScores:
    """Average scores in each class, or in each group of any other kind, with intervals.

    The interval says where the mean (or median) of all samples of such a group may be, of which
    these are taken as independent draws. What another training would give is not in it: for that,
    average the scores of several runs, or see ``DifficultyScorer.score_samples`` with
    ``return_std=True``. Of many groups, some lie outside their interval.

    Parameters
    ----------
    scores : array-like of shape (n_samples,)
        Any score, such as action. Samples whose score is missing, NaN, are left out and counted.
        True and False are 1 and 0, whose mean is a share.
    groups : array-like of shape (n_samples,), DataFrame or mapping of str to array-like
        The group of each sample, such as its class: labels of one type that can be sorted. With
        several columns, every combination that occurs is a group. Rows are matched by their order,
        whatever index a Series or a frame has. Missing labels (None, NaN, NaT, pandas' NA) are a
        group like any other.
    statistic : {"mean", "median"}, default="mean"
        What to take of each group. Scores such as action have a heavy tail: the few hardest
        samples, above all those whose label is wrong, draw the mean upwards but not the median,
        and intervals of means of a few dozen such scores are too narrow, those of medians hardly.
    confidence_level : float, default=0.95
        Level of the intervals, between 0 and 1.
    method : {"auto", "t", "bootstrap"}, default="auto"
        Student's t interval, of means only, or percentiles of the mean or median of scores that
        are drawn again (:func:`scipy.stats.bootstrap`), which for means of fewer than about 20
        scores are too narrow. "auto" is t for means and the bootstrap for medians.
    n_resamples : int, default=1000
        How many times the bootstrap draws, at least 100.
    random_state : int, RandomState or None, default=None
        Seed for the bootstrap.

    Returns
    -------
    GroupScores
        Counts, mean or median, standard deviation and interval of each group, sorted by the first
        column, then by the next; a categorical column in the order of its categories, missing
        labels last. A single column without a name is called ``"group"``. There is no interval
        (NaN) where fewer than two samples have a score, and one of no width where all scores are
        equal.

    Raises
    ------
    TypeError
        If scores are no numbers, labels cannot be sorted, or an option is of the wrong type.
    ValueError
        If lengths differ, there are no samples or no columns, scores are infinite, an option is out
        of range, or `method` is "t" for medians.

    See Also
    --------
    sklearn_difficulty.scores.mean_per_class : Means of classes alone, without a table.
    sklearn_difficulty.scores.class_normalize : Scores as distances from the mean of their class.

    Examples
    --------
    >>> from sklearn_difficulty.analysis import score_by_group
    >>> from sklearn_difficulty.scores import action
    >>> from sklearn_difficulty.trajectory import Trajectory
    >>> loss = [[2, 1, 0.5, 3], [1, 0.5, 0.25, 3], [0.5, 0.25, 0.25, 4]]
    >>> score_by_group(action(Trajectory([loss])), [0, 0, 1, 1])
    group  n_samples  n_missing   mean     std      low    high
    0              2          0  2.625  1.2374  -8.4929  13.743
    1              2          0    5.5   6.364  -51.678  62.678
    95 % intervals of the mean, method t

    Two columns, and a sample without a score:

    >>> columns = {"site": ["A", "A", "A", "B", "B"], "night": [False, True, True, True, True]}
    >>> score_by_group([1, 2, 3, 4, float("nan")], columns, confidence_level=0.8)
    site  night  n_samples  n_missing  mean      std      low    high
    A     False          1          0     1      nan      nan     nan
    A     True           2          0   2.5  0.70711  0.96116  4.0388
    B     True           1          1     4      nan      nan     nan
    80 % intervals of the mean, method t
    """
    check_choice("statistic", statistic, tuple(STATISTICS))
    level = check_fraction("confidence_level", confidence_level, include_one=False)
    check_choice("method", method, ("auto", "t", "bootstrap"))
    if method == "t" and statistic != "mean":
        raise ValueError(
            f"method='t' gives intervals of means only; for statistic={statistic!r} it must be "
            "'bootstrap' or 'auto'."
        )
    check_count("n_resamples", n_resamples, minimum=100)
    generator = check_random_state(random_state)
    values = _check_scores(scores)
    labels, number = _check_groups(groups, len(values))
    known = ~np.isnan(values)
    counts = np.bincount(number[known], minlength=number.max() + 1)
    _, means = mean_per_class(values, number)
    _, variances = mean_per_class((values - means[number]) ** 2, number)
    std = np.sqrt(variances * np.where(counts > 1, counts / np.maximum(counts - 1, 1), np.nan))
    if method == "auto":
        method = "t" if statistic == "mean" else "bootstrap"
    order = np.argsort(number[known], kind="stable")
    members = np.split(values[known][order], np.cumsum(counts)[:-1])
    value = means
    if statistic == "median":
        value = np.array([np.median(each) if len(each) else np.nan for each in members])
    if method == "t":
        error = std / np.sqrt(np.maximum(counts, 1))
        low, high = (means + t * error for t in stats.t.interval(level, counts - 1))
    else:
        function = STATISTICS[statistic]
        ends = [_bootstrap(each, function, level, n_resamples, generator) for each in members]
        low, high = np.transpose(ends)
    return GroupScores(
        groups=labels,
        n_samples=counts,
        n_missing=np.bincount(number[~known], minlength=len(counts)),
        statistic=statistic,
        value=value,
        std=std,
        low=low,
        high=high,
        confidence_level=level,
        method=method,
    )


def _bootstrap(
    values: np.ndarray,
    function: Callable[..., Any],
    level: float,
    n_resamples: int,
    generator: np.random.RandomState,
) -> tuple[float, float]:
    if len(values) < 2:
        return np.nan, np.nan
    # Percentiles, since acceleration (BCa) takes the square of the number of scores in time, and
    # of a median or of many equal scores it is often undefined.
    low, high = stats.bootstrap(
        (values,),
        function,
        vectorized=True,
        n_resamples=n_resamples,
        batch=max(1, _DRAWN // len(values)),
        confidence_level=level,
        method="percentile",
        random_state=generator,
    ).confidence_interval
    return float(low), float(high)


def _check_scores(scores: Any) -> np.ndarray:
    array = np.asarray(scores)
    if array.dtype.kind == "O" and array.ndim == 1:
        # None and pandas' NA among numbers.
        array = np.array([np.nan if _is_missing(score) else score for score in array.tolist()])
    if array.dtype.kind not in "biuf":
        each = np.ravel(np.array(scores, dtype=object))
        odd = next((s for s in each if not (isinstance(s, Real) or _is_missing(s))), scores)
        raise TypeError(
            "scores must be numbers, one per sample, with NaN for a missing one; got "
            f"{odd!r} of type {type(odd).__name__}."
        )
    values = check_vector("scores", array, allow_nan=True)
    if len(values) == 0:
        raise ValueError("scores must have at least one value; got none.")
    return values


def _check_groups(groups: Any, n_samples: int) -> tuple[dict[Any, np.ndarray], np.ndarray]:
    """Labels of the groups that occur, by column, and the number of each sample's group."""
    if isinstance(groups, Mapping):
        columns = dict(groups)
    elif hasattr(groups, "columns"):
        columns = {name: groups[name] for name in groups.columns}
    else:
        name = getattr(groups, "name", None)
        columns = {"group" if name in (None, "") else name: groups}
        return _numbered({name: _coded("groups", c, n_samples) for name, c in columns.items()})
    if not columns:
        raise ValueError("groups must have at least one column; got none.")
    return _numbered({k: _coded(f"groups[{k!r}]", c, n_samples) for k, c in columns.items()})


def _numbered(
    columns: dict[Any, tuple[np.ndarray, np.ndarray]],
) -> tuple[dict[Any, np.ndarray], np.ndarray]:
    """Combine columns of labels and codes; combinations that do not occur are left out."""
    codes = np.column_stack([codes for _, codes in columns.values()])
    occurring, number = np.unique(codes, axis=0, return_inverse=True)
    labels = {
        name: of_column[code]
        for (name, (of_column, _)), code in zip(columns.items(), occurring.T, strict=True)
    }
    # The shape of the second differs between versions of NumPy.
    return labels, number.reshape(-1)


def _coded(name: str, column: Any, n_samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels in a column, in order and a missing one last, and the number of each sample's."""
    if getattr(getattr(column, "dtype", None), "name", None) == "category":
        categorical = getattr(column, "cat", column)
        codes = check_labels(name, categorical.codes, n_samples).astype(np.int64)
        labels = np.asarray(categorical.categories)
        missing = codes < 0
        if missing.any():
            labels = np.append(np.asarray(categorical.categories, dtype=object), np.nan)
        codes[missing] = len(labels) - 1
        return _narrowed(labels), codes
    array, dtype = np.asarray(column), getattr(column, "dtype", None)
    if (dtype is None and array.dtype.kind in "SU") or not isinstance(dtype, np.dtype | None):
        # Else NaN in a list of strings becomes one, and NA among whole numbers makes them floats.
        array = np.array(column, dtype=object)
    if array.ndim != 1:
        got = repr(column) if array.ndim == 0 else f"shape {array.shape}"
        raise ValueError(
            f"{name} must have one label per sample, shape (n_samples,), or be a DataFrame or a "
            f"mapping of names to such columns; got {got}."
        )
    array = check_labels(name, array, n_samples)
    missing = np.zeros(n_samples, dtype=bool)
    if array.dtype.kind == "O":
        missing[:] = [_is_missing(label) for label in array]
    elif array.dtype.kind in "fcmM":
        missing = array != array
    try:
        labels, known = np.unique(array[~missing], return_inverse=True)
    except TypeError as error:
        types = sorted({type(label).__name__ for label in array[~missing]})
        raise TypeError(
            f"{name} must hold labels of one type that can be sorted; got labels of type "
            f"{', '.join(types)}. Turn them into strings."
        ) from error
    codes = np.full(n_samples, len(labels))
    codes[~missing] = known
    if missing.any():
        labels = np.concatenate([labels, array[missing][:1]])
    return _narrowed(labels), codes


def _narrowed(labels: np.ndarray) -> np.ndarray:
    """Give strings and numbers that were kept as objects the type that NumPy has for them."""
    types = set(map(type, labels))
    narrow = labels.dtype.kind == "O" and len(types) == 1 and types <= {bool, int, float, str}
    return np.array(labels.tolist()) if narrow else labels


def _is_missing(label: Any) -> bool:
    if label is None:
        return True
    try:
        return bool(label != label)
    except TypeError:
        # pandas' NA does not tell whether it equals itself.
        return True


def _aligned(cells: list[str], justify: Any) -> list[str]:
    width = max(map(len, cells))
    return [justify(cell, width) for cell in cells]
