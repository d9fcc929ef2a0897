"""Wines, of which alcohol and quality are to be predicted.

Read from ``wine_quality.csv.gz`` where that file is: the Wine Quality data set (P. Cortez and
others, *Modeling wine preferences by data mining from physicochemical properties*, Decision Support
Systems 47, 2009; licence CC BY 4.0). It lies in the folder that the environment variable
``SKLEARN_DIFFICULTY_DATA`` names, or in ``shared/data`` beside the repository. Where it is not, the
diabetes data of scikit-learn stand in, with the cholesterol of a patient in place of the alcohol,
and the progression of the disease in place of the quality.
"""

import gzip

import numpy as np
from data_folder import data_folder
from sklearn.datasets import load_diabetes


def load_wines(n=2500):
    """What is known of each wine, and its two targets.

    Parameters
    ----------
    n : int, default=2500
        How many wines, drawn out of all; no two are the same.

    Returns
    -------
    X : ndarray of shape (n, n_features)
        Measurements, and whether the wine is red.
    targets : ndarray of shape (n, 2)
        Alcohol in per cent of the volume, quality from 0 to 10; or cholesterol, progression.
    names : tuple of str
        Names of the two targets.
    source : str
        Where the rows come from.
    """
    file = data_folder() / "wine_quality.csv.gz"
    if file.exists():
        with gzip.open(file, "rt") as lines:
            columns = next(lines).strip().split(",")
            rows = np.unique(np.loadtxt(lines, delimiter=","), axis=0)
        names, source = ("alcohol", "quality"), "Wine Quality"
    else:
        found = load_diabetes(scaled=False)
        rows = np.column_stack([found.data, found.target])
        columns = ["cholesterol" if name == "s1" else name for name in found.feature_names]
        columns += ["progression"]
        names, source = ("cholesterol", "progression"), "diabetes data of scikit-learn"
    rows = np.random.default_rng(0).permutation(rows)[:n]
    is_target = np.isin(columns, names)
    return rows[:, ~is_target], rows[:, is_target], names, source
