"""What a search writes of its baseline is what is read again."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from ablate.errors import InputError
from ablate.networks.cost import count
from ablate.search.baseline import (
    BASELINE,
    Baseline,
    baseline_of,
    read_baseline,
    write_baseline,
)
from ablate.spec.network import NetSpec
from ablate.spec.trial import content_hash
from support.searches import explored, timed


def of_search(folder: Path) -> Baseline:
    baseline = timed(explored(folder)[1], True).baseline
    assert baseline is not None
    return baseline


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    baseline = of_search(tmp_path / "other")
    for one in (baseline, replace(baseline, timing=None)):
        write_baseline(tmp_path, one)
        assert read_baseline(tmp_path) == one


def test_it_knows_what_is_counted(tmp_path: Path) -> None:
    net = NetSpec()
    baseline, cost = baseline_of(net), count(net)
    assert baseline.net == content_hash(net)
    assert baseline.costs["macs"] == cost.macs
    assert math.isnan(baseline.costs["latency"])
    assert of_search(tmp_path).costs["latency"] == 2.5


def test_a_run_of_an_earlier_version_has_none(tmp_path: Path) -> None:
    assert read_baseline(tmp_path) is None
    assert explored(tmp_path)[1].timing is None


@pytest.mark.parametrize(
    "text", ["", "net,params\nx,1\n", "net,params,macs,activations\nx,a,b,c\n"]
)
def test_another_table_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / BASELINE).write_text(text)
    with pytest.raises(InputError, match="not the table of a search's baseline"):
        read_baseline(tmp_path)
