"""The callback records every row, under its number, and does not change the fit."""

import copy
import pickle
from math import exp, log, log1p

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping, EpochScoring, LRScheduler
from skorch.dataset import Dataset, ValidSplit
from skorch.helper import predefined_split
from torch.utils.data import DataLoader, IterableDataset, Subset, WeightedRandomSampler

from sklearn_difficulty import DifficultyTracker, TrackedNetClassifier
from sklearn_difficulty.exceptions import NonFiniteLossError, UnreducibleCriterionError

FITS = {
    "plain": {},
    "shuffle": {"iterator_train__shuffle": True},
    "dropout": {"iterator_train__shuffle": True, "module__dropout": 0.5},
    "batch norm": {"iterator_train__shuffle": True, "module__batch_norm": True},
    "train split": {"iterator_train__shuffle": True, "train_split": ValidSplit(4)},
    "drop last": {"iterator_train__shuffle": True, "iterator_train__drop_last": True},
    "everything": {
        "iterator_train__shuffle": True,
        "iterator_train__drop_last": True,
        "module__dropout": 0.3,
        "module__batch_norm": True,
        "train_split": ValidSplit(4, stratified=True),
    },
}


# -- recording never changes the fit ------------------------------------------------------


@pytest.mark.parametrize("when", ["after", "during"])
@pytest.mark.parametrize("params", FITS.values(), ids=FITS)
def test_weights_and_history_are_bit_equal(
    params, when, table, make_net, seeded_fit, assert_same_fit
):
    plain, next_plain = seeded_fit(make_net(**params), *table)
    tracker = DifficultyTracker(when=when)
    recorded, next_recorded = seeded_fit(make_net(**params, callbacks=[tracker]), *table)
    assert_same_fit(plain, recorded)
    assert next_plain == next_recorded
    assert plain.module_.training == recorded.module_.training
    assert tracker.trajectory_.n_steps.tolist() == [3]


@pytest.mark.parametrize("when", ["after", "during"])
def test_workers_do_not_change_the_fit(when, table, make_net, seeded_fit, assert_same_fit):
    params = {"iterator_train__shuffle": True, "iterator_train__num_workers": 2, "max_epochs": 2}
    plain, next_plain = seeded_fit(make_net(**params), *table)
    tracker = DifficultyTracker(when=when)
    recorded, next_recorded = seeded_fit(make_net(**params, callbacks=[tracker]), *table)
    assert_same_fit(plain, recorded)
    assert next_plain == next_recorded
    assert not np.isnan(tracker.trajectory_.loss).any()


@pytest.mark.parametrize("position", ["first", "last"])
def test_early_stopping_stops_at_the_same_epoch(
    position, table, make_net, seeded_fit, assert_same_fit
):
    def stopping():
        return EarlyStopping(monitor="train_loss", patience=2, threshold=0.5)

    params = {"max_epochs": 20, "iterator_train__shuffle": True}
    plain, _ = seeded_fit(make_net(**params, callbacks=[stopping()]), *table)
    tracker = DifficultyTracker()
    callbacks = [tracker, stopping()] if position == "first" else [stopping(), tracker]
    recorded, _ = seeded_fit(make_net(**params, callbacks=callbacks), *table)
    assert_same_fit(plain, recorded)
    n_epochs = len(plain.history)
    assert n_epochs < 20
    # skorch does not call the callbacks behind the one that stops the training
    expected = n_epochs if position == "first" else n_epochs - 1
    assert tracker.trajectory_.n_steps.tolist() == [expected]


def test_learning_rate_schedule_is_the_same(table, make_net, seeded_fit, assert_same_fit):
    def callbacks(*more):
        return [
            *more,
            LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=1, gamma=0.5),
            EpochScoring("accuracy", on_train=True, name="train_acc"),
        ]

    plain, _ = seeded_fit(make_net(callbacks=callbacks()), *table)
    tracked = make_net(callbacks=callbacks(DifficultyTracker()))
    recorded, _ = seeded_fit(tracked, *table)
    assert_same_fit(plain, recorded)
    rates = [group["lr"] for group in recorded.optimizer_.param_groups]
    assert rates == [0.01 / 8]


def test_net_has_its_own_iterator_again(table, make_net):
    for when in ("after", "during"):
        net = make_net(callbacks=[DifficultyTracker(when=when)]).fit(*table)
        assert net.iterator_train is DataLoader
        assert len(net.optimizer_._optimizer_step_post_hooks) == 0


def test_net_that_fails_before_its_first_batch_has_its_own_iterator_again(table, make_net):
    net = make_net(callbacks=[DifficultyTracker(when="during")], train_split=ValidSplit(100))
    with pytest.raises(ValueError):
        net.fit(*table)
    net.set_params(train_split=None)
    assert net.partial_fit(*table).iterator_train is DataLoader


def test_criterion_and_modes_are_left_alone(table, make_net):
    class Frozen(torch.nn.Module):
        """Keeps its batch norm in evaluation mode, whatever the training does."""

        def __init__(self):
            super().__init__()
            self.norm = torch.nn.BatchNorm1d(4)
            self.linear = torch.nn.Linear(4, 3)

        def train(self, mode=True):
            super().train(mode)
            self.norm.training = False
            return self

        def forward(self, X):
            return self.linear(self.norm(X))

    weight = torch.tensor([1.0, 2.0, 3.0])
    net = make_net(module=Frozen, criterion__weight=weight, callbacks=[DifficultyTracker()])
    net.fit(*table)
    assert net.criterion_.reduction == "mean"
    assert torch.equal(net.criterion_.weight, weight)
    assert list(net.criterion_.state_dict()) == ["weight"]
    assert net.module_.training
    assert not net.module_.norm.training


# -- what is recorded: numbers known by hand ----------------------------------------------


@pytest.mark.parametrize("when", ["after", "during"])
def test_records_of_identity(when, make_net, scaled):
    X = np.array([[2, 1, 0], [0, 1, 2], [0, 0, 0]], dtype=np.float32)
    y = np.array([0, 0, 1])
    tracker = DifficultyTracker(when=when)
    make_net(
        module=scaled, optimizer=torch.optim.SGD, lr=0.0, max_epochs=2, callbacks=[tracker]
    ).fit(X, y)
    path = tracker.trajectory_
    assert path.when == when
    total = exp(2) + exp(1) + 1
    for step in range(2):
        assert_allclose(path.loss[0, step], [log(total) - 2, log(total), log(3)], rtol=1e-6)
        assert_allclose(path.margin[0, step], [1.0, -2.0, 0.0], atol=1e-6)
        assert_allclose(path.proba[0, step], [exp(2) / total, 1 / total, 1 / 3], rtol=1e-6)
        assert_array_equal(path.prediction[0, step], [0, 2, 0])
        assert_allclose(path.entropy[0, step, 2], log(3), rtol=1e-6)
        assert_allclose(path.el2n[0, step, 2], (6 / 9) ** 0.5, rtol=1e-6)
    assert path.prediction.dtype == np.int32
    assert_array_equal(path.y, y)
    assert_array_equal(path.classes, [0, 1, 2])  # as many as the module has outputs
    assert path.in_train.all()
    assert path.outputs is None
    assert path.element_action is None


def test_during_takes_the_weights_that_each_batch_met():
    class Biases(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.bias = torch.nn.Parameter(torch.zeros(2))

        def forward(self, X):
            return X + self.bias

    X, y = np.zeros((2, 2), dtype=np.float32), np.array([0, 0])
    losses = {}
    for when in ("during", "after"):
        tracker = DifficultyTracker(when=when)
        net = TrackedNetClassifier(
            Biases,
            criterion=torch.nn.CrossEntropyLoss,
            lr=1.0,
            batch_size=1,
            max_epochs=1,
            classes=[0, 1],
            train_split=None,
            verbose=0,
            callbacks=[tracker],
        )
        losses[when] = net.fit(X, y) and tracker.trajectory_.loss[0, 0]
        assert tracker.trajectory_.dt["update"].tolist() == [[2.0]]
    # the first row moves the biases from (0, 0) to (.5, -.5), the second on to (.7689, -.7689)
    assert_allclose(losses["during"], [log(2), log1p(exp(-1))], rtol=1e-6)
    after = log1p(exp(-2 * (0.5 + 1 - 1 / (1 + exp(-1)))))
    assert_allclose(losses["after"], [after, after], rtol=1e-6)
    assert_allclose(after, 0.1946, atol=1e-4)


def test_after_evaluates_and_during_trains(make_net):
    class Moody(torch.nn.Module):
        """Turns its outputs round in evaluation mode."""

        def __init__(self):
            super().__init__()
            self.factor = torch.nn.Parameter(torch.ones(()))

        def forward(self, X):
            return X * self.factor if self.training else -X * self.factor

    X, y = np.array([[3, 0], [1, 0]], dtype=np.float32), np.array([0, 1])
    margins = {}
    for when in ("after", "during"):
        tracker = DifficultyTracker(when=when)
        make_net(module=Moody, lr=0.0, callbacks=[tracker]).fit(X, y)
        margins[when] = tracker.trajectory_.margin[0, -1].tolist()
    assert margins == {"during": [3.0, -1.0], "after": [-3.0, 1.0]}


def test_outputs_on_demand(make_net, scaled):
    X = np.array([[2, 1, 0], [0, 1, 2]], dtype=np.float32)
    tracker = DifficultyTracker(keep=("outputs",))
    make_net(module=scaled, lr=0.0, max_epochs=2, callbacks=[tracker]).fit(X, np.array([0, 1]))
    assert_array_equal(tracker.trajectory_.outputs, np.stack([X, X])[None])


def test_elements_on_demand(square_net):
    X = np.array([[1, 2], [3, 4], [5, 6]], dtype=np.float32)
    tracker = DifficultyTracker(keep=("elements",))
    square_net(callbacks=[tracker], max_epochs=3).fit(X, np.zeros_like(X))
    path = tracker.trajectory_
    # three epochs of the squares, and their mean as the loss of a row
    assert_array_equal(path.element_action, [[[3, 12], [27, 48], [75, 108]]])
    assert_array_equal(path.loss[0, 0], [2.5, 12.5, 30.5])
    assert path.margin is None
    assert path.classes is None
    assert_array_equal(path.y, np.zeros((3, 2)))


def test_lengths_of_steps(table, make_net):
    tracker = DifficultyTracker()
    make_net(callbacks=[tracker]).fit(*table)
    dt = tracker.trajectory_.dt
    assert dt["epoch"].tolist() == [[1.0, 1.0, 1.0]]
    assert dt["update"].tolist() == [[8.0, 8.0, 8.0]]  # 61 rows in batches of 8
    assert (dt["wall"] > 0).all()


def test_recording_is_no_part_of_the_wall_time(square_net, squares):
    class SlowToRecord(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = torch.nn.Parameter(torch.ones(()))

        def forward(self, X):
            if not self.training:
                torch.linalg.matrix_exp(torch.ones(300, 300, dtype=torch.float64) / 1e4)
                calls.append(1)
            return X * self.factor

    calls = []
    X, y, _ = squares
    tracker = DifficultyTracker()
    net = square_net(module=SlowToRecord, callbacks=[tracker], max_epochs=1).fit(X, y)
    assert calls
    assert tracker.trajectory_.dt["wall"][0, 0] <= net.history[-1, "dur"]


def test_other_rows_can_be_recorded(square_net, squares):
    X, y, _ = squares
    tracker = DifficultyTracker(data=(X[:3] + 1, y[:3]))
    square_net(callbacks=[tracker]).fit(X, y)
    assert_array_equal(tracker.trajectory_.loss[0], [[1, 4, 9], [1, 4, 9]])
    assert not tracker.trajectory_.in_train.any()


# -- rows are told apart ------------------------------------------------------------------


def recorded_during(net_factory, X, y, **params):
    tracker = DifficultyTracker(when="during")
    net_factory(callbacks=[tracker], **params).fit(X, y)
    return tracker.trajectory_


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"iterator_train__shuffle": True},
        {"iterator_train__shuffle": True, "iterator_train__num_workers": 2},
        {"iterator_train__num_workers": 2, "iterator_train__prefetch_factor": 4},
        {"iterator_train__shuffle": True, "batch_size": -1},
        {"iterator_train__generator": torch.Generator(), "iterator_train__shuffle": True},
    ],
    ids=["plain", "shuffle", "workers", "prefetch", "one batch", "generator"],
)
def test_rows_of_shuffled_batches(params, square_net, squares):
    X, y, expected = squares
    loss = recorded_during(square_net, X, y, **params).loss
    assert_array_equal(loss[0], [expected, expected])


def test_rows_of_persistent_workers(square_net, squares):
    X, y, expected = squares
    loss = recorded_during(
        square_net,
        X,
        y,
        iterator_train__num_workers=1,
        iterator_train__persistent_workers=True,
        iterator_train__shuffle=True,
    ).loss
    assert_array_equal(loss[0], [expected, expected])


def test_dropped_rows_are_missing_in_that_epoch(square_net, squares):
    X, y, expected = squares
    path = recorded_during(
        square_net,
        X,
        y,
        iterator_train__shuffle=True,
        iterator_train__drop_last=True,
        max_epochs=6,
    )
    seen = ~np.isnan(path.loss[0])
    assert seen.sum(axis=1).tolist() == [12] * 6  # 14 rows in batches of 4
    assert_array_equal(path.loss[0][seen], np.broadcast_to(expected, (6, 14))[seen])
    assert path.in_train.all()


@pytest.mark.parametrize("when", ["after", "during"])
def test_rows_held_back_are_not_in_train(when, square_net, squares):
    X, y, expected = squares
    tracker = DifficultyTracker(when=when)
    square_net(
        callbacks=[tracker], train_split=ValidSplit(0.25, stratified=False, random_state=0)
    ).fit(X, y)
    path = tracker.trajectory_
    assert path.in_train.sum() == 10  # a quarter of 14 is held back
    recorded = ~np.isnan(path.loss[0, 0])
    assert_array_equal(recorded, path.in_train[0] if when == "during" else np.ones(14, dtype=bool))
    assert_array_equal(path.loss[0, 1][recorded], expected[recorded])


def test_validation_data_of_their_own_are_no_rows(square_net, squares):
    X, y, expected = squares
    path = recorded_during(square_net, X, y, train_split=predefined_split(Dataset(X[:5], y[:5])))
    assert path.in_train.all()
    assert_array_equal(path.loss[0, 0], expected)


def test_rows_of_a_sampler_with_replacement(square_net, squares):
    X, y, expected = squares
    sampler = WeightedRandomSampler(
        [1.0] * 7 + [0.0] * 7, num_samples=40, generator=torch.Generator().manual_seed(0)
    )
    loss = recorded_during(square_net, X, y, iterator_train__sampler=sampler).loss
    assert np.isnan(loss[0, :, 7:]).all()
    assert_array_equal(loss[0, :, :7], [expected[:7], expected[:7]])


def test_last_value_of_a_row_counts(square_net):
    class Counting(torch.nn.Module):
        """Its output is the number of the batch."""

        def __init__(self):
            super().__init__()
            self.factor = torch.nn.Parameter(torch.zeros(()))
            self.n_batches = 0

        def forward(self, X):
            self.n_batches += 1
            return X * self.factor + self.n_batches

    X = np.zeros((3, 1), dtype=np.float32)
    loss = recorded_during(
        square_net,
        X,
        X,
        module=Counting,
        batch_size=1,
        max_epochs=1,
        iterator_train__sampler=[0, 1, 0],
    ).loss
    assert_array_equal(loss[0, 0], [9.0, 4.0, np.nan])


def test_rows_of_a_batch_sampler(square_net, squares):
    X, y, expected = squares

    def iterator(dataset, batch_size):
        return DataLoader(dataset, batch_sampler=[[13, 0, 5], [2], [7, 1]])

    loss = recorded_during(square_net, X, y, iterator_train=iterator).loss
    rows = [0, 1, 2, 5, 7, 13]
    assert_array_equal(np.flatnonzero(~np.isnan(loss[0, 0])), rows)
    assert_array_equal(loss[0, 1, rows], expected[rows])


def test_rows_of_an_iterator_that_is_no_data_loader(square_net, squares):
    X, y, expected = squares

    class Backwards:
        def __init__(self, dataset, batch_size):
            self.dataset, self.batch_size = dataset, batch_size

        def __iter__(self):
            rows = range(len(self.dataset))[::-1]
            for start in range(0, len(rows), self.batch_size):
                pairs = [self.dataset[i] for i in rows[start : start + self.batch_size]]
                yield tuple(torch.as_tensor(np.stack(part)) for part in zip(*pairs, strict=True))

    loss = recorded_during(square_net, X, y, iterator_train=Backwards).loss
    assert_array_equal(loss[0], [expected, expected])


def test_iterator_that_reads_ahead_is_refused(square_net, squares):
    X, y, _ = squares

    class ReadsAll:
        def __init__(self, dataset, batch_size):
            self.dataset, self.batch_size = dataset, batch_size

        def __iter__(self):
            pairs = [self.dataset[i] for i in range(len(self.dataset))]
            X, y = (torch.as_tensor(np.stack(part)) for part in zip(*pairs, strict=True))
            yield from zip(X.split(self.batch_size), y.split(self.batch_size), strict=True)

    with pytest.raises(ValueError, match=r"batch of 4 rows after asking .* 14.*when='after'"):
        recorded_during(square_net, X, y, iterator_train=ReadsAll)


class Rows(torch.utils.data.Dataset):
    """A dataset of a user's own."""

    def __init__(self, X, y):
        self.X, self.y = X, y

    def __len__(self):
        return len(self.X)

    def __getitem__(self, i):
        return self.X[i], self.y[i]


@pytest.mark.parametrize("when", ["after", "during"])
@pytest.mark.parametrize("params", [{}, {"train_split": ValidSplit(2, stratified=False)}])
@pytest.mark.parametrize("kind", ["dataset", "subset", "subset of subset"])
def test_rows_of_a_users_dataset(kind, params, when, square_net, squares):
    X, y, expected = squares
    dataset = Rows(X, y)
    if kind != "dataset":
        dataset, expected = Subset(dataset, [9, 3, 12, 4, 1]), expected[[9, 3, 12, 4, 1]]
    if kind == "subset of subset":
        dataset, expected = Subset(dataset, [4, 2, 0]), expected[[4, 2, 0]]
    tracker = DifficultyTracker(when=when)
    square_net(callbacks=[tracker], iterator_train__shuffle=True, **params).fit(dataset, None)
    path = tracker.trajectory_
    assert path.n_samples == len(expected)
    assert path.in_train.sum() < len(expected) if params else path.in_train.all()
    recorded = path.in_train[0] if when == "during" else np.ones(len(expected), dtype=bool)
    assert_array_equal(np.isnan(path.loss[0, 0]), ~recorded)
    assert_array_equal(path.loss[0, 0][recorded], expected[recorded])


@pytest.mark.parametrize("kind", ["dict", "list"])
@pytest.mark.parametrize("when", ["after", "during"])
def test_rows_of_several_inputs(kind, when, square_net, squares):
    class Summed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = torch.nn.Parameter(torch.ones(()))

        def forward(self, a, b):
            return (a + b) * self.factor

    class Several(Summed):
        def forward(self, pair):
            return super().forward(*pair)

    X, y, expected = squares
    parts = {"a": X / 4, "b": 3 * X / 4}
    module = Summed if kind == "dict" else Several
    inputs = parts if kind == "dict" else list(parts.values())
    tracker = DifficultyTracker(when=when)
    square_net(module=module, callbacks=[tracker]).fit(inputs, y)
    assert_array_equal(tracker.trajectory_.loss[0], [expected, expected])


def test_iterable_datasets_are_refused(square_net, squares):
    X, y, _ = squares

    class Stream(IterableDataset):
        def __iter__(self):
            yield from zip(X, y, strict=True)

    class LongStream(Stream):
        def __len__(self):
            return len(X)

    for when in ("after", "during"):
        for dataset in (Stream(), LongStream()):
            net = square_net(callbacks=[DifficultyTracker(when=when)])
            with pytest.raises(TypeError, match="map-style dataset"):
                net.fit(dataset, None)


def test_batches_out_of_order_are_refused(square_net, squares):
    X, y, _ = squares
    params = {"iterator_train__in_order": False, "iterator_train__num_workers": 2}
    with pytest.raises(TypeError, match="in_order=False"):
        recorded_during(square_net, X, y, **params)


# read-only: the training pass is skorch's own DataLoader, of which torch warns
@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
@pytest.mark.parametrize("when", ["after", "during"])
def test_reversed_and_read_only_arrays(when, square_net, squares):
    X, y, expected = squares
    reversed_X, reversed_y = X[::-1], y[::-1]
    read_only = reversed_X.copy()
    read_only.flags.writeable = False
    for data in (reversed_X, read_only):
        tracker = DifficultyTracker(when=when)
        square_net(callbacks=[tracker]).fit(data, reversed_y)
        assert_array_equal(tracker.trajectory_.loss[0, 0], expected[::-1])


# -- several trainings --------------------------------------------------------------------


def test_partial_fit_continues_the_path(table, make_net):
    torch.manual_seed(0)
    tracker = DifficultyTracker()
    net = make_net(callbacks=[tracker], max_epochs=2)
    net.partial_fit(*table)
    first = tracker.trajectory_
    net.partial_fit(*table)
    assert tracker.trajectory_.n_steps.tolist() == [4]
    assert_array_equal(tracker.trajectory_.loss[:, :2], first.loss)
    assert tracker.trajectory_.snapshots.steps(0) == (0, 1, 2, 3)
    assert first.loss.shape == (1, 2, 61)

    torch.manual_seed(0)
    whole = DifficultyTracker()
    make_net(callbacks=[whole], max_epochs=4).fit(*table)
    assert_array_equal(whole.trajectory_.loss, tracker.trajectory_.loss)


def test_warm_start_continues_the_path(table, make_net):
    tracker = DifficultyTracker()
    net = make_net(callbacks=[tracker], max_epochs=2, warm_start=True).fit(*table)
    net.fit(*table)
    assert tracker.trajectory_.n_steps.tolist() == [4]


def test_fit_starts_the_path_anew(table, make_net):
    tracker = DifficultyTracker()
    net = make_net(callbacks=[tracker], max_epochs=2).fit(*table)
    net.set_params(max_epochs=3)
    net.fit(*table)
    assert tracker.trajectory_.n_steps.tolist() == [3]


def test_fit_to_other_rows_starts_the_path_anew(table, make_net):
    X, y = table
    tracker = DifficultyTracker()
    net = make_net(callbacks=[tracker], max_epochs=2).fit(X, y)
    net.partial_fit(X[:20], y[:20])
    assert tracker.trajectory_.loss.shape == (1, 2, 20)


def test_copies(table, make_net):
    net = make_net(callbacks=[("tracker", DifficultyTracker(snapshots=2))]).fit(*table)
    path = dict(net.callbacks_)["tracker"].trajectory_
    for twin in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert_array_equal(dict(twin.callbacks_)["tracker"].trajectory_.loss, path.loss)
        twin.partial_fit(*table)
        assert dict(twin.callbacks_)["tracker"].trajectory_.n_steps.tolist() == [6]
    assert path.n_steps.tolist() == [3]
    blank = clone(net)
    assert dict(blank.callbacks)["tracker"].get_params()["snapshots"] == 2
    with pytest.raises(AttributeError, match="before an epoch"):
        dict(blank.callbacks)["tracker"].trajectory_  # noqa: B018


def test_no_trajectory_before_training():
    with pytest.raises(AttributeError, match="before an epoch of training is completed"):
        DifficultyTracker().trajectory_  # noqa: B018


# skorch warns of predictions in shuffled order; recording passes go through this iterator too
@pytest.mark.filterwarnings("ignore:You set iterator_valid__shuffle=True")
def test_shuffled_recording_passes_know_their_rows(square_net, squares):
    X, y, expected = squares
    tracker = DifficultyTracker()
    square_net(callbacks=[tracker], iterator_valid__shuffle=True).fit(X, y)
    assert_array_equal(tracker.trajectory_.loss[0], [expected, expected])


# -- what goes wrong ----------------------------------------------------------------------


@pytest.mark.parametrize("when", ["after", "during"])
def test_loss_that_is_not_finite(when, square_net):
    X, y = np.ones((6, 1), dtype=np.float32), np.zeros((6, 1), dtype=np.float32)
    # The factor goes from 1 to -2e15 in the first epoch and to 4e30 in the second, and the
    # square of that is beyond float32.
    tracker = DifficultyTracker(when=when)
    net = square_net(lr=1e15, max_epochs=10, batch_size=6, callbacks=[tracker])
    with pytest.raises(NonFiniteLossError, match="Lower the learning rate") as caught:
        net.fit(X, y)
    # in the training pass, an epoch meets the weights that the epoch before left
    step = 1 if when == "after" else 2
    error = pickle.loads(pickle.dumps(caught.value))
    assert f"epoch {step + 1} (step {step})" in str(error)
    assert (error.step, error.n_rows) == (step, 6)
    assert error.trajectory.n_steps.tolist() == [step]
    assert np.isfinite(error.trajectory.loss).all()
    assert tracker.trajectory_.n_steps.tolist() == [step]
    pickle.loads(pickle.dumps(net))


def test_loss_that_is_not_finite_at_once(square_net):
    X, y = np.ones((6, 1), dtype=np.float32), np.zeros((6, 1), dtype=np.float32)
    with pytest.raises(NonFiniteLossError) as caught:
        square_net(lr=1e30, callbacks=[DifficultyTracker()]).fit(X, y)
    assert caught.value.step == 0
    assert caught.value.trajectory is None


def test_probabilities_are_asked_for(table, make_net):
    net = make_net(criterion=torch.nn.NLLLoss, callbacks=[DifficultyTracker()])
    with pytest.raises(ValueError, match="module that returns probabilities"):
        net.fit(*table)


def test_compiled_criterion_without_logarithm(table, make_net):
    class Wrapped(torch.nn.Module):
        """As torch.compile wraps a criterion."""

        def __init__(self, criterion):
            super().__init__()
            self._orig_mod = criterion

        def forward(self, *args):
            return self._orig_mod(*args)

    class Compiled(type(make_net())):
        def initialize(self):
            super().initialize()
            self.criterion_ = Wrapped(self.criterion_)
            return self

    net = make_net(
        Compiled,
        criterion=torch.nn.NLLLoss,
        module__softmax=True,
        callbacks=[DifficultyTracker()],
    )
    with pytest.raises(ValueError, match="compile=True with criterion=NLLLoss"):
        net.fit(*table)
    good = make_net(Compiled, callbacks=[DifficultyTracker(snapshots="all")]).fit(*table)
    assert good.module_.training


def test_coupled_criterion(table, make_net):
    class Ranked(torch.nn.Module):
        def forward(self, outputs, y):
            return (outputs - outputs.mean(dim=0)).square().mean()

    with pytest.raises(UnreducibleCriterionError, match=r"Ranked .*average"):
        make_net(criterion=Ranked, callbacks=[DifficultyTracker()]).fit(*table)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"when": "before"}, r"when must be one of 'after', 'during'; got 'before'"),
        ({"keep": ("pixels",)}, r"keep must be one of 'outputs', 'elements'; got 'pixels'"),
        ({"snapshots": "some"}, r'snapshots must be "auto", "all".*got \'some\''),
        ({"snapshots": 0}, r"snapshots must be a whole number, at least 1; got 0"),
        ({"data": (1, 2), "when": "during"}, r"data was given with when='during'"),
    ],
)
def test_bad_parameters(params, message, table, make_net):
    with pytest.raises(ValueError, match=message):
        make_net(callbacks=[DifficultyTracker(**params)]).fit(*table)


def test_interrupted_epoch_does_not_exist(table, make_net):
    class Interrupts(EpochScoring):
        def __init__(self):
            super().__init__("accuracy")

        def on_batch_end(self, net, **kwargs):
            if len(net.history) == 2 and len(net.history[-1, "batches"]) == 3:
                raise KeyboardInterrupt

    tracker = DifficultyTracker(when="during")
    net = make_net(callbacks=[tracker, Interrupts()]).fit(*table)
    assert tracker.interrupted_
    assert tracker.trajectory_.n_steps.tolist() == [1]
    assert isinstance(net, NeuralNet)


def test_other_targets_start_another_trajectory(table, make_net):
    X, y = table
    tracker = DifficultyTracker()
    net = make_net(callbacks=[tracker], max_epochs=2)
    net.partial_fit(X, y).partial_fit(X, y)
    assert tracker.trajectory_.n_steps_max == 4
    other = (y + 1) % 3
    net.partial_fit(X, other)
    assert tracker.trajectory_.n_steps_max == 2
    assert_array_equal(tracker.trajectory_.y, other)


def test_released_tracker_keeps_the_trajectory_only(table, make_net):
    X, y = table
    tracker = DifficultyTracker(data=(X[:5], y[:5]))
    make_net(callbacks=[tracker]).fit(X, y)
    trajectory = tracker.trajectory_
    assert tracker.release() is trajectory
    assert tracker.trajectory_ is trajectory
    assert tracker.data is None
    assert pickle.loads(pickle.dumps(tracker)).trajectory_.n_samples == 5


class MaskedError(torch.nn.Module):
    """Squared error that leaves missing targets out."""

    reduction = "mean"

    def forward(self, outputs, y):
        losses = torch.where(torch.isnan(y), 0.0, (outputs - torch.nan_to_num(y)) ** 2)
        return losses.mean() if self.reduction == "mean" else losses


def test_targets_that_are_missing_go_on(table):
    X = table[0]
    y = X[:, :1].copy()
    y[3] = np.nan
    tracker = DifficultyTracker()
    net = NeuralNet(
        torch.nn.Linear,
        MaskedError,
        module__in_features=4,
        module__out_features=1,
        callbacks=[tracker],
        max_epochs=2,
        train_split=None,
        verbose=0,
    )
    net.partial_fit(X, y).partial_fit(X, y)
    assert tracker.trajectory_.n_steps_max == 4


class InShortFloats(torch.nn.Module):
    """Computes in a type that NumPy lacks."""

    def __init__(self, dtype):
        super().__init__()
        self.linear = torch.nn.Linear(4, 3, dtype=dtype)

    def forward(self, X):
        return self.linear(X.to(self.linear.weight.dtype))


@pytest.mark.parametrize("when", ["after", "during"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_outputs_in_short_floats(dtype, when, table, make_net, seeded_fit, assert_same_fit):
    params = {"module": InShortFloats, "module__dtype": dtype, "optimizer": torch.optim.SGD}
    tracker = DifficultyTracker(when, keep=("outputs",))
    recorded = seeded_fit(make_net(**params, callbacks=[tracker]), *table)[0]
    assert_same_fit(seeded_fit(make_net(**params), *table)[0], recorded)
    path = tracker.trajectory_
    assert path.loss.dtype == path.outputs.dtype == np.float32
    assert_allclose(path.loss, -np.log(path.proba), rtol=0.05, atol=0.02)
    assert_array_equal(path.prediction, path.outputs.argmax(axis=-1))


def test_targets_in_short_floats(table, make_net):
    X = torch.tensor(table[0])
    net = make_net(
        NeuralNet,
        module=InShortFloats,
        module__dtype=torch.bfloat16,
        criterion=torch.nn.MSELoss,
        callbacks=[DifficultyTracker()],
    ).fit(X, X[:, :3].bfloat16())
    path = dict(net.callbacks_)["DifficultyTracker"].trajectory_
    assert_array_equal(path.y, X[:, :3].bfloat16().float())


def test_epochs_without_a_batch(table, make_net, seeded_fit, assert_same_fit):
    params = {"batch_size": 100, "iterator_train__drop_last": True}
    tracker = DifficultyTracker()
    recorded = seeded_fit(make_net(**params, callbacks=[tracker]), *table)[0]
    assert_same_fit(seeded_fit(make_net(**params), *table)[0], recorded)
    path = tracker.trajectory_
    assert path.dt["update"].tolist() == [[0.0, 0.0, 0.0]]
    assert_array_equal(path.loss[0, 0], path.loss[0, 2])
    assert_allclose(path.loss, -np.log(path.proba), rtol=1e-5)


def test_an_epoch_without_a_batch_has_no_records_of_its_own(table, make_net):
    params = {"batch_size": 100, "iterator_train__drop_last": True}
    tracker = DifficultyTracker(when="during")
    with pytest.raises(ValueError, match=r"epoch without a batch .* batch_size .* drop_last"):
        make_net(**params, callbacks=[tracker]).fit(*table)
