"""
=======================
Find wrong digit labels
=======================

One label in ten of the handwritten digits is made wrong. A small network is trained on them once;
the loss that each image causes on the way, its action, tells the wrong labels from the right ones.
A filter then keeps the suspicious images from any model, inside an ordinary pipeline.
"""

from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_difficulty import DifficultyScorer, MislabelFilter
from sklearn_difficulty.analysis import likely_labels
from sklearn_difficulty.datasets import flip_labels
from sklearn_difficulty.inspection import ImageGridDisplay

# %%
# Plant the errors
# ----------------
# The mask says where they are. It serves to judge the result and is not used otherwise.

digits = load_digits()
X, y_true = digits.data, digits.target
y, flipped = flip_labels(y_true, 0.1, random_state=0)
print(f"{flipped.sum()} of {len(y)} labels are wrong")

# %%
# Score every image
# -----------------
# ``difficulty_`` is higher for harder images, whatever the score.

scorer = DifficultyScorer(random_state=0).fit(X, y)
found = average_precision_score(flipped, scorer.difficulty_)
print(f"average precision {found:.3f}, by chance {flipped.mean():.3f}")

bins = np.linspace(0, scorer.difficulty_.max(), 40)
plt.hist(scorer.difficulty_[~flipped], bins, label="right label")
plt.hist(scorer.difficulty_[flipped], bins, label="wrong label")
plt.yscale("log")
plt.xlabel("action (loss summed over the epochs)")
plt.ylabel("images")
plt.legend()

# %%
# Look at the hardest
# -------------------
# What the network took an image for most often on the way is a better guess of its true label than
# what it says in the end, when it may have learnt the wrong one by heart.

ImageGridDisplay.from_scores(
    digits.images,
    scorer.difficulty_,
    given_labels=y,
    likely_labels=likely_labels(scorer.trajectory_),
    n_images=15,
    score_name="action",
).plot(n_columns=5)

# %%
# Learn without them
# ------------------
# The filter is a step of the pipeline, and its threshold a parameter like any other: 0.9 keeps the
# easiest 90 %. Where the errors are is not known here; the thresholds are compared on held-out
# images with the labels as they are given. With ``memory``, each fold is scored only once.

X_train, X_test, y_train, _, _, y_test_true = train_test_split(X, y, y_true, random_state=0)
with TemporaryDirectory() as memory:
    pipeline = make_pipeline(
        StandardScaler(),
        MislabelFilter(DifficultyScorer(random_state=0), memory=memory, random_state=0),
        LogisticRegression(max_iter=2000),
    )
    thresholds = [0.8, 0.85, 0.9, 0.95, 1.0]
    search = GridSearchCV(pipeline, {"mislabelfilter__threshold": thresholds}, cv=3)
    search.fit(X_train, y_train)

for threshold, accuracy in zip(thresholds, search.cv_results_["mean_test_score"], strict=True):
    print(f"threshold {threshold:.2f}: agrees with {accuracy:.3f} of the given labels")

# %%
# The test images are judged by their true labels. A threshold of 1 drops nothing.

unfiltered = pipeline.set_params(mislabelfilter__threshold=1.0, mislabelfilter__memory=None)
unfiltered.fit(X_train, y_train)
print(f"best threshold {search.best_params_['mislabelfilter__threshold']}")
print(f"accuracy without the filter {unfiltered.score(X_test, y_test_true):.3f}")
print(f"accuracy with the filter    {search.score(X_test, y_test_true):.3f}")

plt.show()
