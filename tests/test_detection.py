"""The benchmark of detection judges by hand-made numbers, goes on where it was, and reports all."""

import importlib
import json

import numpy as np
import pytest
import torch
from imblearn.under_sampling import InstanceHardnessThreshold
from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.naive_bayes import GaussianNB

from sklearn_difficulty import DifficultyScorer

pytestmark = pytest.mark.usefixtures("beside_the_benchmarks")
PAIR = "iris-uniform-20"


@pytest.fixture(scope="module")
def parts(beside_the_benchmarks):
    """Give a file of the benchmark by the end of its name."""
    return lambda name: importlib.import_module(f"detection_{name}" if name else "detection")


@pytest.fixture(scope="module")
def detection(parts):
    return parts("")


@pytest.fixture(scope="module")
def measured(detection, tmp_path_factory):
    """Folder with everything that was measured on iris, and its report and values."""
    work = tmp_path_factory.mktemp("detection")
    out, values = work / "new" / "table.md", work / "new" / "values.json"
    arguments = ["--pairs", PAIR, "--seeds", "1", "--work", str(work)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("detection_nets"), "MANY_TREES", 40)
        assert detection.main([*arguments, "--out", str(out), "--json", str(values)]) == 0
    return work, out.read_text("utf-8"), json.loads(values.read_text("utf-8"))


def _row(content, method):
    [row] = content["pairs"][PAIR]["rows"][method]
    return row


def test_iris(parts, measured):
    _, _, content = measured
    ours, peers, report = parts("ours"), parts("peers"), parts("report")
    assert set(content["pairs"][PAIR]["rows"]) == {*report.METHODS, ours.PLANTED}
    assert content["pairs"][PAIR]["rates"] == [22 / 112]
    for method in (ours.NET, ours.FOREST, ours.AUM, peers.OUT_OF_FOLD_FOREST):
        assert _row(content, method)["average precision"] > 0.8
    for method in peers.CLEANLAB:
        assert _row(content, method)["AUROC"] > 0.9
    for method in (ours.NET, peers.CLEANLAB_CUT, peers.CLEAN_LEARNING):
        assert _row(content, method)["F1"] > 0.6
        assert abs(_row(content, method)["noise rate"] - 22 / 112) < 0.1
    for method in (ours.NO_FILTER, ours.ORACLE, ours.NET, peers.CLEAN_LEARNING):
        assert _row(content, method)["accuracy"] > 0.8
    bins = _row(content, ours.NET)["bins"]
    assert sum(bins["count"]) == 112
    assert sum(bins["wrong"]) == 22


def test_trainings_are_counted(parts, measured):
    _, _, content = measured
    ours, peers = parts("ours"), parts("peers")
    trainings = {m: _row(content, m).get("trainings") for m in parts("report").METHODS}
    assert {trainings[method] for method in (ours.NET, *ours.SINGLE, ours.AUM)} == {1}
    # Iris is small: four with planted errors.
    assert _row(content, ours.NET)["trainings of the cut"] == 5
    assert trainings[peers.CLEANLAB_CUT] == trainings[peers.OUT_OF_FOLD_FOREST] == 5
    assert trainings[peers.CLEAN_LEARNING] == 6


def test_report_says_how_it_was_made(measured):
    work, report, content = measured
    assert f"python benchmarks/detection.py --pairs {PAIR} --seeds 1 --out " in report
    assert "cleanlab 2." in report
    assert "112 rows, 19.6% of the labels wrong." in report
    assert "Not measured yet" not in report
    assert f"{_row(content, 'oracle')['accuracy']:.3f}" in report
    assert "![Probabilities and shares of wrong labels](table_reliability.png)" in report
    picture = (work / "new" / "table_reliability.png").read_bytes()
    assert picture.startswith(b"\x89PNG")


def _refuse(task, trained):
    raise AssertionError("measured again")


def test_nothing_is_measured_twice(detection, measured, monkeypatch, tmp_path):
    work, report, _ = measured
    for group in detection.GROUPS:
        monkeypatch.setitem(detection.GROUPS, group, _refuse)
    out = tmp_path / "table.md"
    arguments = ["--pairs", PAIR, "--seeds", "1", "--work", str(work), "--out", str(out)]
    assert detection.main(arguments) == 0
    tables = report[report.index("## ") :]
    assert out.read_text("utf-8").endswith(tables)


def test_a_group_is_measured_again(detection, measured, monkeypatch, capsys):
    work, _, _ = measured
    for group in ("training", "cleanlab", "forests"):
        monkeypatch.setitem(detection.GROUPS, group, _refuse)
    monkeypatch.setitem(
        detection.GROUPS, "ours", lambda task, trained: {"no filter": {"accuracy": 0.125}}
    )
    file = detection.result_file(work, PAIR, 0, "ours")
    before = file.read_text("utf-8")
    arguments = ["--pairs", PAIR, "--seeds", "1", "--work", str(work)]
    try:
        assert detection.main([*arguments, "--only", "ours", "--again", "ours"]) == 0
        assert json.loads(file.read_text("utf-8"))["rows"] == {"no filter": {"accuracy": 0.125}}
    finally:
        file.write_text(before, "utf-8")
    assert f"{PAIR}: seed 0: ours took" in capsys.readouterr().err


def test_interrupted(detection, monkeypatch, tmp_path, capsys):
    def stop(task, trained):
        raise KeyboardInterrupt

    done = []
    for group in detection.GROUPS:
        monkeypatch.setitem(
            detection.GROUPS, group, lambda task, trained, g=group: done.append(g) or {g: {}}
        )
    monkeypatch.setitem(detection.GROUPS, "forests", stop)
    arguments = ["--pairs", PAIR, "--seeds", "1", "--work", str(tmp_path)]
    with pytest.raises(KeyboardInterrupt):
        detection.main(arguments)
    assert detection.main([*arguments, "--report"]) == 0
    assert f"**Not measured yet** (seed and group): {PAIR}: 0 forests, 0 ours." in (
        capsys.readouterr().out
    )
    monkeypatch.setitem(detection.GROUPS, "forests", lambda task, trained: {})
    assert detection.main(arguments) == 0
    assert done == ["training", "planted", "cleanlab", "ours"]


def test_two_processes_share_the_work(detection, monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(detection, "run", lambda pair, seed, *rest: seen.append((seed, pair)))
    arguments = ["--pairs", PAIR, "wine-clean", "iris-clean", "--seeds", "3"]
    halves = []
    for part in ("0/2", "1/2"):
        seen.clear()
        assert detection.main([*arguments, "--work", str(tmp_path), "--part", part]) == 0
        halves.append(list(seen))
    assert [len(half) for half in halves] == [5, 4]
    assert len({*halves[0], *halves[1]}) == 9
    assert halves[0][0] == (0, PAIR)
    assert halves[1][-1] == (2, "wine-clean")


@pytest.mark.parametrize("part", ["2/2", "1", "a/b", "-1/2", "1/0"])
def test_share_that_is_none(detection, part, capsys):
    with pytest.raises(SystemExit) as stopped:
        detection.main([f"--part={part}"])
    assert stopped.value.code == 2
    assert f"must be like 0/2 or 1/2; got {part}" in capsys.readouterr().err


def test_no_seed(detection, capsys):
    with pytest.raises(SystemExit) as stopped:
        detection.main(["--seeds", "0"])
    assert stopped.value.code == 2
    assert "--seeds: must be at least 1; got 0" in capsys.readouterr().err


def test_data_are_missing(detection, tmp_path, capsys):
    empty = tmp_path / "empty"
    arguments = ["--pairs", "mnist-clean", "--data-dir", str(empty), "--work", str(tmp_path)]
    assert detection.main(arguments) == 2
    message = capsys.readouterr().err
    assert "does not hold mnist_15k.npz" in message
    assert "--data-dir" in message


def test_ours_need_the_training(detection, tmp_path, capsys):
    arguments = ["--pairs", PAIR, "--seeds", "1", "--work", str(tmp_path), "--only", "ours"]
    assert detection.main(arguments) == 2
    assert f"{PAIR}-0-training.json is not there" in capsys.readouterr().err


def test_results_of_other_settings_are_not_mixed(detection, monkeypatch, tmp_path, capsys):
    detection.check_settings(tmp_path)
    detection.check_settings(tmp_path)
    monkeypatch.setitem(detection.SETTINGS, "folds", 7)
    assert detection.main(["--pairs", PAIR, "--work", str(tmp_path), "--report"]) == 2
    message = capsys.readouterr().err
    assert "holds what was measured with folds 5, and now it is 7" in message
    assert "--work" in message


def test_cut_by_hand(parts):
    judge_cut = parts("metrics").judge_cut
    wrong = np.array([True, True, True, False, False, False, False, False])
    dropped = np.array([True, True, False, True, True, False, False, False])
    assert judge_cut(wrong, dropped) == pytest.approx(
        {"dropped": 0.5, "precision": 0.5, "recall": 2 / 3, "F1": 4 / 7}
    )
    nothing = np.zeros(8, dtype=bool)
    assert judge_cut(wrong, nothing) == {
        "dropped": 0.0,
        "precision": None,
        "recall": 0.0,
        "F1": 0.0,
    }
    assert judge_cut(nothing, dropped) == {
        "dropped": 0.5,
        "precision": 0.0,
        "recall": None,
        "F1": None,
    }


def test_ranking_of_right_labels(parts):
    ranking = parts("metrics").judge_ranking(np.zeros(3, dtype=bool), np.arange(3.0))
    assert ranking == dict.fromkeys(
        ["average precision", "precision at the noise rate", "AUROC"], None
    )


def test_recall_at_a_precision_by_hand(parts):
    metrics = parts("metrics")
    # In order: wrong, right, wrong, wrong, right: precisions 1, 1/2, 2/3, 3/4, 3/5.
    wrong = np.array([True, False, True, True, False])
    kept = metrics.recalls(wrong, np.array([5.0, 4.0, 3.0, 2.0, 1.0]))
    assert metrics.recall_at(kept, 1.0) == pytest.approx(1 / 3)
    assert metrics.recall_at(kept, 0.751) == pytest.approx(1 / 3)
    assert metrics.recall_at(kept, 0.75) == 1.0
    assert metrics.recall_at(kept, 0.0) == 1.0
    # the hardest row is right: no precision of 1
    kept = metrics.recalls(wrong, np.array([4.0, 5.0, 3.0, 2.0, 1.0]))
    assert metrics.recall_at(kept, 1.0) == 0.0
    assert metrics.recalls(np.zeros(5, dtype=bool), np.arange(5.0)) is None


def test_probabilities_by_hand(parts):
    judge = parts("metrics").judge_probabilities
    wrong = np.array([False, False, True, True, True])
    row = judge(wrong, np.array([0.0, 0.05, 0.55, 0.95, 1.0]))
    assert row["bins"]["count"] == [2, 0, 0, 0, 0, 1, 0, 0, 0, 2]
    assert row["bins"]["wrong"] == [0, 0, 0, 0, 0, 1, 0, 0, 0, 2]
    assert row["bins"]["predicted"] == pytest.approx([0.05, 0, 0, 0, 0, 0.55, 0, 0, 0, 1.95])
    assert row["Brier"] == pytest.approx((0.05**2 + 0.45**2 + 0.05**2) / 5)
    assert row["ECE"] == pytest.approx((0.05 + 0.45 + 0.05) / 5)
    with pytest.raises(ValueError, match=r"must be in \[0, 1\]; they range from 0.5 to 1.5"):
        judge(wrong[:2], np.array([0.5, 1.5]))


def test_aum_of_the_package_is_ours(parts, noisy_digits):
    X, given = noisy_digits.X[:300], noisy_digits.y_given[:300]
    ours = parts("ours")
    scorer = DifficultyScorer(score=["aum", ours.KEEPS_OUTPUTS], random_state=0).fit(X, given)
    theirs = ours.aum_by_package(scorer.trajectory_.outputs[0], given)
    np.testing.assert_allclose(theirs, scorer.difficulty_, rtol=1e-4, atol=1e-4)
    by_hand = ours.aum_by_package(
        np.array([[[1.0, 3.0, 0.0], [2.0, 2.5, 0.0]], [[4.0, 3.0, 0.0], [2.0, 0.5, 1.0]]]),
        np.array([0, 1]),
    )
    assert by_hand.tolist() == pytest.approx([-(-2.0 + 1.0) / 2, -(0.5 - 1.5) / 2])


def test_instance_hardness_is_that_of_imbalanced_learn(parts):
    X, y = load_iris(return_X_y=True)
    y = y.copy()
    y[::7] = 2  # classes of several sizes, or it drops nothing
    whole = InstanceHardnessThreshold(estimator=GaussianNB(), random_state=0)
    whole.fit_resample(X, y)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    proba = cross_val_predict(GaussianNB(), X, y, cv=folds, method="predict_proba")
    known = parts("peers").KnownProbabilities(proba)
    looked_up = InstanceHardnessThreshold(estimator=known, random_state=0)
    looked_up.fit_resample(np.arange(150)[:, None], y)
    assert 0 < len(whole.sample_indices_) < 150
    assert looked_up.sample_indices_.tolist() == whole.sample_indices_.tolist()


def test_data_that_are_held_out(detection, parts):
    data = parts("data")
    arguments = detection.parse(["--held-out", "--seeds", "2"])
    assert arguments.pairs == data.HELD_OUT_PAIRS
    assert len(arguments.pairs) == 5 * len(data.HELD_OUT)
    assert not set(data.PAIRS) & set(data.HELD_OUT_PAIRS)
    with pytest.raises(SystemExit):
        detection.parse(["--held-out", "--pairs", PAIR])


@pytest.mark.parametrize(
    ("name", "shape", "n_classes"),
    [
        ("diabetes", (331, 10), 3),
        ("emotions", (391, 72), 2),
        ("colors", (4872, 11), 2),
        ("grades", (4872, 12), 3),
        ("pixels", (10_000, 77), 11),
        ("cells", (759, 3, 16, 16), 3),
    ],
)
def test_held_out_data_are_whole(parts, shared_data, name, shape, n_classes):
    data = parts("data").load(name, shared_data)
    assert data.X.shape == shape
    assert data.X.dtype == np.float32
    assert np.isfinite(data.X).all()
    assert set(data.y) == set(data.y_test) == set(range(n_classes))
    assert data.X_test.shape == (len(data.y_test), *shape[1:])


def test_network_of_images(parts):
    nets = parts("nets")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3, 16, 16)).astype(np.float32)
    y = np.repeat([0, 1], 20)
    X[y == 1, 0] += 2
    net = nets.make_recorded_net(X, 2)
    assert net.max_epochs == nets.CNN_EPOCHS
    with nets.seeded(0):
        assert net.fit(X, y).module_(torch.as_tensor(X)).shape == (40, 2)
        accuracy = (net.predict(X) == y).mean()
    assert accuracy > 0.9


def test_final_models_begin_alike(parts, generators_unchanged):
    data = parts("data").load("iris")
    keep = np.ones(len(data.y), dtype=bool)
    accuracies = {parts("nets").accuracy(data, data.y, keep, seed=3) for _ in range(2)}
    assert len(accuracies) == 1
    assert accuracies.pop() > 0.85


def _made_up(parts):
    """Two pairs with two seeds: NET 0.9 on one, 0.7 on the other, a clean one, and CIFAR-10N."""
    ours, peers = parts("ours"), parts("peers")

    def one(rate, rows):
        rows = {k: [{"seed": s} | v for s, v in enumerate(seeds)] for k, seeds in rows.items()}
        return {
            "seeds": [0, 1],
            "rates": [rate, rate],
            "n_rows": 100,
            "rows": rows,
            "missing": [],
        }

    def noisy(ap, f1, rate):
        return {
            ours.NET: [
                {"average precision": ap - 0.01, "F1": f1, "noise rate": rate, "accuracy": 0.9},
                {"average precision": ap + 0.01, "F1": f1, "noise rate": rate, "accuracy": 0.9},
            ],
            ours.FOREST: [{"average precision": 0.85}] * 2,
            "aum": [{"average precision": 0.705}] * 2,
            "final_loss": [{"average precision": 0.72}] * 2,
            "cleanlab, margin": [{"average precision": 0.8}] * 2,
            "cleanlab, self-confidence": [{"average precision": 0.6}] * 2,
            peers.CLEANLAB_CUT: [{"F1": 0.5, "noise rate": 0.1}] * 2,
            peers.CLEAN_LEARNING: [{"accuracy": 0.88}] * 2,
            ours.NO_FILTER: [{"accuracy": 0.902}] * 2,
            peers.OUT_OF_FOLD_FOREST: [{"average precision": 0.86}] * 2,
        }

    recalls = [0.8] * 90 + [0.4] * 11
    return {
        "iris-uniform-20": one(0.2, noisy(0.9, 0.8, 0.21)),
        "iris-pairs-20": one(0.2, noisy(0.7, 0.4, 0.25)),
        "digits-clean": one(
            0.0, {ours.NET: [{"dropped": 0.015, "accuracy": 0.9, "noise rate": 0.0}] * 2}
        ),
        "cifar-aggregate": one(
            0.1,
            {
                ours.NET: [{"recalls": recalls, "precision": 0.8, "recall": 0.7}] * 2,
                peers.CLEANLAB_CUT: [{"precision": 0.85, "recall": 0.5}] * 2,
            },
        ),
    }


def test_goals_by_hand(parts):
    goals = parts("goals").goals(_made_up(parts))
    of_planted = [goal for goal in goals if "planted errors" in goal.text]
    goals = {goal.text.split(": ")[-1]: goal for goal in goals if goal not in of_planted}

    def of(start):
        [goal] = [goal for text, goal in goals.items() if text.startswith(start)]
        return goal

    above = of("average precision above cleanlab's best")
    assert above.figure == "1 of 2 pairs; +0.000 in the mean; not on iris-pairs-20 (-0.100)"
    assert above.reached is False
    single = of("average precision within 0.01 of our best single")
    assert single.figure == "1 of 2 pairs; +0.080 in the mean; not on iris-pairs-20 (-0.020)"
    f1 = of("F1 at least cleanlab's")
    assert f1.figure.startswith("1 of 2 pairs; +0.100 in the mean")
    rate = of("estimated noise rate within 0.03")
    assert rate.figure == (
        "off by 0.020 over all pairs, by 0.030 over those with wrong labels; most on "
        "iris-pairs-20, by 0.050; cleanlab's count of issues is off by 0.100"
    )
    assert rate.reached is True
    dropped = of("at most 1 %")
    assert (dropped.figure, dropped.reached) == ("digits 1.50%", False)
    recall = of("recall above cleanlab's")
    assert recall.figure.startswith("0.800 against 0.500 at cleanlab's precision of 0.850")
    assert recall.reached is True
    assert of("accuracy after the filter").reached is True
    assert of("accuracy above CleanLearning's").figure == "0.9000 against 0.8800"
    assert of("one training").reached is None


def test_ranking_of_the_cut_is_a_promise_of_its_own(parts):
    results, ours = _made_up(parts), parts("ours")
    rows = results["iris-pairs-20"]["rows"]
    best = {"average precision": 1.0}
    rows[ours.NET_PLANTED] = [row | best for row in rows[ours.NET]]
    of_planted = [goal for goal in parts("goals").goals(results) if "planted errors" in goal.text]
    assert [goal.figure.split(";")[0] for goal in of_planted] == ["1 of 1 pairs"] * 3
    assert all(goal.reached for goal in of_planted)


def test_forest_and_network_are_held_against_the_forest_apart(parts):
    goals = parts("goals").goals(_made_up(parts))
    net, of_planted, forest = [goal for goal in goals if "out-of-fold forest" in goal.text]
    assert of_planted.reached is None
    assert net.figure.startswith("1 of 2 pairs")
    assert forest.figure == "2 of 2 pairs; -0.010 in the mean"
    assert forest.reached is True


def test_report_of_made_up_results(parts, tmp_path):
    results = _made_up(parts)
    results["iris-pairs-20"]["missing"] = ["1 forests"]
    text = parts("report").report(results, "python it.py", 2, {"numpy": "1.2"})
    assert "Means over seeds 0 to 1," in text
    # half of the interval: 12.706 times a standard error of 0.01
    assert "0.900 ± 0.127" in text
    assert "0.800 ± 0.000 (margin)" in text
    assert "**not reached**" in text
    assert "**Not measured yet** (seed and group): iris-pairs-20: 1 forests." in text
    assert text.endswith("Versions: numpy 1.2.\n")
    parts("report").plot_reliability(results, tmp_path / "empty.png")
    assert (tmp_path / "empty.png").is_file()


def test_clean_labels_are_not_ranked(parts):
    report, ours = parts("report"), parts("ours")
    one = _made_up(parts)["digits-clean"]
    one["rows"]["aum"] = [{"seed": 0, "AUROC": None, "seconds": 3.0, "trainings": 1}]
    lines = report.pair_table(one).splitlines()
    assert lines[0] == "100 rows, 0.0% of the labels wrong."
    assert [line.split(" | ")[0] for line in lines[4:]] == [f"| {ours.NET}"]
    assert "| 0.015 ± 0.000 |" in lines[4]


def test_bins_of_all_pairs_are_added(parts):
    report, ours = parts("report"), parts("ours")
    results = _made_up(parts)
    bins = {"count": [30] + [0] * 8 + [10], "predicted": [3.0] + [0.0] * 8 + [9.5]}
    bins |= {"wrong": [6] + [0] * 8 + [9]}
    for pair in ("iris-uniform-20", "iris-pairs-20"):
        results[pair]["rows"][ours.NET][0]["bins"] = bins
    pooled = report.pooled(results, ours.NET)
    assert pooled["count"].tolist() == [60] + [0] * 8 + [20]
    text = report.reliability(results)
    assert "| 0.0 to 0.1 | 0.100 | 0.200 | 60 |" in text
    assert "| 0.9 to 1.0 | 0.950 | 0.900 | 20 |" in text
    assert "| calibration error | 0.087 |" in text  # (6 + 1) / 80
