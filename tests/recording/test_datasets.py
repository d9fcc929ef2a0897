"""Datasets of torch are rows like others: the same trainings, records and scores as of arrays."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import KFold
from skorch import NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import EpochScoring
from skorch.dataset import Dataset
from torch.utils.data import ConcatDataset, DataLoader, IterableDataset, Subset, TensorDataset

from sklearn_difficulty import DifficultyScorer, TrackedNetClassifier, TrackedNetRegressor
from sklearn_difficulty.exceptions import RecordNotFoundError
from sklearn_difficulty.recording._array_batches import ArrayBatches, faster
from sklearn_difficulty.recording._datasets import LabelledDataset, targets_of

NAMES = np.array(["r", "s", "t"])


class Lazy(torch.utils.data.Dataset):
    """Makes its items when they are asked for: pairs, or inputs alone."""

    def __init__(self, X, y=None):
        self.rows, self.labels = X, y
        self.asked = []

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, row):
        self.asked.append(row)
        X = torch.as_tensor(self.rows[row])
        return X if self.labels is None else (X, self.labels[row])


def make_dataset(kind, X, y):
    """A dataset of a kind, and the targets to pass beside it (None: they are inside)."""
    pieces = [Lazy(X[:20], y[:20]), TensorDataset(torch.as_tensor(X[20:]), torch.as_tensor(y[20:]))]
    around = np.r_[np.zeros(7, dtype=int), np.arange(len(X))]
    return {
        "skorch": (Dataset(X, y), None),
        "skorch, y beside": (Dataset(X), y),
        "tensors": (TensorDataset(torch.as_tensor(X), torch.as_tensor(y)), None),
        "tensor, y beside": (TensorDataset(torch.as_tensor(X)), y),
        "lazy": (Lazy(X, y.tolist()), None),
        "lazy, y beside": (Lazy(X), y),
        "lazy pairs, y beside": (Lazy(X, np.zeros_like(y)), y),
        "names beside": (Lazy(X), NAMES[y]),
        "subset": (Subset(Lazy(X[around], y[around]), range(7, len(around))), None),
        "subset of subset of arrays": (
            Subset(Subset(Dataset(X[around], y[around]), np.arange(len(around))), range(7, 68)),
            None,
        ),
        "joined": (ConcatDataset(pieces), None),
    }[kind]


KINDS = [
    "skorch",
    "skorch, y beside",
    "tensors",
    "tensor, y beside",
    "lazy",
    "lazy, y beside",
    "lazy pairs, y beside",
    "names beside",
    "subset",
    "subset of subset of arrays",
    "joined",
]


@pytest.fixture
def scorer(make_net):
    def make(kind=NeuralNetClassifier, **options):
        net = make_net(kind, iterator_train__shuffle=True, module__dropout=0.3)
        return DifficultyScorer(net, **{"random_state": 0} | options)

    return make


# -- as rows of an array ------------------------------------------------------------------


@pytest.mark.parametrize("net", [NeuralNetClassifier, TrackedNetClassifier])
@pytest.mark.parametrize("kind", KINDS)
def test_same_training_as_of_an_array(kind, net, table, scorer):
    X, y = table
    dataset, beside = make_dataset(kind, X, y)
    of_dataset = scorer(net).fit(dataset, beside)
    of_array = scorer(net).fit(X, y)
    ours, theirs = of_dataset.trajectory_, of_array.trajectory_
    # batches of another size, and other rounding, where rows are asked for one by one
    for name in ("loss", "margin", "proba", "entropy", "el2n"):
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-4, atol=1e-5)
    assert_array_equal(ours.prediction, theirs.prediction)
    assert_array_equal(ours.y, y)
    assert of_dataset.classes_.tolist() == (
        ["r", "s", "t"] if kind == "names beside" else [0, 1, 2]
    )
    for name, value in of_dataset.estimators_[0].module_.state_dict().items():
        assert torch.equal(value, of_array.estimators_[0].module_.state_dict()[name]), name


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_known_again(kind, table, scorer):
    X, y = table
    dataset, beside = make_dataset(kind, X, y)
    fitted = scorer().fit(dataset, beside)
    assert_array_equal(fitted.score_samples(dataset), fitted.scores_)
    assert_array_equal(fitted.score_samples(dataset, fitted.classes_[y]), fitted.scores_)
    backwards = Subset(dataset, range(60, -1, -1))
    assert_array_equal(fitted.score_samples(backwards), fitted.scores_[::-1])


@pytest.mark.parametrize("kind", ["skorch", "lazy", "subset of subset of arrays"])
def test_new_rows(kind, table, scorer):
    X, y = table
    fitted = scorer(snapshots="all").fit(X, y)
    dataset, _ = make_dataset(kind, X + 1, y)
    assert_allclose(fitted.score_samples(dataset), fitted.score_samples(X + 1), rtol=1e-5)
    assert_allclose(fitted.score_samples(dataset, y), fitted.score_samples(X + 1, y), rtol=1e-5)
    # some known, some new
    mixed = ConcatDataset([Lazy(X[:3]), Lazy(X[:2] + 1)])
    expected = [*fitted.scores_[:3], *fitted.score_samples(X[:2] + 1)]
    assert_allclose(fitted.score_samples(mixed), expected, rtol=1e-5)


@pytest.mark.parametrize("kind", ["tensors", "lazy", "subset of subset of arrays"])
def test_folds(kind, table, scorer):
    X, y = table
    dataset, beside = make_dataset(kind, X, y)
    folds = KFold(3, shuffle=True, random_state=0)
    held_out = scorer(cv=folds).fit(dataset, beside)
    assert not held_out.trajectory_.in_train.any()
    assert_allclose(held_out.scores_, scorer(cv=folds).fit(X, y).scores_, rtol=1e-5)


@pytest.mark.parametrize("kind", ["skorch", "lazy, y beside"])
def test_gradients(kind, table, scorer):
    X, y = table
    dataset, beside = make_dataset(kind, X, y)
    of_dataset = scorer(score="vog").fit(dataset, beside)
    of_array = scorer(score="vog").fit(X, y)
    assert_allclose(of_dataset.scores_, of_array.scores_, rtol=1e-4)
    new = Lazy(X + 1)
    assert_allclose(of_dataset.score_samples(new), of_array.score_samples(X + 1), rtol=1e-4)


def test_regression(table, make_net):
    X, _ = table
    y = X[:, 0].astype(np.float64)
    net = make_net(
        NeuralNetRegressor,
        module=torch.nn.Linear,
        module__in_features=4,
        module__out_features=1,
        criterion=torch.nn.MSELoss,
    )
    expected = DifficultyScorer(net, random_state=0).fit(X, y)
    for dataset in (
        Lazy(X, y),
        Lazy(X, torch.as_tensor(y)),
        TensorDataset(*map(torch.tensor, (X, y))),
    ):
        fitted = DifficultyScorer(net, random_state=0).fit(dataset)
        assert_allclose(fitted.scores_, expected.scores_, rtol=1e-5)
        assert not hasattr(fitted, "classes_")


class TwoInputs(torch.nn.Module):
    """Takes its features in two parts, by name or as a pair."""

    def __init__(self, as_pair=False):
        super().__init__()
        self.linear = torch.nn.Linear(4, 3)
        self.as_pair = as_pair

    def forward(self, *pair, **named):
        parts = pair[0] if self.as_pair else [named["a"], named["b"]]
        return self.linear(torch.cat(list(parts), dim=1))


@pytest.mark.parametrize("as_pair", [False, True])
def test_rows_of_several_inputs(as_pair, table, make_net):
    X, y = table
    parts = (X[:, :2], X[:, 2:]) if as_pair else {"a": X[:, :2], "b": X[:, 2:]}
    net = make_net(module=TwoInputs, module__as_pair=as_pair)
    fitted = DifficultyScorer(net, random_state=0).fit(Dataset(parts, y))
    linear = make_net(module=torch.nn.Linear, module__in_features=4, module__out_features=3)
    expected = DifficultyScorer(linear, random_state=0).fit(X, y)
    assert_allclose(fitted.scores_, expected.scores_, rtol=1e-5)
    assert_array_equal(fitted.score_samples(Dataset(parts, y)), fitted.scores_)
    with pytest.raises(RecordNotFoundError, match="one array of real numbers per row"):
        fitted.score_samples(Dataset(parts, y), score="vog")


def test_scoring_callbacks_see_the_targets(table, make_net):
    X, y = table
    scoring = EpochScoring("accuracy", on_train=True, name="train_acc")
    net = make_net(callbacks=[scoring], iterator_train__shuffle=True)
    fits = [DifficultyScorer(net, random_state=0).fit(*data) for data in ((X, y), (Lazy(X, y),))]
    of_array, of_dataset = (fit.estimators_[0].history[:, "train_acc"] for fit in fits)
    assert of_dataset == of_array
    assert of_array[-1] > 0.4


# -- what is read of it -------------------------------------------------------------------


def test_how_often_rows_are_asked_for(table, scorer):
    X, y = table
    dataset = Lazy(X, y)
    scorer().fit(dataset)
    # all targets; two rows to try the module on, and the criterion; 3 epochs of training and of
    # recording; and once to know the rows again
    assert len(dataset.asked) == 61 + 2 + 2 + 3 * 61 + 3 * 61 + 61


def test_arrays_in_a_dataset_are_drawn_from_at_once(table):
    X, y = table
    order = np.random.default_rng(0).permutation(61)
    inside = {
        "array": Dataset(X, 2 - y),
        "tensor": TensorDataset(torch.as_tensor(X)),
        "subset": Subset(Dataset(X, 2 - y), order),
    }
    for name, dataset in inside.items():
        rows = order if name == "subset" else np.arange(61)
        labelled = LabelledDataset(dataset, y[rows])
        torch.manual_seed(0)
        loader = DataLoader(labelled, batch_size=8, shuffle=True)
        batches = faster(loader)
        assert isinstance(batches, ArrayBatches)
        ours = list(batches)
        torch.manual_seed(0)
        for (X_ours, y_ours), (X_theirs, y_theirs) in zip(ours, loader, strict=True):
            assert torch.equal(X_ours, X_theirs)
            assert torch.equal(y_ours, y_theirs)
        held_out = faster(DataLoader(Subset(labelled, [5, 3]), batch_size=8))
        [(X_few, y_few)] = list(held_out)
        assert_array_equal(X_few, X[rows[[5, 3]]])
        assert_array_equal(y_few, y[rows[[5, 3]]])


def test_changed_items_are_not_passed_by(table):
    X, y = table

    class Doubled(Dataset):
        def transform(self, X, y):
            return 2 * X, y

    labelled = LabelledDataset(Doubled(X, y), y)
    loader = DataLoader(labelled, batch_size=61)
    assert faster(loader) is loader
    [(doubled, _)] = list(loader)
    assert_array_equal(doubled, 2 * X)


def test_targets():
    X, y = np.zeros((3, 2)), np.array([2, 0, 1])
    pairs = Lazy(X, [torch.tensor(2), 0, np.int64(1)])
    for dataset in (Dataset(X, y), pairs, TensorDataset(torch.tensor(X), torch.tensor(y))):
        assert_array_equal(targets_of(dataset), [2, 0, 1])
        assert_array_equal(targets_of(Subset(dataset, [1, 1, 0])), [0, 0, 2])
    assert targets_of(Lazy(X, ["r", "t", "s"])).tolist() == ["r", "t", "s"]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_targets_of_a_type_that_numpy_may_lack(dtype):
    X, y = torch.zeros(3, 2), torch.tensor([0.5, 0.0, 2.0], dtype=dtype)
    holding = Lazy(X, y)
    holding.y = y
    for dataset in (Lazy(X, y), TensorDataset(X, y), TensorDataset(X, y[:, None]), holding):
        found = targets_of(dataset)
        assert found.dtype == np.float32
        assert found.ravel().tolist() == [0.5, 0.0, 2.0]


def test_regression_on_short_targets(make_net):
    X = torch.rand(40, 4, generator=torch.Generator().manual_seed(0))
    y = X.sum(1).to(torch.bfloat16)
    net = make_net(TrackedNetRegressor, module=None, criterion=torch.nn.MSELoss, max_epochs=2)
    net.set_params(module=torch.nn.Linear, module__in_features=4, module__out_features=1)
    short, known = (
        DifficultyScorer(net, random_state=0).fit(TensorDataset(X, targets)).trajectory_
        for targets in (y, y.float())
    )
    assert_array_equal(short.loss, known.loss)
    assert_array_equal(short.y, y.float())


# -- bad input ----------------------------------------------------------------------------


class Stream(IterableDataset):
    def __iter__(self):
        yield np.zeros(4, dtype=np.float32), 0


class LongStream(Stream):
    def __len__(self):
        return 61


@pytest.mark.parametrize("stream", [Stream(), LongStream()])
@pytest.mark.parametrize("beside", [False, True])
def test_streams(stream, beside, table, scorer):
    with pytest.raises(TypeError, match="use a map-style dataset"):
        scorer().fit(stream, table[1] if beside else None)


def test_no_targets(table, scorer):
    with pytest.raises(ValueError, match=r"item 0 of Lazy is no pair.*pass the targets as y"):
        scorer().fit(Lazy(table[0]))
    with pytest.raises(ValueError, match=r"item 0 of TensorDataset is no pair"):
        scorer().fit(TensorDataset(torch.as_tensor(table[0])))


def test_too_few_targets(table, scorer):
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[61, 60\]"):
        scorer().fit(Lazy(table[0]), table[1][:60])


@pytest.mark.parametrize("kind", [TrackedNetClassifier, TrackedNetRegressor])
def test_a_network_that_sizes_itself_needs_an_array(kind, table):
    X, y = table
    net = kind(criterion=torch.nn.MSELoss, train_split=None, verbose=0)
    for dataset in (Dataset(X, y), Lazy(X, y), TensorDataset(*map(torch.as_tensor, (X, y)))):
        with pytest.raises(ValueError, match=r"module=None needs X as an array.*pass a module"):
            net.fit(dataset)
        with pytest.raises(ValueError, match=r"module=None needs X as an array.*pass a module"):
            DifficultyScorer(net).fit(dataset)


@pytest.mark.parametrize("estimator", [None, SGDClassifier(), HistGradientBoostingClassifier()])
def test_estimators_that_take_arrays(estimator, table):
    X, y = table
    with pytest.raises(TypeError, match=r"X is a Lazy, which only skorch nets with a module"):
        DifficultyScorer(estimator).fit(Lazy(X, y))
