"""What a model's outputs say of each row: margin, probability, entropy, prediction."""

from collections.abc import Mapping
from typing import Any

import torch
from sklearn.base import is_classifier

from sklearn_difficulty._foreign import as_array
from sklearn_difficulty.recording._elements import RowLosses
from sklearn_difficulty.recording._few_classes import MOST_CLASSES, ByClass, argmax_by_class
from sklearn_difficulty.recording._inputs import LABEL_CRITERIA
from sklearn_difficulty.recording._losses import unwrapped
from sklearn_difficulty.recording._parts import NamedLosses

_BINARY_CRITERIA = (torch.nn.BCEWithLogitsLoss, torch.nn.BCELoss)
# Rows of probabilities sum to one within float32 rounding of a few thousand classes.
_SUM_TOLERANCE = 1e-3


def first_output(y_pred: Any) -> torch.Tensor:
    """The output that counts, where a module returns several (as skorch takes it)."""
    return y_pred[0] if isinstance(y_pred, tuple) else y_pred


def output_kind(net: Any, y_pred: Any) -> str:
    """Tell what a net's module emits.

    Parameters
    ----------
    net : skorch.NeuralNet
        Initialized net.
    y_pred : tensor or tuple of tensors
        Outputs for a batch.

    Returns
    -------
    kind : {"logits", "proba", "log_proba", "binary_logits", "binary_proba", "values"}
        ``"values"`` for outputs that are not scores of classes.
    """
    criterion, outputs = unwrapped(net.criterion_), first_output(y_pred)
    if isinstance(criterion, _BINARY_CRITERIA):
        if outputs.ndim > 1 and outputs.shape[1] > 1:
            return "values"
        return "binary_proba" if isinstance(criterion, torch.nn.BCELoss) else "binary_logits"
    if isinstance(criterion, torch.nn.CrossEntropyLoss):
        return "logits"
    if isinstance(criterion, torch.nn.NLLLoss):
        # skorch's classifier takes the logarithm itself, its general net does not
        return "proba" if is_classifier(net) else "log_proba"
    if not is_classifier(net) or outputs.ndim != 2 or outputs.shape[1] < 2:
        return "values"
    rows = outputs.detach().float()
    if bool((rows >= 0).all()) and _sums_to_one(rows):
        return "proba"
    if bool((rows <= 0).all()) and _sums_to_one(rows.exp()):
        return "log_proba"
    return "logits"


def _sums_to_one(rows: torch.Tensor) -> bool:
    return bool(((rows.sum(1) - 1).abs() <= _SUM_TOLERANCE).all())


def check_probabilities(net: Any, y_pred: Any) -> None:
    """Raise where NLLLoss is fed with something else than probabilities.

    Raises
    ------
    ValueError
        skorch takes the logarithm of what the module returns, which is NaN for logits,
        without saying so.
    """
    if not (is_classifier(net) and isinstance(unwrapped(net.criterion_), torch.nn.NLLLoss)):
        return
    if isinstance(net.criterion_, torch.nn.NLLLoss):
        rows = first_output(y_pred).detach().float()
        finite = bool(torch.isfinite(rows).all())
        if not finite or (bool((rows >= 0).all()) and _sums_to_one(rows.flatten(1))):
            return
        raise ValueError(
            "criterion=NLLLoss needs a module that returns probabilities, since skorch takes "
            "their logarithm; this module returns rows between "
            f"{float(rows.min()):.3g} and {float(rows.max()):.3g} that do not sum to one. "
            "End the module with a softmax, or pass criterion=torch.nn.CrossEntropyLoss for "
            "a module that returns logits."
        )
    raise ValueError(
        "compile=True with criterion=NLLLoss makes skorch skip the logarithm, so that the net "
        "would train on minus the probability: pass criterion=torch.nn.CrossEntropyLoss with "
        "a module that returns logits, or compile=False."
    )


def class_scores(outputs: torch.Tensor, kind: str) -> torch.Tensor:
    """Logits of shape (n, classes), or log-probabilities where a model has no logits."""
    outputs = outputs.detach().float()
    if kind.startswith("binary"):
        logit = outputs.reshape(len(outputs))
        if kind == "binary_proba":
            logit = torch.logit(logit, eps=1e-7)
        return torch.stack([torch.zeros_like(logit), logit], dim=1)
    if kind == "proba":
        return outputs.clamp_min(torch.finfo(outputs.dtype).tiny).log()
    return outputs


def class_records(
    scores: torch.Tensor, y: torch.Tensor, columns: Any = None, by_class: ByClass | None = None
) -> dict[str, torch.Tensor]:
    """Records of a classifier's outputs under given labels.

    Parameters
    ----------
    scores : tensor of shape (n, classes)
        Logits or log-probabilities.
    y : tensor of int of shape (n,)
        Labels as column numbers.
    columns : array of int or None, default=None
        Columns that stand for a class, which alone are predicted; None for all.
    by_class : ByClass or None, default=None
        The same scores and labels by class, where they were made before.

    Returns
    -------
    records : dict of tensors of shape (n,)
        ``margin``: score of the given label minus the largest other score.
        ``proba``: probability of the given label. ``prediction``: column of the largest
        score. ``entropy``: of the predicted distribution, in nats. ``el2n``: Euclidean
        norm of the probabilities minus the one-hot label.
    """
    if by_class is None:
        y = y.to(device=scores.device, dtype=torch.int64).reshape(-1)
        if scores.shape[1] > MOST_CLASSES:
            log_proba = scores.log_softmax(dim=1)
            return _records_along(1, scores, log_proba, y, columns)
        by_class = ByClass(scores, y)
    records = _records_along(0, by_class.scores, by_class.log_proba, by_class.y, columns)
    return {name: values[: by_class.n_rows] for name, values in records.items()}


def _records_along(
    axis: int, scores: torch.Tensor, log_proba: torch.Tensor, y: torch.Tensor, columns: Any
) -> dict[str, torch.Tensor]:
    """Records of scores that have the classes along an axis."""
    argmax = argmax_by_class if axis == 0 else _argmax_of_rows
    given = y.unsqueeze(axis)
    own = scores.gather(axis, given)
    others = scores.scatter(axis, given, -torch.inf).amax(dim=axis)
    proba = scores.softmax(dim=axis)
    error = proba.scatter_add(axis, given, -torch.ones_like(own))
    # What is impossible adds nothing, and not zero times infinity.
    surprise = log_proba.clamp_min(torch.finfo(scores.dtype).min).mul_(proba)
    if columns is None or len(columns) == scores.shape[axis]:
        prediction = argmax(scores)
    else:
        kept = torch.as_tensor(columns, device=scores.device)
        prediction = kept[argmax(scores.index_select(axis, kept))]
    return {
        "margin": own.squeeze(axis) - others,
        "proba": proba.gather(axis, given).squeeze(axis),
        "prediction": prediction,
        "entropy": surprise.sum(dim=axis).neg_(),
        "el2n": error.square_().sum(dim=axis).sqrt_(),
    }


def _argmax_of_rows(scores: torch.Tensor) -> torch.Tensor:
    return scores.max(dim=1).indices


def recorded_kind(net: Any, y_pred: Any, targets: Any, *, label_sets: bool) -> str:
    """Tell what a net's module emits, as far as the targets make it scores of classes.

    Parameters
    ----------
    net : skorch.NeuralNet
        Initialized net.
    y_pred : tensor or tuple of tensors
        Outputs for a batch.
    targets : object
        Its targets.
    label_sets : bool
        Whether those of a row may be several labels that are there or not.

    Returns
    -------
    kind : str
        As :func:`output_kind` has it where there is a class for each row; ``"label_logits"`` or
        ``"label_proba"`` where each row has several labels that are there or not; else
        ``"values"``.
    """
    kind, outputs = output_kind(net, y_pred), first_output(y_pred)
    if not isinstance(targets, torch.Tensor):
        return "values"
    if kind != "values":
        return kind if _are_class_numbers(outputs, targets, kind) else "values"
    criterion = unwrapped(net.criterion_)
    named = list(criterion.criteria) if isinstance(criterion, NamedLosses) else [criterion]
    if (
        label_sets
        and any(isinstance(part, LABEL_CRITERIA) for part in named)
        and outputs.ndim == 2
        and targets.shape == outputs.shape
    ):
        if not ((targets == 0) | (targets == 1)).all():
            return "values"
        of_proba = any(isinstance(part, torch.nn.BCELoss) for part in named)
        return "label_proba" if of_proba else "label_logits"
    return "values"


def to_arrays(records: Mapping[str, Any]) -> dict[str, Any]:
    """Records as arrays, those of the parts of a loss by name.

    Parameters
    ----------
    records : mapping of str to tensor, or to mapping of str to tensor
        As :func:`batch_records` gives them.
    """
    return {
        name: to_arrays(value) if isinstance(value, Mapping) else as_array(value)
        for name, value in records.items()
    }


def _are_class_numbers(outputs: torch.Tensor, targets: torch.Tensor, kind: str) -> bool:
    if kind.startswith("binary"):
        return targets.numel() == len(targets)
    return outputs.ndim == 2 and targets.ndim == 1 and not targets.is_floating_point()


def batch_records(
    y_pred: Any,
    targets: Any,
    losses: RowLosses,
    kind: str,
    columns: Any,
    keep: tuple[str, ...] = (),
) -> tuple[dict[str, Any], torch.Tensor]:
    """All records of a batch, and the outputs that they are made of.

    Parameters
    ----------
    y_pred : tensor or tuple of tensors
        Outputs of the module.
    targets : object
        Targets on the device of the outputs.
    losses : RowLosses
        Losses of the rows.
    kind : str
        What the module emits; see :func:`recorded_kind`.
    columns : array of int or None
        Columns that stand for a class; None for all.
    keep : tuple of str, default=()
        Large records to make.

    Returns
    -------
    records : dict of tensors of shape (n,), or of such by name
        The loss and its parts; for a classifier what :func:`class_records` has; for several labels
        the predicted ones, and the losses of each. ``"elements"`` and ``"outputs"`` are further
        ones that `keep` may name.
    outputs : tensor of shape (n, ...)
        Class scores where there are classes, and else the outputs as they are.
    """
    records: dict[str, Any] = {"loss": losses.loss}
    if losses.components:
        records["components"] = losses.components
    outputs = first_output(y_pred)
    if kind.startswith("label"):
        # strictly more likely to be there than not
        threshold = 0.5 if kind == "label_proba" else 0.0
        records["prediction"] = (outputs.detach() > threshold).to(torch.int8)
    elif kind != "values":
        outputs = class_scores(outputs, kind)
        # A net of class numbers has a cross-entropy of logits, which are its scores as they are.
        records |= class_records(outputs, targets, columns, losses.scores)
    if losses.elements is not None and ("elements" in keep or kind.startswith("label")):
        records["elements"] = losses.elements
    if "outputs" in keep:
        records["outputs"] = outputs
    return records, outputs
