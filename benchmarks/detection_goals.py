"""What ``detection.py`` is to show, and whether it does."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from detection_data import SMALL_TABLES
from detection_metrics import recall_at
from detection_ours import FOREST, NET, NET_PLANTED, NO_FILTER, OURS, SINGLE
from detection_peers import CLEAN_LEARNING, CLEANLAB, CLEANLAB_CUT, OUT_OF_FOLD_FOREST
from label_noise import METRICS

AP = METRICS[0]
# Mean over the seeds, of everything that is compared below.
Results = dict[str, dict[str, Any]]


class Goal(NamedTuple):
    """What was to be reached, what was, and whether that is enough (None: not measured)."""

    text: str
    figure: str
    reached: bool | None


def values(one: dict[str, Any], method: str, metric: str) -> list[float]:
    """What a method reached on a pair, for each seed in which there is such a value."""
    rows = one["rows"].get(method, [])
    return [row[metric] for row in rows if row.get(metric) is not None]


def mean(one: dict[str, Any], method: str, metric: str) -> float:
    """Mean over the seeds; NaN where nothing was measured."""
    found = values(one, method, metric)
    return float(np.mean(found)) if found else np.nan


def best(one: dict[str, Any], methods: Iterable[str], metric: str = AP) -> tuple[str, float]:
    """The method with the highest mean, and that mean."""
    means = {method: mean(one, method, metric) for method in methods}
    name = max(means, key=lambda method: np.nan_to_num(means[method], nan=-np.inf))
    return name, means[name]


def rate_errors(one: dict[str, Any], method: str) -> list[float]:
    """How far the estimated noise rate is off, for each seed."""
    true = dict(zip(one["seeds"], one["rates"], strict=True))
    rows = one["rows"].get(method, [])
    return [abs(row["noise rate"] - true[row["seed"]]) for row in rows if "noise rate" in row]


def goals(results: Results) -> list[Goal]:
    """Compare everything that was promised with what was measured.

    Parameters
    ----------
    results : dict
        What ``detection.collect`` gives.

    Returns
    -------
    list of Goal
        In the order of the promises.
    """
    noisy = {pair: one for pair, one in results.items() if np.mean(one["rates"]) > 0}
    clean = {pair: one for pair, one in results.items() if pair not in noisy}
    small = {pair: one for pair, one in noisy.items() if pair.split("-")[0] in SMALL_TABLES}
    precise = "average precision"
    # The second one is that of the automatic cut, off two trainings or more.
    rankings = {OURS: NET, f"{OURS} with planted errors": NET_PLANTED}
    return [
        *(
            _on_pairs(
                f"{name}: {precise} above cleanlab's best ranking on 9 of 10 pairs",
                {p: mean(one, method, AP) - best(one, CLEANLAB)[1] for p, one in noisy.items()},
                share=0.9,
                above=True,
            )
            for name, method in rankings.items()
        ),
        *(
            _on_pairs(
                f"{name}: {precise} within 0.01 of our best single score on each pair",
                {p: mean(one, method, AP) - best(one, SINGLE)[1] for p, one in noisy.items()},
                least=-0.01,
            )
            for name, method in rankings.items()
        ),
        _trainings(results),
        *(
            _on_pairs(
                f"{method}: {precise} on small tables within 0.01 of the out-of-fold forest, or "
                "above",
                {
                    p: mean(o, method, AP) - mean(o, OUT_OF_FOLD_FOREST, AP)
                    for p, o in small.items()
                },
                least=-0.01,
            )
            for method in (NET, NET_PLANTED, FOREST)
        ),
        _on_pairs(
            "automatic cut: F1 at least cleanlab's on 8 of 10 pairs",
            {p: mean(o, NET, "F1") - mean(o, CLEANLAB_CUT, "F1") for p, o in noisy.items()},
            share=0.8,
        ),
        _noise_rate(results, noisy),
        _dropped_of_clean(clean),
        _recall(results.get("cifar-aggregate")),
        _on_pairs(
            "final model: accuracy after the filter at most half a point below no filter",
            {
                p: mean(o, NET, "accuracy") - mean(o, NO_FILTER, "accuracy")
                for p, o in results.items()
            },
            least=-0.005,
        ),
        _above_clean_learning(results),
    ]


def _on_pairs(
    text: str,
    differences: dict[str, float],
    *,
    share: float = 1.0,
    least: float = 0.0,
    above: bool = False,
) -> Goal:
    """Count the pairs on which a difference is large enough, and name the others."""
    known = {pair: value for pair, value in differences.items() if np.isfinite(value)}
    if not known:
        return Goal(text, "not measured", None)
    # A difference of the last digit of a float is none.
    least += 1e-12 if above else -1e-12
    short = {pair: value for pair, value in known.items() if value < least}
    n_reached = len(known) - len(short)
    figure = (
        f"{n_reached} of {len(known)} pairs; {_signed(np.mean(list(known.values())))} in the mean"
    )
    if short:
        worst = sorted(short, key=lambda pair: short[pair])
        figure += f"; not on {', '.join(f'{p} ({_signed(short[p])})' for p in worst)}"
    return Goal(text, figure, n_reached >= share * len(known))


def _signed(difference: float) -> str:
    # Without a minus before a zero.
    return f"{round(difference, 3) + 0.0:+.3f}"


def _trainings(results: Results) -> Goal:
    text = "one training to rank, where cleanlab needs six"
    counts = []
    for method in (NET, CLEANLAB_CUT, CLEAN_LEARNING):
        found = {n for one in results.values() for n in values(one, method, "trainings")}
        if len(found) != 1:
            return Goal(text, "not measured", None)
        counts.append(found.pop())
    both = [
        (mean(one, NET, "seconds"), mean(one, CLEANLAB_CUT, "seconds")) for one in results.values()
    ]
    ours, theirs = np.nansum(both, axis=0)
    cut = {n for one in results.values() for n in values(one, NET, "trainings of the cut")}
    figure = (
        f"{counts[0]} against {counts[1]} to rank, {' or '.join(f'{n:.0f}' for n in sorted(cut))} "
        f"against {counts[1]} to cut and estimate, one more each for a final model, which makes "
        f"{counts[2]} of CleanLearning; the rankings of one seed of everything took {ours:.0f} s "
        f"against {theirs:.0f} s"
    )
    return Goal(text, figure, counts[0] == 1 and counts[2] == 6)


def _noise_rate(results: Results, noisy: Results) -> Goal:
    text = "estimated noise rate within 0.03 in the mean"
    errors = {
        method: [np.mean(e) for one in results.values() if (e := rate_errors(one, method))]
        for method in (NET, CLEANLAB_CUT)
    }
    if not errors[NET]:
        return Goal(text, "not measured", None)
    of_noisy = [np.mean(e) for one in noisy.values() if (e := rate_errors(one, NET))]
    worst = max(results, key=lambda pair: np.mean(rate_errors(results[pair], NET) or [0.0]))
    figure = f"off by {np.mean(errors[NET]):.3f} over all pairs"
    if of_noisy:
        figure += f", by {np.mean(of_noisy):.3f} over those with wrong labels"
    figure += f"; most on {worst}, by {np.mean(rate_errors(results[worst], NET)):.3f}"
    if errors[CLEANLAB_CUT]:
        figure += f"; cleanlab's count of issues is off by {np.mean(errors[CLEANLAB_CUT]):.3f}"
    return Goal(text, figure, bool(np.mean(errors[NET]) <= 0.03))


def _dropped_of_clean(clean: Results) -> Goal:
    text = "at most 1 % dropped of clean digits, 2 % of the other clean sets"
    dropped = {pair: mean(one, NET, "dropped") for pair, one in clean.items()}
    dropped = {pair: share for pair, share in dropped.items() if np.isfinite(share)}
    if not dropped:
        return Goal(text, "not measured", None)
    most = {pair: 0.01 if pair == "digits-clean" else 0.02 for pair in dropped}
    figure = ", ".join(f"{pair.split('-')[0]} {share:.2%}" for pair, share in dropped.items())
    return Goal(text, figure, all(share <= most[pair] for pair, share in dropped.items()))


def _recall(aggregate: dict[str, Any] | None) -> Goal:
    text = "CIFAR-10N aggregate: recall above cleanlab's at the same precision"
    ours = {row["seed"]: row for row in (aggregate or {"rows": {}})["rows"].get(NET, [])}
    theirs = (aggregate or {"rows": {}})["rows"].get(CLEANLAB_CUT, [])
    both = [
        (recall_at(ours[row["seed"]]["recalls"], row["precision"]), row["recall"])
        for row in theirs
        if row["seed"] in ours and row["precision"] is not None
    ]
    if aggregate is None or not both:
        return Goal(text, "not measured", None)
    at_precision, recall = np.mean(both, axis=0)
    figure = (
        f"{at_precision:.3f} against {recall:.3f} at cleanlab's precision of "
        f"{mean(aggregate, CLEANLAB_CUT, 'precision'):.3f}; our own cut has recall "
        f"{mean(aggregate, NET, 'recall'):.3f} at {mean(aggregate, NET, 'precision'):.3f}"
    )
    return Goal(text, figure, bool(at_precision > recall))


def _above_clean_learning(results: Results) -> Goal:
    text = "final model: accuracy above CleanLearning's in the mean"
    both = [
        (mean(one, NET, "accuracy"), mean(one, CLEAN_LEARNING, "accuracy"))
        for one in results.values()
    ]
    known = np.array([pair for pair in both if np.isfinite(pair).all()])
    if not len(known):
        return Goal(text, "not measured", None)
    ours, theirs = known.mean(axis=0)
    return Goal(text, f"{ours:.4f} against {theirs:.4f}", bool(ours > theirs))
