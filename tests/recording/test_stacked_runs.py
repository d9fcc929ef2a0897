"""Trainings that are stacked are those that run one after the other."""

import copy
import threading

import numpy as np
import pytest
import scipy.sparse
import torch
from numpy.testing import assert_allclose, assert_array_equal
from skorch import NeuralNetBinaryClassifier, NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import EarlyStopping, GradientNormClipping

from sklearn_difficulty import DifficultyScorer, TrackedNetClassifier, TrackedNetRegressor
from sklearn_difficulty.exceptions import NonFiniteLossError
from sklearn_difficulty.recording import (
    _joint_pass,
    _record,
    _stackable,
    _stacked_module,
    _stacked_runs,
)
from sklearn_difficulty.recording._learner import NotStackableError
from sklearn_difficulty.recording._stacked_module import (
    StackedModule,
    check_agreement,
    check_repeatable,
)

RECORDS = ("loss", "margin", "proba", "prediction", "entropy", "el2n", "y")


@pytest.fixture
def one_by_one(monkeypatch):
    """Fits a scorer whose trainings run one after the other."""

    def fit(scorer, *data):
        with monkeypatch.context() as patched:
            patched.setattr(_record, "_stacked", lambda *args, **kwargs: (None, "told so"))
            return scorer.fit(*data)

    return fit


def assert_same_training(stacked, others):
    for name in RECORDS:
        ours, theirs = (getattr(scorer.trajectory_, name) for scorer in (stacked, others))
        if theirs is not None:
            assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5, err_msg=name)
    for unit in ("epoch", "update"):
        assert_array_equal(stacked.trajectory_.dt[unit], others.trajectory_.dt[unit])
    for net, other in zip(stacked.estimators_, others.estimators_, strict=True):
        for name, value in net.module_.state_dict().items():
            assert_allclose(value, other.module_.state_dict()[name], rtol=1e-3, atol=1e-5)
        assert net.module_.training == other.module_.training
        for epoch, its_epoch in zip(net.history, other.history, strict=True):
            assert list(epoch) == list(its_epoch)
            means = (each.get("train_loss", 0.0) for each in (epoch, its_epoch))
            assert_allclose(*means, rtol=1e-4)
            for batch, its_batch in zip(epoch["batches"], its_epoch["batches"], strict=True):
                assert list(batch) == list(its_batch)
                assert_allclose(*(list(each.values()) for each in (batch, its_batch)), rtol=1e-4)
    kept = stacked.trajectory_.snapshots
    for run in range(len(stacked.estimators_)):
        assert kept.steps(run) == others.trajectory_.snapshots.steps(run)
        for step in kept.steps(run):
            theirs = others.trajectory_.snapshots.state(run, step)
            for name, value in kept.state(run, step).items():
                assert_allclose(value, theirs[name], rtol=1e-3, atol=1e-5)


NETS = {
    "plain": {},
    "tracked": {"kind": TrackedNetClassifier},
    "shuffled": {"iterator_train__shuffle": True},
    "drops the last batch": {"iterator_train__shuffle": True, "iterator_train__drop_last": True},
    "one batch": {"batch_size": 100},
    "momentum": {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.9},
    "decay": {"optimizer": torch.optim.AdamW, "optimizer__weight_decay": 0.1},
    "RMSprop": {"optimizer": torch.optim.RMSprop},
    "Adagrad": {"optimizer": torch.optim.Adagrad},
    "probabilities": {"criterion": torch.nn.NLLLoss, "module__softmax": True},
    "smoothed": {"criterion__label_smoothing": 0.1},
    "summed": {"criterion__reduction": "sum", "lr": 0.001},
    "no callbacks": {"callbacks": "disable"},
    "traced": {"max_epochs": 9, "iterator_train__shuffle": True},
}


@pytest.mark.parametrize("params", NETS.values(), ids=NETS)
def test_each_run_is_the_one_that_it_would_be_alone(params, table, make_net, one_by_one):
    params = {"kind": NeuralNetClassifier} | params
    scorer = DifficultyScorer(make_net(**params), n_runs=3, random_state=0)
    stacked = copy.deepcopy(scorer).fit(*table)
    others = one_by_one(scorer, *table)
    assert stacked.why_not_stacked_ is None
    assert others.why_not_stacked_ == "told so"
    assert_same_training(stacked, others)
    assert np.ptp(stacked.trajectory_.loss, axis=0).max() > 1e-3  # the runs are not one another


def test_the_default_network(table, one_by_one):
    scorer = DifficultyScorer(score="easiness", n_runs=4, random_state=0)
    stacked = copy.deepcopy(scorer).fit(*table)
    others = one_by_one(scorer, *table)
    assert stacked.why_not_stacked_ is None
    assert_same_training(stacked, others)
    assert_array_equal(stacked.scores_, others.scores_)


@pytest.mark.parametrize("kind", [NeuralNetRegressor, TrackedNetRegressor])
def test_regression(kind, table, one_by_one):
    X, y = table
    net = kind(
        torch.nn.Linear,
        module__in_features=4,
        module__out_features=1,
        lr=0.05,
        train_split=None,
        verbose=0,
    )
    scorer = DifficultyScorer(net, n_runs=3, random_state=0)
    stacked = copy.deepcopy(scorer).fit(X, X[:, 0] + 0.5 * y)
    assert stacked.why_not_stacked_ is None
    assert_same_training(stacked, one_by_one(scorer, X, X[:, 0] + 0.5 * y))


@pytest.mark.parametrize("keep", ["outputs", "elements"])
def test_several_labels_and_large_records(keep, table, make_net, one_by_one):
    X, _ = table
    labels = (X[:, :3] > 0.5).astype(np.float32)
    net = make_net(NeuralNetRegressor, criterion=torch.nn.BCEWithLogitsLoss)
    scorer = DifficultyScorer(net, n_runs=3, random_state=0, keep=keep)
    stacked = copy.deepcopy(scorer).fit(X, labels)
    assert stacked.why_not_stacked_ is None
    others = one_by_one(scorer, X, labels)
    assert_same_training(stacked, others)
    name = {"outputs": "outputs", "elements": "element_action"}[keep]
    ours, theirs = (getattr(each.trajectory_, name) for each in (stacked, others))
    assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("most_values", [1, 2 * 61 * 3])
def test_as_many_nets_are_recorded_at_once_as_are_worth_it(
    most_values, table, make_net, one_by_one, monkeypatch
):
    monkeypatch.setattr(_joint_pass, "_MOST_VALUES", most_values)
    scorer = DifficultyScorer(make_net(), n_runs=3, random_state=0)
    stacked = copy.deepcopy(scorer).fit(*table)
    assert_same_training(stacked, one_by_one(scorer, *table))


def test_losses_of_many_classes(table, make_net, one_by_one, monkeypatch):
    monkeypatch.setattr(_stacked_runs, "MOST_CLASSES", 2)
    scorer = DifficultyScorer(make_net(), n_runs=3, random_state=0)
    stacked = copy.deepcopy(scorer).fit(*table)
    assert_same_training(stacked, one_by_one(scorer, *table))


class OwnEvaluation(NeuralNetClassifier):
    def evaluation_step(self, batch, training=False):
        return super().evaluation_step(batch, training=training) * 2


def test_an_evaluation_of_a_users_own(table, make_net, one_by_one):
    scorer = DifficultyScorer(make_net(OwnEvaluation), n_runs=3, random_state=0)
    stacked = copy.deepcopy(scorer).fit(*table)
    assert stacked.why_not_stacked_ is None
    assert_same_training(stacked, one_by_one(scorer, *table))


def test_a_first_batch_of_which_not_all_can_be_seen(table, make_net, one_by_one):
    scorer = DifficultyScorer(make_net(batch_size=1, max_epochs=1), n_runs=2, random_state=0)
    stacked = copy.deepcopy(scorer).fit(*table)
    assert stacked.why_not_stacked_ is None
    assert_same_training(stacked, one_by_one(scorer, *table))


class Writing(torch.nn.Linear):
    """Changes its input in place, where it does not train."""

    def forward(self, X):
        return super().forward(X if self.training else X.add_(1.0))


def test_a_module_that_writes_into_its_input(table, make_net, one_by_one):
    scorer = DifficultyScorer(make_net(**linear(Writing)), n_runs=3, random_state=0)
    stacked = copy.deepcopy(scorer).fit(*table)
    assert stacked.why_not_stacked_ is None
    assert_same_training(stacked, one_by_one(scorer, *table))


def test_tracked_nets_record_themselves_afterwards(table, make_net):
    net = make_net(TrackedNetClassifier)
    scorer = DifficultyScorer(net, n_runs=2, random_state=0).fit(*table)
    for each in scorer.estimators_:
        assert np.isfinite(each.partial_fit(*table).trajectory_.loss).all()


def test_sparse_rows(table, make_net, one_by_one):
    X, y = table
    X = scipy.sparse.csr_matrix(X * (X > 0))
    scorer = DifficultyScorer(make_net(), n_runs=2, random_state=0)
    stacked = copy.deepcopy(scorer).fit(X, y)
    assert stacked.why_not_stacked_ is None
    assert_same_training(stacked, one_by_one(scorer, X, y))


def test_in_a_folder(table, make_net, tmp_path):
    def fit(storage):
        return DifficultyScorer(make_net(), n_runs=2, random_state=0, storage=storage).fit(*table)

    on_disk, in_memory = fit(tmp_path / "path"), fit(None)
    assert on_disk.why_not_stacked_ is None
    assert_same_training(on_disk, in_memory)
    new = table[0] + 0.5
    assert_allclose(on_disk.score_samples(new, table[1]), in_memory.score_samples(new, table[1]))


def test_in_a_folder_one_after_the_other(table, make_net, tmp_path):
    scorer = DifficultyScorer(
        make_net(module__dropout=0.5), n_runs=2, random_state=0, storage=tmp_path / "path"
    ).fit(*table)
    assert "random numbers" in scorer.why_not_stacked_
    assert scorer.trajectory_.loss.shape == (2, 3, 61)


def test_the_nets_are_their_own_afterwards(table, make_net, one_by_one):
    scorer = DifficultyScorer(
        make_net(optimizer=torch.optim.Adam, iterator_train__shuffle=True), n_runs=2, random_state=0
    )
    stacked, others = copy.deepcopy(scorer).fit(*table), one_by_one(scorer, *table)
    for net, other in zip(stacked.estimators_, others.estimators_, strict=True):
        for parameter in net.module_.parameters():
            assert parameter.untyped_storage().nbytes() == parameter.nbytes
        for each in (net, other):
            torch.manual_seed(0)
            each.partial_fit(*table)
        for name, value in net.module_.state_dict().items():
            assert_allclose(value, other.module_.state_dict()[name], rtol=1e-3, atol=1e-5)
        assert len(net.history) == 6
    assert_same_training(stacked, scorer)


def test_generators_are_left_as_they_were(table, make_net):
    torch.manual_seed(5)
    np.random.seed(5)
    DifficultyScorer(make_net(), n_runs=2, random_state=0).fit(*table)
    after = float(torch.rand(())), float(np.random.rand())
    torch.manual_seed(5)
    np.random.seed(5)
    assert after == (float(torch.rand(())), float(np.random.rand()))


def test_a_bar_sees_every_epoch(table, make_net, capsys):
    DifficultyScorer(make_net(), n_runs=2, random_state=0, verbose=1).fit(*table)
    assert "6/6" in capsys.readouterr().err


def test_a_loss_that_is_not_finite(table, make_net):
    X, y = table
    with pytest.raises(NonFiniteLossError) as caught:
        DifficultyScorer(
            make_net(lr=1e30, optimizer=torch.optim.SGD), n_runs=2, random_state=0
        ).fit(X, y)
    assert caught.value.n_rows == 61


# -- what is trained one after the other --------------------------------------------------


class Counting(torch.nn.Linear):
    n_calls = 0

    def forward(self, X):
        self.n_calls += 1
        return super().forward(X) * (1 if self.n_calls < 5 else 2)


class Branching(torch.nn.Linear):
    def forward(self, X):
        outputs = super().forward(X)
        return outputs if outputs.sum() > 0 else outputs * 2


class Attending(torch.nn.TransformerEncoderLayer):
    """One of its operations would be done for each run apart."""

    def __init__(self):
        super().__init__(4, 2, 8, dropout=0.0, batch_first=True)

    def forward(self, X):
        return super().forward(X[:, None].expand(-1, 3, -1))[:, 0, :3]


class Pair(torch.nn.Linear):
    def forward(self, X):
        outputs = super().forward(X)
        return outputs, outputs.sum(1)


class Hooked(torch.nn.Linear):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.register_forward_hook(lambda module, given, outputs: outputs * 2)


class DrawingOnlyToEvaluate(torch.nn.Linear):
    def forward(self, X):
        outputs = super().forward(X)
        return outputs if self.training else outputs + torch.rand(())


class OwnLoss(NeuralNetClassifier):
    def get_loss(self, y_pred, y_true, X=None, training=False):
        return super().get_loss(y_pred, y_true, X=X, training=training) * 2


class OwnStep(NeuralNetClassifier):
    def train_step_single(self, batch, **fit_params):
        return super().train_step_single(batch, **fit_params)


class TwoModules(NeuralNetClassifier):
    def initialize_module(self):
        super().initialize_module()
        self.head_ = torch.nn.Linear(3, 3)
        return self


class Shielded(torch.nn.Module):
    """A part of it is not trained, which no parameter says."""

    def __init__(self):
        super().__init__()
        self.first, self.last = torch.nn.Linear(4, 8), torch.nn.Linear(8, 3)

    def forward(self, X):
        with torch.no_grad():
            hidden = self.first(X).relu()
        return self.last(hidden)


class Reversed(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(X):
        return X.clone()

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, gradient):
        return -gradient


class Reversing(torch.nn.Linear):
    def forward(self, X):
        return Reversed.apply(super().forward(X))


class Clamped(torch.nn.Linear):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.weight.register_hook(lambda gradient: gradient.clamp(-0.01, 0.01))


class Noting(torch.nn.Linear):
    def forward(self, X):
        outputs = super().forward(X)
        self.last = (outputs,)
        return outputs


class CountingInAList(torch.nn.Linear):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.calls = [0]

    def forward(self, X):
        self.calls[0] += 1
        return super().forward(X) * (1 if self.calls[0] < 5 else 2)


class DrawingFromNumPy(torch.nn.Linear):
    def forward(self, X):
        return super().forward(X) * np.random.rand()


class Locked(torch.nn.Linear):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.lock = threading.Lock()


class OwnOptimizer(NeuralNetClassifier):
    def initialize_optimizer(self, triggered_directly=None):
        self.optimizer_ = torch.optim.SGD(self.module_.parameters(), lr=0.5)
        return self


class OwnOptimizerStep(NeuralNetClassifier):
    def _step_optimizer(self, step_fn):
        super()._step_optimizer(step_fn)


class OwnCallbacks(NeuralNetClassifier):
    @property
    def _default_callbacks(self):
        return [*super()._default_callbacks, ("clip", GradientNormClipping(0.01))]


def linear(kind):
    return {"module": kind, "module__in_features": 4, "module__out_features": 3}


ALONE = {
    "callbacks": {"callbacks": [EarlyStopping(monitor="train_loss")]},
    "verbose": {"verbose": 1},
    "when='during'": {"kind": TrackedNetClassifier, "when": "during"},
    "methods of its own": {"kind": OwnLoss},
    "in a way of its own": {"kind": OwnStep},
    "several modules": {"kind": TwoModules},
    "groups of parameters": {"optimizer__param_groups": [("layers.0*", {"lr": 0.1})]},
    "elementwise ones (LBFGS)": {"optimizer": torch.optim.LBFGS},
    "no plain average": {"criterion__weight": torch.tensor([1.0, 2.0, 0.5])},
    "is no plain average": {"criterion__ignore_index": 0},
    "random numbers": {"module__dropout": 0.5},
    "statistics of batches": {"module__batch_norm": True},
    "attributes from batch to batch": linear(Counting),
    "vmap does not map": linear(Branching),
    "with methods of its own (optimizer)": {"kind": OwnOptimizer},
    "with methods of its own (step)": {"kind": OwnOptimizerStep},
    "with methods of its own (callbacks)": {"kind": OwnCallbacks},
    "take part in the training": {"callbacks__valid_acc__on_train": True},
    "take part in the training (a log)": {"callbacks__print_log__sink": lambda line: None},
    "something else when it is mapped": {"module": Shielded, "max_epochs": 9},
    "something else when it is mapped (backward)": linear(Reversing) | {"max_epochs": 9},
    "hooks (of a parameter)": linear(Clamped),
    "attributes from batch to batch (a tensor)": linear(Noting),
    "attributes from batch to batch (a list)": linear(CountingInAList),
    "random numbers (of NumPy)": linear(DrawingFromNumPy),
    "random numbers (to evaluate)": linear(DrawingOnlyToEvaluate),
    "cannot be copied": linear(Locked),
    "vmap does not map (UserWarning)": {"module": Attending},
    "hooks": linear(Hooked),
    "no batch to train on": {"batch_size": 100, "iterator_train__drop_last": True},
    "not an array in memory": {"iterator_train__num_workers": 1, "max_epochs": 1},
}


@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
@pytest.mark.parametrize(("reason", "params"), ALONE.items(), ids=ALONE)
def test_what_has_to_be_trained_alone(reason, params, table, make_net, one_by_one):
    net = make_net(**({"kind": NeuralNetClassifier} | params))
    scorer = DifficultyScorer(net, n_runs=2, random_state=0)
    fitted = copy.deepcopy(scorer).fit(*table)
    # what is in brackets tells cases apart
    assert reason.partition(" (")[0] in fitted.why_not_stacked_
    others = one_by_one(scorer, *table)
    assert_array_equal(fitted.trajectory_.loss, others.trajectory_.loss)


def test_other_ways_to_train(table, make_net):
    def reason(estimator=None, **params):
        net = make_net() if estimator is None else estimator
        scorer = DifficultyScorer(net, **({"n_runs": 2, "random_state": 0} | params))
        return scorer.fit(*table).why_not_stacked_

    assert reason(n_runs=1) == "a single training"
    assert "cv" in reason(cv=3)
    assert "n_jobs=2" in reason(n_jobs=2)
    from sklearn.linear_model import SGDClassifier

    assert reason(SGDClassifier(loss="log_loss")) == "SGDClassifier is no net of skorch"


def test_single_logits_are_squeezed_by_their_net(table, make_net):
    X, y = table
    net = make_net(
        NeuralNetBinaryClassifier,
        module=torch.nn.Linear,
        module__in_features=4,
        module__out_features=1,
        criterion=torch.nn.BCEWithLogitsLoss,
    )
    scorer = DifficultyScorer(net, n_runs=2, random_state=0).fit(X, y == 1)
    assert "methods of its own" in scorer.why_not_stacked_


def test_convolutions_and_large_modules(table, make_net, monkeypatch):
    X, y = table

    class Convolution(torch.nn.Sequential):
        def __init__(self):
            super().__init__(torch.nn.Conv1d(1, 3, 2), torch.nn.Flatten(), torch.nn.Linear(9, 3))

    images = X[:, None, :]
    scorer = DifficultyScorer(make_net(module=Convolution), n_runs=2, random_state=0)
    assert "convolutions" in scorer.fit(images, y).why_not_stacked_
    monkeypatch.setattr(_stackable, "_MOST_PARAMETERS", 10)
    scorer = DifficultyScorer(make_net(), n_runs=2, random_state=0).fit(X, y)
    assert "more than 10 parameters" in scorer.why_not_stacked_


def test_a_module_that_returns_several_tensors():
    with pytest.raises(NotStackableError, match="than a tensor of rows"):
        check_repeatable(Pair(4, 3), torch.zeros(5, 4))


def test_a_stack_that_computes_something_else(small_mlp):
    modules = [small_mlp() for _ in range(2)]
    stack, X = StackedModule(modules), torch.randn(2, 5, 4)
    check_agreement(stack, modules, X)
    with torch.no_grad():
        modules[1].layers[0].weight.data = modules[1].layers[0].weight.data + 1
    with pytest.raises(NotStackableError, match="something else"):
        check_agreement(stack, modules, X)


def test_tracing_leaves_gradients_as_they_are(small_mlp):
    modules = [small_mlp() for _ in range(3)]
    stack, X = StackedModule(modules), torch.randn(3, 5, 4)
    gradients = []
    for n_times in (1, _stacked_module._LEAST_TO_TRACE):
        outputs = stack(X, n_times=n_times)
        gradients.append(torch.autograd.grad(outputs.square().sum(), stack.parameters))
    for mapped, traced in zip(*gradients, strict=True):
        assert_allclose(mapped, traced, rtol=1e-5, atol=1e-6)
    for k, module in enumerate(modules):
        assert_allclose(outputs[k].detach(), module(X[k]).detach(), rtol=1e-5, atol=1e-6)
