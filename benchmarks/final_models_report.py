"""What ``final_models.py`` measured, as Markdown."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from detection_report import cell
from markdown_tables import markdown

from sklearn_difficulty.exceptions import NothingLearnedWarning

ACTIONS = ("drop", "relabel", "weight")
NO_FILTER, RANDOM, ORACLE = "no filter", "random", "oracle"
TREATMENTS = (NO_FILTER, *ACTIONS, RANDOM, ORACLE)
LINEAR, FOREST, BOOSTING = "logistic regression", "random forest", "boosting"
MODELS = (LINEAR, FOREST, BOOSTING)
# In the settings that the report names.
N_ROWS, N_TEST_ROWS, N_COLUMNS = "training rows", "test rows", "columns of boosting"
HALF_A_POINT = 0.005

# Pair -> what was measured, with a list of one value for each seed.
Results = dict[str, dict[str, Any]]


def by_seed(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put what was measured in each seed into lists, under the keys that it had."""
    lists = {key: [one[key] for one in found] for key in found[0]}
    return {k: by_seed(each) if isinstance(each[0], dict) else each for k, each in lists.items()}


def means(results: Results, model: str) -> dict[str, dict[str, float]]:
    """Mean accuracy over the seeds: pair -> treatment -> mean, of a model."""
    return {
        pair: {what: float(np.mean(one["accuracy"][model][what])) for what in TREATMENTS}
        for pair, one in results.items()
        if model in one["accuracy"]
    }


def against(reached: Sequence[dict[str, float]], what: str, other: str) -> str:
    """On how many pairs one treatment is more than half a point below, and above, another."""
    # A difference of the last digit of a float is none.
    apart = np.array([round(one[what] - one[other], 9) for one in reached])
    return f"({(apart < -HALF_A_POINT).sum()} / {(apart > HALF_A_POINT).sum()})"


def summary(results: Results) -> str:
    """Write means over the data sets for each final model and kind of errors, as Markdown."""
    kinds: dict[str, list[str]] = {"all with errors": [p for p in results if _noise(p) != "clean"]}
    for pair in results:
        kinds.setdefault(_noise(pair), []).append(pair)
    lines = [["final model", "errors", "pairs", *TREATMENTS]]
    for model in MODELS:
        of_model = means(results, model)
        for kind, pairs in kinds.items():
            reached = [of_model[pair] for pair in pairs if pair in of_model]
            if not reached:
                continue
            cells = [f"{np.mean([one[what] for one in reached]):.3f}" for what in TREATMENTS]
            cells[1:] = [
                f"{text} {against(reached, what, NO_FILTER)}"
                for what, text in zip(TREATMENTS[1:], cells[1:], strict=True)
            ]
            lines.append([model, kind, str(len(reached)), *cells])
    return markdown(lines)


def _noise(pair: str) -> str:
    return pair.split("-", 1)[1]


def beside_each_other(results: Results) -> str:
    """Write how the actions compare where labels are wrong, as Markdown."""
    compared = (("relabel", "drop"), ("weight", "drop"), ("weight", "relabel"))
    lines = [["final model", "pairs", *(f"{one} less {other}" for one, other in compared)]]
    for model in MODELS:
        reached = [o for pair, o in means(results, model).items() if _noise(pair) != "clean"]
        if not reached:
            continue
        differences = [
            f"{np.mean([o[what] - o[other] for o in reached]):+.3f} {against(reached, what, other)}"
            for what, other in compared
        ]
        lines.append([model, str(len(reached)), *differences])
    return markdown(lines)


def losses(results: Results) -> str:
    """Name the pairs on which an action is more than half a point below no filter, as Markdown."""
    lines = [["final model", "action", "below no filter on"]]
    for model in MODELS:
        of_model = means(results, model)
        for action in ACTIONS if of_model else ():
            apart = {pair: one[action] - one[NO_FILTER] for pair, one in of_model.items()}
            lost = sorted((d, pair) for pair, d in apart.items() if round(d, 9) < -HALF_A_POINT)
            named = ", ".join(f"{pair} ({d:+.3f})" for d, pair in lost)
            lines.append([model, action, named or "none"])
    return markdown(lines)


def of_model(results: Results, model: str) -> str:
    """Write the accuracies of a final model on each pair, as Markdown."""
    lines = [["pair", *TREATMENTS]]
    for pair in means(results, model):
        accuracies = results[pair]["accuracy"][model]
        lines.append([pair, *(cell(accuracies[what]) for what in TREATMENTS)])
    return markdown(lines)


def of_filter(results: Results) -> str:
    """Write what the filter did on each pair, as Markdown."""
    cuts = ("dropped", "precision", "recall", "wrong afterwards")
    lines = [["pair", "rows", "wrong", *cuts, "nothing learned", "seconds"]]
    for pair, one in results.items():
        # Where nothing is dropped there is no precision, and without wrong labels no recall.
        found = [[value for value in one["cut"][name] if value is not None] for name in cuts]
        silent = sum(NothingLearnedWarning.__name__ in names for names in one["warnings"])
        lines.append(
            [
                pair,
                str(one["n_rows"][0]),
                f"{np.mean(one['rate']):.3f}",
                *map(cell, found),
                f"{silent} of {len(one['warnings'])}",
                f"{np.mean(one['cut']['seconds']):.1f}",
            ]
        )
    return markdown(lines)


def report(
    results: Results, command: str, settings: dict[str, int], versions: dict[str, str]
) -> str:
    """Write everything with what it was made by, as Markdown.

    Parameters
    ----------
    results : dict
        Pair -> what ``final_models.measure`` gives, as :func:`by_seed` puts it.
    command : str
        What it was measured by.
    settings : dict of str to int
        How many rows and columns there may be.
    versions : dict of str
        Versions by name.

    Returns
    -------
    str
        Markdown.
    """
    n_seeds = len(next(iter(results.values()))["rate"])
    seeds = "seed 0" if n_seeds == 1 else f"seeds 0 to {n_seeds - 1}"
    others = sorted(
        {name for one in results.values() for names in one["warnings"] for name in names}
        - {NothingLearnedWarning.__name__}
    )
    parts = [
        "# Which action, when another model is trained afterwards",
        f"Written by\n\n    {command}",
        f"Accuracy on test data with right labels, means over {seeds}, each of which draws the "
        "wrong labels\nand all trainings anew. ± is half of a 95 % interval of the mean (Student's "
        "t over the seeds). Data and\nerrors are those of `detection.py`, of which the first "
        f"{settings[N_ROWS]} rows at most are trained on, and the first\n{settings[N_TEST_ROWS]} "
        "tested.",
        "The filter is `MislabelFilter(action=..., random_state=seed)`, with the default network "
        "and\n`threshold='auto'`. One lot of trainings serves all actions and final models, which "
        "are the same for all\ndata: `StandardScaler()` and `LogisticRegression(max_iter=1000)`, "
        "`RandomForestClassifier(100)`,\n`HistGradientBoostingClassifier()`. Boosting is left out "
        f"where rows have more than {settings[N_COLUMNS]} columns, which\nare images and words. "
        "Random drops as many rows of each given class as the filter, whichever; oracle\ndrops "
        "the wrong labels and no others. Of two classes, confused pairs are left out: they are "
        "the\nuniform errors once more.",
        "## All data together",
        "In brackets: on how many pairs the mean is more than half a point below / above that of "
        f"no filter.\n\n{summary(results)}",
        "The actions beside each other where labels are wrong: mean difference, and on how many "
        f"pairs it is\nmore than half a point below / above zero.\n\n{beside_each_other(results)}",
        f"Where an action costs more than half a point:\n\n{losses(results)}",
        *(
            f"## {model[0].upper()}{model[1:]}\n\n{of_model(results, model)}"
            for model in MODELS
            if means(results, model)
        ),
        "## The filter",
        "Shares of all rows, of the dropped and of the wrong ones, in the seeds in which there "
        "are some. Wrong\nafterwards are labels after relabelling. Nothing learned: in how many "
        "seeds the filter warned of it, and\ndropped nothing. Seconds are processor time of all "
        f"three actions. Other warnings: {', '.join(others) or 'none'}.",
        of_filter(results),
        f"Versions: {', '.join(f'{name} {number}' for name, number in versions.items())}.",
    ]
    return "\n\n".join(parts) + "\n"
