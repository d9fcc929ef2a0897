"""What a trajectory may hold: the axes of each field, and how a missing one is recorded."""

from typing import Literal, NamedTuple

import numpy as np

__all__ = ["LAYOUT", "RECORD_OPTIONS", "STEP_RECORDS", "Field"]

Kind = Literal["float", "integer", "boolean", "any"]


class Field(NamedTuple):
    """Axes and content of one array of a trajectory.

    Attributes
    ----------
    axes : tuple of str
        Names of the leading axes: ``"runs"``, ``"steps"``, ``"samples"``, ``"classes"``.
    open_ended : bool
        Whether more axes may follow, those of a single sample.
    kind : {"float", "integer", "boolean", "any"}
        Type of the values.
    padding : float
        What stands after the last completed step of a run that is shorter than others.
    """

    axes: tuple[str, ...]
    open_ended: bool = False
    kind: Kind = "float"
    padding: float = np.nan


STEP_AXES = ("runs", "steps", "samples")

LAYOUT: dict[str, Field] = {
    "loss": Field(STEP_AXES),
    "margin": Field(STEP_AXES),
    "proba": Field(STEP_AXES),
    "prediction": Field(STEP_AXES, open_ended=True, kind="integer", padding=-1),
    "entropy": Field(STEP_AXES),
    "el2n": Field(STEP_AXES),
    "outputs": Field(STEP_AXES, open_ended=True),
    "components": Field(STEP_AXES),
    "element_action": Field(("runs", "samples"), open_ended=True),
    "dt": Field(("runs", "steps"), padding=0),
    "y": Field(("samples",), open_ended=True, kind="any"),
    "classes": Field(("classes",), kind="any"),
    "in_train": Field(("runs", "samples"), kind="boolean"),
    "n_steps": Field(("runs",), kind="integer"),
}

STEP_RECORDS = tuple(name for name, field in LAYOUT.items() if field.axes == STEP_AXES)

_CLASSIFIER_OUTPUT = (
    "it is recorded for classification, with a model that gives logits, probabilities or "
    "decision values, and with the labels y"
)

RECORD_OPTIONS: dict[str, str] = {
    "loss": "it is part of every trajectory",
    "margin": _CLASSIFIER_OUTPUT,
    "proba": _CLASSIFIER_OUTPUT,
    "prediction": _CLASSIFIER_OUTPUT,
    "entropy": _CLASSIFIER_OUTPUT,
    "el2n": _CLASSIFIER_OUTPUT,
    "outputs": "name the score in DifficultyScorer(score=...) before it is fitted, or record with "
    'keep=("outputs",) in a tracked net, with keep_outputs=True in a TrajectoryRecorder',
    "components": "it is recorded where the criterion of a net gives its losses by name, and with "
    "components= in a TrajectoryRecorder",
    "element_action": 'record with keep=("elements",) in a DifficultyScorer or a tracked net, with '
    "elements= in a TrajectoryRecorder",
    "y": "pass the labels y to fit, or y= to Trajectory",
    "classes": "it is recorded for classification",
    "snapshots": 'record with snapshots="auto", "all", a number or a list of steps',
}
