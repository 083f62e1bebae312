"""A table as a file: CSV, Parquet or JSON lines, read whole, with its checksum."""

import hashlib
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ablate.errors import InputError, nearest

KINDS = {".csv": "CSV", ".parquet": "Parquet", ".jsonl": "JSON lines", ".ndjson": "JSON lines"}
MOST_ROWS = 20_000_000
BLOCK = 2**20  # bytes


@dataclass(frozen=True, kw_only=True)
class Source:
    """A table that has been read.

    Args:
        path: of the file.
        sha256: of its bytes.
        frame: all of its rows; columns as the file has them.
    """

    path: Path
    sha256: str
    frame: pd.DataFrame


def read_source(path: Path, columns: Sequence[str], sha256: str | None = None) -> Source:
    """A table, with the columns that are asked for and no other.

    Args:
        path: a file whose name ends in one of `KINDS`.
        columns: names; each once.
        sha256: that its bytes must have; any if None.

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
        frame = _read(path, kind, wanted)
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
            first = next(iter(lines), "")
        return [str(name) for name in pd.read_json(io.StringIO(first), lines=True).columns]
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise InputError(f"{path}: cannot be read as {kind}: {_first_line(error)}") from error


def numbers(source: Source, name: str, allow_empty: bool = False) -> "pd.Series[float]":
    """A column as numbers.

    Raises:
        InputError: one line with the first row that holds none, counted from 1 below the header.
    """
    column = source.frame[name]
    values = pd.to_numeric(column, errors="coerce").astype(float)
    text = values.isna() & column.notna() & (column.astype("string").str.strip() != "")
    if text.any():
        row = int(text.to_numpy().argmax())
        raise InputError(
            f"{source.path}: column {name!r}, row {row + 1}: {column.iloc[row]!r} is no number"
        )
    bad = ~values.map(math.isfinite) if not allow_empty else values.isin([math.inf, -math.inf])
    if bad.any():
        row = int(bad.to_numpy().argmax())
        what = "is empty" if pd.isna(values.iloc[row]) else f"is {values.iloc[row]}"
        raise InputError(
            f"{source.path}: column {name!r}, row {row + 1} {what}; expected a finite number "
            f"({int(bad.sum()):,} of {len(values):,} rows)"
        )
    return values


def _read(path: Path, kind: str, columns: list[str]) -> pd.DataFrame:
    there = column_names(path)
    for name in columns:
        if name not in there:
            raise InputError(
                f"{path}: no column {name!r}{nearest(name, there)}: expected one of "
                f"{', '.join(there)}"
            )
    if kind == "CSV":
        return pd.read_csv(path, usecols=columns, low_memory=False)[columns]
    if kind == "Parquet":
        return pd.read_parquet(path, columns=columns)
    return pd.read_json(path, lines=True)[columns]


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
