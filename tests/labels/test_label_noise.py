"""Estimates of wrong labels, where it is known which labels are wrong."""

import warnings

import numpy as np
import pytest

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.datasets import flip_labels
from sklearn_difficulty.exceptions import (
    MissingRecordsWarning,
    NothingLearnedWarning,
    RecordNotFoundError,
)
from sklearn_difficulty.labels import (
    PlantedErrors,
    PlantedLabels,
    estimate_label_noise,
    plant_errors,
)
from sklearn_difficulty.scores import consensus
from sklearn_difficulty.trajectory import Trajectory

RATES = ["noise_rate", "noise_rate_interval", "class_noise_rate", "class_noise_rate_interval"]


class Simulated:
    """A model that comes to believe the true classes, and labels some of which are wrong.

    Parameters
    ----------
    rate : float
        Share of wrong labels.
    n_samples, n_classes, seed : int
        Of the data.
    pair : bool
        Whether wrong labels are all of the next class, or of any other.
    certainty : float
        Mean lead of the true class's logit, in standard deviations of a logit.
    """

    def __init__(self, rate, n_samples=600, n_classes=4, seed=0, *, pair=False, certainty=4.0):
        self.rng = np.random.default_rng(seed)
        self.n_samples, self.n_classes, self.certainty = n_samples, n_classes, certainty
        self.truth = np.arange(n_samples) % n_classes
        self.wrong = self.rng.random(n_samples) < rate
        shift = 1 if pair else self.rng.integers(1, n_classes, n_samples)
        self.y = np.where(self.wrong, (self.truth + shift) % n_classes, self.truth)
        self.path = self.trained(self.y)

    def trained(self, y, **options):
        leads = np.linspace(0.5, 1.0, 5)[:, None] * self.certainty
        logits = self.rng.normal(size=(5, self.n_samples, self.n_classes))
        logits[:, np.arange(self.n_samples), self.truth] += leads
        classes = list(range(self.n_classes))
        return Trajectory.from_outputs(
            logits.astype(np.float32), y, **{"kind": "logits", "classes": classes} | options
        )

    def planted(self, random_state=0):
        labels = plant_errors(self.path, random_state)
        return PlantedErrors(self.trained(labels.y), labels)


both = pytest.mark.parametrize("planted", [False, True], ids=["one training", "planted"])


def estimate(simulated, planted):
    return estimate_label_noise(simulated.path, simulated.planted() if planted else None)


@both
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("rate", [0.0, 0.05, 0.1, 0.2, 0.4])
def test_simulated(rate, n_classes, planted):
    simulated = Simulated(rate, n_classes=n_classes)
    noise = estimate(simulated, planted)
    assert noise.calibrated == planted
    # Without planted errors, some right labels that are learnt late are taken for wrong ones.
    coarse = not planted and not rate
    off_by, right = (0.12, 0.9) if coarse else (0.04, 0.95)
    assert noise.noise_rate == pytest.approx(simulated.wrong.mean(), abs=off_by)
    called = noise.mislabeled_proba > 0.5
    assert (called == simulated.wrong).mean() > right
    assert (noise.likely_labels == simulated.truth).mean() > right
    assert noise.noise_rate == pytest.approx(noise.mislabeled_proba.mean())
    of_class = [noise.mislabeled_proba[simulated.y == k].mean() for k in range(n_classes)]
    np.testing.assert_allclose(noise.class_noise_rate, of_class)
    low, high = noise.noise_rate_interval
    assert 0 <= low <= noise.noise_rate <= high <= 1
    low, high = noise.class_noise_rate_interval.T
    assert (low <= noise.class_noise_rate).all() and (noise.class_noise_rate <= high).all()
    assert low.min() >= 0 and high.max() <= 1


def test_several_trainings_on_planted_errors():
    simulated = Simulated(0.2, n_samples=90, n_classes=3, certainty=2.5)
    rng = np.random.RandomState(0)
    errors = [simulated.planted(rng) for _ in range(32)]
    rates = {
        number: [
            estimate_label_noise(simulated.path, errors[i : i + number]).noise_rate
            for i in range(0, 32, 4)
        ]
        for number in (1, 4)
    }
    # Which errors were drawn matters less.
    assert np.std(rates[4]) < np.std(rates[1])
    alone = estimate_label_noise(simulated.path, errors[0])
    in_a_list = estimate_label_noise(simulated.path, errors[:1])
    np.testing.assert_array_equal(alone.mislabeled_proba, in_a_list.mislabeled_proba)


@both
def test_intervals_hold_the_truth(planted):
    covered = []
    for seed in range(20):
        simulated = Simulated(0.1, n_samples=300, seed=seed, certainty=3.5)
        low, high = estimate(simulated, planted).noise_rate_interval
        covered.append(low <= simulated.wrong.mean() <= high)
    # Of 20 intervals of 95 %, fewer than 17 have a probability of 2 %.
    assert sum(covered) >= 17


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.1, 0.2, 0.4])
def test_digits(rate, digits):
    X, truth = digits
    y, flipped = flip_labels(truth, rate, random_state=0)
    path = DifficultyScorer(random_state=0).fit(X, y).trajectory_
    labels = plant_errors(path, 0)
    planted_path = DifficultyScorer(random_state=0).fit(X, labels.y).trajectory_
    noise = estimate_label_noise(path, PlantedErrors(planted_path, labels))
    assert noise.noise_rate == pytest.approx(rate, abs=0.03)
    low, high = noise.noise_rate_interval
    assert low <= rate <= high
    called = noise.mislabeled_proba > 0.5
    if rate == 0:
        assert called.mean() <= 0.01
    else:
        assert called[flipped].mean() > 0.8
        assert flipped[called].mean() > 0.9
    assert (noise.likely_labels == truth).mean() > 0.94
    assert noise.noise_matrix.argmax(axis=1).tolist() == list(range(10))


@both
def test_hard_rows_are_not_wrong(planted):
    # A third of the rows can hardly be told from another class, with their right labels.
    simulated = Simulated(0.0, certainty=0.0)
    hard = np.arange(600) < 200

    def trained(y):
        certain, unsure = simulated.trained(y), None
        simulated.certainty = 6.0
        certain = simulated.trained(y)
        simulated.certainty = 1.0
        unsure = simulated.trained(y)
        simulated.certainty = 0.0
        return Trajectory(
            np.where(hard, unsure.loss, certain.loss),
            proba=np.where(hard, unsure.proba, certain.proba),
            margin=np.where(hard, unsure.margin, certain.margin),
            prediction=np.where(hard, unsure.prediction, certain.prediction),
            y=y,
            classes=certain.classes,
        )

    path, errors = trained(simulated.y), None
    if planted:
        labels = plant_errors(path, 0)
        errors = PlantedErrors(trained(labels.y), labels)
    noise = estimate_label_noise(path, errors)
    assert noise.noise_rate < 0.05
    assert (noise.mislabeled_proba > 0.5).mean() < 0.05


class TestNothingLearned:
    def test_no_label_is_called_wrong(self):
        simulated = Simulated(0.2, certainty=0.0)
        with pytest.warns(NothingLearnedWarning, match="made wrong on purpose") as caught:
            noise = estimate_label_noise(simulated.path, simulated.planted())
        assert [warning.filename for warning in caught] == [__file__]
        assert noise.mislabeled_proba.tolist() == [0.0] * 600
        assert noise.noise_rate == 0
        np.testing.assert_array_equal(noise.likely_labels, simulated.y)
        np.testing.assert_allclose(noise.noise_matrix, np.eye(4), atol=0)

    def test_nor_of_one_training(self):
        # The typical row is believed to be of another class: there is no scale.
        noise = estimate_label_noise(Simulated(0.2, certainty=0.0).path)
        assert not noise.mislabeled_proba.any()

    def test_all_probabilities_alike(self):
        path = Trajectory.from_outputs(np.full((3, 60, 3), 1 / 3), np.arange(60) % 3, kind="proba")
        labels = PlantedLabels(path.y, np.arange(60) < 6, np.ones(60, dtype=bool))
        errors = PlantedErrors(path, labels)
        with pytest.warns(NothingLearnedWarning):
            assert not estimate_label_noise(path, errors).mislabeled_proba.any()
        assert not estimate_label_noise(path).mislabeled_proba.any()


class TestNoiseMatrix:
    @both
    @pytest.mark.parametrize("rate", [0.0, 0.1, 0.3])
    def test_rows_sum_to_one(self, rate, planted):
        matrix = estimate(Simulated(rate), planted).noise_matrix
        np.testing.assert_allclose(matrix.sum(axis=1), 1)
        assert matrix.min() >= 0

    @both
    def test_confusion_of_pairs(self, planted):
        matrix = estimate(Simulated(0.2, n_samples=1000, pair=True), planted).noise_matrix
        for k in range(4):
            others = np.delete(matrix[k], [k, (k + 1) % 4])
            assert matrix[k, (k + 1) % 4] == pytest.approx(0.2, abs=0.06)
            assert others.max() < 0.03

    def test_by_hand(self):
        # Of ten rows of either class one is labelled as the other, beyond doubt.
        own = np.full((1, 20, 2), [0.95, 0.05])
        own[:, 10:] = [0.05, 0.95]
        y = np.repeat([0, 1], 10)
        y[[0, 10]] = [1, 0]
        noise = estimate_label_noise(Trajectory.from_outputs(own, y, kind="proba"))
        wrong = noise.mislabeled_proba[0]
        right = noise.mislabeled_proba[1]
        assert wrong > 0.5 > right
        # Of class 0 are the nine rows so labelled and right, the part of the tenth that is
        # believed wrong, and what is left of nine rows labelled 1.
        kept, moved = 9 * (1 - right) + (1 - wrong), wrong + 9 * right
        np.testing.assert_allclose(noise.noise_matrix[0], [kept / 10, moved / 10], atol=1e-9)
        np.testing.assert_allclose(noise.noise_matrix[1], [moved / 10, kept / 10], atol=1e-9)
        np.testing.assert_allclose(noise.class_noise_rate, moved / 10)
        assert noise.likely_labels.tolist() == [0] * 10 + [1] * 10


class TestMissing:
    def test_class_without_rows(self):
        simulated = Simulated(0.1)
        rows = np.flatnonzero(simulated.y != 2)
        noise = estimate_label_noise(simulated.path.select(samples=rows))
        assert np.isnan(noise.class_noise_rate).tolist() == [False, False, True, False]
        assert np.isnan(noise.class_noise_rate_interval[2]).all()
        assert np.isfinite(noise.class_noise_rate_interval[[0, 1, 3]]).all()
        assert np.isfinite(noise.noise_rate_interval).all()
        np.testing.assert_allclose(noise.noise_matrix.sum(axis=1), 1)
        # Rows of that class under other labels are known for what they are.
        found = noise.likely_labels[simulated.truth[rows] == 2]
        assert np.mean(found == 2) > 0.9

    def hidden(self, path, rows):
        fields = {}
        for name in ("loss", "proba", "margin", "prediction"):
            record = getattr(path, name).copy()
            record[:, :, rows] = -1 if name == "prediction" else np.nan
            fields[name] = record
        return Trajectory(**fields, y=path.y, classes=path.classes)

    @both
    def test_rows_never_recorded(self, planted):
        simulated = Simulated(0.1)
        path = self.hidden(simulated.path, slice(0, 200))
        errors = simulated.planted() if planted else None
        with pytest.warns(MissingRecordsWarning, match="200 of 600") as caught:
            noise = estimate_label_noise(path, errors)
        assert len(caught) == 1
        assert np.isnan(noise.mislabeled_proba).tolist() == [True] * 200 + [False] * 400
        np.testing.assert_array_equal(noise.likely_labels[:200], simulated.y[:200])
        assert noise.noise_rate == pytest.approx(simulated.wrong[200:].mean(), abs=0.04)
        # They change nothing about the others, when these have the same pace.
        some = estimate_label_noise(simulated.path.select(samples=slice(200, None)), errors)
        np.testing.assert_allclose(noise.mislabeled_proba[200:], some.mislabeled_proba)
        np.testing.assert_allclose(noise.noise_rate_interval, some.noise_rate_interval)

    @pytest.mark.filterwarnings("ignore::sklearn_difficulty.exceptions.MissingRecordsWarning")
    def test_nothing_recorded(self):
        simulated = Simulated(0.1)
        noise = estimate_label_noise(self.hidden(simulated.path, slice(None)))
        assert np.isnan(noise.mislabeled_proba).all()
        assert np.isnan(noise.noise_rate)
        assert np.isnan(noise.class_noise_rate_interval).all()
        np.testing.assert_array_equal(noise.likely_labels, simulated.y)

    @pytest.mark.filterwarnings("ignore::sklearn_difficulty.exceptions.MissingRecordsWarning")
    def test_planted_errors_never_recorded(self):
        simulated = Simulated(0.1)
        errors = simulated.planted()
        hidden = self.hidden(errors.trajectory, errors.labels.planted)
        gone = PlantedErrors(hidden, errors.labels)
        noise = estimate_label_noise(simulated.path, gone)
        assert not noise.calibrated
        alone = estimate_label_noise(simulated.path)
        np.testing.assert_array_equal(noise.mislabeled_proba, alone.mislabeled_proba)

    @pytest.mark.parametrize("n_samples", [1, 2])
    def test_few_rows(self, n_samples):
        path = Simulated(0.0).path.select(samples=slice(0, n_samples))
        noise = estimate_label_noise(path)
        assert noise.mislabeled_proba.tolist() == [0.0] * n_samples

    def test_one_class(self):
        ones = np.ones((1, 3, 5))
        path = Trajectory(
            0 * ones,
            proba=ones,
            margin=np.inf * ones,
            prediction=np.zeros((1, 3, 5), dtype=np.int32),
            y=np.zeros(5, dtype=int),
            classes=np.array(["ant"]),
        )
        noise = estimate_label_noise(path)
        assert noise.likely_labels.tolist() == ["ant"] * 5
        assert noise.noise_matrix.tolist() == [[1.0]]
        assert noise.noise_rate == 0


def assert_same(noise, other, rows=slice(None)):
    for name in ("mislabeled_proba", "likely_labels"):
        np.testing.assert_array_equal(getattr(noise, name), getattr(other, name)[rows])
    np.testing.assert_allclose(noise.noise_matrix, other.noise_matrix, rtol=1e-10)


@both
def test_same_each_time_and_no_global_numbers(planted, generators_unchanged):
    one, other = (estimate(Simulated(0.1), planted) for _ in range(2))
    assert_same(one, other)
    for name in RATES:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_names_of_classes():
    simulated = Simulated(0.1)
    names = np.array(["ant", "bee", "cow", "dog"])
    named = Trajectory(
        simulated.path.loss,
        proba=simulated.path.proba,
        margin=simulated.path.margin,
        prediction=simulated.path.prediction,
        y=simulated.path.y,
        classes=names,
    )
    noise, numbers = estimate_label_noise(named), estimate_label_noise(simulated.path)
    np.testing.assert_array_equal(noise.likely_labels, names[numbers.likely_labels])
    np.testing.assert_array_equal(noise.classes, names)


def test_records_on_disk(tmp_path):
    simulated = Simulated(0.1)
    errors = simulated.planted()
    in_memory = estimate_label_noise(simulated.path, errors)
    simulated.path.save(tmp_path / "path")
    errors.trajectory.save(tmp_path / "planted")
    with warnings.catch_warnings(action="error"):
        on_disk = estimate_label_noise(
            Trajectory.load(tmp_path / "path", mmap=True),
            PlantedErrors(Trajectory.load(tmp_path / "planted", mmap=True), errors.labels),
        )
    assert simulated.path.loss.dtype == np.float32
    assert_same(on_disk, in_memory)
    assert on_disk.mislabeled_proba.dtype == np.float64


def test_surer_of_rows_with_a_higher_consensus():
    simulated = Simulated(0.1)
    for planted in (False, True):
        noise = estimate(simulated, planted)
        order = np.argsort(noise.consensus)
        assert (np.diff(noise.mislabeled_proba[order]) >= 0).all()
    # Without planted errors it is that of the path alone.
    np.testing.assert_array_equal(estimate(simulated, False).consensus, consensus(simulated.path))


class TestRefusals:
    def test_path_without_probabilities(self):
        path = Simulated(0.1).path
        bare = Trajectory(path.loss, y=path.y, classes=path.classes)
        with pytest.raises(RecordNotFoundError, match="needs the record 'proba'"):
            estimate_label_noise(bare)

    def test_path_of_a_regression(self):
        with pytest.raises(
            RecordNotFoundError, match="'estimate_label_noise' needs the record 'y'"
        ):
            estimate_label_noise(Trajectory(np.ones((1, 2, 3))))

    @pytest.mark.parametrize(
        "errors", [5, "auto", (1, 2), PlantedErrors(Simulated(0.1).path, np.ones(600, dtype=bool))]
    )
    def test_what_is_no_planted_errors(self, errors):
        with pytest.raises(TypeError, match="planted_errors must be PlantedErrors"):
            estimate_label_noise(Simulated(0.1).path, errors)

    @pytest.mark.parametrize("name", ["planted", "believed"])
    @pytest.mark.parametrize("mask", [np.ones(3, dtype=bool), np.arange(600)])
    def test_mask_of_other_rows(self, name, mask):
        path = Simulated(0.1).path
        labels = plant_errors(path, 0)._replace(**{name: mask})
        with pytest.raises(ValueError, match=rf"labels\.{name} must be a mask of the 600 samples"):
            estimate_label_noise(path, PlantedErrors(path, labels))


def test_labels_ahead_of_every_rival_are_not_wrong():
    # All other classes together are believed more than the label, but none of them is.
    y = np.arange(300) % 10
    proba = np.full((3, 300, 10), 0.8 / 9)
    proba[:, np.arange(300), y] = 0.2
    path = Trajectory.from_outputs(proba, y, kind="proba", classes=list(range(10)))
    noise = estimate_label_noise(path)
    assert (noise.consensus > 0).all()
    assert noise.noise_rate == 0
    np.testing.assert_array_equal(noise.likely_labels, y)
    assert plant_errors(path, 0).believed.all()
