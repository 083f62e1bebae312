"""The files of a study of kind `table`: judged from the table, or written anew from what was found.

The table itself is not kept: what is found of it is, and all that is said follows from that.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.verdicts.answer import Verdict
from ablate.errors import InputError
from ablate.files import replacing_folder, write_text
from ablate.report.figures.drawing.sheet import Sheet
from ablate.report.figures.drawing.style import Drawing, picture, save
from ablate.report.html.page import Page, Picture, render
from ablate.report.tables import describe_page, power_page, shapes_page
from ablate.report.tables.describe_figure import numbers_by_group
from ablate.report.tables.kept import as_it_was
from ablate.report.tables.outcome import plain_text
from ablate.report.tables.power_figure import growth_by_group
from ablate.report.tables.shapes_figure import growth_at_budgets
from ablate.report.verdict_file import BETWEEN, one_row, prose
from ablate.results import names
from ablate.results.csv import read_table, write_table
from ablate.study.toml_file import Toml, read_toml
from ablate.tables import describe, describe_verdict, power, power_verdict, shape_verdict, shapes
from ablate.tables.describe import Described
from ablate.tables.file import TableFile, read_table_file
from ablate.tables.power import Powers
from ablate.tables.rows import Rows
from ablate.tables.shapes import Shapes

DIGITS = 9  # of the numbers: more are noise of the machine
POWERS, KINDS, GROUPS = "powers.csv", "kinds.csv", "groups.csv"
SHAPES = ("fits", "curves", "best", "contrasts", "standing")  # tables of a surface, by their names
Found = Shapes | Powers | Described


def write_study(folder: Path, toml: Toml, file: TableFile, rows: Rows, near: Rows) -> Verdict:
    """Judge a table, write what it shows, and return the answer.

    Args:
        folder: where the files go.
        toml: the study file; `file`, what it says.
        rows: that are meant; `near`, those of which bins are made, where growths are compared.
    """
    found = _found(file, rows, near)
    about = pd.DataFrame(
        [
            {
                "study": toml.path.stem,
                "file": rows.source.path.name,
                "sha256": rows.source.sha256,
                "rows": len(rows.source.frame),
                "meant": rows.meant,
                "failed": rows.failed,
                "left_out": "; ".join(found.few) if isinstance(found, Powers) else "",
            }
        ]
    )
    with replacing_folder(folder, names.SOURCE, names.REPORT) as new:
        write_table(about, new / names.SOURCE)
        write_text(new / names.STUDY, toml.text)
        if isinstance(found, Powers):
            write_table(found.table, new / POWERS, DIGITS)
            kinds = [(kind or "", networks) for kind, networks in found.networks.items()]
            write_table(pd.DataFrame(kinds, columns=["kind", "networks"]), new / KINDS)
        elif isinstance(found, Described):
            write_table(found.table, new / GROUPS, DIGITS)
        else:
            for name in SHAPES:
                write_table(getattr(found, name), new / f"{name}.csv", DIGITS)
        return write_said(new)


def _found(file: TableFile, rows: Rows, near: Rows) -> Found:
    """What the table shows."""
    if file.power is not None:
        return power.find_powers(file, rows)
    if file.describe is not None:
        return describe.describe(file, rows)
    return shapes.find_shapes(file, rows, near)


def is_study(folder: Path) -> bool:
    """Whether a folder holds what `write_study` writes."""
    return (folder / names.SOURCE).is_file() and (folder / names.STUDY).is_file()


def write_said(folder: Path) -> Verdict:
    """Write what follows from the tables in a folder: predictions, verdict, summary, figure, page.

    Raises:
        InputError: one of the tables is missing.
    """
    file = read_table_file(read_toml(folder / names.STUDY))
    about = _read(folder / names.SOURCE)
    row = about.iloc[0]
    sheet = Sheet(subject=f"{row['study']}: {Path(row['file']).stem}")
    if file.power is not None:
        told = _of_powers(folder, file, about, sheet)
    elif file.describe is not None:
        told = _of_groups(folder, file, about, sheet)
    else:
        told = _of_shapes(folder, file, about, sheet)
    verdict = told.verdict
    write_table(told.judged, folder / names.HYPOTHESES)
    write_table(
        _verdict_table(about, file, verdict, told.judged, told.facts), folder / names.VERDICT
    )
    write_text(folder / names.MARKDOWN, _markdown(about, file, told.lines, verdict))
    write_text(folder / names.REPORT, render(told.page))
    return verdict


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What is said of a table: what follows from its numbers, and how it reads."""

    judged: pd.DataFrame
    verdict: Verdict
    lines: list[str]
    facts: list[str]
    page: Page


def _of_powers(folder: Path, file: TableFile, about: pd.DataFrame, sheet: Sheet) -> _Told:
    row = about.iloc[0]
    table, kinds = _read(folder / POWERS, "group", "kind"), _read(folder / KINDS)
    left_out = "" if pd.isna(row["left_out"]) else str(row["left_out"])
    counts = zip(kinds["kind"].fillna(""), kinds["networks"], strict=True)
    powers = Powers(
        table=table,
        networks={str(kind) or None: int(networks) for kind, networks in counts},
        few=tuple(left_out.split("; ")) if left_out else (),
    )
    judged = power_verdict.judge(file, powers)
    verdict = power_verdict.verdict_of(file, powers, judged)
    assert file.power is not None
    pictures = [_saved(growth_by_group(powers, file.power, sheet), folder)]
    return _Told(
        judged=judged,
        verdict=verdict,
        lines=power_page.markdown(powers),
        facts=[f"{powers.networks[None]} networks, timed {int(table['rows'].sum())} times"],
        page=power_page.page_of(row["study"], file, about, powers, judged, verdict, pictures),
    )


def _of_groups(folder: Path, file: TableFile, about: pd.DataFrame, sheet: Sheet) -> _Told:
    found = Described(table=_read(folder / GROUPS, "outcome", "group", "why"))
    judged = describe_verdict.judge(file, found)
    verdict = describe_verdict.verdict_of(file, found, judged)
    pictures = [_saved(numbers_by_group(found, file, sheet), folder)]
    return _Told(
        judged=judged,
        verdict=verdict,
        lines=describe_page.markdown(found, file),
        facts=describe_page.facts(found),
        page=describe_page.page_of(
            about.iloc[0]["study"], file, about, found, judged, verdict, pictures
        ),
    )


def _of_shapes(folder: Path, file: TableFile, about: pd.DataFrame, sheet: Sheet) -> _Told:
    found = Shapes(**{name: _read(folder / f"{name}.csv") for name in SHAPES})
    judged = shape_verdict.judge(file, found)
    verdict = shape_verdict.verdict_of(file, found, judged)
    assert file.match is not None
    budget, asked = shape_verdict.meant(file.match.budget), float(found.best["growth"].iloc[0])
    drawing = growth_at_budgets(found, budget, shapes_page.axis(file), asked, sheet)
    pictures = [_saved(drawing, folder)]
    return _Told(
        judged=judged,
        verdict=verdict,
        lines=shapes_page.markdown(found),
        facts=[f"{wording.plural(found.n, 'network')}, each trained once"],
        page=shapes_page.page_of(
            about.iloc[0]["study"], file, about, found, judged, verdict, pictures
        ),
    )


def _read(path: Path, *text: str) -> pd.DataFrame:
    """A table; the columns that are named are text, whatever stands in them."""
    try:
        table = read_table(path)
        if text:
            words = pd.read_csv(path, dtype="str", keep_default_na=False, usecols=list(text))
            table = table.assign(**{name: [*map(as_it_was, words[name])] for name in text})
        return table
    except FileNotFoundError as error:
        raise InputError(f"{path}: missing; judge the table anew with ablate run") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error


def _saved(drawing: Drawing, folder: Path) -> Picture:
    with plain_text():
        save(drawing, folder)
    return picture(drawing, folder)


def _verdict_table(
    about: pd.DataFrame, file: TableFile, verdict: Verdict, judged: pd.DataFrame, facts: list[str]
) -> pd.DataFrame:
    row = about.iloc[0]
    if row["failed"]:
        facts = [*facts, f"{row['failed']} more failed"]
    if not judged.empty:
        counts = judged["verdict"].value_counts()
        each = ", ".join(f"{counts[name]} {name}" for name in sorted(counts.index))
        facts = [*facts, f"predictions: {each}"]
    return one_row(
        study=row["study"],
        dataset=Path(row["file"]).stem,
        question=" ".join(file.question.split()),
        word=verdict.word,
        label=verdict.label,
        sentence=verdict.sentence,
        effect=verdict.effect,
        n=str(verdict.n),
        caveat=verdict.caveat,
        settle=verdict.settle,
        facts=BETWEEN.join([*facts, f"table of SHA-256 {row['sha256'][:12]}"]),
    )


def _markdown(about: pd.DataFrame, file: TableFile, lines: list[str], verdict: Verdict) -> str:
    """Question, verdict and the main table as Markdown."""
    row = about.iloc[0]
    parts = [
        f"# {row['study']} on {row['file']}",
        prose(" ".join(file.question.split())),
        f"**{verdict.label}:** {prose(verdict.sentence)}",
        *map(prose, verdict.lines()[1:]),
        "\n".join(lines),
        f"Measured by: {prose(file.source.cite or 'not said')}. Intervals are over networks, not "
        "over seeds.\n",
    ]
    return "\n\n".join(parts)
