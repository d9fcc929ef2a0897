"""What ``detection.py`` measured, as Markdown and as a picture."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from detection_goals import AP, Goal, Results, best, goals, mean, rate_errors, values
from detection_metrics import N_BINS, calibration_error
from detection_nets import SETTINGS
from detection_ours import AUM, FOREST, NET, NET_PLANTED, NO_FILTER, OF_FORESTS, ORACLE, SINGLE
from detection_peers import (
    CLEAN_LEARNING,
    CLEANLAB,
    CLEANLAB_COUNT,
    CLEANLAB_CUT,
    HARDNESS,
    OUT_OF_FOLD_FOREST,
)
from label_noise import METRICS
from scipy.stats import t

METHODS = (
    NET,
    NET_PLANTED,
    FOREST,
    *SINGLE,
    *(f"{score}, forest out of bag" for score in OF_FORESTS),
    AUM,
    *CLEANLAB,
    CLEANLAB_CUT,
    CLEANLAB_COUNT,
    CLEAN_LEARNING,
    OUT_OF_FOLD_FOREST,
    HARDNESS,
    NO_FILTER,
    ORACLE,
)
JUDGED = (
    *METRICS,
    "dropped",
    "precision",
    "recall",
    "F1",
    "noise rate",
    "accuracy",
    "Brier",
    "ECE",
)
COSTS = {"seconds": 1, "trainings": 0}
# Decimals of every column of the tables by pair.
COLUMNS = dict.fromkeys(JUDGED, 3) | COSTS
CALIBRATED = {NET: "C0", FOREST: "C2", "cleanlab, self-confidence": "C1"}


def report(
    results: Results,
    command: str,
    n_seeds: int,
    versions: dict[str, str],
    plot: str | None = None,
) -> str:
    """Write everything, what was promised first.

    Parameters
    ----------
    results : dict
        What ``detection.collect`` gives.
    command : str
        What it was measured by.
    n_seeds : int
        Seeds from 0.
    versions : dict of str
        Versions by name.
    plot : str or None, default=None
        File of the picture, beside the report.

    Returns
    -------
    str
        Markdown.
    """
    seeds = "seed 0" if n_seeds == 1 else f"seeds 0 to {n_seeds - 1}"
    parts = [
        "# Finding wrong labels, beside other tools",
        f"Written by\n\n    {command}",
        f"Means over {seeds}, each of which draws the wrong labels and all trainings anew; what "
        "people and\nrules labelled is the same in each. ± is half of a 95 % interval of the mean "
        "(Student's t over the\nseeds).",
        "Our rankings are read off one training, the automatic cut and the estimates off a second "
        "one, on\nplanted errors (up to four of these where rows are fewer than 1000, or where the "
        "errors do not stand\nout). cleanlab is given probabilities by five networks, each for the "
        "fifth of the rows that it never\nsaw. All of them, and every final model, are the same "
        f"network with the same settings for all\ndata: {SETTINGS['flat']} for flat rows, a CNN "
        f"for images with\ncolours ({SETTINGS['cnn']}). Forests have\n{SETTINGS['trees']} trees. "
        "Seconds are processor time of what a ranking needs, in one thread; those of\n"
        "CleanLearning include its final model.",
        "## What was promised",
        "9 of 10 pairs stand for that share of all pairs with wrong labels. cleanlab's best\n"
        "ranking and our best single score are chosen for each pair afterwards, by their means.",
        goals_table(goals(results)),
    ]
    if missing := [
        f"{p}: {', '.join(one['missing'])}" for p, one in results.items() if one["missing"]
    ]:
        parts.append("**Not measured yet** (seed and group): " + "; ".join(missing) + ".")
    parts += [f"## {title}\n\n{text}" for title, text in overviews(results).items()]
    parts += ["## How probabilities hold", reliability(results)]
    if plot is not None:
        parts.append(f"![Probabilities and shares of wrong labels]({plot})")
    parts += [f"## {pair}\n\n{pair_table(one)}" for pair, one in results.items()]
    used = ", ".join(f"{name} {number}" for name, number in versions.items())
    parts.append(f"Versions: {used}.")
    return "\n\n".join(parts) + "\n"


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """Write lines of cells, the first of which are the headings, as a table."""
    rows = [lines[0], ["---"] * len(lines[0]), *lines[1:]]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def cell(found: Sequence[float], decimals: int = 3) -> str:
    """Write a mean with half of its 95 % interval; nothing where there is no value."""
    if not found:
        return ""
    text = f"{np.mean(found):.{decimals}f}"
    if len(found) == 1 or decimals == 0:
        return text
    half = t.ppf(0.975, len(found) - 1) * np.std(found, ddof=1) / np.sqrt(len(found))
    return f"{text} ± {half:.{decimals}f}"


def goals_table(reached: Iterable[Goal]) -> str:
    """Write what was promised, what was reached, and whether that is enough."""
    words = {True: "reached", False: "**not reached**", None: "not measured"}
    lines = [[goal.text, goal.figure, words[goal.reached]] for goal in reached]
    return markdown([["promised", "measured", ""], *lines])


def overviews(results: Results) -> dict[str, str]:
    """Write what matters most of all pairs side by side: title -> table."""
    noisy = {pair: one for pair, one in results.items() if np.mean(one["rates"]) > 0}
    return {
        "Average precision": markdown(
            [
                [
                    "pair",
                    NET,
                    NET_PLANTED,
                    "our best single score",
                    FOREST,
                    AUM,
                    "cleanlab's best ranking",
                    OUT_OF_FOLD_FOREST,
                ],
                *(
                    [
                        pair,
                        cell(values(one, NET, AP)),
                        cell(values(one, NET_PLANTED, AP)),
                        _best(one, SINGLE),
                        cell(values(one, FOREST, AP)),
                        cell(values(one, AUM, AP)),
                        _best(one, CLEANLAB),
                        cell(values(one, OUT_OF_FOLD_FOREST, AP)),
                    ]
                    for pair, one in noisy.items()
                ),
            ]
        ),
        "F1 of the automatic cut (precision / recall)": markdown(
            [
                ["pair", *(cuts := (NET, FOREST, CLEANLAB_CUT, HARDNESS))],
                *([pair, *(_cut(one, m) for m in cuts)] for pair, one in noisy.items()),
            ]
        ),
        "Estimated noise rate, and how far it is off": markdown(
            [
                [
                    "pair",
                    "true",
                    *(told := (NET, FOREST, CLEANLAB_CUT, CLEANLAB_COUNT)),
                    "our interval holds it",
                ],
                *(
                    [
                        pair,
                        f"{np.mean(one['rates']):.3f}",
                        *(_rate(one, m) for m in told),
                        cell(values(one, NET, "noise rate is in the interval"), 0)
                        and f"{mean(one, NET, 'noise rate is in the interval'):.0%}",
                    ]
                    for pair, one in results.items()
                ),
            ]
        ),
        "Accuracy of the final model": markdown(
            [
                ["pair", *(final := (NO_FILTER, NET, FOREST, CLEAN_LEARNING, HARDNESS, ORACLE))],
                *(
                    [pair, *(cell(values(one, m, "accuracy")) for m in final)]
                    for pair, one in results.items()
                ),
            ]
        ),
    }


def _best(one: dict[str, Any], methods: Iterable[str]) -> str:
    name, _ = best(one, methods)
    found = values(one, name, AP)
    return f"{cell(found)} ({name.removeprefix('cleanlab, ')})" if found else ""


def _cut(one: dict[str, Any], method: str) -> str:
    found = values(one, method, "F1")
    if not found:
        return ""
    return f"{cell(found)} ({' / '.join(_known(one, method, m) for m in ('precision', 'recall'))})"


def _known(one: dict[str, Any], method: str, metric: str) -> str:
    found = values(one, method, metric)
    return f"{np.mean(found):.2f}" if found else "none"


def _rate(one: dict[str, Any], method: str) -> str:
    errors = rate_errors(one, method)
    return f"{mean(one, method, 'noise rate'):.3f} ({np.mean(errors):.3f})" if errors else ""


def pair_table(one: dict[str, Any]) -> str:
    """Write everything that was measured on a pair.

    Without wrong labels there is nothing to rank, and methods that do no more are left out.
    """
    lines = []
    for method in METHODS:
        cells = {name: cell(values(one, method, name), d) for name, d in COLUMNS.items()}
        if any(text for name, text in cells.items() if name not in COSTS):
            lines.append([method, *cells.values()])
    about = f"{one['n_rows']} rows, {np.mean(one['rates']):.1%} of the labels wrong."
    return f"{about}\n\n{markdown([['method', *COLUMNS], *lines])}"


def pooled(results: Results, method: str) -> dict[str, np.ndarray] | None:
    """Add up the bins of all pairs and seeds; None where a method has none."""
    bins = [bins for one in results.values() for bins in values(one, method, "bins")]
    if not bins:
        return None
    return {name: np.sum([one[name] for one in bins], axis=0) for name in bins[0]}


def reliability(results: Results) -> str:
    """Write what P(mislabeled) says and what is true of it, all pairs and seeds together."""
    lines = [["probability"]]
    lines += [[f"{k / N_BINS:.1f} to {(k + 1) / N_BINS:.1f}"] for k in range(N_BINS)]
    last = ["calibration error"]
    for method in CALIBRATED:
        bins = pooled(results, method)
        if bins is None:
            continue
        lines[0] += [method, "share that is wrong", "labels"]
        for k, count in enumerate(bins["count"]):
            sums = [bins[name][k] for name in ("predicted", "wrong")]
            shares = [f"{total / count:.3f}" if count else "" for total in sums]
            lines[k + 1] += [*shares, str(count)]
        last += [f"{calibration_error(bins):.3f}", "", ""]
    text = (
        "The mean probability that a label is wrong and the share that is, of all pairs and seeds "
        "together.\nOf cleanlab it is one minus the probability of the given label, which it does "
        "not offer as such."
    )
    return f"{text}\n\n{markdown([*lines, last])}"


def plot_reliability(results: Results, file: Path) -> None:
    """Draw the share of wrong labels over their probability, pooled and by pair.

    Parameters
    ----------
    results : dict
        What ``detection.collect`` gives.
    file : Path
        Where to.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    axes = figure.subplots(1, 2)
    for method, color in CALIBRATED.items():
        if (bins := pooled(results, method)) is not None:
            axes[0].plot(*_curve(bins), "o-", color=color, label=method)
    for name, one in results.items():
        if (bins := pooled({name: one}, NET)) is not None:
            axes[1].plot(*_curve(bins), color=CALIBRATED[NET], alpha=0.25)
    for axis, title in zip(axes, ("all pairs together", f"{NET}, one line a pair"), strict=True):
        axis.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle=":")
        axis.set(title=title, xlabel="probability that the label is wrong")
        axis.set(ylabel="share that is wrong", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    if axes[0].get_legend_handles_labels()[0]:
        axes[0].legend()
    figure.savefig(file, dpi=110)


def _curve(bins: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    # A share of a handful of labels says nothing.
    enough = bins["count"] >= 20
    count = bins["count"][enough]
    return bins["predicted"][enough] / count, bins["wrong"][enough] / count
