"""What is published of tables that others measured: whole, described, and what the tables say."""

import csv
import json
from pathlib import Path

import pytest

from ablate.report.tables.check import verify_judged, verify_study
from ablate.report.tables.write import write_judged
from ablate.report.tables.write_study import write_study
from ablate.results.checks.files import difference
from ablate.results.csv import read_table
from ablate.study.find import find_study
from ablate.study.toml_file import read_toml
from ablate.tables.arms.compare import judge_file
from ablate.tables.dictionary import COLUMNS
from ablate.tables.file import read_table_file
from ablate.tables.rows import read_rows
from support import PUBLISHED, ROOT
from support.drawings import undrawn

JUDGED = sorted(path.parent for path in PUBLISHED.glob("*/*/source.csv"))
ARMS = sorted(path.parent for path in PUBLISHED.glob("*/*/source.json"))
TABLES = ROOT.parent / "shared" / "data" / "published"
QUICK = {"nats_iso_macs", "zoo_growth"}
EACH = pytest.mark.parametrize("folder", JUDGED, ids=lambda folder: folder.parent.name)


def test_some_are_published() -> None:
    assert {folder.parent.name for folder in JUDGED} >= {
        *("nats_iso_macs", "timm_run_time", "zoo_growth")
    }


@EACH
def test_all_that_is_said_follows_from_what_is_kept(folder: Path) -> None:
    with undrawn():
        lines = verify_study(folder)
    assert [line for line in lines if line.level == "FAULT"] == []


@EACH
def test_its_study_is_the_one_that_comes_with_ablate(folder: Path) -> None:
    shipped = find_study(folder.parent.name)
    assert (folder / "study.toml").read_text() == shipped.read_text()
    assert read_table(folder / "source.csv")["sha256"].tolist() == [
        read_table_file(read_toml(shipped)).source.sha256
    ]


@EACH
def test_its_columns_are_described(folder: Path) -> None:
    for path in folder.glob("*.csv"):
        if path.stem in COLUMNS:
            with path.open(encoding="utf-8", newline="") as stream:
                assert list(COLUMNS[path.stem]) == next(csv.reader(stream))


def test_each_described_table_is_published() -> None:
    every = [*JUDGED, *ARMS]
    assert set(COLUMNS) <= {path.stem for folder in every for path in folder.glob("*.csv")}


@pytest.mark.parametrize("folder", ARMS, ids=lambda folder: folder.parent.name)
def test_of_arms_no_row_is_kept_and_all_that_is_said_follows(folder: Path) -> None:
    about = json.loads((folder / "source.json").read_text(encoding="utf-8"))
    assert about["rows_kept"] == 0
    shipped = read_table_file(read_toml(find_study(folder.parent.name)))
    assert about["sha256"] == shipped.source.sha256
    with undrawn():
        lines = verify_judged(folder)
    assert [line.level for line in lines][:2] == ["ok", "ok"]
    assert [line for line in lines if line.level == "FAULT"] == []
    assert list(read_table(folder / "spread.csv")) == list(COLUMNS["spread"])


@pytest.mark.skipif(not TABLES.is_dir(), reason=f"the tables are not here: {TABLES.name}")
def test_a_description_names_no_network() -> None:
    folder = PUBLISHED / "zoo_growth" / "pycls_model_zoo"
    file = read_table_file(read_toml(folder / "study.toml"))
    networks = read_rows(file, TABLES / file.source.file).arm
    assert len(networks) == 36
    for path in (folder / name for name in ("report.html", "summary.md", "groups.csv")):
        text = path.read_text(encoding="utf-8")
        assert not [network for network in networks if network in text]


@pytest.mark.skipif(not TABLES.is_dir(), reason=f"the tables are not here: {TABLES.name}")
@pytest.mark.parametrize("folder", ARMS, ids=lambda folder: folder.parent.name)
def test_the_table_of_arms_still_says_so(folder: Path, tmp_path: Path) -> None:
    name = folder.parent.name
    file = read_table_file(read_toml(find_study(name)))
    rows = read_rows(file, TABLES / file.source.file)
    (judged,) = judge_file(file, rows, name).values()
    with undrawn():
        write_judged(judged, tmp_path / "anew", rows=False)
    for kept in ("verdict.csv", "spread.csv", "summary.csv"):
        assert difference(folder / kept, tmp_path / "anew" / kept) is None


@pytest.mark.skipif(not TABLES.is_dir(), reason=f"the tables are not here: {TABLES.name}")
@pytest.mark.parametrize(
    "folder",
    [
        pytest.param(
            folder,
            id=folder.parent.name,
            marks=[] if folder.parent.name in QUICK else pytest.mark.long,
        )
        for folder in JUDGED
    ],
)
def test_the_table_still_says_so(folder: Path, tmp_path: Path) -> None:
    toml = read_toml(folder / "study.toml")
    file = read_table_file(toml)
    path = TABLES / file.source.file
    rows = read_rows(file, path)
    near = rows if file.columns.widths is None else read_rows(file, path, everything=True)
    with undrawn():
        write_study(tmp_path / "anew", toml, file, rows, near)
    old, new = (read_table(one / "verdict.csv").iloc[0] for one in (folder, tmp_path / "anew"))
    for column in ("word", "n", "facts"):  # the facts count what became of the predictions
        assert new[column] == old[column]
