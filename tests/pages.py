"""The generated parts of README and docs: `python tests/pages.py` writes them, a test compares."""

import re
from functools import cache
from pathlib import Path

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.across import comparison
from ablate.analysis.findings import Findings
from ablate.analysis.verdicts.verdict import verdict_of
from ablate.report import neighbours
from ablate.results import schema
from ablate.results.names import REPORT, TRIALS
from support.found import found_in

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").glob("*.md")))
PUBLISHED = ROOT / "results" / "published"


def rendered(text: str) -> str:
    """A page with every generated part made anew from the code and the committed tables."""
    text = _fill(text, r"<!-- columns -->", lambda _: columns())
    text = _fill(text, r"<!-- verdicts -->", lambda _: verdicts())
    text = _fill(text, r"<!-- table: (\S+) -->", lambda match: table(ROOT / match[1]))
    text = _fill(
        text, r"<!-- found: (\S+) (\S+) -->", lambda match: found(ROOT / match[1], match[2]), ""
    )
    return _fill(
        text,
        r"<!-- order: (\S+) (\S+) -->",
        lambda match: order(ROOT / match[1], ROOT / match[2]),
        "",
    )


def _found(folder: Path) -> Findings:
    return found_in(folder.relative_to(PUBLISHED).as_posix())


def columns() -> str:
    """The dictionary of the columns of the trials table."""
    rows = [f"| `{column.name}` | {column.about} |" for column in schema.COLUMNS]
    return "\n".join(["| column | what it holds |", "| --- | --- |", *rows])


def verdicts() -> str:
    """The verdict of every published run, in the order in which they are read."""
    rows = []
    for folder in neighbours.in_order(PUBLISHED):
        if not (folder / TRIALS).exists():  # claims
            continue
        verdict = verdict_of(_found(folder))
        page = (folder / REPORT).relative_to(ROOT).as_posix()
        cells = (
            f"[{folder.parent.name}]({page})",
            folder.name,
            f"**{verdict.label}.** {verdict.sentence}",
            verdict.effect,
            wording.plural(verdict.n, verdict.unit),
        )
        rows.append(f"| {' | '.join(cells)} |")
    head = [
        "| study | data set | verdict | effect, 95% intervals | n |",
        "| :-- | :-- | :-- | :-- | :-- |",
    ]
    return "\n".join([*head, *rows])


def table(folder: Path) -> str:
    """The summary of a committed run, from its trials."""
    return wording.markdown_table(_found(folder).summary)


@cache
def _hypotheses(folder: Path) -> pd.DataFrame:
    return _found(folder).hypotheses.set_index("name")


def found(folder: Path, name: str) -> str:
    """The numbers of one prediction of a committed run, for the middle of a sentence."""
    row = _hypotheses(folder).loc[name]
    if row["kind"] == "interaction":
        return f"{wording.p_text(row['p'])}, n = {row['n']}"
    scale, unit = (1, "") if row["kind"] == "optimum" else (100, " points")
    values = [scale * row[column] for column in ("estimate", "low", "high")]
    form = ".2f" if row["kind"] == "optimum" else "+z.1f"
    return f"{wording.interval_text(*values, form).replace(' [', f'{unit} [')}, n = {row['n']}"


def order(one: Path, other: Path) -> str:
    """How far two committed runs put their arms in one order."""
    runs = {str(folder): _found(folder) for folder in (one, other)}
    (row,) = comparison.order(runs).to_dict("records")
    limits = (row[name] for name in ("rank_correlation", "low", "high"))
    return f"{wording.interval_text(*limits, '.2f')}, n = {row['n']} and {row['n_other']}"


def _fill(text, start, make, line="\n"):
    """Fill what stands between a mark and the next end: on lines of its own, or within one."""
    return re.sub(
        rf"({start}{line}).*?(<!-- end -->)",
        lambda match: f"{match[1]}{make(re.match(start, match[1]))}{line}{match[match.lastindex]}",
        text,
        flags=re.DOTALL,
    )


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(rendered(path.read_text(encoding="utf-8")), encoding="utf-8")
