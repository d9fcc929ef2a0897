"""The benchmark of planted errors plants what it says, finds some, and says what it missed."""

import importlib
import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("beside_the_benchmarks")
RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "results"


@pytest.fixture(scope="module")
def parts(beside_the_benchmarks):
    """Give a file of the benchmark by the end of its name."""
    return lambda name: importlib.import_module(f"planted_errors_{name}")


@pytest.fixture(scope="module")
def command(beside_the_benchmarks):
    return importlib.import_module("planted_errors")


@pytest.fixture(scope="module")
def plant(parts):
    return parts("plant")


@pytest.fixture(scope="module")
def quick(command, tmp_path_factory):
    """Give the report and the values of the whole command in its quick form."""
    out = tmp_path_factory.mktemp("quick") / "new" / "errors.md"
    assert command.main(["--quick", "--out", str(out)]) == 0
    return out.read_text("utf-8"), json.loads(out.with_suffix(".json").read_text("utf-8"))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def _without_seconds(results):
    return {
        kind: {
            method: [values["AUROC"], values["average precision"]]
            for method, values in result["methods"].items()
        }
        for kind, result in results.items()
    }


# What is planted


def test_targets_are_replaced_by_any_other_grade(plant, rng):
    y = np.repeat(np.arange(3.0, 10), 100)
    given = plant.replace_targets(y, 0.5, rng)
    wrong = given != y
    assert wrong.sum() == 350
    for grade in range(3, 10):
        assert set(given[wrong & (y == grade)]) == set(range(3, 10)) - {grade}


def test_targets_are_shifted(plant, rng):
    y = np.full(1000, 6.0)
    moved = plant.shift_targets(y, 0.1, rng) - y
    assert (moved != 0).sum() == 100
    assert set(moved) == {-4, -3, -2, 0, 2, 3, 4}


def test_targets_are_permuted(plant, rng):
    y = np.repeat([5.0, 6.0, 7.0], [40, 40, 20])
    given = plant.permute_targets(y, 0.2, rng)
    assert Counter(given) == Counter(y)
    # Some of the 20 that were drawn come out as they were.
    assert 0 < (given != y).sum() < 20


def test_label_sets_are_those_of_other_rows(plant, rng):
    Y = rng.integers(0, 2, (60, 4))
    given = plant.exchange_label_sets(Y, 0.25, rng)
    assert (given != Y).any(axis=1).sum() == 15
    assert set(map(tuple, given)) <= set(map(tuple, Y))


def test_one_label_is_flipped_in_a_row(plant, rng):
    Y = rng.integers(0, 2, (200, 3))
    changed = plant.flip_one_label(Y, 0.25, rng) != Y
    assert Counter(changed.sum(axis=1).tolist()) == {0: 150, 1: 50}
    assert changed.any(axis=0).all()


def test_single_cells_are_flipped(plant, rng):
    Y = rng.integers(0, 2, (50, 4))
    given = plant.flip_cells(Y, 0.1, rng)
    assert (given != Y).sum() == 20
    assert set(given.ravel()) == {0, 1}


def test_targets_go_round(plant, rng):
    targets = [np.full((k, 2), k) for k in range(30)]
    given, swapped = plant.pass_around(targets, 0.1, rng)
    assert swapped.sum() == 3
    assert [given[row] is targets[row] for row in range(30)] == (~swapped).tolist()
    assert {id(one) for one in given} == {id(one) for one in targets}
    with pytest.raises(ValueError, match=r"a share of 0\.1 of 19 rows is fewer than two"):
        plant.pass_around(targets[:19], 0.1, rng)


def test_others_are_hidden(plant, rng):
    X, others = np.arange(100.0), -1 - np.arange(10.0)
    mixed, hidden = plant.hide_others(X, others, 0.05, rng)
    assert hidden.sum() == 5
    assert (mixed[~hidden] == X[~hidden]).all()
    assert len(set(mixed[hidden]) & set(others)) == 5


def test_a_class_is_held_rare(plant, rng):
    y = np.repeat([0, 1, 2], [40, 40, 18])
    rows, kept = plant.hold_rare(np.arange(98), y, 1, 1 / 30, rng)
    assert kept.sum() == 2
    assert (y[rows[kept]] == 1).all()
    assert sorted(rows[~kept]) == np.flatnonzero(y != 1).tolist()
    # shuffled, so that batches and folds have some of each
    assert (np.diff(rows) < 0).any()


def test_rows_are_wrong_where_they_differ_from_the_truth(parts):
    task = parts("tasks").TASKS["wine"]
    table = task.load(None)
    for kind in task.kinds.values():
        planted = kind.plant(table, np.random.default_rng(0))
        off = np.abs(planted.given - table.y)
        assert planted.wrong.tolist() == (off > 0).tolist()
        assert planted.counts == {
            "rows": 120,
            "drawn": 12,
            "wrong": (off > 0).sum(),
            "wrong by at least 2": (off >= 2).sum(),
        }


def test_examples_say_how_to_train(parts):
    nets = parts("nets")
    text = (nets.EXAMPLES / "plot_detection.py").read_text("utf-8")
    names = {"SmallDetector": object, "MultiBoxLoss": list, "classes": (1, 2, 3)}
    net = nets.example_net("plot_detection.py", nets.FULL, **names)
    assert f"\n    lr={net.lr},\n    batch_size={net.batch_size},\n" in text
    assert f"\n    max_epochs={net.max_epochs},\n" in text
    assert (net.module, net.criterion, net.module__n_classes) == (object, list, 3)
    assert nets.example_net("plot_detection.py", nets.QUICK, **names).max_epochs == 2


def test_examples_read_from_the_folder_that_is_named(parts, monkeypatch, tmp_path):
    data, variable = parts("data"), "SKLEARN_DIFFICULTY_DATA"
    monkeypatch.setenv(variable, "elsewhere")
    with data._examples_read(None, "any.npz"):
        assert list(Path(os.environ[variable]).iterdir()) == []
    (tmp_path / "any.npz").touch()
    with data._examples_read(tmp_path, "any.npz"):
        assert os.environ[variable] == str(tmp_path)
    assert os.environ[variable] == "elsewhere"
    monkeypatch.delenv(variable)
    with data._examples_read(None, "any.npz"):
        pass
    assert variable not in os.environ


def test_messages_become_numbers(parts):
    messages = parts("data").messages(None)
    assert messages.ids.shape == (80, 40)
    # Eight words each, all of them known, and nothing after them.
    assert (messages.ids[:, :8] > 1).all()
    assert (messages.ids[:, 8:] == 0).all()
    assert messages.weights.shape == (80, len(np.unique(messages.ids)) - 1)


# What is measured


def test_judge_by_hand(command):
    wrong = np.array([[False, True], [False, False], [False, False]])
    by_row = command.judge(wrong, np.array([2.0, 3.0, 1.0]))
    assert by_row == pytest.approx({"AUROC": 1 / 2, "average precision": 1 / 2})
    by_label = command.judge(wrong, np.array([[1.0, 5.0], [6.0, 2.0], [3.0, 4.0]]))
    assert by_label == pytest.approx({"AUROC": 4 / 5, "average precision": 1 / 2})


@pytest.mark.slow
def test_whatever_is_measured_is_reported(command, parts, quick):
    report, content = quick
    tasks = parts("tasks").TASKS
    assert list(content["results"]) == list(tasks)
    for name, results in content["results"].items():
        assert list(results) == list(tasks[name].kinds)
        assert command.section(name, results) in report
        for kind, result in results.items():
            assert tasks[name].kinds[kind].asked in result["methods"]
            for values in result["methods"].values():
                assert [len(values[metric]) for metric in command.METRICS] == [1, 1, 1]
    assert command.summary(content["results"]) in report
    assert content["command"] in report
    assert "--quick --out " in content["command"]
    assert "torch 2." in report


@pytest.mark.slow
def test_generated_outliers_and_spam_are_found(quick):
    results = quick[1]["results"]
    hidden = results["images"]["MNIST digits among the clothes"]["methods"]
    assert hidden["autoencoder, action"]["AUROC"][0] > 0.95
    assert hidden["isolation forest, same pixels"]["AUROC"][0] > 0.8
    flipped = results["messages"]["labels flipped"]["methods"]
    assert flipped["TF-IDF, default net, action"]["AUROC"][0] > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("name", ["wine", "images", "messages"])
def test_a_seed_decides_everything(command, parts, quick, name, generators_unchanged):
    again = command.run(name, 1, None, parts("nets").QUICK)
    assert _without_seconds(again) == _without_seconds(quick[1]["results"][name])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["wine", "emotions", "messages"])
def test_errors_in_real_data_are_found(command, parts, name, shared_data):
    task = parts("tasks").TASKS[name]
    loaded = task.load(shared_data)
    kind = next(iter(task.kinds.values()))
    planted = kind.plant(loaded, np.random.default_rng(0))
    found = next(task.rank(loaded, planted, 0, parts("nets").FULL))
    assert command.judge(planted.wrong, found[kind.asked])["AUROC"] >= command.GOAL


# What is said of it


def _measured(**aurocs):
    methods = {
        method: {"AUROC": values, "average precision": values, "seconds": [1.0] * len(values)}
        for method, values in aurocs.items()
    }
    return {"single labels flipped": {"counts": {"rows": [3, 4]}, "methods": methods}}


def test_summary_says_what_is_missed(command):
    measured = _measured(
        **{
            "net, action of each label": [0.8, 0.88],
            "other, action of each label": [0.9, 0.9],
            # of rows, and none of ours
            "net, action": [1.0, 1.0],
            "for reference: forest, each label": [0.95, 0.95],
        }
    )
    [row] = command.summary({"emotions": measured}).splitlines()[2:]
    assert [cell.strip() for cell in row.split("|")[1:-1]] == [
        "emotions",
        "**single labels flipped**",
        "net, action of each label",
        "0.840 ± 0.057",
        "**no**",
        "other, action of each label",
        "0.900 ± 0.000",
    ]


def test_section_by_hand(command):
    lines = command.section("emotions", _measured(net=[0.5, 0.75])).splitlines()
    assert lines[2] == "Seeds 0 to 1."
    assert lines[6] == "3.5 rows."
    assert lines[-1] == "| net    | 0.625 ± 0.177 | 0.625 ± 0.177     | 1.0     |"


def test_committed_results(command):
    report = (RESULTS / "planted_errors.md").read_text("utf-8")
    content = json.loads((RESULTS / "planted_errors.json").read_text("utf-8"))
    # The file says what was measured, by all of the command.
    assert (
        command.report(content["results"], content["command"]).split("\n\nVersions:")[0]
        == (report.split("\n\nVersions:")[0])
    )
    assert list(content["results"]) == list(command.TASKS)
    readme = (RESULTS.parent / "README.md").read_text("utf-8")
    said = [line for line in readme.splitlines() if line.endswith(("| yes |", "| **no** |"))]
    asked = [line.split("|")[4:6] for line in command.summary(content["results"]).splitlines()[2:]]
    assert [[cell.strip() for cell in line.split("|")[3:5]] for line in said] == [
        [cell.strip() for cell in cells] for cells in asked
    ]
    for name, results in content["results"].items():
        kind, asked = next((k, kind.asked) for k, kind in command.TASKS[name].kinds.items())
        values = results[kind]["methods"][asked]["AUROC"]
        assert len(values) == command.TASKS[name].n_seeds
        assert np.mean(values) >= command.GOAL


def test_data_are_missing(command, tmp_path, capsys):
    assert command.main(["--only", "scenes", "--data", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert f"{tmp_path.name} does not hold camvid_120x160.npz" in message
    assert "--data" in message


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seeds", "0"], "--seeds: must be at least 1; got 0"),
        (["--out", "errors.json"], "--out: names the report"),
    ],
)
def test_what_cannot_be_asked(command, arguments, said, capsys):
    with pytest.raises(SystemExit) as stopped:
        command.main(arguments)
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err
