"""The demonstration: plant wrong labels in handwritten digits, find them, learn without them."""

import csv
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_difficulty._scorer import DifficultyScorer
from sklearn_difficulty.analysis import likely_labels
from sklearn_difficulty.datasets import flip_labels
from sklearn_difficulty.inspection import ImageGridDisplay
from sklearn_difficulty.selection import MislabelFilter

__all__ = ["Audit", "audit_digits", "compare_accuracy", "prepare_folder", "run_demo"]

NOISE_RATE = 0.1
N_LISTED = 10
N_PICTURED = 25
PICTURE = "hardest.png"
TABLE = "scores.csv"


class Audit(NamedTuple):
    """Digits with planted errors, and what the scorer makes of them, one entry per image.

    Attributes
    ----------
    images : ndarray of shape (n, 8, 8)
        Handwritten digits, from 0 (paper) to 16 (ink).
    true, given, likely : ndarray of shape (n,)
        The real label, the one with errors, and what the models took the image for.
    flipped : ndarray of shape (n,), bool
        Where the given label is wrong.
    action, vog : ndarray of shape (n,)
        Scores; higher is harder.
    """

    images: np.ndarray
    true: np.ndarray
    given: np.ndarray
    likely: np.ndarray
    flipped: np.ndarray
    action: np.ndarray
    vog: np.ndarray

    @property
    def hardest_first(self) -> np.ndarray:
        """Rows in order of action."""
        return np.argsort(-self.action, kind="stable")

    @property
    def average_precision(self) -> float:
        """Average precision of action for the wrong labels."""
        return float(average_precision_score(self.flipped, self.action))

    @property
    def n_found(self) -> int:
        """How many labels are wrong among the as many hardest images as there are wrong labels."""
        return int(self.flipped[self.hardest_first[: self.flipped.sum()]].sum())


def prepare_folder(out: Path) -> None:
    """Make a folder and make sure that files can be written to it.

    Parameters
    ----------
    out : Path
        The folder.

    Raises
    ------
    OSError
        If that is not possible.
    """
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=out):
        pass


def run_demo(out: Path, seed: int) -> None:
    """Run everything, print what comes out and write the files.

    Parameters
    ----------
    out : Path
        Folder for the files; it exists.
    seed : int
        Seed of the errors, the trainings and the folds.
    """
    n_images = len(load_digits().target)
    _say(f"Handwritten digits: {n_images} images, 10 % of the labels made wrong (seed {seed}).")
    _say("A small network is trained on them once, and its path is recorded.\n")
    audit = audit_digits(seed, verbose=1)
    _say(_found(audit))
    _say(_most_suspicious(audit))
    _write_beside(out / TABLE, lambda path: _write_table(audit, path))
    _say(f"All scores:          {out / TABLE}")
    if find_spec("matplotlib") is None:
        _say("There is no picture: matplotlib is missing. To have one:")
        _say("  pip install 'sklearn-difficulty[plots]'\n")
    else:
        _write_beside(out / PICTURE, lambda path: _write_picture(audit, path))
        _say(f"The hardest images:  {out / PICTURE}\n")
    _say("Does it help? Accuracy in 5-fold cross-validation, in %. Every model is trained")
    _say("on folds with wrong labels; the filter keeps it from the hardest tenth of them.")
    _say("A tenth of the given labels being wrong, agreement with them ends at about 90.\n")
    _say(_ACCURACY_HEAD)
    for name, accuracy in compare_accuracy(audit, seed):
        _say(_ACCURACY_ROW.format(name, *(f"{100 * share:.1f}" for share in accuracy)))
    _say("\nModels that follow every label gain most. Those that average errors out have")
    _say("little to gain, and can lose by the rightly labelled images that are dropped.")


def audit_digits(seed: int, *, verbose: int = 0) -> Audit:
    """Plant wrong labels in scikit-learn's digits and score all images.

    Parameters
    ----------
    seed : int
        Seed of the errors and of the training.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    Audit
        The images, their labels and their scores.
    """
    digits = load_digits()
    given, flipped = flip_labels(digits.target, NOISE_RATE, random_state=seed)
    scorer = DifficultyScorer(random_state=seed, verbose=verbose).fit(digits.data, given)
    return Audit(
        images=digits.images,
        true=digits.target,
        given=given,
        likely=likely_labels(scorer.trajectory_),
        flipped=flipped,
        action=scorer.difficulty_,
        vog=scorer.score_samples(digits.data, score="vog"),
    )


def compare_accuracy(audit: Audit, seed: int) -> Any:
    """Cross-validate several models on the given labels, without and with the filter.

    Parameters
    ----------
    audit : Audit
        The images and their labels; the scores are not used, every fold is scored anew.
    seed : int
        Seed of the folds, the filter and the models.

    Yields
    ------
    name : str
        The model.
    accuracy : tuple of four floats
        Share of the images whose held-out prediction is the true label, without and with the
        filter, then the same for the given label.
    """
    models = {
        "logistic regression": LogisticRegression(max_iter=2000),
        "support vector machine": SVC(),
        "random forest": RandomForestClassifier(random_state=seed),
    }
    X = audit.images.reshape(len(audit.images), -1)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    # With a memory, the folds are scored for the first model and remembered for the others.
    with TemporaryDirectory() as memory:
        mislabel_filter = MislabelFilter(
            DifficultyScorer(random_state=seed),
            threshold=1 - NOISE_RATE,
            memory=memory,
            random_state=seed,
        )
        for name, model in models.items():
            plain = make_pipeline(StandardScaler(), model)
            filtered = make_pipeline(StandardScaler(), mislabel_filter, model)
            predicted = [
                cross_val_predict(pipe, X, audit.given, cv=folds) for pipe in (plain, filtered)
            ]
            yield (
                name,
                tuple(
                    float((labels == those).mean())
                    for labels in (audit.true, audit.given)
                    for those in predicted
                ),
            )


_ACCURACY_ROW = "  {:24}{:>10}{:>10}{:>15}{:>10}"
_ACCURACY_HEAD = (
    f"  {'':24}{'against the true labels':>20}   {'against the given ones':>23}\n"
    + _ACCURACY_ROW.format("model", "without", "with", "without", "with")
)


def _say(text: str) -> None:
    # The progress bar goes to another stream, and both have to stay in order.
    print(text, flush=True)


def _found(audit: Audit) -> str:
    n_wrong = int(audit.flipped.sum())
    return (
        "\nHow well action, the loss summed over training, finds the wrong labels:\n\n"
        f"  average precision  {audit.average_precision:.3f}  "
        f"(by chance {audit.flipped.mean():.3f})\n"
        f"  precision at 10 %  {audit.n_found / n_wrong:.3f}  "
        f"({audit.n_found} of the {n_wrong} hardest images are labelled wrongly)\n"
    )


def _most_suspicious(audit: Audit) -> str:
    lines = [f"  {'row':>6}{'given':>9}{'likely':>9}{'action':>10}   label was flipped"]
    for row in audit.hardest_first[:N_LISTED]:
        flipped = f"yes, it is a {audit.true[row]}" if audit.flipped[row] else "no"
        lines.append(
            f"  {row:>6}{audit.given[row]:>9}{audit.likely[row]:>9}{audit.action[row]:>10.1f}"
            f"   {flipped}"
        )
    return "The ten most suspicious images:\n\n" + "\n".join(lines) + "\n"


def _write_beside(target: Path, write: Callable[[Path], None]) -> None:
    """Let a file appear under its name once it is complete."""
    unfinished = target.with_name(f".{target.name}-{uuid4().hex}.tmp")
    try:
        write(unfinished)
        os.replace(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)


def _write_table(audit: Audit, path: Path) -> None:
    rank = np.empty(len(audit.action), dtype=np.int64)
    rank[audit.hardest_first] = np.arange(1, len(rank) + 1)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "given", "likely", "true", "flipped", "rank", "action", "vog"])
        for row in range(len(rank)):
            labels = audit.given[row], audit.likely[row], audit.true[row]
            scores = (f"{score[row]:.6g}" for score in (audit.action, audit.vog))
            writer.writerow([row, *labels, int(audit.flipped[row]), rank[row], *scores])


def _write_picture(audit: Audit, path: Path) -> None:
    import matplotlib

    # A file is written, no window is opened, and none may be possible.
    matplotlib.use("Agg")
    # The digits touch the edges; with a margin they are easier to read.
    display = ImageGridDisplay.from_scores(
        np.pad(audit.images, ((0, 0), (1, 1), (1, 1))),
        audit.action,
        audit.given,
        audit.likely,
        n_images=N_PICTURED,
        score_name="action",
    ).plot(
        title=f"The {N_PICTURED} hardest of {len(audit.images)} images: given → likely label",
        interpolation="bicubic",
    )
    display.figure_.savefig(path, format="png", dpi=120)
