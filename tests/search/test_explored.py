"""The tables of a search: written, read again as they were, and refused where they are not."""

import json
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest

from ablate.errors import InputError
from ablate.networks.canonical import tuples
from ablate.report.search_sections import sections
from ablate.search.explored import (
    COLUMNS,
    COMPARISONS,
    HYPERVOLUME,
    NETWORKS,
    SEARCH,
    is_search,
    read_explored,
    write_explored,
)
from ablate.spec.network import NetSpec
from ablate.spec.trial import content_hash
from support import searches
from support.searches import explored


def test_tables_are_read_as_they_were_written(tmp_path: Path) -> None:
    search, found = explored(tmp_path)
    again = read_explored(tmp_path)
    for name in ("rows", "networks", "hypervolumes", "comparisons"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(again, name))
    assert again.file == search.file
    assert dict(again.rows.dtypes.astype(str)) == COLUMNS
    assert again.networks["rank"].min() == 1
    assert list(again.networks["finalist"].dropna()) == ["finalist 1", "finalist 2"]
    assert content_hash(search.baseline) not in set(again.networks.dropna()["net"])
    assert list(again.comparisons["name"]) == ["nsga2_is_better"]
    assert again.hypervolumes["hypervolume"].between(0, 1).all()


@pytest.mark.parametrize("name", [SEARCH, NETWORKS])
def test_a_network_is_described_in_full(tmp_path: Path, name: str) -> None:
    explored(tmp_path)
    table = pd.read_csv(tmp_path / name).dropna(subset="network")
    assert len(table) > 1
    for net, text in table[["net", "network"]].itertuples(index=False):
        described = {key: tuples(value) for key, value in json.loads(text).items()}
        assert described.keys() == {field.name for field in fields(NetSpec)}
        assert content_hash(NetSpec(**described)) == net


def test_an_older_table_that_describes_in_part_is_reported(tmp_path: Path) -> None:
    _, found = explored(tmp_path)
    table = pd.read_csv(tmp_path / NETWORKS)
    table["network"] = '{"widths":[4,8,16]}'
    table.to_csv(tmp_path / NETWORKS, index=False)
    older = read_explored(tmp_path)
    assert set(older.networks["network"]) == {'{"widths":[4,8,16]}'}
    for section, before in zip(sections(older), sections(found), strict=True):
        for shown, as_before in zip(section.tables, before.tables, strict=True):
            pd.testing.assert_frame_equal(shown.frame, as_before.frame)


def test_a_folder_without_a_search_is_none(tmp_path: Path) -> None:
    assert not is_search(tmp_path)
    explored(tmp_path)
    assert is_search(tmp_path)


def test_a_search_that_has_only_begun_has_tables(tmp_path: Path) -> None:
    found = write_explored(tmp_path, searches.small(tmp_path), [])
    assert found.rows.empty
    assert found.networks.empty
    assert list(found.comparisons["verdict"]) == ["inconclusive"]


@pytest.mark.parametrize("name", [SEARCH, NETWORKS, HYPERVOLUME, COMPARISONS])
def test_a_missing_table_is_one_line(tmp_path: Path, name: str) -> None:
    write_explored(tmp_path, searches.small(tmp_path), [])
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match=f"{name}: no such table"):
        read_explored(tmp_path)


def test_a_damaged_table_is_one_line(tmp_path: Path) -> None:
    explored(tmp_path)
    path = tmp_path / SEARCH
    path.write_text(path.read_text().replace(",complete,True,", ",complete,perhaps,", 1))
    with pytest.raises(InputError, match="not a table of a search"):
        read_explored(tmp_path)
