"""A small single-shot detector in plain PyTorch, with its loss, for images of 120 x 160 pixels.

Boxes are ``x1, y1, x2, y2`` in pixels. Over the image lies a dense grid of default boxes; for each
of them the network says which class is there, if any, and how the true box differs from it.
"""

import torch
from torch import nn
from torch.nn import functional

HEIGHT, WIDTH, STRIDE = 120, 160, 8
# About the sizes of platelets, red and white cells.
SIZES = (10, 26, 50)
# As in the SSD paper: the differences of the boxes are small numbers, and are scaled up to weigh as
# much as the classes do.
OFFSET_SCALES = (0.1, 0.1, 0.2, 0.2)


def default_boxes():
    """The default boxes, squares of a few sizes around each cell of a grid, (A, 4)."""
    y, x, size = torch.meshgrid(
        torch.arange(STRIDE / 2, HEIGHT, STRIDE),
        torch.arange(STRIDE / 2, WIDTH, STRIDE),
        torch.tensor(SIZES, dtype=torch.float32),
        indexing="ij",
    )
    return torch.stack([x - size / 2, y - size / 2, x + size / 2, y + size / 2], -1).reshape(-1, 4)


def overlaps(boxes, others):
    """Intersection over union of each of (k, 4) boxes with each of (m, 4) others, (k, m)."""
    top_left = torch.maximum(boxes[:, None, :2], others[None, :, :2])
    bottom_right = torch.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = (bottom_right - top_left).clamp(min=0).prod(-1)
    area, other_area = ((b[:, 2:] - b[:, :2]).prod(-1) for b in (boxes, others))
    return shared / (area[:, None] + other_area - shared)


def _centres_and_sizes(boxes):
    return (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]


def encode(boxes, defaults):
    """What the network has to say for the default boxes to become these boxes, (..., 4)."""
    centres, sizes = _centres_and_sizes(boxes)
    default_centres, default_sizes = _centres_and_sizes(defaults)
    moved, grown = (centres - default_centres) / default_sizes, (sizes / default_sizes).log()
    return torch.cat([moved, grown], -1) / boxes.new_tensor(OFFSET_SCALES)


def decode(offsets, defaults):
    """The boxes that the network means, (..., 4)."""
    moved, grown = (offsets * offsets.new_tensor(OFFSET_SCALES)).split(2, dim=-1)
    default_centres, default_sizes = _centres_and_sizes(defaults)
    centres, sizes = default_centres + moved * default_sizes, default_sizes * grown.exp()
    return torch.cat([centres - sizes / 2, centres + sizes / 2], -1)


def match(true_boxes, defaults):
    """Which true box each default box stands for, and whether it stands for any, two of (A,)."""
    overlap = overlaps(true_boxes, defaults)
    best, matched = overlap.max(dim=0)
    is_positive = best >= 0.5
    # Each true box has its best default box, too, however little they overlap. Where two have the
    # same one, the closer of them comes last and keeps it, whatever their order in the list.
    closeness, own = overlap.max(dim=1)
    for true_box in closeness.argsort():
        matched[own[true_box]] = true_box
        is_positive[own[true_box]] = True
    return matched, is_positive


class SmallDetector(nn.Module):
    """A few convolutions, and for each default box four offsets and the classes' logits.

    Parameters
    ----------
    n_classes : int
        Number of classes without the background.
    width : int, default=32
        Channels of the last layers; the first ones have fewer.
    """

    def __init__(self, n_classes, width=32):
        super().__init__()
        self.n_outputs = 4 + 1 + n_classes

        def layer(n_in, n_out, stride=1, dilation=1):
            # Normalised within an image: an image's outputs do not depend on its batch.
            return nn.Sequential(
                nn.Conv2d(n_in, n_out, 3, stride, padding=dilation, dilation=dilation, bias=False),
                nn.GroupNorm(8, n_out),
                nn.ReLU(),
            )

        self.backbone = nn.Sequential(
            layer(3, width // 2, stride=2),
            layer(width // 2, width, stride=2),
            layer(width, 2 * width, stride=2),
            layer(2 * width, 2 * width),
            # A white cell is larger than what the layers before can see at once.
            layer(2 * width, 2 * width, dilation=2),
        )
        self.head = nn.Conv2d(2 * width, len(SIZES) * self.n_outputs, 3, padding=1)

    def forward(self, images):
        """Offsets (B, A, 4) and logits (B, A, 1 + n_classes) of the default boxes."""
        outputs = self.head(self.backbone(images)).permute(0, 2, 3, 1)
        outputs = outputs.reshape(len(images), -1, self.n_outputs)
        return outputs[..., :4], outputs[..., 4:]


class MultiBoxLoss(nn.Module):
    """Losses of each image: where boxes are, what is in them, and what is not there.

    Each part is divided by the image's own number of positive default boxes. A known reference
    implementation of this loss divides by the number in the whole batch. For the gradient that is
    a matter of weights, but the loss of an image then depends on which images happen to be in its
    batch, and summed over training it tells as much of them as of itself.

    Parameters
    ----------
    negatives_per_positive : int, default=3
        How many of the default boxes without an object count, those with the highest loss. Of an
        image without objects, as many as if it had one.
    """

    def __init__(self, negatives_per_positive=3):
        super().__init__()
        self.negatives_per_positive = negatives_per_positive
        self.register_buffer("defaults", default_boxes(), persistent=False)

    def forward(self, outputs, targets):
        """Losses of B images whose objects are B tensors (k_i, 5), class and box."""
        losses = [
            self._image_loss(offsets, logits, objects)
            for offsets, logits, objects in zip(*outputs, targets, strict=True)
        ]
        names = "localization", "positive", "negative"
        return dict(zip(names, torch.stack(losses, dim=1), strict=True))

    def _image_loss(self, offsets, logits, objects):
        wanted = torch.zeros(len(logits), dtype=torch.long, device=logits.device)
        localization = offsets.new_zeros(())
        is_positive = wanted > 0
        if len(objects):
            matched, is_positive = match(objects[:, 1:], self.defaults)
            matched = matched[is_positive]
            wanted[is_positive] = objects[matched, 0].long() + 1  # 0 is the background
            localization = functional.smooth_l1_loss(
                offsets[is_positive],
                encode(objects[matched, 1:], self.defaults[is_positive]),
                reduction="sum",
            )
        n_positive = max(1, int(is_positive.sum()))
        losses = functional.cross_entropy(logits, wanted, reduction="none")
        # Nearly all default boxes are background; only the worst of them say something.
        negative_losses = losses[~is_positive]
        n_negative = min(self.negatives_per_positive * n_positive, len(negative_losses))
        negative = negative_losses.topk(n_negative).values.sum()
        return torch.stack([localization, losses[is_positive].sum(), negative]) / n_positive


def find_objects(offsets, logits, min_confidence=0.5, max_overlap=0.4):
    """What the network finds in one image, as an array (m, 6): class, box and confidence."""
    confidence, classes = logits.softmax(-1)[:, 1:].max(-1)
    boxes = decode(offsets, default_boxes().to(offsets.device))
    order = confidence.argsort(descending=True)
    order = order[confidence[order] >= min_confidence]
    found = torch.cat([classes[:, None], boxes, confidence[:, None]], -1)[order]
    # Of boxes of a class that overlap, the most confident one stays.
    is_rival = overlaps(found[:, 1:5], found[:, 1:5]) > max_overlap
    is_rival &= found[:, None, 0] == found[:, 0]
    kept = []
    for i in range(len(found)):
        if not is_rival[i, kept].any():
            kept.append(i)
    return found[kept].cpu().numpy()
