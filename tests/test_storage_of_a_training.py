"""`storage=`: records and snapshots in a folder, memory-mapped, complete or not there at all."""

import os
import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import RepeatedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklearn_difficulty import DifficultyScorer, TrackedNetClassifier, Trajectory
from sklearn_difficulty.exceptions import NonFiniteLossError


@pytest.fixture(scope="module")
def data():
    X, y = load_iris(return_X_y=True)
    return X.astype(np.float32), np.array(["ant", "bee", "cow"])[y]


def net(**options):
    return TrackedNetClassifier(max_epochs=4, train_split=None, verbose=0, **options)


LEARNERS = {
    "default": None,
    "tracked": net(),
    "SGD": SGDClassifier(loss="log_loss", max_iter=4, tol=None),
    "boosting": HistGradientBoostingClassifier(max_iter=4),
    "logistic": LogisticRegression(max_iter=500),
    "forest": RandomForestClassifier(40),
    "pipeline": make_pipeline(StandardScaler(), SGDClassifier(max_iter=4, tol=None)),
}
OPTIONS = [
    {},
    {"n_runs": 2},
    {"cv": 3},
    {"cv": RepeatedKFold(n_splits=3, n_repeats=2, random_state=0), "n_jobs": 2},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("learner", LEARNERS)
def test_is_the_same_as_in_memory(learner, options, data, tmp_path):
    X, y = data
    inside = DifficultyScorer(LEARNERS[learner], random_state=0, **options).fit(X, y)
    outside = clone(inside).set_params(storage=tmp_path / "path").fit(X, y)
    assert os.listdir(tmp_path) == ["path"]
    path = outside.trajectory_
    assert isinstance(path.loss, np.memmap)
    for name in (*inside.trajectory_.fields, "in_train", "y", "classes", "n_steps"):
        assert_array_equal(getattr(path, name), getattr(inside.trajectory_, name))
    assert_array_equal(outside.scores_, inside.scores_)
    new = X[:5] + np.float32(0.01)
    assert_array_equal(outside.score_samples(new, y[:5]), inside.score_samples(new, y[:5]))
    loaded = Trajectory.load(tmp_path / "path", mmap=True)
    assert_array_equal(loaded.loss, path.loss)


def test_pickles(data, tmp_path):
    X, y = data
    scorer = DifficultyScorer(net(), storage=tmp_path / "path", random_state=0).fit(X, y)
    again = pickle.loads(pickle.dumps(scorer))
    assert_array_equal(again.score_samples(X, score="vog"), scorer.score_samples(X, score="vog"))


def test_a_fit_replaces_what_the_one_before_left(data, tmp_path):
    X, y = data
    scorer = DifficultyScorer(net(), storage=str(tmp_path / "path"), random_state=0).fit(X, y)
    first = scorer.trajectory_
    before = np.array(first.loss)
    scorer.set_params(estimator=net(lr=0.1)).fit(X, y)
    assert not np.array_equal(scorer.trajectory_.loss, before)
    assert_array_equal(first.loss, before)  # the mapping of the old files holds
    assert os.listdir(tmp_path) == ["path"]


def test_a_training_that_fails_leaves_nothing(data, tmp_path):
    X, y = data
    diverging = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=1e300, max_iter=4)
    scorer = DifficultyScorer(
        make_pipeline(StandardScaler(), diverging), storage=tmp_path / "path", random_state=0
    )
    with pytest.raises((NonFiniteLossError, ValueError)):
        scorer.fit(X * 1e30, y)
    assert os.listdir(tmp_path) == []
    assert not hasattr(scorer, "trajectory_")


class Breaks(Callback):
    """Puts NaN into the weights after two epochs."""

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 3:
            with torch.no_grad():
                next(net.module_.parameters()).fill_(np.nan)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_what_a_training_that_fails_carries_can_be_read(n_jobs, data, tmp_path):
    X, y = data
    breaking = net(callbacks=[Breaks()])
    carried = []
    for storage in (None, tmp_path / "path"):
        scorer = DifficultyScorer(breaking, random_state=0, storage=storage)
        with pytest.raises(NonFiniteLossError) as caught:
            scorer.set_params(n_jobs=n_jobs).fit(X, y)
        carried.append(caught.value.trajectory)
    assert os.listdir(tmp_path) == []
    in_memory, on_disk = carried
    assert_array_equal(on_disk.loss, in_memory.loss)
    assert on_disk.n_steps.tolist() == [2]
    assert in_memory.snapshots is not None
    assert on_disk.snapshots is None  # whose files are gone


def test_a_training_that_fails_leaves_the_one_before(data, tmp_path):
    X, y = data
    scorer = DifficultyScorer(net(), storage=tmp_path / "path", random_state=0).fit(X, y)
    loss = np.array(scorer.trajectory_.loss)
    with pytest.raises(NonFiniteLossError):
        clone(scorer).set_params(estimator=net(lr=1e30)).fit(X, y)
    assert_array_equal(Trajectory.load(tmp_path / "path").loss, loss)
    assert os.listdir(tmp_path) == ["path"]


def test_what_cannot_be_written_is_said_before_training(data, tmp_path):
    X, y = data
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    for storage, error, message in (
        (tmp_path / "notes", FileExistsError, "no saved trajectory"),
        (tmp_path / "no" / "where", FileNotFoundError, "is not a folder"),
        (7, TypeError, "storage must be the path of a folder"),
    ):
        scorer = DifficultyScorer(net(), storage=storage)
        with pytest.raises(error, match=message):
            scorer.fit(X, y)
        assert not hasattr(scorer, "trajectory_")
    assert (tmp_path / "notes" / "mine.txt").read_text() == "mine"
