"""A table as a file: CSV, Parquet or JSON lines, read whole, with its checksum."""

import csv
import hashlib
import io
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ablate.errors import InputError, nearest

KINDS = {".csv": "CSV", ".parquet": "Parquet", ".jsonl": "JSON lines", ".ndjson": "JSON lines"}
MOST_ROWS = 20_000_000
BLOCK = 2**20  # bytes
LINES = 200_000  # of a file of JSON lines, read at a time
GROUPED = r"\s*-?\d{1,3}(?:,\d{3})+(?:\.\d*)?\s*"
NOTHING = ("", "NA", "N/A", "NaN", "nan", "None", "null")  # in a column that is not text


@dataclass(frozen=True, kw_only=True)
class Source:
    """A table that has been read.

    Args:
        path: of the file.
        sha256: of its bytes.
        frame: all of its rows, or some; columns as the file has them. The index is the number of
            the row below the header, from 0.
    """

    path: Path
    sha256: str
    frame: pd.DataFrame


def read_source(
    path: Path, columns: Sequence[str], sha256: str | None = None, text: Collection[str] = ()
) -> Source:
    """A table, with the columns that are asked for and no other.

    Args:
        path: a file whose name ends in one of `KINDS`.
        columns: names; each once.
        sha256: that its bytes must have; any if None.
        text: columns that are names, and are read as they stand: "01" is not 1, and "None" is not
            missing.

    Raises:
        InputError: no such file, none of these kinds, another checksum, no row, or no such column.
    """
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise InputError(f"{path}: expected a name that ends in {', '.join(KINDS)}")
    found = _checksum(path)
    if sha256 is not None and found != sha256:
        raise InputError(
            f"{path}: its SHA-256 is {found}, and the study is of {sha256}: another table, or "
            "another version of it"
        )
    wanted = list(dict.fromkeys(columns))
    try:
        frame = _read(path, kind, wanted, text)
    except InputError:
        raise
    except (OSError, ValueError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise InputError(f"{path}: cannot be read as {kind}: {_first_line(error)}") from error
    if frame.empty:
        raise InputError(f"{path}: holds no row")
    if len(frame) > MOST_ROWS:
        raise InputError(f"{path}: {len(frame):,} rows; expected at most {MOST_ROWS:,}")
    return Source(path=path, sha256=found, frame=frame)


def column_names(path: Path) -> list[str]:
    """The columns of a table, without its rows; raises `InputError` as `read_source`."""
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise InputError(f"{path}: expected a name that ends in {', '.join(KINDS)}")
    try:
        if kind == "CSV":
            return [str(name) for name in pd.read_csv(path, nrows=0).columns]
        if kind == "Parquet":
            import pyarrow.parquet as pq

            return [str(name) for name in pq.read_schema(path).names]
        with path.open(encoding="utf-8") as lines:
            first = next(filter(str.strip, lines), "")
        if first and not first.lstrip().startswith("{"):
            raise InputError(f"{path}: row 1: expected an object in braces")
        return [str(name) for name in pd.read_json(io.StringIO(first), lines=True).columns]
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise InputError(f"{path}: cannot be read as {kind}: {_first_line(error)}") from error


def numbers(
    source: Source, name: str, allow_empty: bool = False, grouped: bool = False
) -> "pd.Series[float]":
    """A column as numbers.

    Args:
        source: the table.
        name: of the column.
        allow_empty: let empty fields be NaN.
        grouped: read commas between thousands, as in 1,282.60.

    Raises:
        InputError: one line with the first row that holds none, counted from 1 below the header.
    """
    column = source.frame[name]
    if grouped and not pd.api.types.is_numeric_dtype(column):
        text = column.astype("string")
        thousands = text.str.fullmatch(GROUPED).fillna(False)
        column = column.where(~thousands, text.str.replace(",", ""))
    values = pd.to_numeric(column, errors="coerce").astype(float)
    if not pd.api.types.is_numeric_dtype(column):
        words = values.isna() & column.notna() & (column.astype("string").str.strip() != "")
        if words.any():
            row = first_row(words)
            raise InputError(
                f"{source.path}: column {name!r}, row {row + 1}: {column[row]!r} is no number"
            )
    endless = values.isin([math.inf, -math.inf])
    bad = endless if allow_empty else endless | values.isna()
    if bad.any():
        row = first_row(bad)
        what = "is empty" if pd.isna(values[row]) else f"is {values[row]}"
        raise InputError(
            f"{source.path}: column {name!r}, row {row + 1} {what}; expected a finite number "
            f"({int(bad.sum()):,} of {len(values):,} rows)"
        )
    return values


def first_row(rows: "pd.Series[bool]") -> int:
    """The first row, from 0, for which something holds; it does for one."""
    return int(rows.index[int(rows.to_numpy().argmax())])


def _read(path: Path, kind: str, columns: list[str], text: Collection[str]) -> pd.DataFrame:
    there = column_names(path)
    for name in columns:
        if name not in there:
            raise InputError(
                f"{path}: no column {name!r}{nearest(name, there)}: expected one of "
                f"{', '.join(there)}{_separated(kind, there)}"
            )
    names = [name for name in columns if name in text]
    if kind == "CSV":
        _refuse_ragged(path, columns)
        return pd.read_csv(
            path,
            usecols=columns,
            index_col=False,  # not where rows end in a comma either
            dtype=dict.fromkeys(names, "str"),
            keep_default_na=False,
            na_values={name: [""] if name in names else list(NOTHING) for name in columns},
            low_memory=False,
        )[columns]
    if kind == "Parquet":
        frame = pd.read_parquet(path, columns=columns).reset_index(drop=True)[columns]
        return frame.astype({name: "str" for name in names if frame[name].dtype != "str"})
    _refuse_other_than_objects(path)
    types: Any = dict.fromkeys(names, object) or None
    with pd.read_json(path, lines=True, dtype=types, precise_float=True, chunksize=LINES) as parts:
        frame = pd.concat([part.reindex(columns=columns) for part in parts], ignore_index=True)
    for name in columns:
        _refuse_nested(path, name, frame[name])
    return frame.astype(dict.fromkeys(names, "str"))


def _separated(kind: str, there: Sequence[str]) -> str:
    """A hint where a header in one piece has signs that separate cells elsewhere."""
    if kind != "CSV" or len(there) > 1:
        return ""
    signs = {";": "semicolons", "\t": "tabs", "|": "bars"}
    found = next((word for sign, word in signs.items() if sign in there[0]), None)
    return f" (cells are separated by {found}; expected commas)" if found else ""


def _refuse_ragged(path: Path, columns: Sequence[str]) -> None:
    """Raise `InputError` where a column's name comes twice, or a row has more than the header."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        try:
            rows = filter(None, csv.reader(stream))
            header = next(rows, [])
            for name in columns:
                if header.count(name) > 1:
                    raise InputError(
                        f"{path}: {header.count(name)} columns are called {name!r}; expected one"
                    )
            width = len(header)
            for row, cells in enumerate(rows, 1):
                if len(cells) > width and any(map(str.strip, cells[width:])):
                    raise InputError(
                        f"{path}: row {row} has {len(cells)} cells; expected {width}, as the "
                        "header (a comma within a cell needs quotes around it)"
                    )
        except csv.Error as error:
            raise InputError(f"{path}: cannot be read as CSV: {error}") from error


def _refuse_other_than_objects(path: Path) -> None:
    with path.open(encoding="utf-8") as stream:
        for row, line in enumerate(filter(str.strip, stream), 1):
            if not line.lstrip().startswith("{"):
                raise InputError(f"{path}: row {row}: expected an object in braces")


def _refuse_nested(path: Path, name: str, column: "pd.Series[Any]") -> None:
    """Raise `InputError` where a cell is a list or an object."""
    if column.dtype != object:
        return
    nested = column.map(lambda cell: isinstance(cell, list | dict)).astype(bool)
    if nested.any():
        row = first_row(nested)
        raise InputError(
            f"{path}: column {name!r}, row {row + 1}: {column[row]!r}; expected text or a number"
        )


def _checksum(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    return digest.hexdigest()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
