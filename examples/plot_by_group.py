"""
======================
Which digits are hard?
======================

One label in ten of the handwritten digits is made wrong, and a small network is trained on them
once. The loss that each image causes on the way, its action, is then averaged by class and by other
properties of the images, with intervals that tell differences from chance.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.analysis import score_by_group
from sklearn_difficulty.datasets import flip_labels

# %%
# Score every image
# -----------------

X, y_true = load_digits(return_X_y=True)
y, flipped = flip_labels(y_true, 0.1, random_state=0)
scorer = DifficultyScorer(random_state=0).fit(X, y)
action = scorer.scores_

# %%
# By class
# --------
# A row for each label that is given. One label in ten is wrong, and those few make most of the mean
# and of its uncertainty: the intervals of nearly all classes overlap.

print(score_by_group(action, y))

# %%
# With two columns, each combination that occurs is a group. Right and wrong labels come apart, and
# the eights turn out to be the hardest digits.

by_class = score_by_group(action, {"digit": y, "label": np.where(flipped, "wrong", "right")})
print(by_class)

# %%
# Where nobody knows which labels are wrong, the median hardly minds them. Its intervals are
# bootstrapped.

medians = score_by_group(action, y, statistic="median", random_state=0)
print(medians)

# %%
# By anything else
# ----------------
# Is faint writing harder? The ink of each image is compared with what is usual for its digit, and
# the images are cut into quarters, from the least ink to the most. Wrong labels are left out: a
# score that is NaN does not count, and the table says how many there are.

ink = X.sum(axis=1)
usual = np.array([np.median(ink[y_true == digit]) for digit in range(10)])
more = ink - usual[y_true]
quarter = 1 + np.searchsorted(np.quantile(more, [0.25, 0.5, 0.75]), more)
by_ink = score_by_group(np.where(flipped, np.nan, action), {"quarter": quarter})
print(by_ink)

# %%
# Look at both
# ------------
# The bars are 95 % intervals. They take the images as draws from all images of their kind; another
# training would move the points, too.


def draw(axes, found, positions, rows=slice(None), **style):
    """Draw a point for each group, with its interval."""
    value = found.value[rows]
    ends = [value - found.low[rows], found.high[rows] - value]
    axes.errorbar(positions, value, ends, capsize=3, linestyle="none", **style)


figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
digits = np.arange(10)
for name, shift in {"wrong": 0, "right": -0.15}.items():
    rows = by_class.groups["label"] == name
    draw(left, by_class, digits + shift, rows, marker="o", label=f"{name} labels, mean")
draw(left, medians, digits + 0.15, marker="s", label="all labels, median")
left.set(yscale="log", xlabel="label", ylabel="action", xticks=digits)
left.legend(loc="center left")
draw(right, by_ink, by_ink.groups["quarter"], marker="o")
right.set(xlabel="ink, beside others of the digit", ylabel="action of right labels, mean")
right.set_xticks([1, 2, 3, 4], ["least", "less", "more", "most"])

plt.show()
