"""How long recorded trainings and gradients take on an accelerator, where there is one."""

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from speed_models import CNN, images, net
from speed_timing import Comparison, Work
from torch import nn

from sklearn_difficulty import DifficultyScorer, TrackedNetClassifier

EPOCHS = 2
BATCH = 256


class Block(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.through = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.around = nn.Identity()
        if stride > 1 or before != after:
            self.around = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return (self.through(X) + self.around(X)).relu()


class ResNet18(nn.Sequential):
    """ResNet-18 for images of 32 x 32 pixels (He et al., 2016)."""

    def __init__(self, width: int = 64) -> None:
        widths = [width, width, 2 * width, 4 * width, 8 * width]
        blocks = []
        for stage, (before, after) in enumerate(pairwise(widths)):
            blocks += [Block(before, after, 2 if stage else 1), Block(after, after, 1)]
        super().__init__(
            nn.Conv2d(3, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            *blocks,
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(8 * width, 10),
        )


def comparisons(short: bool) -> Iterator[Comparison]:
    """Trainings on an accelerator, beside bare loops there; none where there is none.

    Parameters
    ----------
    short : bool
        Whether to make do with fewer rows.
    """
    if torch.cuda.is_available():
        yield from on("cuda", 5000 if short else 50_000)


def on(device: str, n_rows: int) -> Iterator[Comparison]:
    """The same on a device of choice."""
    name = torch.cuda.get_device_name() if device == "cuda" else device
    for module, (X, y) in ((CNN, images(n_rows)), (ResNet18, _colours(n_rows))):
        bare = _loop(device, module, X, y)
        for when, goal in (("after", 1.35), ("during", 1.03)):
            yield Comparison(
                f'fit of a tracked {module.__name__}, when="{when}", {n_rows:,} rows, {name}',
                "bare loop, rows on the device",
                goal,
                _fit(device, module, X, y, when),
                bare,
                clock=time.perf_counter,
            )
        few = slice(max(1, n_rows // 10))
        yield Comparison(
            f"VoG of {len(y[few]):,} rows, {module.__name__}, {EPOCHS} snapshots, {name}",
            "forward and backward passes alone",
            1.1,
            *_gradients(device, module, X[few], y[few]),
            clock=time.perf_counter,
        )


def _colours(n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal(size=(n_rows, 3, 32, 32), dtype=np.float32)
    return X, rng.integers(10, size=n_rows)


def _net(device: str, module: Any, **options: Any) -> Any:
    options |= {"device": device, "max_epochs": EPOCHS, "batch_size": BATCH}
    return net(module, TrackedNetClassifier, **options)


def _done(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _fit(device: str, module: Any, X: np.ndarray, y: np.ndarray, when: str) -> Callable[[], Work]:
    def work() -> None:
        _net(device, module, when=when).fit(X, y)
        _done(device)

    return lambda: work


def _loop(device: str, module: Any, X: np.ndarray, y: np.ndarray) -> Callable[[], Work]:
    def work() -> None:
        rows, targets = torch.from_numpy(X).to(device), torch.from_numpy(y).to(device)
        model, criterion = module().to(device), nn.CrossEntropyLoss()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        for _ in range(EPOCHS):
            for batch in torch.randperm(len(rows), device=device).split(BATCH):
                optimizer.zero_grad()
                criterion(model(rows[batch]), targets[batch]).backward()
                optimizer.step()
        _done(device)

    return lambda: work


def _gradients(
    device: str, module: Any, X: np.ndarray, y: np.ndarray
) -> tuple[Callable[[], Work], Callable[[], Work]]:
    scorer = DifficultyScorer(_net(device, module), snapshots="all", random_state=0).fit(X, y)
    [fitted] = scorer.estimators_
    rows, targets = torch.from_numpy(X), torch.from_numpy(y).reshape(-1, 1).to(device)

    def score() -> None:
        scorer.score_samples(X, y, score="vog")
        _done(device)

    def passes() -> None:
        model = fitted.module_.eval()
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        for _ in range(EPOCHS):
            for few, their in zip(rows.split(BATCH), targets.split(BATCH), strict=True):
                few = few.to(device).requires_grad_()
                torch.autograd.grad(model(few).gather(1, their).sum(), few)
        for parameter in model.parameters():
            parameter.requires_grad_(True)
        _done(device)

    return lambda: score, lambda: passes
