"""
===========================
Find wrong numbers to learn
===========================

In a regression, the label of a row is a number. In one row in ten it belongs to another row, so
that it looks like any other. A small network is trained on all of them once; the loss that each row
causes on the way, its action, is high where the number does not go with the rest of the row.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import train_test_split
from wine import load_wines

from sklearn_difficulty import (
    DifficultyScorer,
    FilteredRegressor,
    MislabelFilter,
    TrackedNetRegressor,
)

# %%
# Plant the errors
# ----------------
# The alcohol of a wine is learned from its other measurements (without the file of wines: the
# cholesterol of a patient from other blood values). Some of the numbers that go round are nearly
# the same as before. Nobody could find these, so that it is also counted without them.

X, targets, names, source = load_wines()
X, X_test, targets_true, targets_test = train_test_split(X, targets, random_state=0)

rng = np.random.default_rng(0)
rows = rng.choice(len(X), len(X) // 10, replace=False)
targets = targets_true.copy()
targets[rows] = targets_true[np.roll(rows, 1)]
wrong = np.isin(np.arange(len(X)), rows)

y, y_true, y_test = targets[:, 0], targets_true[:, 0], targets_test[:, 0]
spread = y.std()
is_near = wrong & (abs(y - y_true) < spread / 2)
print(f"{source}: {len(X)} rows, {names[0]} {y.mean():.1f} ± {spread:.1f}")
print(f"{wrong.sum()} are wrong, {is_near.sum()} of them by less than half a standard deviation")

# %%
# Score every row
# ---------------
# The squared error makes much of a few large errors, and the network follows them. The Huber loss
# of a large error grows in proportion to it only: fewer right numbers look wrong because of wrong
# ones nearby, and what is predicted for rows that were held out is better.


def make_net(criterion, **options):
    """A small network that learns numbers."""
    return TrackedNetRegressor(
        criterion=criterion,
        optimizer=torch.optim.Adam,
        lr=0.005,
        batch_size=32,
        max_epochs=40,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
        device="cpu",
        **options,
    )


nets = {
    "squared error": make_net(torch.nn.MSELoss),
    "Huber loss": make_net(torch.nn.HuberLoss, criterion__delta=spread / 2),
}
scorers = {name: DifficultyScorer(net, random_state=0).fit(X, y) for name, net in nets.items()}

print("How well the action finds the wrong rows, area under the ROC curve (by chance 0.5):")
for name, scorer in scorers.items():
    action = scorer.difficulty_
    r2 = r2_score(y_test, scorer.estimators_[0].predict(X_test))
    print(
        f"  {name:13}  {roc_auc_score(wrong, action):.3f}, without near ones "
        f"{roc_auc_score(wrong[~is_near], action[~is_near]):.3f}; R² of held-out rows {r2:.3f}"
    )

# %%
# Near enough is right
# --------------------
# Easiness counts in how many of twenty trainings a row is right in the end. Of a number, that needs
# to be said: here, it is right within half a standard deviation. It tells rows apart that are
# always, sometimes and never met, in as many steps as there are trainings.

easiness = DifficultyScorer(
    make_net(torch.nn.HuberLoss, criterion__delta=spread / 2),
    score="easiness",
    score_params={"tol": spread / 2},
    random_state=0,
).fit(X, y)
print(f"AUROC of the wrong rows by easiness {roc_auc_score(wrong, easiness.difficulty_):.3f}")
print(f"  without near ones {roc_auc_score(wrong[~is_near], easiness.difficulty_[~is_near]):.3f}")
for kind, chosen in {"wrong": wrong, "right": ~wrong}.items():
    never = (easiness.scores_[chosen] == 0).mean()
    always = (easiness.scores_[chosen] == 1).mean()
    print(f"  {kind} numbers: never met {never:.1%}, always met {always:.1%}")

# %%
# Look at all rows
# ----------------
# A row is a point, with the number that is given and the one that is predicted in the end. Rings
# are around the wrong ones. Those on the diagonal are wrong as well, by little, or learnt by heart.

panels = {f"action, {name}": scorer for name, scorer in scorers.items()}
panels["easiness (lines: the tolerance)"] = easiness
ends = np.array([y.min(), y.max()])
figure, axes = plt.subplots(1, 3, figsize=(12, 4.2), sharey=True, layout="constrained")
for axis, (title, scorer) in zip(axes, panels.items(), strict=True):
    predicted = np.mean([net.predict(X).ravel() for net in scorer.estimators_], axis=0)
    order = np.argsort(scorer.difficulty_)  # the hardest are drawn last, on top
    is_easiness = scorer is easiness
    drawn = axis.scatter(
        y[order],
        predicted[order],
        c=scorer.scores_[order],
        s=8,
        cmap="viridis_r" if is_easiness else "viridis",
        norm=None if is_easiness else "log",
    )
    axis.scatter(y[wrong], predicted[wrong], s=30, facecolor="none", edgecolor="red", lw=0.4)
    axis.plot(ends, ends, color="black", lw=0.5)
    if is_easiness:
        axis.plot(ends, np.array([ends - spread / 2, ends + spread / 2]).T, "k:", lw=0.8)
    axis.set(title=title, xlabel=f"given {names[0]}")
    figure.colorbar(drawn, ax=axis, location="bottom")
axes[0].set_ylabel(f"predicted {names[0]}")

# %%
# Learn without them
# ------------------
# Any regressor can be trained without the hardest rows. How many to leave out is a choice; a tenth
# is what is known here to be wrong. The rows that it is judged by have right numbers.

boosting = HistGradientBoostingRegressor(random_state=0)
row_filter = MislabelFilter(
    DifficultyScorer(nets["Huber loss"], random_state=0), threshold=0.9, random_state=0
)
filtered = FilteredRegressor(row_filter, boosting).fit(X, y)
dropped = np.setdiff1d(np.arange(len(X)), filtered.filter_.sample_indices_)
print(f"{len(dropped)} rows dropped, {wrong[dropped].sum()} of them wrong")
print("R² of held-out rows")
print(f"  trained on all rows      {boosting.fit(X, y).score(X_test, y_test):.3f}")
print(f"  trained with the filter  {filtered.score(X_test, y_test):.3f}")
print(f"  if no number were wrong  {boosting.fit(X, y_true).score(X_test, y_test):.3f}")

# %%
# Two numbers at once
# -------------------
# The quality (the progression of the disease) was exchanged in the same rows. Where a row has
# several numbers, its loss is their mean, and ``keep=("elements",)`` records the action of each.
# Standardised, they weigh the same. What can be predicted from the rest of the row can be found
# wrong; what cannot, hides its errors and those of the other number.

standardised = (targets - targets.mean(axis=0)) / targets.std(axis=0)
both = DifficultyScorer(make_net(torch.nn.MSELoss), keep=("elements",), random_state=0)
both.fit(X, standardised)
predictable = r2_score(
    (targets_test - targets.mean(axis=0)) / targets.std(axis=0),
    both.estimators_[0].predict(X_test),
    multioutput="raw_values",
)
print(f"AUROC of the wrong rows by both numbers {roc_auc_score(wrong, both.difficulty_):.3f}")
for name, action, r2 in zip(names, both.trajectory_.element_action[0].T, predictable, strict=True):
    found = roc_auc_score(wrong, action)
    print(f"  by the action of {name} {found:.3f} (R² of held-out rows {r2:.3f})")

plt.show()
