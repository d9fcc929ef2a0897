"""
==============================================
Find images that do not belong, without labels
==============================================

An autoencoder squeezes an image through a few numbers and draws it again from them. It needs no
labels: each image is its own target. What is rare or odd it draws badly for long, so that the loss
that an image causes in the course of the training, its action, finds what does not belong.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from garments import load_garments
from sklearn.metrics import roc_auc_score

from sklearn_difficulty import DifficultyScorer, TrackedNet

# %%
# Plant what does not belong
# --------------------------
# A few images of garments (digits, where their file is not) are replaced by something foreign,
# others are turned by a quarter, and of others yet the pixels are shuffled.

images, others, (name, other_name) = load_garments()
images, new_images = np.split(images, [3 * len(images) // 4])
planted, new_others = np.split(others, 2)

kinds = [name, other_name, "turned", "shuffled"]
n_each = len(images) // 50
rng = np.random.default_rng(0)
foreign, turned, shuffled = rng.permutation(len(images))[: 3 * n_each].reshape(3, n_each)
X, kind = images.copy(), np.zeros(len(images), dtype=int)
X[foreign], kind[foreign] = planted[:n_each], 1
X[turned], kind[turned] = np.rot90(images[turned], axes=(1, 2)), 2
X[shuffled] = rng.permuted(images[shuffled].reshape(n_each, -1), axis=1).reshape(
    n_each, *X[0].shape
)
kind[shuffled] = 3
print(f"{len(X)} images of {X.shape[1]} x {X.shape[2]} pixels, {n_each} of them {other_name}s,")
print(f"{n_each} turned and {n_each} shuffled; the others are {name}s")

# %%
# Score every image
# -----------------
# ``TrackedNet`` takes any module and criterion. Fitted without labels, it compares what the module
# returns with what it was given. ``keep=("elements",)`` records the action of each pixel as well.


class Autoencoder(torch.nn.Module):
    """Image of size x size pixels to as many, through a few numbers."""

    def __init__(self, size, n_hidden=128, n_code=16):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Flatten(),
            torch.nn.Linear(size * size, n_hidden),
            torch.nn.ReLU(),
            torch.nn.Linear(n_hidden, n_code),
            torch.nn.Linear(n_code, n_hidden),
            torch.nn.ReLU(),
            torch.nn.Linear(n_hidden, size * size),
            torch.nn.Sigmoid(),
            torch.nn.Unflatten(1, (size, size)),
        )

    def forward(self, X):
        return self.layers(X)


net = TrackedNet(
    Autoencoder,
    module__size=X.shape[1],
    criterion=torch.nn.MSELoss,
    optimizer=torch.optim.Adam,
    lr=0.003,
    batch_size=64,
    max_epochs=20,
    iterator_train__shuffle=True,
    train_split=None,
    verbose=0,
    device="cpu",
)
scorer = DifficultyScorer(net, keep=("elements",), random_state=0).fit(X)
action = scorer.score_samples(X)

print("How well the action finds them, area under the ROC curve (by chance 0.5):")
print(f"  all three   {roc_auc_score(kind > 0, action):.3f}")
for number in (1, 2, 3):
    rows = np.isin(kind, [0, number])
    print(f"  {kinds[number]:10}  {roc_auc_score(kind[rows] > 0, action[rows]):.3f}")

# Spread across each strip at random, so that images with the same action do not hide each other.
figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
axis.scatter(action, kind + rng.uniform(-0.35, 0.35, len(X)), c=kind, s=4, cmap="viridis_r")
axis.set(xscale="log", xlabel="action", ylim=(3.5, -0.5))
axis.set_yticks(range(4), kinds)

# %%
# Look at the hardest and the easiest
# -----------------------------------
# The image, what the network makes of it in the end, and the action of each of its pixels: for each
# kind the two hardest, then more of those that belong, and the easiest of these.

drawn_again = scorer.estimators_[0].predict(X)
pixel_action = scorer.trajectory_.element_action[0]
order = np.argsort(-action)
hardest_of = [order[kind[order] == number] for number in range(4)]
shown = [*hardest_of[3][:2], *hardest_of[1][:2], *hardest_of[2][:2]]
shown += [*hardest_of[0][:4], *hardest_of[0][-3:]]
most = np.quantile(pixel_action[shown], 0.99)

figure, axes = plt.subplots(3, len(shown), figsize=(13, 3.6), layout="constrained")
for row, (image, again, hard) in zip(shown, axes.T, strict=True):
    image.imshow(X[row], cmap="gray_r", vmin=0, vmax=1)
    again.imshow(drawn_again[row], cmap="gray_r", vmin=0, vmax=1)
    drawn = hard.imshow(pixel_action[row], cmap="magma", vmin=0, vmax=most)
    image.set_title(kinds[kind[row]], color="#b3261e" if kind[row] else "black", fontsize="small")
    hard.set_xlabel(f"{action[row]:.2g}")
for axis in axes.flat:
    axis.set(xticks=[], yticks=[])
for axis, what in zip(axes[:, 0], ["image", "drawn again", "action"], strict=True):
    axis.set_ylabel(what)
figure.colorbar(drawn, ax=axes[2], label="of a pixel")

# %%
# Images that were not trained on
# -------------------------------
# They are run through the states of the network that were kept on the way, and need no labels
# either.

new = np.concatenate([new_images, new_others])
is_foreign = np.arange(len(new)) >= len(new_images)
found = roc_auc_score(is_foreign, scorer.score_samples(new))
print(f"AUROC of new {other_name}s among new {name}s {found:.3f}")

plt.show()
