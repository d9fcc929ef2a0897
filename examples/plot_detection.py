"""
============================
Find images with wrong boxes
============================

A small detector learns where cells are in microscope images, from boxes that are given for each of
them. In one image in ten they belong to another image. The loss has three parts: where the boxes
are, what is in them, and what is not there; each is recorded for each image.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from blood_cells import load_blood_cells
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from sklearn.metrics import roc_auc_score
from small_detector import MultiBoxLoss, SmallDetector, find_objects

from sklearn_difficulty import DifficultyScorer, TrackedNet

# %%
# Plant the errors
# ----------------
# The lists of boxes go round among a tenth of the images. An image's list is an array with a row
# for each object (class, x1, y1, x2, y2), and as long as the image needs it.

images, true_boxes, classes, source = load_blood_cells()
X = (images.transpose(0, 3, 1, 2) / 255).astype(np.float32)

rng = np.random.default_rng(0)
rows = rng.choice(len(X), len(X) // 10, replace=False)
boxes = list(true_boxes)
for row, other in zip(rows, np.roll(rows, 1), strict=True):
    boxes[row] = true_boxes[other]
swapped = np.isin(np.arange(len(X)), rows)
print(f"{len(X)} images ({source}), {sum(map(len, boxes))} boxes, {swapped.sum()} images swapped")

# %%
# Score every image
# -----------------
# The criterion returns a loss per image and part. Training minimises their sum, and the action is
# the sum over the epochs. A part of it has an action of its own.

net = TrackedNet(
    SmallDetector,
    criterion=MultiBoxLoss,
    module__n_classes=len(classes),
    optimizer=torch.optim.Adam,
    lr=0.001,
    batch_size=8,
    max_epochs=25,
    iterator_train__shuffle=True,
    train_split=None,
    verbose=0,
    device="cpu",
)
scorer = DifficultyScorer(net, random_state=0).fit(X, boxes)

parts = ["localization", "positive", "negative"]
actions = {part: scorer.score_samples(X, component=part) for part in parts}
print("How well the action finds the swapped images, area under the ROC curve (by chance 0.5):")
print(f"  sum of the parts  {roc_auc_score(swapped, scorer.difficulty_):.3f}")
for part, action in actions.items():
    print(f"  {part:16}  {roc_auc_score(swapped, action):.3f}")

# %%
# The swapped boxes are learnt later, if at all.

figure, axes = plt.subplots(1, 3, figsize=(10, 3), layout="constrained")
for axis, part in zip(axes, parts, strict=True):
    losses = scorer.trajectory_.components[part][0]
    epochs = np.arange(1, len(losses) + 1)
    axis.plot(epochs, losses[:, ~swapped], color="0.8", linewidth=0.5)
    axis.plot(epochs, losses[:, ~swapped].mean(axis=1), color="black", label="own boxes")
    axis.plot(epochs, losses[:, swapped].mean(axis=1), color="#b3261e", label="swapped boxes")
    axis.set(title=part, xlabel="epoch", ylim=(0, np.quantile(losses, 0.995)))
axes[0].set_ylabel("mean loss of the images")
axes[-1].legend()

# %%
# Look at the hardest and the easiest
# -----------------------------------
# Given boxes are solid; what the network finds in the end is dotted.

offsets, logits = scorer.estimators_[0].forward(X)
found = [find_objects(*outputs) for outputs in zip(offsets, logits, strict=True)]
colours = ["#0050c8", "black", "#007a33"]


def draw(axis, row):
    """An image with its given boxes and with those that the network finds."""
    height, width = images[row].shape[:2]
    # Boxes are in pixels from the corner of the image, not from the middle of the first pixel.
    axis.imshow(images[row], extent=(0, width, height, 0))
    for objects, style in [(boxes[row], "-"), (found[row], ":")]:
        for number, x1, y1, x2, y2 in objects[:, :5]:
            colour = colours[int(number)]
            frame = Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, color=colour, linestyle=style)
            axis.add_patch(frame)
    axis.set(xticks=[], yticks=[])


def show(part, n=4):
    """The images with the highest and those with the lowest action of a part of the loss."""
    order = np.argsort(-actions[part])
    figure, axes = plt.subplots(2, n, figsize=(3 * n, 5.6), layout="constrained")
    for axis, row in zip(axes.flat, [*order[:n], *order[: -n - 1 : -1]], strict=True):
        draw(axis, row)
        axis.set_xlabel(f"action {actions[part][row]:.1f}")
        if swapped[row]:
            axis.set_title("swapped", color="#b3261e")
    axes[0, 0].set_ylabel("hardest")
    axes[1, 0].set_ylabel("easiest")
    lines = [Line2D([], [], color=colour) for colour in colours]
    lines += [Line2D([], [], color="0.4", linestyle=style) for style in ("-", ":")]
    figure.legend(lines, [*classes, "given", "found"], loc="outside lower center", ncols=5)
    figure.suptitle(part)


# %%
# **Localization**, how far the default boxes are off, those that lie where a given box is. Nothing
# in an image tells them where the boxes of another image are.

show("localization")

# %%
# **Positive**, the cross-entropy of what is in the given boxes. It is high where the network sees
# nothing, or another class.

show("positive")

# %%
# **Negative**, the cross-entropy where no box is. It is high where the network sees cells that have
# none. In the BCCD data set this finds what nobody planted: the hardest images are those in which
# no red cell has a box. To the other two parts the same images are easy.

show("negative")

plt.show()
