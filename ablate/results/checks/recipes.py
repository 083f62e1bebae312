"""Each trial was trained by its arm's recipe, and all of them alike but for what arms set."""

from collections.abc import Iterator, Mapping
from typing import Any

from ablate.results.checks.remarks import Remark, fault, some
from ablate.results.folder import Run
from ablate.spec.choices import AXIS_PREFIX
from ablate.study.file import StudyFile
from ablate.study.recipes import TRAIN


def set_by_arms(file: StudyFile) -> set[str]:
    """The fields of a recipe that an arm of a study sets."""
    arms = (settings for axis in file.axes.values() for settings in axis.values())
    return {key for settings in arms for key in settings.get(TRAIN, {})}


def differing(run: Run, file: StudyFile) -> Iterator[Remark]:
    """A fault for each field of the recipe in which trials differ, and should not.

    A field that an arm sets has that value in its trials. All trials of other arms have one value.
    """
    trials = run.trials[run.trials["key"].isin(run.specs)]
    trained = [(row, run.specs[row["key"]].train) for row in trials.to_dict("records")]
    fields = list(vars(trained[0][1])) if trained else []
    for name in fields:
        if name == "lr" and file.tune:  # those that are tuned have a check of their own
            continue
        found = {
            (str(row["cell"]), getattr(train, name), _own(file, row, name))
            for row, train in trained
        }
        if name == "epochs" and len({value for _, value, _ in found}) == 1:
            continue  # as `--epochs` has it
        free = {repr(value) for _, value, own in found if own is None}
        if len(free) > 1:
            yield fault(f"train.{name} differs between trials: {some(sorted(free))}")
        for cell, value, own in sorted(found, key=str):
            if own is not None and value != own:
                yield fault(f"{cell}: train.{name} = {value}: its arm sets {own}")


def _own(file: StudyFile, row: Mapping[Any, Any], name: str) -> Any:
    """What the arms of a trial set a field of the recipe to, the last axis first; else None."""
    for axis, arms in reversed(file.axes.items()):
        settings = arms.get(str(row.get(f"{AXIS_PREFIX}{axis}")), {}).get(TRAIN, {})
        if name in settings:
            return settings[name]
    return None
