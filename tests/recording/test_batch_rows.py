"""Batches of any make are taken apart into rows, and put together again."""

import numpy as np
import pytest
import torch

from sklearn_difficulty.recording._batch_rows import BatchRows, RowList, on_device


def boxes(*lengths):
    """A list of arrays with so many rows."""
    return RowList(torch.full((length, 4), float(k)) for k, length in enumerate(lengths))


# -- lists of rows ------------------------------------------------------------------------


def test_slices_of_a_list_are_lists_of_rows():
    rows = boxes(2, 0, 3)
    assert isinstance(rows[1:], RowList)
    assert [len(row) for row in rows[1:]] == [0, 3]
    assert isinstance(rows[0], torch.Tensor)
    assert isinstance(rows[:0], RowList)


def test_targets_of_a_batch_where_the_outputs_are():
    tensor = torch.arange(3)
    assert on_device(tensor, 3, "cpu") is tensor
    assert on_device(tensor, 3, "meta").device.type == "meta"
    of_rows = on_device([tensor, tensor[:0]], 2, "cpu")
    assert type(of_rows) is RowList
    assert of_rows[0] is tensor
    # whatever else there is comes back as it is
    for other in ([tensor], (tensor, tensor), {"a": tensor, "b": tensor}, None, "ab"):
        assert on_device(other, 2, "cpu") is other


# -- taken apart --------------------------------------------------------------------------


def test_tensors_are_taken_apart():
    outputs, targets = torch.arange(6.0).reshape(3, 2), torch.arange(3)
    batch = BatchRows(3, outputs, targets)
    assert batch.are_tensors
    one, label = batch.piece(1, 2)
    assert one.tolist() == [[2.0, 3.0]]
    assert label.tolist() == [1]
    assert [row[0].tolist() for row in batch.singly()] == [[[0, 1]], [[2, 3]], [[4, 5]]]
    some, labels = batch.piece(0, 2)
    assert some.shape == (2, 2)
    assert labels.tolist() == [0, 1]


def test_lists_of_rows_are_taken_apart():
    batch = BatchRows(3, torch.arange(3.0), boxes(2, 0, 3))
    assert not batch.are_tensors
    rows = list(batch.singly())
    assert [[len(row) for row in targets] for _, targets in rows] == [[2], [0], [3]]
    assert all(isinstance(targets, RowList) for _, targets in rows)
    assert rows[2][1][0].tolist() == [[2.0] * 4] * 3
    assert [len(row) for row in batch.piece(1, 3)[1]] == [0, 3]


def test_rows_may_be_mappings():
    targets = RowList([{"boxes": torch.ones(2, 4), "id": 7}, {"boxes": torch.ones(0, 4), "id": 8}])
    batch = BatchRows(2, torch.zeros(2, 3), targets)
    assert [row[1][0]["id"] for row in batch.singly()] == [7, 8]


def test_parts_within_parts():
    outputs = (torch.arange(2.0), {"deep": [torch.arange(4).reshape(2, 2)]})
    batch = BatchRows(2, outputs, torch.tensor([5, 6]), None)
    assert len(batch.held) == 3
    (first, deep), target, nothing = batch.piece(1, 2)
    assert (first.tolist(), target.tolist(), nothing) == ([1.0], [6], None)
    assert deep["deep"][0].tolist() == [[2, 3]]


@pytest.mark.parametrize(
    "other",
    [
        torch.tensor(3.0),  # a number has no rows
        torch.zeros(3, 2),  # other rows
        RowList([1, 2, 3]),
        "text",
        7,
        None,
        np.zeros((2, 2)),  # not what a net computes with
    ],
    ids=["number", "other rows", "other list", "text", "int", "none", "array"],
)
def test_what_has_no_rows_is_the_same_for_each(other):
    batch = BatchRows(2, torch.zeros(2, 3), other)
    assert len(batch.held) == 1
    assert all(row[1] is other for row in batch.singly())


def test_whole_with_others_in_the_place_of_what_is_held():
    batch = BatchRows(2, (torch.zeros(2), "kept"), boxes(1, 2))
    (first, kept), targets = batch.whole([torch.ones(1), RowList(["other"])])
    assert (first.tolist(), kept, list(targets)) == ([1.0], "kept", ["other"])
    with pytest.raises(ValueError, match="zip"):
        batch.whole([torch.ones(1)])


def test_single_row_is_one_piece():
    batch = BatchRows(1, torch.ones(1, 2), boxes(3))
    [(outputs, targets)] = batch.singly()
    assert outputs.shape == (1, 2)
    assert len(targets[0]) == 3


def test_rows_are_views():
    outputs = torch.zeros(3, 2)
    BatchRows(3, outputs).piece(1, 2)[0].fill_(1)
    assert outputs.tolist() == [[0, 0], [1, 1], [0, 0]]
