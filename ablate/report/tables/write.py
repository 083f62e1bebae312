"""The files that say what a table with arms shows: verdict, summary, figures and page."""

from pathlib import Path

import pandas as pd

from ablate.analysis.verdicts.answer import Verdict
from ablate.errors import InputError
from ablate.files import replacing_folder, write_text
from ablate.report.figures.drawing.sheet import Sheet
from ablate.report.figures.drawing.style import picture, save
from ablate.report.html.page import render
from ablate.report.tables.arms_page import facts_of, page_of
from ablate.report.tables.kept import (
    ROWS,
    SOURCE,
    SPREAD,
    foreign,
    is_judged,
    keep,
    read_kept,
    replaced,
)
from ablate.report.tables.outcome import outcome_by_arm, outcome_by_budget, plain_text
from ablate.report.verdict_file import BETWEEN, one_row, prose
from ablate.results.csv import write_table
from ablate.results.names import HYPOTHESES, MARKDOWN, REPORT, SUMMARY, VERDICT
from ablate.tables.arms.compare import Judged, judge
from ablate.tables.arms.on_predictions import sentences
from ablate.tables.arms.spread import spread_of
from ablate.tables.arms.table import markdown_table
from ablate.tables.arms.words import question, verdict_of

FIGURES = {"outcome": True, "budget": False}  # whether there always is one


def check_free(folder: Path) -> None:
    """Raise `InputError` for a folder that holds something, unless `ablate judge` wrote it."""
    if folder.is_dir() and any(path.name[0] != "." for path in folder.iterdir()):
        try:
            others = foreign(folder, FIGURES) if is_judged(folder) else None
        except InputError as error:
            raise InputError(f"{error}; give another folder, --out DIR") from error
        if others is None:
            raise InputError(
                f"{folder}: holds files that are not of a table that was judged; give another "
                "folder, --out DIR"
            )
        if others:
            raise InputError(
                f"{folder}: holds {others[0]}, which is not of the table that was judged; move it, "
                "or give another folder, --out DIR"
            )
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; give another folder, --out DIR")


def write_judged(
    judged: Judged, folder: Path, rows: bool = True, spread: pd.DataFrame | None = None
) -> Verdict:
    """Write everything about a table with arms in a folder, and return the verdict.

    Args:
        judged: the table.
        folder: where the files go.
        rows: whether the table's rows are kept and shown; those of others are not ours to keep,
            and their quartiles take their place.
        spread: `spread_of` the rows, where they were not kept before; made of them if None.

    Raises:
        InputError: the folder holds something else, or what was judged of another table.
    """
    check_free(folder)
    replaced(judged.repeats, folder)
    figures = [f"{name}.{suffix}" for name in FIGURES for suffix in ("csv", "png", "svg")]
    with replacing_folder(folder, SOURCE, REPORT, [ROWS, SPREAD, HYPOTHESES, *figures]) as new:
        return _write(judged, new, rows, spread)


def _write(judged: Judged, folder: Path, rows: bool, spread: pd.DataFrame | None) -> Verdict:
    """Write everything in an empty folder."""
    verdict = verdict_of(judged)
    if spread is None and not rows:
        spread = spread_of(judged.repeats)
    whole = keep(judged.repeats, judged.asked, folder, spread)
    write_table(judged.table, folder / SUMMARY)
    write_table(_verdict_table(judged, verdict), folder / VERDICT)
    if not judged.hypotheses.empty:
        said = sentences(judged)
        table = judged.hypotheses.assign(
            sentence=[said[name] for name in judged.hypotheses["name"]]
        )
        write_table(table, folder / HYPOTHESES)
    write_text(folder / MARKDOWN, _markdown(judged, verdict))
    sheet = Sheet(subject=judged.repeats.title)
    made = [outcome_by_arm(judged, sheet, spread), outcome_by_budget(judged, sheet)]
    drawings = [drawing for drawing in made if drawing is not None]
    with plain_text():
        for drawing in drawings:
            save(drawing, folder)
    pictures = [picture(drawing, folder) for drawing in drawings]
    write_text(folder / REPORT, render(page_of(judged, verdict, pictures, whole, spread)))
    return verdict


def rewrite(folder: Path) -> Verdict:
    """Write all of it again from what was kept.

    Raises:
        InputError: it was not enough, or is not what was written.
    """
    kept = read_kept(folder)
    judged = judge(kept.repeats, kept.asked, arms=kept.arms)
    return write_judged(judged, folder, spread=kept.spread)


def _verdict_table(judged: Judged, verdict: Verdict) -> pd.DataFrame:
    return one_row(
        study=judged.repeats.study or Path(judged.repeats.file).stem,
        dataset=judged.repeats.outcome,
        question=question(judged),
        word=verdict.word,
        label=verdict.label,
        sentence=verdict.sentence,
        effect=verdict.effect,
        n=str(verdict.n),
        caveat=verdict.caveat,
        settle=verdict.settle,
        facts=BETWEEN.join(facts_of(judged)),
    )


def _markdown(judged: Judged, verdict: Verdict) -> str:
    parts = [
        f"# {prose(judged.repeats.title)}",
        prose(question(judged)),
        f"**{verdict.label}:** {prose(verdict.sentence)}",
        *map(prose, verdict.lines()[1:]),
        markdown_table(judged),
    ]
    said = sentences(judged)
    if said:
        rows = judged.hypotheses.to_dict("records")
        parts.append(
            "\n".join(
                f"- {prose(row['says'])} **{row['verdict']}:** {prose(said[row['name']])}"
                for row in rows
            )
        )
    facts = [*facts_of(judged), f"SHA-256 {judged.repeats.sha256}; see {SOURCE}"]
    parts.append("\n".join(f"- {prose(fact)}" for fact in facts) + "\n")
    return "\n\n".join(parts)
