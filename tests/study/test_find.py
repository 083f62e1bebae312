"""Shipped studies and one's own: all load, and are found."""

import math
from pathlib import Path

import pytest

from ablate.data.catalog import DATASETS
from ablate.errors import InputError
from ablate.networks import cost
from ablate.spec.network import NetSpec
from ablate.study.find import find_studies, find_study, kind_of, study_folders
from ablate.study.plan import Study, load_study
from ablate.study.toml_file import read_toml
from support import ROOT
from support.documents import (
    STUDY,
)

TABLES = {
    path.stem for path in (ROOT / "studies").glob("*.toml") if kind_of(read_toml(path)) == "table"
}
SHIPPED = [
    path
    for path in sorted((ROOT / "studies").glob("*.toml"))
    if kind_of(read_toml(path)) == "study"
]


def nets(study: Study) -> dict[str, NetSpec]:
    return {cell.name: cell.net for cell in study.cells}


# The studies that come with ablate


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_studies_load_for_every_dataset(path: Path, dataset: str) -> None:
    study = load_study(path, dataset, latency=lambda net, batch: float(cost.count(net).macs))
    info = DATASETS[dataset]
    assert study.question.endswith("?")
    pairs = study.seeds * (1 + study.cells[-1].draw)
    assert pairs >= 6  # fewer can show nothing: see `intervals.MIN_PAIRS`
    assert len(study.cells) >= 2
    for cell in study.cells:
        shape = (cell.net.num_classes, cell.net.in_channels, cell.net.image_size)
        assert shape == (info.classes, info.channels, info.image_size)
    assert study.source == path.read_text(encoding="utf-8")


def test_the_arms_of_the_shipped_studies() -> None:
    widths = nets(load_study(find_study("width_doubling"), "cifar10"))
    assert {name: net.widths for name, net in widths.items()} == {
        "constant": (16, 16, 16),
        "doubling": (16, 32, 64),
        "tripling": (16, 48, 144),
    }
    shortcuts = nets(load_study(find_study("shortcut_type"), "cifar10"))
    assert {name: net.shortcut for name, net in shortcuts.items()} == {
        name: name for name in ("none", "A", "B", "C", "D")
    }
    strides = nets(load_study(find_study("stride_placement"), "cifar10"))
    assert {math.prod(net.strides) for net in strides.values()} == {4}


# Finding a study


def test_shipped_studies_are_found_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (
        set(find_studies())
        == {path.stem for path in SHIPPED} | {"claims", "search_pareto"} | TABLES
    )
    assert study_folders()[0] == Path("studies")


def test_own_studies_hide_the_shipped_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "studies" / "width_doubling.toml"
    own.parent.mkdir()
    own.write_text(STUDY)
    assert find_study("width_doubling").resolve() == own
    assert load_study(find_study("width_doubling")).question == "Which?"
    assert find_study("shortcut_type").resolve().parent == SHIPPED[0].parent


def test_a_path_is_taken_as_it_is() -> None:
    assert find_study("some/where.toml") == Path("some/where.toml")


def test_an_unknown_study_is_told_the_nearest() -> None:
    with pytest.raises(InputError, match=r"'width_doublin' \(did you mean width_doubling\?\)"):
        find_study("width_doublin")
