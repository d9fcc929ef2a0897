"""Pipelines: transformers fitted to the rows that are trained on, and a last step recorded."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import Pipeline as ImblearnPipeline
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import Perceptron, SGDClassifier, SGDRegressor
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder, StandardScaler
from sklearn.utils.validation import check_is_fitted

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.exceptions import RecordNotFoundError, TrainSplitIgnoredWarning
from sklearn_difficulty.recording import (
    TrackedNetClassifier,
    class_proba,
    find_learner,
    record,
    replay,
)
from sklearn_difficulty.recording._partial_fit import PartialFitLearner
from sklearn_difficulty.recording._pipeline import PipelineLearner
from sklearn_difficulty.trajectory import Trajectory

NAMES = np.array(["r", "s", "t"])
SGD = SGDClassifier(loss="log_loss", max_iter=4, tol=None)
LAST = {
    "SGD, log loss": SGD,
    "Perceptron": Perceptron(max_iter=4, tol=None),
    "MLP": MLPClassifier((5,), max_iter=4),
    "boosting": HistGradientBoostingClassifier(max_iter=4, min_samples_leaf=5),
}


def run(estimator, X, y, **options):
    options = {"classes": NAMES, "random_state": 0, "snapshots": "all"} | options
    return record(estimator, X, y, **options)


def assert_last_step_is_the_prediction(recording, X, y):
    path, [fitted] = recording.trajectory, recording.estimators
    assert_array_equal(recording.classes[path.prediction[0, -1]], fitted.predict(X))
    if hasattr(fitted, "predict_proba"):
        proba = fitted.predict_proba(X)
        assert_allclose(path.proba[0, -1], proba[np.arange(len(y)), y], rtol=1e-4, atol=1e-6)
        assert_allclose(class_proba(recording, X), proba, rtol=1e-6)


@pytest.mark.parametrize("name", LAST)
def test_last_step_and_replay(name, table):
    X, y = table
    pipeline = make_pipeline(StandardScaler(), "passthrough", LAST[name])
    recording = run(pipeline, X, y)
    assert_last_step_is_the_prediction(recording, X, y)
    [fitted] = recording.estimators
    check_is_fitted(fitted)
    assert fitted.classes_.tolist() == ["r", "s", "t"]
    assert recording.trajectory.n_steps.tolist() == [4]
    replayed = replay(recording, X, y)
    assert_allclose(replayed.loss, recording.trajectory.loss, rtol=1e-5, atol=1e-6)
    assert_allclose(replay(recording, X[:5], y[:5]).margin, replayed.margin[..., :5], rtol=1e-5)


@pytest.mark.parametrize("name", LAST)
def test_it_is_the_last_step_on_transformed_rows(name, table):
    X, y = table
    recording = run(make_pipeline(StandardScaler(), LAST[name]), X, y)
    alone = run(LAST[name], StandardScaler().fit_transform(X), y)
    assert_array_equal(recording.trajectory.loss, alone.trajectory.loss)


def test_the_pipeline_of_the_caller_is_left_alone(table):
    X, y = table
    pipeline = make_pipeline(StandardScaler(), PCA(3), SGD)
    before = repr(pipeline.get_params())
    run(pipeline, X, y)
    assert repr(pipeline.get_params()) == before
    for _, step in pipeline.steps:
        with pytest.raises(NotFittedError):
            check_is_fitted(step)


def test_transformers_of_a_fold_do_not_see_what_it_holds_out(table):
    X, y = table
    pipeline = make_pipeline(StandardScaler(), SGD)
    recording = run(pipeline, X, y, cv=KFold(3))
    path = recording.trajectory
    assert not np.isnan(path.loss).any()
    for fitted, (train, test) in zip(recording.estimators, KFold(3).split(X), strict=True):
        assert_allclose(fitted[0].mean_, X[train].mean(axis=0), rtol=1e-5)
        proba = fitted.predict_proba(X[test])
        assert_allclose(path.proba[0, -1, test], proba[np.arange(len(test)), y[test]], rtol=1e-4)


def test_seeds(table):
    X, y = table
    pipeline = make_pipeline(RBFSampler(n_components=8), SGD)

    def loss(pipeline, **options):
        return run(pipeline, X, y, **options).trajectory.loss

    assert_array_equal(loss(pipeline), loss(pipeline))
    assert not np.array_equal(loss(pipeline), loss(pipeline, random_state=1))
    runs = loss(pipeline, n_runs=2)
    assert not np.array_equal(runs[0], runs[1])
    own = clone(pipeline).set_params(rbfsampler__random_state=3, sgdclassifier__random_state=3)
    assert_array_equal(loss(own, random_state=None), loss(own, random_state=None))
    assert own.get_params()["rbfsampler__random_state"] == 3


def test_pickle(table):
    X, y = table
    recording = run(make_pipeline(StandardScaler(), LAST["MLP"]), X, y)
    back = pickle.loads(pickle.dumps(recording))
    assert_array_equal(back.estimators[0].predict(X), recording.estimators[0].predict(X))
    assert_array_equal(replay(back, X, y).loss, replay(recording, X, y).loss)


def test_storage(table, tmp_path):
    X, y = table
    pipeline = make_pipeline(StandardScaler(), LAST["MLP"])
    stored = run(pipeline, X, y, storage=tmp_path / "path")
    assert_array_equal(Trajectory.load(tmp_path / "path").loss, run(pipeline, X, y).trajectory.loss)
    assert_allclose(replay(stored, X, y).loss, stored.trajectory.loss, rtol=1e-5, atol=1e-6)


def test_in_other_processes(table):
    pipeline = make_pipeline(StandardScaler(), SGD)
    alone, together = (run(pipeline, *table, n_runs=2, n_jobs=n_jobs) for n_jobs in (1, 2))
    assert_array_equal(together.trajectory.loss, alone.trajectory.loss)


# -- rows of any kind ---------------------------------------------------------------------

TEXT = [f"{word} {'good' if k % 2 else 'bad'} {k % 5}" for k, word in enumerate("abcdef" * 6)]


@pytest.mark.parametrize("kind", [list, np.array, lambda text: np.array(text, dtype=object)])
def test_text(kind):
    X, y = kind(TEXT), np.arange(len(TEXT)) % 2
    recording = run(make_pipeline(TfidfVectorizer(), SGD), X, y, classes=np.array(["no", "yes"]))
    assert_last_step_is_the_prediction(recording, X, y)
    assert recording.estimators[0].predict(X).tolist() == ["no", "yes"] * 18
    assert recording.learner.takes_any_rows
    folds = run(make_pipeline(TfidfVectorizer(), SGD), X, y, classes=np.array([0, 1]), cv=3)
    assert not np.isnan(folds.trajectory.loss).any()
    assert_array_equal(
        replay(recording, X[:3], y[:3]).prediction[0], recording.trajectory.prediction[0, :, :3]
    )


@pytest.fixture
def frame(table):
    X, y = table
    colour = pd.Series(np.array(["red", "green", "blue"])[(y + np.arange(61) // 20) % 3])
    return pd.DataFrame({"size": X[:, 0], "weight": X[:, 1], "colour": colour.astype("category")})


def test_frame_with_categories(frame, table):
    _, y = table
    boosting = HistGradientBoostingClassifier(
        max_iter=4, min_samples_leaf=5, categorical_features=[0]
    )
    encoder = make_column_transformer((OrdinalEncoder(), ["colour"]), remainder="passthrough")
    recording = run(make_pipeline(encoder, boosting), frame, y)
    assert_last_step_is_the_prediction(recording, frame, y)
    assert_array_equal(replay(recording, frame, y).loss, recording.trajectory.loss)
    assert recording.estimators[0].feature_names_in_.tolist() == ["size", "weight", "colour"]
    folds = run(make_pipeline(encoder, boosting), frame, y, cv=3)
    assert not np.isnan(folds.trajectory.loss).any()


def test_transformers_that_return_frames(frame, table):
    _, y = table
    encoder = make_column_transformer(
        ("passthrough", ["colour"]), (StandardScaler(), ["size", "weight"])
    ).set_output(transform="pandas")
    boosting = HistGradientBoostingClassifier(max_iter=4, min_samples_leaf=5)
    recording = run(make_pipeline(encoder, boosting), frame, y)
    # with its own type of column, which says which are categories
    assert recording.estimators[0][-1].is_categorical_.tolist() == [True, False, False]
    assert_last_step_is_the_prediction(recording, frame, y)


def test_transformer_that_learns_from_labels(table):
    X, y = table
    recording = run(make_pipeline(SelectKBest(k=2), SGD), X, y)
    expected = SelectKBest(k=2).fit(X, y).get_support()
    assert_array_equal(recording.estimators[0][0].get_support(), expected)
    assert_last_step_is_the_prediction(recording, X, y)


# -- nets ---------------------------------------------------------------------------------


def test_net(table, make_net):
    X, y = table
    recording = run(make_pipeline(StandardScaler(), make_net()), X, y)
    path, [fitted] = recording.trajectory, recording.estimators
    assert recording.learner.has_gradients
    scores = fitted[-1].forward(fitted[0].transform(X))
    assert_allclose(path.proba[0, -1], scores.softmax(1)[np.arange(61), y], rtol=1e-4)
    assert_array_equal(fitted.predict_proba(X).argmax(1), path.prediction[0, -1])
    assert_allclose(replay(recording, X, y).loss, path.loss, rtol=1e-4, atol=1e-6)
    alone = run(make_net(), StandardScaler().fit_transform(X), y)
    assert_array_equal(path.loss, alone.trajectory.loss)
    in_float64 = make_pipeline(FunctionTransformer(np.float64), StandardScaler(), make_net())
    assert_allclose(path.loss, run(in_float64, X, y).trajectory.loss, rtol=1e-4)


def test_net_on_sparse_rows(table, make_net):
    X, y = table
    sparse = make_pipeline(FunctionTransformer(scipy.sparse.csr_matrix), make_net())
    recording = run(sparse, X, y)
    assert_allclose(recording.trajectory.loss, run(make_net(), X, y).trajectory.loss, rtol=1e-5)


@pytest.mark.parametrize("cv", [None, 3])
def test_small_network_on_a_frame(cv, frame, table):
    y = table[1]
    net = TrackedNetClassifier(max_epochs=3, train_split=None, verbose=0)
    scale = StandardScaler().set_output(transform="pandas")
    numbers = frame[["size", "weight"]]
    recording = run(make_pipeline(scale, net), numbers, y, cv=cv)
    fitted = recording.estimators[0]
    assert fitted[-1].feature_names_in_.tolist() == ["size", "weight"]
    assert set(fitted.predict(numbers)) <= set("rst")
    alone = run(make_pipeline(StandardScaler(), net), numbers.to_numpy(), y, cv=cv)
    assert_array_equal(recording.trajectory.loss, alone.trajectory.loss)
    assert_array_equal(
        replay(recording, numbers, y).loss, replay(alone, numbers.to_numpy(), y).loss
    )


def test_gradients_are_by_transformed_rows(table, make_net):
    X, y = table
    recording = run(make_pipeline(PCA(4, whiten=True), make_net()), X, y)
    [fitted] = recording.estimators
    states = list(recording.states(0, recording.kept_steps(0)))
    about = y[:7], NAMES, "logit"
    [ours] = recording.learner.input_gradients(fitted, lambda: states, X[:7], *about)
    inner = recording.learner.inner
    rows = fitted[0].transform(X[:7])
    [theirs] = inner.input_gradients(fitted[-1], lambda: states, rows, *about)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.shape == (7, 4)
        assert_array_equal(mine, other)


def test_no_gradients(table):
    X, y = table
    recording = run(make_pipeline(StandardScaler(), LAST["MLP"]), X, y)
    assert not recording.learner.has_gradients
    for by in ("input_gradients", "gradient_norms"):
        options = ("logit",) if by == "input_gradients" else ()
        with pytest.raises(RecordNotFoundError, match="MLPClassifier does not give"):
            getattr(recording.learner, by)(recording.estimators[0], [], X, y, NAMES, *options)


# -- scores -------------------------------------------------------------------------------


@pytest.mark.parametrize("cv", [None, 3])
def test_scores_of_text(cv):
    y = np.array(["no", "yes"] * 18)
    y[4] = "yes"  # a wrong label
    text = [f"{line} {number}" for number, line in enumerate(TEXT)]
    scorer = DifficultyScorer(make_pipeline(TfidfVectorizer(), SGD), cv=cv, random_state=0)
    scorer.fit(text, y)
    assert scorer.scores_.argmax() == 4
    assert_array_equal(scorer.score_samples(text[:5]), scorer.scores_[:5])
    assert np.isfinite(scorer.score_samples(["a good one", "unheard of"])).all()


def test_scores_of_a_frame(frame, table):
    _, y = table
    encoder = make_column_transformer((OrdinalEncoder(), ["colour"]), remainder="passthrough")
    pipeline = make_pipeline(encoder, LAST["boosting"])
    scorer = DifficultyScorer(pipeline, score=["action", "aum", "forgetting"], random_state=0)
    scorer.fit(frame, NAMES[y])
    assert_array_equal(scorer.score_samples(frame), scorer.scores_)
    assert_allclose(scorer.score_samples(frame, NAMES[y]), scorer.scores_, rtol=1e-5, atol=1e-6)
    assert scorer.feature_names_in_.tolist() == ["size", "weight", "colour"]


def test_scores_from_gradients(table, make_net):
    X, y = table
    scores = ["vog", "grand", "input_gradient_norm"]
    pipeline = make_pipeline(StandardScaler(), make_net())
    scorer = DifficultyScorer(pipeline, score=scores, random_state=0).fit(X, y)
    alone = DifficultyScorer(make_net(), score=scores, random_state=0)
    alone.fit(StandardScaler().fit_transform(X), y)
    assert_allclose(scorer.scores_, alone.scores_, rtol=1e-4)
    with pytest.raises(RecordNotFoundError, match="needs gradients of the model"):
        DifficultyScorer(make_pipeline(StandardScaler(), SGD), score="vog").fit(X, y)


def test_scores_that_need_probabilities(table):
    pipeline = make_pipeline(StandardScaler(), Perceptron())
    with pytest.raises(RecordNotFoundError, match="gives decision values only"):
        DifficultyScorer(pipeline, score="entropy").fit(*table)


# -- pipelines of other kinds -------------------------------------------------------------


def test_pipeline_in_a_pipeline(table):
    X, y = table
    nested = make_pipeline(StandardScaler(), make_pipeline(PCA(3, random_state=0), SGD))
    flat = make_pipeline(StandardScaler(), PCA(3, random_state=0), SGD)
    recording = run(nested, X, y)
    assert_array_equal(recording.trajectory.loss, run(flat, X, y).trajectory.loss)
    assert_last_step_is_the_prediction(recording, X, y)


def test_only_a_last_step(table):
    X, y = table
    recording = run(make_pipeline(SGD), X, y)
    assert_array_equal(recording.trajectory.loss, run(SGD, X, y).trajectory.loss)
    assert_array_equal(replay(recording, X, y).prediction, recording.trajectory.prediction)


def test_regression(table):
    X, _ = table
    y = X[:, 0].astype(np.float64)
    pipeline = make_pipeline(StandardScaler(), SGDRegressor(max_iter=4, tol=None))
    recording = run(pipeline, X, y, classes=None)
    error = (recording.estimators[0].predict(X) - y) ** 2
    assert_allclose(recording.trajectory.loss[0, -1], error, rtol=1e-4, atol=1e-7)


def test_memory(table, tmp_path):
    X, y = table
    cached = Pipeline([("scale", StandardScaler()), ("SGD", SGD)], memory=str(tmp_path))
    first, second = (run(cached, X, y) for _ in range(2))
    assert list(tmp_path.rglob("output.pkl"))
    assert_array_equal(first.trajectory.loss, second.trajectory.loss)
    assert_last_step_is_the_prediction(second, X, y)


def test_pipeline_of_imbalanced_learn(table):
    X, y = table
    steps = [("scale", StandardScaler()), ("SGD", SGD)]
    recording = run(ImblearnPipeline(steps), X, y)
    assert_array_equal(recording.trajectory.loss, run(Pipeline(steps), X, y).trajectory.loss)


def test_steps_that_resample():
    pipeline = ImblearnPipeline([("over", RandomOverSampler()), ("SGD", SGD)])
    with pytest.raises(TypeError, match=r"step 'over' .* a RandomOverSampler, resamples"):
        find_learner(pipeline)
    with pytest.raises(TypeError, match="step 'over'"):
        find_learner(make_pipeline(StandardScaler(), pipeline))


class LosesRows(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def transform(self, X):
        return X[::2]


def test_steps_that_lose_rows(table):
    with pytest.raises(ValueError, match="made 31 rows out of 61"):
        run(make_pipeline(LosesRows(), SGD), *table)


@pytest.mark.parametrize(
    ("last", "message"),
    [
        (GaussianNB(), r"GaussianNB does not learn in steps.*a Pipeline whose last step"),
        (StandardScaler(), "StandardScaler does not learn in steps"),
        ("passthrough", "last step 'passthrough' of the Pipeline is 'passthrough'"),
    ],
)
def test_last_steps_that_are_not_recorded(last, message):
    with pytest.raises(TypeError, match=message):
        find_learner(make_pipeline(StandardScaler(), last))


def test_what_the_last_step_warns_of(table):
    early = MLPClassifier((3,), early_stopping=True, max_iter=3)
    with pytest.warns(TrainSplitIgnoredWarning, match="early_stopping=True of MLPClassifier"):
        run(make_pipeline(StandardScaler(), early), *table)


def test_kind():
    learner = find_learner(make_pipeline(StandardScaler(), SGD))
    assert isinstance(learner, PipelineLearner)
    assert isinstance(learner.inner, PartialFitLearner)
    assert learner.takes_snapshots
    assert learner.accepts(make_pipeline(PCA(), SGD))
    assert not learner.accepts(make_pipeline(PCA(), LAST["boosting"]))
    assert not learner.accepts(SGD)
    assert learner.most_steps(make_pipeline(StandardScaler(), SGD)) == 4
