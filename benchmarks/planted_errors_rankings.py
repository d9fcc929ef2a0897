"""Who looks for the errors of ``planted_errors.py``: recorded trainings, and others beside them.

Each function takes what was loaded, what was planted, the seed and the effort, and gives rankings,
those of a training at a time: method -> ndarray of shape (n,) or (n, n_labels), higher is harder.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from cleanlab.regression.learn import CleanLearning
from cleanlab.regression.rank import get_label_quality_scores
from planted_errors_data import Cells, Messages, Scenes, Table
from planted_errors_nets import (
    PATH_SCORES,
    Effort,
    Found,
    autoencoder,
    decayed_label_net,
    example_net,
    folds,
    id_net,
    regression_net,
    trained,
    word_net,
)
from planted_errors_plant import Planted
from sklearn.ensemble import (
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.model_selection import cross_val_predict
from small_detector import MultiBoxLoss, SmallDetector
from small_unet import SegmentationLoss, SmallUNet

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.scores import easiness
from sklearn_difficulty.trajectory import Trajectory

# A grade is right enough when it is off by one.
TOL, RANK = 1.0, 0.5

# Methods whose names begin like this are not read off a recorded training.
REFERENCE = "for reference"
PEERS = ("cleanlab", "isolation forest", REFERENCE)


def distance_from_mean(trajectory: Trajectory) -> np.ndarray:
    """How far the target is from the mean of what all runs predict in the end."""
    predicted = np.nanmean(trajectory.outputs[:, -1], axis=0)
    return np.abs(predicted.reshape(-1) - trajectory.y)


def rank_wines(table: Table, planted: Planted, seed: int, effort: Effort) -> Iterator[Found]:
    """Rank wines: a net, boosting and a forest, beside cleanlab and one that knows the truth."""
    X, given, cv = planted.X, planted.given, folds(effort, seed)
    learners = {"net": regression_net(effort), "boosting": HistGradientBoostingRegressor()}
    for name, learner in learners.items():
        yield trained(name, learner, X, given, seed)[1]
        out_of_fold, found = trained(
            f"{name} out of fold",
            learner,
            X,
            given,
            seed,
            ("action", "final_loss"),
            cv=cv,
            keep="outputs",
        )
        predicted = out_of_fold.trajectory_.outputs[0, -1].reshape(-1)
        yield found
        quality = get_label_quality_scores(given, predicted)
        yield {f"cleanlab's label quality, the same {name} out of fold": -quality}
    several = DifficultyScorer(
        learners["net"],
        score="easiness",
        score_params={"tol": TOL},
        n_runs=effort.runs,
        random_state=seed,
    ).fit(X, given)
    yield _easiness(f"{effort.runs} nets", several)
    forest, found = trained(
        "forest",
        RandomForestRegressor(effort.trees),
        X,
        given,
        seed,
        ("action", distance_from_mean),
        keep="outputs",
    )
    predicted = np.nanmean(forest.trajectory_.outputs[:, -1], axis=0).reshape(-1)
    yield found | _easiness("forest", forest)
    quality = get_label_quality_scores(given, predicted)
    yield {"cleanlab's label quality, the same forest out of bag": -quality}
    yield {"cleanlab's CleanLearning, boosting": _clean_learning(X, given, seed, effort)}
    honest = RandomForestRegressor(effort.trees, random_state=seed)
    known = cross_val_predict(honest, X, table.y, cv=cv)
    yield {f"{REFERENCE}: forest of the true targets, out of fold": np.abs(known - given)}


def _easiness(learner: str, scorer: Any) -> Found:
    near = {f"tol={TOL:g}": {"tol": TOL}, f"rank={RANK:g}": {"rank": RANK}}
    return {
        f"{learner}, easiness with {name}": -easiness(scorer.trajectory_, **options)
        for name, options in near.items()
    }


def _clean_learning(X: np.ndarray, given: np.ndarray, seed: int, effort: Effort) -> np.ndarray:
    # It draws from the global generator, and its own seed would leave that seeded.
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        learning = CleanLearning(
            HistGradientBoostingRegressor(random_state=seed),
            cv_n_folds=effort.folds,
            n_boot=effort.resamplings,
        )
        return -learning.find_label_issues(X, given)["label_quality"].to_numpy()
    finally:
        np.random.set_state(state)


def rank_labels(table: Table, planted: Planted, seed: int, effort: Effort) -> Iterator[Found]:
    """Rank pieces of music, and each of their labels."""
    X, given, cv = planted.X, planted.given, folds(effort, seed)
    learners: dict[str, tuple[Any, dict[str, Any]]] = {
        "net": (None, {}),
        "net out of fold": (None, {"cv": cv}),
        "net with weight decay": (decayed_label_net(len(X), effort), {}),
    }
    for name, (learner, options) in learners.items():
        scorer, found = trained(name, learner, X, given, seed, **options)
        each = scorer.trajectory_.element_action.mean(axis=0)
        found[f"{name}, action of the hardest label"] = each.max(axis=1)
        yield found | {f"{name}, action of each label": each}
    forest = RandomForestClassifier(effort.trees, random_state=seed)
    proba = [
        cross_val_predict(forest, X, label, cv=cv, method="predict_proba")[:, 1]
        for label in table.y.T
    ]
    doubt = np.abs(given - np.transpose(proba))
    name = f"{REFERENCE}: forests of the true labels, out of fold"
    yield {f"{name}, by row": doubt.sum(axis=1), f"{name}, each label": doubt}


def rank_scenes(scenes: Scenes, planted: Planted, seed: int, effort: Effort) -> Iterator[Found]:
    """Rank street scenes, by the network of the gallery's example."""
    net = example_net(
        "plot_segmentation.py",
        effort,
        SmallUNet=SmallUNet,
        SegmentationLoss=SegmentationLoss,
        classes=scenes.classes,
        void=scenes.void,
    )
    yield _by_part(net, planted, seed)


def rank_cells(cells: Cells, planted: Planted, seed: int, effort: Effort) -> Iterator[Found]:
    """Rank images of cells, by the network of the gallery's example."""
    net = example_net(
        "plot_detection.py",
        effort,
        SmallDetector=SmallDetector,
        MultiBoxLoss=MultiBoxLoss,
        classes=cells.classes,
    )
    yield _by_part(net, planted, seed)


def _by_part(net: Any, planted: Planted, seed: int) -> Found:
    scorer, found = trained("sum of the parts", net, planted.X, planted.given, seed)
    for part in scorer.trajectory_.components:
        found[f"{part}, action"] = scorer.difficulty(planted.X, component=part, score="action")
    return found


def rank_images(table: Table, planted: Planted, seed: int, effort: Effort) -> Iterator[Found]:
    """Rank images without labels, beside an isolation forest on the same pixels."""
    X = planted.X
    yield trained("autoencoder", autoencoder(X.shape[1], effort), X, None, seed)[1]
    forest = IsolationForest(n_estimators=effort.trees, random_state=seed).fit(X)
    yield {"isolation forest, same pixels": -forest.score_samples(X)}


def rank_messages(
    messages: Messages, planted: Planted, seed: int, effort: Effort
) -> Iterator[Found]:
    """Rank messages, by weights of words and by their numbers."""
    weights, ids = messages.weights, messages.ids
    for name, net, X in (
        ("TF-IDF, default net", None, weights),
        ("TF-IDF, net of 64", word_net(weights.shape[1], effort), weights),
        ("token ids, mean of word vectors", id_net(effort), ids),
    ):
        yield trained(name, net, X, planted.given, seed, PATH_SCORES[:2])[1]
