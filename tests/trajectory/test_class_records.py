"""What outputs say of a row: numbers known by hand, and the same as a net's on its device."""

from math import exp, log

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, log_softmax, softmax

from sklearn_difficulty.recording import _outputs
from sklearn_difficulty.trajectory._class_records import class_records, class_scores

LOGITS = np.array([[2.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 5.0, 3.0]])
LABELS = np.array([0, 1, 0])


def test_records_by_hand():
    records = class_records(LOGITS, LABELS)
    total, other = exp(2) + exp(1) + 1, exp(1) + exp(5) + exp(3)
    assert records["margin"].tolist() == [1.0, 0.0, -4.0]
    assert records["prediction"].tolist() == [0, 0, 1]
    assert records["prediction"].dtype == np.int32
    assert_allclose(records["proba"], [exp(2) / total, 1 / 3, exp(1) / other], rtol=1e-12)
    assert_allclose(records["loss"], [log(total) - 2, log(3), log(other) - 1], rtol=1e-12)
    first = np.array([exp(2), exp(1), 1]) / total
    assert_allclose(records["entropy"][:2], [-(first * np.log(first)).sum(), log(3)], rtol=1e-12)
    expected = [np.linalg.norm(first - [1, 0, 0]), (6 / 9) ** 0.5]
    assert_allclose(records["el2n"][:2], expected, rtol=1e-12)


@pytest.mark.parametrize("shift", [0.0, 80.0, -80.0])
def test_agreement_with_the_records_of_nets(shift):
    rng = np.random.default_rng(0)
    logits = (rng.normal(size=(200, 7)) * 5 + shift).astype(np.float32)
    y = rng.integers(0, 7, 200)
    ours = class_records(logits, y)
    theirs = _outputs.class_records(torch.as_tensor(logits), torch.as_tensor(y))
    theirs["loss"] = torch.nn.functional.cross_entropy(
        torch.as_tensor(logits), torch.as_tensor(y), reduction="none"
    )
    assert set(ours) == set(theirs)
    assert_array_equal(ours["prediction"], theirs["prediction"])
    for name in ours:
        assert_allclose(ours[name], theirs[name], rtol=1e-5, atol=2e-5, err_msg=name)
        assert ours[name].dtype == (np.int32 if name == "prediction" else np.float32)


@pytest.mark.parametrize("kind", ["proba", "log_proba"])
def test_kinds_that_mean_the_same(kind):
    outputs = softmax(LOGITS, axis=1) if kind == "proba" else log_softmax(LOGITS, axis=1)
    ours = class_records(class_scores(outputs, kind), LABELS, kind)
    for name, values in class_records(LOGITS, LABELS).items():
        assert_allclose(ours[name], values, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_a_single_column_is_the_second_class(shape):
    z = np.array([2.0, -1.0])
    y = np.array([1, 1])
    expected = class_records(np.array([[0, 2.0], [0, -1.0]]), y)
    assert_allclose(expected["loss"], [log(1 + exp(-2)), log(1 + exp(1))], rtol=1e-12)
    for kind, outputs in {"logits": z, "proba": expit(z), "log_proba": np.log(expit(z))}.items():
        ours = class_records(class_scores(outputs.reshape(shape), kind), y, kind)
        for name in ours:
            assert_allclose(ours[name], expected[name], rtol=1e-9, err_msg=name)


def test_decision_values_have_no_probabilities():
    decision = np.array([[2.0, 0.5, -1.0], [0.0, 0.25, 0.0]])
    records = class_records(class_scores(decision, "decision"), np.array([0, 2]), "decision")
    assert {name: values.tolist() for name, values in records.items()} == {
        "loss": [0, 1.25],
        "margin": [1.5, -0.25],
        "prediction": [0, 1],
    }


def test_certain_probabilities_stay_finite():
    certain = np.array([[0.0, 1.0]], dtype=np.float32)
    for outputs in (certain, certain[:, 1]):
        records = class_records(class_scores(outputs, "proba"), np.array([0]), "proba")
        assert all(np.isfinite(values).all() for values in records.values())
        assert_allclose(records["loss"], -log(np.finfo(np.float32).eps), rtol=1e-6)


def test_classes_that_are_ruled_out():
    records = class_records(np.array([[1.0, 1.0, -np.inf]]), np.array([0]))
    assert records["margin"].tolist() == [0]
    assert_allclose(records["loss"], log(2))
    assert_allclose(records["entropy"], log(2))


def test_half_precision_is_widened():
    records = class_records(class_scores(LOGITS.astype(np.float16), "logits"), LABELS)
    assert records["loss"].dtype == np.float32
    assert_allclose(records["loss"], class_records(LOGITS, LABELS)["loss"], rtol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_scores_that_are_not_finite_show_in_the_loss(value):
    records = class_records(np.array([[1.0, value], [0.0, 0.0]]), np.array([0, 0]))
    assert not np.isfinite(records["loss"][0])
    assert_allclose(records["loss"][1], log(2))
