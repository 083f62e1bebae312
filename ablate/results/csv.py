"""Tables as CSV and Parquet: written whole, read again without losing any of it."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pandas as pd

from ablate.errors import InputError, looks_like_formula
from ablate.files import aside, replacing
from ablate.results.schema import COLUMNS, CORRECT_COLUMNS, validate
from ablate.spec.choices import AXIS_PREFIX

OUTCOMES = (
    *("study", "dataset", "cell", "seed", "state", "epochs"),
    *("test_accuracy", "val_accuracy", "val_loss", "train_loss"),
)


def read_trials(path: Path) -> pd.DataFrame:
    """A trials table from its CSV, checked.

    Raises:
        InputError: no such file, not a CSV, or not our schema.
    """
    return validate(_read_trials(path, None), str(path))


def read_outcomes(path: Path) -> pd.DataFrame:
    """What the trials of a table came to, without its other columns; they are not checked.

    Raises:
        InputError: no such file, or not a CSV with these columns.
    """
    return _read_trials(path, OUTCOMES)


def _read_trials(path: Path, names: Collection[str] | None) -> pd.DataFrame:
    """The trials table in a CSV, or of its columns these and those of the axes."""
    try:
        header = pd.read_csv(path, nrows=0).columns
        axes = [name for name in header if name.startswith(AXIS_PREFIX)]
        dtypes = {column.name: column.dtype for column in COLUMNS} | dict.fromkeys(axes, "string")
        # Only an empty field is a missing value: an arm may be called "None".
        return pd.read_csv(
            path,
            dtype=dtypes,
            keep_default_na=False,
            na_values=[""],
            usecols=None if names is None else [*names, *axes],
        )
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such table") from error
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise InputError(f"{path}: not a trials table: {' '.join(str(error).split())}") from error


def read_table(path: Path) -> pd.DataFrame:
    """A table other than that of the trials: names stay text, and only an empty field is missing.

    An arm may be called "None".
    """
    text = dict.fromkeys(("key", "cell", "stage", "net", "correct"), "string")
    return pd.read_csv(path, dtype=text, keep_default_na=False, na_values=[""])


def read_correct(path: Path) -> pd.DataFrame | None:
    """Which test images each trial classified correctly; None where it was not recorded.

    Raises:
        InputError: not such a table.
    """
    if not path.exists():
        return None
    try:
        table = read_table(path)
        table = table.astype({"seed": "int64", "images": "int64"})
        table = table[list(CORRECT_COLUMNS)]
    except (ValueError, TypeError, OSError, KeyError) as error:
        expected = f"expected {', '.join(CORRECT_COLUMNS)}"
        line = " ".join(str(error).split())
        raise InputError(f"{path}: not a table of test images: {line}; {expected}") from error
    return table


def write_table(frame: pd.DataFrame, path: Path, digits: int | None = None) -> None:
    """Write a table as CSV, whole or not at all.

    Args:
        frame: the table.
        path: its file.
        digits: of its floats; all that they have if None. Nine hold a float32.
    """
    form = None if digits is None else f"%.{digits}g"
    with replacing(path) as temporary:
        inert(frame).to_csv(temporary, index=False, lineterminator="\n", float_format=form)


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as Parquet, whole or not at all."""
    with replacing(path) as temporary:
        inert(frame).to_parquet(temporary, index=False)


def inert(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with a `'` before each text that a spreadsheet would run as a formula."""
    safe = frame.rename(columns=_inert)
    for place, dtype in enumerate(safe.dtypes):
        if not pd.api.types.is_numeric_dtype(dtype):
            column = safe.columns[place]
            safe[column] = safe[column].map(_inert).astype(dtype)
    return safe


def _inert(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.replace("\r", " ")  # pandas would end the line there when it reads it again
    return f"'{text}" if looks_like_formula(text) else text


def keep_aside(path: Path, known: Callable[[pd.Series], bool]) -> Path | None:
    """Move a table away before it is overwritten, if it has a row that nothing else holds.

    Args:
        path: the table.
        known: whether a row will be in the table that replaces it.

    Returns:
        Where it went, or None where nothing would have been lost.
    """
    if not path.exists():
        return None
    frame = read_trials(path)
    if all(known(row) for _, row in frame.iterrows()):
        return None
    stamp = str(frame["finished"].max()).replace(":", "").replace("-", "")[:15]
    kept = aside(path, stamp)
    path.rename(kept)
    return kept
