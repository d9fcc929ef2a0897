"""What ``detection.py`` compares, in groups of what is trained together.

The first two groups train what our methods are read off, so that these can be measured again
without a training when they change.
"""

import hashlib
import json
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any, NamedTuple

import numpy as np
import torch
from aum import AUMCalculator
from cleanlab.classification import CleanLearning
from cleanlab.count import num_label_issues
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from detection_data import Data
from detection_metrics import (
    Row,
    judge_cut,
    judge_probabilities,
    judge_ranking,
    recalls,
)
from detection_nets import (
    FOLDS,
    accuracy,
    flat,
    make_forest,
    make_net,
    make_recorded_net,
    out_of_fold,
    seeded,
)
from imblearn.under_sampling import InstanceHardnessThreshold
from sklearn.base import BaseEstimator, ClassifierMixin

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.labels import (
    PlantedErrors,
    PlantedLabels,
    estimate_label_noise,
    plant_errors,
)
from sklearn_difficulty.labels._planted_errors import n_trainings_needed
from sklearn_difficulty.scores import SCORES, Score
from sklearn_difficulty.selection._auto_support import auto_support
from sklearn_difficulty.trajectory import Trajectory

# The score that our automatic cut is taken with, and the rows of the table that have one.
OURS = "consensus"
NET, FOREST = f"{OURS}, network", f"{OURS}, forest out of bag"
# Every score that one training gives, with its options.
SINGLE = {
    name: (name, {})
    for name, score in SCORES.items()
    if not score.from_gradients and score.default_runs == 1 and name != OURS
} | {"aum, proba": ("aum", {"proba": True})}
OF_FORESTS = ("action", "confidence")
CLEANLAB = {
    "cleanlab, self-confidence": ("self_confidence", False),
    "cleanlab, self-confidence, adjusted": ("self_confidence", True),
    "cleanlab, margin": ("normalized_margin", False),
    "cleanlab, margin, adjusted": ("normalized_margin", True),
    "cleanlab, weighted entropy": ("confidence_weighted_entropy", False),
}
CLEANLAB_CUT = "cleanlab, find_label_issues"
CLEANLAB_COUNT = "cleanlab, num_label_issues"
CLEAN_LEARNING = "cleanlab, CleanLearning"
AUM, NO_FILTER, ORACLE = "aum (package)", "no filter", "oracle"
PLANTED = "planted errors"
OUT_OF_FOLD_FOREST, HARDNESS = "forest out of fold", "instance hardness (imbalanced-learn)"


class Task(NamedTuple):
    """Data with wrong labels in one seed, and where to keep what was trained on them.

    Attributes
    ----------
    label : str
        Data, noise and seed.
    data : Data
        The data.
    given : ndarray of int of shape (n,)
        The labels that they carry.
    seed : int
        Of all trainings.
    work : Path
        Folder.
    """

    label: str
    data: Data
    given: np.ndarray
    seed: int
    work: Path

    @property
    def wrong(self) -> np.ndarray:
        """Where labels are wrong."""
        return self.given != self.data.y

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return int(self.data.y.max()) + 1

    def path(self, model: str) -> Path:
        """Folder of the path of training of a network or a forest, in one that is there."""
        folder = self.work / "trajectories"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{self.label}-{model}"

    def planted(self, model: str, number: int) -> Path:
        """Folder of the same on planted errors, one of several."""
        return self.path(f"{model}-planted-{number}")


def _last_outputs(trajectory: Trajectory) -> np.ndarray:
    assert trajectory.outputs is not None
    return trajectory.outputs[0, -1].max(axis=1)


# Asked for because its record is: what the aum package is fed with.
KEEPS_OUTPUTS = Score("last_outputs", _last_outputs, needs=("outputs",), needs_labels=False)


def train(task: Task, earlier: dict[str, Row]) -> dict[str, Row]:
    """Train the network and the forest once each, keep their paths, and the bounds of it all."""
    X, given, wrong = task.data.X, task.given, task.wrong
    start = process_time()
    net = DifficultyScorer(
        make_recorded_net(X, task.n_classes),
        score=["action", KEEPS_OUTPUTS],
        snapshots=None,
        random_state=task.seed,
    ).fit(X, given)
    seconds = process_time() - start
    net.trajectory_.save(task.path("network"))
    ranking = aum_by_package(net.trajectory_.outputs[0], given)
    with_aum = process_time() - start
    forest = DifficultyScorer(make_forest(len(X)), random_state=task.seed).fit(flat(X), given)
    for_forest = process_time() - start - with_aum
    forest.trajectory_.save(task.path("forest"))
    return {
        NO_FILTER: {
            "accuracy": final_accuracy(task, np.ones(len(X), dtype=bool)),
            "seconds of training": {"network": seconds, "forest": for_forest},
        },
        ORACLE: {"accuracy": final_accuracy(task, ~wrong)},
        AUM: judge_ranking(wrong, ranking) | {"seconds": with_aum, "trainings": 1},
    }


def train_planted(task: Task, earlier: dict[str, Row]) -> dict[str, Row]:
    """Train both once more, as MislabelFilter does for its automatic cut, and keep their paths."""
    X = task.data.X
    models = {
        "network": (make_recorded_net(X, task.n_classes), X),
        "forest": (make_forest(len(X)), flat(X)),
    }
    seconds, again = {}, range(n_trainings_needed(len(X)))
    for model, (estimator, rows) in models.items():
        start = process_time()
        path, rng = Trajectory.load(task.path(model)), np.random.RandomState(task.seed)
        scorer = DifficultyScorer(estimator, score=OURS, snapshots=None, random_state=task.seed)
        for number in again:
            labels = plant_errors(path, rng)
            scorer.fit(rows, labels.y).trajectory_.save(task.planted(model, number))
            np.savez(task.planted(model, number) / "labels.npz", **labels._asdict())
        seconds[model] = process_time() - start
    return {PLANTED: {"seconds of training": seconds, "trainings": len(again)}}


def aum_by_package(outputs: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Feed the aum package with the logits of every epoch.

    Parameters
    ----------
    outputs : ndarray of shape (n_epochs, n, n_classes)
        Logits.
    given : ndarray of int of shape (n,)
        Labels.

    Returns
    -------
    ndarray of shape (n,)
        Areas under the margin, negated.
    """
    rows = list(range(len(given)))
    with TemporaryDirectory() as folder:
        calculator = AUMCalculator(folder)
        for logits in outputs:
            calculator.update(torch.as_tensor(logits), torch.as_tensor(given), rows)
    return -np.array([calculator.sums[row] / calculator.counts[row] for row in rows])


def run_cleanlab(task: Task, earlier: dict[str, Row]) -> dict[str, Row]:
    """Measure cleanlab, on probabilities by the same network."""
    X, given, wrong = task.data.X, task.given, task.wrong
    start = process_time()
    proba = out_of_fold(make_net(X, task.n_classes), X, given, task.seed)
    cost = {"seconds": process_time() - start, "trainings": FOLDS}
    rows = {}
    for name, (method, adjust) in CLEANLAB.items():
        quality = get_label_quality_scores(given, proba, method=method, adjust_pred_probs=adjust)
        rows[name] = judge_ranking(wrong, -quality) | cost
    own = proba[np.arange(len(given)), given]
    # No probability that cleanlab gives, but the one that it starts from.
    rows["cleanlab, self-confidence"] |= judge_probabilities(wrong, np.clip(1 - own, 0, 1))
    issues = find_label_issues(given, proba)
    rows[CLEANLAB_CUT] = judge_cut(wrong, issues) | {"noise rate": issues.mean()} | cost
    counted = num_label_issues(given, proba)
    rows[CLEANLAB_COUNT] = {"noise rate": counted / len(given)} | cost
    start = process_time()
    learning = CleanLearning(make_net(X, task.n_classes))
    with seeded(task.seed), warnings.catch_warnings():
        # It warns that probabilities make X needless, which it still trains the last model on.
        warnings.filterwarnings("ignore", "When X and pred_probs are both provided", UserWarning)
        learning.fit(X, given, pred_probs=proba)
    final = process_time() - start
    predicted = learning.predict(task.data.X_test)
    dropped = learning.get_label_issues()["is_label_issue"].to_numpy()
    rows[CLEAN_LEARNING] = judge_cut(wrong, dropped) | {
        "noise rate": dropped.mean(),
        "accuracy": (predicted == task.data.y_test).mean(),
        "seconds": cost["seconds"] + final,
        "trainings": FOLDS + 1,
    }
    return rows


class KnownProbabilities(ClassifierMixin, BaseEstimator):
    """A classifier that looks up what is known of each row; rows are their own numbers.

    Parameters
    ----------
    proba : ndarray of shape (n, n_classes)
        What is known.
    """

    def __init__(self, proba: np.ndarray) -> None:
        self.proba = proba

    def fit(self, X: np.ndarray, y: np.ndarray) -> "KnownProbabilities":
        """Note the classes."""
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Look up."""
        return self.proba[X[:, 0]]


def run_forests(task: Task, earlier: dict[str, Row]) -> dict[str, Row]:
    """Measure an out-of-fold forest, and imbalanced-learn's instance hardness on the same."""
    X, given, wrong = flat(task.data.X), task.given, task.wrong
    start = process_time()
    proba = out_of_fold(make_forest(len(X), task.seed), X, given, task.seed)
    cost = {"seconds": process_time() - start, "trainings": FOLDS}
    ranked = judge_ranking(wrong, -proba[np.arange(len(given)), given]) | cost
    hardness = InstanceHardnessThreshold(
        estimator=KnownProbabilities(proba), cv=FOLDS, random_state=task.seed
    )
    rows = np.arange(len(given))
    hardness.fit_resample(rows[:, None], given)
    keep = np.isin(rows, hardness.sample_indices_)
    return {
        OUT_OF_FOLD_FOREST: ranked,
        HARDNESS: ranked
        | judge_cut(wrong, ~keep)
        | {"noise rate": (~keep).mean(), "accuracy": final_accuracy(task, keep)},
    }


def run_ours(task: Task, earlier: dict[str, Row]) -> dict[str, Row]:
    """Measure everything of ours, off the trainings that are there."""
    seconds = earlier[NO_FILTER]["seconds of training"]
    network, forest = (Trajectory.load(task.path(model)) for model in ("network", "forest"))
    again = json.loads(
        (task.work / "results" / f"{task.label}-planted.json").read_text(encoding="utf-8")
    )["rows"][PLANTED]
    one_training = {"seconds": seconds["network"], "trainings": 1}
    one_forest = {"seconds": seconds["forest"], "trainings": 1}
    rows = {}
    for row, model, path in ((NET, "network", network), (FOREST, "forest", forest)):
        rows[row] = _with_cut(task, path, model, again["trainings"]) | {
            "seconds": seconds[model],
            "trainings": 1,
            "seconds of the cut": seconds[model] + again["seconds of training"][model],
            "trainings of the cut": 1 + again["trainings"],
        }
    for label, (score, params) in SINGLE.items():
        rows[label] = judge_ranking(task.wrong, _ranked(network, score, params)) | one_training
    for score in OF_FORESTS:
        ranked = judge_ranking(task.wrong, _ranked(forest, score, {}))
        rows[f"{score}, forest out of bag"] = ranked | one_forest
    return rows


def _ranked(trajectory: Trajectory, score: str, params: dict[str, Any]) -> np.ndarray:
    scorer = DifficultyScorer.from_trajectory(trajectory, score=score, score_params=params)
    return scorer.difficulty_


def _planted_errors(task: Task, model: str, n_trainings: int) -> Iterator[PlantedErrors]:
    for number in range(n_trainings):
        with np.load(task.planted(model, number) / "labels.npz") as file:
            labels = PlantedLabels(**file)
        yield PlantedErrors(Trajectory.load(task.planted(model, number)), labels)


def _with_cut(task: Task, trajectory: Trajectory, model: str, n_trainings: int) -> Row:
    """Rank, cut automatically, estimate, and train on what is left."""
    difficulty = _ranked(trajectory, OURS, {})
    noise = estimate_label_noise(trajectory, [*_planted_errors(task, model, n_trainings)])
    support, _ = auto_support(difficulty, noise.mislabeled_proba, task.given)
    low, high = noise.noise_rate_interval
    return (
        judge_ranking(task.wrong, difficulty)
        | judge_cut(task.wrong, ~support)
        | judge_probabilities(task.wrong, noise.mislabeled_proba)
        | {
            "noise rate": noise.noise_rate,
            "noise rate is in the interval": float(low <= task.wrong.mean() <= high),
            "accuracy": final_accuracy(task, support),
            "recalls": recalls(task.wrong, difficulty),
        }
    )


def final_accuracy(task: Task, keep: np.ndarray) -> float:
    """Train on part of the rows, or look up what came of the same part before."""
    kept = hashlib.sha256(np.packbits(keep).tobytes() + task.given.tobytes()).hexdigest()[:16]
    file = task.work / "accuracies" / f"{task.label}-{kept}.json"
    return once(file, partial(accuracy, task.data, task.given, keep, task.seed))


def once(file: Path, compute: Callable[[], Any]) -> Any:
    """Give what a file holds, or compute it and write the file."""
    if not file.is_file():
        write(file, compute())
    return json.loads(file.read_text(encoding="utf-8"))


def write(file: Path, content: Any) -> None:
    """Write a file that is complete or not there at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".tmp")
    beside.write_text(json.dumps(content, indent=1, default=float) + "\n", encoding="utf-8")
    beside.replace(file)


# In the order in which one needs what another left.
GROUPS: dict[str, Callable[[Task, dict[str, Row]], dict[str, Row]]] = {
    "training": train,
    "planted": train_planted,
    "cleanlab": run_cleanlab,
    "forests": run_forests,
    "ours": run_ours,
}
