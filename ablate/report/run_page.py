"""The findings of one run as a page: what was asked, what came out, how sure, what was fixed."""

import json
import shlex
from collections.abc import Sequence
from typing import Any

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.findings import Findings
from ablate.analysis.growth import NEAR, GrowthFit
from ablate.report import design_sections, look_sections, run_sections, search_sections
from ablate.report.html.page import Page, Picture, Section, Table
from ablate.search.explored import Explored
from ablate.statistics.intervals import POWER


def page_of(found: Findings, pictures: Sequence[Picture], explored: Explored | None = None) -> Page:
    """The page of a run.

    Args:
        found: its findings.
        pictures: its figures, in reading order.
        explored: what was found before, where its arms are the finalists of a search.
    """
    first = found.trials.iloc[0]
    sections = [
        _arms(found),
        *design_sections.spaces(found),
        *_hypotheses(found),
        *look_sections.sections(found),
        *(search_sections.sections(explored) if explored else []),
        Section(heading="Figures", pictures=tuple(pictures)),
        *_axes(found),
        *design_sections.rates(found),
        run_sections.networks(found.trials)
        if found.file.sample is None
        else design_sections.sampled_networks(found.trials),
        run_sections.fixed(found),
        run_sections.lost_trials(found.trials),
        run_sections.machine(found.trials),
        Section(heading="Reproduce", code=command(found)),
    ]
    return Page(
        title=f"{first['study']} on {first['dataset']}",
        question=found.file.question,
        answer=found.answer,
        sections=tuple(sections),
        footer="Made by ablate from trials.csv, epochs.csv, stages.csv, manifest.json and "
        "study.toml alone.",
    )


def command(found: Findings) -> str:
    """The command that runs the same trials again."""
    trials, first = found.trials, found.trials.iloc[0]
    dataset = str(first["dataset"])
    words = ["ablate", "run", "--study", str(first["study"])]
    if dataset.startswith("folder:"):
        words += ["--dataset", "folder:PATH"]
    elif dataset != "digits":
        words += ["--dataset", dataset, "--download"]
    trained = trials.groupby("cell")["seed"].nunique().max()
    seeds = trained if found.looks is None else found.looks.planned[-1]
    words += ["--seeds", str(seeds), "--epochs", str(first["epochs"])]
    subset = json.loads(first["spec"]).get("data", {}).get("subset", 1.0)
    if subset != 1.0:
        words += ["--subset", f"{subset:g}"]
    words += ["--layout", str(first["memory_format"])]
    if found.mechanism is not None and not found.file.mechanism:
        words.append("--mechanism")
    return shlex.join(words)


def _arms(found: Findings) -> Section:
    level = found.summary.level_name
    tables = [
        Table(
            caption="Accuracy and cost of each arm",
            frame=wording.display(found.summary),
            note="\n".join(wording.legend(found.summary)),
        )
    ]
    compared = found.summary.table[found.summary.table["finding"] != "baseline"]
    if not compared.empty:
        tables.append(
            Table(
                caption=f"Each arm against {found.file.baseline}, paired by {found.unit}",
                frame=_comparisons(compared),
                note="g: Hedges' g, the mean difference over the deviation of differences; p: of "
                "the sign-flip test; TOST: of two one-sided tests that the difference is beyond "
                f"{100 * found.file.margin:g} points. Would show: the difference, in points, that "
                f"so many pairs show with {POWER:.0%} probability. Pairs needed: to show "
                f"{100 * found.file.margin:g} points so.",
            )
        )
    return Section(heading=f"The arms, with {level} intervals", tables=tuple(tables))


def _comparisons(compared: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for row in compared.to_dict("records"):
        rows.append(
            {
                "arm": row["cell"],
                "pairs": row["pairs"],
                "difference, points": wording.interval_text(
                    100 * row["diff"], 100 * row["diff_low"], 100 * row["diff_high"], "+z.2f"
                ),
                "g": _number(row["effect"], ".2f"),
                "p": _number(row["p"], ".2g"),
                "p, TOST": _number(row["p_equal"], ".2g"),
                "would show": _number(100 * row["detectable"], ".2f"),
                "pairs needed": _number(row["pairs_needed"], ".0f"),
                "finding": row["finding"],
            }
        )
    return pd.DataFrame(rows)


def _number(value: Any, form: str) -> str:
    return "-" if pd.isna(value) else f"{value:{form}}"


def _hypotheses(found: Findings) -> list[Section]:
    if found.hypotheses.empty:
        return []
    frame = pd.DataFrame(
        {
            "prediction": found.hypotheses["says"],
            "verdict": found.hypotheses["verdict"],
            "numbers": found.hypotheses["sentence"],
            "rows": found.hypotheses["rows"],
        }
    )
    several = "corrected together (Holm; intervals Bonferroni)" if len(frame) > 1 else "by itself"
    note = (
        "Supported, refuted, equivalent (the difference is within the margin) or inconclusive; "
        f"{several}."
    )
    table = Table(
        caption="Predictions of the study file and their verdicts", frame=frame, note=note
    )
    return [Section(heading="What was predicted", tables=(table,))]


def _axes(found: Findings) -> list[Section]:
    """Tables of what a growth study or a factorial study adds."""
    tables = []
    if found.fits:
        tables.append(
            Table(
                caption="The growth at which the fitted accuracy is highest",
                frame=pd.DataFrame([_fit_row(fit) for fit in found.fits]),
                note="A polynomial in log2 of growth through the means of the arms; intervals "
                "resample seeds and leave out an arm. p of best: that the curve is level there, by "
                "a sign-flip test of its slopes, one a seed, whichever arm is left out. p of both "
                f"sides: that the arm there is no better than the next ones beyond a factor of "
                f"{NEAR:g} on either side.",
            )
        )
    if not found.anova.empty:
        tables.append(
            Table(
                caption="Analysis of variance, seeds as blocks",
                frame=pd.DataFrame(
                    {
                        "effect": found.anova["effect"],
                        "F": [_number(f, ".2f") for f in found.anova["f"]],
                        "degrees of freedom": [
                            f"{df:.0f}, {left:.0f}"
                            for df, left in zip(
                                found.anova["df"], found.anova["df_residual"], strict=True
                            )
                        ],
                        "p": [_number(p, ".2g") for p in found.anova["p"]],
                        "partial eta squared": [
                            _number(share, ".2f") for share in found.anova["partial_eta2"]
                        ],
                        "trials": found.anova["n"].astype(int),
                    }
                ),
                note="Type II sums of squares.",
            )
        )
    return [Section(heading="Over the axes", tables=tuple(tables))] if tables else []


def _fit_row(fit: GrowthFit) -> dict[str, str]:
    return {
        "held equal": wording.MEASURES[fit.match] if fit.match else "nothing",
        "group": fit.group or "all",
        "best growth": wording.interval_text(fit.best.mean, fit.best.low, fit.best.high, ".2f"),
        "at the edge": "yes" if fit.edge else "no",
        f"given away at {fit.at:g}, points": wording.interval_text(
            100 * fit.lost.mean, 100 * fit.lost.low, 100 * fit.lost.high, ".2f"
        ),
        "seeds": str(fit.seeds),
        "degree": str(fit.degree),
        "p of misfit": _number(fit.misfit_p, ".2g"),
        f"p of best = {fit.at:g}": _number(fit.p_at, ".2g"),
        "p of both sides": _number(fit.sides_p, ".2g"),
    }
