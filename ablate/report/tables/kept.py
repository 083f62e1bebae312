"""What is kept of a table with arms beside its verdict: what was asked, and its rows.

Of rows that are not ours to keep what is known of each arm is kept in their place.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ablate.errors import InputError, looks_like_formula
from ablate.files import write_text
from ablate.results.csv import write_table
from ablate.results.names import HYPOTHESES, JUDGED, MARKDOWN, REPORT, SUMMARY, VERDICT
from ablate.tables.arms.compare import ALONE, Asked
from ablate.tables.arms.repeats import ARM, BUDGET, OUTCOME, SEED, Known, Repeats, checked
from ablate.tables.arms.spread import PERCENTILES
from ablate.tables.file import TableHypothesis
from ablate.tables.source import numbers, read_source

ROWS, SPREAD, SOURCE = "rows.csv", "spread.csv", JUDGED
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
    own |= {ROWS} if about.get("rows_kept") else {SPREAD}
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


def keep(repeats: Repeats, asked: Asked, folder: Path, spread: pd.DataFrame | None = None) -> bool:
    """Write what was asked, and the rows or what there is of them; whether it is the rows.

    Args:
        repeats: the rows.
        asked: of them.
        folder: where the files go.
        spread: what is kept in place of the rows; else they are, if they are few enough.
    """
    whole = spread is None and len(repeats.frame) <= MOST_KEPT
    enough = spread is not None and not asked.paired  # to compare arms again, which pairs need
    about = {
        "kind": KIND,
        "file": repeats.file,
        "sha256": repeats.sha256,
        "rows": repeats.rows,
        "rows_kept": len(repeats.frame) if whole else 0,
        **({"known": dataclasses.asdict(repeats.about)} if enough else {}),
        **({"study": repeats.study} if repeats.study else {}),
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
    if spread is not None:
        write_table(spread, folder / SPREAD)
    return whole


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What was kept of a table with arms.

    Args:
        repeats: its rows; none where the next two are there.
        asked: of them.
        arms: what is known of each arm alone, in the table's order, and `spread`, where its rows
            lie.
    """

    repeats: Repeats
    asked: Asked
    arms: pd.DataFrame | None = None
    spread: pd.DataFrame | None = None


def read_kept(folder: Path) -> Kept:
    """What was kept.

    Raises:
        InputError: neither rows were kept nor what is known of them, or what is there is not ours.
    """
    about = _content(folder)
    path = folder / SOURCE
    try:
        known = Known(**about["known"]) if "known" in about else None
        if not about["rows_kept"] and known is None:
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
            frame=_rows(folder, columns) if known is None else _no_rows(columns),
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
            study=about.get("study", ""),
            known=known,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not as ablate writes it: {error}") from error
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not as ablate writes it") from error
    if known is not None:
        return Kept(repeats=repeats, asked=asked, **_arms(folder, known))
    if len(repeats.frame) != about["rows_kept"]:
        raise InputError(
            f"{folder / ROWS}: {len(repeats.frame):,} rows; expected {about['rows_kept']:,}, as "
            f"{SOURCE} says"
        )
    return Kept(repeats=checked(repeats, str(folder / ROWS)), asked=asked)


def _no_rows(columns: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(columns=[name for name in (ARM, SEED, OUTCOME, BUDGET) if name in columns])


def _arms(folder: Path, known: Known) -> dict[str, pd.DataFrame]:
    """What is known of each arm alone, and where its rows lie, in the table's order."""
    try:
        spread, summary = (
            pd.read_csv(
                folder / name,
                dtype={"arm": "str"},
                keep_default_na=False,
                na_values=[""],
            )
            for name in (SPREAD, SUMMARY)
        )
        for table in (spread, summary):
            table["arm"] = [as_it_was(arm) for arm in table["arm"]]
        arms = spread[["arm"]].merge(summary[list(ALONE)], on="arm", validate="one_to_one")
        spread[list(PERCENTILES)].astype(float)
        arms[list(ALONE[1:])].astype(float)
    except (OSError, ValueError, KeyError) as error:
        line = " ".join(str(error).split())
        raise InputError(f"{folder}: {SUMMARY} and {SPREAD} cannot be read: {line}") from error
    outside = (arms["mean"] < arms["low"]) | (arms["mean"] > arms["high"])
    if outside.any():
        raise InputError(
            f"{folder / SUMMARY}: {arms['arm'][outside].iloc[0]!r} has its mean outside of its "
            "interval; not as ablate writes it"
        )
    if len(arms) != len(spread) or len(arms) != len(summary) or arms["n"].sum() != known.n:
        raise InputError(
            f"{folder}: {SUMMARY} and {SPREAD} are not of the same arms, with {known.n:,} rows in "
            f"all, as {SOURCE} says"
        )
    return {"arms": arms, "spread": spread}


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
