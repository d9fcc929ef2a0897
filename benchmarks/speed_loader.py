"""How long a training takes whose rows come from the user's own DataLoader."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback
from speed_models import CNN, images, net
from speed_timing import Comparison, Work
from torch.utils.data import Dataset

from sklearn_difficulty import DifficultyTracker

WORKERS = 2
EPOCHS = 3


class Augmented(Dataset):
    """Images that are shifted and get noise whenever they are asked for."""

    def __init__(self, X: np.ndarray, y: np.ndarray) -> None:
        self.X, self.y = torch.from_numpy(X), y

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        shifts = torch.randint(-2, 3, (2,)).tolist()
        image = self.X[row].roll(shifts, dims=(1, 2))
        return image + 0.1 * torch.randn_like(image), int(self.y[row])


class Pass(Callback):
    """Computes the outputs of all rows after each epoch, and nothing more."""

    def on_epoch_end(self, net: Any, dataset_train: Any = None, **kwargs: Any) -> None:
        for batch in net.get_iterator(dataset_train, training=False):
            net.evaluation_step(batch)


def comparisons(short: bool) -> Iterator[Comparison]:
    """Fits with a tracker as a callback, beside the same without it.

    Parameters
    ----------
    short : bool
        Whether to make do with fewer rows.
    """
    dataset = Augmented(*images(1000 if short else 5000))
    title = f"fit with augmentation and {WORKERS} workers, when="
    sides = [
        ("during", "the same without records", []),
        ("after", "the same with a pass of inference", [Pass()]),
    ]
    for when, against, callbacks in sides:
        yield Comparison(
            f'{title}"{when}"',
            against,
            1.15,
            _fit(dataset, [DifficultyTracker(when=when)]),
            _fit(dataset, callbacks),
            clock=time.perf_counter,
        )


def _fit(dataset: Dataset, callbacks: list[Any]) -> Callable[[], Work]:
    options = {f"iterator_{part}__num_workers": WORKERS for part in ("train", "valid")}

    def prepare() -> Work:
        fitted = net(CNN, callbacks=callbacks, **options)
        fitted.max_epochs = EPOCHS
        return lambda: fitted.fit(dataset, None)

    return prepare
