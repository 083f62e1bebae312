"""The page of a table with arms: answer, figure, predictions, every number, what was read."""

import shlex
from collections.abc import Sequence

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.verdicts.answer import Verdict
from ablate.report.html.page import Answer, Page, Picture, Section, Statement, Table
from ablate.report.tables.kept import MOST_KEPT, ROWS, SOURCE, SPREAD
from ablate.results.names import SUMMARY
from ablate.tables.arms.compare import Judged
from ablate.tables.arms.on_predictions import sentences
from ablate.tables.arms.table import display, legend
from ablate.tables.arms.words import question


def page_of(
    judged: Judged,
    verdict: Verdict,
    pictures: Sequence[Picture],
    whole: bool,
    spread: pd.DataFrame | None = None,
) -> Page:
    """The page.

    Args:
        judged: what the table says.
        verdict: on it.
        pictures: its figures, in reading order; the first shows the answer.
        whole: whether the rows were kept.
        spread: what is kept of them instead, `spread_of`.
    """
    repeats = judged.repeats
    arms = Table(
        caption=f"{repeats.outcome} of each arm",
        frame=display(judged, full=True),
        note=". ".join(legend(judged)) + ".",
    )
    sections = [
        *_predictions(judged, verdict),
        Section(heading="The arms", anchor="arms", tables=(arms,)),
        *(
            [Section(heading="Figures", anchor="figures", pictures=tuple(pictures[1:]))]
            if len(pictures) > 1
            else []
        ),
        _read(judged, _kept(judged, whole, spread)),
        *(
            [Section(heading="Reproduce", anchor="reproduce", code=command(judged))]
            if repeats.options or repeats.study
            else []
        ),
        Section(
            heading="Cite",
            anchor="cite",
            paragraphs=(
                "Cite whoever measured the table; ablate only compared its rows.",
                *([f"Measured by: {repeats.cite}."] if repeats.cite else []),
                *([f"Licence of the table: {repeats.licence}."] if repeats.licence else []),
                "Which table it was:",
            ),
            code=f"{repeats.file}, {repeats.rows:,} rows, SHA-256 {repeats.sha256}",
        ),
    ]
    return Page(
        title=repeats.title,
        question=question(judged),
        answer=Answer(
            word=verdict.word,
            label=verdict.label,
            sentence=verdict.sentence,
            numbers=verdict.numbers,
            caveat=verdict.caveat,
            settle=verdict.settle,
            picture=pictures[0] if pictures else None,
        ),
        sections=tuple(sections),
        footer=f"Made by ablate from {ROWS} and {SOURCE} alone."
        if whole
        else f"Made by ablate from {repeats.file}, which is not part of it.",
    )


def facts_of(judged: Judged) -> list[str]:
    """How much was read, and how it was taken; a few words each."""
    repeats = judged.repeats
    counts = [
        wording.plural(len(judged.table), "arm"),
        f"{repeats.about.n:,} of {repeats.rows:,} rows",
        *([f"{repeats.failed:,} of them failed"] if repeats.failed else []),
    ]
    margin = f"{judged.margin:g}{repeats.unit}" if judged.margin else "none"
    other = repeats.key("--baseline ARM", 'baseline = "ARM"')
    chosen = "" if judged.asked.baseline else f" (the arm with the most rows; {other})"
    return [
        ", ".join(counts),
        f"baseline {judged.baseline}{chosen}",
        repeats.why,
        f"margin of equality {margin}",
    ]


def command(judged: Judged) -> str:
    """The command that says the same of the same table."""
    repeats, asked = judged.repeats, judged.asked
    if repeats.study:
        return shlex.join(["ablate", "run", "--study", repeats.study, "--table", repeats.file])
    words = ["ablate", "judge", repeats.file, *repeats.options]
    if asked.baseline is not None:
        words += ["--baseline", asked.baseline]
    if asked.margin is not None:
        words += ["--margin", f"{asked.margin:g}"]
    if asked.paired:
        words.append("--paired")
    for one in asked.hypotheses.values():
        first, second = one.higher or one.equal or ("", "")
        words += ["--expect", f'"{first}" {">" if one.higher else "="} "{second}"']
    return shlex.join(words)


def _predictions(judged: Judged, verdict: Verdict) -> list[Section]:
    said = sentences(judged)
    statements = tuple(
        Statement(
            mark=one.mark,
            text=judged.asked.hypotheses[one.name].says,
            sentence=one.sentence,
            numbers=said[one.name],
        )
        for one in verdict.predictions
    )
    if not statements:
        return []
    return [Section(heading="What was expected", anchor="predictions", statements=statements)]


def _kept(judged: Judged, whole: bool, spread: pd.DataFrame | None) -> str:
    """What is kept of the rows, and what for."""
    if whole:
        return f"The rows are kept in {ROWS}, so that `ablate report` makes this page again."
    if spread is None:
        return f"The rows are more than {MOST_KEPT:,}, so they are not kept beside this page."
    if judged.asked.paired:
        return "The rows are others', and are not kept beside this page."
    return (
        f"The rows are others', and are not kept: what is known of each arm is, in {SUMMARY} and "
        f"{SPREAD}, so that `ablate report` makes this page again."
    )


def _read(judged: Judged, kept: str) -> Section:
    """Which table it was, and how it was taken."""
    repeats = judged.repeats
    columns = "; ".join(f"{key}: {name}" for key, name in repeats.columns.items())
    rows = [
        ("file", repeats.file),
        ("SHA-256", repeats.sha256),
        ("rows", f"{repeats.rows:,}, of which {repeats.left_out:,} are left out"),
        ("rows that are meant", repeats.where or "all"),
        ("failed", f"{repeats.failed:,}"),
        ("columns", columns),
        ("unit", repeats.why),
        ("margin of equality", f"{judged.margin:g}{repeats.unit}" if judged.margin else "none"),
        ("arms", "paired by the seed" if judged.asked.paired else "unpaired"),
        ("baseline", judged.baseline + ("" if judged.asked.baseline else ", as it has most rows")),
    ]
    table = Table(caption="The table", frame=pd.DataFrame(rows, columns=["of the table", "it is"]))
    return Section(heading="What was read", anchor="read", paragraphs=(kept,), tables=(table,))
