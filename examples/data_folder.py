"""Where the files lie that some examples read, and that are not part of the repository."""

import os
from pathlib import Path

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def data_folder():
    """Folder that ``SKLEARN_DIFFICULTY_DATA`` names, or the one beside the repository.

    Returns
    -------
    folder : Path
        It may be absent; then examples do with other data.
    """
    return Path(os.environ.get("SKLEARN_DIFFICULTY_DATA", BESIDE))
