"""Tables as files: what is read, and what is refused in a line."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from ablate.errors import InputError
from ablate.tables.source import column_names, numbers, read_source

FRAME = pd.DataFrame(
    {"arm": ["01", "None", "NA"], "seed": [1, 2, 3], "acc": [0.5, 0.25, 1.0], "more": ["x"] * 3}
)


def as_json(frame: pd.DataFrame, path: Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in frame.to_dict("records")))


KINDS: dict[str, Callable[[pd.DataFrame, Path], object]] = {
    "table.csv": lambda frame, path: frame.to_csv(path, index=False),
    "TABLE.CSV": lambda frame, path: frame.to_csv(path, index=False),
    "table.parquet": lambda frame, path: frame.to_parquet(path),
    "table.jsonl": as_json,
    "table.ndjson": as_json,
}


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    KINDS[name](FRAME, path)
    source = read_source(path, ["acc", "arm"], text=["arm"])
    assert list(source.frame.columns) == ["acc", "arm"]
    assert list(source.frame["arm"]) == ["01", "None", "NA"]
    assert list(numbers(source, "acc")) == [0.5, 0.25, 1.0]
    assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert column_names(path) == list(FRAME)


@pytest.mark.parametrize("name", KINDS)
def test_a_column_that_is_not_there_is_named_with_its_nearest(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    KINDS[name](FRAME, path)
    with pytest.raises(InputError, match=r"no column 'acccc' \(did you mean acc\?\)") as caught:
        read_source(path, ["acccc"])
    assert str(caught.value).count("cannot be read") == 0


def test_rows_of_a_parquet_table_that_was_filtered_are_numbered_anew(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    FRAME[FRAME["seed"] > 1].to_parquet(path)
    assert list(read_source(path, ["seed"]).frame.index) == [0, 1]


def test_a_checksum_is_held_against_the_file(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    FRAME.to_csv(path, index=False)
    known = hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(read_source(path, ["acc"], known).frame) == 3
    with pytest.raises(InputError, match="its SHA-256 is"):
        read_source(path, ["acc"], "0" * 64)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("table.csv", b"", "cannot be read as CSV: No columns"),
        ("table.csv", b"acc\n", "holds no row"),
        ("table.csv", b"\x82\x00\xff,\n" * 100, "cannot be read as CSV"),
        ("table.csv", b"acc\n\xff\xfe\n", "cannot be read as CSV"),
        ("table.parquet", b"no parquet", "cannot be read as Parquet"),
        ("table.jsonl", b'{"acc": 1}\n{"acc":', "cannot be read as JSON lines"),
        ("table.jsonl", b"\x82\xff", "cannot be read as JSON lines"),
        ("table.csv", b"acc,n,acc\n1,2,3\n", "2 columns are called 'acc'; expected one"),
        ("table.csv", b"n,acc\na,1\n\na,0,5\n", "row 2 has 3 cells; expected 2"),
        ("table.csv", b"n;acc\na;1\n", "cells are separated by semicolons; expected commas"),
        ("table.jsonl", b'{"acc": 1}\n[1, 2]\n', "row 2: expected an object in braces"),
        ("table.jsonl", b"[1, 2]\n", "row 1: expected an object in braces"),
        ("table.jsonl", b'{"acc": 1}\n{"acc": [2]}\n', "column 'acc', row 2: [2]; expected text"),
        ("table.jsonl", b'{"acc": {"a": 1}}\n', "column 'acc', row 1: {'a': 1}; expected text"),
        ("table.xlsx", b"acc\n1\n", "expected a name that ends in .csv, .parquet"),
        ("table", b"acc\n1\n", "expected a name that ends in .csv, .parquet"),
    ],
)
def test_what_is_no_table_is_one_line(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_source(path, ["acc"])
    line = str(caught.value)
    assert says in line
    assert line.count(str(path)) == 1 or says.startswith("cannot be read as Parquet")
    assert "\n" not in line


def test_a_folder_and_nothing_are_no_table(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="directory"):
        read_source(tmp_path / "folder.csv", ["acc"])
    with pytest.raises(InputError, match="no such file"):
        read_source(tmp_path / "none.csv", ["acc"])


def test_a_comma_at_the_end_of_rows_moves_no_column(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("arm,seed,acc\na,1,0.5,\nb,2,0.6,\n")
    frame = read_source(path, ["arm", "acc"], text=["arm"]).frame
    assert frame.to_dict("list") == {"arm": ["a", "b"], "acc": [0.5, 0.6]}


def test_a_list_is_no_name(tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    path.write_text('{"arm": "01", "acc": 1}\n{"arm": ["b"], "acc": 2}\n')
    with pytest.raises(InputError, match=r"column 'arm', row 2: \['b'\]; expected text"):
        read_source(path, ["arm", "acc"], text=["arm"])


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (["1", "high", "2"], "column 'acc', row 2: 'high' is no number"),
        (["1", "2", ""], "column 'acc', row 3 is empty; expected a finite number (1 of 3 rows)"),
        (["NaN", "2", "NA"], "column 'acc', row 1 is empty; expected a finite number (2 of 3"),
        (["1", "inf", "2"], "column 'acc', row 2 is inf"),
        (["1", "-inf", "x"], "column 'acc', row 3: 'x' is no number"),
        (["1", "1,000", "2"], "column 'acc', row 2: '1,000' is no number"),
    ],
)
def test_what_is_no_number_is_named_with_its_row(
    tmp_path: Path, cells: list[str], says: str
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("n,acc\n" + "".join(f'0,"{cell}"\n' for cell in cells))
    with pytest.raises(InputError) as caught:
        numbers(read_source(path, ["acc"]), "acc")
    assert says in str(caught.value)


def test_thousands_may_be_grouped_where_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('n,macs\n0,"1,282.60"\n0,25.6\n0,"-1,000,000"\n')
    assert list(numbers(read_source(path, ["macs"]), "macs", grouped=True)) == [1282.6, 25.6, -1e6]
    path.write_text('n,macs\n0,"1,28"\n0,3\n')
    with pytest.raises(InputError, match="'1,28' is no number"):
        numbers(read_source(path, ["macs"]), "macs", grouped=True)
