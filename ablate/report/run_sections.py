"""The sections of a report that say what was run: networks, settings, failures, machine."""

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pandas as pd

from ablate.analysis import wording
from ablate.analysis.findings import Findings
from ablate.networks.canonical import network_of
from ablate.report import recipe_sections
from ablate.report.html.page import Section, Table
from ablate.spec.network import NetSpec

SHOWN = ("widths", "depths", "strides", "shortcut")  # of every network, whatever varies
DESCRIBED = {"net": "network", "train": "recipe", "data": "data"}


def networks(trials: pd.DataFrame) -> Section:
    """Each arm's network: its shape and what else differs, its exact costs, and the budget."""
    cells = trials.drop_duplicates("cell")
    frame = pd.DataFrame(
        {
            "arm": cells["cell"],
            "widths": [_shape(text) for text in cells["widths"]],
            "blocks": [_shape(text) for text in cells["depths"]],
            "strides": [_shape(text) for text in cells["strides"]],
            "shortcut": cells["shortcut"],
            **_differing(cells),
            "params": [f"{value:,}" for value in cells["params"]],
            "MACs": [f"{value:,}" for value in cells["macs"]],
            "activations": [f"{value:,}" for value in cells["activations"]],
        }
    )
    if cells["match"].notna().any():
        frame["off the budget"] = [f"{value:+.2%}" for value in cells["match_residual"]]
        frame["off the shape"] = [f"{value:.1%}" for value in cells["match_shape_error"]]
    note = "MACs and activations of convolutions and linear layers, for one image."
    table = Table(caption="Networks", frame=frame, note=note)
    return Section(heading="The networks", anchor="networks", tables=(table,))


def _differing(cells: pd.DataFrame) -> dict[str, list[str]]:
    """A column for each field of a network that is not the same in all, beside those of `SHOWN`.

    Where a block's output has another width than the block, its output widths are one more.
    """
    nets = [network_of(json.loads(text).get("net", {})) for text in cells["spec"]]
    columns = {}
    if any(factor != 1 for net in nets for factor in net.expansions):
        shapes = [json.loads(text) for text in cells["widths"]]
        columns["output widths"] = [
            _shape(json.dumps(list(map(_times, shape, net.expansions))))
            for shape, net in zip(shapes, nets, strict=True)
        ]
    for field in dataclasses.fields(NetSpec):
        if field.name in SHOWN or len({getattr(net, field.name) for net in nets}) == 1:
            continue
        own = {"expansion": "block_expansion", "stem_width": "stem_out"}.get(field.name, field.name)
        columns[field.name.replace("_", " ")] = [_shown(getattr(net, own)) for net in nets]
    return columns


def _times(stage: int | list[int], factor: int) -> int | list[int]:
    return [factor * width for width in stage] if isinstance(stage, list) else factor * stage


def _shape(text: str) -> str:
    stages = json.loads(text)  # none where the whole network is one's own
    return (
        "-"
        if not stages
        else ", ".join(
            "-".join(map(str, stage)) if isinstance(stage, list) else str(stage) for stage in stages
        )
    )


def fixed(found: Findings) -> Section:
    """All that did not vary, and what follows from that."""
    specs = [json.loads(text) for text in found.trials["spec"]]
    rows = []
    for part, name in DESCRIBED.items():
        settings = [spec.get(part, {}) for spec in specs]
        same = [
            f"{key} {_shown(value)}"
            for key, value in settings[0].items()
            if value not in (None, "") and all(other.get(key) == value for other in settings)
        ]
        rows.append({"of the": name, "settings": "; ".join(same)})
    first = found.trials.iloc[0]
    match = first["match"]
    but = "" if found.rates.empty else " but for its learning rate, tuned alike,"
    if recipe_sections.fields_of_arms(found):
        but = " but for what the table of recipes lists"
    caveats = [
        f"What holds here was seen on {first['dataset']} with "
        f"{wording.range_of(found.trials['epochs'])} epochs, one "
        f"recipe for every arm{but} and one split of the data; seeds vary initial weights, the "
        "order of images and augmentation, nothing else.",
        "The last epoch counts. The test images were evaluated once a trial and chose nothing.",
        "The arms are brought to equal "
        f"{wording.MEASURES[str(match)]}; what else they cost still differs."
        if not pd.isna(match)
        else "Nothing is held equal between arms but what the table below lists: they differ in "
        "parameters, MACs or activations as the table of networks says.",
    ]
    if found.summary.table["throughput_control_off"].any():
        caveats.append(
            "Do not compare the images/s: the baseline timed against itself was not equal."
        )
    table = Table(
        caption="Settings that are the same in every trial",
        frame=pd.DataFrame(rows, columns=["of the", "settings"]),
    )
    return Section(
        heading="What was fixed", anchor="fixed", paragraphs=tuple(caveats), tables=(table,)
    )


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def lost_trials(trials: pd.DataFrame) -> Section:
    """The trials without an accuracy, and why."""
    lost = trials[trials["state"] != "complete"]
    if lost.empty:
        return Section(
            heading="Trials that did not complete",
            anchor="failures",
            paragraphs=(
                "None: "
                + ("the trial" if len(trials) == 1 else f"all {len(trials)} trials")
                + " completed.",
            ),
        )
    frame = pd.DataFrame(
        {
            "arm": lost["cell"],
            "seed": lost["seed"].astype(int),
            "state": lost["state"],
            "why": lost["failure"].fillna(""),
        }
    )
    table = Table(caption=f"{len(lost)} of {len(trials)} trials have no accuracy", frame=frame)
    return Section(heading="Trials that did not complete", anchor="failures", tables=(table,))


def machine(trials: pd.DataFrame) -> Section:
    """Device, versions and dates; each value that occurs."""
    versions: dict[str, set[str]] = {}
    for text in trials["versions"].unique():
        for name, version in json.loads(text).items():
            versions.setdefault(name, set()).add(str(version))
    commits = [
        f"{commit}{' with uncommitted changes' if dirty else ''}"
        for commit, dirty in trials[["commit", "dirty"]].dropna().drop_duplicates().to_numpy()
    ]
    hours = trials["train_seconds"].sum() / 3600
    facts = {
        "device": _each(trials["device"]),
        "operating system": _each(trials["os"]),
        "driver": _each(trials["driver"]),
        "threads of a training process": _each(trials["train_threads"]),
        "numbers": _each(trials["dtype"]),
        "layout": _each(trials["memory_format"]),
        "compiled": _each(trials["compiled"]),
        "commit": ", ".join(commits) or "-",
        "first and last trial": f"{trials['started'].min()} to {trials['finished'].max()}",
        "hours of training, all trials": "-" if math.isnan(hours) else f"{hours:.2f}",
        **{name: ", ".join(sorted(found)) for name, found in sorted(versions.items())},
    }
    frame = pd.DataFrame({"what": list(facts), "value": list(facts.values())})
    table = Table(caption="What made the rows", frame=frame)
    return Section(heading="Machine and versions", anchor="machine", tables=(table,))


def _each(column: "pd.Series[Any]") -> str:
    return ", ".join(map(_shown, column.dropna().unique())) or "-"
