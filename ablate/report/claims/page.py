"""What became of each claim, as plain text, Markdown, a page and files."""

import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from ablate.analysis.wording import aligned
from ablate.files import write_text
from ablate.report.claims.figure import GROWTHS, growth_table, macs_by_growth
from ablate.report.claims.found import (
    Found,
    answer,
    checks_table,
    claims_table,
    grouped,
    linked_table,
    networks_table,
)
from ablate.report.claims.verdict import Linked, Observed
from ablate.report.figures.style import Drawing, picture, save
from ablate.report.html.page import Page, Picture, Section, Table, render
from ablate.results import csv as results_csv
from ablate.results.names import MARKDOWN, REPORT

CLAIMS, CHECKS, NETWORKS, LINKED = "claims.csv", "checks.csv", "networks.csv", "linked.csv"
RESULTS = Path("results")
LINE = 96  # characters of plain text
WHY = (
    "He et al. 2015 (arXiv 1512.03385, section 3.3) double the filters where the side of the "
    "feature map halves, so that each layer keeps its time complexity. Growth r multiplies the "
    "MACs of a 3x3 layer there by r^2/4, its parameters by r^2, its activations by r/4: 2 keeps "
    "the MACs. A stage's first layer reads the stage before, of another width: a whole stage "
    "departs from that."
)
ARTICLE = (
    "The article's network: 3x3 stem of 16, three stages of 2 basic blocks with strides 1, 2, 2, "
    "projection shortcuts, images of 32x32."
)
COUNTED = "Each from the first stage to the last, for one image. Counted, so exact: no interval."


def write(found: Found) -> Path:
    """Write tables, figure, summary and report, and return the report's path."""
    folder = found.out / found.name / "torchvision"
    results_csv.write(claims_table(found), folder / CLAIMS)
    results_csv.write(checks_table(found), folder / CHECKS)
    results_csv.write(networks_table(found), folder / NETWORKS)
    results_csv.write(linked_table(found), folder / LINKED)
    drawing = macs_by_growth(GROWTHS)
    save(drawing, folder)
    write_text(folder / MARKDOWN, markdown(found))
    write_text(folder / REPORT, render(page_of(found, drawing, picture(drawing, folder))))
    return folder / REPORT


def plain(found: Found) -> str:
    """Each claim, its verdict, why, and what is right instead, as plain text."""
    lines = []
    for number, one in enumerate(found.judged, start=1):
        lines += [f"{number}. {one.name}: {one.verdict}", *_wrapped("Claim: ", one.claim.text)]
        for kind, seen in grouped(one.checks):
            lines += _wrapped("Check: ", _check_text(kind, seen))
        for link in one.links:
            lines += _wrapped("Study: ", _link_text(link, found.out))
        lines += _wrapped("Right: ", one.claim.instead)
        for kind, seen in grouped(one.corrections):
            lines += _wrapped("       ", _check_text(kind, seen))
        lines.append("")
    table = growth_table(macs_by_growth(GROWTHS).data)
    rows = aligned([list(table.columns), *table.to_numpy().tolist()], table.columns[:1])
    why = ["Why double", *_wrapped("", WHY), *_wrapped("", f"{ARTICLE} {COUNTED}")]
    return "\n".join([*lines, *why, *(f"   {row}" for row in rows), "", answer(found)])


def markdown(found: Found) -> str:
    """The findings as Markdown, for a pull request."""
    parts = [f"# {found.name}", found.question, answer(found)]
    for number, one in enumerate(found.judged, start=1):
        lines = [f"- Verdict: **{one.verdict}**"]
        lines += [f"- Check: {_check_text(kind, seen)}" for kind, seen in grouped(one.checks)]
        lines += [f"- Study: {_link_text(link, found.out)}" for link in one.links]
        lines.append(f"- Right: {one.claim.instead}")
        lines += [f"  - {_check_text(kind, seen)}" for kind, seen in grouped(one.corrections)]
        parts += [f"## {number}. {one.claim.text}", "\n".join(lines)]
    table = growth_table(macs_by_growth(GROWTHS).data)
    rows = [list(table.columns), [":--", *["--:"] * len(GROWTHS)], *table.to_numpy().tolist()]
    parts += ["## Why double", WHY, f"{ARTICLE} {COUNTED}"]
    parts.append("\n".join(f"| {' | '.join(row)} |" for row in rows))
    return "\n\n".join(parts) + "\n"


def _wrapped(label: str, text: str) -> list[str]:
    indent = "   "
    return textwrap.wrap(
        text,
        LINE,
        initial_indent=indent + label,
        subsequent_indent=indent + " " * len(label),
        break_on_hyphens=False,
        break_long_words=False,
    )


def _check_text(kind: str, seen: Observed) -> str:
    if kind == "source":
        agrees = "agrees" if seen.holds else "does not agree"
        return f"{seen.observed} ({agrees}; read, not computed)"
    holds = "holds" if seen.holds else "does not hold"
    return f"{seen.network}: expected {seen.claimed}; found {seen.observed} ({holds})"


def _link_text(link: Linked, out: Path) -> str:
    name = f"{link.study}.{link.hypothesis} (speaks {link.role} it where it holds)"
    if not link.dataset:
        return f"{name}: not run yet: {command(link.study, out)}"
    return f"{name}, {link.dataset}: {link.verdict}. {link.sentence}"


def command(study: str, out: Path) -> str:
    """The command that runs a study, or checks claims."""
    words = ["ablate", "run", "--study", study]
    return shlex.join(words + ([] if out == RESULTS else ["--out", str(out)]))


def page_of(found: Found, drawing: Drawing, shown: Picture) -> Page:
    """The page of the claims.

    Args:
        found: all that was found.
        drawing: of `figure.macs_by_growth`.
        shown: the same for a page.
    """
    return Page(
        title=f"{found.name}, checked on torchvision",
        question=found.question,
        answer=answer(found),
        sections=tuple(_sections(found, drawing, shown)),
        footer="Widths are read off torchvision's modules, sides off a forward pass of shapes "
        "alone; no weights are needed.",
    )


def _sections(found: Found, drawing: Drawing, shown: Picture) -> Iterator[Section]:
    verdicts = pd.DataFrame(
        {
            "claim": [f"{number}. {one.claim.text}" for number, one in enumerate(found.judged, 1)],
            "verdict": [one.verdict for one in found.judged],
            "what is right": [one.claim.instead for one in found.judged],
        }
    )
    yield Section(
        heading="The claims", tables=(Table(caption="Claims and verdicts", frame=verdicts),)
    )
    if any(one.checks or one.corrections for one in found.judged):
        yield Section(heading="What was checked", tables=(_checks(found),))
    if any(one.links for one in found.judged):
        yield Section(heading="What studies say", tables=(_links(found),))
    yield Section(
        heading="Why double: what each stage costs",
        paragraphs=(WHY, ARTICLE),
        tables=(
            Table(
                caption="Costs by growth, stage by stage",
                frame=growth_table(drawing.data),
                note=COUNTED,
            ),
        ),
        pictures=(shown,),
    )
    if found.facts:
        yield Section(heading="The networks", tables=(_networks(found),))
    yield Section(heading="Reproduce", code=command(found.wanted, found.out))


def _checks(found: Found) -> Table:
    rows = [
        {
            "claim": str(number),
            "about": about,
            "network": seen.network or "none: a source, read by a person",
            "expected": seen.claimed,
            "found": seen.observed,
            "holds": "yes" if seen.holds else "no",
        }
        for number, one in enumerate(found.judged, start=1)
        for about, checks in (("claim", one.checks), ("what is right", one.corrections))
        for _, seen in grouped(checks)
    ]
    return Table(
        caption="What was expected of each network, and what was found",
        frame=pd.DataFrame(rows),
        note="Planes by stage, or as the row says. One row a network: checks.csv.",
    )


def _links(found: Found) -> Table:
    frame = pd.DataFrame(
        [
            {
                "claim": str(number),
                "prediction": f"{link.study}.{link.hypothesis}",
                "speaks, if it holds": link.role,
                "dataset": link.dataset or "-",
                "verdict": link.verdict or "not run yet",
                "numbers": link.sentence or command(link.study, found.out),
            }
            for number, one in enumerate(found.judged, start=1)
            for link in one.links
        ]
    )
    return Table(caption="Predictions that the claims are linked to", frame=frame)


def _networks(found: Found) -> Table:
    table = networks_table(found).drop(columns="in_side")
    table["halved"] = ["yes" if halved else "no" for halved in table["halved"]]
    table.columns = table.columns.str.replace("_", " ")
    return Table(
        caption="torchvision's networks, stage by stage",
        frame=table,
        note="Widths in channels; out side in pixels, of an image of 224x224; halved against what "
        "the stage is given.",
    )
