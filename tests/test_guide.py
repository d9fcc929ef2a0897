"""The guide's Python runs as it stands, from top to bottom."""

import re
from pathlib import Path

import numpy as np
import pytest

from sklearn_difficulty.scores import SCORES

GUIDE = Path(__file__).parents[1] / "docs" / "guide.md"


@pytest.mark.slow
def test_guide_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = GUIDE.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) >= 10
    names: dict[str, object] = {"__name__": "guide"}
    for block in blocks:
        exec(compile(block, block.split("\n")[0], "exec"), names)
    wrong = names["wrong"]
    hardest = np.argsort(-names["scorer"].difficulty_)[: wrong.sum()]
    assert wrong[hardest].mean() > 0.9
    assert names["action"].shape == names["error"].shape == (500,)


def test_guide_has_every_score():
    rows = re.findall(r'^\| `"(\w+)"` \|.*?\|\s*(higher|lower)\s*\|', GUIDE.read_text(), flags=re.M)
    directions = {name: SCORES[name].higher_is_harder for name in SCORES}
    assert {name: direction == "higher" for name, direction in rows} == directions
