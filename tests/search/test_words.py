"""What networks are called, and what a search says of its reference and its latencies."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ablate.networks.canonical import description
from ablate.search.words import (
    LONGEST,
    control_off,
    finalist_lines,
    finalist_words,
    latency_text,
    network_words,
    notes,
    unreached,
    value_text,
)
from ablate.spec.network import NetSpec
from support.searches import explored, timed


def table(*nets: dict[str, Any], described: bool = True) -> pd.DataFrame:
    """Networks, all of them finalists."""
    rows = []
    for place, own in enumerate(nets, start=1):
        fields = {"depths": (1,) * len(own["widths"]), "strides": (1,) * len(own["widths"])}
        net = NetSpec(**fields | own)
        whole = description(net)
        text = whole if described else {"widths": whole["widths"], "shortcut": net.shortcut}
        rows.append(
            {
                "net": f"net {place}",
                "rank": 1,
                "finalist": f"finalist {place}",
                "widths": json.dumps(list(net.widths)),
                "depths": json.dumps(list(net.depths)),
                "network": json.dumps(text),
            }
        )
    return pd.DataFrame(rows)


def test_a_network_is_called_by_its_widths_and_blocks() -> None:
    nets = table(
        {"widths": (6, 11, 18)},
        {"widths": (4, 4), "depths": (2, 2)},
        {"widths": (4, 8, 9), "depths": (1, 1, 2)},
        {"widths": ((4, 6), 8), "depths": (2, 1)},
    )
    assert list(network_words(nets).values()) == [
        "6-11-18, one block a stage",
        "4-4, 2 blocks a stage",
        "4-8-9, 1-1-2 blocks",
        "(4-6)-8, 2-1 blocks",
    ]


@pytest.mark.parametrize("described", [True, False])
def test_those_alike_are_told_apart_by_what_differs_alone(described: bool) -> None:
    nets = table(
        {"widths": (4, 8), "shortcut": "A"},
        {"widths": (4, 8), "shortcut": "none"},
        {"widths": (4, 9), "shortcut": "none"},
        described=described,
    )
    assert list(network_words(nets).values()) == [
        "4-8, one block a stage, shortcut A",
        "4-8, one block a stage, no shortcut",
        "4-9, one block a stage",
    ]


def test_strides_and_other_settings_tell_apart_too() -> None:
    nets = table(
        {"widths": (4, 8), "strides": (1, 2)},
        {"widths": (4, 8), "strides": (2, 1), "stride_block": "last"},
        {"widths": (4, 8), "strides": (2, 1)},
        {"widths": (4, 8), "strides": (2, 1), "preact": True},
    )
    words = list(network_words(nets).values())
    assert len(set(words)) == 4
    assert words[0] == "4-8, one block a stage, strides 1-2"
    assert words[1].endswith("strides 2-1, stride in the last block")
    assert words[3].endswith("preact")


def test_a_finalists_words_fit_a_study_file() -> None:
    long = tuple(range(100, 116))
    words = finalist_words(table({"widths": (6, 11, 18)}, {"widths": long}))
    assert words["finalist 1"] == "6-11-18, one block a stage"
    assert len(words["finalist 2"]) == LONGEST
    assert words["finalist 2"].endswith("…")


def test_a_line_a_finalist_says_what_it_is(tmp_path: Path) -> None:
    _, found = explored(tmp_path)
    lines = finalist_lines(found)
    first = found.networks.dropna(subset="finalist").iloc[0]
    words = finalist_words(found.networks)["finalist 1"]
    accuracy = value_text("val_accuracy", first["val_accuracy"])
    assert lines[0] == f"finalist 1: {words}; {accuracy} on validation, {first['macs']:,} MACs"
    assert len(lines) == 2
    assert finalist_lines(timed(found, False))[0].endswith(" ms")


def test_a_reference_that_nothing_reaches_is_said(tmp_path: Path) -> None:
    _, found = explored(tmp_path)
    assert unreached(found) == ""
    nothing = replace(found, hypervolumes=found.hypervolumes.assign(hypervolume=0.0))
    far = nothing.file.model_copy(update={"reference": {"val_accuracy": 0.99, "macs": 1e9}})
    best = value_text("val_accuracy", found.networks["val_accuracy"].max())
    assert unreached(replace(nothing, file=far)) == (
        "Nothing reaches the reference, so all hypervolumes are 0: no network is above 99% "
        f"validation accuracy (best seen: {best})."
    )
    cheap = nothing.file.model_copy(update={"reference": {"val_accuracy": 0.01, "macs": 10.0}})
    least = found.networks["macs"].min()
    assert f"below 10 MACs (best seen: {least:,} MACs)" in unreached(replace(nothing, file=cheap))
    apart = nothing.file.model_copy(update={"reference": {"val_accuracy": 0.01, "macs": 1e9}})
    assert "no network is at once above 1%" in unreached(replace(nothing, file=apart))


def test_latencies_say_how_they_were_measured_and_whether_to_trust_them(tmp_path: Path) -> None:
    _, found = explored(tmp_path)
    assert notes(found) == []
    good, bad = timed(found, False), timed(found, True)
    assert latency_text(good) == (
        "Latency: inference of a batch of 8, 2 threads, on cpu: a machine, the median over blocks; "
        "doubling takes 2.5 ms."
    )
    assert control_off(good) == ""
    assert control_off(bad).startswith("Do not compare the latencies: the baseline timed against")
    assert notes(bad) == [latency_text(bad), control_off(bad)]
    assert good.reference == {"val_accuracy": 0.05, "latency": 2.5}
