"""cleanlab, forests out of fold, and imbalanced-learn's instance hardness on the same."""

import warnings
from time import process_time

import numpy as np
from cleanlab.classification import CleanLearning
from cleanlab.count import num_label_issues
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from detection_metrics import Row, judge_cut, judge_probabilities, judge_ranking
from detection_nets import FOLDS, flat, make_forest, make_net, out_of_fold, seeded
from detection_task import Task, final_accuracy
from imblearn.under_sampling import InstanceHardnessThreshold
from sklearn.base import BaseEstimator, ClassifierMixin

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
OUT_OF_FOLD_FOREST, HARDNESS = "forest out of fold", "instance hardness (imbalanced-learn)"


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
