"""Where tasks beyond one label per row meet what users bring along."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.utils import get_tags
from skorch import NeuralNetClassifier
from torch.utils.data import Dataset, TensorDataset

from sklearn_difficulty import (
    DifficultyScorer,
    TrackedNet,
    TrackedNetClassifier,
    TrackedNetRegressor,
)
from sklearn_difficulty.exceptions import RecordNotFoundError, UnreducibleCriterionError
from sklearn_difficulty.scores import SCORES

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)).astype(np.float32)
LABELS = (X[:, :3] > 0).astype(int)
BCE = torch.nn.BCEWithLogitsLoss


def make_net(kind=TrackedNet, n_outputs=3, module=torch.nn.Linear, **options):
    layer = {"module__in_features": 4, "module__out_features": n_outputs}
    defaults = {"max_epochs": 2, "train_split": None, "verbose": 0}
    own = {"device": "cpu"} if kind is not NeuralNetClassifier else {}
    return kind(module, **(layer | defaults | own | options))


@pytest.mark.parametrize("name", [n for n, score in SCORES.items() if score.label_sets])
def test_scores_of_label_sets_without_an_estimator(name):
    scorer = DifficultyScorer(score=name, n_runs=2, random_state=0).fit(X, LABELS)
    assert np.isfinite(scorer.scores_).all()


class Rows(Dataset):
    """A dataset of a user's own, which holds its targets as `y` and its rows under another name."""

    def __init__(self, data, y):
        self.data, self.y = data, y

    def __len__(self):
        return len(self.data)

    def __getitem__(self, row):
        return torch.as_tensor(self.data[row]), torch.as_tensor(self.y[row])


def test_dataset_that_holds_targets_and_no_rows():
    y = LABELS[:, 0].astype(np.int64)
    net = make_net(TrackedNetClassifier, 2, criterion=torch.nn.CrossEntropyLoss, classes=[0, 1])
    assert net.fit(Rows(X, y), None).trajectory_.y.tolist() == y.tolist()


def test_dataset_whose_targets_are_a_list_that_stacks():
    masks = [np.full((4,), row, dtype=np.float32) for row in range(60)]
    net = make_net(n_outputs=4, criterion=torch.nn.MSELoss)
    assert net.fit(Rows(X, masks), None).trajectory_.y.shape == (60, 4)


def shares():
    values = LABELS.astype(np.float32)
    values[32:] = 0.7
    return values


def test_shares_of_labels_in_a_dataset():
    data = TensorDataset(torch.as_tensor(X), torch.as_tensor(shares()))
    net = make_net(criterion=BCE, batch_size=16)
    scorer = DifficultyScorer(net, random_state=0).fit(data)
    assert scorer.trajectory_.prediction is None
    assert np.array_equal(scorer.trajectory_.y, shares())
    # read batch by batch, the first of which looks like labels
    with pytest.raises(ValueError, match=r"others shares of them.*pass X and y as arrays"):
        net.fit(data, None)


def test_shares_of_labels_of_many_new_rows():
    rng = np.random.default_rng(0)
    new = rng.normal(size=(20_000, 4)).astype(np.float32)
    targets = np.full((20_000, 3), 0.7, dtype=np.float32)
    targets[:10_000] = 1.0  # so that some batches hold no share
    scorer = DifficultyScorer(make_net(criterion=BCE), random_state=0).fit(X, shares())
    assert np.isfinite(scorer.score_samples(new, targets)).all()


def test_options_of_a_mapping_of_criteria_are_for_nobody():
    net = make_net(criterion={"ce": torch.nn.CrossEntropyLoss}, criterion__ignore_index=1)
    with pytest.raises(ValueError, match=r"criterion__ignore_index was given.*is a mapping"):
        net.fit(X, LABELS[:, 0])


def test_criteria_in_a_mapping_say_what_is_learned():
    y = np.where(X[:, 0] > 0, 20, 10)
    net = make_net(n_outputs=1, criterion={"squared": torch.nn.MSELoss})
    scorer = DifficultyScorer(net, random_state=0).fit(X, y)
    assert not hasattr(scorer, "classes_")
    assert scorer.scores_.max() > 100  # of 10 and 20, not of 0 and 1
    labels = DifficultyScorer(make_net(criterion={"a": BCE}), score="correctness", random_state=0)
    assert labels.fit(X, LABELS).scores_.shape == (60,)


def test_keep_of_a_net_and_of_a_scorer():
    y = X[:, 0] + 0.1
    net = make_net(TrackedNetRegressor, 1, criterion=torch.nn.MSELoss, keep="outputs")
    assert DifficultyScorer(net, random_state=0).fit(X, y).trajectory_.outputs is not None
    with pytest.raises(TypeError, match=r"keep must be a tuple of names.*got None"):
        DifficultyScorer(net, keep=None).fit(X, y)
    with pytest.raises(ValueError, match=r"keep must be one of .*; got 'pixels'"):
        DifficultyScorer(net, keep="pixels").fit(X, y)


class KeepsRates(NeuralNetClassifier):
    """A net whose own parameter happens to be called so."""

    def __init__(self, *args, keep=0.5, **kwargs):
        super().__init__(*args, **kwargs)
        self.keep = keep


def test_parameter_of_a_users_own_net_is_its_own():
    net = make_net(KeepsRates, 2, criterion=torch.nn.CrossEntropyLoss, device="cpu")
    assert DifficultyScorer(net, random_state=0).fit(X, LABELS[:, 0]).scores_.shape == (60,)


@pytest.mark.parametrize("estimator", [LogisticRegression, "abc", 3], ids=repr)
def test_tags_of_what_is_no_estimator(estimator):
    scorer = DifficultyScorer(estimator)
    assert get_tags(scorer).target_tags.required
    assert "DifficultyScorer" in scorer._repr_html_()


class FlatError(torch.nn.Module):
    def forward(self, outputs, y):
        return {"error": (outputs[:, 0] - y) ** 2}


def test_error_of_shapes_that_broadcast():
    net = make_net(n_outputs=1, criterion=FlatError)
    with pytest.raises(UnreducibleCriterionError, match=r"shape \(60, 60\) for 60 rows.*\(60, 1\)"):
        DifficultyScorer(net.set_params(batch_size=60), random_state=0).fit(X, X[:, 0] + 0.1)


class ByNumberInBatch(torch.nn.Module):
    """Divides by the mean number of boxes in the batch, which is that of its first half as well."""

    def forward(self, outputs, boxes):
        numbers = torch.tensor([float(len(row)) for row in boxes])
        return {"box": outputs[:, 0] ** 2 * numbers / numbers.mean()}


def test_part_that_couples_rows_of_which_the_halves_are_alike():
    boxes = [np.zeros((1 + row % 2, 2), dtype=np.float32) for row in range(60)]
    net = make_net(n_outputs=1, criterion=ByNumberInBatch, batch_size=20)
    with pytest.raises(UnreducibleCriterionError, match="its part 'box'"):
        DifficultyScorer(net, random_state=0).fit(X, boxes)


def test_targets_are_not_those_of_the_caller():
    y = LABELS.copy()
    scorer = DifficultyScorer(make_net(criterion=BCE), random_state=0).fit(X, y)
    y[:] = 1
    assert np.array_equal(scorer.trajectory_.y, LABELS)


def test_easiness_of_an_autoencoder_names_no_option_that_is_refused():
    net = make_net(n_outputs=4, criterion=torch.nn.MSELoss)
    with pytest.raises(RecordNotFoundError, match="'easiness' needs classes") as caught:
        DifficultyScorer(net, score="easiness").fit(X)
    assert "tol" not in str(caught.value)


class Nothing(torch.nn.Module):
    def forward(self, outputs, y):
        return {}


class Number(torch.nn.Module):
    def forward(self, outputs, y):
        return {"error": 1.0}


@pytest.mark.parametrize(
    ("criterion", "message"), [(Nothing, "no parts"), (Number, "1.0 as its part 'error'")]
)
def test_criteria_that_return_no_losses(criterion, message):
    with pytest.raises((TypeError, ValueError), match=message):
        DifficultyScorer(make_net(criterion=criterion), random_state=0).fit(X, X[:, :3])
