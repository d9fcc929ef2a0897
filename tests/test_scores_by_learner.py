"""Every score on every kind of learner: a number for each row, or the documented error."""

import numpy as np
import pytest
import torch
from lightgbm import LGBMClassifier, LGBMRegressor
from scipy.special import softmax
from sklearn.base import is_regressor
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Perceptron, SGDClassifier, SGDRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier
from xgboost import XGBClassifier, XGBRegressor

from sklearn_difficulty import DifficultyScorer, TrackedNetClassifier, TrackedNetRegressor
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.scores import SCORES

N_RUNS = 3


class Module(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)
        )

    def forward(self, X):
        return self.layers(X)


def skorch_net():
    return NeuralNetClassifier(
        Module,
        criterion=torch.nn.CrossEntropyLoss,
        max_epochs=3,
        lr=0.1,
        train_split=None,
        verbose=0,
    )


def tracked(kind):
    return kind(
        optimizer=torch.optim.Adam, max_epochs=3, train_split=None, verbose=0, batch_size=32
    )


def log_sgd():
    return SGDClassifier(loss="log_loss", max_iter=3, tol=None)


NETS = {
    "default": None,
    "skorch": skorch_net(),
    "tracked": tracked(TrackedNetClassifier),
    "pipeline of a net": make_pipeline(StandardScaler(), skorch_net()),
}
PROBA = {
    "SGD, log loss": log_sgd(),
    "MLP": MLPClassifier(hidden_layer_sizes=(8,), max_iter=3),
    "histogram boosting": HistGradientBoostingClassifier(max_iter=3),
    "gradient boosting": GradientBoostingClassifier(n_estimators=3),
    "AdaBoost": AdaBoostClassifier(n_estimators=3),
    "XGBoost": XGBClassifier(n_estimators=3, n_jobs=1),
    "LightGBM": LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1),
    "random forest": RandomForestClassifier(n_estimators=20),
    "extra trees": ExtraTreesClassifier(n_estimators=20, bootstrap=True),
    "bagging": BaggingClassifier(n_estimators=20),
    "logistic regression": LogisticRegression(),
    "pipeline": make_pipeline(StandardScaler(), log_sgd()),
    "search": GridSearchCV(log_sgd(), {"alpha": [1e-4, 1e-3]}, cv=2),
    "one against the rest": OneVsRestClassifier(log_sgd()),
}
DECISION = {
    "SGD, hinge": SGDClassifier(max_iter=3, tol=None),
    "perceptron": Perceptron(max_iter=3, tol=None),
    "one against the rest, hinge": OneVsRestClassifier(SGDClassifier(max_iter=3, tol=None)),
}
REGRESSORS = {
    "tracked": tracked(TrackedNetRegressor),
    "SGD": SGDRegressor(max_iter=3, tol=None),
    "MLP": MLPRegressor(hidden_layer_sizes=(8,), max_iter=3),
    "histogram boosting": HistGradientBoostingRegressor(max_iter=3),
    "gradient boosting": GradientBoostingRegressor(n_estimators=3),
    "AdaBoost": AdaBoostRegressor(n_estimators=3),
    "XGBoost": XGBRegressor(n_estimators=3, n_jobs=1),
    "LightGBM": LGBMRegressor(n_estimators=3, n_jobs=1, verbose=-1),
    "random forest": RandomForestRegressor(n_estimators=20),
    "bagging": BaggingRegressor(n_estimators=20),
    "pipeline": make_pipeline(StandardScaler(), SGDRegressor(max_iter=3, tol=None)),
}

OF_LOSS = {"action", "final_loss", "loss_variance"}
OF_DECISION = OF_LOSS | {
    "aum",
    "forgetting",
    "first_learned",
    "correctness",
    "easiness",
    "agreement",
}
OF_PROBA = OF_DECISION | {
    "confidence",
    "consensus",
    "el2n",
    "ensemble_entropy",
    "entropy",
    "mutual_information",
    "variability",
}
OF_GRADIENTS = {"grand", "input_gradient_norm", "vog"}

# The scores that each kind of learner has; any other is refused before training.
TABLE = [
    *(pytest.param(e, OF_PROBA | OF_GRADIENTS, id=name) for name, e in NETS.items()),
    *(pytest.param(e, OF_PROBA, id=name) for name, e in PROBA.items()),
    *(pytest.param(e, OF_DECISION, id=name) for name, e in DECISION.items()),
]
REGRESSION_TABLE = [
    pytest.param(e, OF_LOSS | (OF_GRADIENTS if name == "tracked" else set()), id=name)
    for name, e in REGRESSORS.items()
]


@pytest.fixture(scope="module")
def classes():
    X, y = make_classification(
        60, 4, n_informative=3, n_redundant=0, n_classes=3, random_state=0, class_sep=2.0
    )
    return X.astype(np.float32), np.array(["ant", "bee", "cow"])[y]


@pytest.fixture(scope="module")
def targets(classes):
    X, _ = classes
    return X, (X @ [1.0, -2.0, 0.5, 0.0]).astype(np.float64)


def test_the_table_is_complete():
    assert OF_PROBA | OF_GRADIENTS == set(SCORES)


def check_every_score(estimator, has, X, y):
    scorer = DifficultyScorer(estimator, score=sorted(has), n_runs=N_RUNS, random_state=0)
    scorer.fit(X, y)
    assert scorer.scores_.shape == (len(X), len(has))
    assert np.isfinite(scorer.scores_).all()
    # known rows in another order, and rows that were never seen
    again = scorer.score_samples(X[::-1])[::-1]
    np.testing.assert_allclose(again, scorer.scores_)
    new = scorer.score_samples(X[:4] + np.float32(0.01), y[:4])
    assert new.shape == (4, len(has)) and np.isfinite(new).all()
    for score in sorted(set(SCORES) - has):
        with pytest.raises(RecordNotFoundError, match=f"'{score}'"):
            scorer.score_samples(X, score=score)
        refused = DifficultyScorer(estimator, score=score, n_runs=N_RUNS, random_state=0)
        with pytest.raises(RecordNotFoundError, match=f"'{score}'") as caught:
            refused.fit(X, y)
        assert not hasattr(caught.value, "trajectory")  # before any training
        assert not hasattr(refused, "trajectory_")


@pytest.mark.parametrize(("estimator", "has"), TABLE)
def test_classifiers(estimator, has, classes):
    check_every_score(estimator, has, *classes)


@pytest.mark.parametrize(("estimator", "has"), REGRESSION_TABLE)
def test_regressors(estimator, has, targets):
    check_every_score(estimator, has, *targets)


@pytest.mark.parametrize("estimator", REGRESSORS.values(), ids=REGRESSORS)
@pytest.mark.parametrize("option", ["tol", "rank"])
def test_easiness_of_regressors(estimator, option, targets):
    X, y = targets
    params = {option: 0.5 if option == "rank" else 1.0}
    scorer = DifficultyScorer(
        estimator, score="easiness", score_params=params, n_runs=N_RUNS, random_state=0
    ).fit(X, y)
    path = scorer.trajectory_
    last = [path.outputs[run, n - 1, :, 0] for run, n in enumerate(path.n_steps)]
    distances = np.abs(np.stack(last) - y.astype(np.float64))
    limits = [1.0] * len(distances)
    if option == "rank":
        limits = [np.nanquantile(of_run, 0.5) for of_run in distances]
    right = np.where(np.isnan(distances), np.nan, distances <= np.reshape(limits, (-1, 1)))
    shares = np.nanmean(right, axis=0)
    np.testing.assert_allclose(scorer.scores_, shares / np.nanmax(shares))
    assert 0 < np.nanmean(shares) <= 1
    # the same rows as if they were new, judged under what is known of the training rows
    new = scorer.score_samples(X[:4] + np.float32(1e-4), y[:4])
    assert ((new >= 0) & (new <= 1)).all()


@pytest.mark.parametrize("estimator", [GaussianNB(), make_pipeline(StandardScaler(), GaussianNB())])
def test_learners_without_a_path(estimator, classes):
    with pytest.raises(TypeError, match=r"GaussianNB does not learn in steps") as caught:
        DifficultyScorer(estimator).fit(*classes)
    for what_does in ("skorch", "partial_fit", "staged", "forest", "XGB", "LGBM", "Pipeline"):
        assert what_does in str(caught.value)


@pytest.mark.parametrize(("estimator", "has"), TABLE)
def test_windows(estimator, has, classes):
    X, y = classes
    scorer = DifficultyScorer(estimator, random_state=0).fit(X, y)
    for steps in ("early", "late", -1, slice(0, 1), (0.0, 0.5)):
        scores = scorer.score_samples(X, score="action", score_params={"steps": steps})
        window = scorer.trajectory_.window(steps)
        expected = np.nanmean(window.loss.astype(np.float64).sum(axis=1), axis=0)
        np.testing.assert_allclose(scores, expected)


@pytest.fixture(scope="module")
def of_every_score(classes):
    net = tracked(TrackedNetClassifier).set_params(max_epochs=6)
    return DifficultyScorer(net, score=list(SCORES), n_runs=N_RUNS, random_state=0).fit(*classes)


@pytest.mark.parametrize("name", SCORES)
def test_every_score_has_windows_and_standard_errors(of_every_score, classes, name):
    X, y = classes
    rows, labels = np.vstack([X, X[:4] + np.float32(0.01)]), np.concatenate([y, y[:4]])
    windows = []
    for steps in ("early", "late", slice(1, 5), (0.0, 0.5)):
        part = {"score": name, "score_params": {"steps": steps}}
        values, errors = of_every_score.score_samples(rows, labels, return_std=True, **part)
        assert values.shape == errors.shape == (len(X) + 4,)
        assert np.isfinite(values).all() and np.isfinite(errors).all() and (errors >= 0).all()
        assert (errors > 0).any()
        windows.append(values)
    assert not np.array_equal(windows[0], windows[1])


FORESTS = (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
LEARNERS = {**NETS, **PROBA, **DECISION}
LEARNERS |= {f"{name}, regressor": estimator for name, estimator in REGRESSORS.items()}
WITH_A_LAST_STEP = [
    pytest.param(e, id=name) for name, e in LEARNERS.items() if not isinstance(e, FORESTS)
]


@pytest.mark.parametrize("estimator", WITH_A_LAST_STEP)
def test_last_recorded_step_is_the_prediction(estimator, classes, targets):
    X, y = targets if estimator is not None and is_regressor(estimator) else classes
    scorer = DifficultyScorer(estimator, random_state=0).fit(X, y)
    path, [fitted] = scorer.trajectory_, scorer.estimators_
    predicted = np.asarray(fitted.predict(X))
    if is_regressor(fitted):
        loss = (predicted.ravel() - y) ** 2
        np.testing.assert_allclose(path.loss[0, -1], loss, rtol=1e-3, atol=1e-5)
        return
    if predicted.dtype.kind in "iu":  # of a plain net, or XGBoost: class numbers
        predicted = scorer.classes_[predicted]
    np.testing.assert_array_equal(scorer.classes_[path.prediction[0, -1]], predicted)
    if path.proba is not None:
        # A plain net gives what its module returns, which here are logits.
        proba = fitted.predict_proba(X)
        proba = proba if np.allclose(proba.sum(axis=1), 1) else softmax(proba, axis=1)
        own = proba[np.arange(len(y)), np.searchsorted(scorer.classes_, y)]
        np.testing.assert_allclose(path.proba[0, -1], own, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "forest", [RandomForestClassifier(20), ExtraTreesClassifier(20, bootstrap=True)]
)
def test_a_forest_is_recorded_tree_by_tree(forest, classes):
    X, y = classes
    scorer = DifficultyScorer(forest, random_state=0).fit(X, y)
    path, [fitted] = scorer.trajectory_, scorer.estimators_
    for run, (tree, seen) in enumerate(zip(fitted, fitted.estimators_samples_, strict=True)):
        left_out = np.setdiff1d(np.arange(len(X)), seen)
        given = np.searchsorted(scorer.classes_, y)[left_out]
        own = tree.predict_proba(X[left_out])[np.arange(len(left_out)), given]
        np.testing.assert_allclose(path.proba[run, 0, left_out], own, atol=1e-6)
        assert np.isnan(path.loss[run, 0, seen]).all()
        assert path.in_train[run, seen].all() and not path.in_train[run, left_out].any()
