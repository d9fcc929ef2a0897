"""The README's Python runs as it stands, from top to bottom."""

import re
from pathlib import Path

import numpy as np
import pytest

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.slow
def test_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = README.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) >= 5
    names: dict[str, object] = {"__name__": "readme"}
    # The examples leave random_state out, which takes its seeds from NumPy's generator then.
    state = np.random.get_state()
    np.random.seed(0)
    try:
        for block in blocks:
            exec(compile(block, block.split("\n")[0], "exec"), names)
    finally:
        np.random.set_state(state)
    assert (tmp_path / "early" / "trajectory.json").is_file()
