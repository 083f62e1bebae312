"""A page with the tables and figures of a real run, for the tests that read or open it."""

import json
from dataclasses import replace
from typing import Any

import html5lib
import pandas as pd

from ablate.report.html.page import Answer, Link, Page, Picture, Section, Statement, Table
from support.remade import remade

SVG = "{http://www.w3.org/2000/svg}"

RUN = remade("width_doubling")

SUMMARY = pd.DataFrame(
    {
        "arm": ["constant", "doubling", "tripling", "quadrupling"],
        "n": [10, 10, 10, 0],
        "test accuracy %": ["95.3 [94.6, 95.9]", "97.5 [97.1, 98.0]", "97.5 [97.2, 97.9]", "-"],
        "difference, points": ["-2.3 [-3.2, -1.3]", "-", "+0.0 [-0.8, +0.8]", "-"],
        "verdict": ["lower", "baseline", "inconclusive", "too few seeds"],
        "params": ["1.97k", "11.3k", "45.2k", "2.1M"],
        "MACs": ["51k", "105k", "267k", "1.25M"],
        "images/s": ["47.2k (1.1k)", "45k (796)", "39.4k (667)", "9.8k (41)"],
    }
)
STATEMENTS = (
    Statement(
        mark="supported",
        text="Doubling has a higher test accuracy than constant width.",
        sentence="It is 2.3 points higher.",
        numbers="doubling minus constant: 2.3 points (95% interval 1.6 to 2.9, p < 0.001; n = 10)",
    ),
    Statement(mark="refuted", text="Tripling has a higher test accuracy than doubling."),
    Statement(mark="equivalent", text="Tripling is within 1 point of doubling."),
    Statement(
        mark="open",
        text="Quadrupling has a higher test accuracy than tripling, at whatever width the first "
        "stage has, since later stages see smaller maps and so can be wider at the same cost.",
        sentence="There are no seeds of it.",
    ),
)
FIGURES = {
    "accuracy": ("Test accuracy of each seed, and the difference from doubling", "trials.csv"),
    "stage_shares": ("What share of its cost each network spends where", "stages.csv"),
    "stage_costs": ("Where each network spends", "stages.csv"),
    "curves": ("Learning curves", "epochs.csv"),
}


def picture(name: str) -> Picture:
    """A figure of the run."""
    title, data = FIGURES[name]
    alt = f"{title}; the table above has the numbers."
    svg = (RUN / f"{name}.svg").read_text(encoding="utf-8")
    csv = (RUN / f"{name}.csv").read_text(encoding="utf-8")
    return Picture(name=name, title=title, alt=alt, svg=svg, data=data, csv=csv)


def answer(**others: Any) -> Answer:
    """An answer of one sentence, and what else it is to have."""
    return Answer(word="no", label="No", sentence="It does not.", **others)


def versions() -> Table:
    """What made the run, from its first row."""
    first = pd.read_csv(RUN / "trials.csv").iloc[0]
    rows = [
        ("device", first["device"]),
        *json.loads(first["versions"]).items(),
        ("commit", first["commit"]),
        ("started", first["started"]),
    ]
    frame = pd.DataFrame(rows, columns=["what", "version"])
    return Table(caption="What the run was made with", frame=frame)


def example() -> Page:
    """All that a report holds: six figures, two tables, four statements, a command."""
    figures = [picture(name) for name in FIGURES]
    again = [replace(figures[1], name="growth"), replace(figures[2], name="gradients")]
    return Page(
        title="width_doubling on digits",
        question="Why double the width when the feature map halves: does doubling beat keeping "
        "the width constant, and does tripling beat doubling?",
        answer=Answer(
            word="open",
            label="Yes and no",
            sentence="Doubling beat constant width by 2.3 points; tripling and it were equal.",
            numbers="2.3 points [1.3, 3.2], 10 seeds",
            caveat="The arms differ in compute: doubling has twice the MACs of constant width.",
            settle="To settle it: 38 seeds an arm, an hour, to tell half a point.",
            picture=figures[0],
        ),
        sections=(
            Section(
                heading="What was predicted",
                anchor="predictions",
                paragraphs=("Each was written in the study file before the run.",),
                statements=STATEMENTS,
            ),
            Section(
                heading="Accuracy",
                anchor="accuracy",
                paragraphs=("Every arm was trained with the same recipe and the same ten seeds.",),
                tables=(
                    Table(
                        caption="Accuracy and cost of each arm",
                        frame=SUMMARY,
                        note="[95% intervals of the mean; differences paired by seed, Bonferroni "
                        "over all arms]\nMACs of convolutions and linear layers for one image; "
                        "images/s of inference, median and interquartile range",
                    ),
                ),
                pictures=(figures[1],),
            ),
            Section(heading="Mechanism", anchor="mechanism", pictures=tuple(again)),
            Section(heading="Cost and training", anchor="cost", pictures=tuple(figures[2:])),
            Section(
                heading="How to run it again",
                anchor="reproduce",
                tables=(versions(),),
                code="ablate run studies/width_doubling.toml --dataset digits --out results "
                "--workers 2 --trials-per-worker 15",
            ),
        ),
        footer="30 trials of 20 epochs on cpu: Intel(R) Xeon(R) Processor.\n"
        "All numbers follow from trials.csv, epochs.csv and stages.csv beside this page.",
        links=(
            Link(rel="index", label="All studies", href="../../index.html"),
            Link(rel="prev", label="head_width", href="../../head_width/digits/report.html"),
            Link(rel="next", label="width_tuned", href="../../width_tuned/digits/report.html"),
        ),
    )


def parsed(source: str) -> Any:
    """The document, if it has no error at all."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return parser.parse(source)


def text_of(element: Any) -> str:
    return "".join(element.itertext())


def figures_of(document: Any) -> list[Any]:
    """The drawings of a page, as elements; marks of verdicts are none."""
    return [svg for svg in document.iter(f"{SVG}svg") if svg.attrib.get("role") == "img"]


def ids(document: Any) -> list[str]:
    return [element.attrib["id"] for element in document.iter() if "id" in element.attrib]


def drawing(body: str, attributes: str = "") -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 9 9"{attributes}>{body}</svg>'
    )
