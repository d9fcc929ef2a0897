"""Street scenes in which each pixel has a label.

Read from ``camvid_120x160.npz`` where that file is: 120 images of CamVid (G. J. Brostow,
J. Fauqueur, R. Cipolla, *Semantic object classes in video*, Pattern Recognition Letters 30, 2009)
of 120 x 160 pixels, their labels gathered into 11 classes; licence CC BY-NC 4.0. It lies in the
folder that the environment variable ``SKLEARN_DIFFICULTY_DATA`` names, or in ``shared/data``
beside the repository. Where it is not, simple scenes are generated.
"""

import numpy as np
from data_folder import data_folder

# The file has numbers only. These names, in their usual order, fit what the pixels of each number
# show; grass is counted as tree, and hedges and railings as fence.
CLASSES = (
    "Sky",
    "Building",
    "Pole",
    "Road",
    "Pavement",
    "Tree",
    "SignSymbol",
    "Fence",
    "Car",
    "Pedestrian",
    "Bicyclist",
)
VOID = len(CLASSES)
HEIGHT, WIDTH = 120, 160
MOST_IMAGES = 120


def load_street_scenes(n_images=None):
    """Images, their masks, the names of the classes and the number of what has no label.

    Parameters
    ----------
    n_images : int or None, default=None
        How many, at most 120; None for all. The first 90 are for training, in CamVid.

    Returns
    -------
    images : ndarray of shape (n_images, 120, 160, 3), uint8
        Images in colour.
    masks : ndarray of shape (n_images, 120, 160), uint8
        The number of the class that each pixel shows, or of no class.
    classes : tuple of str
        Name of each class.
    void : int
        The number in masks of pixels without a label.
    source : str
        Where the images come from.
    """
    n_images = MOST_IMAGES if n_images is None else min(n_images, MOST_IMAGES)
    file = data_folder() / "camvid_120x160.npz"
    if file.exists():
        images, masks = _read(file)
        return images[:n_images], masks[:n_images], CLASSES, VOID, "CamVid"
    rng = np.random.default_rng(0)
    scenes = [_Scene(rng).finished() for _ in range(n_images)]
    images, masks = (np.stack(arrays) for arrays in zip(*scenes, strict=True))
    return images, masks, CLASSES, VOID, "generated"


def _read(file):
    with np.load(file) as stored:
        images = np.concatenate([stored["train_X"], stored["test_X"]])
        return images, np.concatenate([stored["train_Y"], stored["test_Y"]])


class _Scene:
    """A street that runs to a vanishing point, painted from the back to the front."""

    def __init__(self, rng):
        self.rng = rng
        self.row, self.column = np.mgrid[:HEIGHT, :WIDTH]
        self.image = np.zeros((HEIGHT, WIDTH, 3))
        self.mask = np.full((HEIGHT, WIDTH), VOID, dtype=np.uint8)
        self.horizon = rng.uniform(45, 65)
        self.middle = rng.uniform(55, 105)
        # 0 at the horizon and 1 at the lower edge, where things are nearest.
        self.nearness = (self.row - self.horizon) / (HEIGHT - self.horizon)
        # How far either side of the road is from its middle, at the lower edge.
        self.edges = (-rng.uniform(50, 100), rng.uniform(50, 100))

        self.paint(True, "Sky", rng.uniform(190, 250) + np.array([-15, -5, 5]), noise=4)
        self.paint(self.row > self.horizon, "Pavement", rng.uniform(100, 150) * np.ones(3))
        for side in (0, 1):
            self.roadside(side)
        self.road()
        for nearness in np.sort(rng.uniform(0.1, 0.9, rng.integers(1, 6))):
            self.car(nearness)
        for nearness in np.sort(rng.uniform(0.2, 0.8, rng.integers(0, 5))):
            self.person(nearness, rng.choice(["Pedestrian", "Bicyclist"], p=[0.75, 0.25]))
        for _ in range(rng.integers(1, 5)):
            self.pole()

    def paint(self, region, name, colour, noise=12):
        """Give the pixels of a region a class, a colour and a texture."""
        region = np.broadcast_to(region, self.mask.shape)
        self.mask[region] = CLASSES.index(name)
        self.image[region] = colour + self.rng.normal(0, noise, (region.sum(), 1))

    def block(self, bottom, left, height, width):
        """Region of an upright rectangle."""
        upright = (self.row <= bottom) & (self.row > bottom - height)
        return upright & (self.column >= left) & (self.column < left + width)

    def disc(self, row, column, height, width):
        """Region of an ellipse around its centre."""
        return ((self.row - row) / height) ** 2 + ((self.column - column) / width) ** 2 < 0.25

    def place(self, side, nearness, beyond=1.2):
        """Row and column of a place beside the road; `beyond` is 1 at its edge."""
        row = self.horizon + nearness * (HEIGHT - self.horizon)
        return row, self.middle + beyond * nearness * self.edges[side]

    def roadside(self, side):
        """Houses, trees and fences from the horizon to the front, on one side."""
        rng = self.rng
        for nearness in np.arange(0.1, 1.3, 0.2):
            row, column = self.place(side, nearness, beyond=1.5)
            width, height = 20 + 50 * nearness, rng.uniform(15, 30) + rng.uniform(30, 80) * nearness
            left = column - width if side == 0 else column
            kind = rng.choice(["Building", "Tree", "Fence"], p=[0.65, 0.2, 0.15])
            if kind == "Building":
                wall = self.block(row, left, height, width)
                colour = rng.uniform(60, 160) + rng.uniform([0, -10, -30], [40, 10, 10])
                self.paint(wall, kind, colour)
                windows = wall & (self.row % 10 < 5) & (self.column % 8 < 4)
                self.paint(windows, kind, 0.6 * colour)
            elif kind == "Tree":
                trunk = self.block(row, left + 0.45 * width, 0.6 * height, 0.1 * width)
                self.paint(trunk, kind, np.array([70, 55, 40]))
                crown = self.disc(row - 0.7 * height, left + width / 2, 0.7 * height, width)
                leaves = crown & (rng.random(crown.shape) < 0.9)
                self.paint(leaves, kind, np.array([60, 85, 45]) * rng.uniform(0.7, 1.3), noise=25)
            else:
                boards = self.block(row, left, 4 + 14 * nearness, width)
                self.paint(boards & (self.column % 3 > 0), kind, rng.uniform(40, 90) * np.ones(3))

    def road(self):
        """The road, with a dashed line."""
        left, right = (self.middle + edge * self.nearness for edge in self.edges)
        on_road = (self.nearness > 0) & (self.column > left) & (self.column < right)
        self.paint(on_road, "Road", self.rng.uniform(60, 110) * np.ones(3), noise=7)
        dashes = np.abs(self.column - self.middle) < 2 * self.nearness
        self.paint(on_road & dashes & (self.row % 14 < 8), "Road", np.full(3, 200.0))

    def car(self, nearness):
        """A car on the road, or at its side."""
        rng = self.rng
        row, column = self.place(rng.integers(2), nearness, rng.uniform(0.2, 1))
        size = 4 + 0.5 * (row - self.horizon)
        colour = rng.choice([[30, 30, 40], [180, 180, 185], [140, 40, 35], [50, 70, 120]])
        self.paint(self.block(row, column - 0.7 * size, 0.6 * size, 1.4 * size), "Car", colour)
        roof = self.block(row - 0.6 * size, column - 0.5 * size, 0.4 * size, size)
        self.paint(roof, "Car", 0.5 * colour)
        for wheel in (-0.5, 0.5):
            tyre = self.disc(row, column + wheel * size, 0.3 * size, 0.3 * size)
            self.paint(tyre, "Car", np.full(3, 15.0))

    def person(self, nearness, name):
        """Somebody on the pavement, or on a bicycle on the road."""
        rng = self.rng
        beyond = 1.2 if name == "Pedestrian" else 0.8
        row, column = self.place(rng.integers(2), nearness, beyond)
        size = 5 + 0.6 * (row - self.horizon)
        clothes = rng.uniform(20, 110, 3)
        self.paint(self.disc(row - 0.45 * size, column, 0.9 * size, 0.35 * size), name, clothes)
        head = self.disc(row - size, column, 0.25 * size, 0.22 * size)
        self.paint(head, name, np.array([190, 150, 130]))
        if name == "Bicyclist":
            for wheel in (-0.3, 0.3):
                tyre = self.disc(row, column + wheel * size, 0.45 * size, 0.45 * size)
                self.paint(tyre, name, np.full(3, 25.0))

    def pole(self):
        """A pole at the edge of the road, with or without a sign."""
        rng = self.rng
        row, column = self.place(rng.integers(2), rng.uniform(0.2, 0.8), 1.05)
        size = 0.3 * (row - self.horizon)
        height = 10 + 3.5 * size
        post = self.block(row, column, height, 1 + 0.1 * size)
        self.paint(post, "Pole", rng.uniform(70, 130) * np.ones(3))
        if rng.random() < 0.5:
            plate = self.block(row - 0.8 * height, column - size / 2, 2 + size, 2 + size)
            self.paint(plate, "SignSymbol", rng.choice([[190, 40, 40], [40, 80, 170]]))

    def finished(self):
        """Image and mask, with what nobody labelled: some borders, and a few patches."""
        rng = self.rng
        border = np.zeros(self.mask.shape, dtype=bool)
        border[1:] |= self.mask[1:] != self.mask[:-1]
        border[:, 1:] |= self.mask[:, 1:] != self.mask[:, :-1]
        skipped = rng.random((HEIGHT // 10, WIDTH // 10)).repeat(10, 0).repeat(10, 1) < 0.4
        self.mask[border & skipped] = VOID
        for _ in range(rng.integers(0, 3)):
            row, column = rng.uniform(self.horizon, HEIGHT), rng.uniform(0, WIDTH)
            self.mask[self.disc(row, column, rng.uniform(4, 12), rng.uniform(4, 20))] = VOID
        light = rng.uniform(0.7, 1.15) * rng.uniform(0.95, 1.05, 3)
        image = self.image * light + rng.normal(0, 6, self.image.shape)
        return image.clip(0, 255).astype(np.uint8), self.mask
