"""Microscope images of blood with boxes around the cells.

Read from ``bccd_120x160.npz`` where that file is: 80 images of the BCCD data set
(https://github.com/Shenggan/BCCD_Dataset, MIT licence), reduced to a quarter of their size. It lies
in the folder that the environment variable ``SKLEARN_DIFFICULTY_DATA`` names, or in
``shared/data`` beside the repository. Where it is not, similar images are generated.
"""

import numpy as np
from data_folder import data_folder

CLASSES = ("red cell", "white cell", "platelet")
HEIGHT, WIDTH = 120, 160


def load_blood_cells():
    """Images, boxes and the names of the classes.

    Returns
    -------
    images : ndarray of shape (80, 120, 160, 3), uint8
        Images in colour.
    boxes : list of ndarray of shape (k_i, 5), float32
        For each image its objects: number of the class, then x1, y1, x2, y2 in pixels.
    classes : tuple of str
        Name of each class.
    source : str
        Where the images come from.
    """
    file = data_folder() / "bccd_120x160.npz"
    if file.exists():
        images, boxes = _read(file)
        return images, boxes, CLASSES, "BCCD data set"
    images, boxes = _generate(80, np.random.default_rng(0))
    return images, boxes, CLASSES, "generated"


def _read(file):
    with np.load(file) as stored:
        images, rows = stored["X"], stored["box_image"]
        objects = np.column_stack([stored["box_class"], stored["box_xyxy"]]).astype(np.float32)
    # Two of the boxes have no area: nothing is in them, and their logarithm is infinite.
    has_area = (objects[:, 3:] > objects[:, 1:3]).all(axis=1)
    return images, [objects[has_area & (rows == row)] for row in range(len(images))]


def _generate(n, rng):
    images, boxes = zip(*(_image(rng) for _ in range(n)), strict=True)
    return np.stack(images), list(boxes)


def _image(rng):
    image = rng.uniform(205, 230) + rng.normal(0, 3, (HEIGHT, WIDTH, 3))
    numbers = [rng.integers(8, 16), rng.choice([1, 2], p=[0.9, 0.1]), rng.integers(0, 4)]
    objects = []
    for number in np.repeat([0, 1, 2], numbers):
        radius = rng.uniform(*[(11, 14), (19, 26), (4, 6)][number])
        for _ in range(50):
            centre = rng.uniform([0, 0], [WIDTH, HEIGHT])
            if all(np.hypot(*(centre - c)) > 0.9 * (radius + r) for _, c, r in objects):
                objects.append((number, centre, radius))
                [_red_cell, _white_cell, _platelet][number](image, centre, radius, rng)
                break
    return image.clip(0, 255).astype(np.uint8), np.array([_object(*o) for o in objects], np.float32)


def _object(number, centre, radius):
    low, high = np.clip([centre - radius, centre + radius], 0, [WIDTH, HEIGHT])
    return [number, *low, *high]


def _red_cell(image, centre, radius, rng):
    _disc(image, centre, radius, (190, 135, 135), 0.9)
    _disc(image, centre, radius * 0.4, (225, 195, 190), rng.uniform(0.2, 0.8))


def _white_cell(image, centre, radius, rng):
    _disc(image, centre, radius, (195, 165, 205), 0.8)
    for shift in rng.uniform(-0.4, 0.4, (3, 2)):
        _disc(image, centre + shift * radius, radius * 0.45, (95, 65, 150), 0.9)


def _platelet(image, centre, radius, rng):
    _disc(image, centre, radius, (150, 120, 180), rng.uniform(0.6, 0.9))


def _disc(image, centre, radius, colour, opacity):
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    inside = np.hypot(x - centre[0], y - centre[1]) < radius
    image[inside] += opacity * (np.array(colour) - image[inside])
