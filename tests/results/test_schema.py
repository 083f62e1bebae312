"""The results table: what it refuses, and that nothing is lost on the way to a file and back."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from ablate import files
from ablate.errors import InputError, WriteError
from ablate.results import schema
from ablate.results.csv import keep_aside, read_trials, write_parquet, write_table
from support.rows import ROW, row

OPTIONAL = [column.name for column in schema.COLUMNS if not column.required]


def test_the_example_has_every_column() -> None:
    assert set(ROW) == {column.name for column in schema.COLUMNS} | {"axis_growth"}


# The schema


def test_columns_come_in_order_with_the_axes_after_the_cell() -> None:
    backwards = dict(reversed(row(axis_block="basic").items()))
    frame = schema.to_frame([backwards])
    names = [column.name for column in schema.COLUMNS]
    assert list(frame.columns) == [*names[:3], "axis_block", "axis_growth", *names[3:]]
    assert schema.axis_columns(frame) == ["axis_block", "axis_growth"]
    assert {column.name: str(frame[column.name].dtype) for column in schema.COLUMNS} == {
        column.name: column.dtype for column in schema.COLUMNS
    }


def test_every_column_says_what_it_holds() -> None:
    assert all(column.about for column in schema.COLUMNS)
    assert len({column.name for column in schema.COLUMNS}) == len(schema.COLUMNS)


def test_a_trial_that_failed_leaves_measurements_out() -> None:
    failed = {key: value for key, value in row(state="failed").items() if key not in OPTIONAL}
    frame = schema.to_frame([failed, row(key="1")])
    assert frame.loc[0, OPTIONAL].isna().all()
    assert frame.loc[1, "train_loss"] == 0.1 + 0.2


REQUIRED = [column.name for column in schema.COLUMNS if column.required]


@pytest.mark.parametrize("name", [*REQUIRED, "axis_growth"])
def test_what_is_required_is_never_missing(name: str) -> None:
    with pytest.raises(InputError, match=f"the results table: .*'{name}'.* null"):
        schema.to_frame([row(), row(**{"key": "1", name: None})])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("test_accuracy", 1.2),
        ("test_accuracy", -0.1),
        ("val_accuracy", 100.0),
        ("val_loss", -1.0),
        ("params", -1),
        ("state", "running"),
        ("state", "Complete"),
        ("train_seconds", -0.5),
        ("throughput_batch", -64),
    ],
)
def test_values_out_of_bounds_are_refused(column: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"the results table: Column '{column}'") as caught:
        schema.to_frame([row(**{column: value})])
    assert len(str(caught.value).splitlines()) == 1
    assert str(value) in str(caught.value)


def test_limits_themselves_are_allowed() -> None:
    rows = [row(test_accuracy=0.0), row(key="1", test_accuracy=1.0, val_loss=0.0)]
    assert len(schema.to_frame(rows)) == 2


def test_a_key_comes_once() -> None:
    with pytest.raises(InputError, match="'key' contains duplicate values"):
        schema.to_frame([row(), row(seed=1)])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda frame: frame.drop(columns="macs"),
        lambda frame: frame.astype({"seed": "Float64"}),
        lambda frame: frame.astype({"test_accuracy": "string"}),
        lambda frame: frame.assign(dirty="yes"),
    ],
    ids=["a column missing", "float seed", "text accuracy", "text flag"],
)
def test_another_table_is_refused(spoil: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    frame = schema.to_frame([row()])
    assert schema.validate(frame, "here") is not None
    with pytest.raises(InputError, match=r"^here: ") as caught:
        schema.validate(spoil(frame), "here")
    assert len(str(caught.value).splitlines()) == 1


# Files

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))
wholes = st.integers(0, 2**63 - 1)
fractions = st.none() | st.floats(0, 1)
positives = st.none() | st.floats(0, allow_nan=False)
rows = st.fixed_dictionaries(
    {
        "cell": text.map("cell {}".format),
        "failure": st.none() | text.map("failure: {}".format),
        "test_accuracy": fractions,
        "val_loss": positives,
        "train_seconds": positives,
        "params": wholes,
        "train_images": st.none() | st.integers(0, 2**53),
        "dirty": st.none() | st.booleans(),
        "commit": st.none() | st.just("0123e456"),
    }
)


@given(st.lists(rows, min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_csv_and_parquet_lose_nothing(several: list[dict[str, Any]]) -> None:
    frame = schema.to_frame(row(key=f"key {n}", **changes) for n, changes in enumerate(several))
    with tempfile.TemporaryDirectory() as folder:
        csv, parquet = Path(folder) / "trials.csv", Path(folder) / "trials.parquet"
        write_table(frame, csv)
        write_parquet(frame, parquet)
        assert_frame_equal(read_trials(csv), frame, check_exact=True)
        assert_frame_equal(pd.read_parquet(parquet), frame, check_exact=True)


@pytest.mark.parametrize(
    "failure",
    [
        '"',
        "\"a\", 'b'",
        "two\nlines",
        "a,b;c\td",
        "\\",
        "日本語 é 🙂",
        "  padded  ",
        "\ufeff",
    ],
)
def test_awkward_text_comes_back(tmp_path: Path, failure: str) -> None:
    write_table(schema.to_frame([row(failure=failure)]), tmp_path / "trials.csv")
    assert read_trials(tmp_path / "trials.csv")["failure"].tolist() == [failure]


def test_a_key_of_digits_stays_text(tmp_path: Path) -> None:
    keys = ["0000000000000012", "1e10000000000000", "12345678901234567890"]
    write_table(schema.to_frame(row(key=key) for key in keys), tmp_path / "trials.csv")
    assert read_trials(tmp_path / "trials.csv")["key"].tolist() == keys


def test_the_csv_is_plain(tmp_path: Path) -> None:
    write_table(schema.to_frame([row()]), tmp_path / "trials.csv")
    source = (tmp_path / "trials.csv").read_bytes()
    assert source.startswith(b"study,dataset,cell,axis_growth,seed,key,")
    assert source.count(b"\n") == 2
    assert b"\r" not in source
    assert (tmp_path / "trials.csv").stat().st_mode & 0o777 == 0o644


def test_no_rows_are_a_table_too(tmp_path: Path) -> None:
    frame = schema.to_frame([])
    write_table(frame, tmp_path / "trials.csv")
    assert_frame_equal(read_trials(tmp_path / "trials.csv"), frame)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a trials table"),
        (bytes(range(256)) * 4, "not a trials table"),
        (b'"', "not a trials table"),
        (b"PK\x03\x04\xff\xfe", "not a trials table"),
    ],
    ids=["empty", "binary", "open quote", "not UTF-8"],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "trials.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_trials(path)
    assert str(caught.value).startswith(f"{path}: {says}")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.9,0.875", "1.9,0.875"),
        ("complete", "done"),
        ("example", ""),
        ("0.9,0.875", "high,0.875"),
        ("digits,doubling", "digits"),
        (",spec\n", "\n"),
    ],
)
def test_a_table_that_was_tampered_with_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "trials.csv"
    write_table(schema.to_frame([row()]), path)
    source = path.read_text()
    assert old in source
    path.write_text(source.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        read_trials(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value).splitlines()) == 1


def test_a_missing_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such table"):
        read_trials(tmp_path / "trials.csv")


# Whole or not at all


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_replacing_makes_the_folder_and_the_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "file.txt"
    with files.replacing(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.suffix == ".txt"
        temporary.write_text("new")
        assert not path.exists()
    assert contents(path.parent) == {"file.txt": "new"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_while_writing_leaves_the_old_file(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def write_half() -> None:
        with files.replacing(path) as temporary:
            temporary.write_text("ne")
            raise error

    with pytest.raises(error):
        write_half()
    assert contents(tmp_path) == {"file.txt": "old"}


def test_a_table_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "trials.csv"
    path.write_text("old")
    # Half of a pair of surrogates has no UTF-8.
    frame = pd.DataFrame({"failure": pd.Series(["\ud800"], dtype=object)})
    with pytest.raises(UnicodeEncodeError):
        write_table(frame, path)
    assert contents(tmp_path) == {"trials.csv": "old"}


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(WriteError, match="file"):
        write_table(schema.to_frame([row()]), tmp_path / "file" / "trials.csv")
    assert contents(tmp_path) == {"file": "old"}


def test_a_folder_where_the_file_should_be(tmp_path: Path) -> None:
    (tmp_path / "trials.csv").mkdir()
    with pytest.raises(WriteError, match="directory"):
        write_table(schema.to_frame([row()]), tmp_path / "trials.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["trials.csv"]


# Tables that would be overwritten


def test_nothing_to_keep_aside(tmp_path: Path) -> None:
    path = tmp_path / "trials.csv"
    assert keep_aside(path, lambda row: False) is None
    write_table(schema.to_frame([row()]), path)
    before = contents(tmp_path)
    assert keep_aside(path, lambda row: row["key"] == ROW["key"]) is None
    assert contents(tmp_path) == before


def test_a_table_with_one_unknown_row_is_kept_aside(tmp_path: Path) -> None:
    path = tmp_path / "trials.csv"
    later = "2026-02-03T04:05:06.000+00:00"
    frame = schema.to_frame([row(), row(key="1", finished=later), row(key="2")])
    write_table(frame, path)
    kept = keep_aside(path, lambda row: row["key"] != "2")
    assert kept == tmp_path / "trials-20260203T040506.csv"  # when its last trial finished
    assert not path.exists()
    assert_frame_equal(read_trials(kept), frame)


def test_what_was_kept_aside_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "trials.csv"
    kept = []
    for seed in range(4):
        write_table(schema.to_frame([row(seed=seed)]), path)
        kept.append(keep_aside(path, lambda row: False))
    assert len(set(kept)) == 4
    assert [read_trials(path)["seed"].item() for path in kept if path] == [0, 1, 2, 3]


def test_a_table_that_cannot_be_read_is_not_moved(tmp_path: Path) -> None:
    path = tmp_path / "trials.csv"
    path.write_text("")
    with pytest.raises(InputError, match="not a trials table"):
        keep_aside(path, lambda row: True)
    assert contents(tmp_path) == {"trials.csv": ""}
