"""``python -m sklearn_difficulty`` is the command ``sklearn-difficulty``."""

import sys

from sklearn_difficulty.cli import main

if __name__ == "__main__":
    sys.exit(main())
