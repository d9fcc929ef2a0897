"""Consensus, on paths worked out by hand and on trainings with each kind of wrong labels."""

import math

import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_difficulty import DifficultyScorer, TrackedNetClassifier
from sklearn_difficulty.datasets import confuse_labels, flip_labels
from sklearn_difficulty.exceptions import MissingRecordsWarning, RecordNotFoundError
from sklearn_difficulty.labels import hardness_readings
from sklearn_difficulty.scores import consensus, habits
from sklearn_difficulty.scores._beliefs import beliefs
from sklearn_difficulty.scores._consensus import judged
from sklearn_difficulty.trajectory import Trajectory

# Probabilities of three classes after two steps, for labels 0, 0, 1 and 2: right, wrong, learnt
# after the first step, and right.
STEPS = [
    [[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.5, 0.25, 0.25], [0.2, 0.2, 0.6]],
    [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8]],
]
LABELS = [0, 0, 1, 2]
# Rivals are ahead by 0.5 and 0.25 of 4 samples in the first step, 2 of which are right, and by 0.7
# in the second one, with 3 of 4:
# (0.75 / 4 * (2 / 4) ** 2 + 0.01) ** 4 against
# (0.7 / 4 * (3 / 4) ** 2 + 0.01) ** 4.
WEIGHTS = [0.0703535, 0.9296465]


def make(outputs=STEPS, y=LABELS, **options):
    classes = list(range(np.shape(outputs)[-1]))
    return Trajectory.from_outputs(outputs, y, kind="proba", **{"classes": classes} | options)


def records(proba, margin, prediction, y, n_classes=3):
    """Make a path of one run from records of shape (n_steps, n_samples)."""
    proba = np.asarray(proba, dtype=np.float32)
    with np.errstate(divide="ignore"):
        loss = -np.log(proba)
    return Trajectory(
        loss[None],
        proba=proba[None],
        margin=np.asarray(margin, dtype=np.float32)[None],
        prediction=np.asarray(prediction, dtype=np.int32)[None],
        y=np.asarray(y),
        classes=np.arange(n_classes),
    )


class TestByHand:
    def test_pace(self):
        ((times, before),) = habits(make())["pace"]
        assert times.tolist() == [0, 1, 2]
        np.testing.assert_allclose(before, [0, WEIGHTS[0], 1], atol=1e-6)

    def test_beliefs(self):
        belief = beliefs(make())
        # exp of the weighted mean of log 0.6 and log 0.8, and so on
        np.testing.assert_allclose(
            belief.given, [0.783971, 0.104997, 0.651087, 0.783971], atol=1e-6
        )
        # 0.7 and 0.8 of class 1; 0.5 of class 0 in the first step alone
        rivals = [[0, 0, 0], [0, 0.792965, 0], [0.035177, 0, 0], [0, 0, 0]]
        np.testing.assert_allclose(belief.rivals, rivals, atol=1e-6)
        # 0.3 and 0.1; 0.2 in the second step alone; 0.2 and 0.1
        np.testing.assert_allclose(belief.unnamed, [0.114071, 0, 0.185929, 0.107035], atol=1e-6)
        # 0.792965 - (0.2 and 0.1: 0.107035)
        assert belief.lead[1] == pytest.approx(0.792965 - 0.107035, abs=1e-6)
        # What is left to the third class: 0.1 twice; 0.25 and 0.1; 0.2 and 0.1
        np.testing.assert_allclose(belief.rest, [0.1, 0.1, 0.110553, 0.107035], atol=1e-6)

    def test_confusions(self):
        # One sample of class 1 is labelled 0, and counts 0.685929 ** 2 = 0.470499; to that come
        # 20 + 3 * 0.470499 = 21.411497 as if spread, in halves.
        first = (0.470499 + 21.411497 / 2) / (0.470499 + 21.411497)
        expected = [[0, 0.5, 0.5], [first, 0, 1 - first], [0.5, 0.5, 0]]
        np.testing.assert_allclose(judged(make()).confusions, expected, atol=1e-6)
        np.testing.assert_allclose(habits(make())["confusions"], expected, atol=1e-6)

    def test_score(self):
        # Habits are at (0.510751 - 0.5) / 0.5 in one class of three, 0.007167 in the mean, so that
        # 0.25 * (1 - 0.007167 / 0.05) = 0.214164 of what is left counts.
        first, last = WEIGHTS
        strongest = [
            first * 0.3 + last * 0.1,
            (first * 0.7 + last * 0.8) * 2 * 0.510751,
            first * 0.5 + last * 0.2,
            first * 0.2 + last * 0.1,
        ]
        rest = [0.1, 0.1, first * 0.25 + last * 0.1, first * 0.2 + last * 0.1]
        given = [0.6**first * 0.8**last, 0.2**first * 0.1**last, 0.25**first * 0.7**last]
        given.append(given[0])
        expected = np.log((np.array(strongest) + 0.214164 * np.array(rest)) / given)
        values = consensus(make())
        np.testing.assert_allclose(values, expected, atol=1e-6)
        assert values.dtype == np.float64
        assert judged(make()).believed.tolist() == [True, False, True, True]

    def test_given_confusions_and_pace(self):
        # Class 1 is never labelled 0, but for a hundredth; steps weigh 1/4 and 3/4.
        confusions = np.array([[0, 0.5, 0.5], [0.01, 0, 0.99], [0.5, 0.5, 0]])
        pace = [(np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.25, 1.0]))]
        values = consensus(make(), pace=pace, confusions=confusions)
        given = 0.2**0.25 * 0.1**0.75
        # One-sided mistakes leave nothing to the third class.
        assert values[1] == pytest.approx(math.log(0.775 * 0.02 / given), abs=1e-6)
        assert values[0] == pytest.approx(math.log(0.15 / (0.6**0.25 * 0.8**0.75)), abs=1e-6)

    @pytest.mark.parametrize(("steps", "kept"), [(0, 0), (-1, 1), (slice(1, 2), 1), ("early", 0)])
    def test_window_of_one_step(self, steps, kept):
        outputs = np.array(STEPS[kept])
        # Which habits there are follows from that step, too.
        confusions = judged(make([STEPS[kept]])).confusions
        values = consensus(make(), steps=steps)
        one_sided = (confusions.max(axis=1).mean() - 0.5) / 0.5
        for row, label in ((0, 0), (3, 2)):
            rest, other = np.sort(np.delete(outputs[row], label))
            other += 0.25 * (1 - one_sided / 0.05) * rest
            assert values[row] == pytest.approx(math.log(other / outputs[row, label]), abs=1e-6)
        np.testing.assert_allclose(values, consensus(make([STEPS[kept]])), rtol=1e-12)

    def test_window_with_gaps(self):
        between = [[0.3, 0.3, 0.4]] * 4
        values = consensus(make([STEPS[0], between, STEPS[1]]), steps=slice(None, None, 2))
        np.testing.assert_allclose(values, consensus(make()), rtol=1e-12)

    def test_two_classes_know_no_habits(self):
        path = make([[[0.9, 0.1], [0.3, 0.7]]], [0, 0])
        np.testing.assert_allclose(
            consensus(path), [math.log(0.1 / 0.9), math.log(0.7 / 0.3)], atol=1e-6
        )
        assert habits(path)["confusions"].tolist() == [[0, 1], [1, 0]]

    def test_one_class(self):
        ones = np.ones((2, 3))
        path = records(ones, np.full((2, 3), np.inf), np.zeros((2, 3)), [0, 0, 0], n_classes=1)
        # Nothing but the given label, which was believed: log of the least probability.
        np.testing.assert_allclose(consensus(path), np.full(3, math.log(1e-9)))


class TestNumbers:
    def test_probabilities_that_underflow(self):
        proba = [[0.0, 1e-40, 1.0, 0.5]]
        margin = [[-1e4, -150.0, 1e4, 0.0]]
        values = consensus(records(proba, margin, [[1, 1, 0, 0]], [0, 0, 0, 0]))
        assert np.isfinite(values).all()
        # At most a certain rival against a billionth (times habits, which see two of class 1).
        np.testing.assert_allclose(values[:2], math.log(1e9), atol=0.1)
        assert values[2] == pytest.approx(math.log(1e-9))
        assert values[3] == pytest.approx(0.0)

    def test_infinite_margins(self):
        values = consensus(records([[0.0, 1.0]], [[-np.inf, np.inf]], [[1, 0]], [0, 0]))
        np.testing.assert_allclose(values[1], math.log(1e-9))
        assert values[0] == pytest.approx(math.log(1e9), abs=0.1)

    def test_rival_has_no_more_than_is_left(self):
        # Margins that are no difference of log-probabilities, such as of votes or decisions.
        belief = beliefs(records([[0.4]], [[-3.0]], [[1]], [0]))
        assert belief.rivals[0, 1] == pytest.approx(0.6)

    def test_all_known_by_heart(self):
        # No step tells more than another; none has a loss.
        values = consensus(
            records(np.ones((3, 2)), np.full((3, 2), 50.0), np.zeros((3, 2)), [0, 0])
        )
        np.testing.assert_allclose(values, np.full(2, math.log(1e-9)))

    def test_predictions_of_no_class(self):
        path = records([[0.2, 0.9]], [[-1.0, 2.0]], [[3, 0]], [0, 0])
        refused = r"'prediction' has the class number 3.* 3 classes"
        for function in (consensus, hardness_readings):
            with pytest.raises(ValueError, match=refused):
                function(path)

    def test_far_more_samples_than_classes_seen(self):
        # Classes of which there is no sample.
        path = make(np.array(STEPS), [0, 0, 0, 0])
        assert np.isfinite(consensus(path)).all()
        path = records([[0.2, 0.9]], [[-1.0, 2.0]], [[40, 7]], [7, 7], n_classes=100)
        assert np.isfinite(consensus(path)).all()


class TestMissingRecords:
    def hidden(self, rows, steps):
        outputs = np.array(STEPS)
        outputs[np.ix_(steps, rows)] = np.nan
        return make(outputs)

    def test_step_without_a_sample(self):
        pace = habits(make())
        values = consensus(self.hidden([1], [0]), **pace)
        # The second step alone: 0.8 of class 1 and 0.214162 of 0.1 against 0.1
        rivals = 0.8 * 2 * pace["confusions"][1, 0] + 0.0214162
        assert values[1] == pytest.approx(math.log(rivals / 0.1), abs=1e-6)
        np.testing.assert_allclose(np.delete(values, 1), np.delete(consensus(make()), 1))

    def test_sample_never_recorded(self):
        with pytest.warns(MissingRecordsWarning, match="'consensus': 1 of 4 samples"):
            values = consensus(self.hidden([1], [0, 1]))
        assert np.isnan(values).tolist() == [False, True, False, False]

    def test_nothing_recorded(self):
        nowhere = np.full((2, 4), np.nan)
        path = records(nowhere, nowhere, np.full((2, 4), -1), LABELS)
        with pytest.warns(MissingRecordsWarning, match="4 of 4 samples"):
            assert np.isnan(consensus(path)).all()

    @pytest.mark.parametrize("name", ["proba", "margin", "prediction"])
    def test_record_that_was_not_made(self, name):
        path = make()
        has = {n: getattr(path, n) for n in ("proba", "margin", "prediction") if n != name}
        with pytest.raises(RecordNotFoundError, match=f"'consensus' needs the record '{name}'"):
            consensus(Trajectory(path.loss, y=path.y, classes=path.classes, **has))


class TestHabits:
    def paths(self, rivals, n=200, wrong=(0.8, 0.1, 0.1)):
        """Make samples of class 0, all labelled 1 or 2 in turn as `rivals` says, and right ones."""
        right = [[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.05, 0.05, 0.9]]
        wrong = [wrong] * len(rivals)
        outputs = right * n + wrong
        return make([outputs], [0, 1, 2] * n + list(rivals))

    def test_mistakes_made_often_are_more_probable(self):
        values = consensus(self.paths([1] * 90 + [2] * 10))
        often, seldom = values[600:690], values[690:]
        assert np.ptp(often) == np.ptp(seldom) == 0
        # With 100 seen at a lead of 0.7, 49 in weight: (44.1 + 83.5) / (49 + 167) of class 1. So
        # one-sided mistakes of a class of three leave nothing to the third class.
        assert often[0] - seldom[0] == pytest.approx(math.log(127.6 / 88.4), abs=1e-4)

    def test_mistakes_all_alike_weigh_all_alike(self):
        values = consensus(self.paths([1, 2] * 50))
        np.testing.assert_allclose(values[600:], math.log((0.8 + 0.1 / 4) / 0.1), atol=1e-5)

    def test_other_rivals_count_where_mistakes_are_all_alike(self):
        alike = consensus(self.paths([1, 2] * 50, wrong=(0.6, 0.2, 0.2)))
        assert alike[-1] == pytest.approx(math.log((0.6 + 0.25 * 0.2) / 0.2), abs=1e-5)
        one_sided = self.paths([1] * 100, wrong=(0.6, 0.2, 0.2))
        confusion = 2 * habits(one_sided)["confusions"][0, 1]
        assert consensus(one_sided)[-1] == pytest.approx(math.log(0.6 * confusion / 0.2), abs=1e-5)

    def test_drawn_towards_all_alike_by_three_quarters_at_least(self):
        confusions = habits(self.paths([1] * 40000))["confusions"]
        assert 0.62 < confusions[0, 1] < 0.625
        np.testing.assert_allclose(confusions.sum(axis=1), 1)
        assert np.diagonal(confusions).tolist() == [0, 0, 0]


def noisy(noise):
    X, y = load_wine(return_X_y=True)
    X = StandardScaler().fit_transform(X).astype(np.float32)
    if noise == "uniform":
        return X, *flip_labels(y, 0.2, random_state=0)
    return X, *confuse_labels(y, {0: 1, 1: 2, 2: 0}, 0.2, random_state=0)


@pytest.mark.parametrize("noise", ["uniform", "pair"])
@pytest.mark.parametrize(
    "learner",
    [
        None,
        SGDClassifier(loss="log_loss", max_iter=20, tol=None),
        make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", max_iter=20, tol=None)),
        RandomForestClassifier(100),
        HistGradientBoostingClassifier(max_iter=10),
    ],
    ids=["net", "SGD", "pipeline", "forest", "boosting"],
)
def test_finds_wrong_labels(noise, learner):
    X, y, flipped = noisy(noise)
    scorer = DifficultyScorer(learner, score=["consensus", "action", "aum"], random_state=0)
    scores = scorer.fit(X, y).scores_ * [1, 1, -1]
    found = [average_precision_score(flipped, column) for column in scores.T]
    assert found[0] > 0.8
    assert found[0] > max(found) - 0.05


@pytest.mark.parametrize("n_runs", [1, 3])
@pytest.mark.parametrize(
    "learner",
    [
        TrackedNetClassifier(max_epochs=5, lr=0.1, train_split=None, verbose=0),
        SGDClassifier(loss="log_loss", max_iter=30, tol=1e-2),  # whose runs differ in length
        HistGradientBoostingClassifier(max_iter=5),
    ],
    ids=["net", "SGD", "boosting"],
)
@pytest.mark.parametrize("steps", [None, "early", -1, slice(1, 3)])
def test_new_row_that_is_a_known_one_has_its_score(learner, steps, n_runs):
    X, y = load_iris(return_X_y=True)
    X = X.astype(np.float32)
    y, _ = flip_labels(y, 0.1, random_state=0)
    scorer = DifficultyScorer(
        learner,
        score="consensus",
        score_params=None if steps is None else {"steps": steps},
        snapshots="all",
        n_runs=n_runs,
        random_state=0,
    ).fit(X, y)
    # Too near to be another row, and too far to be the same.
    near = np.nextafter(X, np.float32(100))
    np.testing.assert_allclose(scorer.score_samples(near, y), scorer.scores_, atol=2e-4)
    # Neither order nor neighbours matter, known or new.
    for rows in (X, near):
        some = scorer.score_samples(rows[[100, 3, 77]], y[[100, 3, 77]])
        np.testing.assert_allclose(some, scorer.scores_[[100, 3, 77]], atol=2e-4)
    if n_runs > 1:
        known, errors = scorer.score_samples(X, y, return_std=True)
        _, errors_new = scorer.score_samples(near, y, return_std=True)
        np.testing.assert_allclose(known, scorer.scores_)
        assert np.isfinite(errors).all() and (errors > 0).any()
        np.testing.assert_allclose(errors_new, errors, rtol=0.01, atol=2e-3)


def test_kept_steps_stand_for_those_around_them():
    X, y = load_iris(return_X_y=True)
    X = X.astype(np.float32)
    y, _ = flip_labels(y, 0.1, random_state=0)
    net = TrackedNetClassifier(max_epochs=12, lr=0.1, train_split=None, verbose=0)
    scorer = DifficultyScorer(net, score="consensus", snapshots=4, random_state=0).fit(X, y)
    new = scorer.score_samples(np.nextafter(X, np.float32(100)), y)
    assert np.corrcoef(new, scorer.scores_)[0, 1] > 0.99
    assert np.abs(new - scorer.scores_).max() < 0.5


def test_folds():
    X, y = load_iris(return_X_y=True)
    y, flipped = flip_labels(y, 0.1, random_state=0)
    learner = SGDClassifier(loss="log_loss", max_iter=30, tol=1e-2)
    scorer = DifficultyScorer(learner, score="consensus", cv=3, n_runs=2, random_state=0).fit(X, y)
    assert average_precision_score(flipped, scorer.scores_) > 0.7
    values, errors = scorer.score_samples(X + 1e-3, y, return_std=True)
    # Judged by models of all folds, and not by the one alone that held it out.
    assert average_precision_score(flipped, values) > 0.7
    assert np.isfinite(errors).all()
    assert np.corrcoef(values, scorer.scores_)[0, 1] > 0.8


def test_runs_are_averaged_before_the_ratio():
    runs = [make(), make([STEPS[1], STEPS[0]])]
    both = beliefs(Trajectory.stack(runs))
    each = [beliefs(run) for run in runs]
    for name in ("given", "rivals", "unnamed"):
        mean = (getattr(each[0], name) + getattr(each[1], name)) / 2
        np.testing.assert_allclose(getattr(both, name), mean, rtol=1e-12)


def test_hinge_loss_is_refused_before_training():
    X, y = load_iris(return_X_y=True)
    scorer = DifficultyScorer(SGDClassifier(), score="consensus")
    with pytest.raises(RecordNotFoundError, match=r"'consensus' needs probabilities.*log_loss"):
        scorer.fit(X, y)
    assert not hasattr(scorer, "trajectory_")


def test_regression_is_refused_before_training():
    X, y = load_iris(return_X_y=True)
    scorer = DifficultyScorer(score="consensus")
    with pytest.raises(RecordNotFoundError, match="'consensus' needs classes"):
        scorer.fit(X, y + np.linspace(0, 0.5, 150))
    assert not hasattr(scorer, "trajectory_")
