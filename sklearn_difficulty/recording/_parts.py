"""Losses in named parts: what a criterion gives that returns several losses of each row."""

from collections.abc import Mapping
from typing import Any

import torch

# Attribute of a criterion whose parts are asked for, and not their sum.
GIVES_PARTS = "_gives_its_parts"
# Key of a loss without names.
WHOLE = ""


class NamedLosses(torch.nn.Module):
    """Criterion made of several: the sum of their losses, whose parts are recorded by name.

    A tracked net makes it of a mapping that it is given as ``criterion``. A criterion of one's own
    may as well return a dict or a named tuple of losses of the rows.

    Parameters
    ----------
    criteria : mapping of str to torch module class or instance
        Each is called with outputs and targets, and returns a loss.

    See Also
    --------
    sklearn_difficulty.DifficultyScorer.score_samples : Scores by one part, ``component="name"``.

    Examples
    --------
    >>> import torch
    >>> from sklearn_difficulty.recording import NamedLosses
    >>> both = NamedLosses({"squared": torch.nn.MSELoss, "absolute": torch.nn.L1Loss})
    >>> both(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 0.0]))
    tensor(7.)
    """

    def __init__(self, criteria: Mapping[str, Any]) -> None:
        super().__init__()
        if not isinstance(criteria, Mapping | torch.nn.ModuleDict) or not criteria:
            raise TypeError(
                "criteria must map names to criteria, such as {'box': torch.nn.SmoothL1Loss, "
                f"'class': torch.nn.CrossEntropyLoss}}; got {criteria!r}."
            )
        for name in criteria:
            if not isinstance(name, str) or not name:
                raise TypeError(f"criteria must have names that are text; got the name {name!r}.")
        # Names are free text, which those of a ModuleDict are not.
        self.names = list(criteria.keys())
        self.criteria = torch.nn.ModuleList(
            [part() if isinstance(part, type) else part for part in criteria.values()]
        )

    def forward(self, y_pred: Any, y_true: Any) -> Any:
        """Sum of the losses, or each of them while they are recorded.

        Parameters
        ----------
        y_pred, y_true : objects
            Outputs and targets of a batch.

        Returns
        -------
        loss : tensor, or dict of tensors by name
        """
        losses = [criterion(y_pred, y_true) for criterion in self.criteria]
        if vars(self).get(GIVES_PARTS):
            return dict(zip(self.names, losses, strict=True))
        return torch.stack([loss.mean() for loss in losses]).sum()

    def part(self, name: str) -> torch.nn.Module:
        """The criterion of a name.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        criterion : torch.nn.Module
            What gives that part.
        """
        return self.criteria[self.names.index(name)]


def criterion_of(criterion: torch.nn.Module, part: str) -> torch.nn.Module:
    """What gives a part of a loss: a criterion of its own, or the one that names it.

    Parameters
    ----------
    criterion : torch.nn.Module
        The whole criterion.
    part : str
        Name of the part.
    """
    if isinstance(criterion, NamedLosses) and part in criterion.names:
        return criterion.part(part)
    return criterion


def as_parts(loss: Any) -> dict[str, torch.Tensor] | None:
    """Parts of what a criterion returned, by name; None for one tensor, or anything else.

    Parameters
    ----------
    loss : object
        A tensor, a mapping or a named tuple of tensors.

    Raises
    ------
    TypeError
        For one that is empty, or holds something else.
    """
    if isinstance(loss, tuple) and hasattr(loss, "_asdict"):
        loss = loss._asdict()
    if not isinstance(loss, Mapping):
        return None
    wrong = [name for name, part in loss.items() if not isinstance(part, torch.Tensor)]
    if wrong or not loss:
        what = f"{loss[wrong[0]]!r} as its part {wrong[0]!r}" if wrong else "no parts"
        raise TypeError(f"a criterion returned {what}: let it return a tensor for each name.")
    return dict(loss)


def parts_by_name(loss: Any) -> dict[str, torch.Tensor]:
    """The same, with one tensor as its only part, which has no name."""
    parts = as_parts(loss)
    return {WHOLE: loss} if parts is None else parts


def are_named(parts: Mapping[str, Any]) -> bool:
    """Whether parts are those of a criterion that names them."""
    return WHOLE not in parts


def as_one(loss: Any) -> torch.Tensor:
    """What a criterion returned as one number: the sum of its parts, each averaged over rows.

    Parameters
    ----------
    loss : tensor, mapping or named tuple of tensors
        Losses of a batch.
    """
    parts = as_parts(loss)
    if parts is None:
        return loss
    return torch.stack([part.mean() for part in parts.values()]).sum()
