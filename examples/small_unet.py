"""A small U-Net in plain PyTorch, with its loss, for images of which each pixel has a label."""

import torch
from torch import nn


def _convolutions(n_in, n_out):
    # Groups, not batches, are normalised: what a network says of an image does not depend on the
    # images beside it.
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, 3, padding=1, bias=False),
        nn.GroupNorm(4, n_out),
        nn.ReLU(),
        nn.Conv2d(n_out, n_out, 3, padding=1, bias=False),
        nn.GroupNorm(4, n_out),
        nn.ReLU(),
    )


class SmallUNet(nn.Module):
    """U-Net of three scales: down twice by two, and up again beside what it saw on the way.

    Parameters
    ----------
    n_classes : int
        How many classes a pixel may have.
    width : int, multiple of 4
        Channels at the full size; twice as many at half, four times at a quarter of it.

    Height and width of the images, of three channels, are multiples of 4.
    """

    def __init__(self, n_classes=11, width=8):
        super().__init__()
        self.fine = _convolutions(3, width)
        self.middle = _convolutions(width, 2 * width)
        self.coarse = _convolutions(2 * width, 4 * width)
        self.to_middle = _convolutions(6 * width, 2 * width)
        self.to_fine = _convolutions(3 * width, width)
        self.output = nn.Conv2d(width, n_classes, 1)
        self.down = nn.MaxPool2d(2)
        self.up = nn.Upsample(scale_factor=2)

    def forward(self, X):
        """Logits (images, classes, height, width) of images (images, 3, height, width)."""
        fine = self.fine(X)
        middle = self.middle(self.down(fine))
        coarse = self.coarse(self.down(middle))
        middle = self.to_middle(torch.cat([self.up(coarse), middle], dim=1))
        fine = self.to_fine(torch.cat([self.up(middle), fine], dim=1))
        return self.output(fine)


class SegmentationLoss(nn.Module):
    """Dice, Jaccard and focal loss of each image, as the parts of one sum.

    Parameters
    ----------
    ignore_index : int
        The number in a mask of pixels without a label, which count in no part.
    weights : tuple of 3 floats
        What the dice, the Jaccard and the focal loss are multiplied by.
    """

    # The focal loss is the cross-entropy times (1 - p) ** gamma, p the probability of the label:
    # pixels that are right beyond doubt hardly count.
    gamma = 2

    def __init__(self, ignore_index=11, weights=(1.0, 1.0, 1.0)):
        super().__init__()
        self.ignore_index = ignore_index
        self.weights = weights

    def forward(self, logits, target):
        """The parts, of logits (images, classes, height, width), masks (images, height, width).

        Dice and Jaccard loss are one number for each image, the mean over the classes in its own
        mask, and NaN where its mask has none. The focal loss is one number for each pixel, 0 where
        it has no label.
        """
        labelled = target != self.ignore_index
        # Any class will do for the others, since nothing of them is counted.
        label = target.masked_fill(~labelled, 0)
        log_proba = logits.log_softmax(dim=1)

        log_p = log_proba.gather(1, label[:, None])[:, 0]
        focal = -((1 - log_p.exp()) ** self.gamma) * log_p * labelled

        counted = labelled[:, None]
        proba = log_proba.exp() * counted
        truth = nn.functional.one_hot(label, logits.shape[1]).movedim(-1, 1) * counted
        both = (proba * truth).sum(dim=(2, 3))
        n_true = truth.sum(dim=(2, 3))
        total = proba.sum(dim=(2, 3)) + n_true
        present = n_true > 0
        dice = _mean_over(present, 1 - 2 * both / total.where(present, 1))
        jaccard = _mean_over(present, 1 - both / (total - both).where(present, 1))

        dice_weight, jaccard_weight, focal_weight = self.weights
        return {
            "dice": dice_weight * dice,
            "jaccard": jaccard_weight * jaccard,
            "focal": focal_weight * focal,
        }


def _mean_over(present, losses):
    """Mean of each image's losses over the classes in its mask, NaN without any."""
    n_present = present.sum(dim=1)
    mean = (losses * present).sum(dim=1) / n_present.clamp(min=1)
    # Replaced rather than divided by 0, so that no NaN goes back into the network.
    return mean.where(n_present > 0, torch.nan)
