"""
===================================
Find wrong labels and odd sentences
===================================

Short messages are spam, or they are not, and one label in ten is wrong. The loss that a message
causes while a model learns the labels, its action, finds those, whether the model counts words or
looks their numbers up. A network that learns what the next word is needs no labels; the action of
each word shows where a message takes a turn that it did not expect.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.colors import Normalize
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sms import PADDING, RARE, START, load_messages, number_words, split_words

from sklearn_difficulty import DifficultyScorer, TrackedNet, TrackedNetClassifier
from sklearn_difficulty.datasets import flip_labels

# %%
# Plant the errors
# ----------------

texts, y_true, source = load_messages()
y, wrong = flip_labels(y_true, 0.1, random_state=0)
print(f"{len(texts)} messages ({source}), {wrong.sum()} labels are wrong")

# %%
# Words that are counted
# ----------------------
# The sparse matrix of a vectorizer goes into a scorer as any other table does. In a pipeline, the
# texts themselves go in.

scorers = {}
counts = TfidfVectorizer(min_df=3).fit_transform(texts)
scorers["TF-IDF, default network"] = DifficultyScorer(random_state=0).fit(counts, y)

linear = make_pipeline(TfidfVectorizer(min_df=3), SGDClassifier(loss="log_loss"))
scorers["TF-IDF, linear, in a pipeline"] = DifficultyScorer(linear, random_state=0).fit(texts, y)

# %%
# Words that are looked up
# ------------------------
# A module with an ``Embedding`` gets integers as integers. Rows have one length: what is shorter is
# filled up, and the module leaves that out.


class MeanOfWords(torch.nn.Module):
    """Classify a message by the mean of what it knows of each word."""

    def __init__(self, n_numbers, n_outputs=2, n_features=16):
        super().__init__()
        self.embedding = torch.nn.Embedding(n_numbers, n_features, padding_idx=PADDING)
        self.output = torch.nn.Linear(n_features, n_outputs)

    def forward(self, numbers):
        n_words = (numbers != PADDING).sum(dim=1, keepdim=True)
        return self.output(self.embedding(numbers).sum(dim=1) / n_words.clamp_min(1))


training = {
    "optimizer": torch.optim.Adam,
    "lr": 0.01,
    "batch_size": 64,
    "max_epochs": 10,
    "iterator_train__shuffle": True,
    "train_split": None,
    "verbose": 0,
    "device": "cpu",
}
messages = [split_words(text) for text in texts]
numbers, n_numbers = number_words(messages, n_words=2000, length=40)
net = TrackedNetClassifier(
    MeanOfWords, module__n_numbers=n_numbers, criterion=torch.nn.CrossEntropyLoss, **training
)
scorers["numbers of words, embedding"] = DifficultyScorer(net, random_state=0).fit(numbers, y)

print("How well the action finds the wrong labels, area under the ROC curve (by chance 0.5):")
for name, scorer in scorers.items():
    print(f"  {name:29}  {roc_auc_score(wrong, scorer.difficulty_):.3f}")

# %%
# Look at the hardest messages
# ----------------------------
# With the labels that they are given. Above the hardest of all, below the hardest whose labels
# nobody changed: they look like the other kind, or hold too few words to tell. The messages are as
# people wrote them.

action = scorers["numbers of words, embedding"].difficulty_
hardest = np.argsort(-action)
figure, axes = plt.subplots(2, 1, figsize=(10, 7), layout="constrained", sharex=True)
for axis, rows in zip(axes, [hardest[:12], hardest[~wrong[hardest]][:12]], strict=True):
    axis.barh(range(len(rows)), action[rows], color=np.where(wrong[rows], "#e9a29d", "#b4cbe6"))
    for line, row in enumerate(rows):
        text = texts[row] if len(texts[row]) < 90 else texts[row][:87] + "..."
        # Two dollars are no formula.
        axis.text(0, line, f" {text}", va="center", fontsize="small", parse_math=False)
    axis.set_yticks(range(len(rows)), y[rows])
    axis.set(ylabel="given label", ylim=(len(rows) - 0.4, -0.6))
axes[0].set_title("red: label made wrong, blue: label as it was")
axes[1].set_xlabel("action")

# %%
# What comes next?
# ----------------
# A recurrent network goes along a message and guesses each word from those before it. The targets
# are the same numbers, one place further, and what is not to be guessed has a number that the
# criterion ignores: here what fills up the rows, and words too rare to have a number. The action of
# a message is the mean over the words that count.
#
# For this, something else is made wrong: in one message in twenty, the words are shuffled.

rng = np.random.default_rng(0)
length = 20
enough = np.flatnonzero([len(words) > 5 for words in messages])
rows = rng.choice(enough, len(messages) // 20, replace=False)
shuffled = np.isin(np.arange(len(messages)), rows)
for row in rows:
    messages[row] = rng.permutation(messages[row][:length]).tolist()

next_words, n_numbers = number_words(messages, n_words=800, length=length)
before = np.column_stack([np.full(len(messages), START), next_words[:, :-1]])
ignored = PADDING
y_next = np.where(next_words == RARE, ignored, next_words)
has_words = (y_next != ignored).any(axis=1)


class NextWord(torch.nn.Module):
    """For each place of a message, logits of what comes next: (messages, numbers, places)."""

    def __init__(self, n_numbers, n_features=32):
        super().__init__()
        self.embedding = torch.nn.Embedding(n_numbers, n_features)
        self.memory = torch.nn.GRU(n_features, n_features, batch_first=True)
        self.output = torch.nn.Linear(n_features, n_numbers)

    def forward(self, numbers):
        remembered, _ = self.memory(self.embedding(numbers))
        return self.output(remembered).transpose(1, 2)


net = TrackedNet(
    NextWord,
    module__n_numbers=n_numbers,
    criterion=torch.nn.CrossEntropyLoss,
    criterion__ignore_index=ignored,
    **training,
)
scorer = DifficultyScorer(net, keep=("elements",), random_state=0)
scorer.fit(before[has_words], y_next[has_words])
messages = [words for words, has in zip(messages, has_words, strict=True) if has]
shuffled = shuffled[has_words]
print(f"{len(messages)} messages have a word that counts, {shuffled.sum()} are shuffled")
print(f"AUROC of the shuffled ones by action {roc_auc_score(shuffled, scorer.difficulty_):.3f}")

# %%
# Look at the words
# -----------------
# The darker, the less expected. Words in grey do not count. Of the messages in which eight words
# count or more: the hardest that were shuffled, the hardest that were not, and the easiest.
# Phrases that many messages share, and rows of dots, are expected once they have begun.

word_action = scorer.trajectory_.element_action[0]
order = np.argsort(-scorer.difficulty_)
order = order[np.isfinite(word_action[order]).sum(axis=1) >= 8]
is_shuffled = shuffled[order]
blocks = {
    "hardest, shuffled": order[is_shuffled][:6],
    "hardest, as they were": order[~is_shuffled][:6],
    "easiest": order[-6:],
}

colours, scale = plt.get_cmap("Reds"), Normalize(0, np.nanquantile(word_action, 0.98))
figure, axis = plt.subplots(figsize=(9, 6.5), layout="constrained")
line = 0
for title, rows in blocks.items():
    axis.text(0, line, title, fontweight="bold")
    for row in rows:
        line, place = line + 1, 14
        if shuffled[row]:
            axis.text(0, line, "shuffled", fontsize=8, color="#b3261e")
        for word, hard in zip(messages[row], word_action[row], strict=False):
            style = {"color": "0.6"}
            if not np.isnan(hard):
                style = {"color": "white" if scale(hard) > 0.6 else "black"}
                style["bbox"] = {"facecolor": colours(scale(hard)), "linewidth": 0, "pad": 1.5}
            axis.text(place, line, word, family="monospace", fontsize=8, parse_math=False, **style)
            place += len(word) + 1
    line += 2
axis.set(xlim=(0, 120), ylim=(line - 1, -1))
axis.set_axis_off()
shades = plt.cm.ScalarMappable(scale, colours)
figure.colorbar(shades, ax=axis, location="bottom", shrink=0.4, label="action of a word")

plt.show()
