"""Whether and under which name the fit of an estimator takes weights of rows."""

from inspect import Parameter, signature
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    get_routing_for_object,
    process_routing,
)
from skorch import NeuralNet

from sklearn_difficulty._validation import check_vector


def weight_parameter(estimator: Any) -> str:
    """Name under which the fit of an estimator takes weights of rows.

    It is ``sample_weight``. For a Pipeline, without metadata routing, it is that of the last step,
    as in ``"svc__sample_weight"``. With metadata routing, an estimator that passes weights on, such
    as a Pipeline or a search, has to find somebody in itself who requests them.

    Parameters
    ----------
    estimator : estimator
        What is to be trained.

    Returns
    -------
    str
        The name.

    Raises
    ------
    TypeError
        If it takes none, or nobody requests them.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn.svm import SVC
    >>> from sklearn_difficulty.selection._sample_weight import weight_parameter
    >>> weight_parameter(make_pipeline(StandardScaler(), SVC()))
    'svc__sample_weight'
    """
    if get_config()["enable_metadata_routing"]:
        routing = get_routing_for_object(estimator)
        # One that takes them by name passes them on in its own way.
        passes_on = isinstance(routing, MetadataRouter) and not isinstance(estimator, NeuralNet)
        if passes_on and not _names_weights(estimator):
            if not routing.consumes("fit", ["sample_weight"]):
                raise TypeError(
                    f"action='weight' passes sample_weight to {_named(estimator)}, in which no "
                    "step requests it: with metadata routing, say so where it is to go, as in "
                    "LogisticRegression().set_fit_request(sample_weight=True)."
                )
            # Who has not said whether it takes them is told so before anything is trained.
            process_routing(estimator, "fit", sample_weight=np.ones(1))
            return "sample_weight"
    name, refuses = _found(estimator)
    if name is None:
        raise TypeError(
            f"action='weight' needs an estimator whose fit takes sample_weight, and that of "
            f"{_named(refuses)} does not: use action='drop' or action='relabel', or another "
            "estimator."
        )
    return name


def combined_weights(given: Any, weights: np.ndarray, name: str) -> np.ndarray:
    """Multiply weights with those that the user gave.

    Parameters
    ----------
    given : array-like of shape (n_samples,) or None
        What the user gave; None is 1 for all.
    weights : ndarray of shape (n_samples,)
        Weights.
    name : str
        Name of the parameter, for the message.

    Returns
    -------
    ndarray of shape (n_samples,)
        The product.

    Raises
    ------
    ValueError
        For another number of values, or values that are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.selection._sample_weight import combined_weights
    >>> combined_weights([2, 3], np.array([0.5, 1.0]), "sample_weight")
    array([1., 3.])
    """
    return weights if given is None else weights * check_vector(name, given, len(weights))


def _found(estimator: Any) -> tuple[str | None, Any]:
    """Name of the parameter, None if there is none, and who decided it."""
    if isinstance(estimator, Pipeline):
        step, last = estimator.steps[-1]
        name, who = _found(last)
        return (None if name is None else f"{step}__{name}"), who
    if _names_weights(estimator):
        return "sample_weight", estimator
    # The nets of skorch take any parameter, and pass it to their module.
    if isinstance(estimator, NeuralNet) or not _takes_any(estimator):
        return None, estimator
    inner = getattr(estimator, "estimator", None)
    # Such as a search, which passes on what it is given.
    return ("sample_weight", estimator) if inner is None else _found(inner)


def _names_weights(estimator: Any) -> bool:
    return hasattr(estimator, "fit") and "sample_weight" in signature(estimator.fit).parameters


def _takes_any(estimator: Any) -> bool:
    return hasattr(estimator, "fit") and any(
        parameter.kind is Parameter.VAR_KEYWORD
        for parameter in signature(estimator.fit).parameters.values()
    )


def _named(estimator: Any) -> str:
    return repr(estimator) if isinstance(estimator, str) else type(estimator).__name__
