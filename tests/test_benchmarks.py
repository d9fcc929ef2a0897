"""The benchmark commands reach what is promised, and say what is missing."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def _load(name):
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def label_noise():
    return _load("label_noise")


def test_digits(label_noise):
    results = label_noise.run("digits", n_seeds=3)
    assert np.mean(results["action"]["average precision"]) >= 0.97
    assert np.mean(results["action"]["AUROC"]) >= 0.99


def test_fashion(label_noise, shared_data):
    results = label_noise.run("fashion", n_seeds=1, data_dir=shared_data)
    assert results["action"]["average precision"][0] >= 0.94


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


def test_report_says_how_it_was_made(label_noise, tmp_path, capsys):
    out, values = tmp_path / "new" / "report.md", tmp_path / "values.json"
    arguments = ["--data", "digits", "--seeds", "1", "--out", str(out), "--json", str(values)]
    assert label_noise.main(arguments) == 0
    printed = capsys.readouterr().out
    report = out.read_text(encoding="utf-8")
    command = "python benchmarks/label_noise.py --data digits --seeds 1"
    assert command in report
    assert "over seed 0;" in report
    assert "torch 2." in report
    table = [line for line in printed.splitlines() if line.startswith("|")]
    assert len(table) == 2 + len(label_noise.SCORES)
    assert all(line in report for line in table)
    content = json.loads(values.read_text(encoding="utf-8"))
    assert content["command"].startswith(command)
    assert f"{content['results']['digits']['action']['AUROC'][0]:.4f}" in printed


def test_data_are_missing(label_noise, tmp_path, capsys):
    assert label_noise.main(["--data", "fashion", "--data-dir", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert tmp_path.name in message
    assert "does not hold fashion_mnist_12k.npz" in message
    assert "--data-dir" in message


def test_no_seed(label_noise):
    with pytest.raises(SystemExit) as stopped:
        label_noise.main(["--seeds", "0"])
    assert stopped.value.code == 2
