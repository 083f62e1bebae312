"""A search in words: what its networks are called, and what one is to know of its numbers."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pandas as pd

from ablate.search.explored import Explored
from ablate.search.file import ACCURACY
from ablate.spec.network import NetSpec
from ablate.study.words import LONGEST, MOST_WORDS

UNITS = {"macs": " MACs", "params": " parameters", "activations": " activations", "latency": " ms"}
USUAL = {field.name: field.default for field in fields(NetSpec)}
TOLD_FIRST = ("shortcut", "strides", "stride_block")
OFF = "the baseline timed against itself was not equal, as when something else runs on the machine"


def network_words(networks: pd.DataFrame) -> dict[str, str]:
    """What each network of the front and each finalist is called, by the hash of the network.

    Such as `6-11-18, one block a stage`: widths of the stages, and their blocks. Of those that
    share these, what tells them apart is said too.

    Args:
        networks: of `networks.csv`.
    """
    shown = networks[(networks["rank"] == 1) | networks["finalist"].notna()]
    words = {
        str(net): shape_words(widths, depths)
        for net, widths, depths in shown[["net", "widths", "depths"]].itertuples(index=False)
    }
    described = {  # an earlier version has left out what is as usual
        str(net): USUAL | json.loads(text)
        for net, text in shown[["net", "network"]].itertuples(index=False)
    }
    for key in (*TOLD_FIRST, *(key for key in USUAL if key not in TOLD_FIRST)):
        alike = [said for said, number in Counter(words.values()).items() if number > 1]
        for said in alike:
            own = {net: described[net][key] for net, other in words.items() if other == said}
            if len({json.dumps(value) for value in own.values()}) > 1:
                words |= {net: f"{said}, {_setting(key, value)}" for net, value in own.items()}
    return words


def _cut(text: str) -> str:
    """Words that a study file takes for an arm."""
    parts = text.split()
    text = " ".join(parts[:MOST_WORDS]).rstrip(",")
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def finalist_words(networks: pd.DataFrame) -> dict[str, str]:
    """What each finalist is called, by its cell, in at most `LONGEST` characters.

    Args:
        networks: of `networks.csv`.
    """
    words = network_words(networks)
    chosen = networks.dropna(subset="finalist")[["finalist", "net"]]
    return {str(name): _cut(words[str(net)]) for name, net in chosen.itertuples(index=False)}


def finalist_lines(explored: Explored) -> list[str]:
    """A line for each finalist: what it is, its accuracy on validation, and what it costs."""
    words = network_words(explored.networks)
    lines = []
    for row in explored.networks.dropna(subset="finalist").to_dict("records"):
        costs = [value_text(name, row[name]) for name in ("macs", "latency") if _known(row, name)]
        accuracy = value_text(ACCURACY, row[ACCURACY])
        lines.append(
            f"{row['finalist']}: {words[row['net']]}; {accuracy} on validation, {', '.join(costs)}"
        )
    return lines


def unreached(explored: Explored) -> str:
    """One sentence where no network is better than the reference in everything; else empty."""
    volumes, found = explored.hypervolumes["hypervolume"], explored.networks
    if found.empty or (volumes > 0).any():
        return ""
    beyond, every = [], []
    for name, worst in explored.reference.items():
        values = found[name].astype(float)
        best = float(values.max() if name == ACCURACY else values.min())
        better = best > worst if name == ACCURACY else best < worst
        side = "above" if name == ACCURACY else "below"
        of = {ACCURACY: " validation accuracy", "latency": " of latency"}.get(name, "")
        told = f"{side} {value_text(name, worst)}{of} (best seen: {value_text(name, best)})"
        every.append(told)
        if not better:
            beyond.append(told)
    what = " or ".join(beyond) if beyond else f"at once {' and '.join(every)}"
    return f"Nothing reaches the reference, so all hypervolumes are 0: no network is {what}."


def notes(explored: Explored) -> list[str]:
    """Sentences on how latencies were measured, and on what of the search says nothing."""
    sentences = (latency_text(explored), control_off(explored), unreached(explored))
    return [sentence for sentence in sentences if sentence]


def control_off(explored: Explored) -> str:
    """One sentence where the latencies are not to be trusted; else empty."""
    timing = explored.timing
    return f"Do not compare the latencies: {OFF}." if timing and timing.latency_control_off else ""


def latency_text(explored: Explored) -> str:
    """One sentence on what a latency is here; empty where networks were not timed."""
    timing = explored.timing
    if timing is None:
        return ""
    return (
        f"Latency: inference of {timing.words}, on {timing.latency_device}, the median over "
        f"blocks; {explored.file.baseline} takes {value_text('latency', timing.latency)}."
    )


def value_text(name: str, value: float) -> str:
    """A value of an objective or a cost with its unit, in a few letters."""
    if name == ACCURACY:
        return f"{100 * value:.4g}%"
    return f"{value:,.3g} ms" if name == "latency" else f"{value:,.0f}{UNITS[name]}"


def _known(row: Mapping[Any, Any], name: str) -> bool:
    return not pd.isna(row.get(name))


def shape_words(widths: str, depths: str) -> str:
    """Widths and blocks of a network's stages, as `6-11-18, one block a stage`.

    Args:
        widths, depths: as `networks.csv` and `search.csv` have them.
    """
    blocks: list[int] = json.loads(depths)
    shown = "-".join(
        f"({'-'.join(map(str, width))})" if isinstance(width, list) else str(width)
        for width in json.loads(widths)
    )
    if len(set(blocks)) > 1:
        return f"{shown}, {'-'.join(map(str, blocks))} blocks"
    each = "one block" if blocks[0] == 1 else f"{blocks[0]} blocks"
    return f"{shown}, {each} a stage"


def _setting(key: str, value: Any) -> str:
    """A key of a network with its value, as one would say it."""
    if key == "shortcut":
        return "no shortcut" if value == "none" else f"shortcut {value}"
    if key == "strides":
        return f"strides {'-'.join(map(str, value))}"
    if key == "stride_block":
        return f"stride in the {value} block"
    name = key.replace("_", " ")
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return f"{name} {value}"
