"""The files that say what a run shows: summary, verdicts, figures and report."""

from pathlib import Path

from ablate.analysis.findings import Findings, find
from ablate.files import write_text
from ablate.report.figures import paper
from ablate.report.figures.of_run import NAMES, draw, figures
from ablate.report.figures.style import picture, save
from ablate.report.html.page import render
from ablate.report.run_page import page_of
from ablate.report.summary_file import summary_markdown
from ablate.results import names
from ablate.results.csv import write_parquet, write_table
from ablate.results.names import ANOVA, ARMS, HYPOTHESES, MARKDOWN, REPORT, SUMMARY
from ablate.search.explored import is_search, read_explored


def write_findings(folder: Path, pdf: bool = False) -> Findings:
    """Write summary, verdicts, figures and report of the run in a folder, and return them.

    Args:
        folder: of the run.
        pdf: whether the figures are written as PDF too, for a printed column and for two.

    Raises:
        InputError: a table is missing or not ours, or pypdf is missing for a PDF.
    """
    if pdf:
        paper.check_pypdf()
    found = find(folder)
    drawings = draw(figures(found, folder))
    if not (folder / names.PARQUET).exists():  # it is not published
        write_parquet(found.trials, folder / names.PARQUET)
    write_table(found.summary.table, folder / SUMMARY)
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
    write_text(folder / MARKDOWN, summary_markdown(found))
    pictures = [picture(drawing, folder) for drawing in drawings]
    explored = read_explored(folder) if is_search(folder) else None
    write_text(folder / REPORT, render(page_of(found, pictures, explored)))
    return found
