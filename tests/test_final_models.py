"""The benchmark of actions trains what FilteredClassifier does, and says what it measured."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from sklearn_difficulty import DifficultyScorer, FilteredClassifier, MislabelFilter
from sklearn_difficulty.selection import forget_fits

pytestmark = pytest.mark.usefixtures("beside_the_benchmarks")
RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "results"
PAIR = "iris-uniform-20"


@pytest.fixture(scope="module")
def command(beside_the_benchmarks):
    return importlib.import_module("final_models")


@pytest.fixture(scope="module")
def tables(beside_the_benchmarks):
    return importlib.import_module("final_models_report")


@pytest.fixture(scope="module")
def task(command, tmp_path_factory):
    work = tmp_path_factory.mktemp("labels")
    return command.first_rows(command.make_task(PAIR, 0, work, work))


@pytest.fixture(scope="module")
def measured(command, tmp_path_factory):
    """Arguments that measure iris, the report and the values."""
    folder = tmp_path_factory.mktemp("final")
    out = folder / "new" / "table.md"
    arguments = ["--pairs", PAIR, "--seeds", "1", "--work", str(folder), "--out", str(out)]
    assert command.main(arguments) == 0
    return arguments, out.read_text("utf-8"), json.loads(out.with_suffix(".json").read_text())


@pytest.mark.parametrize("action", ["drop", "relabel", "weight"])
def test_actions_are_those_of_the_public_estimator(command, task, measured, action):
    accuracies = measured[2]["pairs"][PAIR]["accuracy"]
    for name in command.MODELS:
        chosen = MislabelFilter(action=action, random_state=0)
        model = FilteredClassifier(chosen, command.final_model(name, 0))
        model.fit(task.data.X, task.given)
        assert [model.score(task.data.X_test, task.data.y_test)] == accuracies[name][action]


def test_one_lot_of_trainings_serves_all_actions(command, task, monkeypatch):
    fits, fit = [], DifficultyScorer.fit
    monkeypatch.setattr(DifficultyScorer, "fit", lambda *a, **k: fits.append(1) or fit(*a, **k))
    forget_fits()
    filters = command.fit_filters(task)
    # Iris is small: four of them are with planted errors.
    assert len(fits) == 5
    assert list(filters) == ["drop", "relabel", "weight"]


def test_bounds(command, task):
    treated = command.treat(task, command.fit_filters(task))
    assert (treated["oracle"].y == task.data.y[treated["oracle"].rows]).all()
    assert len(treated["oracle"].rows) == 112 - 22
    dropped, at_random = treated["drop"], treated["random"]
    assert np.bincount(at_random.y).tolist() == np.bincount(dropped.y).tolist()
    assert at_random.rows.tolist() != dropped.rows.tolist()
    assert treated["no filter"].y.tolist() == treated["weight"].y.tolist() == task.given.tolist()
    assert treated["weight"].weight.shape == (112,)


def test_what_is_dropped_at_random_depends_on_the_seed(command):
    given, support = np.repeat([0, 1], 50), np.arange(100) % 50 >= 10
    kept = [command.drop_at_random(given, support, seed) for seed in (0, 0, 1)]
    assert np.bincount(given[kept[0]]).tolist() == [40, 40]
    assert kept[0].tolist() == kept[1].tolist() != kept[2].tolist()


def test_confused_pairs_of_two_classes_are_uniform_errors(command):
    data = importlib.import_module("detection_data")
    both = [data.given_labels("breast_cancer", n, 0) for n in ("uniform-20", "pairs-20")]
    assert both[0].tolist() == both[1].tolist()
    assert "breast_cancer-uniform-20" in command.PAIRS
    assert "breast_cancer-pairs-20" not in command.PAIRS


def test_nothing_is_measured_twice(command, measured, monkeypatch):
    arguments, report, _ = measured
    out = Path(arguments[-1])

    def refuse(task):
        raise AssertionError("measured again")

    monkeypatch.setattr(command, "measure", refuse)
    assert command.main(arguments) == 0
    assert out.read_text("utf-8") == report
    with pytest.raises(AssertionError, match="measured again"):
        command.main([*arguments, "--again"])
    monkeypatch.setitem(command.SETTINGS, "training rows", 50)
    with pytest.raises(AssertionError, match="measured again"):
        command.main(arguments)


def test_report_says_how_it_was_made(measured):
    _, report, content = measured
    found = content["pairs"][PAIR]
    assert f"python benchmarks/final_models.py --pairs {PAIR} --seeds 1 --out " in report
    assert "means over seed 0," in report
    assert "torch 2." in report
    assert found["rate"] == [22 / 112]
    [accuracy] = found["accuracy"]["random forest"]["oracle"]
    assert accuracy > 0.9
    assert f"{accuracy:.3f}" in report


def test_pairs_are_counted_by_hand(tables):
    reached = [{"drop": drop, "no filter": 0.8} for drop in (0.79, 0.795, 0.8, 0.805, 0.806, 0.9)]
    # Half a point itself is not more than that.
    assert tables.against(reached, "drop", "no filter") == "(1 / 2)"


def test_summary_by_hand(tables):
    def seed(*accuracies):
        reached = dict(zip(tables.TREATMENTS, accuracies, strict=True))
        return {"accuracy": {tables.FOREST: reached}}

    noisy = seed(0.5, 0.7, 0.4, 0.6, 0.3, 0.9), seed(0.5, 0.9, 0.6, 0.6, 0.3, 0.9)
    clean = seed(*[0.9] * 6)
    results = {
        "iris-uniform-20": tables.by_seed(noisy),
        "iris-clean": tables.by_seed([clean, clean]),
    }
    assert results["iris-uniform-20"]["accuracy"]["random forest"]["drop"] == [0.7, 0.9]
    lines = tables.summary(results).splitlines()[2:]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    counts = ["0.800 (0 / 1)", "0.500 (0 / 0)", "0.600 (0 / 1)", "0.300 (1 / 0)", "0.900 (0 / 1)"]
    assert cells == [
        ["random forest", "all with errors", "1", "0.500", *counts],
        ["random forest", "uniform-20", "1", "0.500", *counts],
        ["random forest", "clean", "1", "0.900", *["0.900 (0 / 0)"] * 5],
    ]
    lost = tables.losses(results).splitlines()[3]
    assert [cell.strip() for cell in lost.split("|")[2:-1]] == ["relabel", "none"]
    line = tables.beside_each_other(results).splitlines()[-1]
    assert [cell.strip() for cell in line.split("|")[1:-1]] == [
        "random forest",
        "1",
        "-0.300 (1 / 0)",
        "-0.200 (1 / 0)",
        "+0.100 (0 / 1)",
    ]


def test_committed_report_is_of_the_committed_values(tables):
    content = json.loads((RESULTS / "final_models.json").read_text("utf-8"))
    text = tables.report(
        content["pairs"], content["command"], content["settings"], content["versions"]
    )
    assert (RESULTS / "final_models.md").read_text("utf-8") == text


def test_data_are_missing(command, tmp_path, capsys):
    arguments = ["--pairs", "letter-clean", "--work", str(tmp_path / "work")]
    assert command.main([*arguments, "--data-dir", str(tmp_path)]) == 2
    assert "does not hold letter.csv.gz" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--seeds", "0"], ["--out", "table.json"]])
def test_arguments_that_make_no_sense(command, arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        command.main(arguments)
    assert stopped.value.code == 2
    assert arguments[0] in capsys.readouterr().err
