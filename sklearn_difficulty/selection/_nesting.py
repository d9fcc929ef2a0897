"""Where in a model a filter stands: refuse the places in which rows would be misaligned."""

import inspect
from types import FrameType
from typing import Any

from sklearn.pipeline import Pipeline

# By name, as one who uses none of them should not have to import them.
UNIONS = {"ColumnTransformer", "FeatureUnion"}
ROWS = ("fit_transform", "fit_resample")  # methods of ours whose caller gets rows
NO_ROWS = ("fit", "fit_predict", "partial_fit")  # methods whose caller gets none


def refuse_in_union(transformer: Any) -> None:
    """Raise if what a transformer is being fitted for is a branch of a union of columns.

    To be called from a method of the transformer, somewhere below its ``fit`` or
    ``fit_transform``.

    Parameters
    ----------
    transformer : estimator
        What drops or replaces rows when it is fitted.

    Raises
    ------
    ValueError
        If it stands in a ColumnTransformer or a FeatureUnion, by itself or in a Pipeline there.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_union
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_difficulty import MislabelFilter
    >>> union = make_union(StandardScaler(), MislabelFilter(threshold=0.9))
    >>> union.fit(*load_iris(return_X_y=True))
    Traceback (most recent call last):
        ...
    ValueError: MislabelFilter stands in a FeatureUnion...
    """
    _refuse(transformer, _enclosing_union(transformer, _calling_frame()))


def refuse_memory_in_union(transformer: Any) -> None:
    """Raise if a Pipeline in a union is about to look for a fitted transformer in its memory.

    What it finds there may have been fitted outside of any union, and would not be called. To be
    called from ``__sklearn_clone__``: right before it looks, a Pipeline with a ``memory`` clones
    the step.

    Parameters
    ----------
    transformer : estimator
        What drops or replaces rows when it is fitted.

    Raises
    ------
    ValueError
        If the Pipeline stands in a ColumnTransformer or a FeatureUnion.

    Examples
    --------
    >>> from sklearn_difficulty import MislabelFilter
    >>> from sklearn_difficulty.selection._nesting import refuse_memory_in_union
    >>> refuse_memory_in_union(MislabelFilter())
    """
    frame = _calling_frame()
    while frame is not None and any(_owner(frame) is one for one in (None, transformer)):
        frame = frame.f_back
    # in its _fit, and not while it is cloned itself
    if frame is not None and isinstance(_owner(frame), Pipeline) and frame.f_code.co_name == "_fit":
        _refuse(transformer, _enclosing_union(transformer, frame, handed_on=True))


def _refuse(transformer: Any, union: str | None) -> None:
    if union is None:
        return
    name = type(transformer).__name__
    raise ValueError(
        f"{name} stands in a {union}. It hands on other rows than it gets when it is fitted, and "
        "columns of different rows would be paired there. Make it a step of the main chain of a "
        f"Pipeline, before or after the {union}, or wrap the model that follows, as in "
        f"FilteredClassifier({name}(...), model)."
    )


def _enclosing_union(
    transformer: Any, frame: FrameType | None, handed_on: bool = False
) -> str | None:
    """Class of the union that is to get the rows that a transformer is being fitted to.

    `frame` is that of a call below it, and `handed_on` whether that call returns rows, and not
    only a fitted transformer.

    scikit-learn does not tell an estimator what it is a part of, and calls a branch of a union
    as it calls a step of a Pipeline. What is left is the call stack, of which two marks are read.
    One is the ``self`` of a method of a union, subclasses included. The other is the name of its
    kind, ``message_clsname``, that scikit-learn hands to the function that fits a branch, for the
    messages of ``verbose=True``: in a worker of joblib, that is where the stack ends.

    The rows reach a union through every frame but the ``fit`` of an estimator, which returns
    itself: what follows, such as the ``transform`` of a SelectFromModel, sees the rows as they
    were given. The ``fit`` of a union is refused all the same, although it transforms nothing
    yet: its ``fit_transform`` comes with the next model.
    """
    while frame is not None:
        owner = _owner(frame)
        method = frame.f_code.co_name
        kind = frame.f_locals.get("message_clsname")
        if isinstance(kind, str) and kind in UNIONS:
            return kind
        if _is_union(owner):
            return type(owner).__name__
        if owner is transformer:
            handed_on |= method in ROWS
        elif isinstance(owner, Pipeline):
            handed_on &= method not in NO_ROWS
        elif _is_estimator(owner) and (method in NO_ROWS or not handed_on):
            return None
        frame = frame.f_back
    return None


def _owner(frame: FrameType) -> Any:
    """Whose method runs; None in a function."""
    return frame.f_locals.get("self")


def _is_union(owner: Any) -> bool:
    return any(
        kind.__name__ in UNIONS and kind.__module__.startswith("sklearn.")
        for kind in type(owner).__mro__
    )


def _is_estimator(owner: Any) -> bool:
    # unions take branches that have no more than fit_transform
    return hasattr(type(owner), "fit") or hasattr(type(owner), "fit_transform")


def _calling_frame() -> FrameType | None:
    own = inspect.currentframe()  # None where the interpreter keeps no frames
    return None if own is None else own.f_back
