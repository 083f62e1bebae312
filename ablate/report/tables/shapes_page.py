"""The page of a table of many networks: answer, predictions, growths, the check without a model."""

import shlex
from collections.abc import Sequence
from typing import Any

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.verdicts.answer import Verdict
from ablate.report.html.page import Answer, Page, Picture, Section, Statement, Table
from ablate.tables.file import TableFile
from ablate.tables.shape_verdict import called, meant
from ablate.tables.shapes import Shapes

OVER = (
    "The intervals are over networks: what others, drawn as these were, would have given. Each "
    "network was trained once, so nothing is said of seeds; the deviation of single networks about "
    "the surface holds the noise of seeds and whatever the surface misses."
)


def page_of(
    name: str,
    file: TableFile,
    source: pd.DataFrame,
    shapes: Shapes,
    judged: pd.DataFrame,
    verdict: Verdict,
    pictures: Sequence[Picture],
) -> Page:
    """The page of a study of kind `table` whose rows are networks.

    Args:
        name: of the study.
        file: its file.
        source: one row: what was read.
        shapes: what it shows; `judged` and `verdict`, what follows.
        pictures: its figures; the first shows the answer.
    """
    unit = (
        "points" if "%" in file.columns.unit or file.columns.unit in ("accuracy", "error") else ""
    )
    assert file.match is not None
    sections = [
        _predictions(judged, verdict),
        _best(shapes, meant(file.match.budget), unit),
        _contrasts(shapes, meant(file.match.budget), unit, file),
        *_standing(shapes, file),
        _fits(shapes, unit),
        source_section(file, source),
        Section(heading="Reproduce", anchor="reproduce", code=command(name, file)),
    ]
    return Page(
        title=f"{name}: {source.iloc[0]['file']}",
        question=file.question,
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
        footer="Made by ablate from the table that is named above, which is not part of it.",
    )


def command(name: str, file: TableFile) -> str:
    """The command that judges the table again."""
    return shlex.join(["ablate", "run", "--study", name, "--table", file.source.file])


def _predictions(judged: pd.DataFrame, verdict: Verdict) -> Section:
    rows = {row["name"]: row for row in judged.to_dict("records")}
    return Section(
        heading="What was predicted",
        anchor="predictions",
        statements=tuple(
            Statement(
                mark=said.mark,
                text=rows[said.name]["says"],
                sentence=said.sentence,
                numbers=_counts(rows[said.name]),
            )
            for said in verdict.predictions
        ),
    )


def _counts(row: dict[Any, Any]) -> str:
    every = row["outcomes"] * row["budgets"]
    return (
        f"Of {every} outcomes and budgets, {row['held']} speak for it and {row['against']} against "
        f"it; n = {row['n']} networks."
    )


def _best(shapes: Shapes, budget: str, unit: str) -> Section:
    frame = pd.DataFrame(
        [
            {
                "outcome": row["outcome"],
                budget: wording.si(row["at"]),
                "best growth": wording.interval_text(row["best"], row["low"], row["high"], ".2f"),
                "networks lie around": f"{row['least']:.2f} to {row['most']:.2f}",
                "at an end": "yes" if row["edge"] else "no",
                f"given away at {row['growth']:g}": _limits(row, "lost", "lost_low", "lost_high"),
            }
            for row in shapes.best.to_dict("records")
        ]
    )
    table = Table(
        caption=f"The best growth at equal {budget}, with 95% intervals",
        frame=frame,
        note=f"Given away: {unit or 'in the unit of the outcome'}, against the best growth at that "
        "budget. Where the best is at an end, networks of more growth may be better still.",
    )
    return Section(heading="The best growth", anchor="best", paragraphs=(OVER,), tables=(table,))


def _limits(row: dict[Any, Any], mean: str, low: str, high: str, form: str = ".2f") -> str:
    if pd.isna(row[mean]):
        return "-"
    return wording.interval_text(row[mean], row[low], row[high], form)


def _contrasts(shapes: Shapes, budget: str, unit: str, file: TableFile) -> Section:
    rows = []
    for row in shapes.contrasts.to_dict("records"):
        rows.append(
            {
                "difference": f"{called(row['first'])} minus {called(row['second'])}",
                "outcome": row["outcome"],
                budget: wording.si(row["at"]),
                "by the surface": _limits(row, "estimate", "low", "high", "+z.2f"),
                "without a model": _limits(row, "bin_estimate", "bin_low", "bin_high", "+z.2f"),
                "networks": f"{row['n_first']:.0f} and {row['n_second']:.0f}",
                "at growths": "-"
                if pd.isna(row["bin_first"])
                else f"{row['bin_first']:.2f}, {row['bin_second']:.2f}",
                "surface there": _limits(row, "line_estimate", "line_low", "line_high", "+z.2f"),
                "agree": "-" if pd.isna(row["agrees"]) else ("yes" if row["agrees"] else "no"),
            }
        )
    assert file.match is not None
    table = Table(
        caption=f"Two growths at equal {budget}{f', {unit}' if unit else ''}",
        frame=pd.DataFrame(rows),
        note="By the surface: 95% intervals that hold together for all of this table. Without a "
        f"model: networks within {file.match.tolerance:.0%} of the budget and near each growth, "
        "those included that are not quite of the shape that is meant; Welch's 95% interval. "
        "Their mean growths are not quite those that are asked about, so the surface is read "
        "there too, and the two agree where their intervals meet.",
    )
    return Section(heading="Growth against growth", anchor="contrasts", tables=(table,))


def _standing(shapes: Shapes, file: TableFile) -> list[Section]:
    if shapes.standing.empty or file.network is None:
        return []
    name = "-".join(f"{width:g}" for width in file.network)
    frame = pd.DataFrame(
        [
            {
                "outcome": row["outcome"],
                "reached": f"{row['value']:.2f}",
                "place": f"{row['better'] + 1} of {row['n'] + 1}",
                "the best of them": row["best"],
                "which reached": f"{row['best_value']:.2f}",
                "and grows": f"{row['best_growth']:.2f}",
            }
            for row in shapes.standing.to_dict("records")
        ]
    )
    assert file.match is not None
    table = Table(
        caption=f"{name} among all networks within {file.match.tolerance:.0%} of its "
        f"{meant(file.match.budget)}",
        frame=frame,
        note="As they are, with no model. The best of many is lucky, too.",
    )
    return [Section(heading=f"Where {name} stands", anchor="standing", tables=(table,))]


def _fits(shapes: Shapes, unit: str) -> Section:
    frame = pd.DataFrame(
        [
            {
                "outcome": row["outcome"],
                "networks": f"{row['n']:,}",
                "error": f"{row['error']:.2f}",
                "R2": f"{row['r2']:.3f}",
                "deviation": f"{row['deviation']:.2f}",
            }
            for row in shapes.fits.to_dict("records")
        ]
    )
    table = Table(
        caption="How well the surface tells a network that it has not seen",
        frame=frame,
        note="Each network told from all others: root mean squared error"
        f"{f', {unit}' if unit else ''}, and the share of the variance that is told. Deviation: of "
        "single networks about the surface, as it was learnt.",
    )
    return Section(
        heading="The surface",
        anchor="surface",
        paragraphs=(
            "A Gaussian process over the logarithms of budget and growth, the widths' departures "
            "from even growth, and the covariates, each with a length of its own (Rasmussen and "
            "Williams 2006). Growths are read off it at even growth, at each budget, as far as "
            "networks lie around; the networks were drawn anew 400 times for the intervals.",
        ),
        tables=(table,),
    )


def source_section(file: TableFile, source: pd.DataFrame) -> Section:
    """What was read, and where it is from."""
    row = source.iloc[0]
    facts = {
        "file": row["file"],
        "SHA-256": row["sha256"],
        "rows": f"{row['rows']:,}; {row['meant']:,} meant, of which {row['failed']:,} failed",
        "measured by": file.source.cite or "not said",
        "licence": file.source.licence or "not said",
        "how to get it": file.source.get or "not said",
        "unit": file.columns.unit,
    }
    frame = pd.DataFrame({"what": list(facts), "value": list(map(str, facts.values()))})
    return Section(
        heading="The table", anchor="table", tables=(Table(caption="What was read", frame=frame),)
    )


def axis(file: TableFile) -> str:
    """What the outcomes are, for an axis."""
    unit = file.columns.unit
    if unit in ("higher", "lower"):
        return f"Outcome ({unit} is better)"
    return f"{unit.removesuffix(' %').capitalize()} (%)"


def markdown(shapes: Shapes) -> list[str]:
    """The best growths as a table in Markdown, its lines."""
    return [
        "| outcome | budget | best growth [95% interval] |",
        "| :-- | --: | --: |",
        *(
            f"| {row['outcome']} | {wording.si(row['at'])} | "
            f"{wording.interval_text(row['best'], row['low'], row['high'], '.2f')} |"
            for row in shapes.best.to_dict("records")
        ),
    ]
