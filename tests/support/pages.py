"""A page with the tables and figures of a real run, for the tests that read or open it."""

import json
from dataclasses import replace

import pandas as pd

from ablate.report.html.page import Page, Picture, Section, Table
from support.remade import remade

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
HYPOTHESES = pd.DataFrame(
    {
        "hypothesis": ["doubling_beats_constant", "tripling_beats_doubling", "tripling_is_as_good"],
        "claim": [
            "doubling has a higher test accuracy than constant",
            "tripling has a higher test accuracy than doubling",
            "tripling is within 1 point of doubling",
        ],
        "difference, points": ["+2.3 [+1.6, +2.9]", "+0.0 [-0.5, +0.5]", "+0.0 [-0.5, +0.5]"],
        "p, Holm": ["<0.001", "0.87", "0.004"],
        "verdict": ["supported", "not supported", "supported"],
    }
)
FIGURES = {
    "accuracy": ("Test accuracy of each seed, and the difference from doubling", "trials.csv"),
    "pareto": ("Test accuracy against cost", "trials.csv"),
    "stage_costs": ("Where each network spends", "stages.csv"),
    "curves": ("Learning curves", "epochs.csv"),
}


def picture(name: str) -> Picture:
    """A figure of the run."""
    title, data = FIGURES[name]
    alt = f"{title}; the table above has the numbers."
    svg = (RUN / f"{name}.svg").read_text(encoding="utf-8")
    return Picture(name=name, title=title, alt=alt, svg=svg, data=data)


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
    """All that a report holds: six figures, three tables, a command."""
    figures = [picture(name) for name in FIGURES]
    again = [replace(figures[0], name="growth"), replace(figures[2], name="gradients")]
    return Page(
        title="width_doubling on digits",
        question="Why double the width when the feature map halves: does doubling beat keeping "
        "the width constant, and does tripling beat doubling?",
        answer="Against doubling (97.5%, 10 seeds), constant is 2.3 points lower (95% interval "
        "1.3 to 3.2, 10 pairs) and tripling is inconclusive at 0.0 points (95% interval -0.8 to "
        "0.8, 10 pairs). The 2 comparisons hold together at 95% (paired t, Bonferroni).",
        sections=(
            Section(
                heading="Accuracy",
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
                pictures=tuple(figures[:2]),
            ),
            Section(
                heading="Hypotheses",
                paragraphs=("Each was written in the study file before the run.",),
                tables=(Table(caption="Hypotheses, Holm over all three", frame=HYPOTHESES),),
            ),
            Section(heading="Mechanism", pictures=tuple(again)),
            Section(heading="Cost and training", pictures=tuple(figures[2:])),
            Section(
                heading="How to run it again",
                tables=(versions(),),
                code="ablate run studies/width_doubling.toml --dataset digits --out results "
                "--workers 2 --trials-per-worker 15",
            ),
        ),
        footer="30 trials of 20 epochs on cpu: Intel(R) Xeon(R) Processor.\n"
        "All numbers follow from trials.csv, epochs.csv and stages.csv beside this page.",
    )
