"""Which methods of a net are as skorch and this package have them, and which a user's own."""

from typing import Any

_PACKAGE = __name__.split(".")[0]
# Methods of a net that are given rows, or make callbacks that are.
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
    "on_epoch_begin",
    "on_epoch_end",
    "_default_callbacks",
    "get_default_callbacks",
    "initialize_callbacks",
)
_SKORCH = ("skorch.net", "skorch.classifier", "skorch.regressor")


def is_known(net: Any, method: str) -> bool:
    """Whether a net's method is skorch's, or this package's, and not a user's own."""
    return method not in vars(net) and is_known_to(type(net), method)


def is_known_to(kind: type, method: str) -> bool:
    """The same of a class of nets, whichever of its bases the method is of."""
    # All of them, as a tracked net goes on to the method of a user's net that it is mixed with.
    bases = [base for base in kind.__mro__ if method in vars(base)]
    return bool(bases) and all(_is_known_in(base, method) for base in bases)


def _is_known_in(base: type, method: str) -> bool:
    found = vars(base)[method]
    function = found.fget if isinstance(found, property) else found
    # A wrapper may have taken over the name of what it wraps, but not where it is from.
    place = getattr(function, "__globals__", {}).get("__name__", "")
    return all(map(_is_ours_or_skorchs, (base.__module__, place)))


def rows_may_stay_on(net: Any) -> Any:
    """Device that rows may be held on for a training, where nobody else handles them; or None."""
    if _has_own_callbacks(net) or not all(is_known(net, name) for name in _HANDLE_ROWS):
        return None
    return net.device


def _has_own_callbacks(net: Any) -> bool:
    """Whether a net was given callbacks, besides those of skorch or in the place of one."""
    replaced = (name for name in vars(net) if name.startswith("callbacks__"))
    return net.callbacks not in (None, [], "disable") or any(
        name.count("__") == 1 and getattr(net, name) is not None for name in replaced
    )


def is_ours(module: str) -> bool:
    """Whether a module is one of this package's."""
    return module.startswith(f"{_PACKAGE}.")


def _is_ours_or_skorchs(module: str) -> bool:
    return module in _SKORCH or is_ours(module)
