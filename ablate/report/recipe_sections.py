"""The section of a report on recipes, where the arms of a study set them."""

import json
from typing import Any

import pandas as pd

from ablate.analysis.findings import Findings
from ablate.report.html.page import Section, Table
from ablate.spec.choices import AXIS_PREFIX
from ablate.study.recipes import TRAIN

SAYS = {
    "epochs": "The arms differ in epochs: some have trained on more images than others.",
    "batch": "The arms differ in the batch: of as many epochs, larger batches make fewer steps.",
}


def fields_of_arms(found: Findings) -> list[str]:
    """The fields of the recipe that some arm sets, in the order of the file."""
    arms = (settings for axis in found.file.axes.values() for settings in axis.values())
    return list(dict.fromkeys(key for arm in arms for key in arm.get(TRAIN, {})))


def sections(found: Findings) -> list[Section]:
    """Each arm's recipe, in what is not the same in all; none where all arms have one."""
    if not fields_of_arms(found):
        return []
    trials = found.trials
    if found.file.sample is not None:
        (axis,) = found.file.axes
        trials = trials.assign(cell=trials[f"{AXIS_PREFIX}{axis}"])
    recipes = {
        str(arm): [json.loads(text)["train"] for text in rows["spec"]]
        for arm, rows in trials.groupby("cell", sort=False)
    }
    names = list(dict.fromkeys(name for own in recipes.values() for one in own for name in one))
    frame = pd.DataFrame({"arm": list(recipes)})
    for name in names:
        values = [list(dict.fromkeys(one.get(name) for one in own)) for own in recipes.values()]
        if any(own != values[0] for own in values):
            frame[name.replace("_", " ")] = [", ".join(map(_shown, own)) for own in values]
    differ = [what for what in ("epochs", "batch") if trials[what].nunique() > 1]
    paragraphs = [SAYS[what] for what in differ]
    table = Table(
        caption="Recipes",
        frame=frame,
        note="What is not listed is the same for all, and stands under What was fixed. Images/s "
        "are of each arm's own recipe.",
    )
    return [
        Section(
            heading="The recipes", anchor="recipes", paragraphs=tuple(paragraphs), tables=(table,)
        )
    ]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
