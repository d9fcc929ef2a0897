"""Pieces of music with the emotions that they were said to evoke.

Read from ``emotions.npz`` where that file is (K. Trohidis, G. Tsoumakas, G. Kalliris, I. Vlahavas,
*Multilabel classification of music into emotions*, ISMIR 2008). It lies in the folder that the
environment variable ``SKLEARN_DIFFICULTY_DATA`` names, or in ``shared/data`` beside the repository.
Where it is not, counts of words in texts of several topics are generated.
"""

import numpy as np
from data_folder import data_folder
from sklearn.datasets import make_multilabel_classification

# The first word of each name in the file.
EMOTIONS = ("amazed", "happy", "relaxing", "quiet", "sad", "angry")


def load_emotions():
    """Rows, which of six labels each has, the names of the labels.

    Returns
    -------
    X : ndarray of shape (n, 72)
        Rhythm and timbre of each piece.
    Y : ndarray of shape (n, 6), int8
        1 for each label that a row has; every row has some and no row all.
    names : tuple of str
        Name of each label.
    source : str
        Where the rows come from.
    """
    file = data_folder() / "emotions.npz"
    if file.exists():
        with np.load(file) as stored:
            X = np.concatenate([stored["train_X"], stored["test_X"]])
            Y = np.concatenate([stored["train_Y"], stored["test_Y"]])
        return X, Y, EMOTIONS, "emotions in music"
    X, Y = make_multilabel_classification(
        n_samples=600, n_features=72, n_classes=6, length=100, random_state=0
    )
    has_some = (Y.sum(axis=1) > 0) & (Y.sum(axis=1) < 6)
    names = tuple(f"topic {number}" for number in range(1, 7))
    return X[has_some], Y[has_some].astype(np.int8), names, "generated texts"
