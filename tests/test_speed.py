"""Times beside others: how they are taken, and what is said of them."""

import importlib
import json

import pytest
import torch

pytestmark = pytest.mark.usefixtures("beside_the_benchmarks")


@pytest.fixture(scope="module")
def parts(beside_the_benchmarks):
    """Give a file of the benchmark by the end of its name."""
    return lambda name: importlib.import_module(f"speed_{name}" if name else "speed")


class Clock:
    """Says what time it is; work moves it."""

    def __init__(self):
        self.now, self.log = 0.0, []

    def __call__(self):
        return self.now

    def work(self, name, seconds):
        def prepare():
            self.log.append(f"prepare {name}")
            self.now += 100

            def work():
                self.log.append(name)
                self.now += seconds

            return work

        return prepare


def test_only_the_work_is_timed_in_turns(parts):
    timing, clock = parts("timing"), Clock()
    both = clock.work("ours", 2.0), clock.work("theirs", 4.0)
    result = timing.measure(timing.Comparison("a", "b", 0.6, *both, clock=clock), 2)
    assert result.ours == [2, 2] and result.reference == [4, 4]
    assert [name for name in clock.log if not name.startswith("prepare")] == [
        *("ours", "theirs"),  # not counted
        *("theirs", "ours"),
        *("ours", "theirs"),
    ]
    assert result.ratios.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("goal", "at_most", "reached"),
    [(0.6, True, True), (0.4, True, False), (1.5, False, True), (3.0, False, False)],
)
def test_goals(parts, goal, at_most, reached):
    timing, speed, clock = parts("timing"), parts(""), Clock()
    both = clock.work("ours", 2.0), clock.work("theirs", 4.0)
    comparison = timing.Comparison("a fit", "another", goal, *both, at_most=at_most, clock=clock)
    result = timing.measure(comparison, 3)
    assert result.reached is reached
    line = speed.table([result]).splitlines()[-1]
    bound, ratio = ("≤", "0.5") if at_most else ("≥", "2")
    says = "reached" if reached else "**not reached**"
    assert line == (
        f"| a fit | another | {bound} {goal:g} | {ratio} | {ratio} to {ratio} | 2 and 4 | {says} |"
    )


def test_bare_loop_is_the_training_of_skorch(parts, monkeypatch):
    models, seen = parts("models"), []
    # All rows at once, so that their order does not matter.
    monkeypatch.setattr(models, "BATCH", 300)
    X, y = models.rows(300)

    class Seen(models.MLP):
        def __init__(self):
            super().__init__()
            seen.append(self)

    models.bare_loop(Seen, X, y, inference=True)()
    torch.manual_seed(0)
    models.net(Seen).fit(X, y)
    for one, other in zip(*(module.parameters() for module in seen), strict=True):
        torch.testing.assert_close(one, other)


def test_command(parts, tmp_path, monkeypatch, capsys):
    speed, models = parts(""), parts("models")
    monkeypatch.setattr(models, "EPOCHS", 1)
    monkeypatch.setattr(
        speed,
        "GROUPS",
        {"training": lambda short: list(speed.speed_training.comparisons(short))[:1]},
    )
    out, values = tmp_path / "new" / "speed.md", tmp_path / "new" / "speed.json"
    arguments = ["--short", "--repeats", "1", "--out", str(out), "--json", str(values)]
    assert speed.main(arguments) == 0
    text = out.read_text("utf-8")
    assert "fit of a tracked MLP | plain skorch | ≤ 0.55" in text
    assert capsys.readouterr().out.strip() in text
    [row] = json.loads(values.read_text("utf-8"))
    assert row["goal"] == 0.55 and len(row["ours"]) == len(row["reference"]) == 1


@pytest.mark.parametrize("group", ["loader", "gradients", "runs", "records", "stages"])
def test_both_sides_run(group, parts, monkeypatch):
    module, models = parts(group), parts("models")
    outputs = getattr(module, "_outputs", None)
    monkeypatch.setattr(models, "EPOCHS", 1)
    for name, value in (
        ("rows", lambda n_rows: models.rows(min(n_rows, 120))),
        ("images", lambda n_rows: models.images(min(n_rows, 120))),
        ("WORKERS", 0),
        ("_outputs", lambda n_rows: outputs(120)),
    ):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, value)
    for comparison in module.comparisons(short=True):
        if "memory" not in comparison.name:  # which other processes measure, at full size
            for prepare in (comparison.ours, comparison.reference):
                taken = prepare()()
                assert comparison.clock is not None or taken > 0


def test_what_measures_itself(parts):
    timing = parts("timing")
    both = (lambda: lambda: 3.0), (lambda: lambda: 2.0)
    result = timing.measure(timing.Comparison("a", "b", 2.0, *both, clock=None), 2)
    assert result.ours == [3.0, 3.0] and result.reference == [2.0, 2.0] and result.reached


def test_memory_is_that_of_another_process(parts):
    peak, records, data = parts("rows")._peak(2000, n_epochs=2)
    assert records == 2000 * 2 * 6 * 4 and data == 2000 * (20 * 4 + 8)
    assert peak > records + data


def test_what_is_measured_on_an_accelerator_runs(parts, monkeypatch):
    gpu = parts("gpu")
    if not torch.cuda.is_available():
        assert list(gpu.comparisons(short=True)) == []

    class Thin(gpu.ResNet18):
        def __init__(self):
            super().__init__(width=4)

    monkeypatch.setattr(gpu, "ResNet18", Thin)
    monkeypatch.setattr(gpu, "BATCH", 16)
    comparisons = list(gpu.on("cpu", 40))
    assert [comparison.goal for comparison in comparisons] == [1.35, 1.03, 1.1] * 2
    for comparison in comparisons:
        comparison.ours()()
        comparison.reference()()


def test_profile(parts, tmp_path, monkeypatch, capsys):
    profile = parts("profile")
    linear = torch.nn.Linear(3, 2)
    monkeypatch.setattr(profile, "works", lambda: {"a layer": lambda: linear(torch.zeros(9, 3))})
    out = tmp_path / "new" / "profile.md"
    assert profile.main(["--out", str(out)]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert line in out.read_text("utf-8")
    assert line.startswith("| a layer |") and line.count("%") == len(profile.PARTS)


def test_parts_of_a_profile(parts):
    part_of = parts("profile").part_of
    assert part_of("~", "<method 'run_backward' of 'torch._C._EngineBase' objects>") == (
        "operations of torch"
    )
    assert part_of("~", "<built-in method builtins.len>") == "anything else"
    assert part_of("/env/lib/torch/nn/modules/module.py", "__call__") == "torch in Python"
    assert part_of("/env/lib/skorch/net.py", "notify") == "skorch"
    assert part_of("/home/sklearn_difficulty/recording/_tracker.py", "_record") == "this package"
