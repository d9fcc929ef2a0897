"""The table of scores is true to its functions."""

import inspect
import warnings

import numpy as np
import pytest
import scipy.special

from sklearn_difficulty import scores
from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.scores import SCORES, Score
from sklearn_difficulty.scores._over_steps import with_times
from sklearn_difficulty.trajectory import Trajectory

FROM_RECORDS = [name for name, score in SCORES.items() if not score.from_gradients]
# Not raised by a wrong label that is never believed; see the samples that raise them.
OF_UNSTEADY_SAMPLES = ["loss_variance", "variability"]
OF_UNDECIDED_SAMPLES = ["entropy", "ensemble_entropy", "mutual_information", "agreement"]
OF_WRONG_LABELS = [
    name for name in FROM_RECORDS if name not in OF_UNSTEADY_SAMPLES + OF_UNDECIDED_SAMPLES
]
# Of the forests: each tree is a run of one step, out of bag.
OVER_STEPS = ["loss_variance", "variability"]


@pytest.mark.parametrize("name", SCORES)
def test_entry(name):
    score = SCORES[name]
    assert score.name == name
    assert score.function is getattr(scores, name)
    assert name in scores.__all__
    assert score.reference
    assert score.default_runs >= 1
    options = list(inspect.signature(score.function).parameters.values())[1:]
    assert all(option.kind is option.KEYWORD_ONLY for option in options)
    assert all(option.default is not option.empty for option in options)


@pytest.mark.parametrize("name", SCORES)
def test_direction_is_documented(name):
    words = SCORES[name].function.__doc__.partition("Parameters\n")[0]
    says = {True: "Higher is harder", False: "Lower is harder"}
    assert says[SCORES[name].higher_is_harder] in words
    assert says[not SCORES[name].higher_is_harder] not in words


N_RUNS, N_STEPS, N_SAMPLES, N_CLASSES = 4, 6, 12, 3
# What the labels are; the models see something else in three of the samples.
Y = np.arange(N_SAMPLES) % N_CLASSES
WRONG_LABEL, UNSTEADY, UNDECIDED = 4, 7, 9


def make_logits():
    """Make logits of runs that learn all samples but three, each in its own time.

    One has a wrong label: the models say another class with ever more confidence. One is right
    after every other step. One is said to be another class by every other run, by none for sure.
    """
    rng = np.random.default_rng(0)
    believed = Y.copy()
    believed[WRONG_LABEL] = (Y[WRONG_LABEL] + 1) % N_CLASSES
    growth = np.linspace(2, 5, N_STEPS)
    logits = rng.normal(scale=0.1, size=(N_RUNS, N_STEPS, N_SAMPLES, N_CLASSES))
    logits[:, :, np.arange(N_SAMPLES), believed] += growth[:, None]
    logits[:, 1::2, UNSTEADY] = logits[:, -1, None, UNSTEADY]
    logits[:, 0::2, UNSTEADY] = np.roll(logits[:, -1, None, UNSTEADY], 1, axis=-1)
    logits[:, :, UNDECIDED] /= 4
    logits[::2, :, UNDECIDED] = np.roll(logits[::2, :, UNDECIDED], 1, axis=-1)
    return logits


def make(logits=None, **changes):
    """Make the trajectory of which those are the outputs, with every record."""
    logits = make_logits() if logits is None else logits
    proba = scipy.special.softmax(logits, axis=-1)
    given = np.broadcast_to(Y[:, None], (*logits.shape[:-1], 1))
    others = logits.copy()
    np.put_along_axis(others, given, -np.inf, axis=-1)
    own = np.take_along_axis(proba, given, axis=-1)[..., 0]
    fields = {
        "loss": -np.log(own),
        "margin": np.take_along_axis(logits, given, axis=-1)[..., 0] - others.max(axis=-1),
        "proba": own,
        "prediction": logits.argmax(axis=-1),
        "entropy": scipy.special.entr(proba).sum(axis=-1),
        "el2n": np.linalg.norm(proba - np.eye(N_CLASSES)[Y], axis=-1),
        "outputs": logits,
        "y": Y,
        "classes": np.array(["ant", "bee", "cow"]),
    }
    return Trajectory(**(fields | changes))


def difficulty(name, trajectory, **options):
    """Give the values of a score, turned so that higher is harder."""
    values = SCORES[name].function(trajectory, **options)
    assert values.shape == (trajectory.n_samples,)
    assert values.dtype == np.float64
    return values if SCORES[name].higher_is_harder else -values


@pytest.mark.parametrize("name", OF_WRONG_LABELS)
def test_wrong_label_is_hardest(name):
    values = difficulty(name, make())
    assert np.flatnonzero(values == values.max()).tolist() == [WRONG_LABEL]
    assert np.isfinite(values).all()


@pytest.mark.parametrize("name", OF_UNSTEADY_SAMPLES)
def test_unsteady_sample_is_hardest(name):
    values = difficulty(name, make())
    assert np.flatnonzero(values == values.max()).tolist() == [UNSTEADY]
    # A wrong label that is never believed is as steady as a right one that always is.
    if name == "variability":
        assert values[WRONG_LABEL] < values[UNSTEADY] / 4


@pytest.mark.parametrize("name", OF_UNDECIDED_SAMPLES)
def test_undecided_sample_is_hardest(name):
    values = difficulty(name, make())
    assert np.flatnonzero(values == values.max()).tolist() == [UNDECIDED]
    # The label does not enter.
    np.testing.assert_array_equal(difficulty(name, make(y=None)), values)
    assert not SCORES[name].needs_labels


@pytest.mark.parametrize("name", FROM_RECORDS)
def test_needs(name):
    score = SCORES[name]
    trajectory = make()
    needed = {field: getattr(trajectory, field) for field in score.needs}
    score.function(Trajectory(**({"loss": trajectory.loss} | needed)))
    for field in set(score.needs) - {"loss"}:
        fewer = {key: value for key, value in needed.items() if key != field}
        with pytest.raises(RecordNotFoundError, match=f"'{name}' needs the record '{field}'"):
            score.function(Trajectory(**({"loss": trajectory.loss} | fewer)))


@pytest.mark.parametrize("name", FROM_RECORDS)
@pytest.mark.parametrize(
    ("steps", "kept"),
    [("late", [4, 5]), ((0.0, 0.5), [0, 1, 2]), (slice(2, 4), [2, 3]), (-1, [5]), (3, [3])],
)
def test_part_of_the_training(name, steps, kept):
    trajectory = make()
    part = SCORES[name].function(trajectory, steps=steps)
    cut = SCORES[name].function(trajectory.select(steps=kept), steps=None)
    if name == "first_learned":
        # Counted from the beginning of the whole training.
        cut = cut + kept[0]
    np.testing.assert_array_equal(part, cut)


@pytest.mark.parametrize("name", FROM_RECORDS)
def test_part_that_a_run_does_not_have(name):
    with pytest.raises(IndexError, match="steps=6 has no step in a training of 6 steps"):
        SCORES[name].function(make(), steps=6)


@pytest.mark.parametrize("name", FROM_RECORDS)
def test_what_stands_after_the_end_of_a_run_does_not_count(name):
    logits = make_logits()
    junk = np.concatenate([logits, 50 - logits[:, :2]], axis=1)
    padded = make(junk, n_steps=np.full(N_RUNS, N_STEPS))
    np.testing.assert_array_equal(
        SCORES[name].function(padded), SCORES[name].function(make(logits))
    )


def runs_of_different_length():
    logits = make_logits()
    return [make(logits[r : r + 1, : 3 + r]) for r in range(3)]


@pytest.mark.parametrize("name", FROM_RECORDS)
@pytest.mark.parametrize("steps", [None, "late", -2])
def test_runs_of_different_length(name, steps):
    runs = runs_of_different_length()
    stacked = Trajectory.stack(runs)
    values = SCORES[name].function(stacked, steps=steps)
    if SCORES[name].over_runs == "mean":
        each = [SCORES[name].function(run, steps=steps) for run in runs]
        np.testing.assert_allclose(values, np.mean(each, axis=0), rtol=1e-12)
    else:
        parts = Trajectory.stack([run.window(steps) for run in runs])
        whole = None if name != "easiness" or steps is not None else slice(None)
        np.testing.assert_array_equal(values, SCORES[name].function(parts, steps=whole))
    assert np.isfinite(values).all()


@pytest.mark.parametrize("name", FROM_RECORDS)
def test_run_without_steps_does_not_count(name):
    logits = make_logits()
    with_empty = make(
        np.concatenate([logits, logits[:1]]), n_steps=np.array([N_STEPS] * N_RUNS + [0])
    )
    values = SCORES[name].function(with_empty, steps=None)
    np.testing.assert_array_equal(values, SCORES[name].function(make(), steps=None))


def hide(trajectory, missing):
    """Take the records of some runs, steps and samples away, a mask of that shape."""
    hidden = {}
    for field in (*trajectory.fields, "outputs"):
        record = getattr(trajectory, field).copy()
        record[missing] = -1 if field == "prediction" else np.nan
        hidden[field] = record
    kept = {"y": trajectory.y, "classes": trajectory.classes}
    return Trajectory(**hidden, **kept, n_steps=trajectory.n_steps)


def population(name, trajectory):
    """Make the options that stand for all the samples, where a score relates one to them."""
    make_options = SCORES[name].population
    return {} if make_options is None else make_options(trajectory)


@pytest.mark.parametrize("name", FROM_RECORDS)
def test_sample_that_was_never_recorded(name):
    missing = np.zeros((N_RUNS, N_STEPS, N_SAMPLES), dtype=bool)
    missing[:, :, 2] = True
    with pytest.warns(MissingRecordsWarning, match=f"'{name}': 1 of 12 samples") as caught:
        values = SCORES[name].function(hide(make(), missing), **population(name, make()))
    assert np.flatnonzero(np.isnan(values)).tolist() == [2]
    assert [warning.filename for warning in caught] == [__file__]
    np.testing.assert_array_equal(np.delete(values, 2), np.delete(SCORES[name].function(make()), 2))


@pytest.mark.parametrize("name", FROM_RECORDS)
def test_sample_missing_in_a_run_has_the_score_of_the_others(name):
    missing = np.zeros((N_RUNS, N_STEPS, N_SAMPLES), dtype=bool)
    missing[1, :, UNDECIDED] = True
    others = make().select(runs=[0, 2, 3])
    values = SCORES[name].function(hide(make(), missing))
    # Where samples are related to each other, one run less of all of them is another relation.
    rtol = 1e-12 if SCORES[name].population is None else 1e-3
    np.testing.assert_allclose(
        values[UNDECIDED], SCORES[name].function(others)[UNDECIDED], rtol=rtol
    )


@pytest.mark.parametrize("name", FROM_RECORDS)
def test_sample_missing_in_steps_has_the_score_of_the_others(name):
    missing = np.zeros((N_RUNS, N_STEPS, N_SAMPLES), dtype=bool)
    missing[:, 2:4, UNSTEADY] = True
    options = population(name, make())
    values = SCORES[name].function(hide(make(), missing), **options)
    # Steps have a time of their own in the pace of the whole training.
    whole = with_times(make()) if name == "consensus" else make()
    without = SCORES[name].function(whole.select(steps=[0, 1, 4, 5]), **options)
    if name == "action":
        without = without * N_STEPS / 4  # scaled up to the whole
    np.testing.assert_allclose(values[UNSTEADY], without[UNSTEADY], rtol=1e-12)


@pytest.mark.parametrize("name", FROM_RECORDS)
def test_forest_out_of_bag(name):
    # Trees are runs of one step; a sample is in the bag of two out of three.
    rng = np.random.default_rng(1)
    logits = np.tile(make_logits()[:, -1:], (15, 1, 1, 1))
    in_bag = rng.random((60, 1, N_SAMPLES)) < 2 / 3
    forest = hide(make(logits), in_bag)
    if name in OVER_STEPS:
        assert difficulty(name, forest).tolist() == [0] * N_SAMPLES
        return
    hardest = UNDECIDED if name in OF_UNDECIDED_SAMPLES else WRONG_LABEL
    values = difficulty(name, forest)
    assert np.isfinite(values).all()
    assert np.argmax(values) == hardest


@pytest.mark.parametrize("name", FROM_RECORDS)
def test_float32_records_on_disk(name, tmp_path):
    whole = make()
    single = {field: getattr(whole, field) for field in (*whole.fields, "outputs")}
    for field, record in single.items():
        if field != "prediction":
            single[field] = record.astype(np.float32)
    narrow = Trajectory(**single, y=whole.y, classes=whole.classes)
    values = SCORES[name].function(narrow)
    np.testing.assert_allclose(values, SCORES[name].function(whole), rtol=1e-5, atol=1e-6)
    narrow.save(tmp_path / "runs")
    on_disk = Trajectory.load(tmp_path / "runs", mmap=True)
    np.testing.assert_array_equal(SCORES[name].function(on_disk), values)


@pytest.mark.parametrize("name", FROM_RECORDS)
def test_nothing_is_changed_and_nothing_is_warned_of(name):
    trajectory = make()
    before = {field: getattr(trajectory, field).copy() for field in trajectory.fields}
    with warnings.catch_warnings(action="error"):
        SCORES[name].function(trajectory)
    for field, record in before.items():
        np.testing.assert_array_equal(getattr(trajectory, field), record)


def test_direction_of_the_paper():
    higher_is_harder = {
        "action": True,
        "loss_variance": True,
        "final_loss": True,
        "aum": False,
        "forgetting": True,
        "first_learned": True,
        "el2n": True,
        "confidence": False,
        "variability": True,
        "correctness": False,
        "entropy": True,
        "ensemble_entropy": True,
        "mutual_information": True,
        "agreement": False,
        "easiness": False,
        "vog": True,
        "consensus": True,
    }
    flags = {name: score.higher_is_harder for name, score in SCORES.items()}
    assert flags | higher_is_harder == flags


def test_how_many_runs():
    joint = {name for name, score in SCORES.items() if score.over_runs == "joint"}
    assert joint == {
        "agreement",
        "consensus",
        "easiness",
        "ensemble_entropy",
        "mutual_information",
    }
    several = {name: s.default_runs for name, s in SCORES.items() if s.default_runs > 1}
    assert several == {
        "agreement": 5,
        "easiness": 20,
        "ensemble_entropy": 5,
        "mutual_information": 5,
    }
    assert SCORES["vog"].from_gradients


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"function": "action"}, TypeError, "function must be a function .* got 'action'"),
        ({"needs": "proba"}, TypeError, r"needs must be a tuple of names.* got 'proba'"),
        ({"needs": ("probability",)}, ValueError, "needs must be one of 'loss', .*'probability'"),
        ({"source": "gradients"}, ValueError, "source must be one of 'records', .*'gradients'"),
        ({"over_runs": "sum"}, ValueError, "over_runs must be one of 'mean', 'joint'; got 'sum'"),
    ],
)
def test_what_is_no_entry(options, error, message):
    with pytest.raises(error, match=message):
        Score(**({"name": "own", "function": len} | options))
