"""`verdict.csv`, one row: the answer of a run, a comparison or a table, as the index reads it."""

import html
import re
from pathlib import Path

import pandas as pd

from ablate.errors import InputError, looks_like_formula
from ablate.results.csv import read_table
from ablate.results.names import VERDICT

COLUMNS = (  # of verdict.csv, which has one row
    *("study", "dataset", "question", "word", "label", "sentence", "effect", "n"),
    *("caveat", "settle", "facts"),
)
BETWEEN = " | "  # facts


def one_row(**values: str) -> pd.DataFrame:
    """A table of one row with `COLUMNS`, empty where no value is given."""
    assert set(values) <= set(COLUMNS)
    return pd.DataFrame([{name: values.get(name, "") for name in COLUMNS}])


def read_verdict(folder: Path) -> dict[str, str]:
    """What the run in a folder has said, with `COLUMNS`.

    Raises:
        InputError: it has said nothing yet, or what is there is not such a table.
    """
    path = folder / VERDICT
    try:
        table = read_table(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read; ablate report {folder} makes it anew") from error
    if tuple(table.columns) != COLUMNS or len(table) != 1:
        raise InputError(f"{path}: not a verdict; ablate report {folder} makes it anew")
    row = table.iloc[0]
    said = {name: "" if pd.isna(row[name]) else _as_written(str(row[name])) for name in COLUMNS}
    if said["word"] not in ("yes", "no", "open"):
        raise InputError(f"{path}: word = {said['word']!r}: expected yes, no or open")
    return said


def _as_written(text: str) -> str:
    """A cell without the mark that keeps a spreadsheet from running it."""
    return text[1:] if text.startswith("'") and looks_like_formula(text[1:]) else text


def prose(text: str) -> str:
    """Text as Markdown that reads as it is: nothing in it is markup."""
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", html.escape(text, quote=False))
