"""The files that say what a table of many networks shows."""

from pathlib import Path

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.verdicts.verdict import Verdict
from ablate.files import write_text
from ablate.report.figures.drawing.sheet import Sheet
from ablate.report.figures.drawing.style import picture, save
from ablate.report.html.page import render
from ablate.report.summary_file import BETWEEN, one_row, prose
from ablate.report.tables.shapes_figure import growth_at_budgets
from ablate.report.tables.shapes_page import page_of
from ablate.results import names
from ablate.results.csv import write_table
from ablate.tables.file import TableFile
from ablate.tables.rows import Rows
from ablate.tables.shape_verdict import judge, meant, verdict_of
from ablate.tables.shapes import Shapes, find_shapes


def write_shapes(
    folder: Path, name: str, file: TableFile, text: str, rows: Rows, near: Rows
) -> Verdict:
    """Judge a table of many networks, write what it shows, and return the answer.

    Args:
        folder: where the files go.
        name: of the study; `text`, all of its file.
        file: the study file.
        rows: that are meant; `near`, those of which bins are made.
    """
    shapes = find_shapes(file, rows, near)
    judged = judge(file, rows, shapes)
    verdict = verdict_of(file, rows, shapes, judged)
    source = pd.DataFrame(
        [
            {
                "file": rows.source.path.name,
                "sha256": rows.source.sha256,
                "rows": len(rows.source.frame),
                "meant": rows.meant,
                "failed": rows.failed,
            }
        ]
    )
    assert file.match is not None
    asked = float(shapes.best["growth"].iloc[0])
    drawing = growth_at_budgets(
        shapes,
        meant(file.match.budget),
        _axis(file),
        asked,
        Sheet(subject=f"{name}: {rows.source.path.stem}"),
    )
    folder.mkdir(parents=True, exist_ok=True)
    for table, path in (
        (source, names.SOURCE),
        (shapes.fits, "fits.csv"),
        (shapes.best, "best.csv"),
        (shapes.contrasts, "contrasts.csv"),
        (shapes.standing, "standing.csv"),
        (judged, names.HYPOTHESES),
        (_verdict_table(name, rows, file, verdict, judged), names.VERDICT),
    ):
        write_table(table, folder / path)
    write_text(folder / names.STUDY, text)
    save(drawing, folder)
    write_text(folder / names.MARKDOWN, _markdown(name, file, rows, shapes, verdict))
    page = page_of(name, file, source, shapes, judged, verdict, [picture(drawing, folder)])
    write_text(folder / names.REPORT, render(page))
    return verdict


def _axis(file: TableFile) -> str:
    """What the outcomes are, for an axis."""
    unit = file.columns.unit
    if unit in ("higher", "lower"):
        return f"Outcome ({unit} is better)"
    return f"{unit.removesuffix(' %').capitalize()} (%)"


def _facts(rows: Rows, judged: pd.DataFrame) -> list[str]:
    facts = [f"{wording.plural(len(rows.outcomes), 'network')}, each trained once"]
    if rows.failed:
        facts.append(f"{rows.failed} more failed")
    if not judged.empty:
        counts = judged["verdict"].value_counts()
        each = ", ".join(f"{counts[name]} {name}" for name in sorted(counts.index))
        facts.append(f"predictions: {each}")
    return [*facts, f"table of SHA-256 {rows.source.sha256[:12]}"]


def _verdict_table(
    name: str, rows: Rows, file: TableFile, verdict: Verdict, judged: pd.DataFrame
) -> pd.DataFrame:
    return one_row(
        study=name,
        dataset=rows.source.path.stem,
        question=" ".join(file.question.split()),
        word=verdict.word,
        label=verdict.label,
        sentence=verdict.sentence,
        effect=verdict.effect,
        n=str(verdict.n),
        caveat=verdict.caveat,
        settle=verdict.settle,
        facts=BETWEEN.join(_facts(rows, judged)),
    )


def _markdown(name: str, file: TableFile, rows: Rows, shapes: Shapes, verdict: Verdict) -> str:
    """Question, verdict and the best growths as Markdown."""
    lines = ["| outcome | budget | best growth [95% interval] |", "| :-- | --: | --: |"]
    lines += [
        f"| {row['outcome']} | {wording.si(row['at'])} | "
        f"{wording.interval_text(row['best'], row['low'], row['high'], '.2f')} |"
        for row in shapes.best.to_dict("records")
    ]
    parts = [
        f"# {name} on {rows.source.path.name}",
        prose(" ".join(file.question.split())),
        f"**{verdict.label}:** {prose(verdict.sentence)}",
        *map(prose, verdict.lines()[1:]),
        "\n".join(lines),
        f"Measured by: {prose(file.source.cite or 'not said')}. Intervals are over networks, not "
        "over seeds.\n",
    ]
    return "\n\n".join(parts)
