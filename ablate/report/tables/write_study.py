"""The files of a study of kind `table`: judged from the table, or written anew from what was found.

The table itself is not kept: what is found of it is, and all that is said follows from that.
"""

from pathlib import Path

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.verdicts.verdict import Verdict
from ablate.errors import InputError
from ablate.files import replacing_folder, write_text
from ablate.report.figures.drawing.sheet import Sheet
from ablate.report.figures.drawing.style import Drawing, picture, save
from ablate.report.html.page import Page, Picture, render
from ablate.report.summary_file import BETWEEN, one_row, prose
from ablate.report.tables import power_page, shapes_page
from ablate.report.tables.power_figure import growth_by_group
from ablate.report.tables.shapes_figure import growth_at_budgets
from ablate.results import names
from ablate.results.csv import read_table, write_table
from ablate.study.toml_file import Toml, read_toml
from ablate.tables import power, power_verdict, shape_verdict, shapes
from ablate.tables.file import TableFile, read_table_file
from ablate.tables.power import Powers
from ablate.tables.rows import Rows
from ablate.tables.shapes import Shapes

DIGITS = 9  # of the numbers: more are noise of the machine
POWERS, KINDS = "powers.csv", "kinds.csv"
SHAPES = ("fits", "curves", "best", "contrasts", "standing")  # tables of a surface, by their names
Found = Shapes | Powers


def write_study(folder: Path, toml: Toml, file: TableFile, rows: Rows, near: Rows) -> Verdict:
    """Judge a table, write what it shows, and return the answer.

    Args:
        folder: where the files go.
        toml: the study file; `file`, what it says.
        rows: that are meant; `near`, those of which bins are made, where growths are compared.
    """
    found: Found = (
        power.find_powers(file, rows)
        if file.power is not None
        else shapes.find_shapes(file, rows, near)
    )
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
        else:
            for name in SHAPES:
                write_table(getattr(found, name), new / f"{name}.csv", DIGITS)
        return write_said(new)


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
        table, kinds = _read(folder / POWERS), _read(folder / KINDS)
        for column in ("group", "kind"):
            table[column] = table[column].fillna("").astype(str)
        left_out = "" if pd.isna(row["left_out"]) else str(row["left_out"])
        counts = zip(kinds["kind"].fillna(""), kinds["networks"], strict=True)
        powers = Powers(
            table=table,
            networks={str(kind) or None: int(networks) for kind, networks in counts},
            few=tuple(left_out.split("; ")) if left_out else (),
        )
        judged = power_verdict.judge(file, powers)
        verdict = power_verdict.verdict_of(file, powers, judged)
        drawing = growth_by_group(powers, file.power, sheet)
        lines = power_page.markdown(powers)
        facts = [f"{powers.networks[None]} networks, timed {int(table['rows'].sum())} times"]
        page: Page = power_page.page_of(
            row["study"], file, about, powers, judged, verdict, [_saved(drawing, folder)]
        )
    else:
        found = Shapes(**{name: _read(folder / f"{name}.csv") for name in SHAPES})
        judged = shape_verdict.judge(file, found)
        verdict = shape_verdict.verdict_of(file, found, judged)
        assert file.match is not None
        budget, asked = shape_verdict.meant(file.match.budget), float(found.best["growth"].iloc[0])
        drawing = growth_at_budgets(found, budget, shapes_page.axis(file), asked, sheet)
        lines = shapes_page.markdown(found)
        facts = [f"{wording.plural(found.n, 'network')}, each trained once"]
        page = shapes_page.page_of(
            row["study"], file, about, found, judged, verdict, [_saved(drawing, folder)]
        )
    write_table(judged, folder / names.HYPOTHESES)
    write_table(_verdict_table(about, file, verdict, judged, facts), folder / names.VERDICT)
    write_text(folder / names.MARKDOWN, _markdown(about, file, lines, verdict))
    write_text(folder / names.REPORT, render(page))
    return verdict


def _read(path: Path) -> pd.DataFrame:
    try:
        return read_table(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: missing; judge the table anew with ablate run") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error


def _saved(drawing: Drawing, folder: Path) -> Picture:
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
