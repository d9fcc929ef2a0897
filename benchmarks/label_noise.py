"""How well difficulty scores find wrong labels that were planted in real data.

Labels of a share of the rows are replaced by other classes, uniformly. A network is trained on
them once per seed, and every score is read off that one training.

    python benchmarks/label_noise.py --data digits fashion --seeds 3
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sklearn
import skorch
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import average_precision_score, roc_auc_score
from skorch import NeuralNetClassifier

import sklearn_difficulty
from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.datasets import flip_labels
from sklearn_difficulty.scores import loss_variance

ROOT = Path(__file__).resolve().parents[1]
DATA_DIR = ROOT.parent / "shared" / "data"
FASHION_FILE = "fashion_mnist_12k.npz"

# Higher is harder in all of them. The loss in the end is no score of the package: it is what one
# has without the path, to compare with.
SCORES: dict[str, Callable[[DifficultyScorer, Any], np.ndarray]] = {
    "action": lambda scorer, X: scorer.difficulty_,
    "loss in the end": lambda scorer, X: scorer.trajectory_.loss[0, -1],
    "loss_variance": lambda scorer, X: loss_variance(scorer.trajectory_),
    "vog": lambda scorer, X: scorer.difficulty(X, score="vog"),
    "vog, late": lambda scorer, X: scorer.difficulty(
        X, score="vog", score_params={"steps": slice(-3, None)}
    ),
}

METRICS = ("average precision", "precision at the noise rate", "AUROC")


class Setting(NamedTuple):
    """What is trained on what.

    Attributes
    ----------
    title : str
        In words, for the report.
    rate : float
        Share of the labels that are made wrong.
    load : callable
        Takes the data folder and gives X and y.
    net : callable
        Makes the estimator; None is the default network.
    """

    title: str
    rate: float
    load: Callable[[Path], tuple[np.ndarray, np.ndarray]]
    net: Callable[[], Any]


class MLP(torch.nn.Module):
    """One hidden layer of 128 rectified units, from 784 pixels to 10 logits."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)
        )

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Logits of shape (n, 10)."""
        return self.layers(X)


def mlp_128() -> NeuralNetClassifier:
    """Make the network for Fashion-MNIST: Adam, batches of 128, 15 epochs."""
    return NeuralNetClassifier(
        MLP,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        batch_size=128,
        max_epochs=15,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )


def load_fashion(data_dir: Path) -> tuple[np.ndarray, np.ndarray]:
    """Load the 10,000 training images, pixels in [0, 1].

    Raises
    ------
    FileNotFoundError
        If they are not in the folder.
    """
    file = data_dir / FASHION_FILE
    if not file.is_file():
        raise FileNotFoundError(
            f"the folder {os.path.relpath(data_dir)} does not hold {FASHION_FILE}. "
            "Name the folder that does with --data-dir."
        )
    with np.load(file) as arrays:
        X, y = arrays["train_X"], arrays["train_y"]
    return (X.reshape(len(X), -1) / 255).astype(np.float32), y.astype(np.int64)


SETTINGS = {
    "digits": Setting(
        "scikit-learn's digits, 1797 rows, 10 % wrong labels, default network",
        0.1,
        lambda data_dir: load_digits(return_X_y=True),
        lambda: None,
    ),
    "fashion": Setting(
        "Fashion-MNIST, 10000 rows, 20 % wrong labels, MLP-128, 15 epochs of Adam, batch 128",
        0.2,
        load_fashion,
        mlp_128,
    ),
}


def run(name: str, n_seeds: int, data_dir: Path = DATA_DIR) -> dict[str, dict[str, list[float]]]:
    """Measure all scores.

    Parameters
    ----------
    name : {"digits", "fashion"}
        The setting.
    n_seeds : int
        Seeds from 0; each one draws the errors and the training anew.
    data_dir : Path
        Folder of the data that do not come with scikit-learn.

    Returns
    -------
    dict
        Score -> metric -> one value per seed.
    """
    setting = SETTINGS[name]
    X, y = setting.load(data_dir)
    results: dict[str, dict[str, list[float]]] = {
        score: {metric: [] for metric in METRICS} for score in SCORES
    }
    for seed in range(n_seeds):
        given, wrong = flip_labels(y, setting.rate, random_state=seed)
        scorer = DifficultyScorer(setting.net(), random_state=seed).fit(X, given)
        for score, values in SCORES.items():
            for metric, value in measure(wrong, values(scorer, X)).items():
                results[score][metric].append(value)
    return results


def measure(wrong: np.ndarray, difficulty: np.ndarray) -> dict[str, float]:
    """Judge a ranking.

    Parameters
    ----------
    wrong : ndarray of shape (n,), bool
        Where labels are wrong.
    difficulty : ndarray of shape (n,)
        Higher is harder.

    Returns
    -------
    dict
        Metric -> value. Precision is that of as many hardest rows as there are wrong labels.
    """
    hardest = np.argsort(-difficulty, kind="stable")[: wrong.sum()]
    values = (
        average_precision_score(wrong, difficulty),
        wrong[hardest].mean(),
        roc_auc_score(wrong, difficulty),
    )
    return dict(zip(METRICS, map(float, values), strict=True))


def table(results: dict[str, dict[str, list[float]]]) -> str:
    """Write results as a Markdown table, mean ± standard deviation over the seeds."""
    width = max(map(len, METRICS))
    lines = [
        f"| {'score':16} | {' | '.join(f'{metric:{width}}' for metric in METRICS)} |",
        f"| {'-' * 16} | {' | '.join('-' * width for _ in METRICS)} |",
    ]
    for score, metrics in results.items():
        cells = (f"{_mean_sd(metrics[metric]):{width}}" for metric in METRICS)
        lines.append(f"| {score:16} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _mean_sd(values: list[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.4f}"
    return f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}"


def versions() -> dict[str, str]:
    """Versions of everything that the numbers depend on."""
    modules = (sklearn_difficulty, sklearn, skorch, torch, np)
    return {"python": platform.python_version()} | {
        module.__name__: str(module.__version__) for module in modules
    }


def report(measured: dict[str, Any], command: str, n_seeds: int) -> str:
    """Write all tables with what they were made by, as Markdown."""
    seeds = "seed 0" if n_seeds == 1 else f"seeds 0 to {n_seeds - 1}"
    parts = [
        "# Finding wrong labels",
        f"Written by\n\n    {command}",
        f"Mean ± standard deviation over {seeds}; each draws the wrong labels and the training "
        "anew.\nAll scores of a seed are read off the same training. By chance both precisions "
        "are the share\nof wrong labels, and AUROC is 0.5.",
    ]
    for name, results in measured.items():
        parts += [f"## {SETTINGS[name].title}", table(results)]
    used = ", ".join(f"{name} {version}" for name, version in versions().items())
    parts.append(f"Versions: {used}.")
    return "\n\n".join(parts) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 2 where data are missing."""
    parser = argparse.ArgumentParser(description="Measure how well scores find wrong labels.")
    parser.add_argument("--data", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=DATA_DIR,
        metavar="DIR",
        help="folder with the data that do not come with scikit-learn (default: ../shared/data)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every value there")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the report there")
    arguments = parser.parse_args(argv)
    if arguments.seeds < 1:
        parser.error(f"argument --seeds: must be at least 1; got {arguments.seeds}")
    files = [file for file in (arguments.json, arguments.out) if file is not None]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
    # So small networks are slower with several threads than with one.
    torch.set_num_threads(1)
    measured = {}
    for name in arguments.data:
        try:
            measured[name] = run(name, arguments.seeds, arguments.data_dir)
        except FileNotFoundError as error:
            print(f"label_noise.py: error: {error}", file=sys.stderr)
            return 2
        print(f"{SETTINGS[name].title}\n\n{table(measured[name])}\n", flush=True)
    command = f"python benchmarks/label_noise.py --data {' '.join(arguments.data)}"
    command += f" --seeds {arguments.seeds}"
    if arguments.out is not None:
        command += f" --out {os.path.relpath(arguments.out, ROOT)}"
    if arguments.json is not None:
        content = {"command": command, "versions": versions(), "results": measured}
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if arguments.out is not None:
        text = report(measured, command, arguments.seeds)
        arguments.out.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
