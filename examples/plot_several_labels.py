"""
======================================
Find which of several labels are wrong
======================================

A piece of music may be happy and relaxing at once: each row has several labels, a yes or no for
each of six. In one row in ten, one of them is exchanged for another. A small network is trained on
all rows once. The loss that a row causes on the way, its action, finds those rows, and the action
of each label tells which of them is wrong.
"""

import matplotlib.pyplot as plt
import numpy as np
from emotions import load_emotions
from matplotlib.patches import Rectangle
from sklearn.metrics import roc_auc_score

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.analysis import score_by_group

# %%
# Plant the errors
# ----------------
# The labels are a matrix of zeros and ones, with a row for each piece and a column for each label.
# A row with an exchange has a one that should be a zero, and a zero that should be a one.

X, Y_true, names, source = load_emotions()
rng = np.random.default_rng(0)
Y = Y_true.copy()
for row in rng.choice(len(Y), len(Y) // 10, replace=False):
    for value in (0, 1):
        Y[row, rng.choice(np.flatnonzero(Y_true[row] == value))] = 1 - value
flipped = Y != Y_true
wrong = flipped.any(axis=1)
print(
    f"{len(Y)} rows ({source}), {Y.sum(axis=1).mean():.1f} labels in the mean, {wrong.sum()} wrong"
)

# %%
# Score every row and every label
# -------------------------------
# The network that is used by default learns such a matrix under the cross-entropy of each label on
# its own (a sparse matrix will do, too). The action of a row is the mean over its labels;
# ``element_action`` has that of each.

scorer = DifficultyScorer(random_state=0).fit(X, Y)
label_action = scorer.trajectory_.element_action[0]

print("How well the action finds what is wrong, area under the ROC curve (by chance 0.5):")
print(f"  rows    {roc_auc_score(wrong, scorer.difficulty_):.3f}")
print(f"  labels  {roc_auc_score(flipped.ravel(), label_action.ravel()):.3f}")

in_wrong = label_action[wrong]
pairs = np.argsort(-in_wrong, axis=1)[:, :2]
found = np.take_along_axis(flipped[wrong], pairs, axis=1)
print(f"In the wrong rows, {found.mean():.0%} of the two hardest labels are the exchanged ones")
print(f"  by chance {flipped[wrong].mean():.0%}")

# %%
# Look at the hardest rows
# ------------------------
# Each line is a row, the hardest one on top. A dot is a label that is given, a red frame one that
# was exchanged. Rows without a frame have the labels that people gave them: the network finds them
# as hard to believe.

n_shown = 30
hardest = np.argsort(-scorer.difficulty_)[:n_shown]
figure, axis = plt.subplots(figsize=(5.5, 8), layout="constrained")
drawn = axis.imshow(label_action[hardest], cmap="cividis", aspect="auto")
for line, label in np.argwhere(Y[hardest] == 1):
    axis.plot(label, line, "o", color="white", markeredgecolor="black", markersize=5)
for line, label in np.argwhere(flipped[hardest]):
    corner = (label - 0.47, line - 0.44)
    axis.add_patch(Rectangle(corner, 0.94, 0.88, fill=False, edgecolor="red", linewidth=1.8))
axis.set_xticks(range(len(names)), names, rotation=30)
axis.set_yticks(range(n_shown), hardest, fontsize="x-small")
axis.set_ylabel("row")
figure.colorbar(drawn, label="action of the label")

# %%
# All labels right
# ----------------
# Scores that ask whether a row is right (correctness, forgetting, easiness) count it as right if
# all its labels are. That is a strict measure: by label, the network is right far more often.

trajectory = scorer.trajectory_
epochs = np.arange(1, trajectory.n_steps_max + 1)
figure, axis = plt.subplots(figsize=(6, 4.5), layout="constrained")
for kind, chosen, colour in [("right rows", ~wrong, "black"), ("wrong rows", wrong, "#b3261e")]:
    by_label = (trajectory.prediction[0] == Y)[:, chosen].mean(axis=(1, 2))
    by_row = trajectory.correct[0][:, chosen].mean(axis=1)
    axis.plot(epochs, by_label, "--", color=colour, label=f"{kind}, by label")
    axis.plot(epochs, by_row, color=colour, label=f"{kind}, all labels")
axis.set(xlabel="epoch", ylabel="share predicted as given", ylim=(0, 1))
figure.legend(loc="outside lower center", ncols=2)

correctness = scorer.difficulty(X, score="correctness")
print(f"AUROC of the wrong rows by correctness {roc_auc_score(wrong, correctness):.3f}")
never = scorer.score_samples(X, score="correctness") == 0
print(f"{never.sum()} rows never have all their labels right, {wrong[never].sum()} of them wrong")

# %%
# Which labels are hard?
# ----------------------
# The action of each label is averaged apart over the rows that have it and those that do not. A
# label that few rows have is expected to be absent, so that it is hard where it is there, the more
# so the less the row gives it away. Exchanged labels are left out. The bars are 95 % intervals.

columns = {"label": np.tile(names, len(Y)), "given": np.where(Y.ravel() == 1, "yes", "no")}
by_label = score_by_group(np.where(flipped, np.nan, label_action).ravel(), columns)
print(by_label)

share_of = dict(zip(names, Y.mean(axis=0), strict=True))
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
for answer, shift, what in [("yes", -0.2, "given"), ("no", 0.2, "not given")]:
    groups = by_label.groups["given"] == answer
    value, labels = by_label.value[groups], by_label.groups["label"][groups]
    ends = [value - by_label.low[groups], by_label.high[groups] - value]
    axis.bar(np.arange(len(labels)) + shift, value, 0.4, yerr=ends, capsize=3, label=what)
axis.set_xticks(range(len(labels)), [f"{label}\n{share_of[label]:.0%}" for label in labels])
axis.set(xlabel="label, and the share of the rows that have it", ylabel="action of the label, mean")
axis.legend()

plt.show()
