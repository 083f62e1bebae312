"""The files that say what a table of run times shows."""

from pathlib import Path

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.verdicts.verdict import Verdict
from ablate.files import write_text
from ablate.report.figures.drawing.sheet import Sheet
from ablate.report.figures.drawing.style import picture, save
from ablate.report.html.page import render
from ablate.report.summary_file import BETWEEN, one_row, prose
from ablate.report.tables.power_figure import growth_by_group
from ablate.report.tables.power_page import page_of
from ablate.results import names
from ablate.results.csv import write_table
from ablate.tables.file import TableFile
from ablate.tables.power import Powers, find_powers
from ablate.tables.power_verdict import judge, verdict_of
from ablate.tables.rows import Rows

POWERS = "powers.csv"
DIGITS = 9  # of the numbers: more are noise of the machine


def write_powers(folder: Path, name: str, file: TableFile, text: str, rows: Rows) -> Verdict:
    """Fit a table of run times, write what it shows, and return the answer.

    Args:
        folder: where the files go.
        name: of the study; `text`, all of its file.
        file: the study file, with `power`.
        rows: that are meant.
    """
    assert file.power is not None
    powers = find_powers(file, rows)
    judged = judge(file, powers)
    verdict = verdict_of(file, powers, judged)
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
    subject = Sheet(subject=f"{name}: {rows.source.path.stem}")
    drawing = growth_by_group(powers, file.power, subject)
    folder.mkdir(parents=True, exist_ok=True)
    for table, path in (
        (source, names.SOURCE),
        (powers.table, POWERS),
        (judged, names.HYPOTHESES),
        (_verdict_table(name, rows, file, verdict, judged), names.VERDICT),
    ):
        write_table(table, folder / path, DIGITS)
    write_text(folder / names.STUDY, text)
    save(drawing, folder)
    write_text(folder / names.MARKDOWN, _markdown(name, file, rows, powers, verdict))
    page = page_of(name, file, source, powers, judged, verdict, [picture(drawing, folder)])
    write_text(folder / names.REPORT, render(page))
    return verdict


def _facts(rows: Rows, judged: pd.DataFrame) -> list[str]:
    facts = [f"{rows.arm.nunique()} networks, timed {len(rows.arm)} times"]
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


def _markdown(name: str, file: TableFile, rows: Rows, powers: Powers, verdict: Verdict) -> str:
    """Question, verdict and the growths as Markdown."""
    lines = [
        "| group | growth by a power law [95% interval] | by a sum of terms |",
        "| :-- | --: | --: |",
    ]
    lines += [
        f"| {prose(row['group'] or 'all rows')} | "
        f"{wording.interval_text(row['growth'], row['low'], row['high'], '.2f')} | "
        f"{wording.interval_text(row['sum_growth'], row['sum_low'], row['sum_high'], '.2f')} |"
        for row in powers.table.to_dict("records")
    ]
    parts = [
        f"# {name} on {rows.source.path.name}",
        prose(" ".join(file.question.split())),
        f"**{verdict.label}:** {prose(verdict.sentence)}",
        *map(prose, verdict.lines()[1:]),
        "\n".join(lines),
        f"Measured by: {prose(file.source.cite or 'not said')}. Intervals are over networks.\n",
    ]
    return "\n\n".join(parts)
