"""The benchmark of a search over thresholds counts trainings and says what it measured."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier

from sklearn_difficulty import DifficultyScorer

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def threshold_grid(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)  # it shares helpers with the script beside it
    spec = importlib.util.spec_from_file_location(
        "threshold_grid", BENCHMARKS / "threshold_grid.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = SGDClassifier("log_loss", max_iter=5, tol=None)
    quick = module.SETTINGS["cancer-net"]._replace(scorer=lambda: DifficultyScorer(model))
    monkeypatch.setitem(module.SETTINGS, "cancer-net", quick)
    monkeypatch.setattr(module, "THRESHOLDS", np.array([0.7, 0.9]))
    return module


def test_one_training_per_fold_each_way(threshold_grid):
    results = threshold_grid.run("cancer-net", 2, threshold_grid.THRESHOLDS, n_rows=100)
    assert list(results) == [threshold_grid.ONE_PER_FOLD, *threshold_grid.GRIDS]
    for label, values in results.items():
        assert values["trainings"] == [5, 5]
        assert all(f < s for f, s in zip(values["filter"], values["seconds"], strict=True))
        one = results[threshold_grid.ONE_PER_FOLD]["seconds"]
        assert values["ratio"] == [s / o for s, o in zip(values["seconds"], one, strict=True)]
        assert ("refit" in values) == (label in threshold_grid.GRIDS)


def test_counts_each_training(threshold_grid):
    X = np.linspace(-1, 1, 20).reshape(10, 2)
    y = np.arange(10) % 2
    scorer = threshold_grid.SETTINGS["cancer-net"].scorer()
    with threshold_grid.Cost() as cost:
        for seed in (0, 1):
            scorer.set_params(random_state=seed).fit(X, y)
    assert cost.trainings == 2
    scorer.fit(X, y)
    assert cost.trainings == 2


def test_table_says_what_is_not_reached(threshold_grid):
    one = {"trainings": [5.0], "seconds": [2.0], "ratio": [1.0], "filter": [1.0]}
    grid = {
        "trainings": [5.0, 5.0, 5.0],
        "seconds": [2.0, 2.5, 3.0],
        "ratio": [1.0, 1.25, 1.5],
        "filter": [1.0, 1.0, 1.0],
        "filter ratio": [1.0, 1.1, 1.2],
        "refit": [0.5, 0.5, 0.5],
    }
    text = threshold_grid.table({threshold_grid.ONE_PER_FOLD: one, "grid": grid})
    row = [cell.strip() for cell in text.splitlines()[-1].split("|")[1:-1]]
    assert row == [
        "grid",
        "5",
        "2.50",
        "1.25 (1.00 to 1.50)",
        "**no**",
        "1.10 (1.00 to 1.20)",
        "0.50",
    ]


def test_report_says_how_it_was_made(threshold_grid, tmp_path, capsys):
    out = tmp_path / "new" / "report.md"
    arguments = ["--data", "cancer-net", "--repeats", "1"]
    assert threshold_grid.main([*arguments, "--out", str(out)]) == 0
    report = out.read_text(encoding="utf-8")
    assert f"python benchmarks/threshold_grid.py {' '.join(arguments)}" in report
    assert "over 2 thresholds and 5 folds" in report
    printed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(printed) == 2 + 3
    assert all(line in report for line in printed)


def test_committed_table_reaches_the_bar_with_a_net():
    report = (BENCHMARKS / "results" / "threshold_grid.md").read_text(encoding="utf-8")
    section = report.split("## cancer-net")[1].split("\n## ")[0]
    rows = [line.split("|")[1:-1] for line in section.splitlines() if line.startswith("| grid")]
    assert len(rows) == 2
    for row in rows:
        assert int(row[1]) == 5
        assert float(row[3].split("(")[0]) <= 1.2


def test_nothing_to_do(threshold_grid, capsys):
    with pytest.raises(SystemExit) as stopped:
        threshold_grid.main(["--repeats", "0"])
    assert stopped.value.code == 2
    assert "--repeats: must be at least 1; got 0" in capsys.readouterr().err
