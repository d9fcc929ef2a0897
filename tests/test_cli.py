"""The command: what it prints and writes, and how it says that it cannot."""

import contextlib
import csv
import io
import re
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from sklearn_difficulty import _demo, cli

N_IMAGES, N_WRONG = 1797, 179


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Run the demo; give its exit code, the lines it printed, its folder, and its errors."""
    folder = tmp_path_factory.mktemp("demo")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main(["demo", "--out", "results/of the demo", "--seed", "0"])
    return code, out.getvalue().splitlines(), folder / "results/of the demo", err.getvalue()


@pytest.fixture(scope="module")
def scores(demo):
    """Read the table that the demo wrote, by columns."""
    with (demo[2] / "scores.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


@pytest.fixture(scope="module")
def audit():
    return _demo.audit_digits(0)


def _number(lines, pattern):
    (found,) = (match for line in lines if (match := re.search(pattern, line)))
    return float(found.group(1))


@pytest.mark.slow
def test_demo_prints_what_it_found(demo, scores):
    code, lines, *_ = demo
    assert code == 0
    assert max(map(len, lines)) <= 80
    average_precision = _number(lines, r"average precision +([\d.]+)")
    assert average_precision >= 0.97
    recomputed = average_precision_score(scores["flipped"], scores["action"])
    assert average_precision == pytest.approx(recomputed, abs=6e-4)
    hardest = np.argsort(-scores["action"], kind="stable")[:N_WRONG]
    precision = scores["flipped"][hardest].mean()
    assert precision >= 0.9
    assert _number(lines, r"precision at 10 % +([\d.]+)") == pytest.approx(precision, abs=6e-4)


@pytest.mark.slow
def test_demo_shows_its_progress_and_no_complaint(demo):
    updates = demo[3].strip().split("\r")
    assert all(update.startswith("recording: ") for update in updates)
    assert "100%" in updates[-1]


@pytest.mark.slow
def test_demo_lists_the_ten_hardest(demo, scores):
    lines = demo[1]
    start = next(i for i, line in enumerate(lines) if line.split()[:2] == ["row", "given"])
    listed = [line.split()[:4] for line in lines[start + 1 : start + 11]]
    assert lines[start + 11] == ""
    hardest = np.argsort(scores["rank"])[:10]
    assert [int(row) for row, *_ in listed] == hardest.tolist()
    assert [int(given) for _, given, *_ in listed] == scores["given"][hardest].tolist()
    assert [int(likely) for _, _, likely, _ in listed] == scores["likely"][hardest].tolist()
    said = [" yes, it is a " in line for line in lines[start + 1 : start + 11]]
    assert said == scores["flipped"][hardest].astype(bool).tolist()


@pytest.mark.slow
def test_demo_compares_models(demo):
    lines = demo[1]
    start = next(i for i, line in enumerate(lines) if line.split()[:1] == ["model"])
    rows = {line[:26].strip(): line[26:].split() for line in lines[start + 1 : start + 4]}
    assert list(rows) == ["logistic regression", "support vector machine", "random forest"]
    accuracy = {name: [float(cell) for cell in cells] for name, cells in rows.items()}
    without, with_filter, without_given, with_given = accuracy["logistic regression"]
    # Measured 91.3 -> 96.0: this learner follows wrong labels, and gains several points.
    assert with_filter > without + 2
    assert with_given > without_given + 2
    for values in accuracy.values():
        # A tenth of the given labels is wrong.
        assert max(values[2:]) <= 91
        # Robust learners have little to gain, and must not lose much.
        assert values[1] > values[0] - 1


@pytest.mark.slow
def test_demo_writes_its_files_and_nothing_else(demo, scores):
    folder = demo[2]
    assert sorted(path.name for path in folder.iterdir()) == ["hardest.png", "scores.csv"]
    assert (folder / "hardest.png").read_bytes().startswith(b"\x89PNG\r\n")
    names = ["row", "given", "likely", "true", "flipped", "rank", "action", "vog"]
    assert list(scores) == names
    assert scores["row"].tolist() == list(range(N_IMAGES))
    assert sorted(scores["rank"]) == list(range(1, N_IMAGES + 1))
    assert scores["flipped"].sum() == N_WRONG
    assert ((scores["given"] != scores["true"]) == scores["flipped"]).all()
    # Measured 0.96: most wrong labels are not only found but also put right.
    wrong = scores["flipped"] == 1
    assert (scores["likely"] == scores["true"])[wrong].mean() > 0.9


def test_audit_is_reproducible(audit, generators_unchanged):
    again = _demo.audit_digits(0)
    for name in audit._fields:
        np.testing.assert_array_equal(getattr(again, name), getattr(audit, name))


def test_without_matplotlib_there_is_no_picture(audit, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(_demo, "audit_digits", lambda seed, verbose: audit)
    monkeypatch.setattr(_demo, "compare_accuracy", lambda audit, seed: [])
    assert cli.main(["demo", "--out", str(tmp_path)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]
    assert "pip install 'sklearn-difficulty[plots]'" in capsys.readouterr().out


def test_file_that_fails_leaves_the_old_one(tmp_path):
    target = tmp_path / "scores.csv"
    target.write_text("old", encoding="utf-8")

    def fail(path):
        path.write_text("half", encoding="utf-8")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        _demo._write_beside(target, fail)
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]
    assert target.read_text(encoding="utf-8") == "old"


@pytest.mark.parametrize("out", ["a file", "a file/folder"])
def test_folder_that_cannot_be_made(out, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a file").write_text("kept", encoding="utf-8")
    assert cli.main(["demo", "--out", out]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"error: cannot write to the folder {out}: " in printed.err
    assert "--out" in printed.err
    assert (tmp_path / "a file").read_text(encoding="utf-8") == "kept"


def test_interrupted(tmp_path, monkeypatch, capsys):
    def interrupt(out, seed):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "run_demo", interrupt)
    assert cli.main(["demo", "--out", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "\ninterrupted\n"


def test_defaults(monkeypatch, tmp_path):
    called = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "run_demo", lambda out, seed: called.append((str(out), seed)))
    assert cli.main(["demo"]) == 0
    assert called == [("difficulty-demo", 0)]
    assert (tmp_path / "difficulty-demo").is_dir()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["dance"], "dance"),
        (["demo", "--seed", "-1"], "must be a whole number from 0 to 4294967295; got '-1'"),
        (["demo", "--seed", "4294967296"], "got '4294967296'"),
        (["demo", "--seed", "1.5"], "got '1.5'"),
    ],
)
def test_arguments_that_are_not_understood(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"sklearn-difficulty {version('sklearn-difficulty')}\n"


def test_help_of_the_module():
    result = subprocess.run(
        [sys.executable, "-W", "error", "-m", "sklearn_difficulty", "demo", "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "usage: sklearn-difficulty demo" in result.stdout
    assert "10 % of the labels" in " ".join(result.stdout.split())
