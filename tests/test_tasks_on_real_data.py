"""Wrong targets of each kind, planted in real data, rank high.

Each bound lies below the lowest value that was measured with three seeds.
"""

import csv
import gzip
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import roc_auc_score

from sklearn_difficulty import (
    DifficultyScorer,
    TrackedNet,
    TrackedNetClassifier,
    TrackedNetRegressor,
)
from sklearn_difficulty.datasets import flip_labels

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@pytest.fixture
def beside_the_examples(monkeypatch, shared_data):
    """Let tests import what the examples do, which then read the same files as these tests."""
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setenv("SKLEARN_DIFFICULTY_DATA", str(shared_data))


def tenth(n):
    """Every tenth of some rows, drawn at random."""
    return np.random.default_rng(0).choice(n, n // 10, replace=False)


def passed_around(items, rows):
    """A list of which some rows have what belongs to the next of them."""
    given = list(items)
    for row, other in zip(rows, np.roll(rows, 1), strict=True):
        given[row] = items[other]
    return given


def auroc(rows, scores):
    """How well scores tell some rows from the others."""
    return roc_auc_score(np.isin(np.arange(len(scores)), rows), scores)


def trained(kind, module, criterion, **params):
    """A net that learns with Adam and takes all rows for training."""
    defaults = {
        "optimizer": torch.optim.Adam,
        "iterator_train__shuffle": True,
        "train_split": None,
        "verbose": 0,
        "device": "cpu",
    }
    return kind(module, criterion=criterion, **(defaults | params))


def test_wine_with_corrupted_targets(shared_data):
    with gzip.open(shared_data / "wine_quality.csv.gz", "rt") as lines:
        columns = next(lines).strip().split(",")
        table = np.unique(np.loadtxt(lines, delimiter=","), axis=0)
    table = np.random.default_rng(0).permutation(table)[:1500]
    X, quality = table[:, :-1], table[:, -1]
    assert columns[-1] == "quality"
    rows, y = tenth(len(X)), quality.copy()
    # to a grade as far off as can be: of 3 to 9, those above 6 to 3, and others to 9
    y[rows] = np.where(quality[rows] > 6, 3, 9)
    net = trained(TrackedNetRegressor, None, torch.nn.HuberLoss, lr=0.005, max_epochs=20)
    scorer = DifficultyScorer(net, random_state=0).fit(X, y)
    assert auroc(rows, scorer.difficulty_) >= 0.97
    # alcohol and quality at once
    targets = np.column_stack([X[:, -2], quality])
    assert columns[-3] == "alcohol"
    targets[rows] = targets[np.roll(rows, 1)]
    scorer = DifficultyScorer(net, random_state=0).fit(np.delete(X, -2, axis=1), targets)
    assert auroc(rows, scorer.difficulty_) >= 0.7


def test_emotions_with_flipped_rows(beside_the_examples):
    from emotions import load_emotions

    X, truth, _, source = load_emotions()
    assert source == "emotions in music"
    rows, Y = tenth(len(X)), truth.copy()
    Y[rows] = 1 - truth[rows]
    scorer = DifficultyScorer(random_state=0).fit(X, Y)
    assert auroc(rows, scorer.difficulty_) >= 0.9
    labels = scorer.trajectory_.element_action[0]
    assert labels.shape == Y.shape
    assert roc_auc_score((Y != truth).ravel(), labels.ravel()) >= 0.8


def test_street_scenes_with_swapped_masks(beside_the_examples):
    from small_unet import SegmentationLoss, SmallUNet
    from street_scenes import load_street_scenes

    images, masks, classes, void, source = load_street_scenes(90)
    assert source == "CamVid"
    n, height, width = len(images), 60, 80
    images = images.reshape(n, height, 2, width, 2, 3).mean(axis=(2, 4))
    X = (images - images.mean(axis=(0, 1, 2))) / images.std(axis=(0, 1, 2))
    X = X.transpose(0, 3, 1, 2).astype(np.float32)
    rows = tenth(n)
    masks = np.stack(passed_around(masks[:, ::2, ::2], rows))
    net = trained(
        TrackedNet,
        SmallUNet,
        SegmentationLoss,
        module__n_classes=len(classes),
        criterion__ignore_index=void,
        lr=0.02,
        batch_size=8,
        max_epochs=12,
    )
    scorer = DifficultyScorer(net, keep="elements", random_state=0).fit(X, masks)
    assert auroc(rows, scorer.difficulty_) >= 0.85
    path = scorer.trajectory_
    assert path.element_component == "focal"
    elements = path.element_action[0]
    np.testing.assert_array_equal(np.isnan(elements), masks == void)
    np.testing.assert_allclose(
        np.nanmean(elements, axis=(1, 2)), scorer.score_samples(X, component="focal"), rtol=1e-4
    )


def test_blood_cells_with_swapped_boxes(beside_the_examples):
    from blood_cells import load_blood_cells
    from small_detector import MultiBoxLoss, SmallDetector

    images, boxes, classes, source = load_blood_cells()
    assert source == "BCCD data set"
    X = (images.transpose(0, 3, 1, 2) / 255).astype(np.float32)
    rows = tenth(len(X))
    boxes = passed_around(boxes, rows)
    net = trained(
        TrackedNet,
        SmallDetector,
        MultiBoxLoss,
        module__n_classes=len(classes),
        module__width=16,
        lr=0.002,
        batch_size=8,
        max_epochs=12,
    )
    scorer = DifficultyScorer(net, random_state=0).fit(X, boxes)
    assert auroc(rows, scorer.difficulty_) >= 0.85
    parts = {
        name: scorer.score_samples(X, component=name)
        for name in ("localization", "positive", "negative")
    }
    np.testing.assert_allclose(sum(parts.values()), scorer.scores_, rtol=1e-4)
    assert auroc(rows, parts["localization"]) >= 0.8
    # an image's losses are its own: one at a time, as among others
    few = X[:3] + 1e-4
    together = scorer.score_samples(few, boxes[:3])
    single = [float(scorer.score_samples(few[[k]], [boxes[k]])[0]) for k in range(3)]
    np.testing.assert_allclose(single, together, rtol=1e-3)


class Autoencoder(torch.nn.Module):
    """Images of 28 x 28 pixels to as many, through a few numbers."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Flatten(),
            torch.nn.Linear(784, 64),
            torch.nn.ReLU(),
            torch.nn.Linear(64, 12),
            torch.nn.Linear(12, 64),
            torch.nn.ReLU(),
            torch.nn.Linear(64, 784),
            torch.nn.Sigmoid(),
            torch.nn.Unflatten(1, (28, 28)),
        )

    def forward(self, X):
        return self.layers(X)


def test_garments_with_digits_among_them(shared_data):
    with np.load(shared_data / "fashion_mnist_12k.npz") as stored:
        X = stored["train_X"][:2000] / np.float32(255)
    with np.load(shared_data / "mnist_15k.npz") as stored:
        digits = stored["train_X"][:300] / np.float32(255)
    rows = tenth(len(X))
    X[rows] = digits[: len(rows)]
    net = trained(TrackedNet, Autoencoder, torch.nn.MSELoss, lr=0.003, batch_size=64, max_epochs=10)
    scorer = DifficultyScorer(net, random_state=0).fit(X)
    assert auroc(rows, scorer.score_samples(X)) >= 0.8
    # of images that were not trained on, too
    with np.load(shared_data / "fashion_mnist_12k.npz") as stored:
        garments = stored["test_X"][:100] / np.float32(255)
    scores = scorer.score_samples(np.concatenate([garments, digits[-100:]]))
    assert auroc(np.arange(100, 200), scores) >= 0.8


@pytest.fixture
def messages(shared_data):
    """Texts, which of them are spam, and the same with one label in ten flipped."""
    with gzip.open(shared_data / "sms_spam.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:2500]
    texts = [row["text"] for row in rows]
    labels = np.array([row["label"] for row in rows])
    given, flipped = flip_labels(labels, 0.1, random_state=0)
    return texts, given, flipped


def test_messages_as_tfidf(messages):
    texts, given, flipped = messages
    X = TfidfVectorizer(min_df=3, dtype=np.float32).fit_transform(texts)
    scorer = DifficultyScorer(random_state=0).fit(X, given)
    assert roc_auc_score(flipped, scorer.difficulty_) >= 0.9
    assert scorer.classes_.tolist() == ["ham", "spam"]


N_WORDS, LENGTH, PAD = 2000, 24, 0


def numbered_words(texts):
    """The first words of each text as numbers, 1 for rare ones, and 0 where there are none."""
    words = [re.findall(r"\w+", text.lower()) for text in texts]
    counts = Counter(word for text in words for word in text)
    number = {word: k for k, (word, _) in enumerate(counts.most_common(N_WORDS), start=2)}
    numbers = np.full((len(texts), LENGTH), PAD)
    for row, text in enumerate(words):
        known = [number.get(word, 1) for word in text[:LENGTH]]
        numbers[row, : len(known)] = known
    return numbers


class WordClassifier(torch.nn.Module):
    """Logits of two classes from the mean of the words' vectors."""

    def __init__(self):
        super().__init__()
        self.vectors = torch.nn.EmbeddingBag(N_WORDS + 2, 16, padding_idx=PAD, mode="mean")
        self.output = torch.nn.Linear(16, 2)

    def forward(self, X):
        return self.output(self.vectors(X))


def test_messages_as_numbers_of_words(messages):
    texts, given, flipped = messages
    X = numbered_words(texts)
    net = trained(
        TrackedNetClassifier,
        WordClassifier,
        torch.nn.CrossEntropyLoss,
        lr=0.01,
        batch_size=64,
        max_epochs=10,
    )
    scorer = DifficultyScorer(net, random_state=0).fit(X, given)
    assert roc_auc_score(flipped, scorer.difficulty_) >= 0.9


class NextWord(torch.nn.Module):
    """Logits (rows, words, places) of each word, from the one before and those so far."""

    def __init__(self):
        super().__init__()
        self.vectors = torch.nn.Embedding(N_WORDS + 2, 16)
        self.recurrent = torch.nn.GRU(16, 32, batch_first=True)
        self.output = torch.nn.Linear(32, N_WORDS + 2)

    def forward(self, X):
        # what stands before the first word is a pad
        before = torch.nn.functional.pad(X[:, :-1], (1, 0))
        return self.output(self.recurrent(self.vectors(before))[0]).movedim(-1, 1)


def test_words_of_messages_in_another_order(messages):
    """A model of language without labels: each text is its own target, pads left out."""
    texts, _, _ = messages
    X = numbered_words(texts)[:600]
    X = X[(X != PAD).sum(axis=1) >= 8]
    rows = tenth(len(X))
    rng = np.random.default_rng(0)
    for row in rows:  # words from anywhere in the texts
        words = X[X > PAD]
        X[row, X[row] != PAD] = rng.choice(np.unique(words), (X[row] != PAD).sum())
    net = trained(
        TrackedNet,
        NextWord,
        torch.nn.CrossEntropyLoss,
        criterion__ignore_index=PAD,
        lr=0.01,
        batch_size=32,
        max_epochs=4,
    )
    scorer = DifficultyScorer(net, keep="elements", random_state=0).fit(X)
    assert auroc(rows, scorer.score_samples(X)) >= 0.9
    elements = scorer.trajectory_.element_action[0]
    np.testing.assert_array_equal(np.isnan(elements), X == PAD)
