"""Large records of a net, which are made only on demand."""

from typing import Any

from sklearn_difficulty._validation import check_choice

KEEP = ("outputs", "elements")


def checked_keep(keep: Any) -> tuple[str, ...]:
    """Names of large records, as a parameter ``keep`` has them, each of them once.

    Parameters
    ----------
    keep : str, or tuple, list or set of str
        What was given.

    Raises
    ------
    TypeError
        For something else.
    ValueError
        For a record that there is not.
    """
    names = [keep] if isinstance(keep, str) else keep
    if not isinstance(names, list | tuple | set | frozenset):
        raise TypeError(f"keep must be a tuple of names out of {list(KEEP)}; got {keep!r}.")
    return tuple(sorted({check_choice("keep", name, KEEP) for name in names}))
