"""The files that say what a run shows: verdict, summary, figures and report."""

from dataclasses import replace
from pathlib import Path

from ablate.analysis.findings import Findings
from ablate.analysis.verdicts.answer import Verdict
from ablate.analysis.verdicts.verdict import verdict_of
from ablate.files import write_text
from ablate.report.figures.drawing import paper
from ablate.report.figures.drawing.style import picture, save
from ablate.report.figures.of_run import NAMES, draw, figures
from ablate.report.html.page import render
from ablate.report.neighbours import links
from ablate.report.read import read_run
from ablate.report.run_page import page_of
from ablate.report.summary_file import summary_markdown, verdict_table
from ablate.results import names
from ablate.results.csv import write_parquet, write_table
from ablate.results.names import (
    ANOVA,
    ARMS,
    HYPOTHESES,
    INDEX,
    MARKDOWN,
    REPORT,
    SUMMARY,
    VERDICT,
)
from ablate.search.explored import is_search, read_explored


def write_findings(
    folder: Path, index: Path | None = None, pdf: bool = False, place: Path | None = None
) -> tuple[Findings, Verdict]:
    """Write verdict, summary, figures and report of the run in a folder, and return what they say.

    Args:
        folder: of the run.
        index: the folder of an index that is, or will be, written; the page links to it, as it
            does to one that is there already.
        pdf: whether the figures are written as PDF too, for a printed column and for two.
        place: of a copy, where the run itself lies: its page is that of the run.

    Raises:
        InputError: a table is missing or not ours, or pypdf is missing for a PDF.
    """
    if pdf:
        paper.check_pypdf()
    found = read_run(folder)
    verdict = verdict_of(found)
    drawings = draw(figures(found, folder))
    if not (folder / names.PARQUET).exists():  # it is not published
        write_parquet(found.trials, folder / names.PARQUET)
    write_table(found.summary.table, folder / SUMMARY)
    write_table(verdict_table(found, verdict), folder / VERDICT)
    tables = ((found.hypotheses, HYPOTHESES), (found.anova, ANOVA), (found.arms, ARMS))
    for table, name in tables:
        if table.empty:
            (folder / name).unlink(missing_ok=True)
        else:
            write_table(table, folder / name)
    for drawing in drawings:
        save(drawing, folder)
    for name in set(NAMES) - {drawing.name for drawing in drawings}:  # of earlier tables
        for suffix in ("csv", "png", "svg"):
            (folder / f"{name}.{suffix}").unlink(missing_ok=True)
    for column in paper.COLUMNS:
        for old in folder.glob(f"*.{column}.pdf"):  # of earlier tables too
            old.unlink()
        if pdf:
            for drawing in draw(figures(found, folder, paper.sheet_of(column))):
                paper.save_pdf(drawing, folder, column)
    write_text(folder / MARKDOWN, summary_markdown(found, verdict))
    pictures = [picture(drawing, folder) for drawing in drawings]
    explored = read_explored(folder) if is_search(folder) else None
    lies = (place or folder).resolve()
    page = page_of(found, verdict, pictures, lies, explored)
    root = lies.parent.parent
    if (index is not None and index.resolve() == root) or (root / INDEX).exists():
        page = replace(page, links=links(lies, root))
    write_text(folder / REPORT, render(page))
    return found, verdict


def write_copy(copy: Path, place: Path) -> None:
    """Write in a copy of a run's folder what `write_findings` writes where the run lies."""
    write_findings(copy, place=place)
