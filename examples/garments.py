"""Small pictures of garments, and others that do not belong to them.

Read from ``fashion_mnist_12k.npz`` and ``mnist_15k.npz`` where those files are: images of
Fashion-MNIST (H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747; MIT licence) and of MNIST
(Y. LeCun, C. Cortes, C. J. C. Burges; CC BY-SA 3.0), of 28 x 28 pixels. They lie in the folder that
the environment variable ``SKLEARN_DIFFICULTY_DATA`` names, or in ``shared/data`` beside the
repository. Where they are not, the digits of scikit-learn stand in, of 8 x 8 pixels, and pairs
of them, drawn over each other, do not belong.
"""

import numpy as np
from data_folder import data_folder
from sklearn.datasets import load_digits


def load_garments(n=4000, n_others=400):
    """Images, and others of the same size.

    Parameters
    ----------
    n, n_others : int
        How many of each; fewer where there are fewer.

    Returns
    -------
    images : ndarray of shape (n, size, size), float32
        From 0 to 1.
    others : ndarray of shape (n_others, size, size), float32
        Those that do not belong.
    names : tuple of str
        What the images show, and what the others show.
    """
    rng = np.random.default_rng(0)
    folder = data_folder()
    files = folder / "fashion_mnist_12k.npz", folder / "mnist_15k.npz"
    if all(file.exists() for file in files):
        images, others = (_read(file) for file in files)
        names = "garment", "digit"
    else:
        images = load_digits().images / 16
        others = np.maximum(*rng.permutation(images)[: 2 * n_others].reshape(2, n_others, 8, 8))
        names = "digit", "pair"
    images, others = rng.permutation(images)[:n], rng.permutation(others)[:n_others]
    return images.astype(np.float32), others.astype(np.float32), names


def _read(file):
    with np.load(file) as stored:
        return stored["train_X"] / 255
