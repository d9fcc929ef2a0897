"""The network that is used where the user gives none: it sizes itself to the data."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import scipy.sparse
import torch
from sklearn.preprocessing import StandardScaler

from sklearn_difficulty.recording._inputs import net_input

_HIDDEN = 128
# Enough updates to learn a small table, few enough epochs for a large one.
_UPDATES_WANTED = 600
_FEWEST_EPOCHS, _MOST_EPOCHS = 15, 60
_ROWS_PER_EPOCH_BATCHES = 20
_SMALLEST_BATCH, _LARGEST_BATCH = 16, 128
# As many values as are standardised at a time.
_VALUES_AT_A_TIME = 2**22


class DefaultMLP(torch.nn.Module):
    """Multilayer perceptron on flattened, standardised inputs.

    Parameters
    ----------
    n_features : int
        Values in a row, over all its axes.
    n_outputs : int
        Classes, or targets of a regression.
    center, scale : array-like of shape (n_features,)
        Mean and standard deviation of each input.
    output_center, output_scale : float or array-like of shape (n_outputs,)
        The same of a regression's targets.
    hidden : int, default=128
        Units of the hidden layer.
    softmax : bool, default=False
        Return probabilities, for a criterion that takes those.
    """

    center: torch.Tensor
    scale: torch.Tensor
    output_center: torch.Tensor
    output_scale: torch.Tensor

    def __init__(
        self,
        n_features: int,
        n_outputs: int,
        center: Any = 0.0,
        scale: Any = 1.0,
        output_center: Any = 0.0,
        output_scale: Any = 1.0,
        hidden: int = _HIDDEN,
        softmax: bool = False,
    ) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(n_features, hidden),
            torch.nn.ReLU(),
            torch.nn.Linear(hidden, n_outputs),
        )
        self.softmax = softmax
        for name, value in (
            ("center", center),
            ("scale", scale),
            ("output_center", output_center),
            ("output_scale", output_scale),
        ):
            self.register_buffer(name, torch.as_tensor(value, dtype=torch.float32))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Logits (or probabilities) of shape (n, n_outputs)."""
        standardised = (X.float().flatten(1) - self.center) / self.scale
        outputs = self.layers(standardised) * self.output_scale + self.output_center
        return outputs.softmax(dim=1) if self.softmax else outputs


@contextmanager
def threads_for(module: torch.nn.Module) -> Iterator[None]:
    """Let the default network compute in one thread, which is faster than several for its size.

    How many threads other modules get is for the user to say.
    """
    n_threads = torch.get_num_threads()
    if not isinstance(module, DefaultMLP) or n_threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


def default_module_params(X: Any, y: np.ndarray | None, *, n_classes: int | None) -> dict:
    """Parameters of :class:`DefaultMLP` for some data.

    Parameters
    ----------
    X : array or sparse matrix of shape (n, ...)
        Inputs.
    y : ndarray of shape (n,) or (n, n_outputs) or None
        Targets of a regression.
    n_classes : int or None
        Classes, or labels of which a row may have several; None for a regression.
    """
    n_features = int(np.prod(X.shape[1:]))
    # A sparse matrix is standardised batch by batch, once its rows are dense.
    scaler = StandardScaler(with_mean=not scipy.sparse.issparse(X))
    # Piece by piece: the scaler makes copies, of what may be larger than memory.
    rows_at_a_time = max(1, _VALUES_AT_A_TIME // max(1, n_features))
    for start in range(0, X.shape[0], rows_at_a_time):
        rows = net_input(X[start : start + rows_at_a_time])
        scaler.partial_fit(rows if scipy.sparse.issparse(rows) else rows.reshape(len(rows), -1))
    params = {
        "n_features": n_features,
        "center": scaler.mean_.astype(np.float32),
        "scale": scaler.scale_.astype(np.float32),
    }
    if n_classes is not None:
        return params | {"n_outputs": n_classes}
    if y is None or y.ndim == 1:
        spread = float(np.std(y)) if y is not None else 1.0
        return params | {
            "n_outputs": 1,
            "output_center": float(np.mean(y)) if y is not None else 0.0,
            "output_scale": spread or 1.0,
        }
    spreads = np.std(y, axis=0)
    return params | {
        "n_outputs": y.shape[1],
        "output_center": np.mean(y, axis=0).astype(np.float32),
        "output_scale": np.where(spreads > 0, spreads, 1.0).astype(np.float32),
    }


def default_training(n_samples: int) -> dict[str, int]:
    """Batch size and epochs that suit a number of rows."""
    batch_size = int(np.clip(n_samples // _ROWS_PER_EPOCH_BATCHES, _SMALLEST_BATCH, _LARGEST_BATCH))
    updates_per_epoch = -(-n_samples // batch_size)
    epochs = int(np.clip(_UPDATES_WANTED // updates_per_epoch, _FEWEST_EPOCHS, _MOST_EPOCHS))
    return {"batch_size": batch_size, "max_epochs": epochs}
