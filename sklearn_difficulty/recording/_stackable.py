"""Which nets of skorch may be trained several at once."""

from typing import Any

import torch
from skorch.callbacks import EpochScoring, EpochTimer, PassthroughScoring, PrintLog

from sklearn_difficulty.recording._lean_epochs import is_lean, is_plain_call
from sklearn_difficulty.recording._learner import NotStackableError
from sklearn_difficulty.recording._overrides import is_known, is_ours

# Beyond so many parameters the operations of a run take longer than what lies between them.
_MOST_PARAMETERS = 2**17
# Their updates of a number do not depend on the others.
_ELEMENTWISE = (
    torch.optim.SGD,
    torch.optim.Adam,
    torch.optim.AdamW,
    torch.optim.NAdam,
    torch.optim.RAdam,
    torch.optim.Adamax,
    torch.optim.Adagrad,
    torch.optim.Adadelta,
    torch.optim.RMSprop,
)
# Averages over rows of losses that no weights enter.
_AVERAGES = (
    torch.nn.CrossEntropyLoss,
    torch.nn.NLLLoss,
    torch.nn.BCEWithLogitsLoss,
    torch.nn.BCELoss,
    torch.nn.MSELoss,
    torch.nn.L1Loss,
    torch.nn.SmoothL1Loss,
    torch.nn.HuberLoss,
)
_CONVOLUTIONS = (
    torch.nn.Conv1d,
    torch.nn.Conv2d,
    torch.nn.Conv3d,
    torch.nn.ConvTranspose1d,
    torch.nn.ConvTranspose2d,
    torch.nn.ConvTranspose3d,
)
# What takes the place of these, or goes on with what they give, is skorch's.
_METHODS = (
    "initialize_optimizer",
    "initialize_callbacks",
    "get_default_callbacks",
    "_default_callbacks",
    "get_params_for_optimizer",
    "get_all_learnable_params",
    "get_train_step_accumulator",
    "_step_optimizer",
    "_zero_grad_optimizer",
    "notify",
    "partial_fit",
    "fit_loop",
    "run_single_epoch",
    "get_loss",
    "get_split_datasets",
    "get_iterator",
    "on_train_begin",
    "on_train_end",
    "on_epoch_begin",
    "on_epoch_end",
)


def check_net(estimator: Any) -> None:
    """Raise where a net, as the user gave it, asks for a training of its own.

    Parameters
    ----------
    estimator : skorch.NeuralNet
        Net.

    Raises
    ------
    NotStackableError
        Says what about it.
    """
    for reason, holds in (
        ("callbacks, which follow one training", estimator.callbacks not in (None, [], "disable")),
        ("a log of each training (verbose)", bool(estimator.verbose)),
        ("when='during'", getattr(estimator, "when", "after") != "after"),
        ("a module that is an instance", isinstance(estimator.module, torch.nn.Module)),
        ("a compiled module", bool(estimator.compile)),
        (
            "a net with methods of its own",
            not is_plain_call(estimator)
            or not all(is_known(estimator, method) for method in _METHODS),
        ),
        ("groups of parameters", "optimizer__param_groups" in estimator.get_params()),
    ):
        if holds:
            raise NotStackableError(reason)


def check_started(net: Any) -> None:
    """Raise where the parts of an initialized net cannot be stacked.

    Parameters
    ----------
    net : skorch.NeuralNet
        Initialized net.

    Raises
    ------
    NotStackableError
        Says what about it.
    """
    criterion, parts = net.criterion_, (net._modules, net._criteria, net._optimizers)
    callbacks = [callback for _, callback in net.callbacks_]
    n_parameters = sum(parameter.numel() for parameter in net.module_.parameters())
    for reason, holds in (
        ("several modules, criteria or optimizers", [len(part) for part in parts] != [1, 1, 1]),
        (
            f"an optimizer other than torch's elementwise ones ({type(net.optimizer_).__name__})",
            type(net.optimizer_) not in _ELEMENTWISE,
        ),
        (
            "callbacks that take part in the training",
            not all(map(_only_watches_epochs, callbacks)),
        ),
        (
            "a criterion that is no plain average of torch's",
            type(criterion) not in _AVERAGES
            or criterion.reduction not in ("mean", "sum")
            or any(True for _ in criterion.buffers())
            # that is left out of the average, and no class is where it is negative
            or getattr(criterion, "ignore_index", -1) >= 0,
        ),
        (
            f"a module of more than {_MOST_PARAMETERS} parameters, which gains nothing",
            n_parameters > _MOST_PARAMETERS,
        ),
        (
            "a module with convolutions, whose sums would be rounded otherwise",
            any(isinstance(part, _CONVOLUTIONS) for part in net.module_.modules()),
        ),
        ("a net that trains in a way of its own", not is_lean(net, net.train_step)),
    ):
        if holds:
            raise NotStackableError(reason)


def _only_watches_epochs(callback: Any) -> bool:
    """Whether a callback is a default one, or ours, and needs no event of a batch."""
    kind = type(callback)
    if kind is PrintLog:
        return callback.sink is print
    if kind is EpochScoring:
        return not callback.on_train
    return is_ours(kind.__module__) or kind in (EpochTimer, PassthroughScoring)
