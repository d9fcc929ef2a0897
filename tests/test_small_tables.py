"""The benchmark on small tables says what it measured, and forests do on iris what they should."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

from sklearn_difficulty.datasets import flip_labels

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def small_tables(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)  # it shares helpers with the script beside it
    spec = importlib.util.spec_from_file_location("small_tables", BENCHMARKS / "small_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_iris(small_tables):
    X, y = load_iris(return_X_y=True)
    given, wrong = flip_labels(y, 0.2, random_state=0)
    ranked = small_tables.difficulties(X, given, seed=0, n_trees=60)
    assert list(ranked) == list(small_tables.METHODS)
    for difficulty in ranked.values():
        measured = small_tables.measure(wrong, difficulty)
        assert measured["AUROC"] >= 0.93
        assert measured["average precision"] >= 0.8
    # whole trees: both are the share of wrong trees, on another scale
    confidence, action = ranked["OOB confidence"], ranked["OOB action"]
    assert np.corrcoef(confidence, action)[0, 1] > 0.99


def test_report_says_how_it_was_made(small_tables, tmp_path, capsys):
    out, values = tmp_path / "new" / "report.md", tmp_path / "values.json"
    arguments = ["--data", "iris", "--seeds", "1", "--trees", "60"]
    assert small_tables.main([*arguments, "--out", str(out), "--json", str(values)]) == 0
    report = out.read_text(encoding="utf-8")
    assert f"python benchmarks/small_tables.py {' '.join(arguments)}" in report
    assert "## iris, 150 rows" in report
    assert "over seed 0;" in report
    printed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(printed) == 2 + len(small_tables.METHODS)
    assert all(line in report for line in printed)
    content = json.loads(values.read_text(encoding="utf-8"))
    assert f"{content['results']['iris']['forest, cv=5']['AUROC'][0]:.4f}" in report


def test_committed_table_reaches_the_bar():
    report = (BENCHMARKS / "results" / "small_tables.md").read_text(encoding="utf-8")
    # out-of-bag forests measured before: AUROC and average precision, up to one deviation
    bar = {
        "iris": (0.966 - 0.02, 0.922 - 0.031),
        "wine": (0.995, 0.983),
        "breast_cancer": (0.985, 0.947),
        "digits": (0.999, 0.995),
    }
    for name, (auroc, precision) in bar.items():
        section = report.split(f"## {name}, ")[1].split("\n## ")[0]
        [line] = [line for line in section.splitlines() if line.startswith("| OOB confidence")]
        cells = [float(cell.split("±")[0]) for cell in line.split("|")[2:-1]]
        assert cells[2] >= auroc
        assert cells[0] >= precision


@pytest.mark.parametrize("option", ["--seeds", "--trees"])
def test_nothing_to_do(small_tables, option, capsys):
    with pytest.raises(SystemExit) as stopped:
        small_tables.main([option, "0"])
    assert stopped.value.code == 2
    assert f"{option}: must be at least 1; got 0" in capsys.readouterr().err
