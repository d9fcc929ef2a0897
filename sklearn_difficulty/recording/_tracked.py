"""What the tracked nets share: a tracker, a device of their own choice, inputs cast."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse
import torch
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import Tags, get_tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d, validate_data
from skorch import NeuralNet
from skorch.callbacks import PrintLog
from skorch.utils import is_dataset

from sklearn_difficulty._data import as_row_objects
from sklearn_difficulty._foreign import as_array
from sklearn_difficulty.recording._array_batches import faster
from sklearn_difficulty.recording._default_net import (
    DefaultMLP,
    default_module_params,
)
from sklearn_difficulty.recording._inputs import (
    LABEL_CRITERIA,
    has_criterion,
    net_input,
    net_rows,
    net_target,
    rows_as_targets,
)
from sklearn_difficulty.recording._lean_epochs import takes_over, train_one_epoch
from sklearn_difficulty.recording._losses import unwrapped
from sklearn_difficulty.recording._overrides import is_known, rows_may_stay_on
from sklearn_difficulty.recording._parts import NamedLosses
from sklearn_difficulty.recording._tracker import DifficultyTracker
from sklearn_difficulty.trajectory import Trajectory


def _resolved(device: Any) -> Any:
    if isinstance(device, str) and device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


class Tracked(NeuralNet):
    """What the three nets share: a tracker, a device of its own choice, inputs cast.

    The tracker is called from the net's own event methods, which run before any callback
    and also when ``callbacks="disable"``.
    """

    def __init__(
        self,
        module: Any = None,
        *args: Any,
        when: str = "after",
        snapshots: Any = "auto",
        keep: tuple[str, ...] = (),
        device: Any = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(module, *args, device=device, **kwargs)
        self.when = when
        self.snapshots = snapshots
        self.keep = keep

    # skorch reads `device` wherever it moves a tensor, so that "auto" is resolved on reading
    # and only get_params sees what the user wrote.
    @property
    def device(self) -> Any:
        """Device that the net computes on; ``"auto"`` is resolved when it is read."""
        return _resolved(vars(self)["device"])

    @device.setter
    def device(self, value: Any) -> None:
        self.__dict__["device"] = value

    def __setstate__(self, state: dict[str, Any]) -> None:
        # skorch maps tensors to the device of this machine, for which it takes its name
        asked = state["device"]
        super().__setstate__(state | {"device": _resolved(asked)})
        if isinstance(asked, str) and asked == "auto":
            self.device = asked

    def get_params(self, deep: bool = True, **kwargs: Any) -> dict[str, Any]:
        params = super().get_params(deep=deep, **kwargs)
        return params | {"device": vars(self)["device"]}

    @property
    def trajectory_(self) -> Trajectory:
        """What each row did in the epochs that were completed; one run."""
        tracker = vars(self).get("tracker_")
        if tracker is None:
            raise AttributeError(f"{type(self).__name__} has no trajectory_ before fit")
        return tracker.trajectory_

    def initialize(self) -> Any:
        self.tracker_ = DifficultyTracker(
            when=self.when, snapshots=self.snapshots, keep=self.keep
        ).initialize()
        return super().initialize()

    def initialize_module(self) -> Any:
        if self.module is not None:
            return super().initialize_module()
        sizes = vars(self).get("data_params_")
        if sizes is None:
            raise ValueError(
                "module=None stands for a network that is sized by the data: call fit, or "
                "pass a module to initialize without data."
            )
        self.module_ = DefaultMLP(**(sizes | self.get_params_for("module")))
        return self

    def initialize_criterion(self) -> Any:
        if not isinstance(self.criterion, Mapping):
            return super().initialize_criterion()
        ignored = sorted(self.get_params_for("criterion"))
        if ignored:
            raise ValueError(
                f"criterion__{ignored[0]} was given, and criterion is a mapping, in which it would "
                "be for nobody: give the mapping criteria that have it, such as "
                "{'ce': torch.nn.CrossEntropyLoss(ignore_index=255)}."
            )
        self.criterion_ = NamedLosses(self.criterion)
        return self

    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """Start anew and train; see :class:`skorch.NeuralNet`."""
        rows, y = self._validated(X, y, reset=True)
        self.size_to(rows, y)
        # X as it was given has the names of its columns
        return super().fit(X, y, **fit_params)

    def partial_fit(self, X: Any, y: Any = None, classes: Any = None, **fit_params: Any) -> Any:
        """Train on, without starting anew; see :class:`skorch.NeuralNet`."""
        rows, y = self._validated(X, y, reset=not self.initialized_)
        if not self.initialized_:
            self.size_to(rows, y if classes is None else classes)
            self.initialize()
            if classes is not None:
                self.classes_inferred_ = np.unique(classes)
        try:
            return super().partial_fit(X, y, classes, **fit_params)
        finally:
            self.tracker_.let_go_of_hooks()

    def _validated(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, Any]:
        """Rows and targets, checked as scikit-learn does where the network is our own.

        A module of the user's decides for itself what it takes.
        """
        if y is not None and not isinstance(y, np.ndarray | torch.Tensor):
            y = _as_array(y)
        if self.module is not None:
            return X, y
        if y is None and not get_tags(self).target_tags.required:
            return self._validated_rows(X, reset=reset), y
        X, y = self._validated_rows(X, _on_cpu(y), reset=reset, multi_output=True)
        if is_classifier(self):
            y = column_or_1d(y, warn=True)
            check_classification_targets(y)
        return X, y

    def _validated_rows(self, X: Any, y: Any = "no_validation", **options: Any) -> Any:
        _check_sizes_a_network(X)
        return validate_data(self, _on_cpu(X), y, accept_sparse="csr", allow_nd=True, **options)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        # Batches of a sparse matrix are made dense.
        tags.input_tags.sparse = True
        # Weights are drawn from the global generator of torch.
        tags.non_deterministic = True
        return tags

    def size_to(self, X: Any, y: Any) -> None:
        """Note the sizes that ``module=None`` takes from the data.

        Parameters
        ----------
        X : array or sparse matrix of shape (n, ...)
            Rows.
        y : ndarray of shape (n,) or None
            Labels or targets.
        """
        if self.module is not None:
            return
        _check_sizes_a_network(X)
        if is_classifier(self):
            n_classes = len(np.unique(y if self.classes is None else self.classes))
            self.data_params_ = default_module_params(X, None, n_classes=n_classes)
            criterion = self.criterion
            self.data_params_["softmax"] = isinstance(criterion, type) and issubclass(
                criterion, torch.nn.NLLLoss
            )
        elif is_regressor(self):
            self.data_params_ = default_module_params(X, y, n_classes=None)
        elif y is not None and np.ndim(y) == 2 and has_criterion(self, LABEL_CRITERIA):
            self.data_params_ = default_module_params(X, None, n_classes=np.shape(y)[1])
        elif y is None and X.ndim == 2 and not scipy.sparse.issparse(X):
            self.data_params_ = default_module_params(X, np.asarray(X), n_classes=None)
        else:
            self.data_params_ = default_module_params(X, y, n_classes=None)

    def get_dataset(self, X: Any, y: Any = None) -> Any:
        if self.module is None:
            X = self._validated_rows(X, reset=False)
        y, module = self._target(y), vars(self).get("module_")
        if module is None:
            return super().get_dataset(net_input(X), y)
        own = y is None and not (is_classifier(self) or is_regressor(self) or is_dataset(X))
        if own and isinstance(X, np.ndarray | torch.Tensor):
            return super().get_dataset(*rows_as_targets(X, unwrapped(module)))
        return super().get_dataset(*net_rows(X, y, unwrapped(module)))

    def _target(self, y: Any) -> Any:
        if y is None or isinstance(y, torch.Tensor):
            return y
        y = _as_array(y)
        return net_target(y, net=self) if y.dtype.kind in "fiub" else y

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        iterator = super().get_iterator(dataset, training=training)
        return faster(iterator, rows_may_stay_on(self) if training else None)

    def notify(self, method_name: str, **about: Any) -> None:
        if method_name != "on_epoch_end" or not is_known(self, "notify"):
            super().notify(method_name, **about)
            return
        # As skorch has it, but for the table of the history that nobody sees.
        self.on_epoch_end(self, **about)
        for _, callback in self.callbacks_:
            if prints_nothing(callback, self):
                callback.first_iteration_ = False
            else:
                callback.on_epoch_end(self, **about)

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        if takes_over(self, iterator, training, step_fn):
            train_one_epoch(self, iterator, prefix, watchers=[self.tracker_], **fit_params)
        else:
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        super().on_train_begin(net, X=X, y=y, **kwargs)
        self.tracker_.on_train_begin(net, X=X, y=y, **kwargs)

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        super().on_epoch_begin(net, **kwargs)
        self.tracker_.on_epoch_begin(net, **kwargs)

    def on_batch_begin(self, net: Any, **kwargs: Any) -> None:
        super().on_batch_begin(net, **kwargs)
        self.tracker_.on_batch_begin(net, **kwargs)

    def on_batch_end(self, net: Any, **kwargs: Any) -> None:
        super().on_batch_end(net, **kwargs)
        self.tracker_.on_batch_end(net, **kwargs)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        super().on_epoch_end(net, **kwargs)
        self.tracker_.on_epoch_end(net, **kwargs)

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        super().on_train_end(net, **kwargs)
        self.tracker_.on_train_end(net, **kwargs)


def _check_sizes_a_network(X: Any) -> None:
    # Some sparse matrices are dictionaries.
    if is_dataset(X) or (isinstance(X, dict) and not scipy.sparse.issparse(X)):
        raise ValueError(
            f"module=None needs X as an array of shape (n, ...), got {type(X).__name__}: "
            "pass a module for other inputs."
        )


def prints_nothing(callback: Any, net: Any) -> bool:
    """Whether a callback is skorch's table of the history, made also where none is seen."""
    return type(callback) is PrintLog and callback.sink is print and not net.verbose


def _as_array(y: Any) -> np.ndarray:
    """Targets as an array, of objects where each row has an array of its own."""
    entries = as_row_objects(y)
    return np.asarray(y) if entries is None else entries


def _on_cpu(array: Any) -> Any:
    return as_array(array) if isinstance(array, torch.Tensor) else array
