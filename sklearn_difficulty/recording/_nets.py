"""skorch nets whose ``fit`` leaves a trajectory behind."""

from typing import Any

import numpy as np
import torch
from sklearn.utils import Tags
from skorch import NeuralNetClassifier, NeuralNetRegressor
from skorch.utils import to_numpy, to_tensor

from sklearn_difficulty._foreign import as_array
from sklearn_difficulty.recording._default_net import (
    default_training,
)
from sklearn_difficulty.recording._inputs import (
    class_numbers,
    net_target,
)
from sklearn_difficulty.recording._losses import unwrapped
from sklearn_difficulty.recording._outputs import first_output
from sklearn_difficulty.recording._tracked import Tracked


class TrackedNet(Tracked):
    """Net of skorch for any task, whose ``fit`` leaves a trajectory behind.

    Targets may have any shape that the criterion compares with what the module returns: several
    labels or numbers for each row, masks, sequences. A list of arrays, such as the boxes of each
    image, reaches the criterion as a list of tensors. Without targets, ``fit(X)``, each row is its
    own target, as for an autoencoder.

    Parameters
    ----------
    module : torch module class or instance, default=None
        The network. None is a multilayer perceptron that sizes itself to the data.
    *args : objects
        Further positional parameters of :class:`skorch.NeuralNet`, the first of which is
        the criterion. It may be a mapping of names to criteria, or return its losses by name, in a
        dict or a named tuple: the net learns their sum, and each is recorded; see
        :class:`~sklearn_difficulty.recording.NamedLosses`.
    when : {"after", "during"}, default="after"
        Record in a pass after each epoch, or the training pass itself; see
        :class:`DifficultyTracker`.
    snapshots : {"auto", "all"}, int, list of int or None, default="auto"
        Which epochs to keep the parameters of; see :class:`DifficultyTracker`.
    keep : tuple of {"outputs", "elements"}, default=()
        Large records that are made only on demand; see :class:`DifficultyTracker`.
    device : str or torch.device, default="auto"
        ``"auto"`` is CUDA where there is one, and else the CPU.
    **kwargs : objects
        Further parameters of :class:`skorch.NeuralNet`.

    Attributes
    ----------
    trajectory_ : Trajectory
        What each row did in the epochs that were completed; one run.

    See Also
    --------
    TrackedNetClassifier : For classification.
    TrackedNetRegressor : For regression.
    DifficultyTracker : The same as a callback of a net that is there already.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from sklearn_difficulty import TrackedNet
    >>> X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    >>> autoencoder = TrackedNet(
    ...     torch.nn.Linear,
    ...     torch.nn.MSELoss,
    ...     module__in_features=3,
    ...     module__out_features=3,
    ...     train_split=None,
    ...     max_epochs=2,
    ...     verbose=0,
    ... )
    >>> autoencoder.fit(X).trajectory_.loss.shape
    (1, 2, 40)
    """

    def predict_proba(self, X: Any) -> np.ndarray:
        """Give the outputs of the module, as probabilities under a cross-entropy.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows.

        Returns
        -------
        proba : ndarray of shape (n, ...)
            In the shape of the outputs: with ``CrossEntropyLoss`` probabilities of classes, over
            the second axis; with ``BCEWithLogitsLoss`` and several labels, of each label. With
            other criteria, and ``predict_nonlinearity``, as :class:`skorch.NeuralNet` has it.
        """
        criterion = unwrapped(self.criterion_)
        if self.predict_nonlinearity == "auto" and isinstance(
            criterion, torch.nn.CrossEntropyLoss | torch.nn.BCEWithLogitsLoss
        ):
            outputs = torch.cat([first_output(part) for part in self.forward_iter(X)])
            if isinstance(criterion, torch.nn.CrossEntropyLoss):
                return to_numpy(outputs.softmax(dim=1))
            if outputs.ndim > 1 and outputs.shape[1] > 1:
                return to_numpy(outputs.sigmoid())
        return super().predict_proba(X)


class TrackedNetClassifier(Tracked, NeuralNetClassifier):
    """Classifier of skorch whose ``fit`` leaves a trajectory behind.

    It takes any labels and returns them, casts arrays to the types that torch computes in,
    and is otherwise a :class:`skorch.NeuralNetClassifier`.

    Parameters
    ----------
    module : torch module class or instance, default=None
        The network. None is a multilayer perceptron that sizes itself to the data and
        standardises its inputs.
    *args : objects
        Further positional parameters of :class:`skorch.NeuralNetClassifier`.
    when : {"after", "during"}, default="after"
        Record in a pass after each epoch, or the training pass itself; see
        :class:`DifficultyTracker`.
    snapshots : {"auto", "all"}, int, list of int or None, default="auto"
        Which epochs to keep the parameters of; see :class:`DifficultyTracker`.
    keep : tuple of {"outputs", "elements"}, default=()
        Large records that are made only on demand; see :class:`DifficultyTracker`.
    device : str or torch.device, default="auto"
        ``"auto"`` is CUDA where there is one, and else the CPU.
    **kwargs : objects
        Further parameters of :class:`skorch.NeuralNetClassifier`. Its ``criterion`` is
        :class:`torch.nn.NLLLoss` unless given, which takes probabilities.

    Attributes
    ----------
    trajectory_ : Trajectory
        What each row did in the epochs that were completed; one run.
    classes_ : ndarray of shape (n_classes,)
        The labels, in the order of the network's outputs.

    See Also
    --------
    DifficultyTracker : The same as a callback of a net that is there already.
    sklearn_difficulty.DifficultyScorer : Trains, records and scores in one.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_difficulty import TrackedNetClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> net = TrackedNetClassifier(max_epochs=4, train_split=None, verbose=0).fit(X, y)
    >>> net.trajectory_.loss.shape
    (1, 4, 150)
    """

    predicts_numbers_ = False

    def initialize(self) -> Any:
        """Forget an earlier training, its classes too; see :class:`skorch.NeuralNet`."""
        self.__dict__.pop("classes_inferred_", None)
        return super().initialize()

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        # The tracker meets the labels before skorch looks at them.
        self.check_data(X, y)
        super().on_train_begin(net, X=X, y=y, **kwargs)

    def check_data(self, X: Any, y: Any) -> None:
        """Note the classes, or keep those of a training that goes on.

        Parameters
        ----------
        X, y : objects
            Rows and labels; see :class:`skorch.NeuralNetClassifier`.
        """
        known = vars(self).get("classes_inferred_")
        super().check_data(X, y)
        if known is not None:
            # Of which further rows may lack some; others have no output in the module.
            self.classes_inferred_ = known

    def partial_fit(self, X: Any, y: Any = None, classes: Any = None, **fit_params: Any) -> Any:
        """Train on, without starting anew; see :class:`skorch.NeuralNet`."""
        # Callbacks that score while the net trains compare predictions with the dataset's
        # targets, which are class numbers.
        self.predicts_numbers_ = True
        try:
            return super().partial_fit(X, y, classes, **fit_params)
        finally:
            self.predicts_numbers_ = False

    def predict(self, X: Any) -> np.ndarray:
        """Predict class labels.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows.

        Returns
        -------
        labels : ndarray of shape (n,)
            Labels out of ``classes_``.
        """
        numbers = super().predict(X)
        if self.predicts_numbers_:
            return numbers
        n_classes = len(self.classes_)
        if numbers.size and numbers.max() >= n_classes:  # a module with outputs to spare
            numbers = self.predict_proba(X)[:, :n_classes].argmax(axis=1)
        return self.classes_[numbers]

    def _target(self, y: Any) -> Any:
        if y is None:
            return y
        labels = as_array(y) if isinstance(y, torch.Tensor) else y
        return net_target(class_numbers(labels, self.classes_), net=self)


class TrackedNetRegressor(Tracked, NeuralNetRegressor):
    """Regressor of skorch whose ``fit`` leaves a trajectory behind.

    It takes targets of shape (n,) as well as (n, outputs), and predicts in the same shape. With
    ``criterion=torch.nn.GaussianNLLLoss``, the module returns a mean and a variance.

    Parameters
    ----------
    module : torch module class or instance, default=None
        The network. None is a multilayer perceptron that sizes itself to the data and
        standardises its inputs. It predicts in the unit of the targets, in which the loss and
        its gradients are large where the targets are: give it an optimizer whose steps do not
        grow with them, such as :class:`torch.optim.Adam`.
    *args : objects
        Further positional parameters of :class:`skorch.NeuralNetRegressor`.
    when : {"after", "during"}, default="after"
        Record in a pass after each epoch, or the training pass itself; see
        :class:`DifficultyTracker`.
    snapshots : {"auto", "all"}, int, list of int or None, default="auto"
        Which epochs to keep the parameters of; see :class:`DifficultyTracker`.
    keep : tuple of {"outputs", "elements"}, default=()
        Large records that are made only on demand; see :class:`DifficultyTracker`.
    device : str or torch.device, default="auto"
        ``"auto"`` is CUDA where there is one, and else the CPU.
    **kwargs : objects
        Further parameters of :class:`skorch.NeuralNetRegressor`.

    Attributes
    ----------
    trajectory_ : Trajectory
        What each row did in the epochs that were completed; one run. The records that need
        classes are absent.

    See Also
    --------
    TrackedNetClassifier : For classification.

    Examples
    --------
    >>> import torch
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_difficulty import TrackedNetRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = TrackedNetRegressor(
    ...     optimizer=torch.optim.Adam, max_epochs=3, train_split=None, verbose=0
    ... ).fit(X, y)
    >>> net.trajectory_.loss.shape
    (1, 3, 442)
    """

    flat_target_ = False

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def check_data(self, X: Any, y: Any) -> None:
        """Note the targets' shape; see :class:`skorch.NeuralNetRegressor`."""
        if y is not None:
            self.flat_target_ = np.ndim(y) == 1
        super().check_data(X, y)

    def get_loss(self, y_pred: Any, y_true: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Loss of a batch, with targets in the shape of the outputs."""
        outputs = first_output(y_pred)
        if isinstance(outputs, torch.Tensor) and y_true.ndim == 1 and outputs.shape[1:] == (1,):
            y_true = y_true.reshape(-1, 1)
        if isinstance(y_pred, tuple) and isinstance(
            unwrapped(self.criterion_), torch.nn.GaussianNLLLoss
        ):
            mean, variance = y_pred
            return self.criterion_(mean, to_tensor(y_true, device=self.device), variance)
        return super().get_loss(y_pred, y_true, *args, **kwargs)

    def predict(self, X: Any) -> np.ndarray:
        """Predict targets.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows.

        Returns
        -------
        targets : ndarray of shape (n,) or (n, outputs)
            In the shape of the targets that the net was fitted to.
        """
        targets = super().predict(X)
        return targets.ravel() if self.flat_target_ else targets


def default_net(kind: type, n_samples: int | None = None) -> Any:
    """Small net that suits a table of unknown scale.

    Parameters
    ----------
    kind : type
        ``TrackedNetClassifier``, ``TrackedNetRegressor``, or ``TrackedNet`` for labels of which a
        row may have several.
    n_samples : int or None
        Rows, which batches and epochs are made for; None for a middling number.
    """
    criterion: type = torch.nn.BCEWithLogitsLoss
    if issubclass(kind, TrackedNetClassifier):
        criterion = torch.nn.CrossEntropyLoss
    elif issubclass(kind, TrackedNetRegressor):
        criterion = torch.nn.MSELoss
    return kind(
        criterion=criterion,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
        **default_training(1000 if n_samples is None else n_samples),
    )
