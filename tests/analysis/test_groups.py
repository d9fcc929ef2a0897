"""Scores by group: by hand, beside pandas and SciPy, and by simulation."""

import builtins
import copy
import dataclasses
import pickle

import numpy as np
import pytest
from scipy import stats

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.analysis import GroupScores, score_by_group
from sklearn_difficulty.scores import action, mean_per_class
from sklearn_difficulty.trajectory import Trajectory

LOSS = [[2, 1, 0.5, 3], [1, 0.5, 0.25, 3], [0.5, 0.25, 0.25, 4]]
FIGURES = ("n_samples", "n_missing", "value", "std", "low", "high")


def assert_same(found, expected):
    """Check that two results agree in all but the names of the grouping columns."""
    for ours, theirs in zip(found.groups.values(), expected.groups.values(), strict=True):
        assert ours.tolist() == theirs.tolist()
    for name in FIGURES:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)


@pytest.fixture
def drawn():
    """Scores of 300 samples in groups of many sizes, two columns, every tenth score missing."""
    rng = np.random.default_rng(0)
    scores = rng.lognormal(size=300)
    scores[::10] = np.nan
    kind = rng.choice(["cat", "dog", "eel"], p=[0.6, 0.3, 0.1], size=300)
    return scores, kind, rng.integers(0, 4, size=300)


def test_action_by_class_by_hand():
    scores = action(Trajectory([LOSS]))
    assert scores.tolist() == [3.5, 1.75, 1, 10]
    found = score_by_group(scores, [0, 0, 1, 1])
    assert found.groups["group"].tolist() == [0, 1]
    assert found.value.tolist() == [2.625, 5.5]
    assert found.n_samples.tolist() == [2, 2]
    assert found.n_missing.tolist() == [0, 0]
    # Of two scores the deviation is their distance over the root of 2, the standard error half
    # their distance, and the t quantile that of a Cauchy distribution.
    np.testing.assert_allclose(found.std, np.array([1.75, 9]) / np.sqrt(2), rtol=1e-12)
    half = np.array([1.75, 9]) / 2 * np.tan(np.pi * 0.475)
    np.testing.assert_allclose(found.low, found.value - half, rtol=1e-9)
    np.testing.assert_allclose(found.high, found.value + half, rtol=1e-9)
    assert (found.statistic, found.confidence_level, found.method) == ("mean", 0.95, "t")


def test_median_by_hand():
    found = score_by_group([1, 2, 30, 4, 8], list("aaabb"), statistic="median", random_state=0)
    assert found.value.tolist() == [2, 6]
    assert found.method == "bootstrap"
    assert found.low.tolist() == [1, 4]
    assert found.high.tolist() == [30, 8]
    np.testing.assert_allclose(found.std[1], 8**0.5)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_beside_pandas_and_scipy(drawn, level):
    pd = pytest.importorskip("pandas")
    scores, kind, _ = drawn
    found = score_by_group(scores, kind, confidence_level=level)
    by = pd.Series(scores).groupby(kind)
    assert found.groups["group"].tolist() == list(by.groups) == ["cat", "dog", "eel"]
    assert found.n_samples.tolist() == by.count().tolist()
    assert found.n_missing.tolist() == (by.size() - by.count()).tolist()
    np.testing.assert_allclose(found.value, by.mean(), rtol=1e-12)
    np.testing.assert_allclose(found.std, by.std(), rtol=1e-12)
    np.testing.assert_array_equal(found.value, mean_per_class(scores, kind)[1])
    for row, name in enumerate("cat dog eel".split()):
        members = scores[(kind == name) & ~np.isnan(scores)]
        expected = stats.ttest_1samp(members, 0).confidence_interval(level)
        np.testing.assert_allclose([found.low[row], found.high[row]], expected, rtol=1e-9)
    medians = score_by_group(scores, kind, statistic="median", random_state=0)
    np.testing.assert_allclose(medians.value, by.median(), rtol=1e-12)
    np.testing.assert_array_equal(medians.std, found.std)


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_bootstrap_is_that_of_scipy(drawn, statistic):
    scores, kind, _ = drawn
    options = {"n_resamples": 500, "confidence_level": 0.9}
    found = score_by_group(
        scores, kind, statistic=statistic, method="bootstrap", random_state=3, **options
    )
    members = scores[(kind == "cat") & ~np.isnan(scores)]
    expected = stats.bootstrap(
        (members,),
        getattr(np, statistic),
        method="percentile",
        random_state=np.random.RandomState(3),
        **options,
    ).confidence_interval
    assert (found.low[0], found.high[0]) == expected
    assert ((found.low < found.value) & (found.value < found.high)).all()


def test_bootstrap_in_small_batches_draws_the_same(drawn, monkeypatch):
    scores, kind, _ = drawn
    whole = score_by_group(scores, kind, statistic="median", random_state=0)
    monkeypatch.setattr("sklearn_difficulty.analysis._groups._DRAWN", 1000)
    assert_same(score_by_group(scores, kind, statistic="median", random_state=0), whole)


def test_seed_decides_and_global_generators_stay(drawn, generators_unchanged):
    scores, kind, _ = drawn
    first, same, other = (
        score_by_group(scores, kind, method="bootstrap", random_state=seed) for seed in (0, 0, 1)
    )
    assert_same(first, same)
    assert (first.low != other.low).all()


def test_means_draw_nothing(drawn, generators_unchanged):
    score_by_group(*drawn[:2])


def test_missing_scores_are_left_out_and_counted():
    found = score_by_group([1, np.nan, 3, np.nan, np.nan], list("aaabb"))
    assert found.n_samples.tolist() == [2, 0]
    assert found.n_missing.tolist() == [1, 2]
    assert found.value[0] == 2
    for name in ("value", "std", "low", "high"):
        assert np.isnan(getattr(found, name)[1])
    by_draws = score_by_group([1, np.nan, 3, np.nan, np.nan], list("aaabb"), statistic="median")
    assert by_draws.value[0] == 2
    for name in ("value", "std", "low", "high"):
        assert np.isnan(getattr(by_draws, name)[1])


@pytest.mark.parametrize("kind", ["Float64", "Int64", "boolean"])
def test_missing_scores_of_pandas(kind):
    pd = pytest.importorskip("pandas")
    found = score_by_group(pd.Series([1, None, 0, 1], dtype=kind), [0, 0, 1, 1])
    assert found.n_missing.tolist() == [1, 0]
    assert found.value.tolist() == [1, 0.5]


@pytest.mark.parametrize("options", [{}, {"method": "bootstrap"}, {"statistic": "median"}])
def test_one_score_says_nothing_of_others(options):
    found = score_by_group([5, np.nan, 1, 2], list("aabb"), **options)
    assert found.value.tolist() == [5, 1.5]
    assert np.isnan([found.std[0], found.low[0], found.high[0]]).all()
    assert np.isfinite([found.std[1], found.low[1], found.high[1]]).all()


@pytest.mark.parametrize("options", [{}, {"method": "bootstrap"}, {"statistic": "median"}])
def test_equal_scores(options):
    found = score_by_group([0, 0, 0, 1.5, 1.5], list("aaabb"), **options)
    for name in ("value", "low", "high"):
        assert getattr(found, name).tolist() == [0, 1.5]
    assert found.std.tolist() == [0, 0]


def test_shares_of_true_and_false():
    found = score_by_group(np.array([True, False, False, True]), [0, 0, 0, 1])
    assert found.value.tolist() == pytest.approx([1 / 3, 1])


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (["dog", "cat", "dog", "cat"], ["cat", "dog"]),
        (np.array(["dog", "cat", "dog", "cat"], dtype=object), ["cat", "dog"]),
        ([True, False, True, False], [False, True]),
        ((10, -1, 10, -1), [-1, 10]),
        (np.array([7, 3, 7, 3], dtype=np.uint8), [3, 7]),
        ([0.5, 0.25, 0.5, 0.25], [0.25, 0.5]),
        (["10", "9", "10", "9"], ["10", "9"]),
    ],
    ids=["strings", "objects", "bool", "int", "uint8", "float", "digits"],
)
def test_labels_of_any_type_are_sorted(groups, expected):
    found = score_by_group([1, 2, 3, 4], groups).groups["group"]
    assert found.tolist() == expected
    assert found.dtype.kind in "Ubiuf"
    first = score_by_group([1, 2, 3, 4], groups).value[0]
    assert first == (2 if expected[0] == "10" else 3)


def test_categories_keep_their_order():
    pd = pytest.importorskip("pandas")
    sizes = pd.CategoricalDtype(["small", "medium", "large"], ordered=True)
    column = pd.Series(["large", "small", "large", "small"], dtype=sizes, name="size")
    for groups in (column, column.array, pd.CategoricalIndex(column)):
        found = score_by_group([1, 2, 3, 4], groups)
        # What does not occur is no group.
        (labels,) = found.groups.values()
        assert labels.tolist() == ["small", "large"]
        assert found.value.tolist() == [3, 2]
    quarters = score_by_group([1, 2, 3, 4], pd.cut([5, 15, 12, 3], [0, 10, 20]))
    assert [str(label) for label in quarters.groups["group"]] == ["(0, 10]", "(10, 20]"]
    assert quarters.value.tolist() == [2.5, 2.5]


def _missing_labels():
    yield "None", ["b", None, "a", "b"]
    yield "NaN among strings", ["b", float("nan"), "a", "b"]
    yield "None and NaN", ["b", None, "a", "b", float("nan")]
    yield "NaN among numbers", np.array([2, np.nan, 1, 2])
    yield "None among numbers", [2, None, 1, 2]
    yield "NaT", np.array(["2021", "NaT", "2020", "2021"], dtype="M8[D]")


@pytest.mark.parametrize("groups", [pytest.param(g, id=name) for name, g in _missing_labels()])
def test_missing_labels_are_a_group_and_the_last(groups):
    found = score_by_group([1, 10, 2, 3, 20][: len(groups)], groups)
    assert found.n_samples.tolist() == [1, 2, len(groups) - 3]
    assert found.value[:2].tolist() == [2, 2]
    labels = found.groups["group"]
    assert labels[0] == groups[2] and labels[1] == groups[0]
    assert labels[2] is None or labels[2] != labels[2]


@pytest.mark.parametrize("kind", ["Int64", "boolean", "category", "str", "datetime64[ns]"])
def test_missing_labels_of_pandas(kind):
    pd = pytest.importorskip("pandas")
    values = {"str": ["a", "b"], "boolean": [False, True]}.get(kind, [1, 2])
    column = pd.Series([values[1], None, values[0], values[1]], dtype=kind)
    found = score_by_group([1, 10, 2, 3], column)
    assert found.value.tolist() == [2, 2, 10]
    assert found.n_samples.tolist() == [1, 2, 1]
    assert pd.isna(found.groups["group"]).tolist() == [False, False, True]
    assert found.to_frame().index.isna().tolist() == [False, False, True]


def test_whole_numbers_beside_missing_ones_stay_apart():
    pd = pytest.importorskip("pandas")
    column = pd.Series([2**60, 2**60 + 1, None], dtype="Int64")
    found = score_by_group([1, 2, 3], column)
    assert found.groups["group"][:2].tolist() == [2**60, 2**60 + 1]


def test_several_columns(drawn):
    pd = pytest.importorskip("pandas")
    scores, kind, site = drawn
    found = score_by_group(scores, {"kind": kind, "site": site})
    assert list(found.groups) == ["kind", "site"]
    by = pd.Series(scores).groupby([kind, site])
    assert list(zip(*(g.tolist() for g in found.groups.values()), strict=True)) == list(by.groups)
    assert found.n_samples.tolist() == by.count().tolist()
    assert found.n_missing.tolist() == (by.size() - by.count()).tolist()
    np.testing.assert_allclose(found.value, by.mean(), rtol=1e-12)
    np.testing.assert_allclose(found.std, by.std(), rtol=1e-12)
    frame = pd.DataFrame({"kind": kind, "site": site})
    assert_same(score_by_group(scores, frame), found)
    one = score_by_group(scores, frame[["kind"]])
    assert list(one.groups) == ["kind"]
    assert_same(one, score_by_group(scores, kind))


def test_only_combinations_that_occur():
    found = score_by_group([1, 2, 4], {"a": ["x", "y", "y"], "b": [None, 1, 1]})
    assert found.groups["a"].tolist() == ["x", "y"]
    assert found.groups["b"].tolist() == [None, 1]
    assert found.value.tolist() == [1, 3]
    # A missing label of the first column sorts behind all of it.
    found = score_by_group([1, 2, 4], {"a": [None, "y", "y"], "b": [0, 1, 0]})
    assert found.groups["a"].tolist() == ["y", "y", None]
    assert found.groups["b"].tolist() == [0, 1, 0]
    assert found.value.tolist() == [4, 2, 1]


def test_index_is_not_looked_at():
    pd = pytest.importorskip("pandas")
    scores = pd.Series([3.5, 1.75, 1, 10], index=[7, 5, 3, 1])
    target = pd.Series(["a", "a", "b", "b"], index=[1, 3, 5, 7], name="target")
    found = score_by_group(scores, target)
    assert list(found.groups) == ["target"]
    assert found.value.tolist() == [2.625, 5.5]
    assert score_by_group(scores, target.to_frame()).value.tolist() == [2.625, 5.5]


def test_polars():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"site": ["x", "y", None, "x"], "n": [1, None, 1, 1]})
    found = score_by_group(pl.Series([1, 2, None, 4]), frame)
    assert found.groups["site"].tolist() == ["x", "y", None]
    np.testing.assert_array_equal(found.groups["n"], [1, np.nan, 1])
    assert found.n_missing.tolist() == [0, 0, 1]
    assert list(score_by_group([1, 2, 3, 4], frame["site"]).groups) == ["site"]
    assert list(score_by_group([1, 2], pl.Series(["b", "a"])).groups) == ["group"]


def test_to_frame():
    pd = pytest.importorskip("pandas")
    found = score_by_group([3.5, 1.75, 1, 10], [0, 0, 1, 1])
    frame = found.to_frame()
    assert list(frame.columns) == ["n_samples", "n_missing", "mean", "std", "low", "high"]
    assert frame.index.name == "group"
    assert frame.loc[1, "mean"] == 5.5
    # The frame is a copy.
    frame.loc[1, "mean"] = 0
    assert found.value.tolist() == [2.625, 5.5]
    columns = {"mean": ["a", "b", "b"], 3: [True, True, True]}
    medians = score_by_group([1, 2, 4], columns, statistic="median").to_frame()
    assert medians.index.names == ["mean", 3]
    assert medians.loc[("b", True), "median"] == 3
    assert isinstance(medians.index, pd.MultiIndex)


def test_to_frame_without_pandas(monkeypatch):
    real_import = builtins.__import__

    def without_pandas(name, *args, **kwargs):
        if name == "pandas":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_pandas)
    found = score_by_group([1, 2], ["a", "a"])
    with pytest.raises(ImportError, match=r"sklearn-difficulty\[frames\]"):
        found.to_frame()


def test_shown_as_a_table():
    found = score_by_group(
        [1, 2, 3, 12345.678, np.nan], {"site": [*"AABB", None], "n": [1, 1, 20, 20, 3]}
    )
    assert repr(found).splitlines() == [
        "site  n   n_samples  n_missing    mean      std      low    high",
        "A     1           2          0     1.5  0.70711  -4.8531  7.8531",
        "B     20          2          0  6174.3   8727.6   -72240   84589",
        "None  3           0          1     nan      nan      nan     nan",
        "95 % intervals of the mean, method t",
    ]
    assert str(found) == repr(found)


def test_long_tables_are_cut():
    lines = repr(score_by_group(np.arange(1000), np.arange(1000))).splitlines()
    assert len(lines) == 63
    assert lines[-2] == "... and 940 more groups"
    assert lines[-3].startswith("59 ")


def test_result_is_frozen_and_can_be_pickled(drawn):
    scores, kind, site = drawn
    found = score_by_group(scores, {"kind": kind, "site": site})
    assert isinstance(found, GroupScores)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.value = None
    again = pickle.loads(pickle.dumps(found))
    assert_same(again, found)
    assert repr(again) == repr(found)
    assert list(again.groups) == ["kind", "site"]


def test_what_is_given_stays_as_it_is(drawn):
    pd = pytest.importorskip("pandas")
    scores, kind, site = drawn
    frame = pd.DataFrame({"kind": kind, "site": site}, index=np.arange(300)[::-1])
    frame["size"] = pd.Categorical.from_codes((site == 1) - 1, ["large"])
    labels = ["a", None, *kind[2:].tolist()]
    before = copy.deepcopy((scores, labels, frame))
    for groups in (labels, frame, {"kind": kind}):
        for statistic in ("mean", "median"):
            score_by_group(scores, groups, statistic=statistic, n_resamples=100)
    np.testing.assert_array_equal(scores, before[0])
    assert labels == before[1]
    pd.testing.assert_frame_equal(frame, before[2])
    read_only = scores.copy()
    read_only.flags.writeable = False
    assert_same(score_by_group(read_only, kind), score_by_group(scores, kind))


def test_order_of_rows_does_not_matter(drawn):
    scores, kind, _ = drawn
    order = np.random.default_rng(1).permutation(300)
    found, shuffled = score_by_group(scores, kind), score_by_group(scores[order], kind[order])
    np.testing.assert_array_equal(found.n_samples, shuffled.n_samples)
    np.testing.assert_allclose(found.high, shuffled.high, rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "n_members"),
    [({}, 12), ({"method": "bootstrap"}, 40), ({"statistic": "median"}, 40)],
    ids=["t", "bootstrapped means", "medians"],
)
def test_95_of_100_intervals_hold_the_truth(options, n_members):
    """300 simulations of normal data, each a group."""
    scores = np.random.default_rng(0).normal(3, 2, size=(300, n_members))
    found = score_by_group(
        scores.ravel(), np.repeat(np.arange(300), n_members), random_state=0, **options
    )
    covered = np.mean((found.low <= 3) & (found.high >= 3))
    assert 0.9 <= covered <= 0.99


def test_by_class_of_a_training(noisy_digits):
    """Wrong labels are harder than right ones, in every class and beyond doubt."""
    rows = slice(600)
    y = noisy_digits.y_given[rows]
    scorer = DifficultyScorer(random_state=0).fit(noisy_digits.X[rows], y)
    found = score_by_group(scorer.difficulty_, {"y": y, "wrong": noisy_digits.flipped[rows]})
    assert found.n_samples.sum() == 600
    assert found.groups["wrong"].tolist() == [False, True] * 10
    assert (found.value[1::2] > found.value[::2]).all()
    overall = score_by_group(scorer.difficulty_, noisy_digits.flipped[rows])
    assert overall.low[1] > overall.high[0]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"groups": [0, 1]}, ValueError, "groups must have 4 values, one per sample; got 2"),
        ({"groups": {"site": [0, 1]}}, ValueError, r"groups\['site'\] must have 4 values"),
        ({"groups": {"site": 1}}, ValueError, r"groups\['site'\] .* got 1"),
        ({"groups": None}, ValueError, "groups must have one label per sample.*got None"),
        ({"groups": "abcd"}, ValueError, "groups must have one label per sample.*got 'abcd'"),
        ({"groups": np.ones((4, 2))}, ValueError, r"or be a DataFrame.*got shape \(4, 2\)"),
        ({"groups": {}}, ValueError, "groups must have at least one column; got none"),
        ({"groups": ["a", 1, "b", None]}, TypeError, "groups must hold labels .* int, str"),
        ({"groups": {"a": [0] * 4, "b": [{}] * 4}}, TypeError, r"groups\['b'\] .* type dict"),
        ({"scores": list("1234")}, TypeError, "scores must be numbers.*got '1' of type str"),
        ({"scores": [1, None, "x", 3]}, TypeError, "scores must be numbers.*got 'x' of type str"),
        ({"scores": [1j] * 4}, TypeError, "scores must be numbers.*of type complex"),
        ({"scores": None}, TypeError, "scores must be numbers.*got None"),
        ({"scores": [1, 2, np.inf, 3]}, ValueError, "scores must hold finite numbers or NaN"),
        ({"scores": np.ones((4, 2))}, ValueError, "scores must have one value per sample"),
        ({"scores": [], "groups": []}, ValueError, "scores must have at least one value"),
        ({"statistic": "mode"}, ValueError, "statistic must be one of 'mean', 'median'; got 'mode"),
        ({"method": "z"}, ValueError, "method must be one of 'auto', 't', 'bootstrap'; got 'z'"),
        ({"method": "t", "statistic": "median"}, ValueError, "method='t' gives intervals of means"),
        ({"confidence_level": 1}, ValueError, r"confidence_level .* \(0, 1\); got 1"),
        ({"confidence_level": 0}, ValueError, r"confidence_level .* \(0, 1\); got 0"),
        ({"confidence_level": 95}, ValueError, r"confidence_level .* \(0, 1\); got 95"),
        ({"confidence_level": np.nan}, ValueError, "confidence_level .* got nan"),
        ({"confidence_level": "95 %"}, TypeError, "confidence_level .* got '95 %' of type str"),
        ({"n_resamples": 99}, ValueError, "n_resamples must be .* at least 100; got 99"),
        ({"n_resamples": 1e3}, TypeError, "n_resamples must be a whole number"),
        ({"random_state": "seed"}, ValueError, "seed"),
    ],
)
def test_what_makes_no_sense(arguments, error, message):
    with pytest.raises(error, match=message):
        score_by_group(**({"scores": [1, 2, 3, 4], "groups": [0, 0, 1, 1]} | arguments))


def test_column_that_occurs_twice():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame([[1, 2]] * 4, columns=["a", "a"])
    with pytest.raises(ValueError, match=r"groups\['a'\] must have one label per sample"):
        score_by_group([1, 2, 3, 4], frame)
