"""What is kept of a table with arms beside its verdict: its rows, and what was asked of them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ablate.errors import InputError, looks_like_formula
from ablate.files import write_text
from ablate.results.csv import write_table
from ablate.results.names import HYPOTHESES, MARKDOWN, REPORT, SUMMARY, VERDICT
from ablate.tables.arms.compare import Asked
from ablate.tables.arms.repeats import ARM, BUDGET, OUTCOME, SEED, Repeats, checked
from ablate.tables.file import TableHypothesis
from ablate.tables.source import numbers, read_source

ROWS, SOURCE = "rows.csv", "source.json"
MOST_KEPT = 100_000  # rows
KIND = "table judged by ablate"


def is_judged(folder: Path) -> bool:
    """Whether a folder holds what `ablate judge` writes.

    Raises:
        InputError: its `SOURCE` is there, and cannot be read.
    """
    return (folder / SOURCE).exists() and _content(folder).get("kind") == KIND


def foreign(folder: Path, figures: Mapping[str, bool]) -> list[str]:
    """The names in a folder that `ablate judge` wrote which are not of its making.

    Args:
        folder: with `SOURCE`.
        figures: names of figures, and whether there is one of the table without a budget too.
    """
    about = _content(folder)
    asked, columns = about.get("asked"), about.get("columns")
    budget = isinstance(columns, dict) and BUDGET in columns
    own = {SOURCE, SUMMARY, VERDICT, MARKDOWN, REPORT}
    own |= {ROWS} if about.get("rows_kept") else set()
    own |= {HYPOTHESES} if isinstance(asked, dict) and asked.get("hypotheses") else set()
    for name, always in figures.items():
        own |= {f"{name}.{suffix}" for suffix in ("csv", "png", "svg") if always or budget}
    return sorted(
        path.name for path in folder.iterdir() if path.name not in own and path.name[0] != "."
    )


def replaced(repeats: Repeats, folder: Path) -> str:
    """What becomes of an earlier verdict in the folder, in words; empty where nothing is lost.

    Raises:
        InputError: it is of another table.
    """
    if not is_judged(folder):
        return ""
    about = _content(folder)
    if about.get("sha256") == repeats.sha256:
        return ""
    columns = about.get("columns")
    before = {key: columns.get(key) for key in (ARM, OUTCOME)} if isinstance(columns, dict) else {}
    if about.get("file") != repeats.file or any(
        repeats.columns[key] != name for key, name in before.items()
    ):
        raise InputError(
            f"{folder}: holds what was judged of another table, {about.get('file')} with arm "
            f"{before.get(ARM)} and outcome {before.get(OUTCOME)}; give another folder, --out DIR"
        )
    return f"{folder}: replaces what was judged of an earlier {repeats.file}"


def keep(repeats: Repeats, asked: Asked, folder: Path, rows: bool = True) -> bool:
    """Write what was asked, and the rows if they are wanted and few enough; whether they are."""
    whole = rows and len(repeats.frame) <= MOST_KEPT
    about = {
        "kind": KIND,
        "file": repeats.file,
        "sha256": repeats.sha256,
        "rows": repeats.rows,
        "rows_kept": len(repeats.frame) if whole else 0,
        "columns": dict(repeats.columns),
        "better": repeats.better,
        "points": repeats.points,
        "why": repeats.why,
        "left_out": repeats.left_out,
        "failed": repeats.failed,
        "where": repeats.where,
        "options": list(repeats.options),
        "cite": repeats.cite,
        "licence": repeats.licence,
        "asked": {
            "question": asked.question,
            "baseline": asked.baseline,
            "margin": asked.margin,
            "paired": asked.paired,
            "hypotheses": {
                name: one.model_dump(exclude_none=True) for name, one in asked.hypotheses.items()
            },
        },
    }
    write_text(folder / SOURCE, json.dumps(about, indent=2, ensure_ascii=False) + "\n")
    if whole:
        write_table(repeats.frame, folder / ROWS)
    return whole


def read_kept(folder: Path) -> tuple[Repeats, Asked]:
    """The rows and what was asked of them.

    Raises:
        InputError: no rows were kept, or what is there is not ours.
    """
    about = _content(folder)
    path = folder / SOURCE
    try:
        if not about["rows_kept"]:
            raise InputError(
                f"{folder}: keeps no rows, of a table of {about['rows']:,}; judge "
                f"{about['file']} again"
            )
        wanted = about["asked"]
        asked = Asked(
            question=wanted["question"],
            baseline=wanted["baseline"],
            margin=wanted["margin"],
            paired=wanted["paired"],
            hypotheses={
                name: TableHypothesis.model_validate(one)
                for name, one in wanted["hypotheses"].items()
            },
        )
        columns: dict[str, str] = about["columns"]
        repeats = Repeats(
            frame=_rows(folder, columns),
            columns=columns,
            better=about["better"],
            points=about["points"],
            why=about["why"],
            file=about["file"],
            sha256=about["sha256"],
            rows=about["rows"],
            left_out=about["left_out"],
            failed=about["failed"],
            where=about["where"],
            options=tuple(map(str, about["options"])),
            cite=about["cite"],
            licence=about["licence"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not as ablate writes it: {error}") from error
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not as ablate writes it") from error
    if len(repeats.frame) != about["rows_kept"]:
        raise InputError(
            f"{folder / ROWS}: {len(repeats.frame):,} rows; expected {about['rows_kept']:,}, as "
            f"{SOURCE} says"
        )
    return checked(repeats, str(folder / ROWS)), asked


def _rows(folder: Path, columns: dict[str, str]) -> pd.DataFrame:
    known = [name for name in (ARM, SEED, OUTCOME, BUDGET) if name in columns]
    source = read_source(folder / ROWS, known, text=[ARM, SEED])
    frame = source.frame
    frame[ARM] = [as_it_was(arm) for arm in frame[ARM]]
    for name in (OUTCOME, BUDGET):
        if name in frame:
            frame[name] = numbers(source, name)
    return frame


def as_it_was(arm: str) -> str:
    """A name without the mark that keeps a spreadsheet from running it."""
    return arm[1:] if arm.startswith("'") and looks_like_formula(arm[1:]) else arm


def _content(folder: Path) -> dict[str, Any]:
    path = folder / SOURCE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: not as ablate writes it")
    return found
