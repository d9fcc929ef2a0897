"""Whatever a net is made of and trained with: the same fit as without, and its whole path.

Three things are asked of each: weights and history are those of skorch alone, bit by bit; the last
step is what the fitted net predicts; and the snapshots, run over the rows, give the path again.
"""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from skorch import NeuralNet, NeuralNetBinaryClassifier, NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import (
    Checkpoint,
    EarlyStopping,
    Freezer,
    GradientNormClipping,
    LRScheduler,
)
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch.optim.lr_scheduler import OneCycleLR

from sklearn_difficulty import (
    DifficultyScorer,
    DifficultyTracker,
    TrackedNet,
    TrackedNetClassifier,
    TrackedNetRegressor,
)
from sklearn_difficulty.recording import replay

RECORDS = ("loss", "margin", "proba", "entropy", "el2n")


@pytest.fixture(params=[NeuralNetClassifier, TrackedNetClassifier])
def kind(request):
    return request.param


def scored(net, X, y, **options):
    return DifficultyScorer(net, **{"snapshots": "all", "random_state": 0} | options).fit(X, y)


def trained_by_skorch(net, X, y):
    """The net as skorch trains it from the seed that the scorer draws."""
    [seed] = np.random.RandomState(0).randint(np.iinfo(np.int32).max, size=1)
    torch.manual_seed(int(seed))
    return clone(net).fit(X, y)


def assert_replayed(scorer, X):
    path = scorer.trajectory_
    again = replay(scorer._recording_, X, path.y)
    for name in RECORDS:
        if getattr(path, name) is not None:
            assert_allclose(getattr(again, name), getattr(path, name), rtol=1e-5, atol=1e-6)


def assert_step_is_predicted(path, step, proba):
    assert_array_equal(path.prediction[0, step], proba.argmax(axis=1))
    assert_allclose(path.proba[0, step], proba[np.arange(len(path.y)), path.y], atol=1e-6)


# -- how it is trained --------------------------------------------------------------------

CYCLIC = {"base_lr": 1e-3, "max_lr": 0.1, "step_size_up": 3, "cycle_momentum": False}
TRAININGS = {
    "schedule by epochs": {"callbacks": [LRScheduler("StepLR", step_size=1)]},
    "schedule by batches": {
        "callbacks": [LRScheduler("CyclicLR", step_every="batch", **CYCLIC)],
    },
    "one cycle": {
        "callbacks": [LRScheduler(OneCycleLR, step_every="batch", max_lr=0.1, total_steps=24)]
    },
    "plateau": {"callbacks": [LRScheduler("ReduceLROnPlateau", monitor="train_loss", patience=0)]},
    "early stopping": {
        "callbacks": [EarlyStopping("train_loss", patience=2, threshold=0.5)],
        "max_epochs": 30,
    },
    "clipping": {"callbacks": [GradientNormClipping(0.1)]},
    "frozen": {"callbacks": [Freezer("layers.0.*")]},
    "group of parameters": {"optimizer__param_groups": [("layers.0.*", {"lr": 0.1})]},
    "several closures": {"optimizer": torch.optim.LBFGS, "batch_size": -1, "lr": 0.1},
    "class weights": {"criterion__weight": torch.tensor([1.0, 2.0, 3.0])},
    "label smoothing": {"criterion__label_smoothing": 0.1},
    "warm start": {"warm_start": True},
    "no callbacks": {"callbacks": "disable"},
    "doubles": {"module__dtype": torch.float64},
}


class MLP(torch.nn.Module):
    def __init__(self, dtype=None, n_outputs=3):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(4, 8, dtype=dtype),
            torch.nn.ReLU(),
            torch.nn.Dropout(0.2),
            torch.nn.Linear(8, n_outputs, dtype=dtype),
        )

    def forward(self, X):
        return self.layers(X)


@pytest.mark.parametrize("params", TRAININGS.values(), ids=TRAININGS)
def test_trainings(params, kind, table, make_net, assert_same_fit):
    X, y = table
    if "module__dtype" in params:
        X = X.astype(np.float64)
    options = {"module": MLP, "iterator_train__shuffle": True} | params
    scorer = scored(make_net(kind, **options), X, y)
    plain = trained_by_skorch(make_net(**options), X, y)
    [fitted] = scorer.estimators_
    assert_same_fit(plain, fitted)
    assert_step_is_predicted(scorer.trajectory_, -1, plain.predict_proba(X))
    assert_array_equal(fitted.predict_proba(X), plain.predict_proba(X))
    assert scorer.trajectory_.n_steps.tolist() == [len(plain.history)]
    assert len(plain.history) < 30
    assert_replayed(scorer, X)


def test_schedules_that_change_something(table, make_net):
    # the cases above would not show a schedule that is left out of both fits
    losses = [
        scored(make_net(module=MLP, **params), *table).trajectory_.loss[0, -1].mean()
        for params in ({}, TRAININGS["schedule by epochs"], TRAININGS["schedule by batches"])
    ]
    assert len(set(losses)) == 3


@pytest.mark.parametrize(
    ("kind", "recorded"),
    [
        (NeuralNetClassifier, {}),
        (TrackedNetClassifier, {}),
        (TrackedNetClassifier, {"when": "during"}),
    ],
)
def test_validation_data_of_its_own(kind, recorded, table, make_net, assert_same_fit):
    X, y = table
    params = {
        "module": MLP,
        "max_epochs": 40,
        "lr": 0.1,
        "iterator_train__shuffle": True,
        "train_split": predefined_split(Dataset(X[:9], y[:9])),
        "callbacks": [EarlyStopping("valid_loss", patience=3)],
    }
    scorer = scored(make_net(kind, **params, **recorded), X, y)
    plain = trained_by_skorch(make_net(**params), X, y)
    assert_same_fit(plain, scorer.estimators_[0])
    path = scorer.trajectory_
    assert path.n_samples == 61
    assert path.in_train.all()
    assert path.n_steps.tolist() == [len(plain.history)]
    assert 3 < len(plain.history) < 40
    if not recorded:
        assert_step_is_predicted(path, -1, plain.predict_proba(X))
        assert_replayed(scorer, X)


# -- nets that go back to their best epoch ------------------------------------------------


def going_back(name, table, folder):
    """A callback that loads the best epoch in the end, and the column of the history it goes by."""
    if name == "checkpoint":
        saved = {"dirname": str(folder), "load_best": True}
        return Checkpoint(monitor="train_loss_best", **saved), "train_loss"
    monitor = "valid_loss" if name == "early stopping, validation" else "train_loss"
    return EarlyStopping(monitor, patience=4, load_best=True), monitor


@pytest.mark.parametrize("name", ["checkpoint", "early stopping", "early stopping, validation"])
def test_load_best(name, kind, table, make_net, tmp_path, assert_same_fit):
    X, y = table
    params = {"lr": 0.3, "max_epochs": 12, "iterator_train__shuffle": True}
    if "validation" in name:
        params["train_split"] = predefined_split(Dataset(X[:9], y[:9]))
    callback, monitor = going_back(name, table, tmp_path / "ours")
    scorer = scored(make_net(kind, callbacks=[callback], **params), X, y)
    callback, _ = going_back(name, table, tmp_path / "plain")
    plain = trained_by_skorch(make_net(callbacks=[callback], **params), X, y)
    [fitted] = scorer.estimators_
    assert_same_fit(plain, fitted)
    # the fitted net is that of its best epoch; the path has all, also those that were undone
    path = scorer.trajectory_
    best = int(np.argmin(plain.history[:, monitor]))
    # a checkpoint has the history too, which ends with the best epoch then
    n_steps = 12 if name == "checkpoint" else len(plain.history)
    assert path.n_steps.tolist() == [n_steps]
    assert best < n_steps - 1
    assert_step_is_predicted(path, best, fitted.predict_proba(X))
    assert abs(path.proba[0, -1] - path.proba[0, best]).max() > 0.01
    state = path.snapshots.state(0, best)
    for key, value in fitted.module_.state_dict().items():
        assert_array_equal(value, state[key])
    # the last epoch was left behind, and is replayed as it was
    assert_replayed(scorer, X)
    # rows that are new are judged under the label that the fitted net predicts
    labels = fitted.predict(X + 0.5)
    assert_array_equal(scorer.score_samples(X + 0.5), scorer.score_samples(X + 0.5, labels))


# -- steps of the optimizer ---------------------------------------------------------------


class Accumulates:
    """Gradient accumulation as in the FAQ of skorch: an update every few batches."""

    def __init__(self, *args, acc_steps=2, **kwargs):
        super().__init__(*args, **kwargs)
        self.acc_steps = acc_steps

    def get_loss(self, *args, **kwargs):
        return super().get_loss(*args, **kwargs) / self.acc_steps

    def train_step(self, batch, **fit_params):
        n_train_batches = len(self.history[-1, "batches"])
        step = self.train_step_single(batch, **fit_params)
        if n_train_batches % self.acc_steps == 0:
            self.optimizer_.step()
            self.optimizer_.zero_grad()
        return step


class AccumulatingNet(Accumulates, NeuralNetClassifier):
    pass


class AccumulatingTrackedNet(Accumulates, TrackedNetClassifier):
    pass


@pytest.mark.parametrize("accumulating", [AccumulatingNet, AccumulatingTrackedNet])
@pytest.mark.parametrize(("acc_steps", "updates"), [(1, 8), (2, 4), (3, 2)])
def test_gradient_accumulation(acc_steps, updates, accumulating, table, make_net, assert_same_fit):
    X, y = table  # 8 batches
    params = {"acc_steps": acc_steps, "iterator_train__shuffle": True}
    scorer = scored(make_net(accumulating, **params), X, y)
    plain = trained_by_skorch(make_net(AccumulatingNet, **params), X, y)
    assert_same_fit(plain, scorer.estimators_[0])
    path = scorer.trajectory_
    assert path.dt["update"].tolist() == [[updates] * 3]
    assert_step_is_predicted(path, -1, plain.predict_proba(X))
    # the loss is the net's own
    assert_allclose(path.loss, -np.log(path.proba) / acc_steps, rtol=1e-4)
    assert_replayed(scorer, X)


# -- module as an instance, compiled ------------------------------------------------------


def test_module_instance_is_where_training_starts(kind, table, make_net, assert_same_fit):
    X, y = table
    torch.manual_seed(5)
    module = MLP()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    scorer = scored(make_net(kind, module=module), X, y)
    plain = trained_by_skorch(make_net(module=module), X, y)
    assert_same_fit(plain, scorer.estimators_[0])
    assert_step_is_predicted(scorer.trajectory_, -1, plain.predict_proba(X))
    assert_replayed(scorer, X)
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])


def test_initialized_module_instance(kind, table, make_net):
    X, y = table
    net = make_net(kind, module=MLP(), lr=0.0).initialize()
    expected = torch.as_tensor(net.module_.eval()(torch.as_tensor(X)).softmax(1)).detach().numpy()
    with pytest.warns(UserWarning, match="module was given as an instance"):
        scorer = scored(net, X, y, n_runs=2)
    assert_step_is_predicted(scorer.trajectory_, 0, expected)
    assert_array_equal(scorer.trajectory_.loss[0], scorer.trajectory_.loss[1])


# Warnings of torch about itself: of what it still uses, and of what it looks at and hides, which it
# cannot where warnings are errors. skorch alone meets both.
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "as_module"), [(TrackedNetClassifier, False), (NeuralNetClassifier, True)]
)
def test_compiled(kind, as_module, table, make_net, small_mlp):
    X, y = table
    torch.manual_seed(5)
    plain = scored(make_net(module=small_mlp(), max_epochs=2), X, y)
    torch.manual_seed(5)
    module = small_mlp()
    params = {"module": torch.compile(module)} if as_module else {"module": module, "compile": True}
    scorer = scored(make_net(kind, max_epochs=2, **params), X, y)
    [fitted] = scorer.estimators_
    assert isinstance(fitted.module_, torch._dynamo.OptimizedModule)
    assert_allclose(scorer.scores_, plain.scores_, rtol=1e-4)
    assert_step_is_predicted(scorer.trajectory_, -1, fitted.predict_proba(X))
    assert_replayed(scorer, X)
    new = X + 0.5
    for options in ({}, {"score": "vog", "score_params": {"output": "proba"}}):
        ours, theirs = (each.score_samples(new, **options) for each in (scorer, plain))
        assert_allclose(ours, theirs, rtol=1e-3)


# -- inputs and outputs -------------------------------------------------------------------


class Convolution(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.filters = torch.nn.Conv2d(1, 4, 3)
        self.linear = torch.nn.Linear(4, 3)

    def forward(self, X):
        return self.linear(self.filters(X).relu().mean(dim=(2, 3)))


class Words(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.words = torch.nn.Embedding(9, 4)
        self.linear = torch.nn.Linear(4, 3)

    def forward(self, X):
        return self.linear(self.words(X).mean(dim=1))


@pytest.mark.parametrize("module", [Convolution, Words])
def test_images_and_words(module, kind, table, make_net, assert_same_fit):
    rng, y = np.random.default_rng(0), table[1]
    if module is Convolution:
        X = rng.normal(size=(61, 1, 6, 5)).astype(np.float32)
    else:
        X = rng.integers(0, 9, size=(61, 5))
    scorer = scored(make_net(kind, module=module), X, y)
    plain = trained_by_skorch(make_net(module=module), X, y)
    assert_same_fit(plain, scorer.estimators_[0])
    assert_step_is_predicted(scorer.trajectory_, -1, plain.predict_proba(X))
    assert_replayed(scorer, X)
    new = rng.permuted(X, axis=-1)
    assert np.isfinite(scorer.score_samples(new)).all()


class TwoHeads(torch.nn.Module):
    """Class scores, and what it makes of its input again."""

    def __init__(self):
        super().__init__()
        self.scores = torch.nn.Linear(4, 3)
        self.again = torch.nn.Linear(3, 4)

    def forward(self, X):
        scores = self.scores(X)
        return scores, self.again(scores)


class TwoHeadedLoss:
    """The loss of both heads, of which the second is compared with the input."""

    def get_loss(self, y_pred, y_true, X=None, **kwargs):
        scores, again = y_pred
        of_class = torch.nn.functional.cross_entropy(scores, y_true, reduction="none")
        of_input = (again - X.to(again)).square().mean(dim=1)
        loss = of_class + of_input
        return loss if self.criterion_.reduction == "none" else loss.mean()


class TwoHeadedNet(TwoHeadedLoss, NeuralNetClassifier):
    pass


class TwoHeadedTrackedNet(TwoHeadedLoss, TrackedNetClassifier):
    pass


@pytest.mark.parametrize("two_headed", [TwoHeadedNet, TwoHeadedTrackedNet])
def test_two_heads(two_headed, table, make_net, assert_same_fit):
    X, y = table
    params = {"module": TwoHeads, "iterator_train__shuffle": True}
    scorer = scored(make_net(two_headed, **params), X, y)
    plain = trained_by_skorch(make_net(TwoHeadedNet, **params), X, y)
    assert_same_fit(plain, scorer.estimators_[0])
    assert_step_is_predicted(scorer.trajectory_, -1, plain.predict_proba(X))
    assert_replayed(scorer, X)
    with torch.no_grad():
        _, again = plain.module_(torch.as_tensor(X))
    of_input = ((again.numpy() - X) ** 2).mean(axis=1)
    path = scorer.trajectory_
    assert_allclose(path.loss[0, -1], -np.log(path.proba[0, -1]) + of_input, rtol=1e-5)


class LogSoftmax(MLP):
    def forward(self, X):
        return super().forward(X).log_softmax(dim=1)


def test_log_probabilities(table, make_net):
    # skorch's classifier would take the logarithm again; its general net does not
    X, y = table
    params = {"module": LogSoftmax, "criterion": torch.nn.NLLLoss}
    scorer = scored(make_net(NeuralNet, **params), X, y)
    [fitted] = scorer.estimators_
    assert_step_is_predicted(scorer.trajectory_, -1, np.exp(fitted.predict(X)))
    assert_allclose(scorer.trajectory_.loss, -np.log(scorer.trajectory_.proba), rtol=1e-4)
    assert_replayed(scorer, X)
    with pytest.raises(ValueError, match="needs a module that returns probabilities"):
        scored(make_net(**params), X, y)


def test_single_logit_with_a_weight(table, make_net, assert_same_fit):
    X, y = table[0], (table[1] > 0).astype(np.int64)
    params = {
        "module": MLP,
        "module__n_outputs": 1,
        "criterion": torch.nn.BCEWithLogitsLoss,
        "criterion__pos_weight": torch.tensor(3.0),
    }
    net = make_net(NeuralNetBinaryClassifier, **params)
    scorer = scored(net, X, y)
    plain = trained_by_skorch(net, X, y.astype(np.float32))
    assert_same_fit(plain, scorer.estimators_[0])
    path = scorer.trajectory_
    assert_step_is_predicted(path, -1, plain.predict_proba(X))
    # of which the loss that is recorded knows nothing
    assert_allclose(path.loss, -np.log(path.proba), rtol=1e-4)
    assert_replayed(scorer, X)
    inside = DifficultyScorer(net, random_state=0).fit(Dataset(X, y))
    assert_allclose(inside.trajectory_.loss, path.loss, rtol=1e-5)


@pytest.mark.parametrize("regressor", [NeuralNet, NeuralNetRegressor, TrackedNetRegressor])
def test_regression_in_doubles(regressor, table, make_net):
    X = table[0].astype(np.float64)
    y = X[:, 0] - X[:, 1]
    net = make_net(
        regressor,
        module=MLP,
        module__n_outputs=1,
        module__dtype=torch.float64,
        criterion=torch.nn.MSELoss,
    )
    scorer = scored(net, X, y)
    [fitted] = scorer.estimators_
    assert fitted.predict(X).dtype == np.float64
    expected = (fitted.predict(X).ravel() - y) ** 2
    assert_allclose(scorer.trajectory_.loss[0, -1], expected, rtol=1e-5)
    assert_replayed(scorer, X)


@pytest.mark.parametrize("tracked", [TrackedNet, TrackedNetRegressor])
def test_regression_with_several_outputs(tracked, table, make_net, seeded_fit, assert_same_fit):
    X, _ = table
    y = np.stack([X[:, 0], X[:, 1] - X[:, 2]], axis=1)
    params = {"module": MLP, "module__n_outputs": 2, "criterion": torch.nn.MSELoss}
    tracker = DifficultyTracker()
    plain, _ = seeded_fit(make_net(NeuralNetRegressor, **params), X, y)
    called, _ = seeded_fit(make_net(NeuralNetRegressor, callbacks=[tracker], **params), X, y)
    net, _ = seeded_fit(make_net(tracked, **params), X, y)
    assert_same_fit(plain, called)
    assert_same_fit(plain, net)
    expected = ((plain.predict(X) - y) ** 2).mean(axis=1)
    for path in (tracker.trajectory_, net.trajectory_):
        assert_allclose(path.loss[0, -1], expected, rtol=1e-5)
        assert_array_equal(path.y, y)
