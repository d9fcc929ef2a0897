"""The Python of the pages runs as it stands, from top to bottom."""

import re
from pathlib import Path

import numpy as np
import pytest

from sklearn_difficulty.scores import SCORES

DOCS = Path(__file__).parents[1] / "docs"
GUIDE = DOCS / "guide.md"


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


@pytest.mark.slow
def test_page_on_wrong_labels_runs():
    text = (DOCS / "wrong_labels.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) >= 5
    names: dict[str, object] = {"__name__": "wrong_labels"}
    for block in blocks:
        exec(compile(block, block.split("\n")[0], "exec"), names)
    rows, wrong = names["rows"], names["wrong"]
    assert wrong[~rows.support_].mean() > 0.9
    assert rows.noise_rate_interval_[0] < wrong.mean() < rows.noise_rate_interval_[1]


@pytest.mark.slow
def test_page_on_tasks_runs():
    text = (DOCS / "tasks.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) >= 7
    names: dict[str, object] = {"__name__": "tasks"}
    found = {}
    for block in blocks:
        exec(compile(block, block.split("\n")[0], "exec"), names)
        scorer = names["scorer"]
        # a list of scores has easiness first, of which nothing is claimed
        found[len(found)] = np.argsort(-scorer.difficulty_)
    assert set(range(5)) <= set(found[0][:10])
    assert len(set(range(10)) & set(found[2][:30])) >= 8
    assert found[3][0] == 3
    assert len(set(range(20)) & set(names["outliers"])) >= 18


def test_guide_has_every_score():
    rows = re.findall(r'^\| `"(\w+)"` \|.*?\|\s*(higher|lower)\s*\|', GUIDE.read_text(), flags=re.M)
    directions = {name: SCORES[name].higher_is_harder for name in SCORES}
    assert {name: direction == "higher" for name, direction in rows} == directions
