"""Hardness types, on paths worked out by hand and on trainings in which each kind is known."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.labels import hardness_readings, hardness_types
from sklearn_difficulty.trajectory import Trajectory

# Probabilities of three classes after two steps, of samples that are all labelled 0.
EASY = [[0.9, 0.06, 0.04], [0.9, 0.06, 0.04]]
MISLABELED = [[0.1, 0.86, 0.04], [0.1, 0.86, 0.04]]
HARD = [[0.5, 0.48, 0.02], [0.48, 0.5, 0.02]]
WANDERING = [[0.3, 0.5, 0.2], [0.3, 0.2, 0.5]]
LEARNT = [[0.2, 0.7, 0.1], [0.8, 0.1, 0.1]]
KINDS = [EASY, MISLABELED, HARD, WANDERING, LEARNT]
SCALED_SGD = make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss"))
BOOSTING = HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=8)
NAMES = ["easy", "hard", "mislabeled", "atypical"]


def make(paths, **options):
    """Make a path of samples labelled 0 from probabilities of shape (n_samples, n_steps, 3)."""
    outputs = np.swapaxes(np.asarray(paths, dtype=float), 0, 1)
    options = {"classes": [0, 1, 2]} | options
    return Trajectory.from_outputs(outputs, np.zeros(len(paths), int), kind="proba", **options)


def constructed(seed, n_classes=10, n=60):
    """Draw Gaussian classes with flipped cores, rows halfway between two, and small groups.

    The groups, of four rows each, lie in directions of their own, away from all classes.
    """
    rng = np.random.default_rng(seed)
    size = n_classes + 6
    centres = np.zeros((n_classes, size))
    centres[np.arange(n_classes), np.arange(n_classes)] = 6
    y = np.repeat(np.arange(n_classes), n)
    X = centres[y]
    n_few = n_classes * n // 16
    core, shift = rng.integers(n_classes, size=n_few), rng.integers(1, n_classes, size=n_few)
    left, step = rng.integers(n_classes, size=n_few), rng.integers(1, n_classes, size=n_few)
    between = (centres[left] + centres[(left + step) % n_classes]) / 2
    away = np.zeros((n_few // 4, size))
    away[:, n_classes:] = rng.normal(size=(n_few // 4, 6))
    away *= 6 / np.linalg.norm(away, axis=1, keepdims=True)
    group = np.repeat(rng.integers(n_classes, size=n_few // 4), 4)
    means = [X, centres[core], between, np.repeat(centres.mean(axis=0) + away, 4, axis=0)]
    spread = np.repeat([1, 1, 0.3, 0.5], [len(mean) for mean in means])
    X = np.concatenate(means)
    X += rng.normal(size=X.shape) * spread[:, None]
    y = np.concatenate([y, (core + shift) % n_classes, left, group])
    kind = np.repeat(["easy", "mislabeled", "hard", "atypical"], [len(mean) for mean in means])
    return X.astype(np.float32), y, kind


def shares(kind, types):
    """Map each constructed kind to the share of its rows by type."""
    return {
        name: {found: np.mean(types[kind == name] == found) for found in NAMES}
        for name in np.unique(kind).tolist()
    }


def test_readings_by_hand():
    # Wrong are 2 of 5 in the first step (mislabeled, wandering, learnt: 3), so 3/5 * 2/5 = 0.24,
    # and 3 of 5 in the second (mislabeled, hard, wandering): both steps weigh the same.
    readings = hardness_readings(make(KINDS))
    np.testing.assert_allclose(readings.level, [0.1, 0.9, 0.51, 0.7, 0.5], atol=1e-6)
    np.testing.assert_allclose(readings.lateness, [0, 1, 1, 1, 0.5], atol=1e-6)
    # Wandering: the rival has 0.5 in both steps, each class one half of that. The second of the
    # hard one is 0.48 where the given label is ahead; of the learnt one it is 0.7, then 0.1.
    np.testing.assert_allclose(readings.other_label, [0.06, 0.86, 0.49, 0.25, 0.4], atol=1e-6)
    assert readings.other_class.tolist() == [-1, 1, 1, 1, 1]


def test_types_by_hand():
    # The median of the larger of both is 0.5, of {0.9, 0.86, 0.49, 0.3, 0.5}. Then g and o are
    # (1, .12), (.2, 1), (.98, .98), (.6, .5) and (1, .8), which leaves nothing for others.
    easy, hard = [EASY] * 6, HARD
    types = hardness_types(make([*easy, MISLABELED, hard, WANDERING, LEARNT]))
    # With more easy ones it is 0.9: (.33, .28) of the wandering one leaves .39.
    assert types.tolist() == ["easy"] * 6 + ["mislabeled", "hard", "atypical", "hard"]


def test_weight_is_on_the_steps_that_tell_samples_apart():
    # Memorised after the first of four steps: the others, all right, count for nothing.
    easy = [EASY[0]] * 4
    memorised = [MISLABELED[0]] + [EASY[0]] * 3
    readings = hardness_readings(make([easy] * 9 + [memorised]))
    assert readings.type.tolist() == ["easy"] * 9 + ["mislabeled"]
    assert readings.level[-1] == pytest.approx(0.9)
    assert 0.999 < readings.lateness[-1] < 1


@pytest.mark.parametrize("n_steps", [1, 2, 3])
def test_few_steps(n_steps):
    paths = [[kind[0]] * n_steps for kind in [EASY] * 8 + [MISLABELED, HARD]]
    types = hardness_types(make(paths))
    assert types.tolist() == ["easy"] * 8 + ["mislabeled", "hard"]


def test_runs_that_disagree_are_as_good_as_steps():
    paths = make([*[EASY] * 6, MISLABELED, HARD, WANDERING])
    runs = Trajectory.stack([paths.select(steps=[0]), paths.select(steps=[1])])
    expected = ["easy"] * 6 + ["mislabeled", "hard", "atypical"]
    assert hardness_types(runs).tolist() == expected
    # Runs of different lengths: what stands after the end of the shorter is padding.
    uneven = Trajectory.stack([paths, paths.select(steps=[0]), paths.select(steps=[1])])
    assert hardness_types(uneven).tolist() == expected


def test_nothing_ever_wrong_is_easy():
    readings = hardness_readings(make([EASY] * 3))
    assert readings.type.tolist() == ["easy"] * 3
    np.testing.assert_allclose(readings.level, 0.1, atol=1e-6)
    assert readings.lateness.tolist() == [0, 0, 0]


def test_rows_recorded_a_few_at_a_time_weigh_as_those_recorded_at_once():
    at_once = make([*[EASY] * 5, MISLABELED, HARD, WANDERING])
    outputs = np.full((16, 8, 3), np.nan)
    for step in range(2):
        for row, path in enumerate([*[EASY] * 5, MISLABELED, HARD, WANDERING]):
            outputs[8 * step + row, row] = path[step]
    by_row = Trajectory.from_outputs(outputs, np.zeros(8, int), kind="proba", classes=[0, 1, 2])
    one, other = hardness_readings(at_once), hardness_readings(by_row)
    assert one.type.tolist() == other.type.tolist()
    np.testing.assert_allclose(one.level, other.level, atol=1e-6)
    np.testing.assert_allclose(one.other_label, other.other_label, atol=1e-6)


def test_many_wrong_labels_lower_the_odds():
    # Of two classes and 40 % wrong labels a model learns to give 0.6 and 0.4: odds of 1.5.
    outputs = np.tile([0.6, 0.4], (2, 10, 1))
    y = np.array([0] * 6 + [1] * 4)
    types = hardness_types(Trajectory.from_outputs(outputs, y, kind="proba"))
    assert types.tolist() == ["easy"] * 6 + ["mislabeled"] * 4


def test_odds_widen_what_is_hard():
    paths = make([*[EASY] * 6, [[0.3, 0.68, 0.02]] * 2])
    assert hardness_types(paths)[-1] == "mislabeled"
    assert hardness_types(paths, odds=2.5)[-1] == "hard"


def test_given_probabilities_decide_what_is_mislabeled():
    trajectory = make([*[EASY] * 6, MISLABELED, HARD, WANDERING])
    types = hardness_types(trajectory, mislabeled_proba=[0.1] * 6 + [0.2, 0.7, 0.9])
    # Not against the path, which takes the last one for no single class.
    assert types.tolist() == ["easy"] * 6 + ["hard", "mislabeled", "atypical"]


def test_probabilities_too_small_for_single_precision():
    outputs = np.zeros((2, 8, 3))
    outputs[:, :, 0] = 200
    outputs[:, 7] = [0, 200, 0]
    trajectory = Trajectory.from_outputs(outputs, np.zeros(8, int), classes=[0, 1, 2])
    readings = hardness_readings(trajectory)
    assert readings.other_label[-1] == 1 and readings.type[-1] == "mislabeled"


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("estimator", "options", "atypical", "hard"),
    [
        pytest.param(None, {}, 0.4, 0.5, id="net"),
        pytest.param(None, {"cv": 5}, 0.8, 0.6, id="net out of fold"),
        pytest.param(SCALED_SGD, {}, 0.25, 0.2, id="SGD"),
        pytest.param(BOOSTING, {"cv": 3}, 0.9, 0.1, id="boosting out of fold"),
        pytest.param(RandomForestClassifier(150), {}, 0.55, 0.2, id="forest out of bag"),
    ],
)
def test_kinds_that_are_known(estimator, options, atypical, hard, seed):
    X, y, kind = constructed(seed)
    scorer = DifficultyScorer(estimator, snapshots=None, random_state=seed, **options).fit(X, y)
    found = shares(kind, hardness_types(scorer.trajectory_))
    assert found["easy"]["easy"] >= 0.9
    assert found["easy"]["mislabeled"] <= 0.01
    assert found["mislabeled"]["mislabeled"] >= 0.85
    assert found["hard"]["hard"] >= hard
    assert found["hard"]["mislabeled"] <= 0.4  # some lie on the other side of the border
    assert found["atypical"]["mislabeled"] <= 0.25
    assert found["atypical"]["atypical"] >= atypical


def test_folders_on_disk_give_the_same(tmp_path):
    trajectory = make([*[EASY] * 6, MISLABELED, HARD, WANDERING])
    trajectory.save(tmp_path / "path")
    loaded = Trajectory.load(tmp_path / "path", mmap=True)
    assert hardness_types(loaded).tolist() == hardness_types(trajectory).tolist()


def test_samples_without_records_are_unknown():
    outputs = np.swapaxes([*[EASY] * 6, MISLABELED, np.full((2, 3), np.nan)], 0, 1)
    trajectory = Trajectory.from_outputs(outputs, np.zeros(8, int), kind="proba", classes=range(3))
    with pytest.warns(MissingRecordsWarning, match="1 of 8 samples"):
        readings = hardness_readings(trajectory)
    assert readings.type.tolist() == ["easy"] * 6 + ["mislabeled", "unknown"]
    assert readings.other_class[-1] == -1
    for values in (readings.level, readings.lateness, readings.other_label):
        assert np.isnan(values[-1]) and not np.isnan(values[:-1]).any()


@pytest.mark.parametrize("name", ["prediction", "proba", "margin", "y", "classes"])
def test_missing_record_is_named(name):
    whole = make(KINDS)
    fields = {
        field: getattr(whole, field)
        for field in ("loss", "prediction", "proba", "margin", "y", "classes")
        if field != name
    }
    with pytest.raises(RecordNotFoundError, match=f"'hardness_types' needs the record '{name}'"):
        hardness_types(Trajectory(**fields))


def test_regression_is_refused():
    trajectory = Trajectory(np.ones((1, 3, 2)), y=np.array([0.5, 1.5]))
    with pytest.raises(RecordNotFoundError, match="prediction"):
        hardness_types(trajectory)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"odds": 1}, "odds must be a number above 1; got 1"),
        ({"odds": float("nan")}, "odds must be a number above 1; got nan"),
        ({"odds": "2"}, "odds must be a number above 1; got '2'"),
        ({"mislabeled_proba": [0.5]}, r"each of 5 samples; got shape \(1,\)"),
        ({"mislabeled_proba": [0, 0, 0, 1.5, 0]}, "from 0 to 1; got 1.5 at index 3"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        hardness_types(make(KINDS), **options)
