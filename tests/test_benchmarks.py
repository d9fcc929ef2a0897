"""The benchmark commands reach what is promised, and say what is missing."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

from sklearn_difficulty import DifficultyScorer, TrackedNetClassifier
from sklearn_difficulty.scores import SCORES

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


class Hidden(torch.nn.Module):
    """Four inputs, five hidden units, three logits."""

    def __init__(self):
        super().__init__()
        self.hidden, self.output = torch.nn.Linear(4, 5), torch.nn.Linear(5, 3)

    def forward(self, X):
        return self.output(torch.tanh(self.hidden(X)))


def _load(name):
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def label_noise():
    # Commands find what lies beside them, which an imported file does not.
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield _load("label_noise")
        sys.modules.pop("label_noise_settings")


@pytest.fixture
def tiny(label_noise, monkeypatch):
    """Name of a setting that takes a moment: 75 flowers, three epochs."""
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X[::2]).astype(np.float32)

    def net():
        return TrackedNetClassifier(
            Hidden,
            criterion=torch.nn.CrossEntropyLoss,
            max_epochs=3,
            lr=0.5,
            batch_size=25,
            train_split=None,
            verbose=0,
        )

    setting = label_noise.SETTINGS["digits"]._replace(
        title="A few flowers",
        load=lambda data_dir: (X, y[::2]),
        net=net,
        reference={"action": {"AUROC": 0.0}},
    )
    monkeypatch.setitem(label_noise.SETTINGS, "digits", setting)
    return "digits"


def _only(label_noise, *labels):
    settings = sys.modules["label_noise_settings"]
    return {label: settings.ROWS[label] for label in labels}


def test_digits(label_noise):
    results = label_noise.run("digits", n_seeds=3, rows=_only(label_noise, "action"))
    assert np.mean(results["action"]["average precision"]) >= 0.97
    assert np.mean(results["action"]["AUROC"]) >= 0.99


def test_fashion(label_noise, shared_data):
    rows = _only(label_noise, "action", "aum", "forgetting", "el2n", "final_loss")
    results = label_noise.run("fashion-uniform-20", 1, shared_data, rows)
    assert results["action"]["average precision"][0] == pytest.approx(0.952, abs=0.02)
    assert results["aum"]["average precision"][0] == pytest.approx(0.952, abs=0.02)
    assert results["forgetting"]["AUROC"][0] == pytest.approx(0.96, abs=0.02)


def test_confused_pairs(label_noise, shared_data):
    settings = label_noise.SETTINGS
    X, y = settings["fashion-pairs"].load(shared_data)
    given, wrong = settings["fashion-pairs"].plant(y, random_state=0)
    assert X.shape == (10000, 784)
    assert wrong.sum() == 1800
    assert (given[y == 8] == 8).all()
    assert set(given[wrong & (y == 5)].tolist()) == {7}


def test_every_score_is_measured(label_noise, tiny):
    results = label_noise.run(tiny, n_seeds=1)
    settings = sys.modules["label_noise_settings"]
    assert {settings.ROWS[label].score for label in results} == set(SCORES)
    assert all(len(values) == 1 for row in results.values() for values in row.values())


def test_rows_are_read_off_the_trainings_that_they_name(label_noise, tiny):
    setting = label_noise.SETTINGS[tiny]
    X, y = setting.load(None)
    rows = _only(label_noise, "action", "action, 3 runs", "action, out of fold", "aum, proba")
    values = label_noise.difficulties(setting.net, X, y, 0, rows)
    assert list(values) == list(rows)
    one = DifficultyScorer(setting.net(), random_state=0).fit(X, y)
    three = DifficultyScorer(setting.net(), random_state=0, n_runs=3).fit(X, y)
    folds = DifficultyScorer(setting.net(), random_state=0, cv=5).fit(X, y)
    assert values["action"].tolist() == one.difficulty(X).tolist()
    assert values["action, 3 runs"].tolist() == three.difficulty(X).tolist()
    assert values["action, out of fold"].tolist() == folds.difficulty(X).tolist()
    margins = one.score_samples(X, score="aum", score_params={"proba": True})
    assert values["aum, proba"].tolist() == (-margins).tolist()


def test_fewer_runs_are_the_first_of_more(label_noise, tiny):
    setting = label_noise.SETTINGS[tiny]
    X, y = setting.load(None)
    rows = _only(label_noise, "action, 3 runs", "action, 20 runs")
    together = label_noise.difficulties(setting.net, X, y, 0, rows)["action, 3 runs"]
    rows.pop("action, 20 runs")
    alone = label_noise.difficulties(setting.net, X, y, 0, rows)["action, 3 runs"]
    assert together.tolist() == alone.tolist()


def test_measure_by_hand(label_noise):
    wrong = np.array([False, True, False, True])
    # Order 3, 2, 1, 0: wrong labels in places 1 and 3, three of four pairs in order.
    measured = label_noise.measure(wrong, np.array([1.0, 2.0, 3.0, 4.0]))
    assert measured == pytest.approx(
        {"average precision": 5 / 6, "precision at the noise rate": 1 / 2, "AUROC": 3 / 4}
    )


def test_table_by_hand(label_noise):
    values = {metric: [0.5, 0.7, 0.6] for metric in label_noise.METRICS}
    lines = label_noise.table({"action": values}).splitlines()
    assert [cell.strip() for cell in lines[2].split("|")[1:-1]] == [
        "action",
        *["0.6000 ± 0.1000"] * 3,
    ]
    assert "| 0.5000 " in label_noise.table({"action": {m: [0.5] for m in label_noise.METRICS}})


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_difficulty_that_ranks_nothing(label_noise, bad):
    with pytest.raises(ValueError, match="1 of 3 difficulties are not finite"):
        label_noise.measure(np.array([False, True, False]), np.array([0.0, bad, 1.0]))


def test_comparison_by_hand(label_noise):
    results = {"action": {"AUROC": [0.95, 0.97]}, "aum": {"AUROC": [0.5]}}
    reference = {"action": {"AUROC": 0.94}, "aum": {"AUROC": 0.521}}
    lines = label_noise.comparison(results, reference).splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]
    assert cells == [
        ["action", "AUROC", "0.960", "0.940", "+0.020", "yes"],
        ["aum", "AUROC", "0.500", "0.521", "-0.021", "**no**"],
    ]


def test_report_says_how_it_was_made(label_noise, tiny, tmp_path, capsys):
    out, values = tmp_path / "new" / "report.md", tmp_path / "values.json"
    arguments = ["--data", tiny, "--seeds", "1", "--out", str(out), "--json", str(values)]
    assert label_noise.main(arguments) == 0
    printed = capsys.readouterr().out
    report = out.read_text(encoding="utf-8")
    command = "python benchmarks/label_noise.py --data digits --seeds 1"
    assert command in report
    assert "over seed 0;" in report
    assert "torch 2." in report
    table = [line for line in printed.splitlines() if line.startswith("|")]
    # Each table has two lines above its rows.
    assert len(table) == 2 + len(label_noise.SETTINGS[tiny].rows) + 2 + 1
    assert table[-1].endswith("| **no**      |")
    assert all(line in report for line in table)
    content = json.loads(values.read_text(encoding="utf-8"))
    assert content["command"].startswith(command)
    assert f"{content['results'][tiny]['action']['AUROC'][0]:.4f}" in printed


def _committed_comparisons():
    """Lines of the committed report that compare, as (setting, score, metric, here, within)."""
    report = (BENCHMARKS / "results" / "label_noise.md").read_text(encoding="utf-8")
    for section in report.split("\n## ")[1:]:
        setting = section.splitlines()[0]
        for line in section.splitlines():
            cells = [cell.strip() for cell in line.split("|")[1:-1]]
            if len(cells) == 6 and cells[-1] in ("yes", "**no**"):
                score, metric, here, _, _, within = cells
                yield setting, score, metric, float(here), within == "yes"


def test_committed_table_comes_within_the_reference(label_noise):
    lines = list(_committed_comparisons())
    figures = [s.reference for s in label_noise.SETTINGS.values() if s.reference]
    assert len(lines) == sum(len(metrics) for one in figures for metrics in one.values())
    # the net that the figures were measured with
    assert [line for line in lines if "scikit-learn's MLP" in line[0] and not line[-1]] == []


@pytest.mark.parametrize("net", ["MLP-128", "scikit-learn's MLPClassifier"])
def test_committed_table_has_the_figures_that_were_promised(net):
    here = {
        (wrong, score, metric): value
        for setting, score, metric, value, _ in _committed_comparisons()
        for wrong in ("20 % wrong", "18 % wrong", "40 % wrong")
        if net in setting and wrong in setting
    }
    precision = "average precision"
    for wrong, action, margin in (
        ("20 % wrong", 0.95, 0.93),
        ("18 % wrong", 0.59, 0.76),
        ("40 % wrong", 0.97, 0.96),
    ):
        assert here[wrong, "action", precision] == pytest.approx(action, abs=0.02)
        assert here[wrong, "aum, proba", precision] == pytest.approx(margin, abs=0.02)
    assert here["20 % wrong", "forgetting", "AUROC"] >= 0.95


def test_data_are_missing(label_noise, tmp_path, capsys):
    assert label_noise.main(["--data", "fashion", "--data-dir", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert tmp_path.name in message
    assert "does not hold fashion_mnist_12k.npz" in message
    assert "--data-dir" in message


def test_fashion_is_short_for_uniform_errors(label_noise, tiny, monkeypatch, capsys):
    settings = label_noise.SETTINGS
    rows = _only(label_noise, "action")
    setting = settings[tiny]._replace(title="Twenty in a hundred", rows=rows)
    monkeypatch.setitem(settings, "fashion-uniform-20", setting)
    assert label_noise.main(["--data", "fashion", "fashion-uniform-20", "--seeds", "1"]) == 0
    assert capsys.readouterr().out.count("Twenty in a hundred") == 1


def test_no_seed(label_noise):
    with pytest.raises(SystemExit) as stopped:
        label_noise.main(["--seeds", "0"])
    assert stopped.value.code == 2
