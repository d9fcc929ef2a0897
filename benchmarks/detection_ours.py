"""This package, and the aum package on the same outputs.

The first two groups train what our methods are read off, so that these can be measured again
without a training when they change.
"""

import json
from collections.abc import Iterator
from functools import partial
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import numpy as np
import torch
from aum import AUMCalculator
from detection_metrics import (
    Row,
    judge_cut,
    judge_probabilities,
    judge_ranking,
    recalls,
)
from detection_nets import (
    flat,
    make_forest,
    make_recorded_net,
)
from detection_task import Task, final_accuracy
from sklearn.base import clone

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.labels import (
    PlantedErrors,
    PlantedLabels,
    estimate_label_noise,
)
from sklearn_difficulty.labels._enough_errors import plant_enough_errors
from sklearn_difficulty.scores import SCORES, Score
from sklearn_difficulty.selection._auto_support import auto_support
from sklearn_difficulty.trajectory import Trajectory

# The score that our automatic cut is taken with, and the rows of the table that have one.
OURS = "consensus"
NET, FOREST = f"{OURS}, network", f"{OURS}, forest out of bag"
# The ranking of the cut: of the network, with steps that weigh by how far planted errors stand out.
# A forest has no steps.
NET_PLANTED = f"{OURS} with planted errors, network"
# Every score that one training gives, with its options.
SINGLE = {
    name: (name, {})
    for name, score in SCORES.items()
    if not score.from_gradients and score.default_runs == 1 and name != OURS
} | {"aum, proba": ("aum", {"proba": True})}
OF_FORESTS = ("action", "confidence")
AUM, NO_FILTER, ORACLE = "aum (package)", "no filter", "oracle"
PLANTED = "planted errors"


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
    seconds, trainings = {}, {}
    for model, (estimator, rows) in models.items():
        start = process_time()
        path = Trajectory.load(task.path(model))
        scorer = DifficultyScorer(estimator, score=OURS, snapshots=None, random_state=task.seed)
        train = partial(_train_planted, scorer, rows)
        errors = plant_enough_errors(path, train, np.random.RandomState(task.seed))
        for number, (planted, labels) in enumerate(errors):
            planted.save(task.planted(model, number))
            np.savez(task.planted(model, number).with_suffix(".npz"), **labels._asdict())
        seconds[model], trainings[model] = process_time() - start, len(errors)
    return {PLANTED: {"seconds of training": seconds, "trainings": trainings}}


def _train_planted(scorer: DifficultyScorer, X: np.ndarray, labels: PlantedLabels) -> Trajectory:
    trajectory: Trajectory = clone(scorer).fit(X, labels.y).trajectory_
    return trajectory


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
        of_cut, ranked = _with_cut(task, path, model, again["trainings"][model])
        both = {
            "seconds": seconds[model] + again["seconds of training"][model],
            "trainings": 1 + again["trainings"][model],
        }
        rows[row] = (
            judge_ranking(task.wrong, difficulty := _ranked(path, OURS, {}))
            | of_cut
            | {
                "recalls": recalls(task.wrong, difficulty),
                "seconds": seconds[model],
                "trainings": 1,
                **{f"{name} of the cut": value for name, value in both.items()},
            }
        )
        if row == NET:
            rows[NET_PLANTED] = judge_ranking(task.wrong, ranked) | both
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
        with np.load(task.planted(model, number).with_suffix(".npz")) as file:
            labels = PlantedLabels(**file)
        yield PlantedErrors(Trajectory.load(task.planted(model, number)), labels)


def _with_cut(
    task: Task, trajectory: Trajectory, model: str, n_trainings: int
) -> tuple[Row, np.ndarray]:
    """Cut automatically, estimate, and train on what is left; and the ranking of the cut."""
    noise = estimate_label_noise(trajectory, [*_planted_errors(task, model, n_trainings)])
    support, _ = auto_support(noise.consensus, noise.mislabeled_proba, task.given)
    low, high = noise.noise_rate_interval
    return (
        judge_cut(task.wrong, ~support)
        | judge_probabilities(task.wrong, noise.mislabeled_proba)
        | {
            "noise rate": noise.noise_rate,
            "noise rate is in the interval": float(low <= task.wrong.mean() <= high),
            "accuracy": final_accuracy(task, support),
        }
    ), noise.consensus
