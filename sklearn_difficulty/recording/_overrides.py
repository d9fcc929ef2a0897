"""Which methods of a net are as skorch and this package have them, and which a user's own."""

from typing import Any

_PACKAGE = __name__.split(".")[0]
# Methods of a net that are given batches.
_HANDLE_ROWS = (
    "infer",
    "get_loss",
    "run_single_epoch",
    "train_step",
    "train_step_single",
    "notify",
    "on_batch_begin",
    "on_batch_end",
    "on_grad_computed",
)
_SKORCH = ("skorch.net", "skorch.classifier", "skorch.regressor")


def is_known(net: Any, method: str) -> bool:
    """Whether a net's method is skorch's, or this package's, and not a user's own."""
    return method not in vars(net) and is_known_to(type(net), method)


def is_known_to(kind: type, method: str) -> bool:
    """The same of a class of nets."""
    for defining in kind.__mro__:
        if method in vars(defining):
            found = vars(defining)[method]
            function = found.fget if isinstance(found, property) else found
            # A wrapper may have taken over the name of what it wraps, but not where it is from.
            place = getattr(function, "__globals__", {}).get("__name__", "")
            return all(map(_is_ours_or_skorchs, (defining.__module__, place)))
    return False


def rows_may_stay_on(net: Any) -> Any:
    """Device that rows may be held on for a training, where nobody else handles them; or None."""
    if net.callbacks in (None, [], "disable") and all(is_known(net, name) for name in _HANDLE_ROWS):
        return net.device
    return None


def is_ours(module: str) -> bool:
    """Whether a module is one of this package's."""
    return module.startswith(f"{_PACKAGE}.")


def _is_ours_or_skorchs(module: str) -> bool:
    return module in _SKORCH or is_ours(module)
