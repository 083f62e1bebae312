"""The files that say what a run shows: summary, verdicts, figures and report."""

from pathlib import Path

import pandas as pd

from ablate import plot_throughput, record, wording
from ablate.explored import is_search, read_explored
from ablate.figures import NAMES, draw_all, draw_sampled
from ablate.findings import Findings, find
from ablate.page import render
from ablate.plot_front import front_against_cost, hypervolume_by_budget
from ablate.plot_style import picture, save
from ablate.report_page import page_of

SUMMARY, HYPOTHESES, ANOVA, ARMS = "summary.csv", "hypotheses.csv", "anova.csv", "arms.csv"
REPORT, MARKDOWN = "report.html", "summary.md"


def write_findings(folder: Path) -> Findings:
    """Write summary, verdicts, figures and report of the run in a folder, and return them."""
    found = find(folder)
    stages = record.read_plain(folder / record.STAGES)
    epochs = record.read_plain(folder / record.EPOCHS)
    if found.arms.empty:
        drawings = draw_all(
            found.trials, found.summary, stages, epochs, found.mechanism, found.fits, found.tried
        )
    else:
        drawings = draw_sampled(found.trials, found.summary, stages, epochs, found.mechanism)
    explored = read_explored(folder) if is_search(folder) else None
    if explored is not None:
        front = front_against_cost(explored, found.trials)
        drawings = [front, hypervolume_by_budget(explored), *drawings]
    record.write(found.summary, folder / SUMMARY)
    tables = ((found.hypotheses, HYPOTHESES), (found.anova, ANOVA), (found.arms, ARMS))
    for table, name in tables:
        if table.empty:
            (folder / name).unlink(missing_ok=True)
        else:
            record.write(table, folder / name)
    for drawing in drawings:
        save(drawing, folder)
    for name in set(NAMES) - {drawing.name for drawing in drawings}:  # of earlier tables
        for suffix in ("csv", "png", "svg"):
            (folder / f"{name}.{suffix}").unlink(missing_ok=True)
    write_text(folder / MARKDOWN, summary_markdown(found))
    pictures = [picture(drawing, folder) for drawing in drawings]
    write_text(folder / REPORT, render(page_of(found, pictures, explored)))
    return found


def write_sweep(folder: Path, table: pd.DataFrame) -> None:
    """Write `throughput.csv`, and the figure of it."""
    save(plot_throughput.throughput_by_batch(table), folder)


def summary_markdown(found: Findings) -> str:
    """The findings as Markdown, for a pull request."""
    first = found.trials.iloc[0]
    parts = [
        f"# {first['study']} on {first['dataset']}",
        found.file.question,
        found.answer,
        wording.markdown_table(found.summary),
    ]
    if not found.hypotheses.empty:
        parts.append(wording.markdown_hypotheses(found.hypotheses))
    parts.append(
        f"Trained and timed on {first['device']}; "
        f"{first['epochs']} epochs, batch {first['batch']}.\n"
    )
    return "\n\n".join(parts)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with record.replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
