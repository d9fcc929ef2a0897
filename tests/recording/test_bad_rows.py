"""Rows whose loss is not finite are named, with the part of the loss."""

import numpy as np
import pytest
import torch

from sklearn_difficulty import DifficultyScorer, TrackedNet
from sklearn_difficulty.exceptions import NonFiniteLossError
from sklearn_difficulty.recording._bad_rows import BadRows
from sklearn_difficulty.recording._elements import RowLosses


def losses(*values, components=None, is_empty=None):
    as_tensors = {name: torch.tensor(part) for name, part in (components or {}).items()}
    empty = None if is_empty is None else torch.tensor(is_empty)
    return RowLosses(torch.tensor(values), as_tensors, is_empty=empty)


def test_finite_losses_are_not_bad():
    bad = BadRows()
    bad.note(np.array([3, 1]), losses(0.0, 1e30))
    assert bad.rows == []


def test_rows_and_parts_are_named():
    bad = BadRows()
    parts = {"box": [1.0, torch.inf, 1.0], "class": [1.0, 1.0, 1.0]}
    bad.note(np.array([7, 2, 5]), losses(2.0, torch.inf, 2.0, components=parts))
    assert bad.rows == [2]
    assert bad.described() == "row 2, in the part 'box'"


def test_few_of_many_are_named():
    bad = BadRows()
    for row in range(9, 2, -1):
        bad.note(np.array([row]), losses(torch.nan))
    assert len(bad.rows) == 7
    assert bad.described() == "rows 3, 4, 5, 6, 7, ..."


def test_rows_without_elements_are_not_bad():
    bad = BadRows()
    bad.note(np.arange(2), losses(torch.nan, torch.nan, is_empty=[True, False]))
    assert bad.rows == [1]


class Ratio(torch.nn.Module):
    """Divides by the size of a target, which is nothing in one row."""

    def forward(self, outputs, targets):
        sizes = torch.stack([target.sum() for target in targets])
        return {"error": outputs[:, 0] ** 2, "relative": (outputs[:, 1].detach() ** 2 + 1) / sizes}


def test_error_of_a_training_says_which_rows():
    X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    targets = [np.ones(2, dtype=np.float32) for _ in X]
    targets[13] = np.zeros(2, dtype=np.float32)
    net = TrackedNet(
        torch.nn.Linear,
        module__in_features=3,
        module__out_features=2,
        criterion=Ratio,
        lr=0.0,
        train_split=None,
        verbose=0,
        device="cpu",
    )
    with pytest.raises(NonFiniteLossError, match=r"1 of 20 rows.*: row 13, in the part 'relative'"):
        DifficultyScorer(net, random_state=0).fit(X, targets)
