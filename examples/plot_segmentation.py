"""
======================================
Find wrong masks, and the hard regions
======================================

In a segmentation, each pixel has a label. One mask in ten of street scenes is given to another
image, and a small U-Net is trained on them once. The loss that each image causes on the way, its
action, tells the wrong masks from the right ones; summed up pixel by pixel, it shows where an image
is hard.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.colors import ListedColormap
from sklearn.metrics import roc_auc_score
from small_unet import SegmentationLoss, SmallUNet
from street_scenes import load_street_scenes

from sklearn_difficulty import DifficultyScorer, TrackedNet

# %%
# Street scenes
# -------------
# Images of 120 x 160 pixels, from CamVid if it is there and generated else. Half that size saves
# most of the time and shows enough. Pixels without a label are void.

images, masks_true, classes, void, source = load_street_scenes(90)
n, height, width = len(images), 60, 80
images = images.reshape(n, height, 2, width, 2, 3).mean(axis=(2, 4))
masks_true = masks_true[:, ::2, ::2].astype("int64")
print(f"{n} scenes ({source}), {(masks_true == void).mean():.1%} of the pixels are void")

X = (images - images.mean(axis=(0, 1, 2))) / images.std(axis=(0, 1, 2))
X = X.transpose(0, 3, 1, 2).astype("float32")

# %%
# Plant the errors
# ----------------
# A tenth of the images pass their masks around. Which ones serves to judge the result and is not
# used otherwise.

rng = np.random.default_rng(0)
swapped = rng.choice(n, n // 10, replace=False)
masks = masks_true.copy()
masks[swapped] = masks_true[np.roll(swapped, 1)]
wrong = np.isin(np.arange(n), swapped)
print(f"{wrong.sum()} of {n} masks are wrong")

# %%
# Score every image
# -----------------
# The loss has three parts. Dice and Jaccard loss are one number for each image, the focal loss is
# one for each pixel; void pixels count in none. The action of an image is the sum of all three over
# the epochs. With ``keep=("elements",)`` that of each pixel is recorded as well.

net = TrackedNet(
    SmallUNet,
    module__n_classes=len(classes),
    criterion=SegmentationLoss,
    criterion__ignore_index=void,
    optimizer=torch.optim.Adam,
    lr=0.005,
    batch_size=8,
    max_epochs=40,
    iterator_train__shuffle=True,
    train_split=None,
    verbose=0,
    device="cpu",
)
scorer = DifficultyScorer(net, keep=("elements",), random_state=0).fit(X, masks)
action = scorer.difficulty_
print(f"AUROC of the wrong masks by action {roc_auc_score(wrong, action):.3f}, by chance 0.5")

# %%
# The parts of the loss
# ---------------------
# Each part is recorded by its name, and any score can be read off one of them alone. The losses of
# the right masks fall while the network learns; those of the wrong ones stay higher.

parts = ["dice", "jaccard", "focal"]
for part in parts:
    of_part = scorer.score_samples(X, component=part)
    print(f"AUROC by the action of the {part} loss {roc_auc_score(wrong, of_part):.3f}")

figure, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
for part, axis in zip(parts, axes, strict=True):
    loss = scorer.trajectory_.components[part][0]
    axis.plot(loss[:, ~wrong].mean(axis=1), label="right mask")
    axis.plot(loss[:, wrong].mean(axis=1), label="wrong mask")
    axis.set_title(f"{part} loss")
    axis.set_xlabel("epoch")
axes[0].legend()

# %%
# Look at the hardest and the easiest
# -----------------------------------
# The difficulty map is the focal loss of each pixel, summed over the epochs, and white where the
# pixel is void. From above: the three hardest images, then the hardest and the two easiest of those
# with a right mask. Under a wrong mask the map is high where the two scenes differ.

pixel_action = scorer.trajectory_.element_action[0]
prediction = scorer.estimators_[0].predict(X).argmax(axis=1)

hardest = np.argsort(-action)
hardest_right = hardest[~wrong[hardest]]
shown = [*hardest[:3], hardest_right[0], *hardest_right[-2:]]
colours = ["skyblue", "firebrick", "gold", "slategray", "plum", "forestgreen", "darkorange"]
colours += ["saddlebrown", "navy", "deeppink", "turquoise", "white"]
as_classes = {"cmap": ListedColormap(colours), "vmin": -0.5, "vmax": void + 0.5}
as_action = {"cmap": "magma", "vmin": 0, "vmax": np.nanquantile(pixel_action[shown], 0.99)}

figure, axes = plt.subplots(len(shown), 4, figsize=(10, 10), layout="constrained")
for row, (image, given, predicted, hard) in zip(shown, axes, strict=True):
    image.imshow(images[row].astype("uint8"))
    classes_drawn = given.imshow(masks[row], **as_classes)
    predicted.imshow(prediction[row], **as_classes)
    action_drawn = hard.imshow(pixel_action[row], **as_action)
    image.set_title(f"image {row}", fontsize="small")
    kind, ink = ("wrong", "red") if wrong[row] else ("right", "black")
    given.set_title(f"given mask ({kind})", fontsize="small", color=ink)
    predicted.set_title("prediction", fontsize="small")
    hard.set_title(f"difficulty map, action {action[row]:.0f}", fontsize="small")
for axis in axes.flat:
    axis.set_axis_off()
figure.colorbar(action_drawn, ax=axes, shrink=0.4, label="focal loss, summed over the epochs")
legend = figure.colorbar(classes_drawn, ax=axes, location="bottom", aspect=50)
legend.set_ticks(range(void + 1), labels=[*classes, "void"], fontsize="x-small", rotation=30)

# %%
# Which classes are hard?
# -----------------------
# The same map, averaged over the pixels of each class in the masks that are right.

right_masks, right_action = masks[~wrong], pixel_action[~wrong]
by_class = [right_action[right_masks == number].mean() for number in range(void)]
figure, axis = plt.subplots(layout="constrained")
axis.barh(classes, by_class, color=colours[:void])
axis.set_xlabel("mean action of a pixel")
axis.invert_yaxis()

plt.show()
